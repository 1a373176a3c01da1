"""Checkpoints that can be trusted: marked when they are whole, and written where the loss is logged, so that a resumed
run logs the means of an undisturbed one.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.files import write_whole
from base_gtm.training.options import TrainOptions
from base_gtm.training.progress import Lines
from base_gtm.training.schedule import Clock

if TYPE_CHECKING:
    from transformers import TrainerCallback

CHECKPOINTS = "checkpoints"
CLOCK = "clock.json"
"""Written last into a checkpoint, so that its presence means the checkpoint is whole."""


def last_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end; those that were not are removed."""
    whole = []
    for folder in checkpoints.glob("checkpoint-*"):
        if (folder / CLOCK).is_file():
            whole.append(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]), default=None)


def seconds_of(checkpoint: Path) -> float:
    """Of training up to a whole checkpoint."""
    return float(json.loads((checkpoint / CLOCK).read_text())["seconds"])


def steering(options: TrainOptions, clock: Clock, measure: Callable[[Any, int], None]) -> TrainerCallback:
    """A callback that measures, saves, says how far the training is, and ends it when its time is up."""
    from transformers import TrainerCallback

    class Steering(TrainerCallback):
        def __init__(self) -> None:
            self.saved_at, self.saved_step = time.monotonic(), 0
            self.lines = Lines()

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved_step = state.global_step

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            step, model = state.global_step, kwargs["model"]
            if options.validate_steps and step % options.validate_steps == 0 and step < state.max_steps:
                measure(model, step)
            logs = step % args.logging_steps == 0
            if logs and step < state.max_steps and self._due(step):
                control.should_save = True
            if clock.spent:
                control.should_training_stop = control.should_log = True

        def _due(self, step: int) -> bool:
            if options.save_minutes is not None:
                return time.monotonic() - self.saved_at >= 60 * options.save_minutes
            return step - self.saved_step >= options.save_steps

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if state.is_world_process_zero and args.disable_tqdm and logs and "loss" in logs:
                self.lines.say(
                    f"step {state.global_step:,} of {state.max_steps:,}, loss {float(logs['loss']):.4f}, "
                    f"{clock.elapsed / 60:.1f} min"
                )

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved_at, self.saved_step = time.monotonic(), state.global_step
            if state.is_world_process_zero:
                path = Path(args.output_dir) / f"checkpoint-{state.global_step}" / CLOCK
                write_whole(path, json.dumps({"seconds": clock.elapsed}))

    return Steering()
