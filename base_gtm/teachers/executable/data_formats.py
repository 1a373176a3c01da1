"""CSV, JSON, YAML, INI, query strings and Markdown tables: reading, looking up, comparing, rendering."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool

_NAMES = ("Ada", "Grace", "Linus", "Mei Ling", "Tomás", "Fatima", "Olaf", "Priya", "Jean-Luc", "Ngozi")
_CITIES = ("Oslo", "Lyon", "Kyoto", "Recife", "Leeds", "Tallinn", "Accra", "Graz")
_GOODS = ("desk lamp", "USB cable", "notebook", "kettle", "office chair", "HDMI adapter", "tea, green", 'monitor 27"')

Kind = Literal["object", "array", "string", "number", "boolean", "null"]


def _order(rng: Random) -> dict[str, Any]:
    lines = [
        {
            "sku": f"{rng.choice('ABCD')}-{rng.randrange(100, 999)}",
            "quantity": rng.randint(1, 9),
            "price": rng.randrange(199, 9999) / 100,
        }
        for _ in range(rng.randint(1, 3))
    ]
    return {
        "id": rng.randrange(1000, 99999),
        "customer": {"name": rng.choice(_NAMES), "city": rng.choice(_CITIES)},
        "lines": lines,
    }


def _profile(rng: Random) -> dict[str, Any]:
    return {
        "user": rng.choice(_NAMES),
        "active": rng.random() < 0.7,
        "roles": rng.sample(("admin", "editor", "viewer", "billing"), rng.randint(0, 3)),
        "address": {"city": rng.choice(_CITIES), "zip": f"{rng.randrange(10000, 99999)}"},
        "phone": rng.choice((None, "+44 20 7946 0958")),
    }


def _settings(rng: Random) -> dict[str, Any]:
    return {
        "service": rng.choice(("api", "worker", "gateway")),
        "port": rng.choice((80, 443, 3000, 8080)),
        "database": {
            "host": rng.choice(("localhost", "db.internal")),
            "pool": {"min": rng.randint(1, 3), "max": rng.randint(5, 40)},
        },
        "features": {"dark_mode": rng.random() < 0.5, "beta": rng.random() < 0.3},
        "timeout": rng.choice((0.5, 2.5, 30, 60)),
    }


def _document(rng: Random) -> dict[str, Any]:
    """Something such as services exchange."""
    return rng.choice((_order, _profile, _settings))(rng)


_DEEPEST = 50
"""Levels of nesting that are read."""


def _text_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(text: str, name: str) -> Any:
    """Raises Refused for what is not JSON by RFC 8259."""

    def finite(number: str) -> float:
        value = float(number)
        if abs(value) == float("inf"):
            raise ValueError(f"{number} is too large for a number")
        return value

    def constant(word: str) -> Any:
        raise ValueError(f"{word} is no value of JSON")

    deep = Refused(f"parameter '{name}': it is nested more than {_DEEPEST} levels deep; give a flatter document")
    try:
        value = json.loads(text, parse_float=finite, parse_constant=constant)
        _text_of(value).encode()
    except RecursionError:
        raise deep from None
    except ValueError as error:
        raise Refused(f"parameter '{name}': {text[:40]!r} is not valid JSON ({error}); mend it there") from None
    if _deeper(value, _DEEPEST):
        raise deep
    return value


def _deeper(value: Any, levels: int) -> bool:
    return levels < 0 or any(_deeper(member, levels - 1) for member in _members(value).values())


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return "boolean"
    kinds: Mapping[type, Kind] = {dict: "object", list: "array", str: "string", int: "number", float: "number"}
    return kinds.get(type(value), "null")


def _step(path: str, key: str | int) -> str:
    """A JSON pointer one level further (RFC 6901)."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _members(value: Any) -> Mapping[str | int, Any]:
    return value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}


def _pointers(value: Any, path: str = "") -> Iterator[str]:
    yield path
    for key, member in _members(value).items():
        yield from _pointers(member, _step(path, key))


