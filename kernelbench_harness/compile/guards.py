"""Which sources the shim may not judge, or not accept.

`blind` finds programs that the shim does not see as the real headers do (macros it lacks, headers it lacks, questions
about the headers themselves): neither its yes nor its no counts. `unsafe_to_accept` finds programs that the shim may
take while the real headers refuse them, because they declare names which the candidate's own would clash with.
Both err towards the real headers; each returns the reason in words, or "".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from kernelbench_harness.compile.names import Names
from kernelbench_harness.compile.request import CompileRequest, split
from kernelbench_harness.compile.tokens import Token, close, declared_names, functions, words

_FLAG = re.compile(
    r"-O[0-3sg]?|-Ofast|-march=[\w.+-]+|-mtune=[\w.-]+|-mprefer-vector-width=\d+"
    r"|-m(avx\w*|fma|sse[\w.]*|ssse3|f16c|bmi2?|popcnt|64)"
    r"|-f(PIC|openmp|openmp-simd|fast-math|unroll-loops|unroll-all-loops|tree-vectorize|tree-slp-vectorize"
    r"|inline-functions|associative-math|reciprocal-math|finite-math-only|unsafe-math-optimizations"
    r"|no-math-errno|no-trapping-math|no-signed-zeros|no-strict-aliasing|strict-aliasing|omit-frame-pointer"
    r"|peel-loops|prefetch-loop-arrays)"
    r"|-g[0-3]?|-w|-pthread|-DNDEBUG|-W(all|extra|no-[\w-]+)"
)
_LINK_FLAG = re.compile(r"-lm|-lgomp|-lpthread|-lstdc\+\+|-fopenmp|-pthread|-O[0-3]|-s|-Wl,-O[0-3]")
_CUDA_LINK_FLAG = re.compile(r"-lcudart|-lcublas(Lt)?|-lcusparse|-lcufft|-lcurand|-lcusolver|-L/usr/local/cuda[\w./-]*")
_QUESTIONS = {"__has_include", "__has_include_next", "requires", "concept", "typeid", "import"}
_WHOLE = {"torch/extension.h", "torch/torch.h", "torch/all.h", "torch/types.h", "torch/python.h"}
"""Headers that bring all of at:: and torch::, in the shim as in the real ones; a finer one brings less."""
_OF_TORCH = ("torch/", "ATen/", "c10/", "pybind11/", "caffe2/")
_ODD = {"noexcept", "friend", "decltype", "module", "_Pragma"}
_BEFORE_A_CALL = {"return", "else", "do", "throw", "case", "and", "or", "not"}
_OWN_SPACES = {"at", "torch", "c10", "std", "pybind11", "caffe2", "py"}
_PLAIN_TYPES = set(
    "float double int long short char unsigned signed bool void const size_t int8_t int16_t int32_t int64_t uint8_t "
    "uint16_t uint32_t uint64_t std static inline __restrict__ __restrict restrict vector string ptrdiff_t "
    "half __half half2 __half2 __nv_bfloat16 float2 float3 float4 int2 int3 int4 uint double2 dim3 "
    "__device__ __host__ __forceinline__".split()
)


def flags_reason(request: CompileRequest, standard: str) -> str:
    """Why these flags or kinds of module are left to the real headers."""
    if request.extra_include_paths or not request.is_python_module or request.headers:
        return "include paths, headers of its own, or a module that is not Python's"
    for flag in split(request.extra_cflags):
        if not harmless(flag) and flag != standard:
            return f"flag {flag}"
    for flag in split(request.extra_ldflags):
        if not _LINK_FLAG.fullmatch(flag) and not (request.needs_cuda and _CUDA_LINK_FLAG.fullmatch(flag)):
            return f"linker flag {flag}"
    return ""


def harmless(flag: str) -> bool:
    """Whether a flag of g++ changes nothing that the headers declare."""
    return bool(_FLAG.fullmatch(flag))


def blind(tokens: Sequence[Token], names: Names, shim_include: Path, stock: Sequence[Path]) -> str:
    """Why the shim's verdict on this source means nothing, whichever way it falls."""
    here = words(list(tokens))
    for group, what in ((here & names.stock_macros, "macro"), (here & _QUESTIONS, "question")):
        if group:
            return f"{what} {min(group)}"
    if any("kbshim" in word.lower() for word in here):
        return "a name of the shim"
    if asked := _asked(tokens, names):
        return asked
    asked_for = includes(tokens)
    for included in asked_for:
        if (shim_include / included).exists() != any((folder / included).exists() for folder in stock):
            return f"header {included}"
    if not _WHOLE & set(asked_for) and any(included.startswith(_OF_TORCH) for included in asked_for):
        return "headers of torch without all of torch"
    for i, token in enumerate(tokens):
        odd_line = token.directive.isdigit() or token.directive == "line"
        if odd_line or (token.directive == "pragma" and not _plain_pragma(tokens, i)):
            return f"#{token.directive} {token.text}"
    return ""


def _asked(tokens: Sequence[Token], names: Names) -> str:
    """A static_assert about something that the headers declare, C++'s own apart; one about own constants is no question
    to the headers."""
    for i, token in enumerate(tokens):
        if token.text == "static_assert":
            inside = [t.text for t in tokens[i + 1 : close(list(tokens), i + 1)] if t.kind == "word"]
            known = names.stock_global - _PLAIN_TYPES
            if any(word in _OWN_SPACES - {"std"} or word in known for word in inside):
                return "question static_assert"
    return ""


