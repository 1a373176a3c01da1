"""Chances: distributions, Bayes, collisions, expectations and chains."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, pick, tool, whole

_SLACK = 1e-6
"""How far a sum of probabilities may be from 1."""


def _figures(probability: float) -> float:
    """Six figures, so that small chances keep theirs."""
    return float(f"{min(1.0, max(0.0, probability)):.6g}")


def _tidy(value: float) -> float:
    return round(float(value), 6) + 0.0  # the sum turns -0.0 into 0.0


Tail = Annotated[
    Literal["exactly", "at_most", "at_least"],
    Field(description="Which counts are meant"),
    Like(pick("exactly", "at_most", "at_least", "at_most", "at_least")),
]


def _tail(distribution: Any, count: int, tail: str) -> float:
    """Chance of a count in a discrete distribution of scipy."""
    if tail == "exactly":
        return _figures(float(distribution.pmf(count)))
    return _figures(float(distribution.cdf(count) if tail == "at_most" else distribution.sf(count - 1)))


class CountChance(Result):
    probability: float = Field(description="Chance of such a count, to six figures")
    mean: float = Field(description="Count to be expected")
    standard_deviation: float = Field(description="Spread of the count")


def _trials(rng: Random) -> dict[str, Any]:
    trials = rng.choice((4, 5, 6, 8, 10, 12, 20, 25, 50, 100, 200))
    chance = rng.choice((0.5, 0.5, 0.25, 0.1, 0.05, 0.02, 0.3, 0.6, 0.8, 0.95))
    middle = round(trials * chance)
    return {"trials": trials, "successes": min(trials, max(0, middle + rng.randint(-2, 3))), "chance": chance}


@tool(
    "Probability",
    "Distributions",
    "Each of {trials} tries succeeds with probability {chance}. How likely are exactly {successes} successes?",
    "Binomial with n = {trials} and p = {chance}: probability of {tail} {successes} successes?",
    together=_trials,
)
def binomial_probability(
    trials: Annotated[int, Field(ge=1, le=1000, description="Independent tries")],
    successes: Annotated[
        int, Field(ge=0, le=2000, description="Count of successes asked about"), Wrong(whole(1001, 2000))
    ],
    chance: Annotated[float, Field(ge=0, le=1, description="Probability that one try succeeds")],
    tail: Tail = "exactly",
) -> CountChance:
    """Probability of a number of successes in independent tries, by the binomial distribution."""
    from scipy.stats import binom

    if successes > trials:
        raise Refused(
            f"parameter 'successes': {successes} successes are more than the {trials} tries; "
            f"give a count from 0 to {trials}"
        )
    return CountChance(
        probability=_tail(binom(trials, chance), successes, tail),
        mean=_tidy(trials * chance),
        standard_deviation=_tidy(math.sqrt(trials * chance * (1 - chance))),
    )


def _calls(rng: Random) -> dict[str, float]:
    rate = rng.choice((0.5, 1, 1.5, 2, 2.5, 3, 3.4, 4.2, 5, 6, 8, 10, 12.5, 20))
    return {"expected_events": rate, "events": max(0, round(rate) + rng.randint(-3, 4))}


class EventChance(Result):
    probability: float = Field(description="Chance of such a count, to six figures")
    chance_of_none: float = Field(description="Chance that nothing happens at all")
    most_likely_count: int = Field(description="Count with the highest chance; the lower one of two")


@tool(
    "Probability",
    "Distributions",
    "We get {expected_events} calls an hour on average. Probability of exactly {events} in the next hour?",
    "Poisson, lambda = {expected_events}: how likely are {tail} {events} events?",
    together=_calls,
)
def poisson_event_chance(
    expected_events: Annotated[float, Field(ge=0.001, le=500, description="Mean number of events in the period")],
    events: Annotated[int, Field(ge=0, le=1000, description="Number of events asked about")],
    tail: Tail = "exactly",
) -> EventChance:
    """Probability of a number of independent events at a constant mean rate, by the Poisson distribution."""
    from scipy.stats import poisson

    return EventChance(
        probability=_tail(poisson(expected_events), events, tail),
        chance_of_none=_figures(math.exp(-expected_events)),
        most_likely_count=math.ceil(expected_events) - 1,
    )


class DrawChance(Result):
    exactly: float = Field(description="Chance of exactly so many marked items, to six figures")
    at_least: float = Field(description="Chance of so many or more, to six figures")
    expected_marked: float = Field(description="Marked items to be expected among the drawn")


def _urn(rng: Random) -> dict[str, int]:
    population = rng.choice((10, 20, 24, 40, 49, 50, 52, 60, 100, 200))
    marked, draws = rng.randint(2, population // 3 + 1), rng.randint(2, min(12, population // 2))
    likely = round(draws * marked / population)
    hits = min(marked, draws, max(0, likely + rng.randint(-1, 2)))
    return {"population": population, "marked": marked, "draws": draws, "marked_drawn": hits}


@tool(
    "Probability",
    "Distributions",
    "{draws} of {population} items are drawn without putting any back; {marked} of the {population} are marked. Chance "
    "that {marked_drawn} of the drawn ones are?",
    "hypergeometric: N={population}, K={marked}, n={draws}, k={marked_drawn}",
    together=_urn,
)
def hypergeometric_draw(
    population: Annotated[int, Field(ge=1, le=500, description="Items in all")],
    marked: Annotated[int, Field(ge=0, le=1000, description="Those that are marked"), Wrong(whole(501, 1000))],
    draws: Annotated[int, Field(ge=0, le=1000, description="Items drawn, none put back"), Wrong(whole(501, 1000))],
    marked_drawn: Annotated[int, Field(ge=0, le=500, description="Marked items among the drawn")],
) -> DrawChance:
    """Probability of a number of marked items in a draw without replacement, by the hypergeometric distribution."""
    for name, count in (("marked", marked), ("draws", draws)):
        if count > population:
            raise Refused(
                f"parameter '{name}': {count} items are more than the population of {population}; "
                f"give a number from 0 to {population}"
            )
    every = math.comb(population, draws)
    ways = [
        math.comb(marked, hits) * math.comb(population - marked, draws - hits)
        for hits in range(marked_drawn, min(marked, draws) + 1)
    ]
    return DrawChance(
        exactly=_figures(ways[0] / every) if ways else 0.0,
        at_least=_figures(sum(ways) / every),
        expected_marked=_tidy(draws * marked / population),
    )


class RangeChance(Result):
    probability: float = Field(description="Chance of a value in the range, to six figures")
    below: float = Field(description="Chance of a value below the range")
    above: float = Field(description="Chance of a value above it")
    lower_z: float = Field(description="Lower end in standard deviations from the mean")
    upper_z: float = Field(description="Upper end in standard deviations from the mean")


def _bell(rng: Random) -> dict[str, Any]:
    mean, deviation, step = rng.choice(
        (
            (100, 15, 5),
            (172, 9, 1),
            (500, 100, 25),
            (0, 1, 0.5),
            (3.4, 0.5, 0.1),
            (70, 12, 5),
            (1000, 4, 1),
            (21, 2.5, 0.5),
        )
    )
    ends = sorted(rng.sample(range(-5, 6), 2))
    lower, upper = (round(mean + end * step * rng.choice((1, 2)), 1) for end in ends)
    if lower >= upper:
        upper = round(lower + 2 * step, 1)
    return {"mean": mean, "standard_deviation": deviation, "between": [lower, upper]}


def _falling(rng: Random) -> list[float]:
    upper = rng.randint(0, 150)
    return [upper, upper - rng.randint(0, 40)]


@tool(
    "Probability",
    "Distributions",
    "Values are normal with mean {mean} and standard deviation {standard_deviation}. Which share is between {between}?",
    "normal distribution, mu={mean}, sigma={standard_deviation}, P of the interval {between}",
    together=_bell,
)
def normal_range_probability(
    mean: Annotated[float, Field(ge=-1e6, le=1e6, description="Mean of the distribution")],
    standard_deviation: Annotated[float, Field(ge=1e-6, le=1e6, description="Its standard deviation")],
    between: Annotated[
        list[Annotated[float, Field(ge=-1e6, le=1e6)]],
        Field(min_length=2, max_length=2, description="Lower and upper end of the range"),
        Wrong(_falling),
    ],
) -> RangeChance:
    """Probability that a normally distributed value falls into a range."""
    from scipy.special import ndtr

    lower, upper = between
    if lower >= upper:
        raise Refused(
            f"parameter 'between': {list(between)} does not ascend; give the lower end first and a larger upper end"
        )
    low, high = ((end - mean) / standard_deviation for end in (lower, upper))
    # Beyond the mean the upper tails are subtracted, as chances near 1 have lost their last digits.
    inside = ndtr(high) - ndtr(low) if low < 0 else ndtr(-low) - ndtr(-high)
    return RangeChance(
        probability=_figures(float(inside)),
        below=_figures(float(ndtr(low))),
        above=_figures(float(ndtr(-high))),
        lower_z=_tidy(low),
        upper_z=_tidy(high),
    )


class Hypothesis(Part):
    name: str = Field(min_length=1, max_length=40, description="What may be the case")
    prior: float = Field(ge=0, le=1, description="Probability before the evidence")
    likelihood: float = Field(ge=0, le=1, description="Probability of the evidence if it is the case")


class Posterior(Result):
    name: str = Field(description="The hypothesis")
    probability: float = Field(description="Probability after the evidence, to six figures")


class Update(Result):
    posteriors: list[Posterior] = Field(description="In the order given")
    most_likely: str = Field(description="Hypothesis with the highest posterior; the first of several")
    evidence_probability: float = Field(description="Chance of the evidence in all")


_CASES = (
    ("ill", "healthy"),
    ("spam", "wanted mail"),
    ("fair coin", "loaded coin"),
    ("machine A", "machine B", "machine C"),
    ("oil", "no oil"),
    ("bus late", "bus on time", "bus cancelled"),
)


def _shares(rng: Random, count: int) -> list[float]:
    """Probabilities in steps of 0.01 that add up to 1."""
    cuts = sorted(rng.sample(range(1, 100), count - 1))
    return [(end - start) / 100 for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]


def _hypotheses(scale: float) -> Callable[[Random], list[dict[str, Any]]]:
    """Hypotheses whose priors add up to the scale."""

    def drawn(rng: Random) -> list[dict[str, Any]]:
        names = rng.choice(_CASES)
        priors = _shares(rng, len(names))
        if len(names) == 2 and rng.random() < 0.5:
            rare = rng.choice((0.001, 0.005, 0.01, 0.02, 0.05))
            priors = [rare, round(1 - rare, 4)]
        likelihoods = [rng.choice((0.99, 0.95, 0.9, 0.8, 0.6, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02)) for _ in names]
        return [
            {"name": name, "prior": round(prior * scale, 4), "likelihood": likelihood}
            for name, prior, likelihood in zip(names, priors, likelihoods, strict=True)
        ]

    return drawn


@tool(
    "Probability",
    "Reasoning",
    "Apply Bayes' theorem: {hypotheses}. What are the posterior probabilities?",
    "Given the evidence, which of these is the most likely, and how sure can I be? {hypotheses}",
)
def bayes_posterior(
    hypotheses: Annotated[
        list[Hypothesis],
        Field(min_length=2, max_length=8, description="All that may be the case; the priors add up to 1"),
        Like(_hypotheses(1)),
        Wrong(_hypotheses(0.7)),
    ],
) -> Update:
    """Posterior probabilities of hypotheses after one piece of evidence, by Bayes' theorem."""
    total = math.fsum(one.prior for one in hypotheses)
    if abs(total - 1) > _SLACK:
        raise Refused(
            f"parameter 'hypotheses': the priors {[one.prior for one in hypotheses]} add up to {total:g}, not to 1; "
            "give probabilities of all that may be the case"
        )
    joint = [one.prior * one.likelihood for one in hypotheses]
    evidence = math.fsum(joint)
    if evidence < 1e-300:
        raise Refused(
            "parameter 'hypotheses': the evidence has the probability 0 under every hypothesis that has a prior; "
            "give at least one of these a likelihood above 0"
        )
    likeliest = max(range(len(joint)), key=lambda at: joint[at])
    return Update(
        posteriors=[
            Posterior(name=one.name, probability=_figures(share / evidence))
            for one, share in zip(hypotheses, joint, strict=True)
        ],
        most_likely=hypotheses[likeliest].name,
        evidence_probability=_figures(evidence),
    )


