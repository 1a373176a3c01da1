"""This machine as a backend: how many workers, on which cores and devices, and who compiles ahead of them.

On a CPU a worker is a core, and compiles what it runs. On GPUs a worker is a GPU, and the other cores compile ahead of
them: labels are timed one at a time on each device whatever the number of compilers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kernelbench_harness.engine.ahead import CompileAhead
from kernelbench_harness.engine.backend import Backend, Open
from kernelbench_harness.engine.cores import usable_cores
from kernelbench_harness.engine.local import LocalPool

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

AHEAD_EACH = 2
"""Jobs ahead for each compiler: one in its hands and one compiled."""


def here(
    options: HarnessOptions, workers: int | None = None, opener: Open | None = None, compilers: int | None = None
) -> Backend:
    """Workers of this machine; None: one a core, or on "cuda" one a GPU. `compilers` only compile; None: on a GPU the
    cores that the workers leave, none elsewhere."""
    cores = len(usable_cores())
    places = devices(options)
    on_cpu = places == ["cpu"]
    most = cores if on_cpu else min(cores, len(places))
    runners = min(workers or most, most)
    pool = LocalPool(options, runners, opener, places)
    ahead = compilers if compilers is not None else (0 if on_cpu else max(1, cores - runners))
    if not ahead or options.compile_only:
        return pool
    return CompileAhead(LocalPool(compiling(options), ahead, opener), pool, runners + AHEAD_EACH * ahead)


def devices(options: HarnessOptions) -> list[str]:
    """The devices that the options allow: every GPU for "cuda", else the one named. Raises HarnessError for a GPU that
    is not there."""
    if options.device == "cpu":
        return [options.device]
    from kernelbench_harness.devices import chosen, gpus

    chosen(options.device)
    return [f"cuda:{gpu.index}" for gpu in gpus()] if options.device == "cuda" else [options.device]


def compiling(options: HarnessOptions) -> HarnessOptions:
    """Options of a worker that fills the compile cache for workers with `options`: same flags, no device."""
    if options.device == "cpu":
        return replace(options, compile_only=True)
    from kernelbench_harness.devices import architecture

    # Untimed, it does not wait for the lock that timing holds: the device is what must be quiet.
    return replace(options, compile_only=True, device="cpu", arch=architecture(options), timing=False)
