"""The units of a study, one after the other, each with a folder and a result that says it is done.

Nothing here knows of kernels, agents or trainers: a study of another kind gives other work. Guarantees: a unit whose
result is written is not worked on again; results appear whole or not at all; one that fails leaves the others' results
as they are, and the same command takes it up again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adapt.errors import ArtifactError
from adapt.study.arms import Unit
from adapt.study.journal import read_json, write_json

RESULT = "result.json"
INPUTS = "inputs.json"
Work = Callable[[Unit, Path], dict[str, Any]]
"""What is done with a unit in its folder -> what its result says."""


def run_units(units: Sequence[Unit], root: Path, work: Work, done: Callable[[Unit], None]) -> None:
    """Work through the units that have no result yet, in order; `done` is told of those that have one already."""
    for unit in units:
        folder = root / unit.folder
        if read_json(folder / RESULT) is not None:
            done(unit)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / RESULT, work(unit, folder))


def result_of(root: Path, unit: Unit) -> dict[str, Any]:
    """The result of a unit. Raises ArtifactError where it is not done."""
    found = read_json(root / unit.folder / RESULT)
    if not isinstance(found, dict):
        raise ArtifactError(f"{root / unit.folder}: no result yet; run the same command again to finish the study")
    return found


def same_inputs(root: Path, inputs: dict[str, str]) -> None:
    """Write down what a study depends on besides its options, or hold a resumed one against it.

    Raises ArtifactError where something has changed: half a study with one simulator, half with another, is none.
    """
    path = root / INPUTS
    known = read_json(path)
    if known is None:
        write_json(path, inputs)
        return
    if changed := [name for name in inputs | known if inputs.get(name) != known.get(name)]:
        raise ArtifactError(
            f"{root}: was begun with another {' and '.join(changed)} than is here now; "
            "put it back to go on, or remove the folder to begin anew"
        )
