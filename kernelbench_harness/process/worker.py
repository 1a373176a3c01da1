"""The parent's side of a confined child: start it, talk with it, stop it, and say how it ended.

Guarantees: the child is dead when `Worker.run` returns; its time limit does not run while the parent handles one of its
messages (a compilation, say); output beyond the limit, a malformed message and a lost zygote each end the run cleanly.
The zygote is started at the first run and again whenever it has died.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.process import wire
from kernelbench_harness.sandbox.policy import Policy
from kernelbench_harness.sandbox.process import clean_environment

START_LIMIT_S = 120.0
"""For importing torch, on a cold disk and a busy machine."""
OUTPUT_LIMIT = 1_000_000
_CHUNK = 1 << 16
_ZYGOTE = "kernelbench_harness.process.zygote"
_BOOT = f"import sys; sys.path.insert(0, sys.argv[1]); from {_ZYGOTE} import main; main(int(sys.argv[2]))"


class Stop(Exception):
    """Raised by a handler that has seen enough: the child is killed, and the run has ended as `stopped`."""


class Clock:
    """The run's deadline, which a handler may set anew."""

    def __init__(self, limit_s: float) -> None:
        self.restart(limit_s)

    def restart(self, limit_s: float) -> None:
        """`limit_s` seconds from now."""
        self.deadline = time.monotonic() + limit_s

    @property
    def left(self) -> float:
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    returncode: int
    """Exit status; negative is the signal that ended it."""
    output: str
    """stdout and stderr, at most the output limit."""
    timed_out: bool = False
    flooded: bool = False
    """Killed for more output than the limit."""
    stopped: bool = False
    """Killed because its handler had seen enough."""
    malformed: str = ""
    """What was wrong with a message of its; it was killed for that."""
    over_disk: str = ""
    """What it held too much of on disk, in words; it was killed for that."""
    over_memory: str = ""
    """The same of memory, where that is watched."""


Handler = Callable[[dict[str, Any], Clock], dict[str, Any] | None]
"""Takes a message, returns the answer to send, or None for no answer. May raise Stop."""


