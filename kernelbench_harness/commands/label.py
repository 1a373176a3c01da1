"""`kernelbench-harness label`: candidates into a store, here or on a cluster.

Guarantees: problems and candidates are read before the store is made, so a mistake in a path leaves no file; whatever
gets no label is listed with its reason; run again, the command goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kernelbench_harness.commands import arguments as args
from kernelbench_harness.commands.work import Asked, Work, claims_of, work_of
from kernelbench_harness.errors import HarnessError

if TYPE_CHECKING:
    from kernelbench_harness.candidates import Job
    from kernelbench_harness.engine import Backend
    from kernelbench_harness.options import HarnessOptions

INTERRUPTED = 130
DEFAULT_STORE = Path("labels.sqlite")


class Place(StrEnum):
    """Where candidates are labelled."""

    LOCAL = "local"
    RAY = "ray"
    SUBMITIT = "submitit"


def label(
    problems: Annotated[
        str | None,
        typer.Argument(
            help="Problems: a .jsonl file, a folder of .py files, one .py file, or a hub dataset id. A folder of "
            "candidates beside their problem.py, or a KernelBench run folder, may stand alone."
        ),
    ] = None,
    candidates: Annotated[
        Path | None,
        typer.Argument(help="Candidates: a run folder, a folder per problem, a .py, .cu or .jsonl file."),
    ] = None,
    reference_as_candidate: Annotated[
        bool, typer.Option("--reference-as-candidate", help="Check the problems: label each problem's own model.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Label here what the store PROBLEMS (or --out) has imported; say how far they agree.",
        ),
    ] = False,
    problem: Annotated[str | None, typer.Option(help="Name of the problem, for files that do not say.")] = None,
    levels: args.LevelsOpt = None,
    scale: args.ScaleOpt = "cpu",
    version: args.VersionOpt = "v0.1",
    out: Annotated[
        Path | None,
        typer.Option(
            help="The label store; labels that it has are not made again. Default: labels.sqlite, or the one verified."
        ),
    ] = None,
    device: args.DeviceOpt = "auto",
    arch: args.ArchOpt = None,
    workers: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto",
            help="Candidates at a time, each on a core of its own; auto: one a core. Default: 1 here, else auto; "
            "all cores with --compile-only. On GPUs one each.",
        ),
    ] = None,
    compilers: Annotated[
        str,
        typer.Option(
            metavar="N|auto",
            help="Compile ahead of the workers on so many cores; auto: on a GPU all others, else none.",
        ),
    ] = "auto",
    backend: Annotated[Place, typer.Option(help="Where: this machine, a Ray cluster, or batch jobs.")] = Place.LOCAL,
    cluster: Annotated[
        list[str],
        typer.Option(
            "--cluster",
            metavar="KEY=VALUE",
            help="For ray: address=...; for submitit: folder=..., cluster=..., or its own, e.g. slurm_partition=gpu.",
        ),
    ] = [],  # noqa: B006 - typer's way to say a list
    track: args.TrackOpt = args.Track.TORCH,
    no_timing: args.NoTimingOpt = False,
    compile_only: args.CompileOnlyOpt = False,
    export_objects: Annotated[
        Path | None,
        typer.Option(help="Afterwards write what the compile cache holds into this folder, for --objects elsewhere."),
    ] = None,
    objects: args.ObjectsOpt = None,
    compile_mode: args.CompileOpt = args.Compile.AUTO,
    run_timeout: args.RunTimeoutOpt = None,
    compile_timeout: args.CompileTimeoutOpt = None,
    limit: args.LimitOpt = None,
    as_json: args.JsonOpt = False,
) -> None:
    """Label candidates into a store. May be killed and run again: nothing is lost, nothing done twice."""
    options = args.harness_options(
        compile_mode, run_timeout, compile_timeout, track, no_timing, device, arch, compile_only, objects
    )
    if backend is not Place.LOCAL and (export_objects or compilers != "auto"):
        raise HarnessError(
            "--export-objects and --compilers are for --backend local: on a cluster each worker compiles"
        )
    count = args.count_of(workers or ("1" if backend is Place.LOCAL and not compile_only else "auto"), "--workers")
    ahead = args.count_of(compilers, "--compilers", 0)
    source = (Path(problems) if problems is not None else out or DEFAULT_STORE) if verify else None
    store = out or source or DEFAULT_STORE
    _usable(store)
    if source is None:
        runs = options.device != "cpu" and not compile_only
        work = work_of(Asked(problems, candidates, reference_as_candidate, problem, levels, scale, version, runs))
    elif candidates is not None or reference_as_candidate:
        raise HarnessError("--verify takes problems and candidates from a store; give no others")
    else:
        work = claims_of(source, scale, args.levels_of(levels))
    place = _backend(backend, options, count, args.pairs(cluster, "--cluster"), store)
    run = Run(work.jobs[:limit], store, options, count, ahead, place, source)
    _label(run, work, as_json)
    if export_objects is not None:
        _export(export_objects, options)


def _usable(store: Path) -> None:
    """Raise StoreError for a store that cannot be opened, before minutes go into reading problems; makes no file."""
    from kernelbench_harness.store import LabelStore

    if store.exists() or not store.parent.is_dir():
        LabelStore(store).close()


def _backend(
    place: Place, options: HarnessOptions, workers: int | None, given: dict[str, Any], store: Path
) -> Backend | None:
    """The backend that was asked for, not yet entered; None for this machine's own."""
    if place is Place.LOCAL:
        if given:
            raise HarnessError("--cluster is for --backend ray or submitit")
        return None
    if place is Place.RAY:
        from kernelbench_harness.engine.ray_pool import RayPool

        address = given.pop("address", None)
        if given:
            raise HarnessError(f"--cluster {next(iter(given))}: for ray there is address=... alone")
        return RayPool(options, workers, address)
    from kernelbench_harness.engine.cores import usable_cores
    from kernelbench_harness.engine.submitit_pool import SubmititPool

    folder = Path(str(given.pop("folder", f"{store}.batch")))
    return SubmititPool(options, workers or len(usable_cores()), folder, given.pop("cluster", None), given)


