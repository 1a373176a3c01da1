"""Labels on a Ray cluster: one actor for each GPU where candidates run on one, else for each core; a harness in each.

Guarantees: messages are JSON text, so nothing that a candidate wrote is ever unpickled; an actor that dies, with its
node or alone, has its job given back as lost, and another takes its place where the cluster has room; nodes that join
later get actors too. Joins the cluster that `address` or RAY_ADDRESS names; without one it starts a cluster on this
machine, on the loopback interface and without dashboard or usage reports, and stops it at the end.
Not guaranteed: that the nodes' environments agree; each label names its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from kernelbench_harness.engine import message
from kernelbench_harness.engine.backend import Fault, Labeller, Outcome, attempt, reason_of
from kernelbench_harness.engine.cores import Core
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.label import Candidate, Problem

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

START_LIMIT_S = 180.0
"""For a first actor, or another one after all have died: a node has to be found and torch imported there."""
LOOK_EVERY_S = 3.0
"""Between two looks at what the cluster has."""
MOST_DEAD_STARTS = 6
"""Actors that died before they could label, in a row, before giving up."""
_KNOCK_S = 5.0
_OBJECT_STORE_BYTES = 100 << 20


class RemoteLabeller:
    """What runs in an actor: a harness on a core that no other actor of the machine has."""

    def __init__(self, options: str) -> None:
        self._core = Core.reserve()
        self._options = message.options_of(options, self._core.number)
        self._stack = contextlib.ExitStack()
        self._labeller = self._fresh()

    def _fresh(self) -> Labeller:
        from kernelbench_harness.engine.local import open_harness

        self._stack.close()
        return self._stack.enter_context(open_harness(self._options))

    def describe(self) -> str:
        """Hash and record of the environment here."""
        return json.dumps([self._labeller.environment_id, dict(self._labeller.environment)])

    def label(self, job: str) -> str:
        """The outcome of a job, both as JSON. After a fault of the worker's the next job meets a fresh one."""
        outcome = attempt(self._labeller, *message.job_of(job))
        if outcome.fault is Fault.WORKER:
            self._labeller = self._fresh()
        return message.outcome_text(outcome)

    def close(self) -> None:
        """End the harness's processes and remove its folders."""
        self._stack.close()


