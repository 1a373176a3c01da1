"""The simulator: a call in, the tool's probable answer with its confidence out.

Guarantees: wrong arguments come back as the tool's own refusal without asking a model; every other result validates
against the spec's output schema; the same call, model and thread count give the same answer; a batch gives the verdicts
of one call at a time. Does not know whether its answer is true: calibration and the gate (package adapt) judge that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from base_gtm.arguments import check, validator
from base_gtm.decode import Choice, Decoded, Grammar, compile_grammar, decode, first_choice, lltokenizer, writing
from base_gtm.errors import GtmError, ModelError
from base_gtm.model import Base, attach
from base_gtm.prompt import encode_full, render
from base_gtm.quantity import Estimate
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, canonical_json
from base_gtm.scoring import Batch, forward, reading, tempered

if TYPE_CHECKING:
    import torch

_SURPRISE_POSITIONS = 128
"""Argument tokens whose likelihood is read at most: a large vocabulary makes every one of them dear."""
_BATCH_TOKENS = 16384
"""Padded tokens of one batch of decisions."""


@dataclass(frozen=True)
class Request:
    """One call with what goes into its prompt."""

    call: ToolCall
    evidence: str = ""
    blocks: Sequence[tuple[str, str]] | None = None
    history: Sequence[tuple[ToolCall, ToolResult]] = ()


@dataclass(frozen=True)
class Decision:
    """The distribution over the first output field that lists its values."""

    field: str
    distribution: Mapping[str, float]
    """Value -> probability; empty when the arguments were refused."""
    surprise: float = 0.0
    """Mean negative log-likelihood of the argument tokens, in nats."""
    refusal: ToolResult | None = None
    """The tool's refusal of wrong arguments."""
    seconds: float = 0.0
    """Its share of reading the batch."""

    @property
    def value(self) -> str:
        """The most probable value; empty when refused."""
        return max(self.distribution, key=self.distribution.__getitem__, default="")

    @property
    def confidence(self) -> float:
        """Its probability; 1 for a refusal, which is certain."""
        return max(self.distribution.values(), default=1.0)


@dataclass(frozen=True)
class Answer:
    """A simulated result."""

    result: ToolResult
    distributions: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Output field -> value -> probability, for every field that lists its values and was not forced."""
    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    """Output field -> median and spread, for every number (not whole, not a multiple)."""
    confidence: float = 1.0
    """Probability of the first such field's value, else of the mean free token; 1 for refused arguments."""
    surprise: float = 0.0
    """Mean negative log-likelihood of the argument tokens under the model with its adapter, in nats."""
    seconds: float = 0.0
    """Wall time of the whole answer."""
    tokens: int = 0
    """Tokens of the result, forced ones included."""


