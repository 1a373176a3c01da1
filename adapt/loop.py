"""The training loop: a LoRA adapter through peft and transformers.Trainer, on examples that are already tokens.

Guarantees: killed at any point, the same call goes on from the last whole checkpoint, in the same order of batches; the
learning rate ends at zero whether the epochs or the minutes run out first; what is written is a plain LoRA adapter
(no DoRA, no extra modules), safetensors only. Does not guarantee equal weights across machines, nor under a time
budget, since the number of steps is then the machine's.

Everything heavy is imported inside functions.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.checkpoints import resumed, steering
from adapt.errors import AdaptError
from adapt.examples import Example, batch_order, class_weights
from adapt.objective import collator, loss
from adapt.progress import Advance

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainingArguments

SITE_HEAD = "site_head.safetensors"
WARMUP = 0.05
"""Share of the training over which the learning rate rises."""


@dataclass(frozen=True)
class LoopOptions:
    """What the loop needs to know."""

    epochs: float = 3.0
    minutes: float | None = None
    rank: int = 16
    rslora: bool = False
    lr: float = 2e-3
    batch: int = 16
    accumulate: int = 1
    error_site_weight: float = 0.0
    balance: float = 0.0
    seed: int = 0
    wandb: str = "off"
    qlora: bool = False


@dataclass(frozen=True)
class Fitted:
    """What came of a training."""

    steps: int
    seconds: float
    """Wall time of training, summed over resumptions."""
    curve: tuple[Mapping[str, float], ...]
    """step, epoch, loss, learning rate; entries with eval_loss where validation was measured."""
    trainable: int
    """Parameters of the adapter."""


@dataclass(frozen=True)
class Schedule:
    """Learning-rate factor against progress, progress being the further of steps and time."""

    total_steps: int
    budget_s: float | None
    began: float
    """Monotonic time at which training began, earlier attempts counted in."""

    @property
    def elapsed(self) -> float:
        """Seconds of training so far."""
        return time.monotonic() - self.began

    @property
    def spent(self) -> bool:
        """Is the time budget used up?"""
        return self.budget_s is not None and self.elapsed >= self.budget_s

    def factor(self, step: int) -> float:
        """Linear rise, then a half cosine to zero."""
        done = step / max(1, self.total_steps)
        if self.budget_s:
            done = max(done, self.elapsed / self.budget_s)
        if done < WARMUP:
            return (done + 1e-3) / (WARMUP + 1e-3)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (done - WARMUP) / (1 - WARMUP))))


def fit(
    model: Any,
    base_name: str,
    pad: int,
    training: Sequence[Example],
    validation: Sequence[Example],
    options: LoopOptions,
    folder: Path,
    advance: Advance,
) -> Fitted:
    """Train an adapter on `model` and write it to folder/adapter; goes on from folder/checkpoints."""
    import torch

    torch.manual_seed(options.seed)
    checkpoints = folder / "checkpoints"
    before = resumed(checkpoints)
    steps = max(1, math.ceil(len(training) * options.epochs / (options.batch * options.accumulate)))
    budget = options.minutes * 60 if options.minutes else None
    schedule = Schedule(steps, budget, time.monotonic() - before.seconds)
    peft_model = _with_lora(model, options)
    trainable = sum(p.numel() for p in peft_model.parameters() if p.requires_grad)
    if options.error_site_weight:
        _add_site_head(peft_model, options.seed, before.folder)
    advance(before.step, before.note)
    callback = steering(
        advance,
        lambda: schedule.elapsed,
        spent=lambda: schedule.spent,
        beside=lambda place: _write_site_head(peft_model, place),
    )
    trainer = _trainer(peft_model, pad, training, validation, options, schedule, checkpoints, callback)
    trainer.train(resume_from_checkpoint=before.argument)
    seconds = schedule.elapsed
    _write_adapter(peft_model, base_name, folder / "adapter")
    curve = tuple(_figures(entry) for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return Fitted(int(trainer.state.global_step), seconds, curve, trainable)


def quantised(source: str, name: str) -> Any:
    """The base in NF4 for QLoRA. Raises AdaptError without a GPU or bitsandbytes."""
    import torch

    if not torch.cuda.is_available():
        raise AdaptError("--qlora needs an NVIDIA GPU (4-bit weights are slower than full ones on a CPU); leave it out")
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        raise AdaptError("--qlora needs bitsandbytes; pip install 'gtm-adapt[gpu]'") from None
    from peft import prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    quantisation = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    try:
        model = AutoModelForCausalLM.from_pretrained(
            source, quantization_config=quantisation, use_safetensors=True, trust_remote_code=False, device_map={"": 0}
        )
    except (OSError, ValueError) as error:
        raise AdaptError(f"base {name} cannot be loaded in 4 bits: {str(error).splitlines()[0]}") from None
    return prepare_model_for_kbit_training(model)


def _with_lora(model: Any, options: LoopOptions) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=options.rank,
        lora_alpha=2 * options.rank,
        use_rslora=options.rslora,
        target_modules="all-linear",
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def _add_site_head(model: Any, seed: int, checkpoint: Path | None) -> None:
    """A binary head on the last hidden state, beside the adapter; not saved by peft, gone after training."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = torch.nn.Linear(model.config.hidden_size, 1).to(model.device)
    if checkpoint is not None:
        from safetensors.torch import load_file

        head.load_state_dict(load_file(checkpoint / SITE_HEAD))
    model.site_head = head


