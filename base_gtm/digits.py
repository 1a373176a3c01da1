"""Numbers while they are being written: short ones only, and always with an end.

Guarantees: a number of type "number" keeps three significant digits and has no exponent; a whole number keeps twelve
digits; it ends only within its bounds. Where the grammar leaves no such number, it ends as soon as the grammar lets it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol

from base_gtm.places import Place, number_fits, whole_number
from base_gtm.prompt import DIGITS
from base_gtm.tokenizer import encode_text

_INTEGER_DIGITS = 12
_ZEROS = 12
_WAY_OUT = 3
_STATES = 2000
_ENDS = (",", "}", "]")


class Writing(Protocol):
    """A result that is being written."""

    @property
    def grammar(self) -> Any:
        """The compiled schema with its tokenizer."""

    @property
    def matcher(self) -> Any:
        """llguidance's matcher, where the result stands."""

    def bytes_of(self, token: int) -> bytes:
        """The token's bytes."""


def may_be_number(place: Place) -> bool:
    """Whether a number stands at the place, or may begin there."""
    return not place.partial or bool(re.match(r"-?\d|-$", place.partial))


def pick_number(writer: Writing, place: Place, ranked: Sequence[tuple[int, int]]) -> int:
    """Index of the first of the ranked (index, token) that keeps a number short; where none does, of one that ends it.

    Of a value that begins as none, simply the first.
    """
    schema = writer.grammar.schema
    whole = whole_number(schema, place)
    enders: list[int] = []
    for index, token in ranked:
        text = writer.bytes_of(token).decode("utf-8", "replace")
        head = re.split(r"[,}\]]", text, maxsplit=1)[0]
        written = place.partial + head
        if not re.match(r"-?\d|-", written):
            return index
        ends = head != text or not text
        if ends and not (re.search(r"\d$", written) and number_fits(schema, place, float(written))):
            continue
        if short_number(written, whole):
            return index
        if ends:
            enders.append(index)
    if enders:
        return enders[0]
    index_of = {token: index for index, token in reversed(ranked)}
    ends_with = [encode_text(writer.grammar.tokenizer, text) for text in _ENDS]
    return index_of.get(_way_out(writer.matcher, [token for _, token in ranked], ends_with) or -1, ranked[0][0])


def short_number(text: str, whole: bool) -> bool:
    """Whether a number's text, perhaps unfinished, stays within three significant digits and has no exponent.

    Whole numbers (type "integer") may have twelve digits: a count or a year is not rounded.
    """
    found = re.fullmatch(r"-?(\d*)(\.(\d*))?", text)
    if found is None:
        return False
    before, point, after = found[1], found[2], found[3] or ""
    if whole:
        return len(before) <= _INTEGER_DIGITS and point is None
    if point is None:
        return len(before) <= _INTEGER_DIGITS and len(before.rstrip("0")) <= DIGITS
    significant = (before + after).lstrip("0")
    if not after:
        return len(significant) < DIGITS
    zeros = len(after) - len(after.lstrip("0"))
    return len(significant) <= DIGITS and zeros <= _ZEROS


def _way_out(matcher: Any, tokens: Sequence[int], ends: Sequence[Sequence[int]]) -> int | None:
    """The first token of the shortest way to a place where a number may end: a multiple of 7 cannot end anywhere.

    None when no way of a few tokens leads there.
    """
    frontier: list[tuple[int | None, Any]] = [(None, matcher)]
    for _ in range(_WAY_OUT):
        further: list[tuple[int | None, Any]] = []
        for first, state in frontier:
            for token in tokens:
                if len(further) < _STATES and state.validate_tokens([token]):
                    copy = state.deep_copy()
                    copy.consume_token(token)
                    if copy.is_accepting() or any(copy.validate_tokens(list(end)) for end in ends):
                        return token if first is None else first
                    further.append((token if first is None else first, copy))
        frontier = further
    return None
