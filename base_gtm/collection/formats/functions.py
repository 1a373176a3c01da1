"""Python functions as tools: signature, type hints and docstring -> a spec, by pydantic.

`python:json:dumps` names a function of a module, `python:mypackage.tools` every public function of one, and a path that
ends in .py a file. Importing runs the module's code: only what the user names is imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from base_gtm.collection.collected import Collected, Dropped
from base_gtm.collection.formats.parts import NO_SCHEMA, tool
from base_gtm.collection.schemas import untitled
from base_gtm.errors import DataError

PREFIX = "python:"
NAME = "python"


def read_functions(given: str) -> Iterator[Collected | Dropped]:
    """Tools of "python:MODULE", "python:MODULE:FUNCTION" or a .py file. Raises DataError."""
    place, _, name = given.removeprefix(PREFIX).partition(":")
    module = _loaded(place)
    if name:
        if not callable(getattr(module, name, None)):
            raise DataError(f"{given}: {place} has no function '{name}'")
        functions = [getattr(module, name)]
    else:
        functions = [one for _, one in inspect.getmembers(module, inspect.isfunction) if _public(one, module)]
    for function in functions:
        yield tool_of(function, f"{PREFIX}{module.__name__}:{function.__name__}", module.__name__)


def tool_of(function: Callable[..., Any], origin: str, field: str = "") -> Collected | Dropped:
    """One function as a tool."""
    name = getattr(function, "__name__", "")
    try:
        inputs = _inputs(function)
        outputs = _outputs(function)
    except Exception as error:  # whatever a stranger's annotations make pydantic say
        return Dropped(origin, NO_SCHEMA, f"{name}: {' '.join(str(error).split())[:160]}")
    about = inspect.getdoc(function)
    return tool(origin, NAME, name=name, description=about, inputs=inputs, outputs=outputs, field=field)


def _inputs(function: Callable[..., Any]) -> dict[str, Any]:
    """The schema of a call with all arguments by name."""
    from pydantic import ConfigDict, create_model

    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        if one.kind is one.POSITIONAL_ONLY:
            raise ValueError(f"parameter '{one.name}' cannot be given by name")
        fields[one.name] = (hints.get(one.name, Any), ... if one.default is one.empty else one.default)
    model = create_model("Arguments", __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields)
    schema: dict[str, Any] = model.model_json_schema()
    return untitled(schema)


def _outputs(function: Callable[..., Any]) -> dict[str, Any] | None:
    """The schema of what it returns; None where it does not say, or says a text."""
    from pydantic import TypeAdapter

    hint = get_type_hints(function, include_extras=True).get("return")
    if hint in (None, Any, str, type(None)):
        return None
    schema: dict[str, Any] = TypeAdapter(hint).json_schema(mode="serialization")
    schema = untitled(schema)
    if schema.get("type") == "object" or "$ref" in schema:
        return schema
    definitions = {"$defs": schema.pop("$defs")} if "$defs" in schema else {}
    return {"type": "object", "properties": {"result": schema}, "required": ["result"], **definitions}


def _public(function: Any, module: ModuleType) -> bool:
    return not function.__name__.startswith("_") and function.__module__ == module.__name__


def _loaded(place: str) -> ModuleType:
    """The module of a name or of a file. Raises DataError."""
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        path = Path(place)
        found = importlib.util.spec_from_file_location(path.stem, path)
        if found is None or found.loader is None or not path.is_file():
            raise DataError(f"{place}: no such Python file")
        module = importlib.util.module_from_spec(found)
        sys.modules.setdefault(path.stem, module)  # annotations are looked up there
        found.loader.exec_module(module)
        return module
    except DataError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        raise DataError(f"{place}: cannot be imported ({type(error).__name__}: {text})") from None
