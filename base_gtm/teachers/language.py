"""The teacher that is asked: a large language model behind an endpoint, given a tool's spec and what is wanted.

The model is asked for JSON that the tool's own schemas describe, one record a question, a dialogue turn by turn with
what was said before. `doubt` asks it, in a fresh conversation, whether an answer belongs to its call; where the same
model made both this is a weak judge, and pass rates say what it let through, not what is true.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from base_gtm.collection.collected import Collected
from base_gtm.errors import UnusableAnswer
from base_gtm.example import Example, Fault, Flaw, Provenance, Turn, answer_of
from base_gtm.schema import ToolCall, ToolResult, ToolSpec, closed_object
from base_gtm.teachers.endpoint import Endpoint, Messages, Spent
from base_gtm.teachers.flaws import broken
from base_gtm.teachers.teacher import Scene

_RULES = (
    "You stand in for a tool of the real world, to make training data. Answer with one JSON object that satisfies the "
    "schema you are given. Values are realistic and specific: no placeholders, no 'string', no 'example'. Dates, ids, "
    "names and amounts fit together. What the answer repeats of the arguments, it repeats exactly."
)
_SINGLE = (
    "Think of a situation in which someone needs this tool. Give 'context' (one sentence of knowledge of the field "
    "that the situation rests on), 'request' (what the person says, with every value that the call needs), 'arguments' "
    "(the call that an agent makes of it) and 'result' (what the tool answers)."
)
_TURN = (
    "Continue the conversation: the person now needs this tool, because of what the earlier turns brought. At least "
    "one argument takes up a value of an earlier turn. Give 'context' (what is known by now and matters), 'request', "
    "'arguments' and 'result'."
)
_ERROR = (
    "An agent made this call, and it is wrong: {what}. Give 'message': the error message of a helpful tool, one or two "
    "sentences. It names the parameter, says what is wrong with the value given, and what would do."
)
_VALUE = (
    "Think of a call of this tool with one value that has the right type and is still senseless (a city that does not "
    "exist, a date before the service began, an id nobody has). Give 'request', 'arguments', 'parameter' (the one that "
    "is wrong) and 'message': the error message of a helpful tool, which names the parameter, says what is wrong with "
    "the value, and what would do."
)
_JUDGE = (
    "Judge what a tool is said to have answered. Does the answer follow from the call and, where there is one, from "
    "the conversation before it? Give 'fits' and 'reason' (one sentence)."
)
_TEXT = {"type": "string", "minLength": 1, "maxLength": 600}
_FAULTS: Mapping[Fault, str] = {
    "type": "the value of '{parameter}' has a type that the schema does not allow",
    "missing": "the required parameter '{parameter}' is missing",
    "excess": "the tool has no parameter '{parameter}'",
    "value": "the value of '{parameter}' is not allowed",
}


class LanguageTeacher:
    """Asks an endpoint."""

    waits = True

    def __init__(self, endpoint: Endpoint, tools: Sequence[Collected], judge: bool = True) -> None:
        """judge: whether `doubt` asks the endpoint too, one question more a record."""
        self.name = endpoint.model
        self.tools = tools
        self._endpoint = endpoint
        self._judge = judge

    @property
    def spent(self) -> Spent:
        """What was asked, and what it cost."""
        return self._endpoint.spent

    def single(self, tool: Collected, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """One question."""
        found = self._scene(tool, _SINGLE, made, complaints, ())
        return Scene(found[0], (found[1],)) if found else None

    def multi(self, group: Sequence[Collected], made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """A question a turn; complaints are about the last."""
        turns: list[Turn] = []
        context = ""
        for number, tool in enumerate(group):
            wanted = _TURN if turns else _SINGLE
            found = self._scene(tool, wanted, made, complaints if number == len(group) - 1 else (), turns)
            if found is None:
                return None
            context, turn = found
            turns.append(turn)
        return Scene(context, tuple(turns))

    def error(self, tool: Collected, fault: Fault, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """A valid call is asked for and broken here, then its message is asked for; a value that only the tool can
        find senseless is the model's own idea.
        """
        rng = made.random()
        if fault == "value" and rng.random() < 0.5:
            return self._senseless(tool, made, complaints)
        valid = self._scene(tool, _SINGLE, made, (), ())
        wrong = broken(tool.spec, valid[1].call.arguments, fault, rng) if valid else None
        if valid is None or wrong is None:
            return None
        arguments, parameter = wrong
        what = _FAULTS[fault].format(parameter=parameter)
        question = f"{_ERROR.format(what=what)}\n\nCall: {_json(arguments)}"
        answer = self._asked(tool.spec, question, closed_object({"message": _TEXT}), made, complaints)
        return (
            None if answer is None else _refused(tool, valid[0], valid[1].request, arguments, answer, fault, parameter)
        )

    def doubt(self, example: Example) -> str | None:
        """The model's own judgement, in a conversation of its own."""
        if not self._judge:
            return ""
        lines = [f"Conversation before:\n{_told(example.history)}" if example.history else ""]
        lines += [f"Request: {example.turn.request}", f"Call: {_json(dict(example.turn.call.arguments))}"]
        lines += [f"Answer: {_json(answer_of(example.turn.result))}", _JUDGE]
        schema = closed_object({"fits": {"type": "boolean"}, "reason": _TEXT})
        answer = self._asked(example.tool.spec, "\n".join(filter(None, lines)), schema, example.provenance, ())
        if answer is None:
            return "the judge gave no usable answer"
        return "" if answer["fits"] else str(answer["reason"])

    def _senseless(self, tool: Collected, made: Provenance, complaints: Sequence[str]) -> Scene | None:
        names = sorted(tool.spec.input_schema.get("properties", {}))
        if not names:
            return None
        wanted = {
            "request": _TEXT,
            "arguments": dict(tool.spec.input_schema),
            "parameter": {"type": "string", "enum": names},
            "message": _TEXT,
        }
        answer = self._asked(tool.spec, _VALUE, closed_object(wanted), made, complaints)
        if answer is None:
            return None
        return _refused(tool, "", answer["request"], answer["arguments"], answer, "value", answer["parameter"])

    def _scene(
        self, tool: Collected, wanted: str, made: Provenance, complaints: Sequence[str], history: Sequence[Turn]
    ) -> tuple[str, Turn] | None:
        """Context and turn."""
        spec = tool.spec
        result = dict(spec.output_schema) if spec.output_schema is not None else _TEXT
        schema = closed_object(
            {"context": _TEXT, "request": _TEXT, "arguments": dict(spec.input_schema), "result": result}
        )
        question = f"Conversation so far:\n{_told(history)}\n\n{wanted}" if history else wanted
        answer = self._asked(spec, question, schema, made, complaints)
        if answer is None:
            return None
        said = answer["result"]
        heard = ToolResult(text=said) if isinstance(said, str) else ToolResult(said)
        return answer["context"], Turn(answer["request"], ToolCall(spec.name, answer["arguments"]), heard)

    def _asked(
        self, spec: ToolSpec, question: str, schema: Mapping[str, Any], made: Provenance, complaints: Sequence[str]
    ) -> dict[str, Any] | None:
        """An answer that satisfies the schema; None where the model keeps giving none."""
        refined = "".join(f"\nAn earlier answer was refused: {complaint}." for complaint in complaints)
        content = f"Tool:\n{_json(spec.to_json())}\n\n{question}{refined}"
        messages: Messages = [{"role": "system", "content": _RULES}, {"role": "user", "content": content}]
        try:
            return self._endpoint.ask_json(messages, schema, seed=_seed(made))
        except UnusableAnswer:
            return None


def _refused(
    tool: Collected,
    context: str,
    request: str,
    arguments: Mapping[str, Any],
    answer: Mapping[str, Any],
    fault: Fault,
    parameter: str,
) -> Scene:
    message = " ".join(str(answer["message"]).split())
    call = ToolCall(tool.spec.name, dict(arguments))
    return Scene(context, (Turn(request, call, ToolResult(is_error=True, text=message)),), Flaw(fault, parameter))


def _told(history: Sequence[Turn]) -> str:
    return "\n".join(
        f"Person: {turn.request}\nCall: {turn.call.name} {_json(dict(turn.call.arguments))}\n"
        f"Answer: {_json(answer_of(turn.result))}"
        for turn in history
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _seed(made: Provenance) -> int:
    """One number of a provenance."""
    return made.random().randrange(2**31)
