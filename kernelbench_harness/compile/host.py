"""One C++ unit through g++, against the shim, some of the real headers or all of them."""

from __future__ import annotations

import re

from kernelbench_harness.compile import diagnostics, guards, middle
from kernelbench_harness.compile.device import stock_includes
from kernelbench_harness.compile.job import Job, Parsed, Tier, failed
from kernelbench_harness.compile.request import CompileResult
from kernelbench_harness.compile.toolchain import DEFINES
from kernelbench_harness.sandbox import Completed

STOCK_PCH_AFTER = 3
"""The real headers' PCH costs 40 CPU seconds and 786 MB; a refused source costs 14 CPU seconds without it and 0.1 with
it, an accepted one 27 and 11. Made when they have been needed this often."""


def flags(job: Job) -> list[str]:
    """torch's flags, then the candidate's."""
    return ["-fPIC", job.tools.standard, *job.request.flags()]


def compile_unit(job: Job, parsed: Parsed, tier: Tier, *, code: bool = True) -> Completed:
    """g++ on one unit; its object is there afterwards when it succeeded. Without `code` it only reads."""
    own = flags(job)
    plain = [f for f in own if not f.startswith(("-I", "-W", "-w"))]
    if tier == "shim":
        includes = [*job.tools.shim_include(plain), *_toolkit(job)]
    elif tier == "middle":
        includes = [middle.PER_OPERATOR, f"-isystem{middle.folder(job)}", *_stock(job)]
    else:
        includes = [*job.tools.stock_pch(plain, make=False), *_stock(job)]
    unit = parsed.unit
    made = ["-c", unit.name, "-o", unit.object] if code else ["-fsyntax-only", unit.name]
    arguments = [*_names(job), *includes, *own, *made]
    return job.tools.run(arguments, job.work, job.timeout_s, job.core)


def _names(job: Job) -> list[str]:
    return [f"-DTORCH_EXTENSION_NAME={job.request.name}", DEFINES]


def _stock(job: Job) -> list[str]:
    folders = job.tools.stock_includes if job.nvcc is None else stock_includes(job.tools, job.nvcc)
    return [f"-isystem{folder}" for folder in folders]


def _toolkit(job: Job) -> list[str]:
    if job.nvcc is None:
        return []
    return [f"-isystem{folder}" for folder in (job.nvcc.include, *job.nvcc.other_includes)]


def quick_refusal(job: Job, parsed: Parsed) -> CompileResult | None:
    """A refusal by the real headers found by the front end alone, stopping at the first error, or None.

    It reads the PCH without optimisation, whatever the candidate's level: no macro of the source asks for that level,
    and flags that change the language (-fopenmp, -std) have a PCH of their own or go without.
    """
    make = job.tools.count_stock() >= STOCK_PCH_AFTER and not _likely_good(job)
    if guards.flags_reason(job.request, job.tools.standard):
        return None
    front = ["-fPIC", job.tools.standard, *(["-fopenmp"] if "-fopenmp" in flags(job) else [])]
    asks = {t.text for t in parsed.tokens if t.directive and t.kind == "word" and t.text.startswith("__")}
    if asks:
        return None
    pch = job.tools.stock_pch(front, make=make)
    if not pch:
        return None
    arguments = [*_names(job), *pch, *_stock(job), *front, "-fsyntax-only", "-Wfatal-errors", parsed.unit.name]
    done = job.tools.run(arguments, job.work, job.timeout_s, job.core)
    if done.timed_out or not done.returncode or not diagnostics.errors(done.output.decode(errors="replace")):
        return None
    return failed("stock", "host_compile", done.output, job.reason)


def _likely_good(job: Job) -> bool:
    """Whether the shim's complaint reads as a gap of its own: then a PCH for the front end is not worth making."""
    if not job.reason.startswith("shim: "):
        return False
    found = re.search(r"'(\w+)' (?:is not a member|was not declared)|has no member named '(\w+)'", job.reason)
    name = next((group for group in found.groups() if group), "") if found else ""
    return bool(name) and name in job.names.stock_everything
