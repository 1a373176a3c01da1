"""Indicators of prices, sizes of positions, risk and return."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from statistics import fmean, stdev
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Refused, Result, Wrong, money, number, pick, tool, whole


def _walk(least: int, most: int) -> Draw:
    """Closing prices of so many days."""

    def drawn(rng: Random) -> list[float]:
        price, drift = rng.uniform(15, 250), rng.uniform(-0.006, 0.008)
        prices = []
        for _ in range(rng.randint(least, most)):
            prices.append(round(price, 2))
            price *= 1 + drift + rng.gauss(0, 0.014)
        return prices

    return drawn


PricePoint = Annotated[float, Field(gt=0, le=1e7)]


class MovingAverage(Result):
    averages: list[float] = Field(description="One value for each price from the end of the first window on")
    latest: float = Field(description="Last of them")
    price_is: Literal["above", "at", "below"] = Field(description="Last price against the last average")


@tool(
    "Trading",
    "Indicators",
    "Moving average over {window} days of these closes: {prices}",
    "Closing prices {prices}. What does the {window}-day {kind} look like, and are we above it?",
)
def moving_average_series(
    prices: Annotated[
        list[PricePoint],
        Field(min_length=1, max_length=100, description="Closing prices, oldest first"),
        Like(_walk(8, 16)),
    ],
    window: Annotated[
        int,
        Field(ge=1, le=500, description="Number of prices in one average"),
        Like(pick(3, 4, 5, 7)),
        Wrong(whole(101, 500)),
    ],
    kind: Annotated[
        Literal["simple", "exponential"],
        Field(description="Equal weights, or a weight of 2 / (window + 1) for the newest price"),
        Like(pick("simple", "exponential", "exponential")),
    ] = "simple",
) -> MovingAverage:
    """Simple or exponential moving average; the exponential one starts with the simple average of the first window."""
    if window > len(prices):
        raise Refused(
            f"parameter 'window': {window} is more than the {len(prices)} prices given; give at most {len(prices)}"
        )
    if kind == "simple":
        averages = [fmean(prices[end - window : end]) for end in range(window, len(prices) + 1)]
    else:
        averages, weight = [fmean(prices[:window])], 2 / (window + 1)
        for price in prices[window:]:
            averages.append(averages[-1] + weight * (price - averages[-1]))
    rounded = [round(value, 4) for value in averages]
    above = round(prices[-1], 4) - rounded[-1]
    return MovingAverage(
        averages=rounded, latest=rounded[-1], price_is="above" if above > 0 else "below" if above < 0 else "at"
    )


class Strength(Result):
    rsi: float = Field(description="From 0 to 100")
    zone: Literal["overbought", "neutral", "oversold"] = Field(description="Above 70, between, or below 30")
    average_gain: float = Field(description="Smoothed gain of a period")
    average_loss: float = Field(description="Smoothed loss of a period, as a positive number")


@tool(
    "Trading",
    "Indicators",
    "Is this overbought? RSI of {prices} please.",
    "Compute the {period}-period RSI for closes {prices}",
)
def relative_strength_index(
    prices: Annotated[
        list[PricePoint],
        Field(min_length=2, max_length=100, description="Closing prices, oldest first"),
        Like(_walk(15, 22)),
    ],
    period: Annotated[
        int,
        Field(ge=1, le=500, description="Number of changes in the first average"),
        Like(pick(5, 7, 9)),
        Wrong(whole(100, 500)),
    ] = 14,
) -> Strength:
    """Relative strength index of the last price with Wilder's smoothing; 50 where prices never moved."""
    if len(prices) <= period:
        raise Refused(
            f"parameter 'period': {period} changes need {period + 1} prices and {len(prices)} are given; give at most "
            f"{len(prices) - 1}"
        )
    changes = [later - earlier for earlier, later in pairwise(prices)]
    gain = fmean(max(change, 0.0) for change in changes[:period])
    loss = fmean(max(-change, 0.0) for change in changes[:period])
    for change in changes[period:]:
        gain = (gain * (period - 1) + max(change, 0.0)) / period
        loss = (loss * (period - 1) + max(-change, 0.0)) / period
    rsi = round(100 * gain / (gain + loss), 2) if gain + loss else 50.0
    return Strength(
        rsi=rsi,
        zone="overbought" if rsi > 70 else "oversold" if rsi < 30 else "neutral",
        average_gain=round(gain, 5),
        average_loss=round(loss, 5),
    )


class PivotLevels(Result):
    pivot: float = Field(description="Mean of high, low and close")
    resistance: list[float] = Field(description="R1 to R3")
    support: list[float] = Field(description="S1 to S3")


