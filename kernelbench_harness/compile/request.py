"""What `load_inline` or `load` asked for, and what came of it: frozen values, JSON both ways.

Guarantees: a `CompileRequest` that exists is well formed (types, sizes, names), whoever wrote the JSON; the text of its
units is byte for byte what torch would have given the compilers. It does not guarantee that the sources or flags are
harmless: the compilers run in the sandbox.

Which stage a failure has is one rule: `host_compile` for a unit that g++ compiles (main.cpp and other C++ files),
`device_compile` for a unit that nvcc compiles (.cu), whichever of nvcc's programs refuses it and whether the line is
host or device code, and `link` for everything after the units.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from kernelbench_harness.errors import RequestError

MAX_SOURCE = 4 << 20
"""Characters of all sources together."""
MAX_FLAGS = 200
_NAME = re.compile(r"[^/\0\s]{1,200}")
_FILE = re.compile(r"(?!\.)[\w.+-]{1,100}(/(?!\.)[\w.+-]{1,100}){0,8}")
CUDA_SUFFIXES = (".cu", ".cuh")
CPP_SUFFIXES = (".cpp", ".cc", ".cxx", ".c")
Language = Literal["c++", "cuda", "header"]
Stage = Literal["host_compile", "device_compile", "link"]
_LISTS = ("cpp_sources", "extra_cflags", "extra_ldflags", "extra_include_paths", "cuda_sources", "extra_cuda_cflags")


@dataclass(frozen=True)
class Unit:
    """One source file."""

    name: str
    """Where it lies below the folder of the build: a plain relative path."""
    text: str
    language: Language
    """"header" is compiled by nobody, but lies beside the others."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _FILE.fullmatch(self.name) or not isinstance(self.text, str):
            raise RequestError("load: a source's name must be a plain relative path, its text a string")
        if not isinstance(self.language, str) or self.language not in ("c++", "cuda", "header"):
            raise RequestError(f"load: {self.name} is in no language that is compiled here")

    @property
    def stage(self) -> Stage:
        """The stage at which it fails."""
        return "device_compile" if self.language == "cuda" else "host_compile"

    @property
    def object(self) -> str:
        """Name of its object file, as torch chooses it."""
        return Path(self.name).stem + (".cuda.o" if self.language == "cuda" else ".o")


