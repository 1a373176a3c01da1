"""Descriptive statistics, relations between two variables, and tests."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, several, tool, whole

Measurement = Annotated[float, Field(ge=-1e9, le=1e9)]


def _tidy(value: float) -> float:
    return round(float(value), 4) + 0.0  # the sum turns -0.0 into 0.0


def _figures(value: float) -> float:
    """A probability, to six figures."""
    return float(f"{value:.6g}")


_SCALES = ((172, 9, 0), (70, 12, 1), (20, 4, 1), (98.6, 0.7, 1), (1250, 300, 0), (4.5, 1.2, 2), (60, 15, 0), (15, 6, 0))
"""Mean, deviation and decimals of heights, weights, temperatures, prices, grades, scores, waiting times."""


def _rounded(value: float, digits: int) -> float:
    return round(value, digits) + 0.0 if digits else round(value)


def _sample(least: int, most: int) -> Callable[[Random], list[float]]:
    def drawn(rng: Random) -> list[float]:
        middle, spread, digits = rng.choice(_SCALES)
        return [_rounded(rng.gauss(middle, spread), digits) for _ in range(rng.randint(least, most))]

    return drawn


def _with_strangers(rng: Random) -> list[float]:
    """A sample in which a value or two may lie far off."""
    values = _sample(7, 14)(rng)
    for _ in range(rng.choice((0, 1, 1, 2))):
        values[rng.randrange(len(values))] = _rounded(max(values) * rng.choice((1.6, 2.0, 3.1)), 1)
    return values


def _pairs(rng: Random) -> dict[str, list[float]]:
    """Two variables of which one follows the other, more or less."""
    count, slope, noise = rng.randint(4, 10), rng.choice((-2.4, -0.8, 0.5, 1.2, 3)), rng.choice((0, 2, 5, 15))
    x = [rng.choice((rng.randint(1, 30), round(rng.uniform(1, 30), 1))) for _ in range(count - 1)]
    x.append(x[0] + 3)
    y = [_rounded(20 + slope * one + rng.gauss(0, noise), 1) for one in x]
    return {"x": x, "y": y}


def _constant(rng: Random) -> list[float]:
    return [rng.choice((1, 5, 7.5, 12, 100))] * rng.randint(3, 6)


class Summary(Result):
    count: int = Field(description="How many values there are")
    mean: float = Field(description="Arithmetic mean")
    median: float = Field(description="Middle value, or the mean of the two in the middle")
    standard_deviation: float = Field(description="Square root of the variance")
    variance: float = Field(
        description="Mean square of the deviations, divided by n - 1 for a sample and by n otherwise"
    )
    minimum: float = Field(description="Smallest value")
    maximum: float = Field(description="Largest value")


@tool(
    "Statistics",
    "Description",
    "Summarise these values: {values}",
    "mean, median and standard deviation of {values}, please",
    "Descriptive statistics for {values}, to be taken as a {kind}.",
)
def summary_statistics(
    values: Annotated[
        list[Measurement], Field(min_length=2, max_length=60, description="The data"), Like(_sample(5, 12))
    ],
    kind: Annotated[
        Literal["sample", "population"],
        Field(description="Whether the values are drawn from a larger whole or are that whole"),
        Like(pick("sample", "population", "population")),
    ] = "sample",
) -> Summary:
    """Mean, median, spread and extremes of a list of values."""
    variance = statistics.variance(values) if kind == "sample" else statistics.pvariance(values)
    return Summary(
        count=len(values),
        mean=_tidy(statistics.fmean(values)),
        median=_tidy(statistics.median(values)),
        standard_deviation=_tidy(math.sqrt(variance)),
        variance=_tidy(variance),
        minimum=min(values),
        maximum=max(values),
    )


_METHODS = {
    "linear": "linear",
    "nearest_rank": "inverted_cdf",
    "exclusive": "weibull",
    "median_unbiased": "median_unbiased",
}
"""Names of ours and numpy's."""


class Quantile(Result):
    probability: float = Field(description="Share of the data below")
    value: float = Field(description="The quantile")


class Quantiles(Result):
    quantiles: list[Quantile] = Field(description="One for each probability, in the order given")
    interquartile_range: float = Field(description="Third quartile less first quartile, by the same method")


