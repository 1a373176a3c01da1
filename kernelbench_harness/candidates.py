"""Reads candidates and pairs each with its problem.

Forms: a KernelBench run folder (`level_L_problem_P_sample_S_kernel.py`), a folder with one subfolder per problem name,
a folder or a file for one problem given by name, and a JSONL with `code` (or `candidate`) and `problem` (its name) or
`level` and `problem_id`. A kernel may be raw (see `raw`): a .cu file, or Triton without a ModelNew.
`reference_candidate` makes a candidate of a problem's own model.

Guarantees: nothing of a candidate is executed or even parsed here, since a syntax error is a label and not an error of
ours. A file or a line that is no candidate (empty, binary, not UTF-8, larger than `LIMIT_BYTES`, unreadable) is listed
with its reason and stops nothing; a file that does not say which problem it is for is a mistake of the caller's and
raises. Which sample of which problem a candidate was is kept, even where two samples have equal code.
Does not guarantee that a file is a kernel.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import CandidateError, ProblemError
from kernelbench_harness.files import Fault, json_lines, read_text
from kernelbench_harness.label import Candidate, Problem
from kernelbench_harness.problems import OWN_FILE
from kernelbench_harness.raw import as_candidate

Job = tuple[Problem, Candidate]
KERNELBENCH = "ScalingIntelligence/KernelBench"
"""Dataset of the problems that a run folder is about."""
LIMIT_BYTES = 5_000_000
"""Largest candidate, in bytes of UTF-8. The largest kernel file that we met has 60 KB."""
RUN_FILE = re.compile(r"level_(?P<level>\d+)_problem_(?P<problem>\d+)_sample_(?P<sample>\d+)(?:_kernel)?\.(?:py|cu)")
"""Name of a kernel file in a KernelBench run folder."""


@dataclass(frozen=True)
class Sample:
    """One candidate as its source counts them: several samples may have the same code."""

    problem: Problem
    candidate: Candidate
    sample_id: int | None
    """Number among the samples of its problem; None where the source has none."""
    file: str
    """Name of its file, or where it stood."""


@dataclass(frozen=True)
class Pairing:
    """Candidates with their problems, and what was left out."""

    jobs: tuple[Job, ...]
    unmatched: tuple[str, ...]
    """One line for each candidate whose problem is not among the ones loaded: where it is, which problem it wants."""
    unusable: tuple[str, ...] = ()
    """One line for each file or JSON line that is no candidate: where it is and why."""
    samples: tuple[Sample, ...] = ()
    """The same candidates in the same order as `jobs`, each with its sample number."""


def load_candidates(
    path: Path, problems: Sequence[Problem], problem: str | None = None, *, cuda_runs: bool = True
) -> Pairing:
    """Candidates at `path`, each with its problem of `problems`: see `read_candidates` and `Unpaired.pair`."""
    return read_candidates(path, problem).pair(problems, cuda_runs=cuda_runs)


@dataclass(frozen=True)
class _Entry:
    """A candidate and what it says of its problem: a name, or level and number."""

    candidate: Candidate
    where: str
    wants: str | tuple[int, int]
    sample_id: int | None = None


@dataclass(frozen=True)
class Unpaired:
    """Candidates as they were read, without their problems."""

    path: Path
    entries: Sequence[_Entry]
    unusable: Sequence[str]
    """One line for each file or JSON line that is no candidate."""

    def wanted(self, problems: Sequence[Problem]) -> list[Problem]:
        """Those of `problems` that a candidate asks for. Raises CandidateError where none is."""
        find = _finder(problems)
        asked = {found.id for entry in self.entries if (found := find(entry)) is not None}
        if not asked:
            self.pair(problems)  # it says what they ask for
        return [one for one in problems if one.id in asked]

    def pair(self, problems: Sequence[Problem], *, cuda_runs: bool = True) -> Pairing:
        """Each candidate with its problem. `cuda_runs`: whether CUDA kernels will be called, or only compiled.

        A candidate that asks for a problem outside `problems` (another level, one that did not fit) is listed as
        unmatched, a file that is no candidate as unusable. Raises CandidateError when nothing is left to label.
        """
        samples, unmatched, unknown = _pair(self.entries, _finder(problems), cuda_runs)
        unusable = [*self.unusable, *unknown]
        if not samples:
            left_out = [*unusable, *unmatched]
            why = f"; the first left out: {left_out[0]}" if left_out else ""
            raise CandidateError(f"{self.path}: no candidate for any of the {len(problems)} problems loaded{why}")
        jobs = tuple((sample.problem, sample.candidate) for sample in samples)
        return Pairing(jobs, tuple(unmatched), tuple(unusable), tuple(samples))


def read_candidates(path: Path, problem: str | None = None) -> Unpaired:
    """Candidates at `path`; `problem` names the problem of files that do not say. Raises CandidateError for a file that
    names none."""
    if path.is_file() and path.suffix == ".jsonl":
        return Unpaired(path, *_jsonl_entries(path))
    if path.is_file() or path.is_dir():
        return Unpaired(path, *_file_entries(path, problem))
    raise CandidateError(f"{path}: no such file or folder; give a .py or .cu file, a .jsonl file or a folder of them")


def read_candidate(path: Path) -> Candidate:
    """One candidate file. Raises CandidateError when it is empty, binary, not UTF-8, too large or unreadable."""
    text = read_text(path, LIMIT_BYTES)
    if isinstance(text, Fault):
        raise CandidateError(f"{path}: {text.reason}; a candidate is Python or CUDA source in UTF-8")
    fault = code_fault(text)
    if fault:
        raise CandidateError(f"{path}: {fault}; a candidate is Python source with a ModelNew, or a .cu file")
    return Candidate(text, path.name)


def code_fault(code: str) -> str:
    """Why a text is no candidate; empty when it may be one."""
    if not code.strip():
        return "the file is empty"
    if "\0" in code:
        return f"binary data (NUL at character {code.index(chr(0))})"
    # A character is at least one byte, so the short ones need no encoding.
    if len(code) > LIMIT_BYTES // 4 and len(code.encode("utf-8", "surrogatepass")) > LIMIT_BYTES:
        return f"larger than {LIMIT_BYTES / 1e6:g} MB"
    return ""


def reference_candidate(problem: Problem) -> Candidate:
    """The problem's own `Model` under the name `ModelNew`: a candidate that should come out correct.

    Only names are renamed, by their place in the syntax tree; strings, comments and attributes stay. Where `Model` is
    not a plain class of the module an alias is appended. Raises ProblemError when the source already uses `ModelNew`.
    """
    tree = ast.parse(problem.code)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    if "ModelNew" in names | {node.name for node in classes}:
        raise ProblemError(f"problem {problem.name} already uses the name ModelNew; it cannot be its own candidate")
    label = f"reference:{problem.name}"
    if [node.name for node in classes].count("Model") != 1:
        return Candidate(problem.code.rstrip("\n") + "\n\n\nModelNew = Model\n", label)
    lines = problem.code.encode().splitlines(keepends=True)
    places = [(n.lineno, n.col_offset) for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == "Model"]
    (own,) = (node for node in classes if node.name == "Model")
    keyword = re.match(rb"class\s+", lines[own.lineno - 1][own.col_offset :])
    if keyword is None:  # `class \` with the name on the next line
        return Candidate(problem.code.rstrip("\n") + "\n\n\nModelNew = Model\n", label)
    places.append((own.lineno, own.col_offset + keyword.end()))
    for line, column in sorted(places, reverse=True):
        raw = lines[line - 1]
        lines[line - 1] = raw[:column] + b"ModelNew" + raw[column + len(b"Model") :]
    return Candidate(b"".join(lines).decode(), label)


def _file_entries(path: Path, problem: str | None) -> tuple[list[_Entry], list[str]]:
    files = [path] if path.is_file() else sorted(_kernel_files(path))
    if not files:
        raise CandidateError(
            f"{path}: no .py or .cu files here; a run folder holds level_L_problem_P_sample_S_kernel.py"
        )
    entries: list[_Entry] = []
    unusable: list[str] = []
    for file in files:
        run = RUN_FILE.fullmatch(file.name)
        wants: str | tuple[int, int]
        if run is not None:
            wants = int(run["level"]), int(run["problem"])
        elif problem is not None:
            wants = problem
        elif path.is_dir() and (file.parent != path or (path / OWN_FILE).is_file()):
            wants = file.resolve().parent.name
        else:
            raise CandidateError(
                f"{file}: which problem is it for? name it level_L_problem_P_sample_S_kernel.py, "
                "put it in a folder named after the problem, or give --problem NAME"
            )
        try:
            candidate = read_candidate(file)
        except CandidateError as error:
            unusable.append(str(error))
        else:
            entries.append(_Entry(candidate, str(file), wants, int(run["sample"]) if run else None))
    return entries, unusable


def _kernel_files(root: Path) -> Iterator[Path]:
    """Files of kernels: Python but for problems and packages, and CUDA but for what a Python file beside it names."""
    python = [path for path in root.rglob("*.py") if path.name not in ("__init__.py", OWN_FILE) and not path.is_dir()]
    yield from python
    cuda = [path for path in root.rglob("*.cu") if not path.is_dir()]
    folders = {path.parent for path in cuda}
    # load(sources=["kernel.cu"]): a part of that candidate, not one of its own.
    named = {(path.parent, name) for path in python if path.parent in folders for name in _cuda_names(path)}
    yield from (path for path in cuda if (path.parent, path.name) not in named)


def _cuda_names(path: Path) -> set[str]:
    """Names of .cu files in a file's text."""
    text = read_text(path, LIMIT_BYTES)
    return set(re.findall(r"[\w.+-]+\.cu\b", text)) if isinstance(text, str) else set()


