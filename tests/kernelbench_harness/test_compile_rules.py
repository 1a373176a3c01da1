"""Guards and proofs, each rule with a source that it holds for and one that it must leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernelbench_harness.compile import diagnostics, guards, independent, names
from kernelbench_harness.compile.diagnostics import Diagnostic
from kernelbench_harness.compile.request import CompileRequest
from kernelbench_harness.compile.tokens import functions, tokenize

STOCK = """
#define CHECK(x) check_impl(x)
#define SHARED 1
namespace std { template <class T> T max(T a, T b); class ofstream; }
namespace c10 { class Storage; inline namespace v1 { int deep; } }
namespace at {
class Tensor { public: int dim() const { int local_only; return 0; } Tensor sum(); friend int hidden(Tensor); };
Tensor relu(const Tensor& self);
Tensor empty(int size);
enum Reduction { Mean, Sum };
}
namespace torch { using namespace at; }
extern "C" { int PyList_Size(void* argument); typedef int (*visitproc)(int); }
namespace { int in_anonymous; }
template <typename Hidden, int N = (3 > 2)> struct digit {};
"""
SHIM = """
#define SHARED 1
namespace std { template <class T> T max(T a, T b); class ofstream; }
namespace at { class Tensor {}; Tensor empty(int size); }
namespace torch { using namespace at; }
"""
NAMES = names.compare(names.read(STOCK.splitlines(True)), names.read(SHIM.splitlines(True)))


def test_names_at_namespace_level_are_found_and_no_others() -> None:
    found = names.read(STOCK.splitlines(True))
    assert {"PyList_Size", "visitproc", "digit", "in_anonymous"} <= found.global_names()
    assert not {"argument", "Hidden", "N", "local_only", "relu", "self"} & found.global_names()
    assert {"relu", "Tensor", "Mean", "Sum", "deep", "hidden", "max"} <= found.nested_names()
    assert not {"local_only", "self", "sum"} & found.nested_names()
    assert {"local_only", "sum", "self"} <= found.everything
    assert found.macros == {"CHECK": "(x) check_impl(x)", "SHARED": "1"}


def test_a_parameter_of_enum_type_makes_no_enum_of_a_body() -> None:
    found = names.read(["static int of(const enum Kind kind) { int tmp = 1; return tmp; }\n", "enum Kind { one };\n"])
    assert "one" in found.global_names()
    assert "tmp" not in found.global_names()


def test_names_survive_a_file(tmp_path: Path) -> None:
    NAMES.save(tmp_path / "names.json")
    assert names.Names.load(tmp_path / "names.json") == NAMES


def test_tokens() -> None:
    text = '// a { b\nint f(int x) { return R"(})"[x] /* } */; }\n#define A \\\n  {\nint y; // "\n'
    tokens = tokenize(text)
    assert [t.text for t in tokens if t.text in "{}" and not t.directive] == ["{", "}"]
    assert next(t.line for t in tokens if t.text == "y") == 5
    assert next(t.directive for t in tokens if t.line == 4) == "define"
    assert list(functions(tokens)) == ["f"]


@pytest.mark.parametrize(
    ("source", "blind"),
    [
        ("int CHECK;", True),
        ("int SHARED_;", False),
        ("static_assert(sizeof(int) == 4);", False),
        ("static_assert(sizeof(at::Tensor) == 8);", True),
        ("static_assert(CHECKED < visitproc);", True),
        ("#pragma unroll\nfor (;;) {}", False),
        ("#include <ATen/neither.h>\n", True),
        ("#include <ATen/neither.h>\n#include <torch/extension.h>\n", False),
        ("#line 3\nint x;", True),
        ("#pragma omp parallel for\nint x;", False),
        ("#pragma GCC diagnostic error\nint x;", True),
        ("#pragma GCC optimize(3)\nint x;", False),
        ("int kbshim_x;", True),
        ("#include <only_stock.h>\n", True),
        ("#include <both.h>\n", False),
        ("#include <neither.h>\n", False),
        ('const char* text = "CHECK static_assert";', False),
    ],
)
def test_sources_that_the_shim_cannot_see_as_they_are(tmp_path: Path, source: str, blind: bool) -> None:
    shim, stock = tmp_path / "shim", tmp_path / "stock"
    for path in (shim / "both.h", stock / "both.h", stock / "only_stock.h"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert bool(guards.blind(tokenize(source), NAMES, shim, [stock])) is blind


@pytest.mark.parametrize(
    ("source", "unsafe"),
    [
        ("Tensor f(Tensor x) { return x; }", False),
        ("int f() { int digit = 3; return digit; }", True),
        ("int f(S x) { return x.digit; }", False),
        ("using namespace std;\nint f() { return 0; }", False),
        ("using namespace at;\nstruct Storage { int n; };", True),
        ("using namespace at;\nvoid f() { int Storage = 3; }", False),
        ("struct Storage { int n; };", False),
        ("namespace A = at;\nint relu(int x);", True),
        ("Tensor relu(Tensor x);\nTensor f(Tensor x) { return relu(x); }", True),
        ("Tensor relu(Tensor x);\nTensor f(Tensor x) { return ::relu(x); }", False),
        ("Tensor relu(Tensor x) { return x; }", False),
        ("static float relu(float x);\nfloat f(float x) { return relu(x); }", False),
        ("template <typename T> T relu(T x);\nfloat f(float x) { return relu(x); }", True),
        ("int hidden(Tensor x);\nint f(Tensor x) { return hidden(x); }", True),
        ("namespace at { int own; }", True),
        ("namespace mine { int own; }", False),
        ("template <> float* at::Tensor::data();", True),
        ("int f() noexcept;", True),
    ],
)
def test_acceptance_is_left_to_the_real_headers(source: str, unsafe: bool) -> None:
    assert bool(guards.unsafe_to_accept(tokenize(source), NAMES)) is unsafe


@pytest.mark.parametrize(
    ("flags", "shim"),
    [
        (("-O3 -march=native", "-ffast-math", "-fopenmp"), True),
        (("-std=c++20",), True),
        (("-std=c++17",), False),
        (("-Werror",), False),
        (("-D_GLIBCXX_DEBUG",), False),
        (("-include", "x.h"), False),
    ],
)
def test_flags_that_the_shim_may_judge(flags: tuple[str, ...], shim: bool) -> None:
    reason = guards.flags_reason(CompileRequest("ext", ("",), extra_cflags=flags), "-std=c++20")
    assert (not reason) is shim


PROOFS = [
    ("'foo' was not declared in this scope", "int f() { return foo; }", True),
    ("'digit' was not declared in this scope", "int f() { return digit; }", False),
    ("'relu' was not declared in this scope", "int f() { return relu; }", True),
    ("'relu' was not declared in this scope", "int f(Tensor x) { return relu(x); }", False),
    ("'relu' was not declared in this scope", "using namespace torch; int f() { return relu; }", False),
    ("'relu' was not declared in this scope", "int f(int n) { while (relu < n) ++n; return n; }", True),
    ("'relu' was not declared in this scope", "int f(T* p) { return relu < p->n; }", True),
    ("'relu' was not declared in this scope", "int f(Tensor x) { return relu<int>(x); }", False),
    ("'relu' was not declared in this scope", "int f(Tensor x) { return relu<A<int>, B<int>>(x); }", False),
    ("'local_only' was not declared in this scope", "int f() { return local_only; }", True),
    ("'local_only' was not declared in this scope", "struct S : at::Tensor { int f() { return local_only; } };", False),
    ("'foo' is not a member of 'torch'", "int f() { return torch::foo; }", True),
    ("'relu' is not a member of 'torch'", "int f() { return torch::relu; }", False),
    ("'Tensr' in namespace 'torch' does not name a type; did you mean 'Tensor'?", "torch::Tensr x;", True),
    ("'class at::Tensor' has no member named 'dataptr'", "int f(Tensor x) { return x.dataptr(); }", True),
    ("'class at::Tensor' has no member named 'sum'", "int f(Tensor x) { return x.sum(); }", False),
    ("expected ';' before '}' token", "int f() { return 1 }", True),
    ("invalid preprocessing directive #save", "#save x", True),
    ("expected ';' before 'x'", "int f() { visitproc x; }", False),
    ("expected '}' at end of input", "int f() { if (1) { return 1; }", True),
    ("cannot declare static function inside another function", "int f() { if (1) { return 1; }", True),
    ("cannot declare static function inside another function", "#if 1\nint f() {\n#else\nint f() { {\n#endif", False),
    ("too many arguments to function 'at::Tensor own(at::Tensor)'", "Tensor own(Tensor x);", True),
    ("too few arguments to function 'float relu(float, int)'", "float relu(float x, int n);", False),
    ("redefinition of 'at::Tensor own(at::Tensor)'", "Tensor own(Tensor x) {} Tensor own(Tensor x) {}", True),
    ("redefinition of 'const kbshim::Table* kbshim_table_ext()'", "Tensor own(Tensor x);", False),
    ("no matching function for call to 'own(float*&, int)'", "float own(int x);", True),
    ("no matching function for call to 'own(at::Tensor&)'", "float own(int x);", False),
    ("invalid conversion from 'const float*' to 'int' [-fpermissive]", "int f();", True),
    ("cannot convert 'at::Tensor' to 'float'", "int f();", False),
    ("invalid operands of types 'float*' and 'float*' to binary 'operator*'", "int f();", True),
    ("return-statement with a value, in function returning 'void' [-fpermissive]", "int f();", True),
    ("return-statement with no value, in function returning 'at::Tensor' [-fpermissive]", "int f();", False),
    ("assignment of read-only location '*(in + ((sizetype)i))'", "int f();", True),
    ("assignment of read-only variable 'digit'", "int f();", False),
    ("ISO C++ forbids declaration of 'own' with no type [-fpermissive]", "own(int x) {}", True),
    ("ISO C++ forbids declaration of 'relu' with no type [-fpermissive]", "relu(int x) {}", False),
    ("void value not ignored as it ought to be", "int f() { int x = g(); }", True),
    ("use of deleted function 'at::Tensor::x()'", "int f();", False),
    ("neither.h: No such file or directory", "int f();", True),
    ("only_stock.h: No such file or directory", "int f();", False),
]


@pytest.mark.parametrize(("message", "source", "proven"), PROOFS)
def test_proofs(tmp_path: Path, message: str, source: str, proven: bool) -> None:
    (tmp_path / "only_stock.h").touch()
    seen = independent.Source(tokenize(source), NAMES, stock=[tmp_path])
    assert bool(independent.proof(Diagnostic("main.cpp", 1, 1, message), seen)) is proven


def test_an_error_outside_the_candidate_proves_nothing() -> None:
    seen = independent.Source(tokenize("int f();"), NAMES)
    error = Diagnostic("/somewhere/kbshim/core.h", 1, 1, "'foo' was not declared in this scope")
    assert independent.proof(error, seen) == ""


def test_diagnostics_lose_folders_and_curly_quotes() -> None:
    output = (
        "/tmp/x/main.cpp: In function ‘int f()’:\n"
        "/tmp/x/main.cpp:3:5: error: ‘foo’ was not declared in this scope; did you mean ‘f’?\n"
        "/tmp/x/main.cpp:9:1: error: second\n"
    )
    first = diagnostics.errors(output)[0]
    assert (first.line, first.column) == (3, 5)
    assert first.message == "'foo' was not declared in this scope; did you mean 'f'?"
    assert diagnostics.first_line(output) == "main.cpp:3: error: 'foo' was not declared in this scope"
    assert "/tmp" not in diagnostics.clean(output)
    linker = "/usr/bin/ld: main.o: in function `g()':\nmain.cpp:(.text+0x1): undefined reference to `f(int)'\n"
    assert diagnostics.first_line(linker) == "undefined reference to `f(int)'"
    assert diagnostics.undefined(linker) == ["f(int)"]


def test_a_qualified_name_declares_nothing_where_it_stands() -> None:
    found = names.read(["namespace at { class Tensor; } const at::Tensor& own(); namespace torch::data { int k; }",
                        "using at::Storage;"])  # fmt: skip
    assert found.by_namespace[""] >= {"own", "Storage", "at", "torch"}
    assert not {"Tensor", "data", "k"} & found.by_namespace[""]
    assert "data" in found.by_namespace["torch"]


def test_a_python_habit_is_declared_nowhere_though_pybind11_has_one_of_its_name() -> None:
    stock = names.read(["namespace pybind11 { int len(H); namespace detail { int get(H); int both(H); } }",
                        "namespace at { int both(Tensor); } namespace pybind11x { int other(T); }"])  # fmt: skip
    assert {"len", "get"} <= stock.names_of("pybind11")
    assert not {"both", "other"} & stock.names_of("pybind11")
    tables = names.compare(stock, names.read([]))

    def proven(source: str, name: str) -> bool:
        error = Diagnostic("main.cpp", 1, 1, f"'{name}' was not declared in this scope")
        return bool(independent.proof(error, independent.Source(tokenize(source), tables)))

    assert proven("int n = len(x);", "len")
    assert proven("int n = get(x);", "get")
    # A call looks into the namespaces of its arguments; a mere name, or a member of its name elsewhere, does not.
    assert proven("int n = both; int m = x.both();", "both")
    assert not proven("int n = both<int>(x);", "both")
    assert not proven("int n = both(x);", "both")
    assert not proven("int n = other(x);", "other")
    assert not proven("py::list x; int n = len(x);", "len")
    assert not proven("using namespace pybind11; int n = len(x);", "len")
