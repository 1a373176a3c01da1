"""Constrained decoding: a result that follows the output schema, with probabilities where values are listed.

Guarantees: every result is compact JSON that the schema allows, and ends; text that the schema forces is appended,
never sampled; a field with listed values gets its exact distribution from one read of the prompt and, where values
share their first tokens, short reads more. Choices are greedy. Does not guarantee the most probable whole answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from base_gtm.bounded import bounded, subschemas
from base_gtm.digits import may_be_number, pick_number
from base_gtm.emptiness import without_end
from base_gtm.errors import ModelError, SpecError
from base_gtm.places import Place, allowed, distinct, locate, number_bounds, number_fits
from base_gtm.prompt import compact
from base_gtm.quantity import Digits, Estimate, read_number, tokens_of_digits
from base_gtm.schema import ToolSpec
from base_gtm.scoring import Prefix, Reader, Reads, Trie, tempered, with_prefixes
from base_gtm.tokenizer import encode_text

if TYPE_CHECKING:
    import torch

Found = TypeVar("Found")

MAX_TOKENS = 2048
"""A longer result is given up."""
_CLOSE_AFTER = 1024
"""From here on, what ends a value is preferred: only a schema that refers to itself gets this far."""
_CLOSE_SOON = 256
"""The same where nothing is to be empty: a list then ends with the item that it is at."""
_DEEP = 8
"""What ends a value is preferred too, an empty one with it, below so many keys and indices."""
_CLOSERS = ('"', "}", "]", "n", "nu", "null")
_BLAMED = 3
"""Places that the message about a schema names at most."""
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
    onward: tuple[Prefix, ...]
    """For each value that leaves something open, its commit and what the schema forces after it."""

    def ahead(self, most: int) -> tuple[Prefix, ...]:
        """What to read so as to know what follows each value as well; nothing where that is more than `most` tokens."""
        return self.onward if len(with_prefixes(self.onward)) <= most else ()


@dataclass(frozen=True)
class Opening:
    """How every result of a tool begins."""

    tokens: tuple[int, ...]
    """What the schema forces."""
    choice: Choice | None
    """The listed values after it; None where free text or a number follows, or nothing."""
    starts: tuple[int, ...]
    """Every token that may be the first."""


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

    @cached_property
    def _once(self) -> bool:
        """Whether the schema wants the items of some array but once."""
        return any(sub.get("uniqueItems") for _, sub in subschemas(self.spec.output_schema))

    def value(self, text: bytes) -> Any:
        """What a whole result says, without items that the schema wants but once."""
        found = json.loads(text)
        return distinct(self.spec.output_schema or {}, found) if self._once else found

    @cached_property
    def opening(self) -> Opening:
        """How every result begins."""
        writer = Writer(self)
        tokens = tuple(writer.force())
        starts = tokens[:1] or tuple(_allowed_tokens(self.pristine.deep_copy()).tolist())
        return Opening(tokens, None if writer.done() else writer.choice(), starts)


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
        patterns = [sub["pattern"] for _, sub in subschemas(schema) if "pattern" in sub]
        broken = {text for text in patterns if problem({"type": "string", "pattern": text})}
        where = _blamed(original, found, broken)
        line = f"{where}: " if where else ""
        raise SpecError(
            f"{spec.name}: outputSchema cannot be decoded: {line}{' '.join(found.split())[:160]}; "
            "leave the keyword out or say it otherwise"
        )
    text = LLMatcher.grammar_from_json_schema(json.dumps(schema), defaults={"whitespace_flexible": False})
    return Grammar(spec, schema, tokenizer, lltok, LLMatcher(lltok, text), tokens_of_digits(lltok))


def _blamed(schema: Mapping[str, Any], message: str, broken: Collection[str]) -> str:
    """The keywords of a schema that a message of the grammar's compiler is about, each with its place."""
    named = {key for key in re.findall(r'"([\w$]+)"', message) if "nimplemented" in message}
    named |= {"oneOf"} if message.startswith("oneOf") else set()
    places = [
        f"'{key}' at {place or '/'}"
        for place, sub in subschemas(schema)
        for key in sub
        if key in named or (key == "pattern" and sub[key] in broken)
    ]
    return ", ".join(places[:_BLAMED])


