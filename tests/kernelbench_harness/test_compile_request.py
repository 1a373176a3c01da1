"""Requests: what torch would have written, JSON from a hostile process, flags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kernelbench_harness.compile.build import build
from kernelbench_harness.compile.capture import open_module, pairs
from kernelbench_harness.compile.request import MAX_SOURCE, CompileRequest, CompileResult, split
from kernelbench_harness.errors import RequestError


@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("functions", ["f", ["f", "g"], {"f": "does f"}, None])
def test_main_cpp_is_what_load_inline_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, functions: Any, safe: bool
) -> None:
    import torch.utils.cpp_extension as cpp_extension

    monkeypatch.setattr(cpp_extension, "_jit_compile", lambda *args, **kwargs: None)
    sources = ["int a;", "int f(); int g();"]
    cpp_extension.load_inline(
        "ext", list(sources), functions=functions, build_directory=str(tmp_path), with_pytorch_error_handling=safe
    )
    request = CompileRequest("ext", tuple(sources), pairs(functions), with_pytorch_error_handling=safe)
    assert request.main_cpp() == (tmp_path / "main.cpp").read_text()


def test_functions_of_another_type_are_refused_as_torch_does() -> None:
    with pytest.raises(ValueError, match="list or dict"):
        pairs(("f",))  # a tuple is neither to torch


def test_round_trip() -> None:
    request = CompileRequest("ext", ("int f();",), (("f", "doc"),), ("-O3",), cuda_sources=(), with_cuda=None)
    assert CompileRequest.from_json(request.to_json()) == request
    bare = CompileRequest("ext", ("int f();",))
    assert CompileRequest.from_json(bare.to_json()) == bare
    result = CompileResult(False, None, "shim", "shim", "main.cpp:1: error: no", "main.cpp:1: error: no")
    assert CompileResult.from_json(result.to_json()) == result


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"name": "x"}',
        '{"name": 3, "cpp_sources": []}',
        '{"name": "../x", "cpp_sources": []}',
        '{"name": "a b", "cpp_sources": []}',
        '{"name": "x", "cpp_sources": "int"}',
        '{"name": "x", "cpp_sources": [1]}',
        '{"name": "x", "cpp_sources": [], "functions": [["f"]]}',
        '{"name": "x", "cpp_sources": [], "functions": [[1, 2]]}',
        '{"name": "x", "cpp_sources": [], "other": 1}',
        '{"name": "x", "cpp_sources": [], "with_cuda": {}}',
        "[" * 100_000,
        json.dumps({"name": "x", "cpp_sources": ["a" * (MAX_SOURCE + 1)]}),
        json.dumps({"name": "x", "cpp_sources": ["a"] * 1000}),
    ],
)
def test_malformed_requests_are_one_error(text: str) -> None:
    with pytest.raises(RequestError):
        CompileRequest.from_json(text)


def test_impossible_results_cannot_be_built() -> None:
    with pytest.raises(ValueError):
        CompileResult(True, None, "shim", "shim")
    with pytest.raises(ValueError):
        CompileResult(False, None, "shim", "shim")


def test_flags_split_as_the_shell_would() -> None:
    assert split(("-O3 -march=native", " -fopenmp")) == ["-O3", "-march=native", "-fopenmp"]
    with pytest.raises(RequestError, match="shell"):
        split(("-DX=$(id)",))


@pytest.mark.parametrize("flag", ["-o /tmp/x", "-fplugin=evil.so", "@flags", "-wrapper sh", "-O3; touch x"])
def test_flags_that_redirect_the_compiler_are_a_failed_build(tmp_path: Path, flag: str) -> None:
    result = build(CompileRequest("ext", ("",), extra_cflags=(flag,)), cache_dir=tmp_path)
    assert not result.ok
    assert "flag" in result.first_error
    assert not list(tmp_path.iterdir())


def test_a_failed_build_raises_as_torch_does() -> None:
    failed = CompileResult(False, None, "shim", "shim", "main.cpp:1: error: no", "main.cpp:1: error: no")
    with pytest.raises(RuntimeError, match="Error building extension 'ext'"):
        open_module(CompileRequest("ext", ("",)), failed)
