"""A request's verdict: the shim where it is sure, the real headers everywhere else.

Guarantees: a verdict is the real headers' verdict, by their own word or by a proof (`independent.py`) or under the
guards (`guards.py`); every run of a compiler is confined; a result is cached by everything that it depends on and
appears in the cache whole or not at all, so that it may be killed at any point.
Not guaranteed: that a library does what its source says when loaded; loading runs hostile code, in another process.

C++ units come first, and the first error ends the build; then each .cu file; then the link. Which stage a failure has
is stated in `request.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from kernelbench_harness.compile import (
    demand,
    device,
    diagnostics,
    flags,
    guards,
    host,
    independent,
    linking,
    middle,
    results,
)
from kernelbench_harness.compile import objects as compiled_sets
from kernelbench_harness.compile.job import OUT_OF_TIME, Job, Parsed, Tier, failed
from kernelbench_harness.compile.nvcc import DEFAULT_ARCH, Nvcc, find_nvcc
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import SHIM, Toolchain, find
from kernelbench_harness.sandbox import Completed

Mode = Literal["auto", "shim", "stock"]
Compile = Callable[[Job, Parsed, Tier], Completed]
_toolchain = cache(find)


def build(
    request: CompileRequest,
    *,
    cache_dir: Path,
    mode: Mode = "auto",
    timeout_s: float = 180.0,
    core: int | None = None,
    arch: str = DEFAULT_ARCH,
    objects: Path | None = None,
    results_dir: Path | None = None,
) -> CompileResult:
    """Compiles and links a request; what is wrong with it is a result, not an exception.

    Flags that redirect the compiler (-o, -fplugin, @file) or need a shell are a failed result too. `mode` "shim" lets
    the shim alone decide, "stock" the real headers (both for comparison). `timeout_s` is wall seconds for each run of a
    compiler. `arch` is what nvcc compiles for; it matters to requests with CUDA alone. `objects` is a folder of
    libraries compiled elsewhere, looked up first. `results_dir`: where results are kept, by default in `cache_dir`.
    Raises ToolchainError without a compiler, or without a header or library of CUDA's that the candidate needs.
    """
    started = time.monotonic()
    begun = begin(request, cache_dir, arch, None if mode == "stock" else objects)
    if isinstance(begun, CompileResult):
        return begun
    tools, nvcc = begun
    entry = results.folder(tools, results_dir) / results.key_of(request, mode, nvcc, arch)
    if (known := results.cached(entry)) is not None:
        return known
    with tools.scratch() as work:
        job = Job(request, tools, nvcc, arch, work, timeout_s, core)
        job.write()
        result = _stock(job) if mode == "stock" else _auto(job) if mode == "auto" else _shim(job)
        result = replace(result, seconds=time.monotonic() - started)
        note = compiled_sets.describe(request, result, nvcc.version if nvcc else "", tools.torch_version)
        return results.keep(entry, result, tools, note if mode == "auto" else None)


def begin(
    request: CompileRequest, cache_dir: Path, arch: str, objects: Path | None
) -> CompileResult | tuple[Toolchain, Nvcc | None]:
    """What is known of a request before any compiler runs, else the compilers that it needs. Raises as `build`."""
    if refused := flags.refused(request):
        return failed("stock", request.units[0].stage, f"error: {refused}".encode(), "refused")
    if objects is not None and (known := compiled_sets.lookup(objects, request, arch, cache_dir)) is not None:
        return known
    tools = toolchain(cache_dir)
    if not request.needs_cuda:
        return tools, None
    nvcc = find_nvcc()
    nvcc.check(arch)
    device.check_headers(tools)
    return tools, nvcc


def toolchain(cache_dir: Path) -> Toolchain:
    """This machine's compilers with their part of a cache folder. Raises ToolchainError."""
    return _toolchain(cache_dir.resolve())


def _auto(job: Job) -> CompileResult:
    """Shim, then the real headers for whatever it may not judge."""
    if reason := blind(job):
        return _stock(replace(job, reason=reason))
    result = _shim(job)
    if result.ok:
        unsafe = unsafe_units(job)
        if not unsafe:
            return result
        sound = frozenset(p.unit.name for p in job.units) - set(unsafe)
        return _stock(replace(job, reason=next(iter(unsafe.values())), accepted=sound))
    if result.reason:
        return result
    unsafe = unsafe_units(job)
    sound = frozenset(_before_failure(job, result)) - set(unsafe)
    job = replace(job, reason=f"shim: {result.first_error[:120]}", accepted=sound)
    known = None if unsafe or result.stage == "link" else _middle(job)
    return known or _stock(job)


