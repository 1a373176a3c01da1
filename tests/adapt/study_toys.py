"""A toy to study: a tool whose answers are computed, a task, an agent of a few thousand weights, and a gate for them.

The tool looks at a word: it "compiles" when the problem's letter stands in it, and is correct when it begins with it.
The toy's simulator does not see where the letter stands, so an agent can learn to fool it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapt.domain import Domain, Fidelity
from adapt.study.arms import Arm, parse_arms, units
from adapt.study.journal import Answers
from adapt.study.sampling import Sampling
from adapt.study.speedup.recipe import Problems, Recipe
from adapt.study.speedup.study import Study, carry_out
from adapt.study.task import Judged, Problem
from base_gtm.schema import ToolCall, ToolResult

TOOL = "word_validator"
LETTERS = "abcd"
SPLITS = {"train": 4, "validation": 2, "test": 4}
SCHEMA = {"type": "object", "properties": {"letter": {"type": "string"}, "word": {"type": "string"}}}
VERDICTS = {"compiled": lambda content: content["compiled"], "correct": lambda content: content["correct"]}


def truth(arguments: Mapping[str, Any]) -> ToolResult:
    """What the real tool says."""
    letter, word = arguments["letter"], arguments["word"]
    return ToolResult({"compiled": letter in word, "correct": word.startswith(letter)})


def guess(arguments: Mapping[str, Any]) -> ToolResult:
    """What the simulator says: kinder than the truth."""
    found = arguments["letter"] in arguments["word"]
    return ToolResult({"compiled": found, "correct": found})


class ToyTask:
    """Words for letters."""

    def problems(self, split: str) -> list[Problem]:
        return [
            Problem(f"{split}-{n}", split, f"begin with {LETTERS[n % 4]}", f"{split}-{n}", {"letter": LETTERS[n % 4]})  # type: ignore[arg-type]
            for n in range(SPLITS[split])
        ]

    def demonstrations(self, seed: int, count: int) -> Iterator[tuple[Problem, str]]:
        for n in range(count):
            problem = self.problems("train")[(seed + n) % 4]
            yield problem, problem.arguments["letter"]

    def call(self, problem: Problem, text: str) -> ToolCall | None:
        return ToolCall(TOOL, {**problem.arguments, "word": text}) if text.strip() else None

    def reward(self, problem: Problem, result: ToolResult | None) -> float:
        if result is None:
            return 0.0
        return 0.3 * bool(result.content["compiled"]) + 0.7 * bool(result.content["correct"])

    def judge(self, items: Sequence[tuple[Problem, str]]) -> Iterator[Judged]:
        for problem, text in items:
            said = truth({**problem.arguments, "word": text}).content
            yield Judged(said["compiled"], said["correct"], False, 1.0 + len(text) / 10 if said["correct"] else None)


@dataclass(frozen=True)
class ToyAnswer:
    result: ToolResult
    source: str
    why: str = ""
    confidence: float | None = None
    seconds: float = 0.0


@dataclass
class ToyGate:
    """A gate with the methods that a study uses; the real tool takes `delay` seconds a call, and counts
    them. The confident one trusts the simulator with long words."""

    arm: Arm
    answers: Answers | None
    delay: float = 0.0
    step: int = 0
    asked: list[str] = field(default_factory=list)

    def call_many(self, arguments: Sequence[Mapping[str, Any]]) -> list[ToyAnswer]:
        return [self._call(one) for one in arguments]

    def _call(self, arguments: Mapping[str, Any]) -> ToyAnswer:
        head, _, steps = self.arm.policy.partition(":")
        sure = head == "gate" and len(arguments["word"]) > 2
        if head == "simulate" or sure or (head == "hybrid" and self.step < int(steps)):
            return ToyAnswer(guess(arguments), "simulator", confidence=0.9)
        key = ToolCall(TOOL, arguments).key
        assert self.answers is not None
        if key not in self.answers:
            time.sleep(self.delay)
            self.asked.append(key)
            self.answers[key] = truth(arguments)
        return ToyAnswer(self.answers[key], "real")


def toy_domain(folder: Path) -> Domain:
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"name": TOOL, "description": "Looks at a word.", "inputSchema": SCHEMA, "outputSchema": {"type": "object"}}
    (folder / "spec.json").write_text(json.dumps(spec))
    return Domain("toy", folder, lambda seed: iter(()), no_tool, Fidelity(VERDICTS), study=ToyTask)


@contextmanager
def no_tool() -> Iterator[Any]:
    raise AssertionError("a study asks through its gate")
    yield


def toy_agent(folder: Path) -> Path:
    """An untrained model of some thousand weights with a tokenizer of letters, as a plain transformers folder."""
    import torch
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(0)
    words = ["<pad>", "<end>", "<ask>", "<answer>", *LETTERS, *"eghintw "]
    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    core.decoder = None
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<end>",
        additional_special_tokens=["<ask>", "<answer>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = (
        "{% for message in messages %}<ask>{{ message['content'] }}{% endfor %}"
        "{% if add_generation_prompt %}<answer>{% endif %}"
    )
    config = Qwen2Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def load_toy(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


RECIPE = Recipe(
    steps=6,
    prompts=4,
    rollouts=8,
    lr=1e-2,
    beta=0.0,
    sampling=Sampling(1.0, 4),
    evaluate_every=2,
    judge_samples=2,
    checkpoint_s=0.0,
)


def toy_study(
    folder: Path,
    arms: str = "real,simulate",
    seeds: int = 1,
    recipe: Recipe = RECIPE,
    delay: float = 0.0,
    **others: Any,
) -> Study:
    """A study of the toy; its agent and domain lie in `folder`."""
    task = ToyTask()
    agent = folder / "agent"
    if not (agent / "config.json").is_file():
        toy_agent(agent)

    @contextmanager
    def open_gate(arm: Arm, answers: Answers | None, known: Path | None) -> Iterator[ToyGate]:
        yield ToyGate(arm, answers, delay)

    problems = Problems(*(task.problems(split) for split in ("train", "validation", "test")))
    return Study(
        domain=toy_domain(folder / "domain"),
        task=task,
        units=units(parse_arms(arms, recipe.steps), seeds),
        recipe=recipe,
        problems=problems,
        load=lambda: load_toy(agent),
        open_gate=others.pop("open_gate", open_gate),
        simulates=True,
        about={
            "agent": {"name": "toy", "card": None, "gpus": []},
            "problems": SPLITS,
            "options": {},
            "smoke": False,
        },
        **others,
    )


if __name__ == "__main__":  # a process that a test kills: FOLDER, seconds a real call takes, CHECKPOINT_S
    import torch

    torch.set_num_threads(1)
    place, wait, between = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    carry_out(toy_study(place, "real", recipe=replace(RECIPE, checkpoint_s=between), delay=wait), place / "run")
