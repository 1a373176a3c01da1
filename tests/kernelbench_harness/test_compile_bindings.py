"""A main.cpp that is accepted unread: what is certain, what is left to g++, and that g++ agrees."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kernelbench_harness.compile import bindings, host, names
from kernelbench_harness.compile.build import toolchain
from kernelbench_harness.compile.job import Job, Tier
from kernelbench_harness.compile.request import CompileRequest, Unit

STOCK = """
#define N 3
#define visible(x) x
int index(const char* text); typedef long ssize_t;
namespace at { class Tensor {}; Tensor relu(const Tensor& self); }
"""
TABLES = (names.compare(names.read(STOCK.splitlines(True)), names.read([])),)
PLAIN = "torch::Tensor go(torch::Tensor x, torch::Tensor weight, double eps);"
EVERY_TYPE = """
// every form that is certain
torch::Tensor go(torch::Tensor x, torch::Tensor weight, double eps);
std::vector<torch::Tensor> several(const torch::Tensor& x, const at::Tensor y, std::vector<int64_t> sizes, bool flag);
std::vector<at::Tensor> others(std::vector<torch::Tensor> a, const std::vector<at::Tensor>& b, const float& scale);
at::Tensor unnamed(torch::Tensor, const torch::Tensor&, int, int64_t, long, float, double, bool);
std::vector<int64_t> sizes_of(const std::vector<int64_t>& x);
void nothing(); /* nothing
at all */ int relu(int n); long count(); double mean(); float least(); bool any_of(); int64_t most();
"""
FUNCTIONS = "go several others unnamed sizes_of nothing relu count mean least any_of most".split()


def request(text: str, *functions: str) -> CompileRequest:
    return CompileRequest("ext", (text,), tuple((name, f"{name}, forward (CUDA)") for name in functions))


def certain(asked: CompileRequest) -> bool:
    return bindings.certain(asked, TABLES)


def test_declarations_and_their_binding_are_certain() -> None:
    assert certain(request(PLAIN, "go"))
    assert certain(request(EVERY_TYPE, *FUNCTIONS))
    assert certain(request("", *()))
    assert certain(replace(request(PLAIN), functions=None))
    assert certain(replace(request(PLAIN, "go"), extra_cflags=("-O3 -w",)))


@pytest.mark.parametrize(
    "text",
    [
        "torch::Tensor go(torch::Tensor x)",
        "torch::Tensor go(torch::Tensor x;",
        "torch::Tensor go(torch::Tensor x));",
        "torch::Tensor go(torch::Tensor x,);",
        "torch::Tensor go(,torch::Tensor x);",
        "torch::Tensor go(torch::Tensor x torch::Tensor y);",
        "torch::Tensor go(torch::Tensor x, torch::Tensor x);",
        "torch::Tensor go(torch::Tensor& x);",
        "torch::Tensor go(torch::Tensor* x);",
        "torch::Tensor go(void x);",
        "torch::Tensor go(int x = 3);",
        "torch::Tensor go(int N);",
        "torch::Tensor go(int index);",
        "torch::Tensor go(int float);",
        "torch::Tensor go(int and);",
        "torch::Tensor go(int _x);",
        "torch::Tensor go(int x__y);",
        "torch::Tensor go(int torch);",
        "torch::Tensor go(int \u00e9);",
        "torch::Tensor index(torch::Tensor x);",
        "torch::Tensor main(torch::Tensor x);",
        "torch::Tensor m(torch::Tensor x);",
        "torch::Tensor visible(torch::Tensor x);",
        "torch::Tensor::go(torch::Tensor x);",
        "torch::Tensor torch::go(torch::Tensor x);",
        "torch::Tensor go(torch::Tensor::x);",
        "torch::tensor go(torch::Tensor x);",
        "torch::Tensor go(torch::Tensor x) {}",
        "torch::Tensor go(torch::Tensor x); torch::Tensor go(int x);",
        "torch::Tensor go(torch::Tensor x);;",
        "Tensor go(Tensor x);",
        "go(torch::Tensor x);",
        "(torch::Tensor x);",
        "static torch::Tensor go(torch::Tensor x);",
        "#define go(x) 3\ntorch::Tensor go(torch::Tensor x);",
        "// a comment that runs on \\\ntorch::Tensor go(torch::Tensor x);",
        "/* a comment that never ends\ntorch::Tensor go(torch::Tensor x);",
        "torch::Tensor go(torch::Tensor x); )",
        "```\ntorch::Tensor go(torch::Tensor x);\n```",
        "torch::Tensor go(torch::Tensor x);\f",
        'extern "C" torch::Tensor go(torch::Tensor x);',
        "std::vector<torch::Tensor go(torch::Tensor x);",
        "std::vector<torch::Tensor>> go(torch::Tensor x);",
        "const torch::Tensor go(torch::Tensor x);",
        "torch::Tensor go(const const torch::Tensor x);",
        "torch::Tensor go(torch::Tensor go);torch::Tensor fine(torch::Tensor _);",
    ],
)
def test_whatever_else_is_left_to_the_compiler(text: str) -> None:
    assert not certain(request(text, "go"))


def test_so_are_names_flags_and_bindings_that_could_matter() -> None:
    good = request(PLAIN, "go")
    for name in ("a-b", "N", "class", "1st", "x" * 200, "_ext", "visible"):
        assert not certain(replace(good, name=name)), name
    for flags in (("-march=nowhere",), ("-Werror",), ("-DTensor=3",), ("-std=c++11",), ("-include", "x.h"), ("-O9",)):
        assert not certain(replace(good, extra_cflags=flags)), flags
    for functions in ((("went", "went"),), (("go", 'says "go"'),), (("go", "\\"),), (("go", "a\nb"),)):
        assert not certain(replace(good, functions=functions)), functions
    assert not certain(replace(good, no_implicit_headers=True))
    assert not certain(CompileRequest("ext", (), files=(Unit("a.cpp", PLAIN, "c++"),)))


@pytest.mark.parametrize("tier", ["shim", pytest.param("stock", marks=pytest.mark.slow)])
def test_what_is_certain_compiles(tier: Tier, build_cache: Path) -> None:
    asked, tools = request(EVERY_TYPE, *FUNCTIONS), toolchain(build_cache)
    assert bindings.certain(asked, (tools.names,))
    with tools.scratch() as work:
        job = Job(asked, tools, None, "", work, 300.0, None)
        job.write()
        done = host.compile_unit(job, job.units[0], tier, code=False)
        assert done.returncode == 0, done.output.decode()
