"""One candidate through KernelBench's own evaluator, in a process of its own; started by `theirs`.

Reads a job as JSON from standard input and writes the answer as JSON into the job's `answer` file. KernelBench's
package imports clients of language models that evaluating never touches; where one is not installed an empty module
stands in its place, and the answer says so. Everything else is KernelBench's own code, found in the folder of its
sources.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

CLIENTS = frozenset({"openai", "litellm", "dotenv", "together", "anthropic", "google", "requests", "tomli", "modal"})
"""Top-level packages that may be absent: nothing of them is called while a candidate is evaluated."""
_absent: set[str] = set()


class _Absent(ModuleType):
    """A module of which every name is a function that raises."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "load_dotenv":
            return lambda *args, **named: False

        def called(*args: Any, **named: Any) -> Any:
            raise RuntimeError(f"{self.__name__}.{name} is not installed here")

        return called


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last to be asked for a module: it answers for absent clients alone."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in CLIENTS:
            return None
        _absent.add(name)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        return None


def evaluate(job: dict[str, Any]) -> dict[str, Any]:
    """What KernelBench says: {"compiled", "correctness", "runtime_ms", "ref_runtime_ms", "metadata"} or {"nothing"}."""
    from kernelbench import eval as evaluator

    if job["kind"] == "compile":
        compiled, _, error = evaluator.build_compile_cache(job["candidate"], False, job["build"])
        return {"compiled": bool(compiled), "error": str(error or "")[:2000]}
    result = evaluator.eval_kernel_against_ref(
        original_model_src=job["problem"],
        custom_model_src=job["candidate"],
        num_correct_trials=job["correct_trials"],
        num_perf_trials=job["timed_trials"],
        measure_performance=True,
        build_dir=job["build"],
        device=0,
        backend=job["backend"],
    )
    if result is None:
        return {"nothing": "the evaluator returned no result"}
    metadata = {key: str(value)[:500] for key, value in result.metadata.items()}
    return {
        "compiled": bool(result.compiled),
        "correctness": bool(result.correctness),
        "runtime_ms": result.runtime if result.runtime > 0 else None,
        "ref_runtime_ms": result.ref_runtime if result.ref_runtime > 0 else None,
        "metadata": metadata,
    }


def main() -> None:
    """See the module."""
    job = json.load(sys.stdin)
    sys.meta_path.append(_Finder())
    sys.path.insert(0, job["sources"])
    answer = evaluate(job) | {"absent": sorted(_absent)}
    Path(job["answer"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
