"""Kernels that nobody's generator wrote: by hand, and, where they are at hand, from two public collections.

The hand-written ones ship (cohort "foreign"). Rows of the AI CUDA Engineer Archive (cohort "archive") and of CUDA-L1
(cohort "cuda-l1") are read only where GTM_EXTERNAL_DATA names a folder that has them: they never ship, and no model
is trained on them. All are test calls.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapt.domain import CallItem
from base_gtm.schema import ToolCall
from domains.kernels import folder_calls

from .calls import TOOL

ARCHIVE = "ai_cuda_engineer_archive_sample.jsonl"
CUDA_L1 = "cuda_l1_h100.jsonl"
PROBLEMS = "kernelbench_problems.jsonl"

_STATELESS = "class Model:\n    def forward(self, x):\n        return x\n"
_PLAIN = "class ModelNew(nn.Module):\n    def forward(self, *inputs):\n        return _extension.forward(*inputs)\n"
_PARAMETERS = (
    "class ModelNew(Model):\n    def forward(self, *inputs):\n"
    "        return _extension.forward(*inputs, *self.parameters())\n"
)


def foreign_calls() -> Iterator[CallItem]:
    """Hand-written kernels, then what the folder in GTM_EXTERNAL_DATA has."""
    yield from folder_calls(Path(__file__).parent / "foreign", TOOL)
    folder = os.environ.get("GTM_EXTERNAL_DATA")
    if folder:
        yield from archive_calls(Path(folder))
        yield from cuda_l1_calls(Path(folder))


def archive_calls(folder: Path) -> Iterator[CallItem]:
    """Raw CUDA sources of the archive, each in KernelBench form.

    Where a row does not say how its `forward` is called (it has parameters, and no functional form beside it), inputs
    and then parameters are passed: whether it compiles does not depend on that, whether it is right may.
    """
    from kernelbench_harness.exchange.wrap import kernelbench_form

    for number, row in enumerate(_rows(folder / ARCHIVE)):
        module, cuda = str(row["PyTorch_Code_Module"]), str(row["CUDA_Code"])
        code = kernelbench_form(cuda, module, row.get("PyTorch_Code_Functional"))
        if code is None:
            plain = kernelbench_form(cuda, _STATELESS, None)
            code = plain and f"{module.strip()}\n\n\n{plain.replace(_PLAIN, _PARAMETERS)}"
        if code:
            yield _item("archive", f"level {row['Level_ID']} task {row['Task_ID']}", number, module, code)


def cuda_l1_calls(folder: Path) -> Iterator[CallItem]:
    """Candidates with a kernel of their own, against the KernelBench problem that they were written for."""
    problems = {(row["level"], row["problem_id"]): str(row["code"]) for row in _rows(folder / PROBLEMS)}
    for number, row in enumerate(_rows(folder / CUDA_L1)):
        code, problem = row.get("custom_code"), problems.get((row["level_id"], row["task_id"]))
        if code and problem and "__global__" in code:
            yield _item("cuda-l1", f"level {row['level_id']} task {row['task_id']}", number, problem, str(code))


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Rows of a JSON-lines file; none where there is no such file."""
    if path.is_file():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _item(cohort: str, group: str, number: int, reference: str, candidate: str) -> CallItem:
    arguments = {"reference": reference, "candidate": candidate}
    tags = {"operator": group, "mistake": None, "site": None, "foreign": True}
    return CallItem(ToolCall(TOOL, arguments), "test", cohort, group, f"{cohort}/{number}", tags)
