"""The parent's compilations for one candidate: each request is built outside its process and handed over as a file.

Guarantees: a failed compilation ends the hearing, whatever the candidate would have done after it; no more than
`MOST_BUILDS` are made; a library that is handed over is the parent's own copy, which the candidate can read and not
change. On a GPU the device is free for others meanwhile. Not guaranteed: that a library does what its source says.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kernelbench_harness.errors import RequestError
from kernelbench_harness.judge.outcome import Failure
from kernelbench_harness.label import Stage, Verdict
from kernelbench_harness.options import HarnessOptions
from kernelbench_harness.process.place import RunFolder
from kernelbench_harness.timing.quiet import Quiet

if TYPE_CHECKING:
    from kernelbench_harness.compile.build import Mode
    from kernelbench_harness.compile.request import CompileRequest, CompileResult

MOST_BUILDS = 8
"""Compilations that one candidate may ask for."""


class Builds:
    """What one candidate had compiled."""

    def __init__(self, options: HarnessOptions, arch: str, cache: Path, quiet: Quiet) -> None:
        self._options, self._arch, self._cache, self._quiet = options, arch, cache, quiet
        self.count = 0
        self.cuda = False
        """Whether something for a GPU was compiled."""
        self.compiler = ""
        """Which headers decided the last compile verdict."""
        self.seconds = 0.0
        """Wall seconds of compiling."""

    def answer(self, raw: object, stock: bool, place: RunFolder) -> str | Failure:
        """The result of a request as JSON, its library lying in `place.given`; or why there is none."""
        from kernelbench_harness.compile.request import CompileRequest

        self.count += 1
        try:
            request = CompileRequest.from_json(raw if isinstance(raw, str) else "")
            result = self._build(request, "stock" if stock else self._options.compile_mode)
        except RequestError as error:
            return Failure(Verdict.COMPILE_ERROR, Stage.HOST_COMPILE, str(error), str(error))
        self.compiler = result.decided_by
        if not result.ok or result.library is None:
            verdict = Verdict.TIMEOUT if result.reason == "timeout" else Verdict.COMPILE_ERROR
            return Failure(verdict, Stage(result.stage), result.error, result.first_error)
        self.cuda = self.cuda or request.needs_cuda
        return self._hand_over(result, place)

    def _build(self, request: CompileRequest, mode: Mode) -> CompileResult:
        from kernelbench_harness.compile.build import build

        begin = time.monotonic()
        options = self._options
        try:
            with self._quiet.aside():
                return build(
                    request,
                    cache_dir=self._cache,
                    mode=mode,
                    timeout_s=options.compile_timeout_s,
                    core=options.core,
                    arch=self._arch,
                    objects=options.objects,
                    results_dir=options.results_dir,
                )
        finally:
            self.seconds += time.monotonic() - begin

    def _hand_over(self, result: CompileResult, place: RunFolder) -> str:
        """The library, copied to where the candidate may read it, and the result that names it there."""
        assert result.library is not None
        source = Path(result.library)
        target = place.given / f"{self.count}_{source.name}"
        shutil.copyfile(source, target)
        target.chmod(0o755)
        return replace(result, library=str(target)).to_json()
