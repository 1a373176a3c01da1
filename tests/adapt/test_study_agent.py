"""Agents: the nano one learns, survives kill -9, says what it can; folders and names that are no agent are one line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapt.domain import Split
from adapt.errors import AdaptError, ArtifactError
from adapt.study.agent.__main__ import main
from adapt.study.agent.nano import AgentOptions, load_agent, nano_agent
from adapt.study.agent.tokens import encode_demonstrations, train_agent_tokenizer
from adapt.study.task import Judged, Problem
from base_gtm.schema import ToolCall, ToolResult

WORDS = "amber birch cedar daisy elder fern".split()
OPTIONS = AgentOptions(
    demonstrations=1280, vocab_size=320, context=96, hidden_size=48, layers=2, heads=2, batch=32, lr=4e-3, samples=2,
    threads=1,
)  # fmt: skip


class Echo:
    """A task that a minute's model can learn: say the two words again, the other way round."""

    def problems(self, split: Split) -> Sequence[Problem]:
        wanted = {"train": (0, 1, 2, 3), "validation": (4,), "test": (5,)}[split]
        return [
            Problem(f"{a}-{b}", split, f"turn\n{a}\n{b}", f"{a}-{b}", {"words": [b, a]})
            for place, a in enumerate(WORDS)
            for offset, b in enumerate(WORDS)
            if (place + offset) % 6 in wanted
        ]

    def demonstrations(self, seed: int, count: int) -> Iterator[tuple[Problem, str]]:
        problems = self.problems("train")
        for number in range(count):
            problem = problems[(number * 7 + seed) % len(problems)]
            yield problem, "said\n" + "\n".join(problem.arguments["words"])

    def call(self, problem: Problem, text: str) -> ToolCall | None:
        return ToolCall("echo", {"text": text}) if text.startswith("said") else None

    def reward(self, problem: Problem, result: ToolResult | None) -> float:
        return float(result is not None)

    def judge(self, items: Sequence[tuple[Problem, str]]) -> Iterator[Judged]:
        for problem, text in items:
            yield Judged(text.startswith("said"), text.split()[1:] == problem.arguments["words"], False, None)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained agent of the task above."""
    return nano_agent(Echo(), tmp_path_factory.mktemp("agent"), seed=3, options=OPTIONS)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_it_learns_and_its_card_says_how_well(agent: Path) -> None:
    card = json.loads((agent / "card.json").read_text())
    losses = [entry["loss"] for entry in card["loss_curve"]]
    assert losses[-1] < 0.4 * losses[0] and card["steps"] == 40
    assert card["recipe"]["seed"] == 3 and card["seconds"] > 0 and card["parameters"] < 200_000
    assert card["tokens"]["left_out"] == 0 and card["tokens"]["longest"] < 40
    assert card["validation"]["texts"] == 12 and card["validation"]["calls"] > 0.5
    assert {"compiled", "correct", "cheating", "temperature"} <= card["validation"].keys()
    assert not (agent / "training").exists()


def test_transformers_alone_loads_it_and_makes_the_same_tokens(agent: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = load_agent(agent)
    other = AutoTokenizer.from_pretrained(agent)
    text = "turn\namber\ncedar\n    é ```x``` <b>"
    assert other(text)["input_ids"] == tokenizer(text)["input_ids"] and other.decode(other(text)["input_ids"]) == text
    assert set(other(text)) == {"input_ids", "attention_mask"}
    chat = [{"role": "user", "content": "turn\namber\ncedar"}]
    prompts = [one.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for one in (tokenizer, other)]
    assert prompts == ["<|user|>turn\namber\ncedar<|agent|>"] * 2
    again = AutoModelForCausalLM.from_pretrained(agent)
    assert all(bool((a == b).all()) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert again.generation_config.eos_token_id == tokenizer.eos_token_id and not model.training


def test_only_the_completion_is_learnt() -> None:
    from adapt.study.agent.loop import _collator

    task = Echo()
    pairs = list(task.demonstrations(0, 6))
    tokenizer = train_agent_tokenizer((text for problem, said in pairs for text in (problem.prompt, said)), 320)
    items = list(encode_demonstrations(tokenizer, pairs))
    batch = _collator(tokenizer.pad_token_id)(items)
    for row, (problem, said) in enumerate(pairs):
        labels = [token for token in batch["labels"][row].tolist() if token != -100]
        assert tokenizer.decode(labels) == said + tokenizer.eos_token
        assert tokenizer.decode(batch["input_ids"][row, : items[row].prompt]) == f"<|user|>{problem.prompt}<|agent|>"


def test_a_finished_agent_is_left_and_another_recipe_refused(agent: Path) -> None:
    before = (agent / "card.json").stat().st_mtime_ns
    assert nano_agent(Echo(), agent, seed=3, options=replace(OPTIONS, samples=0)) == agent
    assert (agent / "card.json").stat().st_mtime_ns == before
    for seed, options in ((4, OPTIONS), (3, replace(OPTIONS, layers=3))):
        with pytest.raises(ArtifactError, match="another recipe"):
            nano_agent(Echo(), agent, seed=seed, options=options)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_study_agent import Echo, OPTIONS
from adapt import checkpoints
from adapt.study.agent.nano import nano_agent
checkpoints.SAVE_EVERY_S = 0.05
def advance(steps=1, note=""):
    print(steps, note, flush=True)
nano_agent(Echo(), Path(sys.argv[1]), seed=3, options=OPTIONS, advance=advance)
"""


