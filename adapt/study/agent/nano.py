"""Agents of a study: the nano one, trained here to write what a task asks for, and any other by name.

    nano_agent(task, folder, seed=0)     a small causal model from scratch, with its own tokenizer, from the task's
                                         demonstrations alone; a plain transformers folder, card.json beside it
    load_agent("Qwen/Qwen2.5-7B-Instruct")   or a folder: model and tokenizer, safetensors only, no code from the hub

`python -m adapt.study.agent DOMAIN FOLDER` trains one. Killed at any point, the same command goes on.

Guarantees: the same seed, options and number of threads on one machine give the same weights, interrupted or not; a
folder is a finished agent exactly when it has a card. Does not guarantee that the agent writes well: the card says how
much of what it writes for validation problems compiles and is right. Heavy imports stand inside the functions.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapt.environment import hardware, versions
from adapt.errors import AdaptError, ArtifactError
from adapt.progress import Advance
from adapt.study.agent.data import tokenizer_of, tokens_of
from adapt.study.agent.loading import load, silent
from adapt.study.task import Task
from base_gtm.schema import content_hash
from base_gtm.tokenizer import first_line

CARD = "card.json"
WORK, MODEL, BEGUN = "training", "model", "recipe.json"
"""What lies in an agent's folder while it is being made: WORK with the recipe, checkpoints, and at last MODEL."""


@dataclass(frozen=True)
class AgentOptions:
    """How a nano agent is made."""

    demonstrations: int = 40000
    """How many it learns from, each seen once."""
    vocab_size: int = 2048
    """Tokens at most. A token may be a whole line: a C++ candidate has 75 tokens with 1024, 41 with 2048, 36 with 4096
    (medians), and what is chosen is split more finely with fewer."""
    context: int = 512
    """Longest prompt and completion together; longer demonstrations are left out, and the card says how many."""
    hidden_size: int = 192
    """Width; with five layers and 2048 tokens 2.6 million parameters."""
    layers: int = 5
    heads: int = 6
    batch: int = 32
    """Demonstrations a step."""
    lr: float = 2e-3
    """Highest learning rate."""
    samples: int = 8
    """Texts for each validation problem that the real tool judges for the card; 0 leaves that out."""
    threads: int = 0
    """CPU threads of training; 0 leaves torch's choice. Another number gives other weights."""


def nano_agent(
    task: Task,
    folder: Path,
    *,
    seed: int = 0,
    options: AgentOptions | None = None,
    advance: Advance | None = None,
) -> Path:
    """Train an agent on the task's demonstrations and write it to `folder`, which is returned.

    A finished agent of this recipe is left as it is; an interrupted one goes on. Raises ArtifactError where the folder
    holds an agent of another recipe, AdaptError where the options cannot work.
    """
    options = options or AgentOptions()
    _check(options)
    recipe = _recipe(task, options, seed)
    if _finished(folder, recipe):
        return folder
    work, advance = folder / WORK, advance or _silent
    if not (work / MODEL / CARD).is_file():
        _train(task, work, recipe, options, seed, advance)
    if options.samples and "validation" not in _read_json(work / MODEL / CARD):
        judge_agent(task, work / MODEL, options.samples, seed, advance)
    _publish(folder)
    return folder


def _silent(steps: int = 1, note: str = "") -> None:
    """Progress that nobody looks at."""


def judge_agent(task: Task, folder: Path, samples: int, seed: int, advance: Advance = _silent) -> None:
    """Let an agent write for the validation problems at temperature 1, ask the real tool, and put it into its card."""
    from adapt.study.sampling import Sampling, write_texts

    card = _read_json(folder / CARD)
    model, tokenizer = load_agent(folder)
    problems = task.problems("validation")
    began = time.monotonic()
    written = write_texts(model, tokenizer, problems, samples, seed, Sampling(1.0, card["tokens"]["longest"] + 16))
    wrote = time.monotonic() - began
    items = [(problem, text) for problem, texts in zip(problems, written, strict=True) for text in texts]
    share: dict[str, Any] = {"texts": len(items), "calls": _share([task.call(*item) is not None for item in items])}
    try:
        judged = []
        for verdict in task.judge(items):
            judged.append(verdict)
            advance(0, f"{len(judged)} of {len(items)} texts judged")
        share |= {name: _share([getattr(one, name) for one in judged]) for name in ("compiled", "correct", "cheating")}
    except AdaptError as error:
        share["unjudged"] = str(error)
    seconds = {"writing": round(wrote, 1), "judging": round(time.monotonic() - began - wrote, 1)}
    _write_json(folder / CARD, {**card, "validation": {**share, "temperature": 1.0, "seconds": seconds}})