class Collision(Result):
    probability: float = Field(description="Chance that at least two share a day, to six figures")
    expected_pairs: float = Field(description="Pairs that share one, to be expected")
    people_for_even_odds: int = Field(description="Fewest people for whom the chance is a half or more")


def _party(rng: Random) -> dict[str, int]:
    if rng.random() < 0.5:
        return {"people": rng.randint(5, 70)}
    if rng.random() < 0.5:
        return {"people": rng.randint(2, 12), "days": rng.choice((7, 12, 30, 52, 100))}
    return {"people": rng.randint(10, 300), "days": rng.choice((1000, 1024, 10000, 65536))}


@tool(
    "Probability",
    "Reasoning",
    "How likely is it that two of {people} people have the same birthday?",
    "{people} items are given one of {days} numbers at random. Chance that a number is given twice?",
    together=_party,
)
def birthday_collision(
    people: Annotated[int, Field(ge=1, le=1000, description="How many draw a day each")],
    days: Annotated[
        int, Field(ge=2, le=10**5, description="Equally likely days, or other numbers"), Like(pick(365), given=0)
    ] = 365,
) -> Collision:
    """Chance that at least two of a group share one of equally likely days (the birthday problem)."""
    apart, even_odds = 1.0, 0
    while apart > 0.5:
        apart *= (days - even_odds) / days
        even_odds += 1
    all_differ = math.prod((days - taken) / days for taken in range(min(people, days + 1)))
    return Collision(
        probability=_figures(1 - all_differ),
        expected_pairs=_tidy(math.comb(people, 2) / days),
        people_for_even_odds=even_odds,
    )


