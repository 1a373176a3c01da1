"""Who answers.

Guarantees: a subject that cannot answer one question says so in the attempt and goes on with the next; earlier turns
that do not fit into a prompt are left out, the oldest first. A base without the grammar is asked with the same prompt,
and what it writes counts only where the whole of it is JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from base_gtm.errors import DataError, GtmError
from base_gtm.judge.question import Attempt, Question
from base_gtm.model import Base
from base_gtm.prompt import ERROR, compact, encode_call
from base_gtm.schema import canonical_json, content_hash

if TYPE_CHECKING:
    from base_gtm.example import Example

_WRITTEN = 4000
"""Characters that are kept of what is no JSON."""


class Subject(Protocol):
    """Answers questions."""

    @property
    def name(self) -> str:
        """A row of the table."""
        ...

    @property
    def identity(self) -> str:
        """Equal for subjects that answer equally."""
        ...

    def attempts(self, questions: Sequence[Question]) -> Iterator[tuple[int, Attempt]]:
        """Each question's place with its answer, in any order."""
        ...


class Constrained:
    """A base as the simulator uses it: refusals by the input schema and as its card says, results along the output
    schema. A base whose card says nothing of refusals has their probability read and refuses nothing by itself.
    """

    def __init__(self, base: Base, max_prompt_tokens: int, batch: int) -> None:
        """batch: calls of one tool that are answered together."""
        from base_gtm.simulator import Simulator

        self.name = f"{base.name}, constrained"
        self.identity = content_hash(["constrained", base.hash, base.refusal_threshold, max_prompt_tokens])
        read_alone = 1.0 if base.refusal_threshold is None else None
        self._simulator = Simulator(base, max_prompt_tokens=max_prompt_tokens, refuse_above=read_alone, surprise=False)
        self._batch = batch

    def attempts(self, questions: Sequence[Question]) -> Iterator[tuple[int, Attempt]]:
        """Tool by tool."""
        by_tool: dict[str, list[int]] = {}
        for at, question in enumerate(questions):
            by_tool.setdefault(content_hash(question.spec.to_json()), []).append(at)
        for places in by_tool.values():
            for start in range(0, len(places), self._batch):
                some = places[start : start + self._batch]
                yield from zip(some, self._together([questions[at] for at in some]), strict=True)

    def _together(self, questions: Sequence[Question]) -> list[Attempt]:
        """Answers to calls of one tool; where one cannot be answered, each for itself."""
        from base_gtm.simulator import Request

        spec = questions[0].spec
        started = time.perf_counter()
        try:
            found = self._simulator.answer_batch(spec, [Request(one.call, history=one.history) for one in questions])
        except GtmError as error:
            if len(questions) > 1:
                return [attempt for question in questions for attempt in self._together([question])]
            return [Attempt(failed=str(error), seconds=time.perf_counter() - started)]
        answers = [answer for _, answer in found if answer is not None]
        return [Attempt.of_result(spec, one.result, one.seconds, one.refusal_probability) for one in answers]


@dataclass(frozen=True)
class FreeOptions:
    """How a base writes without the grammar."""

    max_prompt_tokens: int
    max_new_tokens: int
    batch: int
    """Prompts that are read together."""