_BROKEN = Wrong(
    pick("{bad json}", '{"a": 1,}', "{'a': 1}", '{"a": [1, 2}', '{"a": NaN}', "[1, 2", '{"a" 1}', "undefined")
)


def _document_and_pointer(rng: Random) -> Mapping[str, Any]:
    document = _document(rng)
    return {"document": _text_of(document), "pointer": rng.choice(list(_pointers(document))[1:])}


class PointedValue(Result):
    value: str = Field(description="The value as JSON text")
    kind: Kind = Field(description="Its JSON type")
    size: int = Field(description="Members, items or characters; 1 for numbers, booleans and null")


@tool(
    "Data formats",
    "JSON",
    "What stands at {pointer} in {document}?",
    "Look up the JSON pointer {pointer} in this document:\n{document}",
    together=_document_and_pointer,
)
def json_pointer_lookup(
    document: Annotated[str, Field(min_length=1, max_length=4000, description="JSON text"), _BROKEN],
    pointer: Annotated[
        str,
        Field(max_length=200, description="JSON pointer, such as /lines/0/price; empty for the whole document"),
        Wrong(pick("no/slash/first", "/no~2escape", "lines[0].price", "$.customer.name", "/nobody/has/this/member")),
    ],
) -> PointedValue:
    """The value at a JSON pointer (RFC 6901) in a JSON document."""
    value = _json(document, "document")
    if (pointer and not pointer.startswith("/")) or re.search("~(?![01])", pointer):
        raise Refused(f"parameter 'pointer': {pointer!r} is no JSON pointer; write one such as /lines/0/price")
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        members = {str(name): member for name, member in _members(value).items()}
        if key not in members:
            known = ", ".join(members) or "nothing"
            raise Refused(f"parameter 'pointer': {pointer!r} finds no {key!r}; there is {known[:80]}")
        value = members[key]
    size = len(value) if isinstance(value, dict | list | str) else 1
    return PointedValue(value=_text_of(value), kind=_kind(value), size=size)


class FlatObject(Result):
    flat: dict[str, str | int | float | bool | None] = Field(
        description="Path -> value; an empty object or array stands as the text {} or []"
    )
    leaves: int = Field(description="Values found")
    depth: int = Field(description="Most levels that a path goes through")


