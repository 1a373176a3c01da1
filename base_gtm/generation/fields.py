"""The taxonomy: fields that grow from a few, and the subfields of each.

Guarantees: the same seed and the same answers give the same taxonomy, so that a run that is started again asks nothing
twice; no two fields have near the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from base_gtm.collection.similar import near_names, words_of
from base_gtm.errors import UnusableAnswer
from base_gtm.schema import closed_object
from base_gtm.teachers.endpoint import Endpoint, Messages

SEEDS = (
    "finance healthcare education travel weather sports music law agriculture energy logistics cooking astronomy "
    "chemistry gaming real_estate telecommunications manufacturing public_safety art"
).split()
"""Fields that the first pairs are drawn from."""
_PAIRS = 8
"""Questions of a round."""
_FRUITLESS = 4
"""Rounds without a new field after which there are no more."""
_NAMES = {"type": "array", "items": {"type": "string", "minLength": 3, "maxLength": 60}, "minItems": 1, "maxItems": 40}
_RULES = "You name fields in which software tools are used. Answer with one JSON object of the schema you are given."


def grow_fields(endpoint: Endpoint, wanted: int, seed: int) -> Iterator[list[str]]:
    """The fields so far after each round, the last list of `wanted` fields, or of all that were to be had."""
    fields = list(SEEDS[:wanted])
    fruitless = 0
    with ThreadPoolExecutor(endpoint.options.concurrency) as pool:
        for number in range(10_000):
            if len(fields) >= wanted or fruitless == _FRUITLESS:
                return
            rng = Random(f"{seed}/fields/{number}")
            pairs = [tuple(rng.sample(fields, 2)) for _ in range(_PAIRS)]
            before = len(fields)
            for names in pool.map(lambda pair: _asked(endpoint, _next_to(pair), seed), pairs):
                for name in names:
                    if len(fields) < wanted and not near_names(name, fields):
                        fields.append(_name(name))
            fruitless = fruitless + 1 if len(fields) == before else 0
            yield fields


def subfields(endpoint: Endpoint, field: str, wanted: int, seed: int) -> list[str]:
    """Subfields of a field, `wanted` at most."""
    question = (
        f"Name {wanted} subfields of the field '{field}', as specialised as 'stock trading' is in 'finance'; each "
        "one or two words of its own, none contained in another."
    )
    found: list[str] = []
    for name in _asked(endpoint, question, seed):
        if len(found) < wanted and not near_names(name, found):
            found.append(_name(name))
    return found


def _next_to(pair: Sequence[str]) -> str:
    return (
        f"'{pair[0]}' and '{pair[1]}' are fields of a collection of software tools. Name 5 further fields of about "
        "that breadth, which are neither of them and no part of them."
    )


def _asked(endpoint: Endpoint, question: str, seed: int) -> list[str]:
    schema = closed_object({"names": _NAMES})
    messages: Messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": question}]
    try:
        return list(endpoint.ask_json(messages, schema, seed=seed)["names"])
    except UnusableAnswer:
        return []


def _name(text: str) -> str:
    return words_of(text).strip()
