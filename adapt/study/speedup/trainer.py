"""TRL's trainer as a study sets it up: every figure that decides what is learned stands here.

One generation, one update a step, on policy: the importance ratio is 1 and clipping never acts. Loss "dapo" (every
token of a step weighs the same, so length earns nothing), advantages scaled by the spread of their group, no entropy
bonus, AdamW without weight decay, a constant learning rate, gradients clipped at 1. Heavy imports stand inside the
functions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.checkpoints import CLOCK
from adapt.errors import AdaptError
from adapt.progress import Advance
from adapt.study.journal import write_json
from adapt.study.sampling import prompt_of
from adapt.study.speedup.order import derived_seed, problem_order
from adapt.study.speedup.recipe import CHECKPOINTS, Recipe

if TYPE_CHECKING:
    from adapt.study.speedup.grpo import Learner

LARGE = 200_000_000
"""Parameters above which activations are computed twice rather than kept."""


def build_trainer(model: Any, tokenizer: Any, unit: Learner, folder: Path, advance: Advance) -> Any:
    """TRL's trainer, set up for this unit."""
    import datasets
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    _quiet()
    recipe = unit.recipe
    if not recipe.lora:
        model = model.float()  # steps of 1e-6 would be rounded away in weights of 16 bits
    numbers = problem_order(range(len(unit.problems.train)), recipe.steps, recipe.prompts, unit.seed)
    rows = [{"prompt": prompt_of(unit.problems.train[number]), "number": number} for number in numbers]

    def reward(completions: Sequence[Any], number: Sequence[int], trainer_state: Any, **_: Any) -> list[float | None]:
        return list(unit.reward(completions, number, int(trainer_state.global_step)))

    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[reward],
        args=_config(unit, model, folder),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[_callback(unit, model, advance)],
        peft_config=_lora(recipe.lora),
    )
    trainer.remove_callback(PrinterCallback)
    without_card: Any = trainer
    without_card.create_model_card = lambda *_, **__: None  # a card about nothing but TRL, at every checkpoint
    return trainer


def _config(unit: Learner, model: Any, folder: Path) -> Any:
    import torch
    from trl import GRPOConfig

    recipe = unit.recipe
    gpu = torch.cuda.is_available()
    if torch.cuda.device_count() > 1 and "LOCAL_RANK" not in os.environ:
        raise AdaptError("several GPUs are visible and a study uses one; set CUDA_VISIBLE_DEVICES=0 (or another)")
    texts = recipe.prompts * recipe.rollouts
    batch = recipe.micro_batch or texts
    if recipe.wandb != "off":
        _begin_wandb(recipe.wandb, folder)
    return GRPOConfig(
        output_dir=str(folder / CHECKPOINTS),
        run_name=f"{unit.name} seed {unit.seed}",
        max_steps=recipe.steps,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=texts // batch,
        num_generations=recipe.rollouts,
        max_completion_length=recipe.sampling.tokens,
        temperature=recipe.sampling.temperature,
        top_p=1.0,
        top_k=0,
        beta=recipe.beta,
        loss_type="dapo",
        scale_rewards="group",
        learning_rate=recipe.lr,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=1.0,
        shuffle_dataset=False,
        gradient_checkpointing=sum(one.numel() for one in model.parameters()) > LARGE,
        bf16=gpu,
        use_cpu=not gpu,
        save_strategy="no",
        save_total_limit=2,
        logging_strategy="steps",
        logging_steps=1,
        disable_tqdm=True,
        report_to=[] if recipe.wandb == "off" else ["wandb"],
        dataloader_pin_memory=gpu,
        seed=derived_seed("training", unit.seed),
    )


def _lora(rank: int) -> Any:
    if not rank:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )


def _callback(unit: Learner, model: Any, advance: Advance) -> Any:
    import torch
    from transformers import TrainerCallback

    mine, recipe, record = unit.state, unit.recipe, unit.record

    class Watching(TrainerCallback):
        """Reads the clock, writes steps down, looks at validation problems, asks for checkpoints."""

        saved = time.monotonic()
        asked = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **now: Any) -> None:
            unit.watch(now.get("model", model), 0) if not state.global_step else None

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            unit.show(int(state.global_step))
            torch.manual_seed(derived_seed("step", unit.seed, state.global_step))
            mine.clock.begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **now: Any) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()  # else the update's end would be counted into the next rollout
            mine.taken = mine.clock.end()
            step = int(state.global_step)
            control.should_log = True
            ended = step >= recipe.steps
            control.should_save = ended or time.monotonic() - self.saved >= recipe.checkpoint_s
            self.asked = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **now: Any) -> None:
            if not logs or "loss" not in logs or mine.taken is None:
                return
            step = int(state.global_step)
            line = {"step": step, **mine.taken.to_json(), **mine.line, "trainer": _kept(logs)}
            record.step(line, mine.rollouts)
            mine.taken = None
            rewards = mine.line["rewards"]
            advance(1, f"{unit.name} seed {unit.seed}: reward {sum(rewards) / len(rewards):.2f}")
            unit.watch(now.get("model", model), step)
            self.asked = time.monotonic()

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()
            mine.spent["checkpoints"] += self.saved - self.asked
            wall = mine.spent["wall"] + self.saved - mine.began
            place = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_json(place / CLOCK, {**mine.spent, "wall": wall})

    return Watching()


def _kept(logs: Mapping[str, Any]) -> dict[str, float]:
    """The figures of TRL's own log that the study keeps, under its names."""
    wanted = (
        "loss",
        "grad_norm",
        "learning_rate",
        "entropy",
        "kl",
        "step_time",
        "frac_reward_zero_std",
        "completions/mean_length",
        "completions/clipped_ratio",
    )
    return {name: float(logs[name]) for name in wanted if isinstance(logs.get(name), int | float)}


def _quiet() -> None:
    """TRL and transformers say on standard error what the progress bar says already."""
    import warnings

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*use_reentrant.*")


def _begin_wandb(mode: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["WANDB_MODE"] = mode
    os.environ["WANDB_SILENT"] = "true"
    os.environ["WANDB_DIR"] = str(folder)
    os.environ.setdefault("WANDB_PROJECT", "gtm-adapt")


def end_wandb(recipe: Recipe) -> None:
    if recipe.wandb == "off":
        return
    with suppress(ImportError):
        import wandb

        wandb.finish()