def _leaves(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    members = _members(value)
    if not members:
        yield keys, _text_of(value) if isinstance(value, dict | list) else value
    for key, member in members.items():
        yield from _leaves(member, (*keys, str(key)))


@tool(
    "Data formats",
    "JSON",
    "Flatten this JSON into dotted keys: {document}",
    "Flatten {document} with '{separator}' between the keys.",
)
def flatten_json_object(
    document: Annotated[
        str,
        Field(min_length=2, max_length=4000, description="JSON text of an object"),
        Like(lambda rng: _text_of(_document(rng))),
        Wrong(pick("[1, 2, 3]", '"text"', "42", '{"a": 1,}', "{'a': 1}", "null", "{}")),
    ],
    separator: Annotated[
        Literal[".", "/", "_", "__"], Field(description="What stands between keys"), Like(pick(".", "/", "_", "__"))
    ] = ".",
) -> FlatObject:
    """Flatten a nested JSON object into one level; items of arrays are named by their place from 0."""
    value = _json(document, "document")
    if not isinstance(value, dict) or not value:
        raise Refused(
            f"parameter 'document': {document[:40]!r} is no JSON object with members; give one such as {{\"a\": 1}}"
        )
    leaves = list(_leaves(value))
    flat = {separator.join(keys): leaf for keys, leaf in leaves}
    if len(flat) < len(leaves):
        raise Refused(f"parameter 'document': two values come to the same path with {separator!r} between the keys")
    return FlatObject(flat=flat, leaves=len(leaves), depth=max(len(keys) for keys, _ in leaves))


def _changed(rng: Random) -> Mapping[str, Any]:
    """A document, and what somebody made of it."""
    before = _document(rng)
    after = json.loads(json.dumps(before))
    for _ in range(rng.randint(0, 3)):
        inner = rng.choice([after, *(member for member in after.values() if isinstance(member, dict) and member)])
        key = rng.choice(list(inner))
        change = rng.choice(("replace", "replace", "remove", "add"))
        if change == "replace" and not isinstance(inner[key], dict | list):
            inner[key] = rng.choice((rng.randint(1, 99), rng.choice(_CITIES), True, None))
        elif change == "remove" and len(inner) > 1:
            del inner[key]
        else:
            inner[rng.choice(("note", "updated", "tags", "a/b"))] = rng.choice(("urgent", 7, ["new"], False))
    return {"before": _text_of(before), "after": _text_of(after)}


class JsonChange(Result):
    operation: Literal["add", "remove", "replace"] = Field(description="What was done")
    path: str = Field(description="Where, as a JSON pointer")
    old: str | None = Field(description="The value before as JSON text; null where it was added")
    new: str | None = Field(description="The value after as JSON text; null where it was removed")


class JsonChanges(Result):
    equal: bool = Field(description="Whether the documents say the same, whatever the order of members")
    changes: list[JsonChange] = Field(description="The changes, in the order of the members before, additions last")


def _changes(before: Any, after: Any, path: str = "") -> Iterator[JsonChange]:
    if type(before) is not type(after) or not isinstance(before, dict | list):
        if (before, _kind(before)) != (after, _kind(after)):
            yield JsonChange(operation="replace", path=path, old=_text_of(before), new=_text_of(after))
        return
    old, new = _members(before), _members(after)
    for key, member in old.items():
        if key in new:
            yield from _changes(member, new[key], _step(path, key))
        else:
            yield JsonChange(operation="remove", path=_step(path, key), old=_text_of(member), new=None)
    for key in [key for key in new if key not in old]:
        yield JsonChange(operation="add", path=_step(path, key), old=None, new=_text_of(new[key]))


@tool(
    "Data formats",
    "JSON",
    "What changed between {before} and {after}?",
    "Diff these two JSON documents.\nOld: {before}\nNew: {after}",
    together=_changed,
)
def json_document_diff(
    before: Annotated[str, Field(min_length=1, max_length=4000, description="JSON text before"), _BROKEN],
    after: Annotated[str, Field(min_length=1, max_length=4000, description="JSON text after"), _BROKEN],
) -> JsonChanges:
    """Differences of two JSON documents, with the operations of JSON Patch (RFC 6902). Items of arrays are compared
    place by place; 1 and 1.0 are equal."""
    changes = list(_changes(_json(before, "before"), _json(after, "after")))
    return JsonChanges(equal=not changes, changes=changes)


_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
Separator = Literal["comma", "semicolon", "tab", "pipe"]


def _table(rng: Random) -> Mapping[str, Any]:
    import csv
    import io

    columns: Mapping[str, Any] = {
        "id": lambda: rng.randrange(1, 5000),
        "name": lambda: rng.choice(_NAMES),
        "city": lambda: rng.choice((*_CITIES, "")),
        "item": lambda: rng.choice(_GOODS),
        "price": lambda: f"{rng.randrange(199, 99999) / 100:.2f}",
        "paid": lambda: rng.choice(("true", "false")),
        "date": lambda: f"2024-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}",
    }
    chosen, separator = rng.sample(tuple(columns), rng.randint(2, 4)), rng.choice(tuple(_SEPARATORS))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=_SEPARATORS[separator], lineterminator="\n")
    writer.writerow(chosen)
    writer.writerows([columns[column]() for column in chosen] for _ in range(rng.randint(1, 5)))
    given = {"text": out.getvalue().rstrip("\n")}
    return given if separator == "comma" else given | {"separator": separator}


class CsvColumn(Result):
    name: str = Field(description="Name in the header")
    kind: Literal["integer", "number", "boolean", "date", "text", "empty"] = Field(
        description="What all its filled cells can be read as"
    )


