"""Static facts about a candidate kernel against its problem, in milliseconds, without a compiler.

`kernel_facts(reference, candidate)` reads both sources and returns one short text (for a prompt) and one vector with
fixed keys (for a classical model). Nothing of the candidate or of the reference is executed: both are parsed, checked,
and, where the constructs are known, interpreted on shrunken sizes by an evaluator of our own with a step budget.

Guaranteed: the same sources give the same facts; the vector always has the same keys; no import of torch.
Not guaranteed: that a finding is a compile error or a wrong result, nor that their absence means a working kernel.
"""

from __future__ import annotations

from kernelbench_harness.facts.device import DEVICE_KEYS, device_facts
from kernelbench_harness.facts.facts import VECTOR_KEYS, KernelFacts, kernel_facts

__all__ = ["DEVICE_KEYS", "VECTOR_KEYS", "KernelFacts", "device_facts", "kernel_facts"]
