"""CUDA requests: what torch would write, nvcc's words and proofs, flags, lacking toolkits, compiled sets."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kernelbench_harness.compile import (
    diagnostics,
    flags,
    front_end_errors,
    guards,
    independent,
    middle,
    names,
    objects,
)
from kernelbench_harness.compile.build import build, toolchain
from kernelbench_harness.compile.diagnostics import Diagnostic
from kernelbench_harness.compile.front_end import front_end
from kernelbench_harness.compile.job import Parsed
from kernelbench_harness.compile.nvcc import Nvcc, find_nvcc, missing_header
from kernelbench_harness.compile.request import CompileRequest, CompileResult, Unit
from kernelbench_harness.compile.sources import read_sources
from kernelbench_harness.compile.tokens import tokenize
from kernelbench_harness.errors import HarnessError, RequestError, ToolchainError

STOCK = """
struct _object { int digit; };
namespace c10 { class Half {}; float powi(float x); }
namespace at { class Tensor { int sum(); }; Tensor relu(const Tensor& self); int k; }
int visitproc;
"""
SHIM = "namespace at { class Tensor {}; }\n"
NAMES = names.compare(names.read(STOCK.splitlines(True)), names.read(SHIM.splitlines(True)))


@pytest.mark.parametrize("implicit", [True, False])
def test_the_sources_are_what_load_inline_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    import torch.utils.cpp_extension as cpp_extension

    monkeypatch.setattr(cpp_extension, "_jit_compile", lambda *args, **kwargs: None)
    cpp, cuda = ["int a;"], ["__global__ void k() {}", "int b;"]
    cpp_extension.load_inline(
        "ext", list(cpp), list(cuda), functions=["f"], build_directory=str(tmp_path), no_implicit_headers=not implicit
    )
    request = CompileRequest(
        "ext", tuple(cpp), (("f", "f"),), cuda_sources=tuple(cuda), no_implicit_headers=not implicit
    )
    for unit in request.units:
        assert unit.text == (tmp_path / unit.name).read_text()
    assert [unit.stage for unit in request.units] == ["host_compile", "device_compile"]


def test_nvcc_gets_the_flags_that_torch_gives_it() -> None:
    import torch.utils.cpp_extension as cpp_extension

    request = CompileRequest("ext", ("",), cuda_sources=("",), extra_cuda_cflags=("-O3 --use_fast_math",))
    given = flags.device_flags(request, "-std=c++20", "sm_90")
    assert given[: len(cpp_extension.COMMON_NVCC_FLAGS)] == cpp_extension.COMMON_NVCC_FLAGS
    assert given[len(cpp_extension.COMMON_NVCC_FLAGS) :] == [
        "-gencode=arch=compute_90,code=sm_90", "--compiler-options", "-fPIC", "-O3", "--use_fast_math", "-std=c++20"
    ]  # fmt: skip
    own = replace(request, extra_cuda_cflags=("-arch=sm_80", "-std=c++17"))
    assert flags.device_flags(own, "-std=c++20", "sm_90")[-2:] == ["-arch=sm_80", "-std=c++17"]
    assert not any("gencode" in flag for flag in flags.device_flags(own, "-std=c++20", "sm_90"))


@pytest.mark.parametrize(
    ("given", "refused", "shim"),
    [
        (("-O3", "--use_fast_math", "-lineinfo", "-Xptxas -v", "-Xptxas=-O3,-dlcm=ca"), False, True),
        (("-U__CUDA_NO_HALF_OPERATORS__", "--expt-extended-lambda", "--maxrregcount=64"), False, True),
        (("-gencode=arch=compute_80,code=sm_80", "-arch sm_90a", "-Xcompiler -O3,-ffast-math"), False, True),
        (("-std=c++17",), False, False),
        (("-include", "x.h"), False, False),
        (("-DTORCH_THING",), False, False),
        (("-Xcompiler", "-fplugin=evil.so"), True, False),
        (("-o", "/tmp/x"), True, False),
        (("--output-file=/tmp/x",), True, False),
        (("-Xptxas", "-o,/tmp/x"), True, False),
        (("-ccbin=sh",), True, False),
        (("--options-file", "x"), True, False),
        (("-Xcudafe", "--gen_c_file_name=/tmp/x"), True, False),
        (("--keep",), True, False),
        (("-O3; id",), True, False),
    ],
)
def test_flags_of_nvcc(given: tuple[str, ...], refused: bool, shim: bool) -> None:
    request = CompileRequest("ext", ("",), cuda_sources=("",), extra_cuda_cflags=given)
    assert bool(flags.refused(request)) is refused
    if not refused:
        assert (not flags.cuda_reason(request, "-std=c++20")) is shim


def test_load_takes_files_with_the_headers_beside_them(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.cpp").write_text('#include "sub/a.h"\n#include "../../etc/passwd"\n')
    (tmp_path / "sub/a.h").write_text('#include "b.h"\n')
    (tmp_path / "sub/b.h").write_text("int b;\n")
    (tmp_path / "a.cu").write_text('#include "none.h"\n')
    units = read_sources([str(tmp_path / "a.cu"), str(tmp_path / "a.cpp")])
    request = CompileRequest("ext", (), files=units)
    assert [unit.name for unit in request.units] == ["a.cpp", "a.cu"]
    assert {unit.name for unit in request.headers} == {"sub/a.h", "sub/b.h"}
    assert [unit.object for unit in request.units] == ["a.o", "a.cuda.o"]
    assert request.needs_cuda
    assert CompileRequest.from_json(request.to_json()) == request
    with pytest.raises(RuntimeError, match="neither"):
        read_sources(str(tmp_path / "sub/b.h"))
    with pytest.raises(RuntimeError, match="No such file"):
        read_sources(str(tmp_path / "absent.cu"))


@pytest.mark.parametrize(
    "files",
    [
        [{"name": "../a.cu", "text": "", "language": "cuda"}],
        [{"name": "/a.cu", "text": "", "language": "cuda"}],
        [{"name": "a.cu", "text": 3, "language": "cuda"}],
        [{"name": "a.cu", "text": "", "language": "sycl"}],
        [{"name": "a.cu", "text": "", "language": ["cuda"]}],
        [{"name": "a.cu", "text": "", "language": "cuda", "more": 1}],
        [{"name": "a.cu", "text": "", "language": "cuda"}] * 2,
        [{"name": "a.h", "text": "", "language": "header"}],
        ["a.cu"],
        {"a.cu": ""},
    ],
)
def test_malformed_files_are_one_error(files: Any) -> None:
    with pytest.raises(RequestError):
        CompileRequest.from_json(json.dumps({"name": "x", "cpp_sources": [], "files": files}))


OUTPUT = """cuda.cu(5): warning #940-D: missing return statement at end of non-void function "f"
  int f(){ }
           ^

