"""Determinants, inverses, ranks and products of matrices; eigenvalues, least squares and vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, tool

_LARGEST = 10**15
"""Results above this are of no use in floating point."""

Entry = Annotated[float, Field(ge=-1e6, le=1e6)]
Rows = list[list[float]]


def _tidy(value: float) -> float:
    return round(float(value), 6) + 0.0  # the sum turns -0.0 into 0.0


def _exact(rows: Sequence[Sequence[float]]) -> Any:
    """The matrix over the rational numbers, decimals taken as they are written."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    entries = [[QQ(*Fraction(str(entry)).as_integer_ratio()) for entry in row] for row in rows]
    return DomainMatrix(entries, (len(rows), len(rows[0])), QQ)


def _fraction(rational: Any) -> Fraction:
    return Fraction(int(rational.numerator), int(rational.denominator))


def _square(name: str, matrix: Rows) -> None:
    """Raises Refused where rows and columns are not as many."""
    if any(len(row) != len(matrix) for row in matrix):
        raise Refused(
            f"parameter '{name}': {matrix} is not square, as its {len(matrix)} rows have the lengths "
            f"{[len(row) for row in matrix]}; give as many entries in each row as there are rows"
        )


def _entry(rng: Random) -> int:
    return rng.choice((-6, -4, -3, -2, -1, 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 8))


def _matrix(rows: int, columns: int) -> Callable[[Random], list[list[int]]]:
    return lambda rng: [[_entry(rng) for _ in range(columns)] for _ in range(rows)]


def _squares(rng: Random) -> list[list[Any]]:
    size = rng.choice((2, 2, 3, 3, 4))
    if rng.random() < 0.15:
        return [[rng.randint(-30, 60) / 10 for _ in range(size)] for _ in range(size)]
    return _matrix(size, size)(rng)


def _invertible(rng: Random) -> list[list[int]]:
    """Product of a lower and an upper triangle without zeros on the diagonal."""
    size = rng.choice((2, 2, 3))
    lower = [[_entry(rng) if j < i else int(i == j) for j in range(size)] for i in range(size)]
    upper = [
        [_entry(rng) if j > i else rng.choice((-2, -1, 1, 2)) * int(i == j) for j in range(size)] for i in range(size)
    ]
    return [[sum(lower[i][k] * upper[k][j] for k in range(size)) for j in range(size)] for i in range(size)]


def _oblong(rng: Random) -> list[list[int]]:
    size = rng.randint(2, 3)
    return _matrix(size, size + rng.choice((-1, 1)))(rng)


def _dependent(rng: Random) -> list[list[int]]:
    """A square matrix whose last row is a multiple of the first."""
    size = rng.randint(2, 3)
    rows = _matrix(size, size)(rng)
    times = rng.randint(2, 3)
    return [*rows[:-1], [times * entry for entry in rows[0]]]


Square = Annotated[
    list[Annotated[list[Entry], Field(min_length=1, max_length=6)]],
    Field(min_length=1, max_length=6, description="Square matrix, a list of rows"),
]


class Determinant(Result):
    determinant: float = Field(description="Its value, exact for whole and decimal entries up to rounding")
    invertible: bool = Field(description="Whether it is other than 0")
    trace: float = Field(description="Sum of the diagonal")


@tool(
    "Linear algebra",
    "Matrices",
    "What is the determinant of the square matrix with the entries {matrix}, row by row?",
    "det of [{matrix}] (square, rows one after the other)",
)
def matrix_determinant(matrix: Annotated[Square, Like(_squares), Wrong(_oblong)]) -> Determinant:
    """Determinant and trace of a square matrix."""
    _square("matrix", matrix)
    value = float(_fraction(_exact(matrix).det()))
    trace = sum(row[at] for at, row in enumerate(matrix))
    return Determinant(determinant=_tidy(value), invertible=value != 0, trace=_tidy(trace))


class InverseMatrix(Result):
    inverse: list[list[float]] = Field(description="The inverse, a list of rows")
    condition_number: float = Field(description="Largest column sum of the matrix times that of its inverse")


