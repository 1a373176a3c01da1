"""Measures in other units: lengths, temperatures, pressures, speeds, fuel consumption, amounts of data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, magnitude, number, pick, said, tool

_UNIT = r"[A-Za-z_]+(\^[1-4])?([*/][A-Za-z_]+(\^[1-4])?){0,3}"
_STRANGE = ("verst", "cubit", "smoot", "parasang", "arshin", "catty")
"""Units that there were, but not here."""
Unit = Annotated[
    str,
    Field(pattern=f"^{_UNIT}$", min_length=1, max_length=40, description="Unit by symbol or name: km, lb, ft^3, km/h"),
    Wrong(pick(*_STRANGE)),
]
Amount = Annotated[
    str,
    Field(
        pattern=rf"^[0-9]{{1,9}}(\.[0-9]{{1,6}})? {_UNIT}$",
        min_length=3,
        max_length=60,
        description="Number and unit with a space between them, such as '5 km'",
    ),
    Wrong(lambda rng: f"{rng.randint(2, 90)} {rng.choice(_STRANGE)}"),
]
_USUAL: tuple[tuple[str, str, float, float], ...] = (
    ("mile", "km", 0.5, 500),
    ("ft", "m", 1, 3e4),
    ("inch", "mm", 0.1, 100),
    ("nautical_mile", "km", 1, 3000),
    ("light_year", "parsec", 1, 1000),
    ("lb", "kg", 1, 300),
    ("oz", "g", 1, 50),
    ("stone", "kg", 5, 20),
    ("acre", "hectare", 0.5, 5000),
    ("ft^2", "m^2", 50, 5000),
    ("gallon", "liter", 1, 100),
    ("ft^3", "m^3", 1, 1e4),
    ("mph", "km/h", 5, 200),
    ("knot", "m/s", 1, 120),
    ("psi", "kPa", 5, 3000),
    ("kWh", "MJ", 1, 5000),
    ("kcal", "kJ", 50, 3000),
    ("hp", "kW", 1, 800),
    ("N*m", "ft*lbf", 5, 900),
    ("lb/ft^3", "kg/m^3", 1, 700),
)
"""Two units that people convert into each other, and how much of the first."""


@cache
def _registry() -> Any:
    from pint import UnitRegistry

    return UnitRegistry()


def _unit(parameter: str, text: str) -> Any:
    try:
        return _registry().parse_units(text)
    except (AttributeError, ValueError, TypeError):
        raise Refused(
            f"parameter '{parameter}': '{text}' holds a unit that is not known; give SI or customary units, such as "
            "'km', 'lb', 'psi' or 'm/s'"
        ) from None


def _converted(parameter: str, value: float, source: Any, target: Any) -> float:
    """A value in another unit; `parameter` is the one to blame where there is none."""
    try:
        converted = float(_registry().Quantity(value, source).to(target).magnitude)
    except TypeError:
        raise Refused(
            f"parameter '{parameter}': '{target}' measures {target.dimensionality}, but '{source}' measures "
            f"{source.dimensionality}; give two units of the same quantity"
        ) from None
    except OverflowError:
        converted = math.inf
    if not math.isfinite(converted):
        raise Refused(f"parameter '{parameter}': {said(value)} '{source}' is too much to be told in '{target}'")
    return converted


def _figures(value: float, figures: int = 10) -> float:
    return float(f"{value:.{figures}g}")


def _in_units(value: float, unit: str, *others: str) -> list[float]:
    """A value in several units of which it is known that they fit."""
    quantity = _registry().Quantity(value, unit)
    return [_figures(quantity.to(other).magnitude, 8) for other in others]


class Conversion(Result):
    value: float = Field(description="The amount in the unit asked for")
    dimension: str = Field(description="What both units measure, such as [length] / [time]")
    statement: str = Field(description="Both amounts with their units")


def _conversion(rng: Random) -> Mapping[str, Any]:
    first, second, low, high = rng.choice(_USUAL)
    value = magnitude(low, high)(rng)
    if rng.random() < 0.4:
        first, second = second, first
    if rng.random() < 0.03:
        second = rng.choice(("K", "mol", "A"))
    return {"value": value, "from_unit": first, "to_unit": second}


@tool(
    "Units",
    "General",
    "Convert {value} {from_unit} to {to_unit}.",
    "how many {to_unit} are {value} {from_unit}?",
    "I have a figure of {value} in {from_unit}, but the form wants {to_unit}. What do I write?",
    together=_conversion,
)
def convert_physical_quantity(
    value: Annotated[float, Field(ge=-1e15, le=1e15, description="Amount in the first unit")],
    from_unit: Unit,
    to_unit: Unit,
) -> Conversion:
    """Convert an amount between any two units of one physical quantity; compound units are written km/h, N*m, ft^3.
    Gallons, pints and tons are those of the US.
    """
    source, target = _unit("from_unit", from_unit), _unit("to_unit", to_unit)
    converted = _figures(_converted("to_unit", value, source, target))
    return Conversion(
        value=converted,
        dimension=str(source.dimensionality),
        statement=f"{value:.10g} {from_unit} = {converted:.10g} {to_unit}",
    )


class Comparison(Result):
    larger: Literal["first", "second", "equal"] = Field(description="Which amount is more")
    ratio: float = Field(description="First divided by second")
    second_in_first_unit: float = Field(description="The second amount in the unit of the first")
    difference: float = Field(description="First less second, in the unit of the first")


def _rivals(rng: Random) -> Mapping[str, Any]:
    """Two amounts of which it is not plain which is more."""
    first, second, low, high = rng.choice([one for one in _USUAL if one[2] >= 1 and one[3] <= 5000])
    value = float(f"{magnitude(low, high, 2)(rng):.2f}")
    other = _in_units(value, first, second)[0] * rng.uniform(0.6, 1.6)
    unit = second if rng.random() > 0.03 else "mol"
    return {"first": f"{said(value)} {first}", "second": f"{said(max(round(other, 1), 0.1))} {unit}"}


@tool(
    "Units",
    "General",
    "Which is more, {first} or {second}?",
    "Is {first} larger than {second}, and by how much?",
    together=_rivals,
)
def compare_measurements(first: Amount, second: Amount) -> Comparison:
    """Tell which of two amounts of one physical quantity is the larger, whatever their units."""
    amounts = []
    for name, text in (("first", first), ("second", second)):
        count, _, unit = text.partition(" ")
        if float(count) == 0:
            raise Refused(f"parameter '{name}': '{text}' is nothing at all; give an amount above zero")
        amounts.append((float(count), _unit(name, unit)))
    (left, left_unit), (right, right_unit) = amounts
    other = _converted("second", right, right_unit, left_unit)
    same = math.isclose(left, other, rel_tol=1e-9)
    if other == 0:
        raise Refused(f"parameter 'second': '{second}' is zero in the unit of the first; give another amount")
    return Comparison(
        larger="equal" if same else "first" if left > other else "second",
        ratio=_figures(left / other, 6),
        second_in_first_unit=_figures(other, 8),
        difference=0.0 if same else _figures(left - other, 8),
    )


Scale = Literal["celsius", "fahrenheit", "kelvin", "rankine", "reaumur"]
_SCALES = {
    "celsius": "degree_Celsius",
    "fahrenheit": "degree_Fahrenheit",
    "kelvin": "kelvin",
    "rankine": "degree_Rankine",
    "reaumur": "degree_Reaumur",
}


class Temperature(Result):
    value: float = Field(description="On the scale asked for")
    kelvin: float = Field(description="Absolute temperature")
    water: Literal["ice", "liquid", "steam"] = Field(description="What water is at that temperature at sea level")


def _reading(rng: Random) -> Mapping[str, Any]:
    start, end = rng.sample([*_SCALES, "celsius", "fahrenheit", "kelvin"], 2)
    low, high = {"kelvin": (200, 700), "rankine": (400, 1200)}.get(start, (-40, 250))
    value = rng.randint(low, high) if rng.random() < 0.6 else number(low, high, 1)(rng)
    return {"value": value, "from_scale": start, "to_scale": end}


@tool(
    "Units",
    "Temperature",
    "What is {value} degrees {from_scale} in {to_scale}?",
    "temperature {value} {from_scale} -> {to_scale}",
    together=_reading,
)
def convert_temperature(
    value: Annotated[
        float, Field(ge=-1000, le=1e6, description="Reading on the first scale"), Wrong(number(-900, -500, 1))
    ],
    from_scale: Annotated[Scale, Field(description="Scale of the reading")],
    to_scale: Annotated[Scale, Field(description="Scale wanted")],
) -> Temperature:
    """Convert a temperature between the Celsius, Fahrenheit, Kelvin, Rankine and Réaumur scales."""
    reading = _registry().Quantity(value, _SCALES[from_scale])
    kelvin = round(reading.to("kelvin").magnitude, 6)
    if kelvin < 0:
        lowest = _registry().Quantity(0, "kelvin").to(_SCALES[from_scale]).magnitude
        raise Refused(
            f"parameter 'value': {said(value)} degrees {from_scale} lies below absolute zero; give {lowest:.2f} or more"
        )
    return Temperature(
        value=round(reading.to(_SCALES[to_scale]).magnitude, 4),
        kelvin=round(kelvin, 4),
        water="ice" if kelvin < 273.15 else "liquid" if kelvin < 373.15 else "steam",
    )


PressureUnit = Literal["Pa", "hPa", "kPa", "MPa", "bar", "psi", "atm", "mmHg", "inHg"]
_PRESSURES = {
    "Pa": (9e4, 3e5),
    "hPa": (900, 1060),
    "kPa": (80, 900),
    "MPa": (0.1, 40),
    "bar": (0.5, 300),
    "psi": (10, 3000),
    "atm": (0.5, 50),
    "mmHg": (60, 900),
    "inHg": (27, 31),
}
"""Unit -> pressures that people read on a gauge."""


class Pressure(Result):
    pascal: float = Field(description="Absolute pressure in Pa")
    bar: float = Field(description="Absolute pressure in bar")
    psi: float = Field(description="Absolute pressure in pounds per square inch")
    atmospheres: float = Field(description="Absolute pressure in standard atmospheres")
    millimetres_of_mercury: float = Field(description="Absolute pressure in mmHg")
    partial_vacuum: bool = Field(description="Whether it lies below one standard atmosphere")


def _pressure(rng: Random) -> Mapping[str, Any]:
    unit = rng.choice(list(_PRESSURES))
    return {"value": magnitude(*_PRESSURES[unit])(rng), "unit": unit}


@tool(
    "Units",
    "Pressure",
    "Give me {value} {unit} in all the usual pressure units.",
    "How many bar and psi is a pressure of {value} {unit}?",
    "My instrument shows {value} {unit}, {reading} pressure. Convert it to pascal, bar, psi and mmHg please.",
    together=_pressure,
)
def convert_pressure(
    value: Annotated[float, Field(ge=-1e6, le=1e9, description="Pressure"), Wrong(number(-9e5, -2e5, 0))],
    unit: Annotated[PressureUnit, Field(description="Unit of the value")],
    reading: Annotated[
        Literal["absolute", "gauge"],
        Field(description="Whether the value counts from a vacuum or from the air around (101,325 Pa)"),
        Like(pick("absolute", "gauge")),
    ] = "absolute",
) -> Pressure:
    """State a pressure as absolute pressure in the units in use; a gauge reading has one standard atmosphere added."""
    pascal = _registry().Quantity(value, unit).to("Pa").magnitude + (101325 if reading == "gauge" else 0)
    if pascal < 0:
        raise Refused(
            f"parameter 'value': {said(value)} {unit} ({reading}) would lie below a perfect vacuum; "
            f"give {'-1 atm' if reading == 'gauge' else 'zero'} or more"
        )
    bar, psi, atmospheres, mercury = _in_units(pascal, "Pa", "bar", "psi", "atm", "mmHg")
    return Pressure(
        pascal=_figures(pascal, 8),
        bar=bar,
        psi=psi,
        atmospheres=atmospheres,
        millimetres_of_mercury=mercury,
        partial_vacuum=pascal < 101325,
    )


SpeedUnit = Literal["km/h", "mph", "m/s", "knot", "ft/s"]
_SOUND = 340.294
"""Metres per second in air of 15 degrees, as in the standard atmosphere."""


class Speed(Result):
    metres_per_second: float = Field(description="Speed in m/s")
    kilometres_per_hour: float = Field(description="Speed in km/h")
    miles_per_hour: float = Field(description="Speed in mph")
    knots: float = Field(description="Speed in knots")
    pace_per_kilometre: str = Field(description="Time for a kilometre as minutes:seconds")
    pace_per_mile: str = Field(description="Time for a mile as minutes:seconds")
    mach: float = Field(description="Share of the speed of sound at sea level and 15 degrees Celsius")


def _pace(metres: float, speed: float) -> str:
    minutes, seconds = divmod(round(metres / speed), 60)
    return f"{minutes}:{seconds:02d}"


@tool(
    "Units",
    "Speed and fuel",
    "What is {value} {unit} in the other units of speed?",
    "I run at {value} {unit}. What pace per kilometre is that?",
    "{value} {unit} as knots, mph and m/s, please",
)
def speed_and_pace(
    value: Annotated[float, Field(ge=0.01, le=1e6, description="Speed"), Like(magnitude(3, 300))],
    unit: Annotated[
        SpeedUnit, Field(description="Unit of the value"), Like(pick("km/h", "km/h", "mph", "m/s", "knot", "ft/s"))
    ],
) -> Speed:
    """State a speed in metric, imperial and nautical units, as a runner's pace, and as a Mach number."""
    metres, kilometres, miles, knots = _in_units(value, unit, "m/s", "km/h", "mph", "knot")
    return Speed(
        metres_per_second=metres,
        kilometres_per_hour=kilometres,
        miles_per_hour=miles,
        knots=knots,
        pace_per_kilometre=_pace(1000, metres),
        pace_per_mile=_pace(1609.344, metres),
        mach=round(metres / _SOUND, 4),
    )