/tmp/w/cuda.cu(7): error: no instance of function template "own" matches the argument list
            argument types are: (int, float *)
  own(1, x);
  ^

1 error detected in the compilation of "cuda.cu".
"""


def test_every_voice_of_nvcc_is_understood() -> None:
    first = diagnostics.errors(OUTPUT)[0]
    assert (first.line, first.column, first.voice) == (7, 3, "front end")
    assert first.more == "argument types are: (int, float *)"
    assert diagnostics.first_line(OUTPUT).startswith("cuda.cu:7: error: no instance of function template")
    ptxas = "ptxas error   : Entry function '_Z1kPf' uses too much shared data (0x1d4c0 bytes, 0xc000 max)\n"
    assert diagnostics.errors(ptxas)[0].voice == "assembler"
    assert diagnostics.first_line(ptxas).startswith("ptxas: Entry function '_Z1kPf' uses too much")
    asm = "ptxas /tmp/tmpxft_00001eae_00000000-6_t.ptx, line 35; error   : Not a name of any known instruction: 'x'\n"
    assert diagnostics.first_line(asm) == "ptxas: Not a name of any known instruction: 'x'"
    assert "00001eae" not in diagnostics.clean(asm)
    end = 'At end of source: error: expected a "}"\n'
    assert diagnostics.first_line(end) == 'At end of source: error: expected a "}"'
    driver = "nvcc fatal   : Unsupported gpu architecture 'compute_30'\n"
    assert diagnostics.first_line(driver) == "nvcc: Unsupported gpu architecture 'compute_30'"


KERNEL = "__global__ void k(const float* x, int n) { %s }\nTensor go(Tensor t) { %s }"
PROOFS = [
    ('identifier "foo" is undefined', "", "", True),
    ('identifier "visitproc" is undefined', "", "", False),
    ('identifier "relu" is undefined', "", "relu(t);", False),
    ('identifier "cublasCreate" is undefined', "", "", False),
    ('namespace "torch" has no member "relu"', "", "", False),
    ('namespace "torch" has no member "rellu"', "", "", True),
    ('class "at::Tensor" has no member "sum"', "", "", False),
    ('class "at::Tensor" has no member "summ"', "", "", True),
    ('expected a ";"', "x[0] = 1", "", True),
    ('expected a ";"', "visitproc", "", False),
    ("expression must be a modifiable lvalue", "x[n] = 1;", "", True),
    ("expression must be a modifiable lvalue", "t[n] = 1;", "", False),
    ("expression must be a modifiable lvalue", "auto y = x; y[0] = 1;", "", False),
    ('a value of type "float *" cannot be used to initialize an entity of type "float"', "", "", True),
    ('a value of type "at::Tensor" cannot be used to initialize an entity of type "float"', "", "", False),
    ('argument of type "__half *" is incompatible with parameter of type "float"', "", "", True),
    ('no suitable conversion function from "const at::Tensor" to "const float *" exists', "", "", True),
    ('no suitable conversion function from "at::Tensor" to "c10::Scalar" exists', "", "", False),
    ('no suitable conversion function from "at::Device" to "float *" exists', "", "", False),
    ('class "uint3" has no member "X"', "", "", True),
    ("a __global__ function must have a void return type", "", "", True),
    ("a __global__ function must have a void return type", "visitproc p;", "", False),
    ('"a" has already been declared in the current scope', "int a; int a;", "", True),
    ('"a" has already been declared in the current scope', "visitproc a; int a;", "", False),
    ("a host function call cannot be configured", "go<<<1, 1>>>(t.sum());", "", True),
    ("a host function call cannot be configured", "relu<<<1, 1>>>(t.sum());", "", False),
    ("expression must have integral or unscoped enum type", "go<<1, 1>>>(t.sum());", "", True),
    ("expression must have integral or unscoped enum type", "relu<<1;", "", False),
    ('argument of type "size_t" (aka "unsigned long") is incompatible with parameter of type "float *"', "", "", True),
    ('no instance of overloaded function "std::min" matches the argument list', "", "", False),
    ('calling a __host__ function("std::sqrt<int>(int)") from a __global__ function("k") is not allowed', "", "", True),
    ('calling a __host__ function("at::relu") from a __global__ function("k") is not allowed', "", "", False),
    ('calling a __host__ function("c10::powi") from a __global__ function("k") is not allowed', "", "", False),
    ('function "go" has already been defined (previous definition at line 1)', "", "", True),
    ('more than one instance of overloaded function "go" matches', "", "", False),
]


@pytest.mark.parametrize(("message", "kernel", "host", "proven"), PROOFS)
def test_proofs_for_the_front_end(message: str, kernel: str, host: str, proven: bool) -> None:
    source = independent.Source(tokenize(KERNEL % (kernel, host)), NAMES, "cuda.cu")
    error = Diagnostic("cuda.cu", 1, 1, message, "front end")
    assert bool(independent.proof(error, source)) is proven


@pytest.mark.parametrize(
    ("kernel", "proven"),
    [
        ("x[n] = visitproc;", True),
        ("n[x] = visitproc;", False),
        ("float* x = at::k; x[n] = 1;", False),
        ("const float y = visitproc; y += visitproc;", True),
        ("float y = visitproc; y += visitproc;", False),
        ("float y = 2 * x[0]; x[n] = visitproc;", True),
    ],
)
def test_a_write_through_const_needs_no_look_at_what_is_written(kernel: str, proven: bool) -> None:
    text = KERNEL % (kernel, "")
    column = text.index(kernel) + len(kernel) - len(kernel.rsplit("; ", maxsplit=1)[-1]) + 1
    error = Diagnostic("cuda.cu", 1, column, "expression must be a modifiable lvalue", "front end", shown=text)
    source = independent.Source(tokenize(text), NAMES, "cuda.cu")
    assert bool(independent.proof(error, source)) is proven


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def(0); }\nint own(int a) { return visitproc; }", ""),
        ("int visitproc(int a) { return a; }", "an own visitproc"),
        ("namespace mine { int visitproc(int a); }", "an own visitproc"),
    ],
)
def test_a_name_of_its_own_that_the_rest_declares_keeps_a_unit_from_the_middle(text: str, why: str) -> None:
    stock = names.read(f"#define PYBIND11_MODULE(name, m) int name()\n{STOCK}".splitlines(True))
    job = SimpleNamespace(names=names.compare(stock, names.read(SHIM.splitlines(True))))
    assert middle.clash(cast(Any, job), Parsed(Unit("cuda.cu", text, "cuda"), tokenize(text))) == why


def test_what_no_included_header_brings_is_declared_nowhere(tmp_path: Path) -> None:
    error = Diagnostic("cuda.cu", 1, 1, 'namespace "at" has no member "relu"', "front end")
    source = independent.Source(tokenize("int a;"), NAMES, "cuda.cu")
    assert not independent.proof(error, source)
    assert independent.proof(error, replace(source, hidden=frozenset({"relu"})))


UNMODIFIABLE = "expression must be a modifiable lvalue"
BASE = "class TORCH_API TensorBase {{\n{}}};\nIntArrayRef sizes(const TensorBase& t);\n"
BODY = "class TORCH_API Tensor: public TensorBase {{\n{}}};\n"


def _with_tensor(folder: Path, base: str, body: str, text: str) -> independent.Source:
    (folder / "ATen/core").mkdir(parents=True)
    (folder / "ATen/core/TensorBase.h").write_text(BASE.format(base))
    (folder / "ATen/core/TensorBody.h").write_text(BODY.format(body))
    return independent.Source(tokenize(text), NAMES, "cuda.cu", (folder,))


def test_the_members_of_a_tensor_are_read_from_its_headers(tmp_path: Path) -> None:
    base = "int64_t numel() const { return impl_->get(); } // no shape()\n"
    source = _with_tensor(tmp_path, base, "Tensor sum(int length) const;\n", "int a;")
    wanted = {"numel": False, "sum": False, "shape": True, "length": True, "get": True}
    for name, proven in wanted.items():
        error = Diagnostic("cuda.cu", 1, 1, f'class "at::Tensor" has no member "{name}"', "front end")
        assert bool(independent.proof(error, source)) is proven, name


@pytest.mark.parametrize(
    ("head", "shown", "proven"),
    [
        ("torch::Tensor x", "int n = x.sizes(1);", True),
        ("const at::Tensor& x", "int n = x.sizes(1);", True),
        ("torch::Tensor x", "int n = x.size(0, 1);", False),
        ("Mine x", "int n = x.sizes(1);", False),
        ("mine::Tensor x", "int n = x.sizes(1);", False),
        ("torch::Tensor y", "auto x = y.contiguous(); int n = x.sizes(1);", True),
        ("torch::Tensor y", "auto x = torch::empty_like(y); int n = x.sizes(1);", True),
        ("torch::Tensor y", "auto x = y.accessor(); int n = x.sizes(1);", False),
        ("torch::Tensor x", "Mine x; int n = x.sizes(1);", False),
    ],
)
def test_a_tensors_member_without_arguments_takes_none(tmp_path: Path, head: str, shown: str, proven: bool) -> None:
    text = f"int f({head}) {{\n{shown}\n}}\n"
    base = "IntArrayRef sizes() const { return impl_->sizes(); }\nint64_t size(int64_t dim) const;\n"
    source = _with_tensor(tmp_path, base, "int dim();\n", text)
    error = Diagnostic("cuda.cu", 2, shown.rindex(")"), "too many arguments in function call", "front end", shown=shown)
    assert bool(independent.proof(error, source)) is proven


@pytest.mark.parametrize(
    ("text", "line", "message", "proven"),
    [
        ("int k(float* y, int i) { y[i * 2 = 3; }", 1, "expression must be a modifiable lvalue", True),
        ("int k(float* y, Mine i) { y[i * 2] = 3; }", 1, "expression must be a modifiable lvalue", False),
        ("int k(int a) { return f((a); }", 1, 'expected a ")"', True),
        ("#define OPEN (\nint k(int a) { return f OPEN (a); }", 2, "any message", False),
        ("#define TWICE(x) (2 * (x))\nint k(int a) { return TWICE(a; }", 2, "any message", True),
        ("#if 1\nint k(int a) { return (a; }\n#endif", 2, "any message", False),
        ("int k(int* a) { return a<:1]; }", 1, "any message", False),
        ("int k() { return 1; } // (\\\n ( (\nint b;", 1, "any message", False),
        ("void k() { double a = {0, 1}; }", 1, "too many initializer values", True),
        ("void k() { Mine a = {0, 1}; }", 1, "too many initializer values", False),
        ("void k() {\n for (int i = 0;;) ;\nfor (const int i = 0; i < 2; i++) ; }", 3, "", True),
        ("void k() {\n for (const int i = 0;;) ;\nfor (Mine i = 0; i < 2; i++) ; }", 3, "", False),
        ("void k() { auto y = Own::zeros(1); }", 1, 'name followed by "::" must be a class or namespace name', True),
        ("void k() { auto y = visitproc::z(1); }", 1, 'name followed by "::" must be a class or namespace name', False),
    ],
)
def test_what_no_header_can_mend(text: str, line: int, message: str, proven: bool) -> None:
    shown = text.splitlines()[line - 1]
    # Where the front end points: at the counter that is written, or at the name that is no namespace.
    column = (shown.find("i++") if not message else shown.find("y = ") + 4) + 1
    error = Diagnostic("cuda.cu", line, column, message or UNMODIFIABLE, "front end", shown=shown)
    source = independent.Source(tokenize(text), NAMES, "cuda.cu")
    assert bool(independent.proof(error, source)) is proven


@pytest.mark.parametrize(
    ("shown", "name", "launched"),
    [
        ("k<<<(n+255)/256, 256>>>(x, f(y));", "k", True),
        ("own(x, (int)y);", "own", False),
        ("at::own(x);", "", False),
        ("t.own(x);", "", False),
        ("k<float><<<1, 1>>>(x);", "k", True),
    ],
)
def test_the_function_at_a_caret(shown: str, name: str, launched: bool) -> None:
    assert front_end_errors.called(shown, len(shown) - 1) == (name, launched)


def test_an_assembler_error_is_the_candidates_own() -> None:
    source = independent.Source(tokenize("__device__ float ext(float x);\nfloat relu(float);"), NAMES, "cuda.cu")
    for message, proven in (
        ("ptxas: Entry function '_Z1kPf' uses too much shared data (0x1d4c0 bytes, 0xc000 max)", True),
        ("ptxas: Unresolved extern function '_Z3extf'", True),
        ("ptxas: Unresolved extern function '_Z4reluf'", False),
        ("ptxas: Internal error", False),
        ("nvcc: Unsupported gpu architecture 'compute_30'", True),
    ):
        assert bool(independent.proof(Diagnostic("", 0, 0, message, "assembler"), source)) is proven, message


@pytest.mark.parametrize(
    ("source", "unsafe"),
    [
        ("template <class T> __device__ T relu(T x); __global__ void k(float* x) { x[0] = relu(x[0]); }", False),
        ("template <class T> __device__ T powi(T x); __global__ void k(float* x) { x[0] = powi(x[0]); }", True),
        ("template <class T> __device__ T relu(T x); Tensor go(Tensor x) { return relu(x); }", True),
        ("template <class T> __host__ __device__ T relu(T x) { return relu(x); }", True),
    ],
)
def test_own_functions_in_device_code_meet_no_tensor(source: str, unsafe: bool) -> None:
    assert bool(guards.unsafe_to_accept(tokenize(source), NAMES)) is unsafe


def _toolkit(folder: Path, codes: str = "sm_75\nsm_90\n") -> Nvcc:
    """An nvcc that answers questions, in a toolkit of its own."""
    (folder / "bin").mkdir(parents=True)
    (folder / "include").mkdir()
    (folder / "include/cuda_runtime.h").touch()
    script = folder / "bin/nvcc"
    script.write_text(f"#!/bin/sh\ncase $1 in --version) echo 'V11.8.89';; *) printf '{codes}';; esac\n")
    script.chmod(0o755)
    return Nvcc(str(script), folder, "11.8.89", ("sm_75", "sm_90"), folder)


@pytest.fixture
def another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Where no toolkit is found that the test does not put there."""
    monkeypatch.setattr("kernelbench_harness.compile.nvcc.USUAL", tmp_path / "none/bin/nvcc")
    for name in ("CUDA_HOME", "CUDA_PATH"):
        monkeypatch.delenv(name, raising=False)
    others = [part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "nvcc").exists()]
    monkeypatch.setenv("PATH", os.pathsep.join(others))
    find_nvcc.cache_clear()
    yield monkeypatch
    find_nvcc.cache_clear()


