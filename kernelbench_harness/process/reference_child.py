"""In a confined child: run a problem's own Model and leave its inputs, weights and expected outputs behind.

A problem is code too, and as hostile as any candidate. What it leaves behind is read by the parent with the same care.
Guarantees: the weights and outputs that are written came out the same twice, with different random numbers in between
construction and forward; a problem for which they do not is reported, since no candidate could be held against it.
Beside the outputs it leaves how well float32 does on them (`precise_child`).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from kernelbench_harness import tree
from kernelbench_harness.process import poison, precise_child
from kernelbench_harness.process.device import Device, device
from kernelbench_harness.process.steps import (
    Channel,
    StageError,
    guarded,
    load_module,
    report_outputs,
    seed_all,
    unchanged,
)

if TYPE_CHECKING:
    from types import ModuleType

    import torch

_OTHER_DRAW = 7919
"""Added to a seed where the random numbers must differ."""


def run(job: dict[str, Any], channel: Channel) -> None:
    """Makes and writes everything. Raises StageError; its summary is meant for the user."""
    import torch

    module = load_module(job["code"], job["path"], channel, "problem")
    for name in ("Model", "get_inputs", "get_init_inputs"):
        if not callable(getattr(module, name, None)):
            raise StageError("import", f"it defines no {name}")
    to = device(job["device"])
    to.pin()
    with torch.no_grad():
        channel.ask("stage", stage="construct")
        common: dict[str, torch.Tensor] = {}
        seed_all(job["init_seed"])
        init = _encode(
            "get_init_inputs", _as_arguments(guarded("construct", job["path"], module.get_init_inputs)), common
        )
        model = _construct(module, job, init, common, to)
        state = {name: value.detach().clone() for name, value in model.state_dict().items()}
        inputs = {seed: _inputs(module, seed, job) for seed in job["seeds"]}
        _write(job, state, common, inputs)
        inputs = {seed: (raw, to.put(tensors)) for seed, (raw, tensors) in inputs.items()}
        trees = {str(seed): raw for seed, (raw, _) in inputs.items()}
        channel.ask("made", init=init, state=[[name, f"s{place}"] for place, name in enumerate(state)], trees=trees)
        channel.ask("stage", stage="run")
        main = job["seeds"][0]
        spare = precise_child.spare(model, inputs[main][1])
        first, passed = _outputs(model, inputs, job, channel)
        if passed < precise_child.SLOW_S:
            channel.ask("precise", kinds=precise_child.write(spare, inputs[main], job, main))
        del spare
        repeatable = _check_determined(module, model, inputs, job, init, common, state, first, to)
        channel.ask("determined", repeatable=repeatable)


def _as_arguments(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise StageError("construct", f"get_inputs and get_init_inputs return lists, not a {type(value).__name__}")
    return list(value)


def _encode(what: str, value: list[Any], tensors: dict[str, torch.Tensor]) -> Any:
    try:
        return tree.encode(value, tensors)
    except tree.TreeError as error:
        raise StageError("construct", f"{what} returned {error}") from None


def _construct(module: ModuleType, job: dict[str, Any], init: Any, common: dict[str, torch.Tensor], to: Device) -> Any:
    arguments = tree.decode(init, to.put(common))
    seed_all(job["init_seed"])
    return guarded("construct", job["path"], lambda: to.house(module.Model(*arguments)))


def _inputs(module: ModuleType, seed: int, job: dict[str, Any]) -> tuple[Any, dict[str, torch.Tensor]]:
    tensors: dict[str, torch.Tensor] = {}
    seed_all(seed)
    return _encode("get_inputs", _as_arguments(guarded("run", job["path"], module.get_inputs)), tensors), tensors


def _write(job: dict[str, Any], state: dict[str, Any], common: dict[str, Any], inputs: dict[int, Any]) -> None:
    from safetensors.torch import save_file

    weights = {f"s{place}": value.contiguous().clone().cpu() for place, value in enumerate(state.values())}
    save_file(common | weights, os.path.join(job["work"], "common.safetensors"))
    for seed, (_, tensors) in inputs.items():
        save_file(tensors, os.path.join(job["work"], f"seed_{seed}.safetensors"))


def _forward(model: Any, seed: int, draw: int, inputs: tuple[Any, Any], job: dict[str, Any]) -> tuple[Any, bool]:
    """(output, whether the inputs were changed); the generators start from `draw`."""
    import torch

    raw, tensors = inputs
    arguments = tree.decode(raw, tensors)
    seed_all(draw)
    result = guarded("run", job["path"], lambda: model(*arguments))
    return result, not unchanged(arguments, raw, tensors, torch.equal)


def _outputs(
    model: Any, inputs: dict[int, Any], job: dict[str, Any], channel: Channel
) -> tuple[list[torch.Tensor], float]:
    """Reports the outputs of every seed; returns a copy of the first, and the seconds that the quickest pass took."""
    first: list[torch.Tensor] = []
    quickest = float("inf")
    for seed in job["seeds"]:
        begin = time.monotonic()
        result, changed = _forward(model, seed, seed, inputs[seed], job)
        device(job["device"]).settle()
        quickest = min(quickest, time.monotonic() - begin)
        report_outputs(result, f"expected_{seed}.safetensors", job, channel, seed=seed, changed=changed)
        if seed == job["seeds"][0]:
            first = [value.detach().clone() for value in tree.flatten(tree.numbers_as_tensors(result))]
    return first, quickest


def _check_determined(
    module: ModuleType,
    model: Any,
    inputs: dict[int, Any],
    job: dict[str, Any],
    init: Any,
    common: dict[str, torch.Tensor],
    state: dict[str, torch.Tensor],
    first: list[torch.Tensor],
    to: Device,
) -> bool:
    """Raises StageError when a second construction or forward differs; returns whether one model repeats itself."""
    seed = job["seeds"][0]
    again = _construct(module, job, init, common, to)
    if not _close(list(again.state_dict().values()), list(state.values())):
        raise StageError("construct", "it is not deterministic: the same seed gave other weights")
    # What it reads unwritten differs too.
    to.poison(2 * sum(value.nbytes for value in (*first, *inputs[seed][1].values())))
    poison.on()
    try:
        result, _ = _forward(again, seed, seed + _OTHER_DRAW, inputs[seed], job)
    finally:
        poison.off()
    if not _close(tree.flatten(tree.numbers_as_tensors(result)), first):
        raise StageError("run", "it is not deterministic: the same inputs and weights gave another output")
    result, _ = _forward(model, seed, seed, inputs[seed], job)
    return _close(tree.flatten(tree.numbers_as_tensors(result)), first)


def _close(ones: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    """Equal up to what another alignment in memory can change in a sum."""
    import torch

    def same(one: torch.Tensor, other: torch.Tensor) -> bool:
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if not (one.dtype.is_floating_point or one.dtype.is_complex):
            return torch.equal(one, other)
        scale = other.abs().nan_to_num(0.0, 0.0, 0.0).double().mean().item() if other.numel() else 0.0
        return torch.allclose(one, other, rtol=1e-5, atol=1e-5 * scale, equal_nan=True)

    return len(ones) == len(others) and all(same(one, other) for one, other in zip(ones, others, strict=True))