def _plain_pragma(tokens: Sequence[Token], index: int) -> bool:
    """Whether the pragma that this token stands in is OpenMP's, `once`, or a hint to the optimiser."""
    if tokens[index].text != "pragma" or tokens[index - 1].text != "#":
        return True  # judged at the word "pragma"
    line = [t.text for t in tokens[index - 1 : index + 3] if t.line == tokens[index].line]
    if line[2:3] and line[2] in {"omp", "once", "unroll", "nounroll", "nv_diag_suppress"}:
        return True
    return line[1:4] in (
        ["pragma", "GCC", "ivdep"],
        ["pragma", "GCC", "unroll"],
        ["pragma", "GCC", "optimize"],
    )


def includes(tokens: Sequence[Token]) -> list[str]:
    """Headers that the source names."""
    found = []
    for i, token in enumerate(tokens):
        if token.directive == "include" and token.text == "include":
            rest = []
            for after in tokens[i + 1 :]:
                if after.line != token.line:
                    break
                rest.append(after.text)
            text = "".join(rest)
            found.append(text.strip('"') if text[:1] == '"' else text.removeprefix("<").split(">")[0])
    return found


def unsafe_to_accept(tokens: Sequence[Token], names: Names) -> str:
    """Why a yes of the shim is checked against the real headers."""
    listed = list(tokens)
    here = words(listed)
    if found := here & _ODD:
        return f"{min(found)}"
    free = {t.text for i, t in enumerate(listed) if t.kind == "word" and not _member(listed, i)}
    if found := free & (names.only_stock_global | names.only_shim):
        return f"global name {min(found)}"
    if reason := _spaces(listed, names):
        return reason
    return _lookup(listed, names)


def _member(tokens: list[Token], i: int) -> bool:
    return (i > 0 and tokens[i - 1].text in {".", "->"}) or (
        i > 1 and tokens[i - 1].text == ">" and tokens[i - 2].text == "-"
    )


def _spaces(tokens: list[Token], names: Names) -> str:
    """Namespaces of the headers reopened or opened wholesale, or their templates specialised."""
    for i, token in enumerate(tokens[:-1]):
        after = tokens[i + 1].text
        if token.text == "namespace" and after in _OWN_SPACES and (i == 0 or tokens[i - 1].text != "using"):
            return f"namespace {after} reopened"
        special = [t.text for t in tokens[i : i + 3]] == ["template", "<", ">"]
        if special and {t.text for t in tokens[i : i + 40]} & _OWN_SPACES:
            return "a specialisation of the headers' templates"
    opened, own = opened_spaces(tokens), declared_names(tokens) & names.stock_nested
    clash = own - {"torch", "at", "c10", "std"}
    return f"using namespace {min(opened)} beside an own {min(clash)}" if opened and clash else ""


def opened_spaces(tokens: Sequence[Token]) -> set[str]:
    """Namespaces other than std that a using-directive or an alias opens."""
    found = set()
    for i, token in enumerate(tokens[:-2]):
        opens = i > 0 and tokens[i - 1].text == "using" and tokens[i + 1].text != "std"
        if token.text == "namespace" and (opens or tokens[i + 2].text == "="):
            found.add(tokens[i + 1].text)
    return found


def _lookup(tokens: list[Token], names: Names) -> str:
    """Argument-dependent lookup: an own relu(Tensor) called without a namespace competes with at::relu."""
    device = _device_code(tokens)
    for name, declarations in functions(tokens).items():
        if name not in names.stock_nested:
            continue
        plain = all(_plain(parameters) for parameters in declarations) and not _templated(tokens, name)
        if plain:
            continue
        # Device code holds no tensor: what it calls with is a builtin, or a number type of c10.
        calls = _calls(tokens, name)
        if calls and (name in names.stock_c10 or not all(device[i] for i in calls)):
            return f"an own {name} that the headers declare too"
    return ""


def _device_code(tokens: list[Token]) -> list[bool]:
    """For each token whether it stands in the body of a function marked __global__ or __device__."""
    inside = [False] * len(tokens)
    for i, token in enumerate(tokens):
        if token.text not in ("__global__", "__device__") or token.directive or inside[i]:
            continue
        start = i
        while start < len(tokens) and tokens[start].text not in (";", "{", "="):
            start += 1
        if (
            start == len(tokens)
            or tokens[start].text != "{"
            or any(t.text == "__host__" for t in tokens[max(0, i - 3) : start])
        ):
            continue
        depth = 0
        for end in range(start, len(tokens)):
            depth += (tokens[end].text == "{") - (tokens[end].text == "}")
            inside[end] = True
            if depth == 0:
                break
    return inside


def _plain(parameters: list[Token]) -> bool:
    """Whether all parameter types are builtin or std's: no argument that fits can belong to torch's namespaces."""
    for here, after in zip(parameters, [*parameters[1:], None], strict=True):
        names_value = after is None or after.text in {",", ")", "=", "["}
        if here.kind == "word" and here.text not in _PLAIN_TYPES and not names_value:
            return False
    types = {t.text for t in parameters if t.kind == "word"}
    return not types & {"Tensor", "auto", "Half", "BFloat16", "Scalar", "ScalarType"}


def _templated(tokens: list[Token], name: str) -> bool:
    """Whether a template head stands within the declaration of a function of this name."""
    for i, token in enumerate(tokens):
        if token.text == "template":
            for after in tokens[i : i + 60]:
                if after.text in "{;":
                    break
                if after.text == name:
                    return True
    return False


def _calls(tokens: list[Token], name: str) -> list[int]:
    """Where `name(` stands as a call without a namespace or an object before it."""
    found = []
    for i in range(1, len(tokens) - 1):
        if tokens[i].text != name or tokens[i + 1].text != "(" or _member(tokens, i):
            continue
        before = tokens[i - 1]
        declares = before.kind == "word" and before.text not in _BEFORE_A_CALL
        if before.text != "::" and not declares:
            found.append(i)
    return found
