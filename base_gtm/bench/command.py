"""A measurement as a command: flags from an options class, one line for a user's mistake, figures as a file of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from base_gtm.errors import DataError, GtmError
from base_gtm.files import write_whole
from base_gtm.options import chosen, with_options

Options = TypeVar("Options")


def command(measure: Callable[[Options], None], options: type[Options]) -> None:
    """Run a measurement with flags from the command line; exit status 2 for a mistake of the user's."""
    import typer

    def run(**values: Any) -> None:
        measure(chosen(options, values))

    run.__doc__ = measure.__doc__
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(with_options(run, options))
    try:
        app()
    except GtmError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None


def write_figures(path: Path, options: Any, figures: dict[str, Any]) -> None:
    """Figures with the options they were measured under; the file appears whole. Raises DataError."""
    given = {one.name: getattr(options, one.name) for one in fields(options) if one.name != "out"}
    shown = {
        name: [_named(one) for one in value] if isinstance(value, tuple) else value for name, value in given.items()
    }
    versions = {name: version(name) for name in ("torch", "transformers", "llguidance")}
    try:
        write_whole(path, json.dumps({"options": shown, "versions": versions, **figures}, indent=1) + "\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from None
    print(f"-> {path}")


def _named(value: Any) -> Any:
    """A path by its last part: where a file lay says nothing about a figure."""
    return value.name if isinstance(value, Path) else value
