"""The C++ Code Validator: does this candidate kernel compile, is it right, and how long does it take?"""

from pathlib import Path

from adapt.domain import Domain

from .calls import calls, foreign_calls
from .evidence import evidence
from .fidelity import FIDELITY
from .prompt import prompt_arguments
from .real_tool import TOOL
from .study import task

DOMAIN = Domain(
    name="cpp",
    root=Path(__file__).parent,
    calls=calls,
    open_real_tool=TOOL.open,
    engines=TOOL.engines,
    exact=TOOL.exact,
    fidelity=FIDELITY,
    evidence=evidence,
    prompt_arguments=prompt_arguments,
    prompt_tokens=400,
    foreign_calls=foreign_calls,
    unprimed=TOOL.unprimed,
    study=task,
    aliases=("cpp_validator", "cpp_kernel_validator"),
)
