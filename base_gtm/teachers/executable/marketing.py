"""Campaigns, funnels, experiments, customers."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    magnitude,
    money,
    number,
    pick,
    several,
    tool,
    whole,
)


class CampaignReport(Result):
    click_through_percent: float = Field(description="Clicks in percent of impressions")
    conversion_percent: float = Field(description="Conversions in percent of clicks")
    cost_per_mille: float = Field(description="Spend for 1,000 impressions")
    cost_per_click: float = Field(description="Spend for one click")
    cost_per_conversion: float | None = Field(description="Spend for one conversion; null without any")
    return_on_ad_spend: float = Field(description="Revenue over spend")
    roi_percent: float = Field(description="Revenue less spend, in percent of spend")


def _campaign(rng: Random) -> Mapping[str, Any]:
    shown = int(magnitude(5e3, 2e6, 2)(rng))
    clicks = max(1, int(shown * rng.uniform(0.004, 0.05)))
    bought = int(clicks * rng.uniform(0.005, 0.08))
    spend = float(f"{clicks * rng.uniform(0.2, 2.5):.2g}")
    return {
        "spend": spend,
        "impressions": shown,
        "clicks": clicks,
        "conversions": bought,
        "revenue": round(bought * rng.uniform(15, 140), 2),
    }


@tool(
    "Marketing",
    "Campaigns",
    "Our ads cost {spend}: {impressions} impressions, {clicks} clicks, {conversions} orders worth {revenue}. Was it "
    "worth it?",
    "CTR, CPC, CPA, ROAS for spend={spend} impressions={impressions} clicks={clicks} conversions={conversions} "
    "revenue={revenue}",
    together=_campaign,
)
def campaign_performance(
    spend: Annotated[float, Field(ge=0.01, le=1e9, description="Cost of the campaign")],
    impressions: Annotated[int, Field(ge=1, le=10_000_000_000, description="How often the ad was shown")],
    clicks: Annotated[
        int,
        Field(ge=1, le=100_000_000_000, description="Clicks on the ad"),
        Wrong(whole(11 * 10**9, 9 * 10**10, 10**9)),
    ],
    conversions: Annotated[int, Field(ge=0, le=10_000_000_000, description="Orders or sign-ups after a click")],
    revenue: Annotated[float, Field(ge=0, le=1e12, description="Revenue of those conversions")],
) -> CampaignReport:
    """Rates, unit costs and return of an advertising campaign."""
    if clicks > impressions:
        raise Refused(
            f"parameter 'clicks': {clicks} clicks are more than {impressions} impressions; give at most that many"
        )
    return CampaignReport(
        click_through_percent=round(100 * clicks / impressions, 3),
        conversion_percent=round(100 * conversions / clicks, 3),
        cost_per_mille=round(1000 * spend / impressions, 3),
        cost_per_click=round(spend / clicks, 4),
        cost_per_conversion=round(spend / conversions, 2) if conversions else None,
        return_on_ad_spend=round(revenue / spend, 3),
        roi_percent=round(100 * (revenue - spend) / spend, 2),
    )


class TaggedLink(Result):
    tagged_url: str = Field(description="Address with the campaign tags")
    query: str = Field(description="Its query alone, without the question mark")


@tool(
    "Marketing",
    "Campaigns",
    "Tag {url} for the campaign {campaign}, source {source}, medium {medium}.",
    "I need a UTM link: {url} / {source} / {medium} / {campaign}, content {content}",
)
def build_utm_url(
    url: Annotated[
        str,
        Field(min_length=4, max_length=300, description="Landing page, with http:// or https://"),
        Like(
            pick(
                "https://www.example.com/spring-sale",
                "https://shop.example.org/shoes?colour=red",
                "https://example.net/",
                "https://blog.example.com/post/42#comments",
                "http://example.org/newsletter",
                "https://app.example.io/pricing",
            )
        ),
        Wrong(
            pick(
                "my landing page",
                "www.example.com/offer",
                "ftp://example.com/file",
                "mailto:info@example.com",
                "https:///sale",
            )
        ),
    ],
    source: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Where visitors come from"),
        Like(pick("google", "newsletter", "facebook", "Instagram", "partner site", "linkedin", "TikTok")),
    ],
    medium: Annotated[
        str,
        Field(min_length=1, max_length=60, description="Kind of channel"),
        Like(pick("cpc", "email", "social", "display", "Paid Social")),
    ],
    campaign: Annotated[
        str,
        Field(min_length=1, max_length=80, description="Name of the campaign"),
        Like(
            pick(
                "Spring Sale 2025",
                "black_friday",
                "product launch",
                "back-to-school",
                "summer 50% off",
                "Webinar & Demo",
            )
        ),
    ],
    content: Annotated[
        Annotated[str, Field(min_length=1, max_length=80)] | None,
        Field(description="Which ad or link it was"),
        Like(pick("header banner", "button-a", "button-b", "footer_link", "video 15s")),
    ] = None,
) -> TaggedLink:
    """Add UTM tags to a link: small letters, underscores for spaces, percent-encoded; old tags are replaced."""
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    try:
        parts = urlsplit(url.strip())
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url.split()) != 1:
        raise Refused(f"parameter 'url': '{url}' is no web address; give one that starts with http:// or https://")
    given = {"utm_source": source, "utm_medium": medium, "utm_campaign": campaign, "utm_content": content}
    tags = {name: "_".join(value.lower().split()) for name, value in given.items() if value}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in tags]
    query = urlencode([*kept, *tags.items()])
    return TaggedLink(tagged_url=urlunsplit(parts._replace(query=query)), query=query)


class Stage(Part):
    name: str = Field(min_length=1, max_length=40, description="What people did")
    count: int = Field(ge=0, le=10_000_000_000, description="How many did it")


class FunnelStep(Result):
    name: str = Field(description="Stage that was reached")
    from_previous_percent: float = Field(description="Of those in the stage before")
    from_start_percent: float = Field(description="Of those in the first stage")
    lost: int = Field(description="How many dropped out before it")


class Funnel(Result):
    steps: list[FunnelStep] = Field(description="Each stage after the first")
    overall_percent: float = Field(description="From the first stage to the last")
    weakest_step: str = Field(description="Stage that the smallest part of the one before reached")


_FUNNELS = (
    ("Visit", "Product page", "Cart", "Checkout", "Order"),
    ("Impression", "Click", "Sign-up", "Purchase"),
    ("Lead", "Qualified", "Demo", "Offer", "Won"),
    ("Install", "Registration", "Trial", "Subscription"),
    ("Sent", "Opened", "Clicked", "Bought"),
)


def _stages(rng: Random) -> list[dict[str, Any]]:
    count, stages = int(magnitude(800, 2e5, 2)(rng)), []
    for name in rng.choice(_FUNNELS):
        stages.append({"name": name, "count": count})
        count = int(count * rng.uniform(0.12, 0.75))
    return stages


def _growing(rng: Random) -> list[dict[str, Any]]:
    count = whole(20, 400)(rng)
    return [{"name": "Cart", "count": count}, {"name": "Order", "count": 2 * count}]


@tool(
    "Marketing",
    "Campaigns",
    "Here's our funnel: {stages}. Where do we lose most people?",
    "conversion rates step by step for {stages}",
)
def conversion_funnel(
    stages: Annotated[
        list[Stage],
        Field(min_length=2, max_length=12, description="Stages in order, none larger than the one before"),
        Like(_stages),
        Wrong(_growing),
    ],
) -> Funnel:
    """Conversion rates between the stages of a funnel, and the weakest of them."""
    first = stages[0]
    if first.count == 0:
        raise Refused(f"parameter 'stages': nobody is in the first one, '{first.name}' with 0; give a count above 0")
    rows = []
    for before, after in pairwise(stages):
        if after.count > before.count:
            raise Refused(
                f"parameter 'stages': '{after.name}' with {after.count} is larger than '{before.name}' with "
                f"{before.count} before it; give counts that do not grow"
            )
        step = round(100 * after.count / before.count, 3) if before.count else 0.0
        start = round(100 * after.count / first.count, 3)
        lost = before.count - after.count
        rows.append(FunnelStep(name=after.name, from_previous_percent=step, from_start_percent=start, lost=lost))
    weakest = min(rows, key=lambda row: row.from_previous_percent)
    return Funnel(steps=rows, overall_percent=rows[-1].from_start_percent, weakest_step=weakest.name)


class Comparison(Result):
    rate_a_percent: float = Field(description="Conversion rate of A")
    rate_b_percent: float = Field(description="Conversion rate of B")
    uplift_percent: float | None = Field(description="B against A in percent of A; null where A has no conversions")
    z_score: float = Field(description="Difference in standard errors; positive where B is better")
    p_value: float = Field(description="Two-sided")
    winner: Literal["A", "B", "none"] = Field(description="None where the difference is not significant")


def _experiment(rng: Random) -> Mapping[str, Any]:
    visitors, rate = int(magnitude(400, 4e4, 2)(rng)), rng.uniform(0.01, 0.15)
    seen = [visitors, int(visitors * rng.uniform(0.95, 1.05))]
    rates = [rate, min(0.9, rate * rng.uniform(0.8, 1.4))]
    return {
        "visitors_a": seen[0],
        "conversions_a": max(1, round(seen[0] * rates[0])),
        "visitors_b": seen[1],
        "conversions_b": max(1, round(seen[1] * rates[1])),
    }


@tool(
    "Marketing",
    "Experiments",
    "Version A: {conversions_a} of {visitors_a} bought. Version B: {conversions_b} of {visitors_b}. Is B really "
    "different?",
    "A/B test A {conversions_a}/{visitors_a} B {conversions_b}/{visitors_b}, confidence {confidence_percent}%",
    together=_experiment,
)
def ab_test_significance(
    visitors_a: Annotated[int, Field(ge=1, le=100_000_000, description="Visitors who saw A")],
    conversions_a: Annotated[
        int, Field(ge=0, le=1_000_000_000, description="Conversions of A"), Wrong(whole(2 * 10**8, 9 * 10**8, 10**7))
    ],
    visitors_b: Annotated[int, Field(ge=1, le=100_000_000, description="Visitors who saw B")],
    conversions_b: Annotated[
        int, Field(ge=0, le=1_000_000_000, description="Conversions of B"), Wrong(whole(2 * 10**8, 9 * 10**8, 10**7))
    ],
    confidence_percent: Annotated[
        float, Field(ge=50, le=99.99, description="Confidence level"), Like(pick(80.0, 90.0, 99.0))
    ] = 95.0,
) -> Comparison:
    """Two-sided z-test for the difference of two conversion rates, with pooled variance."""
    from statistics import NormalDist

    for name, conversions, visitors in (("a", conversions_a, visitors_a), ("b", conversions_b, visitors_b)):
        if conversions > visitors:
            raise Refused(
                f"parameter 'conversions_{name}': {conversions} conversions are more than {visitors} visitors; give at "
                f"most {visitors}"
            )
    pooled = (conversions_a + conversions_b) / (visitors_a + visitors_b)
    if pooled in (0, 1):
        who = "nobody" if pooled == 0 else "everybody"
        raise Refused(
            f"parameter 'conversions_b': with {conversions_b}, both versions convert {who}, which cannot be tested; "
            "give counts between none and all"
        )
    rate_a, rate_b = conversions_a / visitors_a, conversions_b / visitors_b
    score = (rate_b - rate_a) / math.sqrt(pooled * (1 - pooled) * (1 / visitors_a + 1 / visitors_b))
    chance = 2 * NormalDist().cdf(-abs(score))
    significant = chance < 1 - confidence_percent / 100
    return Comparison(
        rate_a_percent=round(100 * rate_a, 3),
        rate_b_percent=round(100 * rate_b, 3),
        uplift_percent=round(100 * (rate_b / rate_a - 1), 2) if rate_a else None,
        z_score=round(score, 4),
        p_value=round(chance, 6),
        winner="none" if not significant else "B" if score > 0 else "A",
    )


class SamplePlan(Result):
    visitors_per_variant: int = Field(description="Needed for each of the two versions")
    days: int = Field(description="Days until both have as many")
    target_percent: float = Field(description="Conversion rate with the lift")


@tool(
    "Marketing",
    "Experiments",
    "We convert {baseline_percent} % and get {daily_visitors} visitors a day. How long must an A/B test run to detect "
    "a relative lift of {lift_percent} %?",
    "sample size: baseline {baseline_percent}%, relative lift {lift_percent}%, power {power_percent}%, traffic "
    "{daily_visitors}/day",
)
def ab_test_sample_size(
    baseline_percent: Annotated[
        float, Field(ge=0.01, le=99, description="Conversion rate today"), Like(number(0.8, 20, 1))
    ],
    lift_percent: Annotated[
        float,
        Field(ge=0.1, le=1000, description="Smallest relative lift to detect"),
        Like(pick(5.0, 8.0, 10.0, 15.0, 20.0, 25.0)),
    ],
    daily_visitors: Annotated[
        int,
        Field(ge=1, le=1_000_000_000, description="Visitors a day for both versions"),
        Like(whole(200, 20_000, 100)),
    ],
    power_percent: Annotated[
        float,
        Field(ge=50, le=99.9, description="Chance to detect the lift if it is real"),
        Like(pick(70.0, 90.0, 95.0)),
    ] = 80.0,
) -> SamplePlan:
    """Visitors and days that an A/B test needs, two-sided at 95 % confidence, half of the visitors in each version."""
    from statistics import NormalDist

    before, after = baseline_percent / 100, baseline_percent / 100 * (1 + lift_percent / 100)
    if after >= 1:
        raise Refused(
            f"parameter 'lift_percent': {lift_percent:.10g} percent more than {baseline_percent:.10g} percent passes "
            f"100 percent; give less than {100 * (1 / before - 1):.4g}"
        )
    mean = (before + after) / 2
    doubt = NormalDist().inv_cdf(0.975) * math.sqrt(2 * mean * (1 - mean))
    power = NormalDist().inv_cdf(power_percent / 100) * math.sqrt(before * (1 - before) + after * (1 - after))
    needed = math.ceil(((doubt + power) / (after - before)) ** 2)
    return SamplePlan(
        visitors_per_variant=needed,
        days=math.ceil(2 * needed / daily_visitors),
        target_percent=round(100 * after, 4),
    )


class LifetimeValue(Result):
    lifetime_value: float = Field(description="Margin of a customer over the whole lifetime")
    lifetime_months: float = Field(description="Mean time until a customer leaves")
    value_to_cost: float = Field(description="Lifetime value over acquisition cost")
    payback_months: float = Field(description="Months until the acquisition cost is earned")
    healthy: bool = Field(description="Whether the value is at least three times the cost")


@tool(
    "Marketing",
    "Customers",
    "A subscriber pays {monthly_revenue} a month, margin {margin_percent} %, churn {churn_percent} % a month, and "
    "costs us {acquisition_cost} to win. LTV and LTV:CAC?",
    "ltv/cac: ARPU {monthly_revenue}, gross margin {margin_percent}%, monthly churn {churn_percent}%, CAC "
    "{acquisition_cost}",
)
def customer_lifetime_value(
    monthly_revenue: Annotated[
        float, Field(ge=0.01, le=1e7, description="Revenue per customer and month"), Like(money(5, 400))
    ],
    margin_percent: Annotated[
        float, Field(ge=0.1, le=100, description="Gross margin in percent"), Like(whole(40, 90, 5))
    ],
    churn_percent: Annotated[
        float, Field(ge=0.01, le=100, description="Customers lost in a month, in percent"), Like(number(0.8, 9, 1))
    ],
    acquisition_cost: Annotated[
        float, Field(ge=0.01, le=1e8, description="Cost of winning one customer"), Like(money(20, 1500))
    ],
) -> LifetimeValue:
    """Lifetime value of a customer as monthly margin over monthly churn, not discounted."""
    margin = monthly_revenue * margin_percent / 100
    value = 100 * margin / churn_percent
    ratio = round(value / acquisition_cost, 3)
    return LifetimeValue(
        lifetime_value=round(value, 2),
        lifetime_months=round(100 / churn_percent, 2),
        value_to_cost=ratio,
        payback_months=round(acquisition_cost / margin, 2),
        healthy=ratio >= 3,
    )


class Churn(Result):
    churn_percent: float = Field(description="Lost in the period, in percent of the start")
    monthly_churn_percent: float = Field(description="Same loss spread over equal months")
    yearly_churn_percent: float = Field(description="Loss in twelve such months")
    customers_at_end: int = Field(description="Start less lost, plus gained")
    lifetime_months: float | None = Field(description="Mean time until a customer leaves; null without churn")


def _customers(rng: Random) -> Mapping[str, Any]:
    start = int(magnitude(150, 8e4, 2)(rng))
    return {"customers_at_start": start, "customers_lost": int(start * rng.uniform(0.01, 0.2))}


@tool(
    "Marketing",
    "Customers",
    "We had {customers_at_start} subscribers and lost {customers_lost} of them in {months} month(s). What's the churn?",
    "churn over {months} month(s): start {customers_at_start}, lost {customers_lost}, new {customers_gained}",
    together=_customers,
)
def subscriber_churn(
    customers_at_start: Annotated[int, Field(ge=1, le=100_000_000, description="Customers when the period begins")],
    customers_lost: Annotated[
        int,
        Field(ge=0, le=1_000_000_000, description="How many of those left in the period"),
        Wrong(whole(2 * 10**8, 9 * 10**8, 10**7)),
    ],
    months: Annotated[int, Field(ge=1, le=120, description="Length of the period"), Like(pick(1, 1, 2, 3, 6, 12))],
    customers_gained: Annotated[
        int, Field(ge=0, le=100_000_000, description="New customers in the period"), Like(whole(10, 900, 5))
    ] = 0,
) -> Churn:
    """Churn of a period, and the same per month and year."""
    if customers_lost > customers_at_start:
        raise Refused(
            f"parameter 'customers_lost': {customers_lost} is more than the {customers_at_start} customers at the "
            "start; give at most that many"
        )
    lost = customers_lost / customers_at_start
    monthly = 1 - (1 - lost) ** (1 / months)
    return Churn(
        churn_percent=round(100 * lost, 3),
        monthly_churn_percent=round(100 * monthly, 3),
        yearly_churn_percent=round(100 * (1 - (1 - monthly) ** 12), 3),
        customers_at_end=customers_at_start - customers_lost + customers_gained,
        lifetime_months=round(1 / monthly, 2) if monthly else None,
    )


class PromoterScore(Result):
    nps: float = Field(description="Percent of promoters less percent of detractors, -100 to 100")
    promoters: int = Field(description="Answers of 9 and 10")
    passives: int = Field(description="Answers of 7 and 8")
    detractors: int = Field(description="Answers of 0 to 6")
    verdict: Literal["needs improvement", "good", "great", "excellent"] = Field(
        description="Below 0, below 30, below 70, or more"
    )


@tool(
    "Marketing",
    "Customers",
    "Survey answers, 0 to 10: {scores}. What's our NPS?",
    "net promoter score of {scores}",
)
def net_promoter_score(
    scores: Annotated[
        list[Annotated[int, Field(ge=0, le=10)]],
        Field(min_length=1, max_length=500, description="How likely each would recommend us, 0 to 10"),
        Like(several(pick(10, 10, 9, 9, 9, 8, 8, 7, 7, 6, 5, 4, 3, 0), 6, 20)),
    ],
) -> PromoterScore:
    """Net promoter score of survey answers."""
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    nps = round(100 * (promoters - detractors) / len(scores), 1)
    return PromoterScore(
        nps=nps,
        promoters=promoters,
        passives=len(scores) - promoters - detractors,
        detractors=detractors,
        verdict="needs improvement" if nps < 0 else "good" if nps < 30 else "great" if nps < 70 else "excellent",
    )
