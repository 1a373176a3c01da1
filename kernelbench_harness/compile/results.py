"""The cache of results, good and bad: keyed by content, flags, versions and architecture; whole or not at all.

An entry is a folder with result.json and, where something was made, module.so; it is written aside and renamed, so that
a process killed at any point leaves an entry or none. Not kept: a time limit, since a quieter machine may meet it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from dataclasses import asdict, replace
from pathlib import Path

from kernelbench_harness.compile.nvcc import Nvcc
from kernelbench_harness.compile.objects import CompiledObject
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import Toolchain, replacing
from kernelbench_harness.errors import RequestError

VERSION = 9
"""Part of every cache key: raise it when a rule changes."""


def folder(tools: Toolchain, results_dir: Path | None) -> Path:
    """Where entries of a toolchain lie: in its part of the cache, or in a folder of results alone."""
    return (tools.folder if results_dir is None else results_dir / "build" / tools.folder.name) / "result"


def key_of(request: CompileRequest, mode: str, nvcc: Nvcc | None, arch: str) -> str:
    """Hash of the request, the mode, nvcc and architecture where they matter, and, where the flags ask for this very
    processor, of the processor. The toolchain's own versions are in the folder's name."""
    parts = [str(VERSION), request.to_json(), mode]
    if nvcc is not None:
        others = ",".join(str(place) for place in nvcc.other_includes)
        parts += [f"nvcc {nvcc.version} {nvcc.root}", arch, others]
    if "native" in request.to_json():
        cpu = Path("/proc/cpuinfo").read_text(errors="replace") if Path("/proc/cpuinfo").exists() else ""
        parts += [line for line in cpu.splitlines() if line.startswith(("model name", "flags"))][:2]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def cached(entry: Path) -> CompileResult | None:
    """What an earlier run found; an entry that cannot be used (of another release, damaged) is removed, and None."""
    path = entry / "result.json"
    if not path.exists():
        return None
    try:
        result = CompileResult.from_json(path.read_text())
    except (OSError, ValueError, TypeError):
        shutil.rmtree(entry, ignore_errors=True)
        return None
    library = str(entry / "module.so") if result.library is not None else None
    return replace(result, library=library, cached=True)


def keep(entry: Path, result: CompileResult, tools: Toolchain, note: CompiledObject | None = None) -> CompileResult:
    """Moves the result into the cache; a time limit is not kept. `note` says what it is worth elsewhere."""
    if not result.ok and result.reason == "timeout":
        return result
    entry.parent.mkdir(parents=True, exist_ok=True)
    with tools.scratch() as temporary:
        temporary.chmod(0o755)
        if result.library is not None:
            copy_regular(Path(result.library), temporary / "module.so")
            result = replace(result, library=str(entry / "module.so"))
        if note is not None:
            (temporary / "object.json").write_text(json.dumps(asdict(note), sort_keys=True))
        with replacing(temporary / "result.json") as path:
            path.write_text(result.to_json())
        try:
            _arrive(temporary, entry)
        except OSError:  # another process was first; its result is as good
            other = cached(entry)
            if other is not None:
                return other
            _arrive(temporary, entry)
        return result


def _arrive(temporary: Path, entry: Path) -> None:
    """Renames a folder, whole, from another file system too."""
    try:
        temporary.rename(entry)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        aside = entry.with_name(f".{entry.name}.{os.getpid()}")
        shutil.copytree(temporary, aside)
        aside.rename(entry)


def copy_regular(source: Path, target: Path) -> None:
    """Copies what a compiler left; a link or a device in its place is refused with RequestError."""
    made = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(made, "rb") as reading, target.open("wb") as writing:
        if not stat.S_ISREG(os.fstat(made).st_mode):
            raise RequestError("load_inline: the compiler left no regular file")
        shutil.copyfileobj(reading, writing)