@tool(
    "Linear algebra",
    "Matrices",
    "Invert the square matrix {matrix} (given row by row).",
    "I need A^-1 for the square matrix A whose rows are, one after the other, {matrix}.",
)
def invert_matrix(matrix: Annotated[Square, Like(_invertible), Wrong(_dependent)]) -> InverseMatrix:
    """Inverse of a square matrix, with its condition number in the 1-norm."""
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    _square("matrix", matrix)
    try:
        exact = [[_fraction(entry) for entry in row] for row in _exact(matrix).inv().to_list()]
    except DMNonInvertibleMatrixError:
        raise Refused(
            f"parameter 'matrix': {matrix} is singular and has no inverse; give rows that do not depend on each other"
        ) from None
    if max(abs(entry) for row in exact for entry in row) > _LARGEST:
        raise Refused(
            f"parameter 'matrix': {matrix} is so close to singular that its inverse passes 1e15; "
            "give rows that differ more"
        )
    inverse = [[float(entry) for entry in row] for row in exact]
    condition = _column_norm(matrix) * _column_norm(inverse)
    return InverseMatrix(
        inverse=[[_tidy(entry) for entry in row] for row in inverse], condition_number=float(f"{condition:.6g}")
    )


def _column_norm(matrix: Rows) -> float:
    return max(sum(map(abs, column)) for column in zip(*matrix, strict=True))


class ShapedMatrix(Part):
    rows: int = Field(ge=1, le=6, description="Number of rows")
    columns: int = Field(ge=1, le=6, description="Number of columns")
    entries: list[Entry] = Field(min_length=1, max_length=36, description="Entries row by row")


def _shaped(rows: int, columns: int, rng: Random) -> dict[str, Any]:
    return {"rows": rows, "columns": columns, "entries": [_entry(rng) for _ in range(rows * columns)]}


def _misshapen(rng: Random) -> dict[str, Any]:
    rows, columns = rng.randint(2, 3), rng.randint(2, 4)
    return {**_shaped(rows, columns, rng), "entries": [_entry(rng) for _ in range(rows * columns - 1)]}


def _table(name: str, matrix: ShapedMatrix) -> Rows:
    """Its rows. Raises Refused where the entries do not fill it."""
    if len(matrix.entries) != matrix.rows * matrix.columns:
        raise Refused(
            f"parameter '{name}': {len(matrix.entries)} entries do not fill {matrix.rows} rows and {matrix.columns} "
            f"columns; give {matrix.rows * matrix.columns} entries"
        )
    starts = range(0, len(matrix.entries), matrix.columns)
    return [matrix.entries[start : start + matrix.columns] for start in starts]


def _for_rank(rng: Random) -> dict[str, Any]:
    rows, columns = rng.randint(2, 4), rng.randint(2, 5)
    table = _matrix(rows, columns)(rng)
    if rng.random() < 0.5:
        table[-1] = [a + b for a, b in zip(table[0], table[1 % (rows - 1)], strict=True)]
    return {"rows": rows, "columns": columns, "entries": [entry for row in table for entry in row]}


class Rank(Result):
    rank: int = Field(description="Largest number of independent rows")
    nullity: int = Field(description="Columns less rank: dimension of the kernel")
    pivot_columns: list[int] = Field(description="Columns that are independent of those left of them, from 1")
    full_rank: bool = Field(description="Whether no larger rank is possible in this shape")


@tool(
    "Linear algebra",
    "Matrices",
    "What is the rank of this matrix: {matrix}?",
    "Row-reduce {matrix} and tell me rank, nullity and which columns are pivots.",
)
def matrix_rank(
    matrix: Annotated[
        ShapedMatrix, Field(description="Matrix of any shape up to 6 by 6"), Like(_for_rank), Wrong(_misshapen)
    ],
) -> Rank:
    """Rank, nullity and pivot columns of a matrix, found exactly by elimination."""
    _, pivots = _exact(_table("matrix", matrix)).rref()
    rank = len(pivots)
    return Rank(
        rank=rank,
        nullity=matrix.columns - rank,
        pivot_columns=[int(pivot) + 1 for pivot in pivots],
        full_rank=rank == min(matrix.rows, matrix.columns),
    )


