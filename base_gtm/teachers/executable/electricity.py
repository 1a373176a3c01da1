"""Circuits: resistors, dividers, time constants, resonance, wires."""

from __future__ import annotations

import math
from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Literal

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

_E12 = (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2)


def _stocked(rng: Random) -> float:
    """A resistance that shops sell."""
    return round(rng.choice(_E12) * 10 ** rng.randint(1, 5), 1)


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


Resistance = Annotated[float, Field(ge=0.001, le=1e9, description="Resistance in ohm"), Like(_stocked)]
SupplyVolts = Annotated[
    float, Field(ge=0.001, le=1e6, description="Supply voltage in V"), Like(pick(3.3, 5, 9, 12, 24, 48, 230))
]


class Measured(Part):
    """One of the four quantities of a resistor."""

    value: float = Field(ge=1e-9, le=1e9, description="Its value")
    unit: Literal["V", "A", "ohm", "W"] = Field(description="V voltage, A current, ohm resistance, W power")


class Ohmic(Result):
    voltage_v: float = Field(description="Voltage across the resistor in V")
    current_a: float = Field(description="Current through it in A")
    resistance_ohm: float = Field(description="Its resistance in ohm")
    power_w: float = Field(description="Power turned into heat in W")


def _two_measured(rng: Random) -> dict[str, Any]:
    volts, ohms = rng.choice((1.5, 3.3, 5, 9, 12, 24, 230)), _stocked(rng)
    values = {"V": volts, "A": volts / ohms, "ohm": ohms, "W": volts**2 / ohms}
    first, second = rng.sample(sorted(values), 2)
    return {
        name: {"value": float(f"{values[unit]:.3g}"), "unit": unit}
        for name, unit in (("first", first), ("second", second))
    }


@tool(
    "Electricity",
    "Circuits",
    "I measured two things on a resistor: {first}; and {second}. What are the other two?",
    "Ohm's law with {first} and {second}, please.",
    together=_two_measured,
)
def ohms_law_quantities(
    first: Annotated[Measured, Field(description="One known quantity"), Like(pick({"value": 12, "unit": "V"}))],
    second: Annotated[
        Measured, Field(description="Another known quantity, in another unit"), Like(pick({"value": 2, "unit": "A"}))
    ],
) -> Ohmic:
    """Voltage, current, resistance and power of a resistor from any two of them."""
    if first.unit == second.unit:
        others = ", ".join(unit for unit in ("V", "A", "ohm", "W") if unit != first.unit)
        raise Refused(f"parameter 'second': the unit '{second.unit}' is that of the first; give a value in {others}")
    volts, amperes = _volts_and_amperes({first.unit: first.value, second.unit: second.value})
    return Ohmic(
        voltage_v=_figures(volts),
        current_a=_figures(amperes),
        resistance_ohm=_figures(volts / amperes),
        power_w=_figures(volts * amperes),
    )


def _volts_and_amperes(known: Mapping[str, float]) -> tuple[float, float]:
    match known:
        case {"V": volts, "A": amperes}:
            return volts, amperes
        case {"V": volts, "ohm": ohms}:
            return volts, volts / ohms
        case {"V": volts, "W": watts}:
            return volts, watts / volts
        case {"A": amperes, "ohm": ohms}:
            return amperes * ohms, amperes
        case {"A": amperes, "W": watts}:
            return watts / amperes, amperes
    return math.sqrt(known["W"] * known["ohm"]), math.sqrt(known["W"] / known["ohm"])


class Network(Result):
    equivalent_ohm: float = Field(description="Resistance of the whole in ohm")
    total_current_a: float = Field(description="Current from the supply in A")
    voltages_v: list[float] = Field(description="Voltage across each resistor in V, in the order given")
    powers_w: list[float] = Field(description="Heat in each resistor in W, in the order given")