FuelUnit = Literal["l/100km", "km/l", "mpg_us", "mpg_imperial"]
_ECONOMY = {"km/l": "km/liter", "mpg_us": "mile/gallon", "mpg_imperial": "mile/imperial_gallon"}
"""Units that say how far a volume goes."""
_ROADS = {"l/100km": (3, 16), "km/l": (6, 30), "mpg_us": (12, 60), "mpg_imperial": (15, 75)}


class FuelConsumption(Result):
    litres_per_100_km: float = Field(description="European measure; less is better")
    kilometres_per_litre: float = Field(description="More is better")
    mpg_us: float = Field(description="Miles per US gallon of 3.785 l")
    mpg_imperial: float = Field(description="Miles per imperial gallon of 4.546 l")
    litres_for_trip: float = Field(description="Fuel for the distance given, in litres")


def _car(rng: Random) -> Mapping[str, Any]:
    unit = rng.choice(list(_ROADS))
    return {"value": number(*_ROADS[unit], 1)(rng), "unit": unit}


@tool(
    "Units",
    "Speed and fuel",
    "My car does {value} {unit}. What is that in the other units?",
    "fuel consumption: convert {value} {unit}",
    "At {value} {unit}, how many litres do I burn on {distance_km} km, and how many per 100 km?",
    together=_car,
)
def fuel_consumption_equivalents(
    value: Annotated[float, Field(ge=0.1, le=1000, description="Consumption, or distance on a volume of fuel")],
    unit: Annotated[FuelUnit, Field(description="Unit of the value")],
    distance_km: Annotated[
        float, Field(gt=0, le=1e5, description="Length of a trip in km"), Like(magnitude(20, 1500, 2))
    ] = 100,
) -> FuelConsumption:
    """Convert the fuel consumption of a vehicle between litres per 100 km, km per litre and both miles per gallon."""
    per_litre = 100 / value if unit == "l/100km" else _in_units(value, _ECONOMY[unit], "km/liter")[0]
    us, imperial = _in_units(per_litre, "km/liter", _ECONOMY["mpg_us"], _ECONOMY["mpg_imperial"])
    return FuelConsumption(
        litres_per_100_km=round(100 / per_litre, 4),
        kilometres_per_litre=round(per_litre, 4),
        mpg_us=round(us, 4),
        mpg_imperial=round(imperial, 4),
        litres_for_trip=round(distance_km / per_litre, 4),
    )


