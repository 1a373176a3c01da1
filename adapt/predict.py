"""What a specialist says of many labelled calls, calibrated.

One read of each prompt gives the decision; a whole answer is decoded where a number is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapt.fidelity import Prediction
from adapt.labels import LabelRecord
from adapt.progress import Advance
from adapt.specialist import Guess, Specialist


def predict(specialist: Specialist, records: Sequence[LabelRecord], advance: Advance) -> list[Prediction]:
    """One prediction a record, in order."""
    guesses = specialist.guesses([record.call for record in records], advance)
    return [_prediction(specialist, record, guess) for record, guess in zip(records, guesses, strict=True)]


def _prediction(specialist: Specialist, record: LabelRecord, guess: Guess) -> Prediction:
    fidelity = specialist.domain.fidelity
    opinion = specialist.judge(record.call, guess)
    if guess.content is not None or fidelity.decision_field is None:
        return Prediction({}, guess.content or {}, guess.confidence, bool(opinion.foreign))
    distribution = opinion.distribution
    value = max(distribution, key=distribution.__getitem__)
    content: dict[str, Any] = {fidelity.decision_field: value}
    intervals: dict[str, tuple[float, float]] = {}
    real = record.result.content
    due = any(read(real) is not None for read in fidelity.numbers.values())
    if due and real.get(fidelity.decision_field) == value:
        reply = specialist.answer(record.call)
        content, intervals = dict(reply.result.content), {n: (e.low, e.high) for n, e in reply.estimates.items()}
    return Prediction(distribution, content, distribution[value], bool(opinion.foreign), intervals)
