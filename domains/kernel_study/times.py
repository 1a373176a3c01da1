"""How long the references of the study's problems take: a table beside the domain, measured once.

A result says how long a candidate took, not how long its reference did; the reward needs both, and must be the same
whether a result was simulated or real. So the reference's time is a constant: measured by the harness on the machine
whose labels the simulator learnt from (`python -m domains.kernel_study cpp`), shipped as `study_times.json`, keyed by
the hash of the reference's source. A problem that is not in the table is rewarded without regard to speed.

Guarantees: measuring may be killed at any point and goes on where it was; a table of another environment is begun anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapt.errors import AdaptError, ArtifactError
from adapt.progress import Advance

if TYPE_CHECKING:
    from kernelbench_harness.options import HarnessOptions

TABLE = "study_times.json"


def read_times(path: Path) -> Mapping[str, float]:
    """Hash of a reference's source -> milliseconds; empty where there is no table. Raises ArtifactError for a broken
    one."""
    return {key: float(ms) for key, ms in _read(path).get("ms", {}).items()}


def reference_key(code: str) -> str:
    """What a reference is known by in the table."""
    from kernelbench_harness.label import text_hash

    return text_hash(code)


def measure_times(path: Path, codes: Sequence[str], options: HarnessOptions, advance: Advance) -> int:
    """Time the references that the table lacks; returns how many there are in it at the end.

    Raises AdaptError where the harness cannot run here or a reference cannot be timed.
    """
    from dataclasses import replace

    from kernelbench_harness.engine.cores import Core
    from kernelbench_harness.errors import HarnessError
    from kernelbench_harness.harness import Harness
    from kernelbench_harness.label import Problem

    core = Core.reserve()
    try:
        with Harness(replace(options, core=core.number)) as harness:
            found = _read(path)
            if found.get("environment_id") != harness.environment_id:
                found = {"environment_id": harness.environment_id, "environment": harness.environment, "ms": {}}
            for code in codes:
                if (key := reference_key(code)) not in found["ms"]:
                    timing, _ = harness.time_reference(Problem("call", code, version="call", scale="as given"))
                    found["ms"][key] = float(f"{timing.median_ms:.4g}")
                    _write(path, found)
                advance()
    except HarnessError as error:
        raise AdaptError(str(error)) from None
    finally:
        core.release()
    return len(found["ms"])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
        if not isinstance(found.get("ms"), dict) or not all(isinstance(ms, int | float) for ms in found["ms"].values()):
            raise ValueError("no table of milliseconds")
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise ArtifactError(f"{path}: not a table of reference times ({error}); remove it and measure again") from None
    return found


def _write(path: Path, table: Mapping[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    draft.replace(path)
