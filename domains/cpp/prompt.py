"""What of a call's arguments the model reads.

A prompt is mostly kernel text, and its length is the simulator's cost: imports, docstrings, comments and blank lines of
both sources are left out, and what says nothing of the kernel. The real tool and the facts always see the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domains.kernels import bare, condense


def prompt_arguments(arguments: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Reference and candidate, shortened; the candidate last, next to the facts."""
    return [("reference", condense(str(arguments["reference"]))), ("candidate", bare(str(arguments["candidate"])))]
