"""What the commands for a GPU machine share: where results go, what was done before, how many minutes are left.

Guarantees: a journal's line is on disk before its work counts as done, and a line that a kill tore is left out; a
result file is written whole or not at all. The parent imports no torch and opens no context on a device.
Does not guarantee that two commands at once share a journal.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kernelbench_harness.errors import HarnessError, PlaceError

OutOpt = Annotated[Path, typer.Option(help="Folder that gets gpu/<device>/<item>.json, or dry-run/<item>.json.")]
MinutesOpt = Annotated[float, typer.Option(min=0.01, help="Begin nothing new after this many minutes.")]
DryOpt = Annotated[bool, typer.Option("--dry-run", help="The same path over a few small cases on the CPU.")]
CommitOpt = Annotated[str, typer.Option(help="The commit that is measured, where the checkout has no git folder.")]
CacheOpt = Annotated[Path | None, typer.Option(help="The harness's cache; by default the user's.")]


@dataclass(frozen=True)
class Item:
    """One run of one of the commands."""

    name: str
    device: str
    """As HarnessOptions has it."""
    device_name: str
    """What the GPU calls itself; the processor's name without one."""
    folder: Path
    """Of this device, or of dry runs."""
    ends: float
    """Of the monotonic clock."""
    dry_run: bool = False
    commit: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether the minutes are spent."""
        return time.monotonic() >= self.ends

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / f"{self.name}.journal.jsonl")

    def write(self, figures: Mapping[str, Any], environment: Mapping[str, Any]) -> Path:
        """The result file of this run, replaced whole."""
        record = {
            "item": self.name,
            "device": self.device_name,
            "dry_run": self.dry_run,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": self.commit,
            "arguments": dict(self.arguments),
            "figures": dict(figures),
            "environment": dict(environment),
        }
        return write_whole(self.folder / f"{self.name}.json", json.dumps(record, indent=1) + "\n")


def begin(
    name: str, out: Path, minutes: float, dry_run: bool, commit: str, arguments: Mapping[str, Any], device: str = "cuda"
) -> Item:
    """An item that may run here. Raises HarnessError where there is no GPU and no dry run was asked for."""
    from kernelbench_harness.devices import chosen
    from kernelbench_harness.machine import describe_machine

    gpu = None if dry_run else chosen(device)
    processor = describe_machine()["cpu"] or "processor" if gpu is None else ""
    folder = out / "dry-run" if gpu is None else out / "gpu" / slug(gpu.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlaceError(f"{folder}: cannot be made ({error.strerror}); give another --out") from None
    return Item(
        name=name,
        device="cpu" if gpu is None else device,
        device_name=gpu.name if gpu is not None else processor,
        folder=folder,
        ends=time.monotonic() + 60 * minutes,
        dry_run=dry_run,
        commit=commit or own_commit(),
        arguments=arguments,
    )


def slug(name: str) -> str:
    """A device's name as a folder's: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("_") or "unnamed"


def own_commit() -> str:
    """The checkout's commit; empty where it travels without its history, or has changes besides."""
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


class Journal:
    """Records of what was done, one line of JSON each."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Iterator[dict[str, Any]]:
        """The whole lines, in order. Raises HarnessError for a line that is no record, but for a torn last one."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError("no object")
            except ValueError as error:
                if number == len(lines) and not line.endswith("\n"):
                    return
                raise HarnessError(
                    f"{self.path}:{number}: not a record ({error}); remove the line and run again"
                ) from None
            yield record

    def append(self, record: Mapping[str, Any]) -> None:
        """On disk when this returns; what a kill left without an end is cut off first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
            file.write(json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> Path:
    """Writes a file under another name and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers stand on the right."""
    cells = [[str(one) for one in row] for row in (head, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    right = [all(_number(row[place]) for row in rows) and bool(rows) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if aligned else cell.ljust(width)
            for cell, width, aligned in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    )


def _number(cell: object) -> bool:
    return isinstance(cell, int | float) or bool(re.fullmatch(r"-?[\d.,]+ ?%?|-", str(cell)))


def say(line: str) -> None:
    """A line of progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def mistakes() -> Iterator[None]:
    """A user's mistake as one line and exit status 2."""
    try:
        yield
    except HarnessError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}; give another --out", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        raise SystemExit(130) from None


def main(command: Callable[..., None]) -> None:
    """Runs a module's command as the harness's own commands are run."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    usage_error: Any = typer.BadParameter.__mro__[2]
    with mistakes():
        try:
            code = app(standalone_mode=False)
        except usage_error as error:
            raise HarnessError(f"{error.format_message()} (see --help)") from None
        except typer.Abort:
            raise KeyboardInterrupt from None
        raise SystemExit(code or 0)
