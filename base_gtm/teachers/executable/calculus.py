"""Derivatives, integrals, Taylor polynomials, limits and roots by iteration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.algebra import distinct_roots, polynomial_text
from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, magnitude, number, pick, tool

Real = Callable[[float], float]


def _tidy(value: float, digits: int = 6) -> float:
    return round(float(value), digits) + 0.0  # the sum turns -0.0 into 0.0


def _value(coefficients: Sequence[int], x: float) -> float:
    value = 0.0
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


def _derivative(coefficients: Sequence[int]) -> list[int]:
    """Coefficients of the derivative, highest power first."""
    degree = len(coefficients) - 1
    return [coefficient * (degree - at) for at, coefficient in enumerate(coefficients[:-1])] or [0]


def _polynomial(least: int, most: int) -> Callable[[Random], list[int]]:
    """Small coefficients, highest power first."""

    def drawn(rng: Random) -> list[int]:
        rest = [
            rng.choice((-9, -6, -5, -4, -3, -2, -1, 0, 0, 1, 2, 3, 4, 5, 7, 10))
            for _ in range(rng.randint(least, most))
        ]
        return [rng.choice((-3, -2, -1, 1, 1, 1, 2, 3, 4)), *rest]

    return drawn


Coefficient = Annotated[int, Field(ge=-1000, le=1000)]


class PolynomialDerivative(Result):
    coefficients: list[int] = Field(description="Of the derivative, highest power first")
    expression: str = Field(description="The derivative as text")
    degree: int = Field(description="Of the derivative; 0 for a constant")


@tool(
    "Calculus",
    "Differentiation",
    "Differentiate the polynomial with the coefficients {coefficients}, highest power first.",
    "derivative of order {order} of the polynomial {coefficients} (coefficients from the highest power down)",
)
def differentiate_polynomial(
    coefficients: Annotated[
        list[Coefficient],
        Field(min_length=1, max_length=10, description="Whole coefficients, highest power first"),
        Like(_polynomial(2, 5)),
    ],
    order: Annotated[int, Field(ge=1, le=5, description="How often to differentiate"), Like(pick(1, 2, 2, 3))] = 1,
) -> PolynomialDerivative:
    """Derivative of a polynomial, as coefficients and as text; its leading zeros are dropped."""
    found = list(coefficients)
    for _ in range(order):
        found = _derivative(found)
    while len(found) > 1 and found[0] == 0:
        found = found[1:]
    return PolynomialDerivative(coefficients=found, expression=polynomial_text(found), degree=len(found) - 1)


def _interval(low: float, high: float) -> Callable[[Random], list[float]]:
    """Two ends in ascending order, whole or with one decimal."""

    def drawn(rng: Random) -> list[float]:
        first, second = sorted((rng.uniform(low, high), rng.uniform(low, high)))
        digits = rng.choice((0, 1))
        start, end = round(first, digits) + 0.0, round(second, digits) + 0.0
        return [start, end] if start < end else [start, start + 1]

    return drawn


def _reversed_ends(rng: Random) -> list[int]:
    start = rng.randint(0, 6)
    return [start, start - rng.randint(0, 5)]


Interval = Annotated[
    list[Annotated[float, Field(ge=-50, le=50)]],
    Field(min_length=2, max_length=2, description="Lower and upper end of x"),
    Wrong(_reversed_ends),
]


def _ends(interval: Sequence[float]) -> tuple[float, float]:
    """Raises Refused."""
    lower, upper = interval
    if upper - lower < 1e-6:
        raise Refused(
            f"parameter 'interval': {list(interval)} does not ascend; give the lower end first and a larger upper end"
        )
    return lower, upper


_ANTIDERIVATIVES: Mapping[str, tuple[Real, str]] = {
    "sin": (lambda x: -math.cos(x), "-cos(x)"),
    "cos": (math.sin, "sin(x)"),
    "exp": (math.exp, "exp(x)"),
    "ln": (lambda x: x * math.log(x) - x, "x ln(x) - x"),
    "sqrt": (lambda x: 2 / 3 * x**1.5, "2/3 x^(3/2)"),
    "reciprocal": (lambda x: math.log(abs(x)), "ln|x|"),
    "gaussian": (lambda x: math.sqrt(math.pi) / 2 * math.erf(x), "sqrt(pi)/2 erf(x)"),
    "arctan": (lambda x: x * math.atan(x) - math.log1p(x * x) / 2, "x arctan(x) - ln(1 + x^2)/2"),
}


def _integrand(rng: Random) -> dict[str, Any]:
    function = rng.choice(sorted(_ANTIDERIVATIVES))
    ends = (0.1, 9) if function in ("ln", "reciprocal", "sqrt") else (-4, 6)
    return {"function": function, "interval": [max(end, 0.1) if ends[0] > 0 else end for end in _interval(*ends)(rng)]}


class Integral(Result):
    value: float = Field(description="Area under the graph, counted negative below the axis")
    mean_value: float = Field(description="Average of the function over the interval")
    antiderivative: str = Field(description="A function whose derivative it is")


@tool(
    "Calculus",
    "Integration",
    "Integrate {function} over the interval {interval}.",
    "What is the area under the graph of the function {function}, lower and upper end {interval}?",
    together=_integrand,
)
def definite_integral(
    function: Annotated[
        Literal["sin", "cos", "exp", "ln", "sqrt", "reciprocal", "gaussian", "arctan"],
        Field(description="Function of x in radians; reciprocal is 1/x, gaussian is exp(-x^2)"),
    ],
    interval: Interval,
) -> Integral:
    """Integral of an elementary function over an interval, from its antiderivative."""
    lower, upper = _ends(interval)
    outside = {
        "ln": lower <= 0,
        "sqrt": lower < 0,
        "reciprocal": lower <= 0 <= upper,
    }
    if outside.get(function, False):
        raise Refused(
            f"parameter 'interval': {function} is not defined all the way from {lower:g} to {upper:g}; "
            "give an interval of positive numbers"
        )
    antiderivative, text = _ANTIDERIVATIVES[function]
    value = antiderivative(upper) - antiderivative(lower)
    return Integral(value=_tidy(value), mean_value=_tidy(value / (upper - lower)), antiderivative=text)


class Curve(Result):
    length: float = Field(description="Along the curve")
    chord: float = Field(description="Straight from end to end")
    sinuosity: float = Field(description="Length divided by chord, at least 1")


_CURVES: Mapping[str, tuple[Real, Real]] = {
    "parabola": (lambda x: x * x, lambda x: 2 * x),
    "cubic": (lambda x: x**3, lambda x: 3 * x * x),
    "sine": (math.sin, math.cos),
    "exponential": (math.exp, math.exp),
    "catenary": (math.cosh, math.sinh),
}
_FARTHEST = 12.0
"""Size of x beyond which the exponentials are all but vertical."""


@tool(
    "Calculus",
    "Integration",
    "How long is the {curve} curve between the x values {interval}?",
    "arc length, curve: {curve}, x from and to: {interval}",
)
def curve_arc_length(
    curve: Annotated[
        Literal["parabola", "cubic", "sine", "exponential", "catenary"],
        Field(description="y = x^2, x^3, sin x, exp x or cosh x"),
        Like(pick("parabola", "cubic", "sine", "exponential", "catenary")),
    ],
    interval: Annotated[
        list[Annotated[float, Field(ge=-_FARTHEST, le=_FARTHEST)]],
        Field(min_length=2, max_length=2, description="Lower and upper end of x"),
        Like(_interval(-3, 4)),
        Wrong(_reversed_ends),
    ],
) -> Curve:
    """Arc length of the graph of a function over an interval, by adaptive quadrature."""
    from scipy.integrate import quad

    lower, upper = _ends(interval)
    height, slope = _CURVES[curve]
    length = quad(lambda x: math.hypot(1, slope(x)), lower, upper, limit=200)[0]
    chord = math.hypot(upper - lower, height(upper) - height(lower))
    return Curve(length=_tidy(length), chord=_tidy(chord), sinuosity=_tidy(max(1.0, length / chord)))


def _binomial(exponent: Fraction, order: int) -> Fraction:
    product = Fraction(1)
    for at in range(order):
        product *= (exponent - at) / (at + 1)
    return product


def _odd(order: int) -> int:
    """1, -1, 1, -1 at 1, 3, 5, 7 and 0 at even orders."""
    return (order % 2) * (-1) ** (order // 2)


_SERIES: Mapping[str, tuple[Callable[[int], Fraction], Real, bool]] = {
    "exp": (lambda k: Fraction(1, math.factorial(k)), math.exp, False),
    "sin": (lambda k: Fraction(_odd(k), math.factorial(k)), math.sin, False),
    "cos": (lambda k: Fraction(_odd(k + 1), math.factorial(k)), math.cos, False),
    "ln(1+x)": (lambda k: Fraction((-1) ** (k + 1), k) if k else Fraction(0), math.log1p, True),
    "arctan": (lambda k: Fraction(_odd(k), max(k, 1)), math.atan, True),
    "sqrt(1+x)": (lambda k: _binomial(Fraction(1, 2), k), lambda x: math.sqrt(1 + x), True),
    "1/(1-x)": (lambda k: Fraction(1), lambda x: 1 / (1 - x), True),
}
"""Coefficient of x^k, the function itself, and whether the series serves below 1 in size only."""


def _expansion(rng: Random) -> dict[str, Any]:
    function = rng.choice(sorted(_SERIES))
    far = () if _SERIES[function][2] else (1, 1.5, 2, -1)
    x = rng.choice((0.1, 0.2, 0.25, 0.5, -0.1, -0.3, -0.5, 0.75, *far))
    return {"function": function, "order": rng.randint(2, 8), "x": x}


class TaylorPolynomial(Result):
    coefficients: list[str] = Field(description="Exact coefficients, lowest power first")
    approximation: float = Field(description="The polynomial at x")
    exact: float = Field(description="The function at x")
    absolute_error: float = Field(description="How far they are apart, to three figures")


@tool(
    "Calculus",
    "Series and limits",
    "Taylor polynomial of {function} around 0 up to order {order}, and how good is it at x = {x}?",
    "Approximate {function} at {x} by its Maclaurin series up to x^{order}.",
    together=_expansion,
)
def taylor_approximation(
    function: Annotated[
        Literal["exp", "sin", "cos", "ln(1+x)", "arctan", "sqrt(1+x)", "1/(1-x)"],
        Field(description="Function of x, angles in radians"),
    ],
    order: Annotated[int, Field(ge=0, le=12, description="Highest power of x")],
    x: Annotated[float, Field(ge=-5, le=5, description="Where to compare polynomial and function")],
) -> TaylorPolynomial:
    """Taylor polynomial of a function around 0 with exact coefficients, and its error at a point."""
    coefficient, exactly, bounded = _SERIES[function]
    if bounded and abs(x) >= 1:
        raise Refused(
            f"parameter 'x': the series of {function} around 0 does not serve at {x:g}; give an x between -1 and 1"
        )
    found = [coefficient(power) for power in range(order + 1)]
    approximation = sum(float(one) * x**power for power, one in enumerate(found))
    exact = exactly(x)
    return TaylorPolynomial(
        coefficients=[str(one) for one in found],
        approximation=_tidy(approximation, 8),
        exact=_tidy(exact, 8),
        absolute_error=float(f"{abs(approximation - exact):.3g}"),
    )


class SequenceLimit(Result):
    behaviour: Literal["converges", "to_plus_infinity", "to_minus_infinity"] = Field(description="For n without bound")
    limit: float | None = Field(description="The limit; null unless the sequence converges")
    term_at_1000: float | None = Field(description="The term for n = 1000; null where the denominator is 0")


@tool(
    "Calculus",
    "Series and limits",
    "What is the limit for n to infinity of the fraction of polynomials with numerator {numerator} and denominator "
    "{denominator} (coefficients, highest power of n first)?",
    "lim a_n, a_n = p(n)/q(n), p has coefficients {numerator}, q has {denominator}, top power first",
)
def limit_of_rational_sequence(
    numerator: Annotated[
        list[Coefficient],
        Field(min_length=1, max_length=7, description="Coefficients above the line, highest power of n first"),
        Like(_polynomial(1, 3)),
    ],
    denominator: Annotated[
        list[Coefficient],
        Field(min_length=1, max_length=7, description="Coefficients below the line, not all 0"),
        Like(_polynomial(1, 3)),
        Wrong(lambda rng: [0] * rng.randint(1, 4)),
    ],
) -> SequenceLimit:
    """Limit of a sequence that is one polynomial in n divided by another."""
    above, below = _without_zeros(numerator), _without_zeros(denominator)
    if not below:
        raise Refused(
            f"parameter 'denominator': {denominator} is 0 for every n, and nothing can be divided by it; "
            "give at least one coefficient that is not 0"
        )
    behaviour: Literal["converges", "to_plus_infinity", "to_minus_infinity"] = "converges"
    limit: float | None = 0.0
    if len(above) > len(below):
        limit = None
        behaviour = "to_plus_infinity" if above[0] * below[0] > 0 else "to_minus_infinity"
    elif len(above) == len(below):
        limit = _tidy(above[0] / below[0])
    bottom = _value(below, 1000)
    return SequenceLimit(
        behaviour=behaviour, limit=limit, term_at_1000=_tidy(_value(above, 1000) / bottom) if bottom else None
    )


def _without_zeros(coefficients: Sequence[int]) -> list[int]:
    """Without leading zeros; nothing is left of the zero polynomial."""
    first = next((at for at, coefficient in enumerate(coefficients) if coefficient), len(coefficients))
    return list(coefficients[first:])


class GeometricSeries(Result):
    total: float = Field(description="Sum of all terms")
    partial_sums: list[float] = Field(description="Sums of the first one to five terms")
    terms_for_99_percent: int = Field(description="Fewest terms whose sum is off by one percent of the total at most")


@tool(
    "Calculus",
    "Series and limits",
    "Sum of the infinite geometric series that begins with {first_term} and has the ratio {ratio}?",
    "A ball's first bounce is {first_term} m high, each next one {ratio} of the one before. All heights together?",
)
def infinite_geometric_series(
    first_term: Annotated[float, Field(ge=-1e6, le=1e6, description="First term"), Like(magnitude(0.5, 500, 2))],
    ratio: Annotated[
        float,
        Field(ge=-10, le=10, description="Each term divided by the one before"),
        Like(pick(0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)),
        Wrong(lambda rng: rng.choice((1, -1, number(1.01, 4, 2)(rng), number(-3, -1.01, 2)(rng)))),
    ],
) -> GeometricSeries:
    """Sum of a geometric series without end, which exists for ratios between -1 and 1 only."""
    if abs(ratio) >= 1:
        raise Refused(
            f"parameter 'ratio': with {ratio:g} the terms do not vanish and the series has no sum; "
            "give a ratio between -1 and 1, both excluded"
        )
    partial = [first_term * sum(ratio**power for power in range(count)) for count in range(1, 6)]
    terms = max(1, math.ceil(math.log(0.01) / math.log(abs(ratio)) - 1e-9)) if ratio else 1
    return GeometricSeries(
        total=_tidy(first_term / (1 - ratio)), partial_sums=[_tidy(one) for one in partial], terms_for_99_percent=terms
    )


class IteratedRoot(Result):
    root: float = Field(description="Where the polynomial is 0")
    iterations: int = Field(description="Steps until the root settled")
    path: list[float] = Field(description="The start and up to five approximations after it")


_MOST_STEPS = 100
_SOLVABLE = (
    *([1, 0, -2], [1, 0, -2, -5], [1, -2, -5, 6], [1, 0, -1, -1], [1, -1, -1], [2, -3, -11, 6], [1, 0, 0, -10]),
    *([1, 0, -3, 1], [1, -6, 5], [3, 0, -7], [1, 1, 1, -20], [1, 0, 0, -1, -1], [1, -3, -4, 12]),
)


@tool(
    "Calculus",
    "Root finding",
    "Use Newton's method on the polynomial {coefficients} (highest power first), starting at {start}.",
    "newton iteration: coefficients {coefficients}, x0 = {start}",
)
def newton_iteration_root(
    coefficients: Annotated[
        list[Coefficient],
        Field(min_length=2, max_length=7, description="Whole coefficients, highest power first"),
        Like(pick(*_SOLVABLE)),
        Wrong(pick([1, 0, 1], [2, 0, 3], [1, 1, 1], [1, 0, 1, 0, 1], [1, -2, 5], [0, 0, 4], [3, 0, 12])),
    ],
    start: Annotated[
        float,
        Field(ge=-100, le=100, description="First approximation"),
        Like(pick(1.5, 2, 2.5, 3, 4, 5, 8, 10, -4, -6, 1.2)),
    ],
) -> IteratedRoot:
    """A real root of a polynomial by Newton's method, to about ten digits, with the path to it."""
    if not any(coefficients[:-1]) or not any(root.imag == 0 for root, _ in distinct_roots(coefficients)):
        raise Refused(
            f"parameter 'coefficients': the polynomial {polynomial_text(coefficients)} has no real root to settle at; "
            "give one whose graph meets the x axis"
        )
    slopes, path = _derivative(coefficients), [start]
    while len(path) <= _MOST_STEPS:
        x = path[-1]
        height, slope = _value(coefficients, x), _value(slopes, x)
        if abs(height) <= 1e-15 * _value([abs(one) for one in coefficients], abs(x)):
            break
        if slope == 0 or abs(height / slope) > 1e9:
            raise Refused(
                f"parameter 'start': from {start:g} the method comes to x = {x:g}, where the graph is level; "
                "give a start nearer to a root"
            )
        path.append(x - height / slope)
        if abs(path[-1] - x) <= 1e-11 * max(1.0, abs(x)):
            break
    else:
        raise Refused(
            f"parameter 'start': from {start:g} the method does not settle in {_MOST_STEPS} steps; "
            "give a start nearer to a root"
        )
    return IteratedRoot(root=_tidy(path[-1], 9), iterations=len(path) - 1, path=[_tidy(one, 9) for one in path[:6]])


class Extreme(Result):
    x: float = Field(description="Where it is taken; the leftmost place if there are several")
    value: float = Field(description="Value of the polynomial there")


class IntervalExtrema(Result):
    minimum: Extreme = Field(description="Least value on the interval")
    maximum: Extreme = Field(description="Greatest value on the interval")
    critical_points: list[float] = Field(description="Places inside the interval where the derivative is 0")


@tool(
    "Calculus",
    "Differentiation",
    "Smallest and largest value of the polynomial {coefficients} (highest power first) on the interval {interval}?",
    "absolute extrema, p has coefficients {coefficients} from the top power down, x between {interval}",
)
def extrema_on_interval(
    coefficients: Annotated[
        list[Coefficient],
        Field(min_length=1, max_length=7, description="Whole coefficients, highest power first"),
        Like(_polynomial(2, 4)),
    ],
    interval: Annotated[Interval, Like(_interval(-5, 6))],
) -> IntervalExtrema:
    """Absolute minimum and maximum of a polynomial on a closed interval, and its critical points inside."""
    lower, upper = _ends(interval)
    slopes = _derivative(coefficients)
    critical = [root.real for root, _ in distinct_roots(slopes) if root.imag == 0 and lower < root.real < upper]
    values = {x: _value(coefficients, x) for x in (lower, *critical, upper)}
    low, high = (
        min(values, key=lambda x: (round(values[x], 6), x)),
        max(values, key=lambda x: (round(values[x], 6), -x)),
    )
    return IntervalExtrema(
        minimum=Extreme(x=_tidy(low), value=_tidy(values[low])),
        maximum=Extreme(x=_tidy(high), value=_tidy(values[high])),
        critical_points=[_tidy(x) for x in critical],
    )