@pytest.mark.parametrize("compiled", [build, front_end], ids=["build", "front end"])
def test_a_machine_without_nvcc_is_told_what_to_install(
    another_machine: pytest.MonkeyPatch, tmp_path: Path, compiled: Callable[..., CompileResult]
) -> None:
    with pytest.raises(ToolchainError, match=r"no nvcc on PATH, .* install the CUDA toolkit .* or set CUDA_HOME"):
        compiled(GOOD, cache_dir=tmp_path)


@pytest.mark.parametrize("compiled", [build, front_end], ids=["build", "front end"])
def test_an_nvcc_too_old_for_the_architecture(
    another_machine: pytest.MonkeyPatch, tmp_path: Path, compiled: Callable[..., CompileResult]
) -> None:
    _toolkit(tmp_path / "toolkit", codes="sm_70\nsm_80\n")
    another_machine.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    with pytest.raises(ToolchainError, match=r"nvcc 11\.8\.89 .* does not compile for sm_90: install a newer CUDA"):
        compiled(GOOD, cache_dir=tmp_path)


@pytest.mark.parametrize("compiled", [build, front_end], ids=["build", "front end"])
def test_a_torch_without_headers_for_cuda(
    another_machine: pytest.MonkeyPatch, tmp_path: Path, compiled: Callable[..., CompileResult]
) -> None:
    _toolkit(tmp_path / "toolkit")
    another_machine.setenv("CUDA_HOME", str(tmp_path / "toolkit"))
    bare = replace(toolchain(tmp_path), torch=tmp_path / "torch")
    another_machine.setattr("kernelbench_harness.compile.build.toolchain", lambda cache: bare)
    with pytest.raises(ToolchainError, match=r"comes without headers for CUDA \(c10/cuda/.*pip install"):
        compiled(GOOD, cache_dir=tmp_path)


