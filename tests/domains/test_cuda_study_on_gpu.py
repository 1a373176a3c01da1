"""Item 8 and the evaluator's arm, as far as a machine without a GPU goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from adapt.environment import gpus
from adapt.errors import AdaptError
from adapt.options import command
from adapt.study.arms import check_evaluators, parse_arms
from adapt.verbs.study import Options
from domains import steps
from domains.cuda import DOMAIN, study_on_gpu
from domains.cuda.kernelbench import content_of_answer, open_kernelbench
from domains.cuda.shapes import SHAPES, random_agent
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import item as items


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"compiled": True, "correctness": True, "runtime_ms": 0.12345}, "correct"),
        ({"compiled": True, "correctness": True, "runtime_ms": None}, "correct"),
        ({"compiled": True, "correctness": False, "metadata": {"max_difference": "3.1" * 200}}, "wrong_value"),
        ({"compiled": False, "correctness": False, "metadata": {"compilation_error": "x"}}, "compile_error"),
        ({"died": "timed out after 180 s"}, "compile_error"),
        ({"nothing": "the evaluator returned no result"}, "compile_error"),
        ({"compiled": True, "died": "status -11: no message"}, "compile_error"),
    ],
)
def test_an_evaluators_answer_is_in_the_words_of_the_spec(answer: dict[str, Any], verdict: str) -> None:
    import jsonschema

    content = content_of_answer(answer)
    assert content["verdict"] == verdict
    jsonschema.validate(content, dict(DOMAIN.spec.output_schema or {}))
    assert ("runtime_ms" in content) == bool(answer.get("runtime_ms"))


def test_an_evaluator_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    arms = parse_arms("real-kernelbench", 4)
    check_evaluators(arms, DOMAIN, tmp_path)
    with pytest.raises(AdaptError, match="needs --evaluator FOLDER, a checkout of kernelbench"):
        check_evaluators(arms, DOMAIN, None)
    with pytest.raises(AdaptError, match="give a checkout of KernelBench with --evaluator"), open_kernelbench(tmp_path):
        pass
    if not gpus():
        (tmp_path / "src/kernelbench").mkdir(parents=True)
        (tmp_path / "src/kernelbench/eval.py").touch()
        with pytest.raises(AdaptError, match="NVIDIA GPU alone"), open_kernelbench(tmp_path):
            pass


def options(words: tuple[str, ...]) -> Options:
    """What the command line makes of a study's words."""
    got: list[Options] = []
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command()(command(Options, lambda one: got.append(one) or 0))
    app(list(words[1:]), standalone_mode=False)
    return got[0]


def test_the_words_of_every_step_are_options_of_its_verb() -> None:
    scores = options(study_on_gpu._scores(40, 3, False))
    assert (scores.domain, scores.agent, scores.arms, scores.steps, scores.seeds) == (
        *("cuda", "nano", "real,simulate"),
        *(40, 3),
    )
    times = options(study_on_gpu._times("qwen2.5-7b", 3, 768, Path("kb"), False))
    assert times.arms == "real,real-kernelbench,simulate" and times.evaluator == Path("kb").resolve()
    assert times.demonstrate and times.judge_samples == 0 and times.tokens == 768
    assert times.prompts * times.rollouts % times.micro_batch == 0
    assert options(study_on_gpu._times("tiny", 1, 16, Path("kb"), True)).arms == "simulate"
    assert options(study_on_gpu._scores(2, 1, True)).smoke


def test_steps_are_done_once_and_a_cut_off_study_goes_on(tmp_path: Path, monkeypatch, capsys) -> None:
    ran: list[str] = []
    ends: dict[str, int | None] = {"study": None}

    def run(command: tuple[str, ...], folder: Path, seconds: float) -> tuple[int | None, str]:
        verb = command[3]
        ran.append(verb)
        return ends.get(verb, 0), "said"

    monkeypatch.setattr(steps, "_run", run)
    arguments = {"dry_run": True, "out": tmp_path, "parts": "scores"}
    study_on_gpu.study_on_gpu(**arguments)
    assert ran == ["label", "train", "calibrate", "study"]
    assert "the minutes are over" in capsys.readouterr().err
    ran.clear()
    ends["study"] = 0
    study_on_gpu.study_on_gpu(**arguments)
    study_on_gpu.study_on_gpu(**arguments)
    assert ran == ["study"], "what ended is not run again"
    written = json.loads((tmp_path / "dry-run/speedup.json").read_text())
    assert set(written["figures"]["seconds"]) == {"label", "train", "calibrate", "scores"}


def test_a_failure_is_named_and_ends_the_run(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(steps, "_run", lambda command, *_: (2, "progress\nerror: no such thing"))
    study_on_gpu.study_on_gpu(dry_run=True, out=tmp_path)
    assert "label failed: error: no such thing" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "complaint"), [({"parts": "score"}, "'score'"), ({"shape": "8b"}, "known are")])
def test_unknown_parts_and_shapes(given: dict[str, str], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=complaint):
        study_on_gpu.study_on_gpu(dry_run=True, out=tmp_path, **given)


def test_a_verb_that_outlives_the_minutes_is_ended(tmp_path: Path) -> None:
    study = [sys.executable, "-m", "adapt.cli", "study"]
    assert steps._run([*study, "speedup", "--help"], tmp_path, 0.01) == (None, "")
    status, said = steps._run([*study, "nothing"], tmp_path, 60.0)
    assert status == 2 and "is not one of 'speedup'" in said


def test_a_shape_becomes_an_agent_with_random_weights(tmp_path: Path) -> None:
    from study_toys import toy_agent

    from adapt.study.agent.nano import load_agent

    folder = random_agent("tiny", toy_agent(tmp_path / "toy"), tmp_path / "shape")
    model, tokenizer = load_agent(folder)
    assert model.config.hidden_size == SHAPES["tiny"]["hidden_size"] and tokenizer.chat_template
    stamp = (folder / "config.json").stat().st_mtime_ns
    random_agent("tiny", tmp_path / "toy", folder)
    assert (folder / "config.json").stat().st_mtime_ns == stamp, "made once"


def test_large_shapes_have_the_published_numbers_of_weights() -> None:
    def weights(shape: str) -> float:
        one = SHAPES[shape]
        hidden, heads = one["hidden_size"], one["num_attention_heads"]
        kept = hidden // heads * one["num_key_value_heads"]
        layer = 2 * hidden * hidden + 2 * hidden * kept + 3 * hidden * one["intermediate_size"]
        return one["num_hidden_layers"] * layer + one["vocab_size"] * hidden * (1 if one["tie_word_embeddings"] else 2)

    assert weights("qwen2.5-7b") == pytest.approx(7.62e9, rel=0.01)
    assert weights("qwen2.5-0.5b") == pytest.approx(0.494e9, rel=0.01)


def test_the_table_of_an_empty_run(tmp_path: Path) -> None:
    item = items.begin("speedup", tmp_path, 1.0, True, "", {})
    assert "rollout" in study_on_gpu._text({"seconds": {}, "failed": {}}, item)
