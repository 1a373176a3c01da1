"""What a label depends on besides problem, candidate and machine."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kernelbench_harness.errors import HarnessError

GIB = 1 << 30


@dataclass(frozen=True)
class HarnessOptions:
    """Options of a harness; all but the folders and `core` are part of a label's environment."""

    compile_mode: Literal["auto", "shim", "stock"] = "auto"
    """auto: our header shim where its verdict is sure, stock headers otherwise; shim or stock: that one alone."""
    compile_timeout_s: float = 180.0
    """Wall seconds for each compilation."""
    run_timeout_s: float = 10.0
    """Wall seconds from a candidate's import to its last checked output, compilation left out; once more for timing."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """One set of fresh inputs each; the first also seeds the weights."""
    memory_bytes: int = 8 * GIB
    """Address space of a run beyond what torch itself has mapped."""
    track: Literal["torch", "custom"] = "torch"
    """torch: a candidate may compute with torch; custom: only with kernels of its own."""
    timing: bool = True
    """Whether correct candidates are timed; without it a label says that timing was turned off."""
    timing_error: float = 0.01
    """Standard error of the median, as a share of it, at which sampling ends."""
    timing_samples: tuple[int, int] = (5, 200)
    """Samples at least and at most."""
    timing_budget_s: float = 0.15
    """Seconds of sampling, of candidate and reference each; twice as many while the error is far from its target."""
    exclusive_timing: bool = True
    """Whether nothing else of ours on this machine compiles, runs or checks while a candidate is timed."""
    cache_dir: Path | None = None
    """What belongs to compilers, references and compiled libraries; by default a folder in the user's cache."""
    results_dir: Path | None = None
    """References and compiled libraries alone; by default in the cache folder. Another one is for measurements in which
    nothing may be known from before."""
    device: str = "cpu"
    """Where references and candidates run: "cpu", "cuda" or "cuda:N". On "cpu" a CUDA candidate is only compiled, and a
    Triton one runs in Triton's interpreter."""
    arch: str = ""
    """The GPU architecture that nvcc compiles for, as "sm_90"; by default the device's own, and sm_90 without one."""
    compile_only: bool = False
    """Whether a candidate's hearing ends when everything that it compiles is compiled and loaded."""
    objects: Path | None = None
    """A folder of libraries compiled elsewhere (`label --compile-only --export`), looked up before compiling."""
    core: int | None = None
    """Processor core on which references and candidates run; by default wherever the system puts them."""

    def __post_init__(self) -> None:
        if self.compile_mode not in ("auto", "shim", "stock"):
            raise HarnessError(f"compile_mode is auto, shim or stock, not {self.compile_mode!r}")
        if self.track not in ("torch", "custom"):
            raise HarnessError(f"track is torch or custom, not {self.track!r}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise HarnessError(f"seeds are one or more different integers, not {self.seeds}")
        if not re.fullmatch(r"cpu|cuda(:\d+)?", self.device):
            raise HarnessError(f"device is cpu, cuda or cuda:N, not {self.device!r}")
        if not re.fullmatch(r"(sm_\d{2,3}[af]?)?", self.arch):
            raise HarnessError(f"arch is an nvcc architecture such as sm_90, not {self.arch!r}")
        if self.run_timeout_s <= 0 or self.compile_timeout_s <= 0:
            raise HarnessError("time limits are positive seconds")
        fewest, most = self.timing_samples
        if not 3 <= fewest <= most <= 400:
            raise HarnessError(f"timing_samples are two numbers, 3 <= fewest <= most <= 400, not {self.timing_samples}")
        if not 0 < self.timing_error < 1 or self.timing_budget_s <= 0:
            raise HarnessError("timing_error is a share between 0 and 1, timing_budget_s positive seconds")

    @property
    def file_bytes(self) -> int:
        """Most bytes of one file of a reference's inputs or outputs; whoever reads it holds all of it in memory."""
        return self.memory_bytes // 2

    def for_labels(self) -> dict[str, Any]:
        """The options that can change a label."""
        return {
            "compile_mode": self.compile_mode,
            "compile_timeout_s": self.compile_timeout_s,
            "run_timeout_s": self.run_timeout_s,
            "seeds": list(self.seeds),
            "memory_bytes": self.memory_bytes,
            "track": self.track,
            "timing": self.timing,
            "timing_error": self.timing_error,
            "timing_samples": list(self.timing_samples),
            "timing_budget_s": self.timing_budget_s,
            "exclusive_timing": self.exclusive_timing,
            "device": self.device.partition(":")[0],
            "arch": self.arch,
            "compile_only": self.compile_only,
        }

    def cache(self) -> Path:
        """The cache folder, made if it is not there; one among the temporary files where the user's is read-only.

        Raises HarnessError when `cache_dir` cannot be written.
        """
        if self.cache_dir is not None:
            if not _usable(self.cache_dir):
                raise HarnessError(f"cache folder {self.cache_dir}: cannot be written; give another cache_dir")
            return self.cache_dir.resolve()
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        place = Path(home) / "kernelbench-harness"
        if _usable(place):
            return place.resolve()
        place = Path(tempfile.gettempdir()) / f"kernelbench-harness-{os.getuid()}"
        if not _usable(place) or place.stat().st_uid != os.getuid():
            raise HarnessError(f"cache folder {place}: cannot be written or is another user's; give a cache_dir")
        return place

    def results(self) -> Path:
        """Where references and compiled libraries are kept. Raises HarnessError where that cannot be written."""
        if self.results_dir is None:
            return self.cache()
        if not _usable(self.results_dir):
            raise HarnessError(f"results folder {self.results_dir}: cannot be written; give another results_dir")
        return self.results_dir.resolve()


def _usable(place: Path) -> bool:
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False
