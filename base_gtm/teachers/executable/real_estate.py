"""Rent, purchase, yield, plots of land."""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations
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
    money,
    number,
    pick,
    tool,
    whole,
)

Price = Annotated[float, Field(ge=1000, le=1e9, description="Purchase price"), Like(money(8e4, 1.5e6))]
MortgagePercent = Annotated[
    float, Field(ge=0, le=30, description="Yearly mortgage rate in percent"), Like(number(2, 7.5))
]


def _instalment(loan: float, percent: float, months: int) -> float:
    """Monthly payment of a mortgage in equal amounts."""
    rate = percent / 1200
    return loan / months if rate == 0 else loan * rate / (1 - (1 + rate) ** -months)


class CapRate(Result):
    net_operating_income: float = Field(description="Rent less vacancy and expenses, in a year")
    cap_rate_percent: float = Field(description="Net operating income in percent of the price")
    gross_yield_percent: float = Field(description="Full rent in percent of the price")
    gross_rent_multiplier: float = Field(description="Price over full rent of a year")


def _let_building(rng: Random) -> Mapping[str, Any]:
    price = money(1.2e5, 4e6)(rng)
    rent = price * rng.uniform(0.04, 0.11)
    return {
        "price": price,
        "annual_rent": float(f"{rent:.3g}"),
        "operating_expenses": float(f"{rent * rng.uniform(0.2, 0.45):.2g}"),
    }


@tool(
    "Real estate",
    "Investment",
    "A block of flats is offered at {price}. It brings {annual_rent} rent a year and costs {operating_expenses} to "
    "run. What's the cap rate?",
    "cap rate for price {price}, rent {annual_rent}/year, expenses {operating_expenses}/year, vacancy "
    "{vacancy_percent} %",
    together=_let_building,
)
def cap_rate_analysis(
    price: Price,
    annual_rent: Annotated[float, Field(ge=1, le=1e9, description="Rent of a year when fully let")],
    operating_expenses: Annotated[
        float, Field(ge=0, le=1e9, description="Costs of a year without debt: taxes, insurance, repairs, management")
    ],
    vacancy_percent: Annotated[
        float, Field(ge=0, le=100, description="Rent lost to vacancy in percent"), Like(pick(3.0, 5.0, 8.0, 10.0))
    ] = 0.0,
) -> CapRate:
    """Capitalisation rate and gross yield of a let property, before financing and income tax."""
    income = annual_rent * (1 - vacancy_percent / 100) - operating_expenses
    return CapRate(
        net_operating_income=round(income, 2),
        cap_rate_percent=round(100 * income / price, 3),
        gross_yield_percent=round(100 * annual_rent / price, 3),
        gross_rent_multiplier=round(price / annual_rent, 3),
    )


class LeveragedReturn(Result):
    loan_to_value_percent: float = Field(description="Loan in percent of the price")
    annual_debt_service: float = Field(description="Mortgage payments of a year")
    cash_flow: float = Field(description="Net operating income less debt service, in a year")
    cash_on_cash_percent: float = Field(description="Cash flow in percent of the down payment")
    debt_service_coverage: float = Field(description="Net operating income over debt service")
    covers_debt: bool = Field(description="Whether the income pays the mortgage")


def _leveraged(rng: Random) -> Mapping[str, Any]:
    price = money(1.2e5, 3e6)(rng)
    return {"price": price, "net_operating_income": float(f"{price * rng.uniform(0.03, 0.08):.3g}")}


