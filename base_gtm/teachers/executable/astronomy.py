"""Orbits, distances, spectra, the calendar of astronomers, sun and moon."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, day, magnitude, number, pick, tool, whole

_LIGHT_KM_S = 299792.458
_AU_KM = 149597870.7
_SUN_GM = 1.32712440018e11
"""In km³/s²."""
_LIGHT_YEAR_KM = 9.4607304725808e12
_PARSEC_KM = 3.0856775814913673e13
_JULIAN_YEAR_S = 365.25 * 86400
_SYNODIC_DAYS = 29.530589
_HORIZON = -0.833
"""Height of the sun's centre in degrees at sunrise: half its width, and refraction."""

UtHours = Annotated[float, Field(ge=0, lt=24, description="Universal time in hours, with a fraction")]


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


class Orbit(Result):
    period_years: float = Field(description="Period in Julian years")
    period_days: float = Field(description="Period in days")
    closest_au: float = Field(description="Least distance from the centre in AU")
    farthest_au: float = Field(description="Greatest distance from the centre in AU")
    fastest_km_s: float = Field(description="Speed at the least distance in km/s")
    slowest_km_s: float = Field(description="Speed at the greatest distance in km/s")


@tool(
    "Astronomy",
    "Orbits",
    "How long is the year of a planet {semi_major_axis_au} AU from a star like the Sun?",
    "A comet has a semi-major axis of {semi_major_axis_au} AU and an eccentricity of {eccentricity}. Period, "
    "perihelion, speeds?",
    "A planet circles a star of {central_suns} solar masses at {semi_major_axis_au} AU. How long is its year?",
    "Orbit with a = {semi_major_axis_au} AU, e = {eccentricity} around {central_suns} solar masses.",
)
def kepler_orbit_period(
    semi_major_axis_au: Annotated[
        float,
        Field(ge=1e-4, le=1e6, description="Semi-major axis in AU"),
        Like(pick(0.05, 0.387, 0.723, 1.52, 2.77, 5.2, 9.58, 17.8, 19.2, 30.1, 39.5, 180, 506)),
    ],
    eccentricity: Annotated[
        float, Field(ge=0, le=0.9999, description="Eccentricity; 0 is a circle"), Like(number(0.01, 0.97), 0.6)
    ] = 0,
    central_suns: Annotated[
        float, Field(ge=1e-6, le=1e10, description="Mass in the centre in solar masses"), Like(number(0.1, 4), 0.35)
    ] = 1,
) -> Orbit:
    """Period and speeds of a light body on a Kepler orbit."""
    axis, gravity = semi_major_axis_au * _AU_KM, central_suns * _SUN_GM
    seconds = 2 * math.pi * math.sqrt(axis**3 / gravity)
    skew = math.sqrt((1 + eccentricity) / (1 - eccentricity))
    mean = math.sqrt(gravity / axis)
    if mean * skew > 0.1 * _LIGHT_KM_S:
        raise Refused(
            f"parameter 'semi_major_axis_au': {semi_major_axis_au:g} AU around {central_suns:g} solar masses would "
            "need more than a tenth of the speed of light, where Kepler's laws fail; give a wider orbit"
        )
    return Orbit(
        period_years=_figures(seconds / _JULIAN_YEAR_S),
        period_days=_figures(seconds / 86400),
        closest_au=_figures(semi_major_axis_au * (1 - eccentricity)),
        farthest_au=_figures(semi_major_axis_au * (1 + eccentricity)),
        fastest_km_s=_figures(mean * skew),
        slowest_km_s=_figures(mean / skew),
    )


_BODIES = {
    "sun": (_SUN_GM, 695700),
    "mercury": (22031.87, 2439.7),
    "venus": (324858.6, 6051.8),
    "earth": (398600.4418, 6371.0),
    "moon": (4902.8, 1737.4),
    "mars": (42828.37, 3389.5),
    "ceres": (62.63, 469.7),
    "jupiter": (1.26686534e8, 69911),
    "io": (5959.9, 1821.6),
    "europa": (3202.7, 1560.8),
    "ganymede": (9887.8, 2631.2),
    "callisto": (7179.3, 2410.3),
    "saturn": (3.7931187e7, 58232),
    "titan": (8978.1, 2574.7),
    "uranus": (5.793939e6, 25362),
    "neptune": (6.836529e6, 24622),
    "pluto": (869.6, 1188.3),
}
"""Gravitational parameter in km³/s², mean radius in km."""


