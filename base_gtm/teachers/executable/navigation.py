"""Courses, positions and arrivals at sea and in the air; tides, lights, fuel."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import asin, atan2, cos, degrees, hypot, log, pi, radians, sin, sqrt, tan
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import (
    Like,
    Part,
    Refused,
    Result,
    Wrong,
    day,
    magnitude,
    number,
    pick,
    tool,
    whole,
)

Knots = Annotated[float, Field(ge=0.5, le=60, description="Speed in knots"), Like(number(3, 22, 1))]
Miles = Annotated[float, Field(gt=0, le=12000, description="Distance in nautical miles"), Like(magnitude(5, 900, 3))]
_FULL_CIRCLE = 360


def _course(angle: float, digits: int = 1) -> float:
    """Degrees from 0 to less than 360."""
    return round(angle % _FULL_CIRCLE, digits) % _FULL_CIRCLE


class Leg(Part):
    """A straight part of a passage."""

    course_deg: float = Field(ge=0, le=360, description="True course in degrees")
    distance_nm: float = Field(gt=0, le=500, description="Distance in nautical miles")


class MadeGood(Result):
    course_deg: float = Field(description="True course from the start to the end")
    distance_nm: float = Field(description="Straight distance from the start to the end in nautical miles")
    sailed_nm: float = Field(description="Distance through all legs in nautical miles")
    efficiency: float = Field(description="Straight by sailed distance, 1 for a straight line")
    northing_nm: float = Field(description="Nautical miles gained to the north; negative for south")
    easting_nm: float = Field(description="Nautical miles gained to the east; negative for west")


def _tacks(rng: Random) -> list[dict[str, float]]:
    """Legs that zigzag about a course."""
    about = rng.randrange(0, 360, 5)
    return [
        {"course_deg": (about + rng.choice((-45, -40, -20, 0, 15, 40, 45))) % 360, "distance_nm": number(1, 25, 1)(rng)}
        for _ in range(rng.randint(2, 5))
    ]


def _there_and_back(rng: Random) -> list[dict[str, float]]:
    course, distance = rng.randrange(0, 180, 5), rng.randint(2, 30)
    return [
        {"course_deg": course, "distance_nm": distance},
        {"course_deg": course + 180, "distance_nm": distance},
    ]


@tool(
    "Navigation",
    "Courses",
    "We sailed these legs: {legs}. What course and distance did we make good?",
    "course made good for {legs}",
)
def course_made_good(
    legs: Annotated[
        list[Leg],
        Field(min_length=1, max_length=30, description="Legs in the order in which they were sailed"),
        Like(_tacks),
        Wrong(_there_and_back),
    ],
) -> MadeGood:
    """Course and distance made good over several legs, by plane sailing on a flat sea."""
    north = sum(leg.distance_nm * cos(radians(leg.course_deg)) for leg in legs)
    east = sum(leg.distance_nm * sin(radians(leg.course_deg)) for leg in legs)
    straight, sailed = hypot(north, east), sum(leg.distance_nm for leg in legs)
    if straight < 1e-6:
        raise Refused(
            f"parameter 'legs': the {len(legs)} legs lead back to where they began, so that no course is made good; "
            "leave out the way back"
        )
    return MadeGood(
        course_deg=_course(degrees(atan2(east, north))),
        distance_nm=round(straight, 2),
        sailed_nm=round(sailed, 2),
        efficiency=round(straight / sailed, 4),
        northing_nm=round(north, 2) + 0.0,
        easting_nm=round(east, 2) + 0.0,
    )


class Headings(Result):
    true_deg: float = Field(description="Heading from geographic north")
    magnetic_deg: float = Field(description="Heading from magnetic north")
    compass_deg: float = Field(description="What the ship's compass shows")
    compass_error: str = Field(description="Variation and deviation together, such as 9.0 W")


@tool(
    "Navigation",
    "Courses",
    "My {reference} heading is {heading_deg} degrees and the variation {variation_deg} (east is positive). "
    "What are the others?",
    "convert {reference} {heading_deg}, variation {variation_deg}",
    "{reference} heading {heading_deg}, variation {variation_deg}, deviation {deviation_deg}, east positive: give me "
    "true, magnetic and compass heading.",
)
def convert_heading_reference(
    heading_deg: Annotated[float, Field(ge=0, le=360, description="Heading in degrees"), Like(whole(0, 359))],
    reference: Annotated[
        Literal["true", "magnetic", "compass"],
        Field(description="What the heading is measured from"),
        Like(pick("true", "magnetic", "compass")),
    ],
    variation_deg: Annotated[
        float,
        Field(ge=-180, le=180, description="Magnetic variation of the place in degrees, east positive, west negative"),
        Like(number(-20, 20, 1)),
    ],
    deviation_deg: Annotated[
        float,
        Field(ge=-45, le=45, description="Deviation of the compass on that heading, east positive, west negative"),
        Like(number(-6, 6, 1)),
    ] = 0,
) -> Headings:
    """Convert a heading between true, magnetic and compass; true is magnetic plus variation, magnetic is compass plus
    deviation, east counting as positive.
    """
    to_true = {"true": 0.0, "magnetic": variation_deg, "compass": variation_deg + deviation_deg}
    true = heading_deg + to_true[reference]
    error = variation_deg + deviation_deg
    return Headings(
        true_deg=_course(true),
        magnetic_deg=_course(true - variation_deg),
        compass_deg=_course(true - error),
        compass_error=f"{abs(error):.1f} {'E' if error >= 0 else 'W'}",
    )


class WindTriangle(Result):
    heading_deg: float = Field(description="True heading to steer")
    correction_deg: float = Field(description="Degrees to turn into the wind; positive is to the right of the course")
    ground_speed_kn: float = Field(description="Speed over the ground in knots")
    headwind_kn: float = Field(description="Part of the wind against the course; negative is a tailwind")
    crosswind_kn: float = Field(description="Part of the wind across the course")
    wind_side: Literal["left", "right", "none"] = Field(description="Side of the course from which it blows")


@tool(
    "Navigation",
    "Courses",
    "I want to track {course_deg} true at {airspeed_kn} knots. Wind is from {wind_from_deg} at {wind_speed_kn} knots. "
    "What heading and ground speed?",
    "wind triangle: course {course_deg}, TAS {airspeed_kn}, wind {wind_from_deg}/{wind_speed_kn}",
)
def solve_wind_triangle(
    course_deg: Annotated[
        float, Field(ge=0, le=360, description="True course wanted, in degrees"), Like(whole(0, 359))
    ],
    airspeed_kn: Annotated[float, Field(ge=20, le=1000, description="True airspeed in knots"), Like(whole(80, 250, 5))],
    wind_from_deg: Annotated[
        float, Field(ge=0, le=360, description="True direction that the wind comes from"), Like(whole(0, 350, 10))
    ],
    wind_speed_kn: Annotated[float, Field(ge=0, le=300, description="Wind speed in knots"), Like(whole(4, 60))],
) -> WindTriangle:
    """Heading, drift correction and ground speed of an aircraft that keeps a course in wind."""
    angle = radians(wind_from_deg - course_deg)
    across, against = wind_speed_kn * sin(angle), wind_speed_kn * cos(angle)
    along = sqrt(airspeed_kn**2 - across**2) - against if abs(across) < airspeed_kn else 0.0
    if along <= 0:
        raise Refused(
            f"parameter 'wind_speed_kn': in {wind_speed_kn:g} knots from {wind_from_deg:g} degrees an aircraft of "
            f"{airspeed_kn:g} knots cannot make good a course of {course_deg:g}; give less wind or more airspeed"
        )
    correction = degrees(asin(across / airspeed_kn))
    return WindTriangle(
        heading_deg=_course(course_deg + correction),
        correction_deg=round(correction, 1) + 0.0,
        ground_speed_kn=round(along, 1),
        headwind_kn=round(against, 1) + 0.0,
        crosswind_kn=round(abs(across), 1),
        wind_side="none" if abs(across) < 0.05 else "right" if across > 0 else "left",
    )


class FixedPosition(Result):
    latitude: float = Field(description="Degrees, positive north")
    longitude: float = Field(description="Degrees, positive east")
    notation: str = Field(description="Degrees and minutes as in a log book, such as 50°12.3'N 004°08.1'W")


def _minutes(angle: float, width: int, hemispheres: str) -> str:
    whole_degrees, tenths = divmod(round(abs(angle) * 600), 600)
    return f"{whole_degrees:0{width}d}°{tenths / 10:04.1f}'{hemispheres[angle < 0]}"


def _stretched(latitude: float) -> float:
    """Where Mercator's chart draws a latitude, in radians."""
    return log(tan(pi / 4 + latitude / 2))


