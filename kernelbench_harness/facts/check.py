"""Walks the light tree with scopes: which names exist, how many arguments, which types meet, what is const.

Guaranteed: a name is reported only when no scope, no library table and no `using` can bring it in. The checker also
leaves, for the interpreter, the symbol behind every name node and the type of every expression.
Not guaranteed: overload resolution, template deduction beyond std::max and its like.
"""

from __future__ import annotations

from kernelbench_harness.facts import cuda_names, known
from kernelbench_harness.facts.calls import CallRules
from kernelbench_harness.facts.check_declarations import check_variable
from kernelbench_harness.facts.check_expressions import RULES, label
from kernelbench_harness.facts.cpp_types import BUILTIN
from kernelbench_harness.facts.ctree import Func, Node, Type, Unit, walk
from kernelbench_harness.facts.finding import Finding
from kernelbench_harness.facts.spelling import nearest
from kernelbench_harness.facts.symbols import Checked, Symbol
from kernelbench_harness.facts.values import (
    INT,
    canonical,
    conflict,
    element,
)


def check_unit(
    unit: Unit, includes: tuple[str, ...], macros: frozenset[str], cuda: bool = False, declared: bool = False
) -> Checked:
    """Check a whole source; `declared`: the types in declarations without a body too."""
    return _Checker(unit, includes, macros, cuda, declared).run()


