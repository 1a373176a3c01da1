"""A line on stderr now and then, so that a long run in a log file shows that it lives."""

from __future__ import annotations

import sys
import time

EVERY_S = 30.0


class Lines:
    """Says what it is told at most every half minute."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        """Print the line if one is due."""
        if time.monotonic() - self._last >= EVERY_S:
            self._last = time.monotonic()
            print(line, file=sys.stderr, flush=True)