@pytest.mark.timeout(120)
def test_a_killed_training_goes_on_and_ends_with_the_same_weights(
    agent: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(folder), str(Path(__file__).parent)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as child:
        until = time.monotonic() + 60
        while not list(folder.glob("training/checkpoints/checkpoint-*/clock.json")) and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(child.pid, signal.SIGKILL)
    assert list(folder.glob("training/checkpoints/checkpoint-*/clock.json")) and not (folder / "card.json").exists()
    told: list[tuple[int, str]] = []
    nano_agent(Echo(), folder, seed=3, options=OPTIONS, advance=lambda steps=1, note="": told.append((steps, note)))
    assert told[0][0] == 0 or "going on" in "".join(note for _, note in told)
    assert sum(steps for steps, _ in told) == 40 and any("going on" in note for _, note in told)
    assert weights(folder) == weights(agent)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"vocab_size": 100}, "bytes and special tokens"),
        ({"context": 8}, "no demonstration fits"),
        ({"heads": 5}, "even multiple"),
        ({"layers": 0}, "--layers must be more than 0"),
        ({"lr": float("nan")}, "--lr must be more than 0"),
        ({"samples": -1}, "0 or more"),
    ],
)
def test_options_that_cannot_work_are_one_line(tmp_path: Path, change: dict[str, Any], line: str) -> None:
    with pytest.raises(AdaptError, match=line) as caught:
        nano_agent(Echo(), tmp_path / "new", options=replace(OPTIONS, demonstrations=64, **change))
    assert "\n" not in str(caught.value)


def test_a_folder_with_a_model_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArtifactError, match="holds a model already"):
        nano_agent(Echo(), tmp_path, options=OPTIONS)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match="cannot be written"):
        nano_agent(Echo(), tmp_path / "file" / "agent", options=OPTIONS)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer Qwen2 of random weights with a chat template and a hub model's sampling settings."""
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("qwen")
    tokenizer = train_agent_tokenizer(["one\ntwo\nthree"], 280)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=64, eos_token_id=0, pad_token_id=1, bos_token_id=None,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=True, top_k=20, top_p=0.8, temperature=0.7, repetition_penalty=1.05, eos_token_id=[0, 5]
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_folder_of_a_hub_models_kind_is_loaded(qwen: Path) -> None:
    model, tokenizer = load_agent(str(qwen))
    assert type(model).__name__ == "Qwen2ForCausalLM" and model.config.num_hidden_layers == 2
    assert tokenizer.padding_side == "left" and tokenizer.pad_token_id is not None
    settings = model.generation_config
    assert (settings.temperature, settings.top_k, settings.top_p) == (1.0, 0, 1.0)
    assert settings.repetition_penalty in (None, 1.0) and settings.eos_token_id == [0, 5]
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "one"}], add_generation_prompt=True, tokenize=False
    )
    batch = tokenizer([chat, chat + "two"], return_tensors="pt", padding=True)
    written = model.generate(**batch, max_new_tokens=4)
    assert written.shape[0] == 2 and tokenizer.batch_decode(written)[0].count("one") == 1