@tool(
    "Real estate",
    "Investment",
    "I buy a rental for {price} with {down_payment_percent} % down and a {mortgage_percent} % mortgage; it nets "
    "{net_operating_income} a year. Cash-on-cash return?",
    "Price {price}, NOI {net_operating_income}, {down_payment_percent}% equity, {mortgage_percent}% over {term_years} "
    "years. DSCR and cash on cash please.",
    together=_leveraged,
)
def leveraged_rental_return(
    price: Price,
    net_operating_income: Annotated[
        float, Field(ge=-1e9, le=1e9, description="Rent less running costs in a year, before the mortgage")
    ],
    down_payment_percent: Annotated[
        float,
        Field(ge=1, le=95, description="Equity in percent of the price"),
        Like(pick(10.0, 20.0, 25.0, 30.0, 40.0)),
    ],
    mortgage_percent: MortgagePercent,
    term_years: Annotated[int, Field(ge=1, le=50, description="Term of the mortgage"), Like(pick(15, 20, 25))] = 30,
) -> LeveragedReturn:
    """First-year return on the equity of a mortgaged rental property, closing costs left out."""
    equity = price * down_payment_percent / 100
    service = 12 * _instalment(price - equity, mortgage_percent, 12 * term_years)
    flow = net_operating_income - service
    return LeveragedReturn(
        loan_to_value_percent=round(100 - down_payment_percent, 4),
        annual_debt_service=round(service, 2),
        cash_flow=round(flow, 2),
        cash_on_cash_percent=round(100 * flow / equity, 3),
        debt_service_coverage=round(net_operating_income / service, 3),
        covers_debt=flow >= 0,
    )


class HomePurchase(Part):
    price: float = Field(ge=1000, le=1e9, description="Purchase price, closing costs included")
    down_payment: float = Field(ge=0, le=1e9, description="Paid from savings")
    mortgage_percent: float = Field(ge=0, le=30, description="Yearly rate of a 30-year mortgage in percent")
    upkeep_percent: float = Field(ge=0, le=20, description="Taxes and repairs of a year in percent of the price")
    appreciation_percent: float = Field(ge=-10, le=15, description="Growth of the home's value a year in percent")

    def cost(self, years: int) -> float:
        """All that was paid after so many years, less what the home is worth beyond its debt."""
        loan, months, rate = self.price - self.down_payment, 12 * years, self.mortgage_percent / 1200
        payment = _instalment(loan, self.mortgage_percent, 360)
        growth = (1 + rate) ** months
        owed = loan - payment * months if rate == 0 else loan * growth - payment * (growth - 1) / rate
        paid = self.down_payment + payment * months + years * self.price * self.upkeep_percent / 100
        return paid - (self.price * (1 + self.appreciation_percent / 100) ** years - owed)


class RentOrBuy(Result):
    cheaper: Literal["buying", "renting"] = Field(description="What costs less over these years")
    cost_of_buying: float = Field(description="Payments and upkeep less equity at the end; negative is a gain")
    cost_of_renting: float = Field(description="All rent paid")
    break_even_year: int | None = Field(
        description="First year, up to 30, after which buying is cheaper; null for none"
    )


def _home(rng: Random) -> dict[str, float]:
    price = money(1.5e5, 9e5)(rng)
    return {
        "price": price,
        "down_payment": float(f"{price * rng.choice((0.1, 0.2, 0.25, 0.3)):.3g}"),
        "mortgage_percent": number(2.5, 7.5)(rng),
        "upkeep_percent": rng.choice((1.0, 1.5, 2.0, 2.5)),
        "appreciation_percent": rng.choice((0.0, 1.0, 2.0, 2.5, 3.0, 4.0)),
    }


def _overpaid(rng: Random) -> dict[str, float]:
    home = _home(rng)
    return home | {"down_payment": round(1.5 * home["price"], 2)}


def _rent_and_home(rng: Random) -> Mapping[str, Any]:
    home = _home(rng)
    return {"home": home, "monthly_rent": float(f"{home['price'] * rng.uniform(0.0025, 0.006):.2g}")}


@tool(
    "Real estate",
    "Buying a home",
    "Rent or buy? Rent would be {monthly_rent} a month, the house: {home}. We'd stay {years} years.",
    "Compare renting at {monthly_rent}, rising {rent_growth_percent} % a year, with buying ({home}) over {years} "
    "years.",
    together=_rent_and_home,
)
def rent_or_buy_comparison(
    home: Annotated[
        HomePurchase,
        Field(description="The home and how it is paid"),
        Wrong(_overpaid),
    ],
    monthly_rent: Annotated[float, Field(gt=0, le=1e7, description="Rent of a like home in the first year")],
    years: Annotated[int, Field(ge=1, le=30, description="Years until the move"), Like(whole(2, 20))],
    rent_growth_percent: Annotated[
        float, Field(ge=-10, le=20, description="Rise of the rent a year in percent"), Like(pick(1.0, 1.5, 3.0, 4.0))
    ] = 2.0,
) -> RentOrBuy:
    """Compare the cost of renting with that of buying and selling again, without return on savings or income tax."""
    if home.down_payment > home.price:
        raise Refused(
            f"parameter 'home': a down payment of {home.down_payment:.2f} is more than the price of {home.price:.2f}; "
            "give at most the price"
        )

    def rent(span: int) -> float:
        return sum(12 * monthly_rent * (1 + rent_growth_percent / 100) ** year for year in range(span))

    buying, renting = home.cost(years), rent(years)
    return RentOrBuy(
        cheaper="buying" if buying < renting else "renting",
        cost_of_buying=round(buying, 2),
        cost_of_renting=round(renting, 2),
        break_even_year=next((span for span in range(1, 31) if home.cost(span) < rent(span)), None),
    )


