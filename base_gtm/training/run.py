"""`base-gtm train`: records to a base or an adapter, with the card of how it came to be.

Guarantees: killed at any point, the same command goes on where it stood (a finished one says so); a folder that holds
another run is left alone; weights are written as safetensors. Every mistake of a user is a GtmError.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.errors import DataError, ModelError
from base_gtm.files import files_hash, write_whole
from base_gtm.model import CARD
from base_gtm.schema import content_hash
from base_gtm.training.card import recipe, write_card
from base_gtm.training.checkpoints import CHECKPOINTS
from base_gtm.training.dataset import FACTS, prepare
from base_gtm.training.dataset import FOLDER as DATA
from base_gtm.training.options import FULL, NEW, QLORA, TrainOptions
from base_gtm.training.picture import CURVE, draw_curve
from base_gtm.training.records import Sources, require_sources
from base_gtm.training.weights import TOKENIZER, base_of, fresh, save, tokenizer_for

if TYPE_CHECKING:
    from accelerate import PartialState
    from datasets import Dataset

    from base_gtm.training.validation import Table

RUN = "run.json"
"""What the run of a folder was asked for."""
MEASURED = "validation.jsonl"
_OTHERS = {"data": "data was another", "contents": "data had other contents", "base": "base was another"}
"""What `_identity` says beside the recipe, and the words for a run where it is not the same."""
_MADE = ("card.json", "config.json", "adapter_config.json", CHECKPOINTS, f"{DATA}/{FACTS}")
_PART = 512
"""Validation records that are measured on during training; all are at the end."""


def run(options: TrainOptions) -> int:
    """Train, write the folder, return an exit status. Raises DataError, ModelError and SpecError."""
    require_sources(options)
    _require_packages(options)
    import torch
    from accelerate import PartialState
    from transformers.utils import logging

    logging.disable_progress_bar()  # a bar for every checkpoint would stand between the lines
    state = PartialState(cpu=not torch.cuda.is_available())  # else processes on a CPU would not know each other
    _require_devices(options, state)
    if options.threads:
        torch.set_num_threads(options.threads)
    with state.main_process_first():
        if _claim(options):
            print(f"{options.out}: finished before; see its {CARD}")
            return 0
        base, sources = base_of(options), Sources(options)
        tokenizer = base.tokenizer if base else tokenizer_for(sources)
        model = base.model if base else fresh(options, tokenizer)
        _require_room(options, model, tokenizer)
        data = prepare(sources, tokenizer)
    _watch(options)
    if options.method == FULL:
        model = model.float()
    if state.is_main_process:
        told = f"{model.num_parameters():,} parameters, {len(data.train):,} records, {data.facts.tokens:,} tokens"
        print(told, flush=True)

    from base_gtm.training.trainer import fit

    fitted = fit(model.train(), tokenizer, data.train, options, _measuring(options, data.validation))
    if state.is_main_process:
        table = _measure(options, fitted.model, data.validation, fitted.steps)
        save(options, fitted.model, tokenizer)
        draw_curve(fitted.curve, f"{options.out.name}: training loss", options.out / CURVE)
        write_card(options, base, fitted, data.facts, table)
        shutil.rmtree(options.out / CHECKPOINTS, ignore_errors=True)
        print(f"-> {options.out}: {fitted.steps:,} steps in {fitted.seconds:,.0f} s")
    return 0


def _require_packages(options: TrainOptions) -> None:
    needed = {"trl": "train"}
    if options.wandb:
        needed["wandb"] = "track"
    if options.method == QLORA:
        needed["bitsandbytes"] = "gpu"
    for package, extra in needed.items():
        if find_spec(package) is None:
            raise DataError(f"this training needs {package}: pip install 'gtm-adapt[{extra}]'")


def _require_devices(options: TrainOptions, state: PartialState) -> None:
    import torch

    if state.distributed_type == "NO" and state.device.type == "cuda" and torch.cuda.device_count() > 1:
        raise DataError(
            "several GPUs and one process: begin with `accelerate launch -m base_gtm.cli train`, or show it one "
            "(CUDA_VISIBLE_DEVICES=0)"
        )
    if options.bf16 and not _has_bfloat16():
        raise DataError("--bf16: this machine would emulate bfloat16, slowly; leave the option out")
    if state.num_processes > 1 and (options.minutes or options.save_minutes):
        raise DataError(
            "--minutes and --save-minutes: several processes have several clocks; give --steps, --save-steps"
        )


def _has_bfloat16() -> bool:
    """Does what training runs on compute in bfloat16?"""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    features = torch.cpu.get_capabilities()
    return any(features.get(name) for name in ("avx512_bf16", "amx_bf16"))


def _require_room(options: TrainOptions, model: Any, tokenizer: Any) -> None:
    longest, room = options.max_tokens + options.max_completion, model.config.max_position_embeddings
    if longest > room:
        raise DataError(f"--max-tokens and --max-completion: together {longest}, and the base reads {room} tokens")
    if tokenizer.eos_token_id is None:
        raise ModelError(f"base {options.base}: its tokenizer names no end token (eos_token)")


def _claim(options: TrainOptions) -> bool:
    """Take the folder for this run; whether it is finished there. Raises DataError where it holds another.

    A run that has made nothing yet, since an option was wrong, is no other run.
    """
    wanted = json.loads(json.dumps(_identity(options)))
    path = options.out / RUN
    made = [name for name in _MADE if (options.out / name).exists()]
    if path.is_file() and made:
        held = wanted | _held(path)  # an earlier version says less
        before = _defaults() | held["recipe"]
        other = [f"{name} was {before.get(name)}" for name, now in wanted["recipe"].items() if before.get(name) != now]
        other += [f"its {words}" for name, words in _OTHERS.items() if held[name] != wanted[name]]
        if other:
            raise DataError(f"{options.out}: holds another run ({'; '.join(other[:3])}); give another --out")
        return (options.out / CARD).is_file()
    if made:
        raise DataError(f"{options.out}: holds a {made[0]} already; give another --out")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in TOKENIZER:
            (options.out / name).unlink(missing_ok=True)
        path.write_text(json.dumps(wanted, indent=1) + "\n")
    except OSError as error:
        raise DataError(f"--out {options.out}: cannot be written ({error.strerror})") from None
    return False


def _identity(options: TrainOptions) -> dict[str, Any]:
    """What must be the same for a run to go on. Raises DataError for a source that cannot be read."""
    from base_gtm.model import folder_hash, folder_of

    folder = folder_of(options.base)
    paths = (*options.carg, *options.records, *options.validation)
    files = {path: sorted(path.glob("part-*.parquet")) if path.is_dir() else [path] for path in paths}
    try:
        return {
            "recipe": recipe(options),
            "data": [[path.name, sum(file.stat().st_size for file in files[path])] for path in paths],
            "contents": files_hash(file for path in paths for file in files[path]),
            "base": folder_hash(folder) if options.base != NEW and folder.is_dir() else "",
        }
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from None


def _defaults() -> dict[str, Any]:
    """What a recipe without an option, that of an earlier version, stands for."""
    given = {one.name: one.default for one in fields(TrainOptions) if one.default is not MISSING}
    return dict(json.loads(json.dumps(given)))


def _held(path: Path) -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads(path.read_text())
        if isinstance(held["recipe"], dict) and {"data", "base"} <= held.keys():
            return held
    except (ValueError, LookupError, TypeError):
        pass
    raise DataError(f"{path}: not what base-gtm train writes; give another --out")


def _watch(options: TrainOptions) -> None:
    """Set Weights & Biases up: a resumed run goes on in its own line."""
    if not options.wandb:
        return
    os.environ["WANDB_PROJECT"] = options.wandb
    os.environ.setdefault("WANDB_DIR", str(options.out))
    os.environ.setdefault("WANDB_RUN_ID", content_hash([str(options.out.resolve()), _identity(options)]))
    os.environ.setdefault("WANDB_RESUME", "allow")
    if "WANDB_API_KEY" not in os.environ:
        os.environ.setdefault("WANDB_MODE", "offline")


def _measuring(options: TrainOptions, validation: Dataset) -> Callable[[Any, int], None]:
    """What measures during training: on every so many-th record, spread over all of them."""
    every = max(1, len(validation) // _PART)
    part = validation.select(range(0, len(validation), every)) if len(validation) else validation

    def measure(model: Any, step: int) -> None:
        from accelerate import PartialState

        if PartialState().is_main_process:
            _measure(options, model, part, step)

    return measure


def _measure(options: TrainOptions, model: Any, validation: Dataset, step: int) -> Table | None:
    """Measure, and write the line of this step; lines of later steps are of a run that was killed."""
    from base_gtm.training.validation import validate

    if not len(validation):
        return None
    table = validate(model, validation, options.batch)
    path = options.out / MEASURED
    lines = path.read_text().splitlines() if path.is_file() else []
    kept = [line for line in lines if json.loads(line)["step"] < step]
    write_whole(path, "\n".join([*kept, json.dumps({"step": step, **table.to_json()})]) + "\n")
    whole = table.sources["all"]
    auc = "" if table.auc is None else f", errors told by {table.auc:.3f} (AUC)"
    print(f"step {step:,}: values right {whole.right:.3f}, {whole.nll:.3f} nats a token{auc}", file=sys.stderr)
    return table
