"""The specialist's life: new-domain, label, train, calibrate, score, route, call; its tool for a trainer: `tools`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapt.gate import Policy

__all__ = ["tools"]


def tools(
    name: str, *, policy: Policy | str = "simulate", workspace: Path | str | None = None, workers: int | None = None
) -> list[Callable[..., str]]:
    """A domain's tool as Python callables for an agent's trainer, e.g. TRL's `GRPOTrainer(tools=adapt.tools("cpp"))`.

    Each has the spec's signature and a Google-style docstring and returns the result as JSON text. It takes any
    arguments: wrong ones reach the tool's own refusal. `policy` says who answers (see `adapt.gate`): "simulate",
    "real", "hybrid:K" or "gate"; each callable's `gate` can be switched while the agent learns. `workspace` holds
    domains/ and runs/, by default the working folder. The gate is open from here on, until its `close` or the end of
    the process.
    Raises AdaptError where the domain, its adapter or its real tool is missing.
    """
    from adapt.callables import tools_of

    return tools_of(name, policy, Path(workspace) if workspace is not None else Path.cwd(), workers)
