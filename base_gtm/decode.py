"""Constrained decoding: a result that follows the output schema, with probabilities where values are listed.

Guarantees: every result is compact JSON that the schema allows, and ends; text that the schema forces is appended,
never sampled; a field with listed values gets its exact distribution from one read of the prompt and, where values
share their first tokens, short reads more. Choices are greedy. Does not guarantee the most probable whole answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from base_gtm.bounded import bounded
from base_gtm.digits import pick_number
from base_gtm.errors import ModelError, SpecError
from base_gtm.places import allowed, locate, number_bounds, number_fits
from base_gtm.prompt import compact
from base_gtm.quantity import Digits, Estimate, read_number, tokens_of_digits
from base_gtm.schema import ToolSpec
from base_gtm.scoring import Reader, Reads, Trie, tempered
from base_gtm.tokenizer import encode_text

if TYPE_CHECKING:
    import torch

Found = TypeVar("Found")

MAX_TOKENS = 2048
"""A longer result is given up."""
_CLOSE_AFTER = 1024
"""From here on, what ends a value is preferred: only a schema that refers to itself gets this far."""
_CLOSERS = ('"', "}", "]", "n", "nu", "null")
_TAILS = (',"', "}", "]", ",", "")
_FREE_TEXT: Mapping[str, Any] = {"type": "string", "maxLength": 1024}
"""Output schema of a tool that answers in free text."""


@dataclass(frozen=True)
class Choice:
    """A place with listed values: what they are and how they are written in tokens."""

    field: str
    """Dotted path."""
    names: tuple[str, ...]
    """Strings as they are, other values as JSON."""
    trie: Trie
    commits: tuple[tuple[int, ...], ...]
    """For each value the first tokens of its sequence, as many as leave no other value possible."""


@dataclass
class Grammar:
    """A spec's output schema, compiled for one tokenizer. Caches what every call of the tool meets."""

    spec: ToolSpec
    schema: Mapping[str, Any]
    """The bounded schema."""
    tokenizer: Any
    lltokenizer: Any
    pristine: Any
    """Matcher before the first token."""
    digit_tokens: Mapping[int, str]
    """Tokens that numbers are written with, and their texts."""
    choices: dict[bytes, Choice | None] = field(default_factory=dict)
    """Text so far -> the choice that follows it."""
    numbers: dict[bytes, Digits | None] = field(default_factory=dict)
    """Text so far -> how the number that follows it is written."""


@dataclass(frozen=True)
class Decoded:
    """What was decoded."""

    value: Any
    """The parsed JSON."""
    distributions: Mapping[str, Mapping[str, float]]
    """Field -> value -> probability, given the fields before it as chosen."""
    estimates: Mapping[str, Estimate]
    """Field -> median and spread, for every number that was read as a distribution."""
    confidence: float
    """Probability of the value chosen for the first field with listed values, else the mean token's."""
    tokens: int
    """Tokens of the result, forced ones included."""
    extra: torch.Tensor | None = None
    """Logits at the prompt positions that were asked for."""


def lltokenizer(tokenizer: Any, vocabulary: int) -> Any:
    """llguidance's view of the tokenizer; `vocabulary` is the width of the model's logits."""
    from llguidance.hf import from_tokenizer

    try:
        return from_tokenizer(tokenizer, n_vocab=max(vocabulary, len(tokenizer)))
    except Exception as error:
        raise ModelError(f"the tokenizer cannot be used for constrained decoding: {str(error)[:160]}") from None


def compile_grammar(spec: ToolSpec, tokenizer: Any, lltok: Any, *, brief: bool = True) -> Grammar:
    """Compile the output schema. Raises SpecError naming the keyword that decoding cannot honour."""
    from llguidance import LLMatcher

    def problem(schema: Mapping[str, Any]) -> str:
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_flexible": False})
        failed, messages = LLMatcher.validate_grammar_with_warnings(grammar, lltok)
        return "; ".join(messages) if failed else ""

    original = _FREE_TEXT if spec.output_schema is None else spec.output_schema
    schema = bounded(original, brief=brief, compiles=lambda sub: not problem(sub))
    found = problem(schema)
    if found:
        line = re.sub(r"\s+", " ", found)[:200]
        raise SpecError(
            f"{spec.name}: outputSchema cannot be decoded: {line}; leave the keyword out or say it otherwise"
        )
    text = LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_flexible": False})
    return Grammar(spec, schema, tokenizer, lltok, LLMatcher(lltok, text), tokens_of_digits(lltok))


