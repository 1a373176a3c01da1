"""Which GPUs this machine has, found without torch and without opening a context on any of them.

Guarantees: what nvidia-smi lists, numbered as CUDA numbers them in a child (CUDA_VISIBLE_DEVICES is read as CUDA reads
it: indices or the beginnings of UUIDs, up to the first that is none; numbers in the order of the bus, which is also how
children are told to count); no nvidia-smi means no GPU. Asked once a process. Not guaranteed: that a listed GPU works;
a harness opens it once in a child before it believes so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.options import HarnessOptions

NO_GPU_ARCH = "sm_90"
"""What nvcc compiles for where neither the user nor a device says."""
_FIELDS = "index,uuid,name,compute_cap,driver_version,memory.total,clocks.max.sm,power.limit"
_ASK = ("nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class Gpu:
    """One GPU that a child would see."""

    index: int
    """As in "cuda:N"."""
    uuid: str
    name: str
    arch: str
    """As nvcc says it: "sm_90"."""
    driver: str
    memory_mib: str
    max_sm_mhz: str
    power_limit_watts: str


@cache
def gpus() -> tuple[Gpu, ...]:
    """The GPUs that a child of this process would see, in its order."""
    try:
        done = subprocess.run(_ASK, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    listed = rows(done.stdout) if not done.returncode else []
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    if shown is not None:
        listed = visible(listed, shown)
    return tuple(
        Gpu(number, uuid, name, f"sm_{cap.replace('.', '')}", *rest)
        for number, (_, uuid, name, cap, *rest) in enumerate(listed)
    )


def rows(text: str) -> list[list[str]]:
    """The answer of nvidia-smi, a list of fields for each GPU; lines that are no such list are left out."""
    split = [[part.strip() for part in line.split(",")] for line in text.splitlines()]
    return [row for row in split if len(row) == len(_FIELDS.split(",")) and row[0].isdigit()]


def visible(listed: list[list[str]], shown: str) -> list[list[str]]:
    """The rows that CUDA_VISIBLE_DEVICES leaves, in its order."""
    found: list[list[str]] = []
    for asked in (part.strip() for part in shown.split(",")):
        fits = [row for row in listed if row[0] == asked or (asked[:1].isalpha() and row[1].startswith(asked))]
        if len(fits) != 1 or fits[0] in found:
            break
        found += fits
    return found


def chosen(device: str) -> Gpu | None:
    """The GPU of HarnessOptions.device; None for "cpu". Raises HarnessError where there is no such GPU."""
    if not device.startswith("cuda"):
        return None
    found, number = gpus(), int(device.partition(":")[2] or 0)
    if not found:
        raise HarnessError(f"device {device}: nvidia-smi lists no GPU here; use device cpu, or mend the driver")
    if number >= len(found):
        raise HarnessError(f"device {device}: this machine shows {len(found)} GPUs, cuda:0 to cuda:{len(found) - 1}")
    return found[number]


def architecture(options: HarnessOptions) -> str:
    """What nvcc compiles for: the user's word, else the device's, else `NO_GPU_ARCH`. Raises HarnessError."""
    gpu = None if options.arch else chosen(options.device)
    return options.arch or (gpu.arch if gpu is not None else NO_GPU_ARCH)


def child_environment(gpu: Gpu | None) -> Mapping[str, str]:
    """What a child's environment adds to the clean one: which GPU it sees, one or none, always under the number 0.

    NVIDIA's libraries are kept from TF32 whatever a program asks of them, and the driver from its cache in the home
    folder: what it translates for one candidate must not serve another.
    """
    if gpu is None:
        return {"CUDA_VISIBLE_DEVICES": ""}
    return {
        "CUDA_VISIBLE_DEVICES": gpu.uuid,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_CACHE_DISABLE": "1",
        "NVIDIA_TF32_OVERRIDE": "0",
    }
