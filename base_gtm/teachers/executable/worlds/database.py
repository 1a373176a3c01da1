"""A relational database: SQLite itself works on tables whose rows are kept as plain data between calls."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import (
    Draw,
    Like,
    Of,
    Part,
    Refused,
    Result,
    Wrong,
    magnitude,
    number,
    pick,
    said,
    tool,
    whole,
)

Cell = str | int | float | None
Value = (
    Annotated[str, Field(max_length=200)]
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(ge=-1e15, le=1e15)]
    | None
)
ColumnType = Literal["integer", "real", "text"]
_NAME = "^[a-z][a-z0-9_]{0,29}$"
Name = Annotated[str, Field(pattern=_NAME)]

_MOST_TABLES = 8
_MOST_ROWS = 200
_SHOWN = 50
"""Rows that an answer has at most."""
_STEPS = 50_000
"""Instructions of SQLite's machine that a SELECT may take."""
_FUNCTIONS = frozenset(
    "abs avg coalesce count ifnull length like lower max min nullif round sum total trim upper".split()
)
"""What a SELECT may call: nothing that reads a clock or draws at random."""

_HINTS = {
    "values": "give each column a value of its type and leave out none that is required",
    "changes": "give each column a value of its type, and one that is required never null",
    "sql": "use what show_schema names and the functions that may be called",
}
"""What would do instead of a value that SQLite refuses."""

_FORMS: Mapping[str, Mapping[str, tuple[ColumnType, Draw]]] = {
    "employees": {
        "name": ("text", pick("Ada", "Boris", "Chen", "Dana", "Emil", "Fatou")),
        "department": ("text", pick("sales", "support", "research")),
        "salary": ("integer", whole(2400, 6800, 100)),
    },
    "books": {
        "title": ("text", pick("Dune", "Emma", "Solaris", "Kindred", "Ficciones")),
        "genre": ("text", pick("novel", "science fiction", "stories")),
        "price": ("real", number(4, 40, 2)),
    },
    "readings": {
        "sensor": ("text", pick("roof", "cellar", "garden")),
        "state": ("text", pick("ok", "ok", "fault")),
        "celsius": ("real", number(-5, 35, 1)),
    },
    "invoices": {
        "customer": ("text", pick("Hartmann", "Okafor", "Lind", "Rossi")),
        "country": ("text", pick("DE", "NG", "SE", "IT")),
        "amount": ("real", magnitude(20, 5000, 4)),
    },
    "players": {
        "nickname": ("text", pick("zoe", "max", "kit", "ivy", "leo")),
        "team": ("text", pick("red", "blue")),
        "points": ("integer", whole(0, 300, 5)),
    },
}
"""Tables as people make them: a text, something to group by, a number."""


class Column(Part):
    """A column of a table."""

    name: Name = Field(description="Name in small letters")
    type: ColumnType = Field(description="What it holds")
    required: bool = Field(default=False, description="Whether a row must have a value for it")


class Condition(Part):
    """What a row must meet."""

    column: Name = Field(description="Column that is compared, or id")
    operator: Literal["=", "!=", "<", "<=", ">", ">=", "like"] = Field(
        description="Comparison; like takes % for any letters and _ for one"
    )
    value: Value = Field(description="What it is compared with; null with = or != asks for a missing value")


