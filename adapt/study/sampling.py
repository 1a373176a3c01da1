"""Texts that an agent writes for problems, with fixed seeds: what learning curves and final scores are made of.

Guarantees: the same model, problems, seed and batch give the same texts on one machine; the random numbers of a
training that goes on meanwhile are left as they were. Prompts are rendered as in training: one user message under the
tokenizer's chat template. Heavy imports stand inside the functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapt.study.speedup.order import derived_seed
from adapt.study.task import Problem


@dataclass(frozen=True)
class Sampling:
    """How an agent's text is drawn, in training and afterwards."""

    temperature: float
    tokens: int
    """Longest text, in tokens; a longer one is cut and mostly worth nothing."""
    batch: int = 32
    """Texts at a time."""


def prompt_of(problem: Problem) -> list[dict[str, str]]:
    """A problem as the agent meets it."""
    return [{"role": "user", "content": problem.prompt}]


def write_texts(
    model: Any, tokenizer: Any, problems: Sequence[Problem], count: int, seed: int, how: Sampling
) -> list[list[str]]:
    """`count` texts for each problem, in order of the problems. `model` is left in the mode that it was in."""
    import torch

    asked = [problem for problem in problems for _ in range(count)]
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    learning = model.training
    model.eval()
    texts: list[str] = []
    try:
        with torch.random.fork_rng(devices=devices), torch.inference_mode():
            for number, batch in enumerate(_batches(asked, how.batch)):
                torch.manual_seed(derived_seed("texts", seed, number))
                texts += _write(model, tokenizer, batch, how)
    finally:
        model.train(learning)
    return [texts[first : first + count] for first in range(0, len(texts), count)]


def _write(model: Any, tokenizer: Any, problems: Sequence[Problem], how: Sampling) -> list[str]:
    import torch

    ids = [prompt_ids(tokenizer, problem) for problem in problems]
    width = max(len(one) for one in ids)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    tokens = torch.tensor([[pad] * (width - len(one)) + one for one in ids], device=model.device)
    mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in ids], device=model.device)
    written = model.generate(
        input_ids=tokens,
        attention_mask=mask,
        do_sample=True,
        temperature=how.temperature,
        top_p=1.0,
        top_k=0,
        max_new_tokens=how.tokens,
        pad_token_id=pad,
        eos_token_id=_ends(model, tokenizer),
    )
    said: list[str] = tokenizer.batch_decode(written[:, width:], skip_special_tokens=True)
    return said


def prompt_ids(tokenizer: Any, problem: Problem) -> list[int]:
    """Token ids of a problem's prompt, the beginning of the answer included."""
    text = tokenizer.apply_chat_template(prompt_of(problem), add_generation_prompt=True, tokenize=False)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends a text: the tokenizer's, and those that the model declares."""
    declared = model.generation_config.eos_token_id
    found = [] if declared is None else [declared] if isinstance(declared, int) else list(declared)
    return list(dict.fromkeys([tokenizer.eos_token_id, *found]))


def _batches(items: Sequence[Problem], size: int) -> Iterator[Sequence[Problem]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]