_FIBONACCI = (0.382, 0.618, 1.0)
_CAMARILLA = (1.1 / 12, 1.1 / 6, 1.1 / 4)


def _session(rng: Random) -> Mapping[str, Any]:
    close = rng.uniform(20, 400)
    low, high = close * (1 - rng.uniform(0, 0.03)), close * (1 + rng.uniform(0, 0.03))
    return {"high": round(high, 2), "low": round(low, 2), "close": round(close, 2)}


@tool(
    "Trading",
    "Indicators",
    "Yesterday: high {high}, low {low}, close {close}. Where are today's pivot, supports and resistances?",
    "{method} pivot points for H {high} / L {low} / C {close}",
    together=_session,
)
def pivot_point_levels(
    high: Annotated[float, Field(gt=0, le=1e6, description="Highest price of the last session")],
    low: Annotated[
        float, Field(gt=0, le=1e7, description="Lowest price of the last session"), Wrong(money(1.5e6, 9e6))
    ],
    close: Annotated[float, Field(gt=0, le=1e6, description="Last price of the session")],
    method: Annotated[
        Literal["classic", "fibonacci", "camarilla"],
        Field(description="Which formula gives the levels"),
        Like(pick("classic", "fibonacci", "camarilla")),
    ] = "classic",
) -> PivotLevels:
    """Pivot point with three supports and resistances from one session's high, low and close."""
    if low > high:
        raise Refused(f"parameter 'low': {low:.10g} is above the high of {high:.10g}; give at most the high")
    if not low <= close <= high:
        raise Refused(f"parameter 'close': {close:.10g} is outside the session; give {low:.10g} to {high:.10g}")
    pivot, span = (high + low + close) / 3, high - low
    if method == "classic":
        resistance = [2 * pivot - low, pivot + span, high + 2 * (pivot - low)]
        support = [2 * pivot - high, pivot - span, low - 2 * (high - pivot)]
    else:
        middle, shares = (pivot, _FIBONACCI) if method == "fibonacci" else (close, _CAMARILLA)
        resistance = [middle + share * span for share in shares]
        support = [middle - share * span for share in shares]
    return PivotLevels(
        pivot=round(pivot, 4),
        resistance=[round(level, 4) for level in resistance],
        support=[round(level, 4) for level in support],
    )


class PositionPlan(Result):
    direction: Literal["long", "short"] = Field(description="Long where the stop lies below the entry")
    shares: int = Field(description="Whole shares, rounded down")
    money_at_risk: float = Field(description="Loss if the stop is hit")
    position_value: float = Field(description="Shares times entry price")
    leverage: float = Field(description="Position value over account balance")


def _trade(rng: Random) -> Mapping[str, Any]:
    entry = round(rng.uniform(5, 400), 2)
    return {
        "entry_price": entry,
        "stop_price": round(entry * (1 + rng.choice((-1, -1, 1)) * rng.uniform(0.01, 0.12)), 2),
    }


@tool(
    "Trading",
    "Position and risk",
    "Account {account_balance}, I risk {risk_percent} % per trade. Entry {entry_price}, stop {stop_price}. How many "
    "shares?",
    "position size: balance={account_balance} risk={risk_percent}% entry={entry_price} stop={stop_price}",
    together=_trade,
)
def position_size_by_risk(
    account_balance: Annotated[float, Field(gt=0, le=1e10, description="Money in the account"), Like(money(2e3, 2e5))],
    risk_percent: Annotated[
        float,
        Field(gt=0, le=100, description="Part of the balance that may be lost"),
        Like(pick(0.5, 1.0, 1.5, 2.0, 3.0)),
    ],
    entry_price: Annotated[float, Field(ge=0.0001, le=1e6, description="Price at which the position is opened")],
    stop_price: Annotated[float, Field(ge=0.0001, le=1e6, description="Price at which it is closed with a loss")],
) -> PositionPlan:
    """Number of shares that loses a fixed percentage of the account when the stop is hit, without slippage."""
    risk = round(abs(entry_price - stop_price), 8)
    if risk == 0:
        raise Refused(
            f"parameter 'stop_price': {stop_price:.10g} is the entry price, so nothing is at risk; give a price below "
            "it to buy or above it to sell short"
        )
    shares = math.floor(round(account_balance * risk_percent / 100 / risk, 6))
    value = shares * entry_price
    return PositionPlan(
        direction="long" if stop_price < entry_price else "short",
        shares=shares,
        money_at_risk=round(shares * risk, 2),
        position_value=round(value, 2),
        leverage=round(value / account_balance, 3),
    )


class KellyStake(Result):
    stake_percent: float = Field(description="Part of the bankroll to stake; 0 where the bet loses on average")
    full_kelly_percent: float = Field(description="What full Kelly says; negative for a losing bet")
    edge_percent: float = Field(description="Mean profit in percent of the stake")
    worthwhile: bool = Field(description="Whether the edge is above zero")


