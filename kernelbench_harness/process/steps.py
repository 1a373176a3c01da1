"""Steps that the children of candidates and of references share: loading, constructing, calling, timing, reporting.

Guarantees: whatever a module raises becomes a StageError that names the stage. Not guaranteed: the module runs in this
process and can disturb it; what is reported from here is only a claim.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from kernelbench_harness import tree
from kernelbench_harness.cheats import plan
from kernelbench_harness.process import wire
from kernelbench_harness.process.cuda import refused
from kernelbench_harness.process.device import Device, device
from kernelbench_harness.timing import measure as timing

if TYPE_CHECKING:
    import torch

ERROR_LIMIT = 60_000
"""Characters of an error text that are sent; the start and the end are kept."""
_SURROUNDINGS: list[Callable[[], contextlib.AbstractContextManager[Any]]] = [contextlib.nullcontext]


class Channel:
    """The two pipes to the parent."""

    def __init__(self, receive: int, send: int) -> None:
        self._receive, self._send = receive, send
        self.outlet = send

    def send(self, kind: str, **fields: Any) -> None:
        """Sends a message that needs no answer."""
        wire.write(self._send, {"kind": kind, **fields})

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Sends a message and waits for the answer."""
        self.send(kind, **fields)
        answer = wire.read(self._receive)
        if answer is None:
            os._exit(72)
        return answer


class StageError(Exception):
    """What went wrong at a stage; the parent turns it into a label or a ProblemError."""

    def __init__(self, stage: str, summary: str, text: str = "") -> None:
        super().__init__(summary)
        self.stage, self.summary, self.text = stage, summary, text or summary


