"""What a candidate's module passes to load_inline, seen by executing it in a child process.

Guarantees: the candidate runs in a process of its own with a limit on time and memory, without a GPU, and ends at its
first call. It is not confined beyond that: studies read published data, not a queue.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_TIMEOUT_S = 60
_CHILD = """\
import inspect, json, os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
import torch
torch.set_num_threads(1)
import torch.utils.cpp_extension as extension
torch.cuda.is_available = lambda: True
signature = inspect.signature(extension.load_inline)
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

def seen(*args, **kwargs):
    answer.write(json.dumps(dict(signature.bind(*args, **kwargs).arguments)))
    answer.flush()
    os._exit(0)

extension.load_inline = seen
path = sys.argv[1]
scope = {"__name__": "candidate", "__file__": path}
exec(compile(open(path, encoding="utf-8").read(), path, "exec"), scope)
made = scope["get_init_inputs"]() if "get_init_inputs" in scope else []
model = scope["ModelNew"](*made)
if "get_inputs" in scope:
    model(*scope["get_inputs"]())
"""


def captured(code: str) -> dict[str, Any] | None:
    """The arguments of the first call of load_inline, or None when none came within a minute.

    The call may stand at module level, in the constructor or in `forward`; the last two are reached where the source
    has its own `get_init_inputs` and `get_inputs`, or needs none.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.py"
        path.write_text(code, encoding="utf-8")
        (Path(folder) / "child.py").write_text(_CHILD)
        try:
            done = subprocess.run(
                [sys.executable, str(Path(folder) / "child.py"), str(path)],
                cwd=folder,
                env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
                capture_output=True,
                timeout=_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            return None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "name" in found else None
