"""The simulator: a call in, the tool's probable answer with its confidence out.

Guarantees: wrong arguments come back as the tool's own refusal without asking a model; any other result validates
against the spec's output schema, or is a refusal that the base finds more probable than its card allows for; the same
call, model and thread count give the same answer; a batch gives the verdicts of one call at a time. Does not know
whether its answer is true: calibration and the gate (package adapt) judge that.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.arguments import check, problems_of, validator
from base_gtm.decode import Decoded, Grammar, compile_grammar, first_choice, lltokenizer, writing
from base_gtm.errors import GtmError, ModelError
from base_gtm.model import Base, attach
from base_gtm.prompt import PROMPT_TOKENS, encode_call
from base_gtm.quantity import Estimate
from base_gtm.refusal import Refusal
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, canonical_json
from base_gtm.scoring import Batch, Reads, Shared, Trie, costs, forward, reading, shareable, tempered

if TYPE_CHECKING:
    import torch

_SURPRISE_POSITIONS = 128
"""Argument tokens whose likelihood is read at most: a large vocabulary makes every one of them dear."""
_BATCH_TOKENS = 16384
"""Padded tokens of one batch of decisions."""
_SHORT = 32
"""A common beginning of fewer tokens is not read apart."""
_AHEAD, _AHEAD_OF_MANY, _MANY = 24, 8, 8
"""Tokens of a row that may be read to save a read, and that of a row among many, where a read costs each row less."""


@dataclass(frozen=True)
class Request:
    """One call with what goes into its prompt."""

    call: ToolCall
    evidence: str = ""
    blocks: Sequence[tuple[str, str]] | None = None
    history: Sequence[tuple[ToolCall, ToolResult]] = ()
    """Earlier turns; the oldest give way where the prompt would be too long."""


@dataclass(frozen=True)
class Decision:
    """The distribution over the first output field, where that lists its values."""

    field: str
    """Its dotted path; empty where it lists none."""
    distribution: Mapping[str, float]
    """Value -> probability if the tool answers; empty when the arguments were refused, or nothing is listed."""
    surprise: float = 0.0
    """Mean negative log-likelihood of the argument tokens, in nats; NaN where the simulator was not to read it."""
    refusal: ToolResult | None = None
    """The tool's refusal of wrong arguments."""
    refusal_probability: float | None = None
    """Of the tool refusing the call; 1 for wrong arguments; None where the simulator was not to read it."""
    seconds: float = 0.0
    """Its share of reading the batch."""

    @property
    def value(self) -> str:
        """The most probable value; empty when refused, or where nothing is listed."""
        return max(self.distribution, key=self.distribution.__getitem__, default="")

    @property
    def confidence(self) -> float:
        """Its probability; 1 for a refusal, which is certain; 0 where only the whole answer tells."""
        return max(self.distribution.values(), default=float(self.refusal is not None))