class MatrixProduct(Result):
    product: list[list[float]] = Field(description="Left times right, a list of rows")
    commutes: bool = Field(description="Whether right times left is the same")


def _factors(rng: Random) -> dict[str, Any]:
    rows, shared, columns = rng.randint(1, 3), rng.randint(2, 3), rng.randint(1, 3)
    clash = 1 if rng.random() < 0.06 else 0
    return {"left": _shaped(rows, shared, rng), "right": _shaped(shared + clash, columns, rng)}


@tool(
    "Linear algebra",
    "Matrices",
    "Multiply the matrix ({left}) by the matrix ({right}).",
    "A: {left}\nB: {right}\nA*B = ?",
    together=_factors,
)
def multiply_matrices(
    left: Annotated[ShapedMatrix, Field(description="First factor"), Wrong(_misshapen)],
    right: Annotated[ShapedMatrix, Field(description="Second factor"), Wrong(_misshapen)],
) -> MatrixProduct:
    """Product of two matrices; the first must have as many columns as the second has rows."""
    first, second = _table("left", left), _table("right", right)
    if left.columns != right.rows:
        raise Refused(
            f"parameter 'right': a matrix with {right.rows} rows cannot be multiplied from the left by one with "
            f"{left.columns} columns; give a second factor with {left.columns} rows"
        )
    product = _times(first, second)
    fits = left.rows == right.columns and left.rows == left.columns
    return MatrixProduct(product=product, commutes=fits and product == _times(second, first))


def _times(first: Rows, second: Rows) -> Rows:
    columns = list(zip(*second, strict=True))
    return [[_tidy(_dot(row, column)) for column in columns] for row in first]


def _symmetric(rng: Random) -> list[list[int]]:
    size = rng.choice((2, 2, 3, 3, 4))
    half = _matrix(size, size)(rng)
    return [[half[max(i, j)][min(i, j)] for j in range(size)] for i in range(size)]


def _lopsided(rng: Random) -> list[list[int]]:
    matrix = _symmetric(rng)
    matrix[0][1] += rng.randint(1, 4)
    return matrix


class Spectrum(Result):
    eigenvalues: list[float] = Field(description="In ascending order, each as often as it occurs")
    definiteness: Literal[
        "positive_definite", "positive_semidefinite", "indefinite", "negative_semidefinite", "negative_definite", "zero"
    ] = Field(description="By the signs of the eigenvalues")
    spectral_radius: float = Field(description="Largest eigenvalue, whatever its sign")


@tool(
    "Linear algebra",
    "Decompositions",
    "What are the eigenvalues of the symmetric matrix {matrix} (row by row)?",
    "Hessian, row by row: {matrix}. Is it positive definite?",
)
def symmetric_eigenvalues(
    matrix: Annotated[
        list[Annotated[list[Entry], Field(min_length=1, max_length=6)]],
        Field(min_length=1, max_length=6, description="Symmetric matrix, a list of rows"),
        Like(_symmetric),
        Wrong(_lopsided),
    ],
) -> Spectrum:
    """Eigenvalues and definiteness of a real symmetric matrix."""
    import numpy as np

    _square("matrix", matrix)
    largest = max(abs(entry) for row in matrix for entry in row)
    place = next(
        (
            (i, j)
            for i, row in enumerate(matrix)
            for j, entry in enumerate(row)
            if abs(entry - matrix[j][i]) > 1e-9 * largest
        ),
        None,
    )
    if place is not None:
        i, j = place
        raise Refused(
            f"parameter 'matrix': {matrix} is not symmetric, as row {i + 1} has {matrix[i][j]:g} in column {j + 1} "
            f"where row {j + 1} has {matrix[j][i]:g} in column {i + 1}; give a matrix that equals its transpose"
        )
    values = [float(value) for value in np.linalg.eigvalsh(np.array(matrix))]
    clear = [value for value in values if abs(value) > 1e-9 * largest]
    return Spectrum(
        eigenvalues=[_tidy(value) for value in values],
        definiteness=_definiteness(len(values), sum(one > 0 for one in clear), sum(one < 0 for one in clear)),
        spectral_radius=_tidy(max(map(abs, values))),
    )