class CsvRecords(Result):
    records: list[dict[str, str]] = Field(description="A row each: column -> text of the cell")
    row_count: int = Field(description="Rows below the header")
    columns: list[CsvColumn] = Field(description="The columns in their order")


_CELLS: Mapping[Literal["integer", "number", "boolean", "date"], str] = {
    "integer": "[+-]?[0-9]+",
    "number": r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
    "boolean": "(?i:true|false|yes|no)",
    "date": "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])",
}


def _column(name: str, cells: list[str]) -> CsvColumn:
    filled = [cell for cell in cells if cell]
    if not filled:
        return CsvColumn(name=name, kind="empty")
    for kind, pattern in _CELLS.items():
        if all(re.fullmatch(pattern, cell) for cell in filled):
            return CsvColumn(name=name, kind=kind)
    return CsvColumn(name=name, kind="text")


@tool(
    "Data formats",
    "Tables",
    "Turn this CSV into records:\n{text}",
    "Parse the following {separator}-separated table, and tell me the type of each column.\n{text}",
    together=_table,
)
def csv_to_records(
    text: Annotated[
        str,
        Field(min_length=1, max_length=4000, description="Table with a header line; cells may be quoted"),
        Wrong(pick("name", "id\n", "only a header line", "\n\n", "a", 'total\n"')),
    ],
    separator: Annotated[
        Separator, Field(description="Character between cells"), Like(pick("comma"), given=0.05)
    ] = "comma",
) -> CsvRecords:
    """Read a table in CSV (RFC 4180) whose first line names the columns. Empty lines are passed over."""
    import csv
    import io

    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_SEPARATORS[separator], strict=True)
    try:
        header, *rows = [row for row in reader if row] or [[]]
    except csv.Error as error:
        raise Refused(f"parameter 'text': it is not CSV ({error}); see that each quote is closed") from None
    if not header or not rows:
        raise Refused(f"parameter 'text': {text[:40]!r} has no rows; give a header line and at least one row below it")
    if len(set(header)) < len(header):
        raise Refused(
            f"parameter 'text': the header names a column twice: {', '.join(header)[:80]}; each name must differ"
        )
    ragged = next((at for at, row in enumerate(rows, 1) if len(row) != len(header)), None)
    if ragged:
        cells = len(rows[ragged - 1])
        raise Refused(f"parameter 'text': row {ragged} has {cells} cells, the header {len(header)}; both must be equal")
    return CsvRecords(
        records=[dict(zip(header, row, strict=True)) for row in rows],
        row_count=len(rows),
        columns=[_column(name, [row[at] for row in rows]) for at, name in enumerate(header)],
    )


_ALIGNED = {"left": ":---", "centre": ":---:", "right": "---:"}


def _markdown(rng: Random) -> Mapping[str, Any]:
    headers = ["Name", "City", "Orders", "Balance"][: rng.randint(2, 4)]
    rows = [
        [rng.choice(_NAMES), rng.choice(_CITIES), str(rng.randint(0, 40)), f"{rng.randint(-50, 900)}.50"][
            : len(headers)
        ]
        for _ in range(rng.randint(1, 4))
    ]
    return {"headers": headers, "rows": rows}


class MarkdownTable(Result):
    markdown: str = Field(description="The table, a line each for header, alignment and rows")
    row_count: int = Field(description="Rows below the header")