def blind(job: Job) -> str:
    """Why the shim's verdict means nothing here, whichever way it falls, or ""."""
    standard = job.tools.standard
    if reason := guards.flags_reason(job.request, standard) or flags.cuda_reason(job.request, standard):
        return reason
    # A header of the toolkit is the real one in every tier: only those of torch and Python can differ.
    torch = job.tools.stock_includes
    found = (guards.blind(p.tokens, job.names, SHIM / "include", torch) for p in job.units)
    return next((reason for reason in found if reason), "")


def unsafe_units(job: Job) -> dict[str, str]:
    """Units whose acceptance by the shim is checked against the real headers, with the reason."""
    found = {p.unit.name: guards.unsafe_to_accept(p.tokens, job.names) for p in job.units}
    return {name: reason for name, reason in found.items() if reason}


def _before_failure(job: Job, result: CompileResult) -> list[str]:
    """Units that the shim accepted before one failed: their objects are there."""
    made = [p.unit.name for p in job.units if (job.work / p.unit.object).exists()]
    return made if result.stage != "link" else []


def compile_unit(job: Job, parsed: Parsed, tier: Tier) -> Completed:
    """One unit by its own compiler."""
    compiler = device if parsed.unit.language == "cuda" else host
    return compiler.compile_unit(job, parsed, tier)


def _shim(job: Job) -> CompileResult:
    """The shim's verdict; `reason` holds the proof of a failure, empty where there is none."""
    for parsed in job.units:
        if (result := shim_unit(job, parsed, compile_unit)) is not None:
            return result
    return linking.shim(job)


def shim_unit(job: Job, parsed: Parsed, compiler: Compile) -> CompileResult | None:
    """A unit's failure under the shim, or None. A CUDA unit is tried with slim headers first: a failure there counts
    when it is proven, else the whole shim is asked."""
    slim = parsed.unit.language == "cuda" and demand.flags(parsed.tokens) is not None
    tiers: tuple[Tier, ...] = ("slim", "shim") if slim else ("shim",)
    result = None
    for tier in tiers:
        done = compiler(job, parsed, tier)
        if done.timed_out:
            return failed(tier, parsed.unit.stage, OUT_OF_TIME, "timeout")
        if not done.returncode:
            return None
        result = failed(tier, parsed.unit.stage, done.output, proof(job, parsed, done))
        if result.reason:
            break
    return result


def proof(job: Job, parsed: Parsed, done: Completed) -> str:
    """Why a failure under the shim stands under the real headers too, or "".

    What the assembler refuses counts only when the shim's front end was right to accept what came before.
    """
    found = diagnostics.errors(done.output.decode(errors="replace"))
    if not found:
        return ""
    if found[0].voice == "assembler" and guards.unsafe_to_accept(parsed.tokens, job.names):
        return ""
    return independent.proof(found[0], job.source(parsed))


def _middle(job: Job) -> CompileResult | None:
    """The verdict of some of the real headers, where they can give one. Only CUDA needs them: g++ reads all of them in
    a second or two with a PCH, which nvcc has not (its front ends' own crashes)."""
    if job.nvcc is None or not all(middle.fits(p) and not middle.clash(job, p) for p in job.units):
        return None
    for parsed in sorted(job.units, key=lambda parsed: parsed.unit.name in job.accepted):
        done = compile_unit(job, parsed, "middle")
        if done.timed_out:
            return None
        if done.returncode:
            reason = proof(job, parsed, done)
            return failed("middle", parsed.unit.stage, done.output, reason) if reason else None
    result = linking.stock(job, "middle")
    return result if result.ok else None


def _stock(job: Job) -> CompileResult:
    """The real headers' verdict. Units that they are known to accept come last: only a library needs them."""
    ordered = sorted(job.units, key=lambda parsed: parsed.unit.name in job.accepted)
    for parsed in ordered:
        if parsed.unit.language == "c++" and (quick := host.quick_refusal(job, parsed)) is not None:
            return quick
        done = compile_unit(job, parsed, "stock")
        if done.timed_out:
            return failed("stock", parsed.unit.stage, OUT_OF_TIME, "timeout")
        if done.returncode:
            return failed("stock", parsed.unit.stage, done.output, job.reason)
    return linking.stock(job)