@dataclass(frozen=True)
class CompileRequest:
    """One call of `load_inline`, arguments normalised as torch does, or of `load`, its files read."""

    name: str
    cpp_sources: tuple[str, ...]
    functions: tuple[tuple[str, str], ...] | None = None
    """(function, docstring) in order; None where no binding is to be written."""
    extra_cflags: tuple[str, ...] = ()
    extra_ldflags: tuple[str, ...] = ()
    extra_include_paths: tuple[str, ...] = ()
    cuda_sources: tuple[str, ...] = ()
    extra_cuda_cflags: tuple[str, ...] = ()
    with_cuda: bool | None = None
    with_pytorch_error_handling: bool = True
    is_python_module: bool = True
    no_implicit_headers: bool = False
    files: tuple[Unit, ...] = ()
    """The files of `load`; with them there are no cpp_sources, cuda_sources or functions."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise RequestError("load_inline: the extension's name must be a word of at most 200 characters without '/'")
        for field in _LISTS:
            _check_strings(field, getattr(self, field))
        if self.functions is not None:
            _check_strings("functions", tuple(part for pair in self.functions for part in pair))
        self._check_files()
        texts = (*self.cpp_sources, *self.cuda_sources, *(unit.text for unit in self.files))
        if sum(len(text) for text in texts) > MAX_SOURCE:
            raise RequestError(f"load_inline: more than {MAX_SOURCE} characters of source")

    def _check_files(self) -> None:
        if not isinstance(self.files, tuple) or len(self.files) > MAX_FLAGS:
            raise RequestError(f"load: at most {MAX_FLAGS} sources")
        if not self.files:
            return
        if self.cpp_sources or self.cuda_sources or self.functions is not None:
            raise RequestError("load: files and inline sources do not go together")
        objects = [unit.object for unit in self.files if unit.language != "header"]
        names = [unit.name for unit in self.files]
        if not objects or len(set(objects)) != len(objects) or len(set(names)) != len(names):
            raise RequestError("load: there must be sources, and no two whose objects have one name")
        if any(unit.language == "cuda" for unit in self.files) and self.with_cuda is False:
            raise RequestError("load: a .cu file with with_cuda=False is compiled by nobody")

    @property
    def units(self) -> tuple[Unit, ...]:
        """The translation units in the order in which they are compiled: C++ before CUDA; no headers."""
        if not self.files:
            inline = [Unit("main.cpp", self.main_cpp(), "c++")]
            return (*inline, Unit("cuda.cu", self.cuda_cu(), "cuda")) if self.cuda_sources else tuple(inline)
        ordered = [unit for unit in self.files if unit.language == "c++"]
        return (*ordered, *(unit for unit in self.files if unit.language == "cuda"))

    @property
    def headers(self) -> tuple[Unit, ...]:
        """Files that units may include."""
        return tuple(unit for unit in self.files if unit.language == "header")

    @property
    def needs_cuda(self) -> bool:
        """Whether torch would call nvcc or link against CUDA."""
        return bool(self.cuda_sources) or bool(self.with_cuda) or any(u.language == "cuda" for u in self.files)

    def main_cpp(self) -> str:
        """The text of main.cpp, byte for byte as load_inline writes it."""
        lines = [] if self.no_implicit_headers else ["#include <torch/extension.h>"]
        lines += self.cpp_sources
        if self.functions is not None:
            lines.append("PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {")
            for function, doc in self.functions:
                bound = f"torch::wrap_pybind_function({function})" if self.with_pytorch_error_handling else function
                lines.append(f'm.def("{function}", {bound}, "{doc}");')
            lines.append("}")
        return "\n".join(lines)

    def cuda_cu(self) -> str:
        """The text of cuda.cu, byte for byte as load_inline writes it."""
        implicit = ["#include <torch/types.h>", "#include <cuda.h>", "#include <cuda_runtime.h>"]
        return "\n".join([*([] if self.no_implicit_headers else implicit), *self.cuda_sources])

    def includes(self) -> list[str]:
        """Flags for extra_include_paths."""
        return [f"-I{Path(path.strip()).absolute()}" for path in self.extra_include_paths]

    def flags(self) -> list[str]:
        """The include folders, then extra_cflags as a shell would split them (one entry may hold several).

        Raises RequestError where a shell would do more than split.
        """
        return self.includes() + split(self.extra_cflags)

    def cuda_flags(self) -> list[str]:
        """extra_cuda_cflags as a shell would split them. Raises RequestError where a shell would do more than split."""
        return split(self.extra_cuda_cflags)

    def to_json(self) -> str:
        """One line. Without `files`, as every release wrote it."""
        raw = asdict(self)
        if not self.files:
            del raw["files"]
        return json.dumps(raw, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> CompileRequest:
        """Inverse of `to_json`; raises RequestError for anything else."""
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RequestError(f"load_inline: the request is no JSON ({error})") from error
        known = {field.name for field in fields(cls)}
        if not isinstance(raw, dict) or set(raw) - known or "name" not in raw or "cpp_sources" not in raw:
            raise RequestError("load_inline: the request lacks fields or has others than it should")
        return cls(**{key: _read(key, value) for key, value in raw.items()})


@dataclass(frozen=True)
class CompileResult:
    """What came of a request."""

    ok: bool
    library: str | None
    """Path of the library; present when ok, but for a check that makes none (`unasked`)."""
    kind: Literal["shim", "stock"]
    """What the library was built against, and so how to load it."""
    decided_by: Literal["shim", "middle", "stock"]
    """Which headers gave the verdict; "middle" are some of the real ones."""
    error: str = ""
    """The compiler's or linker's whole text, our folders removed; empty when ok."""
    first_error: str = ""
    """The first error line, as `main.cpp:LINE: error: ...`; empty when ok."""
    stage: Stage = "host_compile"
    """Where it failed; "link" covers symbols that importing would find missing."""
    seconds: float = 0.0
    """Wall seconds of this call, or of the call that filled the cache."""
    cached: bool = False
    reason: str = ""
    """Why these headers decided: the proof of an error, or what sent the request to the stock headers."""
    unasked: tuple[str, ...] = ()
    """What was not asked for a yes: "assembler" and "linker" after the front-end check; empty for a whole build."""
    arch: str = ""
    """The architecture that nvcc compiled for, as "sm_90"; empty without CUDA."""

    def __post_init__(self) -> None:
        made = self.library is not None or bool(self.unasked)
        if self.ok != made or self.ok == bool(self.error):
            raise ValueError("a compile result has a library or an error, not both")
        if self.stage not in ("host_compile", "device_compile", "link"):
            raise ValueError(f"a compile result of an unknown stage {self.stage!r}")

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> CompileResult:
        """Inverse of `to_json`; ValueError or TypeError for anything else."""
        raw = json.loads(text)
        return cls(**{**raw, "unasked": tuple(raw.get("unasked", ()))})


def split(flags: tuple[str, ...]) -> list[str]:
    """Words of the flags joined, as the shell under ninja sees them; RequestError where it would expand something."""
    joined = " ".join(flag.strip() for flag in flags)
    if re.search(r"[$`;|&<>*?()\n]", joined):
        raise RequestError(f"load_inline: flags with shell syntax are not run here: {joined[:80]!r}")
    try:
        return shlex.split(joined)
    except ValueError as error:
        raise RequestError(f"load_inline: flags that cannot be split: {joined[:80]!r} ({error})") from error


def _read(key: str, value: Any) -> Any:
    """One field of the JSON as the dataclass wants it."""
    if key == "functions" and value is not None:
        if not isinstance(value, list) or not all(isinstance(p, list) and len(p) == 2 for p in value):
            raise RequestError("load_inline: functions must be pairs of name and docstring")
        return tuple((p[0], p[1]) for p in value)
    if key == "files":
        right = isinstance(value, list) and all(isinstance(x, dict) and set(x) == _UNIT for x in value)
        if not right:
            raise RequestError("load: files must be units of name, text and language")
        return tuple(Unit(x["name"], x["text"], x["language"]) for x in value)
    if isinstance(value, list):
        return tuple(value)
    if key not in ("name", "functions") and not isinstance(value, bool | None):
        raise RequestError(f"load_inline: {key} has the wrong type")
    return value


_UNIT = {"name", "text", "language"}


def _check_strings(field: str, value: Any) -> None:
    if not isinstance(value, tuple) or len(value) > MAX_FLAGS or not all(isinstance(x, str) for x in value):
        raise RequestError(f"load_inline: {field} must be at most {MAX_FLAGS} strings")