class _Checker:
    def __init__(
        self, unit: Unit, includes: tuple[str, ...], macros: frozenset[str], cuda: bool, declared: bool
    ) -> None:
        self.unit = unit
        self.declared = declared
        self.cuda = cuda
        self.out = Checked()
        if cuda:
            self.out.structs.update(cuda_names.STRUCTS)
        self.scopes: list[dict[str, Symbol]] = [{}]
        self.count = 0
        self.includes = includes
        self.macros = macros
        self.returns: Type | None = None
        self.templates: frozenset[str] = frozenset()
        self.seen: set[tuple[str, str]] = set()
        self.loose = 0
        self.calls = CallRules(self)

    def report(self, kind: str, detail: str, line: int) -> None:
        """One finding of a kind and detail; repeated uses of one undeclared name are one finding."""
        if (kind, detail) not in self.seen:
            self.seen.add((kind, detail))
            self.out.findings.append(Finding(kind, detail, line))

    def run(self) -> Checked:
        for struct in self.unit.structs:
            self.out.structs[struct.name] = struct
            for func in struct.methods:
                symbol = Symbol(f"{struct.name}__{func.name}", 0, "fn", Type("fn"), func.line)
                symbol.func = func
                self.scopes[0][f"{struct.name}::{func.name}"] = symbol
                self.out.functions[symbol.name] = [func]
        for decl in self.unit.globals:
            self._decl(decl)
        for func in self.unit.functions:
            self._function(func)
        for struct in self.unit.structs:
            for func in struct.methods:
                self.scopes.append({})
                for name, kind, _ in struct.fields:
                    self._declare(name, "var", canonical(kind), func.line)
                for other in struct.methods:
                    self._declare(other.name, "fn", None, func.line)
                self._body(func, Type("struct"))
                self.scopes.pop()
        return self.out

    # scopes

    def _declare(self, name: str, kind: str, type_: Type | None, line: int) -> Symbol:
        self.count += 1
        symbol = Symbol(name, self.count, kind, type_, line)
        symbol.depth = len(self.scopes)
        scope = self.scopes[-1]
        old = scope.get(name)
        if old is not None and kind in ("var", "param") and old.kind != "fn" and self.loose == 0:
            self.report("redeclared", f"{name} line {line}", line)
        scope[name] = symbol
        return symbol

    def find(self, name: str) -> Symbol | None:
        """The symbol of `name` in the innermost scope that has it."""
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def _function(self, func: Func) -> None:
        same = self.out.functions.setdefault(func.name, [])
        if func.body is not None:
            for other in same:
                same_form = other.templates == func.templates
                if (
                    other.body is not None
                    and same_form
                    and [p.type for p in other.params] == [p.type for p in func.params]
                ):
                    self.report("redeclared", f"{func.name}()", func.line)
        same.append(func)
        if func.name not in self.scopes[0]:
            symbol = self._declare(func.name, "fn", Type("fn"), func.line)
            symbol.func = func
        if func.body is not None:
            self._body(func, canonical(func.returns))
        elif self.declared and not func.templates:
            for kind in (func.returns, *(param.type for param in func.params)):
                self._type_known(kind, func.line)

    def _body(self, func: Func, returns: Type | None) -> None:
        outer, self.returns = self.returns, returns
        outer_templates, self.templates = self.templates, self.templates | frozenset(func.templates)
        self.scopes.append({})
        given = {n: self._declare(n, "template", INT if n.isupper() else None, func.line) for n in func.templates}
        if given:
            self.out.templates[id(func)] = given
        self._type_known(func.returns, func.line)
        for param in func.params:
            self._type_known(param.type, func.line)
            if param.name:
                kind = self.value_type(param.type)
                symbol = self._declare(param.name, "param", kind, func.line)
                symbol.const = param.type.const and not param.type.ptr
                self.out.symbols[id(param)] = symbol
        assert func.body is not None
        for stmt in func.body.parts:
            self.statement(stmt)
        self.scopes.pop()
        wants = returns is not None and (returns.base != "void" or returns.ptr > 0) and returns.base != "struct"
        if func.name and wants and func.name != "main" and not _returns(func.body):
            self.report("no_return", func.name, func.line)
        self.returns, self.templates = outer, outer_templates

    def value_type(self, kind: Type) -> Type | None:
        """Type of a declared value; a template parameter is unknown, a pointer to one "generic"."""
        if kind.base in self.templates:
            return kind._replace(base="generic", ref=False) if kind.ptr else None
        return canonical(kind)

    def _type_known(self, kind: Type, line: int) -> None:
        base = kind.base
        for arg in kind.args:
            if isinstance(arg, Type) and arg.base not in self.scopes[0]:
                self._type_known(arg, line)
        if self.cuda and cuda_names.check_type(self, base, line):
            return
        words = base.split(" ")
        if base in self.unit.types or all(w in BUILTIN for w in words) or base in self.templates:
            return
        if base in self.macros or self.find(base) is not None or base in ("uint", "ushort", "ulong", "FILE"):
            return
        head, _, tail = base.partition("::")
        if tail:
            if head in self.templates or head in self.unit.types or head in self.out.structs:
                return
            if head in ("std", "torch", "at", "c10") and tail.count("::") == 0:
                near = nearest(base, known.TYPES)
                if near:
                    self.report("undeclared", f"{base} (near {near})", line)
            elif head not in known.ROOTS and head not in self.unit.usings:
                self.report("undeclared", base, line)
            return
        for space in self.unit.usings:
            if f"{space}::{base}" in known.TYPES or space.endswith("::" + base):
                return
        self._undeclared(base, line)

    def _undeclared(self, name: str, line: int) -> None:
        names = {n for scope in self.scopes for n in scope}
        near = nearest(name, names | BUILTIN | {"int64_t", "size_t", "std", "torch"})
        if any("::" + name in t and t.endswith("::" + name) for t in known.TYPES):
            near = "qualified"
        self.report("undeclared", name + (f" (near {near})" if near else ""), line)

    # statements

    def statement(self, stmt: Node) -> None:
        """Check one statement."""
        kind = stmt.kind
        if kind == "decl":
            self._decl(stmt)
        elif kind in ("expr", "return"):
            if kind == "return":
                self._return(stmt)
            else:
                self.expr(stmt.parts[0])
        elif kind == "bad":
            self.loose += 1
        elif kind == "using":
            if stmt.text:
                self.unit = self.unit._replace(usings=self.unit.usings | set(stmt.text.split()))
        elif kind == "struct":
            self.out.structs[stmt.extra.name] = stmt.extra
        elif kind == "rangefor":
            self._range_for(stmt)
        else:
            if kind in ("for", "while", "do"):
                self._progress(stmt)
            self.scopes.append({})
            for part in stmt.parts:
                if part.kind in _STATEMENTS:
                    if part.kind not in ("decl", "block", "expr", "empty"):
                        self.scopes.append({})
                        self.statement(part)
                        self.scopes.pop()
                    else:
                        self.statement(part)
                else:
                    self.expr(part)
            self.scopes.pop()

    def _progress(self, stmt: Node) -> None:
        """Report a loop in which nothing of its condition changes and that nothing leaves."""
        cond, body = (stmt.parts[1], stmt.parts[3]) if stmt.kind == "for" else stmt.parts
        steps = [stmt.parts[2], body] if stmt.kind == "for" else [body]
        used = {n.text for n in walk(cond) if n.kind == "name"}
        if not used.isdisjoint(_changed(walk(steps[0]))):
            return  # an ordinary loop: its step moves what its condition asks about
        nodes = [n for part in (*steps, cond) for n in walk(part)]
        if any(n.kind in ("break", "return") or n.text in ("throw", "goto") for n in nodes):
            return
        if any(n.kind in ("call", "index", "member") for n in walk(cond)) and cond.kind != "bin":
            return
        changed = _changed(nodes)
        passed = {
            a.text
            for n in nodes
            if n.kind == "call" and n.parts[0].kind == "name"
            for a in n.parts[1:]
            if a.kind == "name"
        }
        methods = {label(n.parts[0]) for n in nodes if n.kind == "member"}
        if not used & (changed | passed | methods):
            self.report("no_progress", ",".join(sorted(used)[:2]) or "true", stmt.line)

    def _range_for(self, stmt: Node) -> None:
        decl, source, body = stmt.parts
        source_type = self.expr(source)
        self.scopes.append({})
        for var in decl.parts:
            decl_type = canonical(var.extra.type)
            for name in var.extra.names or (var.text,):
                symbol = self._declare(name, "var", decl_type or element(source_type), var.line)
                self.out.symbols[id(var)] = symbol
        self.statement(body)
        self.scopes.pop()

    def _return(self, stmt: Node) -> None:
        have = self.expr(stmt.parts[0]) if stmt.parts else None
        want = self.returns
        if want is None or want.base == "struct":
            return
        is_void = want.base == "void" and not want.ptr
        if stmt.parts and is_void and (have is None or have.base != "void"):
            self.report("void_return", "value from void", stmt.line)
        elif not stmt.parts and not is_void:
            self.report("void_return", "return without value", stmt.line)
        elif stmt.parts and not is_void and want.base not in self.templates:
            why = conflict(want, have) if stmt.parts[0].text not in ("0", "nullptr", "NULL") else ""
            if why:
                self.report("type", f"return {why}", stmt.line)

    def _decl(self, stmt: Node) -> None:
        self._type_known(stmt.extra, stmt.line)
        for var in stmt.parts:
            check_variable(self, var)

    # expressions

    def expr(self, node: Node) -> Type | None:
        """Check an expression; its type."""
        kind = RULES[node.kind](self, node) if node.kind in RULES else self._other(node)
        self.out.types[id(node)] = kind
        return kind

    def _other(self, node: Node) -> Type | None:
        if node.kind in _STATEMENTS:
            self.statement(node)
            return None
        for part in node.parts:
            self.expr(part)
        if node.kind == "init" and node.extra is not None:
            self._type_known(node.extra, node.line)
            return canonical(node.extra)
        return INT if node.kind == "sizeof" else None


def _changed(nodes: list[Node]) -> set[str]:
    """Names that are assigned, stepped, or whose address is taken."""
    return {
        label(n.parts[0])
        for n in nodes
        if n.kind == "assign" or (n.kind in ("un", "post") and n.text in ("++", "--", "&"))
    }


_STATEMENTS = frozenset(
    """decl expr return for rangefor while do if block switch case break continue empty using struct bad""".split()
)


def _returns(body: Node) -> bool:
    """Whether some path returns, throws or calls TORCH_CHECK(false...); lambdas inside do not count."""
    stack = [body]
    while stack:
        node = stack.pop()
        if node.kind in ("return", "bad") or (node.kind == "call" and node.text == "throw"):
            return True
        if (
            node.kind == "expr"
            and node.parts[0].kind == "call"
            and node.parts[0].parts[0].text.startswith("AT_DISPATCH")
        ):
            return True
        stack.extend(p for p in node.parts if isinstance(p, Node) and (p.kind in _STATEMENTS or p.text == "throw"))
    return False
