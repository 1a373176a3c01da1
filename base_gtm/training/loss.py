"""Batches of tokens with weights, and the weighted next-token loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from base_gtm.training.records import PROMPT

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""Label of a token that counts nothing."""


def collate(
    pad: int, weights: Sequence[float], prompt_share: float = 1.0
) -> Callable[[list[dict[str, Any]]], dict[str, torch.Tensor]]:
    """Rows as a batch: input_ids, labels and the labels' weights, padded on the right; no attention mask.

    Causal attention never looks right, and a mask costs CPU time. A packed row has `seq_lengths`: its position_ids
    begin at zero in each record, which is what keeps transformers' attention inside a record where there is no mask
    and no cache; the first token of a record, which nothing before it tells, counts nothing. `weights`: of a value
    token, a structure token, a prompt token. Of the prompts' tokens `prompt_share` are drawn, the same of the same row,
    and weigh so much more: the mean loss is the same, and the head has less to do.
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
            sides = np.asarray(row["sides"], dtype=np.int64)
            scale[index, : len(tokens)] = table[torch.from_numpy(sides)]
            if prompt_share < 1:
                drawn = np.random.default_rng(int(tokens.sum())).random(len(tokens)) < prompt_share
                factors = np.where(sides == PROMPT, drawn / prompt_share, 1.0).astype(np.float32)
                scale[index, : len(tokens)] *= torch.from_numpy(factors)
            if positions is not None:
                places = torch.cat([torch.arange(int(length)) for length in row["seq_lengths"]])
                positions[index, : len(tokens)] = places
                scale[index, : len(tokens)] *= places > 0
        scale[:, 0] = 0
        given = {"input_ids": ids, "labels": ids.masked_fill(scale == 0, IGNORED), "weights": scale}
        return given if positions is None else given | {"position_ids": positions}

    return batch


def weighted_sum(model: Any, inputs: Mapping[str, Any], labels: torch.Tensor, weights: torch.Tensor) -> Any:
    """Sum over tokens of weight times negative log-likelihood, in nats; `labels` and `weights` [batch, length].

    The head is computed where the next token counts and nowhere else: with a vocabulary of thousands it is half of a
    small model.
    """
    import torch
    from accelerate.utils import extract_model_from_parallel

    told = weights > 0
    counted = told.roll(-1, dims=1)  # the first token of a row never counts
    head = extract_model_from_parallel(model).get_output_embeddings()
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][counted],))
    try:
        logits = model(**inputs, use_cache=False).logits
    finally:
        hook.remove()
    losses = torch.nn.functional.cross_entropy(logits.float(), labels[told], reduction="none")
    return (losses * weights[told]).sum()
