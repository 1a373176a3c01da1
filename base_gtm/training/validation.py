"""How well a model continues held-out records: by source, and error against answer.

Everything is read under teacher forcing, one read a record. "Whole values right" counts a value only where every one of
its tokens is the most probable one, so that models with other tokenizers can be compared. Not measured: what free
decoding would write after a first wrong token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from base_gtm.training.records import NEW

if TYPE_CHECKING:
    import torch
    from datasets import Dataset

FALSE_ALARMS = 0.05
"""Share of valid calls that may be taken for wrong ones."""
_TOKENS = 16_384
"""Padded tokens of a batch at most."""


@dataclass(frozen=True)
class Scores:
    """Of the records of one source."""

    records: int
    nll: float
    """Mean negative log-likelihood of a value's token, in nats."""
    values: int
    """Top-level values; a text is one."""
    right: float
    """Share of them whose every token is the most probable one."""
    first: float
    """That share of the first values alone: of a tool that gives a verdict, the verdict."""


@dataclass(frozen=True)
class Table:
    """A measurement."""

    sources: Mapping[str, Scores]
    """Source -> scores; "all" for all records."""
    valid: Sequence[float]
    """P(ERROR) of each record that answers, of tools that are not learnt from if there are any."""
    wrong: Sequence[float]
    """P(ERROR) of each record that is an error, of the same tools."""

    @property
    def auc(self) -> float | None:
        """Of P(ERROR), errors against answers; None where either are missing."""
        from sklearn.metrics import roc_auc_score

        if not self.valid or not self.wrong:
            return None
        return float(roc_auc_score([0] * len(self.valid) + [1] * len(self.wrong), [*self.valid, *self.wrong]))

    def refusal(self, false_alarms: float = FALSE_ALARMS) -> dict[str, float] | None:
        """The P(ERROR) above which at most that share of the valid calls lie, and the share of errors above it."""
        import numpy as np

        if not self.valid or not self.wrong:
            return None
        threshold = float(np.quantile(self.valid, 1 - false_alarms, method="higher"))
        caught = sum(chance > threshold for chance in self.wrong) / len(self.wrong)
        counts = {"n_valid": len(self.valid), "n_wrong": len(self.wrong)}
        return {"threshold": threshold, "false_alarms": false_alarms, "caught": round(caught, 4), **counts}

    def to_json(self) -> dict[str, Any]:
        """Scores rounded, and the AUC."""
        sources = {
            source: {
                "records": one.records,
                "nll": round(one.nll, 5),
                "values": one.values,
                "right": round(one.right, 5),
                "first": round(one.first, 5),
            }
            for source, one in self.sources.items()
        }
        return {"auc": None if self.auc is None else round(self.auc, 5), "sources": sources}


def validate(model: Any, dataset: Dataset, batch: int) -> Table:
    """Measure a model on rows with the fields of `base_gtm.training.records.Row`; its mode is left as it was."""
    was_training = model.training
    model.eval()
    try:
        found = [one for places in _batches(dataset["length"], batch) for one in _read(model, dataset[places])]
    finally:
        model.train(was_training)
    sources = sorted({one.source for one in found})
    table = {"all": _scores(found)} | {
        source: _scores([one for one in found if one.source == source]) for source in sources
    }
    new = [one for one in found if one.source.startswith(NEW)] or found
    valid, wrong = ([one.error for one in new if one.is_error is side] for side in (False, True))
    return Table(table, valid, wrong)


def error_chance(logits: torch.Tensor, error: int, answer: int) -> float:
    """P(ERROR): the first token of an error against that of an answer; `logits` [vocabulary] after the prompt."""
    return float((logits[error] - logits[answer]).float().sigmoid())


@dataclass(frozen=True)
class _Seen:
    """What reading a record tells."""

    source: str
    is_error: bool
    error: float
    """P(ERROR)."""
    losses: list[float]
    """Of its values' tokens."""
    right: list[bool]
    """Whether each value is right."""


def _read(model: Any, rows: Mapping[str, Sequence[Any]]) -> list[_Seen]:
    from base_gtm.scoring import forward

    ids, starts = rows["input_ids"], rows["prompt_length"]
    logits = forward(model, ids, [range(start - 1, len(row) - 1) for row, start in zip(ids, starts, strict=True)])
    return [_seen(logits[index], {name: column[index] for name, column in rows.items()}) for index in range(len(ids))]


def _seen(logits: torch.Tensor, row: Mapping[str, Any]) -> _Seen:
    """`logits` [completion, vocabulary]: of each token of the completion, before it."""
    import torch

    first, wanted = row["prompt_length"], [at for group in row["values"] for at in group]
    chosen = logits[[at - first for at in wanted]].float()
    targets = torch.tensor([row["input_ids"][at] for at in wanted], dtype=torch.long, device=logits.device)
    losses = torch.nn.functional.cross_entropy(chosen, targets, reduction="none").tolist()
    hits = dict(zip(wanted, (chosen.argmax(-1) == targets).tolist(), strict=True))
    right = [all(hits[at] for at in group) for group in row["values"]]
    chance = error_chance(logits[0], row["error_start"], row["answer_start"])
    return _Seen(row["source"], row["is_error"], chance, losses, right)


def _scores(seen: Sequence[_Seen]) -> Scores:
    losses = [loss for one in seen for loss in one.losses]
    right = [whole for one in seen for whole in one.right]
    first = [one.right[0] for one in seen if one.right]
    return Scores(len(seen), _mean(losses), len(right), _mean(right), _mean(first))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _batches(lengths: Sequence[int], batch: int) -> list[list[int]]:
    """Rows of like length together."""
    lengths = list(lengths)
    longest_first = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    batches: list[list[int]] = []
    for at in longest_first:
        last = batches[-1] if batches else None
        if last and len(last) < batch and (len(last) + 1) * lengths[last[0]] <= _TOKENS:
            last.append(at)
        else:
            batches.append([at])
    return batches
