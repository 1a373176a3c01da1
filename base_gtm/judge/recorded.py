"""Recorded calls of real tools: how near a base comes that never saw the tool, beside what memory alone would say.

Guarantees: nothing of a session is known when its calls are asked but the calls before them: a spec that did not come
along is made of the file's other sessions, and so are the baselines. Exact means the recorded response, numbers with a
fraction to three significant digits; "right values" is the F1 of its flattened (path, value) pairs, of which a text or
an error is one. A tool that only one session calls has no baseline and, where no spec is given, no schemas.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from base_gtm.arguments import validator
from base_gtm.collection.collected import Collected
from base_gtm.collection.gather import Gathering
from base_gtm.judge.inferred import infer, infer_arguments
from base_gtm.judge.question import Attempt, Question, leaves, overlap
from base_gtm.judge.sessions import Recorded, Session
from base_gtm.schema import ToolResult, ToolSpec, canonical_json, content_hash

REAL = "recorded response"
"""The row of the responses themselves: their share of valid ones says what the inferred schemas are worth."""


@dataclass(frozen=True)
class Case:
    """A recorded call to be asked."""

    session: str
    recorded: Recorded
    question: Question
    given: bool
    """Whether the arguments' schema was given, not inferred."""
    others: tuple[Recorded, ...]
    """Calls of the same tool in other sessions."""


@dataclass(frozen=True)
class Mark:
    """What is held of one answer."""

    session: str
    tool: str
    valid: bool
    """An error, or a result that the spec's output schema allows; a text, where there is none."""
    exact: bool
    fields: float
    """F1 of the values."""
    failed: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read_specs(paths: Sequence[Path]) -> dict[str, ToolSpec]:
    """Tools of collections or of files that `base-gtm tools import` reads: "server/name", or "name" where no server is
    named; and "*/name" for a tool whose name no other has, since servers go by several names. Raises DataError.
    """
    found: dict[str, ToolSpec] = {}
    names: Counter[str] = Counter()
    for item in Gathering([str(path) for path in paths]):
        if isinstance(item, Collected):
            found[f"{item.field}/{item.spec.name}" if item.field else item.spec.name] = item.spec
            names[item.spec.name] += 1
    return found | {f"*/{spec.name}": spec for spec in list(found.values()) if names[spec.name] == 1}


def cases(sessions: Sequence[Session], specs: Mapping[str, ToolSpec], asked: Collection[str]) -> list[Case]:
    """Every call of the sessions `asked` as a question; specs are made of all others. Raises SpecError for a given spec
    that is none.
    """
    calls: dict[str, list[tuple[str, Recorded]]] = {}
    for session in sessions:
        for one in session.calls:
            calls.setdefault(one.tool, []).append((session.name, one))
    found = []
    for session in sessions:
        if session.name not in asked:
            continue
        made: dict[str, tuple[ToolSpec, bool, tuple[Recorded, ...]]] = {}
        for at, one in enumerate(session.calls):
            if one.tool not in made:
                others = tuple(other for name, other in calls[one.tool] if name != session.name)
                made[one.tool] = *_spec(one, others, specs), others
            spec, given, others = made[one.tool]
            history = tuple((before.call, before.result) for before in session.calls[:at])
            told = [[call.name, call.arguments, result.content, result.text] for call, result in history]
            key = content_hash([spec.to_json(), one.call.arguments, told])
            found.append(Case(session.name, one, Question(spec, one.call, history, key), given, others))
    return found


def mark(case: Case, attempt: Attempt) -> Mark:
    """An answer against the recorded response."""
    true, said = _pairs(case.recorded.result), _pairs(attempt.result()) if not attempt.failed else {}
    right, fields = overlap(true, said)
    valid = not attempt.failed and (attempt.refused or _allowed(case.question.spec, attempt))
    exact = right == len(true) == len(said)
    return Mark(case.session, case.recorded.tool, valid, exact, fields, attempt.failed)


def real(case: Case) -> Attempt:
    """The recorded response itself."""
    return Attempt.of_result(case.question.spec, case.recorded.result)


def nearest(case: Case) -> Attempt:
    """What the same tool said in another session to the arguments that are most alike."""
    own = _words(case.recorded)
    best = max(case.others, key=lambda other: _alike(own, _words(other)), default=None)
    return Attempt(failed="no other session calls it") if best is None else _copied(case, best.result)


def majority(case: Case) -> Attempt:
    """What the same tool said most often in other sessions."""
    results = {canonical_json(_pairs(one.result)): one.result for one in case.others}
    counts = Counter(canonical_json(_pairs(one.result)) for one in case.others)
    best = max(counts, key=counts.__getitem__, default=None)
    return Attempt(failed="no other session calls it") if best is None else _copied(case, results[best])


BASELINES: Mapping[str, Callable[[Case], Attempt]] = {
    REAL: real,
    "nearest example": nearest,
    "majority response": majority,
}
"""Rows that need no model."""


def some_of(sessions: Sequence[Session], calls: int) -> list[str]:
    """Names of whole sessions with at least so many calls together, in the order of their names' hashes; all for 0."""
    ranked = sorted(sessions, key=lambda session: content_hash(session.name))
    before = accumulate((len(session.calls) for session in ranked), initial=0)
    return [
        session.name for session, sum_before in zip(ranked, before, strict=False) if not calls or sum_before < calls
    ]


def _copied(case: Case, result: ToolResult) -> Attempt:
    return Attempt.of_result(case.question.spec, result)


def _spec(one: Recorded, others: Sequence[Recorded], specs: Mapping[str, ToolSpec]) -> tuple[ToolSpec, bool]:
    """The tool as it is known without the session, and whether it was given."""
    given = specs.get(one.tool) or (specs.get(f"*/{one.call.name}") if one.server else None)
    outputs = _output([other.result for other in others])
    if given is None:
        inputs = infer_arguments([other.call.arguments for other in others])
        return ToolSpec(one.call.name, one.call.name.replace("_", " "), inputs, outputs), False
    validator(given.name, canonical_json(given.input_schema))
    kept = given.output_schema if given.output_schema is not None else outputs
    return ToolSpec(given.name, given.description, given.input_schema, kept, given.title), True


def _output(results: Sequence[ToolResult]) -> dict[str, Any] | None:
    """The output schema of results that are objects, errors left aside; None where most are text, or there are none."""
    answers = [result for result in results if not result.is_error]
    objects = [result.content for result in answers if result.content]
    return infer(objects) if 2 * len(objects) > len(answers) else None


def _pairs(result: ToolResult) -> dict[str, Any]:
    if result.is_error:
        return {"error": result.text}
    return dict(leaves(result.content)) if result.content else {"text": result.text}


def _allowed(spec: ToolSpec, attempt: Attempt) -> bool:
    if attempt.content is None:
        return False
    if spec.output_schema is None:
        return isinstance(attempt.content, str)
    return bool(validator(f"{spec.name} result", canonical_json(spec.output_schema)).is_valid(attempt.content))


def _words(one: Recorded) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", json.dumps(one.call.arguments, ensure_ascii=False).lower()))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's index."""
    return len(one & other) / len(one | other) if one or other else 1.0
