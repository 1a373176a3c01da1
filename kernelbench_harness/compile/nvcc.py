"""The CUDA toolkit of this machine: nvcc, what it compiles for, and where CUDA's libraries have their headers.

It is looked for on PATH, then in $CUDA_HOME, then in /usr/local/cuda. Headers that a toolkit may lack (cuBLAS and its
siblings, installed separately) are also looked for where $CUDA_INC_PATH says and in PyPI's nvidia packages beside
torch; nothing is downloaded.

Guarantees: every lack is one ToolchainError that says what to install. nvcc itself runs only in the sandbox, but for
the questions for its version and its architectures.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from kernelbench_harness.errors import ToolchainError

DEFAULT_ARCH = "sm_90"
USUAL = Path("/usr/local/cuda/bin/nvcc")
"""Where the toolkit's own installer puts it; looked at last."""
COMMON_FLAGS = (
    "-D__CUDA_NO_HALF_OPERATORS__",
    "-D__CUDA_NO_HALF_CONVERSIONS__",
    "-D__CUDA_NO_BFLOAT16_CONVERSIONS__",
    "-D__CUDA_NO_HALF2_OPERATORS__",
    "--expt-relaxed-constexpr",
)
"""What load_inline gives nvcc before the candidate's flags, in torch's order."""
_HEADERS = {
    "cublas": "nvidia-cublas",
    "cusparse": "nvidia-cusparse",
    "cusolver": "nvidia-cusolver",
    "cufft": "nvidia-cufft",
    "curand": "nvidia-curand",
    "nvrtc": "nvidia-cuda-nvrtc",
    "nvJitLink": "nvidia-nvjitlink",
    "nvtx": "nvidia-nvtx",
    "nvToolsExt": "nvidia-nvtx",
    "cudnn": "nvidia-cudnn-cu13",
    "nccl": "nvidia-nccl-cu13",
    "cupti": "nvidia-cuda-cupti",
    "cutlass": "nvidia-cutlass",
}
"""Beginning of a header's or library's name -> the package that brings it."""
_LIBRARIES = "cublas|cublasLt|cusparse|cusolver|cufft|curand|nvrtc|cudnn|nccl|nvJitLink|nvToolsExt|cupti"
_LIBRARY_FLAG = re.compile(rf"-l({_LIBRARIES})")
_SYMBOL = re.compile(r"(cublas(?:Lt)?|cusparse|cusolver|cufft|curand|cudnn|nccl|nvrtc)[A-Z_]\w*")
_NO_FILE = re.compile(r"fatal error: ([\w./-]+): No such file or directory")


@dataclass(frozen=True)
class Nvcc:
    """One CUDA toolkit."""

    path: str
    root: Path
    """The toolkit's folder, with include and the libraries."""
    version: str
    """As "13.0.88"."""
    architectures: tuple[str, ...]
    """What --list-gpu-code says, as "sm_90"."""
    site: Path
    """The folder of installed packages whose nvidia/ may hold CUDA's libraries."""

    def check(self, arch: str) -> None:
        """Raises ToolchainError when this nvcc does not compile for `arch` ("sm_90", "sm_90a")."""
        if not re.fullmatch(r"sm_\d{2,3}[af]?", arch):
            raise ToolchainError(f"no GPU architecture: {arch!r}; give one as sm_90")
        if arch.rstrip("af") not in self.architectures:
            known = ", ".join(sorted(self.architectures, key=lambda code: int(code[3:])))
            newest = max(int(code[3:]) for code in self.architectures) if self.architectures else 0
            fix = "install a newer CUDA toolkit" if int(arch.rstrip("af")[3:]) > newest else "install an older one"
            raise ToolchainError(
                f"nvcc {self.version} ({self.path}) does not compile for {arch}: {fix}, "
                f"or choose another architecture (--arch; it knows {known})"
            )

    @property
    def include(self) -> Path:
        """The toolkit's headers."""
        return self.root / "include"

    @cached_property
    def other_includes(self) -> tuple[Path, ...]:
        """Folders with headers of CUDA libraries that the toolkit may lack, the nearer first; all exist."""
        named = os.environ.get("CUDA_INC_PATH", "")
        places = [Path(part) for part in named.split(os.pathsep) if part]
        places += sorted(self.site.glob("nvidia/*/include"))
        return tuple(place for place in places if place.is_dir())

    @cached_property
    def library_folders(self) -> tuple[Path, ...]:
        """Folders of libraries, the toolkit's first; all exist."""
        own = [self.root / "lib64", self.root / "lib", self.root / "lib64" / "stubs"]
        beside = [place.parent / "lib" for place in self.other_includes]
        return tuple(place for place in (*own, *beside) if place.is_dir())

    @property
    def readable(self) -> tuple[Path, ...]:
        """What the compiler must be able to read beside the system."""
        return (self.root, self.root.resolve(), *self.other_includes, *self.library_folders)

    def library(self, name: str) -> list[str]:
        """Linker arguments for a CUDA library ("cublas"), with the folder where loading will find it.

        Raises ToolchainError when it is not installed.
        """
        for folder in self.library_folders:
            for found in (folder / f"lib{name}.so", *sorted(folder.glob(f"lib{name}.so.*"))):
                if found.exists() and folder.name != "stubs":
                    return [str(found), f"-Wl,-rpath,{folder}"]
        raise ToolchainError(
            f"the candidate needs lib{name}, which is neither in {self.root} nor beside torch: "
            f"pip install {package(name)}"
        )

    def linked(self, flags: list[str]) -> list[str]:
        """Linker flags with the CUDA libraries among them by their files. Raises ToolchainError for one not there."""
        words: list[str] = []
        for flag in flags:
            found = _LIBRARY_FLAG.fullmatch(flag)
            words += self.library(found[1]) if found else [flag]
        return words

    def libraries_of(self, symbols: list[str]) -> list[str]:
        """Linker arguments for the CUDA libraries that define these symbols; ToolchainError for one not there."""
        wanted = {found[1] for symbol in symbols if (found := _SYMBOL.fullmatch(symbol))}
        return [word for name in sorted(wanted) for word in self.library(name)]


