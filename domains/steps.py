"""What the commands for a GPU machine share: a step, one of the project's own commands in a process, is done once.

Guarantees: a step that ended well is not run again; one that the minutes cut off is killed with its children and begun
again by the same command, which goes on where it was; what a failed one said is kept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu.item import Item, say

_LAST = 600
"""Last characters of what a step said that are kept."""


def named(flag: str, given: str, known: Collection[str]) -> list[str]:
    """The names, of two known ones, that a flag lists. Raises HarnessError for another."""
    chosen = [name for name in given.split(",") if name]
    if unknown := [name for name in chosen if name not in known]:
        raise HarnessError(f"{flag} '{unknown[0]}': give {', '.join(known)} or both with a comma between them")
    return chosen


def environment() -> dict[str, Any]:
    """What the figures were measured with."""
    from adapt.environment import gpus, hardware, versions

    return {**versions(), "hardware": hardware(), "gpus": gpus()}


def step(
    item: Item,
    key: Sequence[str],
    module: str,
    words: Sequence[str],
    folder: Path,
    before: Callable[[], bool] = lambda: True,
) -> bool:
    """`python -m module words` in a folder, unless it ended well before; whether what follows it may begin.

    `before`: makes what the step needs, only where it is begun, and says whether that is there.
    """
    name = [*key, list(words)]
    if any(one["step"] == name and one["status"] == 0 for one in item.journal.read()):
        return True
    if item.over or not before():
        return False
    say(f"{' '.join(key)}: {module.partition('.')[0]} {' '.join(words[:2])}")
    begin = time.monotonic()
    status, said = _run([sys.executable, "-m", module, *words], folder, max(1.0, item.ends - begin))
    if status is None:
        say(f"{' '.join(key)}: the minutes are over; the same command goes on")
        return False
    seconds = round(time.monotonic() - begin, 1)
    item.journal.append({"step": name, "status": status, "seconds": seconds, "said": said})
    return status == 0


def _run(command: Sequence[str], folder: Path, seconds: float) -> tuple[int | None, str]:
    """Exit status and last words; no status where its time was over and it was ended."""
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode, (errors if process.returncode else output).strip()[-_LAST:]
