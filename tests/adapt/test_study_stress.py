"""A study that is killed again and again, wherever it happens to be: it ends as one that nobody disturbed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from study_toys import toy_study

from adapt.study.journal import Lines, read_json
from adapt.study.record import ANSWERS, ROLLOUTS, read_steps, read_texts
from adapt.study.speedup.judging import JUDGED
from adapt.study.speedup.study import UNTRAINED, carry_out

HERE = Path(__file__).parent
KILLS = 25


@pytest.mark.stress
@pytest.mark.timeout(1800)
def test_kills_anywhere_leave_no_trace(tmp_path: Path) -> None:
    import torch

    torch.set_num_threads(1)
    carry_out(toy_study(tmp_path / "calm", "real"), tmp_path / "calm/run")
    folder = tmp_path / "killed"
    (folder / "run").mkdir(parents=True)
    (folder / "agent").symlink_to(tmp_path / "calm/agent")
    draw = random.Random(7)
    kills = 0
    while kills < KILLS and not (folder / "run/report.html").exists():
        kills += _killed(folder, draw)
        if (folder / "run/real/seed-0/result.json").exists() and draw.random() < 0.5:
            (folder / "run/study.json").unlink(missing_ok=True)
    assert kills >= 3, "the process ended before it could be killed a few times"
    found = carry_out(toy_study(folder, "real"), folder / "run")
    calm, killed = tmp_path / "calm/run", folder / "run"
    one, other = calm / "real/seed-0", killed / "real/seed-0"
    assert [line["rewards"] for line in read_steps(other)] == [line["rewards"] for line in read_steps(one)]
    assert read_texts(other) == read_texts(one)
    assert list(Lines(killed / UNTRAINED).read()) == list(Lines(calm / UNTRAINED).read())
    for path, key in ((other / ANSWERS, "key"), (other / ROLLOUTS, "step"), (killed / JUDGED, "key")):
        named = [line[key] for line in Lines(path).read()]
        assert len(named) == len(set(named)), f"{path.name}: something is there twice"
    assert {line["key"] for line in Lines(killed / JUDGED).read()} == {
        line["key"] for line in Lines(calm / JUDGED).read()
    }
    assert read_json(other / "result.json")["repeated_steps_that_differ"] == 0
    assert found["arms"]["real"]["final"] == read_json(calm / "study.json")["arms"]["real"]["final"]


def _killed(folder: Path, draw: random.Random) -> int:
    """Start the study and kill it after its files begin to change, at a random moment; 1 where it really was killed."""
    command = [sys.executable, str(HERE / "study_toys.py"), str(folder), "0.01", str(draw.choice([0.0, 0.5, 1e9]))]
    environment = {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    before = _newest(folder / "run")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None and _newest(folder / "run") == before:
        time.sleep(0.01)
    time.sleep(draw.random() ** 2 * 1.5)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return int(alive)


def _newest(root: Path) -> float:
    return max((path.stat().st_mtime for path in root.rglob("*") if path.is_file()), default=0.0)