def arch_flag(arch: str) -> str:
    """nvcc's flag for one architecture, machine code alone, as load_inline writes it."""
    number = arch.removeprefix("sm_")
    return f"-gencode=arch=compute_{number},code=sm_{number}"


def package(name: str) -> str:
    """The PyPI package with this header or library."""
    return next((brings for start, brings in _HEADERS.items() if name.startswith(start)), f"the package with {name}")


def missing_header(output: str) -> str:
    """One line for a compilation that ended because a header of a CUDA library is not installed, or ""."""
    found = _NO_FILE.search(output)
    if not found or not any(Path(found[1]).name.startswith(start) or found[1].startswith(start) for start in _HEADERS):
        return ""
    name = Path(found[1]).name if found[1].partition("/")[0] not in ("cutlass", "cute") else found[1]
    return (
        f"{found[1]} is not installed: neither the CUDA toolkit nor the nvidia packages beside torch have it; "
        f"pip install {package(name)}, or name its folder in CUDA_INC_PATH"
    )


@cache
def find_nvcc() -> Nvcc:
    """This machine's toolkit. Raises ToolchainError where there is none."""
    homes = [Path(home) for home in (os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH")) if home]
    on_path = shutil.which("nvcc")
    places = [*([Path(on_path)] if on_path else []), *(home / "bin" / "nvcc" for home in homes)]
    places.append(USUAL)
    found = next((place for place in places if os.access(place, os.X_OK)), None)
    if found is None:
        raise ToolchainError(
            f"no nvcc on PATH, in $CUDA_HOME or in {USUAL.parents[1]}: install the CUDA toolkit (nvcc and cudart are "
            "enough, no GPU is needed to compile), or set CUDA_HOME"
        )
    version = re.search(r"V(\d+\.\d+\.\d+)", _ask(found, "--version"))
    if version is None:
        raise ToolchainError(f"{found} --version does not answer like nvcc: set CUDA_HOME to a CUDA toolkit")
    codes = tuple(re.findall(r"^sm_\d+", _ask(found, "--list-gpu-code"), re.M))
    return Nvcc(str(found), _root(found), version[1], codes, _site())


def _root(nvcc: Path) -> Path:
    """The toolkit of an nvcc: beside its bin folder, or where its own dry run says that the headers are (a wrapper)."""
    for place in (nvcc, nvcc.resolve()):
        root = place.parent.parent
        if (root / "include" / "cuda_runtime.h").exists():
            return root
    told = re.search(r"TOP=(\S+)", _ask(nvcc, "--dryrun", "-c", "-x", "cu", "/dev/null", "-o", "/dev/null"))
    if told and (Path(told[1]) / "include" / "cuda_runtime.h").exists():
        return Path(told[1]).resolve()
    raise ToolchainError(f"{nvcc} has no cuda_runtime.h beside it: install the toolkit's cudart headers")


def _site() -> Path:
    from kernelbench_harness.compile.toolchain import torch_folder

    return torch_folder().parent


def _ask(nvcc: Path, *question: str) -> str:
    try:
        done = subprocess.run([str(nvcc), *question], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"{nvcc} does not run: {error}") from error
    return done.stdout + done.stderr