class Free:
    """A base that writes what it likes, greedily."""

    def __init__(self, base: Base, options: FreeOptions) -> None:
        self.name = f"{base.name}, free"
        self.identity = content_hash(["free", base.hash, options.max_prompt_tokens, options.max_new_tokens])
        self._base, self._options = base, options

    def attempts(self, questions: Sequence[Question]) -> Iterator[tuple[int, Attempt]]:
        """In the order of the questions."""
        for start in range(0, len(questions), self._options.batch):
            yield from enumerate(self._batch(questions[start : start + self._options.batch]), start)

    def _batch(self, questions: Sequence[Question]) -> list[Attempt]:
        started = time.perf_counter()
        prompts: dict[int, list[int]] = {}
        found: dict[int, Attempt] = {}
        for at, question in enumerate(questions):
            try:
                prompts[at] = self._prompt(question)
            except GtmError as error:
                found[at] = Attempt(failed=str(error))
        texts = self._written(list(prompts.values())) if prompts else []
        share = (time.perf_counter() - started) / len(questions)
        found |= {at: replace(_read(text), seconds=share) for at, text in zip(prompts, texts, strict=True)}
        return [found[at] for at in range(len(questions))]

    def _prompt(self, question: Question) -> list[int]:
        limit = self._options.max_prompt_tokens
        encoded, _ = encode_call(self._base.tokenizer, question.spec, question.call, limit, history=question.history)
        return encoded.ids

    def _written(self, prompts: list[list[int]]) -> list[str]:
        """What the model writes after each prompt, up to its end token; prompts are padded on the left."""
        import torch

        model, tokenizer = self._base.model, self._base.tokenizer
        end = tokenizer.eos_token_id
        longest = max(map(len, prompts))
        ids = torch.tensor([[end] * (longest - len(one)) + one for one in prompts], device=model.device)
        mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts], device=model.device)
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=self._options.max_new_tokens,
                do_sample=False,
                eos_token_id=end,
                pad_token_id=end,
                use_cache=True,
            )
        rows = [row[longest:].tolist() for row in out]
        ended = [row[: row.index(end)] if end in row else row for row in rows]
        return [str(tokenizer.decode(row, skip_special_tokens=False)) for row in ended]


class Nearest:
    """The result of the known record whose call is most alike, copied as it is: what memory alone would give."""

    name = "nearest example"

    def __init__(self, known: Sequence[Example]) -> None:
        """known: records of training tools. Raises DataError where there are none."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        if not known:
            raise DataError("no record of a training tool to copy from; generate more records, or give --known 0")
        self.identity = content_hash(["nearest", *sorted(example.key for example in known)])
        self._known = known
        self._vectorizer = TfidfVectorizer(sublinear_tf=True)
        self._vectors = self._vectorizer.fit_transform([_words(Question.of_example(one)) for one in known])

    def attempts(self, questions: Sequence[Question]) -> Iterator[tuple[int, Attempt]]:
        """By the cosine of the words of name, description and arguments."""
        for at, question in enumerate(questions):
            started = time.perf_counter()
            likeness = self._vectors @ self._vectorizer.transform([_words(question)]).T
            nearest = self._known[int(likeness.toarray().ravel().argmax())]
            yield at, Attempt.of_result(question.spec, nearest.turn.result, time.perf_counter() - started)


def untrained(base: Base, seed: int) -> Base:
    """A base of the same architecture and tokenizer with random weights: equal seeds give equal weights."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(base.model.config, dtype=base.model.dtype)
    settings = {name: value for name, value in base.model.config.to_dict().items() if not name.startswith("_")}
    sizes = canonical_json(json.loads(json.dumps(settings, default=str)))
    identity = content_hash(["untrained", sizes, base.tokenizer.backend_tokenizer.to_str(), seed])
    return Base(model.to(base.model.device).eval(), base.tokenizer, f"{base.name} before training", identity)


def _read(text: str) -> Attempt:
    """What was written as an answer: an error where it begins with the error marker."""
    body = text.strip()
    refused = body.startswith(ERROR)
    try:
        value = json.loads(body.removeprefix(ERROR))
        written = compact(value)  # raises for NaN and infinities, which Python reads and JSON does not know
        written.encode()  # raises for half a character, which no report can hold
    except (ValueError, RecursionError):
        return Attempt(text=text[:_WRITTEN])
    if refused:
        return Attempt(refused=True, text=value if isinstance(value, str) else written)
    return Attempt(value) if value is not None else Attempt(text=body)


def _words(question: Question) -> str:
    spec = question.spec
    return f"{spec.name.replace('_', ' ')} {spec.description} {compact(dict(question.call.arguments))}"
