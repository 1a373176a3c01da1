"""A call as the text that a model reads, and a result as the text that it should write. No torch here.

Order of the parts: spec brief, history, argument blocks, evidence, result marker; so that what the model must not lose
stands next to where it answers. Guarantees: `encode` shortens argument blocks only, each in its middle and marked;
untrusted text cannot forge a marker. Does not guarantee that a long block keeps what decides the answer: a domain puts
that into the evidence.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from base_gtm.errors import DataError
from base_gtm.schema import ToolCall, ToolResult, ToolSpec
from base_gtm.tokenizer import encode_offsets, encode_text

SPEC, HISTORY, ARGUMENT, FACTS, RESULT = "<|spec|>", "<|history|>", "<|arg|>", "<|facts|>", "<|result|>"
"""Markers: single tokens of the nano tokenizer, plain text to any other."""

ERROR = "<|error|>"
"""Stands after RESULT where the tool refuses the call; its message follows as a JSON string."""

CUT = " [cut] "
"""Stands where `encode` took the middle of an argument block away."""

DIGITS = 3
"""Significant digits of a number in a completion; decoding stops at the same place."""

PROMPT_TOKENS = 1536
"""Longest prompt where nothing else is said: beside an answer of 512 tokens half of the nano's context."""

HISTORY_TURNS = 8
"""How many of the latest turns are shown."""

_TURN_CHARACTERS = 400
_BRIEF_SENTENCE = 160
_CHARACTERS_A_TOKEN = 12
"""More than a token stands for on average in any text seen; what lies beyond is not worth tokenising."""


@dataclass(frozen=True)
class Prompt:
    """A rendered call."""

    text: str
    spans: Mapping[str, tuple[int, int]]
    """Heading of an argument block -> its (start, end) characters in `text`, heading and line break not counted."""


@dataclass(frozen=True)
class Encoded:
    """Token ids of a prompt, cut to measure."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    """For each id, its (start, end) characters in `Prompt.text`; an empty range for the cut mark."""
    argument_tokens: list[int]
    """Positions in `ids` that belong to argument blocks, for token-level targets and the foreign-input check."""

    @property
    def is_cut(self) -> bool:
        """Has an argument block lost its middle?"""
        return any(self.offsets[at][0] == self.offsets[at][1] for at in self.argument_tokens)


def neutral(text: str) -> str:
    """`text` with every "<|" broken up, so that it holds no marker or control token of any tokenizer."""
    return text.replace("<|", "< |") if "<|" in text else text


def render(
    spec: ToolSpec,
    call: ToolCall,
    *,
    evidence: str = "",
    blocks: Sequence[tuple[str, str]] | None = None,
    history: Sequence[tuple[ToolCall, ToolResult]] = (),
    full: bool = False,
) -> Prompt:
    """The prompt of one call.

    `blocks` are the arguments as (heading, raw text), None shows them as compact JSON; `full` shows the whole
    description and both schemas where the brief names only fields. A span's offsets count "<|" of the raw text as
    three characters.
    """
    parts: list[str] = [SPEC, neutral(spec_text(spec) if full else spec_brief(spec)), "\n"]
    if history:
        parts += [HISTORY, neutral("\n".join(_turn(*turn) for turn in history[-HISTORY_TURNS:])), "\n"]
    if blocks is None:
        blocks = [("arguments", compact(dict(call.arguments)))]
    spans: dict[str, tuple[int, int]] = {}
    length = sum(map(len, parts))
    for heading, body in blocks:
        head, body = f"{ARGUMENT}{neutral(heading)}\n", neutral(body)
        start = length + len(head)
        spans[heading] = (start, start + len(body))
        parts += [head, body, "\n"]
        length = start + len(body) + 1
    if evidence:
        parts += [FACTS, neutral(evidence), "\n"]
    parts.append(RESULT)
    return Prompt("".join(parts), spans)


def completion(spec: ToolSpec, result: ToolResult | Mapping[str, Any], *, brief: bool = True) -> str:
    """What the model should write for `result`: compact JSON, properties in the schema's order.

    Numbers of type "number" keep three significant digits; `brief` leaves optional properties out, as decoding does.
    A tool without an output schema writes its text as a JSON string. A refused call's message stands as a JSON string
    after ERROR. Texts are `neutral`: no token that ends the answer stands in the middle of one.
    """
    if isinstance(result, ToolResult):
        if result.is_error:
            return ERROR + neutral(compact(result.text))
        content: Any = result.text if spec.output_schema is None else result.content
    else:
        content = result
    if spec.output_schema is None:
        return neutral(compact(content))
    return neutral(_write(_ordered(spec.output_schema, content, brief)))


def encode(tokenizer: Any, prompt: Prompt, max_tokens: int) -> list[int]:
    """Token ids of the prompt, at most `max_tokens`. Raises DataError when even empty arguments do not fit."""
    return encode_full(tokenizer, prompt, max_tokens).ids


def encode_full(tokenizer: Any, prompt: Prompt, max_tokens: int) -> Encoded:
    """Like `encode`, with each token's place in the text."""
    text, spans, shifts = _shortened(prompt, max_tokens * _CHARACTERS_A_TOKEN)
    ids, offsets = encode_offsets(tokenizer, text)
    ranges = [_inside(offsets, span) for span in spans]
    excess = len(ids) - max_tokens
    if excess > 0:
        mark = encode_text(tokenizer, CUT)
        cuts = _cuts([end - start for start, end in ranges], excess, len(mark))
        if cuts is None:
            fixed = len(ids) - sum(end - start for start, end in ranges)
            raise DataError(
                f"the prompt takes {fixed} tokens without its arguments and the limit is {max_tokens}; "
                "raise the limit or shorten the evidence"
            )
        ids, offsets, ranges = _cut(ids, offsets, ranges, cuts, mark)
    for place, length in shifts:
        offsets = [(a + length, b + length) if a >= place else (a, b) for a, b in offsets]
    return Encoded(ids, offsets, [index for start, end in ranges for index in range(start, end)])


