"""What of a call's arguments the model reads.

A prompt is mostly kernel text, and its length is the simulator's cost: imports, docstrings, comments and blank lines of
both sources are left out. The real tool and the facts always see the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.kernels import condense


def prompt_arguments(arguments: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Reference and candidate, condensed; the candidate last, next to the facts."""
    return [(name, condense(str(arguments[name]))) for name in ("reference", "candidate")]
