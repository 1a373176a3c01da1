"""Candidates of the compile studies, as what `load` or `load_inline` was asked for.

Guarantees: the choice is a function of the data files, the seed and the count alone; any prefix of it is balanced over
the sources, and over sound and broken where that is known beforehand. A value is complete: it can be written as JSON
and compiled years later without the data it came from.
Does not guarantee that a candidate compiles; that is the question.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from kernelbench_harness.errors import HarnessError
from kernelbench_harness.files import json_lines
from kernelbench_harness.label import text_hash

ARCHIVE = "ai_cuda_engineer_archive_sample.jsonl"
CUDA_L1 = "cuda_l1_h100.jsonl"
SEED = 4
_ROUND = ("archive", "generator-sound", "generator-broken", "archive", "cuda-l1")
"""One round of the balanced order."""
_IMPLICIT = ("#include <torch/types.h>", "#include <cuda.h>", "#include <cuda_runtime.h>")


@dataclass(frozen=True)
class Unit:
    """One candidate of a study."""

    source: str
    """archive, cuda-l1, generator-sound, generator-broken."""
    name: str
    extension: str
    """The extension's name, which the sources see as TORCH_EXTENSION_NAME."""
    main_cpp: str | None
    """The text of main.cpp as torch writes it; None where `load` was given a .cu file."""
    cuda: str | None
    """The text of the .cu file as torch writes it."""
    cflags: tuple[str, ...] = ()
    cuda_cflags: tuple[str, ...] = ()
    ldflags: tuple[str, ...] = ()
    request: str = ""
    """The arguments of `load_inline` as JSON; empty for a .cu file."""

    @property
    def key(self) -> str:
        """Hash of what is compiled."""
        flags = [*self.cflags, "|", *self.cuda_cflags, "|", *self.ldflags]
        return text_hash(self.extension, self.main_cpp or "", self.cuda or "", *flags)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Unit:
        """Inverse of `to_json`."""
        raw = json.loads(text)
        for field in ("cflags", "cuda_cflags", "ldflags"):
            raw[field] = tuple(raw[field])
        return cls(**raw)


def choose(data: Path, count: int, seed: int = SEED) -> list[Unit]:
    """`count` units in balanced order, fewer where the sources have no more. Raises HarnessError without data."""
    for name in (ARCHIVE, CUDA_L1):
        if not (data / name).is_file():
            raise HarnessError(f"{data}: no {name} here; --data is the folder with the public kernels")
    streams: dict[str, Iterator[Unit]] = {
        "archive": archive(data / ARCHIVE),
        "cuda-l1": cuda_l1(data / CUDA_L1),
        "generator-sound": _unlike(generated(seed, broken=False)),
        "generator-broken": _unlike(generated(seed, broken=True)),
    }
    chosen: list[Unit] = []
    while len(chosen) < count and streams:
        for source in _ROUND:
            found = next(streams[source], None) if source in streams else None
            if found is None:
                streams.pop(source, None)
            elif len(chosen) < count:
                chosen.append(found)
    return chosen


def choose_cpp(count: int, seed: int = SEED) -> list[Unit]:
    """`count` of the generator's C++ units, sound and broken by turns."""
    streams = [_unlike(generated(seed, broken=broken, language="cpp")) for broken in (False, True)]
    return list(islice((unit for two in zip(*streams, strict=False) for unit in two), count))


def archive(path: Path) -> Iterator[Unit]:
    """The archive's raw .cu files, each under `load`, failed builds first and then by turns."""
    rows = [line.value for line in json_lines(path) if isinstance(line.value, dict)]
    failed = [row for row in rows if str(row.get("Error") or "").strip()]
    rest = [row for row in rows if not str(row.get("Error") or "").strip()]
    for row in _alternate(failed, rest):
        name = f"{row['Level_ID']}_{row['Task_ID']}_{row['Kernel_Name']}"
        yield Unit("archive", name, "archive_kernel", None, row["CUDA_Code"])


def cuda_l1(path: Path) -> Iterator[Unit]:
    """CUDA-L1's candidates with CUDA sources, as captured from their own call of load_inline."""
    from kernelbench_harness.studies.captured import captured

    for line in json_lines(path):
        code = line.value.get("custom_code") if isinstance(line.value, dict) else None
        if not isinstance(code, str) or "__global__" not in code or "load_inline" not in code:
            continue
        asked = captured(code)
        if asked is not None:
            yield of_call(asked, "cuda-l1", f"{line.value.get('level_id')}_{line.value.get('task_id')}")


def generated(seed: int, *, broken: bool, language: str = "cuda") -> Iterator[Unit]:
    """The generator's candidates in a language: the clean twins, or those with a mistake for the compiler."""
    from kernelbench_harness.corpus import pair
    from kernelbench_harness.studies.captured import captured

    source = "generator-broken" if broken else "generator-sound"
    for index in range(10_000):
        for sample in pair(seed, index, language):
            if sample.mistake_class != ("compile" if broken else "none"):
                continue
            asked = captured(sample.code)
            if asked is not None:
                yield of_call(asked, source, f"{sample.twin} {sample.operator} {sample.mistake or ''}".strip())


def of_call(arguments: dict[str, Any], source: str, name: str) -> Unit:
    """The unit of a call of load_inline: the files' text as torch writes them."""
    from kernelbench_harness.compile.capture import pairs
    from kernelbench_harness.compile.request import CompileRequest

    def strings(key: str) -> tuple[str, ...]:
        value = arguments.get(key) or ()
        return (value,) if isinstance(value, str) else tuple(value)

    bare = bool(arguments.get("no_implicit_headers", False))
    request = CompileRequest(
        name=arguments["name"],
        cpp_sources=strings("cpp_sources"),
        functions=pairs(arguments.get("functions")),
        extra_cflags=strings("extra_cflags"),
        extra_ldflags=strings("extra_ldflags"),
        cuda_sources=strings("cuda_sources"),
        extra_cuda_cflags=strings("extra_cuda_cflags"),
        with_cuda=arguments.get("with_cuda"),
        with_pytorch_error_handling=bool(arguments.get("with_pytorch_error_handling", True)),
        no_implicit_headers=bare,
    )
    lines = [*(() if bare else _IMPLICIT), *request.cuda_sources]
    return Unit(
        source,
        name,
        request.name,
        request.main_cpp(),
        "\n".join(lines) if request.cuda_sources else None,
        tuple(words(request.extra_cflags)),
        tuple(words(request.extra_cuda_cflags)),
        tuple(words(request.extra_ldflags)),
        request.to_json(),
    )


def words(flags: Iterable[str]) -> list[str]:
    """Flags as the shell under ninja splits them."""
    return shlex.split(" ".join(flag.strip() for flag in flags))


def _alternate(first: list[Any], second: list[Any]) -> Iterator[Any]:
    """One of the first, then two of the second, until both are spent."""
    ones, twos = iter(first), iter(second)
    while taken := [*islice(ones, 1), *islice(twos, 2)]:
        yield from taken


def _unlike(units: Iterator[Unit], each: int = 2) -> Iterator[Unit]:
    """The units without a third of the same operator or mistake."""
    seen: dict[str, int] = {}
    for unit in units:
        kind = unit.name.split(" ", 1)[1] if unit.source.endswith("sound") else unit.name.rsplit(" ", 1)[1]
        seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] <= each:
            yield unit
