"""Which tools belong into one dialogue: those whose name, description and field mean something alike.

A tool's vector is the TF-IDF of the words of its name, description, field and parameters, which needs no model. A
group grows greedily: of the tools that are relevant enough to the target, the one is next that is closest to the group
so far; a tool that shares a parameter or a result with the target is worth more, since a dialogue hands values on.
Guarantees: the same random numbers give the same group; the target is last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random

import numpy as np

from base_gtm.collection.collected import Collected
from base_gtm.collection.similar import words_of

RELEVANT = 0.08
"""Least cosine to the target. Between random pairs of the executable tools it is below 0.05 for 19 of 20."""
_SHARED = 0.3
"""What a value to hand on is worth, as cosine."""
_NEAREST = 6
"""The next member is one of so many, so that a target has more than one group."""
_REMEMBERED = 2048
"""Rows of cosines that are kept."""


class Groups:
    """Neighbourhoods of a collection."""

    def __init__(self, tools: Sequence[Collected], relevant: float = RELEVANT) -> None:
        """tools: at least one. relevant: least cosine to the target."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._tools = tools
        self._relevant = relevant
        vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english")
        self._vectors = vectorizer.fit_transform([_text(tool) for tool in tools]).tocsr()
        self._offers = [{*_inputs(tool), *_outputs(tool)} for tool in tools]
        self._cosines = lru_cache(_REMEMBERED)(self._computed_cosines)
        self._hands_on = lru_cache(_REMEMBERED)(self._computed_hands_on)

    def around(self, target: int, size: int, rng: Random) -> list[Collected]:
        """Up to `size` tools, the one with the number `target` last; it alone where nothing is relevant to it."""
        worth = self._cosines(target) + _SHARED * self._hands_on(target)
        worth[(self._cosines(target) < self._relevant) | (np.arange(len(worth)) == target)] = -np.inf
        group: list[int] = []
        while len(group) < size - 1 and np.isfinite(worth).any():
            closeness = np.mean([self._cosines(one) for one in group], axis=0) if group else 0.0
            best = np.argsort(-(worth + closeness), kind="stable")[:_NEAREST]
            group.append(rng.choice([int(one) for one in best if np.isfinite(worth[one])]))
            worth[group[-1]] = -np.inf
        return [self._tools[one] for one in (*group, target)]

    def score(self, numbers: Sequence[int]) -> float:
        """Mean cosine of the pairs of a group: how well it hangs together."""
        pairs = [(one, other) for at, one in enumerate(numbers) for other in numbers[at + 1 :]]
        return float(np.mean([self._cosines(one)[other] for one, other in pairs])) if pairs else 0.0

    def _computed_cosines(self, one: int) -> np.ndarray:
        return np.asarray((self._vectors @ self._vectors[one].T).todense()).ravel()

    def _computed_hands_on(self, target: int) -> np.ndarray:
        wanted = set(_inputs(self._tools[target]))
        return np.array([bool(offered & wanted) for offered in self._offers], dtype=float)


def _text(tool: Collected) -> str:
    names = [tool.spec.name, tool.field, tool.subfield, *_inputs(tool)]
    return " ".join([*map(words_of, names), tool.spec.description])


def _inputs(tool: Collected) -> Sequence[str]:
    return list(tool.spec.input_schema.get("properties", {}))


def _outputs(tool: Collected) -> Sequence[str]:
    return list((tool.spec.output_schema or {}).get("properties", {}))
