"""How a predicted answer is held against the real one: two verdicts and a runtime, read off the result's content.

`correct` is unknown of a candidate that was only compiled: such a label says nothing about it, in either direction.
"""

from collections.abc import Mapping
from typing import Any

from adapt.domain import Fidelity, Published
from domains.kernels import compiled


def _correct(content: Mapping[str, Any]) -> bool | None:
    return None if content["verdict"] == "compiled" else bool(content["verdict"] == "correct")


def _runtime(content: Mapping[str, Any]) -> float | None:
    return content.get("runtime_ms")


PAPER = "GTM paper, Table 4"
"""Fine-tuned GTM on the authors' KernelBench labels, as published: other kernels, other labels, no intervals."""

FIDELITY = Fidelity(
    verdicts={
        "compiled": compiled,
        "correct": _correct,
    },
    numbers={"runtime_ms": _runtime},
    label=lambda content: str(content["verdict"]),
    decision_field="verdict",
    published={
        "compiled": Published(PAPER, {"accuracy": 0.9065, "precision": 0.9365, "recall": 0.8728, "f1": 0.9035}),
        "correct": Published(PAPER, {"accuracy": 0.9602, "precision": 0.9464, "recall": 0.7114, "f1": 0.8123}),
        "runtime_ms": Published(PAPER, {"median_absolute_error": 0.10, "mean_absolute_error": 7.04}),
    },
    notes={
        "runtime_ms": (
            "Of correct kernels alone. The 99.45 % runtime accuracy of the paper's Table 4 is about 2,151 kernels that "
            "have no runtime at all (-1.0), not about times; its errors in ms are of 298 kernels."
        ),
    },
)
