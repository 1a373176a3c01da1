"""Jobs as lines of JSON, so that a list made on one machine is labelled on another.

One line is {"problem": {name, code, level, problem_id, version, scale}, "code": ..., "name": ..., "about": {...}}.
Guarantees: `about` travels with the label untouched. No torch is
imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from kernelbench_harness.candidates import Job, code_fault
from kernelbench_harness.errors import CandidateError, HarnessError
from kernelbench_harness.files import json_lines
from kernelbench_harness.label import Candidate, Problem


@dataclass(frozen=True)
class Listed:
    """A job with what is worth keeping of where it came from."""

    job: Job
    about: Mapping[str, Any] = field(default_factory=dict)
    """JSON: style, mistake, split; never shown to a model."""


def read_jobs(path: Path) -> list[Listed]:
    """Jobs of a file. Raises CandidateError, naming the line."""
    found: list[Listed] = []
    try:
        for line in json_lines(path):
            where = f"{path}:{line.number}"
            if line.fault is not None:
                raise CandidateError(f"{where}: {line.fault.reason}")
            found.append(_listed(line.value, where))
    except OSError as error:
        raise CandidateError(f"{path}: cannot be read ({error.strerror}); give a .jsonl file of jobs") from None
    if not found:
        raise CandidateError(f"{path}: no jobs in it")
    return found


def _listed(raw: Any, where: str) -> Listed:
    try:
        problem = Problem(**raw["problem"])
        code, name, about = raw["code"], raw.get("name", ""), raw.get("about", {})
        sound = all(isinstance(one, str) for one in (problem.name, problem.code, code, name)) and isinstance(
            about, dict
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise CandidateError(f"{where}: no job ({error}); a line holds problem, code, name and about") from None
    if not sound:
        raise CandidateError(f"{where}: no job; problem, code and name are texts, about is an object")
    if reason := code_fault(code):
        raise CandidateError(f"{where}: {reason}")
    return Listed((problem, Candidate(code, name)), about)


def line_of(listed: Listed) -> str:
    """The inverse of `read_jobs` for one job."""
    problem, candidate = listed.job
    raw = {"problem": asdict(problem), "code": candidate.code, "name": candidate.name, "about": dict(listed.about)}
    return json.dumps(raw, sort_keys=True)


def write_jobs(path: Path, jobs: Iterable[Listed]) -> int:
    """Writes a file of jobs; how many."""
    with path.open("w", encoding="utf-8") as file:
        return sum(bool(file.write(line_of(one) + "\n")) for one in jobs)


def generated(seed: int, languages: Iterable[str]) -> Iterator[Listed]:
    """Endless jobs of the generator, the languages in turn, twins one after the other."""
    from kernelbench_harness.corpus import pair

    chosen = tuple(languages)
    if not chosen:
        raise HarnessError("--languages: give one or more of cuda, triton")
    for index in count():
        for language in chosen:
            for sample in pair(seed, index, language):
                about = {
                    "operator": sample.operator,
                    "family": sample.family,
                    "language": sample.language,
                    "style": sample.style,
                    "mistake": sample.mistake,
                    "mistake_class": sample.mistake_class,
                    "twin": sample.twin,
                    "seed": sample.seed,
                    "index": index,
                }
                yield Listed((sample.problem, Candidate(sample.code, sample.twin)), about)
