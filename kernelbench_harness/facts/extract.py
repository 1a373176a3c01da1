"""What the Python of a candidate says: the C++ text, the functions listed, the flags, how forward calls the kernel.

Guaranteed: nothing is executed; a source that is no Python is still searched for C++ text, so that both kinds of
mistake are seen. A raw C++/CUDA source (no Python at all) is taken as the kernel itself.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from kernelbench_harness.facts.finding import Finding


@dataclass(frozen=True)
class Extract:
    """One candidate, taken apart."""

    tree: ast.Module | None
    """Python tree; None where the source is not Python."""
    cpp: str
    """Text of cpp_sources."""
    cuda: str
    """Text of cuda_sources."""
    listed: tuple[str, ...]
    """functions=[...] of load_inline."""
    flags: tuple[str, ...]
    calls: tuple[tuple[str, int, int], ...]
    """Calls of the extension in the classes: name, argument count, line; -1 arguments where a star is passed."""
    inline: bool
    """Whether load_inline is called."""
    findings: tuple[Finding, ...]


_RAW = re.compile(r"^\s*(#include|__global__|extern\s+\"C\"|template\s*<)", re.M)
_TRIPLE = re.compile(r'r?("""|\'\'\')(.*?)\1', re.S)


def extract(candidate: str) -> Extract:
    """Take a candidate apart; never raises."""
    findings: list[Finding] = []
    if "```" in candidate:
        findings.append(Finding("fence", "``` in source"))
    try:
        tree: ast.Module | None = ast.parse(candidate)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        if _RAW.search(candidate) and "class " not in candidate:
            return Extract(None, "", candidate, (), (), (), False, tuple(findings))
        findings.append(Finding("py_syntax", f"{getattr(error, 'msg', error)} line {line}", line))
        texts = [m.group(2) for m in _TRIPLE.finditer(candidate) if "#include" in m.group(2) or "torch::" in m.group(2)]
        return Extract(None, "\n".join(texts), "", (), (), (), True, tuple(findings))
    assert tree is not None
    return _from_tree(tree, findings)


def _from_tree(tree: ast.Module, findings: list[Finding]) -> Extract:
    nodes = nodes_of(tree)
    texts = _strings(nodes)
    load = next((n for n in nodes if isinstance(n, ast.Call) and _tail(n.func) in ("load_inline", "load")), None)
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    if "ModelNew" not in classes:
        near = next((n for n in classes if n != "Model"), "Model" if "Model" in classes else "")
        findings.append(Finding("py_missing", "no class ModelNew" + (f" ({near} instead)" if near else "")))
    cpp = cuda = ""
    listed: tuple[str, ...] = ()
    flags: list[str] = []
    handles: set[str] = set()
    if load is not None:
        words: dict[str, ast.expr] = {k.arg: k.value for k in load.keywords if k.arg}
        positional = dict(zip(("name", "cpp_sources", "cuda_sources", "functions"), load.args, strict=False))
        words = {**positional, **words}
        cpp = "\n".join(_text(words.get("cpp_sources"), texts))
        cuda = "\n".join(_text(words.get("cuda_sources"), texts))
        listed = tuple(_text(words.get("functions"), texts))
        by_name = words.get("functions")
        if isinstance(by_name, ast.Dict):
            listed = tuple(str(k.value) for k in by_name.keys if isinstance(k, ast.Constant))
        for key in ("extra_cflags", "extra_cuda_cflags", "extra_ldflags"):
            flags += _text(words.get(key), texts)
        handles = _handles(nodes, load)
    for function in nodes:
        if isinstance(function, ast.FunctionDef):
            names = [a.arg for a in function.args.args]
            if len(set(names)) < len(names):
                findings.append(Finding("py_syntax", f"duplicate parameter line {function.lineno}", function.lineno))
    calls = _kernel_calls(classes, handles) if handles else ()
    for name, _, line in calls:
        if listed and name not in listed:
            findings.append(Finding("export", f"{name} called, not listed", line))
    return Extract(tree, cpp, cuda, listed, tuple(flags), calls, load is not None, tuple(findings))


def nodes_of(root: ast.AST) -> list[ast.AST]:
    """Every node that says something, parents first: ast.walk without contexts, in a third of its time."""
    found = [root]
    for node in found:  # grows while it is walked
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                found += [part for part in value if isinstance(part, ast.AST)]
            elif isinstance(value, ast.AST) and name != "ctx":
                found.append(value)
    return found


def _tail(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _strings(nodes: list[ast.AST]) -> dict[str, ast.expr]:
    """Module-level and function-level names that hold a constant expression."""
    found: dict[str, ast.expr] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def _text(node: ast.expr | None, names: dict[str, ast.expr], depth: int = 0) -> list[str]:
    """The strings of an expression: constants, names, concatenation, lists, f-strings (holes become 1)."""
    if node is None or depth > 6:
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and (node.value or depth) else []
    if isinstance(node, ast.Name):
        return _text(names.get(node.id), names, depth + 1)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [text for part in node.elts for text in _text(part, names, depth + 1)]
    if isinstance(node, ast.BinOp):
        return ["".join(_text(node.left, names, depth + 1) + _text(node.right, names, depth + 1))]
    if isinstance(node, ast.JoinedStr):
        return ["".join(v.value if isinstance(v, ast.Constant) else "1" for v in node.values)]  # type: ignore[misc]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _text(node.func.value, names, depth + 1)
    return []


def _handles(nodes: list[ast.AST], load: ast.Call) -> set[str]:
    """Names (and attributes) that hold what load_inline returned, through one level of functions."""
    names: set[str] = set()
    makers: set[str] = set()
    for node in nodes:
        if not isinstance(node, ast.FunctionDef) or not node.lineno <= load.lineno <= (node.end_lineno or 0):
            continue
        if any(inner is load for inner in nodes_of(node)):
            makers.add(node.name)
    for node in nodes:
        if isinstance(node, ast.Assign):
            made = node.value is load or (isinstance(node.value, ast.Call) and _tail(node.value.func) in makers)
            aliased = isinstance(node.value, (ast.Name, ast.Attribute)) and _tail(node.value) in names
            if made or aliased:
                names |= {_tail(t) for t in node.targets if _tail(t)}
    return names


def _kernel_calls(classes: dict[str, ast.ClassDef], handles: set[str]) -> tuple[tuple[str, int, int], ...]:
    calls: list[tuple[str, int, int]] = []
    for cls in classes.values():
        aliases: dict[str, str] = {}
        nodes = nodes_of(cls)
        for node in nodes:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Attribute)
                and _tail(node.value.value) in handles
            ):
                aliases |= {_tail(t): node.value.attr for t in node.targets}
        for node in nodes:
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            star = any(isinstance(a, ast.Starred) for a in node.args)
            count = -1 if star else len(node.args) + len(node.keywords)
            if _tail(node.func.value) in handles:
                calls.append((node.func.attr, count, node.lineno))
            elif node.func.attr in aliases:
                calls.append((aliases[node.func.attr], count, node.lineno))
    return tuple(calls)