def load_agent(name: str | Path) -> tuple[Any, Any]:
    """Model, in eval mode, and tokenizer of an agent: a folder saved by transformers, or a hub id "owner/model".

    float32 on a CPU, as stored on a GPU; sampling settings that came with it are dropped, but for what ends a text.
    Raises ArtifactError for a folder that cannot be used, AdaptError for a hub model that cannot be had; in one line.
    """
    return load(name)


def _check(options: AgentOptions) -> None:
    for name in ("demonstrations", "vocab_size", "context", "hidden_size", "layers", "heads", "batch", "lr"):
        if not getattr(options, name) > 0:
            raise AdaptError(f"--{name.replace('_', '-')} must be more than 0")
    if options.samples < 0 or options.threads < 0:
        raise AdaptError("--samples and --threads must be 0 or more")
    if options.hidden_size % (2 * options.heads):
        raise AdaptError(f"--hidden-size {options.hidden_size} is no even multiple of --heads {options.heads}")


def _recipe(task: Task, options: AgentOptions, seed: int) -> dict[str, Any]:
    """What decides the weights; of the demonstrations, the hash of the first ones."""
    first = [(problem.id, problem.prompt, text) for problem, text in task.demonstrations(seed, 16)]
    kept = {name: value for name, value in asdict(options).items() if name != "samples"}
    return {**kept, "seed": seed, "first_demonstrations": content_hash(first)}


def _finished(folder: Path, recipe: dict[str, Any]) -> bool:
    """Whether the folder holds an agent of this recipe; if not, it is made ready for one."""
    work = folder / WORK
    for path in (folder / CARD, work / BEGUN):
        if path.is_file() and (found := _read_json(path)).get("recipe", found) != recipe:
            raise ArtifactError(f"{path}: an agent of another recipe; give another folder or remove this one")
    if (folder / CARD).is_file():
        shutil.rmtree(work, ignore_errors=True)
        return True
    if (folder / "config.json").is_file() and not work.is_dir():
        raise ArtifactError(f"{folder}: holds a model already; give another folder")
    try:
        work.mkdir(parents=True, exist_ok=True)
        _write_json(work / BEGUN, recipe)
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be written ({error.strerror or error})") from None
    return False


def _train(task: Task, work: Path, recipe: dict[str, Any], options: AgentOptions, seed: int, advance: Advance) -> None:
    """Tokenizer, tokens, weights and card, into work/model, the card last."""
    import torch

    from adapt.study.agent.loop import learn

    if options.threads:
        torch.set_num_threads(options.threads)
    count = options.demonstrations
    try:
        tokenizer = tokenizer_of(task, work, seed, count, options.vocab_size)
        tokens = tokens_of(task, work, tokenizer, seed, count, options.context, advance)
    except AdaptError:
        shutil.rmtree(work, ignore_errors=True)  # begun with options that cannot work: others may try
        raise
    model = _fresh(tokenizer, options, seed)
    checkpoints = work / "checkpoints"
    learnt = learn(
        model,
        tokenizer.pad_token_id,
        tokens.kept,
        batch=options.batch,
        lr=options.lr,
        seed=seed,
        checkpoints=checkpoints,
        advance=advance,
    )
    with silent():
        model.save_pretrained(work / MODEL, safe_serialization=True)
    tokenizer.save_pretrained(work / MODEL)
    card = {
        "name": "nano agent",
        "recipe": recipe,
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "tokens": tokens.figures(),
        "steps": learnt.steps,
        "seconds": round(learnt.seconds, 1),
        "loss_curve": list(learnt.curve),
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "hardware": hardware(),
    }
    _write_json(work / MODEL / CARD, card)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _fresh(tokenizer: Any, options: AgentOptions, seed: int) -> Any:
    """Random weights, and how the agent is sampled."""
    from transformers import GenerationConfig

    from base_gtm.model import new_nano

    sizes = {"hidden_size": options.hidden_size, "num_hidden_layers": options.layers}
    longest = max(1024, options.context)
    model = new_nano(tokenizer, seed=seed, num_attention_heads=options.heads, max_position_embeddings=longest, **sizes)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(do_sample=True, temperature=1.0, top_k=0, top_p=1.0, **ends)
    return model


def _publish(folder: Path) -> None:
    """From the work folder to where the agent is looked for, the card last."""
    model = folder / WORK / MODEL
    for path in model.iterdir():
        if path.name != CARD:
            shutil.copy2(path, folder / path.name)
    os.replace(model / CARD, folder / CARD)
    shutil.rmtree(folder / WORK, ignore_errors=True)


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / max(1, len(found)), 4)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path}: cannot be read ({first_line(error)}); remove the folder and train again"
        ) from None


def _write_json(path: Path, content: Any) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=1) + "\n")
    draft.replace(path)
