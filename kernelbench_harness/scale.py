"""Shrinks a problem's sizes until a CPU can run it: named scales, the rewriting, the search.

How. Size constants are the module-level `NAME = <integers>` of a problem: an integer, a tuple or list of integers, or
arithmetic of them (`2048 * 2`); and integers above 16 written inside `get_inputs`. The largest are halved first (a
batch counts eight times its value), equal ones together so that squares stay square, until the scale's budget holds.
Powers of two stay powers of two and odd sizes stay odd (an irregular shape is the point of some problems). Constants of
16 or less stay, and so do kernel sizes, strides, paddings and dilations; a group count above 16 shrinks in proportion
to the channels that it divides. When that is not enough the batch goes down to 1, and last the other sizes to 4. The
cost of every attempt is measured in a child process on fake tensors (see `cost`): an attempt under which the model no
longer runs is taken back. Last, a batch that shrank further than needed is doubled while it fits.

Guarantees: deterministic; only digits of the source change; what the budget counts is measured, never estimated from
names.
Does not guarantee that a problem can be shrunk (sizes written inside `Model` are not touched): then the reason is
given. A kernel's verdict at one scale says little about another: the scale is part of a problem's identity.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kernelbench_harness.errors import ProblemError
from kernelbench_harness.hub import hub_reason
from kernelbench_harness.label import Problem
from kernelbench_harness.problems import check_source

SMALL = 16
"""Constants up to this are structure (kernel sizes, groups, heads), not size."""
MAX_POWER = 40
"""Larger constants and powers are no sizes: they are left alone, never computed."""
BATCH_WEIGHT = 8
"""A batch is halved as if it were this many times larger: work of one item tells more about a kernel than many
items."""


@dataclass(frozen=True)
class Budget:
    """What a problem may cost at a scale, counted over construction, inputs and one forward pass."""

    elements: int
    """Most elements in any one tensor: input, weight, intermediate or output."""
    flops: int
    """Most floating-point operations: those of matrix products, convolutions and attention as torch's counter gives
    them, and one for each element that any other operator writes."""


SCALES: Mapping[str, Budget | None] = {
    "full": None,
    "small": Budget(elements=2**26, flops=2**38),
    "cpu": Budget(elements=2**18, flops=2**28),
    "tiny": Budget(elements=2**13, flops=2**22),
}
"""Named scales. "full": as written; KernelBench v0.1 has tensors of 6.4 GB. "small": for a GPU with 8 GB, where inputs,
weights, output and the copies that checking makes of them, 16 tensors of 256 MB in float32, take half of it; a forward
pass of some 50 ms at 5 TFLOPS. "cpu": a forward pass of 0.1 to 50 ms on one laptop core. "tiny": for tests."""


@dataclass(frozen=True)
class Cost:
    """What one construction and forward pass cost, measured on fake tensors."""

    elements: int
    flops: int

    def fits(self, budget: Budget) -> bool:
        """Whether both counts are within the budget."""
        return self.elements <= budget.elements and self.flops <= budget.flops


Measure = Callable[[str], Cost | str]
"""Source -> its cost, or the reason (one line) why it does not run."""


@dataclass(frozen=True)
class Slot:
    """One integer constant of a problem's source."""

    name: str
    value: int
    span: tuple[int, int]
    """Byte range of the expression in the UTF-8 source."""

    @property
    def is_batch(self) -> bool:
        """Whether the name says batch."""
        return bool(re.match(r"(n_?)?batch|^b$|^bs$", self.name.lower()))

    @property
    def is_group(self) -> bool:
        """Whether the name says group."""
        return "group" in self.name.lower()

    @property
    def is_structure(self) -> bool:
        """Whether the constant is no size at all: kernel, stride, padding, dilation."""
        return bool(re.search(r"kernel|stride|pad|dilation|pool", self.name.lower()))


def shrink(problem: Problem, scale: str) -> Problem:
    """The problem rewritten to `scale`. Raises ProblemError with the reason where it cannot be."""
    (outcome,) = shrink_all([problem], scale)
    if isinstance(outcome, ProblemError):
        raise outcome
    return outcome


