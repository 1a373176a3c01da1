"""What the paper reports of its own study (Figure 7, Table 3), to stand beside ours: another agent, tool, machine."""

from __future__ import annotations

from collections.abc import Mapping

TITLE = "GTM paper, section 5.4 (Qwen2.5-7B, KernelBench, 40 steps)"
TRAINING_S: Mapping[str, float] = {"real": 61_003.0, "simulate": 5_518.0}
"""Figure 7: seconds of training."""
RATIO = TRAINING_S["real"] / TRAINING_S["simulate"]
TABLE_3: Mapping[str, Mapping[str, float]] = {
    "qwen2.5-7b": {"fast_1.0": 0.00, "fast_1.5": 0.00, "fast_2.0": 0.00, "geometric_mean_speedup": 0.227},
    "qwen2.5-7b, real tool": {"fast_1.0": 0.08, "fast_1.5": 0.02, "fast_2.0": 0.01, "geometric_mean_speedup": 0.992},
    "qwen2.5-7b, GTM": {"fast_1.0": 0.05, "fast_1.5": 0.02, "fast_2.0": 0.01, "geometric_mean_speedup": 1.001},
    "llama3.1-405b": {"fast_1.0": 0.02, "fast_1.5": 0.02, "fast_2.0": 0.02, "geometric_mean_speedup": 0.112},
    "qwen2.5-72b": {"fast_1.0": 0.06, "fast_1.5": 0.03, "fast_2.0": 0.02, "geometric_mean_speedup": 0.201},
}
"""Table 3: share of problems solved at each threshold, and the geometric mean of the speed-ups of correct samples."""
