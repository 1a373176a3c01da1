"""The columns of Table 1 as a large model sees them, as in the paper, and how far it agrees with the exact judge.

The model reads spec, conversation, call and answer, and no truth. Guarantees: a question is asked and paid for once
(see `base_gtm.teachers.endpoint`); where a subject gave no answer at all, the model is not asked and no column holds.
Does not guarantee that the model is right: that is what the agreement is for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from base_gtm.errors import UnusableAnswer
from base_gtm.example import Example, answer_of
from base_gtm.judge.asking import Progress
from base_gtm.judge.criteria import COLUMNS, COMP, CONS, DET, FORMAT, HELP, LOGIC, SEM, Verdict
from base_gtm.judge.question import Attempt
from base_gtm.schema import closed_object
from base_gtm.teachers.endpoint import Endpoint, Messages

_RULES = (
    "You judge what a simulator of tools answered to a call. You are shown the tool's specification, what was said "
    "before, the call and the answer. Judge each criterion by itself and strictly: true only where it plainly holds. "
    "First give 'reason', one or two sentences, then the criteria, as one JSON object."
)
_MEANING: Mapping[str, str] = {
    FORMAT: "The answer keeps to correct syntax and structure: JSON with the fields and types of the output schema.",
    LOGIC: "The answer contradicts neither itself nor the arguments.",
    SEM: "Input and output cohere: this is what the tool, as it is described, would answer to these arguments.",
    COMP: "All required fields are there, with real values.",
    CONS: "The answer continues the conversation: nothing in it contradicts the earlier turns.",
    DET: "The answer says that the call is in error.",
    HELP: "The error message helps: it says which parameter is wrong, and what would be right.",
}
_REASON = {"type": "string", "minLength": 1, "maxLength": 600}
_LONGEST = 6000
"""Characters of an answer that are shown."""


@dataclass(frozen=True)
class Agreement:
    """Two judges on one column of one scenario."""

    scenario: str
    column: str
    n: int
    exact: float
    """Share that the exact judge lets pass."""
    model: float
    """Share that the model lets pass."""
    agreeing: float
    kappa: float | None
    """Cohen's; None where both judges always say the same one thing."""


def greet(endpoint: Endpoint) -> None:
    """Ask the model whether it is there, before hours of other work. Raises TeacherError in one line."""
    question: Messages = [{"role": "user", "content": "Are you ready to judge? Answer with 'ready' as JSON."}]
    endpoint.ask_json(question, closed_object({"ready": {"type": "boolean"}}))


def opinions(endpoint: Endpoint, name: str, asked: Sequence[tuple[Example, Attempt, Verdict]]) -> list[Verdict | None]:
    """The exact verdicts with the model's columns in their place; None where the model gave no usable answer.

    Valid calls that were refused have no columns, and are not asked about.
    """
    progress = Progress(name, "opinions", 0, len(asked))
    found: list[Verdict | None] = []
    with ThreadPoolExecutor(endpoint.options.concurrency) as pool:
        try:
            for opinion in pool.map(lambda one: _opinion(endpoint, *one), asked):
                found.append(opinion)
                progress.step()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def agreements(exact: Sequence[Verdict], model: Sequence[Verdict | None]) -> list[Agreement]:
    """Column by column, over the answers that both have judged."""
    both = [(one, other) for one, other in zip(exact, model, strict=True) if other is not None]
    found = []
    for kind, columns in COLUMNS.items():
        here = [(one, other) for one, other in both if one.kind == kind and one.columns]
        for column in columns if here else ():
            first = [one.columns[column] for one, _ in here]
            second = [other.columns[column] for _, other in here]
            found.append(_agreement(kind, column, first, second))
    return found


def _agreement(scenario: str, column: str, first: Sequence[bool], second: Sequence[bool]) -> Agreement:
    from sklearn.metrics import cohen_kappa_score

    n = len(first)
    varied = len({*first, *second}) > 1
    return Agreement(
        scenario,
        column,
        n,
        sum(first) / n,
        sum(second) / n,
        sum(one == other for one, other in zip(first, second, strict=True)) / n,
        float(cohen_kappa_score(first, second)) if varied else None,
    )


def _opinion(endpoint: Endpoint, example: Example, attempt: Attempt, verdict: Verdict) -> Verdict | None:
    columns = COLUMNS[example.kind]
    if not verdict.columns:
        return verdict
    if attempt.failed:
        return replace(verdict, columns=dict.fromkeys(columns, False))
    criteria = {column: {"type": "boolean", "description": _MEANING[column]} for column in columns}
    messages: Messages = [
        {"role": "system", "content": _RULES},
        {"role": "user", "content": _question(example, attempt, columns)},
    ]
    try:
        answer = endpoint.ask_json(messages, closed_object({"reason": _REASON, **criteria}))
    except UnusableAnswer:
        return None
    return replace(verdict, columns={column: bool(answer[column]) for column in columns})


def _question(example: Example, attempt: Attempt, columns: Sequence[str]) -> str:
    parts = [f"Tool:\n{_json(example.tool.spec.to_json())}"]
    if example.history:
        parts.append("Earlier turns:\n" + "\n".join(map(_told, example.history)))
    parts.append(f"Call:\n{example.turn.call.name} {_json(dict(example.turn.call.arguments))}")
    if example.flaw is not None:
        parts.append(f"The call is in error: {example.flaw.fault} of the parameter '{example.flaw.parameter}'.")
    parts.append(f"Answer:\n{_said(attempt)}")
    parts.append("Criteria:\n" + "\n".join(f"{column}: {_MEANING[column]}" for column in columns))
    return "\n\n".join(parts)


def _told(turn: Any) -> str:
    return f"{turn.call.name} {_json(dict(turn.call.arguments))} -> {_json(answer_of(turn.result))}"


def _said(attempt: Attempt) -> str:
    if attempt.refused:
        return f"(an error) {attempt.text[:_LONGEST]}"
    return (_json(attempt.content) if attempt.content is not None else attempt.text)[:_LONGEST] or "(nothing)"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
