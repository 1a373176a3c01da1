"""A teacher is asked over real HTTP: what fails, what is paid for, and what a kill must not lose."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest

from base_gtm.errors import DataError, SpecError, TeacherError, UnusableAnswer
from base_gtm.options import field_notes
from base_gtm.teachers.endpoint import Endpoint, EndpointOptions, Spent
from base_gtm.teachers.journal import Journal
from base_gtm.teachers.wire import endpoint_url, retry_after

ROOT = Path(__file__).parents[2]
HOW_FAR = [{"role": "user", "content": "How far?"}]
FAR = {"type": "object", "properties": {"far": {"type": "integer"}}, "required": ["far"], "additionalProperties": False}
GOOD = '{"far": 12}'
KEY = "sk-very-secret-0123456789"
CENT = 10_000.0
"""Dollars a million tokens that make a token cost a cent."""

Act = Callable[["Handler", dict[str, Any]], None]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.enter(self, body)(self, body)

    def log_message(self, *_: object) -> None:
        pass

    def reply(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        """A whole response."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    """Speaks chat completions: first as scripted, then as `otherwise` says."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *script: Act, otherwise: Act, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = deque(script)
        self.otherwise = otherwise
        self.delay = delay
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.most = 0
        """Most requests that were under way at once."""
        self._now = 0
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def enter(self, handler: Handler, body: dict[str, Any]) -> Act:
        """Note a request; it is no longer under way when the answer begins."""
        with self._lock:
            self.asked.append(body)
            self.headers.append({name.lower(): value for name, value in handler.headers.items()})
            self.paths.append(handler.path)
            act = self.script.popleft() if self.script else self.otherwise
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.delay)
        with self._lock:
            self._now -= 1
        return act

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that has gone is no news."""


def completion(text: str | None, finish: str = "stop", usage: tuple[int, int] | None = (11, 7)) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    body: dict[str, Any] = {"model": "big-2", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    if usage:
        body["usage"] = dict(zip(("prompt_tokens", "completion_tokens"), usage, strict=True))
    return body


def says(text: str | None, **how: Any) -> Act:
    return lambda handler, _: handler.reply(200, completion(text, **how))


def body_is(content: Any, headers: Mapping[str, str] | None = None) -> Act:
    return lambda handler, _: handler.reply(200, content, headers)


def fails(status: int, message: str = "busy", **headers: str) -> Act:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.reply(status, {"error": {"message": message}}, named)


def slow(seconds: float) -> Act:
    def act(handler: Handler, _: dict[str, Any]) -> None:
        time.sleep(seconds)
        handler.reply(200, completion("late"))

    return act


def hangs_up(handler: Handler, _: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def echoes(handler: Handler, body: dict[str, Any]) -> None:
    handler.reply(200, completion(f"heard {body['messages'][-1]['content']}"))


def takes(*formats: str) -> Act:
    """Answers rightly, but refuses every response_format not named."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        wanted = body.get("response_format", {}).get("type", "text")
        if wanted in formats:
            handler.reply(200, completion(GOOD))
        else:
            handler.reply(400, {"error": {"message": f"Invalid parameter: 'response_format' of type '{wanted}'"}})

    return act


Teach = Callable[..., Server]


@pytest.fixture
def teach() -> Iterator[Teach]:
    servers: list[Server] = []

    def start(*script: Act, otherwise: Act = echoes, delay: float = 0.0) -> Server:
        servers.append(Server(*script, otherwise=otherwise, delay=delay))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def options(server: Server, **changes: Any) -> EndpointOptions:
    return EndpointOptions(**{"base_url": server.url, "model": "big", "backoff_s": 0.01, "timeout_s": 5, **changes})


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    message = str(error.value)
    assert "\n" not in message and KEY not in message and len(message) < 600
    return message


def lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a journal."""
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def test_an_answer_is_kept_with_what_was_asked(teach: Teach, tmp_path: Path) -> None:
    server, journal = teach(), tmp_path / "deep" / "journal.jsonl"
    with Endpoint(options(server, dollars_per_million_in=1.0, dollars_per_million_out=2.0), journal) as teacher:
        reply = teacher.ask(HOW_FAR, seed=3)
        assert (reply.text, reply.model, reply.tokens_in, reply.tokens_out) == ("heard How far?", "big-2", 11, 7)
        assert teacher.spent == Spent(requests=1, tokens_in=11, tokens_out=7, dollars=25e-6)
        assert teacher.model == "big"
    (line,) = lines(journal)
    record = line["record"]
    sent = {"model": "big", "messages": HOW_FAR, "temperature": 0.7, "max_tokens": 2048, "seed": 3}
    assert record["request"] == sent == server.asked[0]
    assert (record["text"], record["tokens_in"], record["tokens_out"]) == (reply.text, 11, 7)
    assert record["seconds"] == reply.seconds and record["at"].startswith("20")


def test_a_second_run_asks_nothing(teach: Teach, tmp_path: Path) -> None:
    server, journal = teach(), tmp_path / "journal.jsonl"
    questions = [[{"role": "user", "content": f"{n}?"}] for n in range(5)]
    with Endpoint(options(server), journal) as teacher:
        first = [teacher.ask(question) for question in questions]
        assert first[0] == teacher.ask(questions[0])
    with Endpoint(options(server), journal) as teacher:
        assert [teacher.ask(question) for question in questions] == first
        assert teacher.spent == Spent(remembered=5)
    assert len(server.asked) == 5


@pytest.mark.parametrize("changes", [{"temperature": 0.1}, {"max_tokens": 9}, {"model": "bigger"}, {}])
def test_another_question_is_asked_anew(teach: Teach, tmp_path: Path, changes: dict[str, Any]) -> None:
    server, journal = teach(otherwise=says(GOOD)), tmp_path / "journal.jsonl"
    with Endpoint(options(server), journal) as teacher:
        teacher.ask(HOW_FAR)
    with Endpoint(options(server, **changes), journal) as teacher:
        if not changes:
            teacher.ask(HOW_FAR, seed=1)
            teacher.ask(HOW_FAR, schema=FAR)
        teacher.ask(HOW_FAR)
        assert teacher.spent.requests == (1 if changes else 2)


@pytest.mark.parametrize(
    "trouble",
    [
        fails(429, Retry_After="0"),
        fails(429),
        fails(408),
        fails(409),
        fails(500),
        fails(503),
        fails(529),
        hangs_up,
        body_is(b'{"choices": [{"mess'),
        body_is(b"<html>gateway</html>", {"Content-Type": "text/html"}),
        body_is([]),
        body_is({"choices": []}),
        body_is({"error": {"message": "upstream"}}),
        body_is({"choices": [{"message": None}]}),
        body_is({"choices": "none"}),
        says(None),
        says(" \n"),
        says("half of it", finish="content_filter"),
    ],
)
def test_what_may_pass_is_asked_again(teach: Teach, tmp_path: Path, trouble: Act) -> None:
    server = teach(trouble, trouble)
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask(HOW_FAR).text == "heard How far?"
        assert (teacher.spent.requests, teacher.spent.retries, len(server.asked)) == (3, 2, 3)


def test_an_answer_that_takes_too_long_is_asked_for_again(teach: Teach, tmp_path: Path) -> None:
    server = teach(slow(4))
    with Endpoint(options(server, timeout_s=1.5), tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask(HOW_FAR).text == "heard How far?" and teacher.spent.retries == 1


@pytest.mark.parametrize("trouble, kind", [(fails(503, "no room"), TeacherError), (says(None), UnusableAnswer)])
def test_trouble_that_stays_ends_after_max_tries(
    teach: Teach, tmp_path: Path, trouble: Act, kind: type[Exception]
) -> None:
    server = teach(otherwise=trouble)
    with Endpoint(options(server, max_tries=3), tmp_path / "journal.jsonl") as teacher:
        with pytest.raises(TeacherError) as error:
            teacher.ask(HOW_FAR)
        assert type(error.value) is kind
        assert "3 times" in one_line(error) and server.url in str(error.value)
        assert len(server.asked) == 3 and teacher.spent.retries == 2


def test_answers_that_cannot_be_used_are_paid_for_and_kept(teach: Teach, tmp_path: Path) -> None:
    server, journal = teach(says(None), says("no", finish="content_filter")), tmp_path / "journal.jsonl"
    with Endpoint(options(server, dollars_per_million_in=CENT), journal) as teacher:
        teacher.ask(HOW_FAR)
        assert teacher.spent.tokens_in == 33 and teacher.spent.dollars == pytest.approx(0.33)
    assert [bool(line["record"]["fault"]) for line in lines(journal)] == [True, True, False]
    with Endpoint(options(server), journal) as teacher:
        assert teacher.spent.dollars_before == pytest.approx(0.33)
        assert teacher.ask(HOW_FAR).text == "heard How far?" and len(server.asked) == 3


@pytest.mark.parametrize("said, least", [(lambda: "1", 1.0), (lambda: formatdate(time.time() + 2, usegmt=True), 0.9)])
def test_retry_after_is_waited_for(teach: Teach, tmp_path: Path, said: Callable[[], str], least: float) -> None:
    server = teach(lambda handler, _: handler.reply(429, {}, {"Retry-After": said()}))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        started = time.monotonic()
        teacher.ask(HOW_FAR)
        assert least <= time.monotonic() - started < least + 5


def test_retry_after_of_hours_is_said_at_once(teach: Teach, tmp_path: Path) -> None:
    server = teach(otherwise=fails(429, "daily quota", Retry_After="7200"))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        with pytest.raises(TeacherError, match=r"7200 s .*daily quota") as error:
            teacher.ask(HOW_FAR)
        assert one_line(error) and len(server.asked) == 1


@pytest.mark.parametrize(
    "said, seconds", [("2", 2), ("0.5", 0.5), (None, 0), ("", 0), ("-3", 0), ("nan", 0), ("inf", 0), ("soon", 0)]
)
def test_retry_after_is_read(said: str | None, seconds: float) -> None:
    assert retry_after(said) == seconds
    assert retry_after(formatdate(time.time() - 60, usegmt=True)) == 0


def test_pauses_grow_at_random(teach: Teach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    server = teach(otherwise=fails(500))
    with Endpoint(options(server, backoff_s=8, max_tries=24), tmp_path / "journal.jsonl") as teacher:
        main = threading.current_thread()

        def sleep(seconds: float) -> None:
            if threading.current_thread() is main:
                pauses.append(seconds)

        monkeypatch.setattr(time, "sleep", sleep)
        with pytest.raises(TeacherError):
            teacher.ask(HOW_FAR)
    assert len(pauses) == 23 == len(set(pauses))
    assert all(pause <= most for pause, most in zip(pauses, [8, 16, 32] + 20 * [60], strict=True))
    assert max(pauses) > 32


@pytest.mark.parametrize(
    "status, message, words",
    [
        (401, f"Incorrect API key provided: {KEY}.\nSee the site", ("OPENAI_API_KEY", "refused", "[key]")),
        (403, "country", ("OPENAI_API_KEY", "refused", "country")),
        (404, "no such model", ("'big'", "base_url", "/v1")),
        (402, "pay first", ("pay first",)),
        (400, "max_tokens is too large", ("max_tokens is too large",)),
    ],
)
def test_what_will_not_pass_is_one_line(
    teach: Teach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, message: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server = teach(otherwise=fails(status, message))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        with pytest.raises(TeacherError) as error:
            teacher.ask(HOW_FAR)
        assert type(error.value) is TeacherError and error.value.__cause__ is None
        assert all(word in one_line(error) for word in (*words, server.url, str(status)))
        assert len(server.asked) == 1


def test_the_key_is_sent_and_nowhere_told(
    teach: Teach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BIG_KEY", f"{KEY}\n")
    caplog.set_level("DEBUG")
    server, journal = teach(fails(500, f"cannot use {KEY}"), says(None)), tmp_path / "journal.jsonl"
    with Endpoint(options(server, api_key_env="BIG_KEY"), journal) as teacher:
        teacher.ask(HOW_FAR)
        told = [repr(teacher), repr(teacher.options), repr(teacher.spent), journal.read_text(), caplog.text]
    assert not any(KEY in text for text in told)
    assert {headers["authorization"] for headers in server.headers} == {f"Bearer {KEY}"}


def test_a_local_server_needs_no_key_and_is_told_nothing_of_this_machine(teach: Teach, tmp_path: Path) -> None:
    server = teach(echoes, fails(401))
    with Endpoint(options(server, base_url=f"{server.url}/chat/completions/"), tmp_path / "journal.jsonl") as teacher:
        teacher.ask(HOW_FAR)
        assert server.headers[0]["authorization"] == "Bearer none" and server.paths == ["/v1/chat/completions"]
        assert not {"x-stainless-os", "x-stainless-arch", "x-stainless-runtime-version"} & set(server.headers[0])
        with pytest.raises(TeacherError, match=r"a key is needed .*set OPENAI_API_KEY"):
            teacher.ask(HOW_FAR, seed=1)


def test_a_key_that_is_none_is_not_repeated(teach: Teach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(TeacherError, match="OPENAI_API_KEY: holds no key") as error:
        Endpoint(options(teach()), tmp_path / "journal.jsonl")
    assert one_line(error)


def test_nobody_there_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with Endpoint(EndpointOptions(url, "big"), tmp_path / "journal.jsonl") as teacher:
        with pytest.raises(TeacherError, match=r"not reachable .*start the server") as error:
            teacher.ask(HOW_FAR)
        assert url in one_line(error) and teacher.spent.requests == 1


def test_a_server_that_goes_away_is_waited_for(teach: Teach, tmp_path: Path) -> None:
    server = teach(body_is(completion("here"), {"Connection": "close"}))
    with Endpoint(options(server, max_tries=4), tmp_path / "journal.jsonl") as teacher:
        teacher.ask(HOW_FAR)
        server.stop()
        with pytest.raises(TeacherError, match="4 times"):
            teacher.ask(HOW_FAR, seed=1)
        assert teacher.spent.requests == 5


def test_a_refused_question_is_not_the_end_where_others_were_served(teach: Teach, tmp_path: Path) -> None:
    server = teach(echoes, fails(400, "context length exceeded"))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        teacher.ask(HOW_FAR)
        with pytest.raises(UnusableAnswer, match="context length exceeded"):
            teacher.ask(HOW_FAR, seed=1)
        with pytest.raises(UnusableAnswer, match="cannot be sent"):
            teacher.ask([{"role": "user", "content": "\ud83d"}])


@pytest.mark.parametrize("text", ['{"far": 1', None])
def test_an_answer_cut_off_is_paid_for_once(teach: Teach, tmp_path: Path, text: str | None) -> None:
    server, journal = teach(says(text, finish="length"), otherwise=says(GOOD)), tmp_path / "journal.jsonl"
    with Endpoint(options(server, max_tokens=5), journal) as teacher:
        for _ in range(2):
            with pytest.raises(UnusableAnswer, match=r"5 tokens; raise max_tokens"):
                teacher.ask_json(HOW_FAR, FAR)
    assert len(server.asked) == 1
    with Endpoint(options(server, max_tokens=50), journal) as teacher:
        assert teacher.ask_json(HOW_FAR, FAR) == {"far": 12}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here it is:\n```\n{GOOD}```\nAnything else?",
        f"<think>not {{this}}\n```json\n{{}}\n```</think>\n{GOOD}",
        f"  {GOOD}\n",
    ],
)
def test_json_is_freed_of_what_stands_around_it(teach: Teach, tmp_path: Path, text: str) -> None:
    with Endpoint(options(teach(says(text))), tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask_json(HOW_FAR, FAR) == {"far": 12}
        assert teacher.spent.requests == 1


def test_fences_inside_a_string_stay(teach: Teach, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"code": {"type": "string"}}}
    value = {"code": "```c\nint x;\n```"}
    with Endpoint(options(teach(says(f"```json\n{json.dumps(value)}\n```"))), tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask_json(HOW_FAR, schema) == value


@pytest.mark.parametrize(
    "text, complaint",
    [
        ('{"far": 12', "not valid JSON"),
        ("I cannot say", "not valid JSON"),
        ('{"far": "12"}', "far: '12' is not of type 'integer'"),
        ("{}", "'far' is a required property"),
        ('{"far": NaN}', "not valid JSON"),
        ('{"far": 1e999}', "not valid JSON"),
        ('{"far": 1, "\\ud83d": 2}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_broken_json_is_asked_for_again_with_the_complaint(
    teach: Teach, tmp_path: Path, text: str, complaint: str
) -> None:
    server = teach(says(text), otherwise=says(GOOD))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask_json(HOW_FAR, FAR) == {"far": 12}
    assert [message["role"] for message in server.asked[1]["messages"]] == ["user", "assistant", "user"]
    assert server.asked[1]["messages"][1]["content"] == text
    assert complaint in server.asked[1]["messages"][2]["content"]


def test_json_that_stays_broken_is_paid_for_once(teach: Teach, tmp_path: Path) -> None:
    server, journal = teach(otherwise=says('{"far": "off"}')), tmp_path / "journal.jsonl"
    for _ in range(2):
        with Endpoint(options(server, max_repairs=1), journal) as teacher:
            with pytest.raises(UnusableAnswer, match=r"2 answers .*not of type 'integer'") as error:
                teacher.ask_json(HOW_FAR, FAR)
            assert str(journal) in one_line(error)
    assert len(server.asked) == 2 and teacher.spent == Spent(remembered=2)


def test_half_a_surrogate_pair_does_no_harm(teach: Teach, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    server = teach(body_is(json.dumps(completion("\ud83d and \u2028")).encode()), otherwise=says(GOOD))
    with Endpoint(options(server), journal) as teacher:
        assert teacher.ask_json(HOW_FAR, FAR) == {"far": 12}
    with Endpoint(options(server), journal) as teacher:
        assert teacher.ask_json(HOW_FAR, FAR) == {"far": 12}
        assert teacher.ask(HOW_FAR, schema=FAR).text == "? and \u2028"
    assert len(server.asked) == 2


def test_a_schema_that_is_none_is_refused(teach: Teach, tmp_path: Path) -> None:
    with Endpoint(options(teach()), tmp_path / "journal.jsonl") as teacher, pytest.raises(SpecError):
        teacher.ask_json(HOW_FAR, {"type": "far"})


@pytest.mark.parametrize(
    "taken, sent",
    [
        (["json_schema"], ["json_schema", "json_schema"]),
        (["json_object"], ["json_schema", "json_object", "json_object"]),
        (["text"], ["json_schema", "json_object", "text", "text"]),
    ],
)
def test_a_refused_response_format_is_given_up_for_good(
    teach: Teach, tmp_path: Path, taken: list[str], sent: list[str]
) -> None:
    server, journal = teach(otherwise=takes(*taken)), tmp_path / "journal.jsonl"
    with Endpoint(options(server), journal) as teacher:
        assert [teacher.ask_json(HOW_FAR, FAR, seed) for seed in (0, 1)] == 2 * [{"far": 12}]
        assert teacher.spent.retries == 0
        assert teacher.ask_json(HOW_FAR, FAR) and len(server.asked) == len(sent)
    assert [body.get("response_format", {}).get("type", "text") for body in server.asked] == sent
    told = ['"far"' in body["messages"][-1]["content"] for body in server.asked]
    assert told == [kind != "json_schema" for kind in sent]
    assert server.asked[0]["response_format"]["json_schema"]["schema"] == FAR


def test_threads_that_are_refused_together_give_up_one_step(teach: Teach, tmp_path: Path) -> None:
    server = teach(otherwise=takes("json_object", "text"), delay=0.05)
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: teacher.ask_json(HOW_FAR, FAR, seed), range(24)))
    kinds = Counter(body.get("response_format", {}).get("type", "text") for body in server.asked)
    assert kinds["json_object"] == 24 and "text" not in kinds and 1 <= kinds["json_schema"] <= 8


def test_a_schema_refused_where_others_were_taken_is_alone_at_fault(teach: Teach, tmp_path: Path) -> None:
    odd = fails(400, "Invalid schema for response_format 'answer'")
    server = teach(says(GOOD), odd, otherwise=says(GOOD))
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher:
        for seed in range(3):
            assert teacher.ask_json(HOW_FAR, FAR, seed) == {"far": 12}
    kinds = [body["response_format"]["type"] for body in server.asked]
    assert kinds == ["json_schema", "json_schema", "json_object", "json_schema"]


def test_fields_that_a_server_does_not_know_are_not_sent_again(teach: Teach, tmp_path: Path) -> None:
    limit = fails(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
    server = teach(limit, fails(422, '[{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]'))
    with Endpoint(options(server, max_tokens=77), tmp_path / "journal.jsonl") as teacher:
        teacher.ask(HOW_FAR)
        teacher.ask(HOW_FAR, seed=1)
    assert len(server.asked) == 4
    assert all("max_tokens" not in body and body["max_completion_tokens"] == 77 for body in server.asked[1:])
    assert ["seed" in body for body in server.asked] == [True, True, False, False]


def test_concurrency_is_used_and_never_exceeded(teach: Teach, tmp_path: Path) -> None:
    server = teach(delay=0.1)
    with (
        Endpoint(options(server, concurrency=4), tmp_path / "journal.jsonl") as teacher,
        ThreadPoolExecutor(12) as pool,
    ):
        replies = list(pool.map(lambda seed: teacher.ask(HOW_FAR, seed=seed), range(32)))
        assert len(replies) == 32 == teacher.spent.requests
        assert teacher.spent.tokens_in == 32 * 11 and teacher.spent.tokens_out == 32 * 7
    assert server.most == 4


def test_one_question_from_many_threads_is_asked_once(teach: Teach, tmp_path: Path) -> None:
    server = teach(delay=0.2)
    with Endpoint(options(server), tmp_path / "journal.jsonl") as teacher, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: teacher.ask(HOW_FAR), range(8)))
        assert teacher.spent.remembered == 7
    assert len(server.asked) == 1 and len(set(replies)) == 1


def test_a_budget_holds_over_runs(teach: Teach, tmp_path: Path) -> None:
    server, journal = teach(), tmp_path / "journal.jsonl"
    priced = options(server, dollars_per_million_in=CENT, dollars_per_million_out=CENT, budget_dollars=0.5)
    with Endpoint(priced, journal) as teacher:
        for seed in range(3):
            teacher.ask(HOW_FAR, seed=seed)
        with pytest.raises(TeacherError, match=r"budget of \$0.5 is spent: .*\$0.54; raise budget_dollars") as error:
            teacher.ask(HOW_FAR, seed=3)
        assert one_line(error) and type(error.value) is TeacherError
    with Endpoint(priced, journal) as teacher:
        assert teacher.ask(HOW_FAR, seed=2).text == "heard How far?"
        with pytest.raises(TeacherError, match="budget"):
            teacher.ask(HOW_FAR, seed=3)
    assert len(server.asked) == 3
    with Endpoint(dataclasses.replace(priced, budget_dollars=0.6), journal) as teacher:
        teacher.ask(HOW_FAR, seed=3)
        assert teacher.spent.dollars == pytest.approx(0.18) and teacher.spent.dollars_before == pytest.approx(0.54)


def test_a_budget_that_cannot_be_watched_is_said(teach: Teach, tmp_path: Path) -> None:
    server = teach(otherwise=says("hm", usage=None))
    with pytest.raises(TeacherError, match="dollars_per_million"):
        options(server, budget_dollars=1.0)
    priced = options(server, budget_dollars=1.0, dollars_per_million_in=CENT)
    with Endpoint(priced, tmp_path / "journal.jsonl") as teacher:
        assert teacher.ask(HOW_FAR).tokens_in == 0
        with pytest.raises(TeacherError, match="no usage"):
            teacher.ask(HOW_FAR, seed=1)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "given",
    [
        "ftp://a/v1",
        "localhost:8000/v1",
        "",
        "http://",
        "http://a:b/v1",
        f"https://{KEY}@a/v1",
        f"https://a/v1?key={KEY}",
    ],
)
def test_an_address_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(TeacherError, match="base_url") as error:
        EndpointOptions(given, "big")
    assert one_line(error)


def test_addresses_and_options() -> None:
    for given in ("http://a:8000/v1", "http://a:8000/v1/", " http://a:8000/v1/chat/completions"):
        assert endpoint_url(given) == "http://a:8000/v1"
    for wrong in (
        {"concurrency": 0},
        {"timeout_s": float("nan")},
        {"max_tries": 0},
        {"model": ""},
        {"max_repairs": -1},
    ):
        with pytest.raises(TeacherError, match=next(iter(wrong))):
            EndpointOptions(**{"base_url": "http://a/v1", "model": "big", **wrong})
    assert set(field_notes(EndpointOptions)) == {field.name for field in dataclasses.fields(EndpointOptions)}


def test_importing_the_endpoint_imports_no_client() -> None:
    code = "import sys, base_gtm.teachers.endpoint; print(sorted({'openai', 'httpx2', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_torn_last_line_is_cut_off_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        for n in range(3):
            journal.put(f"key {n}", {"n": n, "text": "größer"})
    whole = path.read_bytes()
    start = whole.rindex(b'{"key"')
    for end in range(start, len(whole) - 1):
        for tail in (b"", b"\0\0"):
            path.write_bytes(whole[:end] + tail)
            with Journal(path) as journal:
                assert [record["n"] for record in journal.records()] == [0, 1] and journal.get("key 2") is None
                journal.put("key 3", {"n": 3})
                assert journal.get("key 3") == {"n": 3}
            assert path.read_bytes() == whole[:start] + b'{"key": "key 3", "record": {"n": 3}}\n'


def test_a_record_that_lacks_its_line_break_alone_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"key": "a", "record": {"n": 1}}')
    with Journal(path) as journal:
        journal.put("b", {"n": 2})
    with Journal(path) as journal:
        assert (journal.get("a"), journal.get("b"), len(journal)) == ({"n": 1}, {"n": 2}, 2)


@pytest.mark.parametrize(
    "content",
    [b"my only copy of a text", b'{"key": "a"}\n', b'{"key": "a", "record": {}}\nbroken\n', b"\xff\n", b"[1]"],
)
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"journal.jsonl:[12]: no record"):
        Journal(path)
    assert path.read_bytes() == content
    with pytest.raises(DataError, match="cannot be opened"):
        Journal(tmp_path)


def test_two_processes_do_not_hold_one_journal(teach: Teach, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    code = "import sys, pathlib, base_gtm.teachers.journal as j; j.Journal(pathlib.Path(sys.argv[1]))"

    def other() -> str:
        done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True)
        return done.stderr.strip().rpartition("\n")[2]

    with Endpoint(options(teach()), path):
        assert other() == f"base_gtm.errors.DataError: {path}: held by another run; " + (
            "wait until that ends, or give another file"
        )
    assert other() == ""


def test_a_full_disk_costs_one_record_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        journal.put("a", {"n": 1})
        before = path.read_bytes()
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
            with pytest.raises(DataError, match="cannot be written"):
                journal.put("b", {"n": 2})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == before and journal.get("b") is None
        journal.put("c", {"n": 3})
        assert journal.get("c") == {"n": 3}
    with pytest.raises(DataError, match="cannot be written"):
        journal.put("d", {"n": 4})
    with Journal(path) as journal:
        assert [record["n"] for record in journal.records()] == [1, 3]


def test_a_record_is_not_kept_before_the_disk_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:

        def refuse(_: int) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(DataError, match=r"cannot be written \(Input/output error\)"):
                journal.put("a", {"n": 1})
        assert journal.get("a") is None and path.read_bytes() == b""


def test_a_journal_takes_records_from_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: journal.put(str(n), {"n": n, "text": "x" * n}), range(200)))
        assert all(journal.get(str(n)) == {"n": n, "text": "x" * n} for n in range(200))
        journal.put("7", {"n": "later"})
    with Journal(path) as journal:
        assert len(journal) == 200 and journal.get("7") == {"n": "later"}


THREADS, QUESTIONS, KILLS = 8, 200, 4
CHILD = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from base_gtm.teachers.endpoint import Endpoint, EndpointOptions

def ask(number):
    return teacher.ask([{{"role": "user", "content": f"question {{number}}"}}]).text

options = EndpointOptions(sys.argv[1], "big", concurrency={THREADS}, backoff_s=0.01)
with Endpoint(options, Path(sys.argv[2])) as teacher, ThreadPoolExecutor({THREADS}) as pool:
    assert list(pool.map(ask, range({QUESTIONS}))) == [f"heard question {{n}}" for n in range({QUESTIONS})]
print(teacher.spent.requests, teacher.spent.remembered)
"""


