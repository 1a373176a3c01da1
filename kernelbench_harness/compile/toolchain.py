"""The compiler and the headers of this machine, and what is made of them once: runtime object, PCHs, name tables.

Everything lives under `cache_dir/toolchain/<hash of compiler, torch and shim>`; a file is complete or absent (written
aside and renamed), and one process makes it while the others wait on a lock. Every run of the compiler but the question
for its version is confined and dies with this process; what a killed process left half written lies in a folder of its
own that the next one removes.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kernelbench_harness.compile import names
from kernelbench_harness.compile.names import Names, compare, read
from kernelbench_harness.errors import PlaceError, ToolchainError
from kernelbench_harness.process.place import LEAST_FREE, OwnedFolder, writing
from kernelbench_harness.sandbox import Completed, Policy, run
from kernelbench_harness.sandbox.process import clean_environment

if TYPE_CHECKING:
    from kernelbench_harness.compile.nvcc import Nvcc

SHIM = Path(__file__).with_name("shim")
DEFINES = "-DTORCH_API_INCLUDE_EXTENSION_H"
_SHIM_PCH_LIMIT = 8
"""117 MB each with g++ 12; one set of flags needs one."""
_MIN_FREE = 3 << 30
_STOCK_PCH_NEEDS = 6 << 30
"""Free bytes before a PCH of the real headers (786 MB with g++ 12 and torch 2.13) is made."""
_SETUP_S = 600.0
_LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""cudafe++ touches 50 MB page by page: a fifth of its time. Without effect where the C library or the kernel has no
such pages."""


@dataclass(frozen=True)
class Toolchain:
    """One compiler with one torch; `folder` is its part of the cache."""

    compiler: str
    version: str
    torch: Path
    torch_version: str
    standard: str
    """The -std flag that this torch gives."""
    shim_hash: str
    cache_dir: Path

    @property
    def key(self) -> str:
        """Hash of everything that may change a verdict, the machine's architecture included."""
        parts = (self.version, self.torch_version, self.standard, self.shim_hash, platform.machine(), str(self.torch))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def folder(self) -> Path:
        """Where this toolchain's files are kept."""
        return self.cache_dir / "toolchain" / self.key

    @property
    def stock_includes(self) -> tuple[Path, ...]:
        """torch's own folders and Python's, in torch's order."""
        include = self.torch / "include"
        return (include, include / "torch/csrc/api/include", Path(sysconfig.get_path("include", scheme="posix_prefix")))

    @property
    def libgomp(self) -> str:
        """torch's own OpenMP library, which a candidate shares with it; the system's where torch has none."""
        for place in (self.torch / "lib", self.torch.parent / "torch.libs"):
            for found in sorted(place.glob("libgomp*.so*")):
                return str(found)
        return "-lgomp"

    def run(self, arguments: list[str], work: Path, timeout_s: float, core: int | None = None) -> Completed:
        """The compiler in the sandbox, in `work`, which it may write. Raises PlaceError when the disk is full."""
        return self.confined([self.compiler, *arguments], work, timeout_s, core)

    def confined(
        self, command: list[str], work: Path, timeout_s: float, core: int | None = None, read: tuple[Path, ...] = ()
    ) -> Completed:
        """A command as `run` runs the compiler; `read` are further folders that it may read."""
        policy = Policy(
            read=(self.cache_dir / "toolchain", *self.stock_includes, self.torch, *read),
            write=(work,),
            cpu_seconds=int(timeout_s) + 1,
            processes=True,
            file_bytes=1 << 30,
        )
        done = run(command, policy, work, timeout_s, env=clean_environment(work) | _LARGE_PAGES, core=core)
        # A source may print these words too: the disk itself is asked.
        if done.returncode and shutil.disk_usage(work).free < LEAST_FREE:
            raise PlaceError(f"{self.cache_dir}: the disk is full; free some space or choose another cache folder")
        return done

    def cuda_names(self, nvcc: Nvcc) -> Names:
        """The name tables of a CUDA unit."""
        from kernelbench_harness.compile.device import cuda_names

        return cuda_names(self, nvcc)

    @cached_property
    def names(self) -> Names:
        """The name tables; made on first use (about 8 CPU seconds), then read (0.1)."""
        path = self.folder / f"names_{names.VERSION}.json"
        with self.once(path) as missing:
            if missing:
                stock = read(self._preprocess([f"-isystem{d}" for d in self.stock_includes]).splitlines(True))
                shim = read(self._preprocess([f"-isystem{SHIM / 'include'}"]).splitlines(True))
                with replacing(path) as temporary:
                    compare(stock, shim).save(temporary)
        return Names.load(path)

    def _preprocess(self, includes: list[str]) -> str:
        """<torch/extension.h> with all that it defines.

        Without -fopenmp: that adds <omp.h>, which the shim includes under the same condition, so that none of its names
        is ever undeclared to the shim alone.
        """
        with self.scratch() as work:
            (work / "asks.cpp").write_text("#include <torch/extension.h>\n")
            command = [DEFINES, *includes, "-fPIC", self.standard, "-E", "-dD", "asks.cpp", "-o", "answer"]
            done = self.run(command, work, _SETUP_S)
            if done.returncode:
                text = done.output.decode(errors="replace").strip()
                raise ToolchainError(f"{self.compiler} cannot read torch/extension.h: {text[:300]}")
            return (work / "answer").read_text(errors="replace")

    def runtime(self) -> Path:
        """The shim's runtime as an object file; made on first use (7 CPU seconds)."""
        path = self.folder / "runtime.o"
        with self.once(path) as missing:
            if missing:
                flags = [f"-I{SHIM / 'include'}", "-fPIC", self.standard, "-O2", "-fno-gnu-unique", "-w"]
                with self.scratch() as work:
                    source = str(SHIM / "runtime" / "all.cpp")
                    done = self.run([*flags, "-c", source, "-o", "runtime.o"], work, _SETUP_S)
                    self.keep(done, work / "runtime.o", path)
        return path

    def shim_include(self, flags: list[str]) -> list[str]:
        """Include flags for the shim under these flags, with a PCH where there is room for one (4 CPU seconds once)."""
        plain = [f"-isystem{SHIM / 'include'}"]
        name = hashlib.sha256(" ".join(flags).encode()).hexdigest()[:16]
        path = self.folder / "shim" / name / "torch" / "extension.h.gch"
        if not path.exists():
            made = len(list((self.folder / "shim").glob("*/torch/*.gch")))
            if made >= _SHIM_PCH_LIMIT or self._free() < _MIN_FREE:
                return plain
            self._precompile(path, [*plain, *flags])
        return [f"-isystem{path.parents[1]}", *plain]

    def stock_pch(self, flags: list[str], *, make: bool) -> list[str]:
        """Include flags for a PCH of the real headers under these flags, or none; made (40 CPU seconds) on demand."""
        name = hashlib.sha256(" ".join(flags).encode()).hexdigest()[:16]
        path = self.folder / "stock" / name / "torch" / "extension.h.gch"
        if not path.exists():
            if not make or self._free() < _STOCK_PCH_NEEDS:
                return []
            self._precompile(path, [*(f"-isystem{d}" for d in self.stock_includes), *flags])
        return [f"-isystem{path.parents[1]}"]

    def _precompile(self, path: Path, flags: list[str]) -> None:
        with self.once(path) as missing:
            if missing:
                with self.scratch() as work:
                    (work / "extension.h").write_text("#include_next <torch/extension.h>\n")
                    done = self.run([DEFINES, *flags, "-x", "c++-header", "extension.h", "-o", "out"], work, _SETUP_S)
                    (path.parent / "extension.h").write_text("#include_next <torch/extension.h>\n")
                    self.keep(done, work / "out", path)

    def keep(self, done: Completed, made: Path, path: Path) -> None:
        """Moves what the compiler made of our own sources to its place. Raises ToolchainError when it made nothing."""
        if done.returncode:
            text = done.output.decode(errors="replace").strip()
            raise ToolchainError(f"{self.compiler} failed on the harness's own headers: {text[-300:]}")
        made.chmod(0o644)
        os.replace(made, path)

    def _free(self) -> int:
        return shutil.disk_usage(self.cache_dir).free

    def count_stock(self) -> int:
        """How often the real headers were needed, this time included; kept across processes."""
        path = self.folder / "stock.count"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b".")
        return path.stat().st_size

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for one run of the compiler, removed afterwards."""
        with writing(self.cache_dir):
            folder = Path(tempfile.mkdtemp(dir=_own_work(self.cache_dir / "work").path))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def once(self, path: Path) -> Iterator[bool]:
        """Holds the file's lock while it is missing; yields whether it is to be made."""
        if path.exists():
            yield False
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield not path.exists()


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that becomes `path` at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@cache
def _own_work(place: Path) -> OwnedFolder:
    """This process's folder for runs of the compiler; those of killed processes go when it is made."""
    owned = OwnedFolder(place, "compile-")
    atexit.register(owned.close)
    return owned


