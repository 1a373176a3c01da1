"""Reads problems in KernelBench form from a hub dataset, a JSONL file, a folder or a single file.

Guarantees: every problem returned parses and binds `Model`, `get_inputs` and `get_init_inputs` at module level; the
first one that does not raises ProblemError naming the file and the line. Nothing of a problem is executed here: source
is read by `ast` only (sizes are measured in a child process, see `scale`), and no model is fetched: a problem that
needs one says so when it is shrunk or run (see `hub`). The order is by level, then number, then name.
Does not guarantee that a problem runs or is deterministic. Its version tag is the caller's word, refused only where the
source shows for certain the sizes of the other version (`1_Square_matrix_multiplication_`, and 19 to 32 of level 1).
"""

from __future__ import annotations

import ast
import logging
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import ProblemError
from kernelbench_harness.files import Fault, json_lines, read_text
from kernelbench_harness.label import Problem

OWN_FILE = "problem.py"
"""A problem beside its candidates; its folder's name is the problem's."""
REQUIRED = ("Model", "get_inputs", "get_init_inputs")
VERSIONS = ("v0", "v0.1", "corpus")
_ACTIVATIONS = range(19, 33)
"""Numbers of the activation problems of level 1: v0 has them all at 16 x 16384, v0.1 at 4096 x 393216."""
_SIZES = {
    "v0": ({"N": 2048}, {"batch_size": 16, "dim": 16384}),
    "v0.1": ({"N": 4096}, {"batch_size": 4096, "dim": 393216}),
}
"""By version: the module-level sizes of problem 1, and of the activations, of level 1."""
LEVELS = (1, 2, 3, 4)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HOW = {
    "Model": "add a torch.nn.Module class named Model",
    "get_inputs": "add a function get_inputs() that returns the list of forward arguments",
    "get_init_inputs": "add a function get_init_inputs() that returns the list of constructor arguments",
}


def load_problems(
    source: str,
    *,
    levels: Collection[int] | None = None,
    scale: str = "full",
    version: str = "v0.1",
    on_unfit: Callable[[ProblemError], None] | None = None,
) -> list[Problem]:
    """The problems of `source` at a scale: see `read_problems` and `at_scale`. Raises ProblemError."""
    return at_scale(read_problems(source, levels=levels, version=version), scale, on_unfit)


def read_problems(source: str, *, levels: Collection[int] | None = None, version: str = "v0.1") -> list[Problem]:
    """Problems of `source` as written: a hub dataset id, a .jsonl file, a folder of .py files, or one .py file. Of a
    folder with problem.py files only these are read, each under its folder's name: the others are candidates.

    `levels` keeps only those levels. Raises ProblemError.
    """
    if version not in VERSIONS:
        raise ProblemError(f"problem version '{version}' is unknown; give one of {', '.join(VERSIONS)}")
    problems = [p for p in _read(source, levels, version) if levels is None or p.level in levels]
    if not problems:
        wanted = "" if levels is None else f" of level {', '.join(str(level) for level in sorted(levels))}"
        raise ProblemError(f"{source}: no problems{wanted} found; check the path and --levels")
    problems.sort(key=lambda p: (p.level, p.problem_id, p.name))
    _check_version(source, problems)
    return problems


def at_scale(
    problems: Sequence[Problem], scale: str, on_unfit: Callable[[ProblemError], None] | None = None
) -> list[Problem]:
    """Problems with their sizes rewritten (see `scale.shrink`).

    One that cannot be shrunk raises ProblemError, or is handed to `on_unfit` and left out; so is one that needs a hub
    model. At "full" such a problem stays in the list, and labelling it gives the reason.
    """
    if scale == "full":
        return list(problems)
    from kernelbench_harness.scale import shrink_all  # it imports this module's check

    kept: list[Problem] = []
    for outcome in shrink_all(problems, scale):
        if isinstance(outcome, Problem):
            kept.append(outcome)
        elif on_unfit is None:
            raise outcome
        else:
            on_unfit(outcome)
    return kept


def _check_version(source: str, problems: Collection[Problem]) -> None:
    """Raises ProblemError when a problem has the sizes of another KernelBench version than it is said to be of."""
    for problem in problems:
        other = {"v0": "v0.1", "v0.1": "v0"}.get(problem.version)
        own, known = _sizes_of(problem), _SIZES.get(other or "", ())
        for sizes in known:
            if other and own and own == sizes:
                shown = ", ".join(f"{name} = {value}" for name, value in own.items())
                raise ProblemError(
                    f"{source}: {problem.name} has the sizes of KernelBench {other} ({shown}), but was loaded as "
                    f"{problem.version}; give --problem-version {other}"
                )


def _sizes_of(problem: Problem) -> dict[str, int]:
    """The module-level integers of a problem whose sizes are known by version; empty for every other."""
    if problem.level != 1 or problem.problem_id not in (1, *_ACTIVATIONS):
        return {}
    if problem.problem_id == 1 and not problem.name.startswith("1_Square_matrix"):
        return {}
    from kernelbench_harness.scale import slots  # it imports this module's check

    names = {"N"} if problem.problem_id == 1 else {"batch_size", "dim"}
    return {slot.name: slot.value for slot in slots(problem.code) if slot.name in names}


