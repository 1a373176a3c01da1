"""A tool spec as a Python callable: what trainers read off a signature and a docstring, the spec says.

Guarantees: the callable takes whatever arguments an agent gives, so that wrong ones come back as the tool's refusal and
not as a TypeError of Python's; trainers that read signatures (`transformers.utils.get_json_schema`) find the spec's
names, types, listed values, descriptions and which arguments are required. Bounds of values are only said in words.
"""

from __future__ import annotations

import atexit
import inspect
import json
import re
from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adapt.errors import AdaptError
from base_gtm.schema import ToolResult, ToolSpec

if TYPE_CHECKING:
    from adapt.gate import Policy

_PLAIN: Mapping[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool, "object": dict}
_LIMITS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "{} where it is left out",
}


def tools_of(name: str, policy: Policy | str, workspace: Path, workers: int | None) -> list[Callable[..., str]]:
    """See `adapt.tools`."""
    from adapt.gate import Gate
    from adapt.registry import find

    domain = find(name, workspace).domain
    tool = callable_of(domain.spec, lambda arguments: text_of(gate.call(arguments).result))
    gate = Gate(domain, policy=policy, workers=workers, workspace=workspace)
    gate.__enter__()
    atexit.register(gate.close)
    tool.gate = gate  # type: ignore[attr-defined]
    return [tool]


def callable_of(spec: ToolSpec, answer: Callable[[dict[str, Any]], str]) -> Callable[..., str]:
    """A function named after the tool that hands its arguments, whatever they are, to `answer`. Raises AdaptError for a
    required argument whose name no Python function can show."""
    shown = _shown(spec)

    def tool(*given: Any, **arguments: Any) -> str:
        if len(given) > len(shown):
            raise TypeError(f"{spec.name} has {len(shown)} arguments, not {len(given)}")
        return answer({**dict(zip(shown, given, strict=False)), **arguments})

    tool.__name__ = tool.__qualname__ = spec.name
    tool.__doc__ = _docstring(spec, shown)
    tool.__annotations__ = {name: one.annotation for name, one in shown.items()} | {"return": str}
    tool.__signature__ = inspect.Signature([*shown.values()], return_annotation=str)  # type: ignore[attr-defined]
    return tool


def text_of(result: ToolResult) -> str:
    """A result as JSON text: the content, the text of a tool that answers in text, or the error."""
    if result.is_error:
        return json.dumps({"error": result.text}, ensure_ascii=False)
    return json.dumps(dict(result.content) if result.content else {"text": result.text}, ensure_ascii=False)


def _shown(spec: ToolSpec) -> dict[str, inspect.Parameter]:
    """The arguments that a signature can show, required ones first."""
    schema = spec.input_schema
    properties, required = schema.get("properties", {}), schema.get("required", ())
    shown = {}
    for name in sorted(properties, key=lambda name: name not in required):
        default = inspect.Parameter.empty if name in required else properties[name].get("default")
        try:
            shown[name] = inspect.Parameter(
                name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=_type_of(properties[name])
            )
        except ValueError:
            if name in required:
                raise AdaptError(
                    f"{spec.name}: the required argument '{name}' is no name that a Python function can have; "
                    "rename it in spec.json"
                ) from None
    return shown


def _type_of(schema: Any) -> Any:
    """The Python type of an argument's schema; Any where there is none that says as much."""
    if not isinstance(schema, Mapping):
        return Any
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if values and all(isinstance(value, str | int | bool) for value in values):
        return Literal[tuple(values)]
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return reduce(or_, [_type_of(option) for option in options])
    kinds = schema.get("type", ())
    if isinstance(kinds, list):
        return reduce(or_, [_type_of({**schema, "type": kind}) for kind in kinds])
    if kinds == "array":
        items = schema.get("items")
        return list[_type_of(items)] if isinstance(items, Mapping) else list  # type: ignore[misc]
    return type(None) if kinds == "null" else _PLAIN.get(kinds or "", Any)


def _docstring(spec: ToolSpec, shown: Mapping[str, inspect.Parameter]) -> str:
    """Google style, each description on a line of its own."""
    about = _line(spec.description) or _line(spec.title) or spec.name
    lines = [about]
    if shown:
        lines += ["", "Args:"]
        lines += [f"    {name}: {_described(spec.input_schema['properties'][name])}" for name in shown]
    return "\n".join([*lines, "", "Returns:", "    The tool's result as JSON text."])


def _described(schema: Any) -> str:
    """An argument in words, its bounds included."""
    if not isinstance(schema, Mapping):
        return "Any value."
    limits = [words.format(schema[key]) for key, words in _LIMITS.items() if key in schema]
    about = _line(str(schema.get("description", ""))) or _line(str(schema.get("title", ""))) or "No description."
    return f"{about} ({', '.join(limits)})" if limits else about


def _line(text: str) -> str:
    """One line that a reader of Google-style docstrings takes for text alone: a section's name with its colon would end
    the description wherever it stands, and a list of choices at its end would become one."""
    line = re.sub(r"(Args|Returns|Raises):", r"\1 -", " ".join(text.split()))
    return f"{line}." if re.search(r"\(choices:.*\)$", line, re.IGNORECASE) else line