def _sweep(folder: Path) -> None:
    """Removes what killed processes left half written: `NAME.PID.tmp` of a process that is gone."""
    for temporary in folder.glob("*.tmp"):
        pid = temporary.name.split(".")[-2]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            temporary.unlink(missing_ok=True)


def find(cache_dir: Path) -> Toolchain:
    """This machine's toolchain. Raises ToolchainError where there is no g++ or no torch."""
    name = os.environ.get("CXX", "g++")
    compiler = shutil.which(name)
    if compiler is None:
        raise ToolchainError(f"no C++ compiler {name!r} on PATH: install g++ (Debian, Ubuntu: apt install g++)")
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=30)
    version = done.stdout.split("\n")[0]
    if "Free Software Foundation" not in done.stdout:
        raise ToolchainError(f"{compiler} is not g++ ({version}): set CXX to a g++")
    torch = torch_folder()
    found = Toolchain(
        compiler=compiler,
        version=version,
        torch=torch,
        torch_version=re.findall(r"__version__ = '([^']+)'", (torch / "version.py").read_text())[0],
        standard=_standard(torch),
        shim_hash=_hash_folder(SHIM),
        cache_dir=cache_dir.resolve(),
    )
    _sweep(found.folder)
    return found


def torch_folder() -> Path:
    """Where torch is installed, without importing it (a second of CPU)."""
    from importlib.util import find_spec

    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        raise ToolchainError(f"torch is not installed for {sys.executable}")
    return Path(spec.origin).parent


def _standard(torch: Path) -> str:
    """The -std flag that this torch's load_inline gives."""
    text = (torch / "utils" / "cpp_extension.py").read_text()
    found = re.search(r"""['"]-fPIC['"], ['"](-std=c\+\+\d\d)['"]""", text)
    return found[1] if found else "-std=c++17"


def _hash_folder(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
