"""To a GPU box and back: the domain's calls as jobs for the harness, and the harness's labels as labels that ship.

    python -m domains.cuda.boxes jobs jobs.jsonl --count 4000
    (on the box)  python -m kernelbench_harness.gpu.labels --jobs jobs.jsonl
    python -m domains.cuda.boxes take labels-*.jsonl.gz

The box needs neither adapt nor this package. Guarantees: split, cohort, group and twin come back as they went; a label
whose call never was one of the domain's keeps out. Does not guarantee that two boxes' times can be compared: each label
says its environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapt.errors import AdaptError

if TYPE_CHECKING:
    from adapt.domain import CallItem
    from adapt.labels import LabelRecord
    from kernelbench_harness.gpu.jobs import Listed
    from kernelbench_harness.gpu.shards import Row

LABELS = Path(__file__).parent / "labels"
THIRD_PARTY = frozenset({"archive", "cuda-l1"})
"""Cohorts of kernels that are others' and never ship; `take --into` another folder keeps them."""
_PLACE = ("split", "cohort", "group", "twin", "tags")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def jobs(
    out: Annotated[Path, typer.Argument(help="The file of jobs to write.")],
    count: Annotated[int, typer.Option(min=1, help="How many calls of the domain's stream.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of the stream.")] = 0,
    kernelbench: Annotated[bool, typer.Option(help="Only calls about a KernelBench problem at a GPU's sizes.")] = False,
    foreign: Annotated[bool, typer.Option(help="The kernels that nobody's generator wrote, instead.")] = False,
) -> None:
    """Write the domain's calls as jobs that `kernelbench_harness.gpu.labels` takes."""
    from domains.cuda.calls import calls
    from domains.cuda.strangers import foreign_calls
    from kernelbench_harness.gpu.jobs import write_jobs

    found = foreign_calls() if foreign else calls(seed)
    stream = (item for item in found if not kernelbench or item.tags.get("scale") == "full")
    try:
        written = write_jobs(out, listed(islice(stream, count)))
    except OSError as error:
        raise AdaptError(f"{out}: cannot be written ({error.strerror}); give another file") from None
    print(f"{written} jobs -> {out} ({out.stat().st_size / 1e6:.1f} MB)")


@app.command()
def take(
    shards: Annotated[list[Path], typer.Argument(help="Files of labels that came back.")],
    into: Annotated[Path, typer.Option(help="The folder of labels that ship, or another.")] = LABELS,
    name: Annotated[str, typer.Option(help="Name of the parquet file.")] = "gpu",
) -> None:
    """Turn files of labels from a GPU box into labels that ship with the domain."""
    from adapt.parquet import write_labels
    from base_gtm.schema import content_hash
    from kernelbench_harness.errors import HarnessError
    from kernelbench_harness.gpu.shards import read_shards

    try:
        rows, environments = read_shards(shards)
    except HarnessError as error:
        raise AdaptError(str(error)) from None
    found = (record_of(row, environments.get(row.label.environment, {})) for row in rows)
    ships = into.resolve() == LABELS.resolve()
    made = [one for one in found if one is not None and not (ships and one.cohort in THIRD_PARTY)]
    if not made:
        raise AdaptError(f"{shards[0]}: none of the {len(rows)} labels is of a call of this domain; was --jobs given?")
    records = {content_hash(record): record for record in environments.values()}
    written = write_labels(into / f"{name}.parquet", made, records)
    print(f"{written} labels -> {into / name}.parquet; {len(rows) - len(made)} do not ship or are no calls of it")
    verdicts = Counter(str(one.result.content.get("verdict")) for one in made if one.result.content)
    print(", ".join(f"{verdict} {number}" for verdict, number in verdicts.most_common()))


def listed(items: Iterator[CallItem]) -> Iterator[Listed]:
    """Calls as jobs; what a fair split needs travels with them."""
    from domains.kernel_tool import job_of
    from kernelbench_harness.gpu.jobs import Listed

    for item in items:
        about: dict[str, Any] = {key: getattr(item, key) for key in _PLACE}
        about["tags"] = dict(item.tags)
        # The words that a report of labels counts by.
        about |= {key: item.tags.get(key) for key in ("language", "mistake_class", "operator")}
        yield Listed(job_of(item.call), about)


def record_of(row: Row, environment: dict[str, Any]) -> LabelRecord | None:
    """A label that travelled as one that ships; None where it was no call of the domain."""
    from adapt.labels import LabelRecord
    from base_gtm.schema import ToolCall, ToolResult, content_hash
    from domains.cuda.calls import TOOL
    from domains.kernels import content_of

    if not all(key in row.about for key in _PLACE):
        return None
    return LabelRecord(
        call=ToolCall(TOOL, {"reference": row.problem.code, "candidate": row.candidate.code}),
        result=ToolResult(content_of(row.label)),
        seconds=row.label.seconds.get("total", 0.0),
        split=row.about["split"],
        cohort=row.about["cohort"],
        group=row.about["group"],
        twin=row.about["twin"],
        environment=content_hash(environment),
        source="shipped",
        tags=row.about["tags"],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a command; a user's mistake is one line and exit status 2."""
    import sys

    usage: Any = typer.BadParameter.__mro__[2]
    run: Callable[..., Any] = app
    try:
        run(None if arguments is None else list(arguments), standalone_mode=False)
    except (AdaptError, usage) as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        print(f"error: {' '.join(text.split())}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
