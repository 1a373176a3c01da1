"""`base-gtm train`, really run at its smallest size: learns, writes a loadable base, goes on after a kill; mistakes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from accelerate import DistributedType
from some_records import write_some

from base_gtm.cli import main
from base_gtm.errors import DataError, ModelError
from base_gtm.model import load_base
from base_gtm.training.options import TrainOptions
from base_gtm.training.run import _require_devices, run
from base_gtm.training.weights import fresh

SMALL: dict[str, Any] = {"vocab_size": 512, "hidden_size": 32, "layers": 1, "heads": 2, "batch": 8, "threads": 1}
RUN = {"steps": 60, "save_steps": 6, "validate_steps": 20, "validation_share": 0.1} | SMALL
SOME = {"records": "{}/some.jsonl"}


def given(out: Path, **options: Any) -> list[str]:
    """The command line of options."""
    flags = [
        f"--{name.replace('_', '-')}" + (f"={value}" if value is not None else "") for name, value in options.items()
    ]
    return ["train", f"--out={out}", *flags]


def refused(monkeypatch: pytest.MonkeyPatch, capsys: Any, *arguments: str) -> str:
    """What the command says to a mistake, after checking that it is one line with status 2."""
    monkeypatch.setattr(sys, "argv", ["base-gtm", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    said = str(capsys.readouterr().err)
    assert stop.value.code == 2 and said.startswith("error: ") and said.count("\n") == 1, said
    return said


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_some(tmp_path_factory.mktemp("records") / "some.jsonl", 160)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, some: Path) -> Path:
    out = tmp_path_factory.mktemp("train") / "base"
    assert run(TrainOptions(out=out, records=(some,), **RUN)) == 0
    return out


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card


def test_loss_falls_and_the_folder_loads(trained: Path) -> None:
    card = card_of(trained)
    losses = [row["loss"] for row in card["loss_curve"]]
    assert losses[-1] < 0.7 * losses[0]
    assert load_base(str(trained)).model.num_parameters() == card["parameters"]
    assert "step" in (trained / "loss.svg").read_text()
    assert not list(trained.rglob("*.bin")) and not (trained / "checkpoints").exists()


def test_the_card_says_what_it_was_made_of(trained: Path) -> None:
    card = card_of(trained)
    assert card["recipe"]["steps"] == 60 and "out" not in card["recipe"]
    assert sum(card["records_by_source"].values()) == card["records"] > 100
    measured = [json.loads(line) for line in (trained / "validation.jsonl").read_text().splitlines()]
    assert [row["step"] for row in measured] == [20, 40, 60]
    assert measured[-1]["sources"] == card["validation"]["sources"]
    assert (
        sum(one["records"] for name, one in card["validation"]["sources"].items() if name != "all")
        == (card["validation"]["sources"]["all"]["records"])
    )
    assert "refusal" not in card, "the records hold no errors"


def test_a_finished_run_is_not_done_again(trained: Path, some: Path, capsys: Any) -> None:
    before = (trained / "model.safetensors").stat().st_mtime_ns
    assert run(TrainOptions(out=trained, records=(some,), **RUN)) == 0
    assert "finished before" in capsys.readouterr().out
    assert (trained / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_killed_run_has_the_curve_of_an_undisturbed_one(trained: Path, some: Path, tmp_path: Path) -> None:
    out = tmp_path / "base"
    command = [sys.executable, "-c", "from base_gtm.cli import main; main()", *given(out, records=some, **RUN)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    deadline = time.monotonic() + 120
    while not (out / "checkpoints" / "checkpoint-30" / "clock.json").exists():  # in the second pass over the records
        assert victim.poll() is None and time.monotonic() < deadline, victim.communicate()[1]
        time.sleep(0.005)
    time.sleep(0.1)  # some steps on, which are done again
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not (out / "card.json").exists()
    (out / "checkpoints" / "checkpoint-59").mkdir()  # as a kill within a checkpoint leaves it
    assert subprocess.run(command, stdout=subprocess.DEVNULL, env=environment).returncode == 0
    undisturbed, resumed = card_of(trained), card_of(out)
    assert resumed["loss_curve"] == undisturbed["loss_curve"] and len(resumed["loss_curve"]) == 20
    assert (out / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    assert (out / "validation.jsonl").read_text() == (trained / "validation.jsonl").read_text()


@pytest.mark.slow
def test_two_processes_have_the_curve_of_one_with_twice_the_batch(some: Path, tmp_path: Path) -> None:
    packed = {"packing": None, "max_tokens": 200, "max_completion": 60, "validate_steps": 2, "steps": 4}
    chosen = {**RUN, **packed}
    script = tmp_path / "train.py"
    script.write_text("from base_gtm.cli import main\n\nmain()\n")
    several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, *several, *given(tmp_path / "two", records=some, **chosen | {"batch": 4})]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("parameters") == 1, "one process speaks"
    run(TrainOptions(out=tmp_path / "one", records=(some,), **chosen | {"packing": True, "batch": 8}))
    two, one = ([row["loss"] for row in card_of(tmp_path / name)["loss_curve"]] for name in ("two", "one"))
    assert two == pytest.approx(one, rel=1e-4) and len(one) == 4


def test_another_run_in_the_folder_is_refused(
    trained: Path, some: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    said = refused(
        monkeypatch, capsys, *given(trained, records=some, **RUN | {"hidden_size": 64, "learning_rate": 0.1})
    )
    assert "another run" in said and "hidden_size was 32" in said and "learning_rate was 0.003" in said


def test_what_an_earlier_version_did_not_ask_for_is_what_it_did(
    trained: Path, some: Path, tmp_path: Path, capsys: Any
) -> None:
    shutil.copytree(trained, tmp_path / "base")
    path = tmp_path / "base" / "run.json"
    held = json.loads(path.read_text())
    del held["recipe"]["rising"], held["recipe"]["carg"], held["contents"]
    path.write_text(json.dumps(held))
    assert run(TrainOptions(out=tmp_path / "base", records=(some,), **RUN)) == 0
    assert "finished before" in capsys.readouterr().out
    with pytest.raises(DataError, match="rising was False"):
        run(TrainOptions(out=tmp_path / "base", records=(some,), rising=True, **RUN))


def test_other_records_of_as_many_bytes_are_another_run(trained: Path, some: Path, tmp_path: Path) -> None:
    other = tmp_path / some.name
    other.write_text(some.read_text().replace("e", "o", 1))
    with pytest.raises(DataError, match="its data had other contents"):
        run(TrainOptions(out=trained, records=(other,), **RUN))


@pytest.mark.parametrize(("kind", "visible"), [("NO", 2), ("NO", 1), ("MULTI_GPU", 2)])
def test_several_gpus_want_a_launcher(monkeypatch: pytest.MonkeyPatch, some: Path, kind: str, visible: int) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: visible)
    state: Any = SimpleNamespace(distributed_type=DistributedType(kind), device=torch.device("cuda"), num_processes=1)
    refused = pytest.raises(DataError, match="accelerate launch") if (kind, visible) == ("NO", 2) else nullcontext()
    with refused:
        _require_devices(TrainOptions(out=some, records=(some,)), state)


@pytest.mark.parametrize("heads", [1, 2, 3, 5])
def test_any_number_of_heads_that_fits_is_a_model(tokenizer: Any, some: Path, heads: int) -> None:
    options = TrainOptions(out=some, records=(some,), hidden_size=4 * heads, heads=heads, layers=1)
    assert fresh(options, tokenizer)(torch.tensor([[1, 2]])).logits.shape[1] == 2


def test_a_model_in_the_folder_is_refused(base: Any, some: Path, tmp_path: Path) -> None:
    base.model.save_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"holds a config\.json already"):
        run(TrainOptions(out=tmp_path, records=(some,)))


def test_a_checkpoint_of_other_sizes_is_refused(some: Path, tmp_path: Path) -> None:
    given = {**RUN, "records": (some,), "validate_steps": 0, "rising": True}
    one, other = ({**given, "hidden_size": size} for size in (32, 64))
    for name, options in (("one", one), ("other", other)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("base_gtm.training.run.save", stop)
            with pytest.raises(KeyboardInterrupt):
                run(TrainOptions(out=tmp_path / name, **options | {"steps": 9}))
    shutil.rmtree(tmp_path / "other" / "checkpoints")
    shutil.copytree(tmp_path / "one" / "checkpoints", tmp_path / "other" / "checkpoints")
    with pytest.raises(ModelError, match="other sizes"):
        run(TrainOptions(out=tmp_path / "other", **other | {"steps": 9}))


def stop(*_: Any) -> None:
    """As a kill just before the result is written."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "nothing to learn from"),
        ({"records": "{}/none.jsonl"}, "no such file"),
        ({"carg": "{}/none"}, "no such folder"),
        ({"records": "{}/other.jsonl"}, "other.jsonl:1: 'spec' is missing"),
        ({"records": "{}/crooked.jsonl"}, "crooked.jsonl"),
        ({"carg": "{}/other"}, "no table of records"),
        ({"carg": "{}/empty"}, "holds no records"),
        (SOME | {"base": "{}/none"}, "no such folder"),
        (SOME | {"base": "{}/pickle"}, "is a pickle"),
        (SOME | {"method": "sgd"}, "known are full, lora, qlora"),
        (SOME | {"method": "lora"}, "name one with --base"),
        (SOME | {"batch": "0"}, "--batch 0: give a finite number above zero"),
        (SOME | {"epochs": "inf"}, "--epochs inf: give a finite number above zero"),
        (SOME | {"threads": "-1"}, "--threads -1: give a finite number, zero or more"),
        (SOME | {"seed": "-1"}, "--seed -1: give a number from 0"),
        (SOME | {"rising": None, "minutes": 1}, "--rising: under --minutes"),
        (SOME | {"hidden_size": 20, "heads": 4}, "even multiple of the heads"),
        (SOME | {"max_tokens": 9}, "prompt too long"),
        (SOME | {"base": "nano", "max_tokens": 9000}, "and the base reads"),
        (SOME | {"prompt_share": 0}, "--prompt-share 0.0: give a share above 0"),
    ],
)
def test_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    write_some(tmp_path / "some.jsonl", 9)
    (tmp_path / "other.jsonl").write_text('{"question": "why?"}\n')
    spec = {"name": "t", "inputSchema": {"type": "object"}}
    crooked = {"spec": spec, "name": "t", "arguments": {}, "result": {}, "blocks": 5}
    (tmp_path / "crooked.jsonl").write_text(json.dumps(crooked) + "\n")
    for name in ("empty", "other", "pickle"):
        (tmp_path / name).mkdir()
    write_table(pyarrow.table({"text": ["a"]}), tmp_path / "other" / "part-00000.parquet")
    (tmp_path / "pickle" / "config.json").write_text("{}")
    (tmp_path / "pickle" / "pytorch_model.bin").write_bytes(b"")
    filled = {name: value and str(value).replace("{}", str(tmp_path)) for name, value in options.items()}
    assert words in refused(monkeypatch, capsys, *given(tmp_path / "out", **filled))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU may have it")
@pytest.mark.parametrize("has", [False, True])
def test_bfloat16_is_for_machines_that_compute_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, some: Path, tmp_path: Path, has: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has})
    wanted = given(tmp_path / "out", records=some, bf16=None, prompt_share=0.25, steps=12, batch=4, threads=1)
    if not has:
        assert "would emulate bfloat16" in refused(monkeypatch, capsys, *wanted)
        return
    monkeypatch.setattr(sys, "argv", ["base-gtm", *wanted])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    curve = card_of(tmp_path / "out")["loss_curve"]
    assert curve[-1]["loss"] < curve[0]["loss"]


def test_qlora_without_bitsandbytes_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, some: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    said = refused(monkeypatch, capsys, *given(tmp_path / "out", records=some, base="nano", method="qlora"))
    assert "needs bitsandbytes: pip install" in said
