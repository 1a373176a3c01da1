"""The domain's adapter on a GPU: labels taken in, trained, calibrated and scored by adapt's own verbs, LoRA and QLoRA.

    python -m domains.cuda.on_gpu --minutes 9
    python -m domains.cuda.on_gpu --arms lora --labels FOLDER

Each arm has a workspace of its own beside the result, so the verbs' run folders stay apart. Guarantees: a step that
ended is not run again, and the verbs themselves go on where they were killed; an arm that cannot run here (no
bitsandbytes) is named with the reason and stops no other. Does not guarantee that labels are there: `boxes take` first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from domains.steps import environment, named, step
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item

ARMS: Mapping[str, tuple[str, ...]] = {"lora": (), "qlora": ("--qlora",)}


def on_gpu(
    arms: Annotated[str, typer.Option(help="lora, qlora, or both with a comma.")] = "lora,qlora",
    base: Annotated[str, typer.Option(help="nano, or a folder with another base.")] = "nano",
    train_minutes: Annotated[float, typer.Option(min=0.05, help="Of each arm's training.")] = 3.0,
    labels: Annotated[
        Path | None, typer.Option(help="Further labels: JSON lines as `adapt label --from-file`.")
    ] = None,
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 9.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
) -> None:
    """Train, calibrate and score the domain's adapter, once with LoRA and once with QLoRA."""
    chosen = named("--arms", arms, ARMS)
    item = items.begin("cuda_adapter", out, minutes, dry_run, commit, {"arms": arms, "base": base})
    for arm in chosen:
        workspace = (item.folder / "cuda_adapter" / arm).resolve()
        workspace.mkdir(parents=True, exist_ok=True)
        for name, words in _steps(arm, base, 0.3 if dry_run else train_minutes, labels, dry_run):
            if not step(item, [arm, name], "adapt.cli", [*words, "--workspace", str(workspace)], workspace):
                break
    figures = _figures(item, chosen)
    path = item.write(figures, environment())
    print(_text(figures, item))
    print(f"-> {path}")


def _steps(
    arm: str, base: str, minutes: float, labels: Path | None, dry_run: bool
) -> Sequence[tuple[str, tuple[str, ...]]]:
    """Name and words of each verb, in order."""
    few = ("--limit", "32") if dry_run else ()
    train = ("train", "cuda", "--base", base, "--minutes", str(minutes), *few, *ARMS[arm])
    more = () if labels is None else (("label further", ("label", "cuda", "--from-file", str(labels))),)
    return (
        ("label", ("label", "cuda", "--count", "0")),
        *more,
        ("train", train),
        ("calibrate", ("calibrate", "cuda")),
        ("score", ("score", "cuda", "--live", "0", *(("--limit", "8") if dry_run else ()))),
    )


def _figures(item: Item, chosen: Sequence[str]) -> dict[str, Any]:
    """By arm: the seconds of each step, what failed, and the newest fidelity report."""
    found: dict[str, Any] = {}
    for arm in chosen:
        mine = {one["step"][1]: one for one in item.journal.read() if one["step"][0] == arm}
        failed = {name: one["said"] for name, one in mine.items() if one["status"]}
        runs = item.folder / "cuda_adapter" / arm / "runs" / "cuda" / "score"
        reports = sorted(runs.glob("*/fidelity.json"), key=lambda path: path.stat().st_mtime)
        found[arm] = {
            "seconds": {name: one["seconds"] for name, one in mine.items()},
            "failed": failed,
            "fidelity": json.loads(reports[-1].read_text()) if reports else None,
        }
    return found


def _text(figures: Mapping[str, Any], item: Item) -> str:
    rows = []
    for arm, one in figures.items():
        steps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in one["seconds"].items())
        state = (
            "scored"
            if one["fidelity"]
            else "; ".join(f"{n}: {said.splitlines()[-1][:90]}" for n, said in one["failed"].items() if said)
        )
        rows.append([arm, steps or "-", state or "not yet"])
    return f"{item.device_name}{' (dry run)' if item.dry_run else ''}\n{items.table(('arm', 'steps', 'state'), rows)}"


if __name__ == "__main__":
    items.main(on_gpu)
