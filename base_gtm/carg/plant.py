"""Do the checks have teeth? Faults planted in good records, and the share that each check catches.

Every planted fault comes from a record that passed all checks, so that what is found is the fault. Each is judged
twice: with the teacher's doubt, and by the rules alone, which is all that records of a teacher have that cannot doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from base_gtm.carg.checks import Doubt, judged, nothing_known, ordered
from base_gtm.example import Example, Kind, Turn
from base_gtm.schema import ToolCall, ToolResult
from base_gtm.teachers.flaws import broken

Planter = Callable[[Example, "Pool", Random], Example | None]
_UNHELPFUL = (
    "Error",
    "Something went wrong.",
    "Error: invalid input",
    "Request failed with status 400",
    "Error: {tool}: bad parameter",
    "Error: {tool}: the value of '{other}' must be valid",
    "Error: {tool}: '{parameter}' is wrong",
)


@dataclass(frozen=True)
class Plant:
    """A kind of fault."""

    kinds: tuple[Kind, ...]
    """Records that it is planted in."""
    check: str
    """Check that is there to catch it."""
    make: Planter


class Pool:
    """Good records, by the tool they are of."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = examples
        self.turns: dict[str, list[Turn]] = {}
        for example in examples:
            if example.kind != "error":
                self.turns.setdefault(example.tool.spec.name, []).append(example.turn)

    def other_result(self, turn: Turn, rng: Random) -> ToolResult | None:
        """What the tool of a turn answered to another call, where that differs."""
        others = [one.result for one in self.turns.get(turn.call.name, ()) if one.result != turn.result]
        return rng.choice(others) if others else None


def wrong_type(example: Example, pool: Pool, rng: Random) -> Example | None:
    """An argument or a field of the answer is of another type, or a required field is gone."""
    if rng.random() < 0.5:
        made = broken(example.tool.spec, example.turn.call.arguments, rng.choice(("type", "missing")), rng)
        return _with_arguments(example, made[0]) if made else None
    content = dict(example.turn.result.content)
    if not content:
        return None
    name = rng.choice(sorted(content))
    if rng.random() < 0.3:
        del content[name]
    else:
        content[name] = {"value": content[name]}
    return _with_result(example, ToolResult(content))


def contradiction(example: Example, pool: Pool, rng: Random) -> Example | None:
    """A start and an end, or a least and a most, change places; where there are none the request names another number
    than the call.
    """
    arguments, request = example.turn.call.arguments, example.turn.request
    pairs = [(one, other) for one, other, first, second in ordered(arguments) if first < second]
    if pairs:
        one, other = rng.choice(pairs)
        return _with_arguments(example, {**arguments, one: arguments[other], other: arguments[one]})
    names = [name for name, value in arguments.items() if _countable(value) and _times(request, value) == 1]
    if not names:
        return None
    value = arguments[rng.choice(sorted(names))]
    other = f"{value + rng.choice((1, 2, 3, 10)) * (1 if value >= 0 else -1):g}"
    return replace(example, turn=replace(example.turn, request=request.replace(f"{value:g}", other)))


def answer_of_another_call(example: Example, pool: Pool, rng: Random) -> Example | None:
    """The answer that the same tool gave to other arguments."""
    result = pool.other_result(example.turn, rng)
    return _with_result(example, result) if result else None


def broken_history(example: Example, pool: Pool, rng: Random) -> Example | None:
    """An earlier turn has the answer of another call, or all that led to the call is of another dialogue."""
    turns = list(example.history)
    if rng.random() < 0.5:
        at = rng.randrange(len(turns))
        result = pool.other_result(turns[at], rng)
        if result is None:
            return None
        turns[at] = replace(turns[at], result=result)
        return replace(example, history=tuple(turns))
    others = [one for one in pool.examples if one.kind == "multi" and one.tool.field != example.tool.field]
    stranger = rng.choice(others) if others else None
    return replace(example, context=stranger.context, history=stranger.history) if stranger else None


