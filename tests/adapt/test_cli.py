"""The command line: light, its flags derived from the options, and one line for whatever a user got wrong."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import pytest

from adapt.cli import VERBS, main
from adapt.options import command, plain
from base_gtm.options import field_notes

HEAVY = ("torch", "transformers", "pandas", "sklearn", "pyarrow", "peft", "datasets")
PROBE = """
import contextlib, io, json, sys
import typer, typer._adapters
bare = len(sys.modules)
from adapt.cli import main
with contextlib.redirect_stdout(io.StringIO()) as out:
    status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules), len(sys.modules) - bare, out.getvalue()]))
"""
MODULES = 100
"""More modules than this beside typer's own (about 220) is an import that a help page does not need. Counted, not
timed: a second of a test machine that shares its cores is no measure."""


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_is_light(verb: str, environment, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROBE, *filter(None, [verb]), "--help"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60, check=True
    )
    status, modules, added, text = json.loads(done.stdout)
    assert status == 0 and not set(HEAVY) & set(modules)
    assert "Usage: adapt" in text
    assert added < MODULES


def test_help_names_every_verb_and_says_what_it_does(capsys) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    for verb, summary in VERBS.items():
        assert verb in out and summary.split()[0] in out


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_option_is_a_flag_with_help(verb: str, capsys) -> None:
    module = importlib.import_module(f"adapt.verbs.{verb.replace('-', '_')}")
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    helps = field_notes(module.Options)
    for item in fields(module.Options):
        assert f"--{item.name.replace('_', '-')}" in out or item.name.upper() in out
        assert helps.get(item.name) or item.metadata.get("help"), f"{verb}: {item.name} has no help"


@dataclass(frozen=True)
class Sample:
    """A verb of the tests."""

    name: str
    """Positional."""
    rest: tuple[str, ...] = ()
    """Repeatable."""
    mode: Literal["a", "b"] = "a"
    """A choice."""
    limit: float | None = None
    """May be absent."""
    quiet: bool = False
    """A flag that is off."""
    loud: bool = True
    """A flag that is on."""
    workspace: Path = Path(".")
    """A folder."""


def parse(*arguments: str) -> Sample:
    import typer

    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    got: list[Sample] = []

    def run(options: Sample) -> int:
        got.append(options)
        return 0

    app.command()(command(Sample, run))
    app(list(arguments), standalone_mode=False)
    return got[0]


def test_flags_derive_from_the_dataclass() -> None:
    assert parse("n") == Sample("n")
    given = parse("n", "--rest", "x", "--rest", "y", "--mode", "b", "--limit", "1.5", "--quiet", "--no-loud")
    assert given == Sample("n", ("x", "y"), "b", 1.5, True, False)
    with pytest.raises(Exception, match="'c' is not one of"):
        parse("n", "--mode", "c")


def test_plain_options_are_json() -> None:
    value = plain(Sample("n", rest=("x",), workspace=Path("/w")))
    assert json.loads(json.dumps(value)) == value
    assert value["rest"] == ["x"] and value["workspace"] == "/w"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["check", "nope"], "no domain called 'nope'"),
        (["label", "nope"], "no domain called 'nope'"),
        (["label", "mini", "--count", "many"], "--count': Input should be a valid integer"),
        (["label", "mini", "--bogus"], "No such option: --bogus (see: adapt label --help)"),
        (["label"], "NAME"),
        (["bogus"], "No such command 'bogus'"),
        (["new-domain", "mini"], "exists"),
        (["new-domain", "x", "--template", "zz"], "no template called 'zz'"),
    ],
)
def test_user_mistakes_are_one_line_and_status_2(workspace: Path, monkeypatch, capsys, arguments, complaint) -> None:
    monkeypatch.chdir(workspace)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("error: ") and complaint.lower() in captured.err.lower()


@pytest.mark.parametrize("verb", ["check", "label", "train", "calibrate", "score"])
@pytest.mark.parametrize(
    ("file", "text"), [("spec.json", '{"name": '), ("__init__.py", "DOMAIN = oops"), ("spec.json", "[]")]
)
def test_a_broken_domain_is_one_line_for_every_verb(workspace: Path, monkeypatch, capsys, verb, file, text) -> None:
    monkeypatch.chdir(workspace)
    (workspace / "domains/mini" / file).write_text(text)
    assert main([verb, "mini"]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1, captured.err
    assert captured.err.startswith("error: ")


def test_a_full_disk_is_one_line(workspace: Path, adapt) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    done = adapt("label", "mini", "--count", "3000", cwd=workspace, before=limit)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if not line.startswith("label mini")]
    assert len(errors) == 1 and errors[0].startswith("error: "), done.stderr
    again = adapt("label", "mini", "--count", "3000", cwd=workspace)
    assert again.returncode == 0 and "all" in again.stdout


def test_an_interrupt_says_how_to_go_on(workspace: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.setattr("adapt.verbs.label.engine", lambda *_: interrupting)
    assert main(["label", "mini"]) == 130
    assert "goes on where this one stopped" in capsys.readouterr().err


def interrupting(*_: object):
    raise KeyboardInterrupt
