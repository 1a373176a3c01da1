"""What the makers' data sheets say of some GPUs: bandwidth, arithmetic, multiprocessors, memory on the chip.

Figures are peaks of the named form (SXM where there are several); a real kernel reaches less. Boost clocks, dense
arithmetic without tensor cores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One GPU."""

    name: str
    bandwidth: float
    """Bytes a second of device memory."""
    flops: float
    """float32 operations a second, a fused multiply-add counted as two."""
    multiprocessors: int
    shared_bytes: int
    """Shared memory that one block may have when it asks for it (cudaFuncSetAttribute)."""
    arch: str


_KIB = 1024
GPUS: dict[str, Gpu] = {
    gpu.name: gpu
    for gpu in (
        Gpu("H200", 4.8e12, 67e12, 132, 227 * _KIB, "sm_90"),  # NVIDIA H200 data sheet (SXM)
        Gpu("H100", 3.35e12, 67e12, 132, 227 * _KIB, "sm_90"),  # NVIDIA H100 data sheet (SXM)
        Gpu("A100", 2.039e12, 19.5e12, 108, 163 * _KIB, "sm_80"),  # NVIDIA A100 data sheet (80 GB SXM)
        Gpu("L40S", 0.864e12, 91.6e12, 142, 99 * _KIB, "sm_89"),  # NVIDIA L40S data sheet
        Gpu("RTX 4090", 1.008e12, 82.6e12, 128, 99 * _KIB, "sm_89"),  # NVIDIA Ada GPU architecture paper
        Gpu("T4", 0.32e12, 8.1e12, 40, 64 * _KIB, "sm_75"),  # NVIDIA T4 data sheet
    )
}
"""By name."""
STATIC_SHARED_BYTES = 48 * _KIB
"""What a kernel may declare, and what a launch gets without asking, on every architecture since sm_20."""


def gpu_named(name: str) -> Gpu | None:
    """The GPU of a short name or of a device name ("NVIDIA H100 80GB HBM3"); None for one that is not in the table."""
    words = re.sub(r"[^A-Z0-9]+", " ", name.upper()).split()
    joined = f" {' '.join(words)} "
    return next((gpu for key, gpu in GPUS.items() if f" {key.upper()} " in joined), None)