@tool(
    "Statistics",
    "Description",
    "Quantiles {probabilities} of the data {values}",
    "From the values {values} I need the quantiles at {probabilities}, by the {method} method.",
)
def sample_quantiles(
    values: Annotated[
        list[Measurement], Field(min_length=1, max_length=60, description="The data"), Like(_sample(6, 12))
    ],
    probabilities: Annotated[
        list[Annotated[float, Field(ge=0, le=1)]],
        Field(min_length=1, max_length=9, description="Which quantiles, 0.5 for the median"),
        Like(pick([0.25, 0.5, 0.75], [0.1, 0.9], [0.5], [0.05, 0.5, 0.95], [0.9], [0.2, 0.4, 0.6, 0.8])),
    ],
    method: Annotated[
        Literal["linear", "nearest_rank", "exclusive", "median_unbiased"],
        Field(description="How to read between values: types 7, 1, 6 and 8 of Hyndman and Fan"),
        Like(pick("linear", "nearest_rank", "nearest_rank", "exclusive", "median_unbiased")),
    ] = "linear",
) -> Quantiles:
    """Quantiles of a sample by one of four usual definitions, with the interquartile range."""
    import numpy as np

    wanted: Any = _METHODS[method]
    found = np.quantile(values, [*probabilities, 0.25, 0.75], method=wanted)
    named = [
        Quantile(probability=probability, value=_tidy(value))
        for probability, value in zip(probabilities, found[:-2], strict=True)
    ]
    return Quantiles(quantiles=named, interquartile_range=_tidy(found[-1] - found[-2]))


class Outliers(Result):
    outliers: list[float] = Field(description="Values beyond the fences, in the order given")
    positions: list[int] = Field(description="Where they stand in the list, from 1")
    lower_fence: float = Field(description="Values below it are outliers")
    upper_fence: float = Field(description="Values above it are outliers")


@tool(
    "Statistics",
    "Description",
    "Are there outliers in {values}?",
    "find the outliers among {values} with the rule {rule}",
)
def detect_outliers(
    values: Annotated[
        list[Measurement],
        Field(min_length=4, max_length=60, description="The data"),
        Like(_with_strangers),
        Wrong(lambda rng: [rng.choice((3, 8.5, 20))] * rng.randint(4, 7)),
    ],
    rule: Annotated[
        Literal["tukey", "three_sigma", "median_deviation"],
        Field(
            description="1.5 interquartile ranges beyond the quartiles; 3 sample standard deviations from the mean; "
            "3.5 / 0.6745 median absolute deviations from the median"
        ),
        Like(pick("tukey", "three_sigma", "median_deviation")),
    ] = "tukey",
) -> Outliers:
    """Values that lie beyond the fences of a usual rule; quartiles are read by linear interpolation."""
    if min(values) == max(values):
        raise Refused(
            f"parameter 'values': all {len(values)} values are {values[0]:g}, so there is no spread to measure by; "
            "give data that vary"
        )
    middle, reach = _fences(values, rule)
    low, high = middle[0] - reach, middle[1] + reach
    found = [(at, value) for at, value in enumerate(values, 1) if value < low or value > high]
    return Outliers(
        outliers=[value for _, value in found],
        positions=[at for at, _ in found],
        lower_fence=_tidy(low),
        upper_fence=_tidy(high),
    )


def _fences(values: Sequence[float], rule: str) -> tuple[tuple[float, float], float]:
    """Where the middle of the data begins and ends, and how far a value may be from it."""
    if rule == "three_sigma":
        mean = statistics.fmean(values)
        return (mean, mean), 3 * statistics.stdev(values)
    if rule == "median_deviation":
        median = statistics.median(values)
        return (median, median), 3.5 / 0.6745 * statistics.median(abs(value - median) for value in values)
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return (first, third), 1.5 * (third - first)


def _varies(values: Sequence[float]) -> bool:
    return max(values) - min(values) > 1e-12 * max(1.0, *map(abs, values))


def _paired(x: Sequence[float], y: Sequence[float], both_vary: bool) -> None:
    """Raises Refused where the lists are not of one length or one that has to vary does not."""
    for name, values in (("x", x), ("y", y)):
        if not _varies(values) and (both_vary or name == "x"):
            raise Refused(
                f"parameter '{name}': all its values are {values[0]:g}, and a relation shows only where both vary; "
                "give at least two different values"
            )
    if len(x) != len(y):
        raise Refused(f"parameter 'y': {len(y)} values do not pair with the {len(x)} of x; give one for each")


X = Annotated[list[Measurement], Field(min_length=3, max_length=60, description="Values of the first variable")]
Y = Annotated[
    list[Measurement], Field(min_length=3, max_length=60, description="Values of the second, in the same order")
]


class Correlation(Result):
    coefficient: float = Field(description="From -1 to 1")
    direction: Literal["positive", "negative", "none"] = Field(description="By its sign")
    strength: Literal["very_weak", "weak", "moderate", "strong", "very_strong"] = Field(
        description="By its size, in steps of 0.2"
    )
    p_value: float = Field(description="Probability of at least so strong a correlation by chance, two-sided")