@tool(
    "Electricity",
    "Circuits",
    "What do resistors of {resistances_ohm} ohm make in {connection}?",
    "I have {resistances_ohm} ohm in {connection} on {supply_voltage} V. Give me the total resistance, the current and "
    "the power in each.",
)
def resistor_network_equivalent(
    resistances_ohm: Annotated[
        list[Annotated[float, Field(ge=0.001, le=1e9)]],
        Field(min_length=2, max_length=12, description="Resistances in ohm"),
        Like(several(_stocked, 2, 5)),
    ],
    connection: Annotated[
        Literal["series", "parallel"], Field(description="How they are connected"), Like(pick("series", "parallel"))
    ],
    supply_voltage: SupplyVolts = 5,
) -> Network:
    """Equivalent resistance of resistors in series or in parallel, with voltage and power of each."""
    if connection == "series":
        whole_ohm = sum(resistances_ohm)
        volts = [supply_voltage * ohms / whole_ohm for ohms in resistances_ohm]
    else:
        whole_ohm = 1 / sum(1 / ohms for ohms in resistances_ohm)
        volts = [supply_voltage for _ in resistances_ohm]
    return Network(
        equivalent_ohm=_figures(whole_ohm),
        total_current_a=_figures(supply_voltage / whole_ohm),
        voltages_v=[_figures(one) for one in volts],
        powers_w=[_figures(one**2 / ohms) for one, ohms in zip(volts, resistances_ohm, strict=True)],
    )


Colour = Literal[
    "black", "brown", "red", "orange", "yellow", "green", "blue", "violet", "grey", "white", "gold", "silver"
]
_DIGITS: tuple[Colour, ...] = ("black", "brown", "red", "orange", "yellow", "green", "blue", "violet", "grey", "white")
_MULTIPLIERS = {**{colour: 10.0**power for power, colour in enumerate(_DIGITS)}, "gold": 0.1, "silver": 0.01}
_TOLERANCES = {
    "brown": 1.0,
    "red": 2.0,
    "orange": 0.05,
    "yellow": 0.02,
    "green": 0.5,
    "blue": 0.25,
    "violet": 0.1,
    "grey": 0.01,
    "gold": 5.0,
    "silver": 10.0,
}
_DRIFTS = {
    "black": 250,
    "brown": 100,
    "red": 50,
    "orange": 15,
    "yellow": 25,
    "green": 20,
    "blue": 10,
    "violet": 5,
    "grey": 1,
}
"""Temperature coefficients in ppm/K."""


class Coded(Result):
    resistance_ohm: float = Field(description="Nominal resistance in ohm")
    tolerance_percent: float = Field(description="Tolerance either way; 20 without a band for it")
    lowest_ohm: float = Field(description="Least resistance within the tolerance in ohm")
    highest_ohm: float = Field(description="Greatest resistance within the tolerance in ohm")
    drift_ppm_per_k: int | None = Field(description="Temperature coefficient in ppm/K; null without a sixth band")


def _painted(rng: Random) -> list[str]:
    count = rng.choice((3, 4, 4, 4, 5, 5, 6))
    digits = [rng.choice(_DIGITS[1:]), *rng.choices(_DIGITS, k=2 if count >= 5 else 1)]
    scale = rng.choice(("gold", *_DIGITS[:6]))
    tolerance = rng.choice(("gold", "silver") if count == 4 else ("brown", "red", "green"))
    return [*digits, scale, tolerance, rng.choice(("brown", "red"))][:count]


@tool(
    "Electricity",
    "Components",
    "My resistor has the bands {bands}. What is it?",
    "Read the colour code {bands} for me, with the tolerance.",
)
def resistor_colour_code(
    bands: Annotated[
        list[Colour],
        Field(min_length=3, max_length=6, description="Colours of the bands, the one nearest to an end first"),
        Like(_painted),
        Wrong(
            pick(
                ["gold", "violet", "red"],
                ["brown", "silver", "orange", "gold"],
                ["silver", "red", "black", "brown"],
                ["yellow", "violet", "red", "black"],
                ["brown", "gold", "black", "red", "brown"],
            )
        ),
    ],
) -> Coded:
    """Resistance and tolerance from three to six colour bands, by IEC 60062:2016."""
    count = 3 if len(bands) >= 5 else 2
    digits = [_meaning(bands, at, {colour: n for n, colour in enumerate(_DIGITS)}, "digit") for at in range(count)]
    value = sum(digit * 10**power for power, digit in enumerate(reversed(digits))) * _MULTIPLIERS[bands[count]]
    tolerance = _meaning(bands, count + 1, _TOLERANCES, "tolerance") if len(bands) > count + 1 else 20
    drift = _meaning(bands, 5, _DRIFTS, "temperature coefficient") if len(bands) == 6 else None
    return Coded(
        resistance_ohm=_figures(value),
        tolerance_percent=tolerance,
        lowest_ohm=_figures(value * (1 - tolerance / 100)),
        highest_ohm=_figures(value * (1 + tolerance / 100)),
        drift_ppm_per_k=None if drift is None else int(drift),
    )