def check_name(scale: str) -> None:
    """Raises ProblemError for a scale that there is not."""
    if scale not in SCALES:
        raise ProblemError(f"scale '{scale}' is unknown; give one of {', '.join(SCALES)}")


def shrink_all(problems: Sequence[Problem], scale: str) -> Iterator[Problem | ProblemError]:
    """For each problem in order: the rewritten problem, or the error that says why there is none.

    One child process imports torch once and measures all of them, each in a fork of its own.
    """
    check_name(scale)
    budget = SCALES[scale]
    for problem in problems:
        if problem.scale != "full":
            raise ProblemError(f"problem {problem.name} is already at scale '{problem.scale}'; shrink the full one")
    if budget is None:
        yield from problems
        return
    from kernelbench_harness.cost import plan_cached  # it imports this module

    local = [problem for problem in problems if not hub_reason(problem)]
    plans = plan_cached([p.code for p in local], budget)
    for problem in problems:
        if reason := hub_reason(problem):
            yield ProblemError(f"problem {problem.name}: {reason}")
            continue
        plan = next(plans)
        if isinstance(plan, str):
            yield ProblemError(f"problem {problem.name} does not fit scale '{scale}': {plan}")
        else:
            yield replace(problem, code=rewrite(problem.code, slots(problem.code), plan), scale=scale)


def slots(code: str) -> list[Slot]:
    """The integer constants that may be sizes, in source order: what module-level names are finally bound to, and
    literals above SMALL inside `get_inputs`."""
    starts = [0]
    for line in code.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    final: dict[str, list[Slot]] = {}
    for node in check_source(code, "problem").body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _pairs(target, node.value):
                    leaves = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
                    final[name] = [slot for leaf in leaves for slot in _slot(name, leaf, starts, least=2)]
        elif isinstance(node, ast.FunctionDef) and node.name == "get_inputs":
            leaves = [leaf for leaf in ast.walk(node) if isinstance(leaf, ast.Constant)]
            final[node.name] = [slot for leaf in leaves for slot in _slot("", leaf, starts, least=SMALL + 1)]
    by_span = {slot.span: slot for found in final.values() for slot in found}
    return [by_span[span] for span in sorted(by_span)]


def _slot(name: str, leaf: ast.expr, starts: Sequence[int], least: int) -> Iterator[Slot]:
    """The slot of one expression, if it is an integer of at least `least`."""
    number = _integer(leaf)
    if number is not None and number >= least and leaf.end_lineno is not None and leaf.end_col_offset is not None:
        yield Slot(
            name, number, (starts[leaf.lineno - 1] + leaf.col_offset, starts[leaf.end_lineno - 1] + leaf.end_col_offset)
        )


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Names of one assignment target with the expression that each is bound to."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for part, item in zip(target.elts, value.elts, strict=False):
            yield from _pairs(part, item)


_ARITHMETIC: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: lambda left, right: left // right if right else 0,
    ast.Pow: lambda left, right: left**right if 0 <= right <= MAX_POWER else 0,
}


def _integer(node: ast.expr) -> int | None:
    """Value of a constant integer expression (`+ - * // **` of integer literals), None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = _integer(node.left), _integer(node.right)
        if left is not None and right is not None and max(abs(left), abs(right)) < 2**MAX_POWER:
            return _ARITHMETIC[type(node.op)](left, right)
    return None


def rewrite(code: str, found: Sequence[Slot], values: Sequence[int]) -> str:
    """The source with each slot's expression replaced by its new value; an unchanged slot keeps its expression."""
    raw = code.encode()
    for slot, value in sorted(zip(found, values, strict=True), key=lambda pair: pair[0].span, reverse=True):
        if value != slot.value:
            raw = raw[: slot.span[0]] + str(value).encode() + raw[slot.span[1] :]
    return raw.decode()


def half(value: int) -> int:
    """Half of a size; an odd size gives an odd one."""
    return value // 2 | 1 if value % 2 else value // 2


