"""Seeds and the order of problems, the same for every arm: pure functions of the study's seed.

Guarantees: two arms with one seed see the same problems in the same order; every problem comes once before any comes
again; a step's random numbers depend on seed and step alone, so a resumed training draws what an undisturbed one draws.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def derived_seed(*parts: object) -> int:
    """A seed below 2**31 from anything that has a text form."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def problem_order(problems: Sequence[Item], steps: int, per_step: int, seed: int) -> list[Item]:
    """`steps * per_step` problems, in passes over all of them, each pass shuffled; no step has one twice where there
    are enough."""
    wanted = steps * per_step
    found: list[Item] = []
    numbers: list[int] = []
    turn = 0
    while len(numbers) < wanted:
        pass_ = list(range(len(problems)))
        random.Random(derived_seed("order", seed, turn)).shuffle(pass_)
        open_ = len(numbers) % per_step
        if open_ and len(problems) >= 2 * per_step:  # a step across two passes: what it has already goes to the back
            held = set(numbers[-open_:])
            pass_ = [one for one in pass_ if one not in held] + [one for one in pass_ if one in held]
        numbers += pass_
        turn += 1
    found = [problems[number] for number in numbers[:wanted]]
    return found


def spread_out(problems: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of them, evenly picked; all where `most` is 0."""
    if not most or most >= len(problems):
        return list(problems)
    return [problems[number * len(problems) // most] for number in range(most)]
