"""The real tool: the kernel harness on this machine's GPU; without one it compiles CUDA and interprets Triton."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapt.domain import RealTool
from base_gtm.schema import ToolCall, ToolResult
from domains.kernel_tool import KernelTool
from domains.kernels import content_of

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

NO_GPU = (
    "no GPU here: labels say whether a CUDA candidate compiles, and whether a Triton one is right; correctness and "
    "times of CUDA need a GPU box: kernelbench-harness label on one, then adapt label here with --from-file"
)


def _options() -> HarnessOptions:
    """On the GPU where there is one."""
    from kernelbench_harness.devices import gpus
    from kernelbench_harness.options import HarnessOptions

    return HarnessOptions(device="cuda" if gpus() else "cpu")


def missing() -> str:
    """What this machine's labels will lack, in one line; empty where nothing."""
    from kernelbench_harness.devices import gpus

    return "" if gpus() else NO_GPU


TOOL = KernelTool(content_of, _options)


@contextmanager
def open_real_tool() -> Iterator[RealTool]:
    """The harness, which answers for its own GPU alone. Raises AdaptError where the machine lacks something."""
    with TOOL.open() as tool:
        yield _OwnGpu(tool)


@dataclass(frozen=True)
class _OwnGpu:
    """Refuses a call for another GPU than the tool's: its times, and what it can run, would be another's."""

    tool: RealTool

    @property
    def environment(self) -> Mapping[str, Any]:
        return self.tool.environment

    def call(self, call: ToolCall) -> ToolResult:
        reason = _other_gpu(str(call.arguments.get("gpu", "")))
        return ToolResult(is_error=True, text=reason) if reason else self.tool.call(call)


def _other_gpu(asked: str) -> str:
    """Why a call for this GPU cannot be answered here; empty where it can, as where there is no GPU to run on."""
    from kernelbench_harness.devices import gpus

    here = gpus()
    if not asked or not here or asked.replace(" ", "").lower() in here[0].name.replace(" ", "").lower():
        return ""
    return f"gpu: this machine has an {here[0].name}, not an {asked}; leave the argument out or ask on such a machine"
