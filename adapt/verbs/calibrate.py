"""`adapt calibrate`: validation labels -> temperature, threshold, foreign-input check.

Guarantees: only validation labels are read, plus the texts (not the labels) of training calls for the foreign-input
check; temperature and order of thresholds are fitted on one part of the twins, the threshold is tested and the
reliability measured on the other; what is promised is written down in words, and nothing that was not earned.
Does not hold for calls drawn otherwise than the validation calls.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from adapt import calibration as fitting
from adapt.calibration import Calibration, Threshold, scale
from adapt.domain import Domain
from adapt.errors import AdaptError, ArtifactError
from adapt.examples import decision_of, unique
from adapt.foreign import fit as fit_foreign
from adapt.foreign import payload
from adapt.labels import LabelRecord, LabelStore, stocked
from adapt.progress import progress
from adapt.registry import find
from adapt.runs import labels_path, open_run
from adapt.specialist import Guess, Specialist
from base_gtm.schema import content_hash

TUNING_SHARE = 0.35
"""Share of the validation twins that temperature and threshold order are fitted on: the promise needs more."""
LEAST_LABELS = 20
"""Validation labels without which nothing worth writing down can be fitted."""
Pair = tuple[float, bool]


@dataclass(frozen=True)
class Options:
    """Fit temperature, threshold and foreign-input check of a domain's adapter."""

    name: str
    """Name of the domain."""
    accuracy: float = 0.95
    """Share of accepted answers that must be right."""
    confidence: float = 0.95
    """Confidence with which that is promised."""
    quantile: float = 0.95
    """Share of validation calls within the limit of the foreign-input check."""
    ship: bool = False
    """Also copy the calibration beside the domain's shipped adapter, for maintainers."""
    workspace: Path = Path(".")
    """Folder that holds domains/ and runs/."""


def run(options: Options) -> int:
    """Calibrate, write calibration.json, return the exit status. Raises AdaptError or GtmError."""
    for name in ("accuracy", "confidence", "quantile"):
        if not 0 < getattr(options, name) < 1:
            raise AdaptError(f"--{name} must lie between 0 and 1")
    domain = find(options.name, options.workspace).domain
    familiar, records, digest = _labels(domain, options.workspace)
    specialist = Specialist.load(domain, workspace=options.workspace, calibrated=False)
    inputs = {"labels": digest, "adapter": specialist.adapter.hash, "spec": domain.spec.schema_hash}
    with open_run(domain, "calibrate", options, inputs, options.workspace) as run_:
        with progress("validation", len(records), "calls") as advance:
            guesses = specialist.guesses([record.call for record in records], advance)
        found = calibrate(specialist, familiar, records, guesses, options)
        found.save(run_.folder)
        run_.results.update({"temperature": found.temperature, "promise": found.promise, **found.figures})
        _report(found, run_.folder)
        if options.ship:
            _ship(run_.folder, domain, specialist)
    return 0


def calibrate(
    specialist: Specialist,
    familiar: Sequence[LabelRecord],
    records: Sequence[LabelRecord],
    guesses: Sequence[Guess],
    options: Options,
) -> Calibration:
    """Fit on the guesses for the validation records; `familiar` are the training records, for their texts."""
    domain = specialist.domain
    early = [int(content_hash(record.twin), 16) % 1000 < 1000 * TUNING_SHARE for record in records]
    decided = [bool(guess.distribution) for guess in guesses]
    real = [decision_of(domain, record.result.content) for record in records]

    def part(tuning: bool) -> list[int]:
        return [index for index, is_early in enumerate(early) if is_early == tuning]

    tuned = [index for index in part(True) if decided[index]]
    temperature = fitting.fit_temperature([guesses[i].distribution for i in tuned], [real[i] for i in tuned])

    def pairs(indices: Sequence[int], at: float) -> list[Pair]:
        return [_pair(guesses[i], records[i], real[i], at) for i in indices]

    tuning, promised = pairs(part(True), temperature), pairs(part(False), temperature)
    threshold = fitting.fit_threshold(tuning, promised, options.accuracy, options.confidence)
    before, after = (fitting.reliability(pairs(part(False), at)) for at in (1.0, temperature))
    held = [i for i in part(False) if decided[i]]
    figures = {
        "accuracy": sum(right for _, right in promised) / len(promised) if promised else 0.0,
        "nll_before": _nll(guesses, real, held, 1.0),
        "nll_after": _nll(guesses, real, held, temperature),
        "calibration_error_before": fitting.expected_calibration_error(before),
        "calibration_error_after": fitting.expected_calibration_error(after),
    }
    foreign = fit_foreign(
        [payload(domain, record.call) for record in familiar],
        [payload(domain, record.call) for record in records],
        [guess.surprise for guess in guesses],
        options.quantile,
    )
    return Calibration(
        domain=domain.name,
        decision_field=domain.fidelity.decision_field if any(decided) else None,
        temperature=temperature,
        threshold=threshold,
        promise=promise(threshold, promised, options),
        tuning=len(tuning),
        promised_on=len(promised),
        foreign=foreign,
        reliability_before=before,
        reliability_after=after,
        figures={name: round(value, 5) for name, value in figures.items()},
        hashes={
            "adapter": specialist.adapter.hash,
            "base": str(specialist.adapter.card["base_hash"]),
            "spec": domain.spec.schema_hash,
        },
    )


