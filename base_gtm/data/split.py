"""Which tools a generalist may learn from, and which it is judged on: split by what tools do, not by their names.

Whole fields are held out, so that no twin of a tool, met in another record of its field, gives its answers away; a tool
of another field that is described nearly like a held-out one is left out of both parts.
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

Part = Literal["train", "unseen"]
SHARE = 0.15
"""Of the tools, about this share is held out, beside the worlds."""
WORLDS = ("Libraries", "Robotics")
"""Fields whose tools share a state, held out whatever their hash: else no history of unseen tools would matter."""
LIKE = 0.3
"""Cosine of the letters' n-grams of name and description above which two tools are taken for the same."""


@dataclass(frozen=True)
class Split:
    """A partition of tools."""

    unseen: frozenset[str]
    """Keys of the tools that are held out."""
    like_unseen: frozenset[str]
    """Keys of tools of other fields that are too much like one of those."""
    names: frozenset[str]
    """Names of both: no training record's history calls one of these."""
    fields: tuple[str, ...]
    """The fields held out."""

    def part(self, example: Example) -> Part | None:
        """Where a record belongs; None where it belongs to neither part: a held-out tool in the history of another."""
        if example.tool.key in self.unseen:
            return "unseen"
        named = {turn.call.name for turn in example.history}
        return None if (named | {example.tool.spec.name}) & self.names else "train"


def split_tools(tools: Iterable[Collected], share: float = SHARE) -> Split:
    """Hold out `WORLDS`, and whole fields in the order of their hashes until these make up the share of the tools."""
    distinct = {tool.key: tool for tool in sorted(tools, key=lambda tool: tool.key)}
    fields: dict[str, list[Collected]] = {}
    for tool in distinct.values():
        fields.setdefault(tool.field, []).append(tool)
    worlds = {field: fields.pop(field) for field in WORLDS if field in fields}
    held: dict[str, list[Collected]] = {}
    for field in sorted(fields, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        if sum(map(len, held.values())) >= share * len(distinct):
            break
        held[field] = fields[field]
    held |= worlds
    unseen = [tool for some in held.values() for tool in some]
    others = [tool for tool in distinct.values() if tool.field not in held]
    near = [tool for tool, is_near in zip(others, alike(others, unseen, LIKE), strict=True) if is_near]
    keys = frozenset(tool.key for tool in unseen)
    names = frozenset(tool.spec.name for tool in (*unseen, *near))
    return Split(keys, frozenset(tool.key for tool in near), names, tuple(held))
