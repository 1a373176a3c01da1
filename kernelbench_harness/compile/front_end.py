"""The cheapest exact compile verdict: every front end, no code.

A unit is read by all the programs that may refuse its source: g++ for C++ units (`-fsyntax-only`), and for a .cu unit
g++'s preprocessor, cudafe++ (host and device code), and cicc, whose front end reads the device code once more with
__CUDA_ARCH__ defined and alone refuses some of it. What is left out is what their yes says nothing about: ptxas (too
much shared memory, unknown instructions), the linker (functions that nobody defines), and g++'s reading of the host
half that cudafe++ wrote out, which repeats what cudafe++ has taken.
Guarantees: as `build`: the shim's word under guards or with a proof, else the real headers' own; the same cache rules.
The steps are nvcc's own, as its dry run tells them, run as one script in the sandbox.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from kernelbench_harness.compile import build as building
from kernelbench_harness.compile import device, flags, guards, host, middle, results
from kernelbench_harness.compile import objects as compiled_sets
from kernelbench_harness.compile.job import OUT_OF_TIME, Job, Parsed, Tier, failed
from kernelbench_harness.compile.nvcc import DEFAULT_ARCH, Nvcc, find_nvcc
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import Toolchain
from kernelbench_harness.errors import ToolchainError
from kernelbench_harness.sandbox import Completed

UNASKED = ("host code generation", "assembler", "linker")
_SETTING = re.compile(r"(_\w+|INCLUDES|SYSTEM_INCLUDES|LIBRARIES|CUDAFE_FLAGS|PTXAS_FLAGS)=")
_STEP = re.compile(r"(\w+=\S*\s*$)|\W*cudafe\+\+|\S*/cicc\W|\S+ .*-E -x c\+\+ ")


def front_end(
    request: CompileRequest,
    *,
    cache_dir: Path,
    arch: str = DEFAULT_ARCH,
    timeout_s: float = 180.0,
    core: int | None = None,
    objects: Path | None = None,
) -> CompileResult:
    """Whether the whole build would get past its front ends: a result without a library, `unasked` saying what was left
    out of a yes. A whole build that is cached, or a set in `objects`, answers in its stead. Raises as `build`.
    """
    if refused := flags.refused(request):
        return failed("stock", request.units[0].stage, f"error: {refused}".encode(), "refused")
    if objects is not None and (known := compiled_sets.lookup(objects, request, arch, cache_dir)) is not None:
        return known
    started = time.monotonic()
    tools = building.toolchain(cache_dir)
    nvcc = find_nvcc() if request.needs_cuda else None
    if nvcc is not None:
        nvcc.check(arch)
    for mode in ("auto", "front end"):
        entry = tools.folder / "result" / results.key_of(request, mode, nvcc, arch)
        if (earlier := results.cached(entry)) is not None:
            return earlier
    with tools.scratch() as work:
        job = Job(request, tools, nvcc, arch, work, timeout_s, core)
        job.write()
        result = replace(_verdict(job), seconds=time.monotonic() - started)
        return results.keep(entry, result, tools)


def _verdict(job: Job) -> CompileResult:
    reason = building.blind(job)
    sound: set[str] = set()
    if not reason:
        for parsed in job.units:
            result = building.shim_unit(job, parsed, _read)
            if result is not None and (result.reason or result.error == OUT_OF_TIME.decode()):
                return result
            unsafe = "" if result is not None else guards.unsafe_to_accept(parsed.tokens, job.names)
            reason = f"shim: {result.first_error[:120]}" if result is not None else unsafe
            if reason:
                break
            sound.add(parsed.unit.name)
    if not reason:
        return _accepted(job, "shim", "guards passed")
    job = replace(job, reason=reason)
    left = [parsed for parsed in job.units if parsed.unit.name not in sound]
    if reason.startswith("shim: ") and _by_middle(job, left):
        return _accepted(job, "middle", reason)
    for parsed in left:
        if (refusal := _real(job, parsed)) is not None:
            return refusal
    return _accepted(job, "stock", reason)


def _by_middle(job: Job, left: list[Parsed]) -> bool:
    """Whether some of the real headers suffice to accept every unit that is left."""
    if job.nvcc is None or any(guards.unsafe_to_accept(parsed.tokens, job.names) for parsed in left):
        return False
    if not all(middle.fits(parsed) and not middle.clash(job, parsed) for parsed in left):
        return False
    return all(_read(job, parsed, "middle").returncode == 0 for parsed in left)


def _accepted(job: Job, by: Literal["shim", "middle", "stock"], reason: str) -> CompileResult:
    arch = job.arch if job.nvcc is not None else ""
    kind: Literal["shim", "stock"] = "shim" if by == "shim" else "stock"
    return CompileResult(True, None, kind, by, reason=reason, unasked=UNASKED, arch=arch)


def _real(job: Job, parsed: Parsed) -> CompileResult | None:
    """The real headers' refusal of a unit, or None."""
    if parsed.unit.language == "c++" and (quick := host.quick_refusal(job, parsed)) is not None:
        return quick
    done = _read(job, parsed, "stock")
    if done.timed_out:
        return failed("stock", parsed.unit.stage, OUT_OF_TIME, "timeout")
    return failed("stock", parsed.unit.stage, done.output, job.reason) if done.returncode else None


def _read(job: Job, parsed: Parsed, tier: Tier) -> Completed:
    """A unit by its front ends alone."""
    if job.nvcc is None or parsed.unit.language != "cuda":
        return host.compile_unit(job, parsed, tier, code=False)
    words = (*device.arguments(job, parsed, tier), "-c", parsed.unit.name, "-o", parsed.unit.object)
    script = _script(job.tools, job.nvcc, words, parsed.unit.name)
    (job.work / "front_end.sh").write_text(script)
    return job.tools.confined(
        ["/bin/sh", "-e", "front_end.sh"], job.work, job.timeout_s, job.core, read=job.nvcc.readable
    )


@lru_cache(maxsize=64)
def _script(tools: Toolchain, nvcc: Nvcc, arguments: tuple[str, ...], name: str) -> str:
    """nvcc's steps up to cicc as a shell script, temporary files in the folder itself. The text of the unit is in no
    step, so that one script serves every unit of this name and these flags."""
    with tools.scratch() as work:
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        done = device.nvcc_run(tools, nvcc, ["--dryrun", *arguments], work, 60.0)
        text = done.output.decode(errors="replace")
        if done.returncode:  # nvcc's driver refuses the flags: let it say so where the verdict is taken
            words = " ".join(f"'{word}'" for word in (nvcc.path, *arguments))
            return f"exec {words}\n"
        lines = [line.removeprefix("#$ ") for line in text.splitlines() if line.startswith("#$ ")]
        kept = [line for line in lines if not _SETTING.match(line) and _STEP.match(line)]
        if not any("cudafe++" in line for line in kept):
            raise ToolchainError(f"{nvcc.path} --dryrun does not tell its steps: {text[:200]}")
        return "\n".join(kept).replace(f"{work}/", "") + "\n"
