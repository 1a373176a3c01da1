"""How the tools of a collection spread over its fields, as a picture: the paper's Figure 3 in bars."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from base_gtm.collection.collected import Collected
from base_gtm.errors import DataError

SHOWN = 40
"""Fields with a bar; the others are counted in the title."""
_COLOUR, _INK = "#1f6f8b", "#1f2933"


def draw_fields(tools: Sequence[Collected], path: Path) -> None:
    """Draw the largest fields, with tools and subfields in figures; .svg or .png by the name. Raises DataError."""
    from matplotlib.figure import Figure

    counts = Counter(tool.field or "(no field)" for tool in tools)
    below: defaultdict[str, set[str]] = defaultdict(set)
    for tool in tools:
        below[tool.field or "(no field)"].add(tool.subfield)
    shown = counts.most_common(SHOWN)
    figure = Figure(figsize=(7.2, 0.9 + 0.2 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(shown))
    axes.barh(places, [number for _, number in shown], color=_COLOUR)
    for place, (name, number) in enumerate(shown):
        said = f" {number:,} in {len(below[name]):,}"
        axes.text(number, place, said, va="center", fontsize=7, color=_INK)
    axes.set_yticks(places, [name[:44] for name, _ in shown], fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.14, y=0.01)
    axes.set_xlabel("tools (in so many subfields)", fontsize=8)
    rest = len(counts) - len(shown)
    more = f"; the {rest:,} smaller ones have {len(tools) - sum(number for _, number in shown):,}" if rest else ""
    axes.set_title(f"{len(tools):,} tools in {len(counts):,} fields{more}", fontsize=9, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None
