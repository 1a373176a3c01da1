"""The loss: weights, packed rows that see nothing of each other, accumulated batches that weigh as one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from some_records import write_some

from base_gtm.model import NANO_FOLDER, new_nano
from base_gtm.tokenizer import load_tokenizer
from base_gtm.training.dataset import Prepared, prepare
from base_gtm.training.loss import collate, weighted_sum
from base_gtm.training.options import TrainOptions
from base_gtm.training.records import Sources
from base_gtm.training.schedule import batches_taken, order
from base_gtm.training.trainer import fit

WEIGHTS = (10.0, 0.1, 0.1)


@pytest.fixture(scope="module")
def nano() -> Any:
    return load_tokenizer(NANO_FOLDER)


@pytest.fixture(scope="module")
def model(nano: Any) -> Any:
    import torch

    torch.set_num_threads(1)
    return new_nano(nano, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, initializer_range=0.3)


def rows(*lengths: int) -> list[dict[str, Any]]:
    return [
        {
            "input_ids": [10 + (7 * at + length) % 500 for at in range(length)],
            "sides": [2, 2, *[at % 2 for at in range(length - 2)]],
        }
        for length in lengths
    ]


def summed(model: Any, batch: dict[str, Any]) -> float:
    import torch

    with torch.inference_mode():
        inputs = {name: batch[name] for name in ("input_ids", "position_ids") if name in batch}
        return float(weighted_sum(model, inputs, batch["labels"], batch["weights"]))


def test_each_side_has_its_weight(model: Any) -> None:
    import torch

    (row,) = rows(9)
    with torch.inference_mode():
        logs = model(torch.tensor([row["input_ids"]])).logits[0].log_softmax(-1)
    expected = -sum(
        WEIGHTS[row["sides"][at]] * float(logs[at - 1, row["input_ids"][at]]) for at in range(1, len(row["input_ids"]))
    )
    assert summed(model, collate(1, WEIGHTS)([row])) == pytest.approx(expected, rel=1e-5)


def test_a_share_of_the_prompt_stands_for_all_of_it(model: Any) -> None:
    prompts = [{**row, "sides": [2] * len(row["sides"])} for row in rows(*range(20, 420))]
    whole, drawn = collate(1, WEIGHTS)(prompts), collate(1, WEIGHTS, 0.25)(prompts)
    share = float((drawn["weights"] > 0).sum() / (whole["weights"] > 0).sum())
    assert 0.24 < share < 0.26
    assert summed(model, drawn) == pytest.approx(summed(model, whole), rel=0.02)
    assert collate(1, WEIGHTS, 0.25)(prompts[7:8])["weights"].equal(drawn["weights"][7:8, :27]), "the same of the same"


def test_the_head_reads_only_what_counts(model: Any) -> None:
    read = []
    hook = model.get_output_embeddings().register_forward_hook(lambda _, given, found: read.append(len(found)))
    batch = collate(1, (1.0, 0.0, 0.0))(rows(9, 30))
    summed(model, batch)
    hook.remove()
    assert read == [int((batch["weights"] > 0).sum())] and 0 < read[0] < 20


def test_padding_changes_nothing(model: Any) -> None:
    together, alone = rows(5, 30, 12), collate(1, WEIGHTS)
    assert summed(model, alone(together)) == pytest.approx(
        sum(summed(model, alone([row])) for row in together), rel=1e-5
    )


def test_packed_records_do_not_see_each_other(model: Any) -> None:
    apart = rows(9, 20, 14, 6)
    batch = collate(1, WEIGHTS)
    packed = [
        {
            "input_ids": apart[a]["input_ids"] + apart[b]["input_ids"],
            "sides": apart[a]["sides"] + apart[b]["sides"],
            "seq_lengths": [len(apart[a]["input_ids"]), len(apart[b]["input_ids"])],
        }
        for a, b in ((0, 1), (2, 3))
    ]
    expected = sum(summed(model, batch([row])) for row in apart)
    assert summed(model, batch(packed)) == pytest.approx(expected, rel=1e-5)
    blind = batch(packed)
    del blind["position_ids"]
    assert summed(model, blind) != pytest.approx(expected, rel=1e-2), "a leak would have been seen"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, nano: Any) -> tuple[TrainOptions, Prepared]:
    out = tmp_path_factory.mktemp("data")
    options = TrainOptions(
        out=out,
        records=(write_some(out / "some.jsonl", 100),),
        validation_share=0,
        validate_steps=0,
        max_tokens=200,
        max_completion=60,
        steps=6,
        packing=True,
        batch=8,
    )
    return options, prepare(Sources(options), nano)


def losses(nano: Any, data: tuple[TrainOptions, Prepared], out: Path, **others: Any) -> list[float]:
    options, prepared = data
    fresh = new_nano(nano, hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    fitted = fit(fresh.train(), nano, prepared.train, replace(options, out=out, **others), lambda model, step: None)
    return [row["loss"] for row in fitted.curve]


def test_accumulated_batches_and_the_fused_head_give_the_loss_of_one_batch(
    nano: Any, data: tuple[TrainOptions, Prepared], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = losses(nano, data, tmp_path / "a")
    assert len(whole) == 6 and whole[-1] < whole[0]
    assert losses(nano, data, tmp_path / "b", batch=2, accumulate=4) == pytest.approx(whole, rel=1e-4)
    monkeypatch.setattr("base_gtm.training.trainer._LARGE", 0)
    assert losses(nano, data, tmp_path / "c") == pytest.approx(whole, rel=1e-4)


def test_the_options_name_the_weights(tmp_path: Path) -> None:
    options = TrainOptions(out=tmp_path, records=(tmp_path / "some.jsonl",))
    assert options.weights == WEIGHTS
    assert replace(options, loss="completion").weights == (1, 1, 0)
    assert replace(options, loss="all").weights == (1, 1, 1)


@pytest.mark.parametrize("lengths", [None, [at % 97 for at in range(1003)]])
def test_an_epoch_has_every_row_once_and_its_own_order(lengths: list[int] | None) -> None:
    first, again, second = (order(lengths, 1003, 8, 0, epoch) for epoch in (0, 0, 1))
    assert sorted(first) == list(range(1003)) and first == again != second
    if lengths:
        spread = [max(group) - min(group) for group in zip(*[iter([lengths[at] for at in first])] * 8, strict=False)]
        assert sum(spread) / len(spread) < 10, "rows of a batch are of like length"
        for taken in (30, 1003):
            rising = order(lengths, 1003, 8, 0, 0, rising=taken)
            longest = [max(lengths[at] for at in rising[start : start + 8]) for start in range(0, 1000, 8)][:taken]
            assert sorted(rising) == sorted(first) and longest == sorted(longest)
            assert set(rising[: taken * 8]) == set(first[: taken * 8]) and longest[-1] > 90, "long ones are among them"


def test_only_the_batches_that_a_run_comes_to_are_sorted(tmp_path: Path) -> None:
    options = TrainOptions(out=tmp_path, records=(tmp_path / "some.jsonl",), batch=4, accumulate=2, rising=True)
    taken = {
        steps: [batches_taken(97, replace(options, steps=steps), epoch) for epoch in range(3)] for steps in (3, 20)
    }
    assert taken == {3: [6, 0, 0], 20: [40, 14, 0]}, "an epoch has 25 batches, 13 updates"
