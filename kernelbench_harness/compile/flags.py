"""Flags of a request: which are refused, which the shim may judge under.

A refused flag would redirect or extend a compiler (-o, -fplugin, @file) or need a shell: the request fails without a
run. Flags outside the known harmless ones are left to the real headers, since a flag can change what they declare.
An architecture that the candidate names itself is honoured as torch honours it: then none of ours is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kernelbench_harness.compile.guards import harmless
from kernelbench_harness.compile.nvcc import COMMON_FLAGS, arch_flag
from kernelbench_harness.compile.request import CompileRequest, split
from kernelbench_harness.errors import RequestError

_REFUSED = re.compile(
    r"-o.*|-c|-E|-S|-M.*|@.*|-wrapper.*|-fplugin.*|-B.*|-specs.*|-x.*|-iplugindir.*|-dump.*|-save-temps.*"
)
_REFUSED_BY_NVCC = re.compile(
    r"--?(output-file|output-directory|odir|dependency-output|options-file|optf|compiler-bindir|ccbin|keep|keep-dir"
    r"|save-temps|dryrun|run|run-args|time|clean-targets|cubin|ptx|fatbin|cuda|preprocess|compile|device-c|dc|device-w|dw"
    r"|device-link|dlink|link|lib|target-directory|tdir|generate-dependencies\S*|MD|MMD|MM|M|MF|MT|version|V|help|h"
    r"|list-gpu-\w+|x)(=.*)?|-o.*|-[cES]|@.*|-x.*|-ccbin.*"
)
_PASSED_ON = re.compile(r"--?(Xcudafe|cudafe-options|Xcicc|Xlinker|linker-options)\b")
_TAKES_A_VALUE = {
    "-Xcompiler", "--compiler-options", "-Xptxas", "--ptxas-options", "-Xcudafe", "--cudafe-options", "-Xlinker",
    "--linker-options", "-Xcicc", "-maxrregcount", "--maxrregcount", "-arch", "--gpu-architecture", "-code",
    "--gpu-code", "-gencode", "--generate-code", "-std", "--std", "-diag-suppress", "--diag-suppress", "-O", "-ftz",
    "-prec-div", "-prec-sqrt", "-fmad", "-D", "-U", "-I", "-include", "-rdc", "--relocatable-device-code",
    "--threads", "-t",
}  # fmt: skip
_HARMLESS = re.compile(
    r"-O[0-3]|--?optimize=[0-3]|--?use_fast_math|--?extra-device-vectorization|-lineinfo|--generate-line-info|-w|-g|-G"
    r"|--?(ftz|prec-div|prec-sqrt|fmad)=(true|false)|--?maxrregcount=\d+|--?expt-relaxed-constexpr|--?source-in-ptx"
    r"|--?(expt-)?extended-lambda|--?restrict|--?resource-usage|--?disable-warnings|-DNDEBUG|--?res-usage|-src-in-ptx"
    r"|-[UD]__CUDA_NO_(HALF|HALF2|BFLOAT16|BFLOAT162)_(OPERATORS|CONVERSIONS)__|--?ptxas-options=.*|-Xptxas=.*"
    r"|--?(gpu-architecture|arch)=(sm|compute)_\d+[af]?|--?(generate-code|gencode)=arch=compute_\d+[af]?,code=\[?[\w,]+\]?"
    r"|--?diag-suppress=[\d,]+|--?threads=\d+|-t=?\d+|--?default-stream=\w+|-m64"
)
_HOST = ("-Xcompiler=", "--compiler-options=")


def refused(request: CompileRequest) -> str:
    """Why the flags are not run at all, or ""."""
    try:
        host = [*split(request.extra_cflags), *split(request.extra_ldflags)]
        device = list(_joined(request.cuda_flags()))
    except RequestError as error:
        return str(error)
    for flag in device:
        passed = next((flag.removeprefix(start) for start in _HOST if flag.startswith(start)), None)
        if passed is not None:
            host += passed.split(",")
            continue
        if "diag_suppress" not in flag and _PASSED_ON.match(flag):
            return f"flag {flag} is not allowed in the sandbox"
        if _REFUSED_BY_NVCC.fullmatch(flag) or re.search(r"(ptxas\S*=|,)(-o|--output-file|--options-file|-optf)", flag):
            return f"flag {flag} is not allowed in the sandbox"
    return next((f"flag {flag} is not allowed in the sandbox" for flag in host if _REFUSED.fullmatch(flag)), "")


def cuda_reason(request: CompileRequest, standard: str) -> str:
    """Why extra_cuda_cflags are left to the real headers, or ""."""
    for flag in _joined(request.cuda_flags()):
        passed = next((flag.removeprefix(start) for start in _HOST if flag.startswith(start)), None)
        if passed is not None and all(harmless(part) or part in ("-rdynamic", standard) for part in passed.split(",")):
            continue
        if passed is None and (_HARMLESS.fullmatch(flag) or flag.replace("--std", "-std") == standard):
            continue
        return f"flag {flag}"
    return ""


def device_flags(request: CompileRequest, standard: str, arch: str) -> list[str]:
    """nvcc's flags but for names, include folders and files: torch's and the candidate's, in torch's order."""
    own = request.cuda_flags()
    named = any("arch" in flag for flag in own)
    words = [*COMMON_FLAGS, *([] if named else [arch_flag(arch)]), "--compiler-options", "-fPIC", *own]
    return words if any(flag.startswith("-std=") for flag in own) else [*words, standard]


def _joined(flags: Sequence[str]) -> Iterator[str]:
    """Flags with the word that follows them where they take one: "-Xptxas -v" is "-Xptxas=-v"."""
    rest = iter(flags)
    for flag in rest:
        value = next(rest, None) if flag in _TAKES_A_VALUE else None
        short = flag in ("-D", "-U", "-I", "-O")
        yield flag if value is None else f"{flag}{value}" if short else f"{flag}={value}"
