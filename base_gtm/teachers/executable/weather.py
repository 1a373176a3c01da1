"""What heat, cold, wind and moisture make of the air, by the formulas of weather services."""

from __future__ import annotations

from collections.abc import Mapping
from math import atan2, cos, degrees, exp, hypot, log, log10, radians, sin
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, tool, whole

Humidity = Annotated[float, Field(ge=1, le=100, description="Relative humidity in percent"), Like(whole(15, 98))]
_KELVIN = 273.15
_POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW".split()


def _fahrenheit(celsius: float) -> float:
    return celsius * 9 / 5 + 32


def _celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) * 5 / 9


def _saturation(celsius: float) -> float:
    """Vapour pressure over water in hPa, by Magnus with the constants of the WMO."""
    return 6.112 * exp(17.62 * celsius / (243.12 + celsius))


def _dew_point(vapour: float) -> float:
    """Temperature in Celsius at which that vapour pressure in hPa is saturation."""
    gamma = log(vapour / 6.112)
    return 243.12 * gamma / (17.62 - gamma)


class HeatIndex(Result):
    heat_index_c: float = Field(description="How hot it feels in the shade, in degrees Celsius")
    heat_index_f: float = Field(description="The same in degrees Fahrenheit")
    level: Literal["none", "caution", "extreme caution", "danger", "extreme danger"] = Field(
        description="Level of warning of the US National Weather Service"
    )


_HEAT: tuple[tuple[float, Literal["none", "caution", "extreme caution", "danger", "extreme danger"]], ...] = (
    (125, "extreme danger"),
    (103, "danger"),
    (90, "extreme caution"),
    (80, "caution"),
    (0, "none"),
)
"""Least heat index in Fahrenheit of each level."""
_HOTTEST = 150
"""Heat index in Fahrenheit beyond which the regression was never fitted."""


def _muggy(rng: Random) -> Mapping[str, Any]:
    celsius = number(24, 41, 1)(rng)
    most = 95 if celsius < 30 else 95 - 5 * (celsius - 30)
    return {"temperature_c": celsius, "humidity": rng.randint(15, int(most))}


def _rothfusz(t: float, r: float) -> float:
    """Heat index in Fahrenheit by the regression of the NWS with its two adjustments."""
    index = (
        -42.379
        + 2.04901523 * t
        + 10.14333127 * r
        - 0.22475541 * t * r
        - 6.83783e-3 * t * t
        - 5.481717e-2 * r * r
        + 1.22874e-3 * t * t * r
        + 8.5282e-4 * t * r * r
        - 1.99e-6 * t * t * r * r
    )
    if r < 13 and 80 <= t <= 112:
        return index - (13 - r) / 4 * ((17 - abs(t - 95)) / 17) ** 0.5
    if r > 85 and 80 <= t <= 87:
        return index + (r - 85) / 10 * (87 - t) / 5
    return index


@tool(
    "Weather",
    "Feels like",
    "It is {temperature_c} degrees with {humidity} % humidity. How hot does that feel?",
    "heat index for {temperature_c} C at {humidity} percent",
    together=_muggy,
)
def heat_index(
    temperature_c: Annotated[
        float, Field(ge=-50, le=50, description="Air temperature in degrees Celsius"), Wrong(number(-25, 17, 1))
    ],
    humidity: Humidity,
) -> HeatIndex:
    """Heat index of the US National Weather Service (Rothfusz regression with adjustments), from 20 degrees Celsius."""
    if temperature_c < 20:
        raise Refused(
            f"parameter 'temperature_c': at {temperature_c:g} degrees Celsius there is no heat index; "
            "give 20 or more, or ask for the wind chill"
        )
    fahrenheit = _fahrenheit(temperature_c)
    simple = 0.5 * (fahrenheit + 61 + (fahrenheit - 68) * 1.2 + humidity * 0.094)
    index = (simple + fahrenheit) / 2
    if index >= 80:
        index = _rothfusz(fahrenheit, humidity)
    if index > _HOTTEST:
        raise Refused(
            f"parameter 'humidity': {humidity:g} percent at {temperature_c:g} degrees Celsius is beyond any weather "
            "that the heat index was made for; give less"
        )
    level = next(name for least, name in _HEAT if index >= least)
    return HeatIndex(heat_index_c=round(_celsius(index), 1), heat_index_f=round(index, 1), level=level)


