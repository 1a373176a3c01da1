"""What electricity and heat cost, what sun and batteries give, what fuels emit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, magnitude, number, pick, tool, whole

Price = Annotated[float, Field(ge=0, le=100, description="Price of a kWh in any currency"), Like(number(0.11, 0.48, 2))]
HoursPerDay = Annotated[float, Field(gt=0, le=24, description="Hours of use a day"), Like(number(0.5, 14, 1))]


def _lasting(hours: float) -> str:
    """Hours in words."""
    minutes = round(60 * hours)
    days, rest = divmod(minutes, 24 * 60)
    return f"{f'{days} d ' if days else ''}{rest // 60} h {rest % 60} min"


class RunningCost(Result):
    kwh_per_day: float = Field(description="Electricity on a day of use in kWh")
    kwh_per_year: float = Field(description="Electricity in a year in kWh")
    cost_per_day: float = Field(description="Cost of a day of use")
    cost_per_month: float = Field(description="A twelfth of the yearly cost")
    cost_per_year: float = Field(description="Cost of a year")


@tool(
    "Energy",
    "Household",
    "What does it cost to run a {power_w} W appliance {hours_per_day} hours a day at {price_per_kwh} per kWh?",
    "running cost: {power_w} watts, {hours_per_day} h/day, {price_per_kwh} per kWh",
    "My {power_w} W heater runs {hours_per_day} hours on {days_per_year} days a year; a kWh costs {price_per_kwh}. "
    "What does it add to the bill?",
)
def appliance_running_cost(
    power_w: Annotated[float, Field(gt=0, le=1e5, description="Electric power in watts"), Like(magnitude(5, 3500, 2))],
    hours_per_day: HoursPerDay,
    price_per_kwh: Price,
    days_per_year: Annotated[
        int, Field(ge=1, le=366, description="Days of use in a year"), Like(pick(50, 90, 120, 150, 180, 220, 250, 300))
    ] = 365,
) -> RunningCost:
    """Electricity and cost of an appliance from its power and hours of use."""
    daily = power_w * hours_per_day / 1000
    yearly = daily * days_per_year
    return RunningCost(
        kwh_per_day=round(daily, 4),
        kwh_per_year=round(yearly, 3),
        cost_per_day=round(daily * price_per_kwh, 2),
        cost_per_month=round(yearly * price_per_kwh / 12, 2),
        cost_per_year=round(yearly * price_per_kwh, 2),
    )


class Tier(Part):
    """A step of a tariff."""

    from_kwh: float = Field(ge=0, le=1e6, description="Consumption in kWh from which the price holds; 0 in the first")
    price_per_kwh: float = Field(ge=0, le=100, description="Price of each kWh within the step")


class TierCharge(Result):
    from_kwh: float = Field(description="Where the step begins in kWh")
    kwh: float = Field(description="Consumption that falls in the step in kWh")
    cost: float = Field(description="What that costs")


class Bill(Result):
    total: float = Field(description="Energy and standing charge")
    energy_charge: float = Field(description="Cost of the energy alone")
    average_price: float = Field(description="Total divided by consumption, a kWh")
    by_tier: list[TierCharge] = Field(description="The steps that were reached")


def _tiers(rng: Random) -> list[dict[str, float]]:
    starts = [0, rng.randrange(80, 260, 20), rng.randrange(300, 700, 50)][: rng.randint(2, 3)]
    price = rng.uniform(0.08, 0.25)
    return [{"from_kwh": start, "price_per_kwh": round(price * 1.35**n, 3)} for n, start in enumerate(starts)]


def _muddled_tiers(rng: Random) -> list[dict[str, float]]:
    """Steps that do not begin at nothing, or do not rise."""
    right = _tiers(rng)
    if rng.random() < 0.5:
        return [{**right[0], "from_kwh": rng.randrange(20, 80, 10)}, *right[1:]]
    return [right[0], {**right[1], "from_kwh": 0}]


@tool(
    "Energy",
    "Household",
    "I used {kwh} kWh. The tariff steps are: {tiers}. How much do I pay?",
    "electricity bill for {kwh} kWh with tiers {tiers}",
    "What is the bill for {kwh} kWh with the steps {tiers} and a standing charge of {standing_charge}?",
)
def tiered_electricity_bill(
    kwh: Annotated[float, Field(ge=0.1, le=1e6, description="Consumption in kWh"), Like(whole(90, 1400, 5))],
    tiers: Annotated[
        list[Tier],
        Field(min_length=1, max_length=8, description="Steps of the tariff, the first from 0 kWh, rising"),
        Like(_tiers),
        Wrong(_muddled_tiers),
    ],
    standing_charge: Annotated[
        float, Field(ge=0, le=1e5, description="Fixed charge of the period"), Like(number(3, 25, 2))
    ] = 0,
) -> Bill:
    """Electricity bill of a tariff in steps, in which each kWh costs the price of the step that it falls in."""
    starts = [one.from_kwh for one in tiers]
    if starts[0] != 0 or any(late <= early for early, late in pairwise(starts)):
        raise Refused(
            f"parameter 'tiers': steps from {', '.join(f'{start:g}' for start in starts)} kWh leave prices open; "
            "begin with from_kwh 0 and let each step start above the one before"
        )
    ends = [*starts[1:], max(kwh, starts[-1])]
    charges = [
        TierCharge(from_kwh=one.from_kwh, kwh=round(used, 3), cost=round(used * one.price_per_kwh, 2))
        for one, end in zip(tiers, ends, strict=True)
        if (used := min(kwh, end) - one.from_kwh) > 0
    ]
    energy = round(sum(one.cost for one in charges), 2)
    total = round(energy + standing_charge, 2)
    return Bill(total=total, energy_charge=energy, average_price=round(total / kwh, 5), by_tier=charges)


class LedSavings(Result):
    kwh_per_year: float = Field(description="Electricity saved in a year in kWh")
    money_per_year: float = Field(description="Money saved in a year")
    saved_percent: float = Field(description="Share of the consumption that is saved")
    new_load_w: float = Field(description="Power of all LED lamps together in watts")


def _lamps(rng: Random) -> Mapping[str, Any]:
    old, led = rng.choice(((40, 4.5), (60, 7), (60, 8), (75, 10), (100, 13), (35, 5), (50, 6), (150, 18), (58, 24)))
    return {"old_watts": old, "led_watts": led}


@tool(
    "Energy",
    "Household",
    "I replace {lamp_count} bulbs of {old_watts} W by LEDs of {led_watts} W. They burn {hours_per_day} hours a day, a "
    "kWh costs {price_per_kwh}. What do I save a year?",
    "LED savings: {lamp_count} x {old_watts} W -> {led_watts} W, {hours_per_day} h/day, {price_per_kwh}/kWh",
    together=_lamps,
)
def led_replacement_savings(
    lamp_count: Annotated[int, Field(ge=1, le=10000, description="How many lamps"), Like(whole(1, 60))],
    old_watts: Annotated[float, Field(gt=0, le=300, description="Power of one old lamp in watts")],
    led_watts: Annotated[
        float, Field(gt=0, le=400, description="Power of one LED lamp in watts"), Wrong(whole(301, 400))
    ],
    hours_per_day: HoursPerDay,
    price_per_kwh: Price,
) -> LedSavings:
    """Electricity and money that LED lamps save in a year of 365 days."""
    if led_watts >= old_watts:
        raise Refused(
            f"parameter 'led_watts': an LED of {led_watts:g} W saves nothing against a lamp of {old_watts:g} W; "
            "give less than the old power"
        )
    saved = lamp_count * (old_watts - led_watts) * hours_per_day * 365 / 1000
    return LedSavings(
        kwh_per_year=round(saved, 2),
        money_per_year=round(saved * price_per_kwh, 2),
        saved_percent=round(100 * (1 - led_watts / old_watts), 2),
        new_load_w=round(lamp_count * led_watts, 2),
    )


class SolarYield(Result):
    peak_kw: float = Field(description="Rated power of all panels in kW")
    kwh_per_day: float = Field(description="Mean output a day in kWh")
    kwh_per_year: float = Field(description="Output in a year of 365 days in kWh")
    capacity_factor_percent: float = Field(description="Output in percent of running at rated power all year")


@tool(
    "Energy",
    "Generation and storage",
    "How much electricity do {panel_count} panels of {panel_watts} W give with {peak_sun_hours} peak sun hours a day?",
    "solar output {panel_count} x {panel_watts} Wp, {peak_sun_hours} h of full sun",
    "{panel_count} modules of {panel_watts} W, {peak_sun_hours} sun hours and a performance ratio of "
    "{performance_ratio}: yearly yield?",
)
def solar_array_yield(
    panel_count: Annotated[int, Field(ge=1, le=100000, description="How many panels"), Like(whole(2, 36))],
    panel_watts: Annotated[
        float, Field(ge=1, le=1000, description="Rated power of one panel in watts"), Like(whole(280, 460, 5))
    ],
    peak_sun_hours: Annotated[
        float,
        Field(gt=0, le=12, description="Mean hours a day of 1000 W/m2 in the plane of the panels"),
        Like(number(2.4, 6.2, 1)),
    ],
    performance_ratio: Annotated[
        float,
        Field(ge=0.1, le=1, description="Share that is left after losses by heat, wires and inverter"),
        Like(pick(0.7, 0.75, 0.78, 0.85)),
    ] = 0.8,
) -> SolarYield:
    """Output of a photovoltaic array: rated power times hours of full sun times the performance ratio."""
    peak = panel_count * panel_watts / 1000
    daily = peak * peak_sun_hours * performance_ratio
    return SolarYield(
        peak_kw=round(peak, 3),
        kwh_per_day=round(daily, 3),
        kwh_per_year=round(365 * daily, 1),
        capacity_factor_percent=round(100 * peak_sun_hours * performance_ratio / 24, 2),
    )


class Runtime(Result):
    hours: float = Field(description="How long the load can be fed in hours")
    duration: str = Field(description="The same in words, such as 5 h 24 min")
    usable_wh: float = Field(description="Energy that may be taken from the battery in Wh")
    current_a: float = Field(description="Current that is drawn from the battery in amperes")
    c_rate: float = Field(description="That current by the capacity; 1 empties the whole battery in an hour")


def _battery(rng: Random) -> Mapping[str, Any]:
    drawn: dict[str, Any] = {"capacity_ah": rng.choice((7, 20, 50, 75, 100, 100, 120, 200, 280, 400))}
    if rng.random() < 0.5:
        drawn |= {"usable_percent": rng.choice((50, 60, 90, 95)), "inverter_percent": rng.choice((85, 88, 92, 95))}
    return drawn


@tool(
    "Energy",
    "Generation and storage",
    "How long does a {voltage_v} V battery of {capacity_ah} Ah run a load of {load_w} W?",
    "battery runtime: {capacity_ah} Ah, {voltage_v} V, {load_w} W",
    "{capacity_ah} Ah at {voltage_v} V, {usable_percent} % usable, inverter {inverter_percent} %. For how long can I "
    "feed {load_w} W?",
    together=_battery,
)
def battery_backup_runtime(
    capacity_ah: Annotated[float, Field(gt=0, le=20000, description="Capacity in ampere hours")],
    voltage_v: Annotated[
        float, Field(ge=1, le=1000, description="Nominal voltage in volts"), Like(pick(12, 12, 12.8, 24, 24, 48, 51.2))
    ],
    load_w: Annotated[
        float, Field(ge=0.1, le=1e6, description="Power of the load in watts"), Like(magnitude(10, 900, 2))
    ],
    usable_percent: Annotated[
        float, Field(ge=5, le=100, description="Depth of discharge allowed in percent"), Like(pick(50), given=0)
    ] = 80,
    inverter_percent: Annotated[
        float, Field(ge=50, le=100, description="Efficiency of the inverter in percent"), Like(pick(95), given=0)
    ] = 90,
) -> Runtime:
    """How long a battery feeds a constant load through an inverter; its capacity is the same at any current."""
    usable = capacity_ah * voltage_v * usable_percent / 100
    drawn = load_w / (inverter_percent / 100)
    return Runtime(
        hours=round(usable / drawn, 3),
        duration=_lasting(usable / drawn),
        usable_wh=round(usable, 2),
        current_a=round(drawn / voltage_v, 3),
        c_rate=round(drawn / voltage_v / capacity_ah, 4),
    )


class Charging(Result):
    hours: float = Field(description="Time at the charger in hours")
    duration: str = Field(description="The same in words, such as 3 h 12 min")
    battery_kwh_added: float = Field(description="Energy that reaches the battery in kWh")
    grid_kwh: float = Field(description="Energy taken from the grid in kWh")
    cost: float = Field(description="Price of the energy from the grid; 0 where no price is given")
    slowed: bool = Field(description="Whether a fast charger throttles above 80 percent")


def _levels(rng: Random) -> Mapping[str, Any]:
    return {"start_percent": rng.randrange(5, 60, 5), "target_percent": rng.choice((70, 80, 80, 80, 90, 100))}


@tool(
    "Energy",
    "Generation and storage",
    "How long to charge a {battery_kwh} kWh car from {start_percent} to {target_percent} % at {charger_kw} kW?",
    "EV {battery_kwh} kWh, {start_percent} % -> {target_percent} %, charger {charger_kw} kW: charging time",
    "Charging my {battery_kwh} kWh battery from {start_percent} % to {target_percent} % at {charger_kw} kW and "
    "{price_per_kwh} per kWh: how long and how much?",
    together=_levels,
)
def ev_charging_time(
    battery_kwh: Annotated[
        float,
        Field(ge=1, le=1000, description="Usable capacity of the battery in kWh"),
        Like(pick(27, 36, 44, 50, 58, 64, 77, 82, 95)),
    ],
    start_percent: Annotated[float, Field(ge=0, le=100, description="Charge at the beginning in percent")],
    target_percent: Annotated[
        float, Field(ge=0, le=100, description="Charge wanted in percent, above the beginning"), Wrong(pick(0))
    ],
    charger_kw: Annotated[
        float,
        Field(ge=0.5, le=1000, description="Power of the charger in kW"),
        Like(pick(2.3, 3.7, 7.4, 11, 11, 22, 50, 100, 150)),
    ],
    price_per_kwh: Annotated[
        float, Field(ge=0, le=100, description="Price of a kWh from the grid"), Like(number(0.15, 0.79, 2))
    ] = 0,
) -> Charging:
    """Time and energy to charge an electric car, 10 percent of the energy being lost; chargers of 50 kW or more give
    half their power above 80 percent.
    """
    if target_percent <= start_percent:
        raise Refused(
            f"parameter 'target_percent': {target_percent:g} percent is not above the start of {start_percent:g}; "
            "give more"
        )
    added = battery_kwh * (target_percent - start_percent) / 100
    throttled = battery_kwh * max(0.0, target_percent - max(start_percent, 80)) / 100 if charger_kw >= 50 else 0.0
    grid = added / 0.9
    hours = (added + throttled) / (0.9 * charger_kw)
    return Charging(
        hours=round(hours, 3),
        duration=_lasting(hours),
        battery_kwh_added=round(added, 3),
        grid_kwh=round(grid, 3),
        cost=round(grid * price_per_kwh, 2),
        slowed=throttled > 0,
    )


class HeatPump(Result):
    cop: float = Field(description="Heat delivered for each kWh of electricity")
    carnot_cop: float = Field(description="What the laws of nature allow between these temperatures")
    electricity_kwh: float = Field(description="Electricity for the heat asked for in kWh")
    from_outside_kwh: float = Field(description="Heat that comes out of the air or the ground in kWh")


@tool(
    "Energy",
    "Heat and emissions",
    "What COP does a heat pump reach at {outdoor_c} degrees outside and {flow_c} degrees of flow, and how much "
    "electricity goes into {heat_kwh} kWh of heat?",
    "heat pump: outside {outdoor_c} C, flow {flow_c} C, heat {heat_kwh} kWh",
    "Source {outdoor_c} C, flow {flow_c} C, {heat_kwh} kWh of heat, {carnot_share} of Carnot is reached. What COP?",
)
def heat_pump_cop(
    outdoor_c: Annotated[
        float, Field(ge=-40, le=30, description="Temperature of the source in degrees Celsius"), Like(whole(-15, 14))
    ],
    flow_c: Annotated[
        float,
        Field(ge=0, le=90, description="Temperature of the heating water in degrees Celsius, 20 or more"),
        Like(pick(30, 35, 35, 40, 45, 50, 55, 60)),
        Wrong(whole(2, 19)),
    ],
    heat_kwh: Annotated[float, Field(gt=0, le=1e7, description="Heat wanted in kWh"), Like(magnitude(20, 25000, 2))],
    carnot_share: Annotated[
        float,
        Field(ge=0.1, le=0.9, description="Share of the Carnot COP that the machine reaches"),
        Like(pick(0.4, 0.5, 0.55)),
    ] = 0.45,
) -> HeatPump:
    """Coefficient of performance of a heat pump as a share of Carnot's T_flow / (T_flow - T_source), in kelvin."""
    if flow_c < 20:
        raise Refused(f"parameter 'flow_c': water of {flow_c:g} degrees heats no room; give 20 degrees Celsius or more")
    if flow_c - outdoor_c < 10:
        raise Refused(
            f"parameter 'flow_c': {flow_c:g} degrees is too near to the source of {outdoor_c:g} for a heat pump; "
            f"give {outdoor_c + 10:g} or more"
        )
    carnot = (flow_c + 273.15) / (flow_c - outdoor_c)
    cop = carnot_share * carnot
    if cop < 1:
        raise Refused(
            f"parameter 'carnot_share': {carnot_share:g} of Carnot gives less heat than an electric heater at these "
            "temperatures; give a greater share"
        )
    electricity = heat_kwh / cop
    return HeatPump(
        cop=round(cop, 3),
        carnot_cop=round(carnot, 3),
        electricity_kwh=round(electricity, 2),
        from_outside_kwh=round(heat_kwh - electricity, 2),
    )


