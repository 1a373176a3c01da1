"""Compiled sets: libraries made on one machine and used on another, with another torch and Python, without a compiler.

    FOLDER/manifest.json      {"format": 1, "objects": {KEY: {...}}}; written whole, replaced whole
    FOLDER/SHA256.so          the libraries, named by content

The key depends on the request and the architecture alone, never on this machine's torch; only libraries built against
the shim are in a set, since those need neither torch nor libpython, and failures, which a machine without nvcc could
not find out. Guarantees: a set is hostile input: a manifest of another shape, a library that is no regular file or not
the content its name says, another machine's kind or a newer C library than this one's is not used; what is used is a
copy that nobody outside can change. Not guaranteed: that a library does what its source says: it runs where candidates
run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import stat
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.toolchain import replacing
from kernelbench_harness.errors import HarnessError

FORMAT = 1
_MOST_BYTES = 1 << 28
_LIBRARY = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class CompiledObject:
    """One entry of a set."""

    key: str
    arch: str
    """"sm_90"; empty for C++."""
    nvcc: str
    """Version of the nvcc that made it; empty for C++."""
    abi: int
    """The shim's table version (abi.h)."""
    machine: str
    """As "x86_64"."""
    glibc: str
    """Version of the C library that it was linked with."""
    torch: str
    """The torch whose headers the verdict speaks of."""
    sha256: str
    """Of the library; empty for a failure."""
    result: str
    """The CompileResult as JSON, its library left out."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), int if field.name == "abi" else str):
                raise ValueError(f"{field.name} has the wrong type")
        if self.sha256 and not _LIBRARY.fullmatch(self.sha256):
            raise ValueError("sha256 is none")


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    count: int
    """Libraries and failures in the set now."""
    libraries: int
    bytes: int
    """Of its libraries."""


def object_key(request: CompileRequest, arch: str) -> str:
    """Hash of what is compiled and for which architecture."""
    text = f"{FORMAT}\0{request.to_json()}\0{arch if request.needs_cuda else ''}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def describe(request: CompileRequest, result: CompileResult, nvcc: str, torch: str) -> CompiledObject | None:
    """The entry for a result of this machine, or None for one that is of no use elsewhere."""
    if result.reason == "timeout" or (result.ok and result.kind != "shim") or result.unasked:
        return None
    sha = _sha256(Path(result.library)) if result.library is not None else ""
    plain = {**asdict(result), "library": None, "cached": False}
    return CompiledObject(
        key=object_key(request, result.arch or "sm_90"),
        arch=result.arch,
        nvcc=nvcc,
        abi=_abi(),
        machine=platform.machine(),
        glibc=platform.libc_ver()[1],
        torch=torch,
        sha256=sha,
        result=json.dumps(plain, sort_keys=True),
    )


def export_objects(cache_dir: Path, target: Path) -> Exported:
    """Writes everything of a build cache that is of use elsewhere into a set; what the set had already stays.

    Of two results for one request, as two releases of the shim may have left them, the newer is taken.

    Raises HarnessError when the target cannot be written.
    """
    entries = dict(_manifest(target)) if (target / "manifest.json").exists() else {}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for note in _notes(cache_dir):
            entry = _read_entry(_load(note))
            if entry is None:
                continue
            if entry.sha256:
                _copy_verified(note.with_name("module.so"), entry.sha256, target / f"{entry.sha256}.so")
            entries[entry.key] = entry
        with replacing(target / "manifest.json") as path:
            text = {"format": FORMAT, "objects": {key: asdict(entry) for key, entry in sorted(entries.items())}}
            path.write_text(json.dumps(text, indent=0, sort_keys=True))
    except OSError as error:
        raise HarnessError(f"objects folder {target}: {error.strerror}; give another") from error
    libraries = [target / f"{entry.sha256}.so" for entry in entries.values() if entry.sha256]
    return Exported(len(entries), len(libraries), sum(path.stat().st_size for path in set(libraries)))


def _notes(cache_dir: Path) -> list[Path]:
    """The notes of a build cache, or of the build cache within a harness's, the older first."""
    patterns = ("toolchain/*/result/*/object.json", "build/toolchain/*/result/*/object.json")
    found = [note for pattern in patterns for note in cache_dir.glob(pattern)]
    return sorted(found, key=lambda note: (note.stat().st_mtime_ns, str(note)))


