"""`python -m base_gtm.bench.small_runs`: what a nano should be like, found by short trainings on the same records.

Each run is `base-gtm train --base new` with a few options changed, in a process of its own; the last column of the
table is its cost. Runs of one tokenizer see the same batches in the same order, and all are measured on the same
records: those of --validation, and those of CARG's tools that no run learns from. A run that ended is not done again;
a killed one goes on from its checkpoint. What a short run shows of a long one is a guess.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from base_gtm.bench.command import command, write_figures
from base_gtm.data import read_records, write_records
from base_gtm.errors import DataError
from base_gtm.training.options import TrainOptions
from base_gtm.training.recipe import NANO
from base_gtm.training.records import NEW, Sources

_COMMON = ("--base", "new", *NANO, "--validate-steps", "0", "--validation-share", "0")


@dataclass(frozen=True)
class Run:
    """What differs from the first choice."""

    options: str = ""
    """More options of base-gtm train."""
    carg: bool = True
    """Whether it learns from the folders of CARG."""
    records: str = ".*"
    """Pattern of the sources of those records that it learns from; nothing: from no file of records."""


RUNS: Mapping[str, Run] = {
    "first choice": Run(),
    "AdamW": Run("--optimizer adamw"),
    "rate 8e-3": Run("--learning-rate 8e-3"),
    "vocabulary 2048": Run("--vocab-size 2048"),
    "160 wide, 5 layers": Run("--hidden-size 160 --layers 5"),
    "192 wide, 6 layers": Run("--hidden-size 192 --layers 6 --heads 6"),
    "all tokens alike": Run("--loss all"),
    "answers alone": Run("--prompt-weight 0"),
    "every prompt token": Run("--prompt-share 1"),
    "short records first": Run("--rising"),
    "half under other names": Run("--renamed 0.5"),
    "what is forced counts too": Run("--structure-weight 1"),
    "other names, what is forced": Run("--renamed 0.5 --structure-weight 1"),
    "final labels alone": Run(records=".*_label"),
    "kernels alone": Run(carg=False),
    "CARG alone": Run(records=""),
}
"""Final labels alone: without the reviews, which say in which line a mistake is."""


@dataclass(frozen=True)
class SmallRunsOptions:
    """One field a flag."""

    out: Path
    """File for the figures, JSON. The runs lie beside it."""
    carg: tuple[Path, ...] = ()
    """Folders of base-gtm carg generate."""
    records: tuple[Path, ...] = ()
    """Files of records."""
    validation: tuple[Path, ...] = ()
    """Records to measure on that no run learns from, such as kernels."""
    only: tuple[str, ...] = ()
    """Runs to do; all unless given, but those that choose among sources which are not given."""
    more: str = ""
    """Options of base-gtm train for all runs, such as "--bf16"."""
    steps: int = 400
    """Updates of each run."""
    threads: int = 1
    """CPU threads."""

    def __post_init__(self) -> None:
        if not self.validation or not (self.carg or self.records):
            raise DataError("give --validation FILE, and --carg FOLDER or --records FILE")
        if unknown := [name for name in self.only if name not in RUNS]:
            raise DataError(f"--only '{unknown[0]}': known are {', '.join(RUNS)}")
        if min(self.steps, self.threads) < 1:
            raise DataError("--steps and --threads are at least 1")


def measure(options: SmallRunsOptions) -> None:
    """Train each variation, and write what it came to."""
    found: dict[str, Any] = {}
    options = _with_new_tools(options)
    for name, learnt in _possible(options).items():
        folder = _folder(options, name)
        words = f"{options.more} {RUNS[name].options} --steps {options.steps} --threads {options.threads}"
        command = [sys.executable, "-m", "base_gtm.cli", "train", "--out", str(folder), *learnt, *_COMMON]
        print(f"small run: {name}", file=sys.stderr)
        done = subprocess.run([*command, *words.split()])
        if done.returncode:
            raise DataError(f"{name}: the training failed (see above)")
        found[name] = _told(json.loads((folder / "card.json").read_text()))
        write_figures(options.out, options, {"runs": found})
    print(table(found))


def _with_new_tools(options: SmallRunsOptions) -> SmallRunsOptions:
    """Measured too on the records of the folders' tools that are held out to measure on."""
    if not options.carg:
        return options
    path = options.out.with_suffix("") / "new_tools.jsonl"
    sources = Sources(TrainOptions(path, carg=options.carg, validation_share=0.1))
    write_records(path, (record for _, record in sources.draw(Counter()) if record.source.startswith(NEW)))
    return replace(options, validation=(*options.validation, path))


def _folder(options: SmallRunsOptions, name: str) -> Path:
    return options.out.with_suffix("") / name.replace(" ", "_").replace(",", "")


def _possible(options: SmallRunsOptions) -> dict[str, list[str]]:
    """Run -> its sources; one that cannot be done is left out with a word. Raises DataError where --only names it."""
    found: dict[str, list[str]] = {}
    for name in options.only or RUNS:
        given = sources(options, name, _folder(options, name))
        if not isinstance(given, str):
            found[name] = given
        elif options.only:
            raise DataError(f"--only '{name}': {given}")
        else:
            print(f"small run left out: {name}: {given}", file=sys.stderr)
    return found


def sources(options: SmallRunsOptions, name: str, folder: Path) -> list[str] | str:
    """What a run learns from and is measured on, as options, or why it cannot be done; records of some sources alone
    go into a file first.
    """
    run, records = RUNS[name], options.records
    if not (run.carg and run.records) and not (options.carg and records):
        return "give both --carg FOLDER and --records FILE"
    if run.records not in (".*", ""):
        told = {path: folder.with_suffix(f".{path.name}") for path in records}
        records = tuple(target for path, target in told.items() if _some(path, run.records, target))
        if not records:
            return f"give --records FILE with sources like {run.records}"
    given = {
        "--carg": options.carg if run.carg else (),
        "--records": records if run.records else (),
        "--validation": options.validation,
    }
    return [word for flag, paths in given.items() for path in paths for word in (flag, str(path))]


def _some(path: Path, pattern: str, target: Path) -> int:
    """Writes the records of a file whose source fits into a file of their own; returns how many."""
    return write_records(target, (record for record in read_records(path) if re.fullmatch(pattern, record.source)))


def _told(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's card says of it."""
    kept = ("parameters", "tokens", "records", "cut_prompts", "steps", "seconds", "recipe", "validation", "refusal")
    return {name: card.get(name) for name in kept} | {"final_loss": card["loss_curve"][-1]["loss"]}


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Markdown: values right by source, how well wrong calls are told, and the cost."""
    sources = sorted({source for one in found.values() for source in one["validation"]["sources"]} - {"all"})
    head = ["run", "parameters", *(f"{source}: first / all" for source in sources), "AUC", "s"]
    lines = [head, ["---"] * len(head)]
    for name, one in found.items():
        scores = one["validation"]["sources"]
        cells = [
            f"{100 * scores[source]['first']:.1f} / {100 * scores[source]['right']:.1f}" if source in scores else ""
            for source in sources
        ]
        auc = one["validation"]["auc"]
        lines.append(
            [name, f"{one['parameters']:,}", *cells, "" if auc is None else f"{auc:.3f}", f"{one['seconds']:.0f}"]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    command(measure, SmallRunsOptions)