class Writer:
    """A result being written: the matcher, the tokens, the text. Mutable."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.matcher = grammar.pristine.deep_copy()
        self.text = b""
        self.tokens: list[int] = []

    def take(self, tokens: Sequence[int]) -> list[int]:
        """Consume tokens; returns them. The end token leaves no text."""
        if tokens and not self.matcher.consume_tokens(list(tokens)):
            raise ModelError(f"{self.grammar.spec.name}: decoding stopped: {self.matcher.get_error()[:160]}")
        self.text += b"".join(self.bytes_of(token) for token in tokens)
        self.tokens += tokens
        return list(tokens)

    def bytes_of(self, token: int) -> bytes:
        """The token's bytes; none for a special token."""
        lltok = self.grammar.lltokenizer
        return b"" if lltok.is_special_token(token) else bytes(lltok.decode_bytes([token]))

    def takes(self, tokens: Sequence[int]) -> bool:
        """Whether the grammar allows these tokens next."""
        return bool(self.matcher.validate_tokens(list(tokens)) == len(tokens))

    def force(self) -> list[int]:
        """Append what the schema forces; returns the tokens."""
        return self.take(self.matcher.compute_ff_tokens()) if not self.done() else []

    def done(self) -> bool:
        """Whether the result is complete and nothing may follow."""
        return bool(self.matcher.is_stopped())

    def choice(self) -> Choice | None:
        """The listed values at this place, None where there are none or only one may follow."""
        return _kept(self.grammar.choices, self.text, self._choice)

    def number(self) -> Digits | None:
        """How the number at this place is written; None where none begins, or one that must be whole or a multiple."""
        return _kept(self.grammar.numbers, self.text, self._number)

    def _number(self) -> Digits | None:
        schema = self.grammar.schema
        place = locate(self.text.decode("utf-8", "replace"))
        bounds = None if place is None or place.partial else number_bounds(schema, place)
        if place is None or bounds is None:
            return None
        inside = next((text for text in ("1", "0", "0.5", "-1") if number_fits(schema, place, float(text))), None)
        ended = self.matcher.deep_copy()
        if inside is None or not ended.consume_tokens(self._encoded(inside)):
            return None
        ends = tuple(int(token) for token in _allowed_tokens(ended) if self._ends(int(token)))
        fits = partial(number_fits, schema, place)
        return Digits(".".join(map(str, place.path)), self.grammar.digit_tokens, ends, bounds, fits)

    def _ends(self, token: int) -> bool:
        return self.bytes_of(token)[:1] in (b",", b"}", b"]", b"")

    def _choice(self) -> Choice | None:
        forced = bytes(self.matcher.compute_ff_bytes())
        place = locate((self.text + forced).decode("utf-8", "replace"))
        if place is None:
            return None
        values = allowed(self.grammar.schema, place)
        if values is None or (not place.partial and self.matcher.validate_tokens(self._encoded("]")) == 1):
            return None  # an array may end here instead
        rows: dict[tuple[int, ...], Any] = {}
        for value in values:
            written = compact(value)
            if written.startswith(place.partial):
                rest = forced.decode("utf-8", "replace") + written[len(place.partial) :]
                row = self._row(rest)
                if row:
                    rows[row] = value
        if len(rows) < 2:
            return None
        names = tuple(value if isinstance(value, str) else compact(value) for value in rows.values())
        if len(set(names)) < len(names):  # "1" beside 1
            names = tuple(compact(value) for value in rows.values())
        commits = tuple(self._commit(row, list(rows)) for row in rows)
        return Choice(".".join(map(str, place.path)), names, Trie.of(rows), commits)

    def _commit(self, row: tuple[int, ...], rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """By text, not by token: after the token "c" the grammar would still take "orrect" in other pieces."""
        others = [b"".join(map(self.bytes_of, other)) for other in rows if other != row]
        text = b""
        for at, token in enumerate(row):
            text += self.bytes_of(token)
            if not any(other.startswith(text) for other in others):
                return row[: at + 1]
        return row

    def _row(self, rest: str) -> tuple[int, ...]:
        """Tokens of the rest of a value, with what ends it; empty where the grammar does not allow it."""
        for tail in _TAILS:
            row = self._encoded(rest + tail)
            if row and self.matcher.validate_tokens(row) == len(row):
                return (*row, self.grammar.tokenizer.eos_token_id) if not tail else tuple(row)
        return ()

    def _encoded(self, text: str) -> list[int]:
        return encode_text(self.grammar.tokenizer, text)


def _kept(cache: dict[bytes, Found], text: bytes, find: Callable[[], Found]) -> Found:
    """What `find` gives for a text, remembered: the calls of a tool meet the same texts again and again."""
    if text not in cache:
        if len(cache) > 4096:
            cache.clear()
        cache[text] = find()
    return cache[text]


def decode(
    grammar: Grammar, model: Any, ids: Sequence[int], *, temperature: float = 1.0, also: Sequence[int] = ()
) -> Decoded:
    """Write a result after the prompt `ids`. `also`: prompt positions whose logits are handed back."""
    reader = Reader(model, list(ids))
    forced, choice = _start(grammar)
    reader.ids += forced
    logs, extra = reader.score(choice.trie if choice else Trie.of([]), also)
    del reader.ids[len(ids) :]  # they are read, and written once more by what follows
    done = reader.answer(writing(grammar, reader.ids, temperature=temperature, scored=logs if choice else None))
    return replace(done, extra=extra)


def writing(
    grammar: Grammar, ids: list[int], *, temperature: float = 1.0, scored: Sequence[float] | None = None
) -> Reads[Decoded]:
    """Write a result after the prompt `ids`, which it is appended to.

    `scored`: log probabilities of the first listed values, where they are known.
    """
    writer = Writer(grammar)
    ids += writer.force()
    distributions: dict[str, dict[str, float]] = {}
    estimates: dict[str, Estimate] = {}
    confidence: float | None = None
    free: list[float] = []
    while not writer.done():
        choice = writer.choice()
        if choice:
            if scored is None:
                scored = choice.trie.log_probabilities((yield choice.trie.paths))
            best = max(range(len(scored)), key=scored.__getitem__)
            chances = tempered(scored, temperature)
            distributions[choice.field] = dict(zip(choice.names, chances, strict=True))
            confidence = chances[best] if confidence is None else confidence
            ids += writer.take(choice.commits[best])
            scored = None
        elif not (yield from _write_number(writer, ids, estimates)):
            token, log = _free_token(writer, (yield ())[()])
            free.append(log)
            ids += writer.take([token])
        ids += writer.force()
        if len(writer.tokens) > MAX_TOKENS:
            raise ModelError(f"{grammar.spec.name}: no end after {MAX_TOKENS} tokens; bound the output schema's depth")
    if confidence is None:
        confidence = math.exp(sum(free) / len(free)) if free else 1.0
    return Decoded(json.loads(writer.text), distributions, estimates, confidence, len(writer.tokens))


def _write_number(writer: Writer, ids: list[int], estimates: dict[str, Estimate]) -> Reads[bool]:
    """Write a number with what ends it: the first digits of the median, then the likeliest further one.

    False, and nothing is written, where no number begins or none can be read as a distribution.
    """
    digits = writer.number()
    median, estimate = (yield from read_number(digits)) if digits else (None, None)
    if digits is None or median is None or estimate is None or not writer.takes(median.path):
        return False
    estimates[digits.name] = estimate
    ids += writer.take(median.path)
    text, ended = median.text, median.exact
    while not ended:
        grown, ends = digits.following(text)
        token = yield from _likeliest([token for token in (*grown, *ends) if writer.takes([token])])
        if token is None or token in ends:
            break
        ids += writer.take([token])
        text += digits.tokens[token]
    token = yield from _likeliest([token for token in digits.ends if writer.takes([token])])
    ids += writer.take([] if token is None else [token])
    return True


def _likeliest(options: Sequence[int]) -> Reads[int | None]:
    """The option with the largest logit; where there is only one, the model is not asked."""
    if len(options) < 2:
        return options[0] if options else None
    return options[int((yield ())[()][list(options)].argmax())]


def _start(grammar: Grammar) -> tuple[list[int], Choice | None]:
    """The tokens that every result begins with, and the listed values that follow them, where these do."""
    writer = Writer(grammar)
    tokens = writer.force()
    return tokens, None if writer.done() else writer.choice()


def first_choice(grammar: Grammar) -> tuple[list[int], Choice]:
    """The forced tokens before the first listed values, and those. Raises SpecError where free text comes first."""
    tokens, choice = _start(grammar)
    if choice is None:
        raise SpecError(
            f"{grammar.spec.name}: the first output field lists no values to decide between; "
            "put an enum or a boolean first, or ask for the whole answer"
        )
    return tokens, choice


def _allowed_tokens(matcher: Any) -> Any:
    """The tokens that the grammar allows next, a numpy array."""
    import numpy as np

    mask = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    return np.nonzero(np.unpackbits(mask, bitorder="little"))[0]


def _free_token(writer: Writer, logits: torch.Tensor) -> tuple[int, float]:
    """The most probable token that the grammar and the bounds on numbers allow, with its log probability."""
    import torch

    some = _allowed_tokens(writer.matcher)
    some = some[some < logits.shape[-1]]
    if not len(some):
        raise ModelError(f"{writer.grammar.spec.name}: decoding stopped where no token is allowed")
    options = torch.from_numpy(some).to(logits.device)
    logs = torch.log_softmax(logits[options].double(), -1)
    order = torch.argsort(logs, descending=True, stable=True).tolist()
    place = locate(writer.text.decode("utf-8", "replace"))
    pick = order[0]
    if len(writer.tokens) > _CLOSE_AFTER and not (place and place.partial[:1] in set("-0123456789")):
        rank = {text.encode(): place for place, text in enumerate(_CLOSERS)}
        pick = min(order, key=lambda at: rank.get(writer.bytes_of(int(options[at])), len(rank)))
    elif place is not None:
        pick = pick_number(writer, place, [(at, int(options[at])) for at in order])
    return int(options[pick]), float(logs[pick])