class Affordability(Result):
    max_monthly_payment: float = Field(description="Interest and repayment that the rule allows")
    max_loan: float = Field(description="Loan with that payment")
    max_price: float = Field(description="Loan and down payment together")
    limited_by: Literal["income", "debts"] = Field(description="Whether the 28 or the 36 percent rule decides")


def _household(rng: Random) -> Mapping[str, Any]:
    income = money(2500, 2e4)(rng)
    return {"gross_monthly_income": income, "monthly_debts": float(10 * int(income * rng.uniform(0, 0.25) / 10))}


@tool(
    "Real estate",
    "Buying a home",
    "We earn {gross_monthly_income} a month before tax and pay {monthly_debts} on other loans. What mortgage can we "
    "afford at {mortgage_percent} % over {years} years?",
    "Gross income {gross_monthly_income}/month, debts {monthly_debts}/month, {down_payment} saved, mortgage at "
    "{mortgage_percent} percent for {years} years. How expensive a house?",
    together=_household,
)
def mortgage_affordability(
    gross_monthly_income: Annotated[float, Field(gt=0, le=1e6, description="Income of a month before tax")],
    monthly_debts: Annotated[
        float,
        Field(ge=0, le=1e7, description="Payments of a month on other debts"),
        Wrong(whole(400_000, 5_000_000, 50_000)),
    ],
    mortgage_percent: MortgagePercent,
    years: Annotated[int, Field(ge=1, le=50, description="Term of the mortgage"), Like(pick(15, 20, 25, 30))],
    down_payment: Annotated[
        float, Field(ge=0, le=1e8, description="Savings for the purchase"), Like(money(1e4, 2e5))
    ] = 0.0,
) -> Affordability:
    """Highest mortgage by the 28/36 rule: 28 % of income for the home, 36 % with all debts; no taxes, no insurance."""
    by_income, by_debts = 0.28 * gross_monthly_income, 0.36 * gross_monthly_income - monthly_debts
    if by_debts <= 0:
        raise Refused(
            f"parameter 'monthly_debts': {monthly_debts:.2f} uses up 36 percent of an income of "
            f"{gross_monthly_income:.2f}, which leaves nothing for a home; give less than "
            f"{0.36 * gross_monthly_income:.2f}"
        )
    payment = min(by_income, by_debts)
    loan = payment / _instalment(1, mortgage_percent, 12 * years)
    return Affordability(
        max_monthly_payment=round(payment, 2),
        max_loan=round(loan, 2),
        max_price=round(loan + down_payment, 2),
        limited_by="debts" if by_debts < by_income else "income",
    )


class DutyBand(Result):
    percent: float = Field(description="Rate in percent")
    taxed: float = Field(description="Part of the price in this band, pounds")
    duty: float = Field(description="Duty on that part, pounds")


class StampDuty(Result):
    duty: float = Field(description="To pay in all, pounds")
    effective_percent: float = Field(description="Duty in percent of the price")
    relief_applied: bool = Field(description="Whether first-time buyers' relief counts, which ends at 500,000 pounds")
    bands: list[DutyBand] = Field(description="Bands that the price reaches, lowest first")


_STANDARD = ((0, 0), (125_000, 2), (250_000, 5), (925_000, 10), (1_500_000, 12))
_FIRST_TIME = ((0, 0), (300_000, 5))
_SURCHARGE = 5


