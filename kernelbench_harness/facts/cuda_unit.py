"""A CUDA candidate's sources read as the compilers read them: main.cpp by g++, the kernels by nvcc.

Guaranteed: never raises. What load_inline adds itself (torch/types.h, cuda_runtime.h) counts as included.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kernelbench_harness.facts.check import check_unit
from kernelbench_harness.facts.ctree import Func, Type, Unit, walk
from kernelbench_harness.facts.cuda_names import TYPES
from kernelbench_harness.facts.cuda_spaces import check_spaces
from kernelbench_harness.facts.cuda_tokens import prepare
from kernelbench_harness.facts.extract import Extract
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.lexer import balance, lex
from kernelbench_harness.facts.symbols import Checked
from kernelbench_harness.facts.units import parse_unit
from kernelbench_harness.facts.values import canonical

_TORCH = "torch/extension.h"
_WITH_NVCC = ("cuda_runtime.h", "cuda.h", "cfloat", "cuda_fp16.h", "cuda_bf16.h")
"""Headers that torch/types.h or load_inline bring under nvcc (c10's complex.h brings thrust and with it cfloat)."""
_LOST = frozenset({"syntax", "semicolon"})


class CudaUnit(NamedTuple):
    """Both translation units as one, with what was found in each."""

    unit: Unit
    checked: Checked
    findings: list[Finding]
    bounds: dict[str, int]
    """__launch_bounds__ by kernel."""


class _Part(NamedTuple):
    unit: Unit
    checked: Checked
    findings: list[Finding]
    bounds: dict[str, int]


def read_cuda(taken: Extract) -> CudaUnit:
    """Parse and check the sources of a CUDA candidate, and the seam between them."""
    extended = any("extended-lambda" in flag for flag in taken.flags)
    device = _part(taken.cuda, True, (_TORCH, *_WITH_NVCC) if taken.inline else (), extended)
    host = _part(taken.cpp, False, (_TORCH,)) if taken.cpp.strip() else _EMPTY
    findings = host.findings + device.findings
    launched = [n for f in host.unit.functions for n in walk(f.body) if n.kind == "launch"]
    if launched:
        findings.append(Finding("syntax", "<<< in cpp_sources", launched[0].line))
    if taken.inline:
        findings += _seam(taken, host, device, bool(findings))
    findings += _python_calls(taken, host.unit, device.unit, (host.checked, device.checked))
    return CudaUnit(_joined(host.unit, device.unit), _both(host.checked, device.checked), findings, device.bounds)


def _part(text: str, device: bool, includes: tuple[str, ...], extended: bool = False) -> _Part:
    lexed = lex(text, device)
    tokens, bounds = prepare(lexed.tokens)
    unit = parse_unit(tokens, TYPES)
    includes += lexed.includes
    if not device and any(h.startswith(("cuda", "c10/cuda", "ATen/cuda")) for h in lexed.includes):
        device = True  # main.cpp that includes the runtime's headers knows its names
    if any(h.startswith(("torch/", "ATen/")) for h in includes) and device:
        includes += _WITH_NVCC
    checked = check_unit(unit, includes, lexed.macros, device, declared=True)
    findings = list(lexed.findings)
    unbalanced = balance(tokens)
    if unbalanced is not None:
        return _Part(unit, checked, [*findings, unbalanced], bounds)
    findings += unit.findings
    lost = any(f.kind in _LOST for f in unit.findings)
    unsure = ("undeclared", "no_return", "redeclared") if lost else ()
    findings += [f for f in checked.findings if f.kind not in unsure]
    if device and not lost:
        findings += check_spaces(unit, checked, extended)
    return _Part(unit, checked, findings, bounds)


_EMPTY = _Part(Unit((), (), (), {}, False, frozenset(), frozenset(), []), Checked(), [], {})


def _joined(one: Unit, two: Unit) -> Unit:
    if one is _EMPTY.unit:
        return two
    return Unit(
        one.functions + two.functions,
        one.structs + two.structs,
        one.globals + two.globals,
        one.exports | two.exports,
        one.has_module or two.has_module,
        one.usings | two.usings,
        one.types | two.types,
        one.findings + two.findings,
    )


def _both(one: Checked, two: Checked) -> Checked:
    joined = Checked()
    joined.symbols = one.symbols | two.symbols
    joined.types = one.types | two.types
    joined.structs = one.structs | two.structs
    joined.templates = one.templates | two.templates
    for name in [*one.functions, *two.functions]:
        joined.functions[name] = one.functions.get(name, []) + two.functions.get(name, [])
    return joined


def _seam(taken: Extract, host: _Part, device: _Part, broken: bool) -> list[Finding]:
    """What must agree between functions=, main.cpp and the kernels' source."""
    found: list[Finding] = []
    module = host.unit.has_module or device.unit.has_module
    if module and taken.listed:
        found.append(Finding("export", "PYBIND11_MODULE and functions="))
    given = taken.cuda.strip() or taken.cpp.strip()  # nothing is given to `load`, whose files are elsewhere
    if given and not module and not taken.listed and not broken:
        found.append(Finding("export", "nothing exported"))
    declared = host.checked.functions
    for name in taken.listed:
        if name not in declared:
            found.append(Finding("export", f"{name} not declared in cpp_sources"))
    for part in (host, device):
        for name, target in part.unit.exports.items():
            if target and "::" not in target and target not in part.checked.functions:
                found.append(Finding("export", f"{name} exported, not declared"))
    if broken:
        return found
    wanted = {*taken.listed, *(t for t in host.unit.exports.values() if t)}
    for name in sorted(wanted & set(declared)):
        found += _defined(name, declared[name], device.checked.functions.get(name, []))
    return found


def _defined(name: str, declared: list[Func], given: list[Func]) -> list[Finding]:
    """A function that main.cpp declares must be defined with the same parameters, in one of the two sources."""
    if any(f.body is not None for f in declared):
        both = [f for f in given if f.body is not None and not f.templates and _same(f, declared[0])]
        return [Finding("redeclared", f"{name}() in both sources")] if both else []
    bodies = [f for f in given if f.body is not None]
    if not bodies:
        return [Finding("export", f"{name} declared, not defined")]
    if not any(_same(f, d) for f in bodies for d in declared):
        return [Finding("export", f"{name} declared with other parameters than defined")]
    return []


def _same(one: Func, two: Func) -> bool:
    """Whether two functions link as one: parameters of the same types, as far as they are known."""
    if len(one.params) != len(two.params):
        return False
    return all(_linked(a.type) == _linked(b.type) for a, b in zip(one.params, two.params, strict=True))


def _linked(kind: Type) -> tuple[object, ...]:
    base = canonical(kind)
    name = base.base if base is not None else kind.base
    by_value = not kind.ptr and not kind.ref
    return name.rpartition("::")[2], kind.ptr, kind.ref, kind.const and not by_value, len(kind.args)


def _python_calls(taken: Extract, host: Unit, device: Unit, checked: Iterable[Checked]) -> list[Finding]:
    """How forward calls the extension: names and argument counts."""
    found: list[Finding] = []
    exports = host.exports | device.exports
    for name, count, line in taken.calls:
        target = exports.get(name, name)
        functions = [f for part in checked for f in part.functions.get(target, [])]
        if exports and not taken.listed and name not in exports:
            found.append(Finding("py_missing", f"{name} not exported", line))
        elif functions and count >= 0 and not any(_takes(f, count, name in exports) for f in functions):
            found.append(Finding("py_args", f"{name} wants {len(functions[0].params)} gets {count}", line))
    return found


def _takes(func: Func, count: int, bound: bool) -> bool:
    """`bound`: by m.def, whose py::arg may give defaults."""
    return count <= len(func.params) if bound else count == len(func.params)