@tool(
    "Navigation",
    "Courses",
    "From {latitude}, {longitude} we steer {course_deg} degrees for {distance_nm} nautical miles. Where are we then?",
    "DR position: start {latitude} {longitude}, course {course_deg}, run {distance_nm} nm",
)
def dead_reckoning_position(
    latitude: Annotated[
        float,
        Field(ge=-90, le=90, description="Latitude of the start in degrees, positive north"),
        Like(number(-60, 65, 3)),
        Wrong(pick(-90, 90, 89.5, -89.7, 89.95)),
    ],
    longitude: Annotated[
        float,
        Field(ge=-180, le=180, description="Longitude of the start in degrees, positive east"),
        Like(number(-180, 180, 3)),
    ],
    course_deg: Annotated[float, Field(ge=0, le=360, description="True course in degrees"), Like(whole(0, 359))],
    distance_nm: Annotated[
        float, Field(gt=0, le=2000, description="Distance run in nautical miles"), Like(magnitude(4, 600, 3))
    ],
) -> FixedPosition:
    """Position after a run on one course (a rhumb line) by Mercator sailing on a sphere with 60 miles to a degree."""
    if abs(latitude) > 89:
        raise Refused(
            f"parameter 'latitude': at {latitude:g} degrees a course has no use so near the pole; give -89 to 89"
        )
    first = radians(latitude)
    arc = radians(distance_nm / 60)
    climb = arc * cos(radians(course_deg))
    second = first + climb
    if abs(degrees(second)) > 89:
        raise Refused(
            f"parameter 'distance_nm': {distance_nm:g} miles on course {course_deg:g} runs over the pole; give less"
        )
    scale = cos(first) if abs(climb) < 1e-9 else climb / (_stretched(second) - _stretched(first))
    longitude_reached = (longitude + degrees(arc * sin(radians(course_deg)) / scale) + 180) % 360 - 180
    return FixedPosition(
        latitude=round(degrees(second), 5) + 0.0,
        longitude=round(longitude_reached, 5) + 0.0,
        notation=f"{_minutes(degrees(second), 2, 'NS')} {_minutes(longitude_reached, 3, 'EW')}",
    )


