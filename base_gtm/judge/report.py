"""Verdicts as tables: the paper's Table 1, and what it does not show.

Guarantees: every figure follows from the verdicts in judge.json; each has its number of records and its interval there.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from base_gtm.errors import DataError
from base_gtm.example import KINDS, Kind
from base_gtm.files import write_whole
from base_gtm.judge.criteria import ALL, AVG, COLUMNS, Verdict
from base_gtm.judge.opinion import Agreement
from base_gtm.judge.recorded import REAL, Mark
from base_gtm.judge.share import Share
from base_gtm.training.validation import FALSE_ALARMS

_AGREEMENT = ("scenario", "column", "n", "exact %", "model %", "agree %", "Cohen's kappa")
_REFUSAL = ("valid", "wrong", "auroc", "caught")
_INTERVALS = (
    "Intervals: the wider of Wilson's and of a bootstrap over tools (Avg and values: the bootstrap alone), 95 %."
)
SESSION_INTERVALS = (
    "Intervals: the wider of Wilson's and of a bootstrap over sessions (right values: the bootstrap alone), 95 %."
)
Rows = Mapping[str, Sequence[Verdict]]
"""Subject -> verdicts."""
Cell = Share | None
SCENARIOS: Mapping[Kind, str] = {"single": "Single", "multi": "Multi", "error": "Error"}
_MOST_ROWS = 25
"""Rows that are printed; Markdown and JSON have all."""
_ONE_TABLE = 160
"""Columns of a terminal that hold Table 1 in one piece."""


@dataclass(frozen=True)
class Table:
    """Shares by row and column; a column's scenario stands above it."""

    title: str
    heads: tuple[tuple[str, str], ...]
    """(scenario, column)."""
    rows: Mapping[str, tuple[Cell, ...]]
    numbers: Mapping[str, str]
    """How many records a row stands on."""


def table_one(rows: Rows) -> Table:
    """The paper's columns, in its order."""
    heads = [(SCENARIOS[kind], column) for kind in KINDS for column in (*COLUMNS[kind], ALL)]
    return Table(
        "Table 1: calls of unseen tools, % (95 % interval)",
        (*heads, ("", AVG)),
        {name: (*_columns(verdicts), _average(verdicts)) for name, verdicts in rows.items()},
        {name: _numbers(verdicts) for name, verdicts in rows.items()},
    )


def table_two(rows: Rows) -> Table:
    """What stands behind the columns."""
    parts: dict[tuple[str, str], Callable[[Verdict], float | None]] = {
        (SCENARIOS["single"], "values"): lambda one: one.fields if one.kind == "single" else None,
        (SCENARIOS["multi"], "values"): lambda one: one.fields if one.kind == "multi" else None,
        ("Logic, with", "rules"): lambda one: one.columns.get("Logic") if one.rules else None,
        ("Cons, history", "decides"): lambda one: one.columns.get("Cons") if one.decided else None,
        ("valid", "refused"): lambda one: one.refused if one.kind != "error" else None,
        ("Det:", "type"): lambda one: one.refused if one.fault == "type" else None,
        ("Det:", "missing"): lambda one: one.refused if one.fault == "missing" else None,
        ("Det:", "excess"): lambda one: one.refused if one.fault == "excess" else None,
        ("Det:", "value"): lambda one: one.refused if one.fault == "value" else None,
        ("Det: value,", "by schema"): lambda one: one.refused if one.fault == "value" and one.by_schema else None,
        ("Det: value,", "by tool"): lambda one: one.refused if one.fault == "value" and not one.by_schema else None,
        ("no", "answer"): lambda one: bool(one.failed),
    }
    return Table(
        "Behind Table 1, % (95 % interval)",
        tuple(parts),
        {name: tuple(_share(verdicts, part) for part in parts.values()) for name, verdicts in rows.items()},
        {name: _numbers(verdicts) for name, verdicts in rows.items()},
    )


