"""Batches of tokens with weights, and the weighted next-token loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""Label of a token that counts nothing."""


def collate(pad: int, weights: Sequence[float]) -> Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Rows as a batch: input_ids, labels and the labels' weights, padded on the right; no attention mask.

    Causal attention never looks right, and a mask costs CPU time. A packed row has `seq_lengths`: its position_ids
    begin at zero in each record, which is what keeps transformers' attention inside a record where there is no mask
    and no cache; the first token of a record, which nothing before it tells, counts nothing. `weights`: of a value
    token, a structure token, a prompt token.
    """

    def batch(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        import numpy as np
        import torch

        longest = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), longest), pad)
        scale = torch.zeros(len(rows), longest)
        positions = torch.zeros_like(ids) if "seq_lengths" in rows[0] else None
        table = torch.tensor(weights, dtype=torch.float32)
        for index, row in enumerate(rows):
            tokens = torch.from_numpy(np.asarray(row["input_ids"], dtype=np.int64))
            ids[index, : len(tokens)] = tokens
            scale[index, : len(tokens)] = table[torch.from_numpy(np.asarray(row["sides"], dtype=np.int64))]
            if positions is not None:
                places = torch.cat([torch.arange(int(length)) for length in row["seq_lengths"]])
                positions[index, : len(tokens)] = places
                scale[index, : len(tokens)] *= places > 0
        scale[:, 0] = 0
        given = {"input_ids": ids, "labels": ids.masked_fill(scale == 0, IGNORED), "weights": scale}
        return given if positions is None else given | {"position_ids": positions}

    return batch


def weighted_sum(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum over tokens of weight times negative log-likelihood, in nats; all three [batch, length, ...]."""
    import torch

    losses = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), reduction="none", ignore_index=IGNORED
    )
    return (losses * weights[:, 1:].flatten()).sum()
