"""The task of `adapt study speedup` with the C++ Code Validator."""

from functools import cache
from pathlib import Path

from domains.kernel_study import CPU_SIZES, KernelTask

from .calls import TEST_OPERATORS, TOOL, VALIDATION_OPERATORS
from .real_tool import TOOL as REAL

INSTRUCTIONS = """\
Write ModelNew: a PyTorch module that does what Model does, as fast as you can, with a C++ kernel of your own through
torch.utils.cpp_extension.load_inline. It has the same constructor and the same forward arguments. One CPU core.
Answer with the whole Python file in one code block.
{reference}"""


@cache
def task() -> KernelTask:
    """For `Domain.study`."""
    return KernelTask(
        tool=TOOL,
        real=REAL,
        instructions=INSTRUCTIONS,
        sizes=CPU_SIZES,
        test=TEST_OPERATORS,
        validation=VALIDATION_OPERATORS,
        languages=("cpp",),
        root=Path(__file__).parent,
    )
