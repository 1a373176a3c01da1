"""`adapt train`: labels -> a LoRA adapter for the base, with a card that says where it came from.

Guarantees: killed at any point, the same command goes on from the last checkpoint, as long as the labels are the same;
test labels are never read; nothing is written outside the run folder unless --ship asks for it.
Does not guarantee a good adapter: `adapt score` measures that on labels that training never saw.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from adapt.adapter import CARD, WEIGHTS
from adapt.domain import Domain
from adapt.environment import hardware, versions
from adapt.errors import AdaptError, ArtifactError
from adapt.evidence import EvidenceCache
from adapt.examples import Example, Rendering, build, decision_of, unique
from adapt.labels import LabelRecord, LabelStore, stocked, training_digest
from adapt.loop import Fitted, LoopOptions, fit, quantised
from adapt.progress import progress
from adapt.registry import find
from adapt.runs import Run, labels_path, open_run, options_hash, runs_root
from base_gtm.schema import content_hash

VALIDATION_LOSS_LABELS = 256
"""Validation labels whose loss is measured after each epoch: enough for a curve, a few per cent of the time."""
ACCURACY_LABELS = 400
"""Validation labels that the finished adapter is asked about for its card."""
DATA = "data.json"


@dataclass(frozen=True)
class Options:
    """Train a LoRA adapter on a domain's labels."""

    name: str
    """Name of the domain."""
    base: str = "nano"
    """Base model: nano, a folder with safetensors, or a hub id."""
    epochs: float = 3.0
    """Passes over the labels at most."""
    minutes: float | None = None
    """Wall-clock budget of the training loop; the learning rate is planned for whichever ends first."""
    rank: int = 16
    """Rank of the adapter."""
    rslora: bool = False
    """Scale by 1/sqrt(rank) instead of 1/rank."""
    lr: float = 2e-3
    """Highest learning rate; 2e-4 suits a base of a billion parameters."""
    batch: int = 16
    """Labels a step on each device."""
    accumulate: int = 1
    """Steps whose gradients are added before an update."""
    max_tokens: int | None = None
    """Longest prompt; longer arguments lose their middle. By default what the domain says, mostly 640."""
    evidence: bool = True
    """Put the domain's facts into the prompt."""
    error_site_weight: float = 0.0
    """Weight of the token-level target "an error has occurred by here"; 0 leaves it out."""
    balance: float = 0.0
    """Weight classes by (average size / size) ** BALANCE; 0 keeps the mix and its calibration."""
    limit: int | None = None
    """Use at most this many training labels."""
    seed: int = 0
    """Seed of the adapter and of the order."""
    wandb: str = "off"
    """Weights & Biases: off, offline or online."""
    qlora: bool = False
    """Base in 4 bits (NVIDIA GPU, bitsandbytes)."""
    ship: bool = False
    """Also copy the adapter into the domain's own folder, for maintainers."""
    workspace: Path = Path(".")
    """Folder that holds domains/ and runs/."""


def run(options: Options) -> int:
    """Train, write the adapter and its card, return the exit status. Raises AdaptError or GtmError."""
    _check(options)
    domain = find(options.name, options.workspace).domain
    if options.max_tokens is None:
        options = replace(options, max_tokens=domain.prompt_tokens)
    training, validation, digest = _labels(domain, options)
    inputs = {"labels": digest, "spec": domain.spec.schema_hash}
    print(f"{domain.name}: {len(training)} training labels, {len(validation)} for validation")
    for name, read in {**domain.fidelity.verdicts, **domain.fidelity.numbers}.items():
        if all(read(record.result.content) is None for record in training):
            print(f"no training label says {name}: the adapter cannot learn it")
    with open_run(domain, "train", options, inputs, options.workspace, resume=True) as run_:
        _same_data(run_, content_hash([inputs, options_hash(options)]))
        card = _train(domain, training, validation, options, run_)
        run_.results.update({name: card[name] for name in ("labels", "steps", "seconds", "validation_accuracy")})
    _report(card, run_.folder)
    if options.ship:
        target = domain.root / "adapter"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(run_.folder / "adapter", target)
        print(f"shipped: {target}")
    return 0


