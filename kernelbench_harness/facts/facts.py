"""Brings the parts together: one text and one vector for a candidate against its problem."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

from kernelbench_harness.facts.check import check_unit
from kernelbench_harness.facts.cost import Counts, count_work
from kernelbench_harness.facts.ctree import Unit
from kernelbench_harness.facts.dryrun import DryRun, dry_run
from kernelbench_harness.facts.extract import Extract, extract
from kernelbench_harness.facts.finding import KINDS, WEIGHTS, Finding
from kernelbench_harness.facts.language import language_of
from kernelbench_harness.facts.lexer import balance, lex
from kernelbench_harness.facts.symbols import Checked
from kernelbench_harness.facts.units import parse_unit
from kernelbench_harness.facts.work import SIZE_KEYS, Work, followed_calls, measure

OUTCOMES = ("agrees", "value", "shape", "dtype", "uncovered", "stray", "fault", "unsupported", "budget", "none")
VECTOR_KEYS = (
    *(f"n_{kind}" for kind in KINDS),
    "findings", "breaks_compile", "breaks_run", *(f"dry_is_{name}" for name in OUTCOMES), "dry_excess",
    "dry_reference_known",
    *SIZE_KEYS,
)  # fmt: skip
"""Keys of every vector, in this order."""
COMPILE_KINDS = frozenset(
    """py_syntax fence braces unterminated syntax semicolon undeclared unknown_member unknown_torch unknown_std include
    args export const_write redeclared type void_return template_arg not_assignable""".split()
)
"""Findings that a compiler would not let pass."""
MAX_WORDS = 60


@dataclass(frozen=True)
class KernelFacts:
    """Facts of one candidate."""

    text: str
    """Findings, the most telling first, then sizes; at most 60 words."""
    vector: dict[str, float]
    """Always the keys VECTOR_KEYS (from device_facts: DEVICE_KEYS)."""
    language: str = "cpp"
    """cpp, cuda or triton."""


def kernel_facts(reference: str, candidate: str) -> KernelFacts:
    """Facts of `candidate` (a Python source with ModelNew, or a raw kernel) against `reference` (with Model).

    The vector has the keys VECTOR_KEYS whatever the language; `device_facts` gives those of a device too.
    """
    if language_of(candidate) == "cpp":
        return cpp_facts(reference, candidate)
    from kernelbench_harness.facts.device import device_facts  # it builds on this module

    facts = device_facts(reference, candidate)
    return KernelFacts(facts.text, {key: facts.vector[key] for key in VECTOR_KEYS}, facts.language)


def cpp_facts(reference: str, candidate: str) -> KernelFacts:
    """Facts of a candidate in C++ or in plain torch."""
    taken = extract(candidate)
    findings = list(taken.findings)
    unit, checked = _kernel(taken, findings)
    findings += _bindings(taken, unit, checked)
    kernel = taken.cpp or taken.cuda
    if any(f.kind in COMPILE_KINDS or f.kind == "py_missing" for f in findings):
        dry = DryRun("none")
    else:
        dry = dry_run(reference, taken.tree, unit, checked, kernel)
    findings += dry_findings(dry)
    work = measure(reference, taken, unit, checked, candidate)
    return KernelFacts(_text(findings, dry, work), _vector(findings, dry, work))


def kernel_counts(reference: str, candidate: str) -> Counts:
    """What the candidate's loops do in one call at the real sizes: what `cost.estimate_ms` weighs."""
    taken = extract(candidate)
    unit, checked = _kernel(taken, [])
    calls, inputs = followed_calls(reference, taken.tree)
    return count_work(calls, inputs, taken.flags, unit, checked)


def _kernel(taken: Extract, findings: list[Finding]) -> tuple[Unit, Checked]:
    """Lex, parse and check the kernel's text; appends findings."""
    text = taken.cpp + ("\n" + taken.cuda if taken.cuda else "")
    lexed = lex(text)
    unit = parse_unit(lexed.tokens)
    torch_included = taken.inline and bool(taken.cpp)
    includes = lexed.includes + (("torch/extension.h",) if torch_included else ())
    includes += ("-fopenmp",) if "-fopenmp" in taken.flags else ()
    checked = check_unit(unit, includes, lexed.macros, bool(taken.cuda))
    findings += lexed.findings
    unbalanced = balance(lexed.tokens)
    if unbalanced is not None:
        findings.append(unbalanced)
        return unit, checked  # what follows from a lost bracket says nothing more
    findings += unit.findings
    if any(f.kind in ("syntax", "semicolon") for f in unit.findings):
        findings += [f for f in checked.findings if f.kind not in ("undeclared", "no_return", "redeclared")]
    else:
        findings += checked.findings
    return unit, checked