@dataclass(frozen=True)
class Run:
    """One labelling: what, into which store, and by whom."""

    jobs: Sequence[Job]
    store: Path
    options: HarnessOptions
    workers: int | None
    compilers: int | None
    backend: Backend | None
    verified: Path | None
    """The store whose claims were labelled."""


def _label(run: Run, work: Work, as_json: bool) -> None:
    """Label, and print what came of it."""
    from kernelbench_harness.engine import label_many
    from kernelbench_harness.exchange.samples import remember_samples
    from kernelbench_harness.progress import reporter
    from kernelbench_harness.report import summary_json, summary_text
    from kernelbench_harness.store import LabelStore

    with LabelStore(run.store) as store:
        if work.samples:
            remember_samples(store, work.run, work.samples)
        told = reporter("labels", len(run.jobs))
        summary = label_many(
            run.jobs, store, run.options, run.workers, told, backend=run.backend, compilers=run.compilers
        )
        agreement = None
        if run.verified is not None:
            from kernelbench_harness.exchange.verify import agreement as compared

            with LabelStore(run.verified) as claims:
                agreement = compared(claims, store)
    show = summary_json if as_json else summary_text
    typer.echo(show(summary, len(run.jobs), run.store, work.left_out, agreement))
    if not summary.counts and summary.failures and not summary.interrupted:
        raise HarnessError(f"none of {len(run.jobs)} candidates could be labelled; {summary.failures[0].reason}")
    if summary.interrupted:
        typer.echo("interrupted; run the same command again to go on", err=True)
        raise typer.Exit(INTERRUPTED)


def _export(target: Path, options: HarnessOptions) -> None:
    from kernelbench_harness.compile.objects import export_objects

    done = export_objects(options.cache(), target)
    size = f"{done.bytes / 1e6:.1f} MB"
    typer.echo(
        f"objects: {done.libraries} libraries ({size}) and {done.count - done.libraries} failures -> {target}", err=True
    )