def recorded_tables(name: str, rows: Mapping[str, Sequence[Mark]]) -> list[Table]:
    """What came of a file's calls: in all, and tool by tool, the most called first. Clusters are sessions."""
    parts: dict[tuple[str, str], Callable[[Mark], float]] = {
        ("valid", "by schema"): lambda one: one.valid,
        ("", "exact"): lambda one: one.exact,
        ("right", "values"): lambda one: one.fields,
        ("no", "answer"): lambda one: bool(one.failed),
    }
    whole = {row: tuple(_marked(marks, part) for part in parts.values()) for row, marks in rows.items()}
    numbers = {row: str(len(marks)) for row, marks in rows.items()}
    counts = Counter(one.tool for one in next(iter(rows.values())))
    asked = {row: marks for row, marks in rows.items() if row != REAL}
    heads = tuple((row, column) for row in asked for column in ("exact", "values"))
    by_tool: dict[str, tuple[Cell, ...]] = {}
    for tool, _ in counts.most_common():
        some = [[one for one in marks if one.tool == tool] for marks in asked.values()]
        by_tool[tool] = tuple(_marked(marks, part) for marks in some for part in list(parts.values())[1:3])
    return [
        Table(f"{name}: recorded calls, % (95 % interval)", tuple(parts), whole, numbers),
        Table(f"{name}: tool by tool", heads, by_tool, {tool: str(number) for tool, number in counts.items()}),
    ]


def refusal_figures(verdicts: Sequence[Verdict]) -> dict[str, float] | None:
    """P(refusal) of valid calls and of wrong ones that only the tool can find wrong, the area under the ROC curve
    between them, and the share of the wrong ones that it would catch at 5 % false alarms; None for a subject that says
    no such probability, or without both kinds of call.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    asked = [one for one in verdicts if one.refusal_probability is not None and not one.by_schema]
    chances = {wrong: [one.refusal_probability or 0.0 for one in asked if bool(one.fault) == wrong] for wrong in (0, 1)}
    if not chances[0] or not chances[1]:
        return None
    truth = [0] * len(chances[0]) + [1] * len(chances[1])
    return {
        "valid": sum(chances[0]) / len(chances[0]),
        "wrong": sum(chances[1]) / len(chances[1]),
        "auroc": float(roc_auc_score(truth, chances[0] + chances[1])),
        "caught": float(np.mean(np.array(chances[1]) > np.quantile(chances[0], 1 - FALSE_ALARMS, method="higher"))),
    }


def figures(table: Table) -> dict[str, dict[str, Any]]:
    """A table as JSON: row -> "scenario column" -> share, interval and number."""
    heads = [" ".join(filter(None, head)) for head in table.heads]
    return {
        name: {head: asdict(cell) for head, cell in zip(heads, cells, strict=True) if cell is not None}
        for name, cells in table.rows.items()
    }


def show(table: Table) -> None:
    """On standard output: in colour on a terminal, plain elsewhere; in pieces where the terminal is narrow."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn

    console = Console(width=None if Console().is_terminal else _ONE_TABLE)
    whole = list(range(len(table.heads)))
    pieces = [whole] if console.width >= _ONE_TABLE else _by_scenario(table)
    for piece in pieces:
        drawn = Drawn(title=table.title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1), collapse_padding=True)
        drawn.add_column("", min_width=20)
        drawn.add_column("n", justify="right")
        above = ""
        for at in piece:
            scenario, column = table.heads[at]
            drawn.add_column(f"{'' if scenario == above else scenario}\n{column}", justify="right", no_wrap=True)
            above = scenario
        for name, cells in islice(table.rows.items(), _MOST_ROWS):
            drawn.add_row(name, table.numbers[name], *(_brief(cells[at]) for at in piece))
        console.print(drawn)


