"""Is the first error of nvcc's front end the candidate's own, whatever torch's headers say?

The counterpart of `independent.py` for cudafe++ and cicc, which say less about types than g++ does: where a message
names none, every word of the statement that it points at must be a builtin, CUDA's own, or declared by the candidate
with builtin types alone. The headers of the toolkit and of C++ are the real ones in every tier, so what they declare is
no difference. Each rule returns a reason in words, or "".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernelbench_harness.compile import tensors
from kernelbench_harness.compile.diagnostics import END, Diagnostic
from kernelbench_harness.compile.guards import opened_spaces
from kernelbench_harness.compile.tokens import Token

if TYPE_CHECKING:
    from kernelbench_harness.compile.independent import Source

_UNDECLARED = re.compile(r'identifier "(\w+)" is undefined(?: in device code)?')
_NO_MEMBER_OF_SPACE = re.compile(r'(?:namespace "[^"]*"|the global scope) has no (?:actual )?member "(\w+)"')
_NO_MEMBER = re.compile(r'(?:class|struct|union) "[^"]*"(?: \([^)]*\))? has no member "(\w+)"')
_VECTOR = re.compile(r'(?:class|struct) "(?:dim3|u?(?:char|short|int|long|longlong)[1-4]|(?:float|double)[1-4])" ')
_NO_SPACE = 'name followed by "::" must be a class or namespace name'
_SYNTAX = re.compile(
    r"expected (?:an? |either )?.*|unrecognized token|missing closing quote|invalid character .*"
    r"|an? (?:break|continue) statement may only be used within .*|extra text after expected end of .*"
    r"|unterminated .*|#\w+ not expected here|too many characters in .*|else without if"
)
_IMPLICIT_INT = re.compile(
    r"this declaration has no storage class or type specifier|explicit type is missing.*"
    r'|incomplete type "void" is not allowed|variable "\w+" .*"void".*|variable "\w+" has already been defined'
)
_AKA = r'(?: \(aka "[^"]*"\))?'
_TYPED = (
    re.compile(
        rf'a value of type "(?P<a>[^"]*)"{_AKA} cannot be (?:used to initialize|assigned to) an entity of type '
        rf'"(?P<b>[^"]*)"{_AKA}'
    ),
    re.compile(rf'argument of type "(?P<a>[^"]*)"{_AKA} is incompatible with parameter of type "(?P<b>[^"]*)"{_AKA}'),
    re.compile(r'return value type(?: \("(?P<a>[^"]*)"\))? does not match the function type(?: \("(?P<b>[^"]*)"\))?'),
    re.compile(r'expression must have .* type but it has type "(?P<a>[^"]*)"'),
    re.compile(r'(?:invalid type conversion|operand types are incompatible) \("(?P<a>[^"]*)" and "(?P<b>[^"]*)"\)'),
    re.compile(r'no suitable conversion function from "(?P<a>[^"]*)" to "(?P<b>[^"]*)" exists'),
)
_FROM_TENSOR = re.compile(r'no suitable conversion function from "(?:const )?at::Tensor" to "([^"]*)" exists')
_OPERANDS = re.compile(r"operand types are: (.*)")
_UNTYPED = re.compile(
    r"expression must be a modifiable lvalue|expression must be an lvalue(?: or a function designator)?"
    r"|expression must have (?:arithmetic|integral|pointer|bool|class|(?:a )?constant).*"
    r"|return value type does not match the function type|too (?:few|many) arguments in function call"
    r"|expression preceding parentheses of apparent call must have .*"
    r'|"\w+" has already been declared in the current scope|a variable length array cannot have static storage duration'
    r"|subscript of pointer to incomplete type is not allowed|a void function may not return a value"
    r"|operand of \"\*\" must be a pointer.*|the size of an array must be greater than zero|division by zero"
)
_DEVICE = re.compile(
    r"an? __global__ function (?:must have a void return type|call must be configured)"
    r"|a host function call cannot be configured|a variable length array cannot have static storage duration"
    r"|asm operand .*|a __(?:device|shared|constant|managed)__ .* not allowed.*|.*__launch_bounds__.*"
)
_ACROSS = re.compile(
    r'calling a (?:constexpr )?__(?:host|device)__ function\("([^"]*)"\) '
    r'from a __\w+__ .*function\(".*"\) is not allowed.*'
)
_DEFINED = re.compile(r'function (?:template )?"([^"(]*)[^"]*" has already been defined.*')
_AGAIN = re.compile(r'"(\w+)" has already been declared in the current scope')
_UNLAUNCHED = "a host function call cannot be configured"
_UNMODIFIABLE = "expression must be a modifiable lvalue"
_RETURNS = "a __global__ function must have a void return type"
_TOO_MANY_VALUES = "too many initializer values"
_SHIFTED = "expression must have integral or unscoped enum type"
_NO_INSTANCE = re.compile(
    r'no instance of (?:overloaded function|function template|constructor) "([\w:]+)[^"]*" matches .*'
)
_ARGUMENTS = re.compile(r"argument types are: \((.*)\)")
_BUILTIN = frozenset(
    "float double int long short char unsigned signed bool void const volatile size_t ptrdiff_t uint uchar ushort "
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t __restrict__ __restrict restrict half __half "
    "__half2 half2 __nv_bfloat16 __nv_bfloat162 nv_bfloat16 float2 float3 float4 int2 int3 int4 double2 uint2 uint3 "
    "uint4 dim3 cudaStream_t cudaError_t cudaEvent_t".split()
)
_MATHEMATICS = frozenset(
    "sqrtf rsqrtf expf exp2f expm1f logf log2f log1pf powf tanhf sinhf coshf sinf cosf tanf atanf erff erfcf fabsf "
    "floorf ceilf roundf truncf fmaxf fminf fmodf fmaf __expf __logf __powf __fdividef __sinf __cosf".split()
)
"""Functions of CUDA's own headers without overloads."""
_KEYWORDS = frozenset(
    "if else for while do return break continue switch case default true false nullptr sizeof static extern struct "
    "__shared__ __device__ __global__ __constant__ __host__ inline __forceinline__ __attribute__ shared device global "
    "threadIdx blockIdx blockDim gridDim warpSize x y z w pragma unroll static_cast reinterpret_cast".split()
)
_SIBLING = re.compile(r"cu(blas|sparse|solver)", re.I)
"""Names of the libraries whose headers torch's own CUDA headers include."""
_FOREIGN = re.compile(r"\b(?:at|c10|torch|caffe2|pybind11|py|_object|Py\w+)\b|kbshim")


