"""The columns of the paper's Table 1, decided exactly: executable tools are run again, and values are compared.

    valid calls (single-turn, multi-turn); an answer that is no JSON object with a field of the tool's has no column
      Format   every value there has the type, bounds and listed values that the output schema gives it
      Logic    what the tool repeats of the arguments, the answer repeats; where the tool's count is the length of its
               list, and its start or least lies before its end or most, the answer's does so too
      Sem      every value is the tool's: numbers to three significant digits, all else exactly
      Comp     no required field is missing, stands in for a value, or is empty where the tool's is not
      Cons     (multi-turn) what the history decides is as the history has it: where the tool, run on its first state
               without the earlier calls, says something else, the answer has the value that follows from these calls
    wrong calls (error)
      Det      the call is refused
      Help     and the message, in one line, names the parameter at fault and says what would do (the rules of CARG)
    All        every column of the scenario holds

A valid call that is refused fails All and counts as a false alarm; it has no other column, since there is no result to
look at, and so the columns' n is smaller. Fields that the output schema does not require are not compared. Where Format
fails on one value the other columns still look at the rest, so no column speaks for another; Sem implies Logic and
Cons, since whatever follows from the tool's values holds for equal ones.

Stricter than the paper's judge, a model that sees no truth: there, an answer that could be the tool's has Sem and Cons;
here it must be the tool's. Laxer where nothing can be broken: a history that decides nothing (tools without a state)
cannot be contradicted, so such dialogues have Cons whenever there is an answer, as nearly all have in the paper; and
Logic holds where the tool repeats and counts nothing. Both are counted apart where there is something to break. Of
wrong calls that break the input schema any subject with the grammar detects all, since the schema is asked before a
model; those that only the tool can find wrong are counted apart too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from base_gtm.arguments import check, validator
from base_gtm.carg.checks import coherence, error_format, error_message, nothing_known, ordered
from base_gtm.example import Example, Kind
from base_gtm.judge.question import Attempt, leaves, overlap, same
from base_gtm.schema import ToolResult, ToolSpec, canonical_json
from base_gtm.teachers.executable import executable_tools

FORMAT, LOGIC, SEM, COMP, CONS, DET, HELP = "Format", "Logic", "Sem", "Comp", "Cons", "Det", "Help"
COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "single": (FORMAT, LOGIC, SEM, COMP),
    "multi": (FORMAT, LOGIC, SEM, COMP, CONS),
    "error": (DET, HELP),
}
ALL, AVG = "All", "Avg"
_COUNTS = ("count", "total", "number", "length", "size")
"""Words in the name of a field that says how long a list is."""


@dataclass(frozen=True)
class Verdict:
    """What is held of one answer."""

    key: str
    """Of the record."""
    kind: Kind
    tool: str
    columns: Mapping[str, bool]
    """Those of the scenario; none for a valid call that is refused."""
    fields: float | None
    """F1 of the answer's values against the tool's; None for a wrong call."""
    rules: int
    """Rules of Logic that an answer to this call could break."""
    decided: int
    """Values that the history decides."""
    fault: str
    """What is wrong with the call, empty for a valid one."""
    by_schema: bool
    """Whether the input schema alone finds the fault."""
    refused: bool
    refusal_probability: float | None
    failed: str
    """Why there is no answer."""
    seconds: float

    @property
    def all(self) -> bool:
        """Whether every column of the scenario holds."""
        return bool(self.columns) and all(self.columns.values())

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "all": self.all}


class Judge:
    """Knows the executable tools, and what each says without the history of a record."""

    def __init__(self) -> None:
        self._tools = {tool.name: tool for tool in executable_tools()}

    def verdict(self, example: Example, attempt: Attempt) -> Verdict:
        """Of an answer to the last call of a record that the tools have confirmed."""
        arguments, spec = example.turn.call.arguments, example.tool.spec
        true, said = _required(spec, example.turn.result.content), _required(spec, attempt.content)
        decided = self._decided(example, true) if example.kind == "multi" else set()
        rules = [] if example.kind == "error" else _rules(example, example.turn.result.content, true, true)
        if example.kind == "error":
            columns = _wrong(example, attempt)
        elif attempt.refused:
            columns = {}
        elif not _has_fields(example, attempt.content):
            columns = dict.fromkeys(COLUMNS[example.kind], False)
        else:
            kept = _rules(example, attempt.content, true, said)
            columns = _valid(example, attempt.content, true, said, kept)
            if example.kind == "multi":
                columns[CONS] = all(_agrees(true, said, path) for path in decided)
        return Verdict(
            example.key,
            example.kind,
            example.turn.call.name,
            columns,
            None if example.kind == "error" else 0.0 if attempt.refused else overlap(true, said)[1],
            len(rules),
            len(decided),
            example.flaw.fault if example.flaw else "",
            example.kind == "error" and check(spec, arguments) is not None,
            attempt.refused,
            attempt.refusal_probability,
            attempt.failed,
            attempt.seconds,
        )

    def _decided(self, example: Example, true: Mapping[str, Any]) -> set[str]:
        """Paths of the values that would be others, or not there, had there been no earlier call."""
        tool, call = self._tools[example.turn.call.name], example.turn.call
        if tool.state is None:
            return set()
        alone = tool.answer(call.arguments, tool.state.start(example.provenance.random("state")))
        other = {} if alone.is_error else _required(tool.spec, alone.content)
        return {path for path in true.keys() | other.keys() if not _agrees(true, other, path)}


def _valid(
    example: Example,
    content: Mapping[str, Any],
    true: Mapping[str, Any],
    said: Mapping[str, Any],
    kept: Sequence[bool],
) -> dict[str, bool]:
    """Format, Logic, Sem and Comp of an answer to a valid call; `kept`: the rules of Logic."""
    spec = example.tool.spec
    schema = spec.output_schema if spec.output_schema is not None else {}
    problems = list(validator(f"{spec.name} result", canonical_json(schema)).iter_errors(content))
    absent = any(problem.validator == "required" for problem in problems)
    right, _ = overlap(true, said)
    return {
        FORMAT: all(problem.validator == "required" for problem in problems),
        LOGIC: all(kept),
        SEM: right == len(true) == len(said),
        COMP: not absent and not _stands_in(example, true, said) and not _empty(true, said),
    }


def _wrong(example: Example, attempt: Attempt) -> dict[str, bool]:
    """Det and Help of an answer to a wrong call."""
    answered = _answered(example, attempt.result())
    complaints = [rule(answered, nothing_known) for rule in (error_format, error_message)] if attempt.refused else [""]
    return {DET: attempt.refused, HELP: attempt.refused and not any(complaints)}


def _has_fields(example: Example, content: Any) -> bool:
    """Whether it is an object with at least one field of the tool's answer, or empty as that is."""
    own = example.turn.result.content
    return isinstance(content, Mapping) and (not own or not own.keys().isdisjoint(content))