def error_that_is_none(example: Example, pool: Pool, rng: Random) -> Example | None:
    """An error message to a call that is right."""
    valid = [turn.call.arguments for turn in pool.turns.get(example.tool.spec.name, ())]
    return _with_arguments(example, rng.choice(valid)) if valid else None


def unhelpful_message(example: Example, pool: Pool, rng: Random) -> Example | None:
    """A message that says nothing of the parameter, or not what would do."""
    assert example.flaw is not None
    names = [name for name in example.tool.spec.input_schema.get("properties", {}) if name != example.flaw.parameter]
    said = {"tool": example.tool.spec.name, "parameter": example.flaw.parameter, "other": rng.choice(names or ["x"])}
    text = rng.choice(_UNHELPFUL).format(**said)
    return _with_result(example, ToolResult(is_error=True, text=text))


PLANTS: Mapping[str, Plant] = {
    "wrong type": Plant(("single", "multi"), "types", wrong_type),
    "contradiction": Plant(("single", "multi"), "contradictions", contradiction),
    "answer of another call": Plant(("single", "multi"), "coherence", answer_of_another_call),
    "broken history": Plant(("multi",), "history", broken_history),
    "error that is none": Plant(("error",), "existence", error_that_is_none),
    "unhelpful message": Plant(("error",), "message", unhelpful_message),
}


@dataclass
class Catch:
    """What became of the planted faults of a kind."""

    planted: int = 0
    by_its_check: int = 0
    """Caught by the check that is there for it."""
    by_any: int = 0
    by_its_rules: int = 0
    """The same without the teacher's doubt."""
    by_any_rules: int = 0


@dataclass
class Teeth:
    """What the checks caught, and what they refused that was good."""

    catches: dict[str, Catch]
    clean: int
    false_alarms: int
    """Good records that the rules refuse; with the doubt there are none, since that is how they were chosen."""


def plant(examples: Sequence[Example], faults: int, doubt: Doubt, seed: int) -> Teeth:
    """Plant `faults` faults, equally many of each kind, in records that passed all checks, and judge them."""
    pool, rng = Pool(examples), Random(seed)
    catches: dict[str, Catch] = {}
    for number, (name, one) in enumerate(PLANTS.items()):
        wanted = faults * (number + 1) // len(PLANTS) - faults * number // len(PLANTS)
        catches[name] = _planted(one, wanted, pool, doubt, rng)
    refused = sum(any(judged(example, nothing_known).values()) for example in examples)
    return Teeth(catches, len(examples), refused)


def _planted(one: Plant, wanted: int, pool: Pool, doubt: Doubt, rng: Random) -> Catch:
    fitting = [example for example in pool.examples if example.kind in one.kinds]
    catch = Catch()
    for _ in range(10 * wanted + 4 * len(fitting)):
        if catch.planted == wanted:
            break
        made = one.make(rng.choice(fitting), pool, rng)
        if made is None:
            continue
        catch.planted += 1
        known, rules = judged(made, doubt), judged(made, nothing_known)
        catch.by_its_check += bool(known[one.check])
        catch.by_any += any(known.values())
        catch.by_its_rules += bool(rules[one.check])
        catch.by_any_rules += any(rules.values())
    return catch


def _with_arguments(example: Example, arguments: Mapping[str, Any]) -> Example:
    return replace(example, turn=replace(example.turn, call=ToolCall(example.turn.call.name, dict(arguments))))


def _with_result(example: Example, result: ToolResult) -> Example:
    return replace(example, turn=replace(example.turn, result=result))


def _countable(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _times(request: str, value: float) -> int:
    """How often a request names a number as a whole word."""
    words = [word.strip(".,;:?!%()$€") for word in request.split()]
    return words.count(f"{value:g}") if request.count(f"{value:g}") == 1 else 0
