"""Facts about a candidate in CUDA or Triton against its problem: `device_facts`.

Guaranteed: the same sources give the same facts; the vector always has exactly the keys DEVICE_KEYS, all finite; no
import of torch, no compiler, nothing of either source is executed.
Not guaranteed: that a finding is a compile error or a wrong result, nor that their absence means a working kernel. A
candidate in C++ (or in plain torch) gets the facts of `facts.kernel_facts`.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field

from kernelbench_harness.facts.cuda_dryrun import dry_run_cuda, real_launches
from kernelbench_harness.facts.cuda_unit import read_cuda
from kernelbench_harness.facts.dryrun import DryRun
from kernelbench_harness.facts.extract import Extract, extract
from kernelbench_harness.facts.facts import (
    COMPILE_KINDS,
    MAX_WORDS,
    VECTOR_KEYS,
    KernelFacts,
    cpp_facts,
    dry_findings,
    said,
)
from kernelbench_harness.facts.finding import DEVICE_KINDS, Finding
from kernelbench_harness.facts.geometry import Geometry, blocks_of, check_launches, check_memory
from kernelbench_harness.facts.gpus import Gpu, gpu_named
from kernelbench_harness.facts.language import is_raw, language_of
from kernelbench_harness.facts.roofline import ProblemWork, problem_work
from kernelbench_harness.facts.triton_check import check_triton, kernels_of
from kernelbench_harness.facts.triton_run import dry_run_triton, real_triton_launches

DEVICE_COMPILE_KINDS = COMPILE_KINDS | {"space", "tl_name", "tl_args"}
"""Findings that nvcc or Triton's compiler would not let pass."""
_RUN_KINDS = frozenset({"launch", "shared_memory"})
"""Findings that make a run fail; a missing mask does so only where sizes are not multiples, which the dry run sees."""
_DEVICE_SIZES = (
    "is_cuda", "is_triton", "launches", "log_blocks", "block_threads", "log_threads", "shared_kb", "threads_per_output",
    "problem_known", "log_problem_bytes", "log_problem_flops", "log_roofline_ms", "uses_shared", "uses_barriers",
    "uses_atomics", "checks_errors",
)  # fmt: skip
DEVICE_KEYS = (*VECTOR_KEYS, *(f"n_{kind}" for kind in DEVICE_KINDS), *_DEVICE_SIZES)
"""Keys of every vector of device_facts, in this order."""


@dataclass(frozen=True)
class _Parts:
    """What one language's facts amount to before they become text and vector."""

    findings: list[Finding]
    dry: DryRun
    kernel: str
    """Text of the device code."""
    geometry: Geometry = field(default_factory=Geometry)


def device_facts(reference: str, candidate: str, gpu: str = "") -> KernelFacts:
    """Facts of `candidate` against `reference` for the GPU named (see `gpus`); with an unknown name no roofline."""
    language, named = language_of(candidate), gpu_named(gpu)
    work = problem_work(reference)
    if language == "cpp":
        plain = cpp_facts(reference, candidate)
        return KernelFacts(plain.text, _completed(plain.vector, {}), language)
    parts = _cuda(reference, candidate, named) if language == "cuda" else _triton(reference, candidate)
    text = _text(parts, work, named)
    return KernelFacts(text, _vector(parts, work, named, language), language)


def _cuda(reference: str, candidate: str, gpu: Gpu | None) -> _Parts:
    taken = _raw(candidate) if is_raw(candidate) else extract(candidate)
    read = read_cuda(taken)
    findings = [*taken.findings, *read.findings, *check_memory(read.unit, read.checked)]
    kernel = taken.cuda + taken.cpp
    if any(f.kind in DEVICE_COMPILE_KINDS or f.kind == "py_missing" for f in findings):
        return _Parts(findings, DryRun("none"), kernel)
    launches = real_launches(reference, taken.tree, read)
    dry = dry_run_cuda(reference, taken.tree, read, kernel, launches)
    geometry, refused = check_launches(
        launches, read.unit, read.checked, read.bounds, gpu, "cudaFuncSetAttribute" in kernel
    )
    return _Parts([*findings, *dry_findings(dry), *refused], dry, kernel, geometry)


