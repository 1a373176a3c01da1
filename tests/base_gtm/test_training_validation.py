"""Validation against a slow count of the same figures, and the refusal threshold of a tool that can be learnt."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from datasets import Dataset

from base_gtm.data import Record, write_records
from base_gtm.model import NANO_FOLDER, new_nano
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, closed_object
from base_gtm.tokenizer import load_tokenizer
from base_gtm.training.dataset import prepare
from base_gtm.training.options import TrainOptions
from base_gtm.training.records import NEW, Sources
from base_gtm.training.run import run
from base_gtm.training.validation import Scores, Table, validate

SPEC = ToolSpec(
    "book",
    "Books a room.",
    closed_object({"room": {"type": "string"}, "nights": {"type": "integer"}}),
    closed_object({"room": {"type": "string"}, "price": {"type": "integer"}}),
)


def booking(random: Random) -> Record:
    """A tool that refuses the rooms whose name begins with x."""
    room = random.choice("abcx") + random.choice("rstuv")
    call = ToolCall("book", {"room": room, "nights": random.randrange(1000)})
    if room.startswith("x"):
        return Record(SPEC, call, ToolResult(is_error=True, text=f"no room {room}"), source="error:value")
    return Record(SPEC, call, ToolResult({"room": room, "price": 7}), source="single")


@pytest.fixture
def bookings(tmp_path: Path) -> Path:
    random = Random(0)
    write_records(tmp_path / "bookings.jsonl", (booking(random) for _ in range(400)))
    return tmp_path / "bookings.jsonl"


def test_the_table_is_what_a_slow_count_gives(tmp_path: Path, bookings: Path) -> None:
    import torch

    torch.set_num_threads(1)
    tokenizer = load_tokenizer(NANO_FOLDER)
    model = new_nano(
        tokenizer, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, initializer_range=0.3
    ).train()
    options = TrainOptions(out=tmp_path / "out", records=(bookings,), validation_share=0.1)
    rows = prepare(Sources(options), tokenizer).validation
    table = validate(model, rows, 4)
    assert model.training and set(table.sources) == {"all", "single", "error:value"}
    model.eval()
    losses, right, first, wrong = [], [], [], []
    for row in rows:
        with torch.inference_mode():
            logits = model(torch.tensor([row["input_ids"]])).logits[0]
        for group in row["values"]:
            losses += [float(-logits[at - 1].log_softmax(-1)[row["input_ids"][at]]) for at in group]
            right.append(all(int(logits[at - 1].argmax()) == row["input_ids"][at] for at in group))
        first.append(right[-len(row["values"])])
        if row["is_error"]:
            pair = logits[row["prompt_length"] - 1][[row["error_start"], row["answer_start"]]]
            wrong.append(float(pair.softmax(0)[0]))
    scores = table.sources["all"]
    assert (scores.records, scores.values) == (len(rows), len(right))
    assert scores.nll == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    assert scores.right == sum(right) / len(right) and scores.first == sum(first) / len(first)
    assert sorted(table.wrong) == pytest.approx(sorted(wrong), rel=1e-4)
    some = rows.to_list()
    for row in some[::2]:
        row |= {"source": NEW + row["source"]}
    some.append(some[0] | {"values": [], "source": "nothing"})
    marked = validate(model, Dataset.from_list(some), 4)
    assert len(marked.valid) + len(marked.wrong) == len(some[::2]), "the others do not set the threshold"
    assert marked.sources["nothing"] == Scores(1, 0.0, 0, 0.0, 0.0)
    assert marked.sources["all"].values == len(right)


def test_the_threshold_refuses_one_valid_call_in_twenty_at_most() -> None:
    table = Table({}, [at / 100 for at in range(100)], [0.2, 0.945, 0.96, 0.99])
    found = table.refusal()
    assert found is not None and table.auc == pytest.approx((20.5 + 95 + 96.5 + 99.5) / 400)
    above = sum(chance > found["threshold"] for chance in table.valid)
    assert above == 4 and found["caught"] == 0.5
    assert (found["n_valid"], found["n_wrong"], found["false_alarms"]) == (100, 4, 0.05)
    assert Table({}, [0.5] * 40, [0.5]).refusal() == {  # equal probabilities: nothing may be refused
        "threshold": 0.5,
        "false_alarms": 0.05,
        "caught": 0.0,
        "n_valid": 40,
        "n_wrong": 1,
    }
    assert Table({}, [0.1], []).refusal() is None and Table({}, [0.1], []).auc is None


@pytest.mark.slow
def test_a_model_learns_to_refuse_and_its_card_says_from_where_on(tmp_path: Path, bookings: Path) -> None:
    options = TrainOptions(
        out=tmp_path / "out",
        records=(bookings,),
        validation_share=0.2,
        vocab_size=400,
        hidden_size=64,
        layers=2,
        heads=2,
        steps=150,
        threads=1,
    )
    assert run(options) == 0
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    refusal, validation = card["refusal"], card["validation"]
    assert validation["auc"] > 0.95 and refusal["caught"] > 0.9 and 0 < refusal["threshold"] < 1
    assert refusal["n_wrong"] == validation["sources"]["error:value"]["records"] > 5
    assert validation["sources"]["single"]["right"] > 0.45, "one of two values is always the same"