class WindChill(Result):
    wind_chill_c: float = Field(description="How cold it feels, in degrees Celsius")
    wind_chill_f: float = Field(description="The same in degrees Fahrenheit")
    colder_by: float = Field(description="Degrees Celsius below the air temperature")
    frostbite_risk: Literal["low", "moderate", "high", "very high", "severe", "extreme"] = Field(
        description="Level of risk by Environment Canada"
    )


_FROST: tuple[tuple[float, Literal["low", "moderate", "high", "very high", "severe"]], ...] = (
    (-9, "low"),
    (-27, "moderate"),
    (-39, "high"),
    (-47, "very high"),
    (-54, "severe"),
)
"""Lowest wind chill of each level, in whole degrees."""


@tool(
    "Weather",
    "Feels like",
    "What is the wind chill at {temperature_c} degrees Celsius and {wind_speed_kmh} km/h of wind?",
    "{temperature_c} C, wind {wind_speed_kmh} km/h: how cold does it feel and is there a risk of frostbite",
)
def wind_chill(
    temperature_c: Annotated[
        float,
        Field(ge=-80, le=50, description="Air temperature in degrees Celsius"),
        Like(number(-35, 10, 1)),
        Wrong(number(12, 35, 1)),
    ],
    wind_speed_kmh: Annotated[
        float,
        Field(ge=0, le=200, description="Wind at 10 m above the ground in km/h"),
        Like(whole(5, 80)),
        Wrong(number(0, 4.5, 1)),
    ],
) -> WindChill:
    """Wind chill by the index of 2001 of Canada and the United States, for 10 degrees or less and 4.8 km/h or more."""
    if temperature_c > 10:
        raise Refused(
            f"parameter 'temperature_c': wind chill is defined up to 10 degrees Celsius, not at {temperature_c:g}; "
            "for warmer air ask for the apparent temperature"
        )
    if wind_speed_kmh < 4.8:
        raise Refused(
            f"parameter 'wind_speed_kmh': {wind_speed_kmh:g} km/h is calm, and wind chill begins at 4.8 km/h; "
            "take the air temperature itself"
        )
    power = wind_speed_kmh**0.16
    chill = 13.12 + 0.6215 * temperature_c - 11.37 * power + 0.3965 * temperature_c * power
    return WindChill(
        wind_chill_c=round(chill, 1),
        wind_chill_f=round(_fahrenheit(chill), 1),
        colder_by=round(temperature_c - chill, 1),
        frostbite_risk=next((name for lowest, name in _FROST if round(chill) >= lowest), "extreme"),
    )


class ApparentTemperature(Result):
    apparent_c: float = Field(description="How warm it feels in the shade, in degrees Celsius")
    difference: float = Field(description="Degrees Celsius above the air temperature; negative for below")
    feels: Literal["colder", "about the same", "warmer"] = Field(description="Beyond one degree of difference")


