"""The task of `adapt study speedup` with the CUDA Code Validator: the problems of `cpp` at the sizes of a GPU."""

from functools import cache
from pathlib import Path

from domains.kernel_study import GPU_SIZES, KernelTask

from .calls import TEST_OPERATORS, TOOL, TRITON_EVERY, VALIDATION_OPERATORS
from .real_tool import TOOL as REAL

INSTRUCTIONS = """\
Write ModelNew: a PyTorch module that does what Model does, as fast as you can, with a GPU kernel of your own: CUDA
through torch.utils.cpp_extension.load_inline, or Triton. It has the same constructor, the same parameters and the same
forward arguments as Model; inputs are contiguous float32 tensors on the GPU. With load_inline, pass the kernel and the
function that launches it as cuda_sources, the declaration of that function as cpp_sources, and its name in functions.
Do not call torch for what the kernel should compute. Import all that you use.
Answer with the whole Python file in one code block.
{reference}"""


@cache
def task() -> KernelTask:
    """For `Domain.study`."""
    return KernelTask(
        tool=TOOL,
        real=REAL,
        instructions=INSTRUCTIONS,
        sizes=GPU_SIZES,
        test=TEST_OPERATORS,
        validation=VALIDATION_OPERATORS,
        languages=("cuda",) * (TRITON_EVERY - 1) + ("triton",),
        root=Path(__file__).parent,
    )
