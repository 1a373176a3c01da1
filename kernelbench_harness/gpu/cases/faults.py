"""Candidates that die, hang, flood or hoard: each ends as a label, and the next one finds the device as it was."""

from __future__ import annotations

from kernelbench_harness.gpu.cases.answers import bent
from kernelbench_harness.gpu.cases.case import Case
from kernelbench_harness.gpu.cases.problems import ACT
from kernelbench_harness.gpu.cases.sources import HIDDEN, module, text
from kernelbench_harness.label import Stage, Verdict

_DIED = (Verdict.RUNTIME_ERROR,)
_LATE = (Verdict.TIMEOUT,)
_REFUSED = (Verdict.COMPILE_ERROR,)
_RUN = (Stage.RUN, Stage.LAUNCH)


def _dies(name: str, function: str, told: str = "", verdicts: tuple[Verdict, ...] = _DIED) -> Case:
    """A function of faults.cu."""
    code = module(text("faults"), f"return built.{function}(x)", before=HIDDEN)
    return Case(name, ACT, code, verdicts, stages=_RUN if verdicts in (_DIED, _LATE) else (), told=told)


def _broken(name: str, old: str, new: str, stages: tuple[Stage, ...], told: str) -> Case:
    """The honest kernel's text with a mistake that no compiler lets pass."""
    source = text("act").replace(old, new, 1)
    assert source != text("act"), name
    return Case(name, ACT, module(source, "return built.act(x)"), _REFUSED, _REFUSED, stages, told)


_BODY = "return built.act(x)"
_ENTRY = "torch::Tensor act(torch::Tensor x) {"
_KERNEL = "__global__ void act_kernel("
CASES = (
    _dies("an infinite loop in a kernel", "endless", verdicts=_LATE),
    _dies("a device-side assert", "device_assert", "assert"),
    _dies("a trap", "device_trap"),
    _dies("an illegal address", "illegal_address", "illegal"),
    _dies("an illegal address, later", "illegal_address_later", "illegal"),
    _dies("a misaligned address", "misaligned_address", "misaligned"),
    _dies("all of the device's memory", "memory_bomb", "out of memory"),
    _dies("most of the device's memory, kept", "memory_hog", verdicts=(Verdict.CORRECT, Verdict.RUNTIME_ERROR)),
    _dies(
        "the device is reset", "device_reset", verdicts=(Verdict.RUNTIME_ERROR, Verdict.WRONG_VALUE, Verdict.CORRECT)
    ),
    _dies("gigabytes printed by a kernel", "device_flood", verdicts=(Verdict.RUNTIME_ERROR, Verdict.TIMEOUT)),
    _dies("a null pointer on the host", "null_write", "SIGSEGV"),
    _dies("leaving with status zero", "leave", "without results"),
    _dies("an error text like a fault's", "claims_a_fault", "illegal memory access"),
    Case(
        "terabytes through torch",
        ACT,
        bent("y = torch.empty(1 << 42, device=x.device)\n" + _BODY),
        _DIED,
        stages=_RUN,
        told="memory",
    ),
    Case(
        "memory through torch until it is gone",
        ACT,
        bent("kept = []\nwhile True: kept.append(torch.ones(1 << 27, device=x.device))"),
        _DIED,
        stages=_RUN,
        told="memory",
    ),
    Case(
        "most memory through torch, kept",
        ACT,
        bent("if not K: K.append(torch.ones(torch.cuda.mem_get_info()[0] // 5, device=x.device))\n" + _BODY, "K = []"),
        (Verdict.CORRECT, Verdict.RUNTIME_ERROR),
    ),
    Case(
        "os._exit after a launch",
        ACT,
        bent("built.act(x)\nimport os; os._exit(0)"),
        _DIED,
        stages=_RUN,
        told="without results",
    ),
    Case("a loop on the host", ACT, bent("built.act(x)\nwhile True: pass"), _LATE, stages=_RUN),
    Case(
        "a thousand streams",
        ACT,
        bent("K.extend(torch.cuda.Stream() for _ in range(1000))\n" + _BODY, "K = []"),
        (Verdict.CORRECT, Verdict.RUNTIME_ERROR),
    ),
    Case(
        "could not acquire lock",
        ACT,
        bent("raise OSError('could not acquire lock')"),
        _DIED,
        stages=_RUN,
        told="could not acquire lock",
    ),
    Case(
        "no such file or directory",
        ACT,
        bent("raise OSError(2, 'No such file or directory', 'weights.bin')"),
        _DIED,
        stages=_RUN,
        told="No such file",
    ),
    _broken(
        "a name that no kernel knows",
        "tanhf(in[i])",
        "tanhf(inn[i])",
        (Stage.DEVICE_COMPILE, Stage.HOST_COMPILE),
        "inn",
    ),
    _broken(
        "a missing header",
        "#include <stdexcept>",
        '#include "no_such_header.h"\n#include <stdexcept>',
        (Stage.DEVICE_COMPILE, Stage.HOST_COMPILE),
        "no_such_header.h",
    ),
    _broken(
        "host code that calls nothing known",
        "return out;",
        "return nothing_like_it(out);",
        (Stage.DEVICE_COMPILE, Stage.HOST_COMPILE),
        "nothing_like_it",
    ),
    _broken(
        "80 KB of static shared memory",
        _KERNEL,
        "__global__ void big_kernel(float* out) {\n    __shared__ float room[20480];\n"
        "    room[threadIdx.x] = out[threadIdx.x];\n    __syncthreads();\n"
        "    out[threadIdx.x] = room[threadIdx.x ^ 1];\n}\n" + _KERNEL,
        (Stage.DEVICE_COMPILE,),
        "shared",
    ),
    _broken(
        "a function that is declared and not defined",
        _ENTRY,
        "torch::Tensor undefined_act(torch::Tensor);\n" + _ENTRY + "\n    undefined_act(x);",
        (Stage.LINK, Stage.IMPORT),
        "undefined",
    ),
)