@tool(
    "Statistics",
    "Relations",
    "How strongly are these correlated? x: {x} and y: {y}",
    "{method} correlation of [{x}] with [{y}]",
    together=_pairs,
)
def correlation_coefficient(
    x: Annotated[X, Wrong(_constant)],
    y: Annotated[Y, Wrong(_constant)],
    method: Annotated[
        Literal["pearson", "spearman", "kendall"],
        Field(description="Of values, of ranks, or of the order of pairs (tau-b)"),
        Like(pick("pearson", "spearman", "spearman", "kendall")),
    ] = "pearson",
) -> Correlation:
    """Correlation of two variables by Pearson's, Spearman's or Kendall's coefficient."""
    from scipy import stats

    _paired(x, y, both_vary=True)
    measure = {"pearson": stats.pearsonr, "spearman": stats.spearmanr, "kendall": stats.kendalltau}[method]
    found, chance = map(float, measure(x, y))
    coefficient = _tidy(max(-1.0, min(1.0, found)))
    steps: Any = ("very_weak", "weak", "moderate", "strong", "very_strong")
    return Correlation(
        coefficient=coefficient,
        direction="positive" if coefficient > 0 else "negative" if coefficient < 0 else "none",
        strength=steps[min(4, int(abs(coefficient) / 0.2 + 1e-9))],
        p_value=_figures(chance),
    )


class RegressionLine(Result):
    slope: float = Field(description="Change of y when x grows by 1")
    intercept: float = Field(description="y where x is 0")
    r_squared: float = Field(
        description="Share of the variance of y that the line explains, 0 to 1; 1 for a constant y"
    )
    residual_standard_error: float = Field(description="Typical distance of y from the line, with n - 2 in the divisor")


@tool(
    "Statistics",
    "Relations",
    "Fit a straight line to x = {x} and y = {y}.",
    "simple linear regression, predictor: {x}; response: {y}",
    together=_pairs,
)
def fit_regression_line(x: Annotated[X, Wrong(_constant)], y: Y) -> RegressionLine:
    """Straight line that fits y to x by ordinary least squares."""
    _paired(x, y, both_vary=False)
    mean_x, mean_y = statistics.fmean(x), statistics.fmean(y)
    across = sum((one - mean_x) ** 2 for one in x)
    slope = sum((one - mean_x) * (other - mean_y) for one, other in zip(x, y, strict=True)) / across
    left_over = sum((other - mean_y - slope * (one - mean_x)) ** 2 for one, other in zip(x, y, strict=True))
    total = sum((other - mean_y) ** 2 for other in y)
    return RegressionLine(
        slope=round(slope, 6) + 0.0,
        intercept=round(mean_y - slope * mean_x, 6) + 0.0,
        r_squared=_tidy(max(0.0, 1 - left_over / total)) if _varies(y) else 1.0,
        residual_standard_error=_tidy(math.sqrt(left_over / (len(x) - 2))),
    )


class ComparedMeans(Result):
    t_statistic: float = Field(description="Difference of the means in standard errors, first less second")
    degrees_of_freedom: float = Field(
        description="Of the t distribution, by Welch's formula unless variances are equal"
    )
    p_value: float = Field(description="Probability of at least such a difference by chance, two-sided")
    mean_difference: float = Field(description="First mean less second mean")
    significant_at_5_percent: bool = Field(description="Whether the p-value is below 0.05")


def _two_groups(rng: Random) -> dict[str, list[float]]:
    middle, spread, digits = rng.choice(_SCALES)
    shift = rng.choice((0, 0.5, 1, 2)) * spread
    first = [_rounded(rng.gauss(middle, spread), digits) for _ in range(rng.randint(4, 9))]
    second = [_rounded(rng.gauss(middle + shift, spread), digits) for _ in range(rng.randint(4, 9))]
    return {"first": [*first, first[0] + 1], "second": [*second, second[0] + 1]}


Group = Annotated[
    list[Measurement], Field(min_length=2, max_length=60, description="Measurements of the group"), Wrong(_constant)
]


@tool(
    "Statistics",
    "Tests",
    "Group A: {first}. Group B: {second}. Is the difference of the means significant?",
    "two-sample t test for [{first}] against [{second}], pooled variance: {pooled}",
    together=_two_groups,
)
def two_sample_t_test(
    first: Group,
    second: Group,
    pooled: Annotated[
        bool,
        Field(description="Whether to take the variances for equal (Student) or not (Welch)"),
        Like(pick(True, False)),
    ] = False,
) -> ComparedMeans:
    """Two-sided t test for the means of two independent groups, each of which must show some spread."""
    from scipy import stats

    for name, group in (("first", first), ("second", second)):
        if not _varies(group):
            raise Refused(
                f"parameter '{name}': all its values are {group[0]:g}, which gives no spread to test against; "
                "give measurements that vary"
            )
    found = stats.ttest_ind(first, second, equal_var=pooled)
    return ComparedMeans(
        t_statistic=_tidy(found.statistic),
        degrees_of_freedom=_tidy(found.df),
        p_value=_figures(found.pvalue),
        mean_difference=_tidy(statistics.fmean(first) - statistics.fmean(second)),
        significant_at_5_percent=bool(found.pvalue < 0.05),
    )


