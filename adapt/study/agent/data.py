"""The nano agent's data: a tokenizer and its demonstrations as tokens, made once and kept on disk.

Guarantees: killed while they are made, the same call goes on from the last whole piece; the same seed gives the same
data, in pieces or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.errors import AdaptError
from adapt.progress import Advance
from adapt.study.agent.tokens import Demonstration, encode_demonstrations, train_agent_tokenizer
from adapt.study.task import Task
from base_gtm.errors import GtmError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PIECE = 4000
"""Demonstrations of one file, and of the tokenizer's training."""


@dataclass(frozen=True)
class Encoded:
    """Demonstrations that fit, and the lengths of all."""

    kept: Sequence[Demonstration]
    prompts: Sequence[int]
    completions: Sequence[int]
    """Tokens of all demonstrations, those that were left out included; the end token counts."""

    def figures(self) -> dict[str, Any]:
        """For the card."""
        kept = [len(item.ids) - item.prompt for item in self.kept]
        return {
            "prompt": _quantiles(self.prompts),
            "completion": _quantiles(self.completions),
            "left_out": len(self.prompts) - len(self.kept),
            "longest": max(kept),
            "trained_on": sum(kept),
        }


def tokenizer_of(task: Task, work: Path, seed: int, count: int, vocab_size: int) -> PreTrainedTokenizerFast:
    """Trained on the first demonstrations, or the one that an interrupted training has left. Raises AdaptError."""
    from base_gtm.tokenizer import load_tokenizer

    folder, whole = work / "tokenizer", work / "tokenizer.whole"

    def texts() -> Iterator[str]:
        for problem, text in task.demonstrations(_seed(seed, 0), min(count, PIECE)):
            yield problem.prompt
            yield text

    try:
        if whole.is_file():
            return load_tokenizer(folder)
        tokenizer = train_agent_tokenizer(texts(), vocab_size)
    except GtmError as error:
        raise AdaptError(str(error)) from None
    tokenizer.save_pretrained(folder)
    whole.touch()
    return tokenizer


def tokens_of(task: Task, work: Path, tokenizer: Any, seed: int, count: int, context: int, advance: Advance) -> Encoded:
    """The demonstrations that fit into `context` tokens. Raises AdaptError where none does."""
    everything: list[Demonstration] = []
    for piece, first in enumerate(range(0, count, PIECE)):
        path = work / f"demonstrations-{piece:04}.npz"
        if not path.is_file():
            made = []
            pairs = task.demonstrations(_seed(seed, piece), min(PIECE, count - first))
            for item in encode_demonstrations(tokenizer, pairs):
                made.append(item)
                advance(0, f"{first + len(made)} of {count} demonstrations")
            _save(path, made)
        everything += _load(path)
    kept = [item for item in everything if len(item.ids) <= context]
    if not kept:
        raise AdaptError(f"--context {context}: no demonstration fits; give more, or a larger --vocab-size")
    return Encoded(kept, [item.prompt for item in everything], [len(item.ids) - item.prompt for item in everything])


def _seed(seed: int, piece: int) -> int:
    """Each piece is a stream of its own, so that the last one does not wait for all before it."""
    return seed * 100_003 + piece


def _save(path: Path, demonstrations: Sequence[Demonstration]) -> None:
    """Token ids one after the other, lengths beside them; the file appears whole."""
    import numpy as np

    draft = path.with_name(f".{path.name}.{os.getpid()}.npz")
    np.savez(
        draft,
        ids=np.array([token for item in demonstrations for token in item.ids], np.int32),
        lengths=np.array([len(item.ids) for item in demonstrations], np.int32),
        prompts=np.array([item.prompt for item in demonstrations], np.int32),
    )
    draft.replace(path)


def _load(path: Path) -> list[Demonstration]:
    """What `_save` wrote."""
    import numpy as np

    with np.load(path, allow_pickle=False) as found:
        ids, lengths, prompts = (found[name].tolist() for name in ("ids", "lengths", "prompts"))
    items, first = [], 0
    for length, prompt in zip(lengths, prompts, strict=True):
        items.append(Demonstration(tuple(ids[first : first + length]), prompt))
        first += length
    return items


def _quantiles(values: Sequence[int]) -> dict[str, int]:
    ordered = sorted(values)
    return {
        name: ordered[round(share * (len(ordered) - 1))] for name, share in (("p50", 0.5), ("p95", 0.95), ("max", 1))
    }