@tool(
    "Weather",
    "Feels like",
    "What does {temperature_c} degrees feel like with {humidity} % humidity and a wind of {wind_speed_ms} m/s?",
    "feels-like temperature: {temperature_c} C, RH {humidity}, wind {wind_speed_ms} m/s",
)
def apparent_temperature(
    temperature_c: Annotated[
        float, Field(ge=-40, le=55, description="Air temperature in degrees Celsius"), Like(number(2, 40, 1))
    ],
    humidity: Humidity,
    wind_speed_ms: Annotated[
        float, Field(ge=0, le=60, description="Wind at 10 m above the ground in m/s"), Like(number(0, 15, 1))
    ],
) -> ApparentTemperature:
    """Apparent temperature in the shade after Steadman, as the Australian Bureau of Meteorology reckons it:
    T + 0.33 e - 0.70 v - 4 with the vapour pressure e in hPa.
    """
    vapour = humidity / 100 * 6.105 * exp(17.27 * temperature_c / (237.7 + temperature_c))
    difference = 0.33 * vapour - 0.70 * wind_speed_ms - 4
    return ApparentTemperature(
        apparent_c=round(temperature_c + difference, 1),
        difference=round(difference, 1),
        feels="colder" if difference < -1 else "warmer" if difference > 1 else "about the same",
    )


class DewPoint(Result):
    dew_point_c: float = Field(description="Temperature at which dew forms, in degrees Celsius")
    vapour_pressure_hpa: float = Field(description="Pressure of the water vapour in hPa")
    absolute_humidity: float = Field(description="Grams of water in a cubic metre of air")
    comfort: Literal["dry", "comfortable", "somewhat humid", "humid", "very humid", "oppressive"] = Field(
        description="How people find air with that dew point"
    )


_COMFORT: tuple[tuple[float, Literal["comfortable", "somewhat humid", "humid", "very humid", "oppressive"]], ...] = (
    (24, "oppressive"),
    (21, "very humid"),
    (18, "humid"),
    (16, "somewhat humid"),
    (10, "comfortable"),
)
"""Least dew point of each."""


@tool(
    "Weather",
    "Moisture and pressure",
    "What is the dew point at {temperature_c} degrees Celsius and {humidity} % humidity?",
    "dewpoint {temperature_c}C {humidity}% rh",
    "My bedroom has {temperature_c} degrees and {humidity} percent humidity. How cold must a wall be to get wet?",
)
def dew_point(
    temperature_c: Annotated[
        float, Field(ge=-45, le=60, description="Air temperature in degrees Celsius"), Like(number(-5, 38, 1))
    ],
    humidity: Humidity,
) -> DewPoint:
    """Dew point and water content of air, by the Magnus formula over water with the constants of the WMO."""
    vapour = humidity / 100 * _saturation(temperature_c)
    dew = _dew_point(vapour)
    return DewPoint(
        dew_point_c=round(dew, 2),
        vapour_pressure_hpa=round(vapour, 3),
        absolute_humidity=round(216.68 * vapour / (temperature_c + _KELVIN), 3),
        comfort=next((name for least, name in _COMFORT if dew >= least), "dry"),
    )


class Psychrometer(Result):
    humidity: float = Field(description="Relative humidity in percent")
    dew_point_c: float = Field(description="Dew point in degrees Celsius")
    vapour_pressure_hpa: float = Field(description="Pressure of the water vapour in hPa")
    depression: float = Field(description="Dry less wet bulb in degrees Celsius")


def _bulbs(rng: Random) -> Mapping[str, Any]:
    dry = number(8, 38, 1)(rng)
    return {"dry_bulb_c": dry, "wet_bulb_c": round(dry - rng.uniform(0.2, 0.27 * dry), 1)}


