"""How a predicted answer is held against the real one: two verdicts and a runtime, read off the result's content."""

from collections.abc import Mapping
from typing import Any

from adapt.domain import Fidelity
from domains.kernels import compiled


def _runtime(content: Mapping[str, Any]) -> float | None:
    return content.get("runtime_ms")


FIDELITY = Fidelity(
    verdicts={
        "compiled": compiled,
        "correct": lambda content: content["verdict"] == "correct",
    },
    numbers={"runtime_ms": _runtime},
    label=lambda content: str(content["verdict"]),
    decision_field="verdict",
)
