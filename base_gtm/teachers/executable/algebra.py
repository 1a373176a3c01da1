"""Equations, polynomials and fractions, solved exactly where whole numbers allow it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, said, several, tool, whole

_LEAST = 1e-9
"""Leading coefficients below this are taken for 0."""
_LARGEST = 10**15
"""Solutions above this are of no use in floating point."""


def _tidy(value: float) -> float:
    return round(float(value), 6) + 0.0  # the sum turns -0.0 into 0.0


def polynomial_text(coefficients: Sequence[int]) -> str:
    """A polynomial as people write it, from coefficients with the highest power first: "x^2 - 3x + 2"."""
    text = ""
    for power, coefficient in zip(range(len(coefficients) - 1, -1, -1), coefficients, strict=True):
        if coefficient:
            sign = "-" if coefficient < 0 else "+"
            size = "" if abs(coefficient) == 1 and power else str(abs(coefficient))
            letter = "" if power == 0 else "x" if power == 1 else f"x^{power}"
            text += f" {sign} {size}{letter}" if text else f"{sign.strip('+')}{size}{letter}"
    return text or "0"


def distinct_roots(coefficients: Sequence[int]) -> list[tuple[complex, int]]:
    """Roots of a polynomial of whole numbers with how often each occurs, real ones without an imaginary part."""
    import numpy as np
    from sympy import Poly, Symbol

    # Parts without repeated roots first, as numerical roots that lie together are exact to a few digits only.
    _, parts = Poly(list(coefficients), Symbol("x")).sqf_list()
    found = [
        (complex(root), multiplicity)
        for part, multiplicity in parts
        for root in np.roots([float(coefficient) for coefficient in part.all_coeffs()]).astype(complex)
    ]
    return sorted(found, key=lambda root: (_tidy(root[0].real), _tidy(root[0].imag)))


def _spread(roots: Sequence[int]) -> list[int]:
    """Coefficients of the polynomial with these roots."""
    product = [1]
    for root in roots:
        product = [a - root * b for a, b in zip([*product, 0], [0, *product], strict=True)]
    return product


def _factorable(least: int, most: int) -> Any:
    """A polynomial with small whole roots mostly."""

    def drawn(rng: Random) -> list[int]:
        degree = rng.randint(least, most)
        if rng.random() < 0.7:
            return _spread([rng.choice((-4, -3, -2, -1, -1, 0, 1, 1, 2, 3, 5)) for _ in range(degree)])
        return [rng.choice((1, 1, 2, 3, -1)), *(rng.randint(-9, 9) for _ in range(degree))]

    return drawn


_LEADING_ZERO = Wrong(lambda rng: [0, *(rng.randint(-6, 6) for _ in range(rng.randint(2, 4)))])


def _first_not_zero(name: str, coefficients: Sequence[int]) -> None:
    """Raises Refused."""
    if coefficients[0] == 0:
        raise Refused(
            f"parameter '{name}': the first coefficient of {list(coefficients)} is 0; "
            "begin with the coefficient of the highest power that occurs"
        )


class ComplexRoot(Result):
    real: float = Field(description="Real part")
    imaginary: float = Field(description="Imaginary part, 0 for a real root")


class QuadraticSolution(Result):
    discriminant: float = Field(description="b^2 - 4ac")
    kind: Literal["two_real", "one_double", "two_complex"] = Field(description="What the roots are like")
    roots: list[ComplexRoot] = Field(description="Roots in ascending order; a double root stands once")
    vertex_x: float = Field(description="Where the parabola turns")
    vertex_y: float = Field(description="Its value there")


def _quadratic(rng: Random) -> dict[str, float]:
    if rng.random() < 0.5:
        lead, first, second = rng.choice((1, 1, 2, -1, 3)), rng.randint(-8, 8), rng.randint(-8, 8)
        return {"a": lead, "b": -lead * (first + second), "c": lead * first * second}
    digits = rng.choice((0, 1))
    a, b, c = rng.uniform(0.5, 6), rng.uniform(-12, 12), rng.uniform(-15, 15)
    return {"a": round(a, 1), "b": round(b, digits) + 0.0, "c": round(c, digits) + 0.0}


@tool(
    "Algebra",
    "Equations",
    "Solve {a}x^2 + {b}x + {c} = 0.",
    "quadratic formula please, a = {a}, b = {b}, c = {c}",
    "Where does the parabola with the coefficients {a}, {b} and {c} cross the x axis, and where is its vertex?",
    together=_quadratic,
)
def solve_quadratic_equation(
    a: Annotated[float, Field(ge=-1e6, le=1e6, description="Coefficient of x^2"), Wrong(pick(0))],
    b: Annotated[float, Field(ge=-1e6, le=1e6, description="Coefficient of x")],
    c: Annotated[float, Field(ge=-1e6, le=1e6, description="Constant term")],
) -> QuadraticSolution:
    """Real or complex roots of a x^2 + b x + c = 0, with the discriminant and the vertex of the parabola."""
    if abs(a) < _LEAST:
        raise Refused(
            f"parameter 'a': with {a:g} the equation is not quadratic; give a coefficient of x^2 that is not 0"
        )
    discriminant = b * b - 4 * a * c
    if discriminant > 0:
        kind: Literal["two_real", "one_double", "two_complex"] = "two_real"
        # This sum loses no digits, whatever the sign of b.
        larger = -(b + math.copysign(math.sqrt(discriminant), b)) / 2
        roots = [complex(root) for root in sorted((larger / a, c / larger))]
    elif discriminant == 0:
        kind, roots = "one_double", [complex(-b / (2 * a))]
    else:
        height = math.sqrt(-discriminant) / (2 * abs(a))
        kind, roots = "two_complex", [complex(-b / (2 * a), -height), complex(-b / (2 * a), height)]
    return QuadraticSolution(
        discriminant=_tidy(discriminant),
        kind=kind,
        roots=[ComplexRoot(real=_tidy(root.real), imaginary=_tidy(root.imag)) for root in roots],
        vertex_x=_tidy(-b / (2 * a)),
        vertex_y=_tidy(c - b * b / (4 * a)),
    )


Value = Annotated[float, Field(ge=-1e6, le=1e6)]


class SystemSolution(Result):
    kind: Literal["unique", "none", "infinitely_many"] = Field(description="How many solutions there are")
    solution: list[float] = Field(
        description="Values of the unknowns in their order; empty unless there is exactly one"
    )
    free_unknowns: int = Field(description="Unknowns that may be chosen freely; 0 unless infinitely many")


def _system(rng: Random) -> dict[str, list[Any]]:
    size = rng.choice((2, 2, 3))
    unknowns = [rng.choice((rng.randint(-6, 9), rng.randint(-8, 8) / 2)) for _ in range(size)]
    rows = [[rng.choice((-5, -3, -2, -1, 1, 1, 2, 3, 4, 7)) for _ in range(size)] for _ in range(size)]
    if rng.random() < 0.2:
        rows[-1] = [2 * entry for entry in rows[0]]
    constants = [sum(entry * value for entry, value in zip(row, unknowns, strict=True)) for row in rows]
    if rng.random() < 0.1:
        constants[-1] += 1
    return {"coefficients": rows, "constants": constants}


@tool(
    "Algebra",
    "Equations",
    "Solve the linear system whose coefficients are, equation by equation, {coefficients}, and whose right sides are "
    "{constants}.",
    "Linear equations: left sides {coefficients} (row by row), right sides {constants}. Is there exactly one solution, "
    "and which?",
    together=_system,
)
def solve_linear_system(
    coefficients: Annotated[
        list[Annotated[list[Value], Field(min_length=1, max_length=6)]],
        Field(min_length=1, max_length=6, description="One row an equation, one column an unknown; as many of both"),
        Wrong(lambda rng: [[rng.randint(1, 9), rng.randint(-9, 9)], [rng.randint(1, 9)]]),
    ],
    constants: Annotated[
        list[Value], Field(min_length=1, max_length=6, description="Right side of each equation, in the rows' order")
    ],
) -> SystemSolution:
    """Solve as many linear equations as unknowns, exactly, and say whether the solution is unique."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    size = len(coefficients)
    if any(len(row) != size for row in coefficients):
        raise Refused(
            f"parameter 'coefficients': the rows of {coefficients} are not {size} long each; "
            "give as many coefficients in each row as there are equations"
        )
    if len(constants) != size:
        raise Refused(
            f"parameter 'constants': {constants} are {len(constants)} right sides for {size} equations; "
            "give exactly one for each equation"
        )
    rows = [[*row, constant] for row, constant in zip(coefficients, constants, strict=True)]
    exact = [[QQ(*Fraction(str(entry)).as_integer_ratio()) for entry in row] for row in rows]
    reduced, pivots = DomainMatrix(exact, (size, size + 1), QQ).rref()
    if size in pivots:
        return SystemSolution(kind="none", solution=[], free_unknowns=0)
    if len(pivots) < size:
        return SystemSolution(kind="infinitely_many", solution=[], free_unknowns=size - len(pivots))
    values = [Fraction(int(row[-1].numerator), int(row[-1].denominator)) for row in reduced.to_list()]
    if max(map(abs, values)) > _LARGEST:
        raise Refused(
            f"parameter 'coefficients': {coefficients} are so close to dependent that the solution passes 1e15; "
            "give equations that differ more"
        )
    return SystemSolution(kind="unique", solution=[_tidy(float(value)) for value in values], free_unknowns=0)


class Bound(Result):
    relation: Literal["<", "<=", ">", ">="] = Field(description="How x stands to the bound")
    bound: float = Field(description="Where the solutions begin or end")
    interval: str = Field(description="The solutions as an interval; a square bracket holds its end")
    sign_turned: bool = Field(description="Whether dividing by a negative number turned the relation")


_TURNED: dict[str, Literal["<", "<=", ">", ">="]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@tool(
    "Algebra",
    "Equations",
    "Solve {coefficient}x + {constant} {relation} {right_side} for x.",
    "For which x is {coefficient} times x plus {constant} {relation} {right_side}?",
)
def solve_linear_inequality(
    coefficient: Annotated[
        float,
        Field(ge=-1e6, le=1e6, description="Factor of x, not 0"),
        Like(pick(-7, -5, -4, -3, -2, -1, 2, 3, 4, 5, 8, 0.5, 1.5, -2.5)),
        Wrong(pick(0)),
    ],
    constant: Annotated[float, Field(ge=-1e6, le=1e6, description="Added to it"), Like(whole(-20, 20))],
    relation: Annotated[
        Literal["<", "<=", ">", ">="],
        Field(description="How the left side stands to the right side"),
        Like(pick("<", "<=", ">", ">=")),
    ],
    right_side: Annotated[float, Field(ge=-1e6, le=1e6, description="What it is compared with"), Like(whole(-30, 60))],
) -> Bound:
    """Solve an inequality of the form coefficient * x + constant < right side (or <=, >, >=)."""
    if abs(coefficient) < _LEAST:
        raise Refused(
            f"parameter 'coefficient': with {coefficient:g} nothing is left to solve for x; give a factor that is not 0"
        )
    turned = coefficient < 0
    solved = _TURNED[relation] if turned else relation
    bound = _tidy((right_side - constant) / coefficient)
    left, right = ("[" if solved == ">=" else "("), ("]" if solved == "<=" else ")")
    return Bound(
        relation=solved,
        bound=bound,
        interval=f"(-inf, {said(bound)}{right}" if solved in ("<", "<=") else f"{left}{said(bound)}, inf)",
        sign_turned=turned,
    )


IntegerCoefficients = Annotated[
    list[Annotated[int, Field(ge=-(10**6), le=10**6)]],
    Field(min_length=2, max_length=8, description="Whole coefficients, highest power first"),
    Like(_factorable(3, 5)),
    _LEADING_ZERO,
]


class RepeatedRoot(Result):
    real: float = Field(description="Real part")
    imaginary: float = Field(description="Imaginary part, 0 for a real root")
    multiplicity: int = Field(description="How often the root occurs")


class RootList(Result):
    roots: list[RepeatedRoot] = Field(description="Every different root, by real part, then by imaginary part")
    degree: int = Field(description="Of the polynomial; the multiplicities add up to it")
    real_roots: int = Field(description="Different roots that are real")


@tool(
    "Algebra",
    "Polynomials",
    "Find all roots of the polynomial with coefficients {coefficients} (highest power first).",
    "zeros of p(x), coefficients from the highest power down: {coefficients} - complex ones too",
)
def roots_of_polynomial(coefficients: IntegerCoefficients) -> RootList:
    """All real and complex roots of a polynomial with whole coefficients, each with its multiplicity."""
    _first_not_zero("coefficients", coefficients)
    roots = [
        RepeatedRoot(real=_tidy(root.real), imaginary=_tidy(root.imag), multiplicity=multiplicity)
        for root, multiplicity in distinct_roots(coefficients)
    ]
    return RootList(roots=roots, degree=len(coefficients) - 1, real_roots=sum(root.imaginary == 0 for root in roots))


class Factor(Result):
    coefficients: list[int] = Field(description="Coefficients of the factor, highest power first")
    multiplicity: int = Field(description="How often it occurs")


class Factorisation(Result):
    content: int = Field(description="Number in front, with the sign")
    factors: list[Factor] = Field(description="Factors that cannot be split over the whole numbers, by degree")
    factored_form: str = Field(description="The product as text")
    irreducible: bool = Field(description="Whether the polynomial is its own only factor")


@tool(
    "Algebra",
    "Polynomials",
    "Factor the polynomial whose coefficients are {coefficients}, starting with the highest power.",
    "Does {coefficients} (coefficients, leading one first) split into smaller polynomials over the integers?",
)
def factor_over_integers(coefficients: IntegerCoefficients) -> Factorisation:
    """Factor a polynomial with whole coefficients into irreducible ones over the whole numbers."""
    from sympy import Poly, Symbol

    _first_not_zero("coefficients", coefficients)
    content, parts = Poly(coefficients, Symbol("x")).factor_list()
    found = [([int(one) for one in part.all_coeffs()], times) for part, times in parts]
    found.sort(key=lambda factor: (len(factor[0]), factor[0]))
    front = {1: "", -1: "-"}.get(int(content), str(content))
    written = "".join(f"({polynomial_text(part)})" + (f"^{times}" if times > 1 else "") for part, times in found)
    return Factorisation(
        content=int(content),
        factors=[Factor(coefficients=part, multiplicity=times) for part, times in found],
        factored_form=front + written,
        irreducible=len(found) == 1 and found[0][1] == 1,
    )


class HornerValue(Result):
    value: float = Field(description="p(x)")
    slope: float = Field(description="p'(x)")
    steps: list[float] = Field(description="Intermediate values of Horner's scheme; the last one is p(x)")


@tool(
    "Algebra",
    "Polynomials",
    "Evaluate the polynomial with coefficients {coefficients}, highest power first, at x = {x}.",
    "Horner scheme for {coefficients} at {x}, with the slope there",
)
def horner_evaluation(
    coefficients: Annotated[
        list[Value],
        Field(min_length=2, max_length=10, description="Coefficients, highest power first"),
        Like(several(pick(-7, -4, -3, -2, -1, 0, 1, 1, 2, 3, 5, 0.5, 2.5), 3, 6)),
    ],
    x: Annotated[
        float,
        Field(ge=-1000, le=1000, description="Where to evaluate"),
        Like(pick(-4, -3, -2, -1, 2, 3, 4, 10, 0.5, -1.5, 2.25, 0.1)),
    ],
) -> HornerValue:
    """Value and slope of a polynomial at a point by Horner's scheme, with its intermediate values."""
    steps, slope = [coefficients[0]], 0.0
    for coefficient in coefficients[1:]:
        slope = slope * x + steps[-1]
        steps.append(steps[-1] * x + coefficient)
    return HornerValue(value=_tidy(steps[-1]), slope=_tidy(slope), steps=[_tidy(step) for step in steps])


class LongDivision(Result):
    quotient: list[str] = Field(description="Coefficients as whole numbers or fractions, highest power first")
    remainder: list[str] = Field(description="Coefficients in the same form; a single 0 if the division is exact")
    divides_exactly: bool = Field(description="Whether nothing is left over")


@tool(
    "Algebra",
    "Polynomials",
    "Divide the polynomial {dividend} by {divisor} (coefficients, highest power first). Quotient and remainder?",
    "Long division of polynomials, coefficients from the top down: ({dividend}) / ({divisor})",
)
def polynomial_long_division(
    dividend: Annotated[
        list[Annotated[int, Field(ge=-(10**6), le=10**6)]],
        Field(min_length=1, max_length=9, description="Whole coefficients of what is divided, highest power first"),
        Like(_factorable(3, 5)),
    ],
    divisor: Annotated[
        list[Annotated[int, Field(ge=-1000, le=1000)]],
        Field(min_length=1, max_length=5, description="Whole coefficients of what it is divided by"),
        Like(lambda rng: [rng.choice((1, 1, 1, 2, 3)), *(rng.randint(-5, 5) for _ in range(rng.randint(1, 2)))]),
        _LEADING_ZERO,
    ],
) -> LongDivision:
    """Quotient and remainder of two polynomials over the rational numbers."""
    from sympy import QQ, Poly, Symbol

    _first_not_zero("divisor", divisor)
    x = Symbol("x")
    quotient, remainder = Poly(dividend, x, domain=QQ).div(Poly(divisor, x, domain=QQ))
    return LongDivision(
        quotient=[str(coefficient) for coefficient in quotient.all_coeffs()],
        remainder=[str(coefficient) for coefficient in remainder.all_coeffs()],
        divides_exactly=bool(remainder.is_zero),
    )


def _unreduced(rng: Random) -> dict[str, int]:
    factor = rng.choice((1, 2, 3, 4, 6, 7, 12, 15))
    return {"numerator": factor * rng.randint(-9, 40), "denominator": factor * rng.randint(2, 36)}


class LowestTerms(Result):
    numerator: int = Field(description="Of the reduced fraction; it has the sign")
    denominator: int = Field(description="Of the reduced fraction, always positive")
    mixed_number: str = Field(description="Whole part and rest, such as '2 1/3'")
    decimal: float = Field(description="Value, to ten places")
    repeating_digits: int = Field(description="Length of the repeating part of the decimal; 0 if it ends")


@tool(
    "Algebra",
    "Fractions",
    "Reduce {numerator}/{denominator} to lowest terms.",
    "simplify the fraction {numerator} over {denominator}, and does its decimal end?",
    together=_unreduced,
)
def reduce_fraction(
    numerator: Annotated[int, Field(ge=-(10**6), le=10**6, description="Above the line")],
    denominator: Annotated[int, Field(ge=-(10**4), le=10**4, description="Below the line, not 0"), Wrong(pick(0))],
) -> LowestTerms:
    """A fraction in lowest terms, as a mixed number and as a decimal with the length of its period."""
    if denominator == 0:
        raise Refused(
            f"parameter 'denominator': {numerator}/0 is no number, as nothing can be divided by 0; "
            "give a denominator that is not 0"
        )
    reduced = Fraction(numerator, denominator)
    return LowestTerms(
        numerator=reduced.numerator,
        denominator=reduced.denominator,
        mixed_number=_mixed(reduced),
        decimal=round(numerator / denominator, 10) + 0.0,
        repeating_digits=_period(reduced.denominator),
    )


def _mixed(fraction: Fraction) -> str:
    whole_part, rest = divmod(abs(fraction.numerator), fraction.denominator)
    sign, tail = "-" if fraction < 0 else "", f"{rest}/{fraction.denominator}"
    if rest == 0:
        return f"{sign}{whole_part}"
    return f"{sign}{whole_part} {tail}" if whole_part else f"{sign}{tail}"


def _period(denominator: int) -> int:
    """Digits after which the decimals of 1/denominator repeat: the order of 10 once 2 and 5 are divided out."""
    from sympy.ntheory import n_order

    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return int(n_order(10, denominator)) if denominator > 1 else 0