def proof(error: Diagnostic, source: Source) -> str:
    """Why an error of the front end stands under any of torch's headers, or ""."""
    rules = (_undeclared, _members, _syntax, _device, _typed, _own_calls, _in_a_body, _untyped)
    return next((reason for rule in rules if (reason := rule(error, source))), "")


def _undeclared(error: Diagnostic, source: Source) -> str:
    found = _UNDECLARED.fullmatch(error.message)
    if not found:
        return ""
    name = found[1]
    if _SIBLING.match(name):
        return ""
    if error.message.endswith("device code"):
        return f"{name} is the candidate's own" if source.owns(name) else ""
    return source.nowhere(name, error.line)


def _members(error: Diagnostic, source: Source) -> str:
    if found := _NO_MEMBER_OF_SPACE.fullmatch(error.message):
        known = (source.names.stock_nested - source.hidden) | source.names.stock_global
        return "" if found[1] in known else f"{found[1]} is in no namespace here"
    if error.message == _NO_SPACE:
        name = re.match(r"\w+", error.shown[max(error.column - 1, 0) :])
        return source.nowhere(name[0], error.line) if name else ""
    if found := _NO_MEMBER.fullmatch(error.message):
        if _VECTOR.match(error.message):
            return f"{found[1]} is no member of CUDA's own type"
        tensor = error.message.startswith('class "at::Tensor" ')
        known = (tensors.members(source.stock) if tensor else None) or source.names.stock_everything
        return "" if found[1] in known else f"{found[1]} is a member of nothing that could be meant"
    return ""


def _syntax(error: Diagnostic, source: Source) -> str:
    if error.file == END:
        return "unbalanced to the end of the source"
    if not _SYNTAX.fullmatch(error.message) and not _IMPLICIT_INT.fullmatch(error.message):
        return ""
    return f"syntax: {error.message[:60]}" if source.same_to_both(source.near(error.line)) else ""


def _device(error: Diagnostic, source: Source) -> str:
    if found := _ACROSS.fullmatch(error.message):
        called = found[1]
        name = re.sub(r"[(<].*", "", called).rpartition("::")[2]
        plain = not _FOREIGN.search(called) and (called.startswith("std::") or source.owns(name))
        return f"{name} is called from the other side" if plain else ""
    return error.message[:60] if _DEVICE.fullmatch(error.message) and _clear(error, source) else ""