class RayPool:
    """See Backend. `workers` limits the actors; None means as many as the cluster has GPUs, or cores for "cpu"."""

    def __init__(self, options: HarnessOptions, workers: int | None = None, address: str | None = None) -> None:
        self._options, self._workers = message.options_text(options), workers
        self._gpu = options.device != "cpu"
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._ray = _import_ray()
        self._own = False
        self._starting: dict[Any, Any] = {}
        """Reference of `describe` -> actor."""
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, int]] = {}
        """Reference of `label` -> actor, job number."""
        self._known: dict[str, Mapping[str, Any]] = {}
        self.lost = 0
        """Actors that have died at work."""
        self._dead_starts = 0
        self._looked = self._alive = 0.0

    def __enter__(self) -> Self:
        if not self._ray.is_initialized():
            self._join()
            self._own = True
        self._actor = self._ray.remote(RemoteLabeller)
        self._alive = time.monotonic()
        self._staff()
        return self

    def _join(self) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        alone: dict[str, Any] = {
            "include_dashboard": False,
            "_node_ip_address": "127.0.0.1",
            "object_store_memory": _OBJECT_STORE_BYTES,
            "num_cpus": self._workers or len(os.sched_getaffinity(0)),
        }
        if self._address:
            self._knock(self._address)
        try:
            if self._address:
                self._ray.init(address=self._address, **quiet)
            else:
                self._ray.init(address="local", **quiet, **alone)
        except Exception as error:  # it has no root of its own for what can go wrong here
            where = self._address or "this machine"
            raise HarnessError(
                f"no Ray cluster at {where} ({reason_of(error)}); start one with 'ray start --head' or give no address"
            ) from None

    def _knock(self, address: str) -> None:
        """Raise HarnessError when nobody listens there: Ray itself would try for many minutes."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or "//" in address:  # "auto", or a client's address: Ray knows at once
            return
        if host in ("localhost", "127.0.0.1"):  # as Ray reads it
            host = self._ray.util.get_node_ip_address()
        try:
            socket.create_connection((host, int(port)), timeout=_KNOCK_S).close()
        except OSError as error:
            raise HarnessError(
                f"no Ray cluster at {host}:{port} ({error.strerror or error}); start one with 'ray start --head'"
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # a cluster that is gone already is as good as closed
            closing = [actor.close.remote() for actor in self._idle]
            self._ray.wait(closing, num_returns=len(closing), timeout=10.0) if closing else None
            for actor in [*self._idle, *self._starting.values(), *(actor for actor, _ in self._busy.values())]:
                self._ray.kill(actor)
        if self._own:
            self._ray.shutdown()

    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """See Backend."""
        while not self._known:
            self._listen(1.0)
        return self._known

    @property
    def room(self) -> int:
        """See Backend."""
        return len(self._idle)

    def submit(self, number: int, problem: Problem, candidate: Candidate) -> None:
        """See Backend."""
        actor = self._idle.pop()
        self._busy[actor.label.remote(message.job_text(number, problem, candidate))] = actor, number

    def results(self, timeout_s: float) -> list[Outcome]:
        """See Backend."""
        return self._listen(timeout_s)

    def _listen(self, timeout_s: float) -> list[Outcome]:
        if time.monotonic() - self._looked > LOOK_EVERY_S:
            self._staff()
        waiting = [*self._starting, *self._busy]
        if not waiting:
            time.sleep(min(timeout_s, 0.2))
        ready, _ = self._ray.wait(waiting, num_returns=1, timeout=timeout_s) if waiting else ([], [])
        if self._idle or self._busy:
            self._alive = time.monotonic()
        elif time.monotonic() - self._alive > START_LIMIT_S:
            raise HarnessError(
                f"no Ray actor came up in {START_LIMIT_S:.0f} s; has a node a free core (or GPU)? see 'ray status'"
            )
        return [outcome for reference in ready if (outcome := self._hear(reference)) is not None]

    def _hear(self, reference: Any) -> Outcome | None:
        """What a finished call says: a new actor's greeting, or a job's end."""
        if reference in self._starting:
            self._greet(reference, self._starting.pop(reference))
            return None
        actor, number = self._busy.pop(reference)
        try:
            outcome = message.outcome_of(self._ray.get(reference))
        except Exception as error:
            self.lost += 1
            self._lose(actor)
            return Outcome(number, None, Fault.LOST, f"its Ray actor died ({_why(error)})", type(error).__name__)
        self._idle.append(actor)
        return outcome

    def _greet(self, reference: Any, actor: Any) -> None:
        try:
            name, record = json.loads(self._ray.get(reference))
        except Exception as error:
            self._lose(actor)
            self._dead_starts += 1
            if self._dead_starts >= MOST_DEAD_STARTS:
                raise HarnessError(f"the Ray actors do not start: {_why(error)}") from None
            return
        self._dead_starts = 0
        self._known[name] = record
        self._idle.append(actor)

    def _lose(self, actor: Any) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(actor)
        self._looked = 0.0

    def _staff(self) -> None:
        """As many actors as the cluster has room for; the ones too many wait there for a node that may come."""
        self._looked = time.monotonic()
        slots = self._ray.cluster_resources()
        wanted = self._workers or int(slots.get("GPU" if self._gpu else "CPU", 0))
        # Its own core either way; without restarts by Ray, which would not know the job that it held.
        claim = {"num_cpus": 1, "num_gpus": 1 if self._gpu else 0, "max_restarts": 0, "max_concurrency": 1}
        for _ in range(wanted - len(self._starting) - len(self._idle) - len(self._busy)):
            actor = self._actor.options(**claim).remote(self._options)
            self._starting[actor.describe.remote()] = actor


def _import_ray() -> ModuleType:
    try:
        import ray
    except ImportError:
        raise HarnessError(
            "--backend ray needs the package ray; install it with: pip install 'gtm-adapt[cluster]'"
        ) from None
    return ray


def _why(error: BaseException) -> str:
    """The last line of what Ray says, which is the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__
