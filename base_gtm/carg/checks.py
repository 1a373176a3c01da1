"""The checks of CARG: a record is kept when every check of its kind passes.

    single   types, contradictions, coherence
    multi    types, contradictions, coherence, history
    error    format, existence, message

A check gives "" or a complaint in one sentence, which a teacher is shown when it tries again. What a rule can see is
seen here; what only the tool knows (does this answer belong to this call?) is asked of the teacher, whose `doubt` is
part of coherence, history and existence. Does not guarantee that a record of a teacher that cannot doubt is true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from base_gtm.arguments import check as refusal_of
from base_gtm.arguments import validator
from base_gtm.example import Example, Kind, Turn, answer_of
from base_gtm.schema import ToolSpec, canonical_json

Doubt = Callable[[Example], str | None]
"""Whether the tool would really have said this: why not; "" where nothing speaks against it; None for certainly."""
Check = Callable[[Example, Doubt], str]

_NUMBER = re.compile(r"(?<![\w.,+-])-?\d+(?:\.\d+)?(?![\w]|[.,]\d)")
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$")
_IDENTIFIER = re.compile(r"^(?=[^ ]*\d)(?=[^ ]*[A-Za-z])[\w#.-]*[-_#][\w#.-]*$")
"""Letters and digits with a dash or an underscore between: ORD-1001, task_7."""
_PLACEHOLDER = re.compile(r"lorem ipsum|\bTODO\b|\bstring\b$|^<[^>]+>$|^your[_ ]|^\.\.\.$|^(foo|bar|xxx+)$", re.I)
_BEFORE = (
    ("start", "end"),
    ("begin", "end"),
    ("from", "to"),
    ("check_in", "check_out"),
    ("checkin", "checkout"),
    ("departure", "return"),
    ("earliest", "latest"),
    ("first", "last"),
)
"""Words of two parameters whose days follow each other. Times of day do not: a night shift ends before it starts."""
_BELOW = (("min", "max"), ("minimum", "maximum"), ("low", "high"), ("lower", "upper"))
_APART = (
    ("origin", "destination"),
    ("sender", "recipient"),
    ("source_account", "target_account"),
    ("from_account", "to_account"),
    ("departure_city", "arrival_city"),
)
"""Two parameters that the same value makes no sense for."""
_LIMITS = frozenset({"limit", "top_k", "max_results", "num_results", "max_items"})
_HELPFUL = re.compile(
    r"\b(expected|must|should|did you mean|one of|at least|at most|above|below|between|use|give|choose|allowed|valid|"
    r"known|needs?|requires?|format|try|instead|lists?|names?|only|has no|there is no|cannot)\b",
    re.I,
)
_LONGEST_MESSAGE = 700


def judged(example: Example, doubt: Doubt) -> dict[str, str]:
    """Check -> complaint, "" where it passed. All checks are asked, so that pass rates stand side by side."""
    said: list[str | None] = []

    def once(example: Example) -> str | None:
        """Two checks of a dialogue ask; every turn is run again, or a model asked, for one of them alone."""
        if not said:
            said.append(doubt(example))
        return said[0]

    return {name: check(example, once) for name, check in CHECKS[example.kind].items()}


def nothing_known(example: Example) -> str:
    """The doubt of one who knows nothing of the tool."""
    return ""


def types(example: Example, doubt: Doubt) -> str:
    """Arguments and answer are what the spec says, required fields and all."""
    spec = example.tool.spec
    refusal = refusal_of(spec, example.turn.call.arguments)
    if refusal is not None:
        return refusal.text
    if example.turn.result.is_error:
        return "a valid call was answered with an error"
    return _misshapen(spec, example.turn)


def contradictions(example: Example, doubt: Doubt) -> str:
    """No parameter contradicts another or the request."""
    arguments = example.turn.call.arguments
    for one, other, first, second in ordered(arguments):
        if first > second:
            return f"the first lies beyond the second: '{one}' is {first!r} and '{other}' is {second!r}"
    for one, other, first, second in _pairs(arguments):
        if _matches(one, other, _APART) and first == second:
            return f"these two cannot be the same: '{one}' is {first!r} and '{other}' is {second!r}"
    return _misquoted(example.turn.request, arguments)


def coherence(example: Example, doubt: Doubt) -> str:
    """The answer belongs to this call: the teacher has no doubt; and where it is not certain, the answer repeats what
    was given, keeps to limits and is no stand-in.
    """
    said = doubt(example)
    if said is None or said:
        return said or ""
    arguments, content = example.turn.call.arguments, example.turn.result.content
    for name, value in _echoes(content):
        if name in arguments and not _same(arguments[name], value):
            return f"the answer says '{name}' is {value!r}, the call {arguments[name]!r}"
    for name in _LIMITS & arguments.keys():
        most = arguments[name]
        longest = max((len(value) for value in content.values() if isinstance(value, list)), default=0)
        if isinstance(most, int) and longest > most:
            return f"'{name}' is {most} and the answer lists {longest}"
    stand_in = next((text for text in _texts(content) if _PLACEHOLDER.search(text)), None)
    if stand_in is not None:
        return f"{stand_in[:60]!r} stands in for a real value"
    return ""


def history(example: Example, doubt: Doubt) -> str:
    """The call follows from the conversation: it takes something up, and refers to nothing that was never named."""
    if not example.history:
        return "there is no earlier turn"
    known = _known(example)
    arguments = example.turn.call.arguments
    said = [text for text in (*known, _plain(example.turn.request)) if isinstance(text, str)]
    for value in _leaves(arguments):
        if isinstance(value, str) and _IDENTIFIER.match(value) and not any(_plain(value) in text for text in said):
            return f"{value!r} is named nowhere in the conversation"
    if arguments and not any(_plain(value) in known for value in _leaves(arguments) if _telling(value)):
        return "no argument takes up anything of the conversation"
    for turn in example.history:
        if _same_call(turn, example.turn):
            return "the call was made before, with the same arguments"
    return doubt(example) or ""


def error_format(example: Example, doubt: Doubt) -> str:
    """An error in form: marked as one, a message of one line, a call that names its tool."""
    result = example.turn.result
    if not result.is_error or result.content:
        return "an error result has isError and a message, no content"
    if not result.text.strip() or len(result.text) > _LONGEST_MESSAGE or "\n" in result.text.strip():
        return f"the message is one line of 1 to {_LONGEST_MESSAGE} characters"
    if example.flaw is None or example.turn.call.name != example.tool.spec.name:
        return "an error record says which tool was called and what is wrong"
    return ""


def error_existence(example: Example, doubt: Doubt) -> str:
    """The call is really wrong, in the parameter and the way that the record says."""
    assert example.flaw is not None
    fault, parameter = example.flaw.fault, example.flaw.parameter
    spec, arguments = example.tool.spec, example.turn.call.arguments
    problems = validator(spec.name, canonical_json(spec.input_schema)).iter_errors(arguments)
    kinds = {_fault_of(problem, arguments) for problem in problems}
    if (fault, parameter) in kinds:
        return ""
    if kinds:
        return f"the call is wrong in another way than {fault} of '{parameter}'"
    if fault != "value":
        return f"the schema finds no {fault} fault in '{parameter}'"
    if parameter not in arguments:
        return f"'{parameter}' is not given"
    return doubt(example) or ""


def error_message(example: Example, doubt: Doubt) -> str:
    """The message helps: it names the parameter and says what would do."""
    assert example.flaw is not None
    text, parameter = example.turn.result.text, example.flaw.parameter
    if not re.search(rf"(?<![\w]){re.escape(parameter)}(?![\w])", text):
        return f"the message does not name '{parameter}'"
    if not _HELPFUL.search(text):
        return "the message does not say what would do"
    others = [name for name in example.tool.spec.input_schema.get("properties", {}) if name != parameter]
    if any(re.search(rf"parameter '{re.escape(name)}'", text) for name in others) and f"'{parameter}" not in text:
        return f"the message speaks of another parameter than '{parameter}'"
    return ""


CHECKS: Mapping[Kind, Mapping[str, Check]] = {
    "single": {"types": types, "contradictions": contradictions, "coherence": coherence},
    "multi": {"types": types, "contradictions": contradictions, "coherence": coherence, "history": history},
    "error": {"format": error_format, "existence": error_existence, "message": error_message},
}


def _misshapen(spec: ToolSpec, turn: Turn) -> str:
    """What in an answer breaks the output schema."""
    if spec.output_schema is None:
        return "" if turn.result.text.strip() else "the answer is empty"
    check = validator(f"{spec.name} result", canonical_json(spec.output_schema))
    problem = next(check.iter_errors(dict(turn.result.content)), None)
    if problem is None:
        return ""
    place = ".".join(map(str, problem.absolute_path))
    return f"the answer{f' at {place}' if place else ''}: {problem.message[:160]}"


def ordered(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    """Pairs of parameters whose values follow each other, with these: start and end, least and most."""
    for one, other, first, second in _pairs(arguments):
        days = _matches(one, other, _BEFORE) and _are_days(first, second)
        if days or (_matches(one, other, _BELOW) and _are_numbers(first, second)):
            yield one, other, first, second


def _pairs(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, Any]]:
    names = list(arguments)
    for one in names:
        for other in names:
            if one != other:
                yield one, other, arguments[one], arguments[other]


def _matches(one: str, other: str, pairs: tuple[tuple[str, str], ...]) -> bool:
    """Whether two names are alike but for the words of a pair: min_price and max_price."""
    for first, second in pairs:
        worded = re.search(rf"(?:^|_){first}(?:_|$)", one) and re.search(rf"(?:^|_){second}(?:_|$)", other)
        if worded and one.replace(first, "", 1) == other.replace(second, "", 1):
            return True
    return False


def _are_days(first: Any, second: Any) -> bool:
    texts = isinstance(first, str) and isinstance(second, str)
    return texts and len(first) == len(second) and bool(_DAY.match(first) and _DAY.match(second))


def _are_numbers(first: Any, second: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in (first, second))


def _misquoted(request: str, arguments: Mapping[str, Any]) -> str:
    """A number of the request that no argument has, where an argument has one that the request has not."""
    said = {float(number) for number in _NUMBER.findall(request)}
    if not said:
        return ""
    given = {float(value) for value in _leaves(arguments) if _are_numbers(value, value)}
    spelt = {float(number) for text in _texts(arguments) for number in re.findall(r"\d+(?:\.\d+)?", text)}
    unheard = said - given - spelt - {-number for number in spelt}
    unsaid = given - said
    if unheard and unsaid:
        return f"the request says {sorted(unheard)[0]:g}, the arguments {sorted(unsaid)[0]:g}"
    return ""


def _echoes(content: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names and plain values of an answer, two levels deep; those in lists are not echoes."""
    if isinstance(content, Mapping) and depth < 2:
        for name, value in content.items():
            if isinstance(value, Mapping):
                yield from _echoes(value, depth + 1)
            elif not isinstance(value, list):
                yield name, value