def test_nvcc_is_found_and_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _toolkit(tmp_path / "toolkit")
    monkeypatch.setenv("PATH", f"{tmp_path / 'toolkit/bin'}:{os.environ['PATH']}")
    find_nvcc.cache_clear()
    try:
        found = find_nvcc()
    finally:
        find_nvcc.cache_clear()
    assert (found.version, found.architectures, found.root) == ("11.8.89", ("sm_75", "sm_90"), tmp_path / "toolkit")


def test_an_architecture_that_nvcc_does_not_know(tmp_path: Path) -> None:
    nvcc = _toolkit(tmp_path / "toolkit")
    nvcc.check("sm_90a")
    with pytest.raises(ToolchainError, match=r"install a newer CUDA toolkit.*sm_75, sm_90"):
        nvcc.check("sm_120")
    with pytest.raises(ToolchainError, match="no GPU architecture"):
        nvcc.check("hopper")


def test_headers_and_libraries_of_cuda_that_are_not_installed(tmp_path: Path) -> None:
    line = missing_header("cuda.cu:1:10: fatal error: cublas_v2.h: No such file or directory\n")
    assert "pip install nvidia-cublas" in line
    assert missing_header("cuda.cu:1:10: fatal error: own.h: No such file or directory\n") == ""
    nvcc = _toolkit(tmp_path / "toolkit")
    with pytest.raises(ToolchainError, match="pip install nvidia-cublas"):
        nvcc.linked(["-lm", "-lcublas"])
    (tmp_path / "toolkit/nvidia/cu13/include").mkdir(parents=True)
    (tmp_path / "toolkit/nvidia/cu13/lib").mkdir()
    (tmp_path / "toolkit/nvidia/cu13/lib/libcublas.so.13").touch()
    nvcc = replace(nvcc)
    assert nvcc.linked(["-lcublas"])[0].endswith("libcublas.so.13")
    assert nvcc.libraries_of(["cublasSgemm_v2", "own"]) == nvcc.linked(["-lcublas"])