DataUnit = Literal["bit", "B", "kbit", "Mbit", "Gbit", "kB", "MB", "GB", "TB", "PB", "KiB", "MiB", "GiB", "TiB", "PiB"]
_MEMORY = pick("MB", "GB", "TB", "MiB", "GiB", "TiB", "kB", "KiB", "Mbit", "Gbit", "B")


class DataSize(Result):
    value: float = Field(description="Size in the unit asked for")
    size_in_bytes: float = Field(description="Size in bytes of 8 bits")
    decimal_text: str = Field(description="Size with a prefix of powers of 1000, such as 1.5 GB")
    binary_text: str = Field(description="Size with a prefix of powers of 1024, such as 1.4 GiB")


def _readable(size: float, step: int, prefixes: tuple[str, ...]) -> str:
    power = 0
    while size >= step and power < len(prefixes) - 1:
        size, power = size / step, power + 1
    return f"{size:.4g} {prefixes[power]}" if size < step else f"{size:.0f} {prefixes[power]}"


@tool(
    "Units",
    "Data",
    "How much is {value} {from_unit} in {to_unit}?",
    "a disk of {value} {from_unit}: what size in {to_unit}",
)
def convert_data_size(
    value: Annotated[float, Field(ge=0, le=1e15, description="Size in the first unit"), Like(magnitude(1, 5000))],
    from_unit: Annotated[DataUnit, Field(description="Unit of the value"), Like(_MEMORY)],
    to_unit: Annotated[DataUnit, Field(description="Unit wanted"), Like(_MEMORY)],
) -> DataSize:
    """Convert an amount of data; kB, MB, GB are powers of 1000 (SI), KiB, MiB, GiB powers of 1024 (IEC 80000-13)."""
    quantity = _registry().Quantity(value, from_unit)
    size = quantity.to("B").magnitude
    return DataSize(
        value=_figures(quantity.to(to_unit).magnitude),
        size_in_bytes=_figures(size, 15),
        decimal_text=_readable(size, 1000, ("B", "kB", "MB", "GB", "TB", "PB", "EB")),
        binary_text=_readable(size, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")),
    )


class FeetAndInches(Result):
    feet: int = Field(description="Whole feet")
    inches: int = Field(description="Whole inches beyond the feet")
    fraction: str = Field(description="Part of an inch beyond those in lowest terms, such as 7/8; 0 for none")
    total_inches: float = Field(description="The whole length in inches")
    notation: str = Field(description="As a carpenter writes it, such as 5' 10 7/8\"")


@tool(
    "Units",
    "Length",
    "I'm {centimetres} cm tall. What is that in feet and inches?",
    "{centimetres} cm in ft and in",
    "Give me {centimetres} centimetres in feet and inches, to the nearest 1/{nearest} of an inch.",
)
def height_in_feet_and_inches(
    centimetres: Annotated[float, Field(ge=0.5, le=1e5, description="Length in cm"), Like(number(20, 260, 1))],
    nearest: Annotated[
        Literal[1, 2, 4, 8, 16, 32],
        Field(description="Denominator of the fraction of an inch that is rounded to"),
        Like(pick(2, 4, 8, 32)),
    ] = 16,
) -> FeetAndInches:
    """State a metric length in feet, inches and a fraction of an inch; a foot has 12 inches of 2.54 cm."""
    parts = round(centimetres / 2.54 * nearest)
    feet, rest = divmod(parts, 12 * nearest)
    inches, part = divmod(rest, nearest)
    fraction = str(Fraction(part, nearest))
    return FeetAndInches(
        feet=feet,
        inches=inches,
        fraction=fraction,
        total_inches=round(centimetres / 2.54, 4),
        notation=f"{feet}' {inches}{'' if part == 0 else ' ' + fraction}\"",
    )
