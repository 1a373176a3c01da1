"""`adapt score`: how far the simulator can be trusted, beside the baselines that it must beat.

Reads test labels (never trained on), writes `fidelity.json` with every figure and its 95 % interval, and `report.html`.
Guarantees: every method sees the same calls; intervals are over twins; nothing is left out because it looks poor.
Does not guarantee anything about calls of a kind that no cohort stands for.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.domain import Domain
from adapt.environment import hardware
from adapt.errors import AdaptError, ArtifactError
from adapt.evidence import EvidenceCache
from adapt.examples import unique
from adapt.labels import LabelRecord, LabelStore, stocked
from adapt.live import Pair, compare, fresh_calls, spread
from adapt.progress import Advance, progress
from adapt.registry import find
from adapt.runs import labels_path, open_run, runs_root
from adapt.specialist import Specialist

if TYPE_CHECKING:
    from adapt.baselines import Inputs


@dataclass(frozen=True)
class Options:
    """Hold the simulator against test labels and baselines; write a report."""

    name: str
    """Name of the domain."""
    limit: int = 0
    """Test labels a cohort at most; 0 takes all."""
    live: int = 20
    """Fresh calls that simulator and real tool answer side by side, timed; 0 leaves this out."""
    seed: int | None = None
    """Seed of the stream that fresh calls are taken from; drawn anew when left out, since a call that the real tool
    has seen is in its caches."""
    workspace: Path = Path(".")
    """Folder that holds domains/ and runs/."""


@dataclass(frozen=True)
class _Labels:
    """Labels with what methods other than the simulator see of them."""

    records: Sequence[LabelRecord]
    inputs: Sequence[Inputs]


def run(options: Options) -> int:
    """Score, print the tables, return the exit status. Raises AdaptError."""
    if options.limit < 0 or options.live < 0:
        raise AdaptError("--limit and --live must be 0 or more")
    domain = find(options.name, options.workspace).domain
    specialist = Specialist.load(domain, workspace=options.workspace)
    if specialist.calibration is None:
        print(f"no calibration of this adapter: confidences are raw; `adapt calibrate {domain.name}` mends that")
    inputs = {"adapter": specialist.adapter.hash, "spec": domain.spec.schema_hash}
    with open_run(domain, "score", options, inputs, options.workspace) as run_:
        train, test, known = _labels(domain, options)
        fidelity, pairs = _score(specialist, train, test, known, options)
        run_.path("fidelity.json").write_text(json.dumps(fidelity, indent=1) + "\n")
        from adapt.report import render

        run_.path("report.html").write_text(render(fidelity))
        run_.results.update(_headline(fidelity))
        _print(fidelity, pairs)
        print(f"report: {run_.path('report.html')}")
    return 0


def _labels(domain: Domain, options: Options) -> tuple[_Labels, _Labels, set[str]]:
    """Training labels, test labels (cut to the limit, by cohort), and the keys of every labelled call."""
    path = stocked(labels_path(domain, options.workspace), domain.root / "labels")
    if not path.exists():
        raise ArtifactError(f"{path}: no labels yet; run `adapt label {domain.name}` first")
    with LabelStore(path) as store:
        train, test = (unique(store.iterate(split=split)) for split in ("train", "test"))
        known = store.call_keys()
    if not train or not test:
        raise ArtifactError(f"{domain.name}: {len(train)} training and {len(test)} test labels; label more first")
    if options.limit:
        taken: dict[str, int] = {}
        kept = []
        for record in test:
            taken[record.cohort] = taken.get(record.cohort, 0) + 1
            if taken[record.cohort] <= options.limit:
                kept.append(record)
        test = kept
    cache = runs_root(domain, options.workspace) / "evidence.sqlite"
    with EvidenceCache(domain, cache) as facts, progress("evidence", len(train) + len(test), "calls") as advance:
        sets = [_with_evidence(domain, part, facts, advance) for part in (train, test)]
    return sets[0], sets[1], known


def _with_evidence(domain: Domain, records: Sequence[LabelRecord], facts: EvidenceCache, advance: Advance) -> _Labels:
    from adapt.baselines import Inputs

    inputs = []
    for record in records:
        found = facts.get(record.call)
        inputs.append(Inputs("\n".join(str(value) for value in record.call.arguments.values()), found.vector))
        advance(1)
    return _Labels(records, inputs)


def _score(
    specialist: Specialist, train: _Labels, test: _Labels, known: set[str], options: Options
) -> tuple[dict[str, Any], list[Pair]]:
    from adapt import fidelity as figures
    from adapt.predict import predict

    domain, adapter, calibration = specialist.domain, specialist.adapter, specialist.calibration
    with progress("simulate", len(test.records), "calls") as advance:
        said = predict(specialist, test.records, advance)
    sides = (train.records, train.inputs), (test.records, test.inputs)
    numbers, points = figures.number_figures(domain.fidelity, *sides, said)
    pairs = _live(specialist, known, options)
    report = {
        "title": domain.spec.title or domain.name,
        "domain": domain.name,
        "adapter": adapter.hash,
        "base": adapter.base,
        "temperature": calibration.temperature if calibration else 1.0,
        "promise": calibration.promise if calibration else "Not calibrated.",
        "verdicts": figures.verdict_figures(domain.fidelity, *sides, said),
        "numbers": numbers,
        "points": points,
        "intervals": figures.interval_figures(domain.fidelity, test.records, said),
        "confusion": figures.confusion(domain.fidelity, test.records, said),
        "reliability": figures.reliability(domain.fidelity, test.records, said),
        "label_mix": figures.label_mix(domain.fidelity, [*train.records, *test.records]),
        "foreign": figures.foreign_figures(test.records, said),
        "published": figures.published(domain.fidelity),
        "notes": dict(domain.fidelity.notes),
        "missing": _missing(domain, test.records),
        "seconds": _seconds(pairs, test.records),
        "ratio": spread([pair.ratio for pair in pairs]) if pairs else None,
        "live": [_row(pair) for pair in pairs],
        "hardware": hardware(),
    }
    report["summary"] = _summary(report, len(train.records), len(test.records))
    report["provenance"] = f"Made by `adapt score {domain.name}`; adapter {adapter.hash} on base {adapter.base}."
    return report, pairs


def _missing(domain: Domain, records: Sequence[LabelRecord]) -> str:
    """What no test label says, in one line; empty where every verdict and number is there."""
    reads = {**domain.fidelity.verdicts, **domain.fidelity.numbers}
    unknown = [name for name, read in reads.items() if all(read(record.result.content) is None for record in records)]
    return f"no test label says {' or '.join(unknown)}: nothing to hold the simulator against" if unknown else ""


def _live(specialist: Specialist, known: set[str], options: Options) -> list[Pair]:
    if not options.live:
        return []
    domain, count = specialist.domain, options.live + 1
    seed = random.SystemRandom().randrange(1 << 30) if options.seed is None else options.seed
    items = fresh_calls(domain, seed, count, known, "unseen") or fresh_calls(domain, seed, count, known, None)
    with progress("side by side", len(items), "calls") as advance:
        return compare(specialist, items, advance)


def _seconds(pairs: Sequence[Pair], records: Sequence[LabelRecord]) -> dict[str, dict[str, float]]:
    if pairs:
        return {
            "real tool": spread([pair.real_seconds for pair in pairs]),
            "simulator": spread([pair.reply.seconds for pair in pairs]),
            "of which evidence": spread([pair.evidence_seconds for pair in pairs]),
        }
    return {"real tool (as labelled)": spread([record.seconds for record in records])}


def _row(pair: Pair) -> dict[str, Any]:
    return {
        "group": pair.item.group,
        "real": dict(pair.real),
        "simulated": dict(pair.reply.result.content),
        "confidence": round(pair.reply.confidence, 4),
        "foreign": list(pair.reply.foreign),
        "real_seconds": pair.real_seconds,
        "simulated_seconds": pair.reply.seconds,
    }


def _summary(report: Mapping[str, Any], train: int, test: int) -> str:
    promise = str(report["promise"]).rstrip(".")
    text = f"{train} training and {test} test labels, all from the real tool. {promise[:1].upper()}{promise[1:]}."
    if report["ratio"]:
        ratio = report["ratio"]
        text += (
            f" On {ratio['n']} fresh calls the real tool took {ratio['median']:.0f} times as long as the simulator "
            f"(quartiles {ratio['q1']:.0f} to {ratio['q3']:.0f})."
        )
    return text


def _headline(fidelity: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that the manifest repeats: accuracy of each verdict by cohort, and the time ratio."""
    accuracy = {
        verdict: {cohort: entry["methods"]["simulator"]["accuracy"] for cohort, entry in cohorts.items()}
        for verdict, cohorts in fidelity["verdicts"].items()
    }
    return {"accuracy": accuracy, "ratio": fidelity["ratio"]}


def _print(fidelity: Mapping[str, Any], pairs: Sequence[Pair]) -> None:
    from adapt.tables import fidelity_table, side_by_side

    fidelity_table(fidelity)
    if pairs:
        side_by_side(fidelity)
