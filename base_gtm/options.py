"""Options of a command: frozen dataclasses from which its flags derive. The string under a field is the flag's help."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Any, TypeVar, get_type_hints

Options = TypeVar("Options")


def with_options(function: Callable[..., None], *options: type) -> Callable[..., None]:
    """`function(**values)` for typer to register, with one flag a field of the dataclasses, after its own parameters.

    A field without a default is a flag that must be given; of the second and later dataclasses it is an empty text,
    since these matter only sometimes, and say themselves what they miss.
    """
    own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [one for one in own if one.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters += [
        _parameter(field, hint, note, required=number == 0)
        for number, one in enumerate(options)
        for field, hint, note in _fields(one)
    ]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


def chosen(options: type[Options], values: Mapping[str, Any]) -> Options:
    """Options of that class from flag values, those of other classes left aside. Raises what the class raises."""
    names = [field.name for field in dataclasses.fields(options)]  # type: ignore[arg-type]
    given = {name: tuple(values[name]) if isinstance(values[name], list) else values[name] for name in names}
    return options(**given)


def field_notes(options: type) -> dict[str, str]:
    """Field -> the string under it, as one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(options)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    notes: dict[str, str] = {}
    for before, after in pairwise(body):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(after, ast.Expr):
            text = after.value.value if isinstance(after.value, ast.Constant) else None
            if isinstance(text, str):
                notes[before.target.id] = " ".join(text.split())
    return notes


def _fields(options: type) -> list[tuple[dataclasses.Field[Any], Any, str]]:
    hints, notes = get_type_hints(options), field_notes(options)
    return [(field, hints[field.name], notes.get(field.name, "")) for field in dataclasses.fields(options)]


def _parameter(field: dataclasses.Field[Any], hint: Any, note: str, required: bool) -> inspect.Parameter:
    import typer

    default: Any = field.default
    if default is dataclasses.MISSING:
        default = inspect.Parameter.empty if required else ""
    if getattr(hint, "__origin__", None) is tuple:
        hint, default = list[hint.__args__[0]], list(default)
    flag = "--" + field.name.replace("_", "-")
    kind = Annotated[hint, typer.Option(flag if hint is not bool else f"{flag}/--no-{flag[2:]}", help=note)]
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
