"""`base-gtm`: the generalist's command line.

Guarantees: `--help` imports no torch; a user's mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from base_gtm.errors import DataError, GtmError
from base_gtm.options import chosen, with_options
from base_gtm.prompt import PROMPT_TOKENS

if TYPE_CHECKING:
    from base_gtm.simulator import Answer

app = typer.Typer(
    name="base-gtm",
    help="A generalist tool model: train the embedded base, simulate any tool from its spec.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def simulate(
    spec: Annotated[Path, typer.Argument(help="Tool spec, a JSON file as in MCP.")],
    arguments: Annotated[str, typer.Argument(help="Arguments: JSON text, a file of it, or - for standard input.")],
    base: Annotated[str, typer.Option(help="Base model: nano, a folder, or a hub id.")] = "nano",
    adapter: Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter for that base.")] = None,
    evidence: Annotated[str, typer.Option(help="Facts about the call, shown to the model.")] = "",
    history: Annotated[
        Path | None, typer.Option(help="Earlier turns, JSON lines of {name, arguments, result or error}.")
    ] = None,
    temperature: Annotated[float, typer.Option(help="Divides the log probabilities of listed values.")] = 1.0,
    full: Annotated[bool, typer.Option("--full", help="Answer optional output fields too.")] = False,
    max_prompt_tokens: Annotated[
        int, typer.Option(help="Earlier turns give way, then arguments lose their middle.")
    ] = PROMPT_TOKENS,
    refuse_above: Annotated[
        float | None, typer.Option(help="Probability of a refusal above which a call is refused; else the base's own.")
    ] = None,
) -> None:
    """Answer one call as the tool would, as JSON on standard output; wrong arguments with the tool's error."""
    from base_gtm.arguments import check, read
    from base_gtm.schema import ToolCall, ToolResult, ToolSpec
    from base_gtm.simulator import Answer, Simulator
    from base_gtm.turns import read_history

    tool = ToolSpec.load(spec)
    given = read(tool, argument_text(arguments))
    if not temperature > 0:
        raise DataError(f"--temperature {temperature}: give a number above zero")

    turns = read_history(history) if history is not None else []
    call = given if isinstance(given, ToolResult) else check(tool, given) or ToolCall(tool.name, given)
    if isinstance(call, ToolResult):
        return _show(Answer(call, refusal_probability=1.0))  # no model is loaded for it

    from base_gtm.model import load_base

    simulator = Simulator(load_base(base), adapter, max_prompt_tokens, refuse_above=refuse_above)
    _show(simulator.answer(tool, call, evidence=evidence, history=turns, temperature=temperature, brief=not full))


def _show(answer: Answer) -> None:
    chance = answer.refusal_probability
    shown = {
        "isError": answer.result.is_error,
        "structuredContent": dict(answer.result.content),
        "text": answer.result.text,
        "confidence": round(answer.confidence, 4),
        "distributions": {
            name: {value: round(share, 4) for value, share in values.items()}
            for name, values in answer.distributions.items()
        },
        "surprise": round(answer.surprise, 3),
        **({} if chance is None else {"refusalProbability": round(chance, 4)}),
        "seconds": round(answer.seconds, 4),
    }
    typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))


def argument_text(given: str) -> str:
    """An argument that is JSON text, a file's name or "-", as text. Raises DataError."""
    if given.lstrip().startswith(("{", "[", '"')):
        return given
    try:
        return sys.stdin.read() if given == "-" else Path(given).read_text()
    except UnicodeDecodeError:
        raise DataError(f"{given}: not text; give a file of JSON") from None
    except (OSError, ValueError):
        raise DataError(f"arguments: {given[:80]!r} is neither JSON nor a readable file; try '{{\"x\": 1}}'") from None


def _train(**values: Any) -> None:
    """Train a base from scratch, all weights of one, or an adapter. The same command resumes after a kill."""
    from base_gtm.training.options import TrainOptions
    from base_gtm.training.run import run

    raise typer.Exit(run(chosen(TrainOptions, values)))


def _register() -> None:
    from base_gtm.carg.command import app as carg
    from base_gtm.collection.command import app as tools
    from base_gtm.generation.command import add_commands
    from base_gtm.judge.command import app as judge
    from base_gtm.training.options import TrainOptions

    add_commands(tools)
    app.add_typer(tools)
    app.add_typer(carg)
    app.add_typer(judge)

    app.command("train")(with_options(_train, TrainOptions))


_register()


def main() -> None:
    """Console script: one line for whatever a user got wrong."""
    raise SystemExit(_status())


def _status() -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as error:  # a flag or argument that does not exist or does not parse
        said = error.format_message().rstrip(".")
        return _refuse(f"{said} (see: base-gtm --help)") if said else 2  # nothing was asked for: the help stands there
    except GtmError as error:
        return _refuse(str(error))
    except BrokenPipeError:
        # The reader has gone; keep the interpreter from complaining about it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on where this one stopped", err=True)
        return 130


def _refuse(message: str) -> int:
    typer.echo("error: " + " ".join(message.split()), err=True)
    return 2


if __name__ == "__main__":
    main()
