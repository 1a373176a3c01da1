"""What the kernel domains share: labels as results, the split of generated calls, hand-written calls, short sources.

Guarantees: a label becomes the same content whatever engine made it; an operator that is held out never reaches
training. Importing this needs no torch and no compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.domain import CallItem, Split
from base_gtm.schema import ToolCall

if TYPE_CHECKING:
    from kernelbench_harness.label import Label

ERROR_LIMIT = 160
"""Characters of the first error line that a spec allows."""

_DOCSTRING = re.compile(r'(?:\A|(?<=:\n))[ \t]*(?:"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\')[ \t]*\n')
"""At the start of a module or after a colon: what closes one source's quotes does not open a docstring."""
_COMMENT = re.compile(r"^[ \t]*(?://|#(?!include|pragma|define|if|else|endif|undef)).*\n", re.MULTILINE)
_IMPORT = re.compile(r"^(?:import|from) .*\n", re.MULTILINE)
_BLANK = re.compile(r"\n\s*\n+")
_EVERYWHERE = re.compile(r"^[ \t]*#include <(?:torch/extension|cuda|cuda_runtime|torch/types)\.h>\n", re.MULTILINE)
_SAYS_NOTHING = re.compile(
    r"^[ \t]*(?:super\(.*\)\.__init__\(\)|name=.*,|verbose=(?:True|False),?|with_cuda=True,?)\n", re.MULTILINE
)
_TRAILING = re.compile(r"[ \t]+//[^\n\"']*$", re.MULTILINE)


def content_of(label: Label) -> dict[str, Any]:
    """A label as structured content: what is not known is absent, the runtime has three significant digits."""
    from kernelbench_harness.label import COMPILING, Verdict

    if label.verdict is Verdict.COMPILED:
        return {"verdict": label.verdict.value, "compiled": True}
    # A compilation that ran out of time left nothing to run: to whoever asks, it did not compile.
    compiled = label.verdict is not Verdict.COMPILE_ERROR and label.stage not in COMPILING
    content: dict[str, Any] = {
        "verdict": label.verdict.value if compiled else Verdict.COMPILE_ERROR.value,
        "compiled": compiled,
        "correct": label.verdict is Verdict.CORRECT,
    }
    if label.runtime is not None:
        content["runtime_ms"] = float(f"{label.runtime.median_ms:.3g}")
    elif label.verdict is not Verdict.CORRECT:
        content["error"] = label.first_error[:ERROR_LIMIT]
    return content


@dataclass(frozen=True)
class HeldOut:
    """Which generated calls a model never learns from: by operator, by mistake, and a share of the rest."""

    test_operators: frozenset[str]
    validation_operators: frozenset[str]
    mistakes: frozenset[str]
    """Kinds that only test calls have."""
    test_share: int
    """Of a hundred families of the other operators."""
    validation_share: int

    def place(self, operator: str, mistakes: Iterable[str | None], twin: str) -> tuple[Split, str]:
        """Split and cohort of a family, from its operator, the mistakes of its broken copies, and its id."""
        from kernelbench_harness.label import text_hash

        if operator in self.test_operators:
            return "test", "unseen"
        if self.mistakes & set(mistakes):
            return "test", "new mistakes"
        if operator in self.validation_operators:
            return "validation", "unseen"
        share = int(text_hash(twin), 16) % 100
        if share < self.test_share:
            return "test", "seen"
        return ("validation", "seen") if share < self.test_share + self.validation_share else ("train", "seen")


def folder_calls(folder: Path, tool: str) -> Iterator[CallItem]:
    """Hand-written candidates as foreign test calls: one folder a problem, with its problem.py and candidates."""
    for path in sorted(folder.glob("*/*.py")):
        if path.name == "problem.py":
            continue
        arguments = {"reference": (path.parent / "problem.py").read_text(), "candidate": path.read_text()}
        name = f"{path.parent.name}/{path.stem}"
        tags = {"operator": path.parent.name, "mistake": None, "site": None}
        yield CallItem(ToolCall(tool, arguments), "test", "foreign", path.parent.name, name, tags)


def condense(source: str) -> str:
    """The source without imports, docstrings, whole-line comments and blank lines."""
    for pattern in (_DOCSTRING, _COMMENT, _IMPORT):
        source = pattern.sub("", source)
    return _BLANK.sub("\n", source).strip()


def bare(candidate: str) -> str:
    """The candidate condensed, without the headers that every one has, the lines of Python that say nothing of the
    kernel, and comments at the end of a line."""
    text = condense(candidate)
    for pattern in (_EVERYWHERE, _SAYS_NOTHING, _TRAILING):
        text = pattern.sub("", text)
    return text


def compiled(content: Mapping[str, Any]) -> bool | None:
    """Whether a label's candidate compiles; None where it cheats, since its source alone may have told."""
    return None if content["verdict"] == "cheating" else bool(content["verdict"] != "compile_error")
