"""Reads the Triton of a candidate from its Python tree: kernels, launches, and what would not compile in them.

Guaranteed: nothing is executed; a name is reported only when neither the kernel, nor the module, nor Python's builtins
can bring it in. Not guaranteed: shapes of blocks and their types.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass

from kernelbench_harness.facts.extract import nodes_of
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.triton_names import ARITY, AXIS_SECOND, BUILTINS, KEYWORDS, LANGUAGE, MATH

_MEMORY = frozenset({"load", "store"})


@dataclass(frozen=True)
class Kernel:
    """One @triton.jit function."""

    node: ast.FunctionDef
    params: tuple[str, ...]
    required: frozenset[str]
    """Parameters without a default."""
    constexpr: frozenset[str]
    tuned: bool
    """Whether a decorator (autotune, heuristics) gives some of its constants."""
    nodes: tuple[ast.AST, ...]
    """Every node of the body and the parameters."""


def kernels_of(tree: ast.Module) -> dict[str, Kernel]:
    """The jit functions of a module by name."""
    return {n.name: _kernel(n) for n in nodes_of(tree) if isinstance(n, ast.FunctionDef) and _is_jit(n)}


def _is_jit(node: ast.FunctionDef) -> bool:
    return any(
        _dotted(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] == "jit" for d in node.decorator_list
    )


def _kernel(node: ast.FunctionDef) -> Kernel:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    plain = [*node.args.posonlyargs, *node.args.args]
    defaults = {a.arg for a in plain[len(plain) - len(node.args.defaults) :]} if node.args.defaults else set()
    defaults |= {a.arg for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None}
    fixed = {a.arg for a in given if a.annotation is not None and "constexpr" in ast.unparse(a.annotation)}
    names = {_dotted(d.func if isinstance(d, ast.Call) else d).rpartition(".")[2] for d in node.decorator_list}
    params = tuple(a.arg for a in given)
    tuned = bool(names & {"autotune", "heuristics"})
    nodes = tuple(n for part in [node.args, *node.body] for n in nodes_of(part))
    return Kernel(node, params, frozenset(params) - defaults, frozenset(fixed), tuned, nodes)


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def check_triton(tree: ast.Module, kernels: dict[str, Kernel]) -> list[Finding]:
    """Findings about kernels and launches, each kind and detail once."""
    found: list[Finding] = []
    nodes = nodes_of(tree)
    outside, language = _module_names(tree, nodes), _language_names(nodes)
    for kernel in kernels.values():
        found += _undeclared(kernel, outside)
        for node in kernel.nodes:
            if isinstance(node, ast.Attribute):
                found += _attribute(node, language)
            elif isinstance(node, ast.Call):
                found += _call(node, kernel, language)
        found += _masks(kernel, language)
    found += _launches(nodes, kernels)
    if not any(isinstance(n, (ast.Global, ast.Nonlocal)) for n in nodes):
        found += _host_names(tree, kernels, outside)
    return list({(f.kind, f.detail): f for f in found}.values())


def _module_names(tree: ast.Module, nodes: list[ast.AST]) -> set[str]:
    """What a kernel may see from outside: everything bound anywhere above function level, and nested definitions."""
    names = set(BUILTINS)
    star = False
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(a.asname or a.name).partition(".")[0] for a in node.names}
            star = star or any(a.name == "*" for a in node.names)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
    for stmt in tree.body:
        for node in nodes_of(stmt) if not isinstance(stmt, (ast.FunctionDef, ast.ClassDef)) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names | (set(LANGUAGE) if star else set())


def _language_names(nodes: list[ast.AST]) -> dict[str, str]:
    """Local name -> the module it stands for, among triton, triton.language and torch."""
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return {k: v for k, v in found.items() if v.partition(".")[0] in ("triton", "torch", "numpy", "math")}


def _undeclared(kernel: Kernel, outside: set[str]) -> list[Finding]:
    own = set(kernel.params)
    for node in kernel.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
    found = []
    known = own | outside
    for node in kernel.nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in known:
            found.append(Finding("undeclared", node.id, node.lineno))
    return found


def _host_names(tree: ast.Module, kernels: dict[str, Kernel], outside: set[str]) -> list[Finding]:
    """Names that a plain function of the module uses and nothing binds: a NameError when it is called."""
    found = []
    for stmt in tree.body:
        if isinstance(stmt, ast.FunctionDef) and stmt.name not in kernels:
            for finding in _undeclared(_kernel(stmt), outside):
                if not hasattr(builtins, finding.detail):
                    found.append(Finding("py_missing", f"name {finding.detail}", finding.line))
    return found


def _attribute(node: ast.Attribute, language: dict[str, str]) -> list[Finding]:
    if not isinstance(node.value, ast.Name):
        if isinstance(node.value, ast.Attribute) and _resolve(node.value, language) == "triton.language.math":
            return [] if node.attr in MATH else [Finding("tl_name", f"tl.math.{node.attr}", node.lineno)]
        return []
    module = language.get(node.value.id)
    if module == "triton.language" and node.attr not in LANGUAGE:
        return [Finding("tl_name", f"tl.{node.attr}", node.lineno)]
    return []


def _resolve(node: ast.expr, language: dict[str, str]) -> str:
    head, _, tail = _dotted(node).partition(".")
    return ".".join(filter(None, [language.get(head, head), tail]))


def _call(node: ast.Call, kernel: Kernel, language: dict[str, str]) -> list[Finding]:
    path = _resolve(node.func, language)
    module, _, name = path.rpartition(".")
    if module.partition(".")[0] in ("torch", "numpy", "math") and isinstance(node.func, ast.Attribute):
        return [Finding("tl_name", f"{_dotted(node.func)} in a kernel", node.lineno)]
    if module != "triton.language" or any(isinstance(a, ast.Starred) for a in node.args):
        return []
    found = []
    count = len(node.args) + len(node.keywords)
    least, most = ARITY.get(name, (0, 99))
    if not least <= count <= most:
        found.append(Finding("tl_args", f"tl.{name} wants {least} gets {count}", node.lineno))
    strange = [k.arg for k in node.keywords if k.arg and name in KEYWORDS and k.arg not in KEYWORDS[name]]
    if strange:
        found.append(Finding("tl_args", f"tl.{name} has no {strange[0]}", node.lineno))
    if name in AXIS_SECOND and len(node.args) > 1 and not _is_axis(node.args[1], kernel):
        found.append(Finding("tl_args", f"tl.{name}(x, y): y is an axis", node.lineno))
    if name == "arange":
        found += _arange(node, kernel)
    return found


def _is_axis(node: ast.expr, kernel: Kernel) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) is int or node.value is None
    if isinstance(node, ast.UnaryOp):
        return _is_axis(node.operand, kernel)
    return isinstance(node, ast.Name) and node.id not in _assigned(kernel)


def _assigned(kernel: Kernel) -> set[str]:
    return {n.id for n in kernel.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _arange(node: ast.Call, kernel: Kernel) -> list[Finding]:
    for part in node.args:
        if isinstance(part, ast.Name) and part.id in kernel.params and part.id not in kernel.constexpr:
            return [Finding("tl_constexpr", f"{part.id} in tl.arange", node.lineno)]
    bounds = [_integer(part) for part in node.args]
    if len(bounds) == 2 and bounds[0] is not None and bounds[1] is not None and not _power(bounds[1] - bounds[0]):
        return [Finding("tl_args", f"tl.arange of {bounds[1] - bounds[0]}, no power of 2", node.lineno)]
    return []


def _power(n: int) -> bool:
    return n > 0 and n & (n - 1) == 0


def _masks(kernel: Kernel, language: dict[str, str]) -> list[Finding]:
    """Loads and stores without a mask at addresses that depend on tl.arange, where others have one."""
    blocks = _depends_on_arange(kernel, language)
    bare, masked = [], 0
    for node in kernel.nodes:
        if not isinstance(node, ast.Call) or not _resolve(node.func, language).startswith("triton.language."):
            continue
        name = _resolve(node.func, language).rpartition(".")[2]
        if name not in _MEMORY or not node.args:
            continue
        at = 1 if name == "load" else 2
        mask = next((k.value for k in node.keywords if k.arg == "mask"), node.args[at] if len(node.args) > at else None)
        given = mask is not None and not (isinstance(mask, ast.Constant) and mask.value is None)
        if given:
            masked += 1
        elif any(isinstance(n, ast.Name) and n.id in blocks for n in nodes_of(node.args[0])):
            bare.append(Finding("mask", f"tl.{name} line {node.lineno} has none", node.lineno))
    return bare if masked else []


def _depends_on_arange(kernel: Kernel, language: dict[str, str]) -> set[str]:
    names: set[str] = set()
    for _ in range(3):
        before = len(names)
        for node in kernel.nodes:
            if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
                continue
            for part in nodes_of(node.value):
                aranged = isinstance(part, ast.Call) and _resolve(part.func, language) == "triton.language.arange"
                if aranged or (isinstance(part, ast.Name) and part.id in names):
                    names.add(node.targets[0].id)
                    break
        if len(names) == before:
            break
    return names


def _launches(nodes: list[ast.AST], kernels: dict[str, Kernel]) -> list[Finding]:
    """Argument counts of `kernel[grid](...)`, and constants that no block may have."""
    found = []
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in kernels and not _inside(node, kernels):
            found.append(Finding("py_args", f"{node.func.id} called without [grid]", node.lineno))
        if not (isinstance(node.func, ast.Subscript) and isinstance(node.func.value, ast.Name)):
            continue
        kernel = kernels.get(node.func.value.id)
        if kernel is not None:
            found += _launch(node, kernel)
    return found


def _inside(call: ast.Call, kernels: dict[str, Kernel]) -> bool:
    return any(k.node.lineno <= call.lineno <= (k.node.end_lineno or 0) for k in kernels.values())


_OPTIONS = frozenset("num_warps num_stages num_ctas maxnreg grid warmup stream enable_fp_fusion".split())


def _launch(node: ast.Call, kernel: Kernel) -> list[Finding]:
    found: list[Finding] = []
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        return found
    named = {str(k.arg): k.value for k in node.keywords}
    given = dict(zip(kernel.params, node.args, strict=False)) | named
    name = kernel.node.name
    if len(node.args) > len(kernel.params):
        found.append(Finding("py_args", f"{name} wants {len(kernel.params)} gets {len(node.args)}", node.lineno))
    lacking = sorted(kernel.required - set(given), key=kernel.params.index)
    if lacking and not kernel.tuned:
        found.append(Finding("py_args", f"{name} lacks {', '.join(lacking[:2])}", node.lineno))
    strange = [n for n in named if n not in kernel.params and n not in _OPTIONS]
    if strange:
        found.append(Finding("py_args", f"{name} has no {strange[0]}", node.lineno))
    ranges = {
        p.id
        for n in kernel.nodes
        if isinstance(n, ast.Call) and _dotted(n.func).endswith("arange")
        for p in n.args
        if isinstance(p, ast.Name)
    }
    for param, value in given.items():
        size = _integer(value)
        if param in ranges and size is not None and not _power(size):
            found.append(Finding("tl_args", f"{param}={size}, no power of 2", node.lineno))
    return found


def _integer(node: ast.expr) -> int | None:
    """The value of an integer literal."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None
