"""In a reference's child: what the model gives in float64, and in float64 from inputs rounded to half precision.

Guarantees: the model that candidates are held against is not touched (a copy made before its first run is); whatever
goes wrong here (a model with float32 of its own inside, too little memory, random numbers) leaves the precision unknown
and nothing else changed. Its cost is at most four forward passes in float64 of the first seed, none when one pass takes
longer than `SLOW_S`.
"""

from __future__ import annotations

import copy
import os
import time
from typing import TYPE_CHECKING, Any

from kernelbench_harness import tree
from kernelbench_harness.compare.precision import HALVES, SAMPLES

if TYPE_CHECKING:
    import torch

SLOW_S = 1.0
"""Seconds of one float64 pass beyond which the half types are left out; of a float32 pass, everything."""
MOST_BYTES = 1 << 30
"""Of parameters and inputs together: larger models are not copied."""
MOST_DEVICE_BYTES = 4 << 30
"""The same in a GPU's memory."""
NAME = "precise.safetensors"


def spare(model: Any, inputs: dict[str, torch.Tensor]) -> Any:
    """A copy of a model that has not run yet; None where there is none to be had."""
    tensors = [*model.state_dict().values(), *inputs.values()]
    most = MOST_BYTES if all(value.device.type == "cpu" for value in tensors) else MOST_DEVICE_BYTES
    if sum(value.nbytes for value in tensors) > most:
        return None
    try:
        return copy.deepcopy(model)
    except Exception:
        return None


def write(model: Any, inputs: tuple[Any, dict[str, torch.Tensor]], job: dict[str, Any], seed: int) -> list[str]:
    """Writes samples of the outputs into the work folder; returns the precisions found, none when it cannot be done."""
    import safetensors.torch
    import torch

    if model is None:
        return []
    kinds: list[str] = []
    found: dict[str, torch.Tensor] = {}
    for kind in ("exact", *HALVES):
        begin = time.monotonic()
        try:
            outputs = _outputs(copy.deepcopy(model), inputs, kind, seed)
        except Exception:
            break
        finally:
            torch.set_default_dtype(torch.float32)
        if kind != "exact" and len(outputs) != len([name for name in found if name.startswith("exact_")]):
            break
        for index, output in enumerate(outputs):
            places = _places(output.numel())
            found[f"places_{index}"] = places
            flat = output.reshape(-1)
            taken = (
                flat[places.to(flat.device)] if flat.dtype == torch.float64 else flat.new_zeros(0, dtype=torch.float64)
            )
            found[f"{kind}_{index}"] = taken.contiguous().cpu()
        kinds.append(kind)
        if time.monotonic() - begin > SLOW_S:
            break
    if not kinds:
        return []
    safetensors.torch.save_file(found, os.path.join(job["work"], NAME))
    return kinds


def _places(count: int) -> torch.Tensor:
    """Evenly spread indices with some jitter: a stride alone would see one column of a matrix."""
    import torch

    if count <= SAMPLES:
        return torch.arange(count)
    generator = torch.Generator().manual_seed(0)
    spread = torch.arange(SAMPLES, dtype=torch.float64) + torch.rand(SAMPLES, generator=generator, dtype=torch.float64)
    return (spread * (count / SAMPLES)).long().clamp_(max=count - 1)


def _outputs(model: Any, inputs: tuple[Any, dict[str, torch.Tensor]], kind: str, seed: int) -> list[torch.Tensor]:
    """The tensors of one forward pass in float64; with `kind` a half type, from weights and inputs rounded to it."""
    import torch

    from kernelbench_harness.process.steps import seed_all

    def raised(value: torch.Tensor) -> torch.Tensor:
        if value.dtype != torch.float32:
            return value
        return (value if kind == "exact" else value.to(getattr(torch, kind))).double()

    for module in model.modules():
        own = module.__dict__
        for name, value in own.items():  # tensors that are neither parameters nor buffers
            if type(value) is torch.Tensor:
                own[name] = raised(value)
    for value in (*model.parameters(), *model.buffers()):
        value.data = raised(value.data)
    raw, tensors = inputs
    arguments = tree.decode(raw, {name: raised(value) for name, value in tensors.items()})
    torch.set_default_dtype(torch.float64)
    seed_all(seed)
    result = model(*arguments)
    return tree.flatten(tree.numbers_as_tensors(result))