def encode_call(
    tokenizer: Any,
    spec: ToolSpec,
    call: ToolCall,
    max_tokens: int,
    *,
    evidence: str = "",
    blocks: Sequence[tuple[str, str]] | None = None,
    history: Sequence[tuple[ToolCall, ToolResult]] = (),
) -> tuple[Encoded, int]:
    """A call's prompt, and how many of the turns it shows: as many of the latest as leave its arguments whole.

    Raises DataError as `encode_full` does.
    """
    turns = list(history[-HISTORY_TURNS:])
    while True:
        prompt = render(spec, call, evidence=evidence, blocks=blocks, history=turns)
        try:
            encoded = encode_full(tokenizer, prompt, max_tokens)
        except DataError:
            if not turns:
                raise
        else:
            if not turns or not encoded.is_cut:
                return encoded, len(turns)
        turns = turns[1:]


def spec_brief(spec: ToolSpec) -> str:
    """Name, first sentence, argument names, output fields with their allowed values: about 100 tokens."""
    sentence = re.split(r"(?<=[.!?])\s|\s\(|\n", spec.description.strip(), maxsplit=1)[0][:_BRIEF_SENTENCE]
    lines = [f"{spec.name}: {sentence}" if sentence else spec.name]
    lines.append("in: " + ", ".join(spec.input_schema.get("properties", {})))
    if spec.output_schema is not None:
        fields = output_fields(spec.output_schema)
        lines.append("out: " + "; ".join(f"{name} {kind}" for name, kind in fields.items()))
    return "\n".join(lines)


def spec_text(spec: ToolSpec) -> str:
    """The whole spec: description and both schemas as JSON."""
    lines = [f"{spec.name}: {spec.description}", "in: " + compact(dict(spec.input_schema))]
    if spec.output_schema is not None:
        lines.append("out: " + compact(dict(spec.output_schema)))
    return "\n".join(lines)


def output_fields(schema: Mapping[str, Any]) -> dict[str, str]:
    """Top-level output field -> "a|b|c" for enumerated ones, else the type; branches of anyOf joined."""
    fields: dict[str, list[str]] = {}
    for branch in _branches(schema):
        for name, sub in branch.get("properties", {}).items():
            known = fields.setdefault(name, [])
            known += [kind for kind in _kinds(sub) if kind not in known]
    return {name: "|".join(kinds) for name, kinds in fields.items()}


def compact(value: Any) -> str:
    """JSON without spaces, key order kept."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def rounded(value: float) -> float | int:
    """`value` with three significant digits; whole numbers come back as int, so that JSON writes no ".0"."""
    if value == 0 or not math.isfinite(value):
        return 0
    short = float(f"{value:.{DIGITS - 1}e}")
    return int(short) if short.is_integer() else short


def _kinds(sub: Any) -> list[str]:
    if not isinstance(sub, Mapping):
        return ["any"]
    if "const" in sub or "enum" in sub:
        values = [sub["const"]] if "const" in sub else sub["enum"]
        return [value if isinstance(value, str) else compact(value) for value in values]
    kind = sub.get("type", "any")
    return ["true", "false"] if kind == "boolean" else [kind] if isinstance(kind, str) else list(kind)


def _branches(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema with its own properties, then the branches of its anyOf and oneOf, one level deep."""
    own = [schema] if schema.get("properties") else []
    return own + [branch for key in ("anyOf", "oneOf") for branch in schema.get(key, ()) if isinstance(branch, Mapping)]


