"""One .cu unit through nvcc, against the shim, some of the real headers (the middle tier) or all of them.

What is made once per toolkit lies in the toolchain's folder: name tables, the shim's runtime for the device, the two
headers that CMake writes for a CUDA build of torch and that a CPU build lacks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from kernelbench_harness.compile import demand, middle, names
from kernelbench_harness.compile.flags import device_flags
from kernelbench_harness.compile.job import Job, Parsed, Tier
from kernelbench_harness.compile.names import Names, compare, read
from kernelbench_harness.compile.nvcc import COMMON_FLAGS, DEFAULT_ARCH, Nvcc, arch_flag, missing_header
from kernelbench_harness.compile.toolchain import DEFINES, SHIM, Toolchain, replacing
from kernelbench_harness.errors import ToolchainError
from kernelbench_harness.sandbox import Completed

_SETUP_S = 600.0
GENERATED = {
    "c10/cuda/impl/cuda_cmake_macros.h": "#pragma once\n#define C10_CUDA_BUILD_SHARED_LIBS\n",
    "ATen/cuda/CUDAConfig.h": "#pragma once\n#define AT_CUDNN_ENABLED() 1\n#define AT_CUSPARSELT_ENABLED() 1\n"
    "#define AT_HIPSPARSELT_ENABLED() 0\n#define AT_ROCM_ENABLED() 0\n#define AT_MAGMA_ENABLED() 1\n"
    '#define AT_HIPBLASLT_ENABLED() 0\n#define NVCC_FLAGS_EXTRA ""\n',
}
"""What CMake writes when torch is built with CUDA. They stand last, so that a CUDA build's own come first."""
_NEEDED = "c10/cuda/CUDAGuard.h"
_TABLES = 2
"""Part of the CUDA tables' file name: raise it when what is read for them changes."""
_ASKED = ("torch/extension.h", "c10/cuda/CUDAGuard.h", "c10/cuda/CUDAException.h")
"""The headers whose names make the tables. Those of ATen/cuda are read without what they include: cuBLAS and its
siblings, which may not be installed (`front_end_errors` knows their names by how they begin)."""


def check_headers(tools: Toolchain) -> None:
    """Raises ToolchainError for a torch without the headers of its CUDA half: the real verdict would be theirs."""
    if not (tools.torch / "include" / _NEEDED).is_file():
        raise ToolchainError(
            f"torch {tools.torch_version} ({tools.torch}) comes without headers for CUDA ({_NEEDED}): install one that "
            "has them, as the wheels for Linux do (pip install --force-reinstall torch)"
        )


def compile_unit(job: Job, parsed: Parsed, tier: Tier) -> Completed:
    """nvcc on one unit; its object is there afterwards when it succeeded."""
    assert job.nvcc is not None
    unit = parsed.unit
    command = [*arguments(job, parsed, tier), "-c", unit.name, "-o", unit.object]
    return nvcc_run(job.tools, job.nvcc, command, job.work, job.timeout_s, job.core)


def arguments(job: Job, parsed: Parsed, tier: Tier) -> list[str]:
    """All of nvcc's arguments but for the files."""
    return [*defines(job, parsed, tier), *options(job, tier)]


def defines(job: Job, parsed: Parsed, tier: Tier) -> list[str]:
    """What differs from unit to unit: the extension's name, and what its source needs of the headers."""
    assert job.nvcc is not None
    asked: list[str] = []
    if tier == "slim":
        asked = [*(demand.flags(parsed.tokens) or ()), *demand.toolkit(parsed.tokens, job.nvcc.include)]
    return [*asked, f"-DTORCH_EXTENSION_NAME={job.request.name}"]


def options(job: Job, tier: Tier) -> list[str]:
    """The same for many units: include folders and flags, in torch's order."""
    assert job.nvcc is not None
    own = device_flags(job.request, job.tools.standard, job.arch)
    if tier == "slim":
        # Through the host compiler's options: nvcc's own -include comes after cuda_runtime.h, which is too late.
        own[own.index("-fPIC")] = f"-fPIC,-include,{SHIM / 'include' / demand.PRELUDE[1]}"
    if tier in ("slim", "shim"):
        return [DEFINES, "-isystem", str(SHIM / "include"), *_also(job.nvcc), *own]
    headers = stock_includes(job.tools, job.nvcc)
    more = []
    if tier == "middle":
        # Relative, since the front-end check keeps what it was told for these arguments.
        headers.insert(0, middle.folder(job).relative_to(job.work))
        more.append(middle.PER_OPERATOR)
    folders = [word for folder in headers for word in ("-isystem", str(folder))]
    return [DEFINES, *more, *job.request.includes(), *folders, *own]


