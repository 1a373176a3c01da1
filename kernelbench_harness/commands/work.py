"""What `kernelbench-harness label` is to label: candidates with their problems, read before any store is made.

Guarantees: whatever is left out has its reason; a mistake in a path or a name raises HarnessError.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kernelbench_harness.commands import arguments as args
from kernelbench_harness.errors import HarnessError

if TYPE_CHECKING:
    from kernelbench_harness.candidates import Job, Sample


@dataclass(frozen=True)
class Work:
    """What there is to label."""

    jobs: tuple[Job, ...]
    left_out: dict[str, list[str]]
    """Reasons by kind."""
    samples: tuple[Sample, ...] = ()
    run: str = ""
    """Name under which the samples are remembered."""


@dataclass(frozen=True)
class Asked:
    """Which problems and candidates the command line names."""

    problems: str | None
    candidates: Path | None
    references: bool
    """Whether the problems' own models are the candidates."""
    problem: str | None
    levels: str | None
    scale: str
    version: str
    cuda_runs: bool
    """Whether CUDA kernels will be called, or only compiled."""


def work_of(asked: Asked) -> Work:
    """Candidates paired with problems. Raises HarnessError for what does not say what to label."""
    problems, candidates = asked.problems, asked.candidates
    if problems is None:
        raise HarnessError("Missing argument 'PROBLEMS' (see --help)")
    if candidates is None and not asked.references and (beside := _beside(Path(problems))):
        return _work(asked, beside, Path(problems))
    if asked.references == (candidates is not None):
        if not asked.references and Path(problems).is_dir():
            raise HarnessError(f"{problems}: no candidates here; give a run folder, or candidates beside problem.py")
        raise HarnessError(
            "what to label? give CANDIDATES or --reference-as-candidate, one of the two, "
            "or a folder of candidates beside their problem.py alone"
        )
    return _work(asked, problems, candidates)


def _beside(folder: Path) -> str | None:
    """Where the problems are for a folder of candidates that is given alone."""
    from kernelbench_harness.candidates import problems_beside

    return problems_beside(folder) if folder.is_dir() else None


def _work(asked: Asked, problems: str, candidates: Path | None) -> Work:
    """Candidates paired with problems; without candidates the problems' own models."""
    from kernelbench_harness.candidates import read_candidates, reference_candidate
    from kernelbench_harness.scale import check_name

    full = args.read(problems, asked.levels, asked.version)
    check_name(asked.scale)
    if candidates is None:
        loaded, unfit = args.bring(problems, full, asked.scale)
        return Work(tuple((one, reference_candidate(one)) for one in loaded), {"unfit": unfit})
    unpaired = read_candidates(candidates, asked.problem)
    loaded, unfit = args.bring(problems, unpaired.wanted(full), asked.scale)
    found = unpaired.pair(loaded, cuda_runs=asked.cuda_runs)
    left_out = {"unfit": unfit, "unmatched": [*found.unmatched], "unusable": [*found.unusable]}
    return Work(found.jobs, left_out, found.samples, candidates.resolve().name)


def claims_of(path: Path, scale: str, levels: set[int] | None) -> Work:
    """What a store has imported and this machine can label, on problems at `scale`."""
    from kernelbench_harness.exchange.verify import agreement, unverified_jobs
    from kernelbench_harness.store import LabelStore

    if not path.is_file():
        raise HarnessError(f"{path}: no such label store; import into one first (kernelbench-harness import)")
    unfit: list[str] = []
    with LabelStore(path) as store:
        jobs = unverified_jobs(store, scale, levels, lambda error: unfit.append(str(error)))
        if not jobs and not agreement(store).claims:
            raise HarnessError(f"{path}: no imported labels here, nothing to verify")
    return Work(tuple(jobs), {"unfit": unfit})
