"""Tokenised records on disk: prepared once, read through a memory map.

Guarantees: memory does not grow with the records; the tables appear whole or not at all, and a finished one is used
again. A preparation that was killed begins anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base_gtm.errors import DataError
from base_gtm.files import write_whole
from base_gtm.prompt import completion, render
from base_gtm.training.progress import Lines
from base_gtm.training.records import HELD_OUT, Row, Sources, row_of

if TYPE_CHECKING:
    from datasets import Dataset, Features
    from transformers import PreTrainedTokenizerFast

FOLDER = "data"
FACTS = "facts.json"
"""Written last, so that its presence means the tables are whole."""
_TRAIN = ("input_ids", "sides", "length")
_SAMPLED = 4
"""Every so many records lend the new tokenizer their text, at most `_MOST_SAMPLED` of them, from each source alike."""
_MOST_SAMPLED = 20_000


@dataclass(frozen=True)
class Facts:
    """What there is to say of a prepared data set."""

    records: dict[str, int]
    """Source -> training records."""
    validation: dict[str, int]
    """Source -> validation records."""
    left_out: dict[str, int]
    """Reason -> records."""
    tokens: int
    """Of the training records."""
    cut: float
    """Share of the training prompts that lost text."""
    held_out: list[str]
    """Fields whose tools are none of the training records'."""


@dataclass(frozen=True)
class Prepared:
    """A data set ready for training."""

    train: Dataset
    """Columns input_ids, sides, length."""
    validation: Dataset
    """One column for every field of `Row`, and length."""
    facts: Facts


def prepare(sources: Sources, tokenizer: PreTrainedTokenizerFast) -> Prepared:
    """The tables in the folder to write, made if they are not there. Raises DataError and SpecError."""
    from datasets import Dataset

    folder = sources.options.out / FOLDER
    facts = folder / FACTS
    if not facts.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        found = _write(sources, tokenizer, folder)
        write_whole(facts, json.dumps(asdict(found), indent=1) + "\n")
    train, validation = (Dataset.from_file(str(folder / f"{part}.arrow")) for part in ("train", "validation"))
    return Prepared(train.with_format("numpy"), validation, Facts(**json.loads(facts.read_text())))


def new_tokenizer(sources: Sources) -> PreTrainedTokenizerFast:
    """A tokenizer trained on a sample of the records' texts."""
    from base_gtm.tokenizer import train_tokenizer

    def texts() -> Iterator[str]:
        lines, taken, each = Lines(), 0, sources.each(Counter())
        for drawn in each:
            learnt = (record for part, record in drawn if part == "train")
            for record in islice(learnt, 0, _SAMPLED * _MOST_SAMPLED // len(each), _SAMPLED):
                lines.say(f"sampling texts for the tokenizer: {taken:,} records")
                shown = render(
                    record.spec, record.call, evidence=record.evidence, blocks=record.blocks, history=record.history
                )
                yield shown.text
                yield completion(record.spec, record.result)
                taken += 1

    return train_tokenizer(texts(), sources.options.vocab_size)


def _features(vocab_size: int) -> dict[str, Any]:
    from datasets import List, Value

    token = Value("uint16" if vocab_size <= 1 << 16 else "int32")
    place = Value("int32")
    return {
        "input_ids": List(token),
        "sides": List(Value("uint8")),
        "length": place,
        "prompt_length": place,
        "source": Value("string"),
        "is_error": Value("bool"),
        "values": List(List(place)),
        "error_start": place,
        "answer_start": place,
        "cut": Value("bool"),
    }


def _write(sources: Sources, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Facts:
    from datasets import Features
    from datasets.arrow_writer import ArrowWriter

    options, columns = sources.options, _features(len(tokenizer))
    features: dict[str, Features] = {
        "train": Features({name: columns[name] for name in _TRAIN}),
        "validation": Features(columns),
    }
    counts = {"train": Counter[str](), "validation": Counter[str]()}
    left_out, lines = Counter[str](), Lines()
    tokens = cut = 0
    with ExitStack() as stack:
        writers = {
            part: stack.enter_context(
                ArrowWriter(path=str(folder / f"{part}.arrow"), features=features[part], writer_batch_size=1000)
            )
            for part in features
        }
        for part, record in sources.draw(left_out):
            row = row_of(record, tokenizer, options.max_tokens, options.max_completion)
            if isinstance(row, str):
                left_out[row] += 1
                continue
            raw = _raw(row)
            writers[part].write({name: raw[name] for name in features[part]})
            counts[part][row.source] += 1
            if part == "train":
                tokens += len(row.input_ids)
                cut += row.cut
            lines.say(f"prepared {counts['train'].total():,} records, {tokens:,} tokens")
        for writer in writers.values():
            writer.finalize()
    total = counts["train"].total()
    if not total:
        more = "; --all-tools learns from those of held-out tools" if left_out[HELD_OUT] else ""
        raise DataError(f"the sources hold no record to learn from: {_listed(left_out) or 'they are empty'}{more}")
    held_out = list(sources.split.fields) if sources.split else []
    return Facts(
        dict(counts["train"]), dict(counts["validation"]), dict(left_out), tokens, round(cut / total, 5), held_out
    )


def _raw(row: Row) -> dict[str, Any]:
    return {**vars(row), "length": len(row.input_ids)}


def _listed(left_out: Counter[str]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())