def _also(nvcc: Nvcc) -> list[str]:
    """Include flags for CUDA's libraries, whose headers are the real ones in every tier."""
    return [word for folder in nvcc.other_includes for word in ("-isystem", str(folder))]


def stock_includes(tools: Toolchain, nvcc: Nvcc) -> list[Path]:
    """torch's folders, the toolkit's, Python's, CUDA's libraries, and what a CPU build of torch lacks."""
    *torch, python = tools.stock_includes
    return [*torch, nvcc.include, python, *nvcc.other_includes, _generated(tools)]


def _generated(tools: Toolchain) -> Path:
    folder = tools.folder / "generated"
    for name, text in GENERATED.items():
        if not (folder / name).exists():
            with replacing(folder / name) as path:
                path.write_text(text)
    return folder


def nvcc_run(
    tools: Toolchain, nvcc: Nvcc, arguments: list[str], work: Path, timeout_s: float, core: int | None = None
) -> Completed:
    """nvcc in the sandbox, with this toolchain's g++ as its host compiler."""
    command = [nvcc.path, "-ccbin", tools.compiler, *arguments]
    return tools.confined(command, work, timeout_s, core, read=nvcc.readable)


def runtime(tools: Toolchain, nvcc: Nvcc, arch: str) -> list[str]:
    """The shim's runtime as objects: for the host, and for the device where it has such a part; made on first use."""
    source = SHIM / "runtime" / "cuda.cu"
    host = str(tools.runtime())
    if not source.exists():
        return [host]
    path = tools.folder / f"runtime_{arch}_{_hash(nvcc)}.o"
    with tools.once(path) as missing:
        if missing:
            flags = ["-isystem", str(SHIM / "include"), *COMMON_FLAGS, arch_flag(arch), "-O2", tools.standard, "-w"]
            flags += ["--compiler-options", "-fPIC,-fno-gnu-unique"]
            with tools.scratch() as work:
                done = nvcc_run(tools, nvcc, [*flags, "-c", str(source), "-o", "runtime.o"], work, _SETUP_S)
                tools.keep(done, work / "runtime.o", path)
    return [host, str(path)]


def _hash(nvcc: Nvcc) -> str:
    return hashlib.sha256(f"{nvcc.version} {nvcc.root}".encode()).hexdigest()[:8]


@cache
def cuda_names(tools: Toolchain, nvcc: Nvcc) -> Names:
    """The name tables of a CUDA unit; made on first use (about 15 CPU seconds), then read (0.1)."""
    path = tools.folder / f"names_cuda_{names.VERSION}_{_TABLES}_{_hash(nvcc)}.json"
    with tools.once(path) as missing:
        if missing:
            stock = [word for folder in stock_includes(tools, nvcc) for word in ("-isystem", str(folder))]
            real = read(_preprocess(tools, nvcc, stock, _ASKED).splitlines(True))
            for header in sorted((tools.torch / "include/ATen/cuda").glob("*.h")):
                # Not preprocessed, so that a macro may run over several lines.
                text = header.read_text(errors="replace").replace("\\\n", " ")
                real.add(read(text.splitlines(True)))
            here = [name for name in (*_ASKED, "ATen/cuda/CUDAContext.h") if (SHIM / "include" / name).exists()]
            ours = read(_preprocess(tools, nvcc, ["-isystem", str(SHIM / "include")], here).splitlines(True))
            with replacing(path) as temporary:
                compare(real, ours).save(temporary)
    return Names.load(path)


def _preprocess(tools: Toolchain, nvcc: Nvcc, includes: list[str], headers: Sequence[str]) -> str:
    """These headers with all that they define, as nvcc's host pass reads them."""
    with tools.scratch() as work:
        (work / "asks.cu").write_text("".join(f"#include <{name}>\n" for name in headers))
        command = [DEFINES, *includes, *COMMON_FLAGS, arch_flag(DEFAULT_ARCH), tools.standard, "-Xcompiler", "-dD"]
        done = nvcc_run(tools, nvcc, [*command, "-E", "asks.cu", "-o", "answer"], work, _SETUP_S)
        if done.returncode:
            text = done.output.decode(errors="replace").strip()
            raise ToolchainError(missing_header(text) or f"{nvcc.path} cannot read torch's headers: {text[:300]}")
        return (work / "answer").read_text(errors="replace")
