"""`adapt label` with the blank domain's real evaluator: counts, resuming, several workers, bad tools."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from adapt.domain import Answered, Domain, Unanswered
from adapt.errors import AdaptError, DomainError
from adapt.labels import LabelStore
from adapt.registry import Found
from adapt.runs import labels_path, latest, read
from adapt.verbs.label import Options, run, wanted
from adapt.workers import answers


def store_of(workspace: Path) -> LabelStore:
    return LabelStore(labels_path("mini", workspace))


def test_labels_are_what_the_real_tool_says(workspace: Path, mini: Domain, capsys) -> None:
    assert run(Options("mini", count=120, workspace=workspace)) == 0
    out = capsys.readouterr().out
    with store_of(workspace) as store, mini.open_real_tool() as tool:
        labels = list(store.iterate())
        assert len(labels) == 120
        for label in labels:
            assert label.result == tool.call(label.call)
            assert label.seconds > 0 and label.source == "live"
            assert store.environments()[label.environment] == tool.environment
        mix = Counter(label.result.content["verdict"] for label in labels)
        assert {label.cohort for label in labels} == {"seen", "unseen", "foreign"}
    for verdict, number in mix.items():
        assert f"{verdict} " in out and str(number) in out
    assert "made now: 120 in" in out and "labels an hour" in out
    folder = latest("mini", "label", workspace)
    assert folder is not None
    manifest = read(folder)
    assert manifest["results"]["made"] == 120
    assert manifest["inputs"]["spec"] == mini.spec.schema_hash


def test_a_second_run_makes_other_labels_and_until_makes_none(workspace: Path, capsys) -> None:
    run(Options("mini", count=30, workspace=workspace))
    run(Options("mini", count=30, workspace=workspace, workers=3))
    with store_of(workspace) as store:
        assert store.count() == 60 == len(store.call_keys())
    capsys.readouterr()
    run(Options("mini", count=30, until=60, workspace=workspace))
    assert "made now: 0" in capsys.readouterr().out
    run(Options("mini", count=30, until=65, workspace=workspace))
    with store_of(workspace) as store:
        assert store.count() == 65


def test_shipped_labels_are_taken_in_counted_apart_and_not_asked_again(workspace: Path, mini: Domain, capsys) -> None:
    run(Options("mini", count=40, ship=True, workspace=workspace))
    assert (mini.root / "labels" / "labels.parquet").is_file()
    for path in (workspace / "runs").rglob("labels.sqlite*"):
        path.unlink()
    capsys.readouterr()

    run(Options("mini", count=10, workspace=workspace))
    out = capsys.readouterr().out
    assert "shipped labels taken in: 40" in out
    assert next(line for line in out.splitlines() if line.startswith("all")).split() == ["all", "40", "10"]
    with store_of(workspace) as store:
        assert store.counts("source") == {("live",): 10, ("shipped",): 40}
        assert len(store.call_keys()) == 50

    for path in (workspace / "runs").rglob("labels.sqlite*"):
        path.unlink()
    run(Options("mini", count=10, fresh=True, workspace=workspace))
    with store_of(workspace) as store:
        assert store.counts("source") == {("live",): 10}


def test_only_the_cohorts_asked_for(workspace: Path, mini: Domain) -> None:
    run(Options("mini", count=500, cohorts=("foreign",), workspace=workspace))
    assert mini.foreign_calls is not None
    with store_of(workspace) as store:
        assert store.counts("cohort") == {("foreign",): len(list(mini.foreign_calls()))}


def test_only_the_splits_asked_for(workspace: Path, mini: Domain) -> None:
    run(Options("mini", count=10, splits=("validation",), workspace=workspace))
    with store_of(workspace) as store:
        assert store.counts("split", "source") == {("validation", "live"): 10}
    with pytest.raises(AdaptError, match="--splits tset: give train, validation, test"):
        run(Options("mini", splits=("tset",), workspace=workspace))


def test_the_stream_skips_what_is_labelled_and_repeats_nothing(mini: Domain) -> None:
    options = Options("mini")
    first = [item.call.key for item in islice(wanted(mini, options, set()), 100)]
    assert len(set(first)) == 100
    rest = [item.call.key for item in islice(wanted(mini, options, set(first[:50])), 50)]
    assert rest == first[50:]


SLOW_TOOL = """
import os
_inner = Evaluator.call
def _slow(self, call):
    import time
    with open(os.environ["ASKED"], "a") as log:
        log.write(call.key + "\\n")
    time.sleep(0.02)
    return _inner(self, call)