@dataclass(frozen=True)
class Answer:
    """A simulated result."""

    result: ToolResult
    distributions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Output field -> value -> probability, for every field that lists its values and was not forced."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """Output field -> median and spread, for every number (not whole, not a multiple)."""
    confidence: float = 1.0
    """Probability of the first such field's value, else of the mean free token, or of the refusal; 1 for wrong
    arguments."""
    surprise: float = 0.0
    """Mean negative log-likelihood of the argument tokens under the model with its adapter, in nats; NaN where the
    simulator was not to read it."""
    seconds: float = 0.0
    """Wall time of the whole answer."""
    tokens: int = 0
    """Tokens of the result, forced ones included."""
    refusal_probability: float | None = None
    """Of the tool refusing the call; 1 for wrong arguments; None where the simulator was not to read it."""


class Simulator:
    """A base, perhaps with an adapter, answering calls of any spec. One at a time: not for several threads."""

    def __init__(
        self,
        base: Base,
        adapter: Path | None = None,
        max_prompt_tokens: int = PROMPT_TOKENS,
        *,
        refuse_above: float | None = None,
        prefixes: int = 0,
        share: bool = True,
        surprise: bool = True,
    ) -> None:
        """`refuse_above`: probability of a refusal above which a call is refused; 1 reads it and refuses nothing.

        Without it a base refuses as its card says, and one with an adapter, which knows its tool, nothing. A text, list
        or map is empty where an adapter finds that likelier than not, and never where a base can say something else.
        `prefixes`: how many beginnings of single calls, up to their last argument block, are kept read. With them a
        call that begins as one of the last did reads the rest alone, and any other is read in two parts.
        `share`: whether what all prompts of a batch begin with is read once. `surprise`: whether it is told how likely
        the arguments were, which costs up to a third of a read.
        """
        self.base = base
        self.model = base.model if adapter is None else attach(base, adapter)
        self.max_prompt_tokens = max_prompt_tokens
        self.refuse_above = base.refusal_threshold if refuse_above is None and adapter is None else refuse_above
        self.empty_above = 1.0 if adapter is None else 0.5
        self.prefixes, self.share, self.surprise = prefixes, share, surprise
        self._shared: dict[tuple[tuple[int, ...], tuple[int, ...]], Shared] = {}
        self._lltokenizer = lltokenizer(base.tokenizer, base.model.config.vocab_size)
        self._grammars: dict[tuple[str, str, bool], Grammar] = {}
        self._refusals = None if self.refuse_above is None else Refusal.of(base.tokenizer, self._lltokenizer)

    def grammar(self, spec: ToolSpec, *, brief: bool = True) -> Grammar:
        """The compiled output schema, kept. Raises SpecError naming the keyword that decoding cannot honour."""
        key = (spec.name, spec.schema_hash, brief)
        if key not in self._grammars:
            if spec.output_schema is not None:
                validator(spec.name, canonical_json(spec.output_schema))
            self._grammars[key] = compile_grammar(spec, self.base.tokenizer, self._lltokenizer, brief=brief)
        return self._grammars[key]

    def answer(
        self,
        spec: ToolSpec,
        call: ToolCall,
        *,
        evidence: str = "",
        blocks: Sequence[tuple[str, str]] | None = None,
        history: Sequence[tuple[ToolCall, ToolResult]] = (),
        temperature: float = 1.0,
        brief: bool = True,
    ) -> Answer:
        """What the tool would answer. Raises SpecError, ModelError, or DataError when the prompt cannot fit."""
        started = time.perf_counter()
        request = Request(call, evidence, blocks, history)
        ((_, answer),) = self.answer_batch(spec, [request], temperature=temperature, brief=brief)
        assert answer is not None
        return replace(answer, seconds=time.perf_counter() - started)

    def decide(
        self,
        spec: ToolSpec,
        call: ToolCall,
        *,
        evidence: str = "",
        blocks: Sequence[tuple[str, str]] | None = None,
        history: Sequence[tuple[ToolCall, ToolResult]] = (),
        temperature: float = 1.0,
    ) -> Decision:
        """Only the first listed field's distribution: one read of the prompt. Raises as `decide_batch` does."""
        return self.decide_batch(spec, [Request(call, evidence, blocks, history)], temperature=temperature)[0]

    def decide_batch(self, spec: ToolSpec, requests: Sequence[Request], *, temperature: float = 1.0) -> list[Decision]:
        """`decide` for many calls of one tool, in their order; calls of like length are read together.

        Raises as `answer` does, and SpecError where free text comes before the first listed values.
        """
        first_choice(self.grammar(spec))
        answers = self.answer_batch(spec, requests, lambda index, decision: False, temperature=temperature)
        return [decision for decision, _ in answers]

    def answer_batch(
        self,
        spec: ToolSpec,
        requests: Sequence[Request],
        wanted: Callable[[int, Decision], bool] = lambda index, decision: True,
        *,
        temperature: float = 1.0,
        brief: bool = True,
    ) -> list[tuple[Decision, Answer | None]]:
        """The decision of many calls of one tool, and the whole answer where `wanted` says so of a call's place and
        decision.

        An answer goes on where the batch has read to: one that its decision leaves nothing open of costs no further
        read. Raises as `answer` does.
        """
        if not temperature > 0:
            raise GtmError(f"temperature {temperature}: give a number above zero")
        found: dict[int, tuple[Decision, Answer | None]] = {}
        asked: list[int] = []
        for index, request in enumerate(requests):
            refusal = check(spec, request.call.arguments)
            if refusal is None:
                asked.append(index)
            else:
                decision = Decision("", {}, refusal=refusal, refusal_probability=1.0)
                found[index] = decision, Answer(refusal, refusal_probability=1.0)
        if asked:
            job = _Job(spec, self.grammar(spec, brief=brief), temperature)
            prompts = {index: self._prompt(spec, requests[index]) for index in asked}
            for places in _batches({index: len(prompt.ids) for index, prompt in prompts.items()}):
                found |= self._answers(job, {index: prompts[index] for index in places}, wanted)
        return [found[index] for index in range(len(requests))]

    def _prompt(self, spec: ToolSpec, request: Request) -> _Prompt:
        encoded, _ = encode_call(
            self.base.tokenizer,
            spec,
            request.call,
            self.max_prompt_tokens,
            evidence=request.evidence,
            blocks=request.blocks,
            history=request.history,
        )
        return _Prompt(encoded.ids, [at - 1 for at in encoded.argument_tokens if at > 0])

    def _answers(
        self, job: _Job, prompts: Mapping[int, _Prompt], wanted: Callable[[int, Decision], bool]
    ) -> dict[int, tuple[Decision, Answer | None]]:
        """Decisions, and answers where wanted, of prompts that are read together."""
        started = time.perf_counter()
        batch, rows = self._read(job, list(prompts.values()))
        share = (time.perf_counter() - started) / len(prompts)
        found: dict[int, tuple[Decision, Answer | None]] = {}
        choice = job.grammar.opening.choice
        whole: dict[int, int] = {}
        for at, (index, row) in enumerate(zip(prompts, rows, strict=True)):
            decision = Decision("", {}, row.surprise, refusal_probability=row.refusal, seconds=share)
            if choice is not None:
                chances = tempered(choice.trie.log_probabilities(row.known), job.temperature)
                named = dict(zip(choice.names, chances, strict=True))
                decision = replace(decision, field=choice.field, distribution=named)
            found[index] = decision, None
            if wanted(index, decision):
                whole[at] = index
        started = time.perf_counter()
        written = self._write(job, batch, {at: rows[at] for at in whole})
        share += (time.perf_counter() - started) / max(1, len(whole))
        for at, (result, done) in written.items():
            decision, _ = found[whole[at]]
            found[whole[at]] = decision, _answer(result, done, rows[at], share)
        return found

    def _read(self, job: _Job, prompts: Sequence[_Prompt]) -> tuple[Batch, list[_Row]]:
        """Read prompts and what is forced after them; what there is to know of each, and how all of them go on."""
        opening = job.grammar.opening
        trie = opening.choice.trie if opening.choice else Trie.of([])
        path = trie.first_path
        texts = [[*prompt.ids, *opening.tokens] for prompt in prompts]
        start, cache, shared = self._begun(prompts)
        sampled = [prompt.sampled if self.surprise else () for prompt in prompts]
        late = [[at for at in some if at >= start] for some in sampled]
        keep = [
            [at - start for at in (*some, len(prompt.ids) - 1, *range(len(text) - 1, len(text) + len(path)))]
            for some, prompt, text in zip(late, prompts, texts, strict=True)
        ]
        logits = forward(self.model, [[*text[start:], *path] for text in texts], keep, cache)
        known = [{path[:at]: row[at - len(path) - 1] for at in range(len(path) + 1)} for row in logits]
        batch = Batch(self.model, cache, texts, [one[()] for one in known])
        if trie.paths[1:]:
            more = batch.answers({row: reading(trie.paths[1:]) for row in range(len(prompts))})
            known = [{**more[row], **one} for row, one in enumerate(known)]
        rows = []
        for row, prompt in enumerate(prompts):
            paid = {**shared, **costs(logits[row][: len(late[row])], prompt.ids, late[row])}
            surprise = sum(paid[at] for at in sampled[row]) / max(1, len(sampled[row]))
            refusal = None
            if self._refusals is not None:
                refusal = self._refusals.probability(job.grammar, logits[row][len(late[row])])
            rows.append(_Row(known[row], surprise if self.surprise else nan, refusal))
        return batch, rows

    def _begun(self, prompts: Sequence[_Prompt]) -> tuple[int, Any, Mapping[int, float]]:
        """How many tokens of the prompts are read already, a cache that holds them, and what these cost."""
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        common = self._common(prompts)
        if common < _SHORT or not shareable(cache):
            return 0, cache, {}
        positions = sorted({at for prompt in prompts for at in prompt.before(common - 1)}) if self.surprise else []
        key = tuple(prompts[0].ids[:common]), tuple(positions)
        shared = self._shared.get(key) or Shared.read(self.model, *key)
        if len(prompts) == 1:
            self._shared.pop(key, None)
            self._shared[key] = shared  # the latest stands last
            if len(self._shared) > self.prefixes:
                del self._shared[next(iter(self._shared))]
        return common - 1, shared.begun(len(prompts)), shared.costs

    def _common(self, prompts: Sequence[_Prompt]) -> int:
        """How many tokens that prompts begin with are to be read apart: those that all share, or others may."""
        if len(prompts) == 1:
            return prompts[0].last_block if self.prefixes else 0
        return _common([prompt.ids for prompt in prompts]) if self.share else 0

    def _write(self, job: _Job, batch: Batch, rows: Mapping[int, _Row]) -> dict[int, tuple[ToolResult, Decoded]]:
        """The whole results of some rows, which go on together."""
        forced = len(job.grammar.opening.tokens)
        ahead = _AHEAD if len(rows) < _MANY else _AHEAD_OF_MANY
        reads: dict[int, Reads[Decoded]] = {}
        refused: set[int] = set()
        for at, row in rows.items():
            text = batch.texts[at]
            if self._refusals is not None and row.refusal is not None and row.refusal > (self.refuse_above or 0.0):
                refused.add(at)
                batch.forget(at, forced)
                reads[at] = self._refusals.written(text, row.refusal)
            else:
                del text[len(text) - forced :]  # written once more by what follows
                reads[at] = writing(
                    job.grammar,
                    text,
                    temperature=job.temperature,
                    known=row.known,
                    ahead=ahead,
                    empty_above=self.empty_above,
                )
        return {
            at: (ToolResult(is_error=True, text=done.value) if at in refused else _result(job.spec, done), done)
            for at, done in batch.answers(reads).items()
        }


