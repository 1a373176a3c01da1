"""`adapt study speedup`: the command line, its run folders, and what a user gets wrong. The gate is the real one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from study_toys import toy_agent, toy_domain

from adapt.cli import main
from adapt.runs import latest, read
from adapt.study.record import read_steps

MODULE = """
from contextlib import contextmanager
from pathlib import Path

from adapt.domain import Domain, Fidelity
from adapt.errors import AdaptError
from study_toys import VERDICTS, ToyTask, truth


class Tool:
    environment = {"toy": 1}

    def call(self, call):
        return truth(call.arguments)


@contextmanager
def open_real_tool():
    if (Path(__file__).parent / "broken").exists():
        raise AdaptError("the toy is out of order")
    yield Tool()


DOMAIN = Domain(
    name="toy",
    root=Path(__file__).parent,
    calls=lambda seed: iter(()),
    open_real_tool=open_real_tool,
    fidelity=Fidelity(VERDICTS),
    study=ToyTask,
)
"""
SMALL = [
    *("--domain", "toy", "--arms", "real", "--seeds", "1", "--steps", "2", "--prompts", "2", "--rollouts", "2"),
    *("--tokens", "4", "--judge-samples", "1", "--evaluate-every", "2"),
]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    toy_domain(folder / "domains/toy")
    (folder / "domains/toy/__init__.py").write_text(MODULE)
    toy_agent(folder / "agent")
    return folder


@pytest.fixture
def toys(origin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the toy domain and its agent."""
    shutil.copytree(origin, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def test_a_study_runs_from_the_command_line_and_is_found_again(toys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "speedup", *SMALL, "--agent", "agent"]) == 0
    out = capsys.readouterr().out
    assert "report: " in out and "Arm real:" in out
    folder = latest("toy", "study", toys)
    assert folder is not None and (folder / "report.html").is_file()
    assert [line["sources"] for line in read_steps(folder / "real/seed-0")]
    study = json.loads((folder / "study.json").read_text())
    assert study["agent"]["name"] == "agent" and study["recipe"]["sampling"]["tokens"] == 4
    assert read(folder)["results"]["sentences"] == study["sentences"]
    # Named again with the same options, a finished study only shows its findings; with others it refuses.
    written = (folder / "real/seed-0/steps.jsonl").read_bytes()
    assert main(["study", "speedup", *SMALL, "--agent", "agent", "--run", str(folder)]) == 0
    assert (folder / "real/seed-0/steps.jsonl").read_bytes() == written
    capsys.readouterr()
    assert refused(capsys, *SMALL, "--agent", "agent", "--temperature", "0.7", "--run", str(folder)).endswith(
        "made with other options (--temperature 1.0); give these, or leave --run out"
    )
    # Its real answers replay.
    assert main(["study", "speedup", *SMALL, "--agent", "agent", "--replay", str(folder)]) == 0
    again = latest("toy", "study", toys)
    assert again != folder and again is not None
    first, second = (read_steps(one / "real/seed-0") for one in (folder, again))
    assert [line["rewards"] for line in first] == [line["rewards"] for line in second]


def test_a_failed_study_is_taken_up_again(toys: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    """A full disk after the arms, say: the same command goes on in the same folder and trains nothing again."""
    monkeypatch.setattr("adapt.study.speedup.report.render", lambda study: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["study", "speedup", *SMALL, "--agent", "agent"])
    (folder,) = (toys / "runs/toy/study").iterdir()
    assert read(folder)["status"] == "failed"
    written = (folder / "real/seed-0/steps.jsonl").read_bytes()
    monkeypatch.undo()
    monkeypatch.chdir(toys)
    assert main(["study", "speedup", *SMALL, "--agent", "agent"]) == 0
    assert list((toys / "runs/toy/study").iterdir()) == [folder] and read(folder)["status"] == "done"
    assert (folder / "real/seed-0/steps.jsonl").read_bytes() == written
    capsys.readouterr()
    (folder / "inputs.json").write_text('{"agent": "another"}')
    assert "begun with another" in refused(capsys, *SMALL, "--agent", "agent", "--run", str(folder))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--arms", "real,fake"], "no arm called 'fake'"),
        (["--arms", "hybrid:9"], "K from 1 to 1"),
        (["--arms", "gate"], "run `adapt train toy` first"),
        (["--arms", "simulate"], "no adapter"),
        (["--arms", "real-kernelbench"], "toy has no evaluator 'kernelbench' (it knows none)"),
        (["--domain", "nope"], "no domain called 'nope'"),
        (["--agent", "nowhere/at/all"], "no such folder"),
        (["--agent", "domains"], "no config.json"),
        (["--seeds", "0"], "--seeds must be more than 0"),
        (["--steps", "-1"], "--steps must be more than 0"),
        (["--lr", "nan"], "--lr must be more than 0"),
        (["--beta", "-1"], "--beta must be 0 or more"),
        (["--temperature", "0"], "--temperature must be more than 0"),
        (["--rollouts", "1"], "--rollouts must be 2 or more"),
        (["--prompts", "5"], "4 problems to learn from"),
        (["--micro-batch", "3"], "does not divide the 4 texts"),
        (["--replay", "nowhere"], "--replay nowhere: no such folder"),
        (["--replay", "agent"], "no real answers there"),
        (["--stock", "agent/config.json"], "not a result of the compile study"),
        (["--stock", "absent.json"], "not a result of the compile study"),
        (["--run", "agent"], "no run folder"),
        (["--wandb", "maybe"], "'maybe' is not one of"),
        (["--bogus"], "No such option: --bogus"),
    ],
)
def test_wrong_options_are_one_line(toys: Path, capsys, arguments: list[str], complaint: str) -> None:
    said = refused(capsys, *SMALL, *arguments)
    assert complaint.lower() in said.lower()
    assert not list((toys / "runs").glob("*/study/*")), "nothing is begun"


def test_an_unknown_study_and_a_domain_without_a_task(toys: Path, capsys) -> None:
    assert main(["study", "speedups"]) == 2
    assert "'speedups' is not one of 'speedup'" in capsys.readouterr().err
    text = (toys / "domains/toy/__init__.py").read_text().replace("study=ToyTask", "study=None")
    (toys / "domains/toy/__init__.py").write_text(text)
    assert "toy has no task for a study" in refused(capsys, *SMALL)


def test_a_real_tool_that_is_missing_is_told_before_anything_is_trained(toys: Path, capsys) -> None:
    (toys / "domains/toy/broken").touch()
    said = refused(capsys, *SMALL, "--agent", "agent")
    assert said == "error: --arms real needs the real tool of toy: the toy is out of order"
    assert not (toys / "runs").exists()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a wrong command gives."""
    assert main(["study", "speedup", *arguments]) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if not line.startswith(("study", "untrained", "judge"))]
    assert captured.out == "" and len(lines) == 1 and lines[0].startswith("error: "), captured
    return lines[0]
