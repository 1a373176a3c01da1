"""The catalogue: cheats, hostile candidates, KernelBench's label bugs and honest work, on a CUDA device.

honest.py   what must come out correct, without evidence
answers.py  answers that were not computed, or by forbidden means
reach.py    means that reach for the judge
faults.py   crashes, hangs, floods, hoards, and what no compiler takes
bugs.py     KernelBench's label bugs
triton.py   twins in Triton
*.cu        the CUDA texts that several of them share

The tests marked gpu try each one; `python -m kernelbench_harness.gpu.check` tries them on whatever machine it runs on.
"""

from kernelbench_harness.gpu.cases import answers, bugs, faults, honest, reach, triton
from kernelbench_harness.gpu.cases.case import Case, fault

__all__ = ["ALL", "Case", "GOOD", "fault", "harmful"]

ALL: tuple[Case, ...] = (
    *honest.CASES,
    *answers.CASES,
    *reach.CASES,
    *faults.CASES,
    *bugs.CASES,
    *triton.CASES,
)
GOOD = honest.CASES[0]
"""What is tried after a hostile one, to see that nothing was harmed."""


def harmful(case: Case) -> bool:
    """Whether it might leave the device or the harness worse than it found them."""
    return case in faults.CASES or case.language == "triton"
