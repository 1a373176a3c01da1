"""A number as a distribution: the mass that the model gives to each interval of numbers, from few reads.

The beginnings of all likely numbers form a tree. Its nodes are read together, each seeing what comes before the number
and its own ancestors alone, so that one read tells the first two significant digits of every number below ten.

Guarantees: masses are those of constrained decoding digit by digit; a beginning too unlikely to read on is counted as
the number it shows. Works with any tokenizer: tokens of several digits are nodes as well. Does not read whole numbers
and multiples: those are decoded a token at a time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from base_gtm.digits import short_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from base_gtm.scoring import Prefix, Reads

UNLIKELY = 0.05
"""Share of the mass below which a beginning is not read on."""
_ROUNDS = 8
_BEGINNING = re.compile(r"-?((0|[1-9]\d*)(\.\d*)?)?")
_WHOLE = re.compile(r"-?\d+(\.\d+)?")
_AT_ONCE = tuple(f"{head}{digit}" for head in ("", "0.", "0.0", "0.00") for digit in range(10))
"""Read in the first round, however unlikely: the way to two digits of nearly every number below ten."""


@dataclass(frozen=True)
class Estimate:
    """A number with its spread under the model."""

    median: float
    low: float
    """A tenth of the mass lies below."""
    high: float
    """A tenth of the mass lies above."""


@dataclass(frozen=True)
class Digits:
    """How the numbers of one field are written with one tokenizer. Remembers what it found out."""

    name: str
    """Dotted path of the field."""
    tokens: Mapping[int, str]
    """Tokens of digits, point and sign alone, and their texts."""
    ends: tuple[int, ...]
    """Tokens that end a number here."""
    bounds: tuple[float, float]
    fits: Callable[[float], bool]
    """Whether a finished number keeps the schema's bounds."""
    _known: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)

    def following(self, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tokens that may go on a number that begins so, and those that may end it."""
        if text not in self._known:
            grown = tuple(token for token, more in self.tokens.items() if self._begins(text + more))
            whole = _WHOLE.fullmatch(text) and self.fits(float(text))
            self._known[text] = grown, self.ends if whole else ()
        return self._known[text]

    @cached_property
    def columns(self) -> Mapping[int, int]:
        """Every token that a number or its end has -> its place among them."""
        return {token: at for at, token in enumerate(dict.fromkeys((*self.tokens, *self.ends)))}

    @cached_property
    def at_once(self) -> tuple[Prefix, ...]:
        """Beginnings to read in the first round, in tokens of one character."""
        single = {text: token for token, text in self.tokens.items() if len(text) == 1}
        texts = [text for text in _AT_ONCE if self._begins(text) and all(letter in single for letter in text)]
        return tuple(tuple(single[letter] for letter in text) for text in texts)

    def _begins(self, text: str) -> bool:
        """Whether a number within the bounds may begin so."""
        low, high = self.bounds
        if text == "-":
            return low < 0
        if not text or not _BEGINNING.fullmatch(text) or not short_number(text, whole=False):
            return False
        number = float(text)
        return low <= number if text.startswith("-") else number <= high


@dataclass
class Beginning:
    """Numbers that begin alike."""

    text: str
    path: Prefix
    """Its tokens."""
    mass: float
    read: bool = False
    exact: bool = False
    """Whether the number ended here."""

    @property
    def resolved(self) -> bool:
        """Whether the order of magnitude and two significant digits are known, or all of them."""
        return self.exact or ("." in self.text and len(self.text.replace("-", "").replace(".", "").lstrip("0")) >= 2)

    @property
    def number(self) -> float:
        return float(self.text)

    def inside(self, share: float) -> float:
        """The number below which that share of these lies, were they spread evenly."""
        if self.exact or "." not in self.text:
            return self.number
        width = 10.0 ** -len(self.text.partition(".")[2])
        return self.number + (share - 1 if self.text.startswith("-") else share) * width


def read_number(digits: Digits) -> Reads[tuple[Beginning | None, Estimate | None]]:
    """The beginning in which the median lies, and the distribution's summary; nothing where no number can be written.

    The text stands before the number and stays there.
    """
    import torch

    known: dict[Prefix, Beginning] = {(): Beginning("", (), 1.0)}
    ended: list[Beginning] = []
    wanted: Sequence[Prefix] = digits.at_once
    for _ in range(_ROUNDS):
        rows = yield wanted
        logits = torch.stack(list(rows.values()))[:, list(digits.columns)].double().cpu().numpy()
        for path, row in zip(rows, logits, strict=True):
            if path in known and not known[path].read:
                _expand(known[path], row, digits, known, ended)
        found = [one for one in (*ended, *known.values()) if one.mass > 0 and one.text not in ("", "-")]
        if not found:
            return None, None
        found.sort(key=lambda one: one.number)
        (_, low), (median, middle), (_, high) = (_quantile(found, share) for share in (0.1, 0.5, 0.9))
        likely = [one for one in known.values() if one.mass >= UNLIKELY]
        wanted = [one.path for one in (*likely, median) if not one.read and not one.resolved]
        if not wanted:
            break
    return median, Estimate(middle, low, high)


def _expand(
    one: Beginning, logits: NDArray, digits: Digits, known: dict[Prefix, Beginning], ended: list[Beginning]
) -> None:
    """Hand a beginning's mass on to what may follow it; `logits`, of `digits.columns`, come after it."""
    import numpy

    grown, ends = digits.following(one.text)
    one.read = True
    if not grown and not ends:
        return
    allowed = logits[[digits.columns[token] for token in (*grown, *ends)]]
    shares = numpy.exp(allowed - allowed.max())
    masses = (shares * (one.mass / shares.sum())).tolist()
    for token, mass in zip(grown, masses, strict=False):
        path = (*one.path, token)
        known[path] = Beginning(one.text + digits.tokens[token], path, mass)
    if ends:
        ended.append(Beginning(one.text, one.path, sum(masses[len(grown) :]), exact=True))
    one.mass = 0.0


def _quantile(found: Sequence[Beginning], share: float) -> tuple[Beginning, float]:
    """Where that share of the mass is reached, in beginnings sorted by number."""
    left = share * sum(one.mass for one in found)
    for one in found:
        if one.mass >= left:
            return one, one.inside(left / one.mass)
        left -= one.mass
    return found[-1], found[-1].inside(1.0)


def tokens_of_digits(lltokenizer: Any) -> dict[int, str]:
    """A vocabulary's tokens of digits, at most one point and a leading sign, and their texts."""
    found = {}
    for token in range(lltokenizer.vocab_size):
        text = b"" if lltokenizer.is_special_token(token) else bytes(lltokenizer.decode_bytes([token]))
        if re.fullmatch(rb"-?[0-9]*\.?[0-9]*", text) and text:
            found[token] = text.decode()
    return found
