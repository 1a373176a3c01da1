"""Mistakes that only a device has: launch geometry, bounds of threads, masks, qualifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from kernelbench_harness.corpus.mistakes.base import (
    Mistake,
    at_matches,
    at_sites,
    drop_line,
    first_of,
    use_alternative,
)
from kernelbench_harness.corpus.text import Draft, Edit

_HOST_LINES = (
    "auto stream = at::cuda::getCurrentCUDAStream();",
    "curandGenerator_t generator = nullptr;",
    "cudnnHandle_t handle = nullptr;",
    "cufftHandle plan = 0;",
)
"""Host code whose header authors forget: neither torch/extension.h nor cuda_runtime.h has it."""
_DEVICE_LINES = (
    "auto block = cooperative_groups::this_thread_block();",
    "curandState state;",
    "thrust::device_vector<float> scratch(4);",
)
"""Device code whose header authors forget."""


def _before(kind: str, lines: tuple[str, ...]) -> Callable[[Draft, Random], Edit | None]:
    """A mistake that puts one of `lines` before the line of a site, as deep as that is."""

    def plant(draft: Draft, rng: Random) -> Edit | None:
        sites = draft.of(kind)
        if not sites:
            return None
        start, end = draft.line_span(rng.choice(sites).start)
        line = draft.text[start:end]
        pad = line[: len(line) - len(line.lstrip())]
        return Edit(start, start, f"{pad}{rng.choice(lines)}\n")

    return plant


def _builtin(match: re.Match[str], rng: Random) -> str:
    """A thread's coordinate under a name that CUDA does not have."""
    builtin, axis = match.group(1), match.group(2)
    ways = {
        "threadIdx": ("threadId", "threadidx", "thread_idx"),
        "blockIdx": ("blockId", "blockidx", "block_idx"),
        "blockDim": ("blockSize", "blockdim", "block_dim"),
    }
    return rng.choice((*(f"{way}.{axis}" for way in ways[builtin]), f"{builtin}[0]", f"{builtin}.X"))


def _launch(match: re.Match[str], rng: Random) -> str:
    """A launch whose brackets or arguments are not what nvcc reads."""
    grid, block = match.group(1), match.group(2)
    return rng.choice((f"<<{grid}, {block}>>(", f"<<<{grid} {block}>>>(", f"<<<{grid}, {block}>>(", f"<<<{grid}>>>("))


_block_too_large = at_matches(
    r"(int \w+ = )(64|128|256|512);", lambda match, rng: f"{match.group(1)}{rng.choice((2048, 4096, 1536))};"
)

DEVICES: tuple[Mistake, ...] = (
    Mistake("missing_qualifier", "compile", at_sites("device", change=lambda old, site, rng: ""), 1.0, ("cuda",)),
    Mistake("builtin_name", "compile", at_matches(r"\b(threadIdx|blockIdx|blockDim)\.(x)", _builtin), 1.5, ("cuda",)),
    Mistake("launch_syntax", "compile", at_matches(r"<<<(\w+), (\w+)>>>\(", _launch), 1.5, ("cuda",)),
    Mistake(
        "kernel_returns",
        "compile",
        at_matches(r"__global__ void", lambda match, rng: rng.choice(("__global__ float", "__global__ int"))),
        0.5,
        ("cuda",),
    ),
    Mistake("missing_host_header", "compile", _before("call", _HOST_LINES), 1.5, ("cuda",)),
    Mistake("missing_device_header", "compile", _before("bound_check", _DEVICE_LINES), 1.5, ("cuda",)),
    Mistake("block_too_large", "runtime", _block_too_large, 1.0, ("cuda",)),
    Mistake("missing_bound_check", "runtime", drop_line("bound_check"), 1.0, ("cuda",)),
    Mistake(
        "thread_index",
        "value",
        at_sites(
            "thread",
            change=lambda old, site, rng: rng.choice(
                ("threadIdx.x", "blockIdx.x * 32 + threadIdx.x", "blockIdx.x + threadIdx.x")
            ),
        ),
        1.0,
        ("cuda",),
    ),
    Mistake("short_grid", "value", use_alternative("launch"), 1.2, ("cuda", "triton")),
    Mistake("missing_mask", "runtime", at_sites("mask", change=lambda old, site, rng: "mask=None"), 1.0, ("triton",)),
    Mistake(
        "triton_api",
        "compile",
        at_sites(
            "function",
            "extremum",
            change=lambda old, site, rng: {"tl.maximum": "tl.max", "tl.minimum": "tl.min", "tl.load": "tl.get"}.get(
                old, old.replace("tl.", "torch.")
            ),
        ),
        1.5,
        ("triton",),
    ),
    Mistake(
        "triton_undeclared", "compile", at_sites("use", change=lambda old, site, rng: f"{old}_dim"), 1.5, ("triton",)
    ),
    Mistake(
        "triton_arguments",
        "runtime",
        at_sites("arguments", change=lambda old, site, rng: old.rpartition(", ")[0] or None),
        1.0,
        ("triton",),
    ),
    Mistake("triton_bound", "value", at_sites("bound", change=lambda old, site, rng: f"{old} - 1"), 1.5, ("triton",)),
    Mistake(
        "triton_operator",
        "value",
        at_sites(
            "operator",
            "compare",
            change=lambda old, site, rng: {"+": "-", "*": "+", "/": "*", ">": "<", "<": ">"}.get(old),
        ),
        1.5,
        ("triton",),
    ),
    Mistake(
        "triton_shape",
        "shape",
        first_of(use_alternative("shape"), at_sites("returned", change=lambda old, site, rng: f"{old}.unsqueeze(0)")),
        1.0,
        ("triton",),
    ),
)
