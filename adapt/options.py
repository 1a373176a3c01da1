"""Options of a verb: one frozen dataclass a verb, from which manifests and command-line flags derive.

`plain` is what a manifest keeps. `command` builds the function that the command line registers: a field without a
default is an argument, any other a flag, and the string under a field is its help.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from base_gtm.options import field_notes


def plain(options: Any) -> Any:
    """JSON form of options: dataclasses and mappings become dicts, paths and enums strings, tuples lists."""
    if dataclasses.is_dataclass(options) and not isinstance(options, type):
        return {item.name: plain(getattr(options, item.name)) for item in dataclasses.fields(options)}
    if isinstance(options, Mapping):
        return {str(key): plain(value) for key, value in options.items()}
    if isinstance(options, list | tuple | set | frozenset):
        items = sorted(options, key=str) if isinstance(options, set | frozenset) else options
        return [plain(item) for item in items]
    if isinstance(options, Enum):
        return plain(options.value)
    return str(options) if isinstance(options, Path) else options


def command(options: type, run: Callable[[Any], int]) -> Callable[..., int]:
    """A function with one parameter a field of `options`, for typer to register; it builds the options and runs."""
    hints = get_type_hints(options, include_extras=True)
    tuples = {name for name, hint in hints.items() if get_origin(hint) is tuple}

    def call(**values: Any) -> int:
        return run(options(**{name: tuple(v or ()) if name in tuples else v for name, v in values.items()}))

    parameters = [_parameter(item, hints[item.name], field_notes(options)) for item in dataclasses.fields(options)]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__doc__ = options.__doc__
    return call


def _parameter(item: dataclasses.Field[Any], hint: Any, helps: Mapping[str, str]) -> inspect.Parameter:
    import typer

    text = str(item.metadata.get("help", helps.get(item.name, "")))
    kind: Any = list[get_args(hint)[0]] if get_origin(hint) is tuple else hint  # type: ignore[misc]
    default: Any = inspect.Parameter.empty
    if item.default is not dataclasses.MISSING:
        default = item.default
    elif item.default_factory is not dataclasses.MISSING:
        default = item.default_factory()
    flag = "--" + item.name.replace("_", "-")
    info: Any
    if default is inspect.Parameter.empty or item.metadata.get("argument"):
        info = typer.Argument(help=text, metavar=item.name.upper())
    elif default is False:
        info = typer.Option(flag, help=text)  # no --no-... for what is off anyway
    else:
        info = typer.Option(help=text)
    if get_origin(hint) is tuple and default is not inspect.Parameter.empty:
        default = list(default)
    return inspect.Parameter(
        item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )
