"""Checkpoints of a training with transformers.Trainer, written by the clock, and its progress.

Guarantees: a checkpoint counts only once it is whole, since its clock is written last; a kill costs at most
`SAVE_EVERY_S` seconds of work.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.progress import Advance

if TYPE_CHECKING:
    from transformers import TrainerCallback

CLOCK = "clock.json"
"""Written last into a checkpoint, so that its presence means the checkpoint is whole."""
SAVE_EVERY_S = 20.0
"""A checkpoint of a nano model's adapter takes 30 ms, one of three million parameters a tenth of a second."""


@dataclass(frozen=True)
class Resumed:
    """Where a training begins."""

    folder: Path | None
    """The checkpoint to go on from."""
    step: int = 0
    seconds: float = 0.0
    """Wall time of the attempts before this one."""

    @property
    def argument(self) -> str | None:
        """What Trainer.train takes as `resume_from_checkpoint`."""
        return str(self.folder) if self.folder else None

    @property
    def note(self) -> str:
        """What a user is told."""
        return "going on from a checkpoint" if self.folder else ""


def last_whole(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end."""
    whole = [path.parent for path in checkpoints.glob(f"checkpoint-*/{CLOCK}")]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def resumed(checkpoints: Path) -> Resumed:
    """From the newest whole checkpoint, or from nothing."""
    last = last_whole(checkpoints)
    return Resumed(last, **json.loads((last / CLOCK).read_text())) if last else Resumed(None)


def steering(
    advance: Advance,
    elapsed: Callable[[], float],
    *,
    spent: Callable[[], bool] = lambda: False,
    beside: Callable[[Path], None] = lambda folder: None,
) -> TrainerCallback:
    """A callback that shows progress, asks for checkpoints by the clock, and ends a training whose time is up.

    `elapsed` gives seconds of training, earlier attempts counted in; `beside` writes what else belongs into a
    checkpoint's folder.
    """
    from transformers import TrainerCallback

    class Steering(TrainerCallback):
        def __init__(self) -> None:
            self.saved = time.monotonic()
            self.loss = ""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            advance(1, self.loss)
            if time.monotonic() - self.saved > SAVE_EVERY_S and state.global_step < state.max_steps:
                control.should_save = True
            if spent():
                control.should_training_stop = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            for name, words in (("loss", "loss"), ("eval_loss", "validation loss")):
                if logs and name in logs:
                    self.loss = f"{words} {logs[name]:.3f}"

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            beside(folder)
            (folder / CLOCK).write_text(json.dumps({"seconds": elapsed(), "step": state.global_step}))

    return Steering()
