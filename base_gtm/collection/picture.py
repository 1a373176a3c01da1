"""How the tools of a collection spread over its fields, as a picture: the paper's Figure 3 in bars."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from base_gtm.collection.collected import Collected
from base_gtm.errors import DataError

SHOWN = 40
"""Fields with a bar of their own; the others share one."""
_COLOUR, _REST, _INK = "#1f6f8b", "#c9d6df", "#1f2933"


def draw_fields(tools: Sequence[Collected], path: Path) -> None:
    """Draw the largest fields, with tools and subfields in figures; .svg or .png by the name. Raises DataError."""
    from matplotlib.figure import Figure

    counts = Counter(tool.field or "(no field)" for tool in tools)
    below: defaultdict[str, set[str]] = defaultdict(set)
    for tool in tools:
        below[tool.field or "(no field)"].add(tool.subfield)
    shown = counts.most_common(SHOWN)
    rest = sum(counts.values()) - sum(number for _, number in shown)
    rows = [(name, number, f"{number:,} in {len(below[name]):,}") for name, number in shown]
    if rest:
        rows.append((f"{len(counts) - len(shown):,} more fields", rest, f"{rest:,}"))
    figure = Figure(figsize=(7.2, 0.9 + 0.2 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(rows))
    colours = [_COLOUR] * len(shown) + [_REST] * (len(rows) - len(shown))
    axes.barh(places, [number for _, number, _ in rows], color=colours)
    for place, (_, number, said) in enumerate(rows):
        axes.text(number, place, f" {said}", va="center", fontsize=7, color=_INK)
    axes.set_yticks(places, [name[:44] for name, _, _ in rows], fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.14, y=0.01)
    axes.set_xlabel("tools (in so many subfields)", fontsize=8)
    axes.set_title(f"{len(tools):,} tools in {len(counts):,} fields", fontsize=9, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None
