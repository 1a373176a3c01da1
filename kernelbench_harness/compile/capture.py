"""load_inline and load in the candidate's process: the arguments go out as a request, a module comes back.

`install` replaces the functions where torch keeps them, so it must run before the candidate is imported. Errors are
raised as torch raises them. Guarantees nothing about a candidate that looks for the original: without a compiler and
without the right to start processes it can do nothing with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from kernelbench_harness.compile.load import load_shim, load_stock
from kernelbench_harness.compile.request import CompileRequest, CompileResult
from kernelbench_harness.compile.sources import read_sources

Send = Callable[[CompileRequest], CompileResult]


def install(send: Send, send_stock: Send | None = None) -> None:
    """Replaces load_inline and load; `send` answers a request from outside.

    `send_stock` asks for the real headers' library; without it a tensor that cannot cross raises RuntimeError.
    """
    import torch.utils.cpp_extension as cpp_extension

    loaded: dict[str, ModuleType] = {}

    def once(request: CompileRequest) -> Any:
        """The module of a request; the same request has one module, as torch's versioner has it."""
        key = request.to_json()
        if key not in loaded:
            loaded[key] = open_module(request, send(request), send_stock)
        return loaded[key]

    for name, ours in (("load_inline", _load_inline(once)), ("load", _load(once))):
        setattr(cpp_extension, name, ours)


def _load_inline(once: Callable[[CompileRequest], Any]) -> Callable[..., Any]:
    """torch's load_inline, its arguments to the letter."""

    def load_inline(
        name: str,
        cpp_sources: str | Sequence[str],
        cuda_sources: str | Sequence[str] | None = None,
        sycl_sources: str | Sequence[str] | None = None,
        functions: str | Sequence[str] | Mapping[str, str] | None = None,
        extra_cflags: Sequence[str] | None = None,
        extra_cuda_cflags: Sequence[str] | None = None,
        extra_sycl_cflags: Sequence[str] | None = None,
        extra_ldflags: Sequence[str] | None = None,
        extra_include_paths: Sequence[str] | None = None,
        build_directory: str | None = None,
        verbose: bool = False,
        with_cuda: bool | None = None,
        with_sycl: bool | None = None,
        is_python_module: bool = True,
        with_pytorch_error_handling: bool = True,
        keep_intermediates: bool = True,
        use_pch: bool = False,
        no_implicit_headers: bool = False,
    ) -> Any:
        if sycl_sources or with_sycl:
            raise RuntimeError("load_inline: SYCL sources are not compiled here")
        request = CompileRequest(
            name=name,
            cpp_sources=_strings(cpp_sources),
            functions=pairs(functions),
            extra_cflags=_strings(extra_cflags),
            extra_ldflags=_strings(extra_ldflags),
            extra_include_paths=_strings(extra_include_paths),
            cuda_sources=_strings(cuda_sources),
            extra_cuda_cflags=_strings(extra_cuda_cflags),
            with_cuda=with_cuda,
            with_pytorch_error_handling=bool(with_pytorch_error_handling),
            is_python_module=bool(is_python_module),
            no_implicit_headers=bool(no_implicit_headers),
        )
        return once(request)

    return load_inline


def _load(once: Callable[[CompileRequest], Any]) -> Callable[..., Any]:
    """torch's load; the files are read here, in the candidate's process."""

    def load(
        name: str,
        sources: str | Sequence[str],
        extra_cflags: Sequence[str] | None = None,
        extra_cuda_cflags: Sequence[str] | None = None,
        extra_sycl_cflags: Sequence[str] | None = None,
        extra_ldflags: Sequence[str] | None = None,
        extra_include_paths: Sequence[str] | None = None,
        build_directory: str | None = None,
        verbose: bool = False,
        with_cuda: bool | None = None,
        with_sycl: bool | None = None,
        is_python_module: bool = True,
        is_standalone: bool = False,
        keep_intermediates: bool = True,
    ) -> Any:
        if is_standalone or with_sycl:
            raise RuntimeError("load: standalone programs and SYCL sources are not compiled here")
        request = CompileRequest(
            name=name,
            cpp_sources=(),
            files=read_sources(sources),
            extra_cflags=_strings(extra_cflags),
            extra_cuda_cflags=_strings(extra_cuda_cflags),
            extra_ldflags=_strings(extra_ldflags),
            extra_include_paths=_strings(extra_include_paths),
            with_cuda=with_cuda,
            is_python_module=bool(is_python_module),
        )
        return once(request)

    return load


def open_module(request: CompileRequest, result: CompileResult, send_stock: Send | None = None) -> Any:
    """The module of a result; raises RuntimeError as torch does when it failed, ImportError when it does not load."""
    if not result.ok or result.library is None:
        if result.stage == "link":
            raise ImportError(f"{request.name}: {result.first_error}")
        raise RuntimeError(f"Error building extension '{request.name}': {result.error}")
    if not request.is_python_module:
        import torch

        torch.ops.load_library(result.library)
        return result.library
    if result.kind == "stock":
        return load_stock(result.library, request.name)
    if send_stock is None:
        return load_shim(result.library, request.name)

    def fallback() -> ModuleType:
        assert send_stock is not None
        return open_module(request, send_stock(request))

    return load_shim(result.library, request.name, fallback)


def pairs(functions: str | Sequence[str] | Mapping[str, str] | None) -> tuple[tuple[str, str], ...] | None:
    """load_inline's `functions` as (name, docstring) pairs; ValueError for another type, as torch."""
    if functions is None:
        return None
    if isinstance(functions, str):
        functions = [functions]
    if isinstance(functions, list):
        functions = {name: name for name in functions}
    if not isinstance(functions, dict):
        raise ValueError(f"Expected 'functions' to be a list or dict, but was {type(functions)}")
    return tuple((str(name), str(doc)) for name, doc in functions.items())


def _strings(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(item) for item in value)
