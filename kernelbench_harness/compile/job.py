"""One request on its way through the compilers: what it is compiled with, and the sentences that every step shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from kernelbench_harness.compile import diagnostics
from kernelbench_harness.compile.guards import includes
from kernelbench_harness.compile.independent import Source
from kernelbench_harness.compile.names import Names
from kernelbench_harness.compile.nvcc import Nvcc, missing_header
from kernelbench_harness.compile.request import CompileRequest, CompileResult, Stage, Unit
from kernelbench_harness.compile.tokens import Token, tokenize
from kernelbench_harness.compile.toolchain import Toolchain
from kernelbench_harness.errors import ToolchainError

OUT_OF_TIME = b"error: the compiler ran out of time"
Tier = Literal["slim", "shim", "middle", "stock"]
"""Headers, the cheaper first: the shim showing what the source names (`demand`), all of it; some real ones, all."""


@dataclass(frozen=True)
class Parsed:
    """A unit and its tokens."""

    unit: Unit
    tokens: list[Token]


@dataclass(frozen=True)
class Job:
    """One request; `work` is the folder of its compilers."""

    request: CompileRequest
    tools: Toolchain
    nvcc: Nvcc | None
    """None for a request without CUDA."""
    arch: str
    work: Path
    timeout_s: float
    core: int | None
    reason: str = ""
    """What sent it to the headers that now judge."""
    accepted: frozenset[str] = frozenset()
    """Units that the real headers are known to accept, since the shim did under the guards."""

    @cached_property
    def units(self) -> tuple[Parsed, ...]:
        """In the order in which they are compiled."""
        return tuple(Parsed(unit, tokenize(unit.text)) for unit in self.request.units)

    @property
    def names(self) -> Names:
        """The name tables for this request's headers."""
        return self.tools.names if self.nvcc is None else self.tools.cuda_names(self.nvcc)

    @property
    def stock_folders(self) -> tuple[Path, ...]:
        """Include folders of the real headers, the toolkit's among them."""
        if self.nvcc is None:
            return self.tools.stock_includes
        return (*self.tools.stock_includes, self.nvcc.include, *self.nvcc.other_includes)

    def source(self, parsed: Parsed) -> Source:
        """What the proofs look at."""
        return Source(parsed.tokens, self.names, parsed.unit.name, self.stock_folders, self._hidden(parsed))

    def _hidden(self, parsed: Parsed) -> frozenset[str]:
        """Names of the tables that a unit does not see: torch/extension.h brings none of the CUDA folders' headers."""
        if self.nvcc is None or any(name.startswith(("c10/cuda/", "ATen/cuda/")) for name in includes(parsed.tokens)):
            return frozenset()
        return self.names.stock_nested - self.tools.names.stock_nested

    def write(self) -> None:
        """Every source into the folder, as torch would write it."""
        for unit in (*self.request.units, *self.request.headers):
            path = self.work / unit.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(unit.text, encoding="utf-8", errors="replace")


def failed(tier: Tier, stage: Stage, output: bytes, why: str) -> CompileResult:
    """The result of a failure. Raises ToolchainError where this machine is at fault, not the candidate: a header of a
    CUDA library that is not installed, a g++ too new for nvcc."""
    text = output.decode(errors="replace")
    if line := missing_header(text):
        raise ToolchainError(line)
    if "unsupported GNU version" in text:
        raise ToolchainError("nvcc does not take this g++: install an older one and set CXX to it")
    by: Literal["shim", "middle", "stock"] = "shim" if tier == "slim" else tier
    return CompileResult(
        ok=False,
        library=None,
        kind="shim" if by == "shim" else "stock",
        decided_by=by,
        error=diagnostics.clean(text) or "error: the compiler failed without a word",
        first_error=diagnostics.first_line(text) or "error: the compiler failed without a word",
        stage=stage,
        reason=why,
    )