def check_source(code: str, where: str) -> ast.Module:
    """Parse a problem's source and make sure that it binds the three names. Raises ProblemError naming `where`."""
    try:
        tree = ast.parse(code)
    except SyntaxError as error:
        raise ProblemError(f"{where}:{error.lineno or 1}: not valid Python ({error.msg})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ProblemError(f"{where}:1: cannot be parsed ({error or type(error).__name__})") from None
    bound = set(_bound_names(tree))
    for name in REQUIRED:
        if name not in bound:
            last = max(code.count("\n") + (not code.endswith("\n")), 1)
            raise ProblemError(f"{where}:{last}: '{name}' is missing at module level; {_HOW[name]}")
    return tree


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Names that the module's own statements bind (functions, classes, assignments, imports)."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def _read(source: str, levels: Collection[int] | None, version: str) -> Iterator[Problem]:
    path = Path(source)
    if path.is_dir():
        yield from _read_folder(path, version)
    elif path.is_file() and path.suffix == ".py":
        yield _read_file(path, version)
    elif path.is_file():
        yield from _read_jsonl(path, version)
    elif _HUB_ID.fullmatch(source) and path.suffix not in (".py", ".jsonl", ".json"):
        yield from _read_hub(source, levels, version)
    else:
        raise ProblemError(
            f"{source}: no such file or folder; give a .jsonl file, a folder of .py files, one .py file "
            "or a hub dataset id such as ScalingIntelligence/KernelBench"
        )


def _read_folder(root: Path, version: str) -> Iterator[Problem]:
    own = sorted(root.rglob(OWN_FILE))
    if own:
        for path in own:
            yield replace(_read_file(path, version), name=path.resolve().parent.name)
        return
    files = sorted(p for p in root.rglob("*.py") if p.name != "__init__.py" and not p.name.startswith("."))
    if not files:
        raise ProblemError(f"{root}: no .py files here; a problem folder holds files such as level1/19_ReLU.py")
    for path in files:
        yield _read_file(path, version)


def _read_file(path: Path, version: str) -> Problem:
    code = _text(path)
    check_source(code, str(path))
    number = re.match(r"(\d+)_", path.stem)
    level = re.fullmatch(r"level[_-]?(\d+)", path.resolve().parent.name)
    return Problem(
        name=path.stem,
        code=code,
        level=int(level[1]) if level else 1,
        problem_id=int(number[1]) if number else 0,
        version=version,
    )


def _text(path: Path) -> str:
    text = read_text(path)
    if isinstance(text, Fault):
        raise ProblemError(f"{path}: {text.reason}; a problem is Python source in UTF-8")
    return text


def _read_jsonl(path: Path, version: str) -> Iterator[Problem]:
    try:
        for line in json_lines(path):
            where = f"{path}:{line.number}"
            if line.fault is not None:
                raise ProblemError(f"{where}: {line.fault.reason}")
            yield _from_row(line.value, where, version)
    except OSError as error:
        raise ProblemError(f"{path}: cannot be read ({error.strerror})") from None


def _from_row(row: Any, where: str, version: str) -> Problem:
    """One row with the dataset's columns. Raises ProblemError naming `where`."""
    if not isinstance(row, dict):
        raise ProblemError(f"{where}: a problem is a JSON object with code, level, name and problem_id")
    for column, kind in (("code", str), ("name", str), ("level", int), ("problem_id", int)):
        if isinstance(row.get(column), bool) or not isinstance(row.get(column), kind):
            raise ProblemError(
                f"{where}: column '{column}' is missing or no {kind.__name__}; see the KernelBench columns"
            )
    check_source(row["code"], f"{where} ({row['name']})")
    return Problem(
        name=row["name"], code=row["code"], level=row["level"], problem_id=row["problem_id"], version=version
    )


def _read_hub(dataset: str, levels: Collection[int] | None, version: str) -> Iterator[Problem]:
    try:
        from datasets import load_dataset  # seconds of import, needed only here
    except ImportError:
        raise ProblemError(
            f"{dataset}: reading a hub dataset needs the 'datasets' package; pip install datasets"
        ) from None
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries would bury our one line
    for level in sorted(levels or LEVELS):
        try:
            rows = list(load_dataset(dataset, split=f"level_{level}"))
        except (
            Exception
        ) as error:  # the hub client raises its own, httpx's and fsspec's errors: all are "cannot be had"
            reason = str(error).strip().split("\n")[0][:200] or type(error).__name__
            raise ProblemError(
                f"{dataset}: level_{level} cannot be had from the hub ({reason}); "
                "check the id and the network, or give a .jsonl file or a folder"
            ) from None
        for index, row in enumerate(rows):
            yield _from_row(dict(row), f"{dataset} level_{level} row {index}", version)
