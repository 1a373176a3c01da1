"""The command `adapt`: one command a verb.

Guarantees: a verb's module is imported only when its command runs or shows its help, and no command imports a heavy
package before it needs it; flags, defaults and help come from the verb's `Options`; what a user got wrong is one line,
`error: ...`, on standard error with exit status 2. Exit status 130 after an interrupt.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from adapt.errors import AdaptError
from adapt.options import command
from base_gtm.errors import GtmError

if TYPE_CHECKING:
    import typer

VERBS = {
    "new-domain": "Start a domain from a template.",
    "check": "Check a domain's contract and known answers.",
    "label": "Ask the real tool, keep its answers.",
    "train": "Train an adapter on the labels.",
    "calibrate": "Fit temperature, threshold and foreign-input check.",
    "score": "Hold the simulator against the real answers; write the report.",
    "route": "Say which adapter answers for a tool, and why.",
    "call": "Answer one call by the simulator, the real tool, or both.",
    "study": "Run one of the paper's studies: real tool, simulator and mixtures of both.",
    "doctor": "Say what this machine can do.",
}
"""Command -> its line in the help. The module of a verb is adapt.verbs.<command>, with _ for -."""

INTERRUPTED = 130
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    import typer

    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        status = int(build(given)(given, prog_name="adapt", standalone_mode=False) or 0)
        return _interrupted() if status == INTERRUPTED else status  # typer turns Ctrl-C into this status
    except typer.TyperException as error:  # a flag or argument that does not exist or does not parse
        wanted = _wanted(given)
        return _refuse(f"{error.format_message().rstrip('.')} (see: adapt {f'{wanted} ' if wanted else ''}--help)")
    except (AdaptError, GtmError) as error:
        return _refuse(str(error))
    except BrokenPipeError:
        # The reader has gone; keep the interpreter from complaining about it when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        return _refuse(f"{error.filename or 'disk'}: {error.strerror}; free space, then run the same command again")
    except KeyboardInterrupt:
        return _interrupted()


def build(given: Sequence[str]) -> typer.Typer:
    """The application, with the full command for the verb that is asked for and a line for every other."""
    import typer

    app = typer.Typer(
        name="adapt",
        help="From a tool to a calibrated simulator of it: real labels, an adapter, a fidelity report.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_nothing)
    for verb, summary in VERBS.items():
        function = _load(verb) if verb == _wanted(given) else _nothing
        app.command(verb, short_help=summary)(function)
    return app


def _load(verb: str) -> Callable[..., int]:
    """The command of a verb. Raises AdaptError when this installation lacks it."""
    name = f"adapt.verbs.{verb.replace('-', '_')}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        raise AdaptError(f"adapt {verb}: {error.name} is not installed; install the package again") from None
    return command(module.Options, module.run)


def _wanted(given: Sequence[str]) -> str:
    """The verb named in the arguments, or ""."""
    first = next((argument for argument in given if not argument.startswith("-")), "")
    return first if first in VERBS else ""


def _nothing() -> None:
    """Stands for a command that is not the one asked for."""


def _refuse(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 2


def _interrupted() -> int:
    print("interrupted; the same command goes on where this one stopped", file=sys.stderr)
    return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
