"""What a confined process may do."""

from __future__ import annotations

import glob
import os
import sys
import sysconfig
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

GIB = 1 << 30

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
"""Devices that every confined process may read and write."""


@dataclass(frozen=True)
class Policy:
    """The limits of one confined process and its threads. Paths that do not exist are ignored."""

    read: tuple[Path, ...] = ()
    """Files and folders it may read and execute, besides `system_read()`."""
    write: tuple[Path, ...] = ()
    """Folders it may change; the first is its own: the user id is drawn from it."""
    memory_bytes: int = 8 * GIB
    """Address space beyond what the process has mapped when it enters."""
    cpu_seconds: int = 60
    """Processor seconds of a process, start to end."""
    file_bytes: int = GIB
    """Largest file it may write."""
    disk_bytes: int = 4 * GIB
    """On disk in its own folder, all files together. Watched, not enforced by the kernel: it may be exceeded by what is
    written in half a second, and is held for the children of a worker alone (a compiler has two files of its own)."""
    disk_files: int = 5000
    """Files and folders in its own folder, watched likewise."""
    processes: bool = False
    """Whether it may fork and execute. Threads are always allowed."""
    gpu: int = 0
    """How much it may do for the sake of a GPU, one of `GPU_LEVELS`; 0 is nothing, and it sees none. With a GPU its
    address space is not limited: CUDA reserves hundreds of gigabytes; the worker watches its memory instead."""
    tasks: int = 256
    """Threads and processes at most (of its user id; without root, beyond what the user already runs)."""

    def to_json(self) -> dict[str, Any]:
        """The policy with the system's paths filled in: what `layers.enter` reads."""
        raw = asdict(self)
        raw["read"] = [str(path) for path in (*system_read(), *self.read)]
        raw["write"] = [str(path) for path in self.write]
        raw["devices"] = list(DEVICES)
        raw["gpu_devices"] = gpu_devices() if self.gpu else []
        raw["shared"] = ["/dev/shm"] if self.gpu >= 2 else []
        if self.gpu:
            raw["read"] += GPU_READ + [path for path in os.environ.get("LD_LIBRARY_PATH", "").split(":") if path]
        return raw


GPU_LEVELS = (1, 2, 3)
"""1: the driver's devices and what it says in /proc and /sys. 2: besides, files in /dev/shm and the calls that some
releases of the driver need (`seccomp.DRIVER`). 3: no filter on system calls. A harness takes the first that works."""
GPU_READ = [
    "/proc/self",
    "/proc/devices",
    "/proc/modules",
    "/proc/sys/vm",
    "/proc/driver/nvidia",
    "/proc/driver/nvidia-uvm",
]
GPU_READ += [
    "/sys/module/nvidia",
    "/sys/module/nvidia_uvm",
    "/sys/bus/pci",
    "/sys/devices",
    "/sys/class/drm",
    "/etc/nvidia",
]


def gpu_devices() -> list[str]:
    """The NVIDIA driver's device files, the numbered ones of all GPUs among them: CUDA_VISIBLE_DEVICES chooses."""
    return [*sorted(glob.glob("/dev/nvidia*")), *sorted(glob.glob("/dev/nvidia-caps/*"))]


@cache
def system_read() -> tuple[Path, ...]:
    """What any program here needs to read: the system's libraries and tools, Python, its packages, our own code.

    Of /proc and /sys only what describes the processor: numerical libraries choose their code by it.
    """
    system = ["/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"]
    system += ["/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/sys/devices/system/node"]
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    python |= {path for key in ("stdlib", "purelib", "platlib", "include") if (path := sysconfig.get_path(key))}
    ours = Path(__file__).resolve().parents[1]
    return (*map(Path, system), *map(Path, sorted(python)), ours)
