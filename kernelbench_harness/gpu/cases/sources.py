"""The module around a CUDA text, and the texts: each holds several functions, so that all cases together cost few
compilations."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_MODULE = """import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

CUDA = r'''
#include <torch/extension.h>
#include <cuda_runtime.h>
{source}
'''
built = load_inline(name="{name}", cpp_sources={declared!r}, cuda_sources=CUDA, functions={functions!r})
{before}

class ModelNew(nn.Module):
{init}    def forward(self, {arguments}):
        {forward}
"""
HIDDEN = """
def M(name):
    import importlib
    return getattr(importlib, "".join(["import_", "module"]))("".join(name))
S = setattr
"""
"""An import and a setattr that the static stage cannot follow: what it would refuse must be seen when it runs, too."""


@cache
def text(name: str) -> str:
    """One of the CUDA texts beside this file: act, wrong, faults, sums, products."""
    return (Path(__file__).parent / f"{name}.cu").read_text(encoding="utf-8")


def module(
    source: str, forward: str, *, before: str = "", init: str = "", arguments: str = "x", name: str = "gpu_case"
) -> str:
    """A candidate that compiles `source` and whose forward has these lines; every host function of it is bound."""
    heads = re.findall(r"^(torch::Tensor (\w+)\([^)]*\)) *\{", source, re.M)
    return _MODULE.format(
        source=source.strip("\n"),
        name=name,
        declared="\n".join(f"{head};" for head, _ in heads),
        functions=[function for _, function in heads],
        before=before,
        init=init,
        arguments=arguments,
        forward=forward.replace("\n", "\n        "),
    )