def _triton(reference: str, candidate: str) -> _Parts:
    try:
        tree = ast.parse(candidate)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        found = [Finding("fence", "``` in source")] if "```" in candidate else []
        return _Parts(
            [*found, Finding("py_syntax", f"{getattr(error, 'msg', error)} line {line}", line)],
            DryRun("none"),
            candidate,
        )
    kernels = kernels_of(tree)
    findings = check_triton(tree, kernels)
    if not any(isinstance(n, ast.ClassDef) and n.name == "ModelNew" for n in tree.body):
        findings.append(Finding("py_missing", "no class ModelNew"))
    if any(f.kind in DEVICE_COMPILE_KINDS or f.kind == "py_missing" for f in findings):
        return _Parts(findings, DryRun("none"), candidate)
    launches = real_triton_launches(reference, tree, kernels)
    dry = dry_run_triton(reference, tree, kernels, candidate, launches)
    empty = [Finding("launch", f"{x.kernel} grid {list(x.grid)}") for x in launches if min(x.grid) < 1]
    return _Parts([*findings, *dry_findings(dry), *empty[:1]], dry, candidate, blocks_of(launches))


def _raw(candidate: str) -> Extract:
    """A .cu file, fenced or not, as the kernels' source."""
    fence = (Finding("fence", "``` in source"),) if "```" in candidate else ()
    return Extract(None, "", candidate, (), (), (), False, fence)


def _text(parts: _Parts, work: ProblemWork | None, gpu: Gpu | None) -> str:
    head = said(parts.findings, parts.dry, DEVICE_COMPILE_KINDS)
    tail = [parts.geometry.text(), _work_text(work, gpu)]
    words = " ; ".join(t for t in tail if t).replace(" ;", ";")
    room = MAX_WORDS - len(words.split())
    shown = " ".join(head.split()[:room])
    return f"{shown}; {words}" if words else shown


def _work_text(work: ProblemWork | None, gpu: Gpu | None) -> str:
    if work is None:
        return ""
    flops = f"flops {work.operations:.1e} " if work.known else ""
    roofline = f" {gpu.name} roofline_ms {_roofline(work, gpu):.2g}" if gpu is not None and work.known else ""
    return f"{flops}bytes {work.bytes:.1e}{roofline}"


def _roofline(work: ProblemWork, gpu: Gpu) -> float:
    return 1e3 * max(work.bytes / gpu.bandwidth, work.operations / gpu.flops)


def _vector(parts: _Parts, work: ProblemWork | None, gpu: Gpu | None, language: str) -> dict[str, float]:
    findings, dry, shape, kernel = parts.findings, parts.dry, parts.geometry, parts.kernel
    found = {f"n_{f.kind}": float(sum(g.kind == f.kind for g in findings)) for f in findings}
    found["findings"] = float(len(findings))
    found["breaks_compile"] = float(sum(f.kind in DEVICE_COMPILE_KINDS for f in findings))
    found["breaks_run"] = float(
        sum(f.kind.startswith(("dry_", "out_", "py_")) or f.kind in _RUN_KINDS for f in findings)
    )
    found[f"dry_is_{dry.outcome}"] = 1.0
    found |= {"dry_excess": dry.excess, "dry_reference_known": float(dry.reference_known)}
    found |= {"is_cuda": float(language == "cuda"), "is_triton": float(language == "triton")}
    found |= {"kernel_lines": float(kernel.count("\n")), "calls_torch": float(kernel.count("torch::"))}
    found |= {
        "launches": float(shape.launches), "log_blocks": _log(shape.blocks), "block_threads": float(shape.threads),
        "log_threads": _log(shape.all_threads), "shared_kb": shape.shared_bytes / 1024,
        "uses_shared": float("__shared__" in kernel), "uses_barriers": float("__sync" in kernel),
        "uses_atomics": float("atomic" in kernel), "checks_errors": float("cudaGetLastError" in kernel),
    }  # fmt: skip
    if work is not None:
        found |= {
            "problem_known": float(work.known), "log_problem_bytes": _log(work.bytes), "log_bytes": _log(work.bytes),
            "log_problem_flops": _log(work.operations),
            "threads_per_output": shape.all_threads / work.outputs if work.outputs else 0.0,
        }  # fmt: skip
        if gpu is not None and work.known:
            found["log_roofline_ms"] = _log(_roofline(work, gpu))
    return _completed({}, found)


def _completed(plain: dict[str, float], found: dict[str, float]) -> dict[str, float]:
    """All keys, in their order; what is not finite is 0."""
    known = plain | found
    return {key: value if math.isfinite(value := known.get(key, 0.0)) else 0.0 for key in DEVICE_KEYS}


def _log(x: float) -> float:
    return math.log10(max(x, 1e-6))
