"""A large teacher behind an OpenAI-compatible endpoint, asked thousands of questions, each paid for once.

Guarantees: an answer is in the journal before it is given out, so that a kill costs at most the answers on their way; a
question that the journal answers is not asked again; what may pass (overload, hang-ups, time-outs) is asked again after
growing pauses, what will not pass is one line; at most `concurrency` requests are under way; the key stands in no
journal, message or repr.

Does not guarantee: a budget to the cent, since answers on their way when it is reached are paid for too; what a server
bills for requests that it never answered; that two runs have one teacher: a question is the model's name, messages,
settings, seed and schema, whatever the address and whoever answers to the name.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from base_gtm.arguments import validator
from base_gtm.errors import TeacherError, UnusableAnswer
from base_gtm.schema import canonical_json, content_hash
from base_gtm.teachers.journal import Journal
from base_gtm.teachers.wire import (
    Answer,
    Manner,
    Question,
    body_of,
    clear,
    client,
    endpoint_url,
    read_answer,
    read_json,
    retry_after,
    words_of,
)

Messages = Sequence[Mapping[str, str]]
"""Turns of a conversation, each with `role` and `content`."""

_PASSING = frozenset({408, 409, 429})
"""Statuses that may pass, beside all from 500 on."""
_REFUSING = frozenset({400, 413, 422})
"""Statuses that are about the question, not about who asks."""
_UNREACHABLE = frozenset({"ConnectError", "ConnectTimeout"})
"""Causes of a connection error, by the HTTP client's names, that mean nobody is there."""
_LONGEST_PAUSE = 60.0
"""Seconds between two tries, where the server does not ask for more."""
_PATIENCE = 600.0
"""Seconds that a server may ask to wait: a daily quota is not waited for."""
_SHOWN = 300
"""Characters of a server's own words that a message repeats."""
_LEAST = {
    "concurrency": 1,
    "timeout_s": 0.001,
    "max_tries": 1,
    "backoff_s": 0,
    "max_repairs": 0,
    "temperature": 0,
    "max_tokens": 1,
    "dollars_per_million_in": 0,
    "dollars_per_million_out": 0,
    "budget_dollars": 0,
}


@dataclass(frozen=True)
class EndpointOptions:
    """One field an option of a command that asks a teacher. Raises TeacherError for values that make no sense."""

    base_url: str
    """Address of the endpoint, such as http://localhost:8000/v1."""
    model: str
    """Name that the server knows the teacher by."""
    api_key_env: str = "OPENAI_API_KEY"
    """Environment variable that holds the key; a local server needs none."""
    concurrency: int = 16
    """Requests under way at a time."""
    timeout_s: float = 120.0
    """Seconds of a server's silence that count as a failure."""
    max_tries: int = 6
    """Requests for one answer while the server fails."""
    backoff_s: float = 1.0
    """Longest pause before the second try, in seconds; doubles with every try, up to a minute."""
    max_repairs: int = 2
    """How often a broken answer is asked for again, with the complaint."""
    temperature: float = 0.7
    """Sampling temperature."""
    max_tokens: int = 2048
    """Longest answer, in tokens."""
    dollars_per_million_in: float = 0.0
    """Price of a million prompt tokens."""
    dollars_per_million_out: float = 0.0
    """Price of a million answered tokens."""
    budget_dollars: float | None = None
    """Ask nothing more once the journal's answers have cost this much, earlier runs counted; without it, no limit."""

    def __post_init__(self) -> None:
        endpoint_url(self.base_url)
        if not self.model:
            raise TeacherError("model: give the name that the server knows the teacher by")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= least):
                raise TeacherError(f"{name} {value}: give a number from {least} on")
        if self.budget_dollars is not None and not self.dollars_per_million_in + self.dollars_per_million_out:
            raise TeacherError("budget_dollars: without prices nothing is spent; give dollars_per_million_in and _out")