class PassagePlan(Result):
    arrival: str = Field(description="Date and time of arrival, on the clock of the departure")
    hours: float = Field(description="Hours under way, stops included")
    duration: str = Field(description="The same in words, such as 1 d 5 h 24 min")


def _departure(rng: Random) -> str:
    return f"{day('2022-01-01', '2030-12-31')(rng)}T{rng.randint(4, 22):02d}:{rng.choice((0, 0, 15, 30, 45)):02d}"


@tool(
    "Navigation",
    "Passages",
    "We cast off at {departure} and have {distance_nm} nautical miles to go at {speed_kn} knots. When do we arrive?",
    "ETA: departure {departure}, {distance_nm} nm, {speed_kn} kn",
    "Leaving {departure}, {distance_nm} nm at {speed_kn} kn with {stop_hours} hours of waiting at locks: what ETA?",
)
def passage_eta(
    departure: Annotated[
        str,
        Field(
            pattern=r"^(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$",
            min_length=16,
            max_length=16,
            description="Date and time of departure, as 2025-06-01T07:30",
        ),
        Like(_departure),
        Wrong(pick("2025-02-30T08:00", "2024-06-31T06:15", "2026-09-12T24:15", "2025-13-05T09:00")),
    ],
    distance_nm: Miles,
    speed_kn: Knots,
    stop_hours: Annotated[
        float, Field(ge=0, le=240, description="Hours of stops on the way"), Like(number(0.5, 12, 1))
    ] = 0,
) -> PassagePlan:
    """Time of arrival of a vessel from distance and speed over the ground, to the minute."""
    try:
        start = datetime.fromisoformat(departure)
    except ValueError:
        raise Refused(
            f"parameter 'departure': '{departure}' is no day and time that there is; give one such as 2025-06-01T07:30"
        ) from None
    minutes = round(60 * (distance_nm / speed_kn + stop_hours))
    days, rest = divmod(minutes, 24 * 60)
    return PassagePlan(
        arrival=(start + timedelta(minutes=minutes)).isoformat(timespec="minutes"),
        hours=round(minutes / 60, 3),
        duration=f"{f'{days} d ' if days else ''}{rest // 60} h {rest % 60} min",
    )


