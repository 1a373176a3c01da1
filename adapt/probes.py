"""Probes: calls with known answers, one JSON object a line, that the real tool must get right.

    {"name": "what it is about", "arguments": {...}, "expect": {...}}

The name may be missing. `expect` is any part of the content. Numbers written with a decimal point agree within a
millionth. A list where the content has none means any of its values: what a tool answers may depend on the machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapt.domain import Domain, RealTool
from adapt.errors import DomainError
from adapt.validation import complainer
from base_gtm.schema import ToolCall


@dataclass(frozen=True)
class Probe:
    """A call with a known answer."""

    arguments: Mapping[str, Any]
    expect: Mapping[str, Any]
    """Any part of the content that the real tool must answer."""
    line: int
    name: str = ""
    """What the probe is about; optional."""

    @property
    def place(self) -> str:
        """For people: the line, and the name where there is one."""
        return f"line {self.line}" + (f" ({self.name})" if self.name else "")


def load_probes(path: Path) -> list[Probe]:
    """Read probes.jsonl. Raises DomainError naming file and line."""
    if not path.is_file():
        raise DomainError(f"{path}: no such file; a domain needs a few calls with known answers")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DomainError(f"{path}: not UTF-8 text (byte {error.start}); one JSON object a line") from None
    probes = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            probes.append(Probe(dict(raw["arguments"]), dict(raw["expect"]), number, str(raw.get("name", ""))))
        except json.JSONDecodeError as error:
            raise DomainError(f"{path}:{number}: not valid JSON ({error.msg})") from None
        except (KeyError, TypeError, ValueError):
            raise DomainError(f'{path}:{number}: a probe is {{"arguments": {{...}}, "expect": {{...}}}}') from None
    return probes


def ask_probe(domain: Domain, tool: RealTool, probe: Probe) -> str:
    """Why the real tool's answer to a probe is wrong, or ""."""
    result = tool.call(ToolCall(domain.spec.name, probe.arguments))
    if result.is_error:
        return f"{probe.place}: refused ({result.text[:100]})"
    content = dict(result.content)
    if reason := complainer(domain.spec.output_schema or {})(content):
        return f"{probe.place}: the answer breaks outputSchema {reason}"
    for key, expected in probe.expect.items():
        if not _agrees(content.get(key), expected):
            return f"{probe.place}: {key} is {content.get(key)!r}, expected {expected!r}"
    for name, read in domain.fidelity.verdicts.items():
        if not isinstance(read(content), bool | None):
            return f"{probe.place}: fidelity verdict '{name}' is {read(content)!r}, not a boolean"
    if not isinstance(domain.fidelity.label(content), str):
        return f"{probe.place}: fidelity label is not a string"
    return ""


def _agrees(value: Any, expected: Any) -> bool:
    if isinstance(expected, Mapping) and isinstance(value, Mapping):
        return all(_agrees(value.get(key), part) for key, part in expected.items())
    if isinstance(expected, list) and not isinstance(value, list):
        return any(_agrees(value, one) for one in expected)
    if isinstance(expected, float) and isinstance(value, int | float):
        return math.isclose(value, expected, rel_tol=1e-6)
    return bool(value == expected)
