"""Files in /dev/shm that a run has left behind: only a child that was let into it can make any.

Guarantees: what belongs to the run's own user id is removed. Not guaranteed: where runs share the user's id, nothing is
removed, since whose a file is cannot be told.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from kernelbench_harness.sandbox import identity, layers

FOLDER = "/dev/shm"


def owner(policy: Mapping[str, Any]) -> int | None:
    """The user id whose files there are a run's; None where the run makes none, or has no id of its own."""
    if not policy["shared"] or not layers.describe()["own_user"] or not policy["write"]:
        return None
    return identity.own_id(policy["write"][0])


def sweep(uid: int | None) -> None:
    """Removes what belongs to `uid`, once its processes are dead."""
    if uid is None:
        return
    with contextlib.suppress(OSError), os.scandir(FOLDER) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == uid:
                    os.unlink(entry.path)