class Escape(Result):
    escape_km_s: float = Field(description="Escape velocity in km/s")
    circular_km_s: float = Field(description="Speed of a circular orbit there in km/s")
    orbit_minutes: float = Field(description="Time of a turn on that orbit in min")
    gravity: float = Field(description="Acceleration of gravity there in m/s²")


@tool(
    "Astronomy",
    "Orbits",
    "What is the escape velocity of {body}?",
    "How fast must I go to get away from {body}, starting {altitude_km} km above it?",
)
def escape_velocity_of_body(
    body: Annotated[
        str,
        Field(
            min_length=2, max_length=20, description="Sun, planet, dwarf planet or large moon, such as Mars or Titan"
        ),
        Like(pick(*(name.title() for name in _BODIES))),
        Wrong(pick("Nibiru", "Vulcan", "Death Star", "Tatooine", "Planet Nine")),
    ],
    altitude_km: Annotated[
        float,
        Field(ge=0, le=1e8, description="Height above the mean surface in km"),
        Like(pick(100, 200, 400, 1000, 35786)),
    ] = 0,
) -> Escape:
    """Escape velocity, circular orbit and gravity above a body of the solar system, without its rotation and air."""
    found = _BODIES.get(body.strip().lower())
    if found is None:
        known = ", ".join(name.title() for name in _BODIES)
        raise Refused(f"parameter 'body': '{body}' is not among the bodies on record; give one of {known}")
    parameter, radius = found[0], found[1] + altitude_km
    circular = math.sqrt(parameter / radius)
    return Escape(
        escape_km_s=_figures(math.sqrt(2) * circular),
        circular_km_s=_figures(circular),
        orbit_minutes=_figures(2 * math.pi * radius / circular / 60),
        gravity=_figures(1000 * parameter / radius**2),
    )


class StarDistance(Result):
    distance_pc: float = Field(description="Distance in parsec")
    distance_ly: float = Field(description="Distance in light years")
    parallax_mas: float = Field(description="Parallax at that distance in milliarcseconds")
    luminosity_suns: float = Field(description="Visual luminosity in that of the Sun (absolute magnitude 4.83)")
    naked_eye: bool = Field(description="Whether it is seen without a telescope: magnitude 6 or brighter")


@tool(
    "Astronomy",
    "Stars and galaxies",
    "A star of apparent magnitude {apparent} has absolute magnitude {absolute}. How far away is it?",
    "Distance modulus: m = {apparent}, M = {absolute}, {extinction} mag of extinction by dust. Distance in parsec?",
)
def distance_from_magnitudes(
    apparent: Annotated[float, Field(ge=-27, le=35, description="Apparent magnitude"), Like(number(-1.5, 18))],
    absolute: Annotated[float, Field(ge=-30, le=20, description="Absolute magnitude"), Like(number(-8, 8))],
    extinction: Annotated[
        float, Field(ge=0, le=30, description="Light lost to dust on the way in magnitudes"), Like(number(0.1, 2.5, 1))
    ] = 0,
) -> StarDistance:
    """Distance of a star from its distance modulus, and its luminosity."""
    parsecs = 10 ** ((apparent - absolute - extinction + 5) / 5)
    return StarDistance(
        distance_pc=_figures(parsecs),
        distance_ly=_figures(parsecs * _PARSEC_KM / _LIGHT_YEAR_KM),
        parallax_mas=_figures(1000 / parsecs),
        luminosity_suns=_figures(10 ** (0.4 * (4.83 - absolute))),
        naked_eye=apparent <= 6,
    )


class LightDelay(Result):
    seconds: float = Field(description="Time that light takes in s")
    words: str = Field(description="The same in words, such as 8 min 19 s")
    round_trip_s: float = Field(description="Time to get an answer by radio in s")


_UNITS_KM = {"km": 1.0, "AU": _AU_KM, "light years": _LIGHT_YEAR_KM, "parsecs": _PARSEC_KM}
_USUAL_DISTANCES = {
    "km": magnitude(400, 8e9, 4),
    "AU": number(0.3, 45),
    "light years": number(1, 900, 1),
    "parsecs": number(1, 400, 1),
}


def _distance(rng: Random) -> dict[str, Any]:
    unit = rng.choice(sorted(_USUAL_DISTANCES))
    return {"distance": _USUAL_DISTANCES[unit](rng), "unit": unit}


