"""Loans, interest, investments, bonds, options."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, money, number, pick, several, tool, whole

Principal = Annotated[float, Field(gt=0, le=1e9, description="Amount borrowed"), Like(money(1e3, 5e5))]
AnnualPercent = Annotated[float, Field(ge=0, le=100, description="Yearly rate in percent"), Like(number(0.5, 12))]
Years = Annotated[int, Field(ge=1, le=60, description="Term in years"), Like(whole(1, 35))]
CashFlow = Annotated[float, Field(ge=-1e9, le=1e9)]


def _level_payment(principal: float, rate: float, periods: int) -> float:
    """What pays a loan back in equal amounts, interest included."""
    return principal / periods if rate == 0 else principal * rate / (1 - (1 + rate) ** -periods)


class Annuity(Result):
    monthly_payment: float = Field(description="Paid at the end of each month, in cents exactly")
    total_paid: float = Field(description="All payments together")
    total_interest: float = Field(description="What is paid beyond the principal")


@tool(
    "Finance",
    "Loans",
    "What does a loan of {principal} at {annual_percent} % over {years} years cost me a month?",
    "I want to borrow {principal} for {years} years at {annual_percent} percent. Work out the monthly payment.",
)
def loan_payment(principal: Principal, annual_percent: AnnualPercent, years: Years) -> Annuity:
    """Monthly payment and total cost of an annuity loan, which is paid back in equal monthly amounts."""
    months = 12 * years
    payment = _level_payment(principal, annual_percent / 1200, months)
    monthly = round(payment, 2)
    total = round(payment * months, 2)
    return Annuity(monthly_payment=monthly, total_paid=total, total_interest=max(0.0, round(total - principal, 2)))


class Instalment(Result):
    month: int = Field(description="Month of the loan, counted from 1")
    interest: float = Field(description="Part of the payment that is interest")
    repayment: float = Field(description="Part of the payment that pays the loan back")
    balance: float = Field(description="Still owed after the payment")


class RepaymentPlan(Result):
    monthly_payment: float = Field(description="Same amount each month; the last one may differ by cents")
    instalments: list[Instalment] = Field(description="The months asked for, up to the end of the loan")


@tool(
    "Finance",
    "Loans",
    "Show me the first {months} months of a loan of {principal} at {annual_percent} % over {years} years: how much is "
    "interest, how much pays it down?",
    "amortisation table please: {principal} borrowed, {annual_percent} percent, {years} years, only {months} rows",
    "Loan of {principal}, {years} years at {annual_percent} %. I need {months} lines of the repayment plan, starting "
    "with month {first_month}.",
)
def amortisation_schedule(
    principal: Principal,
    annual_percent: AnnualPercent,
    years: Years,
    months: Annotated[int, Field(ge=1, le=24, description="How many months to list"), Like(whole(2, 6))],
    first_month: Annotated[
        int,
        Field(ge=1, le=1200, description="Month of the loan to start the list with"),
        Like(pick(2, 7, 12, 13, 25, 37)),
        Wrong(whole(721, 1200)),
    ] = 1,
) -> RepaymentPlan:
    """List how each monthly payment of an annuity loan splits into interest and repayment, rounded to the cent."""
    term, rate = 12 * years, annual_percent / 1200
    if first_month > term:
        raise Refused(
            f"parameter 'first_month': there is no month {first_month} in a loan of {term} months; "
            f"give a month from 1 to {term}"
        )
    payment = round(_level_payment(principal, rate, term), 2)
    balance, rows = round(principal, 2), []
    for month in range(1, min(term, first_month + months - 1) + 1):
        interest = round(balance * rate, 2)
        repayment = balance if month == term else min(balance, round(payment - interest, 2))
        balance = round(balance - repayment, 2)
        rows.append(Instalment(month=month, interest=interest, repayment=repayment, balance=balance))
    return RepaymentPlan(monthly_payment=payment, instalments=rows[first_month - 1 :])


class FutureValue(Result):
    balance: float = Field(description="What the deposit has grown to")
    interest: float = Field(description="What was earned")


_PERIODS = {"yearly": 1, "quarterly": 4, "monthly": 12, "weekly": 52, "daily": 365}


@tool(
    "Finance",
    "Savings",
    "If I put {principal} away at {annual_percent} % for {years} years, compounded {compounding}, what do I end up "
    "with?",
    "How much will {principal} be worth after {years} years at {annual_percent} percent?",
)
def compound_interest(
    principal: Annotated[float, Field(gt=0, le=1e9, description="First deposit"), Like(money(100, 1e5))],
    annual_percent: AnnualPercent,
    years: Years,
    compounding: Annotated[
        Literal["yearly", "quarterly", "monthly", "daily"],
        Field(description="How often interest is added"),
        Like(pick("yearly", "quarterly", "monthly", "daily")),
    ] = "yearly",
) -> FutureValue:
    """Grow one deposit at a fixed rate with compound interest."""
    periods = _PERIODS[compounding]
    balance = round(principal * (1 + annual_percent / 100 / periods) ** (periods * years), 2)
    return FutureValue(balance=balance, interest=max(0.0, round(balance - principal, 2)))


class SavingsPlan(Result):
    monthly_deposit: float = Field(description="Paid in at the end of each month; 0 where interest alone is enough")
    total_deposited: float = Field(description="All monthly deposits together")
    interest_earned: float = Field(description="Interest on deposits and on what was there before")


@tool(
    "Finance",
    "Savings",
    "I'd like to have {goal} in {years} years. My account pays {annual_percent} %. How much must I put in every month?",
    "Saving for {goal}: {years} years to go, {already_saved} there already, {annual_percent} percent interest. What is "
    "the monthly amount?",
)
def savings_goal_deposit(
    goal: Annotated[float, Field(gt=0, le=1e8, description="Amount wanted at the end"), Like(money(1e4, 5e5))],
    years: Annotated[int, Field(ge=1, le=60, description="Years until then"), Like(whole(1, 25))],
    annual_percent: Annotated[
        float, Field(ge=0, le=50, description="Yearly rate in percent, compounded monthly"), Like(number(0.5, 7))
    ],
    already_saved: Annotated[
        float,
        Field(ge=0, le=1e9, description="What is in the account today"),
        Like(money(200, 8e3)),
        Wrong(money(1.5e8, 9e8)),
    ] = 0.0,
) -> SavingsPlan:
    """Monthly deposit that reaches a savings goal in time, with interest added each month."""
    if already_saved >= goal:
        raise Refused(
            f"parameter 'already_saved': {already_saved:.2f} reaches the goal of {goal:.2f} already; "
            "give less than the goal"
        )
    months, rate = 12 * years, annual_percent / 1200
    grown = already_saved * (1 + rate) ** months
    factor = months if rate == 0 else ((1 + rate) ** months - 1) / rate
    deposit = round(max(0.0, goal - grown) / factor, 2)
    total = deposit * months
    interest = grown + deposit * factor - already_saved - total
    return SavingsPlan(monthly_deposit=deposit, total_deposited=round(total, 2), interest_earned=round(interest, 2))


class RatePair(Result):
    apr_percent: float = Field(description="Nominal yearly rate, compounding left out")
    apy_percent: float = Field(description="Effective yearly rate, compounding included")


@tool(
    "Finance",
    "Savings",
    "My contract says {rate_percent} % {rate_is}. With interest added every month, what are APR and APY?",
    "{rate_is} is {rate_percent} percent, compounded {compounding}. Give me both the nominal and the effective rate.",
    "convert {rate_percent}% ({rate_is}) between apr and apy, monthly compounding",
)
def convert_apr_apy(
    rate_percent: Annotated[float, Field(ge=0, le=200, description="Yearly rate in percent"), Like(number(0.5, 30))],
    rate_is: Annotated[
        Literal["APR", "APY"], Field(description="Whether that rate is nominal or effective"), Like(pick("APR", "APY"))
    ],
    compounding: Annotated[
        Literal["yearly", "quarterly", "monthly", "weekly", "daily", "continuously"],
        Field(description="How often interest is added"),
        Like(pick("yearly", "quarterly", "weekly", "daily", "continuously")),
    ] = "monthly",
) -> RatePair:
    """Turn a nominal yearly rate (APR) into the effective one (APY), or the other way round."""
    rate = rate_percent / 100
    periods = _PERIODS.get(compounding)
    if rate_is == "APR":
        other = math.exp(rate) - 1 if periods is None else (1 + rate / periods) ** periods - 1
        apr, apy = rate, other
    else:
        other = math.log(1 + rate) if periods is None else periods * ((1 + rate) ** (1 / periods) - 1)
        apr, apy = other, rate
    return RatePair(apr_percent=round(100 * apr, 4), apy_percent=round(100 * apy, 4))


class InternalRate(Result):
    annual_percent: float = Field(description="Rate at which the cash flows are worth nothing today")
    profitable: bool = Field(description="Whether that rate is above zero")


@tool(
    "Finance",
    "Investments",
    "My project has yearly cash flows of {cash_flows}. What is its internal rate of return?",
)
def internal_rate_of_return(
    cash_flows: Annotated[
        list[CashFlow],
        Field(min_length=2, max_length=20, description="One a year, the first one today; negative is paid out"),
        Like(lambda rng: [-money(1e3, 1e4)(rng), *several(money(1e3, 6e3), 2, 6)(rng)]),
        Wrong(several(money(100, 1e4), 2, 5)),
    ],
) -> InternalRate:
    """Internal rate of return of yearly cash flows, found between -99 and 1,000 percent."""
    from scipy.optimize import brentq

    def worth(rate: float) -> float:
        return sum(flow / (1 + rate) ** year for year, flow in enumerate(cash_flows))

    if worth(-0.99) * worth(10) >= 0:
        raise Refused(
            "parameter 'cash_flows': these flows have no internal rate of return between -99 and 1,000 percent; "
            "give at least one payment out (negative) and one in (positive)"
        )
    percent = round(100 * brentq(worth, -0.99, 10), 3)
    return InternalRate(annual_percent=percent, profitable=percent > 0)


class PresentValue(Result):
    net_present_value: float = Field(description="All flows at their value of today, together")
    discounted: list[float] = Field(description="Each flow at its value of today")
    payback_year: int | None = Field(description="First year by which discounted flows are paid back; null for never")
    worthwhile: bool = Field(description="Whether the net present value is above zero")


@tool(
    "Finance",
    "Investments",
    "Is it worth it? Yearly cash flows {cash_flows}, and I want at least {discount_percent} % a year.",
    "Compute the NPV of {cash_flows} (first one is today) at a discount rate of {discount_percent} percent.",
)
def net_present_value(
    cash_flows: Annotated[
        list[CashFlow],
        Field(min_length=1, max_length=40, description="One a year, the first one today; negative is paid out"),
        Like(lambda rng: [-money(5e3, 2e4)(rng), *several(money(1e3, 8e3), 3, 6)(rng)]),
    ],
    discount_percent: Annotated[
        float, Field(ge=0, le=100, description="Yearly discount rate in percent"), Like(number(2, 15, 1))
    ],
) -> PresentValue:
    """Net present value of yearly cash flows, of which the first is due today and is not discounted."""
    discounted = [flow / (1 + discount_percent / 100) ** year for year, flow in enumerate(cash_flows)]
    total = round(sum(discounted), 2)
    paid_back = (year for year in range(len(discounted)) if sum(discounted[: year + 1]) >= 0)
    return PresentValue(
        net_present_value=total,
        discounted=[round(value, 2) + 0.0 for value in discounted],
        payback_year=next(paid_back, None),
        worthwhile=total > 0,
    )


class BondQuote(Result):
    price: float = Field(description="Present value of coupons and face value, right after a coupon")
    current_yield_percent: float = Field(description="Coupons of a year in percent of the price")
    macaulay_duration_years: float = Field(description="Mean time until payment, weighted with present values")
    modified_duration: float = Field(description="Percent by which the price falls when the yield rises by one point")
    trades_at: Literal["premium", "par", "discount"] = Field(description="Price against face value")


@tool(
    "Finance",
    "Bonds and options",
    "What's a fair price for a {face_value} bond with a {coupon_percent} % coupon and {years} years left if I want a "
    "yield of {yield_percent} %?",
    "Price this bond: face value {face_value}, coupon {coupon_percent} percent, {years} years to maturity, market "
    "yield {yield_percent} percent, {payments_per_year} coupon(s) per year.",
)
def bond_price(
    face_value: Annotated[
        float, Field(ge=1, le=1e8, description="Paid back at maturity"), Like(pick(100.0, 1000.0, 5000.0, 10000.0))
    ],
    coupon_percent: Annotated[
        float, Field(ge=0, le=30, description="Coupons of a year in percent of the face value"), Like(number(0, 9))
    ],
    years: Annotated[int, Field(ge=1, le=60, description="Whole years to maturity"), Like(whole(1, 30))],
    yield_percent: Annotated[
        float, Field(ge=-5, le=50, description="Yearly yield to maturity in percent"), Like(number(0.5, 10))
    ],
    payments_per_year: Annotated[
        Literal[1, 2, 4], Field(description="Coupons a year; the yield is compounded as often"), Like(pick(1, 2, 4))
    ] = 2,
) -> BondQuote:
    """Clean price, current yield and duration of a bond with fixed coupons, valued on a coupon date."""
    periods, coupon = years * payments_per_year, face_value * coupon_percent / 100
    discount = 1 / (1 + yield_percent / 100 / payments_per_year)
    values = [coupon / payments_per_year * discount**period for period in range(1, periods + 1)]
    values[-1] += face_value * discount**periods
    price = sum(values)
    duration = sum(period * value for period, value in enumerate(values, start=1)) / price / payments_per_year
    above = round(price - face_value, 2)
    return BondQuote(
        price=round(price, 2),
        current_yield_percent=round(100 * coupon / price, 4),
        macaulay_duration_years=round(duration, 4),
        modified_duration=round(duration * discount, 4),
        trades_at="par" if above == 0 else "premium" if above > 0 else "discount",
    )


class OptionSide(Result):
    price: float = Field(description="Fair price of one option")
    delta: float = Field(description="Change of the price when the underlying rises by one")


class OptionQuote(Result):
    call: OptionSide = Field(description="Right to buy at the strike")
    put: OptionSide = Field(description="Right to sell at the strike")
    gamma: float = Field(description="Change of either delta when the underlying rises by one")
    vega: float = Field(description="Change of either price when volatility rises by one percentage point")


@tool(
    "Finance",
    "Bonds and options",
    "Share at {spot}, strike {strike}, {years} years to expiry, volatility {volatility_percent} %, risk-free rate "
    "{risk_free_percent} %: what are a European call and put worth?",
    "black scholes for S={spot} K={strike} T={years} sigma={volatility_percent}% r={risk_free_percent}%",
)
def black_scholes_option(
    spot: Annotated[float, Field(ge=0.01, le=1e6, description="Price of the underlying"), Like(number(40, 160))],
    strike: Annotated[float, Field(ge=0.01, le=1e6, description="Exercise price"), Like(whole(40, 160, 5))],
    years: Annotated[float, Field(ge=0.01, le=30, description="Time to expiry in years"), Like(number(0.05, 2))],
    volatility_percent: Annotated[
        float, Field(ge=1, le=300, description="Yearly volatility in percent"), Like(number(10, 60, 1))
    ],
    risk_free_percent: Annotated[
        float, Field(ge=-5, le=50, description="Yearly risk-free rate in percent, continuous"), Like(number(0, 6))
    ],
) -> OptionQuote:
    """Price and Greeks of a European call and put by Black and Scholes, without dividends."""
    from statistics import NormalDist

    normal, rate, volatility = NormalDist(), risk_free_percent / 100, volatility_percent / 100
    spread = volatility * math.sqrt(years)
    upper = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    chance, exercised = normal.cdf(upper), normal.cdf(upper - spread)
    owed = strike * math.exp(-rate * years)
    call = spot * chance - owed * exercised
    put = owed * (1 - exercised) - spot * (1 - chance)
    return OptionQuote(
        call=OptionSide(price=round(max(call, 0.0), 4), delta=round(chance, 4)),
        put=OptionSide(price=round(max(put, 0.0), 4), delta=round(chance - 1, 4) + 0.0),
        gamma=round(normal.pdf(upper) / (spot * spread), 6),
        vega=round(spot * normal.pdf(upper) * math.sqrt(years) / 100, 4),
    )