def lookup(folder: Path, request: CompileRequest, arch: str, cache_dir: Path) -> CompileResult | None:
    """The set's answer to a request, its library copied into the cache; None where it has none that fits this machine.

    Raises HarnessError for a folder that is no set.
    """
    entry = _manifest(folder).get(object_key(request, arch))
    if entry is None or not _fits(entry):
        return None
    result = _read_result(entry)
    if result is None:
        return None
    if result.library is None:
        return replace(result, cached=True)
    own = cache_dir / "objects" / f"{entry.sha256}.so"
    if not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        if not _copy_verified(folder / f"{entry.sha256}.so", entry.sha256, own):
            return None
    return replace(result, library=str(own), cached=True)


def _fits(entry: CompiledObject) -> bool:
    here = platform.libc_ver()[1]
    return entry.machine == platform.machine() and entry.abi == _abi() and _version(entry.glibc) <= _version(here)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def _abi() -> int:
    """The version of the shim's table, from the header that defines it."""
    from kernelbench_harness.compile.toolchain import SHIM

    found = re.search(r"\babi_version\s*=\s*(\d+)", (SHIM / "include/kbshim/abi.h").read_text())
    assert found is not None, "abi.h says no abi_version"
    return int(found[1])


def _read_result(entry: CompiledObject) -> CompileResult | None:
    try:
        raw = json.loads(entry.result)
        raw["library"] = "module.so" if entry.sha256 else None
        result = CompileResult.from_json(json.dumps(raw))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    texts = (result.error, result.first_error, result.reason, result.arch)
    plain = all(isinstance(text, str) for text in texts) and isinstance(result.seconds, int | float)
    return result if plain and result.ok == bool(entry.sha256) and (not result.ok or result.kind == "shim") else None


def _read_entry(raw: Any) -> CompiledObject | None:
    try:
        return CompiledObject(**raw)
    except (TypeError, ValueError):
        return None


def _manifest(folder: Path) -> dict[str, CompiledObject]:
    path = folder / "manifest.json"
    try:
        found = path.stat()
    except OSError as error:
        raise HarnessError(
            f"{folder} is no set of compiled objects: no manifest.json (make one by label --export-objects)"
        ) from error
    return _read_manifest(path, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=4)
def _read_manifest(path: Path, changed: int, size: int) -> dict[str, CompiledObject]:
    """The entries of a manifest that are well formed; `changed` and `size` are there for the cache's key."""
    raw = _load(path)
    held = raw.get("objects") if isinstance(raw, dict) and raw.get("format") == FORMAT else None
    if size > _MOST_BYTES or not isinstance(held, dict):
        raise HarnessError(f"{path}: no manifest of compiled objects (format {FORMAT})")
    read = {key: _read_entry(value) for key, value in held.items()}
    return {key: entry for key, entry in read.items() if entry is not None and entry.key == key}


def _load(path: Path) -> Any:
    try:
        with os.fdopen(_open(path), "rb") as file:
            return json.loads(file.read(_MOST_BYTES + 1))
    except (OSError, ValueError, RecursionError):
        return None


def _open(path: Path) -> int:
    """A regular file for reading; OSError for a link, a device, a pipe."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(22, "not a regular file", str(path))
    return fd


def _sha256(path: Path) -> str:
    with os.fdopen(_open(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_verified(source: Path, sha256: str, target: Path) -> bool:
    """Copies a library if it is what its name says; whether it was. The copy is hashed, not the original."""
    if target.exists():
        return True
    try:
        with os.fdopen(_open(source), "rb") as reading:
            content = reading.read(_MOST_BYTES + 1)
    except OSError:
        return False
    if hashlib.sha256(content).hexdigest() != sha256:
        return False
    with replacing(target) as path:
        path.write_bytes(content)
        path.chmod(0o755)
    return True