def _typed(error: Diagnostic, source: Source) -> str:
    if found := _FROM_TENSOR.fullmatch(error.message):
        return "a tensor converts to no builtin type" if _plain(found[1]) else ""
    for pattern in _TYPED:
        found = pattern.fullmatch(error.message)
        if found and any(found.groups()):
            return "builtin types alone" if all(_plain(text) for text in found.groups() if text) else ""
    operands = _OPERANDS.search(error.more)
    if operands and error.message.startswith("no operator"):
        return "builtin types alone" if _plain(operands[1]) else ""
    return ""


def _plain(text: str) -> bool:
    """Whether a type, or a list of them, is made of builtin types, CUDA's and std's."""
    return all(word in _BUILTIN or word.startswith("std::") for word in re.findall(r"std::[\w:]+|[A-Za-z_]\w*", text))


def _own_calls(error: Diagnostic, source: Source) -> str:
    """Arity and redefinition of functions that the candidate alone declares; arguments of builtin types."""
    if found := _DEFINED.fullmatch(error.message):
        return f"{found[1]} is the candidate's own" if source.owns(found[1].rpartition("::")[2]) else ""
    if found := _NO_INSTANCE.fullmatch(error.message):
        given = _ARGUMENTS.search(error.more)
        own = source.owns(found[1]) or found[1].startswith(("cuda", "std::"))
        return f"{found[1]} does not take builtin types so" if own and given and _plain(given[1]) else ""
    if error.message.startswith(("too few arguments in function call", "too many arguments in function call")):
        name, launched = called(error.shown, error.column)
        # A launch that meant a function of torch's headers would be refused too: none of theirs is a kernel.
        kernel = launched and name in source.functions
        toolkit = name.startswith("cuda") or _toolkit(name, source)
        if kernel or toolkit or source.owns(name):
            return f"{name} is the candidate's own or the toolkit's"
        return _on_a_tensor(error, source)
    return ""


def _on_a_tensor(error: Diagnostic, source: Source) -> str:
    """An argument for a member of at::Tensor that takes none: x.dim(1)."""
    found = re.search(r"(\w+)\s*\.\s*(\w+)\s*\([^()]*$", error.shown[: max(error.column - 1, 0)])
    if not found or found[2] not in tensors.without_arguments(source.stock) or opened_spaces(source.tokens):
        return ""
    body, _ = _enclosing(source.tokens, error.line)
    return f"{found[2]} of a tensor takes no argument" if tensors.is_tensor(found[1], body) else ""


def _in_a_body(error: Diagnostic, source: Source) -> str:
    """What the headers have no part in, since it concerns a block of the candidate or the function that it launches."""
    if found := _AGAIN.fullmatch(error.message):
        body, _ = _enclosing(source.tokens, error.line)
        twice = sum(t.text == found[1] for t in body) > 1
        return f"{found[1]} is declared twice in one block" if twice and source.same_to_both(body) else ""
    if error.message == _UNMODIFIABLE:
        body, _ = _enclosing(source.tokens, error.line)
        here = source.on(error.line)
        target = re.match(r"\w+", error.shown[max(error.column - 1, 0) :])
        name = target[0] if target else ""
        # A loop's own counter, or a name that the function declares in no other way.
        counter = [t.text for t in here[:2]] == ["for", "("] and _constant(name, here)
        return f"{name} is constant" if name and (counter or _constant(name, body)) else ""
    if error.message == _RETURNS:
        line = [t.text for t in source.on(error.line)]
        after = line[line.index("__global__") + 1 :] if "__global__" in line else []
        given = next((word for word in after if word not in ("static", "inline", "const")), "")
        return f"a kernel that returns {given}" if given in _BUILTIN - {"void"} else ""
    if error.message == _TOO_MANY_VALUES:
        line = [t.text for t in source.on(error.line)]
        scalar = any(line[i] in _BUILTIN and line[i + 2 : i + 4] == ["=", "{"] for i in range(len(line) - 3))
        return "braces around more than one number" if scalar and source.same_to_both(source.near(error.line)) else ""
    if error.message in (_UNLAUNCHED, _SHIFTED):
        least = 3 if error.message == _UNLAUNCHED else 2
        line = [t.text for t in source.on(error.line)]
        for i in range(1, len(line) - 2):
            if line[i : i + least] == ["<"] * least and source.owns(line[i - 1]):
                return f"{line[i - 1]} is no kernel" if least == 3 else f"{line[i - 1]} is no number to shift"
    return ""


def _toolkit(name: str, source: Source) -> bool:
    """Whether a name can mean nothing but a function of CUDA's headers that has no overloads."""
    return name in _MATHEMATICS and not opened_spaces(source.tokens)