def markdown(table: Table) -> str:
    """A table of Markdown, with intervals to a tenth and numbers."""
    heads = [" ".join(filter(None, head)) for head in table.heads]
    lines = [f"## {table.title}", "", f"| | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    lines += [f"| {name} | {' | '.join(map(_full, cells))} |" for name, cells in table.rows.items()]
    return "\n".join(lines) + "\n"


def page(
    tables: Sequence[Table],
    agreed: Mapping[str, Sequence[Agreement]],
    records: Mapping[str, Any],
    refusal: Mapping[str, Mapping[str, float] | None],
) -> str:
    """The report as Markdown: what was asked, the tables, what the columns mean."""
    asked = ", ".join(f"{number:,} {kind}" for kind, number in records["asked"].items())
    parts = [
        "# Judged on unseen tools",
        f"Records: {asked}; of the fields {', '.join(records['fields'])}, none of which a training record comes from. "
        f"Left out, since the tool answers otherwise by now: {records['left_out']:,}. Rows may have fewer: see n.",
        *map(markdown, tables),
    ]
    known = {name: one for name, one in refusal.items() if one is not None}
    if known:
        cells = {name: " | ".join(f"{one[key]:.3f}" for key in _REFUSAL) for name, one in known.items()}
        heads = [
            f"| | valid calls | wrong calls that only the tool refuses | AUROC | of these caught at {FALSE_ALARMS:.0%} "
            "false alarms |",
            "| --- |" + " ---: |" * len(_REFUSAL),
        ]
        lines = [f"| {name} | {line} |" for name, line in cells.items()]
        parts.append("\n".join(["## Mean P(refusal)", "", *heads, *lines]) + "\n")
    for name, some in agreed.items():
        lines = [f"| {' | '.join(_agreement_cells(one))} |" for one in some]
        heads = [f"| {' | '.join(_AGREEMENT)} |", "| --- | --- |" + " ---: |" * (len(_AGREEMENT) - 2)]
        parts.append("\n".join([f"## Exact judge and model: {name}", "", *heads, *lines]) + "\n")
    meaning = f"## What the columns mean\n\n```\n{inspect.cleandoc(_meaning())}\n```"
    return "\n\n".join([*parts, meaning, _INTERVALS]) + "\n"


def show_agreement(agreed: Sequence[Agreement]) -> None:
    """On standard output, over all subjects."""
    from rich.console import Console
    from rich.table import Table as Drawn

    drawn = Drawn(*_AGREEMENT, title="Exact judge and model", title_justify="left")
    for one in agreed:
        drawn.add_row(*_agreement_cells(one))
    Console(width=None if Console().is_terminal else 100).print(drawn)


def write(path: Path, text: str) -> None:
    """Put a file there whole. Raises DataError."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); give another --out") from None


def to_text(value: Any) -> str:
    """JSON for a file."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _meaning() -> str:
    from base_gtm.judge import criteria

    return criteria.__doc__ or ""


def _agreement_cells(one: Agreement) -> tuple[str, ...]:
    shares = (f"{100 * share:.1f}" for share in (one.exact, one.model, one.agreeing))
    return one.scenario, one.column, f"{one.n:,}", *shares, "-" if one.kappa is None else f"{one.kappa:.2f}"


def _columns(verdicts: Sequence[Verdict]) -> Iterable[Cell]:
    for kind in KINDS:
        here = [one for one in verdicts if one.kind == kind]
        judged = [one for one in here if one.columns]
        tools = [one.tool for one in judged]
        yield from (Share.of([one.columns[column] for one in judged], tools) for column in COLUMNS[kind])
        yield Share.of([one.all for one in here], [one.tool for one in here])


def _numbers(verdicts: Sequence[Verdict]) -> str:
    return "+".join(str(sum(one.kind == kind for one in verdicts)) for kind in KINDS)


def _average(verdicts: Sequence[Verdict]) -> Cell:
    groups = [[one for one in verdicts if one.kind == kind] for kind in KINDS]
    return Share.average([([one.all for one in group], [one.tool for one in group]) for group in groups])


def _share(verdicts: Sequence[Verdict], part: Callable[[Verdict], float | None]) -> Cell:
    found = [(value, one.tool) for one in verdicts if (value := part(one)) is not None]
    return Share.of([value for value, _ in found], [tool for _, tool in found])


def _marked(marks: Sequence[Mark], part: Callable[[Mark], float]) -> Cell:
    return Share.of([part(one) for one in marks], [one.session for one in marks])


def _by_scenario(table: Table) -> list[list[int]]:
    """Places of the columns, those with one heading together."""
    groups: dict[str, list[int]] = {}
    for at, (head, _) in enumerate(table.heads):
        groups.setdefault(head, []).append(at)
    return list(groups.values())


def _brief(cell: Cell) -> str:
    return "-" if cell is None else f"{cell.mean:.1%}\n{cell.low:.0%}-{cell.high:.0%}".replace("%", "")


def _full(cell: Cell) -> str:
    return "-" if cell is None else f"{100 * cell.mean:.1f} ({100 * cell.low:.1f} to {100 * cell.high:.1f}, n {cell.n})"
