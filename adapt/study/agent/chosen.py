"""The agent of a study: named, trained or looked up, and what is known of it.

The nano one is trained in the run's folder, once for all arms and seeds; any other comes by folder or hub name.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.progress import progress
from base_gtm.schema import content_hash

if TYPE_CHECKING:
    from adapt.study.task import Task

NANO = "nano"
TOKENS = 1024
"""Longest text of an agent of which nothing is known."""
SPARE = 16
"""Tokens that a text may be longer than the longest demonstration."""


def ready(name: str, task: Task, folder: Path, demonstrations: int | None, smoke: bool) -> str | Path:
    """The agent's hub name or folder; the nano one is trained into `folder` first. Raises AdaptError."""
    if name != NANO:
        return Path(name) if Path(name).is_dir() else name
    from adapt.study.agent.nano import AgentOptions, nano_agent

    made = AgentOptions()
    if demonstrations is not None:
        made = replace(made, demonstrations=demonstrations)
    if smoke:
        made = replace(made, samples=0)
    with progress("nano agent", -(-made.demonstrations // made.batch), "steps") as advance:
        return nano_agent(task, folder, seed=0, options=made, advance=advance)


def try_out(name: str) -> None:
    """Load it once and let it go: better now than when the arms have been opened. Raises AdaptError."""
    from adapt.study.agent.nano import load_agent

    load_agent(name)


def card_of(agent: str | Path) -> dict[str, Any] | None:
    """What is known of an agent of ours; None for any other."""
    path = agent / "card.json" if isinstance(agent, Path) else None
    try:
        return dict(json.loads(path.read_text())) if path is not None else None
    except (OSError, ValueError, TypeError):
        return None


def tokens_of(agent: str | Path, wanted: int | None) -> int:
    """Longest text: an agent of ours needs little more than its longest demonstration."""
    if wanted is not None:
        return wanted
    try:
        return int((card_of(agent) or {})["tokens"]["longest"]) + SPARE
    except (KeyError, TypeError, ValueError):
        return TOKENS


def identity(name: str) -> str:
    """What tells an agent from another: the name, or for a folder sizes of weights and the configuration."""
    folder = Path(name)
    if name == NANO or not (folder / "config.json").is_file():
        return name
    files = sorted((path.name, path.stat().st_size) for path in folder.glob("*.safetensors"))
    return content_hash([files, (folder / "config.json").read_text()])
