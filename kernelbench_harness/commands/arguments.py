"""Arguments and options that several commands share, and what they are turned into.

Guarantees: imports nothing heavy; what a user got wrong raises HarnessError with what to write instead.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kernelbench_harness.label import Problem
    from kernelbench_harness.options import HarnessOptions


class Compile(StrEnum):
    """Which headers compile a candidate."""

    AUTO = "auto"
    SHIM = "shim"
    STOCK = "stock"


class Track(StrEnum):
    """What a candidate may compute with."""

    TORCH = "torch"
    CUSTOM = "custom"


ProblemsArg = Annotated[
    str, typer.Argument(help="A .jsonl file, a folder of .py files, one .py file, or a hub dataset id.")
]
LevelsOpt = Annotated[str | None, typer.Option(help="Only these levels, e.g. 1,2.")]
ScaleOpt = Annotated[
    str, typer.Option(help="Sizes to run at: full, small, cpu or tiny. Part of every label's identity.")
]
VersionOpt = Annotated[
    str, typer.Option("--problem-version", help="KernelBench version of the problems: v0, v0.1, corpus.")
]
CompileOpt = Annotated[Compile, typer.Option("--compile", help="Headers: the fast shim, torch's own, or shim first.")]
TrackOpt = Annotated[
    Track, typer.Option(help="torch: torch's operators are allowed; custom: only the candidate's own kernels.")
]
NoTimingOpt = Annotated[
    bool, typer.Option("--no-timing", help="Compile and check only; correct labels say why they have no time.")
]
DeviceOpt = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda[:N]",
        help="Where candidates run; auto: on a GPU where nvidia-smi lists one, else the CPU.",
    ),
]
ArchOpt = Annotated[
    str | None, typer.Option(metavar="sm_NN", help="What nvcc compiles for; by default the device's own, else sm_90.")
]
CompileOnlyOpt = Annotated[
    bool, typer.Option("--compile-only", help="Compile and load; run nothing. Needs no GPU, also for CUDA.")
]
ObjectsOpt = Annotated[
    Path | None, typer.Option(help="Folder of objects compiled elsewhere; used before anything is compiled here.")
]
RunTimeoutOpt = Annotated[float | None, typer.Option(min=0.1, help="Seconds that a candidate may run.")]
CompileTimeoutOpt = Annotated[float | None, typer.Option(min=1, help="Seconds that a compilation may take.")]
LimitOpt = Annotated[int | None, typer.Option(min=1, help="Only the first so many.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load(
    source: str, levels: str | None, scale: str, version: str, *, strict: bool = False
) -> tuple[list[Problem], list[str]]:
    """Problems at the scale, and the reasons of those that cannot be brought to it (they raise where `strict`)."""
    return bring(source, read(source, levels, version), scale, strict=strict)


def read(source: str, levels: str | None, version: str) -> list[Problem]:
    """Problems as they are written."""
    from kernelbench_harness.problems import read_problems

    return read_problems(source, levels=levels_of(levels), version=version)


def bring(
    source: str, problems: Sequence[Problem], scale: str, *, strict: bool = False
) -> tuple[list[Problem], list[str]]:
    """Problems of `source` at the scale, which takes a second for each, and reasons as `load`."""
    from kernelbench_harness.problems import at_scale

    unfit: list[str] = []
    loaded = at_scale(problems, scale, None if strict else lambda error: unfit.append(str(error)))
    if not loaded:
        raise HarnessError(f"{source}: none of the problems fits scale '{scale}'; the first: {unfit[0]}")
    return loaded, unfit


def levels_of(text: str | None) -> set[int] | None:
    """Numbers from a text such as 1,2."""
    if text is None:
        return None
    try:
        return {int(part) for part in text.split(",")}
    except ValueError:
        raise HarnessError(f"--levels '{text}': give numbers with commas between them, e.g. 1,2") from None


def harness_options(
    mode: Compile = Compile.AUTO,
    run_timeout: float | None = None,
    compile_timeout: float | None = None,
    track: Track = Track.TORCH,
    no_timing: bool = False,
    device: str = "auto",
    arch: str | None = None,
    compile_only: bool = False,
    objects: Path | None = None,
) -> HarnessOptions:
    """The harness's options from the command line's. Raises HarnessError for a GPU or a folder that is not there."""
    from kernelbench_harness.devices import chosen, gpus
    from kernelbench_harness.options import HarnessOptions

    if objects is not None and not (objects / "manifest.json").is_file():
        raise HarnessError(f"--objects {objects}: no set of objects here; make one with label --export-objects")
    given: dict[str, Any] = {"compile_mode": mode.value, "track": track.value, "timing": not no_timing}
    given |= {"compile_only": compile_only, "arch": arch or "", "objects": objects}
    if device == "auto":
        device = "cuda" if gpus() and not compile_only else "cpu"
        given["arch"] = arch or (gpus()[0].arch if gpus() and compile_only else "")
    given["device"] = device
    if run_timeout is not None:
        given["run_timeout_s"] = run_timeout
    if compile_timeout is not None:
        given["compile_timeout_s"] = compile_timeout
    made = HarnessOptions(**given)
    chosen(made.device)
    return made


def count_of(text: str, option: str, least: int = 1) -> int | None:
    """A number of workers, None for "auto"."""
    if text == "auto":
        return None
    try:
        count = int(text)
    except ValueError:
        count = least - 1
    if count < least:
        raise HarnessError(f"{option} '{text}': give 'auto' or a number from {least} on")
    return count


def pairs(given: list[str], option: str) -> dict[str, Any]:
    """KEY=VALUE options; a value that is JSON (a number, true) is read as such."""
    found: dict[str, Any] = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise HarnessError(f"{option} '{one}': give KEY=VALUE")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found