@tool(
    "Weather",
    "Moisture and pressure",
    "My psychrometer shows {dry_bulb_c} dry and {wet_bulb_c} wet. What is the relative humidity?",
    "humidity from dry bulb {dry_bulb_c} C, wet bulb {wet_bulb_c} C",
    "At {pressure_hpa} hPa the dry bulb reads {dry_bulb_c} and the wet bulb {wet_bulb_c} degrees. How humid is it?",
    together=_bulbs,
)
def psychrometer_humidity(
    dry_bulb_c: Annotated[float, Field(ge=0, le=50, description="Dry thermometer in degrees Celsius")],
    wet_bulb_c: Annotated[
        float, Field(ge=0, le=60, description="Wetted thermometer in degrees Celsius"), Wrong(number(50.5, 60, 1))
    ],
    pressure_hpa: Annotated[
        float, Field(ge=500, le=1100, description="Air pressure in hPa"), Like(whole(850, 1040))
    ] = 1013.25,
) -> Psychrometer:
    """Humidity from an aspirated psychrometer: vapour pressure is that of the wet bulb less 0.000662 p (dry - wet)."""
    if wet_bulb_c > dry_bulb_c:
        raise Refused(
            f"parameter 'wet_bulb_c': a wet bulb of {wet_bulb_c:g} cannot be warmer than the dry one of "
            f"{dry_bulb_c:g}; swap them or read again"
        )
    depression = dry_bulb_c - wet_bulb_c
    vapour = _saturation(wet_bulb_c) - 6.62e-4 * pressure_hpa * depression
    share = vapour / _saturation(dry_bulb_c)
    if share < 0.01:
        raise Refused(
            f"parameter 'wet_bulb_c': {wet_bulb_c:g} beside a dry bulb of {dry_bulb_c:g} would leave no moisture in "
            "the air; give a higher reading"
        )
    return Psychrometer(
        humidity=round(100 * share, 1),
        dew_point_c=round(_dew_point(vapour), 1),
        vapour_pressure_hpa=round(vapour, 3),
        depression=round(depression, 2),
    )


class AirAtAltitude(Result):
    pressure_hpa: float = Field(description="Air pressure in hPa")
    temperature_c: float = Field(description="Temperature of the standard atmosphere in degrees Celsius")
    density: float = Field(description="Density of the air in kg/m3")
    water_boils_at_c: float = Field(description="Boiling point of water in degrees Celsius")


@tool(
    "Weather",
    "Moisture and pressure",
    "What is the air pressure {altitude_m} metres above sea level?",
    "pressure and boiling point of water at {altitude_m} m",
    "With {sea_level_hpa} hPa at sea level, what does a barometer show at {altitude_m} m?",
)
def pressure_at_altitude(
    altitude_m: Annotated[
        float, Field(ge=-500, le=11000, description="Height above sea level in m"), Like(whole(50, 9000, 10))
    ],
    sea_level_hpa: Annotated[
        float, Field(ge=850, le=1100, description="Pressure at sea level in hPa"), Like(whole(975, 1045))
    ] = 1013.25,
) -> AirAtAltitude:
    """Pressure, temperature and density in the troposphere of the standard atmosphere (ISO 2533): 15 degrees Celsius at
    sea level and 6.5 degrees less each kilometre.
    """
    kelvin = 288.15 - 0.0065 * altitude_m
    pressure = sea_level_hpa * (kelvin / 288.15) ** 5.25588
    antoine = 1730.63 / (8.07131 - log10(pressure * 0.750062)) - 233.426
    return AirAtAltitude(
        pressure_hpa=round(pressure, 2),
        temperature_c=round(kelvin - _KELVIN, 2),
        density=round(100 * pressure / (287.053 * kelvin), 4),
        water_boils_at_c=round(antoine, 1),
    )


_BEAUFORT = (
    (0.0, "calm", 0.0),
    (0.3, "light air", 0.1),
    (1.6, "light breeze", 0.2),
    (3.4, "gentle breeze", 0.6),
    (5.5, "moderate breeze", 1.0),
    (8.0, "fresh breeze", 2.0),
    (10.8, "strong breeze", 3.0),
    (13.9, "near gale", 4.0),
    (17.2, "gale", 5.5),
    (20.8, "strong gale", 7.0),
    (24.5, "storm", 9.0),
    (28.5, "violent storm", 11.5),
    (32.7, "hurricane force", 14.0),
)
"""Force -> least speed in m/s, name, probable height of waves on the open sea in m."""
_PER_METRE = {"m/s": 1.0, "km/h": 3.6, "knots": 3600 / 1852, "mph": 3600 / 1609.344}


