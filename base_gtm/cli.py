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
    max_prompt_tokens: Annotated[int, typer.Option(help="Longer arguments are cut in their middle.")] = 640,
) -> None:
    """Answer one call as the tool would, as JSON on standard output."""
    from base_gtm.arguments import check
    from base_gtm.schema import ToolCall, ToolSpec
    from base_gtm.simulator import Answer, Simulator
    from base_gtm.turns import read_history

    tool = ToolSpec.load(spec)
    call = ToolCall(tool.name, read_arguments(arguments))
    if not temperature > 0:
        raise DataError(f"--temperature {temperature}: give a number above zero")

    turns = read_history(history) if history is not None else []
    refusal = check(tool, call.arguments)
    if refusal is not None:
        return _show(Answer(refusal))  # no model is loaded for it

    from base_gtm.model import load_base

    simulator = Simulator(load_base(base), adapter, max_prompt_tokens)
    _show(simulator.answer(tool, call, evidence=evidence, history=turns, temperature=temperature, brief=not full))


def _show(answer: Answer) -> None:
    shown = {
        "isError": answer.result.is_error,
        "structuredContent": dict(answer.result.content),
        "text": answer.result.text,
        "confidence": round(answer.confidence, 4),
        "distributions": {
            name: {value: round(chance, 4) for value, chance in values.items()}
            for name, values in answer.distributions.items()
        },
        "surprise": round(answer.surprise, 3),
        "seconds": round(answer.seconds, 4),
    }
    typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))


def read_arguments(given: str) -> Any:
    """The JSON value of an argument that is text, a file's name or "-". Raises DataError."""
    where, text = "arguments", given
    if given == "-":
        text = sys.stdin.read()
    elif not given.lstrip().startswith(("{", "[", '"')):
        path = Path(given)
        try:
            where, text = given, path.read_text()
        except OSError:
            raise DataError(
                f"arguments: {given[:80]!r} is neither JSON nor a readable file; try '{{\"x\": 1}}'"
            ) from None
        except UnicodeDecodeError:
            raise DataError(f"{given}: not text; give a file of JSON") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}:{error.lineno}: not valid JSON ({error.msg})") from None


def _train(**values: Any) -> None:
    """Train a base from scratch: tokenizer, model, card. The same command resumes after a kill."""
    from base_gtm.train import TrainOptions, run

    raise typer.Exit(run(chosen(TrainOptions, values)))


def _register() -> None:
    from base_gtm.carg.command import app as carg
    from base_gtm.collection.command import app as tools
    from base_gtm.generation.command import add_commands
    from base_gtm.train import TrainOptions

    add_commands(tools)
    app.add_typer(tools)
    app.add_typer(carg)

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
