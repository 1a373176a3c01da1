"""How an agent learns in a study, on what, and what it needs of a gate. The same for every arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapt.study.sampling import Sampling
from adapt.study.task import Problem

if TYPE_CHECKING:
    from base_gtm.schema import ToolResult


CHECKPOINTS = "checkpoints"


class Answering(Protocol):
    """One answer of a gate."""

    @property
    def result(self) -> ToolResult: ...
    @property
    def source(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def confidence(self) -> float | None: ...


class Gate(Protocol):
    """What learning needs of `adapt.gate.Gate`."""

    step: int

    def call_many(self, arguments: Sequence[Mapping[str, Any]]) -> Sequence[Answering]: ...


@dataclass(frozen=True)
class Recipe:
    """How the agent learns; the same for every arm."""

    steps: int
    prompts: int
    """Problems a step."""
    rollouts: int
    """Texts a problem and step: the group that advantages are relative to."""
    lr: float
    beta: float
    """Weight of the divergence from the untrained agent; 0 leaves it out, and the second copy in memory with it."""
    sampling: Sampling
    micro_batch: int = 0
    """Texts that go through loss and backward at a time; 0: all of a step."""
    lora: int = 0
    """Rank of an adapter that learns in the agent's place; 0: all of its weights learn."""
    evaluate_every: int = 10
    """Steps between two looks at validation problems."""
    validation_samples: int = 1
    judge_samples: int = 1
    checkpoint_s: float = 20.0
    """Seconds of work that a kill may cost, besides the step that it interrupts."""
    wandb: str = "off"
    demonstrate: bool = False
    """Ask the tool about the task's demonstrations instead of the agent's texts."""


@dataclass(frozen=True)
class Problems:
    """What is learned from, watched, and judged on."""

    train: Sequence[Problem]
    validation: Sequence[Problem]
    test: Sequence[Problem]