Evaluator.call = _slow
"""


def test_kill_9_then_the_same_command_goes_on_without_losing_or_repeating(
    workspace: Path, mini: Domain, environment
) -> None:
    tool = mini.root / "real_tool.py"
    tool.write_text(tool.read_text() + SLOW_TOOL)
    asked = workspace / "asked"
    command = [sys.executable, "-m", "adapt.cli", "label", "mini", "--count", "80", "--workers", "2"]
    env = {**environment, "ASKED": str(asked)}
    child = subprocess.Popen(command, cwd=workspace, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not asked.exists() or len(asked.read_text().split()) < 30):
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(timeout=10)
    with store_of(workspace) as store:
        kept = store.count()
    assert 20 <= kept < 80

    done = subprocess.run(command, cwd=workspace, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f": {kept} labels are there" in done.stdout
    with store_of(workspace) as store:
        assert store.count() == 80
    # Only what was under way at the kill may be asked twice: one call in hand a worker, one answer not yet stored.
    assert len(asked.read_text().split()) <= 80 + 4


def test_an_answer_that_breaks_the_schema_names_the_field(workspace: Path, mini: Domain) -> None:
    tool = mini.root / "real_tool.py"
    tool.write_text(tool.read_text().replace('"error": "division by zero"', '"error": "division by zero " * 20'))
    with pytest.raises(DomainError, match=r"mini: the real tool's answer breaks outputSchema at 'error'"):
        run(Options("mini", count=200, workspace=workspace))


def test_a_tool_that_cannot_open_ends_the_run_with_its_reason(mini: Domain) -> None:
    @contextmanager
    def absent() -> Iterator:
        raise AdaptError("no compiler on this machine")
        yield

    with pytest.raises(AdaptError, match="no compiler"):
        list(answers(absent, islice(mini.calls(0), 10), 3))


def test_leaving_early_closes_every_tool(mini: Domain) -> None:
    events: Counter[str] = Counter()

    @contextmanager
    def watched() -> Iterator:
        events["open"] += 1
        with mini.open_real_tool() as tool:
            yield tool
        events["close"] += 1

    stream = answers(watched, mini.calls(0), 2)
    for _ in range(5):
        next(stream)
    stream.close()
    assert events["open"] == events["close"] == 2


def test_workers_take_calls_at_the_same_time(mini: Domain) -> None:
    class Slow:
        def __init__(self) -> None:
            self.environment: dict = {}

        def call(self, call):
            time.sleep(0.1)
            with mini.open_real_tool() as tool:
                return tool.call(call)

    @contextmanager
    def slow() -> Iterator:
        yield Slow()

    begun = time.monotonic()
    got = list(answers(slow, islice(mini.calls(0), 12), 4))
    assert {answer.item.call.key for answer in got} == {item.call.key for item in islice(mini.calls(0), 12)}
    assert time.monotonic() - begun < 0.9, "12 calls of 0.1 s one after another take 1.2 s"
    assert all(answer.seconds >= 0.1 for answer in got)


@pytest.mark.parametrize("options", [Options("mini", count=-1), Options("mini", workers=0)])
def test_senseless_numbers_are_refused(options: Options) -> None:
    with pytest.raises(AdaptError, match="--count must be"):
        run(options)


def test_a_domain_is_asked_on_the_engine_it_brings(workspace: Path, mini: Domain, capsys, monkeypatch) -> None:
    asked: list[int | None] = []

    def engine(items: Iterator, workers: int | None) -> Iterator:
        asked.append(workers)
        with mini.open_real_tool() as tool:
            for number, item in enumerate(items):
                if number == 3:
                    yield Unanswered(item, "the tool died twice")
                else:
                    yield Answered(item, tool.call(item.call), 0.5, {"machine": "far away"})

    monkeypatch.setattr("adapt.verbs.label.find", lambda *_: Found(replace(mini, engines={"far": engine}), "a test", 0))
    run(Options("mini", count=10, engine="far", workspace=workspace))
    assert "not labelled: " in (out := capsys.readouterr().out) and "the tool died twice" in out
    with store_of(workspace) as store:
        assert store.count() == 9
        assert list(store.environments().values()) == [{"machine": "far away"}]
    run(Options("mini", count=2, workers=2, workspace=workspace))
    assert asked == [None], "the second run was on threads of this process"
    with pytest.raises(AdaptError, match="--engine ray: mini is asked on far, local"):
        run(Options("mini", engine="ray", workspace=workspace))
