"""The nano agent's training loop: transformers.Trainer on demonstrations that are already tokens.

Guarantees: the loss is over what the agent should write, never over the prompt; killed at any point, the same call goes
on from the last whole checkpoint, in the same order of batches, and ends with the weights that an unbroken run has.
Does not guarantee equal weights across machines or numbers of threads.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.checkpoints import resumed, steering
from adapt.progress import Advance
from adapt.study.agent.loading import silent
from adapt.study.agent.tokens import Demonstration

if TYPE_CHECKING:
    import torch
    from transformers import TrainingArguments

WARMUP = 0.03
"""Share of the steps over which the learning rate rises."""


@dataclass(frozen=True)
class Learnt:
    """What came of a training."""

    steps: int
    seconds: float
    """Wall time of training, summed over resumptions."""
    curve: tuple[Mapping[str, float], ...]
    """step, loss (nats a token of the completion, mean since the entry before)."""


def learn(
    model: Any,
    pad: int,
    demonstrations: Sequence[Demonstration],
    *,
    batch: int,
    lr: float,
    seed: int,
    checkpoints: Path,
    advance: Advance,
) -> Learnt:
    """Train `model` in place, one pass over the demonstrations; goes on from what lies in `checkpoints`."""
    import torch
    from transformers import PrinterCallback, ProgressCallback, Trainer

    torch.manual_seed(seed)
    before = resumed(checkpoints)
    steps = math.ceil(len(demonstrations) / batch)
    began = time.monotonic() - before.seconds
    advance(before.step, before.note)
    trainer = Trainer(
        model=model,
        args=_arguments(steps, batch, lr, seed, checkpoints),
        train_dataset=list(demonstrations),
        data_collator=_collator(pad),
        callbacks=[steering(advance, lambda: time.monotonic() - began)],
    )
    for noisy in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(noisy)
    with silent():  # a resumption is said by `advance`, once
        trainer.train(resume_from_checkpoint=before.argument)
    curve = tuple(
        {"step": entry["step"], "loss": round(float(entry["loss"]), 4)}
        for entry in trainer.state.log_history
        if "loss" in entry
    )
    return Learnt(int(trainer.state.global_step), time.monotonic() - began, curve)


def _arguments(steps: int, batch: int, lr: float, seed: int, checkpoints: Path) -> TrainingArguments:
    import torch
    from transformers import TrainingArguments

    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=batch,
        learning_rate=lr,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, round(WARMUP * steps)),
        weight_decay=0.01,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        use_cpu=not gpu,
        bf16=gpu,
        save_strategy="no",
        save_total_limit=2,
        logging_steps=max(1, min(25, steps // 40)),
        disable_tqdm=True,
        report_to=[],
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=gpu,
        seed=seed,
    )


def _collator(pad: int) -> Callable[[Sequence[Demonstration]], dict[str, torch.Tensor]]:
    """Demonstrations -> ids and labels [B, T], right-padded; labels -100 in prompt and padding.

    No attention mask: with right padding a causal model never looks at what follows, and the mask costs CPU time.
    """
    import torch

    def collate(items: Sequence[Demonstration]) -> dict[str, torch.Tensor]:
        width = max(len(item.ids) for item in items)
        ids = torch.full((len(items), width), pad)
        labels = torch.full((len(items), width), -100)
        for row, item in enumerate(items):
            tokens = torch.tensor(item.ids)
            ids[row, : len(tokens)] = tokens
            labels[row, item.prompt : len(tokens)] = tokens[item.prompt :]
        return {"input_ids": ids, "labels": labels}

    return collate
