"""What stands in for a GPU while Triton's interpreter runs a candidate: "cuda" is the memory of this process.

Guarantees: tensors asked for on "cuda" are made on the CPU, and say that they are on cuda:0 as long as the candidate's
own code runs; questions about the device get the answers of one H100-like GPU; nothing is ever run on a real one.
Not guaranteed: what a candidate measures here. Events and streams order nothing, since everything runs at once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

NAME = "Triton interpreter"
_PROPERTIES: dict[str, Any] = {
    "name": NAME,
    "multi_processor_count": 132,
    "total_memory": 80 << 30,
    "warp_size": 32,
    "max_threads_per_multi_processor": 2048,
    "regs_per_multiprocessor": 65536,
    "shared_memory_per_block": 48 << 10,
    "shared_memory_per_block_optin": 227 << 10,
    "shared_memory_per_multiprocessor": 228 << 10,
    "L2_cache_size": 50 << 20,
}


class Driver:
    """What Triton asks its driver for, as far as a candidate or the front end comes to ask it."""

    def __init__(self, capability: int) -> None:
        self._capability = capability
        self.utils = SimpleNamespace(get_device_properties=lambda device: _driver_properties())

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self._capability, 32)

    def get_active_torch_device(self) -> Any:
        import torch

        return torch.device("cuda", 0)

    def get_device_interface(self) -> Any:
        import torch

        return torch.cuda

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: object = None) -> int:
        return 0

    def set_current_device(self, device: object) -> None:
        return None

    def get_device_capability(self, device: object = None) -> tuple[int, int]:
        return divmod(self._capability, 10)

    def get_benchmarker(self) -> Callable[..., Any]:
        return unmeasured

    def get_empty_cache_for_benchmark(self) -> Any:
        import torch

        return torch.empty(256, dtype=torch.int32)

    def clear_cache(self, cache: Any) -> None:
        cache.zero_()

    def map_python_to_cpp_type(self, kind: str) -> str:
        return kind

    def is_active(self) -> bool:
        return True


def unmeasured(kernel_call: object, quantiles: Any = None, **options: Any) -> Any:
    """A benchmark that measures nothing: every configuration is as fast as the next, so the first one is taken."""
    return [1.0] * len(quantiles) if quantiles else 1.0


def _driver_properties() -> dict[str, Any]:
    return {
        "multiprocessor_count": _PROPERTIES["multi_processor_count"],
        "max_shared_mem": _PROPERTIES["shared_memory_per_block_optin"],
        "max_num_regs": _PROPERTIES["regs_per_multiprocessor"],
        "warpSize": 32,
        "sm_clock_rate": 1_980_000,
        "mem_clock_rate": 2_619_000,
        "mem_bus_width": 5120,
    }


class _Event:
    """Records the host's clock."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._at = 0.0
        self.cuda_event = 0

    def record(self, stream: object = None) -> None:
        self._at = time.perf_counter()

    def elapsed_time(self, end: _Event) -> float:
        return 1e3 * (end._at - self._at)

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        return None

    def wait(self, stream: object = None) -> None:
        return None


class _Stream:
    """Everything runs at once, so there is nothing to wait for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.cuda_stream = 0
        self.stream_id = 0

    def synchronize(self) -> None:
        return None

    def query(self) -> bool:
        return True

    def wait_stream(self, stream: object) -> None:
        return None

    def wait_event(self, event: object) -> None:
        return None

    def record_event(self, event: _Event | None = None) -> _Event:
        made = event or _Event()
        made.record()
        return made

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def replace_torch_cuda(capability: int) -> None:
    """Gives torch.cuda the answers of the device that is stood in for."""
    import torch

    stream = _Stream()
    major, minor = divmod(capability, 10)
    properties = SimpleNamespace(major=major, minor=minor, **_PROPERTIES)

    @contextlib.contextmanager
    def entered(*args: Any, **kwargs: Any) -> Iterator[None]:
        yield

    answers: dict[str, Any] = {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "set_device": lambda device: None,
        "synchronize": lambda device=None: None,
        "empty_cache": lambda: None,
        "current_stream": lambda device=None: stream,
        "default_stream": lambda device=None: stream,
        "set_stream": lambda stream: None,
        "stream": entered,
        "device": entered,
        "device_of": entered,
        "Event": _Event,
        "Stream": _Stream,
        "get_device_name": lambda device=None: NAME,
        "get_device_capability": lambda device=None: (major, minor),
        "get_device_properties": lambda device=None: properties,
        "is_bf16_supported": lambda *args, **kwargs: True,
        "memory_allocated": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
        "manual_seed": lambda seed: None,
        "manual_seed_all": lambda seed: None,
    }
    for name, answer in answers.items():
        setattr(torch.cuda, name, answer)


def as_cuda() -> Any:
    """A context in which tensors of the CPU are on cuda:0 to whoever asks torch."""
    import torch
    from torch.overrides import TorchFunctionMode

    here, there = torch.device("cpu"), torch.device("cuda", 0)
    is_cuda, is_cpu = torch.Tensor.is_cuda.__get__, torch.Tensor.is_cpu.__get__  # type: ignore[attr-defined]
    device, get_device = torch.Tensor.device.__get__, torch.Tensor.get_device
    stays = {torch.Tensor.cuda, torch.Tensor.pin_memory}

    def means_cuda(value: Any) -> bool:
        if isinstance(value, str):
            return value.partition(":")[0] == "cuda"
        return isinstance(value, torch.device) and value.type == "cuda"

    def mapped(value: Any) -> Any:
        return here if means_cuda(value) else value

    class AsCuda(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if function == is_cuda:
                return True
            if function == is_cpu:
                return False
            if function == device:
                return there
            if function == get_device:
                return 0
            if function in stays:
                return args[0]
            if function is torch.Tensor.cpu:
                return args[0].clone()
            return function(*map(mapped, args), **{name: mapped(value) for name, value in kwargs.items()})

    return AsCuda()
