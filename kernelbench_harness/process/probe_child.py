"""In a confined child: is the GPU that it was given of use in here? Tries it, and says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernelbench_harness.process import cuda

if TYPE_CHECKING:
    from kernelbench_harness.process.steps import Channel


def run(job: dict[str, Any], channel: Channel) -> None:
    """Reports the device. Raises what CUDA raises."""
    cuda.try_out()
    channel.ask("device", facts=cuda.facts())
