"""What the machine was like while something was timed: load, clocks, temperature, stolen time.

Guarantees: JSON values; what a machine does not tell is absent, never a guess; a snapshot costs well under a
millisecond where the clock is in /sys (a GPU's some more), and starts no process. Not guaranteed: that a virtual
machine sees its host's load; stolen time is told only by hypervisors that tell it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kernelbench_harness.timing import nvml

_SYSTEM = Path("/sys")
_PROCESSES = Path("/proc")


def snapshot(core: int | None = None, gpu: str = "") -> dict[str, Any]:
    """Load over a minute, runnable processes, clock of `core` in MHz, hottest sensor in degrees Celsius.

    Under "gpu" what the GPU of this UUID says (`nvml.reading`).
    """
    found: dict[str, Any] = {"cores": len(os.sched_getaffinity(0))}
    with contextlib.suppress(OSError):
        found["load"] = round(os.getloadavg()[0], 2)
    running = _running()
    if running is not None:
        found["running"] = running
    clock = _clock_mhz(core if core is not None else min(os.sched_getaffinity(0)))
    if clock is not None:
        found["mhz"] = clock
    temperature = _temperature()
    if temperature is not None:
        found["celsius"] = temperature
    if gpu and (told := nvml.reading(gpu)):
        found["gpu"] = told
    return found


class Watch:
    """From now until `end`: what was so before and after, and what was stolen in between."""

    def __init__(self, core: int | None = None, gpu: str = "") -> None:
        self._core, self._gpu = core, gpu
        self._before = snapshot(core, gpu)
        self._stolen = _stolen_ms(core)
        self._begin = time.monotonic()

    def end(self) -> dict[str, Any]:
        """{"before", "after", "seconds", and "stolen_ms" where the hypervisor tells it}."""
        found: dict[str, Any] = {"seconds": round(time.monotonic() - self._begin, 4)}
        stolen = _stolen_ms(self._core)
        if stolen is not None and self._stolen is not None:
            found["stolen_ms"] = stolen - self._stolen
        return found | {"before": self._before, "after": snapshot(self._core, self._gpu)}


def private_cache_bytes(core: int | None = None) -> int:
    """Size of the largest cache that this core shares with no other core; 1 MB where the machine does not tell."""
    core = min(os.sched_getaffinity(0)) if core is None else core
    sizes = []
    siblings = _text(_SYSTEM / f"devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    for cache_folder in (_SYSTEM / f"devices/system/cpu/cpu{core}/cache").glob("index*"):
        shared, size = _text(cache_folder / "shared_cpu_list"), _text(cache_folder / "size")
        if shared in (str(core), siblings) and size.endswith("K") and _text(cache_folder / "level") in ("1", "2"):
            sizes.append(int(size[:-1]) << 10)
    return max(sizes, default=1 << 20)


def _running() -> int | None:
    for line in _lines(_PROCESSES / "stat"):
        if line.startswith("procs_running "):
            return int(line.split()[1])
    return None


def _clock_mhz(core: int) -> float | None:
    exact = _text(_SYSTEM / f"devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq")
    if exact.isdigit():
        return round(int(exact) / 1000, 1)
    here = False
    for line in _lines(_PROCESSES / "cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip() == "processor":
            here = value.strip() == str(core)
        elif here and name.strip() == "cpu MHz":
            with contextlib.suppress(ValueError):
                return round(float(value), 1)
    return None


@cache
def _sensors() -> tuple[Path, ...]:
    zones = (_SYSTEM / "class/thermal").glob("thermal_zone*/temp")
    return (*zones, *(_SYSTEM / "class/hwmon").glob("hwmon*/temp*_input"))


def _temperature() -> float | None:
    found = [int(text) / 1000 for sensor in _sensors() if (text := _text(sensor)).lstrip("-").isdigit()]
    usable = [value for value in found if 0 < value < 150]
    return round(max(usable), 1) if usable else None


def _stolen_ms(core: int | None) -> float | None:
    """Milliseconds that the hypervisor gave to others since it started: of one core, or of all."""
    name = "cpu" if core is None else f"cpu{core}"
    for line in _lines(_PROCESSES / "stat"):
        fields = line.split()
        if fields and fields[0] == name and len(fields) > 8:
            return round(int(fields[8]) * 1000 / os.sysconf("SC_CLK_TCK"), 1)
    return None


def plain_claims(raw: object) -> dict[str, float]:
    """A process's own account of what it used, as far as it has the form of one."""
    if not isinstance(raw, Mapping):
        return {}
    names = ("wall_ms", "cpu_ms", "involuntary_switches", "voluntary_switches", "page_faults", "side_stream_calls")
    return {name: raw[name] for name in names if type(raw.get(name)) in (int, float) and 0 <= raw[name] < 1e12}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _lines(path: Path) -> Iterator[str]:
    yield from _text(path).splitlines()
