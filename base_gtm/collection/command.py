"""`base-gtm tools`: import tools of many origins into one collection, and show what it holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from base_gtm.errors import DataError

if TYPE_CHECKING:
    from base_gtm.collection.collected import Collected, Dropped
    from base_gtm.collection.gather import Count

TOOLS, DROPPED, COUNTS, PICTURE = "tools.jsonl", "dropped.jsonl", "counts.json", "fields.svg"

app = typer.Typer(name="tools", help="Collect tools of many origins in one schema.", no_args_is_help=True)


@app.command("import")
def import_(
    sources: Annotated[
        list[str],
        typer.Argument(help="Files (JSON, JSON lines, YAML, .py), python:MODULE[:FUNCTION], or mcp:COMMAND."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("tools"),
    wanted: Annotated[str, typer.Option("--format", help="Format of all files; by default each record tells.")] = "",
    similarity: Annotated[
        float, typer.Option(help="Cosine of two names above which the later tool is a copy; 1 keeps all.")
    ] = 0.8,
    descriptions: Annotated[
        bool, typer.Option("--descriptions", help="Compare names and descriptions, not names alone.")
    ] = False,
) -> None:
    """Read tools into one schema, without copies; every record is a tool or is left out with its reason."""
    from base_gtm.collection.collected import Collected, write_lines
    from base_gtm.collection.gather import Gathering
    from base_gtm.collection.picture import draw_fields
    from base_gtm.collection.similar import NEAR, without_copies

    if not 0 < similarity <= 1:
        raise DataError(f"--similarity {similarity:g}: give a number above 0, 1 at most")
    gathering = Gathering(sources, wanted)
    found: list[Collected] = []
    left_out: list[Dropped] = []
    origins: dict[str, str] = {}
    for item in gathering:
        source = next(reversed(gathering.counts))
        origins[item.origin] = source
        found.append(item) if isinstance(item, Collected) else left_out.append(item)
    if similarity < 1:
        found, copies = without_copies(found, similarity, "name and description" if descriptions else "name")
        for copy in copies:
            count = gathering.counts[origins[copy.origin]]
            count.kept -= 1
            count.dropped[NEAR] += 1
        left_out += copies
    if not found:
        first = f", the first of them {left_out[0].origin}: {left_out[0].reason}" if left_out else ""
        raise DataError(f"no tool among {', '.join(sources)}{first}; try --format")
    write_lines(out / TOOLS, found)
    write_lines(out / DROPPED, left_out)
    counts = {source: count.to_json() for source, count in gathering.counts.items()}
    (out / COUNTS).write_text(json.dumps(counts, indent=1, ensure_ascii=False) + "\n")
    draw_fields(found, out / PICTURE)
    _show(gathering.counts, found)
    print(f"-> {out / TOOLS}, {DROPPED}, {COUNTS}, {PICTURE}")


def _show(counts: Mapping[str, Count], tools: Sequence[Collected]) -> None:
    """Counts by source, reasons, and the collection as a whole."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 150)
    table = Table("source", "records", "tools", "kept", "left out")
    for source, count in counts.items():
        why = ", ".join(f"{reason} {number:,}" for reason, number in count.dropped.most_common())
        table.add_row(source, f"{count.records:,}", f"{count.tools:,}", f"{count.kept:,}", why)
    console.print(table)
    fields = {tool.field for tool in tools if tool.field}
    below = {(tool.field, tool.subfield) for tool in tools if tool.subfield}
    known = Counter(tool.response for tool in tools)
    results = ", ".join(f"{number:,} {response}" for response, number in known.most_common())
    print(f"{len(tools):,} tools, {len(fields):,} fields, {len(below):,} subfields; result schemas: {results}")