@tool(
    "Astronomy",
    "Stars and galaxies",
    "How long does a radio signal take over {distance} {unit}?",
    "Light travel time for a distance of {distance} {unit}, please.",
    together=_distance,
)
def light_travel_delay(
    distance: Annotated[float, Field(ge=1e-3, le=1e12, description="Distance"), Like(number(0.4, 30))],
    unit: Annotated[
        Literal["km", "AU", "light years", "parsecs"], Field(description="Unit of the distance"), Like(pick("AU"))
    ],
) -> LightDelay:
    """Time that light and radio take for a distance in vacuum."""
    seconds = distance * _UNITS_KM[unit] / _LIGHT_KM_S
    return LightDelay(seconds=_figures(seconds), words=_duration(seconds), round_trip_s=_figures(2 * seconds))


def _duration(seconds: float) -> str:
    years = seconds / _JULIAN_YEAR_S
    if years >= 1:
        return f"{years:.4g} years" if years < 1000 else f"{round(years):,} years"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{days} d" if days else "",
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes else "",
        f"{rest} s" if rest else "",
    ]
    return " ".join(part for part in parts if part)


class Redshift(Result):
    redshift: float = Field(description="z, the relative change of the wavelength; negative is a blueshift")
    velocity_km_s: float = Field(description="Relativistic radial velocity in km/s; negative is approaching")
    rest_nm: float = Field(description="Wavelength of the line at rest in nm")
    distance_mpc: float | None = Field(
        description="Distance by Hubble's law in Mpc; null unless the redshift is above 0 and at most 0.1"
    )


_LINES = {
    "Lyman-alpha": 121.567,
    "C IV": 154.9,
    "Ca K": 393.366,
    "Ca H": 396.847,
    "H-delta": 410.174,
    "H-gamma": 434.047,
    "H-beta": 486.135,
    "O III": 500.684,
    "Mg b": 518.36,
    "Na D2": 588.995,
    "Na D1": 589.592,
    "H-alpha": 656.28,
}
"""Wavelength at rest in nm."""


def _observed(rng: Random) -> dict[str, Any]:
    line = rng.choice(sorted(_LINES))
    shift = (
        rng.uniform(1.5, 3.5)
        if line in ("Lyman-alpha", "C IV")
        else rng.choice((-0.0005, 0.02, 0.09, 0.3)) * rng.random()
    )
    return {"spectral_line": line, "observed_nm": round(_LINES[line] * (1 + shift), 2)}


@tool(
    "Astronomy",
    "Stars and galaxies",
    "I see {spectral_line} at {observed_nm} nm in a galaxy. What is its redshift?",
    "{spectral_line} observed at {observed_nm} nm: z, velocity, and distance with H0 = {hubble}?",
    together=_observed,
)
def redshift_of_spectral_line(
    spectral_line: Annotated[
        str,
        Field(min_length=3, max_length=20, description="Name of the line, such as H-alpha, O III or Ca K"),
        Like(pick(*_LINES)),
        Wrong(pick("H-omega", "Kryptonium K", "Line 42", "Xx VII")),
    ],
    observed_nm: Annotated[
        float, Field(ge=50, le=50000, description="Wavelength at which it is observed in nm"), Like(number(400, 900))
    ],
    hubble: Annotated[
        float, Field(ge=40, le=110, description="Hubble constant in km/s/Mpc"), Like(pick(67.4, 69.8, 73, 75))
    ] = 70,
) -> Redshift:
    """Redshift of a spectral line, the radial velocity that it means, and the distance of a nearby galaxy."""
    rest = {name.lower(): wavelength for name, wavelength in _LINES.items()}.get(spectral_line.strip().lower())
    if rest is None:
        raise Refused(
            f"parameter 'spectral_line': no line '{spectral_line}' is on record; give one of {', '.join(_LINES)}"
        )
    stretch = observed_nm / rest
    shift = stretch - 1
    return Redshift(
        redshift=round(shift, 6) + 0.0,
        velocity_km_s=round(_LIGHT_KM_S * (stretch**2 - 1) / (stretch**2 + 1), 2) + 0.0,
        rest_nm=rest,
        distance_mpc=round(_LIGHT_KM_S * shift / hubble, 3) if 0 < shift <= 0.1 else None,
    )


class JulianDate(Result):
    julian_date: float = Field(description="Julian date in days")
    modified_julian_date: float = Field(description="Julian date less 2400000.5")
    day_of_year: int = Field(description="1 on the first of January")
    sidereal_degrees: float = Field(description="Mean sidereal time at Greenwich as an angle")
    sidereal_time: str = Field(description="The same as HH:MM:SS")


_GREGORIAN_START = date(1582, 10, 15)


def _julian(when: date, hours: float) -> float:
    return when.toordinal() + 1721424.5 + hours / 24