@tool(
    "Trading",
    "Position and risk",
    "My setup wins {win_percent} % of the time and makes {payoff_ratio} times what it loses. What does Kelly say?",
    "kelly: win rate {win_percent}%, payoff {payoff_ratio}:1, but I only want {kelly_share} of full Kelly",
)
def kelly_bet_fraction(
    win_percent: Annotated[
        float, Field(ge=0, le=100, description="Chance of winning in percent"), Like(number(30, 70, 1))
    ],
    payoff_ratio: Annotated[
        float, Field(ge=0.01, le=1000, description="Win over loss, per unit at stake"), Like(number(0.7, 3))
    ],
    kelly_share: Annotated[
        float, Field(gt=0, le=1, description="Part of full Kelly to stake, such as 0.5"), Like(pick(0.25, 0.5, 0.75))
    ] = 1.0,
) -> KellyStake:
    """Kelly criterion: the part of a bankroll to stake for the highest growth in the long run."""
    chance = win_percent / 100
    full = chance - (1 - chance) / payoff_ratio
    edge = round(100 * (chance * payoff_ratio - (1 - chance)), 4)
    return KellyStake(
        stake_percent=round(100 * kelly_share * max(0.0, full), 4),
        full_kelly_percent=round(100 * full, 4),
        edge_percent=edge,
        worthwhile=edge > 0,
    )


class RiskAdjusted(Result):
    sharpe: float = Field(description="Yearly excess return over its volatility")
    sortino: float | None = Field(
        description="The same over downside deviation; null where no return is below the rate"
    )
    annual_return_percent: float = Field(description="Mean return times periods in a year")
    annual_volatility_percent: float = Field(description="Sample standard deviation of a year")


_FREQUENCY = {"daily": 252, "weekly": 52, "monthly": 12, "yearly": 1}
_SWING = {"daily": 1.0, "weekly": 2.0, "monthly": 4.0, "yearly": 14.0}
"""Usual standard deviation of a return, percent."""


def _returns(rng: Random) -> Mapping[str, Any]:
    frequency = rng.choice(sorted(_FREQUENCY))
    swing = _SWING[frequency]
    count = rng.randint(5, 12)
    return {
        "returns_percent": [round(rng.gauss(0.2 * swing, swing), 2) for _ in range(count)],
        "frequency": frequency,
    }


@tool(
    "Trading",
    "Position and risk",
    "{frequency} returns in percent: {returns_percent}. What's my Sharpe ratio?",
    "Sharpe and Sortino for {frequency} returns {returns_percent} (percent), risk-free rate {risk_free_percent} % a "
    "year",
    together=_returns,
)
def sharpe_ratio(
    returns_percent: Annotated[
        list[Annotated[float, Field(ge=-100, le=1000)]],
        Field(min_length=2, max_length=500, description="Returns of each period in percent"),
        Wrong(lambda rng: [number(-2, 3)(rng)] * rng.randint(3, 6)),
    ],
    frequency: Annotated[
        Literal["daily", "weekly", "monthly", "yearly"],
        Field(description="Length of a period; a year has 252 trading days"),
    ],
    risk_free_percent: Annotated[
        float, Field(ge=-5, le=50, description="Risk-free rate a year in percent"), Like(pick(1.0, 2.0, 3.0, 4.5))
    ] = 0.0,
) -> RiskAdjusted:
    """Annualised Sharpe and Sortino ratio of periodic returns."""
    spread = stdev(returns_percent)
    if spread < 1e-9:
        raise Refused(
            f"parameter 'returns_percent': all {len(returns_percent)} returns are {returns_percent[0]:.10g}, which has "
            "no volatility to divide by; give returns that differ"
        )
    periods = _FREQUENCY[frequency]
    excess = [one - risk_free_percent / periods for one in returns_percent]
    down = math.sqrt(fmean(min(0.0, one) ** 2 for one in excess))
    return RiskAdjusted(
        sharpe=round(fmean(excess) / spread * math.sqrt(periods), 4),
        sortino=round(fmean(excess) / down * math.sqrt(periods), 4) if down > 1e-9 else None,
        annual_return_percent=round(fmean(returns_percent) * periods, 4),
        annual_volatility_percent=round(spread * math.sqrt(periods), 4),
    )


class Drawdown(Result):
    max_drawdown_percent: float = Field(description="Deepest fall below an earlier peak, as a positive number")
    peak: float = Field(description="Value before that fall")
    trough: float = Field(description="Lowest value of that fall")
    peak_position: int = Field(description="Place of the peak in the list, counted from 1")
    trough_position: int = Field(description="Place of the trough in the list, counted from 1")
    recovered: bool = Field(description="Whether the peak was reached again later")


