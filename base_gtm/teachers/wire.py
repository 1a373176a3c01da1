"""The protocol of chat completions: how a question is put, and what an answer says.

Guarantees: what a server sends, however odd, is read or named as a fault; text that comes back can be written as UTF-8.
Sends nothing: `client` gives what does.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from base_gtm.errors import TeacherError
from base_gtm.schema import canonical_json

_CONNECT = 10.0
"""Seconds for a connection."""
_PLATFORM = ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version")
"""What the openai package tells every server about this machine, in X-Stainless headers, and need not."""
_FORMAT = re.compile("response_format|json.?schema|json_object|grammar|guided", re.IGNORECASE)
_SEED = re.compile("[\"'`]seed[\"'`]")
_THOUGHTS = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*)```", re.DOTALL)
"""Greedy: strings of the JSON inside may hold fences too."""


@dataclass(frozen=True)
class Question:
    """What a teacher is asked."""

    messages: list[dict[str, str]]
    """Turns, each with `role` and `content`."""
    seed: int
    schema: Mapping[str, Any] | None
    """JSON Schema that the answer is to keep to; None for free text."""


@dataclass(frozen=True)
class Manner:
    """How a server wants to be asked, as far as its refusals have taught."""

    format: str = "json_schema"
    """How it is told a schema: "json_schema", "json_object" beside the last message, or there alone, "text"."""
    limit: str = "max_tokens"
    """Name of the field for the longest answer."""
    seed: bool = True
    """Whether a seed is sent."""

    def after(self, refusal: str, body: Mapping[str, Any]) -> Manner | None:
        """The manner that the refusal of `body` asks for; None where it is about something else."""
        if self.limit == "max_tokens" and "max_completion_tokens" in refusal:
            return replace(self, limit="max_completion_tokens")
        if "response_format" in body and _FORMAT.search(refusal):
            return replace(self, format="json_object" if self.format == "json_schema" else "text")
        if self.seed and _SEED.search(refusal):
            return replace(self, seed=False)
        return None


@dataclass(frozen=True)
class Answer:
    """What a chat completion says."""

    text: str
    finish: str
    """The server's reason for its end: "stop", or "length" for one that was cut off."""
    fault: str
    """Why the text cannot be used; empty where it can."""
    model: str
    """The teacher, as the server names it; empty where it does not."""
    tokens_in: int
    """Prompt tokens; 0 where the server does not say."""
    tokens_out: int
    """Answered tokens; 0 where the server does not say."""


def client(url: str, key: str, timeout_s: float) -> Any:
    """An OpenAI client that tries once and tells the server nothing about this machine. Raises TeacherError."""
    try:
        from openai import Omit, OpenAI, Timeout
    except ImportError:
        raise TeacherError("the package openai is not installed; pip install 'gtm-adapt[teachers]'") from None
    quiet: Any = {f"X-Stainless-{name}": Omit() for name in _PLATFORM}
    patience = Timeout(timeout_s, connect=min(_CONNECT, timeout_s))
    return OpenAI(base_url=url, api_key=key or "none", max_retries=0, timeout=patience, default_headers=quiet)


def endpoint_url(base_url: str) -> str:
    """An endpoint's address without the path of chat completions. Raises TeacherError where it is none."""
    if any(mark in base_url for mark in "@?#"):
        raise TeacherError("base_url: give an address without password or query; a key goes into the environment")
    url = base_url.strip().rstrip("/").removesuffix("/chat/completions").rstrip("/")
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or not url.isprintable() or " " in url:
        raise TeacherError(f"base_url {base_url!r}: give an http or https address, such as http://localhost:8000/v1")
    return url


def body_of(question: Question, manner: Manner, model: str, temperature: float, max_tokens: int) -> dict[str, Any]:
    """A request in the manner that the server takes."""
    schema, messages = question.schema, question.messages
    body: dict[str, Any] = {"model": model, "messages": messages, "temperature": temperature, manner.limit: max_tokens}
    if manner.seed:
        body["seed"] = question.seed
    if schema is None:
        return body
    if manner.format == "json_schema":
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema)}}
        return body
    if manner.format == "json_object" and schema.get("type", "object") == "object":
        body["response_format"] = {"type": "json_object"}
    told = f"Answer with JSON that this JSON Schema allows, and nothing else:\n{canonical_json(schema)}"
    body["messages"] = [*messages[:-1], {**messages[-1], "content": f"{messages[-1]['content']}\n\n{told}"}]
    return body


def read_answer(body: Mapping[str, Any]) -> Answer:
    """What the body of a successful response says."""
    text, finish, fault = _first_choice(body)
    model = body.get("model")
    named = clear(model) if isinstance(model, str) else ""
    return Answer(text, finish, fault, named, _tokens(body, "prompt_tokens"), _tokens(body, "completion_tokens"))


def read_json(text: str, check: Any) -> Any:
    """The JSON value of an answer, freed of thoughts and code fences, that the validator `check` allows.

    Raises ValueError with the complaint.
    """
    from jsonschema.exceptions import best_match

    bare = _THOUGHTS.sub("", text)
    fenced = _FENCED.search(bare)
    try:
        value = _loaded(bare)
    except ValueError:
        if fenced is None:
            raise
        value = _loaded(fenced[1])
    worst = best_match(check.iter_errors(value))
    if worst is not None:
        place = "/".join(map(str, worst.absolute_path)) or "top level"
        raise ValueError(f"it breaks the schema at {place}: {worst.message}")
    return value


def retry_after(said: str | None) -> float:
    """Seconds from now that a Retry-After header asks for, in seconds or as a date; 0 where it says nothing usable."""
    if not said:
        return 0.0
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError, OSError):
            return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def words_of(error: Any) -> str:
    """What a server says about an error: the message in its JSON, else the whole body."""
    message = error.body.get("message") if isinstance(error.body, dict) else None
    return message if isinstance(message, str) else str(error.response.text)


def clear(text: str) -> str:
    """Text without halves of surrogate pairs, which JSON can name and UTF-8 cannot hold."""
    return text.encode(errors="replace").decode()


def _first_choice(body: Mapping[str, Any]) -> tuple[str, str, str]:
    """Text, reason of its end, and fault."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return "", "", f"an answer without choices ({body.get('error') or 'no error given'})"
    finish = str(choice.get("finish_reason"))
    message = choice["message"] if isinstance(choice.get("message"), dict) else {}
    content = message.get("content")
    text = clear(content) if isinstance(content, str) else ""
    if finish == "length" or (finish != "content_filter" and text.strip()):
        return text, finish, ""
    return text, finish, f"an answer without text ({message.get('refusal') or f'finish_reason {finish}'})"


def _tokens(body: Mapping[str, Any], name: str) -> int:
    usage = body.get("usage")
    number = usage.get(name) if isinstance(usage, dict) else None
    return number if isinstance(number, int) and number > 0 else 0


def _loaded(text: str) -> Any:
    """A JSON value that can be written again. Raises ValueError with what is wrong."""
    try:
        value = json.loads(text)
        canonical_json(value).encode()
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not valid JSON ({error.msg}, line {error.lineno} column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not valid JSON ({error})") from None
    return value
