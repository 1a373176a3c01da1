"""What a dialogue has named so far, by name: the values that a later call can take up."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from base_gtm.arguments import validator
from base_gtm.schema import ToolSpec, canonical_json

_MOST = 3
"""Values that one call takes up at most."""


class Notebook:
    """Names and values of arguments and results, the latest value of a name."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def note(self, arguments: Mapping[str, Any], content: Mapping[str, Any]) -> None:
        """Remember a call. Lists and objects are remembered whole, and what stands one level within an object."""
        for name, value in (*content.items(), *arguments.items()):
            if isinstance(value, Mapping):
                self._values |= value
            self._values[name] = value

    def offers(self, spec: ToolSpec) -> bool:
        """Whether a name was noted that the tool has a parameter for."""
        return any(self._names(name) for name in spec.input_schema.get("properties", {}))

    def fitting(self, spec: ToolSpec, rng: Random) -> dict[str, Any]:
        """Parameter -> a noted value of that name (or of a name that ends in it) that its schema takes."""
        found: dict[str, Any] = {}
        parameters = list(spec.input_schema.get("properties", {}).items())
        most = max(1, min(_MOST, len(parameters) - 1))  # one is left to ask something new
        rng.shuffle(parameters)
        for name, schema in parameters:
            value = next((self._values[one] for one in self._names(name)), None)
            telling = value is not None and not isinstance(value, bool)
            if telling and validator("parameter", canonical_json(schema)).is_valid(value):
                found[name] = value
            if len(found) == most:
                break
        return found

    def _names(self, name: str) -> list[str]:
        """Noted names that a parameter takes values of, its own first."""
        own = [name] if name in self._values else []
        return own + [noted for noted in self._values if noted.endswith("_" + name)]