@pytest.mark.slow
def test_kills_lose_no_answer_and_ask_nothing_twice(teach: Teach, tmp_path: Path) -> None:
    server, journal, random = teach(delay=0.06), tmp_path / "journal.jsonl", Random(time.time_ns())
    command = [sys.executable, "-c", CHILD, server.url, str(journal)]

    def held() -> list[str]:
        return [line["record"]["request"]["messages"][0]["content"] for line in lines(journal)]

    for _ in range(KILLS):
        known, asked = held() if journal.exists() else [], len(server.asked)
        child = subprocess.Popen(command, cwd=ROOT)
        wanted = asked + random.randrange(2 * THREADS, 32)
        while len(server.asked) < wanted and child.poll() is None:
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.08))
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert held()[: len(known)] == known and len(held()) > len(known)
        assert not set(known) & set(questions_of(server)[asked:])

    known, asked = held(), len(server.asked)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(QUESTIONS - len(known)), str(len(known))]
    assert not set(known) & set(questions_of(server)[asked:])
    assert sorted(held()) == sorted(f"question {n}" for n in range(QUESTIONS))
    assert len(server.asked) - len(set(questions_of(server))) <= THREADS * KILLS


def questions_of(server: Server) -> list[str]:
    return [body["messages"][-1]["content"] for body in server.asked]
