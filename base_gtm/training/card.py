"""card.json: what a base or an adapter came from, and how good it is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from base_gtm.files import write_whole
from base_gtm.model import CARD, Base, card_of
from base_gtm.training.dataset import Facts
from base_gtm.training.options import FULL, TrainOptions
from base_gtm.training.trainer import Fitted
from base_gtm.training.validation import Table

_PACKAGES = ("torch", "transformers", "tokenizers", "trl", "peft", "datasets")


def recipe(options: TrainOptions) -> dict[str, Any]:
    """The options that a result depends on, paths by their last part: where a file lay says nothing about a model."""
    raw = asdict(options)
    for name in ("out", "threads", "wandb", "save_steps", "save_minutes"):
        del raw[name]
    for name in ("carg", "records", "validation"):
        raw[name] = [path.name for path in getattr(options, name)]
    return raw | {"base": Path(options.base).name if Path(options.base).is_dir() else options.base}


def write_card(options: TrainOptions, base: Base | None, fitted: Fitted, facts: Facts, table: Table | None) -> None:
    """Write the card of a finished training; its presence says that the training is finished."""
    full = options.method == FULL
    card = {
        "name": options.out.name,
        "parameters": fitted.model.num_parameters() if full else _trainable(fitted.model),
        "records": sum(facts.records.values()),
        "records_by_source": facts.records,
        "left_out": facts.left_out,
        "held_out": facts.held_out,
        "tokens": facts.tokens,
        "cut_prompts": facts.cut,
        "recipe": recipe(options),
        "parent": _parent(base) if full and base else None,
        "steps": fitted.steps,
        "seconds": round(fitted.seconds, 1),
        "loss_curve": fitted.curve,
        "validation": table.to_json() if table else None,
        "versions": _versions(),
    }
    if not full and base is not None:
        card |= {"base": recipe(options)["base"], "base_hash": base.hash}
    refusal = table.refusal() if table and full else None
    if refusal is not None:
        card["refusal"] = refusal
    write_whole(options.out / CARD, json.dumps(card, indent=1) + "\n")


def _parent(base: Base) -> dict[str, Any]:
    """The card of the base that was gone on from, without its curve."""
    kept = {name: value for name, value in card_of(base.name).items() if name != "loss_curve"}
    folder = Path(base.name)
    return {**kept, "base": folder.name if folder.is_dir() else base.name, "hash": base.hash}


def _trainable(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in _PACKAGES}