needs_nvcc = pytest.mark.skipif(
    shutil.which("nvcc") is None and not Path("/usr/local/cuda/bin/nvcc").exists(), reason="no nvcc on this machine"
)
CPP = "torch::Tensor go(torch::Tensor x);"
CUDA = """__global__ void twice(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = 2 * x[i];
}
torch::Tensor go(torch::Tensor x) {
  auto y = torch::empty_like(x);
  twice<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
  return y;
}"""
GOOD = CompileRequest("ext", (CPP,), (("go", "go"),), cuda_sources=(CUDA,))


@pytest.fixture(scope="module")
def cache(harness_cache: Path) -> Path:
    """A cache folder whose tables and runtime other tests may have made."""
    return harness_cache / "build"


def _cuda(text: str) -> CompileRequest:
    return replace(GOOD, cuda_sources=(text,))


@needs_nvcc
def test_a_cuda_candidate_is_compiled_and_its_library_loads_without_torch(cache: Path) -> None:
    result = build(GOOD, cache_dir=cache, timeout_s=600)
    assert result.ok, result.error
    assert (result.decided_by, result.arch) == ("shim", "sm_90")
    code = f"import ctypes, sys; ctypes.CDLL({result.library!r}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    assert build(GOOD, cache_dir=cache).cached