class Simulator:
    """A base, perhaps with an adapter, answering calls of any spec. One at a time: not for several threads."""

    def __init__(self, base: Base, adapter: Path | None = None, max_prompt_tokens: int = 640) -> None:
        self.base = base
        self.model = base.model if adapter is None else attach(base, adapter)
        self.max_prompt_tokens = max_prompt_tokens
        self._lltokenizer = lltokenizer(base.tokenizer, base.model.config.vocab_size)
        self._grammars: dict[tuple[str, str, bool], Grammar] = {}

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
        _require_temperature(temperature)
        refusal = check(spec, call.arguments)
        if refusal is not None:
            return Answer(refusal, seconds=time.perf_counter() - started)
        grammar = self.grammar(spec, brief=brief)
        ids, positions = self._prompt(spec, Request(call, evidence, blocks, history))
        found = decode(grammar, self.model, ids, temperature=temperature, also=positions)
        surprise = 0.0 if found.extra is None else _surprise(found.extra, ids, positions)
        return _answer(spec, found, surprise, time.perf_counter() - started)

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
        """Only the first listed field's distribution: one read of the prompt. Raises as `answer` does."""
        return self.decide_batch(spec, [Request(call, evidence, blocks, history)], temperature=temperature)[0]

    def decide_batch(self, spec: ToolSpec, requests: Sequence[Request], *, temperature: float = 1.0) -> list[Decision]:
        """`decide` for many calls of one tool, in their order; calls of like length are read together."""
        answers = self.answer_batch(spec, requests, lambda index, decision: False, temperature=temperature)
        return [decision for decision, _ in answers]

    def answer_batch(
        self,
        spec: ToolSpec,
        requests: Sequence[Request],
        wanted: Callable[[int, Decision], bool] = lambda index, decision: True,
        *,
        temperature: float = 1.0,
    ) -> list[tuple[Decision, Answer | None]]:
        """`decide_batch`, and the whole answer where `wanted` says so of a call's place and decision.

        An answer goes on where the batch has read to: one that its decision leaves nothing open of costs no further
        read. Raises as `answer` does, and SpecError where free text comes before the first listed values.
        """
        _require_temperature(temperature)
        grammar = self.grammar(spec)
        forced, choice = first_choice(grammar)
        found: dict[int, tuple[Decision, Answer | None]] = {}
        prompts: dict[int, tuple[list[int], list[int]]] = {}
        for index, request in enumerate(requests):
            refusal = check(spec, request.call.arguments)
            if refusal is not None:
                found[index] = Decision(choice.field, {}, refusal=refusal), Answer(refusal)
            else:
                ids, positions = self._prompt(spec, request)
                prompts[index] = (ids + forced, positions)
        for places in _batches({index: len(ids) for index, (ids, _) in prompts.items()}):
            started = time.perf_counter()
            batch, rows = self._read([prompts[index] for index in places], choice)
            share = (time.perf_counter() - started) / len(places)
            whole: dict[int, int] = {}
            for at, (index, row) in enumerate(zip(places, rows, strict=True)):
                distribution = _distribution(choice, row.logs, temperature)
                decision = Decision(choice.field, distribution, row.surprise, seconds=share)
                found[index] = decision, None
                if wanted(index, decision):
                    whole[at] = index
            started = time.perf_counter()
            written = self._write(grammar, batch, {at: rows[at] for at in whole}, len(forced), temperature)
            share += (time.perf_counter() - started) / max(1, len(whole))
            for at, done in written.items():
                decision, _ = found[whole[at]]
                found[whole[at]] = decision, _answer(spec, done, decision.surprise, share)
        return [found[index] for index in range(len(requests))]

    def _prompt(self, spec: ToolSpec, request: Request) -> tuple[list[int], list[int]]:
        """Token ids, and the positions whose logits tell how likely the argument tokens after them were."""
        prompt = render(spec, request.call, evidence=request.evidence, blocks=request.blocks, history=request.history)
        encoded = encode_full(self.base.tokenizer, prompt, self.max_prompt_tokens)
        before = [at - 1 for at in encoded.argument_tokens if at > 0]
        step = max(1, -(-len(before) // _SURPRISE_POSITIONS))
        return encoded.ids, before[::step]

    def _read(self, prompts: Sequence[tuple[list[int], list[int]]], choice: Choice) -> tuple[Batch, list[_Row]]:
        """Read prompts and what is forced after them; what there is to know of each, and how all of them go on."""
        from transformers import DynamicCache

        trie = choice.trie
        path = trie.first_path
        cache = DynamicCache(config=self.model.config)
        keep = sorted({at for ids, also in prompts for at in (*also, *range(len(ids) - 1, len(ids) + len(path)))})
        place = {at: index for index, at in enumerate(keep)}
        logits = forward(self.model, [[*ids, *path] for ids, _ in prompts], keep, cache)
        known = [
            {path[:at]: logits[row, place[len(ids) - 1 + at]] for at in range(len(path) + 1)}
            for row, (ids, _) in enumerate(prompts)
        ]
        batch = Batch(self.model, cache, [list(ids) for ids, _ in prompts], [one[()] for one in known])
        if trie.paths[1:]:
            more = batch.answers({row: reading(trie.paths[1:]) for row in range(len(prompts))})
            known = [{**more[row], **one} for row, one in enumerate(known)]
        rows = []
        for row, (ids, also) in enumerate(prompts):
            surprise = _surprise(logits[row, [place[at] for at in also]], ids, also) if also else 0.0
            rows.append(_Row(trie.log_probabilities(known[row]), surprise))
        return batch, rows

    def _write(
        self, grammar: Grammar, batch: Batch, rows: Mapping[int, _Row], forced: int, temperature: float
    ) -> dict[int, Decoded]:
        """The whole results of some rows, which go on together; `forced`: tokens that have been read after a prompt."""
        for row in rows:
            del batch.texts[row][len(batch.texts[row]) - forced :]  # written once more by what follows
        return batch.answers(
            {
                at: writing(grammar, batch.texts[at], temperature=temperature, scored=row.logs)
                for at, row in rows.items()
            }
        )


@dataclass(frozen=True)
class _Row:
    """What reading has told of one prompt."""

    logs: list[float]
    """Log probabilities of the first listed values."""
    surprise: float


def _batches(lengths: Mapping[int, int]) -> list[list[int]]:
    """Indices in batches of like length, each at most `_BATCH_TOKENS` when padded."""
    batches: list[list[int]] = []
    for index in sorted(lengths, key=lengths.__getitem__, reverse=True):
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= _BATCH_TOKENS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _distribution(choice: Choice, logs: Sequence[float], temperature: float) -> dict[str, float]:
    return dict(zip(choice.names, tempered(logs, temperature), strict=True))


def _surprise(logits: torch.Tensor, ids: Sequence[int], positions: Sequence[int]) -> float:
    """Mean negative log-likelihood of the tokens that follow `positions`; `logits` [len(positions), vocabulary]."""
    import torch

    if not positions:
        return 0.0
    targets = torch.tensor([ids[at + 1] for at in positions], device=logits.device)
    return float(torch.nn.functional.cross_entropy(logits.float(), targets))


def _answer(spec: ToolSpec, found: Decoded, surprise: float, seconds: float) -> Answer:
    result = _result(spec, found)
    return Answer(result, found.distributions, found.estimates, found.confidence, surprise, seconds, found.tokens)


def _result(spec: ToolSpec, found: Decoded) -> ToolResult:
    """The decoded value as a result, checked once more against the schema as it was given."""
    if spec.output_schema is None:
        return ToolResult(text=str(found.value))
    problem = next(validator(spec.name, canonical_json(spec.output_schema)).iter_errors(found.value), None)
    if problem is not None:
        raise ModelError(
            f"{spec.name}: decoded a result that breaks its schema ({problem.message[:120]}); please report"
        )
    if not isinstance(found.value, Mapping):
        return ToolResult(content={"result": found.value})
    return ToolResult(content=found.value)


def _require_temperature(temperature: float) -> None:
    if not temperature > 0:
        raise GtmError(f"temperature {temperature}: give a number above zero")
