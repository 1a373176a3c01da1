"""Item 5, the base on a GPU: gtm-nano and a larger sibling, trained from nothing with the recipe of the shipped one.

    python -m domains.base_on_gpu --carg FOLDER --records kernels.jsonl --minutes 9

The records are made beforehand, by `base-gtm carg generate` and `python -m domains.pretrain`. Guarantees: a size that
ended is not trained again, and one that the minutes cut off goes on from its last checkpoint with the same command.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from base_gtm.training.recipe import NANO
from domains.steps import environment, named, step
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item

NAME = "base"
SIZES: Mapping[str, tuple[str, ...]] = {
    "nano": (),
    "sibling": ("--hidden-size", "448", "--layers", "10", "--heads", "8", "--learning-rate", "1e-3"),
}
"""What differs from the recipe. The sibling has about 20 million parameters."""
_TINY = ("--hidden-size", "32", "--layers", "2", "--heads", "2", "--vocab-size", "400", "--steps", "4")


def base_on_gpu(
    carg: Annotated[list[Path] | None, typer.Option(help="Folder of base-gtm carg generate; may be repeated.")] = None,
    records: Annotated[list[Path] | None, typer.Option(help="Records as JSON lines; may be repeated.")] = None,
    sizes: Annotated[str, typer.Option(help="nano, sibling, or both with a comma.")] = "nano,sibling",
    train_minutes: Annotated[float, typer.Option(min=0.05, help="Of each size's training.")] = 4.0,
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 9.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
) -> None:
    """Train the base from nothing on this GPU, in one or two sizes."""
    chosen = named("--sizes", sizes, SIZES)
    sources = [path.resolve() for path in (*(carg or ()), *(records or ()))]
    if not sources:
        raise HarnessError("nothing to learn from: give --carg FOLDER (base-gtm carg generate) or --records FILE")
    if absent := [path for path in sources if not path.exists()]:
        raise HarnessError(f"{absent[0]}: not there; make it with base-gtm carg generate or python -m domains.pretrain")
    item = items.begin(NAME, out, minutes, dry_run, commit, {"sizes": sizes, "train_minutes": train_minutes})
    folder = (item.folder / NAME).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for size in chosen:
        words = _words(size, sources, folder / size, train_minutes, dry_run)
        step(item, [size], "base_gtm.cli", words, folder)
    figures = {size: _figures(item, size, folder / size) for size in chosen}
    path = item.write(figures, environment())
    print(_text(figures, item))
    print(f"-> {path}")


def _words(size: str, sources: list[Path], out: Path, minutes: float, dry_run: bool) -> tuple[str, ...]:
    """The command of one size: on a CPU a few steps of a tiny one."""
    given = [word for path in sources for word in ("--carg" if path.is_dir() else "--records", str(path))]
    much = _TINY if dry_run else (*SIZES[size], "--bf16", "--epochs", "20", "--minutes", str(minutes), "--batch", "64")
    return ("train", "--base", "new", "--out", str(out), *given, *NANO, *much)


def _figures(item: Item, size: str, folder: Path) -> dict[str, Any]:
    """What the training said of itself, or why there is none."""
    mine = [one for one in item.journal.read() if one["step"][0] == size]
    status = mine[-1]["status"] if mine else 0
    failed = mine[-1]["said"].strip() or f"ended without a word, status {status}" if status else ""
    card = json.loads((folder / "card.json").read_text()) if (folder / "card.json").is_file() else None
    return {"failed": failed, "card": card}


def _text(figures: Mapping[str, Any], item: Item) -> str:
    rows = []
    for size, one in figures.items():
        card = one["card"]
        state = "not yet" if not one["failed"] else one["failed"].splitlines()[-1][:90]
        numbers = [f"{card['parameters']:,}", f"{card['tokens']:,}", card["seconds"]] if card else ["-"] * 3
        rows.append([size, *numbers, "trained" if card else state])
    head = ("size", "parameters", "tokens", "seconds", "state")
    return f"{item.device_name}{' (dry run)' if item.dry_run else ''}\n{items.table(head, rows)}"


if __name__ == "__main__":
    items.main(base_on_gpu)
