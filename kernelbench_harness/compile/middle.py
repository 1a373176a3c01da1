"""Some of the real headers: what a source needs of ATen in place of all of it.

torch/extension.h, torch/torch.h, torch/all.h and ATen/ATen.h are replaced by shorter ones that include the real headers
for tensors, the real torch/types.h, the real bindings, and of ATen/ops those that the source names. A unit with
torch/types.h costs nvcc 23 CPU seconds so, against 47 with all of it and 75 with torch/extension.h.

Every declaration here is a real one, so what is accepted is accepted by all of the headers too, but for a name of the
candidate's own that only the rest of them declares: `clash` finds those. A refusal counts only when it is proven.
"""

from __future__ import annotations

from pathlib import Path

from kernelbench_harness.compile.guards import includes
from kernelbench_harness.compile.job import Job, Parsed
from kernelbench_harness.compile.tokens import declared_names, words

PER_OPERATOR = "-DAT_PER_OPERATOR_HEADERS"
"""torch's own macro: its factories then include the headers of the operators that they call."""
_WHOLE = {"torch/extension.h", "torch/torch.h", "torch/all.h", "torch/types.h"}
_TENSORS = (
    "ATen/core/Tensor.h ATen/Tensor.h ATen/Dispatch.h ATen/Device.h ATen/DeviceGuard.h ATen/ScalarOps.h "
    "ATen/TensorOperators.h ATen/core/Reduction.h ATen/core/Scalar.h c10/core/TensorOptions.h c10/core/Layout.h "
    "c10/core/Storage.h c10/core/InferenceMode.h c10/util/Exception.h c10/util/Optional.h"
).split()
_MACROS = frozenset({"PYBIND11_MODULE"})
"""What stands where a declaration does and is the same real macro here as there."""
_BINDINGS = "torch/types.h torch/csrc/utils/pybind.h torch/csrc/Exceptions.h torch/csrc/DynamicTypes.h".split()


def fits(parsed: Parsed) -> bool:
    """Whether a unit asks for torch by the headers that are replaced here."""
    asked = set(includes(parsed.tokens))
    return bool(asked & _WHOLE) and not any(name.startswith("torch/") for name in asked - _WHOLE)


def clash(job: Job, parsed: Parsed) -> str:
    """A name that the unit declares and the real headers declare at global level, or ""."""
    outside, depth = [], 0
    for token in parsed.tokens:  # parameters and arguments declare nothing at this level
        depth += token.text == "("
        if depth == 0 or (depth == 1 and token.text == "("):
            outside.append(token)
        depth -= token.text == ")"
    own = (declared_names(outside) - _MACROS) & job.names.stock_global
    return f"an own {min(own)}" if own else ""


def folder(job: Job) -> Path:
    """The shorter headers, in the folder of the build, for the words of all its units."""
    place = job.work / "middle"
    if place.exists():
        return place
    real = job.tools.torch / "include"
    named = sorted(set().union(*(words(parsed.tokens) for parsed in job.units)))
    operators = [f"ATen/ops/{name}.h" for name in named if (real / "ATen" / "ops" / f"{name}.h").exists()]
    # An operator named `x_` or `x_out` is declared beside `x`.
    operators += [
        f"ATen/ops/{name.removesuffix('_out').rstrip('_')}.h"
        for name in named
        if name.endswith(("_", "_out")) and (real / "ATen/ops" / f"{name.removesuffix('_out').rstrip('_')}.h").exists()
    ]
    texts = {
        "ATen/ATen.h": [name for name in _TENSORS if (real / name).exists()] + operators,
        "torch/library.h": [],
        "torch/all.h": ["torch/types.h"],
        "torch/torch.h": _BINDINGS,
        "torch/extension.h": _BINDINGS,
    }
    for name, held in texts.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("#pragma once\n" + "".join(f"#include <{header}>\n" for header in held))
    return place
