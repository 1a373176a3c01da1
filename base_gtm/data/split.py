"""Which tools a generalist learns from, is measured on while it learns, and is judged on: split by what tools do, not
by their names.

Whole fields are held out, so that no twin of a tool, met in another record of its field, gives its answers away, but
none that makes up much more than the share; a tool of another field that is described nearly like one that is judged on
is left out of all parts. The validation's tools set the threshold of a base's refusals, so that the judge's are new to
it too.
Guarantees: the same tools give the same split, whatever their order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from base_gtm.collection.collected import Collected
from base_gtm.collection.similar import alike
from base_gtm.example import Example

Part = Literal["train", "validation", "unseen"]
SHARE = 0.15
"""Of the tools, about this share is held out, beside the worlds."""
VALIDATION = 0.05
"""Of the tools, about this share is measured on."""
WORLDS = ("Libraries", "Robotics")
"""Fields whose tools share a state, held out whatever their hash: else no history of unseen tools would matter."""
LIKE = 0.3
"""Cosine of the letters' n-grams of name and description above which two tools are taken for the same."""


@dataclass(frozen=True)
class Split:
    """A partition of tools."""

    unseen: frozenset[str]
    """Keys of the tools that are judged on."""
    like_unseen: frozenset[str]
    """Keys of tools of other fields that are too much like one of those."""
    validation: frozenset[str]
    """Keys of the tools that are measured on."""
    names: frozenset[str]
    """Names of all these: no training record's history calls one of them."""
    fields: tuple[str, ...]
    """The fields judged on."""

    def part(self, example: Example) -> Part | None:
        """Where a record belongs; None where it belongs nowhere: a held-out tool in the history of another."""
        if example.tool.key in self.unseen:
            return "unseen"
        if example.tool.key in self.validation:
            return "validation"
        named = {turn.call.name for turn in example.history}
        return None if (named | {example.tool.spec.name}) & self.names else "train"


def split_tools(tools: Iterable[Collected], validation: float = VALIDATION) -> Split:
    """Hold out `WORLDS`, and whole fields in the order of their hashes until these make up `SHARE` of the tools; those
    that follow are the validation's. A field that would make it more than twice the share is passed over.
    """
    distinct = {tool.key: tool for tool in sorted(tools, key=lambda tool: tool.key)}
    fields: dict[str, list[Collected]] = {}
    for tool in distinct.values():
        fields.setdefault(tool.field, []).append(tool)
    worlds = {field: fields.pop(field) for field in WORLDS if field in fields}
    order = iter(sorted(fields, key=lambda name: hashlib.sha256(name.encode()).hexdigest()))

    def first(wanted: float) -> dict[str, list[Collected]]:
        """The next fields of all, until they hold so many tools."""
        taken: dict[str, list[Collected]] = {}
        count = 0
        while count < wanted and (field := next(order, None)) is not None:
            if count + len(fields[field]) <= 2 * wanted:
                taken[field] = fields[field]
                count += len(fields[field])
        return taken

    held = first(SHARE * len(distinct)) | worlds
    measured = first(validation * len(distinct))
    unseen = [tool for some in held.values() for tool in some]
    others = [tool for tool in distinct.values() if tool.field not in held]
    near = [tool for tool, is_near in zip(others, alike(others, unseen, LIKE), strict=True) if is_near]
    new = [tool for some in measured.values() for tool in some if tool not in near]
    return Split(
        frozenset(tool.key for tool in unseen),
        frozenset(tool.key for tool in near),
        frozenset(tool.key for tool in new),
        frozenset(tool.spec.name for tool in (*unseen, *near, *new)),
        tuple(held),
    )