class Beaufort(Result):
    force: int = Field(description="Wind force, 0 to 12")
    name: str = Field(description="What that wind is called")
    from_speed: float = Field(description="Least speed of that force, in the unit given")
    wave_height_m: float = Field(description="Probable height of the waves on the open sea in m")
    gale_warning: bool = Field(description="Whether it is force 8 or more")


def _wind(rng: Random) -> Mapping[str, Any]:
    unit = rng.choice(list(_PER_METRE))
    return {"speed": round(rng.triangular(0.2, 36, 8) * _PER_METRE[unit], 1), "unit": unit}


@tool(
    "Weather",
    "Wind",
    "Which Beaufort force is a wind of {speed} {unit}?",
    "{speed} {unit} in beaufort, and how high are the waves?",
    together=_wind,
)
def beaufort_scale(
    speed: Annotated[float, Field(ge=0, le=500, description="Mean wind speed")],
    unit: Annotated[Literal["m/s", "km/h", "knots", "mph"], Field(description="Unit of the speed")],
) -> Beaufort:
    """Wind force on the Beaufort scale by the limits of the WMO in m/s, with the name and the waves at sea."""
    metres = speed / _PER_METRE[unit]
    force = max(n for n, (least, _, _) in enumerate(_BEAUFORT) if metres >= least)
    least, name, waves = _BEAUFORT[force]
    return Beaufort(
        force=force,
        name=name,
        from_speed=round(least * _PER_METRE[unit], 2),
        wave_height_m=waves,
        gale_warning=force >= 8,
    )


class WindReading(Part):
    """One reading of an anemometer."""

    direction: float = Field(ge=0, le=360, description="Degrees that the wind comes from, clockwise from north")
    speed: float = Field(ge=0, le=120, description="Speed in m/s")


class MeanWind(Result):
    direction: float = Field(description="Degrees that the mean wind comes from")
    compass_point: str = Field(description="The same as one of 16 points, such as WSW")
    vector_speed: float = Field(description="Speed of the mean vector in m/s")
    mean_speed: float = Field(description="Mean of the speeds alone in m/s")
    steadiness: float = Field(description="Vector speed by mean speed, 1 for a wind that never turns")


def _readings(rng: Random) -> list[dict[str, float]]:
    """A wind that turns a little."""
    usual, strength = rng.randrange(360), rng.uniform(2, 14)
    return [
        {
            "direction": (usual + 5 * round(rng.gauss(0, 5))) % 360,
            "speed": round(max(0.2, rng.gauss(strength, strength / 4)), 1),
        }
        for _ in range(rng.randint(3, 6))
    ]


def _opposite(rng: Random) -> list[dict[str, float]]:
    direction, speed = rng.randrange(0, 180, 10), rng.randint(2, 15)
    return [{"direction": direction, "speed": speed}, {"direction": direction + 180, "speed": speed}]


@tool(
    "Weather",
    "Wind",
    "Average these wind readings for me: {readings}.",
    "What is the mean wind direction and speed of {readings}?",
)
def mean_wind_vector(
    readings: Annotated[
        list[WindReading],
        Field(min_length=2, max_length=48, description="Readings that count alike"),
        Like(_readings),
        Wrong(_opposite),
    ],
) -> MeanWind:
    """Vector mean of wind readings, which averages directions across north correctly, and how steady the wind is."""
    count = len(readings)
    north = sum(one.speed * cos(radians(one.direction)) for one in readings) / count
    east = sum(one.speed * sin(radians(one.direction)) for one in readings) / count
    vector, mean = hypot(north, east), sum(one.speed for one in readings) / count
    if vector < 1e-6:
        raise Refused(
            f"parameter 'readings': the {count} readings are calm or cancel each other out, so that there is no mean "
            "direction; give others"
        )
    direction = degrees(atan2(east, north)) % 360
    return MeanWind(
        direction=round(direction, 1) % 360,
        compass_point=_POINTS[round(direction / 22.5) % 16],
        vector_speed=round(vector, 3),
        mean_speed=round(mean, 3),
        steadiness=round(vector / mean, 4),
    )