def _constant(name: str, body: Sequence[Token]) -> bool:
    """Whether a name is declared here, as `const T name` or `const T* name` with a builtin T and in no other way."""
    words = [t.text for t in body if t.text not in ("__restrict__", "__restrict", "restrict")]
    before = [words[max(i - 4, 0) : i] for i, word in enumerate(words) if word == name and i]
    # `2 * x` looks like a declaration where the word before the star is a type, and only there.
    sure = [w for w in before if w[-1] in _BUILTIN or (w[-1] == "*" and len(w) > 1 and w[-2] in _BUILTIN)]
    return bool(sure) and all("const" in before for before in sure) and name not in declared(body)[1]


def _enclosing(tokens: Sequence[Token], line: int) -> tuple[list[Token], list[Token]]:
    """The tokens of the top-level declaration around a line whose braces hold it, and all the others."""
    begin = depth = 0
    for i, token in enumerate(tokens):
        if token.directive:
            continue
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0 and token.text in ("}", ";"):
            if token.line >= line and any(t.text == "{" and t.line <= line for t in tokens[begin:i]):
                return list(tokens[begin : i + 1]), [*tokens[:begin], *tokens[i + 1 :]]
            begin = i + 1
    return [], list(tokens)


def _untyped(error: Diagnostic, source: Source) -> str:
    typed = any(found and any(found.groups()) for pattern in _TYPED if (found := pattern.fullmatch(error.message)))
    right = not typed and _UNTYPED.fullmatch(error.message) and _clear(error, source)
    return error.message[:60] if right else ""


def _clear(error: Diagnostic, source: Source) -> bool:
    """Whether every word of the line is a builtin, a keyword, the toolkit's, or the candidate's with a builtin type."""
    line = source.on(error.line)
    if not line or any(t.directive for t in line):
        return False
    body, rest = _enclosing(source.tokens, error.line)
    plainly, otherwise = declared(body)
    beyond = declared(rest)
    plainly, otherwise = plainly | (beyond[0] - otherwise), otherwise | (beyond[1] - plainly)
    for i, token in enumerate(line):
        if token.kind != "word" or token.text in _KEYWORDS or token.text in _BUILTIN:
            continue
        plain = token.text in plainly and token.text not in otherwise
        if not plain and not source.owns(token.text) and not _toolkit(token.text, source):
            return False
        if i and line[i - 1].text == "::":
            return False
    return True


def declared(tokens: Sequence[Token]) -> tuple[set[str], set[str]]:
    """(names declared somewhere with builtin types, names declared somewhere with other types or `auto`)."""
    plainly: set[str] = set()
    otherwise: set[str] = set()
    code = [t for t in tokens if not t.directive]
    for i, token in enumerate(code):
        if token.kind != "word" or token.text in _KEYWORDS or token.text in _BUILTIN or i == 0:
            continue
        start = i - 1
        while start >= 0 and code[start].text in {"*", "&", "const", "__restrict__", "__restrict", "restrict"}:
            start -= 1
        before = code[start]
        if before.text in _BUILTIN:
            plainly |= {token.text, *_more_of_the_declaration(code, i)}
        elif (before.kind == "word" and before.text not in _KEYWORDS) or before.text == ">":
            otherwise.add(token.text)
    return plainly, otherwise


def _more_of_the_declaration(code: Sequence[Token], i: int) -> set[str]:
    """`b` and `c` of `int a = 1, b, *c = 0;` where `i` is `a`; nothing for a parameter."""
    found: set[str] = set()
    depth = 0
    for j in range(i + 1, min(len(code) - 1, i + 200)):
        text = code[j].text
        depth += (text in "([{") - (text in ")]}")
        if depth < 0 or text == ";":
            return found if text == ";" else set()
        if depth == 0 and text == ",":
            after = code[j + 1] if code[j + 1].text != "*" else code[min(j + 2, len(code) - 1)]
            if after.kind == "word" and after.text not in _BUILTIN:
                found.add(after.text)
    return set()


def called(shown: str, column: int) -> tuple[str, bool]:
    """The function whose argument list the caret stands in, or at whose end it stands, and whether it is launched as a
    kernel; "" when it cannot be told."""
    depth, i = 0, min(column - 1, len(shown)) - 1
    while i >= 0:
        depth += (shown[i] == ")") - (shown[i] == "(")
        if depth < 0:
            head = re.sub(r"<<<.*>>>\s*$", "", shown[:i].rstrip())
            found = re.search(r"(?<![\w:.>])(\w+)\s*$", re.sub(r"<[^<>]*>\s*$", "", head))
            return (found[1], head != shown[:i].rstrip()) if found else ("", False)
        i -= 1
    return "", False
