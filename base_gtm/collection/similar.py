"""Near copies: tools whose names (or names and descriptions) are alike are kept once.

Names are compared as the paper does, by the cosine of two vectors, above 0.8 a copy; the vectors here are TF-IDF of the
letters' n-grams, which needs no model: getWeatherInfo and get_weather_infos are near, sum and subtract are not.
Guarantees: the first of a set of copies is kept, so the order of the tools decides; equal tools give equal answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

from base_gtm.collection.collected import Collected, Dropped

THRESHOLD = 0.8
"""The paper's."""
NEAR = "near copy"
By = Literal["name", "name and description"]
_BLOCK = 1024
"""Rows that are compared with all others at a time."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+")


def words_of(name: str) -> str:
    """A name as words in small letters: "getHTTPStatus_code" -> "get http status code"."""
    return " ".join(part.lower() for part in _HUMP.split(name) if part)


def without_copies(
    tools: Sequence[Collected], threshold: float = THRESHOLD, by: By = "name"
) -> tuple[list[Collected], list[Dropped]]:
    """Tools without near copies of earlier ones, and these with what they are alike to."""
    nearest = _nearest([_text(tool, by) for tool in tools], threshold)
    kept = [tool for tool, copy in zip(tools, nearest, strict=True) if copy is None]
    dropped = [
        Dropped(tool.origin, NEAR, f"{tool.spec.name} is {copy[1]:.2f} like {tools[copy[0]].spec.name}")
        for tool, copy in zip(tools, nearest, strict=True)
        if copy is not None
    ]
    return kept, dropped


def alike(tools: Sequence[Collected], others: Sequence[Collected], threshold: float) -> list[bool]:
    """Whether each tool's name and description are above the threshold like those of one of the others."""
    if not tools or not others:
        return [False] * len(tools)
    vectors = _vectors([_text(tool, "name and description") for tool in (*tools, *others)])
    cosines = vectors[: len(tools)] @ vectors[len(tools) :].T
    return [bool(most > threshold) for most in cosines.max(axis=1).toarray().ravel()]


def near_names(name: str, others: Sequence[str], threshold: float = THRESHOLD) -> bool:
    """Whether a name is a near copy of one of a few others. The same n-grams without weights, which need a corpus."""
    mine = _grams(words_of(name))
    return any(_cosine(mine, _grams(words_of(other))) > threshold for other in others)


def _grams(text: str) -> Counter[str]:
    padded = f" {text} "
    return Counter(padded[at : at + size] for size in (2, 3, 4) for at in range(len(padded) - size + 1))


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    product = sum(number * other[gram] for gram, number in one.items())
    lengths = sum(number**2 for number in one.values()) * sum(number**2 for number in other.values())
    return product / math.sqrt(lengths) if lengths else 0.0


def _text(tool: Collected, by: By) -> str:
    name = words_of(tool.spec.name)
    return name if by == "name" else f"{name} {tool.spec.description.lower()}"


def _vectors(texts: Sequence[str]) -> Any:
    """TF-IDF of the letters' n-grams, a sparse row of length 1 a text."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit_transform(texts).tocsr()


def _nearest(texts: Sequence[str], threshold: float) -> list[tuple[int, float] | None]:
    """For each text the first kept one that it is a copy of, with the cosine; None for one that is kept."""
    if not texts:
        return []
    vectors = _vectors(texts)
    found: list[tuple[int, float] | None] = []
    for first in range(0, len(texts), _BLOCK):
        # Earlier rows alone matter: a copy of one that was dropped may be kept, as in a pass from first to last.
        rows = (vectors[first : first + _BLOCK] @ vectors[: first + _BLOCK].T).tocsr()
        rows.data[rows.data <= threshold] = 0
        rows.eliminate_zeros()
        for at in range(rows.shape[0]):
            start, end = rows.indptr[at], rows.indptr[at + 1]
            near = [
                (int(column), float(cosine))
                for column, cosine in zip(rows.indices[start:end], rows.data[start:end], strict=True)
                if column < first + at and found[column] is None
            ]
            found.append(min(near) if near else None)
    return found