@needs_nvcc
@pytest.mark.parametrize(
    ("wrong", "stage", "first"),
    [
        (CUDA.replace("2 * x[i]", "2 * z[i]"), "device_compile", 'identifier "z" is undefined'),
        (CUDA.replace("2 * x[i];", "2 * x[i]"), "device_compile", "expected"),
        (
            CUDA.replace("int i", "__shared__ float s[30000]; s[threadIdx.x] = n; __syncthreads(); y[1] = s[n]; int i"),
            "device_compile",
            "too much shared data",
        ),
        (CUDA.replace("Tensor go(", "Tensor gone("), "link", "undefined reference to `go("),
    ],
)
def test_what_is_wrong_is_proven_under_the_shim(cache: Path, wrong: str, stage: str, first: str) -> None:
    result = build(_cuda(wrong), cache_dir=cache, timeout_s=600)
    assert (result.ok, result.decided_by, result.stage) == (False, "shim", stage), result
    assert first in result.first_error


@needs_nvcc
def test_an_error_in_main_cpp_comes_first(cache: Path) -> None:
    result = build(replace(_cuda("int nonsense = ;"), cpp_sources=("int x = zz;",)), cache_dir=cache, timeout_s=600)
    assert (result.stage, result.first_error) == (
        "host_compile",
        "main.cpp:2: error: 'zz' was not declared in this scope",
    )