class Outcome(Part):
    value: float = Field(ge=-1e9, le=1e9, description="What is won; negative is lost")
    probability: float = Field(ge=0, le=1, description="Chance of it")


class Expectation(Result):
    expected_value: float = Field(description="Mean of the values, weighted by their chances")
    standard_deviation: float = Field(description="Spread around it")
    chance_of_loss: float = Field(description="Probability of a value below 0")
    favourable: bool = Field(description="Whether the expected value is above 0")


def _outcomes(scale: float) -> Callable[[Random], list[dict[str, float]]]:
    """Outcomes whose chances add up to the scale."""

    def drawn(rng: Random) -> list[dict[str, float]]:
        chances = _shares(rng, rng.randint(2, 4))
        unit = rng.choice((1, 5, 10, 100))
        values = rng.sample((-10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8, 12, 20), len(chances))
        return [
            {"value": value * unit, "probability": round(chance * scale, 4)}
            for value, chance in zip(values, chances, strict=True)
        ]

    return drawn


@tool(
    "Probability",
    "Decisions and processes",
    "What is the expected value of a bet with these outcomes: {outcomes}?",
    "Payoffs and chances: {outcomes}. Is it worth playing, and how risky is it?",
)
def expected_payoff(
    outcomes: Annotated[
        list[Outcome],
        Field(min_length=2, max_length=12, description="All that can happen; the chances add up to 1"),
        Like(_outcomes(1)),
        Wrong(_outcomes(0.8)),
    ],
) -> Expectation:
    """Expected value and spread of a bet with finitely many outcomes."""
    total = math.fsum(one.probability for one in outcomes)
    if abs(total - 1) > _SLACK:
        raise Refused(
            f"parameter 'outcomes': the probabilities {[one.probability for one in outcomes]} add up to {total:g}, "
            "not to 1; give every outcome, also that of winning nothing"
        )
    mean = _tidy(math.fsum(one.value * one.probability for one in outcomes))
    variance = math.fsum((one.value - mean) ** 2 * one.probability for one in outcomes)
    return Expectation(
        expected_value=mean,
        standard_deviation=_tidy(math.sqrt(variance)),
        chance_of_loss=_figures(math.fsum(one.probability for one in outcomes if one.value < 0)),
        favourable=mean > 0,
    )