def _same(one: Any, other: Any) -> bool:
    if _are_numbers(one, other):
        return abs(one - other) <= 1e-6 * max(1, abs(one), abs(other))
    if isinstance(one, str) and isinstance(other, str):
        return _plain(one) == _plain(other)
    return type(one) is not type(other) or bool(one == other)


def _plain(value: Any) -> Any:
    """A value as it is looked for: text without case and marks, a number as a number."""
    if isinstance(value, str):
        return re.sub(r"[\W_]+", "", value).lower() or value
    return float(value) if _are_numbers(value, value) else value


def _telling(value: Any) -> bool:
    """Whether a value found again says anything: not a boolean, not a small number."""
    if isinstance(value, bool) or value is None:
        return False
    return not isinstance(value, int | float) or abs(value) > 2 or value != int(value)


def _known(example: Example) -> set[Any]:
    """Values of the context and of earlier turns."""
    known: set[Any] = set()
    for text in (example.context, *(turn.request for turn in example.history)):
        known.add(_plain(text))
        known |= {float(number) for number in _NUMBER.findall(text)}
    for turn in example.history:
        known |= {_plain(value) for value in _leaves(turn.call.arguments)}
        known |= {_plain(value) for value in _leaves(answer_of(turn.result))}
    return known


def _same_call(one: Turn, other: Turn) -> bool:
    """Whether a call that changes nothing between is made twice."""
    return one.call == other.call and one.result == other.result


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for sub in value.values():
            yield from _leaves(sub)
    elif isinstance(value, list | tuple):
        for sub in value:
            yield from _leaves(sub)
    else:
        yield value


def _texts(value: Any) -> Iterator[str]:
    return (one for one in _leaves(value) if isinstance(one, str))


def _fault_of(problem: Any, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """A problem of the schema as (fault, parameter)."""
    path = list(problem.absolute_path)
    if not path and problem.validator == "required":
        absent = [name for name in problem.validator_value if name not in arguments]
        return "missing", next((name for name in absent if problem.message.startswith(repr(name))), "")
    if not path and problem.validator == "additionalProperties":
        known = problem.schema.get("properties", {})
        return "excess", next((name for name in arguments if name not in known), "")
    name = str(path[0]) if path else ""
    return ("type" if problem.validator in ("type", "anyOf", "oneOf") else "value"), name