@tool(
    "Data formats",
    "Tables",
    "Make a Markdown table with the columns {headers} from {rows}.",
    "Markdown table please, {alignment} aligned. Headers: {headers}. Cells, row by row: {rows}",
    together=_markdown,
)
def markdown_table_render(
    headers: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=60)]],
        Field(min_length=1, max_length=12, description="Names of the columns"),
    ],
    rows: Annotated[
        list[Annotated[list[Annotated[str, Field(max_length=120)]], Field(min_length=1, max_length=12)]],
        Field(min_length=1, max_length=40, description="Cells of each row"),
        Wrong(pick([["a"], ["b", "c"]], [["x", "y", "z"], ["x", "y"]], [["1", "2"], ["3"], ["4", "5"]])),
    ],
    alignment: Annotated[
        Literal["left", "centre", "right"],
        Field(description="Side of all cells"),
        Like(pick("left", "centre", "right"), 0.4),
    ] = "left",
) -> MarkdownTable:
    """Render a table as GitHub Flavoured Markdown; a pipe inside a cell is escaped, a line break becomes <br>."""
    ragged = next((at for at, row in enumerate(rows, 1) if len(row) != len(headers)), None)
    if ragged:
        cells = len(rows[ragged - 1])
        raise Refused(
            f"parameter 'rows': row {ragged} has {cells} cells, but there are {len(headers)} headers; match them"
        )
    lines = [headers, [_ALIGNED[alignment]] * len(headers), *rows]
    table = [
        "| " + " | ".join(cell.replace("|", r"\|").replace("\n", "<br>") for cell in line) + " |" for line in lines
    ]
    return MarkdownTable(markdown="\n".join(table), row_count=len(rows))


def _yaml(rng: Random) -> str:
    import yaml

    text = yaml.safe_dump(_document(rng), sort_keys=False, allow_unicode=True).rstrip()
    return f"# {rng.choice(('settings', 'example', 'do not edit'))}\n{text}" if rng.random() < 0.3 else str(text)


class YamlAsJson(Result):
    json_text: str = Field(description="The document as JSON in one line")
    kind: Kind = Field(description="JSON type of the whole")
    top_level_keys: list[str] = Field(description="Keys of the object; empty for other types")