class GoodnessOfFit(Result):
    chi_square: float = Field(description="Sum of squared differences over expected counts")
    degrees_of_freedom: int = Field(description="Categories less one")
    p_value: float = Field(description="Probability of at least such a deviation by chance")
    expected: list[float] = Field(description="Expected count of each category")
    counts_large_enough: bool = Field(description="Whether every expected count is at least 5, as the test wants it")


def _counts(rng: Random) -> dict[str, list[int]]:
    weights = rng.choice(((1, 1), (1, 1, 1, 1), (1,) * 6, (3, 1), (9, 3, 3, 1), (1, 2, 1), (5, 3, 2)))
    trials = rng.choice((40, 60, 100, 160, 240))
    drawn = rng.choices(range(len(weights)), weights, k=trials)
    observed = [drawn.count(category) for category in range(len(weights))]
    equal = len(set(weights)) == 1
    return {"observed": observed} if equal else {"observed": observed, "expected_ratio": list(weights)}


@tool(
    "Statistics",
    "Tests",
    "I counted {observed}. Does that fit categories that are all equally likely?",
    "Chi-square test: observed {observed}, expected in the ratio {expected_ratio}",
    together=_counts,
)
def chi_square_fit_test(
    observed: Annotated[
        list[Annotated[int, Field(ge=0, le=10**6)]],
        Field(min_length=2, max_length=12, description="Count in each category"),
        Wrong(lambda rng: [0] * rng.randint(2, 6)),
    ],
    expected_ratio: Annotated[
        Annotated[list[Annotated[float, Field(ge=0.001, le=1e6)]], Field(min_length=2, max_length=12)] | None,
        Field(description="Expected counts in any scale, as many as observed; equal if left out"),
        Like(several(whole(1, 4), 2, 2), given=0),
    ] = None,
) -> GoodnessOfFit:
    """Pearson's chi-square test of counts against an expected ratio."""
    from scipy.special import gammaincc

    total = sum(observed)
    if total == 0:
        raise Refused(f"parameter 'observed': {observed} counts nothing at all; give at least one count that is not 0")
    ratio = expected_ratio if expected_ratio is not None else [1.0] * len(observed)
    if len(ratio) != len(observed):
        raise Refused(
            f"parameter 'expected_ratio': {len(ratio)} shares do not go with {len(observed)} counts; "
            "give one for each category"
        )
    expected = [total * share / sum(ratio) for share in ratio]
    statistic = sum((count - share) ** 2 / share for count, share in zip(observed, expected, strict=True))
    freedom = len(observed) - 1
    return GoodnessOfFit(
        chi_square=_tidy(statistic),
        degrees_of_freedom=freedom,
        p_value=_figures(gammaincc(freedom / 2, statistic / 2)),
        expected=[_tidy(share) for share in expected],
        counts_large_enough=min(expected) >= 5,
    )


class MeanInterval(Result):
    mean: float = Field(description="Mean of the sample")
    lower: float = Field(description="Lower end of the interval")
    upper: float = Field(description="Upper end of the interval")
    margin_of_error: float = Field(description="Half the width of the interval")
    standard_error: float = Field(description="Sample standard deviation over the root of n")


@tool(
    "Statistics",
    "Tests",
    "What is the confidence interval for the mean, given these measurements: {values}?",
    "{confidence_percent} % confidence interval for the mean of {values}",
)
def mean_confidence_interval(
    values: Annotated[
        list[Measurement], Field(min_length=2, max_length=60, description="The sample"), Like(_sample(5, 12))
    ],
    confidence_percent: Annotated[
        float,
        Field(ge=50, le=99.99, description="How often such intervals hold the true mean"),
        Like(pick(80, 90, 98, 99, 99.9)),
    ] = 95,
) -> MeanInterval:
    """Confidence interval for the mean of a population, from a sample by the t distribution."""
    from scipy.special import stdtrit

    mean, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    margin = float(stdtrit(len(values) - 1, 0.5 + confidence_percent / 200)) * error
    return MeanInterval(
        mean=_tidy(mean),
        lower=_tidy(mean - margin),
        upper=_tidy(mean + margin),
        margin_of_error=_tidy(margin),
        standard_error=_tidy(error),
    )
