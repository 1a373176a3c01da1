"""Block sizes of a device's dry run: a block that does not divide its work at the real sizes must not when shrunk.

`shrink` makes blocks 8 and most sizes a multiple of 8, so that a missing bounds check would go unseen. Here a block
that runs past its work becomes 7. Which work a launch has is guessed from its grid: the elements of the result where
they fit, else products of extents of the inputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import lcm, prod

from kernelbench_harness.facts.cuda_machine import Launch
from kernelbench_harness.facts.memory import Tensor
from kernelbench_harness.facts.problem import constants, elements, real_sizes
from kernelbench_harness.facts.roofline import problem_work
from kernelbench_harness.facts.shrink import MAX_ELEMENTS

_SHRUNKEN, _UNEVEN = 8, 7
_OF_WARPS = re.compile(r"__shfl|__syncwarp|_sync\(|warpSize|WARP|[&%]\s*31\b|>>\s*5\b|[/%]\s*32\b|\bvolatile\b")
_PART_OF_TILE = re.compile(r"(?<![\w.])[48](?![\w.])")
"""A tile of 32 worked on in steps of 8."""
_PRAGMA = re.compile(r"#\s*pragma[^\n]*")
_INTEGER = re.compile(r"(?<![\w.])(\d{2,4})(?![\w.])")


def uneven(reference: str, integers: Mapping[int, int], launches: Sequence[Launch]) -> dict[int, int]:
    """`integers` with the blocks that overshoot at the real sizes made 7."""
    totals = _totals(reference)
    work = problem_work(reference)
    found = dict(integers)
    for launch in launches:
        threads = launch.block[0]
        if integers.get(threads) == _SHRUNKEN and launch.grid[1:] == (1, 1) and launch.block[1:] == (1, 1):
            outputs = work.outputs if work is not None else 0
            if _overshoots(launch.grid[0], threads, [outputs] if _fits(outputs, launch) else totals):
                found[threads] = _UNEVEN
    return found


def waiting(
    reference: str, kernel: str, integers: Mapping[int, int], launches: Sequence[Launch]
) -> tuple[dict[int, int], bool] | None:
    """Sizes for a kernel whose threads wait for each other; None where one of the problem's may be one of a block.

    A tile of one size (and its square) becomes 4 (and 16), so that a block of 32 x 32 threads costs 16. Where warps
    matter, 16 and 32 stay and the one larger block becomes two warps, as unrolled reductions want at the least. Several
    sizes stay what they are: they are tied to each other (64 = 16 x 4) in ways that are not known here. The second
    value is False where a block that divides a size of the problem does not divide the shrunken one: then a fault says
    nothing.
    """
    text = _PRAGMA.sub("", kernel)
    sizes = constants(reference)
    written = {int(m) for m in _INTEGER.findall(text)}
    blocks = sorted(n for n in written if 16 <= n <= 1024 and n & (n - 1) == 0)
    if any(n in sizes for n in blocks):
        return None
    tied = _OF_WARPS.search(text) or _PART_OF_TILE.search(text)
    if not tied and blocks and (len(blocks) == 1 or blocks[1:] == [blocks[0] ** 2]):
        return {**integers, **dict(zip(blocks, (4, 16), strict=False))}, True
    found = {old: new for old, new in integers.items() if old not in blocks}
    large = [n for n in blocks if n > 64]
    if len(large) == 1 and 64 not in blocks:
        found[large[0]] = 64
    rows = {extent for launch in launches for extent in launch.grid}  # a block each: nothing divides them
    divided = [s for s in reversed(sizes) if s not in rows]
    for size in divided:
        step = lcm(*(found.get(b, b) for b in blocks if size % b == 0))
        grown = {**found, size: step}
        if found.get(size, size) % step and elements(reference, tuple(grown.items())) <= MAX_ELEMENTS:
            found = grown
    faithful = all(found.get(s, s) % found.get(b, b) == 0 for s in divided for b in blocks if s % b == 0)
    return found, faithful


def _totals(reference: str) -> list[int]:
    sizes = real_sizes(reference)
    shapes = [x.shape for x in sizes[1] if isinstance(x, Tensor)] if sizes is not None else []
    return sorted({prod(c) for s in shapes if len(s) <= 5 for n in range(1, len(s) + 1) for c in combinations(s, n)})


def _fits(total: int, launch: Launch) -> bool:
    return -(-total // launch.block[0]) == launch.grid[0]


def _overshoots(blocks: int, threads: int, totals: Sequence[int]) -> bool:
    """Whether every amount of work that this grid fits leaves threads over."""
    fitting = [t for t in totals if -(-t // threads) == blocks]
    return bool(fitting) and all(t % threads for t in fitting)