@tool(
    "Astronomy",
    "Time, sun and moon",
    "What Julian date begins {calendar_date}?",
    "Julian date and Greenwich sidereal time of {calendar_date} at {ut_hours} hours UT?",
)
def julian_date_of(
    calendar_date: Annotated[
        date,
        Field(description="Date of the Gregorian calendar, from 1582-10-15 on"),
        Like(day("1900-01-01", "2060-12-31")),
        Wrong(day("1000-01-01", "1582-10-14")),
    ],
    ut_hours: Annotated[UtHours, Like(number(0, 23.9, 2), 0.6)] = 0,
) -> JulianDate:
    """Julian date of a Gregorian date, and mean sidereal time at Greenwich (IAU 1982)."""
    if calendar_date < _GREGORIAN_START:
        raise Refused(
            f"parameter 'calendar_date': {calendar_date} is before the Gregorian calendar; give {_GREGORIAN_START} or "
            "later"
        )
    julian = _julian(calendar_date, ut_hours)
    days = julian - 2451545
    centuries = days / 36525
    # Whole turns are left out, so that no digits are lost to them.
    turned = 0.985647366290 * days + 360 * ((ut_hours / 24 + 0.5) % 1)
    degrees = (280.46061837 + turned + 0.000387933 * centuries**2 - centuries**3 / 38710000) % 360
    seconds = round(degrees * 240) % 86400
    return JulianDate(
        julian_date=round(julian, 6),
        modified_julian_date=round(julian - 2400000.5, 6),
        day_of_year=calendar_date.timetuple().tm_yday,
        sidereal_degrees=round(degrees, 5),
        sidereal_time=f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
    )


class Daylight(Result):
    sunrise: str | None = Field(description="HH:MM by the clock; null where the sun does not rise that day")
    sunset: str | None = Field(description="HH:MM by the clock; null where the sun does not set that day")
    solar_noon: str = Field(description="When the sun is highest, HH:MM by the clock")
    day_length_hours: float = Field(description="Time between sunrise and sunset in h; 24 or 0 near the poles")
    regime: Literal["ordinary", "midnight sun", "polar night"] = Field(description="Whether the sun rises and sets")


_PLACES = (
    (51.48, 0.0, 0),
    (52.52, 13.41, 1),
    (40.71, -74.01, -5),
    (34.05, -118.24, -8),
    (35.68, 139.69, 9),
    (-33.87, 151.21, 10),
    (-34.6, -58.38, -3),
    (1.35, 103.82, 8),
    (28.61, 77.21, 5.5),
    (30.04, 31.24, 2),
    (-1.29, 36.82, 3),
    (64.15, -21.94, 0),
    (69.65, 18.96, 1),
    (78.22, 15.65, 1),
    (-54.8, -68.3, -3),
)
"""Latitude, longitude and offset of the clock of some cities."""


def _place(rng: Random) -> dict[str, Any]:
    latitude, longitude, offset = rng.choice(_PLACES)
    given = {"latitude": latitude, "longitude": longitude}
    return {**given, "utc_offset_hours": offset} if rng.random() < 0.6 else given


