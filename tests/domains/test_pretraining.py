"""Records for the base from the kernel domains, and the base's training on a GPU, dry."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from base_gtm.arguments import validator
from base_gtm.data import write_records
from base_gtm.schema import canonical_json
from domains.base_on_gpu import base_on_gpu
from domains.cpp import DOMAIN as CPP
from domains.cuda import DOMAIN as CUDA
from domains.cuda.calls import HELD_OUT_MISTAKES, TEST_OPERATORS
from domains.pretrain import LINE, labels, reviews
from kernelbench_harness.errors import HarnessError


def test_reviews_point_at_the_line_and_keep_to_the_training_split() -> None:
    items = [item for item in islice(CUDA.calls(100), 120) if item.split == "train"]
    found = list(islice(reviews(CUDA, 100), len(items)))
    assert not {item.group for item in items} & TEST_OPERATORS
    assert not {item.tags["mistake"] for item in items} & HELD_OUT_MISTAKES
    for item, record in zip(items, found, strict=True):
        said = record.result.content
        validator(record.spec.name, canonical_json(record.spec.output_schema)).validate(dict(said))
        assert said["planted"] == item.tags["mistake_class"] and record.evidence
        assert said["line"] in item.call.arguments["candidate"] and len(said["line"]) <= LINE
        assert bool(said["line"]) <= bool(item.tags["site"])
    assert {record.source for record in found} == {"cuda_review", "triton_review"}
    (other,) = islice(reviews(CUDA, 100, "validation"), 1)
    assert other.call.key not in {record.call.key for record in found}


def test_labels_are_those_that_ship_for_training() -> None:
    found = list(islice(labels(CPP), 30))
    assert {record.source for record in found} == {"cpp_label"} and all(record.spec == CPP.spec for record in found)
    assert all(record.result.content["verdict"] and record.evidence and record.blocks for record in found)


def test_the_base_is_trained_once_a_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_records(tmp_path / "kernels.jsonl", islice(reviews(CPP, 100), 24))
    given = {"records": [tmp_path / "kernels.jsonl"], "sizes": "nano", "dry_run": True, "out": tmp_path}
    base_on_gpu(**given)
    written = json.loads((tmp_path / "dry-run/base.json").read_text())["figures"]["nano"]
    assert not written["failed"] and written["card"]["parameters"] > 10_000
    assert (tmp_path / "dry-run/base/nano/model.safetensors").is_file()
    journal = (tmp_path / "dry-run/base.journal.jsonl").read_text()
    base_on_gpu(**given)
    assert (tmp_path / "dry-run/base.journal.jsonl").read_text() == journal
    assert "trained" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"sizes": "giant"}, "--sizes 'giant'"),
        ({}, "nothing to learn from"),
        ({"carg": [Path("nowhere")]}, "not there"),
    ],
)
def test_mistakes_are_one_line(given: dict[str, object], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=complaint) as caught:
        base_on_gpu(dry_run=True, out=tmp_path, **given)
    assert "\n" not in str(caught.value)