def _meaning(bands: list[Colour], at: int, meanings: Mapping[str, float], what: str) -> float:
    if bands[at] not in meanings:
        raise Refused(
            f"parameter 'bands': '{bands[at]}' as band {at + 1} of {len(bands)} stands for no {what}; there it is one "
            f"of {', '.join(meanings)}, or read the bands from the other end"
        )
    return meanings[bands[at]]


class Preferred(Result):
    nearest_ohm: float = Field(description="Value of the series with the least relative error, in ohm")
    error_percent: float = Field(description="How far that is off; positive is too much")
    next_lower_ohm: float = Field(description="Greatest value of the series that is not above the wish, in ohm")
    next_higher_ohm: float = Field(description="Least value of the series that is not below the wish, in ohm")


_E24 = tuple(
    map(
        float, "1.0 1.1 1.2 1.3 1.5 1.6 1.8 2.0 2.2 2.4 2.7 3.0 3.3 3.6 3.9 4.3 4.7 5.1 5.6 6.2 6.8 7.5 8.2 9.1".split()
    )
)
_SERIES = {
    "E3": _E24[::8],
    "E6": _E24[::4],
    "E12": _E24[::2],
    "E24": _E24,
    "E48": tuple(round(10 ** (step / 48), 2) for step in range(48)),
    "E96": tuple(round(10 ** (step / 96), 2) for step in range(96)),
}


@tool(
    "Electricity",
    "Components",
    "My calculation says {resistance_ohm} ohm. Which resistor can I actually buy?",
    "Nearest {series} value to {resistance_ohm} ohm?",
)
def preferred_resistor_value(
    resistance_ohm: Annotated[
        float, Field(ge=0.1, le=1e8, description="Resistance wanted in ohm"), Like(magnitude(5, 2e6, 4))
    ],
    series: Annotated[
        Literal["E3", "E6", "E12", "E24", "E48", "E96"],
        Field(description="Series of preferred numbers"),
        Like(pick("E6", "E12", "E24", "E48", "E96"), 0.7),
    ] = "E24",
) -> Preferred:
    """The resistor of a preferred number series (IEC 60063) that is nearest to a wished resistance."""
    decade = math.floor(math.log10(resistance_ohm))
    offered = [
        float(f"{value * 10.0**power:.3g}") for power in range(decade - 1, decade + 2) for value in _SERIES[series]
    ]
    nearest = min(offered, key=lambda value: abs(math.log(value / resistance_ohm)))
    return Preferred(
        nearest_ohm=nearest,
        error_percent=round(100 * (nearest / resistance_ohm - 1), 3) + 0.0,
        next_lower_ohm=max(value for value in offered if value <= resistance_ohm),
        next_higher_ohm=min(value for value in offered if value >= resistance_ohm),
    )


class StepResponse(Result):
    time_constant_ms: float = Field(description="Time constant in ms")
    percent_of_final: float = Field(description="How much of the final value is reached")
    value: float = Field(description="Voltage of the capacitor in V, or current through the coil in A")
    unit: Literal["V", "A"] = Field(description="Unit of the value")
    settled: bool = Field(description="Whether five time constants have passed")


def _switched(rng: Random) -> dict[str, Any]:
    circuit, ohms = rng.choice(("RC", "RL")), _stocked(rng)
    component = rng.choice((0.1, 1, 4.7, 10, 47, 100, 470) if circuit == "RC" else (1, 4.7, 10, 33, 100, 220))
    tau = ohms * component / 1000 if circuit == "RC" else component / ohms
    elapsed = float(f"{tau * rng.uniform(0.2, 6):.2g}")
    return {"circuit": circuit, "resistance_ohm": ohms, "component": component, "elapsed_ms": elapsed}