def promise(threshold: Threshold | None, promised: Sequence[Pair], options: Options) -> str:
    """What holds, in one sentence."""
    if threshold is None:
        return (
            f"always use the real tool: on {len(promised)} labels no confidence threshold earned an accuracy of "
            f"{options.accuracy:.2f} at {options.confidence:.0%} confidence"
        )
    return (
        f"answers with confidence {threshold.value:.3f} or more are right at least {threshold.accuracy:.0%} of "
        f"the time, at {threshold.confidence:.0%} confidence (Learn-then-Test on {len(promised)} labels; "
        f"{threshold.coverage:.0%} of them accepted, {threshold.observed:.3f} of these right), "
        "for calls like the validation calls"
    )


def _labels(domain: Domain, workspace: Path) -> tuple[list[LabelRecord], list[LabelRecord], str]:
    """Training records, validation records, and the hash of the validation labels."""
    path = stocked(labels_path(domain, workspace), domain.root / "labels")
    records: list[LabelRecord] = []
    if path.is_file():
        with LabelStore(path) as store:
            familiar = unique(store.iterate(split="train"))
            records = unique(store.iterate(split="validation"))
            digest = store.digest("validation")
    if len(records) < LEAST_LABELS:
        raise ArtifactError(
            f"{path}: {len(records)} validation labels, {LEAST_LABELS} are needed; "
            f"run `adapt label {domain.name}` first"
        )
    return familiar, records, digest


def _pair(guess: Guess, record: LabelRecord, real: str, temperature: float) -> Pair:
    """(confidence, was it right)."""
    if guess.distribution:
        scaled = scale(guess.distribution, temperature)
        value = max(scaled, key=lambda name: scaled[name])
        return scaled[value], value == real
    return guess.confidence, guess.content is not None and dict(guess.content) == dict(record.result.content)


def _nll(guesses: Sequence[Guess], real: Sequence[str], held: Sequence[int], temperature: float) -> float:
    scaled = [scale(guesses[i].distribution, temperature) for i in held]
    return fitting.negative_log_likelihood(scaled, [real[i] for i in held])


def _ship(folder: Path, domain: Domain, specialist: Specialist) -> None:
    target = domain.root / "adapter"
    if not target.is_dir():
        raise ArtifactError(f"{target}: no shipped adapter to calibrate; run `adapt train {domain.name} --ship` first")
    for name in (fitting.FILE, fitting.NEIGHBOURS_FILE):
        if (folder / name).is_file():
            shutil.copy2(folder / name, target / name)
    print(f"shipped: {target / fitting.FILE}")


def _report(found: Calibration, folder: Path) -> None:
    figures = asdict(found)["figures"]
    print(
        f"temperature {found.temperature:.2f}; calibration error {figures['calibration_error_before']:.3f} -> "
        f"{figures['calibration_error_after']:.3f}; accuracy {figures['accuracy']:.3f} on {found.promised_on} labels"
    )
    print(found.promise)
    foreign = found.foreign
    if foreign.limit is not None:
        print(
            f"foreign beyond strangeness {foreign.limit:.2f}, which {foreign.quantile:.0%} of validation calls keep to"
        )
    print(f"calibration: {folder / fitting.FILE}")
