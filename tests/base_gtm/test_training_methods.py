"""Full training, LoRA and QLoRA on two-layer Qwen2 and Llama of random weights: each learns, and loads plainly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from some_records import write_some

from base_gtm.errors import ModelError
from base_gtm.model import NANO_FOLDER, attach, load_base
from base_gtm.tokenizer import load_tokenizer
from base_gtm.training.options import TrainOptions
from base_gtm.training.run import run

ARCHITECTURES = ("Qwen2", "Llama")
RECORDS = "some.jsonl"
RATE = {"full": 3e-3, "lora": 1e-2, "qlora": 1e-2}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bases, in a folder with the records that they go on with."""
    import torch
    import transformers

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("random")
    write_some(folder / RECORDS, 96)
    tokenizer = load_tokenizer(NANO_FOLDER)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    ends = {"bos_token_id": None, "eos_token_id": 0, "pad_token_id": 1}
    for name in ARCHITECTURES:
        config = getattr(transformers, f"{name}Config")(
            vocab_size=len(tokenizer), intermediate_size=128, initializer_range=0.2, **ends, **sizes
        )
        torch.manual_seed(0)
        getattr(transformers, f"{name}ForCausalLM")(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return {name: folder / name for name in ARCHITECTURES}


def options_of(base: Path, method: str, out: Path, **others: Any) -> TrainOptions:
    return TrainOptions(
        out=out,
        base=str(base),
        method=method,
        records=(base.parent / RECORDS,),
        steps=24,
        batch=4,
        learning_rate=RATE[method],
        validation_share=0.1,
        validate_steps=0,
        save_steps=7,
        threads=1,
        **others,
    )


def curve(folder: Path) -> list[float]:
    return [row["loss"] for row in json.loads((folder / "card.json").read_text())["loss_curve"]]


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(torch.tensor([[2, 30, 31, 32, 40, 50]])).logits[0]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_learns_and_loads(folders: dict[str, Path], tmp_path: Path, architecture: str, method: str) -> None:
    import torch

    out = tmp_path / "out"
    assert run(options_of(folders[architecture], method, out)) == 0
    losses = curve(out)
    assert sum(losses[-5:]) < 0.85 * sum(losses[:5])
    base = load_base(str(folders[architecture]))
    before = logits(base.model)
    if method == "full":
        learnt: Any = load_base(str(out)).model
    else:
        from peft import PeftModel

        card, settings = (json.loads((out / name).read_text()) for name in ("card.json", "adapter_config.json"))
        assert card["base_hash"] == base.hash
        assert settings["modules_to_save"] is None and not settings["use_dora"] and settings["r"] == 16
        learnt = PeftModel.from_pretrained(base.model, str(out)).eval()
    assert not torch.allclose(logits(learnt), before, atol=1e-2)
    if method != "full":
        attach(load_base(str(folders[architecture])), out)  # the project's own loading accepts the card


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_an_adapter_goes_on_as_if_it_had_not_stopped(folders: dict[str, Path], tmp_path: Path, method: str) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    run(options_of(folders["Llama"], method, whole))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("base_gtm.training.run.save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(options_of(folders["Llama"], method, stopped))
    last = sorted((stopped / "checkpoints").iterdir(), key=lambda path: int(path.name.split("-")[1]))[-1]
    shutil.rmtree(last)  # as if killed before it
    run(options_of(folders["Llama"], method, stopped))
    assert curve(stopped) == curve(whole)
    assert (stopped / "adapter_model.safetensors").read_bytes() == (whole / "adapter_model.safetensors").read_bytes()


def interrupt(*_: Any) -> None:
    """As a kill before the adapter is written."""
    raise KeyboardInterrupt


@pytest.mark.slow
def test_an_adapter_refuses_another_base(folders: dict[str, Path], tmp_path: Path) -> None:
    run(options_of(folders["Qwen2"], "lora", tmp_path / "out"))
    with pytest.raises(ModelError, match="trained on Qwen2"):
        attach(load_base(str(folders["Llama"])), tmp_path / "out")