def _bindings(taken: Extract, unit: Unit, checked: Checked) -> list[Finding]:
    """The seam between Python and C++: what is listed, defined, exported and called with how many arguments."""
    found: list[Finding] = []
    if not taken.cpp or not taken.inline:
        return found
    if unit.has_module and taken.listed:
        found.append(Finding("export", "PYBIND11_MODULE and functions="))
    for name in taken.listed:
        if name not in checked.functions:
            found.append(Finding("export", f"{name} listed, not declared"))
    for name, target in unit.exports.items():
        if target and target not in checked.functions:
            found.append(Finding("export", f"{name} exported, not declared"))
    if not taken.cuda:
        for name in taken.listed:
            functions = checked.functions.get(name, [])
            if functions and all(f.body is None for f in functions):
                found.append(Finding("export", f"{name} declared, not defined"))
    for name, count, line in taken.calls:
        functions = checked.functions.get(unit.exports.get(name, name), [])
        exported = name in taken.listed or name in unit.exports
        fits = any(count == len(f.params) for f in functions)
        if not exported and not taken.listed and unit.has_module:
            found.append(Finding("py_missing", f"{name} not exported", line))
        elif functions and count >= 0 and not fits:
            found.append(Finding("py_args", f"{name} wants {len(functions[0].params)} gets {count}", line))
    return found


_DRY_KINDS = {
    "value": "dry_value",
    "shape": "dry_shape",
    "dtype": "dry_dtype",
    "uncovered": "dry_uncovered",
    "stray": "out_write",
}


def dry_findings(dry: DryRun) -> list[Finding]:
    """The finding that a dry run amounts to, if any."""
    if dry.outcome == "fault":
        return [Finding("dry_check" if dry.detail.startswith("TORCH_CHECK") else "dry_fault", dry.detail)]
    kind = _DRY_KINDS.get(dry.outcome)
    return [Finding(kind, dry.detail)] if kind else []


def said(findings: Sequence[Finding], dry: DryRun, compile_kinds: Set[str]) -> str:
    """The findings in words, the most telling first: "breaks compile; undeclared: n".

    That a compiler would refuse is said beside the kind, so that a kind which a model was never shown still tells it.
    """
    grouped: dict[str, list[str]] = {}
    for finding in sorted(findings, key=lambda f: -WEIGHTS[f.kind]):
        grouped.setdefault(finding.kind, []).append(finding.detail)
    parts = [f"{kind}: {', '.join(details[:3])}" for kind, details in grouped.items()] or ["no findings"]
    if any(finding.kind in compile_kinds for finding in findings):
        parts.insert(0, "breaks compile")
    if dry.outcome == "agrees":
        parts.append("dry run agrees")
    elif dry.outcome in ("unsupported", "budget"):
        parts.append(f"dry run {'cut' if dry.outcome == 'budget' else 'not possible'}")
    return "; ".join(parts)


def _text(findings: list[Finding], dry: DryRun, work: Work) -> str:
    words = said(findings, dry, COMPILE_KINDS).split()
    tail = work.text()
    room = MAX_WORDS - len(tail.split())
    return " ".join(words[:room]) + "; " + tail


def _vector(findings: list[Finding], dry: DryRun, work: Work) -> dict[str, float]:
    vector = dict.fromkeys(VECTOR_KEYS, 0.0)
    for finding in findings:
        vector[f"n_{finding.kind}"] += 1.0
    vector["findings"] = float(len(findings))
    vector["breaks_compile"] = float(sum(f.kind in COMPILE_KINDS for f in findings))
    vector["breaks_run"] = float(sum(f.kind.startswith(("dry_", "out_", "py_")) for f in findings))
    vector[f"dry_is_{dry.outcome}"] = 1.0
    vector["dry_excess"] = dry.excess
    vector["dry_reference_known"] = float(dry.reference_known)
    for key, value in work.sizes().items():
        vector[key] = value if math.isfinite(value) else 0.0
    return vector
