"""The cheapest exact compile verdict: every front end, no code.

A unit is read by all the programs that may refuse its source: g++ for C++ units (`-fsyntax-only`), and for a .cu unit
g++'s preprocessor, cudafe++ (host and device code), and cicc, whose front end reads the device code once more with
__CUDA_ARCH__ defined and alone refuses some of it. What is left out is what their yes says nothing about: ptxas (too
much shared memory, unknown instructions), the linker (functions that nobody defines), and g++'s reading of the host
half that cudafe++ wrote out, which repeats what cudafe++ has taken. A main.cpp that only declares and binds is not read
at all (`bindings`).
Guarantees: as `build`: the shim's word under guards or with a proof, else the real headers' own; the same cache rules.
The steps are nvcc's own, as its dry run tells them, run as one script in the sandbox; what a dry run told is kept.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from kernelbench_harness.compile import bindings, device, guards, host, middle, results
from kernelbench_harness.compile import build as building
from kernelbench_harness.compile.job import OUT_OF_TIME, Job, Parsed, Tier, failed
from kernelbench_harness.compile.nvcc import DEFAULT_ARCH, Nvcc
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import Toolchain, replacing
from kernelbench_harness.errors import ToolchainError
from kernelbench_harness.sandbox import Completed

UNASKED = ("host code generation", "assembler", "linker")
_SETTING = re.compile(r"(_\w+|INCLUDES|SYSTEM_INCLUDES|LIBRARIES|CUDAFE_FLAGS|PTXAS_FLAGS)=")
_STEP = re.compile(r"(\w+=\S*\s*$)|\W*cudafe\+\+|\S*/cicc\W|\S+ .*-E -x c\+\+ ")
_HERE = "KBSHIM_DEFINES_HERE"
"""Stands in a script where a unit's own -D flags do."""
_DEFINE = re.compile(rf'-D\s*"?{_HERE}"?')
_STEPS = 1
"""Part of the scripts' names: raise it when what is kept of a dry run changes."""


def front_end(
    request: CompileRequest,
    *,
    cache_dir: Path,
    arch: str = DEFAULT_ARCH,
    timeout_s: float = 180.0,
    core: int | None = None,
    objects: Path | None = None,
    results_dir: Path | None = None,
) -> CompileResult:
    """Whether the whole build would get past its front ends: a result without a library, `unasked` saying what was left
    out of a yes. A whole build that is cached, or a set in `objects`, answers in its stead. Raises as `build`.
    """
    started = time.monotonic()
    begun = building.begin(request, cache_dir, arch, objects)
    if isinstance(begun, CompileResult):
        return begun
    tools, nvcc = begun
    for mode in ("auto", "front end"):
        entry = results.folder(tools, results_dir) / results.key_of(request, mode, nvcc, arch)
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
            if _needs_no_look(job, parsed):
                sound.add(parsed.unit.name)
                continue
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


def _needs_no_look(job: Job, parsed: Parsed) -> bool:
    return parsed.unit.language == "c++" and bindings.certain(job.request, (job.names, job.tools.names))


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
    own, shared = device.defines(job, parsed, tier), (*device.options(job, tier), "-c", parsed.unit.name)
    steps = _steps(job.tools, job.nvcc, (*shared, "-o", parsed.unit.object), parsed.unit.name)
    if not steps:
        return device.compile_unit(job, parsed, tier)
    (job.work / "front_end.sh").write_text(steps.replace(_HERE, shlex.join(own)))
    command = ["/bin/sh", "-e", "front_end.sh"]
    return job.tools.confined(command, job.work, job.timeout_s, job.core, read=job.nvcc.readable)


@lru_cache(maxsize=64)
def _steps(tools: Toolchain, nvcc: Nvcc, arguments: tuple[str, ...], name: str) -> str:
    """nvcc's steps up to cicc as a shell script, `_HERE` where a unit's own defines belong and temporary files in the
    folder itself; "" where nvcc's driver refuses the arguments. The text of the unit is in no step, so that one script
    serves every unit of this name and these flags. Kept, since a dry run costs a tenth of the check."""
    told = "\0".join(
        (str(_STEPS), nvcc.version, nvcc.path, tools.compiler, os.environ.get("PATH", ""), name, *arguments)
    )
    path = tools.folder / "steps" / hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    with tools.once(path) as missing:
        if missing:
            script = _dry_run(tools, nvcc, arguments, name)
            if not script:
                return ""
            with replacing(path) as temporary:
                temporary.write_text(script)
    return path.read_text()


def _dry_run(tools: Toolchain, nvcc: Nvcc, arguments: tuple[str, ...], name: str) -> str:
    with tools.scratch() as work:
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        done = device.nvcc_run(tools, nvcc, ["--dryrun", f"-D{_HERE}", *arguments], work, 60.0)
        if done.returncode:
            return ""
        text = done.output.decode(errors="replace")
        lines = [line.removeprefix("#$ ") for line in text.splitlines() if line.startswith("#$ ")]
        kept = [_DEFINE.sub(_HERE, line) for line in lines if not _SETTING.match(line) and _STEP.match(line)]
        read = [line for line in kept if " -E -x c++ " in line]
        if not read or not all(_HERE in line for line in read) or not any("cudafe++" in line for line in kept):
            raise ToolchainError(f"{nvcc.path} --dryrun does not tell its steps: {text[:200]}")
        return "\n".join(kept).replace(f"{work}/", "") + "\n"