def _edit(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _pickle_only(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def _remote_code(folder: Path) -> None:
    code = f"open({str(folder / 'ran')!r}, 'w')\nfrom transformers import PretrainedConfig as Mystery\n"
    (folder / "mystery.py").write_text(code)
    automatic = {"AutoConfig": "mystery.Mystery", "AutoModelForCausalLM": "mystery.Mystery"}
    _edit(folder, "config.json", model_type="mystery", architectures=["Mystery"], auto_map=automatic)


def _missing_weight(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    found = load_file(folder / "model.safetensors")
    del found["model.layers.1.mlp.up_proj.weight"]
    save_file(found, folder / "model.safetensors", metadata={"format": "pt"})


def _truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _adapter(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text("{}")


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


BROKEN: list[tuple[Callable[[Path], Any], str]] = [
    (_empty, "no config.json"),
    (_adapter, "LoRA adapter alone"),
    (_pickle_only, "is a pickle"),
    (_remote_code, "code of its own"),
    (_missing_weight, "weights are missing"),
    (_truncated, "cannot be loaded"),
    (lambda folder: (folder / "model.safetensors").unlink(), r"no \*.safetensors"),
    (lambda folder: (folder / "config.json").write_text("{"), "no JSON object"),
    (lambda folder: (folder / "config.json").write_text("[]"), "no JSON object"),
    (lambda folder: (folder / "config.json").write_text("{}"), "config.json cannot be used"),
    (lambda folder: _edit(folder, "config.json", hidden_size=48), "cannot be loaded"),
    (lambda folder: _edit(folder, "config.json", model_type="vit"), "writes no text"),
    (lambda folder: _edit(folder, "config.json", model_type="nonsense"), "config.json cannot be used"),
    (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer.json"),
    (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer cannot be loaded"),
    (lambda folder: (folder / "chat_template.jinja").unlink(), "no chat template"),
]


@pytest.mark.parametrize(("damage", "line"), BROKEN, ids=[line for _, line in BROKEN])
def test_a_folder_that_is_no_agent_is_one_line(
    qwen: Path, tmp_path: Path, damage: Callable[[Path], Any], line: str
) -> None:
    folder = tmp_path / "agent"
    shutil.copytree(qwen, folder)
    damage(folder)
    with pytest.raises(ArtifactError, match=line) as caught:
        load_agent(folder)
    assert "\n" not in str(caught.value) and "agent" in str(caught.value)
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", ["./none", "/none/here", "none", "a/b/c", "~/none-of-it", "", "a/"])
def test_a_name_that_is_neither_folder_nor_hub_id_is_one_line(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match=r"no such folder|no config\.json") as caught:
        load_agent(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-7B-Instruct", "no such/name?"])
def test_a_hub_name_without_a_network_is_one_line_at_once(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(AdaptError, match="neither a folder here nor") as caught:
        load_agent(name)
    assert time.monotonic() - began < 15 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nothing", "out"], "nothing"),
        (["cpp"], "FOLDER"),
        (["cpp", "out", "--layers", "many"], "--layers"),
        (["cpp", "out", "--layers", "0"], "--layers must be more than 0"),
    ],
)
def test_the_command_refuses_in_one_line(
    arguments: list[str], line: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["agent", *arguments])
    assert main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and line in said and said.count("\n") == 1
