"""The CUDA Code Validator: does this candidate compile, is it right, and how long does it take on a GPU?"""

from pathlib import Path

from adapt.domain import Domain

from .calls import calls
from .evidence import evidence
from .fidelity import FIDELITY
from .kernelbench import open_kernelbench
from .prompt import prompt_arguments
from .real_tool import TOOL, missing, open_real_tool
from .strangers import foreign_calls
from .study import task

DOMAIN = Domain(
    name="cuda",
    root=Path(__file__).parent,
    calls=calls,
    open_real_tool=open_real_tool,
    engines=TOOL.engines,
    exact=TOOL.exact,
    fidelity=FIDELITY,
    evidence=evidence,
    prompt_arguments=prompt_arguments,
    prompt_tokens=1536,
    foreign_calls=foreign_calls,
    missing=missing,
    evaluators={"kernelbench": open_kernelbench},
    unprimed=TOOL.unprimed,
    study=task,
    aliases=("cuda_validator", "cuda_kernel_validator", "cuda_code_evaluator"),
)