@dataclass
class Table:
    """Columns without the id, and rows that begin with it."""

    columns: list[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    next_id: int = 1

    @property
    def names(self) -> list[str]:
        """Columns with the id."""
        return ["id", *(column.name for column in self.columns)]


@dataclass
class Database:
    """Tables by name."""

    tables: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def start(cls, rng: Random) -> Database:
        form = rng.choice(sorted(_FORMS))
        rows: list[list[Cell]] = [[at + 1, *_row(form, rng).values()] for at in range(rng.randint(2, 4))]
        columns = [Column(**one) for one in _columns(form) or ()]
        return cls({form: Table(columns, rows, len(rows) + 1)})


def _columns(form: str | None) -> list[dict[str, Any]] | None:
    if form is None:
        return None
    kinds = {name: kind for name, (kind, _) in _FORMS[form].items()}
    return [{"name": name, "type": kind, "required": at == 0} for at, (name, kind) in enumerate(kinds.items())]


def _row(form: str, rng: Random) -> dict[str, Cell]:
    return {name: draw(rng) for name, (_, draw) in _FORMS[form].items()}


def _new(database: Database) -> str | None:
    """A form that is no table yet."""
    return next((form for form in _FORMS if form not in database.tables), None)


def _focus(database: Database) -> str | None:
    """The table that a person works with now, so that table and columns of a call agree: it changes with the rows."""
    known = [name for name in sorted(database.tables) if name in _FORMS]
    return known[sum(len(table.rows) for table in database.tables.values()) % len(known)] if known else None


def _in_focus(at: int) -> Of:
    """The column at a place of the table in focus."""

    def choose(database: Database, rng: Random) -> str | None:
        form = _focus(database)
        return None if form is None else list(_FORMS[form])[at]

    return Of(choose)


def _some_row(database: Database, rng: Random) -> dict[str, Cell] | None:
    form = _focus(database)
    return None if form is None else _row(form, rng)


def _some_condition(database: Database, rng: Random) -> dict[str, Any] | None:
    form = _focus(database)
    if form is None:
        return None
    text, group, amount = _FORMS[form]
    row = _row(form, rng)
    conditions: list[dict[str, Any]] = [
        {"column": group, "operator": rng.choice(["=", "!="]), "value": row[group]},
        {"column": amount, "operator": rng.choice(["<", "<=", ">", ">="]), "value": row[amount]},
        {"column": text, "operator": "=", "value": row[text]},
        {"column": text, "operator": "like", "value": f"%{str(row[text])[1:3]}%"},
        {"column": "id", "operator": "=", "value": rng.randint(1, 5)},
    ]
    return rng.choice(conditions)


def _some_changes(database: Database, rng: Random) -> dict[str, Cell] | None:
    row = _some_row(database, rng)
    return None if row is None else dict(rng.sample(list(row.items())[1:], rng.randint(1, 2)))


def _some_select(database: Database, rng: Random) -> str | None:
    form = _focus(database)
    if form is None:
        return None
    text, group, amount = _FORMS[form]
    return rng.choice(
        [
            f"SELECT count(*) AS entries, round(avg({amount}), 2) AS mean FROM {form}",
            f"SELECT {text}, {amount} FROM {form} ORDER BY {amount} DESC, id LIMIT 3",
            f"SELECT {group}, sum({amount}) AS total FROM {form} GROUP BY {group} ORDER BY {group}",
            f"SELECT {text} FROM {form} WHERE {amount} > (SELECT avg({amount}) FROM {form}) ORDER BY id",
            f"SELECT DISTINCT upper({group}) AS {group} FROM {form} ORDER BY 1",
        ]
    )


TableName = Annotated[
    str,
    Field(pattern=_NAME, description="Name of the table"),
    Of(lambda database, rng: _focus(database)),
    Wrong(pick("no_such_table", "tmp_missing")),
]
_NO_COLUMN = Wrong(pick("no_such_column", "tmp_missing"))
_NOWHERE = Wrong(pick({"column": "no_such_column", "operator": "=", "value": 1}))
Where = Annotated[Condition, Field(description="Condition that a row must meet"), Of(_some_condition), _NOWHERE]
OptionalWhere = Annotated[
    Condition | None,
    Field(description="Condition that a row must meet; every row if not given"),
    Of(_some_condition),
    _NOWHERE,
]


class ColumnView(Result):
    name: str = Field(description="Name of the column")
    type: ColumnType = Field(description="What it holds")
    required: bool = Field(description="Whether a row must have a value for it")


class TableView(Result):
    table: str = Field(description="Name of the table")
    columns: list[ColumnView] = Field(description="Columns, the id first")
    rows: int = Field(description="Rows in it")


class Schema(Result):
    tables: list[TableView] = Field(description="Tables by name")


@tool(
    "Databases",
    "Tables",
    "Make a table {table} with these columns: {columns}.",
    "Create the table {table}. Columns: {columns}.",
)
def create_table(
    state: Database,
    table: Annotated[
        str,
        Field(pattern=_NAME, description="Name of the new table in small letters"),
        Of(lambda database, rng: _new(database)),
        Wrong(pick("sqlite_master", "sqlite_stat")),
    ],
    columns: Annotated[
        list[Column],
        Field(min_length=1, max_length=10, description="Columns without the id, which every table has"),
        Of(lambda database, rng: _columns(_new(database))),
        Wrong(pick([{"name": "id", "type": "text"}], 2 * [{"name": "city", "type": "text"}])),
    ],
) -> TableView:
    """Make an empty table. It gets an integer column id as well, which numbers its rows from 1."""
    if table in state.tables:
        raise Refused(f"parameter 'table': there is a table '{table}' already; choose another name")
    if len(state.tables) == _MOST_TABLES:
        raise Refused(f"parameter 'table': '{table}' would be one more than the {_MOST_TABLES} tables allowed")
    if table.startswith("sqlite_"):
        raise Refused(f"parameter 'table': SQLite keeps names such as '{table}' for itself; begin it otherwise")
    names = ["id", *(column.name for column in columns)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Refused(f"parameter 'columns': there would be two columns '{twice}'; give each a name of its own")
    made = Table(columns)
    state.tables[table] = made
    return _view(table, made)


@tool("Databases", "Tables", "Which tables are there?", "Show me the schema of the database.")
def show_schema(state: Database) -> Schema:
    """Every table with its columns and the number of its rows."""
    return Schema(tables=[_view(name, table) for name, table in sorted(state.tables.items())])


class InsertedRow(Result):
    id: int = Field(description="Number of the new row")
    row: list[Cell] = Field(description="Its values in the order of the columns, the id first")
    rows: int = Field(description="Rows in the table now")


@tool("Databases", "Rows", "Add to {table}: {values}.", "Insert a row into {table} with {values}.")
def insert_row(
    state: Database,
    table: TableName,
    values: Annotated[
        dict[Name, Value],
        Field(min_length=1, max_length=10, description="Column -> value, without the id"),
        Of(_some_row),
        Wrong(pick({"no_such_column": 1}, {"id": 7})),
    ],
) -> InsertedRow:
    """Add a row, which gets the next id; a column that is not named is null. A value must fit its column's type."""
    held = _table(state, table)
    _known(held, table, values, "values")
    if len(held.rows) == _MOST_ROWS:
        raise Refused(f"parameter 'table': '{table}' has {_MOST_ROWS} rows, which is the most; delete some first")
    names = ["id", *values]
    marks = ", ".join("?" * len(names))
    sql = f'INSERT INTO "{table}" ({_quoted(names)}) VALUES ({marks})'
    held.rows = _changed(state, table, sql, [held.next_id, *values.values()], "values", said(values))[0]
    held.next_id += 1
    return InsertedRow(id=held.next_id - 1, row=held.rows[-1], rows=len(held.rows))


class Rows(Result):
    columns: list[str] = Field(description="Names of the columns")
    rows: list[list[Cell]] = Field(description="Values in the order of the columns")
    more: bool = Field(description="Whether there are rows beyond those shown")


@tool(
    "Databases",
    "Queries",
    "Show me the rows of {table}.",
    "Which rows of {table} meet the condition {where}?",
    "List {table} by {order_by}.",
    "Rows of {table} with {where}, sorted by {order_by}, please.",
)
def query_rows(
    state: Database,
    table: TableName,
    where: OptionalWhere = None,
    order_by: Annotated[
        str, Field(pattern=_NAME, description="Column to sort by, or id"), _in_focus(2), _NO_COLUMN
    ] = "id",
    descending: Annotated[
        bool, Field(description="Whether the greatest comes first"), Like(pick(True, False), 0.2)
    ] = False,
) -> Rows:
    """Rows of a table that meet a condition, 50 at most; equals by id. Null sorts before every value."""
    held = _table(state, table)
    _known(held, table, [order_by], "order_by")
    condition, values = _where(held, table, where)
    order = f"{_quoted([order_by])} {'DESC' if descending else 'ASC'}, id"
    return _read(state, f'SELECT * FROM "{table}"{condition} ORDER BY {order}', values, "where", said(values))


class Change(Result):
    matched: int = Field(description="Rows that met the condition")
    rows: int = Field(description="Rows in the table now")


@tool(
    "Databases",
    "Rows",
    "In {table}, set {changes} where {where}.",
    "Update {table}: rows with {where} get {changes}.",
)
def update_rows(
    state: Database,
    table: TableName,
    changes: Annotated[
        dict[Name, Value],
        Field(min_length=1, max_length=10, description="Column -> new value, without the id"),
        Of(_some_changes),
        Wrong(pick({"no_such_column": 1}, {"id": 7})),
    ],
    where: Where,
) -> Change:
    """Give the rows that meet a condition new values."""
    held = _table(state, table)
    _known(held, table, changes, "changes")
    condition, values = _where(held, table, where)
    sets = ", ".join(f"{_quoted([name])} = ?" for name in changes)
    sql = f'UPDATE "{table}" SET {sets}{condition}'
    held.rows, matched = _changed(state, table, sql, [*changes.values(), *values], "changes", said(changes))
    return Change(matched=matched, rows=len(held.rows))


@tool("Databases", "Rows", "Delete from {table} where {where}.", "Remove the rows of {table} that meet {where}.")
def delete_rows(state: Database, table: TableName, where: Where) -> Change:
    """Remove the rows that meet a condition; their ids are not given again."""
    held = _table(state, table)
    condition, values = _where(held, table, where)
    held.rows, matched = _changed(state, table, f'DELETE FROM "{table}"{condition}', values, "where", said(values))
    return Change(matched=matched, rows=len(held.rows))


class Group(Result):
    group: Cell = Field(description="Value that the rows have in common; null for all rows")
    value: Cell = Field(description="What the function gives for them, rounded to six decimal places")
    rows: int = Field(description="Rows in the group")


class Aggregate(Result):
    groups: list[Group] = Field(description="Groups by their value; a single one without grouping")


@tool(
    "Databases",
    "Queries",
    "What is the {function} of {column} in {table}?",
    "{function} of {column} in {table} for each {group_by}, please.",
    "Give me the {function} of {column} in {table}, only rows with {where}.",
    "From the rows of {table} with {where}: {function} of {column} by {group_by}.",
)
def aggregate_rows(
    state: Database,
    table: TableName,
    function: Annotated[
        Literal["count", "sum", "avg", "min", "max"],
        Field(description="What is computed; null values do not count"),
        Like(pick("count", "sum", "avg", "min", "max")),
    ],
    column: Annotated[str, Field(pattern=_NAME, description="Column that it is computed of"), _in_focus(2), _NO_COLUMN],
    group_by: Annotated[
        str | None, Field(pattern=_NAME, description="Column whose values make the groups"), _in_focus(1), _NO_COLUMN
    ] = None,
    where: OptionalWhere = None,
) -> Aggregate:
    """Count, sum, average, least or greatest value of a column, in all or for each value of another column; 50 groups
    at most.
    """
    held = _table(state, table)
    _known(held, table, [column], "column")
    if function in ("sum", "avg") and any(one.name == column and one.type == "text" for one in held.columns):
        raise Refused(f"parameter 'column': '{column}' holds text, which has no {function}; name a column of numbers")
    _known(held, table, [group_by] if group_by else [], "group_by")
    condition, values = _where(held, table, where)
    group = _quoted([group_by]) if group_by else "NULL"
    grouping = f" GROUP BY {group} ORDER BY {group}" if group_by else ""
    sql = f'SELECT {group}, {function}({_quoted([column])}), count(*) FROM "{table}"{condition}{grouping}'
    found = _read(state, sql, values, "column", column).rows
    return Aggregate.model_validate({"groups": [dict(zip(Group.model_fields, row, strict=True)) for row in found]})


@tool("Databases", "Queries", "Run this: {sql}", "What does the following query give? {sql}")
def run_select(
    state: Database,
    sql: Annotated[
        str,
        Field(pattern=r"^(SELECT|select)\s", max_length=400, description="One SELECT in the SQL of SQLite"),
        Of(_some_select),
        Wrong(pick("SELECT * FROM no_such_table", "SELECT random()", "SELECT * FROM sqlite_master")),
    ],
) -> Rows:
    """Run a SELECT of SQLite, 50 rows at most. It may read the tables and call abs, avg, coalesce, count, ifnull,
    length, like, lower, max, min, nullif, round, sum, total, trim and upper; numbers are rounded to six decimal places.
    """
    return _read(state, sql, [], "sql", sql)


def _table(database: Database, name: str) -> Table:
    if name not in database.tables:
        known = ", ".join(sorted(database.tables)) or "none"
        raise Refused(f"parameter 'table': there is no table '{name}'; tables are {known}")
    return database.tables[name]


def _known(table: Table, name: str, columns: Mapping[str, object] | Sequence[str], parameter: str) -> None:
    """Refuses a column that the table does not have, or the id where values are given."""
    allowed = table.names[1:] if isinstance(columns, Mapping) else table.names
    unknown = next((column for column in columns if column not in allowed), None)
    if unknown is not None:
        raise Refused(f"parameter '{parameter}': '{name}' has no column '{unknown}' here; name {', '.join(allowed)}")


def _where(table: Table, name: str, where: Condition | None) -> tuple[str, list[Cell]]:
    """A WHERE clause and its values."""
    if where is None:
        return "", []
    _known(table, name, [where.column], "where")
    operator = {"=": "IS", "!=": "IS NOT"}.get(where.operator, where.operator)
    return f" WHERE {_quoted([where.column])} {operator} ?", [where.value]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _build(connection: sqlite3.Connection, name: str, table: Table) -> None:
    columns = [f'"{one.name}" {one.type.upper()}{" NOT NULL" if one.required else ""}' for one in table.columns]
    lines = ", ".join(["id INTEGER PRIMARY KEY", *columns])
    connection.execute(f'CREATE TABLE "{name}" ({lines}) STRICT')
    marks = ", ".join("?" * len(table.names))
    connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', table.rows)


@contextmanager
def _errors(parameter: str, value: str) -> Iterator[None]:
    """SQLite's errors as refusals."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:
        hint = _HINTS.get(parameter, "correct it")
        raise Refused(f"parameter '{parameter}': SQLite refuses '{value}' ({error}); {hint}") from None


@contextmanager
def _opened(database: Database) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for name, table in database.tables.items():
            _build(connection, name, table)
        yield connection


def _changed(
    database: Database, table: str, sql: str, values: Sequence[Cell], parameter: str, shown: str
) -> tuple[list[list[Cell]], int]:
    """Rows of a table after a statement, and how many it changed."""
    with _opened(database) as connection, _errors(parameter, shown):
        count = connection.execute(sql, values).rowcount
        return [list(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY id')], count


def _read(database: Database, sql: str, values: Sequence[Cell], parameter: str, shown: str) -> Rows:
    """What a SELECT gives under an authorizer that lets it read the tables and nothing else."""

    def allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        fine = (
            action == sqlite3.SQLITE_SELECT
            or (action == sqlite3.SQLITE_READ and first in database.tables)
            or (action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS)
        )
        return sqlite3.SQLITE_OK if fine else sqlite3.SQLITE_DENY

    with _opened(database) as connection, _errors(parameter, shown):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 10_000)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200)
        connection.set_progress_handler(lambda: 1, _STEPS)
        connection.set_authorizer(allowed)
        cursor = connection.execute(sql, values)
        rows = [[_plain(one) for one in row] for row in cursor.fetchmany(_SHOWN + 1)]
        return Rows(columns=[one[0] for one in cursor.description], rows=rows[:_SHOWN], more=len(rows) > _SHOWN)


def _plain(value: Any) -> Cell:
    """A value of SQLite as JSON has it."""
    if isinstance(value, bytes) or (isinstance(value, float) and not math.isfinite(value)):
        raise sqlite3.DataError(f"{value!r} is no text and no finite number")
    return round(value, 6) if isinstance(value, float) else value


def _view(name: str, table: Table) -> TableView:
    identity = ColumnView(name="id", type="integer", required=True)
    columns = [ColumnView(name=one.name, type=one.type, required=one.required) for one in table.columns]
    return TableView(table=name, columns=[identity, *columns], rows=len(table.rows))
