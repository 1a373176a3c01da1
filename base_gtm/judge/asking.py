"""Questions put to a subject, each once: answers lie in a journal before they are counted.

Guarantees: the same subject is not asked the same question again, whatever was killed between. A subject is what its
identity says (weights, settings), not its name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from base_gtm.judge.question import Attempt, Question
from base_gtm.judge.subjects import Subject
from base_gtm.schema import content_hash
from base_gtm.teachers.journal import Journal

_SAY_EVERY = 10.0
"""Seconds between two lines of progress."""


class Progress:
    """Says on standard error now and then how far it is. Mutable."""

    def __init__(self, name: str, what: str, before: int, whole: int) -> None:
        """before: how many of the whole were there at the beginning."""
        self._name, self._what, self._before, self._whole = name, what, before, whole
        self._begun = self._said = time.monotonic()
        self._done = before

    def step(self) -> None:
        """One more."""
        self._done += 1
        now, ended = time.monotonic(), self._done == self._whole
        if not ended and now - self._said < _SAY_EVERY:
            return
        self._said, rate = now, (self._done - self._before) / max(now - self._begun, 1e-9)
        left = "" if ended else f", {(self._whole - self._done) / rate:,.0f} s left"
        line = f"judge: {self._name}: {self._done:,} of {self._whole:,} {self._what}, {rate:.2g} a second{left}"
        print(line, file=sys.stderr, flush=True)


def ask(subject: Subject, questions: Sequence[Question], journal: Journal) -> list[Attempt]:
    """The subject's answers, in the order of the questions. Raises what the subject raises, and DataError."""
    keys = [content_hash([subject.identity, question.key]) for question in questions]
    missing = {key: question for key, question in zip(keys, questions, strict=True) if journal.get(key) is None}
    places = list(missing)
    progress = Progress(subject.name, "answers", len(questions) - len(missing), len(questions))
    for at, attempt in subject.attempts(list(missing.values())):
        journal.put(places[at], attempt.to_json())
        progress.step()
    return [Attempt(**record) for key in keys if (record := journal.get(key)) is not None]