@pytest.fixture
def own_results(cache: Path, tmp_path: Path) -> Path:
    """A build cache with the toolchain of the shared one and no results: tests beside this one add to those."""
    build(GOOD, cache_dir=cache, timeout_s=600)
    shared, own = toolchain(cache).folder, toolchain(tmp_path / "own").folder
    # No symbolic links: compilers are confined to the folder and would not see what lies outside.
    shutil.copytree(shared, own, ignore=shutil.ignore_patterns("result"), copy_function=_linked)
    return tmp_path / "own"


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@needs_nvcc
def test_a_set_is_used_where_there_is_no_compiler(
    own_results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = _cuda(CUDA.replace("2 * x[i]", "2 * z[i]"))
    made = build(GOOD, cache_dir=own_results, timeout_s=600)
    build(wrong, cache_dir=own_results, timeout_s=600)
    folder = tmp_path / "set"
    exported = objects.export_objects(own_results, folder)
    assert (exported.count, exported.libraries) == (2, 1)
    assert exported.bytes > 1000
    assert objects.export_objects(own_results, folder) == exported
    monkeypatch.setattr("kernelbench_harness.compile.build.find_nvcc", _no_compiler)
    monkeypatch.setattr("kernelbench_harness.compile.build.toolchain", _no_compiler)
    found = build(GOOD, cache_dir=tmp_path / "elsewhere", objects=folder)
    assert found.ok
    # Hashes: pytest takes hours to explain how two libraries of megabytes differ.
    assert _hash(found.library) == _hash(made.library)
    assert str(found.library).startswith(str(tmp_path / "elsewhere"))
    assert build(wrong, cache_dir=tmp_path / "elsewhere", objects=folder).stage == "device_compile"
    with pytest.raises(ToolchainError):
        build(GOOD, cache_dir=tmp_path / "elsewhere", objects=folder, arch="sm_80")


def _hash(library: str | None) -> str:
    assert library is not None
    return hashlib.sha256(Path(library).read_bytes()).hexdigest()


def _no_compiler(*args: Any) -> Any:
    raise ToolchainError("none here")


RAW = CompileRequest("kernel", (), files=(Unit("kernel.cu", "x", "cuda"),))


def _set(folder: Path, **changes: Any) -> Path:
    """A set with one small library, its entry changed."""
    content = b"\x7fELF library"
    library = folder / "made.so"
    folder.mkdir()
    library.write_bytes(content)
    result = CompileResult(True, str(library), "shim", "shim", arch="sm_90")
    entry = objects.describe(RAW, result, "13.0", "2")
    assert entry is not None
    library.rename(folder / f"{entry.sha256}.so")
    raw = {**vars(entry), **changes}
    (folder / "manifest.json").write_text(json.dumps({"format": 1, "objects": {entry.key: raw}}))
    return folder


def _ask(folder: Path, tmp_path: Path) -> CompileResult | None:
    return objects.lookup(folder, RAW, "sm_90", tmp_path / "cache")


def test_a_set_is_hostile_input(tmp_path: Path) -> None:
    assert _ask(_set(tmp_path / "good"), tmp_path) is not None
    for number, changes in enumerate(
        [
            {"sha256": "../../../etc/passwd"},
            {"sha256": "0" * 64},
            {"result": "[]"},
            {"result": "{"},
            {"result": 3},
            {"abi": 999},
            {"abi": "2"},
            {"machine": "vax"},
            {"glibc": "99.9"},
            {"key": "other"},
            {"sha256": ""},
            {"more": 1},
        ]
    ):
        assert _ask(_set(tmp_path / f"bad{number}", **changes), tmp_path / f"cache{number}") is None, changes


def test_a_library_that_is_no_file_or_other_content_is_not_used(tmp_path: Path) -> None:
    for name, spoil in (
        ("content", lambda path: path.write_bytes(b"other")),
        ("link", lambda path: (path.rename(tmp_path / "aside.so"), path.symlink_to(tmp_path / "aside.so"))),
        ("pipe", lambda path: (path.unlink(), os.mkfifo(path))),
        ("none", lambda path: path.unlink()),
    ):
        folder = _set(tmp_path / name)
        spoil(next(folder.glob("*.so")))
        assert _ask(folder, tmp_path / f"cache_{name}") is None
    held = tmp_path / "held"
    held.mkdir()
    for text in ("", "[]", '{"format": 9, "objects": {}}', "[" * 100_000):
        (held / "manifest.json").write_text(text)
        os.utime(held / "manifest.json", ns=(len(text), len(text)))
        with pytest.raises(HarnessError, match="manifest"):
            _ask(held, tmp_path)
    with pytest.raises(HarnessError, match="no set of compiled objects"):
        _ask(tmp_path / "absent", tmp_path)


def test_of_two_results_for_one_request_the_newer_is_exported(tmp_path: Path) -> None:
    for age, name in ((5, "a"), (9, "b")):
        entry = tmp_path / "cache/toolchain" / name / "result/x"
        entry.mkdir(parents=True)
        (entry / "module.so").write_bytes(name.encode())
        library = CompileResult(True, str(entry / "module.so"), "shim", "shim", arch="sm_90")
        note = objects.describe(RAW, library, "13.0", "2")
        assert note is not None
        (entry / "object.json").write_text(json.dumps(vars(note)))
        os.utime(entry / "object.json", (1e9 - age, 1e9 - age))
    assert objects.export_objects(tmp_path / "cache", tmp_path / "set").count == 1
    found = _ask(tmp_path / "set", tmp_path)
    assert found is not None
    assert _hash(found.library) == hashlib.sha256(b"a").hexdigest()


def test_a_copy_from_a_set_is_not_the_sets_own_file(tmp_path: Path) -> None:
    folder = _set(tmp_path / "good")
    result = _ask(folder, tmp_path)
    assert result is not None
    assert result.library is not None
    original = next(folder.glob("*.so"))
    original.write_bytes(b"changed later")
    assert Path(result.library).read_bytes() != b"changed later"
    assert stat.S_ISREG(os.lstat(result.library).st_mode)
    assert Unit("a.cu", "", "cuda").stage == "device_compile"