@tool(
    "Real estate",
    "Buying a home",
    "Stamp duty on a {price} pound house in England?",
    "I'm buying in Bristol for {price} pounds, buyer type {buyer}. How much SDLT, and in which bands?",
)
def uk_stamp_duty(
    price: Annotated[float, Field(ge=1, le=1e9, description="Price of the home in pounds"), Like(money(9e4, 1.8e6))],
    buyer: Annotated[
        Literal["home_mover", "first_time_buyer", "additional_property"],
        Field(description="What kind of purchase it is"),
        Like(pick("first_time_buyer", "first_time_buyer", "additional_property", "home_mover")),
    ] = "home_mover",
) -> StampDuty:
    """Stamp duty land tax on a freehold home in England or Northern Ireland, by the rates from 1 April 2025."""
    relief = buyer == "first_time_buyer" and price <= 500_000
    extra = _SURCHARGE if buyer == "additional_property" and price >= 40_000 else 0
    scale = _FIRST_TIME if relief else _STANDARD
    ends = [start for start, _ in scale[1:]]
    rows = []
    for (start, percent), end in zip(scale, [*ends, math.inf], strict=True):
        part = min(price, end) - start
        if part > 0:
            rate = percent + extra
            rows.append(DutyBand(percent=rate, taxed=round(part, 2), duty=round(part * rate / 100, 2)))
    duty = round(sum(row.duty for row in rows), 2)
    return StampDuty(duty=duty, effective_percent=round(100 * duty / price, 3), relief_applied=relief, bands=rows)


class RentMonth(Result):
    month: str = Field(description="As YYYY-MM")
    days: int = Field(description="Days of the stay in that month")
    rent: float = Field(description="Rent for those days")


class ProratedRent(Result):
    total: float = Field(description="Rent of the whole stay")
    months: list[RentMonth] = Field(description="One row for each month, in order")


def _stay(rng: Random) -> Mapping[str, Any]:
    start = date(2021, 1, 1) + timedelta(days=rng.randrange(1800))
    return {
        "move_in_date": start.isoformat(),
        "move_out_date": (
            start + timedelta(days=rng.choice((9, 20, 45, 60, 100, 150)) + rng.randrange(12))
        ).isoformat(),
    }