@tool(
    "Electricity",
    "Transients and resonance",
    "An {circuit} circuit with {resistance_ohm} ohm and {component} (µF or mH) is switched on. Where is it after "
    "{elapsed_ms} ms?",
    "{circuit} step response: R = {resistance_ohm} ohm, component {component} in µF for RC or mH for RL, supply "
    "{supply_voltage} V, t = {elapsed_ms} ms.",
    together=_switched,
)
def rc_rl_step_response(
    circuit: Annotated[
        Literal["RC", "RL"],
        Field(description="Resistor with capacitor or with coil, in series"),
        Like(pick("RC", "RL")),
    ],
    resistance_ohm: Resistance,
    component: Annotated[
        float,
        Field(ge=1e-6, le=1e6, description="Capacitance in µF for RC, inductance in mH for RL"),
        Like(whole(1, 470)),
    ],
    elapsed_ms: Annotated[
        float, Field(ge=0, le=1e9, description="Time since switching on in ms"), Like(magnitude(0.01, 1000, 2))
    ],
    supply_voltage: SupplyVolts = 5,
) -> StepResponse:
    """Voltage of a charging capacitor or current through a coil at a time after the supply is switched on."""
    tau = resistance_ohm * component / 1000 if circuit == "RC" else component / resistance_ohm
    reached = -math.expm1(-elapsed_ms / tau)
    final = supply_voltage if circuit == "RC" else supply_voltage / resistance_ohm
    return StepResponse(
        time_constant_ms=_figures(tau),
        percent_of_final=round(100 * reached, 3) + 0.0,
        value=_figures(final * reached),
        unit="V" if circuit == "RC" else "A",
        settled=elapsed_ms >= 5 * tau,
    )


class Resonance(Result):
    frequency_hz: float = Field(description="Resonant frequency in Hz")
    impedance_ohm: float = Field(description="Characteristic impedance in ohm")
    quality: float = Field(description="Quality factor of the series circuit")
    bandwidth_hz: float = Field(description="Width between the half-power points in Hz")
    wavelength_m: float = Field(description="Wavelength in vacuum of that frequency in m")


@tool(
    "Electricity",
    "Transients and resonance",
    "At what frequency does a coil of {inductance_uh} µH resonate with {capacitance_pf} pF?",
    "Tuned circuit: {inductance_uh} µH, {capacitance_pf} pF, {series_resistance_ohm} ohm of losses. Frequency, Q and "
    "bandwidth?",
)
def lc_tank_resonance(
    inductance_uh: Annotated[
        float, Field(ge=0.001, le=1e8, description="Inductance in µH"), Like(magnitude(0.1, 1000, 2))
    ],
    capacitance_pf: Annotated[
        float, Field(ge=0.01, le=1e12, description="Capacitance in pF"), Like(magnitude(10, 10000, 2))
    ],
    series_resistance_ohm: Annotated[
        float, Field(ge=1e-6, le=1e6, description="Resistance in series in ohm"), Like(number(0.1, 12, 1))
    ] = 1,
) -> Resonance:
    """Resonance of a coil and a capacitor in series with their losses."""
    henry, farad = inductance_uh * 1e-6, capacitance_pf * 1e-12
    frequency = 1 / (2 * math.pi * math.sqrt(henry * farad))
    impedance = math.sqrt(henry / farad)
    return Resonance(
        frequency_hz=_figures(frequency),
        impedance_ohm=_figures(impedance),
        quality=_figures(impedance / series_resistance_ohm),
        bandwidth_hz=_figures(frequency * series_resistance_ohm / impedance),
        wavelength_m=_figures(299792458 / frequency),
    )


class Divided(Result):
    output_v: float = Field(description="Voltage at the tap in V, with the load where there is one")
    unloaded_v: float = Field(description="Voltage at the tap in V without a load")
    supply_ma: float = Field(description="Current from the supply in mA")
    output_impedance_ohm: float = Field(description="Resistance that a load sees, both resistors in parallel, in ohm")