Fuel = Literal["petrol", "diesel", "heating oil", "kerosene", "propane", "natural gas", "coal"]
FuelUnit = Literal["litre", "us_gallon", "cubic_metre", "cubic_foot", "kilogram", "short_ton"]
_EMISSIONS: Mapping[str, tuple[float, str]] = {
    "petrol": (8.78, "us_gallon"),
    "diesel": (10.21, "us_gallon"),
    "heating oil": (10.21, "us_gallon"),
    "kerosene": (10.15, "us_gallon"),
    "propane": (5.72, "us_gallon"),
    "natural gas": (0.05444, "cubic_foot"),
    "coal": (2325, "short_ton"),
}
"""Kilograms of CO2 a unit, US EPA Emission Factors for Greenhouse Gas Inventories; heating oil is No. 2, coal is
bituminous."""
_HELD: Mapping[str, Mapping[str, float]] = {
    "us_gallon": {"us_gallon": 1, "litre": 1 / 3.785411784},
    "cubic_foot": {"cubic_foot": 1, "cubic_metre": 1 / 0.028316846592},
    "short_ton": {"short_ton": 1, "kilogram": 1 / 907.18474},
}
"""Unit of the factor -> the units that can be turned into it, and how much of it they hold."""


class Emissions(Result):
    co2_kg: float = Field(description="Carbon dioxide from burning it in kg")
    kg_per_unit: float = Field(description="Carbon dioxide from one unit of the fuel in kg")
    carbon_kg: float = Field(description="Carbon in that carbon dioxide in kg")


