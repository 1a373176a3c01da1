"""The stock side: what torch's `load_inline` and `load` run for a unit, with the real headers, tool by tool.

Guarantees: the commands and flags are those that torch 2.13 writes into its ninja file, for one architecture; main.cpp
comes first and its error ends the unit; CPU seconds are those of the compilers and all that they started, without any
precompiled header; nothing is left behind. Wall seconds mean something on an idle machine only.
Two generated headers that a CPU build of torch lacks are supplied with the values of its CUDA builds. The last step is
a link against torch's libraries; undefined names of the CUDA libraries, which a CPU build lacks, do not count.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from kernelbench_harness.compile import diagnostics
from kernelbench_harness.compile.device import GENERATED
from kernelbench_harness.compile.nvcc import COMMON_FLAGS, arch_flag
from kernelbench_harness.errors import ToolchainError
from kernelbench_harness.studies.units import Unit

_OF_CUDA = re.compile(
    r"\b(?:c10::cuda::|at::cuda::|cu(?:blas|da|dnn|fft|rand|solver|sparse)[A-Z_L]\w*|cu[A-Z]\w+|_?Py[A-Z_])"
)
TIMEOUT_S = 1800.0


@dataclass(frozen=True)
class Step:
    """One run of a compiler."""

    file: str
    cpu_s: float
    wall_s: float


@dataclass(frozen=True)
class Outcome:
    """What came of one unit."""

    key: str
    source: str
    name: str
    ok: bool
    stage: str
    """host_compile for main.cpp, device_compile for the .cu file, link; empty when ok."""
    error: str
    """The compiler's whole text, folders removed."""
    first_error: str
    tool: str
    """Which program said so: g++, cudafe++, cicc, ptxas, nvcc, ld; empty when ok."""
    steps: tuple[Step, ...]

    @property
    def cpu_s(self) -> float:
        """CPU seconds of the compilers, the link apart."""
        return sum(step.cpu_s for step in self.steps if step.file != "link")

    @property
    def wall_s(self) -> float:
        """Wall seconds of the compilers, the link apart."""
        return sum(step.wall_s for step in self.steps if step.file != "link")

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Inverse of `to_json`."""
        raw = json.loads(text)
        return cls(**raw | {"steps": tuple(Step(**step) for step in raw["steps"])})


@dataclass(frozen=True)
class Stock:
    """The real compilers and headers."""

    nvcc: str
    gxx: str
    arch: str
    torch: Path
    """torch's package folder."""
    more: tuple[Path, ...] = ()
    """Include folders of the CUDA libraries that the toolkit on this machine lacks."""

    def includes(self, generated: Path) -> list[str]:
        """-isystem flags in torch's order, the generated headers and the missing libraries last."""
        torch = self.torch / "include"
        toolkit = Path(self.nvcc).resolve().parents[1] / "include"
        python = sysconfig.get_path("include", scheme="posix_prefix")
        folders = [torch, torch / "torch" / "csrc" / "api" / "include", toolkit, python, generated, *self.more]
        return [word for folder in folders for word in ("-isystem", str(folder))]

    def compile(self, unit: Unit) -> Outcome:
        """Everything that load or load_inline would run, until something fails."""
        with tempfile.TemporaryDirectory(prefix="stock-") as folder:
            work, steps = Path(folder), list[Step]()
            for name, text in GENERATED.items():
                (work / "generated" / name).parent.mkdir(parents=True, exist_ok=True)
                (work / "generated" / name).write_text(text)
            common = [f"-DTORCH_EXTENSION_NAME={unit.extension}", "-DTORCH_API_INCLUDE_EXTENSION_H"]
            common += self.includes(work / "generated")
            for file, text, command in self._commands(unit, common):
                (work / file).write_text(text, encoding="utf-8", errors="replace")
                code, output, step = _run(command, work, file)
                steps.append(step)
                if code:
                    stage = "host_compile" if file == "main.cpp" else "device_compile"
                    return _failed(unit, stage, output, steps)
            code, output, step = self._link(unit, work, [f"{step.file}.o" for step in steps])
            steps.append(step)
            return (
                _failed(unit, "link", output, steps)
                if code
                else Outcome(unit.key, unit.source, unit.name, True, "", "", "", "", tuple(steps))
            )

    def _commands(self, unit: Unit, common: Sequence[str]) -> list[tuple[str, str, list[str]]]:
        """(file, text, command) in the order in which the verdict is looked for."""
        made = []
        if unit.main_cpp is not None:
            flags = [*common, "-fPIC", "-std=c++20", *unit.cflags]
            command = [self.gxx, "-MMD", "-MF", "main.d", *flags, "-c", "main.cpp", "-o", "main.cpp.o"]
            made.append(("main.cpp", unit.main_cpp, command))
        if unit.cuda is not None:
            flags = [*common, *COMMON_FLAGS]
            if not any("arch" in flag for flag in unit.cuda_cflags):
                flags.append(arch_flag(self.arch))
            flags += ["--compiler-options", "-fPIC", *unit.cuda_cflags]
            if not any(flag.startswith("-std=") for flag in flags):
                flags.append("-std=c++20")
            dependencies = ["--generate-dependencies-with-compile", "--dependency-output", "cuda.d"]
            command = [self.nvcc, "-ccbin", self.gxx, *dependencies, *flags, "-c", "cuda.cu", "-o", "cuda.cu.o"]
            made.append(("cuda.cu", unit.cuda, command))
        return made

    def _link(self, unit: Unit, work: Path, objects: list[str]) -> tuple[int, str, Step]:
        """The library; 1 with the linker's text where a name is missing that no library of a CUDA machine has."""
        libraries = ["-L" + str(self.torch / "lib"), "-lc10", "-ltorch_cpu", "-ltorch", "-ltorch_python"]
        places = (Path(self.nvcc).resolve().parents[1] / name for name in ("lib64", "lib", "targets/x86_64-linux/lib"))
        runtime = [f"-L{place}" for place in places if place.is_dir()]
        own = [flag for flag in unit.ldflags if not re.fullmatch(r"-lcu\w+|-ltorch\w*|-lc10\w*", flag)]
        command = [self.gxx, "-shared", *objects, *own, *libraries, *runtime, "-lcudart_static", "-ldl", "-lrt"]
        command += ["-Wl,-z,defs", "-Wl,--warn-unresolved-symbols", "-o", "module.so"]
        code, output, step = _run(command, work, "link")
        if code:
            return code, output, step
        missing = [name for name in diagnostics.undefined(output) if not _OF_CUDA.search(name)]
        return int(bool(missing)), "\n".join(f"undefined reference to `{name}'" for name in missing), step