def _jsonable(value: Any) -> Any:
    """YAML's dates and sets, and keys that are no texts, as JSON has them."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _text_of(_jsonable(key)): _jsonable(one) for key, one in value.items()}
    if isinstance(value, set):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return [_jsonable(one) for one in value]
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _check_yaml(text: str) -> None:
    """Raises Refused for aliases, by which a short text can stand for a huge one, and for deep nesting."""
    import yaml

    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Refused("parameter 'yaml_text': an alias (*name) stands in it; write the value out there")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise Refused(f"parameter 'yaml_text': it is nested more than {_DEEPEST} levels deep; flatten it")


@tool(
    "Data formats",
    "Configuration",
    "Convert this YAML to JSON:\n{yaml_text}",
    "What does the following look like as JSON?\n\n{yaml_text}",
)
def yaml_to_json(
    yaml_text: Annotated[
        str,
        Field(min_length=1, max_length=3000, description="One YAML document without aliases"),
        Like(_yaml),
        Wrong(pick("key: [1, 2", "a: b: c", "a: 1\n\tb: 2", 'name: "open', "- a\nb: c", "a: *unknown", "ratio: .nan")),
    ],
) -> YamlAsJson:
    """Read a YAML 1.1 document, in which yes, no, on and off are booleans, and write it as JSON; dates become texts."""
    import yaml

    try:
        _check_yaml(yaml_text)
        value = _jsonable(yaml.safe_load(yaml_text))
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" near line {mark.line + 1}" if mark else ""
        raise Refused(f"parameter 'yaml_text': it cannot be read as YAML and written as JSON{place}; mend it") from None
    return YamlAsJson(json_text=text, kind=_kind(value), top_level_keys=list(value) if isinstance(value, dict) else [])


def _ini(rng: Random) -> str:
    sections = {
        "server": {"host": rng.choice(("0.0.0.0", "localhost")), "port": str(rng.choice((80, 8080, 9000)))},
        "database": {"url": f"postgres://db/{rng.choice(('shop', 'crm'))}", "pool_size": str(rng.randint(2, 30))},
        "logging": {"level": rng.choice(("INFO", "DEBUG", "WARNING")), "file": "/var/log/app.log"},
        "owner": {"name": rng.choice(_NAMES), "city": rng.choice(_CITIES)},
    }
    sign = rng.choice((" = ", "=", ": "))
    lines = ["; written by hand"] if rng.random() < 0.3 else []
    for name in rng.sample(tuple(sections), rng.randint(1, 3)):
        lines += [f"[{name}]", *(f"{option}{sign}{value}" for option, value in sections[name].items())]
    return "\n".join(lines)


class IniSection(Result):
    section: str = Field(description="Name in brackets")
    options: dict[str, str] = Field(description="Option in small letters -> text of its value")


class IniSections(Result):
    sections: list[IniSection] = Field(description="The sections in their order")
    option_count: int = Field(description="Options in all")


@tool(
    "Data formats",
    "Configuration",
    "Parse this ini file:\n{text}",
    "Which sections and options are in the following configuration?\n{text}",
)
def ini_file_parse(
    text: Annotated[
        str,
        Field(min_length=1, max_length=3000, description="INI text with sections in brackets"),
        Like(_ini),
        Wrong(
            pick(
                "port = 8080",
                "[a]\nx = 1\nx = 2",
                "[server\nport = 80",
                "just some words",
                "[a]\n[a]",
                "; nothing here",
            )
        ),
    ],
) -> IniSections:
    """Read an INI file: options as name = value or name: value below [sections]; lines that begin with ; or # are
    comments, and values stay as they are."""
    import configparser

    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        why = re.sub(r"\s+", " ", str(error).replace("'<string>'", "the text"))
        raise Refused(
            f"parameter 'text': it is no INI file ({why[:120]}); begin with a [section], name each thing once"
        ) from None
    sections = [IniSection(section=name, options=dict(parser[name])) for name in parser.sections()]
    if not sections:
        raise Refused(f"parameter 'text': {text[:40]!r} has no sections; begin with one such as [server]")
    return IniSections(sections=sections, option_count=sum(len(one.options) for one in sections))


def _query(rng: Random) -> str:
    from urllib.parse import urlencode

    pairs = [
        ("q", rng.choice(("red shoes", "café", "50% off", "c++", "tom & jerry"))),
        ("page", rng.randint(1, 30)),
        ("sort", rng.choice(("price", "-date", ""))),
        ("tag", rng.choice(("new", "sale"))),
        ("tag", rng.choice(("blue", "x/y"))),
        ("utm_source", "newsletter"),
    ]
    chosen = urlencode(rng.sample(pairs, rng.randint(1, 5)))
    return f"?{chosen}" if rng.random() < 0.3 else chosen


class QueryParameter(Result):
    name: str = Field(description="Name, decoded")
    values: list[str] = Field(description="Its values in their order, decoded")


class QueryParameters(Result):
    parameters: list[QueryParameter] = Field(description="Each name once, in the order of first mention")
    repeated: list[str] = Field(description="Names that are given more than once")


@tool(
    "Data formats",
    "Configuration",
    "Decode the query string {query}",
    "Which parameters does '{query}' hold?",
)
def query_string_parse(
    query: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1000,
            description="Part of a URL after the question mark, which may stand before it",
        ),
        Like(_query),
        Wrong(pick("q=100%", "a=%zz", "name=%E9", "x=%4", "?", "&&", "a=1&b=%%20")),
    ],
) -> QueryParameters:
    """Read a query string as forms encode it (application/x-www-form-urlencoded): + is a space, bytes are UTF-8."""
    from urllib.parse import parse_qsl

    bare = query.removeprefix("?")
    stray = re.search("%(?![0-9A-Fa-f]{2})", bare)
    if stray:
        raise Refused(
            f"parameter 'query': {bare[stray.start() :][:3]!r} is not an escape; a percent sign is written %25"
        )
    try:
        pairs = parse_qsl(bare, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Refused(f"parameter 'query': the escapes in {query[:60]!r} are not UTF-8, in which é is %C3%A9") from None
    if not pairs:
        raise Refused(f"parameter 'query': {query!r} holds no parameters; give some such as a=1&b=2")
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return QueryParameters(
        parameters=[QueryParameter(name=name, values=values) for name, values in found.items()],
        repeated=[name for name, values in found.items() if len(values) > 1],
    )