@tool(
    "Astronomy",
    "Time, sun and moon",
    "When does the sun rise and set on {calendar_date} at latitude {latitude}, longitude {longitude}?",
    "Sunrise, sunset and length of the day for {latitude}, {longitude} on {calendar_date}; clocks there are at UTC "
    "offset {utc_offset_hours}.",
    together=_place,
)
def sunrise_and_sunset(
    latitude: Annotated[float, Field(ge=-90, le=90, description="Degrees, north is positive"), Like(number(-60, 65))],
    longitude: Annotated[
        float, Field(ge=-180, le=180, description="Degrees, east is positive"), Like(number(-180, 180))
    ],
    calendar_date: Annotated[
        date,
        Field(description="Day from 1900 to 2100"),
        Like(day("2015-01-01", "2035-12-31")),
        Wrong(day("1500-01-01", "1899-12-31")),
    ],
    utc_offset_hours: Annotated[
        float | None,
        Field(ge=-12, le=14, description="What the clock is ahead of UTC in h; null for the longitude's own zone"),
        Like(pick(0), 0),
    ] = None,
) -> Daylight:
    """Sunrise, sunset and solar noon at sea level: the sun's centre 0.833 degrees below the horizon, as in almanacs."""
    from astral import Observer, SunDirection
    from astral.sun import elevation, noon, time_at_elevation

    _within("calendar_date", calendar_date, 1900, 2100)
    natural = round(longitude / 15)
    hours = float(natural) if utc_offset_hours is None else utc_offset_hours
    if abs((hours - longitude / 15 + 12) % 24 - 12) > 4:
        raise Refused(
            f"parameter 'utc_offset_hours': no clock at longitude {longitude:g} is set to {hours:g} h; give about "
            f"{natural}"
        )
    here, clock = Observer(latitude, longitude), timezone(timedelta(hours=hours))
    middle = noon(here, calendar_date, clock)
    heights = [elevation(here, middle + timedelta(hours=later), with_refraction=False) for later in (0, 12)]
    if min(heights) > _HORIZON or max(heights) < _HORIZON:
        shines = max(heights) > _HORIZON
        return Daylight(
            sunrise=None,
            sunset=None,
            solar_noon=_clock(middle),
            day_length_hours=24 if shines else 0,
            regime="midnight sun" if shines else "polar night",
        )

    def crossing(direction: SunDirection) -> datetime | None:
        """The day by the clock is not always the one in UTC, from which astral counts."""
        days = (calendar_date + timedelta(days=shift) for shift in (0, -1, 1))
        times = (time_at_elevation(here, _HORIZON, one, direction, clock, with_refraction=False) for one in days)
        return next((time for time in times if time.date() == calendar_date), None)

    try:
        up, down = crossing(SunDirection.RISING), crossing(SunDirection.SETTING)
    except ValueError:
        up = down = None
    if up is None or down is None:
        raise Refused(
            f"parameter 'calendar_date': {calendar_date} is at the edge of polar day or night there, and the sun "
            "rises or sets on another date; give a day that is some days off"
        )
    return Daylight(
        sunrise=_clock(up),
        sunset=_clock(down),
        solar_noon=_clock(middle),
        day_length_hours=round((down - up).total_seconds() % 86400 / 3600, 3),
        regime="ordinary",
    )


def _clock(when: datetime) -> str:
    return f"{when + timedelta(seconds=30):%H:%M}"


def _within(parameter: str, when: date, first: int, last: int) -> None:
    if not first <= when.year <= last:
        raise Refused(f"parameter '{parameter}': {when} is too far away to compute; give a day from {first} to {last}")


_PhaseName = Literal[
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
]
_PHASES: tuple[_PhaseName, ...] = (
    "new moon",
    "waxing crescent",
    "first quarter",
    "waxing gibbous",
    "full moon",
    "waning gibbous",
    "last quarter",
    "waning crescent",
)


class MoonPhase(Result):
    phase: _PhaseName = Field(description="Nearest of eight phases")
    illuminated_percent: float = Field(description="Share of the disc that is lit")
    age_days: float = Field(description="Days since new moon, about")
    waxing: bool = Field(description="Whether the lit part grows")


@tool(
    "Astronomy",
    "Time, sun and moon",
    "What was the phase of the moon on {calendar_date}?",
    "How much of the moon is lit on {calendar_date} at {ut_hours} h UT?",
)
def moon_illumination(
    calendar_date: Annotated[
        date,
        Field(description="Day from 1800 to 2200"),
        Like(day("1950-01-01", "2050-12-31")),
        Wrong(day("1200-01-01", "1799-12-31")),
    ],
    ut_hours: Annotated[UtHours, Like(whole(0, 23))] = 0,
) -> MoonPhase:
    """Phase and illuminated fraction of the moon, by Meeus' short formula (good to about a percent)."""
    _within("calendar_date", calendar_date, 1800, 2200)
    centuries = (_julian(calendar_date, ut_hours) - 2451545) / 36525
    elongation = math.radians(297.8501921 + 445267.1114034 * centuries - 0.0018819 * centuries**2)
    sun = math.radians(357.5291092 + 35999.0502909 * centuries - 0.0001536 * centuries**2)
    moon = math.radians(134.9633964 + 477198.8675055 * centuries + 0.0087414 * centuries**2)
    corrected = (
        math.degrees(elongation)
        + 6.289 * math.sin(moon)
        - 2.100 * math.sin(sun)
        + 1.274 * math.sin(2 * elongation - moon)
        + 0.658 * math.sin(2 * elongation)
        + 0.214 * math.sin(2 * moon)
        + 0.110 * math.sin(elongation)
    ) % 360
    return MoonPhase(
        phase=_PHASES[round(corrected / 45) % 8],
        illuminated_percent=round(50 * (1 - math.cos(math.radians(corrected))), 2),
        age_days=round(corrected / 360 * _SYNODIC_DAYS, 2),
        waxing=corrected < 180,
    )