@dataclass(frozen=True)
class Reply:
    """What the teacher said to one question: equal, whether the server or the journal gives it."""

    text: str
    model: str
    """The teacher, as the server names it."""
    tokens_in: int
    """Prompt tokens; 0 where the server does not say."""
    tokens_out: int
    """Answered tokens; 0 where the server does not say."""
    seconds: float
    """What the answer took when it was asked for."""


@dataclass(frozen=True)
class Spent:
    """Totals of one run."""

    requests: int = 0
    """Requests sent."""
    remembered: int = 0
    """Questions that the journal answered."""
    retries: int = 0
    """Requests sent because an earlier one had failed."""
    tokens_in: int = 0
    tokens_out: int = 0
    dollars: float = 0.0
    """Price of these tokens."""
    dollars_before: float = 0.0
    """What the journal's answers had cost when it was opened."""


class _Failure(Exception):
    """A request that may fare better when it is sent again."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the server asks to wait."""


class _Refusal(Exception):
    """A request that the server finds wrong, in its words."""


class Endpoint:
    """A teacher that answers, and the journal of its answers. From any thread."""

    def __init__(self, options: EndpointOptions, journal_path: Path) -> None:
        """Raises TeacherError for a key that is none, DataError for a journal that cannot be used."""
        self.options = options
        self._url = endpoint_url(options.base_url)
        self._key = _api_key(options.api_key_env)
        self._client = client(self._url, self._key, options.timeout_s)
        self._journal = Journal(journal_path)
        self._slots = threading.BoundedSemaphore(options.concurrency)
        self._lock = threading.Lock()
        self._turns = threading.Condition()
        self._asking: set[str] = set()
        self._manner = Manner()
        self._taken: set[Manner] = set()
        """Manners in which the server has answered a question with a schema."""
        self._heard = False
        """Whether the server has ever answered."""
        self._served = len(self._journal) > 0
        """Whether it has ever served a question, so that a refusal is about one alone."""
        self._untold = False
        """Whether it has ever answered without saying how many tokens that took."""
        self._jitter = Random()
        before = sum(float(record.get("dollars", 0)) for record in self._journal.records())
        self._spent = Spent(dollars_before=before)

    @property
    def model(self) -> str:
        """Name that the server knows the teacher by."""
        return self.options.model

    @property
    def spent(self) -> Spent:
        """Totals of this run so far."""
        return self._spent

    def ask(self, messages: Messages, *, seed: int = 0, schema: Mapping[str, Any] | None = None) -> Reply:
        """The answer to a conversation; the server is asked to keep to `schema`, which is not checked here.

        Raises UnusableAnswer where this question has none, TeacherError where no question would have one.
        """
        question = Question([dict(message) for message in messages], seed, schema)
        key = self._journal_key(question)
        with self._turn(key):
            record = self._journal.get(key)
            if record is None:
                record = self._fetch(key, question)
            else:
                self._count(remembered=1)
        if record["finish"] == "length":
            limit = self.options.max_tokens
            raise UnusableAnswer(f"{self._where}: the answer was cut off at {limit} tokens; raise max_tokens")
        return Reply(**{name: record[name] for name in ("text", "model", "tokens_in", "tokens_out", "seconds")})

    def ask_json(self, messages: Messages, schema: Mapping[str, Any], seed: int = 0) -> Any:
        """The answer as a JSON value that `schema` allows; a broken one is asked for again, with the complaint.

        Raises UnusableAnswer where all are broken, what `ask` raises, and SpecError where `schema` is none.
        """
        check = validator("schema of an answer", canonical_json(schema))
        talk = list(messages)
        complaint = ""
        for _ in range(self.options.max_repairs + 1):
            reply = self.ask(talk, seed=seed, schema=schema)
            try:
                return read_json(reply.text, check)
            except ValueError as error:
                complaint = self._clean(str(error))
            again = f"That cannot be used: {complaint}. Answer again, with the corrected JSON and nothing else."
            talk += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": again}]
        tried = f"{self.options.max_repairs + 1} answers and none can be used, the last: {complaint}"
        raise UnusableAnswer(f"{self._where}: {tried}; all are in {self._journal.path}")

    def close(self) -> None:
        """Give up the connections and the journal."""
        self._client.close()
        self._journal.close()

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _where(self) -> str:
        return f"{self._url} ({self.model})"

    def _journal_key(self, question: Question) -> str:
        settings = {"temperature": self.options.temperature, "max_tokens": self.options.max_tokens}
        try:
            return content_hash([self.model, question.messages, settings, question.seed, question.schema])
        except ValueError as error:
            raise UnusableAnswer(f"{self._where}: the question cannot be sent as JSON ({error})") from None

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """One thread at a time asks one question; those that waited find its answer in the journal."""
        with self._turns:
            self._turns.wait_for(lambda: key not in self._asking)
            self._asking.add(key)
        try:
            yield
        finally:
            with self._turns:
                self._asking.discard(key)
                self._turns.notify_all()

    def _fetch(self, key: str, question: Question) -> dict[str, Any]:
        """A usable answer of the server, in the journal when this returns; unusable ones are kept beside it."""
        tries = self.options.max_tries
        kind, reason = TeacherError, ""
        for tried in range(1, tries + 1):
            wait = 0.0
            try:
                record = self._request(question)
                if not record["fault"]:
                    self._journal.put(key, record)
                    return record
                self._journal.put(f"{key}-{time.time_ns()}", record)
                kind, reason = UnusableAnswer, record["fault"]
            except _Failure as failure:
                kind, reason, wait = TeacherError, str(failure), failure.wait
            if tried < tries:
                self._pause(tried, wait)
                self._count(retries=1)
        raise kind(f"{self._where}: tried {tries} times, the last time: {reason}; run again later, answers are kept")

    def _request(self, question: Question) -> dict[str, Any]:
        """One answer as a record. Raises _Failure, TeacherError or UnusableAnswer."""
        options = self.options
        with self._slots:
            manner = self._manner
            while True:
                self._afford()
                body = body_of(question, manner, options.model, options.temperature, options.max_tokens)
                self._count(requests=1)
                started = time.monotonic()
                try:
                    answer = read_answer(self._send(body))
                    break
                except _Refusal as refusal:
                    manner = self._concede(manner, body, str(refusal))
        self._served |= not answer.fault
        if question.schema is not None and not answer.fault:
            self._taken.add(manner)
        return self._account(body, answer, time.monotonic() - started)

    def _send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the server's answer. Raises _Failure, _Refusal or TeacherError."""
        import openai

        try:
            response = self._client.chat.completions.with_raw_response.create(**body).http_response
        except openai.APIStatusError as error:
            self._heard = True
            raise self._of_status(error.status_code, words_of(error), error.response.headers) from None
        except openai.APIConnectionError as error:
            raise self._of_connection(error) from None
        self._heard = True
        try:
            said = json.loads(response.content)
        except (ValueError, RecursionError):
            raise _Failure("the body of an answer is not JSON") from None
        if not isinstance(said, dict):
            raise _Failure("the body of an answer is no JSON object")
        return said

    def _of_status(self, status: int, words: str, headers: Mapping[str, str]) -> Exception:
        """What a status other than success means for the one who asked."""
        name, said = self.options.api_key_env, f"{status}: {self._clean(words)}"
        if status in _PASSING or status >= 500:
            wait = retry_after(headers.get("retry-after"))
            if wait <= _PATIENCE:
                return _Failure(said, wait)
            return TeacherError(f"{self._where}: asks for a pause of {wait:.0f} s ({said}); run again after that")
        if status in _REFUSING:
            return _Refusal(f"{status}: {words}")
        if status in (401, 403):
            refused = f"the key in {name} is refused" if self._key else "a key is needed"
            return TeacherError(f"{self._url}: {refused} ({said}); set {name} to a key of this endpoint")
        if status == 404:
            missing = f"no model {self.model!r}, or no such path ({said})"
            return TeacherError(f"{self._url}: {missing}; correct model, or base_url, which mostly ends in /v1")
        return TeacherError(f"{self._url}: refuses ({said}); see to it and run again, answers are kept")

    def _of_connection(self, error: Exception) -> Exception:
        """What a connection that failed means for the one who asked."""
        import openai

        cause = error.__cause__ or error
        reason = self._clean(str(cause)) or type(cause).__name__
        if type(cause).__name__ in _UNREACHABLE and not self._heard:
            return TeacherError(f"{self._url}: not reachable ({reason}); start the server or correct base_url")
        if isinstance(error, openai.APITimeoutError):
            return _Failure(f"no answer within {self.options.timeout_s:g} s; raise timeout_s for a slow teacher")
        return _Failure(f"the connection failed ({reason})")

    def _account(self, body: Mapping[str, Any], answer: Answer, seconds: float) -> dict[str, Any]:
        """An answer as a record, its tokens counted."""
        options = self.options
        price = answer.tokens_in * options.dollars_per_million_in + answer.tokens_out * options.dollars_per_million_out
        dollars = price / 1e6
        self._count(tokens_in=answer.tokens_in, tokens_out=answer.tokens_out, dollars=dollars)
        if not answer.fault and not answer.tokens_in + answer.tokens_out:
            self._untold = True
        return {
            "request": body,
            "text": answer.text,
            "finish": answer.finish,
            "fault": self._clean(answer.fault),
            "model": answer.model or self.model,
            "tokens_in": answer.tokens_in,
            "tokens_out": answer.tokens_out,
            "dollars": dollars,
            "seconds": round(seconds, 3),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _afford(self) -> None:
        """Raises TeacherError when the budget is spent, or cannot be watched."""
        budget, spent = self.options.budget_dollars, self._spent
        if budget is None:
            return
        total = spent.dollars + spent.dollars_before
        if total >= budget:
            raise TeacherError(
                f"the budget of ${budget:g} is spent: {self._journal.path} holds answers for ${total:.6g}; "
                "raise budget_dollars to go on"
            )
        if self._untold:
            raise TeacherError(f"{self._where}: says no usage, so no budget can be kept; leave budget_dollars out")

    def _concede(self, manner: Manner, body: Mapping[str, Any], refusal: str) -> Manner:
        """Another manner to ask in: for good, unless the server has taken the old one, so that this schema is at fault.

        Raises UnusableAnswer where there is none, TeacherError where the server has not served any question yet.
        """
        other = manner.after(refusal, body)
        if other is None:
            kind = UnusableAnswer if self._served else TeacherError
            raise kind(f"{self._where}: refused ({self._clean(refusal)}); correct the options or this question")
        with self._lock:
            if self._manner == manner and manner not in self._taken:
                self._manner = other
        return other

    def _pause(self, tried: int, wait: float) -> None:
        """Full jitter on top of what the server asks for, so that threads do not come back together."""
        longest = min(_LONGEST_PAUSE, self.options.backoff_s * 2 ** min(tried - 1, 16))
        time.sleep(wait + self._jitter.uniform(0, longest))

    def _count(self, **more: float) -> None:
        with self._lock:
            self._spent = replace(self._spent, **{name: getattr(self._spent, name) + n for name, n in more.items()})

    def _clean(self, text: str) -> str:
        """A server's words on one line, without the key, at most `_SHOWN` characters."""
        if len(self._key) > 5:  # a shorter one is a placeholder, and perhaps a word
            text = text.replace(self._key, "[key]")
        text = " ".join(clear(text).split())
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _api_key(name: str) -> str:
    """The key in an environment variable, empty where it is unset. Raises TeacherError, which does not repeat it."""
    key = os.environ.get(name, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise TeacherError(f"{name}: holds no key (a space, line break or letter that no key has); set it again")
    return key