def _tank(rng: Random) -> Mapping[str, Any]:
    fuel = rng.choice(list(_EMISSIONS))
    fitting = list(_HELD[_EMISSIONS[fuel][1]])
    unit = rng.choice(fitting) if rng.random() > 0.04 else "kilogram"
    most = {"short_ton": 20, "us_gallon": 200}.get(unit, 2500)
    return {"fuel": fuel, "amount": magnitude(1, most, 2)(rng), "unit": unit}


@tool(
    "Energy",
    "Heat and emissions",
    "How much CO2 comes from burning {amount} {unit} of {fuel}?",
    "co2 emissions {fuel}, {amount} {unit}",
    together=_tank,
)
def fuel_co2_emissions(
    fuel: Annotated[Fuel, Field(description="What is burnt")],
    amount: Annotated[float, Field(gt=0, le=1e9, description="How much of it")],
    unit: Annotated[
        FuelUnit,
        Field(description="Unit of the amount: volume of a liquid or of gas, weight of coal"),
    ],
) -> Emissions:
    """Carbon dioxide from burning a fuel by the emission factors of the US Environmental Protection Agency."""
    factor, base = _EMISSIONS[fuel]
    if unit not in _HELD[base]:
        raise Refused(
            f"parameter 'unit': {fuel} is not measured by the {unit} here; give one of: {', '.join(_HELD[base])}"
        )
    each = factor * _HELD[base][unit]
    return Emissions(
        co2_kg=round(amount * each, 3), kg_per_unit=round(each, 5), carbon_kg=round(amount * each * 12.011 / 44.009, 3)
    )
