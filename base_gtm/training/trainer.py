"""TRL's SFTTrainer on rows that are tokens already, with this project's loss, order and schedule.

Guarantees: killed at any point, the same run goes on from the last whole checkpoint in the same order of batches, with
the loss curve of an undisturbed run (one machine, one number of threads, no --minutes). Several devices share a step's
records as `accelerate launch` sets them up, each with the whole model. Not guaranteed: equal weights across machines;
equal curves under --minutes, whose number of steps is the machine's.

SFTTrainer's own loss reads entropy and accuracy off the logits at every step, a quarter of the time of a model of a
million parameters on a CPU; ours does not, and takes plain transformers.Trainer's time. Packed rows need "sdpa" or
"eager" attention, as `load_base` asks for: transformers then sees from the position ids where records begin.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from base_gtm.errors import ModelError
from base_gtm.training.checkpoints import CHECKPOINTS, last_whole, seconds_of, steering
from base_gtm.training.loss import collate, weighted_sum
from base_gtm.training.options import FULL, MUON, TrainOptions
from base_gtm.training.schedule import Clock, batches_taken, logged_every, order, total_steps
from base_gtm.training.weights import lora

if TYPE_CHECKING:
    from datasets import Dataset
    from trl import SFTConfig

_LARGE = 16_384
"""Vocabulary from which TRL's fused head is taken: it never holds all logits, and is a quarter slower on a CPU."""


@dataclass(frozen=True)
class Fitted:
    """What came of a training."""

    model: Any
    steps: int
    seconds: float
    """Of all runs together."""
    curve: list[dict[str, float]]
    """Step and mean loss since the one before."""


def fit(
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    options: TrainOptions,
    measure: Callable[[Any, int], None],
) -> Fitted:
    """Train `model` on prepared rows, from the last whole checkpoint if there is one.

    `measure(model, step)` is called every `options.validate_steps`. Raises ModelError.
    """
    checkpoints = options.out / CHECKPOINTS
    checkpoint = last_whole(checkpoints)
    if options.packing:
        dataset = _packed(dataset, options)
    clock = Clock(total_steps(len(dataset), options), options.minutes * 60 if options.minutes else None)
    if checkpoint is not None:
        clock.before_s = seconds_of(checkpoint)
        print(f"going on from {checkpoint.name}", file=sys.stderr)
    trainer = _trainer(model, tokenizer, dataset, options, clock, measure)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except (RuntimeError, ValueError) as error:
        if checkpoint is None or "size mismatch" not in str(error):
            raise
        raise ModelError(
            f"{checkpoint}: the weights have other sizes than this run's model; give another --out"
        ) from None
    curve = [{"step": row["step"], "loss": row["loss"]} for row in trainer.state.log_history if "loss" in row]
    return Fitted(trainer.accelerator.unwrap_model(trainer.model), trainer.state.global_step, clock.elapsed, curve)


def _packed(dataset: Dataset, options: TrainOptions) -> Dataset:
    """Rows put together, each at most as long as the longest record may be, with a column `seq_lengths`."""
    from datasets import disable_progress_bars
    from trl import pack_dataset

    disable_progress_bars()
    rows = dataset.remove_columns("length")
    return pack_dataset(rows, options.max_tokens + options.max_completion).with_format("numpy")


def _trainer(
    model: Any,
    tokenizer: Any,
    dataset: Dataset,
    options: TrainOptions,
    clock: Clock,
    measure: Callable[[Any, int], None],
) -> Any:
    import torch
    from torch.optim.lr_scheduler import LambdaLR
    from torch.utils.data import Sampler
    from transformers import PrinterCallback
    from trl import SFTTrainer

    lengths = None if options.packing else dataset["length"][:]
    large = model.get_input_embeddings().num_embeddings > _LARGE

    class Order(Sampler):
        """The order of the epoch that accelerate names."""

        epoch = 0

        def __len__(self) -> int:
            return len(dataset)

        def __iter__(self) -> Iterator[int]:
            rising = batches_taken(len(dataset), options, self.epoch) if options.rising else 0
            return iter(order(lengths, len(dataset), options.batch, options.seed, self.epoch, rising=rising))

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    class WeightedTrainer(SFTTrainer):
        """The stock trainer with the weighted loss, its own order and its schedule, and no model cards."""

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            inputs = dict(inputs)
            labels, weights = inputs.pop("labels"), inputs.pop("weights")
            if large:
                found = model(**inputs, labels=labels, fused_lm_head=True)
                loss = -(found.log_probs * weights[:, 1:]).sum()
            else:
                loss = weighted_sum(model, inputs, labels, weights)
            total = weights.sum() if num_items_in_batch is None else num_items_in_batch
            loss = loss / total.clamp_min(1e-6)
            if self.args.average_tokens_across_devices and num_items_in_batch is not None:
                loss = loss * self.accelerator.num_processes  # gradients are averaged over devices, `total` is of all
            return loss

        def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Any:
            """The weights of all batches of an update, so that accumulated batches weigh as one large one."""
            if not batch_samples:
                return None
            total = torch.stack([batch["weights"].sum() for batch in batch_samples]).sum().to(device)
            if self.args.average_tokens_across_devices and self.args.world_size > 1:
                total = self.accelerator.gather(total).sum()
            return total

        def _get_train_sampler(self, *_: Any) -> Any:
            return Order()

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            chosen: Any = optimizer or self.optimizer
            self.lr_scheduler = LambdaLR(chosen, clock.factor)
            return self.lr_scheduler

        def create_model_card(self, *_: Any, **__: Any) -> None:
            return None

    trainer: Any = WeightedTrainer(
        model=model,
        args=_arguments(options, clock.total_steps),
        data_collator=collate(tokenizer.pad_token_id or 0, options.weights, options.prompt_share),
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=None if options.method == FULL else lora(options),
        callbacks=[steering(options, clock, measure)],
        optimizers=(_muon(model, options) if options.optimizer == MUON else None, None),
    )
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:  # SFTTrainer rounds QLoRA's to bfloat16, which a checkpoint's loading undoes
            parameter.data = parameter.data.float()
    trainer.model_accepts_loss_kwargs = True  # the loss is normalised over the update, not by the number of batches
    trainer.remove_callback(PrinterCallback)
    return trainer


def _muon(model: Any, options: TrainOptions) -> Any:
    from base_gtm.training.muon import Muon

    return Muon(model, options.learning_rate, options.weight_decay)


def _arguments(options: TrainOptions, total_steps: int) -> SFTConfig:
    import torch
    from trl import SFTConfig

    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    return SFTConfig(
        output_dir=str(options.out / CHECKPOINTS),
        max_steps=total_steps,
        per_device_train_batch_size=options.batch,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay if options.method == FULL else 0.0,
        adam_beta2=0.98,
        bf16=options.bf16,
        use_cpu=not torch.cuda.is_available(),
        gradient_checkpointing=options.checkpointing,
        logging_steps=logged_every(total_steps),
        save_strategy="no",
        save_total_limit=2,
        seed=options.seed,
        report_to=["wandb"] if options.wandb else [],
        remove_unused_columns=False,
        label_names=["labels"],
        ddp_find_unused_parameters=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        disable_tqdm=not sys.stderr.isatty(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )
