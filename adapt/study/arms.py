"""Arms of a study: who answers the agent's tool calls while it learns.

    real              the real tool, always
    simulate          the simulator, always
    hybrid:K          the simulator for K steps, then the real tool; without K three steps in ten, as the paper has it
    gate              the simulator where it is confident enough and the call is familiar, else the real tool
    real-EVALUATOR    somebody else's evaluator in the real tool's place, e.g. real-kernelbench

Guarantees: arms of one study have different names; what an arm needs (the real tool, a simulator, somebody's evaluator)
is known before anything is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapt.errors import AdaptError

if TYPE_CHECKING:
    from adapt.domain import Domain

WARM_UP = 0.3
"""Share of the steps that a hybrid arm simulates where nobody says how many: the paper's 30 of 100."""
EVALUATOR = "real-"
KNOWN = "real, simulate, hybrid or hybrid:K, gate, real-EVALUATOR"


@dataclass(frozen=True)
class Arm:
    """One way to answer the agent."""

    name: str
    """As the report shows it, and its folder."""
    policy: str
    """What the gate is told: its own text form."""
    evaluator: str = ""
    """Name of somebody else's evaluator that stands for the real tool; "" for the domain's own."""

    @property
    def asks_real(self) -> bool:
        """Whether the real tool may be asked while the agent learns."""
        return self.policy != "simulate"

    @property
    def simulates(self) -> bool:
        """Whether the arm needs a simulator."""
        return self.policy != "real"

    @property
    def folder(self) -> str:
        """The name as part of a path."""
        return self.name.replace(":", "-")


@dataclass(frozen=True)
class Unit:
    """One arm with one seed: what is trained, killed and resumed as a whole."""

    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        return f"{self.arm.name} seed {self.seed}"

    @property
    def folder(self) -> str:
        """Below the run's folder."""
        return f"{self.arm.folder}/seed-{self.seed}"


def parse_arms(text: str, steps: int) -> tuple[Arm, ...]:
    """The arms of a comma-separated list. Raises AdaptError: an unknown arm, the same one twice, none at all."""
    arms = tuple(_arm(word.strip(), steps) for word in text.split(",") if word.strip())
    if not arms:
        raise AdaptError(f"--arms names no arm; give some of {KNOWN} with commas between them")
    names = [arm.name for arm in arms]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise AdaptError(f"--arms names {twice} twice; give each arm once")
    return arms


def units(arms: Sequence[Arm], seeds: int) -> list[Unit]:
    """Every arm with every seed, seed by seed: what changes on a machine in hours meets all arms alike."""
    return [Unit(arm, seed) for seed in range(seeds) for arm in arms]


def check_evaluators(arms: Sequence[Arm], domain: Domain, folder: object) -> None:
    """Raises AdaptError where an arm names an evaluator that the domain does not know, or nobody says where it is."""
    known = domain.evaluators
    for arm in arms:
        if not arm.evaluator:
            continue
        if arm.evaluator not in known:
            said = f"it knows {', '.join(sorted(known))}" if known else "it knows none"
            raise AdaptError(f"--arms {arm.name}: {domain.name} has no evaluator '{arm.evaluator}' ({said})")
        if folder is None:
            raise AdaptError(f"--arms {arm.name} needs --evaluator FOLDER, a checkout of {arm.evaluator}")


def _arm(word: str, steps: int) -> Arm:
    head, colon, tail = word.partition(":")
    if head == "hybrid":
        return _hybrid(word, tail if colon else None, steps)
    if word in ("real", "simulate", "gate"):
        return Arm(word, word)
    if word.startswith(EVALUATOR) and len(word) > len(EVALUATOR):
        return Arm(word, "real", word.removeprefix(EVALUATOR))
    raise AdaptError(f"--arms: no arm called '{word}'; known are {KNOWN}")


def _hybrid(word: str, tail: str | None, steps: int) -> Arm:
    if tail is None:
        tail = str(max(1, round(WARM_UP * steps)))
    if not tail.isdecimal() or not 0 < int(tail) < steps:
        raise AdaptError(f"--arms {word}: give hybrid:K with a K from 1 to {steps - 1}, since there are {steps} steps")
    return Arm(f"hybrid:{int(tail)}", f"hybrid:{int(tail)}")
