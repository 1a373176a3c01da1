"""How a hearing ends: with the first thing that went wrong, with no more than a compilation, or (None) well."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernelbench_harness.label import Stage, Verdict

NO_GPU = "no GPU"
COMPILE_ONLY = "compile only"
TOO_SLOW = "too slow for Triton's interpreter"

_ASKS = re.compile(
    "Torch not compiled with CUDA enabled|Found no NVIDIA driver|No CUDA GPUs are available|no CUDA-capable device"
    "|not linked with support for cuda|Cannot access accelerator device when none is available"
    "|CUDA driver version is insufficient|0 active drivers|arguments from the 'CUDA' backend"
    "|Attempting to deserialize object on a CUDA device|libcuda.so cannot found|libcuda.so.1: cannot open"
)
"""What torch, Triton and CUDA's runtime say where there is no GPU; a candidate's own words are not among them."""


@dataclass(frozen=True)
class Failure:
    """The first thing that went wrong."""

    verdict: Verdict
    stage: Stage
    error: str
    first: str
    """The line that says what it was, not yet normalised."""
    evidence: tuple[str, ...] = ()
    """Of cheating: what was seen, one line each."""


@dataclass(frozen=True)
class Compiled:
    """Everything that was asked for is compiled and loads; nothing else was tried."""

    stage: Stage
    """Link where something was compiled, import where there was nothing to compile."""
    reason: str
    """Why nothing else was tried."""


Outcome = Failure | Compiled | None
"""None is a correct candidate."""


def asks_for_gpu(text: str) -> bool:
    """Whether an error text says that there is no GPU."""
    return bool(_ASKS.search(text))