def problems_beside(path: Path) -> str | None:
    """Where the problems of a folder of candidates are: in it, as problem.py files; in KernelBench, for a run folder.

    None for any other folder.
    """
    if next(path.rglob(OWN_FILE), None) is not None:
        return str(path)
    files = [file.name for file in _kernel_files(path)]
    return KERNELBENCH if files and all(RUN_FILE.fullmatch(name) for name in files) else None


def _jsonl_entries(path: Path) -> tuple[list[_Entry], list[str]]:
    entries: list[_Entry] = []
    unusable: list[str] = []
    try:
        for line in json_lines(path):
            where = f"{path}:{line.number}"
            made = line.fault.reason if line.fault else _row_entry(line.value, where)
            if isinstance(made, str):
                unusable.append(f"{where}: {made}")
            else:
                entries.append(made)
    except OSError as error:
        raise CandidateError(f"{path}: cannot be read ({error.strerror})") from None
    if not entries and not unusable:
        raise CandidateError(f"{path}: the file is empty; one JSON object a line with 'code' and 'problem'")
    return entries, unusable


def _row_entry(row: Any, where: str) -> _Entry | str:
    """One row, or why it is no candidate."""
    if not isinstance(row, dict):
        return "a candidate is a JSON object with 'code' and 'problem'"
    code = row.get("code", row.get("candidate"))
    if not isinstance(code, str) or not code.strip():
        return "'code' is missing or empty; give the candidate's Python source"
    fault = code_fault(code)
    if fault:
        return fault
    candidate = Candidate(code, str(row.get("name", where)))
    sample = row.get("sample_id")
    sample_id = sample if type(sample) is int else None
    name, level, number = row.get("problem"), row.get("level"), row.get("problem_id")
    if isinstance(name, str) and name:
        return _Entry(candidate, where, name, sample_id)
    if type(level) is int and type(number) is int:
        return _Entry(candidate, where, (level, number), sample_id)
    return "which problem is it for? give 'problem' (its name), or 'level' and 'problem_id'"


