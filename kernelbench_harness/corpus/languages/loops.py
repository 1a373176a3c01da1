"""Forms of a loop in C++ and CUDA: for, while, reversed, blocked, unrolled, pointer-walking, with a row pointer or a
lambda body.

Guarantee: a `seq` loop keeps its order; a `parallel` or `range` loop may run backwards, in blocks or four at a time.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kernelbench_harness.corpus.loopnest import inline, loop_call, names_in, parallel_nest, subscript, substitute
from kernelbench_harness.corpus.text import mark, mark_lines, plain

if TYPE_CHECKING:
    from kernelbench_harness.corpus.languages.statements import Writer


def written(writer: Writer, node: ast.For) -> list[str]:
    """A loop and its body as lines."""
    style, rng = writer.style, writer.rng
    kind, variable, low, high = loop_call(node)
    outermost = writer.depth == 0 and kind == "parallel"
    if outermost and style.walk and (walked := _pointer_walk(writer, node)) is not None:
        return [*writer.layout.remark("loop"), *walked]
    name = writer.names.assign(variable, "loop")
    writer.expressions.types[variable] = "i"
    writer.depth += 1
    form = rng.choice(("lt", "lt", "lt", "le", "ne", "while", "reverse")) if style.loop == "mixed" else style.loop
    if (kind == "seq" and form == "reverse") or (form == "while" and name in writer.leaked):
        form = "lt"
    lines: list[str]
    simple = len(node.body) == 1 and isinstance(node.body[0], ast.AugAssign | ast.Assign)
    if outermost and style.layout == "lambda":
        lines = _lambda_body(writer, node, name, form)
    elif simple and kind != "seq" and style.unroll and name not in writer.leaked and rng.random() < 0.8:
        lines = _unrolled(writer, node, name)
    elif style.tile and kind != "seq" and rng.random() < 0.5:
        lines = _blocked(writer, node, name)
    else:
        pragma = [mark("pragma", style.pragma)] if outermost and style.pragma and form in ("lt", "le") else []
        head_body = formed(writer, name, form, writer.value(low), writer.value(high), _body(writer, node))
        lines = [*pragma, *head_body]
    writer.depth -= 1
    return [*writer.layout.remark("loop"), *lines]


def formed(writer: Writer, name: str, form: str, low: str, high: str, body: list[str]) -> list[str]:
    """One loop in one form around body lines."""
    kind = writer.style.index_type
    step = mark("advance", writer.style.increment.format(name))
    typed = f"{mark('counter', kind)} {mark('loopname', name)}"
    if form == "while":
        writer.leaked.add(name)
        block = writer.layout.block(
            f"while ({name} {mark('relation', '<')} {mark('bound', high)})", [*body, f"{step};"]
        )
        return mark_lines("loop", [f"{typed} = {mark('low', low)};", *block])
    tight = high if _atomic(high) else f"({high})"
    if form == "reverse" and kind == "size_t":
        head = f"for ({typed} = {mark('bound', high)}; {name}-- > {mark('low', low)}; )"
    elif form == "reverse":
        down = mark("advance", writer.style.increment.format(name).replace("+", "-"))
        test = f"{name} {mark('relation', '>=')} {mark('low', low)}"
        head = f"for ({typed} = {mark('bound', f'{tight} - 1')}; {test}; {down})"
    elif form == "le" and kind != "size_t":
        test = f"{name} {mark('relation', '<=')} {mark('bound', f'{tight} - 1')}"
        head = f"for ({typed} = {mark('low', low)}; {test}; {step})"
    else:
        # `!=` needs a bound that is certainly reached: only from zero.
        sign = "!=" if form == "ne" and plain(low) == "0" else "<"
        head = f"for ({typed} = {mark('low', low)}; {name} {mark('relation', sign)} {mark('bound', high)}; {step})"
    return mark_lines("loop", writer.layout.block(mark("head", head), body))


def _atomic(text: str) -> bool:
    return plain(text).isidentifier() or plain(text).isdigit()


def _body(writer: Writer, node: ast.For) -> list[str]:
    """The body, with row pointers first where the style hoists them."""
    hoisted = _row_pointers(writer, node) if writer.mode == "row" else []
    kept = dict(writer.rows)
    lines = [*hoisted, *writer.block(node.body)]
    writer.rows = {key: value for key, value in kept.items() if key not in _new_keys(writer, node)}
    return lines


def _rows_of(writer: Writer, node: ast.For) -> list[tuple[str, list[ast.expr], bool]]:
    """(array, leading indices, written to) of the elements whose row is fixed by this loop's variable."""
    variable = loop_call(node)[1]
    found: dict[tuple[str, str], tuple[str, list[ast.expr], bool]] = {}
    inner = {loop_call(part)[1] for part in ast.walk(node) if isinstance(part, ast.For) and part is not node}
    inner |= {
        part.target.id
        for part in ast.walk(node)
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    for part in ast.walk(node):
        hit = subscript(part) if isinstance(part, ast.Subscript) else None
        if hit is None or len(hit[1]) < 2 or writer.arrays[hit[0]].dims[-1] == "1":
            continue
        array, leading = hit[0], hit[1][:-1]
        used = set(names_in(leading))
        if variable in used and not used & inner:
            key = array, ",".join(ast.dump(index) for index in leading)
            stored = isinstance(part.ctx, ast.Store) or found.get(key, ("", [], False))[2]  # type: ignore[attr-defined]
            found[key] = (array, leading, stored)
    return list(found.values())


def _new_keys(writer: Writer, node: ast.For) -> set[tuple[str, str]]:
    return {(array, ",".join(ast.dump(index) for index in leading)) for array, leading, _ in _rows_of(writer, node)}


def _row_pointers(writer: Writer, node: ast.For) -> list[str]:
    lines: list[str] = []
    types = {"f32": writer.real, "i64": "int64_t", "bool": "bool"}
    for array, leading, _ in _rows_of(writer, node):
        base = writer.pointers[array]
        row = writer.names.fresh(f"{base}_row", f"row_{base}", f"{base}_n")
        offset = writer.address(array, [*leading, ast.Constant(0)])
        constant = "const " if writer.arrays[array].source else ""
        lines.append(
            f"{constant}{types[writer.arrays[array].dtype]}* {row} = {mark('use', base)} + {mark('index', offset)};"
        )
        writer.rows[array, ",".join(ast.dump(index) for index in leading)] = row
    return lines


def _lambda_body(writer: Writer, node: ast.For, name: str, form: str) -> list[str]:
    """The body in a lambda that the loop calls."""
    body = writer.names.fresh("process", "compute_one", "body", "handle_row")
    head = f"auto {body} = [&]({writer.style.index_type} {name})"
    lines = [*writer.layout.function(head, _body(writer, node))[:-1], "};"]
    _, _, low, high = loop_call(node)
    call = [f"{mark('use', body)}({mark('use', name)});"]
    return [*lines, *formed(writer, name, form, writer.value(low), writer.value(high), call)]


def _blocked(writer: Writer, node: ast.For, name: str) -> list[str]:
    """The loop in blocks, the last one clamped."""
    style = writer.style
    _, _, low, high = loop_call(node)
    start = writer.names.fresh(f"{name}0", f"{name}_block", f"{name}b")
    stop = writer.names.fresh(f"{name}_end", f"{name}1", f"{name}_stop")
    bound = writer.value(high)
    reach = f"{start} + {style.tile}"
    least = f"std::min<{style.index_type}>({reach}, {plain(bound)})"
    if writer.expressions.device or style.extremum == "ternary":
        least = f"({reach} < {plain(bound)}) ? ({reach}) : ({plain(bound)})"
    constant = "const " if style.constness else ""
    inner = formed(writer, name, "lt", start, stop, _body(writer, node))
    body = [f"{constant}{style.index_type} {stop} = {mark('clamp', least, reach)};", *inner]
    step = mark("advance", f"{start} += {style.tile}")
    first = f"{mark('counter', style.index_type)} {start} = {mark('low', writer.value(low))}"
    head = f"for ({first}; {start} {mark('relation', '<')} {mark('bound', bound)}; {step})"
    return mark_lines("loop", writer.layout.block(mark("head", head), body))


def _unrolled(writer: Writer, node: ast.For, name: str) -> list[str]:
    """Four iterations at a time, then the rest."""
    style = writer.style
    _, variable, low, high = loop_call(node)
    bound = writer.value(high)
    four = []
    for ahead in range(4):
        moved: dict[str, ast.expr] = (
            {variable: ast.BinOp(ast.Name(variable), ast.Add(), ast.Constant(ahead))} if ahead else {}
        )
        four += writer.statement(_moved(node.body[0], moved))
    writer.leaked.add(name)
    head = f"for (; {name} + 3 {mark('relation', '<')} {mark('bound', bound)}; {mark('advance', f'{name} += 4')})"
    step = mark("advance", style.increment.format(name))
    rest = f"for (; {name} {mark('relation', '<')} {mark('bound', bound)}; {step})"
    return mark_lines(
        "loop",
        [
            f"{mark('counter', style.index_type)} {mark('loopname', name)} = {mark('low', writer.value(low))};",
            *writer.layout.block(mark("head", head), four),
            *mark_lines("remainder", writer.layout.block(rest, writer.block(node.body))),
        ],
    )


def _moved(node: ast.stmt, values: dict[str, ast.expr]) -> ast.stmt:
    match node:
        case ast.AugAssign():
            target = substitute(node.target, values)
            return ast.AugAssign(target, node.op, substitute(node.value, values))  # type: ignore[arg-type]
        case ast.Assign():
            return ast.Assign([substitute(node.targets[0], values)], substitute(node.value, values))
    return node


def _pointer_walk(writer: Writer, node: ast.For) -> list[str] | None:
    """`while (src != end) *dst++ = f(*src++)` for a flat loop that reads each array once, else None."""
    loops, body = parallel_nest(node)
    if len(loops) != 1 or len(body) != 1 or not isinstance(body[0], ast.Assign):
        return None
    _, variable, _, high = loop_call(node)
    value = inline(body[0].value, writer.helpers)
    reads = [subscript(part) for part in ast.walk(value) if isinstance(part, ast.Subscript)]
    arrays = [hit[0] for hit in reads if hit is not None]
    flat = all(writer.arrays[array].flat for array in arrays)
    if not flat or len(set(arrays)) != len(arrays) or any(part == variable for part in names_in([high])):
        return None
    target = subscript(body[0].targets[0])
    if target is None or not writer.arrays[target[0]].flat:
        return None
    start = {array: writer.pointers[array] for array in [*arrays, target[0]]}
    cursor = {array: writer.names.fresh(f"{base}_it", f"p_{base}", f"cur_{base}") for array, base in start.items()}
    end = writer.names.fresh("end", "last", "stop_ptr")
    first = arrays[0]
    lines = [f"const {writer.real}* {cursor[array]} = {mark('use', start[array])};" for array in arrays]
    lines += [f"{writer.real}* {cursor[target[0]]} = {mark('use', start[target[0]])};"]
    lines += [f"const {writer.real}* const {end} = {start[first]} + {mark('bound', writer.value(high))};"]
    kept, writer.expressions.load = writer.expressions.load, lambda array, _: f"*{mark('use', cursor[array])}"
    text = writer.expressions.text(value)
    writer.expressions.load = kept
    moves = [*arrays, target[0]]
    body_lines = [
        mark("store", f"*{mark('target', cursor[target[0]])} = {text};"),
        *(f"{mark('advance', f'++{cursor[array]}')};" for array in moves),
    ]
    return [
        *lines,
        *mark_lines("loop", writer.layout.block(f"while ({cursor[first]} {mark('relation', '<')} {end})", body_lines)),
    ]
