"""Our side of the compile studies: the build and the front-end check of a unit, each with a cold cache of results.

Guarantees: what the toolchain makes once (runtime objects, precompiled headers, name tables) is made before anything is
measured; each measurement starts without the result of an earlier one; CPU seconds are those of this process and of
everything that it started.
"""

from __future__ import annotations

import json
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from kernelbench_harness.compile.build import build, toolchain
from kernelbench_harness.compile.front_end import front_end
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.request import Unit as File
from kernelbench_harness.studies.units import Unit

TIMEOUT_S = 1800.0
_WARM = (
    "#include <torch/extension.h>\n#include <cuda_runtime.h>\n\n"
    "__global__ void scale_kernel(const float* input, float* output, int size) {\n"
    "    int idx = blockIdx.x * blockDim.x + threadIdx.x;\n    if (idx < size) output[idx] = 2.0f * input[idx];\n}\n\n"
    "torch::Tensor forward(torch::Tensor input) {\n    auto output = torch::empty_like(input);\n"
    "    scale_kernel<<<4, 256>>>(input.data_ptr<float>(), output.data_ptr<float>(), input.numel());\n"
    "    return output;\n}\n\n"
    'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("forward", &forward, "scale"); }\n'
)


@dataclass(frozen=True)
class Measured:
    """One verdict and what it cost."""

    ok: bool
    stage: str
    first_error: str
    tier: str
    """shim, middle or stock."""
    reason: str
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Row:
    """Our two answers about a unit."""

    key: str
    built: Measured
    checked: Measured

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Row:
        """Inverse of `to_json`."""
        raw = json.loads(text)
        return cls(raw["key"], Measured(**raw["built"]), Measured(**raw["checked"]))


def request_of(unit: Unit) -> CompileRequest:
    """What the unit's candidate asked for."""
    if unit.request:
        return CompileRequest.from_json(unit.request)
    return CompileRequest(unit.extension, (), files=(File("cuda.cu", unit.cuda or "", "cuda"),))


def warm(cache: Path, arch: str) -> None:
    """Makes what is made once. Raises ToolchainError."""
    host = "torch::Tensor scale(torch::Tensor input) { return input; }"
    build(CompileRequest("warm", (host,), (("scale", "scale"),)), cache_dir=cache, arch=arch)
    request = CompileRequest("warm", (), files=(File("cuda.cu", _WARM, "cuda"),))
    inline = CompileRequest("warm", ("void launch_scale();",), cuda_sources=("void launch_scale() {}",))
    for one in (request, inline):
        build(one, cache_dir=cache, arch=arch)
        _forget(cache)
        front_end(one, cache_dir=cache, arch=arch)


def answer(unit: Unit, cache: Path, arch: str) -> Row:
    """Check and build of one unit. Raises ToolchainError where the machine lacks something."""
    request = request_of(unit)
    checked = measured(lambda: front_end(request, cache_dir=cache, arch=arch, timeout_s=TIMEOUT_S), cache)
    built = measured(lambda: build(request, cache_dir=cache, arch=arch, timeout_s=TIMEOUT_S), cache)
    return Row(unit.key, built, checked)


def measured(work: Callable[[], CompileResult], cache: Path) -> Measured:
    """The result of one call with a cold cache, and its cost."""
    _forget(cache)
    before, started = _cpu(), time.monotonic()
    result = work()
    wall, cpu = time.monotonic() - started, _cpu() - before
    stage = "" if result.ok else str(result.stage)
    return Measured(
        result.ok, stage, result.first_error, result.decided_by, result.reason, round(cpu, 3), round(wall, 3)
    )


def _forget(cache: Path) -> None:
    """Removes the results, not what the toolchain keeps."""
    shutil.rmtree(toolchain(cache).folder / "result", ignore_errors=True)


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
