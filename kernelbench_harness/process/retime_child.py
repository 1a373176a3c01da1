"""In a confined child: time a problem's own Model, on a reference's inputs and weights, as a candidate is timed.

Guarantees: the same steps in the same order as for a candidate (`candidate_child.run`), only that nothing is compared;
both times come from processes in the same state. With "compiled" in the job the model goes through torch.compile
first, whose compiler writes below the work folder alone. Without a reference's files the inputs are drawn here.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kernelbench_harness import tree
from kernelbench_harness.process import steps
from kernelbench_harness.process.device import Device, device

if TYPE_CHECKING:
    from types import ModuleType

    import torch

    from kernelbench_harness.process.steps import Channel


def run(job: dict[str, Any], channel: Channel) -> None:
    """Times the model and reports the samples. Raises StageError."""
    import safetensors.torch
    import torch

    load = safetensors.torch.load_file
    module = steps.load_module(job["code"], job["path"], channel, "problem")
    channel.ask("stage", stage="construct")
    to = device(job["device"])
    to.pin()
    with torch.no_grad():
        if "inputs" in job:
            folder = Path(job["inputs"])
            common = load(folder / "common.safetensors")
            inputs = {
                seed: (job["trees"][str(seed)], to.put(load(folder / f"seed_{seed}.safetensors")))
                for seed in job["seeds"]
            }
        else:
            job, common, inputs = _drawn(module, job, to)
        model = steps.guarded("construct", job["path"], lambda: steps.construct(module.Model, job, common, to))
        if job["compiled"]:
            channel.ask("stage", stage="compile")
            model = steps.guarded("construct", job["path"], lambda: _compiled(model, job))
        channel.ask("stage", stage="run")
        for seed in job["seeds"]:
            raw, tensors = inputs[seed]
            arguments = tree.decode(raw, tensors)
            steps.seed_all(seed)
            steps.guarded("run", job["path"], functools.partial(model, *arguments))
            to.settle()
        channel.ask("stage", stage="timing")
        steps.timed(model, inputs, job, channel, job["secret"])


def _drawn(
    module: ModuleType, job: dict[str, Any], to: Device
) -> tuple[dict[str, Any], dict[str, torch.Tensor], dict[int, Any]]:
    """(the job with its arguments, the tensors among them, the inputs of each seed) where no reference was made: the
    problem's own functions give them, from the same seeds. Raises StageError."""
    common: dict[str, torch.Tensor] = {}
    steps.seed_all(job["init_seed"])
    arguments = list(steps.guarded("construct", job["path"], module.get_init_inputs))
    init = steps.guarded("construct", job["path"], lambda: tree.encode(arguments, common))
    inputs = {}
    for seed in job["seeds"]:
        tensors: dict[str, torch.Tensor] = {}
        steps.seed_all(seed)
        values = list(steps.guarded("run", job["path"], module.get_inputs))
        raw = steps.guarded("run", job["path"], functools.partial(tree.encode, values, tensors))
        del values
        inputs[seed] = (raw, to.put(tensors))
    return job | {"init": init, "state": []}, common, inputs


def _compiled(model: Any, job: dict[str, Any]) -> Any:
    """The model behind torch.compile with inductor, compiled in this process: pools of helpers leave the session."""
    tempfile.tempdir = job["work"]  # the warm process has looked for another one before it was forked
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(job["work"], "inductor")
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    import torch
    import torch._inductor.config

    torch._inductor.config.compile_threads = 1
    return torch.compile(model)
