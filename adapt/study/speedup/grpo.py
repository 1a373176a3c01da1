"""One agent learns with one tool: TRL's GRPOTrainer, a gate that answers, and a clock.

All completions of a step meet the gate in one call, so that in every arm the tool works on all of them at once (TRL's
own tool loop asks them one after the other). How TRL is set up stands in `trainer.py`.

Guarantees: killed at any point, the same call goes on from the last whole checkpoint (weights, optimiser, random
numbers, order of the problems) and writes no step down twice; a step's random numbers depend on seed and step alone.
Does not guarantee equal curves on different machines.
"""

from __future__ import annotations

import gc
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapt.checkpoints import CLOCK, last_whole
from adapt.progress import Advance
from adapt.study.clocks import StepClock, StepTime
from adapt.study.record import Record
from adapt.study.sampling import write_texts
from adapt.study.speedup.order import derived_seed
from adapt.study.speedup.recipe import CHECKPOINTS, Answering, Gate, Problems, Recipe
from adapt.study.speedup.trainer import build_trainer, end_wandb
from adapt.study.task import Problem, Task


@dataclass
class State:
    """What the parts of one training tell each other."""

    clock: StepClock = field(default_factory=StepClock)
    taken: StepTime | None = None
    line: dict[str, Any] = field(default_factory=dict)
    rollouts: list[dict[str, Any]] = field(default_factory=list)
    shown: list[tuple[Problem, str]] = field(default_factory=list)
    """Demonstrations of the step."""
    began: float = field(default_factory=time.monotonic)
    spent: dict[str, float] = field(default_factory=lambda: {"wall": 0.0, "validation": 0.0, "checkpoints": 0.0})
    """Seconds outside the steps, of earlier processes too."""


def learn(
    name: str,
    seed: int,
    record: Record,
    load: Callable[[], tuple[Any, Any]],
    task: Task,
    gate: Gate,
    problems: Problems,
    recipe: Recipe,
    advance: Advance,
) -> dict[str, Any]:
    """Train one unit to its end and let its agent write for the test problems; goes on where a killed one stopped.

    load: a fresh model and tokenizer. Returns seconds outside the steps, and how repeated steps compared.
    """
    folder = record.folder
    last = last_whole(folder / CHECKPOINTS)
    state = State()
    if last is not None:
        state.spent |= json.loads((last / CLOCK).read_text())
    model, tokenizer = load()
    seeded = Learner(name, seed, record, task, gate, problems, recipe, state, tokenizer)
    trainer = build_trainer(model, tokenizer, seeded, folder, advance)
    done = int(last.name.rpartition("-")[2]) if last else 0
    advance(done, f"{name} seed {seed}: goes on at step {done}" if done else "")
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
        _write_final(trainer.model, tokenizer, seeded)
    finally:
        end_wandb(recipe)
    spent = {**state.spent, "wall": state.spent["wall"] + time.monotonic() - state.began}
    parameters = sum(one.numel() for one in trainer.model.parameters())
    device = str(trainer.args.device)
    del trainer, model
    _release()
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return {"spent": spent, "repeated_steps_that_differ": record.differing, "parameters": parameters, "device": device}


@dataclass(frozen=True)
class Learner:
    """A unit with all that its parts need."""

    name: str
    seed: int
    record: Record
    task: Task
    gate: Gate
    problems: Problems
    recipe: Recipe
    state: State
    tokenizer: Any

    def reward(self, completions: Sequence[Any], numbers: Sequence[int], step: int) -> list[float]:
        """What a step's texts are worth; the gate is asked about all of them at once."""
        texts = [_content(completion) for completion in completions]
        asked = [self.problems.train[number] for number in numbers]
        if self.recipe.demonstrate:
            asked, texts = [problem for problem, _ in self.state.shown], [text for _, text in self.state.shown]
        calls = [self.task.call(problem, text) for problem, text in zip(asked, texts, strict=True)]
        self.gate.step = step
        self.state.clock.asking()
        answers = iter(self.gate.call_many([call.arguments for call in calls if call is not None]))
        found = [None if call is None else next(answers) for call in calls]
        self.state.clock.answered()
        pairs = [(call, said) for call, said in zip(calls, found, strict=True) if call is not None and said is not None]
        self.record.answers.keep({call.key: said.result for call, said in pairs if said.source == "real"})
        results = [None if said is None else said.result for said in found]
        rewards = [float(self.task.reward(one, result)) for one, result in zip(asked, results, strict=True)]
        self._remember(asked, texts, found, rewards)
        return rewards

    def show(self, step: int) -> None:
        """Get a step's demonstrations ready, before its clock runs, where they stand for the agent's texts."""
        count = self.recipe.prompts * self.recipe.rollouts
        if self.recipe.demonstrate:
            self.state.shown = list(self.task.demonstrations(derived_seed("shown", self.seed, step), count))

    def _remember(
        self, asked: Sequence[Problem], texts: Sequence[str], found: Sequence[Answering | None], rewards: list[float]
    ) -> None:
        sources = Counter("no call" if said is None else str(said.source) for said in found)
        self.state.line = {"rewards": rewards, "sources": dict(sources)}
        self.state.rollouts = [
            {
                "problem": problem.id,
                "text": text,
                "reward": reward,
                "source": None if said is None else said.source,
                "why": None if said is None else said.why,
                "confidence": None if said is None else said.confidence,
                "result": None if said is None else dict(said.result.content),
            }
            for problem, text, said, reward in zip(asked, texts, found, rewards, strict=True)
        ]

    def watch(self, model: Any, step: int) -> None:
        """Let the agent write for the validation problems, unless it did at this step before a kill."""
        recipe = self.recipe
        wanted = recipe.evaluate_every > 0 and (step % recipe.evaluate_every == 0 or step == recipe.steps)
        if not wanted or not self.problems.validation or self.record.has_texts("validation", step):
            return
        began = time.monotonic()
        seed = derived_seed("validation", self.seed)  # the same draws at every step and in every arm
        asked, count = self.problems.validation, recipe.validation_samples
        texts = write_texts(model, self.tokenizer, asked, count, seed, recipe.sampling)
        self.record.texts("validation", step, asked, texts)
        self.state.spent["validation"] += time.monotonic() - began


def write_for_test(
    model: Any, tokenizer: Any, problems: Sequence[Problem], seed: int, recipe: Recipe
) -> list[list[str]]:
    """What an agent writes for the test problems at the end: the same draws in every arm of a seed."""
    return write_texts(model, tokenizer, problems, recipe.judge_samples, derived_seed("test", seed), recipe.sampling)


def _write_final(model: Any, tokenizer: Any, unit: Learner) -> None:
    recipe, test = unit.recipe, unit.problems.test
    unit.watch(model, recipe.steps)
    if recipe.judge_samples and test and not unit.record.has_texts("test", recipe.steps):
        texts = write_for_test(model, tokenizer, test, unit.seed, recipe)
        unit.record.texts("test", recipe.steps, test, texts)


def _content(completion: Any) -> str:
    """An agent's text, whichever of TRL's two forms it comes in."""
    if isinstance(completion, str):
        return completion
    said = completion[0].get("content") if completion else ""
    return said if isinstance(said, str) else ""


def _release() -> None:
    """Give the last agent's memory back before the next one is loaded."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
