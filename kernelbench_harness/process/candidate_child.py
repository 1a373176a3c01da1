"""In the confined child of a candidate: load it, build it, run it, time it, and report.

Guarantees: no expected output ever enters this process; the reference's module never does either, so nothing that the
candidate defines can change what it is held against. What is reported here is only a claim: the parent compares the
outputs itself and decides. Not guaranteed: a candidate shares this process with this code and can disturb it; then the
claims fail their checks, or the process ends without them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kernelbench_harness.cheats import plan
from kernelbench_harness.process.steps import (
    Channel,
    StageError,
    construct,
    guarded,
    load_module,
    report_outputs,
    timed,
)


def run(job: dict[str, Any], channel: Channel) -> None:
    """Every stage of a candidate, in order. Raises StageError at the first that fails."""
    import safetensors.torch
    import torch

    from kernelbench_harness.cheats import frozen
    from kernelbench_harness.cheats.watch import Watch
    from kernelbench_harness.process.checked import Checked, guard
    from kernelbench_harness.process.device import device

    load = safetensors.torch.load_file
    _intercept_builds(channel)
    watch = Watch(operators=job["track"] == "custom")
    watch.intercept()
    to = device(job["device"])
    if job["interpreted"]:
        from kernelbench_harness.process import interpreted

        watch.notes = interpreted.install(job["arch"], job["path"], job["code"])
    intact = guard(frozen.freeze(), frozen.reporter(channel.outlet))
    module = load_module(job["code"], job["path"], channel)
    intact()
    model_class = getattr(module, "ModelNew", None)
    if not callable(model_class):
        raise StageError("import", "the candidate defines no ModelNew")
    if channel.ask("stage", stage="construct").get("bare"):
        _construct_bare(model_class, job)
        channel.ask("stage", stage="run")
        return
    folder = Path(job["inputs"])
    common = load(folder / "common.safetensors")
    to.pin()
    with torch.no_grad():
        model = guarded("construct", job["path"], lambda: construct(model_class, job, common, to))
        intact()
        inputs = {
            seed: (job["trees"][str(seed)], to.put(load(folder / f"seed_{seed}.safetensors"))) for seed in job["seeds"]
        }
        channel.ask("stage", stage="run")
        checked = Checked(model, job, channel, watch, to)
        for seed in job["seeds"]:
            to.pin()
            checked.run(seed, *inputs[seed])
            intact()
        if job["timing"]:
            secret = channel.ask("stage", stage="timing").get("secret", "")
            _time(model, inputs, job, channel, secret)
            intact()
            if job["hidden"] is not None:
                last = channel.ask("last")
                checked.run(last["seed"], job["trees"][str(last["seed"])], to.put(load(last["file"])))
                intact()


def _construct_bare(model_class: Callable[..., Any], job: dict[str, Any]) -> None:
    """Constructs without a reference's weights, for the sake of what that compiles. Raises StageError.

    The problem's own code gives the arguments; where it cannot, nothing is constructed, and that is not the candidate's
    fault.
    """
    problem: dict[str, Any] = {"__name__": "problem"}
    try:
        exec(compile(job["problem"], "problem.py", "exec", dont_inherit=True), problem)
        arguments = list(problem["get_init_inputs"]())
    except Exception:
        return
    guarded("construct", job["path"], lambda: model_class(*arguments))


def _intercept_builds(channel: Channel) -> None:
    """Sends every load_inline to the parent, which compiles elsewhere and answers with the library."""
    from kernelbench_harness.compile import capture
    from kernelbench_harness.compile.request import CompileRequest, CompileResult

    def sender(stock: bool) -> Callable[[CompileRequest], CompileResult]:
        def send(request: CompileRequest) -> CompileResult:
            return CompileResult.from_json(channel.ask("compile", request=request.to_json(), stock=stock)["result"])

        return send

    capture.install(sender(False), sender(True))


def _time(model: Any, inputs: dict[int, tuple[Any, Any]], job: dict[str, Any], channel: Channel, secret: str) -> None:
    for index, result in timed(model, inputs, job, channel, secret).items():
        drawn = plan.draw(secret, index, job["seeds"])
        if drawn.known:
            report_outputs(
                result, f"timed_{drawn.seed}.safetensors", job, channel, seed=drawn.seed, call=index, changed=False
            )