def _write_site_head(model: Any, folder: Path) -> None:
    if hasattr(model, "site_head"):
        from safetensors.torch import save_file

        save_file(model.site_head.state_dict(), folder / SITE_HEAD)


def _write_adapter(model: Any, base_name: str, target: Path) -> None:
    """Save into a draft and swap it in; the base goes by its name, not by a path; no model card of peft's."""
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    model.peft_config["default"].base_model_name_or_path = base_name
    # Asked about embeddings, peft looks the base up on the hub; they are never trained here.
    model.save_pretrained(str(draft), safe_serialization=True, save_embedding_layers=False)
    (draft / "README.md").unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)


def _figures(entry: Mapping[str, Any]) -> dict[str, float]:
    kept = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm")
    return {name: round(float(entry[name]), 6) for name in kept if name in entry}


def _arguments(options: LoopOptions, schedule: Schedule, checkpoints: Path, validate: bool) -> TrainingArguments:
    import torch
    from transformers import TrainingArguments

    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if options.wandb != "off":
        os.environ["WANDB_MODE"] = options.wandb
        os.environ.setdefault("WANDB_DIR", str(checkpoints.parent))
        os.environ.setdefault("WANDB_PROJECT", "gtm-adapt")
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=schedule.total_steps,
        per_device_train_batch_size=options.batch,
        per_device_eval_batch_size=2 * options.batch,
        gradient_accumulation_steps=options.accumulate,
        learning_rate=options.lr,
        weight_decay=0.0,
        max_grad_norm=1.0,
        bf16=gpu,
        use_cpu=not gpu,
        eval_strategy="epoch" if validate else "no",
        save_strategy="no",
        save_total_limit=2,
        logging_steps=max(1, min(10, schedule.total_steps // 20)),
        disable_tqdm=True,
        report_to=[] if options.wandb == "off" else ["wandb"],
        remove_unused_columns=False,
        label_names=["labels"],
        dataloader_pin_memory=gpu,
        seed=options.seed,
    )


def _trainer(
    model: Any,
    pad: int,
    training: Sequence[Example],
    validation: Sequence[Example],
    options: LoopOptions,
    schedule: Schedule,
    checkpoints: Path,
    callback: TrainerCallback,
) -> Any:
    from torch.optim.lr_scheduler import LambdaLR
    from torch.utils.data import Sampler
    from transformers import PrinterCallback, Trainer

    loss_of = loss(options.error_site_weight)

    class Order(Sampler):
        """Twins together, lengths grouped; another order every epoch, the same after a resumption."""

        epoch = 0

        def __len__(self) -> int:
            return len(training)

        def __iter__(self) -> Any:
            return iter(batch_order(training, options.batch, options.seed, self.epoch))

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

    class LoraTrainer(Trainer):
        """The stock trainer with this loop's loss, order and schedule."""

        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            found = loss_of(model, inputs)
            return (found, {}) if return_outputs else found

        def prediction_step(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            import torch

            with torch.inference_mode(), self.compute_loss_context_manager():
                return loss_of(model, self._prepare_inputs(inputs)).detach(), None, None

        def _get_train_sampler(self, *_: Any) -> Any:
            return Order()

        def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
            chosen: Any = optimizer or self.optimizer
            self.lr_scheduler = LambdaLR(chosen, schedule.factor)
            return self.lr_scheduler

    trainer = LoraTrainer(
        model=model,
        args=_arguments(options, schedule, checkpoints, bool(validation)),
        train_dataset=list(training),
        eval_dataset=list(validation) or None,
        data_collator=collator(pad, class_weights(training, options.balance)),
        callbacks=[callback],
    )
    trainer.model_accepts_loss_kwargs = False
    trainer.remove_callback(PrinterCallback)
    return trainer
