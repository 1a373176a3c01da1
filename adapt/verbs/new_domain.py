"""`adapt new-domain`: starts a domain from the blank template or from a registered one.

A name that a registered domain has starts from that domain: `adapt new-domain cuda` gives a workspace its own copy of
the one that ships, to change as it likes.

Guarantees: what it writes passes `adapt check`; nothing is overwritten; the folder appears whole or not at all. Labels,
adapters and caches of the template are not copied: they are answers of another tool's.
"""

from __future__ import annotations

import keyword
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from adapt.errors import AdaptError, ArtifactError, DomainError
from adapt.registry import WORKSPACE, find, survey
from base_gtm.schema import ToolSpec

BLANK = Path(__file__).resolve().parent.parent / "templates" / "blank"
LEFT_OUT = ("labels", "adapter", "__pycache__", "*.egg-info", ".*", "*.pyc", "runs", "build", "dist")
TEXT = {".py", ".json", ".jsonl", ".md", ".txt", ".toml"}

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "adapt-domain-{dashed}"
version = "0.1.0"
description = "The {name} domain for gtm-adapt"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["gtm-adapt"]

[project.entry-points."adapt.domains"]
{name} = "{package}:DOMAIN"

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
{package} = ["**/*"]
"""

_CARD = """\
# {name}

Started from the `{template}` domain. This card belongs to you: say what the tool is, where its calls come from, and
what the simulator is worth.

| | |
| --- | --- |
| Data | where the calls come from; labels come from the real tool alone |
| Licences | of the calls and of what they contain |
| Hardware | what the real tool needs |
| Figures | `adapt score {name}` writes them |
| Limits | what the simulator must not be asked |
"""


@dataclass(frozen=True)
class Options:
    """Start a domain from a template: ./domains/NAME/, or with --standalone a package adapt_domain_NAME."""

    name: str
    """Name of the new domain: a Python identifier in lower case."""
    template: str | None = None
    """"blank", or the name of a registered domain to copy without its labels and adapter. By default the registered
    domain of the same name, and blank where there is none."""
    standalone: bool = False
    """Write a pip package with an entry point instead of a workspace folder."""
    workspace: Path = Path(".")
    """Folder to write into."""


def run(options: Options) -> int:
    """Write the domain and print what to do next. Raises AdaptError."""
    name = options.name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise DomainError(f"'{name}' cannot name a domain: use lower-case letters, digits and _, a letter first")
    template = options.template or _same_name(name, options.workspace)
    source, old = (BLANK, "blank") if template == "blank" else _registered(template, options.workspace)
    package = f"adapt_domain_{name}"
    target = options.workspace / (package if options.standalone else f"domains/{name}")
    if target.exists():
        raise AdaptError(f"{target} exists; choose another name, or move the folder away")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        folder = draft / package if options.standalone else draft
        copy_domain(source, old, name, folder)
        if options.standalone:
            (draft / "pyproject.toml").write_text(
                _PYPROJECT.format(name=name, package=package, dashed=name.replace("_", "-"))
            )
            shutil.copy(folder / "README.md", draft / "README.md")
        draft.rename(target)
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _say_next(name, target, options, template)
    return 0


def copy_domain(source: Path, old: str, name: str, target: Path) -> None:
    """Copy a domain's folder under a new name. Raises DomainError where the template cannot be renamed."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
    spec = ToolSpec.load(source / "spec.json")
    tool = _renamed(spec.name, old, name)
    for path in sorted(path for path in target.rglob("*") if path.suffix in TEXT and path.is_file()):
        text = path.read_text()
        _refuse_absolute_imports(text, old, path.relative_to(target))
        changed = re.sub(rf"\b{re.escape(spec.name)}\b", tool, text)
        if changed != text:
            path.write_text(changed)
    init = target / "__init__.py"
    changed, times = re.subn(rf"(\bname\s*=\s*)([\"']){re.escape(old)}\2", rf"\g<1>\g<2>{name}\g<2>", init.read_text())
    if times != 1:
        raise DomainError(f'{source / "__init__.py"}: no single name="{old}" to replace; it cannot serve as a template')
    init.write_text(changed)
    readme = target / "README.md"
    if source == BLANK:
        readme.write_text(re.sub(r"\bblank\b", name, readme.read_text()))
    else:
        readme.write_text(_CARD.format(name=name, template=old))


def _same_name(name: str, workspace: Path) -> str:
    """The registered domain that has this name already, in another place than this workspace; else "blank"."""
    rivals = [found for found in survey(workspace)[0] if found.domain.name == name and found.distance != WORKSPACE]
    return name if rivals else "blank"


def _registered(template: str, workspace: Path) -> tuple[Path, str]:
    """Folder and name of a registered domain. Raises DomainError naming the templates there are."""
    known = sorted({"blank", *(found.domain.name for found in survey(workspace)[0])})
    if template not in known:
        raise DomainError(f"no template called '{template}' (there are: {', '.join(known)})")
    domain = find(template, workspace).domain
    return domain.root, domain.name


def _renamed(tool: str, old: str, name: str) -> str:
    """The tool's new name: the old domain's part of it replaced, or the new domain's name before it."""
    parts = tool.split("_")
    if old in parts:
        return "_".join(name if part == old else part for part in parts)
    return f"{name}_{tool}"


def _refuse_absolute_imports(text: str, old: str, path: Path) -> None:
    """A copy that imports its original by full name would silently run the original's code."""
    pattern = rf"^\s*(?:from|import)\s+(?:domains\.{re.escape(old)}|adapt_domain_{re.escape(old)})\b"
    if path.suffix == ".py" and re.search(pattern, text, re.MULTILINE):
        raise DomainError(f"template '{old}': {path} imports itself by its full name; use relative imports there")


def _say_next(name: str, target: Path, options: Options, template: str) -> None:
    folder = target / target.name if options.standalone else target
    print(f"wrote {target}" + (f", a copy of the '{template}' domain" if template != "blank" else ""))
    if options.standalone:
        print(f"next: pip install -e {target}")
    print(
        f"next: adapt check {name}      every check passes; run it after each change\n"
        f"      edit {folder}/: README.md, spec.json, real_tool.py, calls.py\n"
        f"      adapt label {name}      ask the real tool\n"
        f"      adapt train {name}      learn its answers\n"
        f"      adapt score {name}      see what the simulator is worth"
    )
    rivals = [found for found in survey(options.workspace)[0] if found.domain.name == name]
    shadowed = [found for found in rivals if found.domain.root.resolve() != target.resolve()]
    if shadowed and options.standalone:
        print(f"note: '{name}' is also {shadowed[0].origin}; the nearer one answers")
