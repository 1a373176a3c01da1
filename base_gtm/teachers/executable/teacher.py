"""The teacher that computes: each answer is the tool's own, each history a run of one state from its start.

Guarantees: a scene follows from its provenance alone; `doubt` runs every turn again and compares exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from base_gtm.collection.collected import Collected
from base_gtm.example import Example, Fault, Flaw, Provenance, Turn, answer_of
from base_gtm.schema import ToolCall
from base_gtm.teachers.executable import executable_tools
from base_gtm.teachers.executable.kit import SOURCE, State, Tool, said
from base_gtm.teachers.executable.notebook import Notebook
from base_gtm.teachers.flaws import broken
from base_gtm.teachers.needs import need
from base_gtm.teachers.teacher import Scene

_LIBRARIES = (
    "astral chess convertdate dateutil geopy holidays networkx num2words packaging periodictable phonenumbers pint "
    "pycountry scipy stdnum sympy webcolors yaml"
).split()
_DRAWS = 6
"""Arguments that are drawn before a tool is given up for this time."""
_CARRIED = 0.7
"""How often a turn before the last takes up a value that it could take up."""


class ExecutableTeacher:
    """Knows the tools that really compute, and no others."""

    name = SOURCE
    waits = False

    def __init__(self) -> None:
        """Raises TeacherError where a library that the tools ask is not installed."""
        need(*_LIBRARIES)
        self._known: Mapping[str, Tool] = {tool.name: tool for tool in executable_tools()}
        self._worlds: dict[type, list[Tool]] = {}
        for tool in self._known.values():
            if tool.state is not None:
                self._worlds.setdefault(tool.state, []).append(tool)
        self.tools: Sequence[Collected] = [tool.collected for tool in self._known.values()]

    def single(self, tool: Collected, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """One call; a tool with a state is called at its beginning."""
        one, rng = self._known[tool.spec.name], made.random()
        turn = _valid_turn(one, rng, _start(one, made))
        return Scene(_about(tool), (turn,)) if turn else None

    def multi(self, group: Sequence[Collected], made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """A dialogue. A target with a state brings the tools of its world along, whatever the group."""
        target = self._known[group[-1].spec.name]
        if target.state is not None:
            return self._walk(target, made, len(group))
        return self._chain([self._known[tool.spec.name] for tool in group], made)

    def error(self, tool: Collected, fault: Fault, made: Provenance, complaints: Sequence[str] = ()) -> Scene | None:
        """A wrong call and the tool's refusal."""
        one, rng = self._known[tool.spec.name], made.random()
        state = _start(one, made)
        arguments = one.draw(rng, state)
        if arguments is None:
            return None
        request = one.ask(arguments, rng)
        own = one.wrong(rng) if fault == "value" else {}
        if own and rng.random() < 0.5:
            parameter = rng.choice(sorted(own))
            given = {**arguments, parameter: own[parameter]}
            request = one.ask(given, rng)
        elif (made_wrong := broken(one.spec, arguments, fault, rng)) is not None:
            given, parameter = made_wrong
        else:
            return None
        result = one.answer(given, state)
        return Scene(_about(tool), (Turn(request, ToolCall(one.name, given), result),), Flaw(fault, parameter))

    def doubt(self, example: Example) -> str | None:
        """Every turn again, from the start."""
        states: dict[type, State] = {}
        for turn in (*example.history, example.turn):
            tool = self._known.get(turn.call.name)
            if tool is None:
                return f"there is no executable tool '{turn.call.name}'"
            result = tool.answer(turn.call.arguments, _state(tool, states, example.provenance))
            if example.kind == "error" and result.is_error and turn.result.is_error:
                continue  # that there is an error is one question, how it is worded another
            if result != turn.result:
                return f"{tool.name} answers {str(answer_of(result))[:200]}, not {str(answer_of(turn.result))[:200]}"
        return None

    def _chain(self, group: Sequence[Tool], made: Provenance) -> Scene | None:
        """Tools of any kind, each taking up values of the turns before it; the last is pure. Where none of them has a
        value for it, it is asked twice, the second time with something changed.
        """
        rng, notes = made.random(), Notebook()
        states: dict[type, State] = {}
        turns = []
        *before, target = group
        for tool in before:
            if (asked := self._ask(tool, notes, states, made, rng, _CARRIED)) is not None:
                turns.append(asked[0])
        if not notes.offers(target.spec) and (asked := self._ask(target, notes, states, made, rng, 0)) is not None:
            turns = [*turns[: len(before) - 1], asked[0]]
        asked = self._ask(target, notes, states, made, rng, 1)
        if asked is None or not turns:
            return None
        return Scene(_about(target.collected, asked[1]), (*turns, asked[0]))

    def _ask(
        self, tool: Tool, notes: Notebook, states: dict[type, State], made: Provenance, rng: Random, often: float
    ) -> tuple[Turn, Mapping[str, Any]] | None:
        """A call that is answered, noted, with the values that it took up; it does so with this probability."""
        state = _state(tool, states, made)
        for _ in range(_DRAWS):
            drawn = tool.draw(rng, state)
            if drawn is None:
                return None
            carried = notes.fitting(tool.spec, rng) if rng.random() < often else {}
            arguments = {**drawn, **carried}
            result = tool.answer(arguments, state)
            if not result.is_error:
                notes.note(arguments, result.content)
                return Turn(tool.ask(arguments, rng), ToolCall(tool.name, arguments), result), carried
        return None

    def _walk(self, target: Tool, made: Provenance, length: int) -> Scene | None:
        """Calls of a world's tools, one after another on one state; some of them refused, the last one not."""
        assert target.state is not None
        rng, state = made.random(), _start(target, made)
        turns: list[Turn] = []
        for _ in range(4 * length):
            tool = rng.choice(self._worlds[target.state])
            arguments = tool.draw(rng, state)
            if arguments is not None:
                result = tool.answer(arguments, state)
                turns.append(Turn(tool.ask(arguments, rng), ToolCall(tool.name, arguments), result))
            if len(turns) == length - 1:
                break
        turn = _valid_turn(target, rng, state)
        if turn is None or not turns:
            return None
        return Scene(_about(target.collected), (*turns, turn))


def _valid_turn(tool: Tool, rng: Random, state: State | None) -> Turn | None:
    """A call that the tool answers; the state is the one after it."""
    for _ in range(_DRAWS):
        arguments = tool.draw(rng, state)
        if arguments is None:
            return None
        result = tool.answer(arguments, copy.deepcopy(state))
        if not result.is_error:
            return Turn(tool.ask(arguments, rng), ToolCall(tool.name, arguments), result)
    return None


def _about(tool: Collected, facts: Mapping[str, Any] | None = None) -> str:
    """Field, subfield, and what is known."""
    known = "; ".join(f"{name.replace('_', ' ')} {said(value)}" for name, value in (facts or {}).items())
    return f"{tool.field}, {tool.subfield}" + (f". Known so far: {known}" if known else "")


def _start(tool: Tool, made: Provenance) -> Any:
    """A fresh state; None for a pure tool."""
    return tool.state.start(made.random("state")) if tool.state is not None else None


def _state(tool: Tool, states: dict[type, State], made: Provenance) -> State | None:
    """The state of a dialogue that a tool works on, begun when it is first needed."""
    if tool.state is not None and tool.state not in states:
        states[tool.state] = _start(tool, made)
    return states[tool.state] if tool.state is not None else None
