"""Training: what is written, what goes wrong in one line, and going on after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Adapt
from specialists import Made, labelled, options, trained

from adapt.adapter import open_adapter, require_adapter
from adapt.checkpoints import CLOCK
from adapt.domain import Domain
from adapt.errors import AdaptError, ArtifactError
from adapt.loop import Schedule
from adapt.runs import latest, read, runs_root
from adapt.verbs import train


def _latest(made: Made) -> Path:
    folder = latest("mini", "train", made.workspace)
    assert folder is not None
    return folder


def test_an_adapter_is_plain_lora_with_a_card() -> None:
    from safetensors import safe_open

    made = trained()
    folder = _latest(made) / "adapter"
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]
    with safe_open(folder / "adapter_model.safetensors", "pt") as stored:
        assert all(".lora_A." in name or ".lora_B." in name for name in stored.keys())  # noqa: SIM118
    settings = json.loads((folder / "adapter_config.json").read_text())
    assert settings["r"] == 16 and not settings["use_dora"] and not settings["modules_to_save"]
    assert "lm_head" not in settings["target_modules"]
    card = json.loads((folder / "card.json").read_text())
    assert card["labels"] == 400 == sum(card["labels_by_class"].values())
    assert card["spec_hash"] == made.domain.spec.schema_hash
    losses = [entry["loss"] for entry in card["loss_curve"] if "loss" in entry]
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert card["validation_accuracy"]["accuracy"] > card["validation_accuracy"]["majority"]
    assert str(made.workspace) not in (folder / "adapter_config.json").read_text().replace(str(made.base), "")
    assert not (_latest(made) / "checkpoints").exists()
    assert read(_latest(made))["results"]["labels"] == 400


def test_an_adapter_of_another_spec_or_base_is_refused(tmp_path: Path) -> None:
    made = trained()
    with pytest.raises(ArtifactError, match="adapt train mini"):
        open_adapter(made.domain, made.workspace, base_hash="0000")
    other = tmp_path / "mini"
    other.mkdir()
    spec = json.loads((made.domain.root / "spec.json").read_text())
    spec["inputSchema"]["properties"]["expression"]["maxLength"] = 99
    (other / "spec.json").write_text(json.dumps(spec))
    with pytest.raises(ArtifactError, match="another spec"):
        open_adapter(replace(made.domain, root=other), made.workspace)


def test_no_adapter_names_the_verb(mini: Domain, workspace: Path) -> None:
    assert open_adapter(mini, workspace) is None
    with pytest.raises(ArtifactError, match="run `adapt train mini` first"):
        require_adapter(mini, workspace)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "mini"), "run `adapt label mini` first"),
        (("train", "nothing"), "no domain called 'nothing'"),
        (("train", "mini", "--epochs", "0"), "--epochs must be more than 0"),
        (("train", "mini", "--wandb", "maybe"), "say off, offline or online"),
        (("train", "mini", "--lr", "fast"), "--lr"),
        (("calibrate", "mini"), "run `adapt label mini` first"),
        (("calibrate", "mini", "--accuracy", "1.5"), "between 0 and 1"),
    ],
)
def test_mistakes_are_one_line(adapt: Adapt, workspace: Path, arguments: tuple[str, ...], said: str) -> None:
    done = adapt(*arguments, cwd=workspace)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("error: ") and said in done.stderr


def test_quantised_training_needs_a_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(AdaptError, match="NVIDIA GPU"):
        train.run(options(labelled(), qlora=True, limit=32))


def test_the_schedule_ends_at_zero_by_steps_or_by_time() -> None:
    by_steps = Schedule(100, None, time.monotonic())
    assert (
        by_steps.factor(0) < 0.05 and by_steps.factor(6) > 0.95 and by_steps.factor(100) == pytest.approx(0, abs=1e-9)
    )
    assert not by_steps.spent
    by_time = Schedule(10**6, 60.0, time.monotonic() - 60)
    assert by_time.factor(5) == pytest.approx(0, abs=1e-9) and by_time.spent
    assert Schedule(10**6, 60.0, time.monotonic() - 30).factor(5) == pytest.approx(0.54, abs=0.02)


def test_a_budget_ends_the_training_and_a_site_target_leaves_no_trace() -> None:
    made = labelled()
    assert train.run(options(made, minutes=0.03, epochs=500.0, error_site_weight=0.5, limit=64)) == 0
    folder = _latest(made) / "adapter"
    card = json.loads((folder / "card.json").read_text())
    assert 1.8 <= card["seconds"] < 60 and card["steps"] < 64 * 500 / 8
    assert card["loss_curve"][-1].get("learning_rate", 0.0) < 5e-3
    assert sorted(path.name for path in folder.iterdir())[0] == "adapter_config.json"
    assert b"site_head" not in (folder / "adapter_model.safetensors").read_bytes()


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_adapter(environment: dict[str, str], tmp_path: Path) -> None:
    from safetensors.torch import load_file

    made = labelled()
    plan = {"epochs": 4.0, "limit": 256, "seed": 7}
    assert train.run(options(made, **plan)) == 0
    whole = _latest(made)
    cut = tmp_path / "cut"
    (cut / "runs" / "mini").mkdir(parents=True)
    (cut / "domains").symlink_to(made.workspace / "domains")
    for name in ("labels.sqlite", "labels.sqlite-wal", "labels.sqlite-shm"):
        source = runs_root("mini", made.workspace) / name
        if source.exists():
            (cut / "runs" / "mini" / name).write_bytes(source.read_bytes())
    chosen = replace(options(made, **plan), workspace=cut)
    settings = {**chosen.__dict__, "workspace": str(cut)}
    code = (
        "import adapt.checkpoints; adapt.checkpoints.SAVE_EVERY_S = 0.2\n"
        "from pathlib import Path; from adapt.verbs import train\n"
        f"train.run(train.Options(**({settings!r} | {{'workspace': Path({str(cut)!r})}})))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 200
    while not list(cut.glob(f"runs/mini/train/*/checkpoints/checkpoint-*/{CLOCK}")):
        assert child.poll() is None and time.monotonic() < deadline, "no checkpoint before the end of training"
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert latest("mini", "train", cut) is None
    assert train.run(chosen) == 0
    runs = list((cut / "runs" / "mini" / "train").iterdir())
    assert len(runs) == 1 and read(runs[0])["resumed"]
    card = json.loads((runs[0] / "adapter" / "card.json").read_text())
    assert card["steps"] == json.loads((whole / "adapter" / "card.json").read_text())["steps"]
    first, second = (load_file(run / "adapter" / "adapter_model.safetensors") for run in (whole, runs[0]))
    assert all((first[name] - second[name]).abs().max() < 1e-3 for name in first)