@dataclass(frozen=True)
class _Prompt:
    """A call as token ids."""

    ids: list[int]
    arguments: Sequence[int]
    """Positions before argument tokens: their logits tell how likely these were."""

    @property
    def sampled(self) -> Sequence[int]:
        """Those of the positions that the surprise is the mean of."""
        return self.arguments[:: max(1, -(-len(self.arguments) // _SURPRISE_POSITIONS))]

    @property
    def last_block(self) -> int:
        """Where the last argument block begins; 0 where there is none."""
        starts = [at for at, before in zip(self.arguments[1:], self.arguments, strict=False) if at != before + 1]
        return (starts or list(self.arguments[:1]) or [-1])[-1] + 1

    def before(self, end: int) -> Sequence[int]:
        """The positions below `end`."""
        return self.arguments[: bisect_left(self.arguments, end)]


@dataclass(frozen=True)
class _Job:
    """What is the same for all calls of a batch."""

    spec: ToolSpec
    grammar: Grammar
    temperature: float


@dataclass(frozen=True)
class _Row:
    """What reading has told of one prompt."""

    known: Mapping[tuple[int, ...], torch.Tensor]
    """Logits [vocabulary] after the opening and after the beginnings of the first listed values."""
    surprise: float
    refusal: float | None
    """Probability."""


def _batches(lengths: Mapping[int, int]) -> list[list[int]]:
    """Indices in batches of like length, each at most `_BATCH_TOKENS` when padded."""
    batches: list[list[int]] = []
    for index in sorted(lengths, key=lengths.__getitem__, reverse=True):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= _BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _common(texts: Sequence[list[int]]) -> int:
    """How many tokens all the texts begin with."""
    first, last = min(texts), max(texts)  # in the order of their tokens, so that all others lie between
    return next((at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first))


def _answer(result: ToolResult, found: Decoded, row: _Row, seconds: float) -> Answer:
    return Answer(
        result,
        found.distributions,
        found.estimates,
        found.confidence,
        row.surprise,
        seconds,
        found.tokens,
        row.refusal,
    )


def _result(spec: ToolSpec, found: Decoded) -> ToolResult:
    """The decoded value as a result, checked once more against the schema as it was given."""
    if spec.output_schema is None:
        return ToolResult(text=str(found.value))
    problem = next(problems_of(spec.name, spec.output_schema, found.value), None)
    if problem is not None:
        raise ModelError(
            f"{spec.name}: decoded a result that breaks its schema ({problem.message[:120]}); please report"
        )
    if not isinstance(found.value, Mapping):
        return ToolResult(content={"result": found.value})
    return ToolResult(content=found.value)
