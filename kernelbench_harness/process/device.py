"""Where a child's tensors live and its kernels run: the processor, or the one GPU that it sees.

What the steps of a child need of a device, and no more: everything that is special to CUDA lies behind these four
functions (`cuda.py`) and a way of measuring (`timing/events.py`).
Guarantees: inputs are made by the CPU's generators wherever they go, so a seed means the same numbers on every device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelbench_harness.process import poison as blocks

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Device:
    """One kind of device."""

    name: str
    """As torch says it."""
    settle: Callable[[], None]
    """Waits until everything that was called is done; raises what a kernel met, or that it was never started."""
    forget: Callable[[], None]
    """Drops errors that were left behind before a call."""
    pin: Callable[[], None]
    """Full precision for float32, whatever a module has set."""
    poison: Callable[[int], None]
    """Poisons memory that nobody has written; the number is how many bytes the call may ask for."""

    def put(self, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Tensors by name, on the device."""
        return tensors if self.name == "cpu" else {name: value.to(self.name) for name, value in tensors.items()}

    def house(self, model: Any) -> Any:
        """A model with its parameters and buffers on the device; what has no `to` stays as it is."""
        move = getattr(model, "to", None)
        return model if self.name == "cpu" or not callable(move) else move(self.name)


def _nothing(*_: Any) -> None:
    pass


CPU = Device("cpu", settle=_nothing, forget=_nothing, pin=_nothing, poison=_nothing)


def device(name: str) -> Device:
    """The device of a job: "cpu", or "cuda" in a process that has opened it."""
    if name == "cpu":
        return CPU
    from kernelbench_harness.process import cuda

    return Device("cuda", settle=cuda.settle, forget=cuda.forget_errors, pin=cuda.pin_precision, poison=cuda.poison)


def poisoned(to: Device, expected_bytes: int) -> None:
    """Poisons the host's fresh memory from now on (until `poison.off`), and what is free on the device."""
    blocks.on()
    to.poison(expected_bytes)