class Writer:
    """A result being written: the matcher, the tokens, the text. Mutable."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.matcher = grammar.pristine.deep_copy()
        self.text = b""
        self.tokens: list[int] = []
        self.known: dict[Prefix, torch.Tensor] = {}
        """Logits [vocabulary] after continuations of what is written; with each, after its beginnings."""

    def take(self, tokens: Sequence[int]) -> list[int]:
        """Consume tokens; returns them. The end token leaves no text."""
        if tokens and not self.matcher.consume_tokens(list(tokens)):
            raise ModelError(f"{self.grammar.spec.name}: decoding stopped: {self.matcher.get_error()[:160]}")
        self.text += b"".join(self.bytes_of(token) for token in tokens)
        self.tokens += tokens
        taken = tuple(tokens)
        self.known = {path[len(taken) :]: row for path, row in self.known.items() if path[: len(taken)] == taken}
        return list(tokens)

    def look(self, paths: Sequence[Prefix] = (), ahead: Sequence[Prefix] = ()) -> Reads[dict[Prefix, torch.Tensor]]:
        """Logits after what is written and after `paths` with their beginnings; read, with `ahead`, unless known."""
        wanted = ((), *with_prefixes(tuple(paths)))
        if not all(path in self.known for path in wanted):
            self.known |= yield (*paths, *ahead)
        return {path: self.known[path] for path in wanted}

    def through(self, reads: Reads[Found]) -> Reads[Found]:
        """What a generator of reads comes to, which is not asked for what is known."""
        try:
            paths = next(reads)
            while True:
                paths = reads.send((yield from self.look(paths)))
        except StopIteration as done:
            return done.value

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
        if place is None or bounds is None or self._may_end(place):
            return None
        inside = next((text for text in ("1", "0", "0.5", "-1") if number_fits(schema, place, float(text))), None)
        ended = self.matcher.deep_copy()
        if inside is None or not ended.consume_tokens(self._encoded(inside)):
            return None
        ends = tuple(int(token) for token in _allowed_tokens(ended) if self._ends(int(token)))
        fits = partial(number_fits, schema, place)
        return Digits(".".join(map(str, place.path)), self.grammar.digit_tokens, ends, bounds, fits)

    def _may_end(self, place: Place) -> bool:
        """Whether a list may end here, empty."""
        return not place.partial and self.matcher.validate_tokens(self._encoded("]")) == 1

    def _ends(self, token: int) -> bool:
        return self.bytes_of(token)[:1] in (b",", b"}", b"]", b"")

    def _choice(self) -> Choice | None:
        forced = bytes(self.matcher.compute_ff_bytes())
        place = locate((self.text + forced).decode("utf-8", "replace"))
        if place is None:
            return None
        values = allowed(self.grammar.schema, place)
        if values is None or self._may_end(place):
            return None
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
        onward = tuple(path for path in map(self._onward, commits) if path)
        return Choice(".".join(map(str, place.path)), names, Trie.of(rows), commits, onward)

    def _onward(self, commit: Sequence[int]) -> Prefix:
        """Tokens and what the schema forces after them; none where that is the end."""
        matcher = self.matcher.deep_copy()
        if not matcher.consume_tokens(list(commit)) or matcher.is_stopped():
            return ()
        path = (*commit, *matcher.compute_ff_tokens())
        matcher.consume_tokens(list(path[len(commit) :]))
        return () if matcher.is_stopped() else path

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
    grammar: Grammar, model: Any, ids: Sequence[int], *, temperature: float = 1.0, empty_above: float = 0.5
) -> Decoded:
    """Write a result after the prompt `ids`; options as for `writing`."""
    text = list(ids)
    return Reader(model, text).answer(writing(grammar, text, temperature=temperature, empty_above=empty_above))


def writing(
    grammar: Grammar,
    ids: list[int],
    *,
    temperature: float = 1.0,
    known: Mapping[Prefix, torch.Tensor] | None = None,
    ahead: int = 0,
    empty_above: float = 0.5,
) -> Reads[Decoded]:
    """Write a result after the prompt `ids`, which it is appended to.

    `known`: logits after the grammar's opening and continuations of it. `ahead`: tokens that may be read beside a
    listed choice, to know what follows it without another read; worth it where a read costs more than tokens do.
    `empty_above`: probability of an empty text, list or map above which it is empty.
    """
    writer = Writer(grammar)
    ids += writer.force()
    writer.known |= known or {}
    distributions: dict[str, dict[str, float]] = {}
    estimates: dict[str, Estimate] = {}
    confidence: float | None = None
    free: list[float] = []
    while not writer.done():
        choice = writer.choice()
        if choice:
            logs = choice.trie.log_probabilities((yield from writer.look(choice.trie.paths, choice.ahead(ahead))))
            best = max(range(len(logs)), key=logs.__getitem__)
            chances = tempered(logs, temperature)
            distributions[choice.field] = dict(zip(choice.names, chances, strict=True))
            confidence = chances[best] if confidence is None else confidence
            ids += writer.take(choice.commits[best])
        elif not (yield from _write_number(writer, ids, estimates, ahead)):
            token, log = _free_token(writer, (yield from writer.look())[()], empty_above)
            free.append(log)
            ids += writer.take([token])
        ids += writer.force()
        if len(writer.tokens) > MAX_TOKENS:
            raise ModelError(f"{grammar.spec.name}: no end after {MAX_TOKENS} tokens; bound the output schema's depth")
    if confidence is None:
        confidence = math.exp(sum(free) / len(free)) if free else 1.0
    return Decoded(grammar.value(writer.text), distributions, estimates, confidence, len(writer.tokens))


def _write_number(writer: Writer, ids: list[int], estimates: dict[str, Estimate], ahead: int) -> Reads[bool]:
    """Write the median with what ends it: after the digits that were read, those that the masses around it tell. A
    whole part that was too unlikely to be read on ends where it may, since it counts as the number it shows.

    False, and nothing is written, where no number begins or none can be read as a distribution.
    """
    digits = writer.number()
    median, estimate = (yield from writer.through(read_number(digits, ahead))) if digits else (None, None)
    if digits is None or median is None or estimate is None or not writer.takes(median.path):
        return False
    estimates[digits.name] = estimate
    ids += writer.take(median.path)
    text = median.text
    ended = median.exact or ("." not in text and bool(digits.following(text)[1]))
    while not ended:
        grown, ends = digits.following(text)
        told = digits.towards(text, estimate.median) if "." in text else ()
        token = yield from _likeliest(writer, [token for token in told or (*grown, *ends) if writer.takes([token])])
        if token is None or token in ends:
            break
        ids += writer.take([token])
        text += digits.tokens[token]
    token = yield from _likeliest(writer, [token for token in digits.ends if writer.takes([token])])
    ids += writer.take([] if token is None else [token])
    return True


def _likeliest(writer: Writer, options: Sequence[int]) -> Reads[int | None]:
    """The option with the largest logit; where there is only one, the model is not asked."""
    if len(options) < 2:
        return options[0] if options else None
    return options[int((yield from writer.look())[()][list(options)].argmax())]


def first_choice(grammar: Grammar) -> Choice:
    """The first listed values of a result. Raises SpecError where free text comes first."""
    if grammar.opening.choice is None:
        raise SpecError(
            f"{grammar.spec.name}: the first output field lists no values to decide between; "
            "put an enum or a boolean first, or ask for the whole answer"
        )
    return grammar.opening.choice


def _allowed_tokens(matcher: Any) -> Any:
    """The tokens that the grammar allows next, a numpy array."""
    import numpy as np

    mask = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    return np.nonzero(np.unpackbits(mask, bitorder="little"))[0]


def _free_token(writer: Writer, logits: torch.Tensor, empty_above: float) -> tuple[int, float]:
    """The most probable token that the grammar and the bounds on numbers allow, with its log probability."""
    import torch

    some = _allowed_tokens(writer.matcher)
    some = some[some < logits.shape[-1]]
    if not len(some):
        raise ModelError(f"{writer.grammar.spec.name}: decoding stopped where no token is allowed")
    options = torch.from_numpy(some).to(logits.device)
    logs = torch.log_softmax(logits[options].double(), -1)
    place = locate(writer.text.decode("utf-8", "replace"))
    deep = place is not None and len(place.path) > _DEEP
    closing = deep or len(writer.tokens) > (_CLOSE_AFTER if empty_above < 1 else _CLOSE_SOON)
    if not deep or (place is not None and place.partial == '"'):
        logs = without_end(writer.grammar.lltokenizer, writer.text, place, some, logs, empty_above)
    pick = int(logs.argmax())
    if closing and not (place and place.partial[:1] in set("-0123456789")):
        rank = {text.encode(): place for place, text in enumerate(_CLOSERS)}
        order = torch.argsort(logs, descending=True, stable=True)[: int(logs.isfinite().sum())].tolist()
        pick = min(order, key=lambda at: rank.get(writer.bytes_of(int(some[at])), len(rank)))
    elif place is not None and may_be_number(place):
        order = torch.argsort(logs, descending=True, stable=True).tolist()
        pick = pick_number(writer, place, [(at, int(some[at])) for at in order])
    return int(some[pick]), float(logs[pick])