def _definiteness(size: int, above: int, below: int) -> Any:
    if above and below:
        return "indefinite"
    if above:
        return "positive_definite" if above == size else "positive_semidefinite"
    if below:
        return "negative_definite" if below == size else "negative_semidefinite"
    return "zero"


class LeastSquares(Result):
    solution: list[float] = Field(description="One coefficient for each column")
    residual_norm: float = Field(description="Length of what is left over")
    fits_exactly: bool = Field(description="Whether nothing is left over, up to rounding")


def _overdetermined(rng: Random) -> dict[str, list[Any]]:
    count, columns = rng.randint(3, 6), rng.randint(1, 2)
    truth = [rng.randint(-4, 6) for _ in range(columns + 1)]
    places = rng.sample(range(-4, 10), count)
    rows = [[1, *(place**power for power in range(1, columns + 1))] for place in places]
    noise = rng.choice((0, 1, 1, 2))
    values = [sum(a * b for a, b in zip(row, truth, strict=True)) + rng.randint(-noise, noise) for row in rows]
    return {"design_rows": rows, "targets": values}


@tool(
    "Linear algebra",
    "Decompositions",
    "Least squares: rows {design_rows}, targets {targets}, one target a row. Best coefficients?",
    "Find x that makes Ax as close as possible to b, with the rows of A one after the other {design_rows} and b = "
    "{targets}.",
    together=_overdetermined,
)
def least_squares_solution(
    design_rows: Annotated[
        list[Annotated[list[Entry], Field(min_length=1, max_length=5)]],
        Field(min_length=1, max_length=12, description="Rows of the matrix, all of one length"),
        Wrong(lambda rng: [[1, rng.randint(1, 9)], [1, rng.randint(1, 9)], [rng.randint(2, 5)]]),
    ],
    targets: Annotated[list[Entry], Field(min_length=1, max_length=12, description="Wanted value of each row")],
) -> LeastSquares:
    """Coefficients that bring a matrix closest to given targets in the sense of least squares."""
    import numpy as np

    width = len(design_rows[0])
    if any(len(row) != width for row in design_rows):
        raise Refused(
            f"parameter 'design_rows': the rows of {design_rows} have the lengths {[len(row) for row in design_rows]}; "
            "give rows of one length"
        )
    if len(targets) != len(design_rows):
        raise Refused(
            f"parameter 'targets': {len(targets)} targets do not go with {len(design_rows)} rows; give one for each row"
        )
    matrix = np.array(design_rows)
    solution, _, rank, _ = np.linalg.lstsq(matrix, np.array(targets), rcond=1e-12)
    if rank < width or not np.abs(solution).max() <= _LARGEST:
        raise Refused(
            f"parameter 'design_rows': the {width} columns of {design_rows} depend on each other, so that no "
            "coefficients are best; give at least as many rows as columns, and drop columns that follow from others"
        )
    left_over = float(np.linalg.norm(matrix @ solution - np.array(targets)))
    scale = max(1.0, *map(abs, targets))
    return LeastSquares(
        solution=[_tidy(value) for value in solution],
        residual_norm=_tidy(left_over),
        fits_exactly=left_over < 1e-9 * scale,
    )


def _vectors(rng: Random) -> dict[str, list[int]]:
    size = rng.choice((2, 3, 3, 4))

    def vector() -> list[int]:
        return rng.sample([rng.choice((-5, -3, -2, 1, 2, 4)), *(rng.randint(-5, 6) for _ in range(size - 1))], size)

    return {"first": vector(), "second": vector()}


Vector = Annotated[
    list[Entry],
    Field(min_length=2, max_length=6, description="Components, not all 0, as many in both vectors"),
    Wrong(lambda rng: [0] * rng.randint(2, 3)),
]


