"""The files that `load` names, read where the candidate runs: sources, and the headers beside them.

Guarantees: what is read becomes `Unit`s of plain relative names, at most MAX_SOURCE characters together. A header is
found as a compiler finds `#include "x"`: beside the file that asks, then in extra_include_paths; one that is found
nowhere is left to the compiler. Folders above the first source's are not entered.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from kernelbench_harness.compile.request import CPP_SUFFIXES, CUDA_SUFFIXES, MAX_SOURCE, Language, Unit

_QUOTED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]{1,200})"', re.M)
_MOST_HEADERS = 64


def read_sources(sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> tuple[Unit, ...]:
    """The sources and the headers that they include by quotes. Raises RuntimeError as torch's build does for what
    cannot be read, or is in a language that is not compiled here."""
    given = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    paths = [Path(os.fspath(source)).absolute() for source in given]
    if not paths:
        raise RuntimeError("load: no sources")
    root = Path(os.path.commonpath([path.parent for path in paths]))
    units: dict[str, Unit] = {}
    left = MAX_SOURCE
    for path in paths:
        text = _text(path, left)
        left -= len(text)
        units[_name(path, root)] = Unit(_name(path, root), text, _language(path))
    waiting = [(path, units[_name(path, root)].text) for path in paths]
    while waiting and len(units) < len(paths) + _MOST_HEADERS:
        path, text = waiting.pop()
        for asked in _QUOTED.findall(text):
            found = Path(os.path.normpath(path.parent / asked))
            if not found.is_relative_to(root) or _name(found, root) in units or not found.is_file():
                continue
            held = _text(found, left)
            left -= len(held)
            units[_name(found, root)] = Unit(_name(found, root), held, "header")
            waiting.append((found, held))
    return tuple(units.values())


def _language(path: Path) -> Language:
    if path.suffix in CUDA_SUFFIXES:
        return "cuda"
    if path.suffix in CPP_SUFFIXES:
        return "c++"
    raise RuntimeError(f"load: {path.name} is neither C++ nor CUDA source")


def _name(path: Path, root: Path) -> str:
    return str(PurePosixPath(path.relative_to(root)))


def _text(path: Path, left: int) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(left + 1)
    except OSError as error:
        raise RuntimeError(f"load: {path.name}: {error.strerror}") from error
    if len(text) > left:
        raise RuntimeError(f"load: more than {MAX_SOURCE} characters of source")
    return text
