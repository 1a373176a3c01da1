"""The nano agent's training loop: transformers.Trainer on demonstrations that are already tokens.

Guarantees: the loss is over what the agent should write, never over the prompt; killed at any point, the same call goes
on from the last whole checkpoint, in the same order of batches, and ends with the weights that an unbroken run has.
Does not guarantee equal weights across machines or numbers of threads.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.loop import CLOCK, last_whole
from adapt.progress import Advance
from adapt.study.agent.loading import silent
from adapt.study.agent.tokens import Demonstration

if TYPE_CHECKING:
    import torch
    from transformers import TrainerCallback, TrainingArguments

SAVE_EVERY_S = 20.0
"""A checkpoint of three million parameters takes a tenth of a second; a kill costs at most this much work."""
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
    last = last_whole(checkpoints)
    clock = json.loads((last / CLOCK).read_text()) if last else {"seconds": 0.0, "step": 0}
    steps = math.ceil(len(demonstrations) / batch)
    began = time.monotonic() - clock["seconds"]
    advance(int(clock["step"]), "going on from a checkpoint" if last else "")
    trainer = Trainer(
        model=model,
        args=_arguments(steps, batch, lr, seed, checkpoints),
        train_dataset=list(demonstrations),
        data_collator=_collator(pad),
        callbacks=[_callback(began, advance)],
    )
    for noisy in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(noisy)
    with silent():  # a resumption is said by `advance`, once
        trainer.train(resume_from_checkpoint=str(last) if last else None)
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


def _callback(began: float, advance: Advance) -> TrainerCallback:
    from transformers import TrainerCallback

    class Steering(TrainerCallback):
        """Shows progress and asks for checkpoints by the clock."""

        def __init__(self) -> None:
            self.saved = time.monotonic()
            self.loss = ""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            advance(1, self.loss)
            if time.monotonic() - self.saved > SAVE_EVERY_S and state.global_step < state.max_steps:
                control.should_save = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                self.loss = f"loss {logs['loss']:.3f}"

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()
            mark = {"seconds": self.saved - began, "step": state.global_step}
            (Path(args.output_dir) / f"checkpoint-{state.global_step}" / CLOCK).write_text(json.dumps(mark))

    return Steering()