def _deepest(values: Sequence[float]) -> tuple[int, int]:
    """Where the deepest fall starts and ends."""
    peak, found, depth = 0, (0, 0), 0.0
    for place, value in enumerate(values):
        if value > values[peak]:
            peak = place
        if (fall := 1 - value / values[peak]) > depth:
            found, depth = (peak, place), fall
    return found


@tool(
    "Trading",
    "Position and risk",
    "My account stood at {values}. What was the worst drawdown?",
    "max drawdown of this equity curve: {values}",
)
def max_drawdown(
    values: Annotated[
        list[PricePoint],
        Field(min_length=2, max_length=500, description="Account values or prices, oldest first"),
        Like(lambda rng: [float(round(50 * value)) for value in _walk(6, 14)(rng)]),
    ],
) -> Drawdown:
    """Largest loss from a peak to a later trough, in percent of the peak."""
    top, bottom = _deepest(values)
    fall = 1 - values[bottom] / values[top]
    return Drawdown(
        max_drawdown_percent=round(100 * fall, 3),
        peak=values[top],
        trough=values[bottom],
        peak_position=top + 1,
        trough_position=bottom + 1,
        recovered=any(value >= values[top] for value in values[bottom:]),
    )


class ForexProfit(Result):
    pips: float = Field(description="Move in pips; negative is a loss")
    profit: float = Field(description="Profit in the quote currency; negative is a loss")
    currency: str = Field(description="Quote currency, the second of the pair")
    pip_value: float = Field(description="Worth of one pip for this position, in the quote currency")


_RATES = {
    "EUR/USD": 1.08, "GBP/USD": 1.27, "USD/JPY": 150.0, "USD/CHF": 0.88, "AUD/USD": 0.66, "USD/CAD": 1.36,
    "NZD/USD": 0.61, "EUR/GBP": 0.85, "EUR/JPY": 162.0, "GBP/JPY": 190.0, "EUR/CHF": 0.95, "USD/SEK": 10.5,
}  # fmt: skip
_CURRENCIES = frozenset("USD EUR JPY GBP CHF AUD CAD NZD SEK NOK DKK PLN CZK HUF MXN ZAR SGD HKD CNH TRY".split())
_HUNDREDTHS = frozenset({"JPY", "HUF"})
"""Quote currencies whose pip is 0.01 instead of 0.0001."""


def _forex(rng: Random) -> Mapping[str, Any]:
    pair = rng.choice(sorted(_RATES))
    digits = 3 if pair.endswith("JPY") else 5
    entry = _RATES[pair] * rng.uniform(0.95, 1.05)
    leave = entry * (1 + rng.gauss(0, 0.006))
    return {"pair": pair, "entry_price": round(entry, digits), "exit_price": round(leave, digits)}


@tool(
    "Trading",
    "Forex",
    "I went {side} {lots} lots of {pair} at {entry_price} and closed at {exit_price}. How many pips, what profit?",
    "{pair} {side} {lots} lot(s), in {entry_price}, out {exit_price}",
    together=_forex,
)
def forex_trade_profit(
    pair: Annotated[
        str,
        Field(pattern="^[A-Z]{3}/[A-Z]{3}$", description="Base and quote currency, such as EUR/USD"),
        Wrong(pick("EUR/XYZ", "ABC/USD", "USD/USD", "EUR/EUR", "BTC/USD")),
    ],
    side: Annotated[Literal["long", "short"], Field(description="Bought or sold first"), Like(pick("long", "short"))],
    lots: Annotated[
        float, Field(ge=0.01, le=1000, description="Lots of 100,000 units"), Like(pick(0.01, 0.1, 0.5, 1.0, 2.5))
    ],
    entry_price: Annotated[float, Field(gt=0, le=1e5, description="Rate at opening")],
    exit_price: Annotated[float, Field(gt=0, le=1e5, description="Rate at closing")],
) -> ForexProfit:
    """Pips and profit of a currency trade, without spread and swap."""
    base, _, quote = pair.partition("/")
    if base == quote or not {base, quote} <= _CURRENCIES:
        raise Refused(
            f"parameter 'pair': '{pair}' is no pair of two traded currencies; give one such as EUR/USD or GBP/JPY"
        )
    pip = 0.01 if quote in _HUNDREDTHS else 0.0001
    move = exit_price - entry_price if side == "long" else entry_price - exit_price
    return ForexProfit(
        pips=round(move / pip, 1),
        profit=round(100_000 * lots * move, 2),
        currency=quote,
        pip_value=round(100_000 * lots * pip, 4),
    )
