"""`python -m adapt.study.agent DOMAIN FOLDER`: train a nano agent once, for many studies.

`adapt study speedup --agent FOLDER` then takes it. Killed at any point, the same command goes on.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from adapt.errors import AdaptError
from adapt.study.agent.nano import CARD, AgentOptions, nano_agent
from base_gtm.errors import GtmError

_DEFAULTS = AgentOptions()


@dataclass(frozen=True)
class Command:
    """Train a nano agent on the demonstrations of a domain's study and write it to a folder."""

    domain: str
    """Name of the domain."""
    folder: Path
    """Folder to write."""
    demonstrations: int = _DEFAULTS.demonstrations
    """How many it learns from, each seen once."""
    vocab_size: int = _DEFAULTS.vocab_size
    """Tokens of its tokenizer."""
    context: int = _DEFAULTS.context
    """Longest prompt and completion together."""
    hidden_size: int = _DEFAULTS.hidden_size
    """Width."""
    layers: int = _DEFAULTS.layers
    """Layers."""
    heads: int = _DEFAULTS.heads
    """Attention heads."""
    batch: int = _DEFAULTS.batch
    """Demonstrations a step."""
    lr: float = _DEFAULTS.lr
    """Highest learning rate."""
    samples: int = _DEFAULTS.samples
    """Texts for each validation problem that the real tool judges for the card; 0 leaves that out."""
    threads: int = _DEFAULTS.threads
    """CPU threads of training; 0 leaves torch's choice."""
    seed: int = 0
    """Seed of demonstrations, weights and order."""


def run(command: Command) -> int:
    """Train, and show the card's figures. Raises AdaptError."""
    from adapt.progress import progress
    from adapt.registry import find

    domain = find(command.domain).domain
    if domain.study is None:
        raise AdaptError(f"domain {domain.name} has no study: its record gives no `study`")
    options = AgentOptions(**{name: getattr(command, name) for name in AgentOptions.__dataclass_fields__})
    with progress("nano agent", -(-options.demonstrations // max(1, options.batch)), "steps") as advance:
        nano_agent(domain.study(), command.folder, seed=command.seed, options=options, advance=advance)
    card = json.loads((command.folder / CARD).read_text())
    print(f"{command.folder}: {card['parameters']:,} parameters, {card['steps']} steps in {card['seconds']} s")
    print(f"tokens: {card['tokens']}")
    print(f"loss at the end: {card['loss_curve'][-1]['loss'] if card['loss_curve'] else 'not logged'}")
    print(f"validation: {card.get('validation', 'not judged')}")
    return 0


def main() -> int:
    """One command; a user's mistake is one line and status 2."""
    import typer

    from adapt.options import command

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command(Command, run))
    try:
        return int(app(prog_name="python -m adapt.study.agent", standalone_mode=False) or 0)
    except typer.TyperException as error:
        message = error.format_message()
    except (AdaptError, GtmError) as error:
        message = str(error)
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
