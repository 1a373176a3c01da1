"""KernelBench's own evaluator in the real tool's place, for the arm `real-kernelbench` of a study.

Its compile cache is filled as its own scripts do, several candidates at a time; evaluations take turns, since each
measures. KernelBench is somebody else's: a checkout of it is named by the user, none is part of this project.
Guarantees: nothing of it is imported into this process; a candidate under which its process dies is not compiled, as
it is there. Does not guarantee that its verdicts are ours: `kernelbench_harness.gpu.head_to_head` says where they
differ.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.domain import RealTool
from adapt.errors import AdaptError
from base_gtm.schema import ToolCall, ToolResult
from domains.kernel_tool import job_of
from domains.kernels import ERROR_LIMIT

if TYPE_CHECKING:
    from kernelbench_harness.gpu.theirs import Their

_TURNS = threading.Lock()
"""One evaluation at a time, whichever of the open tools asks for it."""


@contextmanager
def open_kernelbench(folder: Path) -> Iterator[RealTool]:
    """The evaluator of a checkout in `folder`. Raises AdaptError without its sources or without a GPU."""
    from adapt.environment import gpus, hardware, versions
    from kernelbench_harness.errors import HarnessError
    from kernelbench_harness.gpu.theirs import Their, locate

    try:
        sources = locate(folder)
    except HarnessError as error:
        raise AdaptError(str(error).replace("--kernelbench", "--evaluator")) from None
    if not gpus():
        raise AdaptError("KernelBench's evaluator runs on an NVIDIA GPU alone, and there is none here; leave it out")
    build = Path(tempfile.mkdtemp(prefix="kernelbench-"))
    try:
        yield _Theirs(Their(sources, build), {"evaluator": "KernelBench", **versions(), "hardware": hardware()})
    finally:
        shutil.rmtree(build, ignore_errors=True)


@dataclass(frozen=True)
class _Theirs:
    """The evaluator as a tool."""

    their: Their
    environment: Mapping[str, Any]

    def call(self, call: ToolCall) -> ToolResult:
        """Compile beside others, then evaluate alone."""
        from kernelbench_harness.gpu.theirs import evaluate, precompile

        job = job_of(call)
        precompile(self.their, [job], 1, lambda said: None)
        with _TURNS:
            (answer,) = evaluate(self.their, iter([job]))
        return ToolResult(content_of_answer(answer))


def content_of_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """KernelBench's answer in the words of this domain's spec: it does not say in which way an output is wrong."""
    died = str(answer.get("died") or answer.get("nothing") or "")
    compiled = bool(answer.get("compiled")) and not died
    if not compiled:
        said = died or str(answer.get("metadata") or "not compiled")
        return {"verdict": "compile_error", "compiled": False, "correct": False, "error": said[:ERROR_LIMIT]}
    if not answer.get("correctness"):
        said = str(answer.get("metadata") or "not correct")
        return {"verdict": "wrong_value", "compiled": True, "correct": False, "error": said[:ERROR_LIMIT]}
    content: dict[str, Any] = {"verdict": "correct", "compiled": True, "correct": True}
    if isinstance(runtime := answer.get("runtime_ms"), int | float) and runtime > 0:
        content["runtime_ms"] = float(f"{runtime:.3g}")
    return content
