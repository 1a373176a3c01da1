"""Entering the sandbox: every layer that this machine has, in the one order that works.

Guarantees: after `enter` returns, each layer that `describe` lists is in force for good; a layer that fails to
come up raises OSError, and the caller must not go on. Not guaranteed: threads that already exist are not confined;
call it in a process with one thread.
"""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from kernelbench_harness.sandbox import identity, kernel, landlock, seccomp

if TYPE_CHECKING:
    from kernelbench_harness.sandbox.policy import Policy


@cache
def describe() -> dict[str, Any]:
    """The layers of this machine: landlock's ABI (0 is none), seccomp, whether runs get a user id of their own, and
    `missing`: in words, what is therefore not held."""
    version, filters, drops = landlock.abi(), seccomp.available(), identity.can_drop()
    missing = []
    if not version:
        missing.append("landlock: files are confined by their modes alone")
    elif version < 6:
        missing.append(f"landlock ABI {version} of 6: signals are confined by the system call filter alone")
    if not filters:
        missing.append("seccomp: system calls, sockets and forks are not filtered")
    if not drops:
        missing.append(
            "own user id (needs root): runs share this user's id, and its processes count against their limit"
        )
    elif not version and not _readable_by_all():
        drops = False
        missing.append(
            "own user id: without landlock a Python below a private folder would be unreadable, so root is kept"
        )
    return {"landlock": version, "seccomp": filters, "own_user": drops, "missing": missing}


def _readable_by_all() -> bool:
    """Whether another user could read the Python installation."""
    path = os.path.realpath(os.__file__)
    while path != "/":
        if not os.stat(path).st_mode & 0o004:
            return False
        path = os.path.dirname(path)
    return True


def enter(policy: Policy, *, execute: bool = False) -> None:
    """Confines the calling process for good; `execute` lets it become one other program (the launcher does)."""
    enter_raw(policy.to_json(), execute=execute)


def enter_raw(policy: Mapping[str, Any], *, execute: bool = False) -> None:
    """`enter` for a policy as JSON has it. Call it with one thread and in a session of its own."""
    layers = describe()
    parent = os.getppid()
    ruleset = None
    if layers["landlock"]:
        write = [*policy["write"], *policy["shared"]]
        ruleset = landlock.build(policy["read"], write, policy["devices"], policy["gpu_devices"])
    _limit(policy, own_user=layers["own_user"])
    if layers["own_user"]:
        uid = identity.own_id(policy["write"][0] if policy["write"] else None)
        for folder in policy["write"]:
            identity.give(folder, uid)
        identity.become(uid, keep_read=ruleset is not None)
    # After the change of user, which clears both.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    if os.getppid() != parent:
        os._exit(1)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if ruleset is not None:
        landlock.restrict(ruleset)
    if layers["seccomp"] and policy["gpu"] < 3:
        processes = bool(policy["processes"])
        spared = seccomp.DRIVER if policy["gpu"] == 2 else frozenset()
        seccomp.install(processes=processes, execute=processes or execute, pid=os.getpid(), spared=spared)


def _limit(policy: Mapping[str, Any], *, own_user: bool) -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    tasks = policy["tasks"] + (0 if own_user else _tasks_of(os.getuid()))
    limits = (
        (resource.RLIMIT_AS, resource.RLIM_INFINITY if policy["gpu"] else mapped + policy["memory_bytes"]),
        (resource.RLIMIT_CPU, policy["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, policy["file_bytes"]),
        (resource.RLIMIT_NPROC, tasks),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, value in limits:
        hard = resource.getrlimit(kind)[1]
        if resource.RLIM_INFINITY in (value, hard):
            value = hard if value == resource.RLIM_INFINITY else value
        else:
            value = min(value, hard)
        resource.setrlimit(kind, (value, value))


def _tasks_of(uid: int) -> int:
    """Threads that a user runs now: RLIMIT_NPROC counts them all."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}").st_uid == uid:
                count += len(os.listdir(f"/proc/{pid}/task"))
        except OSError:
            continue
    return count
