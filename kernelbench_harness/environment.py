"""The record of where labels come from, and its hash.

Guarantees: the same machine, software and options give the same record and hash, run after run; load, temperature
and momentary clocks are not in it. Not guaranteed: two machines with one record can still differ in speed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from kernelbench_harness.devices import Gpu, architecture, chosen
from kernelbench_harness.label import text_hash
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.sandbox import describe
from kernelbench_harness.timing.conditions import private_cache_bytes

METHOD = 5
"""Raised whenever the way of checking or timing changes so that a label could."""


def environment(options: HarnessOptions, arch: str = "", gpu: Gpu | None = None, gpu_level: int = 0) -> dict[str, Any]:
    """Machine, software, sandbox and the options that matter; JSON values only.

    `arch` is what nvcc compiles for, `gpu` the one that is used and `gpu_level` how far its sandbox is open for it
    (`Policy.gpu`); without them they are found out, but for the level.
    """
    from kernelbench_harness.compile.results import VERSION

    gpu = gpu or chosen(options.device)
    found = {**_machine(), "nvcc": _nvcc(), "arch": arch or architecture(options)}
    sandbox = describe()
    if gpu is not None:
        found["gpu"] = {
            "name": gpu.name,
            "compute_capability": gpu.arch,
            "driver": gpu.driver,
            "memory_mib": gpu.memory_mib,
            "max_sm_mhz": gpu.max_sm_mhz,
            "power_limit_watts": gpu.power_limit_watts,
            "cuda_of_torch": _cuda_of_torch(),
            "tf32": False,
        }
        sandbox = {**sandbox, "gpu": gpu_level}
    methods = {"method": METHOD, "compile_rules": VERSION}
    return {**found, "sandbox": sandbox, "options": options.for_labels(), **methods}


def environment_id(record: dict[str, Any]) -> str:
    """Hash of a record, 16 hex digits."""
    return text_hash(json.dumps(record, sort_keys=True))


@cache
def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "private_cache_bytes": private_cache_bytes(),
        "max_khz": _read("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "compiler": _compiler(),
    }


def _processor() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith(("model name", "CPU part")):
            return line.partition(":")[2].strip()
    return platform.processor()


def _read(path: str) -> str:
    """A small system file's text; empty where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _compiler() -> str:
    """First line of `g++ --version`; empty without one."""
    return _said("g++").partition("\n")[0]


@cache
def _nvcc() -> str:
    """The line of `nvcc --version` that names the release; empty without one."""
    home = os.environ.get("CUDA_HOME", "")
    for place in ("nvcc", os.path.join(home, "bin", "nvcc") if home else "", "/usr/local/cuda/bin/nvcc"):
        for line in _said(place).splitlines() if place else []:
            if "release" in line:
                return line.strip()
    return ""


@cache
def _cuda_of_torch() -> str:
    """The CUDA version that torch was built with, read and not imported; empty for a build without."""
    spec = importlib.util.find_spec("torch")
    text = _read(str(Path(spec.origin).with_name("version.py"))) if spec is not None and spec.origin else ""
    found = re.search(r"^cuda\b[^=]*= *'([^']+)'", text, re.MULTILINE)
    return found[1] if found else ""


def _said(program: str) -> str:
    """What a program answers to --version; empty where there is none."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