def find_stock(arch: str = "sm_90", more: Sequence[Path] = ()) -> Stock:
    """The compilers of this machine. Raises ToolchainError without nvcc, g++ or torch."""
    import importlib.util

    home = os.environ.get("CUDA_HOME") or "/usr/local/cuda"
    nvcc, gxx = shutil.which(f"{home}/bin/nvcc") or shutil.which("nvcc"), shutil.which("g++")
    spec = importlib.util.find_spec("torch")
    if nvcc is None or gxx is None or spec is None or spec.origin is None:
        raise ToolchainError("the stock side needs nvcc, g++ and torch with its headers; set CUDA_HOME to the toolkit")
    return Stock(nvcc, gxx, arch, Path(spec.origin).parent, tuple(more))


def _run(command: list[str], work: Path, file: str) -> tuple[int, str, Step]:
    """Exit status, text and cost of one command in `work`. Only one may run in this process at a time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = os.environ | {"TMPDIR": str(work), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command,
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    step = Step(file, round(cpu, 3), round(time.monotonic() - started, 3))
    return done.returncode, done.stdout.decode(errors="replace"), step


def _failed(unit: Unit, stage: str, output: str, steps: list[Step]) -> Outcome:
    first = diagnostics.first_line(output) or "error: the compiler failed without a word"
    text = diagnostics.clean(output) or first
    return Outcome(unit.key, unit.source, unit.name, False, stage, text, first, _tool(stage, output), tuple(steps))


def _tool(stage: str, output: str) -> str:
    """Which program refused, told by the form of its message."""
    if stage != "device_compile":
        return "g++" if stage == "host_compile" else "ld"
    if re.search(r"^ptxas\b", output, re.M):
        return "ptxas"
    if re.search(r"^nvlink\b|^nvcc fatal", output, re.M):
        return "nvcc"
    if re.search(r"^.*\(\d+\): (?:catastrophic )?error", output, re.M):
        return "cudafe++"
    return "g++" if re.search(r":\d+:\d+: (?:fatal )?error:", output) else "cicc"
