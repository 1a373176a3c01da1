"""Prices and demand, national accounts, inequality, markets."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from random import Random
from statistics import fmean, median
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, money, number, pick, several, tool, whole


class Elasticity(Result):
    elasticity: float = Field(description="Change of quantity over change of price, both in percent of their midpoint")
    demand: Literal["elastic", "unit elastic", "inelastic"] = Field(
        description="Whether the size of the elasticity is above, at or below 1"
    )
    revenue_before: float = Field(description="Price times quantity before")
    revenue_after: float = Field(description="Price times quantity after")


def _sales(rng: Random) -> Mapping[str, Any]:
    price, sold = money(1, 200)(rng), float(whole(40, 2000, 10)(rng))
    change, response = rng.choice((-0.2, -0.1, 0.05, 0.1, 0.15, 0.25)), rng.uniform(0.3, 2.2)
    return {
        "price_before": price,
        "price_after": round(price * (1 + change), 2),
        "quantity_before": sold,
        "quantity_after": float(round(sold * (1 - change * response))),
    }


@tool(
    "Economics",
    "Prices",
    "We changed our price from {price_before} to {price_after} and sales went from {quantity_before} to "
    "{quantity_after}. How elastic is demand?",
    "midpoint elasticity: P {price_before} -> {price_after}, Q {quantity_before} -> {quantity_after}",
    together=_sales,
)
def price_elasticity_of_demand(
    price_before: Annotated[float, Field(ge=0.001, le=1e9, description="Old price")],
    price_after: Annotated[float, Field(ge=0.001, le=1e9, description="New price")],
    quantity_before: Annotated[float, Field(ge=0.001, le=1e12, description="Quantity sold at the old price")],
    quantity_after: Annotated[float, Field(ge=0, le=1e12, description="Quantity sold at the new price")],
) -> Elasticity:
    """Price elasticity of demand by the midpoint method."""
    price_change = (price_after - price_before) / (price_after + price_before)
    if abs(price_change) < 1e-9:
        raise Refused(
            f"parameter 'price_after': {price_after:.10g} is the price before, so there is no change to respond to; "
            "give another price"
        )
    elasticity = (quantity_after - quantity_before) / (quantity_after + quantity_before) / price_change
    size = round(abs(elasticity), 4)
    return Elasticity(
        elasticity=round(elasticity, 4) + 0.0,
        demand="unit elastic" if size == 1 else "elastic" if size > 1 else "inelastic",
        revenue_before=round(price_before * quantity_before, 2),
        revenue_after=round(price_after * quantity_after, 2),
    )


class AdjustedAmount(Result):
    amount: float = Field(description="Dollars of the second year with the same purchasing power")
    total_inflation_percent: float = Field(description="Change of the price level between the two years")
    average_inflation_percent: float = Field(description="The same per year; 0 for one and the same year")
    index_from: float = Field(description="CPI-U of the first year")
    index_to: float = Field(description="CPI-U of the second year")


_CPI = dict(
    enumerate(
        [
            29.6, 29.9, 30.2, 30.6, 31.0, 31.5, 32.4, 33.4, 34.8, 36.7,
            38.8, 40.5, 41.8, 44.4, 49.3, 53.8, 56.9, 60.6, 65.2, 72.6,
            82.4, 90.9, 96.5, 99.6, 103.9, 107.6, 109.6, 113.6, 118.3, 124.0,
            130.7, 136.2, 140.3, 144.5, 148.2, 152.4, 156.9, 160.5, 163.0, 166.6,
            172.2, 177.1, 179.9, 184.0, 188.9, 195.3, 201.6, 207.342, 215.303, 214.537,
            218.056, 224.939, 229.594, 232.957, 236.736, 237.017, 240.007, 245.120, 251.107, 255.657,
            258.811, 270.970, 292.655, 304.702, 313.689,
        ],
        start=1960,
    )
)  # fmt: skip
"""US consumer price index for all urban consumers, annual average, 1982-84 = 100 (BLS)."""


def _consumer_prices(name: str, year: int) -> float:
    if year not in _CPI:
        raise Refused(f"parameter '{name}': there is no price index for {year} here; give a year from 1960 to 2024")
    return _CPI[year]


@tool(
    "Economics",
    "Prices",
    "What would {amount} dollars of {from_year} be worth in {to_year} money?",
    "inflation-adjust ${amount} from {from_year} to {to_year}",
    "My grandfather paid {amount} dollars in {from_year}. How much is that in {to_year} dollars?",
)
def us_inflation_adjust(
    amount: Annotated[float, Field(gt=0, le=1e12, description="Dollars of the first year"), Like(money(1, 1e5))],
    from_year: Annotated[
        int,
        Field(ge=1800, le=2100, description="Year of the amount, 1960 to 2024"),
        Like(whole(1960, 2015)),
        Wrong(pick(1871, 1913, 1929, 1945, 1959, 2031)),
    ],
    to_year: Annotated[
        int,
        Field(ge=1800, le=2100, description="Year to express it in, 1960 to 2024"),
        Like(pick(*range(1990, 2025), 2023, 2024, 2024)),
        Wrong(pick(1899, 1950, 2026, 2030, 2050)),
    ],
) -> AdjustedAmount:
    """Express US dollars of one year in dollars of another by the annual average of the consumer price index CPI-U."""
    start, end = _consumer_prices("from_year", from_year), _consumer_prices("to_year", to_year)
    years = to_year - from_year
    return AdjustedAmount(
        amount=round(amount * end / start, 2),
        total_inflation_percent=round(100 * (end / start - 1), 2),
        average_inflation_percent=round(100 * ((end / start) ** (1 / years) - 1), 3) if years else 0.0,
        index_from=start,
        index_to=end,
    )


class Parity(Result):
    implied_rate: float = Field(description="Foreign units per home unit at which both baskets cost the same")
    foreign_valuation_percent: float = Field(description="Foreign currency against parity; negative is undervalued")
    foreign_currency: Literal["undervalued", "fair", "overvalued"] = Field(description="Fair within 5 percent")
    foreign_price_at_home: float = Field(description="Foreign basket at the market rate, in home currency")


def _burgers(rng: Random) -> Mapping[str, Any]:
    rate = rng.choice((0.78, 0.92, 1.37, 3.9, 7.2, 10.6, 18.5, 34.0, 83.0, 150.0))
    home = round(rng.uniform(4.2, 6.5), 2)
    return {
        "home_price": home,
        "foreign_price": round(home * rate * rng.uniform(0.5, 1.3), 2),
        "market_rate": rate,
    }


@tool(
    "Economics",
    "Prices",
    "A burger costs {home_price} at home and {foreign_price} abroad; one unit of ours buys {market_rate} of theirs. Is "
    "their currency cheap?",
    "PPP: same basket, {home_price} here, {foreign_price} there, exchange rate {market_rate} foreign per home unit",
    together=_burgers,
)
def purchasing_power_parity(
    home_price: Annotated[float, Field(ge=0.001, le=1e9, description="Price of a basket in home currency")],
    foreign_price: Annotated[
        float, Field(ge=0.001, le=1e9, description="Price of the same basket in foreign currency")
    ],
    market_rate: Annotated[float, Field(ge=1e-6, le=1e6, description="Foreign units for one home unit on the market")],
) -> Parity:
    """Compare a market exchange rate with the one that equal prices imply, as the Big Mac index does."""
    implied = foreign_price / home_price
    valuation = round(100 * (implied / market_rate - 1), 2)
    return Parity(
        implied_rate=float(f"{implied:.6g}"),
        foreign_valuation_percent=valuation,
        foreign_currency="undervalued" if valuation < -5 else "overvalued" if valuation > 5 else "fair",
        foreign_price_at_home=float(f"{foreign_price / market_rate:.6g}"),
    )


class RealGrowth(Result):
    real_gdp: list[float] = Field(description="GDP of each year in prices of the base year")
    growth_percent: list[float] = Field(description="Real growth of each year but the first")
    average_growth_percent: float = Field(description="Compound real growth per year")
    years_of_decline: int = Field(description="Years in which real GDP fell")


def _accounts(rng: Random) -> Mapping[str, Any]:
    gdp, level = money(80, 4e3)(rng), rng.choice((96.0, 100.0, 100.0, 104.5))
    nominal, deflators = [], []
    for _ in range(rng.randint(2, 5)):
        nominal.append(round(gdp, 1))
        deflators.append(round(level, 1))
        prices = rng.uniform(0.005, 0.07)
        gdp, level = gdp * (1 + prices + rng.uniform(-0.03, 0.05)), level * (1 + prices)
    return {"nominal_gdp": nominal, "deflators": deflators}


@tool(
    "Economics",
    "National accounts",
    "Nominal GDP was {nominal_gdp} billion year by year, with deflators {deflators}. How fast did the economy really "
    "grow?",
    "real gdp growth, nominal: {nominal_gdp}; deflator (base year 100): {deflators}",
    together=_accounts,
)
def real_gdp_growth(
    nominal_gdp: Annotated[
        list[Annotated[float, Field(ge=0.001, le=1e15)]],
        Field(min_length=2, max_length=60, description="GDP in current prices, one a year, oldest first"),
    ],
    deflators: Annotated[
        list[Annotated[float, Field(ge=0.01, le=1e6)]],
        Field(min_length=1, max_length=60, description="GDP deflator of the same years, base year 100"),
        Wrong(lambda rng: [number(98, 120, 1)(rng)]),
    ],
) -> RealGrowth:
    """Real GDP and its growth from nominal GDP and deflators."""
    if len(deflators) != len(nominal_gdp):
        raise Refused(
            f"parameter 'deflators': {len(deflators)} given for {len(nominal_gdp)} years of GDP; give one for each year"
        )
    real = [100 * nominal / level for nominal, level in zip(nominal_gdp, deflators, strict=True)]
    growth = [round(100 * (later / earlier - 1), 3) for earlier, later in pairwise(real)]
    return RealGrowth(
        real_gdp=[round(value, 3) for value in real],
        growth_percent=growth,
        average_growth_percent=round(100 * ((real[-1] / real[0]) ** (1 / len(growth)) - 1), 3),
        years_of_decline=sum(one < 0 for one in growth),
    )


Incomes = Annotated[
    list[Annotated[float, Field(ge=0, le=1e12)]],
    Field(min_length=2, max_length=200, description="Income of each person or household, in any order"),
    Like(several(money(8e3, 2.5e5), 4, 12)),
    Wrong(lambda rng: [0.0] * rng.randint(2, 6)),
]


def _with_income(incomes: list[float]) -> list[float]:
    if sum(incomes) < 1e-9:
        raise Refused(
            f"parameter 'incomes': all {len(incomes)} incomes are 0, so there is nothing to share; give at least one "
            "above 0"
        )
    return sorted(incomes)


class GiniIndex(Result):
    gini: float = Field(description="0 where all are equal, towards 1 where one has everything")
    mean_income: float = Field(description="Arithmetic mean")
    median_income: float = Field(description="Half of the incomes lie below")


@tool(
    "Economics",
    "Inequality",
    "How unequal are these incomes: {incomes}? Give me the Gini.",
    "gini coefficient of {incomes}; small-sample correction: {corrected}",
)
def gini_coefficient(
    incomes: Incomes,
    corrected: Annotated[
        bool, Field(description="Whether to multiply by n / (n - 1), for a small sample"), Like(pick(True, True, False))
    ] = False,
) -> GiniIndex:
    """Gini coefficient of a list of incomes."""
    ordered = _with_income(incomes)
    count = len(ordered)
    weighted = sum((2 * rank - count - 1) * income for rank, income in enumerate(ordered, start=1))
    gini = weighted / (count * sum(ordered)) * (count / (count - 1) if corrected else 1)
    return GiniIndex(gini=round(gini, 5), mean_income=round(fmean(ordered), 2), median_income=round(median(ordered), 2))


class LorenzPoint(Result):
    population_percent: float = Field(description="Poorest part of the people")
    income_percent: float = Field(description="Part of all income that they have")


class LorenzCurve(Result):
    points: list[LorenzPoint] = Field(description="Curve from the poorest group to everybody")
    top_group_percent: float = Field(description="Part of all income that the richest group has")


@tool(
    "Economics",
    "Inequality",
    "Plot points of the Lorenz curve for {incomes}, please.",
    "What share of income do the poorest have? Incomes {incomes}, cut into {groups} groups.",
)
def lorenz_curve_points(
    incomes: Incomes,
    groups: Annotated[Literal[4, 5, 10], Field(description="Quarters, fifths or tenths"), Like(pick(4, 5, 10))] = 5,
) -> LorenzCurve:
    """Cumulative income shares of equal groups of people, poorest first, with straight lines between persons."""
    import numpy as np

    ordered = np.array(_with_income(incomes))
    shares = np.concatenate(([0.0], np.cumsum(ordered))) / ordered.sum()
    at = np.arange(1, groups + 1) / groups
    curve = np.interp(at, np.arange(len(shares)) / len(ordered), shares)
    points = [
        LorenzPoint(population_percent=round(100 * float(part), 2), income_percent=round(100 * float(share), 3))
        for part, share in zip(at, curve, strict=True)
    ]
    return LorenzCurve(points=points, top_group_percent=round(100 - 100 * float(curve[-2]), 3))


class Equilibrium(Result):
    quantity: float = Field(description="Units traded")
    buyer_price: float = Field(description="Paid by buyers, tax included")
    seller_price: float = Field(description="Kept by sellers")
    consumer_surplus: float = Field(description="Gain of the buyers")
    producer_surplus: float = Field(description="Gain of the sellers")
    tax_revenue: float = Field(description="Tax times quantity")
    deadweight_loss: float = Field(description="Gain that is lost because of the tax")


def _market(rng: Random) -> Mapping[str, Any]:
    top = float(whole(40, 200, 5)(rng))
    return {
        "demand_intercept": top,
        "demand_slope": rng.choice((0.1, 0.25, 0.5, 1.0, 2.0)),
        "supply_intercept": float(rng.randrange(0, int(top / 2), 2)),
        "supply_slope": rng.choice((0.1, 0.2, 0.5, 1.0, 1.5)),
    }


@tool(
    "Economics",
    "Markets",
    "Demand is P = {demand_intercept} - {demand_slope} Q, supply is P = {supply_intercept} + {supply_slope} Q. Find "
    "the equilibrium.",
    "What does a tax of {unit_tax} per unit do? Demand {demand_intercept} - {demand_slope}Q, supply {supply_intercept} "
    "+ {supply_slope}Q.",
    together=_market,
)
def linear_market_equilibrium(
    demand_intercept: Annotated[float, Field(gt=0, le=1e6, description="Price at which nobody buys")],
    demand_slope: Annotated[float, Field(ge=0.0001, le=1e4, description="Fall of the price for each unit demanded")],
    supply_intercept: Annotated[
        float, Field(ge=0, le=1e7, description="Price at which nobody sells"), Wrong(money(1.5e6, 9e6))
    ],
    supply_slope: Annotated[float, Field(ge=0.0001, le=1e4, description="Rise of the price for each unit supplied")],
    unit_tax: Annotated[
        float, Field(ge=0, le=1e6, description="Tax on each unit sold"), Like(pick(1.0, 2.0, 3.0, 5.0, 8.0))
    ] = 0.0,
) -> Equilibrium:
    """Equilibrium and surpluses of a market with straight inverse demand and supply, with a tax per unit if given."""
    gap, slopes = demand_intercept - supply_intercept, demand_slope + supply_slope
    if gap <= 0:
        raise Refused(
            f"parameter 'supply_intercept': at {supply_intercept:.10g} it is not below the demand intercept of "
            f"{demand_intercept:.10g}, so nothing is traded; give a lower price"
        )
    if unit_tax >= gap:
        raise Refused(f"parameter 'unit_tax': a tax of {unit_tax:.10g} stops all trade; give less than {gap:.10g}")
    quantity = (gap - unit_tax) / slopes
    tax = round(unit_tax * quantity, 4)
    return Equilibrium(
        quantity=round(quantity, 4),
        buyer_price=round(demand_intercept - demand_slope * quantity, 4),
        seller_price=round(supply_intercept + supply_slope * quantity, 4),
        consumer_surplus=round(demand_slope * quantity**2 / 2, 4),
        producer_surplus=round(supply_slope * quantity**2 / 2, 4),
        tax_revenue=tax,
        deadweight_loss=round(unit_tax**2 / slopes / 2, 4),
    )


class Concentration(Result):
    hhi: float = Field(description="Sum of squared shares in percent, up to 10,000")
    market: Literal["unconcentrated", "moderately concentrated", "highly concentrated"] = Field(
        description="Below 1,000, up to 1,800, or above, as in the US merger guidelines of 2023"
    )
    top_four_percent: float = Field(description="Share of the four largest firms")
    unassigned_percent: float = Field(description="Share of firms that were not named, counted as very small")


def _shares(rng: Random) -> list[float]:
    sizes = [rng.uniform(1, 10) for _ in range(rng.randint(3, 8))]
    known = rng.choice((100, 100, 90, 75))
    return [float(int(known * size / sum(sizes))) for size in sizes]


@tool(
    "Economics",
    "Markets",
    "Market shares are {market_shares} percent. How concentrated is the market?",
    "HHI for firms with {market_shares} % each",
)
def herfindahl_index(
    market_shares: Annotated[
        list[Annotated[float, Field(ge=0, le=100)]],
        Field(min_length=1, max_length=100, description="Share of each firm in percent"),
        Like(_shares),
        Wrong(several(number(38, 70, 1), 3, 5)),
    ],
) -> Concentration:
    """Herfindahl-Hirschman index of market concentration."""
    total = sum(market_shares)
    if total > 100.5:
        raise Refused(
            f"parameter 'market_shares': together they are {total:.10g} percent; give shares with a sum of at most 100"
        )
    hhi = round(sum(share**2 for share in market_shares), 2)
    return Concentration(
        hhi=hhi,
        market="highly concentrated" if hhi > 1800 else "moderately concentrated" if hhi >= 1000 else "unconcentrated",
        top_four_percent=round(sum(sorted(market_shares)[-4:]), 3),
        unassigned_percent=round(max(0.0, 100 - total), 3),
    )