Find = Callable[[_Entry], Problem | None]


def _finder(problems: Sequence[Problem]) -> Find:
    by_name: dict[str, list[Problem]] = {}
    by_number: dict[tuple[int, int], list[Problem]] = {}
    for item in problems:
        by_name.setdefault(item.name, []).append(item)
        by_number.setdefault((item.level, item.problem_id), []).append(item)

    def find(entry: _Entry) -> Problem | None:
        found = by_name.get(entry.wants, []) if isinstance(entry.wants, str) else by_number.get(entry.wants, [])
        if len(found) > 1:
            raise CandidateError(
                f"{entry.where}: {len(found)} problems answer to {_asked(entry)}; say level and problem_id"
            )
        return found[0] if found else None

    return find


def _asked(entry: _Entry) -> str:
    if isinstance(entry.wants, str):
        return f"the name '{entry.wants}'"
    return f"level {entry.wants[0]} problem {entry.wants[1]}"


def _pair(entries: Sequence[_Entry], find: Find, cuda_runs: bool) -> tuple[list[Sample], list[str], list[str]]:
    """Samples; candidates without a problem; raw kernels of which nobody knows how they are called."""
    samples: list[Sample] = []
    unmatched: list[str] = []
    unknown: list[str] = []
    for entry in entries:
        problem = find(entry)
        if problem is None:
            unmatched.append(f"{entry.where} wants {_asked(entry)}, which is not loaded")
            continue
        try:
            made = as_candidate(entry.candidate, problem, runs=cuda_runs)
        except CandidateError as error:
            unknown.append(str(error))
        else:
            samples.append(Sample(problem, made, entry.sample_id, made.name))
    return samples, unmatched, unknown
