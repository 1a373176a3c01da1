"""Follows a CUDA candidate on shrunken sizes, and its launches at the real ones.

Guaranteed as in `dryrun`: nothing of the sources runs in Python itself, the steps are bounded.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

from kernelbench_harness.facts.cuda_emit import device_code
from kernelbench_harness.facts.cuda_machine import Device, Launch
from kernelbench_harness.facts.cuda_unit import CudaUnit
from kernelbench_harness.facts.device_sizes import uneven, waiting
from kernelbench_harness.facts.dryrun import STEPS, DryRun, bound, compare, ended
from kernelbench_harness.facts.machine import Machine
from kernelbench_harness.facts.memory import DryRunError, Source, Unsupported
from kernelbench_harness.facts.modules import Module, parameters, share_state
from kernelbench_harness.facts.problem import PYTHON_ERRORS, class_of, follow, parse, real_sizes
from kernelbench_harness.facts.pyeval import Extension, Program
from kernelbench_harness.facts.shrink import choose
from kernelbench_harness.facts.translate import Translator

_LOCKSTEP = re.compile(r"\bvolatile\s+(?:float|double|int|T|scalar_t)\s*\*")
"""A reduction whose last warp goes without barriers: right on hardware, not one lane after the other."""
_WAITS = re.compile(r"__sync|__shfl")
WAITING_STEPS = 48_000
"""Steps where threads wait for each other: block reductions take many, at half a microsecond each."""
HOST_STEPS = 4000
"""Steps of the host code at the real sizes."""


def dry_run_cuda(
    reference: str, tree: ast.Module | None, read: CudaUnit, kernel: str, launches: Sequence[Launch]
) -> DryRun:
    """Follow problem and candidate at shrunken sizes; never raises for anything in the sources.

    `launches`: those at the real sizes.
    """
    if parse(reference) is None:
        return DryRun("none")
    if _LOCKSTEP.search(kernel):
        return DryRun("unsupported", "lanes in lockstep")
    chosen = _integers(reference, kernel, launches)
    if chosen is None:
        return DryRun("unsupported", "sizes that may be those of a block")
    integers, faithful = chosen
    problem = follow(reference, integers)
    if isinstance(problem, str):
        return DryRun("unsupported", f"problem: {problem}")
    machine = Machine(WAITING_STEPS if _WAITS.search(kernel) else STEPS)
    device = Device(machine)

    def run() -> Any:
        call = _caller(read, integers, machine, device)
        if tree is None:
            return call("forward", _raw_arguments(read, problem.inputs, problem.model), {})
        program = Program(tree, Source(11, True), Extension(call), integers)
        model = program.construct(class_of(tree, "ModelNew"), problem.init, {})
        share_state(problem.model, model)
        return program.forward(model, problem.inputs)

    done = ended(lambda: compare(problem.expected, run(), machine), machine, problem.expected is not None)
    doubtful = not faithful and done.outcome in ("fault", "value", "uncovered", "stray")
    return DryRun("unsupported", "sizes that the blocks no longer divide") if doubtful else done


def _integers(reference: str, kernel: str, launches: Sequence[Launch]) -> tuple[dict[int, int], bool] | None:
    """Which integers shrink to what, and whether blocks still divide what they divide; None where it cannot be told."""
    integers = choose(reference, kernel)
    if not _WAITS.search(kernel):
        # a constant 32 beside a larger block must not become the block's size: `blockIdx.x * 32` would go unseen
        alike = integers.get(32) == 8 and any(old > 32 and new == 8 for old, new in integers.items())
        return uneven(reference, {**integers, 32: 4} if alike else integers, launches), True
    return waiting(reference, kernel, integers, launches)


def _caller(read: CudaUnit, integers: dict[int, int], machine: Machine, device: Device) -> Callable[..., Any]:
    """What runs a function of the extension."""
    code = device_code(read.unit)
    machine.extra = device.names()
    scope = machine.build(Translator(read.unit, read.checked, integers, code).source())
    device.scope = scope

    def call(name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        target = read.unit.exports.get(name, name)
        functions = read.checked.defined(target)
        if len(functions) != 1:
            raise Unsupported(f"kernel {name}")
        return scope[f"f_{target}"](*bound(name, functions[0], args, kwargs))

    return call


def _raw_arguments(read: CudaUnit, inputs: list[Any], model: Module) -> list[Any]:
    """What a raw source's forward is given: inputs, then parameters, one by one or as lists of weights and biases."""
    functions = read.checked.defined(read.unit.exports.get("forward", "forward"))
    rest = functions[0].params[len(inputs) :] if functions else ()
    held = parameters(model)
    lists = [p.type.base.endswith("vector") for p in rest]
    if not functions or len(functions[0].params) < len(inputs) or (rest and not all(lists) and len(rest) != len(held)):
        raise Unsupported("arguments of a raw forward")
    if not any(lists):
        return [*inputs, *held.values()] if rest else list(inputs)
    wanted = ["bias" if "bias" in p.name else "weight" for p in rest]
    return [*inputs, *([x for path, x in held.items() if path.endswith(kind)] for kind in wanted)]


def real_launches(reference: str, tree: ast.Module | None, read: CudaUnit) -> list[Launch]:
    """The launches of one forward at the real sizes; those seen before something that is not modelled."""
    sizes = real_sizes(reference)
    problem = parse(reference)
    if sizes is None or problem is None:
        return []
    machine = Machine(HOST_STEPS)
    machine.source = Source(7, False)
    device = Device(machine, execute=False)
    try:
        call = _caller(read, {}, machine, device)
        if tree is None:
            model = Program(problem, Source(3, False)).construct(class_of(problem, "Model"), list(sizes[0]), {})
            call("forward", _raw_arguments(read, list(sizes[1]), model), {})
            return device.launches
        program = Program(tree, Source(3, False), Extension(call))
        model = program.construct(class_of(tree, "ModelNew"), list(sizes[0]), {})
        program.forward(model, list(sizes[1]))
    except (DryRunError, NameError, SyntaxError, OverflowError, *PYTHON_ERRORS):
        pass
    return device.launches
