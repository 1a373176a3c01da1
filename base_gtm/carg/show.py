"""Records as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

from base_gtm.example import KINDS, Example, Turn, answer_of

_LONGEST = 600
"""Characters of a JSON value that are shown."""


def sample(examples: Sequence[Example], number: int, seed: int) -> list[Example]:
    """So many records, the kinds and the fields in turns."""
    rng = Random(seed)
    shuffled = rng.sample(list(examples), len(examples))
    chosen: list[Example] = []
    fields: set[str] = set()
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in shuffled)]
    for at in range(min(number, len(shuffled))):
        left = [one for one in shuffled if one not in chosen]
        of_kind = [one for one in left if one.kind == kinds[at % len(kinds)]] or left
        fresh = [one for one in of_kind if one.tool.field not in fields]
        chosen.append((fresh or of_kind)[0])
        fields.add(chosen[-1].tool.field)
    return chosen


def markdown(example: Example) -> str:
    """One record."""
    tool, made = example.tool, example.provenance
    flaw = f", {example.flaw.fault} of `{example.flaw.parameter}`" if example.flaw else ""
    lines = [
        f"### {example.kind}: `{tool.spec.name}`{flaw}",
        "",
        f"{tool.spec.description}",
        "",
        f"*{example.context}.* Teacher {made.teacher}, seed {made.seed}, job {made.job}, attempt {made.attempt}.",
        "",
    ]
    for turn in (*example.history, example.turn):
        lines += _turn(turn)
    return "\n".join(lines)


def _turn(turn: Turn) -> list[str]:
    answer = answer_of(turn.result)
    shown = answer if isinstance(answer, str) else _short(answer)
    mark = "!" if turn.result.is_error else ""
    return [
        f"> {turn.request or '(no request)'}",
        "",
        "```",
        f"{turn.call.name}({_short(dict(turn.call.arguments))})",
        f"{mark}-> {shown}",
        "```",
        "",
    ]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