class VectorPair(Result):
    angle_degrees: float = Field(description="From 0 to 180")
    dot_product: float = Field(description="Sum of the products of the components")
    projection: list[float] = Field(description="Part of the first vector that lies along the second")
    relation: Literal["parallel", "opposite", "perpendicular", "oblique"] = Field(description="How they lie")


@tool(
    "Linear algebra",
    "Vectors",
    "What is the angle between the vectors ({first}) and ({second})?",
    "Are ({first}) and ({second}) perpendicular? Project the first on the second, too.",
    together=_vectors,
)
def angle_between_vectors(first: Vector, second: Vector) -> VectorPair:
    """Angle, dot product and projection of two vectors."""
    lengths = []
    for name, vector in (("first", first), ("second", second)):
        lengths.append(math.hypot(*vector))
        if lengths[-1] < 1e-9:
            raise Refused(
                f"parameter '{name}': {vector} has no length and so no direction; give a component that is not 0"
            )
    if len(first) != len(second):
        raise Refused(
            f"parameter 'second': {second} has {len(second)} components and the first vector {len(first)}; "
            "give as many in both"
        )
    dot = _dot(first, second)
    cosine = max(-1.0, min(1.0, dot / (lengths[0] * lengths[1])))
    relation: Literal["parallel", "opposite", "perpendicular", "oblique"] = "oblique"
    if abs(cosine) < 1e-9:
        relation = "perpendicular"
    elif abs(cosine) > 1 - 1e-12:
        relation = "parallel" if cosine > 0 else "opposite"
    along = dot / lengths[1] ** 2
    return VectorPair(
        angle_degrees=_tidy(math.degrees(math.acos(cosine))),
        dot_product=_tidy(dot),
        projection=[_tidy(along * part) for part in second],
        relation=relation,
    )


def _dot(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(first, second, strict=True))


def _independent(rng: Random) -> list[list[int]]:
    first = [rng.choice((1, 2, 3)), rng.randint(-2, 3), rng.randint(-2, 3)]
    second = [rng.choice((0, first[0])), first[1] + rng.choice((-2, -1, 1, 2)), rng.randint(-2, 3)]
    third = [0, 0, rng.choice((-1, 1, 2))]
    if second[0] == 0:
        second[1] -= first[1]
    return [first, second, third][: rng.randint(2, 3)]


def _parallel(rng: Random) -> list[list[int]]:
    vector, times = [rng.randint(1, 5) for _ in range(3)], rng.choice((-3, -2, 2, 3))
    return [vector, [times * part for part in vector]]


class OrthonormalBasis(Result):
    basis: list[list[float]] = Field(description="Unit vectors, each perpendicular to the others")
    volume: float = Field(description="Of the parallelogram or parallelepiped that the given vectors span")


@tool(
    "Linear algebra",
    "Vectors",
    "Apply Gram-Schmidt to these vectors in space: {vectors}.",
    "orthonormal basis from the 3D vectors {vectors}, in that order",
)
def orthonormalise_vectors(
    vectors: Annotated[
        list[Annotated[list[Entry], Field(min_length=3, max_length=3)]],
        Field(min_length=2, max_length=3, description="Two or three independent vectors of three components"),
        Like(_independent),
        Wrong(_parallel),
    ],
) -> OrthonormalBasis:
    """Orthonormal basis of the space that vectors span, by the Gram-Schmidt process in the given order."""
    basis: Rows = []
    volume = 1.0
    for at, vector in enumerate(vectors, 1):
        rest = list(vector)
        for unit in basis:
            share = _dot(rest, unit)
            rest = [part - share * along for part, along in zip(rest, unit, strict=True)]
        length = math.hypot(*rest)
        if length <= 1e-9 * max(math.hypot(*vector), 1e-9):
            raise Refused(
                f"parameter 'vectors': number {at} of {vectors} depends on those before it or is 0; "
                "give vectors none of which is a combination of the others"
            )
        basis.append([part / length for part in rest])
        volume *= length
    return OrthonormalBasis(basis=[[_tidy(part) for part in unit] for unit in basis], volume=_tidy(volume))
