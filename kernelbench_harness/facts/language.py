"""In which language a candidate is written, told from its text alone."""

from __future__ import annotations

import re

_RAW = re.compile(r"^\s*#\s*include\b|\b__global__\b", re.M)
_PYTHON = re.compile(r"^(?:import|from)\s+\w|^class\s+\w+\s*\(.*\)\s*:|^def\s+\w+\s*\(", re.M)
_TRITON = re.compile(r"^\s*@(?:triton\.)?jit\b|^\s*@triton\.", re.M)


def language_of(candidate: str) -> str:
    """cuda, triton or cpp (plain torch counts as cpp)."""
    if "triton" in candidate and _TRITON.search(candidate):
        return "triton"
    if "cuda_sources" in candidate or "__global__" in candidate or is_raw(candidate):
        return "cuda"
    return "cpp"


def is_raw(candidate: str) -> bool:
    """Whether a candidate is a .cu or .cpp file and no Python."""
    return bool(_RAW.search(candidate)) and not _PYTHON.search(candidate)
