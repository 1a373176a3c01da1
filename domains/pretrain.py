"""Training records for the generalist, from the kernel domains: `python -m domains.pretrain --out kernels.jsonl`.

Two kinds. The labels that ship, of the training split alone: the tool's own verdicts. And reviews: an invented tool,
`kernel_review`, is asked what kind of mistake the generator planted and in which line. That is no label (a planted
mistake may be harmless, and only the real tool decides), but it shows the base what kernels in C++, CUDA and Triton
look like and how findings bear on them. No test or validation operator, no held-out mistake, unless another split is
asked for, to measure on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from adapt.domain import CallItem, Domain, Split
from adapt.examples import unique
from adapt.parquet import read_labels
from base_gtm.data import Record, write_records
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, closed_object

MISTAKES = ("none", "compile", "runtime", "value", "shape", "performance")
LINE = 100
"""Characters of a line that a review repeats."""
REVIEW = ToolSpec(
    name="kernel_review",
    description="Reads a candidate kernel and says what kind of mistake was planted in it, and in which line.",
    input_schema=closed_object({"reference": {"type": "string"}, "candidate": {"type": "string"}}),
    output_schema=closed_object({"planted": {"enum": list(MISTAKES)}, "line": {"type": "string", "maxLength": LINE}}),
)


def labels(domain: Domain, split: Split = "train") -> Iterator[Record]:
    """The labels of a split that ship with a domain, as its adapter sees them."""
    spec, records = domain.spec, read_labels(domain.root / "labels" / "labels.parquet")
    for record in unique(record for record in records if record.split == split):
        yield _record(domain, spec, record.call, record.result, f"{domain.name}_label")


def reviews(domain: Domain, seed: int, split: Split = "train") -> Iterator[Record]:
    """Endless reviews of a split's candidates."""
    for item in domain.calls(seed):
        if item.split == split:
            result = ToolResult({"planted": item.tags["mistake_class"], "line": _line(item)})
            call = ToolCall(REVIEW.name, item.call.arguments)
            source = "triton" if item.cohort == "triton" else domain.name
            yield _record(domain, REVIEW, call, result, f"{source}_review")


def _record(domain: Domain, spec: ToolSpec, call: ToolCall, result: ToolResult, source: str) -> Record:
    assert domain.evidence and domain.prompt_arguments
    facts = domain.evidence(ToolCall("", call.arguments)).text
    return Record(spec, call, result, facts, domain.prompt_arguments(call.arguments), source)


def _line(item: CallItem) -> str:
    """The line of the candidate in which the mistake begins; nothing for a clean one."""
    site = item.tags["site"]
    if not site:
        return ""
    text = str(item.call.arguments["candidate"])
    start, end = text.rfind("\n", 0, site[0]) + 1, text.find("\n", site[0])
    return text[start : end if end >= 0 else len(text)].strip()[:LINE]


def main() -> None:
    from domains.cpp import DOMAIN as CPP
    from domains.cuda import DOMAIN as CUDA

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reviews", type=int, default=12000, help="reviews of each domain")
    parser.add_argument("--split", choices=["train", "validation"], default="train", help="of operators and mistakes")
    parser.add_argument("--seed", type=int, default=100, help="seed of the corpus stream (labels ship from seed 0)")
    parser.add_argument("--out", type=Path, required=True, help="JSON-lines file to write")
    options = parser.parse_args()

    def records() -> Iterator[Record]:
        for domain in (CPP, CUDA):
            yield from labels(domain, options.split)
            yield from islice(reviews(domain, options.seed, options.split), options.reviews)

    print(write_records(options.out, records()), "records")


if __name__ == "__main__":
    main()