class Worker:
    """One warm process and the children it forks, one at a time; not for two threads at once."""

    def __init__(self, core: int | None = None, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: what the clean environment of the warm process and of its children lacks."""
        self._core, self._environment = core, dict(environment or {})
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def close(self) -> None:
        """Ends the warm process and whatever it runs."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._zygote is not None:
            try:
                self._zygote.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._zygote.kill()
                self._zygote.wait()
            self._zygote = None

    def start(self) -> None:
        """Starts the warm process unless it lives. Raises HarnessError when it does not come up."""
        if self._zygote is not None and self._zygote.poll() is None and self._control is not None:
            return
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        # Not -I, which would ignore the seed of hashes: the order of a set must not differ between two runs.
        command = [sys.executable, "-P", "-s", "-B", "-c", _BOOT, root, str(theirs.fileno())]
        with theirs:
            self._zygote = subprocess.Popen(
                command,
                env=clean_environment("/tmp") | {"PYTHONHASHSEED": "0"} | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(START_LIMIT_S)
        try:
            greeting = ours.recv(_CHUNK)
        except OSError:
            greeting = b""
        stderr = self._zygote.stderr
        assert stderr is not None
        if not greeting:
            self._zygote.kill()
            lines = stderr.read().decode(errors="replace").strip().splitlines()
            stderr.close()
            self.close()
            raise HarnessError(f"the warm worker did not start: {lines[-1] if lines else 'no word from it'}")
        stderr.close()
        ours.settimeout(None)

    def run(self, job: dict[str, Any], policy: Policy, folder: Path, limit_s: float, handle: Handler) -> Ended:
        """Forks a child under `policy` in `folder`, gives it `job`, and serves it until it ends or `limit_s` is spent.

        Raises HarnessError when no child can be started, or when the sandbox does not come up.
        """
        for attempt in (1, 2):
            self.start()
            try:
                return _Run(self._control, job, limit_s, handle).go(self._request(policy, folder))
            except _ZygoteLostError as error:
                self.close()
                if attempt == 2 or error.begun:
                    raise HarnessError("the warm worker died under a job; run again") from error
        raise AssertionError("unreachable")

    def _request(self, policy: Policy, folder: Path) -> dict[str, Any]:
        return {
            "kind": "fork",
            "policy": policy.to_json(),
            "folder": str(folder),
            "environment": clean_environment(folder) | self._environment,
            "core": self._core,
        }


class _ZygoteLostError(Exception):
    def __init__(self, begun: bool) -> None:
        super().__init__("the warm worker is gone")
        self.begun = begun


class _Run:
    """One child's life. Its descriptors: job and answers to it, messages from it, its output."""

    def __init__(self, control: socket.socket | None, job: dict[str, Any], limit_s: float, handle: Handler) -> None:
        assert control is not None
        self._control, self._job, self._handle, self._limit_s = control, job, handle, limit_s
        self._clock = Clock(START_LIMIT_S)
        self._inbox = wire.Inbox()
        self._output = bytearray()
        self._end: dict[str, Any] = {}
        self._status: int | None = None
        self._begun = False

    def go(self, request: dict[str, Any]) -> Ended:
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1]]
        self._answers, self._messages, self._out = pipes[0][1], pipes[1][0], pipes[2][0]
        try:
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], theirs)
            except OSError as error:
                raise _ZygoteLostError(False) from error
            finally:
                for fd in theirs:
                    os.close(fd)
            self._serve()
        except _ZygoteLostError:
            raise
        except BaseException:
            self._abandon()
            raise
        finally:
            for fd in (self._answers, self._messages, self._out):
                os.close(fd)
        code = os.waitstatus_to_exitcode(self._status if self._status is not None else 0)
        if code == -signal.SIGXCPU:
            self._end["timed_out"] = True
        return Ended(code, self._output.decode("utf-8", "replace"), **self._end)

    def _serve(self) -> None:
        """Until the child has ended and both its pipes are dry."""
        poll = select.poll()
        for fd in (self._messages, self._out, self._control.fileno()):
            poll.register(fd, select.POLLIN)
        open_ends = {self._messages, self._out}
        while open_ends or self._status is None:
            ready = poll.poll(max(0.0, self._clock.left) * 1000 + 1)
            if not ready:
                if self._end:
                    raise _ZygoteLostError(True)  # killed, and still no word of its end
                self._kill(timed_out=True)
                continue
            for fd, _ in ready:
                if fd == self._control.fileno():
                    self._hear_zygote()
                    if self._status is not None:
                        poll.unregister(fd)
                elif not self._take(fd):
                    poll.unregister(fd)
                    open_ends.discard(fd)

    def _abandon(self) -> None:
        """After an exception of ours: ends the child and takes the zygote's word of it; the next run starts clean."""
        self._kill(stopped=True)
        self._control.settimeout(20.0)
        with contextlib.suppress(OSError, _ZygoteLostError):
            while self._status is None:
                self._hear_zygote()
        self._control.settimeout(None)

    def _hear_zygote(self) -> None:
        data = self._control.recv(_CHUNK)
        if not data:
            raise _ZygoteLostError(self._begun)
        message = json.loads(data)
        if message["kind"] == "exit":
            self._status = int(message["status"])
            for name in ("over_disk", "over_memory"):
                if message.get(name):
                    self._end[name] = str(message[name])

    def _take(self, fd: int) -> bool:
        """Reads from a pipe of the child's; False at its end."""
        chunk = os.read(fd, _CHUNK)
        if not chunk:
            return False
        if fd == self._out:
            room = OUTPUT_LIMIT - len(self._output)
            self._output += chunk[:room]
            if len(chunk) > room:
                self._kill(flooded=True)
            return True
        if not self._end:
            self._messages_in(chunk)
        return True

    def _messages_in(self, chunk: bytes) -> None:
        try:
            for message in self._inbox.feed(chunk):
                self._answer(message)
        except wire.WireError as error:
            self._kill(malformed=str(error))
        except Stop:
            self._kill(stopped=True)

    def _answer(self, message: dict[str, Any]) -> None:
        if message["kind"] == "setup" and not self._begun:
            self._kill(stopped=True)
            raise HarnessError(f"the confined process did not come up: {str(message.get('error'))[:500]}")
        if message["kind"] == "entered" and not self._begun:
            self._begun = True
            self._clock.restart(self._limit_s)
            reply: dict[str, Any] | None = self._job
        else:
            begin = time.monotonic()
            reply = self._handle(message, self._clock)
            self._clock.deadline += time.monotonic() - begin
        if reply is not None:
            self._send(reply)

    def _send(self, reply: dict[str, Any]) -> None:
        # A child that does not read must not hold us: a full pipe counts against its own time.
        os.set_blocking(self._answers, False)
        body = memoryview(wire.pack(reply))
        poll = select.poll()
        poll.register(self._answers, select.POLLOUT)
        with contextlib.suppress(BrokenPipeError):
            while body:
                if not poll.poll(max(0.0, self._clock.left) * 1000):
                    self._kill(timed_out=True)
                    return
                body = body[os.write(self._answers, body) :]

    def _kill(self, **how: Any) -> None:
        """Ends the child; the first reason given is the one that counts."""
        if not self._end:
            self._end = how
            self._clock.restart(20.0)
            with contextlib.suppress(OSError):
                self._control.send(b'{"kind": "kill"}')
