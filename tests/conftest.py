"""The first internal error of a test run, said once more at its very end.

With pytest-xdist an error of a worker outside any test is printed first and then followed by pages of what it led to: a
log that keeps only the end shows nothing useful of it.
"""

from __future__ import annotations

import sys
from typing import Any

LINES = 40

_first: list[str] = []


def pytest_internalerror(excrepr: Any) -> None:
    """Keep the end of the first one."""
    if not _first:
        _first.extend(str(excrepr).splitlines()[-LINES:])


def pytest_unconfigure() -> None:
    """Print it after everything else."""
    if _first:
        print("\nthe first internal error ended thus:", *_first, sep="\n", file=sys.stderr)
