"""Income, sales, capital gains, payroll: what is owed, by rates that are given or that a law fixes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
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
    money,
    number,
    pick,
    several,
    tool,
    whole,
)

TaxYear = Annotated[
    int,
    Field(ge=1950, le=2100, description="Calendar year, 2020 to 2025"),
    Like(whole(2020, 2025)),
    Wrong(pick(1987, 2005, 2012, 2019, 2031, 2040)),
]

_WAGE_BASE = {2020: 137_700, 2021: 142_800, 2022: 147_000, 2023: 160_200, 2024: 168_600, 2025: 176_100}
"""Earnings on which US Social Security tax is due, by year."""


def _wage_base(year: int) -> int:
    if year not in _WAGE_BASE:
        raise Refused(f"parameter 'year': there is no Social Security wage base for {year} here; give 2020 to 2025")
    return _WAGE_BASE[year]


class Bracket(Part):
    above: float = Field(ge=0, le=1e9, description="Income from which on the rate applies")
    percent: float = Field(ge=0, le=100, description="Rate in percent")


class BracketTax(Result):
    percent: float = Field(description="Rate in percent")
    taxed: float = Field(description="Part of the income that falls into the bracket")
    tax: float = Field(description="Tax on that part")


class IncomeTax(Result):
    taxable_income: float = Field(description="Income less allowance")
    tax: float = Field(description="Tax of all brackets")
    marginal_percent: float = Field(description="Rate of the highest bracket reached")
    effective_percent: float = Field(description="Tax in percent of the income")
    brackets: list[BracketTax] = Field(description="Brackets that are reached, lowest first")


_SCALES = (
    ((0, 10), (11_600, 12), (47_150, 22), (100_525, 24), (191_950, 32), (243_725, 35), (609_350, 37)),
    ((0, 20), (37_700, 40), (125_140, 45)),
    ((0, 0), (11_294, 11), (28_797, 30), (82_341, 41), (177_106, 45)),
    ((0, 12), (120_000, 32)),
    ((0, 15), (50_000, 25), (100_000, 35)),
    ((0, 0), (10_000, 19), (40_000, 33)),
)


def _brackets(rng: Random) -> list[dict[str, float]]:
    return [{"above": float(above), "percent": float(percent)} for above, percent in rng.choice(_SCALES)]


def _unsorted(rng: Random) -> list[dict[str, float]]:
    high = float(whole(30_000, 90_000, 5000)(rng))
    return [{"above": 0.0, "percent": 10.0}, {"above": high, "percent": 30.0}, {"above": high / 2, "percent": 20.0}]


@tool(
    "Taxes",
    "Income tax",
    "How much income tax on {income} with these brackets: {brackets}?",
    "I earn {income} a year, {allowance} of it is tax-free. The scale is {brackets}. What do I pay, and at what rate?",
)
def progressive_income_tax(
    income: Annotated[float, Field(ge=0, le=1e10, description="Income of the year"), Like(money(1.5e4, 3e5))],
    brackets: Annotated[
        list[Bracket],
        Field(min_length=1, max_length=15, description="Brackets in rising order, the first one from 0"),
        Like(_brackets),
        Wrong(_unsorted),
    ],
    allowance: Annotated[
        float, Field(ge=0, le=1e9, description="Taken off the income first"), Like(money(1e3, 1.5e4), 0.4)
    ] = 0.0,
) -> IncomeTax:
    """Income tax by marginal brackets: each rate applies only to the income inside its bracket."""
    starts = [bracket.above for bracket in brackets]
    if starts[0] != 0 or any(later <= earlier for earlier, later in pairwise(starts)):
        listed = ", ".join(f"{start:.10g}" for start in starts)
        raise Refused(f"parameter 'brackets': they begin at {listed}; begin the first at 0 and each later one higher")
    taxable = max(0.0, income - allowance)
    reached = [
        (bracket.percent, max(0.0, min(taxable, end) - bracket.above))
        for bracket, end in zip(brackets, [*starts[1:], taxable], strict=True)
        if taxable > bracket.above
    ]
    rows = [BracketTax(percent=rate, taxed=round(part, 2), tax=round(part * rate / 100, 2)) for rate, part in reached]
    tax = round(sum(part * rate / 100 for rate, part in reached), 2)
    return IncomeTax(
        taxable_income=round(taxable, 2),
        tax=tax,
        marginal_percent=reached[-1][0] if reached else brackets[0].percent,
        effective_percent=round(100 * tax / income, 3) if tax else 0.0,
        brackets=rows,
    )


class GrossedUp(Result):
    gross: float = Field(description="Amount to pay before taxes")
    withheld: float = Field(description="Taxes taken off the gross")
    combined_percent: float = Field(description="All rates together")


@tool(
    "Taxes",
    "Income tax",
    "I want the employee to get {net_amount} net as a bonus. Withheld are {tax_percents} percent. What gross do I pay?",
    "gross up {net_amount}, tax rates in %: {tax_percents}",
)
def gross_up_net_pay(
    net_amount: Annotated[
        float, Field(gt=0, le=1e9, description="What is to be left after taxes"), Like(money(200, 2e4))
    ],
    tax_percents: Annotated[
        list[Annotated[float, Field(ge=0, le=100)]],
        Field(min_length=1, max_length=10, description="Flat rates in percent, each on the gross amount"),
        Like(lambda rng: rng.sample((22.0, 6.2, 1.45, 5.0, 4.25, 12.0, 9.3, 3.07), rng.randint(1, 4))),
        Wrong(several(number(40, 70, 1), 3, 4)),
    ],
) -> GrossedUp:
    """Gross amount that leaves a given net amount after flat taxes on the gross."""
    combined = sum(tax_percents)
    if combined > 99.99:
        raise Refused(
            f"parameter 'tax_percents': together {combined:.10g} percent, which leaves nothing; give rates with a sum "
            "below 100"
        )
    gross = round(net_amount / (1 - combined / 100), 2)
    return GrossedUp(gross=gross, withheld=max(0.0, round(gross - net_amount, 2)), combined_percent=round(combined, 4))


class VatSplit(Result):
    net: float = Field(description="Amount without VAT")
    vat: float = Field(description="VAT alone")
    gross: float = Field(description="Amount with VAT")


@tool(
    "Taxes",
    "VAT",
    "Add {vat_percent} % VAT to {amount}.",
    "{amount} is the {amount_is} price, VAT is {vat_percent} percent. Split it up for me.",
    "What is {amount} with {vat_percent} percent VAT on top?",
)
def split_vat_amount(
    amount: Annotated[float, Field(ge=0, le=1e10, description="Net or gross amount"), Like(money(5, 2e4))],
    vat_percent: Annotated[
        float, Field(ge=0, le=50, description="VAT rate in percent"), Like(pick(5.0, 7.0, 10.0, 19.0, 20.0, 21.0, 25.5))
    ],
    amount_is: Annotated[
        Literal["net", "gross"],
        Field(description="Whether VAT is still to be added or included"),
        Like(pick("net", "gross")),
    ] = "net",
) -> VatSplit:
    """Add VAT to a net amount, or take it out of a gross amount."""
    if amount_is == "net":
        net, gross = round(amount, 2), round(amount * (1 + vat_percent / 100), 2)
    else:
        net, gross = round(amount / (1 + vat_percent / 100), 2), round(amount, 2)
    return VatSplit(net=net, vat=round(gross - net, 2), gross=gross)


VatTreatment = Literal["domestic", "reverse_charge", "destination"]


class CrossBorderVat(Result):
    treatment: VatTreatment = Field(
        description="Seller's VAT, VAT that the buyer accounts for, or VAT of the buyer's country"
    )
    taxed_in: str = Field(description="Country whose VAT applies, ISO 3166 code")
    vat_percent: float = Field(description="Rate on the invoice; 0 with reverse charge")
    vat: float = Field(description="VAT on the invoice")
    gross: float = Field(description="Amount to pay")


_EU_VAT = {
    "AT": 20, "BE": 21, "BG": 20, "CY": 19, "CZ": 21, "DE": 19, "DK": 25, "EE": 22, "ES": 21, "FI": 25.5, "FR": 20,
    "GR": 24, "HR": 25, "HU": 27, "IE": 23, "IT": 22, "LT": 21, "LU": 17, "LV": 21, "MT": 18, "NL": 21, "PL": 23,
    "PT": 23, "RO": 19, "SE": 25, "SI": 22, "SK": 23,
}  # fmt: skip
"""Standard rates on 1 January 2025, percent."""


def _member(name: str, country: str) -> float:
    if country not in _EU_VAT:
        raise Refused(
            f"parameter '{name}': '{country}' is not a member of the EU; give the ISO code of one, such as DE, FR or GR"
        )
    return _EU_VAT[country]


@tool(
    "Taxes",
    "VAT",
    "We are a software firm in {seller_country}. A private customer in {buyer_country} buys a licence for {net_amount} "
    "euros net. Which VAT do we charge?",
    "Seller {seller_country}, buyer {buyer_country}, digital service, {net_amount} EUR net, buyer is a VAT-registered "
    "business: {buyer_is_business}. How is it taxed?",
)
def eu_cross_border_vat(
    seller_country: Annotated[
        str,
        Field(pattern="^[A-Z]{2}$", description="ISO 3166 code of the seller's country, a member of the EU"),
        Like(pick(*_EU_VAT)),
        Wrong(pick("US", "GB", "CH", "NO", "JP")),
    ],
    buyer_country: Annotated[
        str,
        Field(pattern="^[A-Z]{2}$", description="ISO 3166 code of the buyer's country, a member of the EU"),
        Like(pick(*_EU_VAT)),
        Wrong(pick("UK", "TR", "RS", "IS", "CA")),
    ],
    net_amount: Annotated[float, Field(gt=0, le=1e9, description="Price without VAT in euros"), Like(money(10, 5e3))],
    buyer_is_business: Annotated[
        bool, Field(description="Whether the buyer has a VAT number"), Like(pick(True, True, False))
    ] = False,
) -> CrossBorderVat:
    """VAT on a digital service inside the EU: standard rates of 1 January 2025, no small-seller threshold."""
    home, away = _member("seller_country", seller_country), _member("buyer_country", buyer_country)
    percent: float
    treatment: VatTreatment
    if seller_country == buyer_country:
        percent, treatment = home, "domestic"
    elif buyer_is_business:
        percent, treatment = 0, "reverse_charge"
    else:
        percent, treatment = away, "destination"
    vat = round(net_amount * percent / 100, 2)
    return CrossBorderVat(
        treatment=treatment, taxed_in=buyer_country, vat_percent=percent, vat=vat, gross=round(net_amount + vat, 2)
    )


class GainRates(Part):
    short_term_percent: float = Field(ge=0, le=100, description="Rate for gains held for a year or less")
    long_term_percent: float = Field(ge=0, le=100, description="Rate for gains held longer")


class CapitalGain(Result):
    gain: float = Field(description="Sale price less purchase price; negative is a loss")
    holding_days: int = Field(description="Days from purchase to sale")
    term: Literal["short", "long"] = Field(description="Long when held for more than a year")
    tax: float = Field(description="Tax on the gain; 0 on a loss")
    kept: float = Field(description="Sale price less tax")


def _deal(rng: Random) -> Mapping[str, Any]:
    bought = date(2012, 1, 1) + timedelta(days=rng.randrange(4000))
    paid = money(500, 5e4)(rng)
    return {
        "purchase_price": paid,
        "sale_price": round(paid * rng.uniform(0.6, 2.5), 2),
        "purchase_date": bought.isoformat(),
        "sale_date": (
            bought + timedelta(days=rng.choice((40, 200, 365, 366, 500, 1500)) + rng.randrange(20))
        ).isoformat(),
    }


def _gain_rates(rng: Random) -> dict[str, float]:
    return {
        "short_term_percent": rng.choice((22.0, 24.0, 32.0, 35.0)),
        "long_term_percent": rng.choice((0.0, 15.0, 20.0)),
    }


@tool(
    "Taxes",
    "Capital income",
    "I bought shares for {purchase_price} on {purchase_date} and sold them for {sale_price} on {sale_date}. What tax "
    "is due with {rates}?",
    "Capital gains please: bought {purchase_date} at {purchase_price}, sold {sale_date} at {sale_price}; {rates}",
    together=_deal,
)
def capital_gains_tax(
    purchase_price: Annotated[float, Field(ge=0, le=1e10, description="Paid, fees included")],
    sale_price: Annotated[float, Field(ge=0, le=1e10, description="Received, fees taken off")],
    purchase_date: Annotated[date, Field(description="Day of purchase, 1950 to 2100")],
    sale_date: Annotated[date, Field(description="Day of sale, 1950 to 2100"), Wrong(day("1901-01-01", "1949-12-31"))],
    rates: Annotated[
        GainRates,
        Field(description="Rates by holding period, in percent"),
        Like(_gain_rates),
    ],
) -> CapitalGain:
    """Tax on the gain of one sale; as in the United States, more than a year of holding makes it long-term."""
    from dateutil.relativedelta import relativedelta

    for name, moment in (("sale_date", sale_date), ("purchase_date", purchase_date)):
        if not 1950 <= moment.year <= 2100:
            raise Refused(f"parameter '{name}': {moment} is out of range; give a day from 1950 to 2100")
    if sale_date < purchase_date:
        raise Refused(
            f"parameter 'sale_date': {sale_date} is before the purchase on {purchase_date}; give no earlier day"
        )
    long = sale_date > purchase_date + relativedelta(years=1)
    gain = sale_price - purchase_price
    tax = round(max(0.0, gain) * (rates.long_term_percent if long else rates.short_term_percent) / 100, 2)
    return CapitalGain(
        gain=round(gain, 2),
        holding_days=(sale_date - purchase_date).days,
        term="long" if long else "short",
        tax=tax,
        kept=round(sale_price - tax, 2),
    )


class DividendTax(Result):
    withheld: float = Field(description="Kept back in the country of the company")
    reclaimable: float = Field(description="Withheld beyond the treaty rate, to be claimed back there")
    tax_credit: float = Field(description="Foreign tax that counts against the tax at home")
    due_at_home: float = Field(description="Tax at home after the credit")
    net_dividend: float = Field(description="Left after both taxes, once the reclaim is paid")


@tool(
    "Taxes",
    "Capital income",
    "A foreign share paid me {gross_dividend} in dividends. The source country withholds {source_percent} %, the "
    "treaty allows {treaty_percent} %, and at home I pay {home_percent} %. What's left?",
    "Dividend {gross_dividend}: withholding {source_percent}%, treaty {treaty_percent}%, home tax {home_percent}%. How "
    "much can I reclaim and how much is credited?",
)
def foreign_dividend_tax(
    gross_dividend: Annotated[float, Field(gt=0, le=1e9, description="Dividend before any tax"), Like(money(50, 2e4))],
    source_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Rate that the country of the company withholds"),
        Like(pick(15.0, 20.0, 25.0, 26.375, 27.0, 30.0, 35.0)),
    ],
    treaty_percent: Annotated[
        float, Field(ge=0, le=100, description="Highest rate that the tax treaty allows"), Like(pick(5.0, 10.0, 15.0))
    ],
    home_percent: Annotated[
        float, Field(ge=0, le=100, description="Rate on dividends at home"), Like(pick(12.5, 20.0, 25.0, 26.375, 30.0))
    ],
) -> DividendTax:
    """Withholding, reclaim and foreign tax credit on a dividend; the credit is limited by treaty and tax at home."""
    withheld = gross_dividend * source_percent / 100
    allowed = gross_dividend * min(source_percent, treaty_percent) / 100
    home = gross_dividend * home_percent / 100
    credit = min(allowed, home)
    return DividendTax(
        withheld=round(withheld, 2),
        reclaimable=round(withheld - allowed, 2),
        tax_credit=round(credit, 2),
        due_at_home=round(home - credit, 2),
        net_dividend=max(0.0, round(gross_dividend - allowed - home + credit, 2)),
    )


class PayrollTax(Result):
    social_security: float = Field(description="6.2 percent, up to the wage base of the year")
    medicare: float = Field(description="1.45 percent")
    additional_medicare: float = Field(description="0.9 percent of wages above 200,000 in the year")
    total_withheld: float = Field(description="All three")
    pay_after_fica: float = Field(description="Gross pay less these taxes")
    wage_base_reached: bool = Field(description="Whether this pay reaches or passes the wage base")


@tool(
    "Taxes",
    "Payroll",
    "What FICA comes off a US paycheck of {gross_pay} dollars in {year}?",
    "Employee was paid {wages_so_far} earlier in {year}; this check is {gross_pay} gross. Social Security and Medicare "
    "to withhold?",
)
def us_fica_withholding(
    gross_pay: Annotated[
        float, Field(gt=0, le=1e7, description="Gross pay of this check in dollars"), Like(money(800, 2e4))
    ],
    year: TaxYear,
    wages_so_far: Annotated[
        float,
        Field(ge=0, le=1e8, description="Gross wages paid earlier in the year, in dollars"),
        Like(lambda rng: float(whole(10_000, 240_000, 1000)(rng))),
    ] = 0.0,
) -> PayrollTax:
    """Employee share of US Social Security and Medicare tax on one paycheck, income tax left out."""
    base = _wage_base(year)
    paid = wages_so_far + gross_pay
    social = round(0.062 * max(0.0, min(gross_pay, base - wages_so_far)), 2)
    medicare = round(0.0145 * gross_pay, 2)
    additional = round(0.009 * max(0.0, min(gross_pay, paid - 200_000)), 2)
    total = round(social + medicare + additional, 2)
    return PayrollTax(
        social_security=social,
        medicare=medicare,
        additional_medicare=additional,
        total_withheld=total,
        pay_after_fica=round(gross_pay - total, 2),
        wage_base_reached=paid >= base,
    )


class SelfEmployment(Result):
    taxable_earnings: float = Field(description="92.35 percent of the profit")
    social_security: float = Field(description="12.4 percent, up to the wage base of the year")
    medicare: float = Field(description="2.9 percent")
    tax: float = Field(description="Both together; 0 where taxable earnings are below 400 dollars")
    deductible_half: float = Field(description="Half of it, which reduces taxable income")


@tool(
    "Taxes",
    "Payroll",
    "I freelance in the US and made {net_profit} dollars profit in {year}. How much self-employment tax?",
    "Schedule SE {year}: net profit {net_profit}, plus {wages} in wages from my day job. What do I owe?",
)
def us_self_employment_tax(
    net_profit: Annotated[
        float, Field(ge=0, le=1e8, description="Profit of the business in dollars"), Like(money(2e3, 2.5e5))
    ],
    year: TaxYear,
    wages: Annotated[
        float,
        Field(ge=0, le=1e8, description="Wages of the year that FICA was paid on, in dollars"),
        Like(money(1e4, 2e5), 0.4),
    ] = 0.0,
) -> SelfEmployment:
    """US self-employment tax of a year, additional Medicare tax left out."""
    base = _wage_base(year)
    earnings = 0.9235 * net_profit
    liable = earnings if earnings >= 400 else 0.0
    social = 0.124 * max(0.0, min(liable, base - wages))
    medicare = 0.029 * liable
    tax = round(social + medicare, 2)
    return SelfEmployment(
        taxable_earnings=round(earnings, 2),
        social_security=round(social, 2),
        medicare=round(medicare, 2),
        tax=tax,
        deductible_half=round(tax / 2, 2),
    )
