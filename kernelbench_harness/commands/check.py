"""`kernelbench-harness check`, `baseline` and `env`: one candidate, the references' times, the machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kernelbench_harness.commands import arguments as args
from kernelbench_harness.errors import HarnessError

if TYPE_CHECKING:
    from kernelbench_harness.label import Candidate, Problem
    from kernelbench_harness.options import HarnessOptions


class Kind(StrEnum):
    """How a reference model is run."""

    EAGER = "eager"
    COMPILE = "compile"


def check(
    problem: Annotated[Path, typer.Argument(help="One problem: a .py file.")],
    candidate: Annotated[Path, typer.Argument(help="One candidate: a .py or .cu file.")],
    scale: args.ScaleOpt = "cpu",
    version: args.VersionOpt = "v0.1",
    track: args.TrackOpt = args.Track.TORCH,
    no_timing: args.NoTimingOpt = False,
    device: args.DeviceOpt = "auto",
    arch: args.ArchOpt = None,
    compile_only: Annotated[
        bool,
        typer.Option("--compile-only", help="The cheapest exact compile verdict: no code is made, nothing is run."),
    ] = False,
    objects: args.ObjectsOpt = None,
    compile_mode: args.CompileOpt = args.Compile.AUTO,
    run_timeout: args.RunTimeoutOpt = None,
    compile_timeout: args.CompileTimeoutOpt = None,
    as_json: args.JsonOpt = False,
) -> None:
    """Label one candidate and print what happened, where and why. Exit status 0 whatever the verdict."""
    from kernelbench_harness.candidates import read_candidate
    from kernelbench_harness.raw import as_candidate

    options = args.harness_options(
        compile_mode, run_timeout, compile_timeout, track, no_timing, device, arch, compile_only, objects
    )
    if not problem.is_file():
        raise HarnessError(f"{problem}: no such file; give one problem as a .py file")
    made = read_candidate(candidate)
    (loaded,), _ = args.load(str(problem), None, "full" if compile_only else scale, version, strict=True)
    made = as_candidate(made, loaded, runs=options.device != "cpu" and not compile_only)
    if compile_only:
        _front_end(loaded, made, options, as_json)
        return
    from kernelbench_harness.explain import explain
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.report import label_text

    with Harness(options) as harness:
        result = harness.label(loaded, made)
    if as_json:
        typer.echo(result.to_json())
    else:
        typer.echo("\n".join([label_text(result, loaded, made), *explain(result, made)]))


def _front_end(problem: Problem, candidate: Candidate, options: HarnessOptions, as_json: bool) -> None:
    """What the front ends say, on stdout."""
    from kernelbench_harness.front_end import check as read

    found = read(problem, candidate, options)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    rows = [("candidate", candidate.name), ("verdict", str(found.verdict)), ("stage", str(found.stage))]
    rows += [(name, text) for name, text in (("error", found.first_error), ("headers", found.headers)) if text]
    rows.append(("CPU seconds", f"{found.cpu_seconds:.2f}"))
    if found.unasked:
        rows.append(("not asked", ", ".join(found.unasked)))
    typer.echo("\n".join(f"{name:15} {text}" for name, text in rows))


def baseline(
    problems: args.ProblemsArg,
    levels: args.LevelsOpt = None,
    scale: args.ScaleOpt = "cpu",
    version: args.VersionOpt = "v0.1",
    out: Annotated[Path | None, typer.Option(help="Write the JSON here instead of stdout.")] = None,
    limit: args.LimitOpt = None,
    kernelbench: Annotated[
        Kind | None, typer.Option(help="Only this kind, in the form of KernelBench's own baseline files.")
    ] = None,
) -> None:
    """Times of the reference models in milliseconds, eager and through torch.compile, as JSON with scale, environment
    and conditions. The compilation takes half a minute for each problem."""
    from kernelbench_harness.baseline import KINDS, kernelbench_form, measure_baseline
    from kernelbench_harness.progress import reporter

    loaded, unfit = args.load(problems, levels, scale, version)
    loaded = loaded[:limit]
    kinds = KINDS if kernelbench is None else (kernelbench.value,)
    times, failures = measure_baseline(loaded, args.harness_options(), reporter("references", len(loaded)), kinds)
    if kernelbench is not None:
        times = kernelbench_form(times, kernelbench.value)
    text = json.dumps(times, indent=1)
    if out is None:
        typer.echo(text)
    else:
        try:
            out.write_text(text + "\n")
        except OSError as error:
            raise HarnessError(f"{out}: cannot be written ({error.strerror}); give another --out") from None
    for reason in [*unfit, *failures]:
        typer.echo(f"left out: {reason}", err=True)


def env(
    timing_check: Annotated[
        int | None, typer.Option(min=2, help="Instead: how well times repeat here, over this many fresh runs.")
    ] = None,
) -> None:
    """What this machine can do, as JSON: processor, compilers, GPUs, packages, sandbox."""
    from kernelbench_harness.machine import describe_machine

    if timing_check is not None:
        from kernelbench_harness.stability import check_here

        typer.echo(check_here(timing_check))
        return
    typer.echo(json.dumps(describe_machine(), indent=1))
