"""Imported claims against this machine: which can be labelled here, and how far the two agree.

    jobs = unverified_jobs(store)        # for the engine
    print(agreement(store).text())       # afterwards

Guarantees: nothing is run here; a claim that cannot be checked on this machine has a reason instead of a verdict. A
claim counts as checked when the store has a label of ours of the same candidate on the same problem, at the same or at
another size scale.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kernelbench_harness.candidates import Job
from kernelbench_harness.errors import ProblemError
from kernelbench_harness.exchange.records import is_verified
from kernelbench_harness.label import Candidate, Label, Problem, Verdict
from kernelbench_harness.store import LabelStore

PENDING = "not labelled here yet"
_CUDA = re.compile(r"\bcuda_sources\b|__global__|\.cu['\"]")
_ON_GPU = re.compile(r"\.cuda\(|device\s*=\s*['\"]cuda|\.to\(\s*['\"]cuda|\btorch\.cuda\.(?!is_available)")
_TRITON = re.compile(r"^\s*(?:import|from)\s+triton\b", re.MULTILINE)


@dataclass(frozen=True)
class Agreement:
    """Claims against labels of this machine."""

    claims: int
    checked: int
    """Claims with a label of ours."""
    agreeing: int
    compiled: int
    """Claims of candidates that were only compiled here, and do: of those that claim to compile no more can be said."""
    pairs: Mapping[tuple[str, str], int]
    """(claimed verdict, ours) -> claims."""
    unchecked: Mapping[str, int]
    """Reason -> claims that have no label of ours."""

    def text(self) -> str:
        """A table: what was claimed, what came out, how often; then what could not be checked."""
        share = f" ({self.agreeing / self.checked:.0%})" if self.checked else ""
        lines = [f"{self.claims} claims, {self.checked} checked here, {self.agreeing} agree{share}"]
        if self.compiled:
            lines.append(f"{self.compiled} more are said to compile, and do; they were not run here")
        if self.pairs:
            lines.append(f"{'claimed':16} {'here':16} {'count':>6}")
        for (claimed, ours), count in sorted(self.pairs.items(), key=lambda item: (-item[1], item[0])):
            mark = "" if claimed == ours or _as_far(claimed, ours) else "  differs"
            lines.append(f"{claimed:16} {ours:16} {count:6}{mark}")
        lines += [f"unchecked {count:6}  {reason}" for reason, count in self.unchecked.items()]
        return "\n".join(lines)

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return {
            "claims": self.claims,
            "checked": self.checked,
            "agreeing": self.agreeing,
            "compiled": self.compiled,
            "pairs": [{"claimed": claimed, "here": ours, "count": n} for (claimed, ours), n in self.pairs.items()],
            "unchecked": dict(self.unchecked),
        }


def unverified_jobs(
    store: LabelStore,
    scale: str = "full",
    levels: Collection[int] | None = None,
    on_unfit: Callable[[ProblemError], None] | None = None,
) -> list[Job]:
    """The imported candidates that this machine can label, each once, on the problem that they were claimed for.

    `scale` shrinks the problems first; what does not shrink goes to `on_unfit` and is left out. Those that have a
    label of ours are among them: the engine knows which environment it is in. Raises StoreError.
    """
    jobs: dict[tuple[str, str], Job] = {}
    for label, problem, candidate in _claims(store):
        if (levels is None or problem.level in levels) and not why_not_here(candidate):
            jobs.setdefault((label.problem, label.candidate), (problem, candidate))
    return _at_scale(list(jobs.values()), scale, on_unfit)


def agreement(store: LabelStore, ours: LabelStore | None = None) -> Agreement:
    """How the claims in a store compare with the labels made here, which are in `ours` or beside the claims.

    Raises StoreError.
    """
    known = _ours(ours or store)
    pairs: Counter[tuple[str, str]] = Counter()
    unchecked: Counter[str] = Counter()
    claims = 0
    for label, problem, candidate in _claims(store):
        claims += 1
        made = known.get(_same(problem, candidate))
        if made is not None:
            pairs[str(label.verdict), made] += 1
        else:
            unchecked[why_not_here(candidate) or PENDING] += 1
    agreeing = sum(count for (claimed, here), count in pairs.items() if claimed == here)
    unrun = sum(count for (claimed, here), count in pairs.items() if _as_far(claimed, here))
    return Agreement(claims, pairs.total() - unrun, agreeing, unrun, dict(pairs), dict(unchecked.most_common()))


def _as_far(claimed: str, here: str) -> bool:
    """Whether a claim goes further than a candidate that was only compiled here, and does not contradict it."""
    return here == Verdict.COMPILED and claimed not in (Verdict.COMPILE_ERROR, Verdict.COMPILED)


def why_not_here(candidate: Candidate) -> str:
    """Why this machine cannot label a candidate, as far as its text tells; empty when it can."""
    code = candidate.code
    if "ModelNew" not in code and ("PYBIND11_MODULE" in code or "__global__" in code):
        return "raw CUDA source: how a ModelNew calls it is not known"
    gpu, nvcc = _has()
    if _CUDA.search(code) and not nvcc:
        return "needs nvcc"
    if _TRITON.search(code) and importlib.util.find_spec("triton") is None:
        return "needs triton"
    # CUDA is compiled without a GPU, Triton runs in its interpreter.
    if not gpu and _ON_GPU.search(code) and not _CUDA.search(code) and not _TRITON.search(code):
        return "needs a GPU"
    return ""


@cache
def _has() -> tuple[bool, bool]:
    """Whether there is a GPU, whether there is nvcc."""
    gpu = any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()
    home = os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH") or "/usr/local/cuda"
    return gpu, shutil.which("nvcc") is not None or (Path(home) / "bin" / "nvcc").exists()


_Same = tuple[int, int, str, str, str]


def _same(problem: Problem, candidate: Candidate) -> _Same:
    """What makes two labels speak of one thing, whatever the scale: an unnumbered problem is known by its source."""
    name = problem.name if problem.problem_id else problem.id
    return problem.level, problem.problem_id, problem.version, name, candidate.id


def _ours(store: LabelStore) -> dict[_Same, str]:
    """Verdicts of the labels made here; of several environments the one with the highest key."""
    own: dict[str, bool] = {}
    found: dict[_Same, str] = {}
    for label, problem, candidate in store.iterate():
        if _is_ours(store, label, own):
            found[_same(problem, candidate)] = str(label.verdict)
    return found


def _claims(store: LabelStore) -> Iterator[tuple[Label, Problem, Candidate]]:
    own: dict[str, bool] = {}
    return (found for found in store.iterate() if not _is_ours(store, found[0], own))


def _is_ours(store: LabelStore, label: Label, own: dict[str, bool]) -> bool:
    if label.environment not in own:
        own[label.environment] = is_verified(store.environment(label.environment))
    return own[label.environment]


def _at_scale(jobs: list[Job], scale: str, on_unfit: Callable[[ProblemError], None] | None) -> list[Job]:
    """Jobs whose full-size problems are brought to `scale`."""
    full = list({problem.id: problem for problem, _ in jobs if problem.scale == "full"}.values())
    if scale == "full" or not full:
        return jobs
    from kernelbench_harness.scale import shrink_all

    small = dict(zip((problem.id for problem in full), shrink_all(full, scale), strict=True))
    made: list[Job] = []
    for problem, candidate in jobs:
        fit = small.get(problem.id, problem)
        if not isinstance(fit, ProblemError):
            made.append((fit, candidate))
    for error in small.values():
        if isinstance(error, ProblemError) and on_unfit is not None:
            on_unfit(error)
    return made
