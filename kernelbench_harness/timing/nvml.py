"""What a GPU says of itself through NVML, in any process, without a CUDA context.

Guarantees: JSON values; what the driver does not tell is absent; a reading takes about a millisecond once the library
is open; nothing here changes a setting. Not guaranteed: that clocks and power are of the moment; the driver averages.
"""

from __future__ import annotations

import contextlib
import ctypes
from functools import cache
from typing import Any

_SM, _MEMORY = 1, 2
"""NVML_CLOCK_SM, NVML_CLOCK_MEM"""
_GPU_SENSOR = 0
_IDLE = 0x1
"""The reason for a low clock that is none: nothing to do."""


class _Utilisation(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


@cache
def _nvml() -> ctypes.CDLL | None:
    """The library, initialised; None without a driver."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libnvidia-ml.so.1")
        if library.nvmlInit_v2() == 0:
            return library
    return None


@cache
def _handle(uuid: str) -> ctypes.c_void_p | None:
    library, handle = _nvml(), ctypes.c_void_p()
    if library is None or library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(handle)):
        return None
    return handle


def reading(uuid: str) -> dict[str, Any]:
    """Clocks in MHz, degrees Celsius, watts, per cent busy, other reasons than idleness for a low clock, and how many
    processes have a context on it; empty where nothing is told."""
    library, handle = _nvml(), _handle(uuid)
    if library is None or handle is None:
        return {}
    found = {
        "sm_mhz": _number(library, "nvmlDeviceGetClockInfo", handle, _SM),
        "memory_mhz": _number(library, "nvmlDeviceGetClockInfo", handle, _MEMORY),
        "celsius": _number(library, "nvmlDeviceGetTemperature", handle, _GPU_SENSOR),
    }
    milliwatts = _number(library, "nvmlDeviceGetPowerUsage", handle)
    found["watts"] = None if milliwatts is None else round(milliwatts / 1000, 1)
    found["throttle"] = _reasons(library, handle)
    found["processes"] = _processes(library, handle)
    use = _Utilisation()
    with contextlib.suppress(AttributeError):
        if library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(use)) == 0:
            found["busy_percent"] = int(use.gpu)
    return {name: value for name, value in found.items() if value is not None}


def _number(library: ctypes.CDLL, name: str, *arguments: Any) -> int | float | None:
    value = ctypes.c_uint()
    with contextlib.suppress(AttributeError):
        if getattr(library, name)(*arguments, ctypes.byref(value)) == 0:
            return int(value.value)
    return None


def _reasons(library: ctypes.CDLL, handle: ctypes.c_void_p) -> int | None:
    """Bits as NVML names them (0x4 power cap, 0x20 and 0x40 heat, 0x8 hardware slowdown); 0 is none."""
    value = ctypes.c_ulonglong()
    for name in ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"):
        with contextlib.suppress(AttributeError):
            if getattr(library, name)(handle, ctypes.byref(value)) == 0:
                return int(value.value) & ~_IDLE
    return None


def _processes(library: ctypes.CDLL, handle: ctypes.c_void_p) -> int | None:
    """The count alone is asked for: without room for an answer NVML says how much it would need."""
    count = ctypes.c_uint(0)
    with contextlib.suppress(AttributeError):
        status = library.nvmlDeviceGetComputeRunningProcesses_v3(handle, ctypes.byref(count), None)
        if status in (0, 7):  # success, insufficient size
            return int(count.value)
    return None
