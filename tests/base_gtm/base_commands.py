"""Commands of base-gtm, called in this process."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from base_gtm.cli import app


def run(*arguments: str) -> Result:
    """What a command said that had to succeed; an exception of its own is raised again."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result
