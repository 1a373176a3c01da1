"""What g++, nvcc and the linkers said: errors as values, and the text without our folders.

nvcc speaks with several voices: the front end shared by cudafe++ and cicc ("cuda.cu(3): error: ..."), g++ for the
preprocessor and the host half ("cuda.cu:3:1: error: ..."), ptxas, nvlink and the driver ("ptxas error   : ...").
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Literal

END = "At end of source"
"""The file of an error of the front end at the end of the unit."""
Voice = Literal["g++", "front end", "assembler"]
_ERROR = re.compile(
    r"^(?:(?P<file>[^:\n]+):(?P<line>\d+):(?:(?P<column>\d+):)? (?:fatal )?error: (?P<message>.*)"
    r"|(?P<edg_file>[^\s(][^(\n]*)\((?P<edg_line>\d+)\): (?:catastrophic |internal )?error(?: #[\w-]+)?: (?P<edg>.*)"
    r"|At end of source: error: (?P<end>.*)"
    r"|(?P<tool>ptxas|nvlink|nvcc|fatbinary)\b[^\n]*?(?:error|fatal)\s*: (?P<said>.*))$",
    re.M,
)
_QUOTES = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
_GUESS = re.compile(r"; did you mean '[^']*'\?")
_PATH = re.compile(r"(?<![\w./<-])(?:/[\w.+@~-]+)+/")
_TEMPORARY = re.compile(r"\bcc[A-Za-z0-9]{6}(?=\.(?:s|o|ii|res|ld)\b)")
"""The name of a temporary file of g++, another one each time."""
_CUDA_TEMPORARY = re.compile(r"\btmpxft_[0-9a-f]{8}_[0-9a-f]{8}-\d+_")
_LINK = re.compile(r"^.*?(undefined reference to .*|multiple definition of .*|cannot find .*)$", re.M)


@dataclass(frozen=True)
class Diagnostic:
    """One error."""

    file: str
    """Empty where the assembler, the linker or nvcc's driver speaks."""
    line: int
    column: int
    message: str
    voice: Voice = "g++"
    more: str = ""
    """Lines that continue the message, such as "argument types are: (float *, int)"; of the front end alone."""
    shown: str = ""
    """The line of code that the front end shows, macros expanded; `column` counts in it."""


def errors(output: str) -> list[Diagnostic]:
    """Every error in a compiler's output, in order, quotes made plain."""
    text = output.translate(_QUOTES)
    found = []
    for m in _ERROR.finditer(text):
        if m["file"]:
            found.append(Diagnostic(m["file"], int(m["line"]), int(m["column"] or 0), m["message"]))
        elif m["edg_file"]:
            found.append(_of_front_end(m["edg_file"], int(m["edg_line"]), m["edg"].strip(), text[m.end() + 1 :]))
        elif m["end"]:
            found.append(Diagnostic(END, 0, 0, m["end"].strip(), "front end"))
        else:
            found.append(Diagnostic("", 0, 0, f"{m['tool']}: {m['said']}", "assembler"))
    return found


def _of_front_end(file: str, line: int, message: str, after: str) -> Diagnostic:
    """A front end's error with what it prints below it: the rest of the message, the line of code, a caret."""
    below = after.split("\n", 14)[:14]
    indented = list(itertools.takewhile(lambda text: text.startswith(" "), below))
    # Code keeps its own indentation, which may be as deep as that of the message: only the caret tells them apart.
    caret = next((i for i, text in enumerate(indented) if i and text.strip() == "^"), 0)
    more = indented[: caret - 1] if caret else indented
    told = "\n".join(text.strip() for text in more if text.startswith(" " * 12))
    if caret:
        return Diagnostic(file, line, len(indented[caret]), message, "front end", told, indented[caret - 1])
    return Diagnostic(file, line, 0, message, "front end", told)


def clean(output: str) -> str:
    """The output with folders removed from paths, temporary names made one and quotes made plain."""
    plain = _PATH.sub("", output.translate(_QUOTES))
    return _CUDA_TEMPORARY.sub("tmpxft_", _TEMPORARY.sub("cc", plain)).strip()


def first_line(output: str) -> str:
    """The first error in one line: `main.cpp:12: error: ...`; a linker's complaint without its place.

    g++'s guess at what was meant is left out: it draws on every name that the headers happen to declare.
    """
    for error in errors(output):
        if error.voice == "assembler":
            return clean(error.message)
        if error.file == END:
            return f"{END}: error: {error.message}"
        return clean(f"{error.file}:{error.line}: error: {_GUESS.sub('', error.message)}")
    text = clean(output)
    if found := _LINK.search(text):
        return found[1]
    return next((line for line in text.splitlines() if "error" in line), text.splitlines()[0] if text else "")


def undefined(output: str) -> list[str]:
    """Demangled symbols that the linker could not find, in order."""
    return list(dict.fromkeys(re.findall(r"undefined reference to `(.+?)'$", output.translate(_QUOTES), re.M)))