@tool(
    "Electricity",
    "Circuits",
    "A divider of {upper_ohm} over {lower_ohm} ohm sits on {input_v} V. What comes out?",
    "Voltage divider, {input_v} V in, {upper_ohm} ohm on top, {lower_ohm} ohm to ground, loaded with {load_ohm} ohm. "
    "How far does the output sag?",
)
def loaded_voltage_divider(
    input_v: Annotated[
        float, Field(ge=0.001, le=1e6, description="Voltage across both in V"), Like(pick(3.3, 5, 9, 12, 15, 24, 48))
    ],
    upper_ohm: Annotated[
        float, Field(ge=0.001, le=1e9, description="From the supply to the tap, in ohm"), Like(_stocked)
    ],
    lower_ohm: Annotated[float, Field(ge=0.001, le=1e9, description="From the tap to ground, in ohm"), Like(_stocked)],
    load_ohm: Annotated[
        float | None,
        Field(ge=0.001, le=1e12, description="Load from the tap to ground in ohm; null for none"),
        Like(_stocked),
    ] = None,
) -> Divided:
    """Output of a voltage divider of two resistors, with or without a load."""
    foot = lower_ohm if load_ohm is None else lower_ohm * load_ohm / (lower_ohm + load_ohm)
    return Divided(
        output_v=_figures(input_v * foot / (upper_ohm + foot)),
        unloaded_v=_figures(input_v * lower_ohm / (upper_ohm + lower_ohm)),
        supply_ma=_figures(1000 * input_v / (upper_ohm + foot)),
        output_impedance_ohm=_figures(upper_ohm * lower_ohm / (upper_ohm + lower_ohm)),
    )


class Wire(Result):
    resistance_ohm: float = Field(description="Resistance of the wire in ohm")
    voltage_drop_v: float = Field(description="Voltage lost along it at the current given, in V")
    heat_w: float = Field(description="Power turned into heat at the current given, in W")
    resistivity: float = Field(description="Resistivity at the temperature given in 1e-8 ohm m")


_METALS = {
    "silver": (1.59, 0.0038),
    "copper": (1.724, 0.00393),
    "gold": (2.44, 0.0034),
    "aluminium": (2.65, 0.0039),
    "tungsten": (5.60, 0.0045),
    "nickel": (6.99, 0.006),
    "iron": (9.70, 0.005),
    "platinum": (10.6, 0.00392),
    "lead": (22.0, 0.0039),
    "manganin": (48.2, 0.000002),
    "constantan": (49.0, 0.000008),
    "nichrome": (110.0, 0.0004),
}
"""Resistivity at 20 °C in 1e-8 ohm m, temperature coefficient in 1/K."""


@tool(
    "Electricity",
    "Wiring",
    "What is the resistance of {length_m} m of copper wire with {cross_section_mm2} mm²?",
    "What voltage drops along {length_m} m of {cross_section_mm2} mm² {material} wire at {current_a} A?",
    "How many ohms has a {material} wire, {length_m} m long and {cross_section_mm2} mm² thick?",
    "{length_m} m of {material}, {cross_section_mm2} mm², {current_a} A, at {temperature_c} °C: voltage drop and heat?",
)
def wire_resistance(
    length_m: Annotated[
        float, Field(gt=0, le=1e6, description="Length of the wire in m"), Like(magnitude(0.5, 500, 2))
    ],
    cross_section_mm2: Annotated[
        float,
        Field(ge=0.001, le=10000, description="Cross-section in mm²"),
        Like(pick(0.14, 0.25, 0.5, 0.75, 1.5, 2.5, 4, 6, 10, 16)),
    ],
    material: Annotated[
        str,
        Field(min_length=2, max_length=20, description="Metal or alloy, such as copper or nichrome"),
        Like(
            pick("aluminium", "copper", "silver", "gold", "iron", "tungsten", "nichrome", "constantan", "nickel"), 0.7
        ),
        Wrong(pick("glass", "rubber", "vibranium", "oak", "mithril")),
    ] = "copper",
    temperature_c: Annotated[
        float, Field(ge=-50, le=200, description="Temperature of the wire in °C"), Like(whole(-10, 90, 5), 0.4)
    ] = 20,
    current_a: Annotated[float, Field(ge=0, le=10000, description="Current in A"), Like(number(0.1, 16, 1), 0.4)] = 1,
) -> Wire:
    """Resistance, voltage drop and heat of a wire of one metal, with a linear temperature coefficient."""
    metal = _METALS.get(material.strip().lower())
    if metal is None:
        raise Refused(f"parameter 'material': '{material}' is not on record; give one of {', '.join(_METALS)}")
    resistivity = metal[0] * (1 + metal[1] * (temperature_c - 20))
    ohms = resistivity * 0.01 * length_m / cross_section_mm2
    return Wire(
        resistance_ohm=_figures(ohms),
        voltage_drop_v=_figures(ohms * current_a),
        heat_w=_figures(ohms * current_a**2),
        resistivity=_figures(resistivity),
    )
