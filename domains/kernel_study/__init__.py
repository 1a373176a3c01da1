"""The task of `adapt study speedup` for the kernel domains: an agent writes kernels, the validator tells it how good.

operators.py    the problems: compositions of known steps, split by composition
handwriting.py  demonstrations: the corpus's candidates and mistakes, in a narrow hand
answers.py      an agent's text -> a candidate
reward.py       a result -> from 0 to 1, one formula
times.py        the references' times, a constant table
task.py         the parts together, and judging by the real tool

Guarantee: importing it needs no torch and no compiler.
"""

from domains.kernel_study.operators import CPU_SIZES, GPU_SIZES
from domains.kernel_study.task import KernelTask

__all__ = ["CPU_SIZES", "GPU_SIZES", "KernelTask"]