def _rules(
    example: Example, content: Mapping[str, Any], true: Mapping[str, Any], said: Mapping[str, Any]
) -> list[bool]:
    """Whether the answer keeps each rule of Logic that the tool's own answer shows to be one."""
    arguments, own = example.turn.call.arguments, example.turn.result.content
    named = {path: path.rpartition(".")[2] for path in true}
    repeated = [path for path, name in named.items() if name in arguments and same(arguments[name], true[path])]
    turned = {(one, other) for one, other, first, second in ordered(content) if first > second}
    return [
        *(path not in said or same(true[path], said[path]) for path in repeated),
        *((one, other) not in turned for one, other, first, second in ordered(own) if first <= second),
        *(
            name not in content or not isinstance(content.get(items), list) or content[name] == len(content[items])
            for name, items in _counted(own)
        ),
    ]


def _counted(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(field, list) for each field that says how long the list is, and does so rightly."""
    lists = {name: len(items) for name, items in content.items() if isinstance(items, list)}
    return [
        (name, items)
        for name, value in content.items()
        for items, length in lists.items()
        if type(value) is int and value == length and any(word in name for word in _COUNTS)
    ]


def _stands_in(example: Example, true: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether a text stands in for a value; the tool's own texts do not, nor those that the schema lists.

    Without arguments there is nothing to repeat or to keep to, so what CARG's rules find is a stand-in.
    """
    described = (example.tool.spec.output_schema or {}).get("properties", {})
    other = {
        path: value
        for path, value in said.items()
        if not same(true.get(path), value) and "enum" not in described.get(path, {})
    }
    bare = replace(example.turn, call=replace(example.turn.call, arguments={}), result=ToolResult(other))
    return bool(coherence(replace(example, turn=bare), nothing_known))


def _empty(true: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether a text, list or object is empty that is not so in the tool's answer."""
    return any(value in ("", [], {}) and not same(true.get(path), value) for path, value in said.items())


def _agrees(true: Mapping[str, Any], said: Mapping[str, Any], path: str) -> bool:
    """Whether both have this value, or neither."""
    if path in true and path in said:
        return same(true[path], said[path])
    return path not in true and path not in said


def _answered(example: Example, result: ToolResult) -> Example:
    return replace(example, turn=replace(example.turn, result=result))


def _required(spec: ToolSpec, content: Any) -> dict[str, Any]:
    """The values of a result, flattened; of the fields that a schema describes, the required ones alone."""
    if not isinstance(content, Mapping):
        return {}
    schema = spec.output_schema or {}
    optional = schema.get("properties", {}).keys() - set(schema.get("required", ()))
    return dict(leaves({name: value for name, value in content.items() if name not in optional}))
