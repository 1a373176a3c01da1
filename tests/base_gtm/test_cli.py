from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from base_gtm.cli import main

ROOT = Path(__file__).parents[2]
SPEC = str(ROOT / "domains/cpp/spec.json")


@pytest.fixture(scope="module")
def folder(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("base")
    base.model.save_pretrained(path)
    base.tokenizer.save_pretrained(path)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["base-gtm", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_simulate(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    file = tmp_path / "call.json"
    file.write_text('{"reference": "r", "candidate": "c"}')
    assert run(monkeypatch, "simulate", SPEC, str(file), "--base", str(folder), "--evidence", "fact") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["structuredContent"]["verdict"] in answer["distributions"]["verdict"]
    assert not answer["isError"] and 0 < answer["confidence"] <= 1


def test_earlier_turns_change_the_answer(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    given = ["simulate", SPEC, '{"reference": "r", "candidate": "c"}', "--base", str(folder)]
    assert run(monkeypatch, *given) == 0
    alone = json.loads(capsys.readouterr().out)
    file = tmp_path / "history.jsonl"
    turns = [
        {"name": "validate", "arguments": {"candidate": "b"}, "result": {"verdict": "correct"}},
        {"name": "validate", "arguments": {}, "error": "Error: 'candidate' is missing"},
    ]
    file.write_text("".join(json.dumps(turn) + "\n" for turn in turns))
    assert run(monkeypatch, *given, "--history", str(file)) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["distributions"] != alone["distributions"]


@pytest.mark.parametrize("line", ["{", "[]", '{"name": "t"}', '{"name": "t", "arguments": {}, "result": 3}'])
def test_a_broken_history_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, line: str) -> None:
    (tmp_path / "history.jsonl").write_text(line + "\n")
    given = ["simulate", SPEC, '{"reference": "r", "candidate": "c"}', "--history", str(tmp_path / "history.jsonl")]
    assert run(monkeypatch, *given) == 2
    said = capsys.readouterr().err
    assert "history.jsonl:1: " in said and said.count("\n") == 1


def test_refusal_loads_no_model(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run(monkeypatch, "simulate", SPEC, '{"reference": 1}', "--base", "/no/such/base") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["isError"] and "'candidate' is missing" in answer["text"]


@pytest.mark.parametrize("text", ["{broken", '{"reference": "r"', "[1]", '"{}"'])
def test_what_is_no_object_is_refused_as_an_agent_would_be(
    tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    file = tmp_path / "call.json"
    file.write_text(text)
    shown = []
    for given in (text, str(file)):
        assert run(monkeypatch, "simulate", SPEC, given, "--base", "/no/such/base") == 0
        shown.append(json.loads(capsys.readouterr().out))
    assert shown[0]["isError"] and "JSON" in shown[0]["text"] and shown[0] == shown[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["simulate", "no.json", "{}"], "no.json: no such file"),
        (["simulate", SPEC, "nofile.json"], "neither JSON nor a readable file"),
        (["simulate", SPEC, '{"reference": "r", "candidate": "c"}', "--base", "./nothing"], "no such folder"),
        (["simulate", SPEC, "{}", "--temperature", "0"], "above zero"),
        (["simulate", SPEC, '{"reference": "r", "candidate": "c"}', "--max-prompt-tokens", "5"], "tokens"),
    ],
)
def test_mistakes_are_one_line(
    folder: Path, arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    extra = [] if "--base" in arguments else ["--base", str(folder)]
    assert run(monkeypatch, *arguments, *extra) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ") and says in error and "\n" not in error


@pytest.mark.parametrize("command", [[], ["simulate"], ["train"]])
def test_help_imports_nothing_heavy(command: list[str]) -> None:
    code = (
        "import sys; from base_gtm.cli import main; sys.argv = ['base-gtm', *sys.argv[1:], '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.exit(sorted({'torch', 'transformers', 'pandas', 'sklearn', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_train_flags_come_from_the_options(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(monkeypatch, "train", "--help") == 0
    shown = capsys.readouterr().out
    assert "--vocab-size" in shown and "Folder to write." in shown and "2048" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("carg", "generate", "--records", "abc"), "Invalid value for '--records'"),
        (("carg", "nothing"), "No such command 'nothing'"),
        (("tools", "complete"), "Missing option '--tools'"),
        (("train", "--nope"), "No such option: --nope"),
    ],
)
def test_a_wrong_flag_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, arguments: tuple[str, ...], words: str
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and words in said and said.count("\n") == 1


def test_without_arguments_the_help_stands_there(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert run(monkeypatch, "carg") == 2
    shown = capsys.readouterr()
    assert "generate" in shown.out + shown.err and "error" not in shown.out + shown.err