class FuelRange(Result):
    range_nm: float = Field(description="Nautical miles that can be run before the reserve is touched")
    endurance_hours: float = Field(description="Hours that can be run before the reserve is touched")
    reserve_litres: float = Field(description="Fuel that is kept in litres")
    litres_per_nm: float = Field(description="Fuel for a nautical mile")


@tool(
    "Navigation",
    "Passages",
    "How far can we motor with {fuel_litres} litres when the engine takes {litres_per_hour} l/h at {speed_kn} knots?",
    "fuel range: {fuel_litres} l, {litres_per_hour} l/h, {speed_kn} kn",
    "{fuel_litres} l in the tank, {litres_per_hour} l an hour at {speed_kn} knots, {reserve_percent} % in reserve. "
    "What range is left?",
)
def vessel_fuel_range(
    fuel_litres: Annotated[
        float, Field(gt=0, le=1e6, description="Fuel in the tank in litres"), Like(magnitude(40, 4000, 2))
    ],
    litres_per_hour: Annotated[
        float,
        Field(ge=0.1, le=5000, description="Consumption at that speed in litres an hour"),
        Like(magnitude(1.5, 90, 2)),
    ],
    speed_kn: Knots,
    reserve_percent: Annotated[
        float,
        Field(ge=0, le=90, description="Share of the fuel that is not to be used, in percent"),
        Like(whole(10, 35, 5)),
    ] = 20,
) -> FuelRange:
    """Range and endurance of a motor vessel at constant speed and consumption, with a reserve kept."""
    reserve = fuel_litres * reserve_percent / 100
    hours = (fuel_litres - reserve) / litres_per_hour
    return FuelRange(
        range_nm=round(hours * speed_kn, 1),
        endurance_hours=round(hours, 2),
        reserve_litres=round(reserve, 1),
        litres_per_nm=round(litres_per_hour / speed_kn, 3),
    )


_TWELFTHS = (0, 1, 3, 6, 9, 11, 12)
"""Of the range, after each sixth of the time."""


class TideHeight(Result):
    height_m: float = Field(description="Height of the tide then in metres")
    share: float = Field(description="Part of the range that has passed, 0 to 1")
    rising: bool = Field(description="Whether the water rises")
    every_sixth: list[float] = Field(description="Heights at the start and after each sixth of the time, in metres")


def _tide(rng: Random) -> Mapping[str, Any]:
    heights = [number(0.2, 2.4, 1)(rng), number(3, 9, 1)(rng)]
    rng.shuffle(heights)
    return {"start_height_m": heights[0], "end_height_m": heights[1]}


