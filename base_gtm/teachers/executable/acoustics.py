"""Sound: its speed, levels, rooms, strings, and what noise does to workers."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import (
    Like,
    Part,
    Refused,
    Result,
    Wrong,
    magnitude,
    number,
    pick,
    several,
    tool,
    whole,
)

_GAS_CONSTANT = 8.314462618
_ABSOLUTE_ZERO = -273.15
_GASES = {
    "air": (1.400, 28.9652),
    "nitrogen": (1.400, 28.0134),
    "oxygen": (1.397, 31.9988),
    "carbon dioxide": (1.300, 44.0095),
    "hydrogen": (1.410, 2.01588),
    "helium": (1.667, 4.002602),
    "neon": (1.667, 20.1797),
    "argon": (1.667, 39.948),
    "methane": (1.310, 16.0425),
    "sulfur hexafluoride": (1.094, 146.055),
}
"""Ratio of specific heats, molar mass in g/mol."""

Decibels = Annotated[float, Field(ge=-20, le=200, description="Sound level in dB")]


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


def _speed(gas: str, celsius: float) -> float:
    ratio, molar_mass = _GASES[gas]
    return math.sqrt(ratio * _GAS_CONSTANT * (celsius - _ABSOLUTE_ZERO) / (molar_mass / 1000))


class SoundSpeed(Result):
    speed: float = Field(description="Speed of sound in m/s")
    speed_km_h: float = Field(description="The same in km/h")
    wavelength_m: float = Field(description="Wavelength of the frequency given in m")
    travel_ms_per_m: float = Field(description="Time for a metre in ms")


@tool(
    "Acoustics",
    "Propagation",
    "How fast is sound in air at {temperature_c} °C?",
    "Speed of sound in {gas} at {temperature_c} degrees Celsius?",
    "I need the wavelength of {frequency_hz} Hz in {gas} at {temperature_c} °C.",
)
def sound_speed_in_gas(
    temperature_c: Annotated[float, Field(ge=-100, le=1000, description="Temperature in °C"), Like(whole(-30, 45))],
    gas: Annotated[
        str,
        Field(min_length=3, max_length=30, description="Name of the gas, such as air or helium"),
        Like(pick(*_GASES), 0.6),
        Wrong(pick("water", "steel", "phlogiston", "concrete", "ether wind")),
    ] = "air",
    frequency_hz: Annotated[
        float, Field(ge=0.1, le=1e7, description="Frequency in Hz"), Like(pick(50, 125, 440, 500, 2000, 8000), 0.4)
    ] = 1000,
) -> SoundSpeed:
    """Speed of sound in a dry ideal gas, and the wavelength of a tone in it."""
    name = gas.strip().lower()
    if name not in _GASES:
        raise Refused(f"parameter 'gas': '{gas}' is not among the gases on record; give one of {', '.join(_GASES)}")
    speed = _speed(name, temperature_c)
    return SoundSpeed(
        speed=round(speed, 2),
        speed_km_h=round(3.6 * speed, 1),
        wavelength_m=_figures(speed / frequency_hz),
        travel_ms_per_m=_figures(1000 / speed),
    )


class Shifted(Result):
    heard_hz: float = Field(description="Frequency that the listener hears in Hz")
    ratio: float = Field(description="Heard over sent frequency")
    semitones: float = Field(description="The shift as a musical interval; negative is lower")
    sound_speed: float = Field(description="Speed of sound in air that was used in m/s")


@tool(
    "Acoustics",
    "Propagation",
    "A siren of {source_hz} Hz moves at {source_speed} m/s, positive being towards me. What do I hear?",
    "Doppler: source {source_hz} Hz approaching at {source_speed} m/s, listener moving towards it at {listener_speed} "
    "m/s.",
    "{source_hz} Hz, source at {source_speed} m/s and listener at {listener_speed} m/s towards each other, air at "
    "{air_c} °C. Frequency heard?",
)
def acoustic_doppler_shift(
    source_hz: Annotated[
        float,
        Field(ge=1, le=1e6, description="Frequency that is sent in Hz"),
        Like(pick(150, 300, 440, 512, 700, 1000)),
    ],
    source_speed: Annotated[
        float,
        Field(ge=-1000, le=1000, description="Speed of the source towards the listener in m/s; negative is away"),
        Like(number(-60, 70, 1)),
        Wrong(whole(400, 1000, 10)),
    ],
    listener_speed: Annotated[
        float,
        Field(ge=-1000, le=1000, description="Speed of the listener towards the source in m/s; negative is away"),
        Like(number(-40, 40, 1)),
    ] = 0,
    air_c: Annotated[
        float, Field(ge=-50, le=60, description="Temperature of the air in °C"), Like(whole(-10, 35), 0.3)
    ] = 20,
) -> Shifted:
    """Doppler shift of sound in still air for source and listener on one line, both slower than sound."""
    speed = _speed("air", air_c)
    if source_speed >= 0.999 * speed:
        raise Refused(
            f"parameter 'source_speed': {source_speed:g} m/s reaches the speed of sound ({speed:.1f} m/s), where no "
            f"tone runs ahead of the source; give less than {0.999 * speed:.1f}"
        )
    if listener_speed <= -0.999 * speed:
        raise Refused(
            f"parameter 'listener_speed': at {listener_speed:g} m/s the listener outruns the sound ({speed:.1f} m/s) "
            f"and hears nothing; give more than {-0.999 * speed:.1f}"
        )
    ratio = (speed + listener_speed) / (speed - source_speed)
    return Shifted(
        heard_hz=_figures(source_hz * ratio),
        ratio=_figures(ratio),
        semitones=round(12 * math.log2(ratio), 3) + 0.0,
        sound_speed=round(speed, 2),
    )


class Combined(Result):
    total_db: float = Field(description="Level of all together in dB")
    loudest_db: float = Field(description="Level of the loudest alone in dB")
    rise_db: float = Field(description="How much the others add to the loudest in dB")
    equal_sources: float = Field(description="How many sources as loud as the loudest give the total")


@tool(
    "Acoustics",
    "Sound levels",
    "Machines of {levels_db} dB run at the same time. How loud is it?",
    "Add up {levels_db} dB.",
    "Sum these levels in decibels: {levels_db} (sources in phase: {in_phase}).",
)
def combine_decibel_levels(
    levels_db: Annotated[
        list[Decibels],
        Field(min_length=2, max_length=30, description="Levels at the same place in dB"),
        Like(several(whole(55, 95), 2, 6)),
    ],
    in_phase: Annotated[
        bool,
        Field(description="Whether the sources send the same signal in phase, so that pressures add"),
        Like(pick(True, False)),
    ] = False,
) -> Combined:
    """Total level of several sound sources: powers add for independent sources, pressures for sources in phase."""
    scale = 20 if in_phase else 10
    total = scale * math.log10(sum(10 ** (level / scale) for level in levels_db))
    loudest = max(levels_db)
    return Combined(
        total_db=round(total, 2) + 0.0,
        loudest_db=loudest,
        rise_db=round(total - loudest, 2) + 0.0,
        equal_sources=_figures(10 ** ((total - loudest) / scale)),
    )


class Weighted(Result):
    correction_db: float = Field(description="Correction of the curve at that frequency in dB")
    weighted_db: float = Field(description="Level after the correction in dB")
    unit: Literal["dB(A)", "dB(C)", "dB(Z)"] = Field(description="Unit of the weighted level")


def _a_gain(hertz: float) -> float:
    square = hertz**2
    edges = (square + 20.6**2) * math.sqrt((square + 107.7**2) * (square + 737.9**2)) * (square + 12194**2)
    return 20 * math.log10(12194**2 * square**2 / edges) + 2.00


def _c_gain(hertz: float) -> float:
    square = hertz**2
    return 20 * math.log10(12194**2 * square / ((square + 20.6**2) * (square + 12194**2))) + 0.06


@tool(
    "Acoustics",
    "Sound levels",
    "A tone of {frequency_hz} Hz measures {level_db} dB. What is that in dB(A)?",
    "Apply {curve} weighting to {level_db} dB at {frequency_hz} Hz.",
)
def frequency_weighted_level(
    frequency_hz: Annotated[
        float,
        Field(ge=10, le=20000, description="Frequency in Hz"),
        Like(pick(31.5, 50, 63, 100, 125, 250, 500, 1000, 2000, 4000, 8000, 12500, 16000)),
    ],
    level_db: Annotated[Decibels, Like(whole(40, 110))],
    curve: Annotated[
        Literal["A", "C", "Z"],
        Field(description="Weighting curve; Z is flat"),
        Like(pick("A", "A", "C", "C", "Z"), 0.6),
    ] = "A",
) -> Weighted:
    """Level of a tone after A, C or Z frequency weighting by IEC 61672-1."""
    correction = {"A": _a_gain, "C": _c_gain}[curve](frequency_hz) if curve != "Z" else 0.0
    units: dict[str, Literal["dB(A)", "dB(C)", "dB(Z)"]] = {"A": "dB(A)", "C": "dB(C)", "Z": "dB(Z)"}
    return Weighted(
        correction_db=round(correction, 2) + 0.0,
        weighted_db=round(level_db + correction, 2) + 0.0,
        unit=units[curve],
    )


_Familiar = Literal[
    "barely audible", "whisper", "quiet office", "conversation", "busy street", "lawn mower", "rock concert"
]
_LOUDNESS: tuple[tuple[float, _Familiar], ...] = (
    (20, "barely audible"),
    (40, "whisper"),
    (55, "quiet office"),
    (70, "conversation"),
    (85, "busy street"),
    (100, "lawn mower"),
)
"""Up to which level in dB."""


class Fallen(Result):
    level_db: float = Field(description="Level at the new distance in dB")
    change_db: float = Field(description="Change from the reference; negative is quieter")
    comparable_to: _Familiar = Field(description="What is about as loud")


@tool(
    "Acoustics",
    "Sound levels",
    "A pump makes {level_db} dB at {reference_m} m. How loud is it at {distance_m} m?",
    "Noise of a {source} source: {level_db} dB measured at {reference_m} m. Level at {distance_m} m?",
)
def sound_level_falloff(
    level_db: Annotated[Decibels, Like(whole(60, 120))],
    reference_m: Annotated[
        float,
        Field(ge=0.01, le=1000, description="Distance at which the level was measured in m"),
        Like(pick(1, 2, 5, 10, 15)),
    ],
    distance_m: Annotated[
        float,
        Field(ge=0.01, le=1e5, description="Distance at which the level is wanted in m"),
        Like(magnitude(3, 2000, 2)),
    ],
    source: Annotated[
        Literal["point", "line"],
        Field(description="Point such as a machine (6 dB per doubling), line such as a road (3 dB)"),
        Like(pick("point", "line")),
    ] = "point",
) -> Fallen:
    """Level at another distance by geometrical spreading in the open, without absorption by air or ground."""
    change = (20 if source == "point" else 10) * math.log10(reference_m / distance_m)
    level = level_db + change
    return Fallen(
        level_db=round(level, 2) + 0.0,
        change_db=round(change, 2) + 0.0,
        comparable_to=next((name for limit, name in _LOUDNESS if level < limit), "rock concert"),
    )


Surface = Literal[
    "poured concrete",
    "painted concrete block",
    "brick",
    "plaster on lath",
    "gypsum board",
    "plywood panel",
    "wooden platform floor",
    "vinyl tile on concrete",
    "heavy carpet on concrete",
    "window glass",
    "medium velour drapes",
    "suspended acoustic tile",
    "occupied upholstered seats",
]
_ABSORPTION: dict[str, tuple[float, ...]] = {
    "poured concrete": (0.01, 0.01, 0.02, 0.02, 0.02, 0.03),
    "painted concrete block": (0.10, 0.05, 0.06, 0.07, 0.10, 0.10),
    "brick": (0.03, 0.03, 0.03, 0.04, 0.05, 0.07),
    "plaster on lath": (0.20, 0.15, 0.10, 0.05, 0.04, 0.05),
    "gypsum board": (0.30, 0.10, 0.05, 0.04, 0.07, 0.10),
    "plywood panel": (0.60, 0.30, 0.10, 0.10, 0.10, 0.10),
    "wooden platform floor": (0.40, 0.30, 0.20, 0.20, 0.15, 0.10),
    "vinyl tile on concrete": (0.02, 0.03, 0.03, 0.03, 0.03, 0.02),
    "heavy carpet on concrete": (0.02, 0.06, 0.15, 0.40, 0.60, 0.60),
    "window glass": (0.30, 0.20, 0.20, 0.10, 0.07, 0.04),
    "medium velour drapes": (0.07, 0.30, 0.50, 0.70, 0.70, 0.60),
    "suspended acoustic tile": (0.50, 0.70, 0.60, 0.70, 0.70, 0.50),
    "occupied upholstered seats": (0.40, 0.60, 0.80, 0.90, 0.90, 0.90),
}
"""Absorption coefficients at 125, 250, 500, 1000, 2000 and 4000 Hz, from handbook tables."""
_OCTAVES = (125, 250, 500, 1000, 2000, 4000)


class Room(Part):
    """A rectangular room."""

    length_m: float = Field(ge=1, le=200, description="Length in m")
    width_m: float = Field(ge=1, le=200, description="Width in m")
    height_m: float = Field(ge=1, le=60, description="Height in m")


class Reverberation(Result):
    sabine_s: float = Field(description="Time for a fall of 60 dB by Sabine's formula in s")
    eyring_s: float = Field(description="The same by Eyring's formula, better for absorbent rooms, in s")
    absorption_m2: float = Field(description="Equivalent absorption area in m²")
    volume_m3: float = Field(description="Volume in m³")
    suits: Literal["recording", "speech", "several uses", "concerts", "organ music"] = Field(
        description="By Sabine's time: below 0.5, 1.0, 1.5, 2.2 s, and longer"
    )


_USES: tuple[tuple[float, Literal["recording", "speech", "several uses", "concerts"]], ...] = (
    (0.5, "recording"),
    (1.0, "speech"),
    (1.5, "several uses"),
    (2.2, "concerts"),
)


def _room(rng: Random) -> dict[str, float]:
    length = round(rng.uniform(4, 30), 1)
    return {
        "length_m": length,
        "width_m": round(length * rng.uniform(0.5, 0.9), 1),
        "height_m": rng.choice((2.5, 2.8, 3, 3.5, 4.5, 6, 9)),
    }


@tool(
    "Acoustics",
    "Rooms",
    "Reverberation time of a room ({room}) with {floor} on the floor, walls of {walls} and a ceiling of {ceiling}?",
    "Room with {room}; floor {floor}, walls {walls}, ceiling {ceiling}. RT60 at {band_hz} Hz, and what is it good for?",
)
def room_reverberation_time(
    room: Annotated[Room, Field(description="Inner size of the room"), Like(_room)],
    floor: Annotated[
        Surface,
        Field(description="Surface of the whole floor"),
        Like(
            pick(
                "poured concrete",
                "wooden platform floor",
                "vinyl tile on concrete",
                "heavy carpet on concrete",
                "occupied upholstered seats",
            )
        ),
    ],
    walls: Annotated[
        Surface,
        Field(description="Surface of all four walls"),
        Like(
            pick(
                "painted concrete block",
                "brick",
                "plaster on lath",
                "gypsum board",
                "plywood panel",
                "medium velour drapes",
            )
        ),
    ],
    ceiling: Annotated[
        Surface,
        Field(description="Surface of the whole ceiling"),
        Like(pick("poured concrete", "plaster on lath", "gypsum board", "suspended acoustic tile")),
    ],
    band_hz: Annotated[
        Literal[125, 250, 500, 1000, 2000, 4000],
        Field(description="Middle of the octave band in Hz"),
        Like(pick(125, 250, 1000, 2000, 4000)),
    ] = 500,
) -> Reverberation:
    """Reverberation time (RT60) of a rectangular room from its surfaces, without absorption by the air."""
    at = _OCTAVES.index(band_hz)
    ground = room.length_m * room.width_m
    sides = 2 * room.height_m * (room.length_m + room.width_m)
    absorbed = ground * (_ABSORPTION[floor][at] + _ABSORPTION[ceiling][at]) + sides * _ABSORPTION[walls][at]
    volume, surface = ground * room.height_m, 2 * ground + sides
    sabine = 0.161 * volume / absorbed
    return Reverberation(
        sabine_s=round(sabine, 3),
        eyring_s=round(0.161 * volume / (-surface * math.log1p(-absorbed / surface)), 3),
        absorption_m2=round(absorbed, 2),
        volume_m3=round(volume, 2),
        suits=next((name for limit, name in _USES if sabine < limit), "organ music"),
    )


class StringPitch(Result):
    fundamental_hz: float = Field(description="Lowest frequency of the string in Hz")
    nearest_note: str = Field(description="Nearest note with its octave, A4 = 440 Hz")
    cents_off: float = Field(description="How far the string is from that note in cents; positive is sharp")
    harmonics_hz: list[float] = Field(description="The first frequencies of the string in Hz, the fundamental included")


_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@tool(
    "Acoustics",
    "Musical acoustics",
    "What note does a string give that is {length_cm} cm long, pulled with {tension_n} N, and weighs "
    "{grams_per_metre} g per metre?",
    "String: {length_cm} cm, {tension_n} N, {grams_per_metre} g/m. I want the first {harmonics} harmonics.",
)
def vibrating_string_pitch(
    length_cm: Annotated[
        float,
        Field(ge=1, le=1000, description="Length that vibrates in cm"),
        Like(pick(32.5, 60, 64.8, 65, 69, 86.4, 104)),
    ],
    tension_n: Annotated[float, Field(ge=1, le=10000, description="Tension in N"), Like(number(40, 180, 1))],
    grams_per_metre: Annotated[
        float, Field(ge=0.01, le=500, description="Mass per length in g/m"), Like(magnitude(0.4, 18, 3))
    ],
    harmonics: Annotated[int, Field(ge=1, le=16, description="How many harmonics to list"), Like(whole(2, 8))] = 4,
) -> StringPitch:
    """Frequencies of an ideal string fixed at both ends, and the nearest note of equal temperament."""
    fundamental = math.sqrt(tension_n / (grams_per_metre / 1000)) / (2 * length_cm / 100)
    exact = 69 + 12 * math.log2(fundamental / 440)
    key = round(exact)
    return StringPitch(
        fundamental_hz=_figures(fundamental),
        nearest_note=f"{_NOTES[key % 12]}{key // 12 - 1}",
        cents_off=round(100 * (exact - key), 1) + 0.0,
        harmonics_hz=[_figures(n * fundamental) for n in range(1, harmonics + 1)],
    )


class Noise(Part):
    """A part of a working day."""

    level_dba: float = Field(ge=30, le=140, description="A-weighted level in dB")
    hours: float = Field(gt=0, le=24, description="How long it lasts in h")


class NoiseDose(Result):
    dose_percent: float = Field(description="Share of the allowed daily dose; 100 is the limit")
    eight_hour_dba: float | None = Field(description="Steady level over 8 h with the same dose; null without any dose")
    allowed: bool = Field(description="Whether the day stays within the limit")
    allowed_hours: list[float] = Field(
        description="How long each level alone would be allowed in h, in the order given"
    )


def _shift(rng: Random) -> list[dict[str, float]]:
    count = rng.randint(1, 3)
    hours = [rng.choice((0.5, 1, 1.5, 2, 2.5, 3)) if count > 1 else rng.choice((4, 6, 8)) for _ in range(count)]
    return [{"level_dba": rng.randint(78, 102), "hours": one} for one in hours]


@tool(
    "Acoustics",
    "Sound levels",
    "A worker's day: {exposures}. What noise dose is that?",
    "By {standard} rules, is this day allowed? {exposures}.",
)
def workplace_noise_dose(
    exposures: Annotated[
        list[Noise],
        Field(min_length=1, max_length=12, description="Parts of the day, 24 h together at most"),
        Like(_shift),
        Wrong(
            pick(
                [{"level_dba": 90, "hours": 20}, {"level_dba": 80, "hours": 10}],
                [{"level_dba": 85, "hours": 16}, {"level_dba": 92, "hours": 8.5}],
                [{"level_dba": 100, "hours": 12}, {"level_dba": 95, "hours": 12}, {"level_dba": 80, "hours": 1}],
            )
        ),
    ],
    standard: Annotated[
        Literal["NIOSH", "OSHA"],
        Field(description="NIOSH: 85 dB and 3 dB exchange rate; OSHA: 90 dB and 5 dB"),
        Like(pick("NIOSH", "OSHA")),
    ] = "NIOSH",
) -> NoiseDose:
    """Daily noise dose of a worker; levels below 80 dB do not count."""
    total = sum(one.hours for one in exposures)
    if total > 24 + 1e-9:
        raise Refused(
            f"parameter 'exposures': they last {total:g} hours and a day has 24; shorten them or leave one out"
        )
    criterion, exchange = (85, 3) if standard == "NIOSH" else (90, 5)
    hours = [8 / 2 ** ((one.level_dba - criterion) / exchange) for one in exposures]
    dose = sum(one.hours / most for one, most in zip(exposures, hours, strict=True) if one.level_dba >= 80)
    return NoiseDose(
        dose_percent=round(100 * dose, 2),
        eight_hour_dba=round(criterion + exchange * math.log2(dose), 2) if dose else None,
        allowed=dose <= 1,
        allowed_hours=[_figures(min(one, 24)) for one in hours],
    )
