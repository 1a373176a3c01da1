"""A training's loss curve as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

CURVE = "loss.svg"
_SMOOTHED = 9
"""Points that a point of the smooth line is the median of."""
_COLOUR, _PALE = "#1f6f8b", "#a9cdd8"


def draw_curve(curve: Sequence[Mapping[str, float]], title: str, path: Path) -> None:
    """Draw points with "step" and "loss", nats a weighted token on a logarithmic axis; a drawing that cannot be written
    raises OSError.
    """
    from statistics import median

    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    steps, losses = [point["step"] for point in curve], [point["loss"] for point in curve]
    half = _SMOOTHED // 2
    smooth = [median(losses[max(0, at - half) : at + half + 1]) for at in range(len(losses))]
    figure = Figure(figsize=(6.4, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(steps, losses, color=_PALE, linewidth=0.8)
    axes.plot(steps, smooth, color=_COLOUR, linewidth=1.4)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(ScalarFormatter())
    axes.tick_params(which="both", labelsize=7)
    axes.set_xlabel("step", fontsize=8)
    axes.set_ylabel("loss, nats", fontsize=8)
    axes.set_title(title, fontsize=9, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