def _turn(call: ToolCall, result: ToolResult) -> str:
    answer = result.text if result.is_error or not result.content else compact(dict(result.content))
    line = f"{call.name}({compact(dict(call.arguments))}) -> {answer}"
    half = _TURN_CHARACTERS // 2
    return line if len(line) <= _TURN_CHARACTERS else line[:half] + CUT + line[-half:]


def _ordered(schema: Any, value: Any, brief: bool) -> Any:
    """`value` in the order of `schema`, numbers rounded; what the schema does not name comes last."""
    if not isinstance(schema, Mapping):
        schema = {}
    if isinstance(value, int | float) and not isinstance(value, bool):
        free = isinstance(value, float) or schema.get("type") == "number"
        return rounded(value) if free and not _listed(schema) else value
    if isinstance(value, list | tuple):
        return [_ordered(schema.get("items"), item, brief) for item in value]
    if not isinstance(value, Mapping):
        return value
    branch = _fitting(schema, value)
    named = branch.get("properties", {})
    required = branch.get("required", ())
    keep = [name for name in named if name in value and (name in required or not brief)]
    rest = [] if brief and named else [name for name in value if name not in named]
    return {name: _ordered(named.get(name), value[name], brief) for name in keep + rest}


def _write(value: Any) -> str:
    """Compact JSON in which no number has an exponent, since decoding writes none."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{compact(name)}:{_write(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else compact(value)


def _listed(schema: Mapping[str, Any]) -> bool:
    return "enum" in schema or "const" in schema


def _fitting(schema: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The branch of anyOf or oneOf whose fixed values `value` has and whose properties cover the most of it."""
    choices = _branches(schema) or [schema]

    def score(branch: Mapping[str, Any]) -> tuple[bool, int]:
        named = branch.get("properties", {})
        fits = all(_allows(named[name], item) for name, item in value.items() if name in named)
        fits = fits and all(name in value for name in branch.get("required", ()))
        return fits, sum(name in named for name in value)

    return max(choices, key=score)


def _allows(sub: Any, item: Any) -> bool:
    if not isinstance(sub, Mapping):
        return True
    if "const" in sub:
        return bool(sub["const"] == item)
    return item in sub["enum"] if "enum" in sub else True


def _inside(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int]:
    """Range of the tokens that lie wholly in `span`."""
    first = bisect_left(offsets, span[0], key=lambda pair: pair[0])
    return first, max(first, bisect_right(offsets, span[1], key=lambda pair: pair[1]))


def _shortened(prompt: Prompt, most: int) -> tuple[str, list[tuple[int, int]], list[tuple[int, int]]]:
    """Text without the middles of blocks longer than `most` characters, the spans in it, and the shifts that lead its
    offsets back, in order: (from this place of the original on, this many characters).
    """
    text, spans, shifts, removed = "", [], [], 0
    done = 0
    for start, end in prompt.spans.values():
        first = start - removed
        if end - start > most:
            place, length = start + most // 2, end - start - most
            text += prompt.text[done:place]
            done = place + length
            shifts.append((place, length))
            removed += length
        spans.append((first, end - removed))
    return text + prompt.text[done:], spans, shifts


def _cuts(sizes: Sequence[int], excess: int, mark: int) -> list[int] | None:
    """How many tokens each block keeps, its mark of `mark` tokens counted: the longest blocks are levelled down
    first. None when `excess` tokens cannot be saved.
    """

    def saved(level: int) -> int:
        return sum(max(0, size - max(level, mark)) for size in sizes)

    if saved(0) < excess:
        return None
    low, high = 0, max(sizes)
    while low < high:
        level = (low + high + 1) // 2
        low, high = (level, high) if saved(level) >= excess else (low, level - 1)
    return [min(size, max(low, mark)) for size in sizes]


def _cut(
    ids: list[int], offsets: list[tuple[int, int]], ranges: list[tuple[int, int]], keeps: list[int], mark: list[int]
) -> tuple[list[int], list[tuple[int, int]], list[tuple[int, int]]]:
    """Replace the middle of every range that is longer than it may be by the mark."""
    new_ids: list[int] = []
    new_offsets: list[tuple[int, int]] = []
    new_ranges: list[tuple[int, int]] = []
    done = 0
    for (start, end), keep in zip(ranges, keeps, strict=True):
        new_ids += ids[done:start]
        new_offsets += offsets[done:start]
        begin, done = len(new_ids), end
        left = end if keep == end - start else start + (keep - len(mark)) // 2
        right = left if keep == end - start else end - (keep - len(mark) - (left - start))
        new_ids += ids[start:left] + (mark if right > left else []) + ids[right:end]
        place = offsets[left - 1][1] if right > left and left > start else offsets[start][0] if right > left else 0
        new_offsets += offsets[start:left] + ([(place, place)] * len(mark) if right > left else []) + offsets[right:end]
        new_ranges.append((begin, len(new_ids)))
    return new_ids + ids[done:], new_offsets + offsets[done:], new_ranges