class ChainState(Result):
    distribution: list[float] = Field(description="Probability of each state after the steps")
    most_likely_state: int = Field(description="State with the highest probability, counted from 1")
    largest_change: float = Field(description="Most that one further step would change a probability")


def _chain(rng: Random) -> dict[str, Any]:
    size = rng.choice((2, 2, 3))
    rows = [[round(part / 10, 1) for part in _tenths(rng, size)] for _ in range(size)]
    place = rng.randrange(size)
    start: list[float] = [float(at == place) for at in range(size)]
    if rng.random() < 0.3:
        start = _shares(rng, size)
    return {"transition": rows, "start": start, "steps": rng.choice((1, 2, 2, 3, 4, 5, 10, 20))}


def _tenths(rng: Random, count: int) -> list[int]:
    cuts = sorted(rng.randint(0, 10) for _ in range(count - 1))
    return [end - begin for begin, end in zip([0, *cuts], [*cuts, 10], strict=True)]


def _leaking(rng: Random) -> list[list[float]]:
    """A matrix whose last row does not add up to 1."""
    return [[0.5, 0.5], [number(0.1, 0.4, 1)(rng), 0.5]]


Share = Annotated[float, Field(ge=0, le=1)]


@tool(
    "Probability",
    "Decisions and processes",
    "Markov chain with the transition matrix {transition} (row by row), started at {start}. Where is it after {steps} "
    "steps?",
    "Distribution after {steps} transitions: start {start}, transition probabilities, rows one after the other, "
    "{transition}.",
    together=_chain,
)
def markov_chain_distribution(
    transition: Annotated[
        list[Annotated[list[Share], Field(min_length=2, max_length=6)]],
        Field(min_length=2, max_length=6, description="From each state (row) to each state (column); rows add up to 1"),
        Wrong(_leaking),
    ],
    start: Annotated[
        list[Share],
        Field(min_length=2, max_length=6, description="Probability of each state at first"),
        Wrong(lambda rng: [number(0, 0.4, 1)(rng) for _ in range(2)]),
    ],
    steps: Annotated[int, Field(ge=1, le=1000, description="How many transitions")],
) -> ChainState:
    """Distribution of a Markov chain with finitely many states after a number of steps."""
    import numpy as np

    size = len(transition)
    for row in transition:
        if len(row) != size or abs(math.fsum(row) - 1) > _SLACK:
            raise Refused(
                f"parameter 'transition': the row {row} is not {size} probabilities that add up to 1; "
                "give in each row the chances of going to every state"
            )
    if len(start) != size or abs(math.fsum(start) - 1) > _SLACK:
        raise Refused(
            f"parameter 'start': {start} is not {size} probabilities that add up to 1; give one for each state"
        )
    matrix = np.array(transition)
    after = np.array(start) @ np.linalg.matrix_power(matrix, steps)
    return ChainState(
        distribution=[_tidy(share) for share in after],
        most_likely_state=int(np.argmax(np.round(after, 9))) + 1,
        largest_change=_tidy(np.abs(after @ matrix - after).max()),
    )