def load_module(code: str, path: str, channel: Channel, name: str = "candidate") -> ModuleType:
    """Executes a source as a module of its own. Raises StageError for stage parse or import."""
    channel.ask("stage", stage="parse")
    try:
        program = compile(code, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        raise StageError("parse", summary_of(error), text) from None
    channel.ask("stage", stage="import")
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    guarded("import", path, lambda: exec(program, module.__dict__))
    return module


def surround(context: Callable[[], contextlib.AbstractContextManager[Any]]) -> None:
    """A context for everything of the candidate's that is called from here on."""
    _SURROUNDINGS[:] = [context]


def guarded(stage: str, path: str, step: Callable[[], Any]) -> Any:
    """What `step` returns; whatever it raises becomes a StageError whose traceback starts in the file `path`.

    An exception that says that the device would not start a kernel belongs to the stage "launch", one of Triton's front
    end to "device_compile".
    """
    try:
        with _SURROUNDINGS[0]():
            return step()
    except StageError:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the candidate's too
        if "triton.compiler.errors" in sys.modules and (fault := refused_by_triton(error, path)) is not None:
            raise fault from None
        stage = "launch" if stage != "import" and refused(error) else stage
        raise StageError(stage, summary_of(error), _trace(error, path)) from None


def refused_by_triton(error: BaseException, path: str) -> StageError | None:
    """What Triton's front end refused or its interpreter cannot run, as an error of that stage; None for others."""
    from kernelbench_harness.process.triton_errors import refusal

    found = refusal(error, path)
    return None if found is None else StageError(*found)


def seed_all(seed: int) -> None:
    """Seeds every generator that a problem or a candidate may draw from."""
    import random

    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def construct(model_class: Callable[..., Any], job: dict[str, Any], common: dict[str, torch.Tensor], to: Device) -> Any:
    """A model of the reference's arguments and weights, on the device; `common` lies in the host's memory."""
    arguments = tree.decode(job["init"], to.put(common))
    seed_all(job["init_seed"])
    to.forget()
    model = to.house(model_class(*arguments))
    if callable(getattr(model, "state_dict", None)):
        copy_state(model.state_dict(), [(name, common[place]) for name, place in job["state"]])
    if not callable(model):
        raise TypeError("ModelNew is not callable: it has no forward")
    to.settle()
    return model


def copy_state(own: dict[str, torch.Tensor], wanted: list[tuple[str, torch.Tensor]]) -> None:
    """Copies the reference's parameters and buffers into a model's `state_dict`, whose tensors share its storage.

    The same names and shapes: all of them. Other names but the same shapes in the same order: by order. Otherwise those
    whose name and shape agree; the rest keep what the shared seed gave them.
    """
    same_order = [tuple(own[name].shape) for name in own] == [tuple(value.shape) for _, value in wanted]
    if same_order and set(own) != {name for name, _ in wanted}:
        pairs = list(zip(own.values(), (value for _, value in wanted), strict=True))
    else:
        pairs = [(own[name], value) for name, value in wanted if name in own and own[name].shape == value.shape]
    for target, value in pairs:
        target.copy_(value)


def unchanged(arguments: Any, raw: Any, tensors: dict[str, torch.Tensor], equal: Callable[..., bool]) -> bool:
    """Whether the tensors among `arguments` still are what was stored."""
    pristine = tree.flatten(tree.decode(raw, tensors))
    now = tree.flatten(arguments)
    return len(now) == len(pristine) and all(
        one.shape == other.shape and one.dtype == other.dtype and tree.same_bits(one, other, equal)
        for one, other in zip(now, pristine, strict=True)
    )


def report_outputs(result: Any, name: str, job: dict[str, Any], channel: Channel, **fields: Any) -> None:
    """Writes an output into the work folder and tells the parent; waits until the parent has read it."""
    form, tensors = copied(result, job["device"])
    send_outputs(form, tensors, name, job, channel, **fields)


def copied(result: Any, to: str = "cpu") -> tuple[Any, dict[str, torch.Tensor]]:
    """The form of an output and copies of its tensors in the host's memory.

    Raises StageError for what is no output, a tensor elsewhere than on the device among it.
    """
    try:
        if result is None:
            raise tree.TreeError("None, not a torch.Tensor")
        for value in tree.flatten(result):
            if value.device.type != to:
                raise tree.TreeError(f"a tensor on {value.device.type} where one on {to} was expected")
        tensors: dict[str, torch.Tensor] = {}
        return tree.encode(tree.numbers_as_tensors(result), tensors, exact=True), tensors
    except tree.TreeError as error:
        raise StageError("run", f"forward returned {error}") from None
    except BaseException as error:
        raise StageError("run", f"the output cannot be read: {summary_of(error)}") from None


def send_outputs(
    form: Any, tensors: dict[str, torch.Tensor], name: str, job: dict[str, Any], channel: Channel, **fields: Any
) -> None:
    """Writes the copies of an output into the work folder and tells the parent; waits until it has read them."""
    import safetensors.torch

    try:
        safetensors.torch.save_file(tensors, os.path.join(job["work"], name))
    except BaseException as error:
        raise StageError("run", f"the output cannot be read: {summary_of(error)}") from None
    channel.ask("outputs", file=name, tree=form, **fields)


def timed(
    model: Any, inputs: dict[int, tuple[Any, Any]], job: dict[str, Any], channel: Channel, secret: str = ""
) -> dict[int, Any]:
    """Times a model and reports the samples; runs it under the parent's clock as often as the parent asks.

    Returns the outputs of the last timed calls, as many as there are seeds, by number of the call: the calls take turns
    with the seeds. With a secret no two calls get the same values (`cheats.plan`).
    """
    seeds, to = job["seeds"], device(job["device"])
    size = max(sum(value.nbytes for value in tensors.values()) for _, tensors in inputs.values())
    changeable = {seed: plan.changeable(tensors) if secret else set() for seed, (_, tensors) in inputs.items()}
    begun = 0

    def fresh(index: int) -> Any:
        # Calls are counted from 0 for the warm-up, for the samples, and for every block after them.
        nonlocal begun
        begun += index == 0
        drawn = plan.draw(secret, index + (begun - 2) * plan.APART, seeds)
        raw, tensors = inputs[drawn.seed]
        return tree.decode(raw, plan.scaled(tensors, changeable[drawn.seed], drawn.factor) if secret else tensors)

    def call(arguments: Any) -> Any:
        return model(*arguments)

    found = guarded("run", job["path"], lambda: _measure(to, call, fresh, job, size))
    answer = channel.ask(
        "timed", samples=found.samples, inner=found.inner, warm_ups=found.warm_ups, claims=dict(found.claims)
    )
    while calls := answer.get("again", 0):
        batch = [fresh(index) for index in range(calls)]
        to.settle()
        channel.ask("ready")
        for arguments in batch:  # no output is kept: a block of them would be fresh memory, and slower
            guarded("run", job["path"], functools.partial(call, arguments))
        guarded("run", job["path"], to.settle)
        answer = channel.ask("ran")
    return found.kept


def _measure(
    to: Device, call: Callable[[Any], Any], fresh: Callable[[int], Any], job: dict[str, Any], size: int
) -> timing.Measured[Any]:
    protocol = timing.Protocol(**job["protocol"])
    if to.name == "cpu":
        timing.settle_memory(size)
        return timing.measure(call, fresh, len(job["seeds"]), protocol, size)
    from kernelbench_harness.timing import events

    to.pin()
    return events.measure(call, fresh, len(job["seeds"]), protocol, size)


def summary_of(error: BaseException) -> str:
    """One line that says what was raised."""
    try:
        lines = "".join(traceback.format_exception_only(error)).strip().splitlines()
    except BaseException:
        lines = []
    return lines[-1] if isinstance(error, SyntaxError) and lines else (lines[0] if lines else type(error).__name__)


def _trace(error: BaseException, path: str) -> str:
    """The traceback from the first frame that lies in `path`, or from where it fell when none does."""
    try:
        walk = error.__traceback__
        while walk is not None and walk.tb_frame.f_code.co_filename != path:
            walk = walk.tb_next
        return "".join(traceback.format_exception(type(error), error, walk or error.__traceback__)).strip()
    except BaseException:
        return type(error).__name__


def clip(text: str, limit: int) -> str:
    """A text's start and end, as UTF-8 can hold them."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n... {len(text) - limit} characters left out ...\n{text[-limit // 2 :]}"
