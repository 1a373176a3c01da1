"""Makes a candidate in KernelBench form of a raw CUDA source with a pybind `forward`.

Guarantees: the CUDA text is kept to the letter inside the wrapper, and a wrapper is made only where the way to call
`forward` is known: from the functional form of the model that the AI CUDA Engineer Archive gives, or because the model
has no state and no settings, so that the inputs are all there is. Where it would have to be guessed there is none.
Does not guarantee that the source compiles.
"""

from __future__ import annotations

import ast

_LOAD = """\
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

CUDA_SOURCE = {source}

_extension = load_inline(name="{name}", cpp_sources="", cuda_sources=CUDA_SOURCE)
"""
_PLAIN = """

class ModelNew(nn.Module):
    def forward(self, *inputs):
        return _extension.forward(*inputs)
"""
_FUNCTIONAL = """

class ModelNew(Model):
    def forward(self, *inputs):
        return super().forward(*inputs, fn=_extension.forward)
"""


def kernelbench_form(cuda: str, module: str, functional: str | None) -> str | None:
    """Python source with a ModelNew around `cuda`, or None where the call of its `forward` is not known.

    `module` is the problem with its `Model`; `functional` the same model with `forward(..., fn=module_fn)`.
    """
    if "PYBIND11_MODULE" not in cuda or '"forward"' not in cuda:
        return None
    model = _model(module)
    if model is None:
        return None
    load = extension(cuda)
    inner = _model(functional or "")
    if functional is not None and inner is not None and _takes_fn(model, inner):
        return functional.rstrip("\n") + "\n\n\n" + load + _FUNCTIONAL
    return load + _PLAIN if _stateless(model) else None


def extension(cuda: str) -> str:
    """Python source that compiles `cuda` and names the module `_extension`."""
    return _LOAD.format(source=literal(cuda), name="archive_kernel")


def forward_arguments(module: str) -> list[str] | None:
    """Names of the inputs of a problem's model, where these are all that its output depends on; None where not."""
    model = _model(module)
    return _arguments(_method(model, "forward")) if model is not None and _stateless(model) else None


def literal(text: str) -> str:
    """Python source of a string: raw and readable where that is exact."""
    raw = f"r'''{text}'''"
    try:
        if ast.literal_eval(raw) == text:
            return raw
    except (SyntaxError, ValueError):
        pass
    return repr(text)


def _model(source: str) -> ast.ClassDef | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Model"]
    return found[0] if len(found) == 1 else None


def _method(model: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((node for node in model.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _arguments(function: ast.FunctionDef | None) -> list[str] | None:
    """Names of the plain parameters after self; None when there are others."""
    if function is None or function.args.vararg or function.args.kwarg or function.args.kwonlyargs:
        return None
    return [argument.arg for argument in function.args.args[1:]]


def _takes_fn(model: ast.ClassDef, functional: ast.ClassDef) -> bool:
    """Whether the functional form is called and made as the model is, with `fn` besides."""
    called, inner = _arguments(_method(model, "forward")), _arguments(_method(functional, "forward"))
    if called is None or inner is None or "fn" not in inner or len(inner) - 1 != len(called):
        return False
    made, inner_made = _method(model, "__init__"), _method(functional, "__init__")
    if made is None or inner_made is None:
        return made is inner_made
    return len(_arguments(made) or ()) == len(_arguments(inner_made) or ())


def _stateless(model: ast.ClassDef) -> bool:
    """Whether a model is made of nothing: no settings, no parameters, only `super().__init__()`."""
    made = _method(model, "__init__")
    forward = _arguments(_method(model, "forward"))
    if forward is None or any(isinstance(node, ast.Assign | ast.AnnAssign) for node in model.body):
        return False
    if made is None:
        return True
    if _arguments(made) != []:
        return False
    body = [node for node in made.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return all(_is_super_init(node) or isinstance(node, ast.Pass) for node in body)


def _is_super_init(node: ast.stmt) -> bool:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    function = node.value.func
    inner = function.value if isinstance(function, ast.Attribute) and function.attr == "__init__" else None
    return isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "super"
