"""The link, last of the stages: a library in which nothing is missing that importing it would look for.

torch's own link leaves undefined symbols to the import; here `-z defs` makes them the link's verdict. Python's symbols
are the interpreter's. Where torch is built without CUDA, the symbols of its CUDA libraries are taken to be there: the
headers declared them.
"""

from __future__ import annotations

import re
from typing import Literal

from kernelbench_harness.compile import device, diagnostics, guards
from kernelbench_harness.compile.job import OUT_OF_TIME, Job, failed
from kernelbench_harness.compile.request import CompileResult, split

_PYTHON = re.compile(r"_?Py[A-Z_]")
_TORCH_CUDA = re.compile(r"(?:.*[ :&*<(])?(?:at::cuda|c10::cuda|at::native|torch::cuda)::|.*\bcuda\b.*::")
_DRIVER = re.compile(r"cu[A-Z]\w+")
_LIBRARIES = re.compile(r"(?:cublas(?:Lt)?|cusparse|cufft|curand|cudnn|nccl|nvrtc|cusolver)[A-Z_]\w*")
_DROPPED = re.compile(r"-lcudart(_static)?|-lcuda|-ltorch\w*|-lc10\w*|-L.*")


def shim(job: Job) -> CompileResult:
    """The shim's library; with CUDA it carries cudart within, and needs neither torch nor a GPU to load."""
    own, tail, libraries = split(job.request.extra_ldflags), _tail(job), list[str]()
    if job.nvcc is not None:
        own = job.nvcc.linked([flag for flag in own if not _DROPPED.fullmatch(flag)])
    for _ in range(2):
        done = job.tools.confined(
            [job.tools.compiler, "-shared", *_objects(job), *_runtime(job), *own, *libraries, *tail],
            job.work, job.timeout_s, job.core, read=job.nvcc.readable if job.nvcc else (),
        )  # fmt: skip
        if done.timed_out:
            return failed("shim", "link", OUT_OF_TIME, "timeout")
        missing = diagnostics.undefined(done.output.decode(errors="replace"))
        if not done.returncode:
            return CompileResult(
                True, str(job.work / "module.so"), "shim", "shim", reason="guards passed", arch=_arch(job)
            )
        # torch itself brings cuBLAS and its siblings into the process: a candidate need not name them.
        libraries = job.nvcc.libraries_of(missing) if job.nvcc else []
        if not libraries:
            break
    return failed("shim", "link", done.output, _proof(missing, job))


def _objects(job: Job) -> list[str]:
    return [parsed.unit.object for parsed in job.units]


def _runtime(job: Job) -> list[str]:
    if job.nvcc is None:
        return [str(job.tools.runtime())]
    return device.runtime(job.tools, job.nvcc, job.arch)


def _tail(job: Job) -> list[str]:
    words = ["-Wl,-z,defs", "-Wl,-Bsymbolic", "-Wl,--as-needed"]
    if job.nvcc is not None:
        words += [
            *(f"-L{folder}" for folder in job.nvcc.library_folders),
            "-lcudart_static",
            "-ldl",
            "-lrt",
            "-lpthread",
        ]
        words += ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]
    return [*words, job.tools.libgomp, "-o", "module.so"] if _openmp(job) else [*words, "-o", "module.so"]


def _openmp(job: Job) -> bool:
    """A C++ request may use torch's OpenMP; with CUDA the library must load where this torch is not, unless asked."""
    asked = [*job.request.extra_cflags, *job.request.extra_cuda_cflags, *job.request.extra_ldflags]
    return job.nvcc is None or any("openmp" in flag or "gomp" in flag for flag in asked)


def _arch(job: Job) -> str:
    return job.arch if job.nvcc is not None else ""


def _proof(missing: list[str], job: Job) -> str:
    """A C++ function at global level that the candidate declares and nobody defines.

    torch's libraries define none at global level that a candidate's own name could meet: no header declares it there.
    """
    known = job.names.stock_global
    own = {name for parsed in job.units for name in guards.functions(parsed.tokens)}
    for symbol in missing:
        found = re.fullmatch(r"(?:[\w:*& ]+ )?(\w+)(?:<.*>)?\(.*\)", symbol)
        if found and found[1] in own and found[1] not in known:
            return f"{found[1]} is declared and never defined"
    return ""


def stock(job: Job, tier: Literal["middle", "stock"] = "stock") -> CompileResult:
    """The library that torch would have linked."""
    tools, own = job.tools, split(job.request.extra_ldflags)
    libraries = tools.torch / "lib"
    link = ["-shared", *_objects(job)]
    after = [f"-L{libraries}", "-lc10", "-ltorch_cpu", "-ltorch", "-ltorch_python"]
    if job.nvcc is None:
        after.append(tools.libgomp)
    else:
        own = job.nvcc.linked([flag for flag in own if not _DROPPED.fullmatch(flag)])
        after += [f"-l{name}" for name in ("c10_cuda", "torch_cuda") if (libraries / f"lib{name}.so").exists()]
        after += [*(f"-L{folder}" for folder in job.nvcc.library_folders), "-lcudart"]
    link += [*own, *after, "-Wl,-z,defs", "-Wl,--warn-unresolved-symbols", "-o", "module.so"]
    done = tools.confined(
        [tools.compiler, *link], job.work, job.timeout_s, job.core, read=job.nvcc.readable if job.nvcc else ()
    )
    if done.timed_out:
        return failed(tier, "link", OUT_OF_TIME, "timeout")
    missing = [s for s in diagnostics.undefined(done.output.decode(errors="replace")) if not _supplied(s, job)]
    if done.returncode or missing:
        kept = [line for line in done.output.splitlines() if not _about_supplied(line, job)]
        return failed(tier, "link", b"\n".join(kept), job.reason)
    return CompileResult(True, str(job.work / "module.so"), "stock", tier, reason=job.reason, arch=_arch(job))


def _supplied(symbol: str, job: Job) -> bool:
    """Whether a symbol is there when the library is imported, though no library here defines it."""
    if _PYTHON.match(symbol):
        return True
    if job.nvcc is None:
        return False
    from_torch = not (job.tools.torch / "lib" / "libtorch_cuda.so").exists() and bool(_TORCH_CUDA.match(symbol))
    return from_torch or bool(_LIBRARIES.fullmatch(symbol)) or bool(_DRIVER.fullmatch(symbol) and _asks_driver(job))


def _asks_driver(job: Job) -> bool:
    return "-lcuda" in split(job.request.extra_ldflags)


def _about_supplied(line: bytes, job: Job) -> bool:
    found = re.search(r"undefined reference to `(.+?)'$", line.decode(errors="replace"))
    return bool(found) and _supplied(found[1] if found else "", job)
