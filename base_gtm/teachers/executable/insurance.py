"""Claims, premiums, refunds, and lives by Gompertz."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta
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


class Settlement(Result):
    insurer_pays: float = Field(description="Paid by the insurer")
    policyholder_pays: float = Field(description="Part of the loss that the policyholder bears")
    outcome: Literal["below_deductible", "paid", "limited"] = Field(
        description="Nothing is paid, the claim is paid, or the limit cuts it"
    )


@tool(
    "Insurance",
    "Claims",
    "My damage is {loss}, the deductible {deductible}, the policy covers up to {limit}. What does the insurer pay?",
    "Loss {loss}, limit {limit}, {deductible_kind} deductible of {deductible}. Who pays what?",
)
def claim_settlement_amount(
    loss: Annotated[float, Field(ge=0, le=1e10, description="Amount of the damage"), Like(money(100, 6e4))],
    deductible: Annotated[
        float,
        Field(ge=0, le=1e8, description="Deductible of the policy"),
        Like(pick(150.0, 250.0, 300.0, 500.0, 1000.0, 2500.0)),
    ],
    limit: Annotated[
        float, Field(gt=0, le=1e10, description="Most that the insurer pays"), Like(pick(5e3, 1e4, 2.5e4, 5e4, 1e5))
    ],
    deductible_kind: Annotated[
        Literal["straight", "franchise"],
        Field(description="A franchise deductible is not taken off once the loss reaches it"),
        Like(pick("straight", "franchise", "franchise")),
    ] = "straight",
) -> Settlement:
    """Split a loss between insurer and policyholder: deductible first, then the limit."""
    due = loss if deductible_kind == "franchise" and loss >= deductible else max(0.0, loss - deductible)
    paid = round(min(due, limit), 2)
    return Settlement(
        insurer_pays=paid,
        policyholder_pays=max(0.0, round(loss - paid, 2)),
        outcome="below_deductible" if due == 0 else "limited" if due > limit else "paid",
    )


class CostShare(Result):
    patient_pays: list[float] = Field(description="Share of the patient in each bill")
    patient_total: float = Field(description="All shares of the patient")
    plan_total: float = Field(description="What the plan pays")
    deductible_met: bool = Field(description="Whether the whole deductible is used up")
    maximum_reached: bool = Field(description="Whether the plan pays everything from now on")


def _health_plan(rng: Random) -> Mapping[str, Any]:
    deductible = rng.choice((250.0, 500.0, 1000.0, 1500.0, 2000.0, 3000.0))
    return {"deductible": deductible, "out_of_pocket_max": deductible + rng.choice((1000.0, 2500.0, 4000.0, 6000.0))}


@tool(
    "Insurance",
    "Claims",
    "This year's medical bills: {bills}. My plan has a {deductible} deductible, {coinsurance_percent} % coinsurance "
    "and an out-of-pocket maximum of {out_of_pocket_max}. What do I pay?",
    "deductible={deductible}, coinsurance={coinsurance_percent}%, OOP max={out_of_pocket_max}; bills in order: {bills}",
    together=_health_plan,
)
def health_plan_cost_share(
    bills: Annotated[
        list[Annotated[float, Field(ge=0, le=1e7)]],
        Field(min_length=1, max_length=50, description="Allowed amounts of the bills of a year, in order"),
        Like(several(money(60, 1.5e4), 1, 5)),
    ],
    deductible: Annotated[
        float,
        Field(ge=0, le=1e6, description="Paid by the patient before the plan pays anything"),
        Wrong(whole(200_000, 900_000, 10_000)),
    ],
    coinsurance_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Share of the patient after the deductible"),
        Like(pick(10.0, 20.0, 30.0, 40.0)),
    ],
    out_of_pocket_max: Annotated[float, Field(ge=0, le=1e5, description="Most that the patient pays in a year")],
) -> CostShare:
    """Share of a patient in medical bills of one plan year, bill after bill, without copayments."""
    if deductible > out_of_pocket_max:
        raise Refused(
            f"parameter 'deductible': {deductible:.10g} is more than the out-of-pocket maximum of "
            f"{out_of_pocket_max:.10g}; give at most that"
        )
    open_deductible, room, shares = deductible, out_of_pocket_max, []
    for bill in bills:
        first = min(bill, open_deductible)
        share = min(room, first + (bill - first) * coinsurance_percent / 100)
        open_deductible, room = open_deductible - first, room - share
        shares.append(share)
    total = sum(shares)
    return CostShare(
        patient_pays=[round(share, 2) for share in shares],
        patient_total=round(total, 2),
        plan_total=round(sum(bills) - total, 2),
        deductible_met=open_deductible < 0.005,
        maximum_reached=room < 0.005,
    )


class AverageClause(Result):
    payout: float = Field(description="Paid by the insurer, at most the sum insured")
    sum_required: float = Field(description="Sum that would have been insured in full")
    paid_share_percent: float = Field(description="Part of the loss that the clause leaves")
    underinsured: bool = Field(description="Whether the sum insured is below the required one")


def _building(rng: Random) -> Mapping[str, Any]:
    value = money(5e4, 2e6)(rng)
    return {
        "property_value": value,
        "sum_insured": float(f"{value * rng.choice((0.4, 0.5, 0.6, 0.7, 0.9, 1)):.2g}"),
        "loss": float(f"{value * rng.choice((0.02, 0.05, 0.1, 0.3, 0.7)):.2g}"),
    }


@tool(
    "Insurance",
    "Claims",
    "Our building is worth {property_value} but insured for {sum_insured} only. After a fire with {loss} of damage, "
    "what does the insurer pay?",
    "Coinsurance clause of {required_percent} %: property {property_value}, insured {sum_insured}, loss {loss}. "
    "Payout?",
    together=_building,
)
def underinsured_property_claim(
    property_value: Annotated[float, Field(ge=1, le=1e10, description="Value of the property at the time of the loss")],
    sum_insured: Annotated[float, Field(ge=0, le=1e10, description="Sum in the policy")],
    loss: Annotated[float, Field(ge=0, le=1e12, description="Amount of the damage"), Wrong(money(1.5e10, 9e11))],
    required_percent: Annotated[
        float,
        Field(ge=1, le=100, description="Part of the value that must be insured"),
        Like(pick(70.0, 90.0, 100.0)),
    ] = 80.0,
) -> AverageClause:
    """Payout under a coinsurance clause, which cuts the loss in proportion when too little was insured."""
    if loss > property_value:
        raise Refused(
            f"parameter 'loss': a damage of {loss:.2f} is more than the property value of {property_value:.2f}; "
            "give at most that value"
        )
    required = property_value * required_percent / 100
    share = min(1.0, sum_insured / required)
    return AverageClause(
        payout=round(min(loss * share, sum_insured), 2),
        sum_required=round(required, 2),
        paid_share_percent=round(100 * share, 3),
        underinsured=sum_insured < required,
    )


class CombinedRatio(Result):
    loss_ratio_percent: float = Field(description="Losses in percent of the premium")
    expense_ratio_percent: float = Field(description="Expenses in percent of the premium")
    combined_ratio_percent: float = Field(description="Both together")
    operating_ratio_percent: float = Field(
        description="Combined ratio less investment income in percent of the premium"
    )
    underwriting_result: float = Field(description="Premium less losses and expenses")
    profitable: bool = Field(description="Whether the underwriting result is above zero")


def _book(rng: Random) -> Mapping[str, Any]:
    premium = money(5e5, 5e8)(rng)
    return {
        "earned_premium": premium,
        "incurred_losses": float(f"{premium * rng.uniform(0.45, 0.85):.3g}"),
        "expenses": float(f"{premium * rng.uniform(0.2, 0.38):.3g}"),
    }


@tool(
    "Insurance",
    "Premiums",
    "Our motor book earned {earned_premium} in premiums, with losses of {incurred_losses} and expenses of {expenses}. "
    "Loss ratio and combined ratio?",
    "earned premium {earned_premium}, incurred losses {incurred_losses}, expenses {expenses}, investment income "
    "{investment_income}: how did the book do?",
    together=_book,
)
def combined_ratio_report(
    earned_premium: Annotated[float, Field(ge=1, le=1e13, description="Premium earned in the period")],
    incurred_losses: Annotated[
        float, Field(ge=0, le=1e13, description="Losses with their adjustment, paid and reserved")
    ],
    expenses: Annotated[float, Field(ge=0, le=1e13, description="Acquisition and administration")],
    investment_income: Annotated[
        float, Field(ge=0, le=1e13, description="Income from investments in the period"), Like(money(1e4, 2e6), 0.4)
    ] = 0.0,
) -> CombinedRatio:
    """Loss, expense, combined and operating ratio of an insurer, all on earned premium."""
    losses, costs = 100 * incurred_losses / earned_premium, 100 * expenses / earned_premium
    result = round(earned_premium - incurred_losses - expenses, 2)
    return CombinedRatio(
        loss_ratio_percent=round(losses, 2),
        expense_ratio_percent=round(costs, 2),
        combined_ratio_percent=round(losses + costs, 2),
        operating_ratio_percent=round(losses + costs - 100 * investment_income / earned_premium, 2),
        underwriting_result=result,
        profitable=result > 0,
    )


class BonusMalus(Result):
    coefficient: float = Field(description="Factor on the base premium for the next year")
    premium: float = Field(description="Base premium times coefficient")
    history: list[float] = Field(description="Coefficient after each year")


def _after_year(hundredths: int, claims: int) -> int:
    """Coefficient after a year, in hundredths: truncated, from 50 to 350."""
    if claims == 0:
        return max(50, hundredths * 95 // 100)
    for _ in range(claims):
        hundredths = hundredths * 125 // 100
    return min(350, hundredths)


@tool(
    "Insurance",
    "Premiums",
    "French car insurance: I started at 1.00 and had {annual_claims} at-fault accidents year by year. What is my "
    "bonus-malus now, on a base premium of {base_premium} euros?",
    "CRM {starting_coefficient} at the start, then at-fault claims per year: {annual_claims}. Base premium "
    "{base_premium} EUR - what will I pay?",
)
def french_bonus_malus(
    annual_claims: Annotated[
        list[Annotated[int, Field(ge=0, le=10)]],
        Field(min_length=1, max_length=30, description="Claims at fault in each year, oldest first"),
        Like(several(pick(0, 0, 0, 0, 1, 1, 2), 2, 9)),
    ],
    base_premium: Annotated[
        float, Field(gt=0, le=1e6, description="Yearly premium at coefficient 1, in euros"), Like(whole(350, 1400, 10))
    ],
    starting_coefficient: Annotated[
        float,
        Field(ge=0.5, le=3.5, description="Coefficient before the first year, with two decimals"),
        Like(pick(0.5, 0.64, 0.76, 0.85, 0.9, 1.25, 1.56)),
        Wrong(pick(0.875, 0.9025, 1.125, 0.666, 1.5625)),
    ] = 1.0,
) -> BonusMalus:
    """French reduction-increase coefficient: 5 % less after a year without a claim, 25 % more for each claim at fault.

    It is truncated to two decimals, stays between 0.50 and 3.50, is at most 1.00 after two years in a row without a
    claim, and does not rise for the first claim after three years at 0.50.
    """
    hundredths = round(100 * starting_coefficient)
    if abs(100 * starting_coefficient - hundredths) > 1e-6:
        raise Refused(
            f"parameter 'starting_coefficient': {starting_coefficient:.10g} has more than two decimals; give a "
            "coefficient such as 0.85"
        )
    history, at_floor, clean, forgiven = [], 0, 0, False
    for claims in annual_claims:
        if claims and at_floor >= 3 and not forgiven:
            hundredths, forgiven = (_after_year(hundredths, claims - 1) if claims > 1 else hundredths), True
        else:
            hundredths = _after_year(hundredths, claims)
        clean = 0 if claims else clean + 1
        if clean >= 2:
            hundredths = min(100, hundredths)
        at_floor = at_floor + 1 if hundredths == 50 else 0
        history.append(hundredths / 100)
    return BonusMalus(coefficient=history[-1], premium=round(base_premium * history[-1], 2), history=history)


class Refund(Result):
    days_in_force: int = Field(description="Days from start to cancellation")
    days_unused: int = Field(description="Days from cancellation to the end")
    earned_premium: float = Field(description="Kept by the insurer")
    refund: float = Field(description="Returned to the policyholder")


def _policy(rng: Random) -> Mapping[str, Any]:
    start = date(2019, 1, 1) + timedelta(days=rng.randrange(2400))
    length = rng.choice((180, 365, 365, 365, 366))
    return {
        "start_date": start.isoformat(),
        "end_date": (start + timedelta(days=length)).isoformat(),
        "cancellation_date": (start + timedelta(days=rng.randrange(length + 1))).isoformat(),
    }


@tool(
    "Insurance",
    "Premiums",
    "I paid {premium} for a policy from {start_date} to {end_date} and cancel on {cancellation_date}. How much do I "
    "get back?",
    "Refund {method}: premium {premium}, term {start_date} until {end_date}, cancelled {cancellation_date}",
    together=_policy,
)
def policy_cancellation_refund(
    premium: Annotated[float, Field(gt=0, le=1e8, description="Premium paid for the whole term"), Like(money(80, 4e3))],
    start_date: Annotated[date, Field(description="First day of cover, 1950 to 2100")],
    end_date: Annotated[date, Field(description="Day on which cover ends, not covered itself")],
    cancellation_date: Annotated[
        date, Field(description="Day from which there is no cover"), Wrong(day("1901-01-01", "1949-12-31"))
    ],
    method: Annotated[
        Literal["pro_rata", "short_rate"],
        Field(description="By days, or by days with 10 percent of the refund kept as a penalty"),
        Like(pick("pro_rata", "short_rate", "short_rate")),
    ] = "pro_rata",
) -> Refund:
    """Premium returned when a policy is cancelled before its end."""
    if not 1950 <= cancellation_date.year <= 2100:
        raise Refused(
            f"parameter 'cancellation_date': {cancellation_date} is out of range; give a day from 1950 to 2100"
        )
    if end_date <= start_date:
        raise Refused(f"parameter 'end_date': {end_date} is not after the start on {start_date}; give a later day")
    if not start_date <= cancellation_date <= end_date:
        raise Refused(
            f"parameter 'cancellation_date': {cancellation_date} is outside the policy; give a day "
            f"from {start_date} to {end_date}"
        )
    unused, term = (end_date - cancellation_date).days, (end_date - start_date).days
    refund = round(premium * unused / term * (0.9 if method == "short_rate" else 1), 2)
    return Refund(
        days_in_force=term - unused,
        days_unused=unused,
        earned_premium=max(0.0, round(premium - refund, 2)),
        refund=refund,
    )


class GompertzLaw(Part):
    modal_age: float = Field(ge=70, le=100, description="Age at which most adults die, in years")
    dispersion: float = Field(ge=5, le=20, description="Spread of ages at death, in years")

    def hazard_scale(self, age: float) -> float:
        """Force of mortality at an age, times the dispersion."""
        return math.exp((age - self.modal_age) / self.dispersion)

    def survival(self, age: float, years: float) -> float:
        """Chance that somebody of an age lives so many years more."""
        return math.exp(-self.hazard_scale(age) * (math.exp(years / self.dispersion) - 1))


_USUAL = GompertzLaw(modal_age=88, dispersion=10)


def _law(rng: Random) -> dict[str, float]:
    return {"modal_age": number(82, 92, 1)(rng), "dispersion": number(8, 12, 1)(rng)}


Age = Annotated[int, Field(ge=0, le=100, description="Age today in whole years"), Like(whole(25, 85))]
Mortality = Annotated[
    GompertzLaw, Field(description="Law of mortality; by default that of a rich country today"), Like(_law, 0.4)
]


class Survival(Result):
    survival_probability: float = Field(description="Chance of being alive after these years")
    death_within_a_year: float = Field(description="Chance of dying in the next year")
    life_expectancy_years: float = Field(description="Mean years left")
    median_age_at_death: float = Field(description="Age that half of the people of this age reach")


@tool(
    "Insurance",
    "Life",
    "I'm {age}. How likely am I to live another {years} years, by Gompertz?",
    "Gompertz with {law}: chance that a person of {age} survives {years} years, and the life expectancy?",
)
def gompertz_survival(
    age: Age,
    years: Annotated[int, Field(ge=1, le=100, description="Years to survive"), Like(whole(1, 40))],
    law: Mortality = _USUAL,
) -> Survival:
    """Survival and life expectancy where mortality grows exponentially with age: exp((age - mode) / b) / b a year."""
    from scipy.special import exp1

    scale, spread = law.hazard_scale(age), law.dispersion
    return Survival(
        survival_probability=round(law.survival(age, years), 6),
        death_within_a_year=round(1 - law.survival(age, 1), 6),
        life_expectancy_years=round(spread * math.exp(scale) * float(exp1(scale)), 3),
        median_age_at_death=round(age + spread * math.log1p(math.log(2) / scale), 2),
    )


class AnnuityPrice(Result):
    price: float = Field(description="Fair single premium, without costs or profit")
    annuity_factor: float = Field(description="Price of an income of 1 a year")
    expected_payments: float = Field(description="Mean number of yearly payments")


@tool(
    "Insurance",
    "Life",
    "What should a pension of {annual_income} a year for life cost a {age}-year-old, at {interest_percent} % interest?",
    "Price a life annuity: age {age}, {annual_income} per year in advance, {interest_percent} percent, mortality {law}",
)
def life_annuity_price(
    age: Age,
    annual_income: Annotated[
        float, Field(gt=0, le=1e8, description="Paid at the start of each year"), Like(money(5e3, 6e4))
    ],
    interest_percent: Annotated[
        float, Field(ge=0, le=20, description="Yearly interest in percent"), Like(number(0.5, 5, 1))
    ],
    law: Mortality = _USUAL,
) -> AnnuityPrice:
    """Net single premium of a life annuity that pays yearly in advance, with deaths by Gompertz, up to age 130."""
    chances = [law.survival(age, years) for years in range(130 - age)]
    factor = sum(chance / (1 + interest_percent / 100) ** years for years, chance in enumerate(chances))
    return AnnuityPrice(
        price=round(annual_income * factor, 2),
        annuity_factor=round(factor, 5),
        expected_payments=round(sum(chances), 3),
    )
