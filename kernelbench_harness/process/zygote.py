"""The warm process: it has imported torch, and forks one confined child for each job.

Started by `worker.Worker` with one end of a socket. It reads "fork" (a policy, and the child's three descriptors) and
"kill", and answers with "exit" and the child's wait status. When the socket closes it kills its child and ends, so
nothing outlives a parent that was killed with -9. Twice a second it counts what the child has on disk, open files that
were removed among it where it may look at them, and ends one that holds more than its policy allows. Of a child with a
GPU it watches the memory too, ten times a second: CUDA reserves address space by the hundred gigabytes, which no limit
on address space lives with.

Guarantees: before a fork this process has one thread and has run no operator, so every child starts from the same
state; it has not touched CUDA, whose state no fork survives, so a child that is given a GPU opens it itself (0.3 to
0.5 s; a process that served one candidate after another would save that, and keep what the first left behind: patched
functions, memory, a context that an illegal address has killed); the child holds no descriptor but its own three. No
code but ours ever runs in this process.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import stat
import sys
import tempfile
from typing import Any

from kernelbench_harness.process import shared_memory
from kernelbench_harness.process.place import used

COMMAND_LIMIT = 1 << 16
SCARCE = "more than half of the free disk"
LOOK_MS, GPU_LOOK_MS = 500, 100
"""Between two looks at a child's folder, and at the memory of one with a GPU. A look costs 30 us for a folder of five
files."""


def main(control: int) -> None:
    """Serves one parent until it goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = socket.socket(fileno=control)
    _preload()
    gc.collect()
    gc.freeze()
    channel.send(json.dumps({"kind": "ready"}).encode())
    while True:
        command, fds = _receive(channel)
        if command is None:
            return
        if command["kind"] == "fork":
            policy = command["policy"]
            most_memory = policy["memory_bytes"] if policy["gpu"] else 0
            watch = Watch(command["folder"], policy["disk_bytes"], policy["disk_files"], most_memory)
            shared = shared_memory.owner(policy)
            status = _supervise(channel, _fork(channel, command, fds), watch)
            shared_memory.sweep(shared)
            told = {"kind": "exit", "status": status, "over_disk": watch.over, "over_memory": watch.over_memory}
            channel.send(json.dumps(told).encode())


def _preload() -> None:
    """Imports what a child will need, while files can still be read freely and only once."""
    import torch

    # torch.utils.cpp_extension asks when it is imported, and the question alone starts the driver.
    asked = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        _import_all()
    finally:
        torch.cuda.is_available = asked
    torch.set_num_threads(1)
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(1)
    # Detects the processor here, where /sys is in sight; a child that saw less would get slower code.
    torch.backends.cpu.get_cpu_capability()


def _import_all() -> None:
    for name in (
        "numpy",
        "safetensors.torch",
        "torch.utils.cpp_extension",
        "torch.utils._python_dispatch",
        "statistics",
        "kernelbench_harness.process.candidate_child",
        "kernelbench_harness.process.child",
        "kernelbench_harness.process.checked",
        "kernelbench_harness.cheats.frozen",
        "kernelbench_harness.process.poison",
        "kernelbench_harness.process.reference_child",
        "kernelbench_harness.process.retime_child",
        "kernelbench_harness.process.device",
        "kernelbench_harness.process.cuda",
        "kernelbench_harness.timing.events",
        "kernelbench_harness.compile.capture",
    ):
        importlib.import_module(name)


