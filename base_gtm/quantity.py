"""A number as a distribution: the mass that the model gives to each interval of numbers, from few reads.

The beginnings of all likely numbers form a tree. Those to read next are read together, each seeing what comes before
the number and its own ancestors alone; a likely whole part is read with its point, so that two reads tell two digits
of every likely number from one to ten.

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
from base_gtm.scoring import Prefix, Reads, with_prefixes

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNLIKELY = 0.05
"""Share of the mass below which a beginning is not read on."""
_ROUNDS = 10
_BEGINNING = re.compile(r"-?((0|[1-9]\d*)(\.\d*)?)?")
_WHOLE = re.compile(r"-?\d+(\.\d+)?")


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
            zero = text.startswith("-") and not float(text + "0")  # a minus before nothing
            whole = _WHOLE.fullmatch(text) and not zero and self.fits(float(text))
            self._known[text] = grown, self.ends if whole else ()
        return self._known[text]

    @cached_property
    def columns(self) -> Mapping[int, int]:
        """Every token that a number or its end has -> its place among them."""
        return {token: at for at, token in enumerate(dict.fromkeys((*self.tokens, *self.ends)))}

    def onward(self, text: str, path: Prefix) -> Prefix:
        """What to read of a likely beginning: its tokens, and the point after a whole part."""
        grown, _ = self.following(text)
        return (*path, *[token for token in grown if self.tokens[token] == "."][:1])

    def children(self, text: str, path: Prefix) -> list[Prefix]:
        """What to read to know two digits more: each further digit, and the point after it."""
        grown = [(token, self.tokens[token]) for token in self.following(text)[0]]
        return [self.onward(text + more, (*path, token)) for token, more in grown if len(more) == 1 and more != "."]

    def towards(self, text: str, number: float) -> tuple[int, ...]:
        """The token that goes on a text with a point to a number that begins so; its ends where it is said already."""
        grown, ends = self.following(text)
        rest = (abs(number) - abs(float(text))) * 10 ** (len(text.partition(".")[2]) + 1)
        digit = min(9, max(0, int(rest + 1e-6)))
        if digit == 0 and ends:
            return ends
        return tuple(token for token in grown if self.tokens[token] == str(digit))

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

    @cached_property
    def number(self) -> float:
        return float(self.text)

    def inside(self, share: float) -> float:
        """The number below which that share of these lies, were they spread evenly."""
        if self.exact or "." not in self.text:
            return self.number
        width = 10.0 ** -len(self.text.partition(".")[2])
        return self.number + (share - 1 if self.text.startswith("-") else share) * width


def read_number(digits: Digits, ahead: int = 0) -> Reads[tuple[Beginning | None, Estimate | None]]:
    """The beginning in which the median lies, and the distribution's summary; nothing where no number can be written.

    The text stands before the number and stays there. `ahead`: tokens that may be read in one go before it is known
    whether they are likely; the more, the fewer reads, for the same masses.
    """
    import torch

    known: dict[Prefix, Beginning] = {(): Beginning("", (), 1.0)}
    ended: list[Beginning] = []
    seen: dict[Prefix, torch.Tensor] = {}
    unread = [known[()]]
    for _ in range(_ROUNDS):
        if not all(one.path in seen for one in unread):
            seen |= yield _wanted(digits, unread, ahead)
        rows = torch.stack([seen[one.path] for one in unread])[:, list(digits.columns)].double().cpu().numpy()
        for one, row in zip(unread, rows, strict=True):
            _expand(one, row, digits, known, ended)
        found = [one for one in (*ended, *known.values()) if one.mass > 0 and one.text not in ("", "-")]
        if not found:
            return None, None
        (_, low), (median, middle), (_, high) = _quantiles(found, (0.1, 0.5, 0.9))
        # An unlikely whole part of which more digits may come is left: reading it on would hand its mass to larger
        # numbers and the median to its neighbour, one after another.
        likely = [one for one in known.values() if one.mass >= UNLIKELY or (one is median and "." in one.text)]
        unread = [one for one in likely if not one.read and not one.resolved]
        if not unread:
            break
    least, most = digits.bounds
    return median, Estimate(*(min(max(number, least), most) for number in (middle, low, high)))


def _wanted(digits: Digits, unread: Sequence[Beginning], ahead: int) -> list[Prefix]:
    """What to read of some beginnings, and of what may follow the likeliest of them."""
    paths = [digits.onward(one.text, one.path) for one in unread]
    for one in sorted(unread, key=lambda one: one.mass, reverse=True) if ahead else ():
        more = [*paths, *digits.children(one.text, one.path)]
        if len(with_prefixes(tuple(more))) > ahead:
            break
        paths = more
    return paths


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


def _quantiles(found: Sequence[Beginning], shares: Sequence[float]) -> list[tuple[Beginning, float]]:
    """For each share, where that much of the mass is reached: the beginning, and the number."""
    import numpy

    numbers, masses = (numpy.array([getattr(one, name) for one in found]) for name in ("number", "mass"))
    order = numpy.argsort(numbers, kind="stable")
    reached = numpy.cumsum(masses[order])
    places = numpy.searchsorted(reached, [share * reached[-1] for share in shares]).clip(max=len(found) - 1)
    chosen = [found[order[place]] for place in places]
    return [
        (one, one.inside(float(1 - min(1.0, (reached[place] - share * reached[-1]) / one.mass))))
        for one, place, share in zip(chosen, places, shares, strict=True)
    ]


def tokens_of_digits(lltokenizer: Any) -> dict[int, str]:
    """A vocabulary's tokens of digits, at most one point and a leading sign, and their texts."""
    found = {}
    for token in range(lltokenizer.vocab_size):
        text = b"" if lltokenizer.is_special_token(token) else bytes(lltokenizer.decode_bytes([token]))
        if re.fullmatch(rb"-?[0-9]*\.?[0-9]*", text) and text:
            found[token] = text.decode()
    return found
