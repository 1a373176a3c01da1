"""The real tool: the kernel harness, alone or many at once."""

from domains.kernel_tool import KernelTool
from domains.kernels import content_of
from kernelbench_harness.options import HarnessOptions

TOOL = KernelTool(content_of, HarnessOptions)