def search(code: str, budget: Budget, measure: Measure) -> list[int] | str:
    """Values for `slots(code)` under which the problem fits the budget, or the reason why there are none."""
    found = slots(code)
    values = [slot.value for slot in found]
    first = measure(code)
    if isinstance(first, str):
        return f"it cannot be measured at full size ({first})"
    if first.fits(budget):
        return values
    trial = _Trial(code, found, budget, measure, first)
    for floors in _phases(found):
        values = trial.descend(values, floors)
        if trial.cost.fits(budget):
            return trial.regrow(values)
    over = trial.cost
    return (
        f"no size is left to halve at {over.elements:,} elements and {over.flops:,} operations "
        f"(budget {budget.elements:,} and {budget.flops:,}); sizes written inside Model are not touched"
    )


def _phases(found: Sequence[Slot]) -> Iterator[list[int | None]]:
    """Least value of each slot, gentlest phase first; None where a slot never moves by itself."""
    sizes = [None if slot.is_structure or slot.is_group else slot for slot in found]
    for batch, size in ((SMALL // BATCH_WEIGHT, SMALL), (1, SMALL), (1, 4)):
        yield [None if s is None else batch if s.is_batch else size for s in sizes]


@dataclass
class _Trial:
    """The state of one search: what has been measured, and which moves broke the model."""

    code: str
    found: Sequence[Slot]
    budget: Budget
    measure: Measure
    cost: Cost

    def descend(self, values: list[int], floors: Sequence[int | None]) -> list[int]:
        """Halve, largest first, until the budget holds or no move is left."""
        banned: set[tuple[int, ...]] = set()
        while not self.cost.fits(self.budget):
            for move in _moves(self.found, values, floors):
                if move in banned:
                    continue
                lower = self._couple([half(v) if i in move else v for i, v in enumerate(values)])
                cost = self.measure(rewrite(self.code, self.found, lower))
                if isinstance(cost, str) or cost == self.cost:
                    banned.add(move)  # it breaks the model, or the constant is no size at all
                    continue
                values, self.cost = lower, cost
                break
            else:
                break
        return values

    def regrow(self, values: list[int]) -> list[int]:
        """Double a batch back while the budget holds: equal sizes halved together may have overshot."""
        for index, slot in enumerate(self.found):
            while slot.is_batch and values[index] * 2 <= slot.value:
                larger = [v * 2 if i == index else v for i, v in enumerate(values)]
                cost = self.measure(rewrite(self.code, self.found, larger))
                if isinstance(cost, str) or not cost.fits(self.budget):
                    break
                values, self.cost = larger, cost
        return values

    def _couple(self, values: list[int]) -> list[int]:
        """Shrink group counts above SMALL with the channels that they divide; at least two channels a group stay."""
        for index, slot in enumerate(self.found):
            if not slot.is_group or slot.value <= SMALL:
                continue
            ratios = [
                values[i] / other.value
                for i, other in enumerate(self.found)
                if i != index and not other.is_batch and not other.is_structure and other.value % slot.value == 0
            ]
            while ratios and values[index] % 2 == 0 and values[index] / slot.value > min(ratios):
                values[index] //= 2
        return values


def _moves(found: Sequence[Slot], values: Sequence[int], floors: Sequence[int | None]) -> list[tuple[int, ...]]:
    """Sets of slots to halve together, best first: by weight; of one value all sizes together before one alone, and a
    batch together with its equals last (a loss may want as many targets as predictions)."""
    free = [i for i, floor in enumerate(floors) if floor is not None and half(values[i]) >= floor and values[i] > 1]
    moves: list[tuple[int, tuple[int, ...]]] = []
    for value in sorted({values[i] for i in free}, reverse=True):
        batches = [i for i in free if values[i] == value and found[i].is_batch]
        sizes = [i for i in free if values[i] == value and not found[i].is_batch]
        moves += [(value * BATCH_WEIGHT, (i,)) for i in batches]
        if len(sizes) > 1:
            moves.append((value, tuple(sizes)))
        moves += [(value, (i,)) for i in sizes]
        if batches and sizes:
            moves.append((value, tuple(sorted(batches + sizes))))
    return [move for _, move in sorted(moves, key=lambda pair: -pair[0])]