@tool(
    "Navigation",
    "Tides and lights",
    "The tide goes from {start_height_m} m to {end_height_m} m. How high is it {hours_after} hours after the start?",
    "rule of twelfths {start_height_m} m -> {end_height_m} m, {hours_after} h in",
    "From {start_height_m} m to {end_height_m} m the tide takes {duration_hours} hours. Height after {hours_after} h?",
    together=_tide,
)
def tide_height_by_twelfths(
    start_height_m: Annotated[float, Field(ge=-2, le=20, description="Height at the last high or low water in metres")],
    end_height_m: Annotated[float, Field(ge=-2, le=20, description="Height at the next low or high water in metres")],
    hours_after: Annotated[
        float,
        Field(ge=0, le=12, description="Hours since the last high or low water"),
        Like(number(0.5, 5.2, 1)),
        Wrong(number(8.2, 12, 1)),
    ],
    duration_hours: Annotated[
        float, Field(ge=4, le=8, description="Hours from the one to the other"), Like(number(5.5, 6.9, 1))
    ] = 6,
) -> TideHeight:
    """Height of the tide by the rule of twelfths: 1, 2, 3, 3, 2 and 1 twelfths of the range in each sixth of the time,
    evenly within a sixth.
    """
    if hours_after > duration_hours:
        raise Refused(
            f"parameter 'hours_after': {hours_after:g} hours is after the tide has turned at {duration_hours:g} hours; "
            "give less, or start from the next high or low water"
        )
    sixths = 6 * hours_after / duration_hours
    at = min(int(sixths), 5)
    twelfths = _TWELFTHS[at] + (sixths - at) * (_TWELFTHS[at + 1] - _TWELFTHS[at])
    tidal_range = end_height_m - start_height_m
    return TideHeight(
        height_m=round(start_height_m + tidal_range * twelfths / 12, 2),
        share=round(twelfths / 12, 4),
        rising=tidal_range > 0,
        every_sixth=[round(start_height_m + tidal_range * part / 12, 2) for part in _TWELFTHS],
    )


class LightRange(Result):
    geographic_range_nm: float = Field(description="Distance at which the light dips below the horizon")
    horizon_nm: float = Field(description="Distance of the observer's own horizon")
    visible_from_nm: float = Field(description="Distance at which the light comes in sight")
    limited_by: Literal["horizon", "brightness"] = Field(description="What keeps it from being seen farther off")


@tool(
    "Navigation",
    "Tides and lights",
    "From how far will I see a light {light_height_m} m high when my eye is {eye_height_m} m above the water?",
    "dipping distance: eye {eye_height_m} m, light {light_height_m} m",
    "A lighthouse {light_height_m} m high carries {nominal_range_nm} miles at best. My eye is {eye_height_m} m up: "
    "when does it come in sight?",
)
def light_geographic_range(
    eye_height_m: Annotated[
        float, Field(ge=0, le=100, description="Height of the eye above the water in metres"), Like(number(1.5, 18, 1))
    ],
    light_height_m: Annotated[
        float, Field(ge=0, le=500, description="Height of the light above the water in metres"), Like(whole(8, 90))
    ],
    nominal_range_nm: Annotated[
        float | None,
        Field(gt=0, le=40, description="Distance at which it is bright enough in clear air, in nautical miles"),
        Like(whole(6, 28)),
    ] = None,
) -> LightRange:
    """Geographic range of a light: 2.08 nautical miles times the sum of the square roots of both heights in metres."""
    horizon = 2.08 * sqrt(eye_height_m)
    geographic = horizon + 2.08 * sqrt(light_height_m)
    bright = geographic if nominal_range_nm is None else nominal_range_nm
    return LightRange(
        geographic_range_nm=round(geographic, 2),
        horizon_nm=round(horizon, 2),
        visible_from_nm=round(min(bright, geographic), 2),
        limited_by="brightness" if bright < geographic else "horizon",
    )