def _receive(channel: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next command and its descriptors; None when the parent has gone."""
    try:
        data, fds, _, _ = socket.recv_fds(channel, COMMAND_LIMIT, 8)
    except ConnectionError:
        return None, []
    return (json.loads(data) if data else None), fds


def _fork(channel: socket.socket, command: dict[str, Any], fds: list[int]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _child(channel, command, fds)
        finally:
            os._exit(70)
    for fd in fds:
        os.close(fd)
    return pid


def _child(channel: socket.socket, command: dict[str, Any], fds: list[int]) -> None:
    """In the fork: descriptors, core, sandbox, and on to the job. Never returns normally."""
    from kernelbench_harness.process import child, cuda, steps
    from kernelbench_harness.sandbox import layers

    channel.close()
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    # Away from the numbers 0 to 4 first, so that no dup2 below overwrites one that is still needed.
    job, answers, output = (os.dup2(fd, 100 + place) for place, fd in enumerate(fds))
    for target, source in enumerate((null, output, output, job, answers)):
        os.dup2(source, target)
    os.closerange(5, 4096)
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["environment"])
    tempfile.tempdir = None  # looked for anew, in the child's own folder
    if command["core"] is not None:
        os.sched_setaffinity(0, {command["core"]})
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", buffering=1)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", buffering=1)
    try:
        layers.enter_raw(command["policy"])
        if command["policy"]["gpu"]:
            cuda.open_device()
    except Exception as error:
        steps.Channel(3, 4).send("setup", error=f"{type(error).__name__}: {error}")
        os._exit(71)
    child.main(3, 4)


class Watch:
    """What a child holds on disk, looked at now and then: a limit on each file does not hold a thousand of them. With
    `most_memory` also the memory that is its own, beyond what it began with."""

    def __init__(self, folder: str, most_bytes: int, most_files: int, most_memory: int = 0) -> None:
        self._memory, self._began_with = most_memory, -1
        self.look_ms = GPU_LOOK_MS if most_memory else LOOK_MS
        self.over_memory = ""
        """As `over`, of memory."""
        # Where little is left, others need some of it.
        half_of_free = shutil.disk_usage(folder).free // 2
        self._bytes, self._scarce = min(most_bytes, half_of_free), half_of_free < most_bytes
        self._folder, self._files = folder, most_files
        self.over = ""
        """What was exceeded, in words; empty while nothing is."""

    def look(self, pid: int) -> bool:
        """Whether the child is over its limits, now or before."""
        if not self.over:
            found = used(self._folder, self._bytes, self._files)
            if found.files > self._files:
                self.over = f"more than {self._files} files in its folder"
            elif found.bytes > self._bytes or found.bytes + _removed_bytes(pid) > self._bytes:
                what = SCARCE if self._scarce else f"more than {self._bytes >> 20} MB"
                self.over = f"{what} in its folder"
        if self._memory and not self.over_memory:
            now = _own_memory(pid)
            self._began_with = now if self._began_with < 0 else self._began_with
            if now > self._began_with + self._memory:
                self.over_memory = f"more than {self._memory >> 20} MB"
        return bool(self.over or self.over_memory)


def _own_memory(pid: int) -> int:
    """Bytes of memory that a process has written and shares with no file; 0 once it is gone."""
    with contextlib.suppress(OSError, ValueError):
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            _, resident, shared, *_ = map(int, file.read().split())
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _removed_bytes(pid: int) -> int:
    """Bytes of files that a process holds open though they are removed; 0 where another user's may not be looked at."""
    size = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                found = entry.stat()
                if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
                    size += found.st_blocks * 512
    return size


def _supervise(channel: socket.socket, pid: int, watch: Watch) -> int:
    """Waits for the child; kills its group when told to, when it holds too much on disk, or when the parent has gone.

    Returns the wait status.
    """
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(channel.fileno(), select.POLLIN)
    try:
        while True:
            ready = {fd for fd, _ in poll.poll(watch.look_ms)}
            if channel.fileno() in ready:
                command, _ = _receive(channel)
                _kill(pid)
                if command is None:
                    os._exit(0)
            if pidfd in ready:
                watch.look(pid)
                # Its group first: while the leader is not waited for, the number is ours.
                _kill(pid)
                return os.waitpid(pid, 0)[1]
            if not ready and watch.look(pid):
                _kill(pid)
    finally:
        os.close(pidfd)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
