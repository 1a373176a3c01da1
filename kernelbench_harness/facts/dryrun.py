"""Follows reference and candidate on shrunken sizes and compares what they compute.

Guaranteed: nothing of either source runs in Python itself; the steps are bounded; the outcome "unsupported" or
"budget" says nothing about the candidate. A disagreement is one at the shrunken sizes, in double precision.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernelbench_harness.facts import torch_views as views
from kernelbench_harness.facts.ctree import Func, Unit
from kernelbench_harness.facts.machine import Machine
from kernelbench_harness.facts.memory import DryRunError, Fault, Source, Tensor, Unsupported
from kernelbench_harness.facts.modules import share_state
from kernelbench_harness.facts.problem import PYTHON_ERRORS, Shrunken, class_of, follow, parse
from kernelbench_harness.facts.pyeval import Extension, Program
from kernelbench_harness.facts.shrink import choose
from kernelbench_harness.facts.symbols import Checked
from kernelbench_harness.facts.translate import Translator

STEPS = 30_000
"""Loop iterations of the kernel; about 10 ms at the most."""
TOLERANCE = 1e-4
"""Absolute and relative, as KernelBench's for float32."""


@dataclass(frozen=True)
class DryRun:
    """How a dry run ended."""

    outcome: str
    """agrees, value, shape, dtype, uncovered, stray, fault, unsupported, budget, or none (nothing to follow)."""
    detail: str = ""
    excess: float = 0.0
    """log10 of the worst error over its tolerance; 0 where it agrees or was not compared."""
    reference_known: bool = False
    """Whether the reference's value could be computed."""


def dry_run(reference: str, candidate: ast.Module | None, unit: Unit, checked: Checked, kernel: str) -> DryRun:
    """Follow both; never raises for anything in the sources."""
    if parse(reference) is None or candidate is None:
        return DryRun("none")
    integers = choose(reference, kernel)
    problem = follow(reference, integers)
    if isinstance(problem, str):
        return DryRun("unsupported", f"problem: {problem}")
    machine = Machine(STEPS)
    return ended(
        lambda: compare(problem.expected, _candidate(candidate, unit, checked, integers, machine, problem), machine),
        machine,
        problem.expected is not None,
    )


def ended(run: Callable[[], DryRun], machine: Machine, known: bool) -> DryRun:
    """What `run` gives, or how it failed; `known`: whether the reference's value is."""
    try:
        return run()
    except Fault as fault:
        return DryRun("fault", machine.stray() or str(fault), 0.0, known)
    except DryRunError as gap:
        return DryRun(gap.kind, str(gap), 0.0, known)
    except (UnboundLocalError, NameError) as gap:
        name = str(gap).split("'")[1] if "'" in str(gap) else ""
        if "_" not in name:  # no name of a translated kernel
            return DryRun("unsupported", str(gap), 0.0, known)
        return DryRun("fault", f"{name.rpartition('_')[0] or name} used unset", 0.0, known)
    except (SyntaxError, OverflowError, *PYTHON_ERRORS) as gap:
        return DryRun("unsupported", f"{type(gap).__name__}: {gap}", 0.0, known)


def _candidate(tree: ast.Module, unit: Unit, checked: Checked, integers: dict[int, int], machine: Machine,
               problem: Shrunken) -> Any:  # fmt: skip
    scope = machine.build(Translator(unit, checked, integers).source())

    def call(name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        target = unit.exports.get(name, name)
        functions = checked.defined(target)
        if not functions:
            raise Unsupported(f"kernel {name}")
        return scope[f"f_{target}"](*bound(name, functions[0], args, kwargs))

    program = Program(tree, Source(11, True), Extension(call), integers)
    model = program.construct(class_of(tree, "ModelNew"), problem.init, {})
    share_state(problem.model, model)
    return program.forward(model, problem.inputs)


def bound(name: str, function: Func, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The arguments of a call from Python, one a parameter of `function`, as pybind would hand them over.

    Raises Fault for what pybind refuses, Unsupported for a default value. `name`: what the caller called it.
    """
    params = function.params
    given = list(args)
    for param in params[len(args) :]:
        if param.name not in kwargs:
            raise Unsupported("default arguments") if param.has_default else Fault(f"{name} lacks {param.name}")
        given.append(kwargs[param.name])
    if len(given) > len(params):
        raise Fault(f"{name} wants {len(params)} gets {len(given)}")
    return [passed(value, param.type.base, name) for value, param in zip(given, params, strict=True)]


def passed(value: Any, base: str, name: str) -> Any:
    """What pybind does to an argument."""
    wants_tensor = base.endswith("Tensor")
    if wants_tensor != isinstance(value, Tensor) and not (wants_tensor and value is None) and "optional" not in base:
        raise Fault(f"{name}: {'number' if wants_tensor else 'tensor'} for {base}")
    if base in ("int", "int64_t", "long", "int32_t", "size_t") and isinstance(value, float):
        raise Fault(f"{name}: float for {base}")
    if base in ("int", "int64_t", "double", "float", "long") and isinstance(value, (tuple, list)):
        raise Fault(f"{name}: list for {base}")
    if base in ("double", "float") and isinstance(value, int):
        return float(value)
    return value


def compare(expected: Any, got: Any, machine: Machine) -> DryRun:
    """How a result differs from the expected one; stray writes first."""
    known = expected is not None
    stray = machine.stray()
    if stray:
        return DryRun("stray", stray, 0.0, known)
    if not isinstance(got, Tensor):
        if isinstance(got, (int, float)) or got is None:
            return DryRun("shape", f"returns {type(got).__name__}", 0.0, known)
        return DryRun("unsupported", "result", 0.0, known)
    if known and got.shape != expected.shape:
        return DryRun("shape", f"{list(got.shape)} want {list(expected.shape)}", 0.0, True)
    memory = views.memory_of(got)
    if got.is_contiguous:
        missing = sum(1 for i in range(got.offset, got.offset + got.numel) if i not in memory)
        if missing:
            return DryRun("uncovered", f"{missing} of {got.numel} unwritten", 0.0, known)
    if not known:
        return DryRun("unsupported", "reference", 0.0, False)
    if got.dtype != expected.dtype:
        return DryRun("dtype", f"{got.dtype} want {expected.dtype}", 0.0, True)
    worst, wrong = _worst(expected.flat(), got.flat())
    if wrong:
        return DryRun("value", f"{wrong} of {got.numel} differ", math.log10(max(worst, 1e-3)), True)
    return DryRun("agrees", "", 0.0, True)


def _worst(expected: list[Any], got: list[Any]) -> tuple[float, int]:
    """Largest error over tolerance (at most 1e9), and how many are above."""
    worst, wrong = 0.0, 0
    for want, have in zip(expected, got, strict=True):
        if want == have or (want != want and have != have):
            continue
        error = abs(have - want) / (TOLERANCE + TOLERANCE * abs(want))
        if not error <= 1.0:
            wrong += 1
            worst = max(worst, min(error, 1e9) if error == error else 1e9)
    return worst, wrong