@tool(
    "Real estate",
    "Renting",
    "My tenant stays from {move_in_date} to {move_out_date}, rent is {monthly_rent} a month. What does he owe, by day?",
    "prorate {monthly_rent}/month, in {move_in_date}, out {move_out_date} (both days count)",
    together=_stay,
)
def prorated_rent(
    monthly_rent: Annotated[float, Field(gt=0, le=1e7, description="Rent of a full month"), Like(money(350, 4e3))],
    move_in_date: Annotated[date, Field(description="First day of the stay, 1950 to 2100")],
    move_out_date: Annotated[
        date, Field(description="Last day of the stay, at most 36 months later"), Wrong(day("1901-01-01", "1949-12-31"))
    ],
) -> ProratedRent:
    """Rent of a stay month by month; a part of a month costs its share of that month's days."""
    if not 1950 <= move_out_date.year <= 2100:
        raise Refused(f"parameter 'move_out_date': {move_out_date} is out of range; give a day from 1950 to 2100")
    if move_out_date < move_in_date:
        raise Refused(
            f"parameter 'move_out_date': {move_out_date} is before the move in on {move_in_date}; give that day or a "
            "later one"
        )
    first, last = 12 * move_in_date.year + move_in_date.month - 1, 12 * move_out_date.year + move_out_date.month - 1
    if last - first >= 36:
        raise Refused(
            f"parameter 'move_out_date': {move_out_date} is over 36 months after {move_in_date}; give an earlier day"
        )
    rows = []
    for month in range(first, last + 1):
        length = monthrange(month // 12, month % 12 + 1)[1]
        start = move_in_date.day if month == first else 1
        end = move_out_date.day if month == last else length
        days = end - start + 1
        label = f"{month // 12:04d}-{month % 12 + 1:02d}"
        rows.append(RentMonth(month=label, days=days, rent=round(monthly_rent * days / length, 2)))
    return ProratedRent(total=round(sum(row.rent for row in rows), 2), months=rows)


_SQUARE_METRES = {
    "square_metre": 1.0,
    "square_foot": 0.3048**2,
    "square_yard": 0.9144**2,
    "tsubo": 400 / 121,
    "are": 100.0,
    "mu": 2000 / 3,
    "dunam": 1000.0,
    "rai": 1600.0,
    "acre": 4840 * 0.9144**2,
    "hectare": 10_000.0,
    "square_mile": 1609.344**2,
}
"""How many each unit has; mu is the Chinese one, tsubo equals the Korean pyeong."""

AreaUnit = Literal[
    "square_metre", "square_foot", "square_yard", "tsubo", "are", "mu", "dunam", "rai", "acre", "hectare", "square_mile"
]


class PlotArea(Result):
    converted: float = Field(description="Area in the unit asked for")
    square_metres: float = Field(description="Area in square metres")


def _units(rng: Random) -> Mapping[str, Any]:
    have, wanted = rng.sample(sorted(_SQUARE_METRES), 2)
    return {"from_unit": have, "to_unit": wanted}


@tool(
    "Real estate",
    "Land",
    "How many {to_unit} are {area} {from_unit}?",
    "The plot is listed with {area} {from_unit}. I need that in {to_unit}.",
    together=_units,
)
def convert_plot_area(
    area: Annotated[float, Field(ge=0, le=1e12, description="Area to convert"), Like(magnitude(0.5, 5e3))],
    from_unit: Annotated[AreaUnit, Field(description="Unit of that area")],
    to_unit: Annotated[AreaUnit, Field(description="Unit wanted")],
) -> PlotArea:
    """Convert an area of land between metric, imperial and Asian units."""
    metres = area * _SQUARE_METRES[from_unit]
    return PlotArea(converted=float(f"{metres / _SQUARE_METRES[to_unit]:.7g}"), square_metres=float(f"{metres:.7g}"))


class Corner(Part):
    x: float = Field(ge=-1e6, le=1e6, description="Metres to the east")
    y: float = Field(ge=-1e6, le=1e6, description="Metres to the north")


class Parcel(Result):
    square_metres: float = Field(description="Area of the parcel")
    hectares: float = Field(description="The same in hectares")
    perimeter_metres: float = Field(description="Length of the boundary")


def _turn(a: Corner, b: Corner, c: Corner) -> float:
    """Above zero where the way over three corners bends left."""
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)


def _cross(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether two sides cut each other inside both."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _tangled(sides: Sequence[tuple[Corner, Corner]]) -> bool:
    return any(_cross(*one, *other) for one, other in combinations(sides, 2))


def _plot(rng: Random) -> list[dict[str, float]]:
    corners, size = rng.randint(3, 6), rng.choice((15, 30, 60, 120))
    angles = [2 * math.pi * (n + rng.uniform(-0.3, 0.3)) / corners for n in range(corners)]
    reach = [size * rng.uniform(0.7, 1.2) for _ in angles]
    return [
        {"x": round(size + r * math.cos(angle), 1), "y": round(size + r * math.sin(angle), 1)}
        for r, angle in zip(reach, angles, strict=True)
    ]


@tool(
    "Real estate",
    "Land",
    "How big is a plot with these surveyed corners (metres): {corners}?",
    "Area and boundary length of the parcel with corners {corners}, in that order around it.",
)
def parcel_boundary_area(
    corners: Annotated[
        list[Corner],
        Field(min_length=3, max_length=40, description="Corners in order around the parcel, first one not repeated"),
        Like(_plot),
        Wrong(lambda rng: [{"x": float(10 * n), "y": float(5 * n)} for n in range(rng.randint(3, 6))]),
    ],
) -> Parcel:
    """Area and perimeter of a parcel of land from plane coordinates of its corners, by the shoelace formula."""
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    if _tangled(sides):
        raise Refused(
            f"parameter 'corners': the sides between these {len(corners)} corners cross each other; list them in order "
            "around the parcel"
        )
    area = abs(sum(a.x * b.y - b.x * a.y for a, b in sides)) / 2
    if area < 0.005:
        raise Refused(
            f"parameter 'corners': these {len(corners)} corners lie on one line and enclose nothing; give three or "
            "more that do not"
        )
    length = sum(math.hypot(b.x - a.x, b.y - a.y) for a, b in sides)
    return Parcel(square_metres=round(area, 2), hectares=round(area / 10_000, 6), perimeter_metres=round(length, 2))
