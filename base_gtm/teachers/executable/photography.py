"""Photography: exposure, lenses, flash and prints."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, number, pick, tool, whole

Sensor = Literal["full frame", "aps-c", "canon aps-c", "micro four thirds", "one inch", "medium format 44x33"]
_SENSORS: dict[Sensor, tuple[float, float]] = {
    "full frame": (36, 24),
    "aps-c": (23.5, 15.6),
    "canon aps-c": (22.3, 14.9),
    "micro four thirds": (17.3, 13),
    "one inch": (13.2, 8.8),
    "medium format 44x33": (43.8, 32.9),
}
"""Width and height in millimetres."""
_CONFUSION: dict[Sensor, float] = {
    "full frame": 0.03,
    "aps-c": 0.02,
    "canon aps-c": 0.019,
    "micro four thirds": 0.015,
    "one inch": 0.011,
    "medium format 44x33": 0.038,
}
"""Largest circle that still looks like a point, in millimetres."""
_STOPS = pick(1.4, 1.8, 2, 2.8, 4, 5.6, 8, 11, 16)

Aperture = Annotated[float, Field(ge=0.7, le=64, description="F-number, 2.8 for f/2.8"), Like(_STOPS)]
FocalLength = Annotated[
    float,
    Field(ge=4, le=1200, description="Focal length in millimetres"),
    Like(pick(14, 18, 23, 24, 28, 35, 50, 56, 85, 105, 135, 200, 300)),
]
SensorSize = Annotated[Sensor, Field(description="Size of the sensor"), Like(pick(*_SENSORS))]


class FieldDepth(Result):
    near_limit_m: float = Field(description="Nearest sharp distance in metres")
    far_limit_m: float | None = Field(description="Farthest sharp distance in metres, null for infinity")
    total_depth_m: float | None = Field(description="From near to far in metres, null where that is infinite")
    hyperfocal_m: float = Field(description="Hyperfocal distance in metres")


@tool(
    "Photography",
    "Lenses",
    "How deep is the field at {focal_length_mm} mm, f/{aperture}, focused at {distance_m} m?",
    "Depth of field for a {sensor} camera: {focal_length_mm} mm at f/{aperture}, subject {distance_m} m away.",
)
def depth_of_field(
    focal_length_mm: FocalLength,
    aperture: Aperture,
    distance_m: Annotated[
        float,
        Field(gt=1.25, le=10000, description="Distance of the subject in metres, not for close-ups"),
        Like(pick(1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 25, 40)),
    ],
    sensor: SensorSize = "full frame",
) -> FieldDepth:
    """Depth of field and hyperfocal distance, with the circle of confusion that is usual for the sensor."""
    focal, distance = focal_length_mm, 1000 * distance_m
    hyperfocal = focal**2 / (aperture * _CONFUSION[sensor]) + focal
    near = distance * (hyperfocal - focal) / (hyperfocal + distance - 2 * focal)
    far = distance * (hyperfocal - focal) / (hyperfocal - distance) if distance < hyperfocal else None
    return FieldDepth(
        near_limit_m=round(near / 1000, 3),
        far_limit_m=None if far is None else round(far / 1000, 3),
        total_depth_m=None if far is None else round((far - near) / 1000, 3),
        hyperfocal_m=round(hyperfocal / 1000, 3),
    )


class EquivalentLens(Result):
    crop_factor: float = Field(description="Diagonal of full frame over that of the sensor")
    equivalent_focal_mm: float = Field(description="Focal length that frames the same on full frame")
    equivalent_aperture: float = Field(description="F-number that gives the same depth of field on full frame")
    horizontal_angle: float = Field(description="Horizontal angle of view in degrees")


@tool(
    "Photography",
    "Lenses",
    "What is a {focal_length_mm} mm f/{aperture} lens on {sensor} in full-frame terms?",
    "Full-frame equivalent of {focal_length_mm} mm f/{aperture}, sensor {sensor}, with the angle of view, please.",
)
def crop_equivalent_lens(focal_length_mm: FocalLength, aperture: Aperture, sensor: SensorSize) -> EquivalentLens:
    """What a lens on a sensor corresponds to on full frame, and its angle of view at infinity."""
    width, height = _SENSORS[sensor]
    crop = math.hypot(36, 24) / math.hypot(width, height)
    return EquivalentLens(
        crop_factor=round(crop, 3),
        equivalent_focal_mm=round(crop * focal_length_mm, 1),
        equivalent_aperture=round(crop * aperture, 1),
        horizontal_angle=round(math.degrees(2 * math.atan(width / (2 * focal_length_mm))), 2),
    )


_SHUTTER = "^(1/[0-9]{1,5}|[0-9]{1,4}([.][0-9]{1,3})?)$"
_ZERO = pick("1/0", "0", "0.0", "1/000", "0.000")
Shutter = Annotated[
    str,
    Field(pattern=_SHUTTER, description="Shutter time in seconds, as 1/125 or 0.5 or 30"),
    Like(pick("1/4000", "1/1000", "1/500", "1/250", "1/125", "1/60", "1/30", "1/15", "1/8", "1/4", "0.5", "1", "2")),
    Wrong(_ZERO),
]


def _seconds(shutter: str) -> float:
    """Raises Refused for no time at all."""
    over, _, under = shutter.partition("/")
    if float(over) == 0 or (under and int(under) == 0):
        raise Refused(f"parameter 'shutter': '{shutter}' is no time; give one above zero, such as 1/125 or 2")
    return float(over) / int(under or 1)


def _shown(seconds: float) -> str:
    """A time as photographers say it."""
    if seconds < 0.4:
        return f"1/{round(1 / seconds)} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole_seconds = round(seconds)
    return f"{whole_seconds // 60} min {whole_seconds % 60} s"


Scene = Literal["night", "dim interior", "lit interior", "dusk or shade", "overcast", "sunny", "snow or beach in sun"]
_SCENES: tuple[tuple[float, Scene], ...] = (
    (2, "night"),
    (5, "dim interior"),
    (8.5, "lit interior"),
    (11.5, "dusk or shade"),
    (14, "overcast"),
    (15.5, "sunny"),
    (math.inf, "snow or beach in sun"),
)
"""Upper bound of the exposure value at ISO 100, and light that calls for less."""


class Exposure(Result):
    exposure_value: float = Field(description="Exposure value of aperture and time")
    value_at_iso_100: float = Field(description="Exposure value of the light that these settings expose rightly")
    illuminance_lux: float = Field(description="That light in lux, incident metering with a constant of 250")
    scene: Scene = Field(description="Where there is such light")


@tool(
    "Photography",
    "Exposure",
    "What exposure value is f/{aperture} at {shutter} s?",
    "I shot at f/{aperture}, {shutter} s, ISO {iso}. What EV is that, and what light?",
)
def exposure_value(
    aperture: Aperture,
    shutter: Shutter,
    iso: Annotated[
        int, Field(ge=6, le=409600, description="Sensitivity"), Like(pick(50, 200, 400, 800, 1600, 3200, 6400))
    ] = 100,
) -> Exposure:
    """Exposure value of camera settings, zero for f/1 at one second."""
    value = math.log2(aperture**2 / _seconds(shutter))
    light = value - math.log2(iso / 100)
    return Exposure(
        exposure_value=round(value, 2),
        value_at_iso_100=round(light, 2),
        illuminance_lux=round(2.5 * 2**light, 2),
        scene=next(scene for bound, scene in _SCENES if light < bound),
    )


class FilteredShutter(Result):
    seconds: float = Field(description="Shutter time with the filter in seconds")
    shown: str = Field(description="The same as photographers say it")
    factor: float = Field(description="How many times less light the filter lets through")
    bulb_needed: bool = Field(description="Whether it is longer than the 30 s that cameras time themselves")


@tool(
    "Photography",
    "Exposure",
    "My meter says {shutter} s. What with a {stops}-stop ND filter?",
    "Long exposure: {shutter} s without filter, ND of {stops} stops in front. New shutter time?",
)
def nd_filter_shutter(
    shutter: Shutter,
    stops: Annotated[
        float,
        Field(ge=0.1, le=20, description="Strength of the filters together in stops"),
        Like(pick(1, 2, 3, 4, 6, 10, 13, 16)),
    ],
) -> FilteredShutter:
    """Shutter time behind a neutral density filter, each stop doubling it."""
    seconds = _seconds(shutter) * 2**stops
    return FilteredShutter(
        seconds=round(seconds, 6), shown=_shown(seconds), factor=round(2**stops, 2), bulb_needed=seconds > 30
    )


class FlashAperture(Result):
    f_number: float = Field(description="Aperture that exposes the subject rightly")
    nearest_stop: float = Field(description="The full stop next to it")
    effective_guide_number: float = Field(description="Guide number with the power and sensitivity given, in metres")
    reach_wide_open_m: float = Field(description="How far the flash carries at f/2.8, in metres")


_FULL_STOPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0, 32.0)


@tool(
    "Photography",
    "Exposure",
    "Flash with guide number {guide_number}, subject at {distance_m} m. Which aperture?",
    "Guide number {guide_number}, {distance_m} m, ISO {iso}: what f-number?",
    "My flash has GN {guide_number}; at power {power} and {distance_m} m, which aperture do I need?",
    "GN {guide_number}, power {power}, ISO {iso}, subject {distance_m} m away. F-stop?",
)
def flash_aperture(
    guide_number: Annotated[
        float,
        Field(ge=2, le=200, description="Guide number in metres at ISO 100"),
        Like(pick(12, 20, 28, 36, 43, 58, 60)),
    ],
    distance_m: Annotated[
        float, Field(ge=0.2, le=100, description="From flash to subject in metres"), Like(number(1, 10, 1))
    ],
    iso: Annotated[int, Field(ge=6, le=409600, description="Sensitivity"), Like(pick(200, 400, 800, 1600))] = 100,
    power: Annotated[
        Literal["1/1", "1/2", "1/4", "1/8", "1/16", "1/32", "1/64", "1/128"],
        Field(description="Share of the flash's full power"),
        Like(pick("1/2", "1/4", "1/8", "1/16")),
    ] = "1/1",
) -> FlashAperture:
    """Aperture for a flash: guide number over distance, the number growing with the root of power and sensitivity."""
    number_now = guide_number * math.sqrt(iso / 100 / int(power[2:]))
    aperture = number_now / distance_m
    return FlashAperture(
        f_number=round(aperture, 2),
        nearest_stop=min(_FULL_STOPS, key=lambda stop: abs(math.log(stop / aperture))),
        effective_guide_number=round(number_now, 2),
        reach_wide_open_m=round(number_now / 2.8, 2),
    )


_PAPERS = {
    "10x15": (10.2, 15.2),
    "13x18": (12.7, 17.8),
    "A4": (21.0, 29.7),
    "A3": (29.7, 42.0),
    "A2": (42.0, 59.4),
    "A1": (59.4, 84.1),
    "A0": (84.1, 118.9),
}
"""Short and long side in centimetres, small to large."""


class PrintSize(Result):
    width_cm: float = Field(description="Width of the print in centimetres")
    height_cm: float = Field(description="Height of the print in centimetres")
    megapixels: float = Field(description="Millions of pixels")
    aspect_ratio: str = Field(description="Width to height in lowest terms")
    largest_paper: str = Field(description="Largest usual paper that the print fills, 'none' below 10 by 15 cm")


def _pixels_draw(rng: Random) -> dict[str, Any]:
    width, height = rng.choice(
        ((6000, 4000), (4032, 3024), (3840, 2160), (5472, 3648), (8256, 5504), (2048, 1536), (1920, 1080), (9504, 6336))
    )
    if rng.random() < 0.3:
        width, height = height, width
    return {"width_px": width, "height_px": height}


@tool(
    "Photography",
    "Prints",
    "How large can I print {width_px} x {height_px} pixels?",
    "Print size of a {width_px} by {height_px} photo at {dpi} dpi?",
    together=_pixels_draw,
)
def photo_print_size(
    width_px: Annotated[int, Field(ge=16, le=100000, description="Width in pixels"), Like(whole(1000, 8000))],
    height_px: Annotated[int, Field(ge=16, le=100000, description="Height in pixels"), Like(whole(1000, 8000))],
    dpi: Annotated[
        int, Field(ge=36, le=2400, description="Pixels an inch on paper"), Like(pick(150, 200, 240, 360, 600))
    ] = 300,
) -> PrintSize:
    """Size of a print at a resolution, and the largest standard paper that it covers."""
    width, height = (2.54 * pixels / dpi for pixels in (width_px, height_px))
    short, long = sorted((width, height))
    filled = [name for name, (one, other) in _PAPERS.items() if short >= one and long >= other]
    common = math.gcd(width_px, height_px)
    return PrintSize(
        width_cm=round(width, 2),
        height_cm=round(height, 2),
        megapixels=round(width_px * height_px / 1e6, 2),
        aspect_ratio=f"{width_px // common}:{height_px // common}",
        largest_paper=filled[-1] if filled else "none",
    )