def _check(options: Options) -> None:
    if options.wandb not in ("off", "offline", "online"):
        raise AdaptError(f"--wandb {options.wandb}: say off, offline or online")
    for name in ("epochs", "rank", "lr", "batch", "accumulate"):
        if getattr(options, name) <= 0:
            raise AdaptError(f"--{name.replace('_', '-')} must be more than 0")
    for name in ("minutes", "limit", "max_tokens"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise AdaptError(f"--{name} must be more than 0, or left out")
    if options.error_site_weight < 0 or options.balance < 0:
        raise AdaptError("--error-site-weight and --balance must be 0 or more")


def _labels(domain: Domain, options: Options) -> tuple[list[LabelRecord], list[LabelRecord], str]:
    """Training and validation labels, one a call, and the hash of both."""
    path = stocked(labels_path(domain, options.workspace), domain.root / "labels")
    training: list[LabelRecord] = []
    if path.is_file():
        with LabelStore(path) as store:
            training = unique(store.iterate(split="train"))
            validation = unique(store.iterate(split="validation"))
            digest = training_digest(store)
    if not training:
        raise ArtifactError(f"{path}: no training labels; run `adapt label {domain.name}` first")
    return training[: options.limit], validation, digest


def _same_data(run: Run, digest: str) -> None:
    """A resumed run goes on only with the data it began with; with other labels it starts anew in its folder."""
    path = run.path(DATA)
    if run.resumed and (not path.is_file() or json.loads(path.read_text()) != digest):
        shutil.rmtree(run.path("checkpoints"), ignore_errors=True)
        print("labels have changed since the interrupted training: starting anew")
    path.write_text(json.dumps(digest))


def _train(
    domain: Domain, training: Sequence[LabelRecord], validation: Sequence[LabelRecord], options: Options, run: Run
) -> dict[str, Any]:
    from base_gtm.model import NANO, NANO_FOLDER, load_base

    assert options.max_tokens is not None
    rendering = Rendering(options.max_tokens, options.evidence and domain.evidence is not None)
    watched = _spread(validation, VALIDATION_LOSS_LABELS)
    facts = evidence_texts(domain, [*training, *watched], options.workspace) if rendering.evidence else {}
    base = load_base(options.base)
    sites = options.error_site_weight > 0
    with progress("tokens", len(training) + len(watched), "labels") as advance:
        parts: list[list[Example]] = []
        for records in (training, watched):
            examples = []
            for example in build(domain, records, base.tokenizer, rendering, facts, sites):
                examples.append(example)
                advance()
            parts.append(examples)
    if shortened := sum(example.cut for example in parts[0]):
        print(f"{shortened} of {len(parts[0])} prompts are longer than {options.max_tokens} tokens and lose a middle")
    model = base.model
    if options.qlora:
        model = quantised(str(NANO_FOLDER) if base.name == NANO else base.name, base.name)
    loop = LoopOptions(**{name: getattr(options, name) for name in LoopOptions.__dataclass_fields__})
    tokens = sum(len(example.ids) for example in parts[0])
    steps = -(-int(len(training) * options.epochs) // (options.batch * options.accumulate))
    pad = base.tokenizer.pad_token_id or base.tokenizer.eos_token_id
    with progress("train", steps, "steps") as advance:
        fitted = fit(model, base.name, pad, parts[0], parts[1], loop, run.folder, advance)
    card = _card(domain, options, training, fitted, base, tokens)
    _write_card(run.folder / "adapter", card)
    card["validation_accuracy"] = _accuracy(domain, validation, run.folder / "adapter", options)
    _write_card(run.folder / "adapter", card)
    return card


def evidence_texts(domain: Domain, records: Sequence[LabelRecord], workspace: Path) -> dict[str, str]:
    """Call key -> evidence text, from the cache where it has it."""
    texts: dict[str, str] = {}
    path = runs_root(domain, workspace) / "evidence.sqlite"
    with EvidenceCache(domain, path) as cache, progress("evidence", len(records), "calls") as advance:
        for record in records:
            texts[record.call.key] = cache.get(record.call).text
            advance()
    return texts


def _card(
    domain: Domain, options: Options, training: Sequence[LabelRecord], fitted: Fitted, base: Any, tokens: int
) -> dict[str, Any]:
    """Everything about the adapter but its hash and its accuracy."""
    kept = {name: value for name, value in asdict(options).items() if name not in ("workspace", "ship")}
    return {
        "domain": domain.name,
        "base": base.name,
        "base_hash": base.hash,
        "spec_hash": domain.spec.schema_hash,
        "max_tokens": options.max_tokens,
        "evidence": options.evidence and domain.evidence is not None,
        "labels": len(training),
        "labels_by_source": dict(Counter(record.source for record in training)),
        "labels_by_cohort": dict(Counter(record.cohort for record in training)),
        "labels_by_class": dict(Counter(decision_of(domain, record.result.content) for record in training)),
        "tokens": tokens,
        "options": kept,
        "seed": options.seed,
        "steps": fitted.steps,
        "seconds": round(fitted.seconds, 1),
        "trainable_parameters": fitted.trainable,
        "loss_curve": list(fitted.curve),
        "versions": versions(),
        "hardware": {name: value for name, value in hardware().items() if name in ("processor", "cores", "gpus")},
    }


def _write_card(folder: Path, card: dict[str, Any]) -> None:
    digest = sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:16]
    draft = folder / (CARD + ".part")
    draft.write_text(json.dumps({**card, "adapter_hash": digest}, indent=2, sort_keys=True) + "\n")
    draft.replace(folder / CARD)


def _accuracy(domain: Domain, validation: Sequence[LabelRecord], folder: Path, options: Options) -> dict[str, float]:
    """Share of validation labels whose decision the finished adapter gets right, as the simulator would answer."""
    from adapt.specialist import Specialist

    asked = [record for record in _spread(validation, ACCURACY_LABELS) if decision_of(domain, record.result.content)]
    if not asked:
        return {}
    specialist = Specialist.load(domain, folder, options.workspace)
    with progress("validation", len(asked), "calls") as advance:
        found = specialist.distributions([record.call for record in asked], advance)
    real = [decision_of(domain, record.result.content) for record in asked]
    right = sum(max(p, key=lambda value: p[value]) == value for p, value in zip(found, real, strict=True))
    majority = Counter(real).most_common(1)[0][1]
    return {"n": len(asked), "accuracy": round(right / len(asked), 4), "majority": round(majority / len(asked), 4)}


def _spread(records: Sequence[LabelRecord], most: int) -> list[LabelRecord]:
    """At most `most` records, evenly picked."""
    step = max(1, -(-len(records) // most))
    return list(records[::step])


def _report(card: dict[str, Any], folder: Path) -> None:
    accuracy = card["validation_accuracy"]
    print(f"trained {card['steps']} steps in {card['seconds']:.0f} s, {card['trainable_parameters']:,} parameters")
    if accuracy:
        print(
            f"validation: {accuracy['accuracy']:.3f} of {accuracy['n']} decisions right "
            f"(majority {accuracy['majority']:.3f})"
        )
    print(f"adapter: {folder / 'adapter'}")
