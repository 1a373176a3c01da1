"""Cheats that reach for the judge: its functions, its clock, its frames, its channel, the cache it empties."""

from __future__ import annotations

from kernelbench_harness.gpu.cases.answers import bent, seen
from kernelbench_harness.gpu.cases.case import Case
from kernelbench_harness.gpu.cases.problems import ACT
from kernelbench_harness.gpu.cases.sources import HIDDEN, module, text
from kernelbench_harness.label import Stage, Verdict

CALL = "return built.act(x)"
_CHEATING = (Verdict.CHEATING,)
_CAUGHT = (Verdict.RUNTIME_ERROR, Verdict.CHEATING)
_PATCHED = (
    ("torch.cuda", "Event"),
    ("torch.cuda", "synchronize"),
    ("torch.cuda", "current_stream"),
    ("torch", "allclose"),
    ("torch", "equal"),
    ("time", "perf_counter"),
    ("statistics", "median"),
    ("gc", "disable"),
)
"""What the judge, or the judges of others, stand on."""
_PATCH = "m = M({module!r}); real = getattr(m, {name!r})\nS(m, {name!r}, lambda *a, **k: real(*a, **k))\n"
_PLAIN = {
    "torch.cuda.Event": "torch.cuda.Event = object",
    "torch.cuda.Event.elapsed_time": "torch.cuda.Event.elapsed_time = lambda *a: 0.001",
    "torch.cuda.synchronize": "torch.cuda.synchronize = lambda *a: None",
    "torch.allclose": "torch.allclose = lambda *a, **k: True",
    "time.perf_counter": "import time\ntime.perf_counter = lambda: 0.0",
    "statistics.median": "import statistics\nstatistics.median = min",
}
_NATIVE = {
    "PyEval_GetFrame": 'extern "C" void* PyEval_GetFrame();\n@    PyEval_GetFrame();',
    "persisting L2": "@    cudaDeviceSetLimit(cudaLimitPersistingL2CacheSize, 1 << 24);",
    "access policy window": "@    cudaStreamAttrValue value = {};\n"
    "    value.accessPolicyWindow.base_ptr = x.data_ptr<float>();\n"
    "    value.accessPolicyWindow.hitProp = cudaAccessPropertyPersisting;\n"
    "    cudaStreamSetAttribute(0, cudaStreamAttributeAccessPolicyWindow, &value);",
    "detached thread": "#include <thread>\n@    std::thread([] {}).detach();",
}
_TOLD = {
    "PyEval_GetFrame": "PyEval_GetFrame",
    "persisting L2": "L2 cache",
    "access policy window": "L2 cache",
    "detached thread": "outlive the call",
}


def _native(name: str) -> Case:
    """The honest kernel with one forbidden word in its host code."""
    before, _, lines = _NATIVE[name].partition("@")
    source = text("act").replace(
        "torch::Tensor act(torch::Tensor x) {", "torch::Tensor act(torch::Tensor x) {\n" + lines
    )
    return seen(f"in C++: {name}", module(before + source, CALL), _TOLD[name])


_TIMED = "w.write(4, {'kind': 'timed', 'samples': [0.001] * 30, 'inner': 1, 'warm_ups': 3, 'claims': {}})"
_MESSAGES = {
    "a stage and an end": "w.write(4, {'kind': 'stage', 'stage': 'timing'}); w.write(4, {'kind': 'done'})",
    "times before their turn": _TIMED,
    "a stage and times": "w.write(4, {'kind': 'stage', 'stage': 'timing'})\n" + _TIMED,
    "outputs of nothing": "w.write(4, {'kind': 'outputs', 'seed': 3, 'tree': {}, 'changed': False, 'seen': {}})",
}
"""By what they claim; descriptor 4 is the child's end of the channel."""
CASES = (
    *(seen(f"patches {name}", bent(CALL, lines), f"patches {name}") for name, lines in _PLAIN.items()),
    *(
        Case(
            f"patches {where}.{name} where nobody sees it",
            ACT,
            bent(CALL, _PATCH.format(module=where, name=name)),
            _CHEATING,
            stages=(Stage.IMPORT,),
            told=f"{where}.{name}",
        )
        for where, name in _PATCHED
    ),
    Case(
        "patches torch.cuda.synchronize in forward",
        ACT,
        bent(_PATCH.format(module="torch.cuda", name="synchronize") + CALL),
        _CHEATING,
        told="torch.cuda.synchronize",
    ),
    Case(
        "another body for the clock",
        ACT,
        bent(CALL, "f = M('kernelbench_harness.timing.measure').measure\nf.__code__ = (lambda *a, **k: None).__code__"),
        _CHEATING,
        told="its code",
    ),
    Case(
        "a slowed clock",
        ACT,
        bent(CALL, "t = M('kernelbench_harness.timing.measure')\nreal = t._clock\nS(t, '_clock', lambda: real() / 50)"),
        _CHEATING,
    ),
    seen("walks frames", bent("import sys\nreturn sys._getframe(1).f_locals['want']"), "frames"),
    seen(
        "asks the collector",
        bent("import gc\nreturn [o for o in gc.get_objects() if isinstance(o, torch.Tensor)][0]"),
        "gc.get_objects",
    ),
    Case(
        "asks the collector where nobody sees it",
        ACT,
        bent(
            "found = getattr(M('gc'), 'get_' + str('objects'))()\n"
            "found = [o for o in found if type(o) is torch.Tensor and o.shape == x.shape and o is not x]\n"
            "for one in found:\n    if not torch.equal(one, x): return one.clone()\nreturn x.clone()"
        ),
        (Verdict.WRONG_VALUE, Verdict.RUNTIME_ERROR, Verdict.CHEATING),
    ),
    seen("writes to the channel", bent(f"import os\nos.write(4, b'x')\n{CALL}"), "file descriptor 4"),
    *(
        Case(
            f"claims {what}",
            ACT,
            bent(f'w = M("kernelbench_harness.process.wire")\n{lines}\nM("os")._exit(0)'),
            _CAUGHT,
        )
        for what, lines in _MESSAGES.items()
    ),
    Case(
        "garbage on the channel",
        ACT,
        bent("M('os').write(int('4'), b'\\xff' * 100)\nM('time').sleep(60)"),
        (Verdict.RUNTIME_ERROR,),
        told="no message",
    ),
    *(_native(name) for name in _NATIVE),
    Case(
        "keeps the L2 cache by a number",
        ACT,
        module(
            text("act").replace(
                "torch::Tensor act(torch::Tensor x) {",
                "torch::Tensor act(torch::Tensor x) {\n    cudaDeviceSetLimit((cudaLimit)6, 1 << 24);",
            ),
            CALL,
            before=HIDDEN,
        ),
        (Verdict.CORRECT, Verdict.CHEATING),
    ),
)
