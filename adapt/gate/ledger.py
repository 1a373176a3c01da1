"""Answers and seconds by source. From any thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

Source = Literal["arguments", "simulator", "exact", "real"]
SOURCES: tuple[Source, ...] = ("arguments", "simulator", "exact", "real")


class Ledger:
    """What a gate has done so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[Source] = Counter()
        self._asked: Counter[Source] = Counter()
        self._seconds: dict[Source, float] = dict.fromkeys(SOURCES, 0.0)
        self._remembered = 0

    @property
    def counts(self) -> Mapping[Source, int]:
        """Answers by source."""
        with self._lock:
            return {source: self._answers[source] for source in SOURCES}

    @property
    def seconds(self) -> Mapping[Source, float]:
        """Work by who did it."""
        with self._lock:
            return dict(self._seconds)

    @property
    def remembered(self) -> int:
        """Real answers that were known before."""
        with self._lock:
            return self._remembered

    def answered(self, sources: Iterable[Source]) -> None:
        """Answers were given."""
        with self._lock:
            self._answers.update(sources)

    def spend(self, source: Source, seconds: float, asked: int = 1) -> None:
        """A source worked on so many calls."""
        with self._lock:
            self._seconds[source] += seconds
            self._asked[source] += asked

    def remember(self) -> None:
        """A real answer was known before."""
        with self._lock:
            self._remembered += 1

    def mean(self, source: Source, least: int) -> float | None:
        """Seconds a call; None before `least` calls."""
        with self._lock:
            asked = self._asked[source]
            return self._seconds[source] / asked if asked >= least else None
