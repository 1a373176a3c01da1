"""The measurements of decoding and of small trainings, at a smaller size."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from some_records import some_records, write_some
from typer.testing import CliRunner

from base_gtm.bench import small_runs, speed, validity
from base_gtm.bench.small_runs import RUNS, SmallRunsOptions
from base_gtm.bench.validity import GOOD, UNLOADABLE, ValidityOptions
from base_gtm.cli import app
from base_gtm.data import read_records, write_records
from base_gtm.errors import DataError
from base_gtm.training.options import TrainOptions
from base_gtm.training.records import Sources

STRING = {"type": "string"}
TOOLS = [
    {
        "name": "weather",
        "description": "Weather of a city.",
        "inputSchema": {
            "type": "object",
            "properties": {"city": STRING, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "outputSchema": {
            "type": "object",
            "properties": {"rain": {"type": "boolean"}, "degrees": {"type": "number"}},
            "required": ["rain"],
        },
    },
    {"name": "anything", "description": "Takes what comes.", "inputSchema": {"type": "object"}},
    {
        "name": "odd",
        "description": "Says what it does not answer.",
        "inputSchema": {"type": "object", "properties": {"x": STRING}, "required": ["x"]},
        "outputSchema": {"not": {"type": "string"}},
    },
]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    path = tmp_path / "tools.jsonl"
    path.write_text("".join(json.dumps(tool) + "\n" for tool in TOOLS))
    return path


def options(tools: Path, **others: Any) -> ValidityOptions:
    return ValidityOptions(tools.parent / "validity.json", (tools,), **{"limit": 8, **others})


def test_every_call_is_counted_by_what_came_of_it(tools: Path) -> None:
    validity.measure(options(tools))
    figures = json.loads((tools.parent / "validity.json").read_text())
    assert figures["calls"] == 8 and figures["tools"] == 3 and not figures["not_as_they_should_be"]
    counts = {**figures["plausible"], "wrong": figures["made_wrong"][GOOD]}
    assert counts[GOOD] + counts["wrong"] + counts[UNLOADABLE] == 8 and counts["wrong"] > 0
    unloadable = figures["tools_that_cannot_be_loaded"]
    assert unloadable["share"] == pytest.approx(1 / 3, abs=1e-4) and "'not'" in next(iter(unloadable["reasons"]))
    assert not list(tools.parent.glob("*.calls.jsonl"))


def test_what_is_wrong_is_seen(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from base_gtm.schema import ToolResult
    from base_gtm.simulator import Answer, Simulator

    for result, says in (
        (ToolResult({"rain": 1}), "breaks its schema"),
        (ToolResult(is_error=True, text="no"), "refused"),
    ):
        answer = Answer(result)
        monkeypatch.setattr(Simulator, "answer", lambda self, spec, call, answer=answer: answer)
        validity.measure(options(tools))
        figures = json.loads((tools.parent / "validity.json").read_text())
        assert figures["plausible"][says] > 0 and figures["made_wrong"].get(GOOD, 0) == 0
        assert figures["not_as_they_should_be"][0]["outcome"] == says


@pytest.mark.slow
def test_a_killed_run_goes_on_and_comes_to_the_same(tools: Path) -> None:
    whole = options(tools, limit=30)
    validity.measure(whole)
    expected = json.loads(whole.out.read_text())
    whole.out.unlink()
    command = [sys.executable, "-m", "base_gtm.bench.validity", "--out", str(whole.out), "--tools", str(tools)]
    journal = whole.out.with_suffix(".calls.jsonl")
    running = subprocess.Popen([*command, "--limit", "30"], stderr=subprocess.DEVNULL, env={**os.environ})
    while running.poll() is None and not (journal.exists() and journal.read_text().count("\n") > 8):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = journal.read_text().splitlines(keepends=True)
    assert 8 < len(before) < 31 and not whole.out.exists()
    with journal.open("a") as lines:
        lines.write('{"number": 99, "to')  # a line that the kill tore
    validity.measure(whole)
    assert json.loads(whole.out.read_text()) == expected


def test_a_journal_of_other_calls_is_refused(tools: Path) -> None:
    tools.with_name("validity.calls.jsonl").write_text('{"identity": "other"}\n')
    with pytest.raises(DataError, match="of other tools, another base or seed"):
        validity.measure(options(tools))
    with pytest.raises(DataError, match="--tools"):
        ValidityOptions(tools)


@pytest.mark.slow
def test_speed_is_measured_in_turn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SCHEMAS", {"validator": speed.SCHEMAS["validator"]})
    out = tmp_path / "speed.json"
    speed.measure(speed.SpeedOptions(out, repetitions=2, batch=2))
    figures = json.loads(out.read_text())
    assert figures["tokens"] == {"prompt": 276, "answer_of_generate": 40}
    assert 30 <= figures["validator"]["answer_tokens"] <= 60
    for size in ("batch_1", "batch_2"):
        for name in ("ours_over_generate", "ours_cached_over_generate", "ours_cached_over_generate_cached"):
            assert set(figures["validator"][size]["ratio"][name]) == {"median", "lower_quartile", "upper_quartile"}
    assert "validator, batch 2: ours_cached:" in capsys.readouterr().out


def test_a_ratio_is_that_of_each_repetition() -> None:
    seconds = {
        "generate": [2.0, 8.0, 4.0],
        "generate_cached": [1.0] * 3,
        "ours": [1.0, 2.0, 2.0],
        "ours_cached": [0.5] * 3,
    }
    found = speed._summary(seconds, 2)
    assert found["calls_a_second"]["ours"]["median"] == 1 and found["calls_a_second"]["ours_cached"]["median"] == 4
    assert found["ratio"]["ours_over_generate"] == {"median": 2, "lower_quartile": 2, "upper_quartile": 4}
    assert found["ratio"]["ours_cached_over_generate_cached"]["median"] == 2


@pytest.mark.parametrize(
    ("module", "needed"),
    [("speed", ()), ("validity", ("--tools", "x")), ("small_runs", ("--records", "x", "--validation", "x"))],
)
def test_a_mistake_is_one_line(module: str, needed: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", f"base_gtm.bench.{module}", "--out", str(tmp_path / "x.json"), *needed]
    done = subprocess.run([*command, "--threads", "0"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "--threads" in done.stderr


@pytest.mark.slow
def test_a_small_run_is_done_once_and_stands_in_the_table(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    some = write_some(tmp_path / "some.jsonl", 40)
    given = SmallRunsOptions(
        tmp_path / "runs.json",
        records=(some,),
        validation=(some,),
        only=("AdamW",),
        steps=2,
    )
    small_runs.measure(given)
    runs = json.loads((tmp_path / "runs.json").read_text())["runs"]
    assert list(runs) == ["AdamW"] and runs["AdamW"]["recipe"]["optimizer"] == "adamw"
    assert "| run | parameters |" in capfd.readouterr().out
    small_runs.measure(given)
    assert "finished before" in capfd.readouterr().out


def test_a_small_run_learns_from_the_sources_it_names(tmp_path: Path) -> None:
    some = list(some_records(8))
    told = [replace(one, source="cpp_label" if at % 2 else "cpp_review") for at, one in enumerate(some)]
    write_records(tmp_path / "some.jsonl", told)
    given = SmallRunsOptions(tmp_path / "x.json", records=(tmp_path / "some.jsonl",), validation=(tmp_path / "v",))
    words = small_runs.sources(given, "final labels alone", tmp_path / "run")
    assert words[0::2] == ["--records", "--validation"]
    assert list(read_records(Path(words[1]))) == told[1::2]
    both = replace(given, carg=(tmp_path / "carg",))
    assert small_runs.sources(both, "CARG alone", tmp_path / "run") == ["--carg", str(both.carg[0]), *words[2:]]


@pytest.fixture(scope="module")
def carg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carg") / "carg"
    made = CliRunner().invoke(app, ["carg", "generate", "--out", str(folder), "--workers", "1", "--records", "150"])
    assert made.exit_code == 0, made.output
    return folder


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        (("records",), {"final labels alone", "kernels alone", "CARG alone"}),
        (("carg",), {"final labels alone", "kernels alone", "CARG alone"}),
        (("carg", "records"), {"final labels alone"}),
    ],
)
def test_a_small_run_without_its_sources_is_left_out(
    given: tuple[str, ...],
    left_out: set[str],
    carg: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = write_some(tmp_path / "some.jsonl", 2)
    started: list[list[str]] = []

    def train(command: list[str]) -> subprocess.CompletedProcess[str]:
        started.append(command)
        card = Path(command[command.index("--out") + 1]) / "card.json"
        card.parent.mkdir(parents=True)
        seen = {"validation": {"sources": {}, "auc": None}, "loss_curve": [{"loss": 1}], "parameters": 1, "seconds": 1}
        card.write_text(json.dumps(seen))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", train)
    found = {"carg": (carg,), "records": (some,)}
    options = SmallRunsOptions(tmp_path / "runs.json", validation=(some,), **{name: found[name] for name in given})
    small_runs.measure(options)
    assert list(json.loads(options.out.read_text())["runs"]) == [name for name in RUNS if name not in left_out]
    said = capsys.readouterr().err
    assert all(f"small run left out: {name}: give " in said for name in left_out)
    shares = [command[command.index("--validation-share") + 1] for command in started]
    assert set(shares) == {"0"}, "all are measured on the same records"
    if "carg" in given:
        new = tmp_path / "runs" / "new_tools.jsonl"
        assert all(command.count(str(new)) == 1 for command in started)
        learnt = Sources(TrainOptions(tmp_path, carg=(carg,), validation=(new,), validation_share=0)).each(Counter())
        names = {record.spec.name for drawn in learnt for _, record in drawn}
        measured = {record.spec.name for record in read_records(new)}
        assert measured and names and not measured & names, "of tools that no run learns from"
    with pytest.raises(DataError, match=f"--only '{min(left_out)}': give "):
        small_runs.measure(replace(options, only=(min(left_out),)))


def test_small_runs_that_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--only 'large'"):
        SmallRunsOptions(tmp_path / "x.json", records=(tmp_path,), validation=(tmp_path,), only=("large",))
    with pytest.raises(DataError, match="--validation FILE"):
        SmallRunsOptions(tmp_path / "x.json")
