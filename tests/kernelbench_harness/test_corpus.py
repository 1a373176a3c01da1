"""The generator of candidate kernels: same seed, same text; one edit between twins; the surface gives little away."""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
import sys
import time
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from kernelbench_harness.corpus import MISTAKES, OPERATORS, Sample, pair, siblings, stream
from kernelbench_harness.corpus.operator import Operator, problem_of
from kernelbench_harness.corpus.text import Draft, Edit, mark, mark_lines
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.label import text_hash

LANGUAGES = ("cpp", "cuda", "triton")
_DIGEST = (
    "import sys; from itertools import islice; from kernelbench_harness.corpus import stream; "
    "from kernelbench_harness.label import text_hash; "
    "all = (s for l in ('cpp', 'cuda', 'triton') for s in islice(stream(5, l), 60)); "
    "print(text_hash(*(s.code + s.problem.code + s.style for s in all))); "
    "print('torch' in sys.modules)"
)


def _pairs(count: int, language: str = "cpp", seed: int = 11) -> list[tuple[Sample, ...]]:
    return [pair(seed, index, language) for index in range(count)]


def _common(left: str, right: str) -> int:
    """Length of the common beginning."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def test_marks_become_sites() -> None:
    marked = "\n".join(mark_lines("loop", ["for (" + mark("low", "0") + ")", "  x" + mark("sign", "-", " ") + "1;"]))
    draft = Draft.read(marked)
    assert draft.text == "for (0)\n  x-1;"
    assert [draft.at(site) for site in draft.of("loop", "low", "sign")] == [draft.text, "0", "-"]
    assert draft.of("sign")[0].alt == " "
    assert [site.kind for site in draft.inside(draft.of("loop")[0], "low", "sign")] == ["low", "sign"]


def test_a_deletion_points_at_what_follows() -> None:
    draft = Draft("a = b;\nc;\n", ())
    assert draft.applied(Edit(5, 6, "")) == ("a = b\nc;\n", (6, 7))
    assert draft.applied(Edit(4, 5, "d")) == ("a = d;\nc;\n", (4, 5))


def test_the_same_text_in_every_process() -> None:
    results = set()
    for hash_seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        results.add(run.stdout)
    here = text_hash(
        *(s.code + s.problem.code + s.style for language in LANGUAGES for s in islice(stream(5, language), 60))
    )
    assert results == {f"{here}\nFalse\n"}


def test_the_streams_that_labels_were_made_from_stay_as_they_are() -> None:
    """Another text would ask for other labels: those that ship, and those of who labels with the same seed again."""
    digests = {}
    for language in ("cpp", "cuda"):
        streamed = "".join(s.code + s.problem.code for s in islice(stream(0, language), 150))
        families = "".join(s.code + s.problem.code for index in range(60) for s in siblings(0, index, language))
        digests[language] = text_hash(streamed), text_hash(families)
    assert digests == {
        "cpp": ("4f4dd2abbdef369a", "25c59e26bd7837ee"),
        "cuda": ("ab27198d5f43f7fc", "24218b733fb3fbf9"),
    }


def test_seeds_and_indices_differ() -> None:
    codes = {sample.code for seed in (0, 1) for index in range(100) for sample in pair(seed, index)}
    assert len(codes) > 390


@pytest.mark.parametrize("language", LANGUAGES)
def test_twins_differ_in_one_place(language: str) -> None:
    for clean, *rest in _pairs(150, language):
        assert clean.mistake is None and clean.mistake_class == "none" and clean.site is None
        ast.parse(clean.code)
        assert not any(sign in clean.code for sign in "\x01\x02\x03\x04")
        for broken in rest:
            assert (broken.twin, broken.style, broken.problem) == (clean.twin, clean.style, clean.problem)
            assert broken.mistake in MISTAKES and broken.mistake_class == MISTAKES[broken.mistake].mistake_class
            assert broken.site is not None
            start, end = broken.site
            assert 0 <= start < end <= len(broken.code)
            shared = _common(clean.code, broken.code)
            tail = _common(clean.code[::-1], broken.code[::-1])
            assert clean.code != broken.code
            # All that differs lies in the site, give or take characters that both sides share.
            assert shared >= start - 1 or broken.code[shared:start].isspace()
            assert len(broken.code) - tail <= end


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mix(language: str) -> None:
    counts = Counter(sample.mistake_class for samples in _pairs(400, language) for sample in samples)
    whole = sum(counts.values())
    assert 0.49 < counts["none"] / whole < 0.53
    assert 0.17 < counts["compile"] / whole < 0.27
    assert all(counts[kind] / whole > 0.01 for kind in ("runtime", "value", "shape", "performance"))


def test_breadth() -> None:
    assert len(OPERATORS) >= 30 and {operator.level for operator in OPERATORS.values()} == {1, 2}
    assert len(MISTAKES) >= 22
    samples = [sample for samples in _pairs(1200) for sample in samples]
    assert {sample.operator for sample in samples} == set(OPERATORS)
    assert len({sample.style for sample in samples}) > 1000
    planted = {sample.mistake for sample in samples if sample.mistake}
    expected = {name for name, mistake in MISTAKES.items() if "cpp" in mistake.languages}
    assert len(expected - planted) <= 4, sorted(expected - planted)


def test_every_mistake_finds_a_place_somewhere() -> None:
    from random import Random

    from kernelbench_harness.corpus.operators import ALL
    from kernelbench_harness.corpus.plan import planned, rendered

    missing = {(name, language) for name, mistake in MISTAKES.items() for language in mistake.languages}
    for index in range(1500):
        for language in LANGUAGES:
            wanted = [name for name, other in missing if other == language]
            if not wanted:
                continue
            rng = Random(index)
            plan, _ = planned(rng.choice(ALL), rng, language)
            draft = rendered(plan, language)
            missing -= {(name, language) for name in wanted if MISTAKES[name].plant(draft, rng) is not None}
        if not missing:
            break
    assert not missing


def test_problems_are_few_and_stable() -> None:
    for operator in OPERATORS.values():
        problems = [problem_of(operator, variant) for variant in range(len(operator.variants))]
        assert 3 <= len({problem.id for problem in problems}) <= 4
        assert problem_of(operator, 0).code == problems[0].code
        assert problems[0].version == "corpus" and problems[0].scale == "cpu" and problems[0].level == operator.level
        for part in ("class Model(nn.Module)", "def get_inputs():", "def get_init_inputs():"):
            assert part in problems[0].code


def test_what_looks_suspicious_is_common_in_clean_code() -> None:
    clean = [samples[0].code for samples in _pairs(400)]
    for pattern, least in (
        (r"\bdouble \w+ = ", 0.08),
        (r"; \w+ <= ", 0.05),
        (r"zeros", 0.15),
        (r"empty", 0.4),
        (r"[A-Za-z]\w{10,}", 0.9),
        (r"^((?!extra_cflags).)*\Z", 0.08),
        (r"size_t|int64_t", 0.3),
        (r"^\s*// ", 0.15),
    ):
        share = sum(bool(re.search(pattern, code, re.M | (re.S if "?!" in pattern else 0))) for code in clean) / len(
            clean
        )
        assert share >= least, (pattern, share)


def test_speed() -> None:
    list(islice(stream(3), 100))
    begin = time.process_time()
    list(islice(stream(4), 300))
    assert time.process_time() - begin < 1.0


def test_an_unknown_language() -> None:
    with pytest.raises(HarnessError, match="choose one of cpp, cuda, triton"):
        pair(0, 0, "fortran")


@pytest.mark.slow
def test_problems_run() -> None:
    torch = pytest.importorskip("torch")
    for operator in OPERATORS.values():
        for variant in range(len(operator.variants)):
            module: dict[str, object] = {}
            exec(problem_of(operator, variant).code, module)
            model = module["Model"](*module["get_init_inputs"]())  # type: ignore[operator]
            result = model(*module["get_inputs"]())  # type: ignore[operator]
            assert torch.isfinite(result.float()).all(), operator.name
            assert operator.output.flat or result.dim() == len(operator.output.dims), operator.name


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted({operator.family for operator in OPERATORS.values()}))
def test_loop_nests_compute_what_the_reference_does(family: str) -> None:
    """Every loop nest is Python too: run as it stands, on the reference's own inputs and weights."""
    torch = pytest.importorskip("torch")
    for operator in OPERATORS.values():
        if operator.family != family:
            continue
        module: dict[str, Any] = {}
        exec(problem_of(operator, 0).code, module)
        torch.manual_seed(0)
        model, inputs = module["Model"](*module["get_init_inputs"]()), module["get_inputs"]()
        with torch.no_grad():
            expected = model(*inputs).double().numpy()
        given = dict(zip(operator.forward_args.replace(" ", "").split(","), inputs, strict=True))
        for body in dict.fromkeys(operator.bodies):
            found = _interpreted(operator, body, model, given, expected.shape)
            assert abs(found - expected).max() < 1e-3 * max(1.0, abs(expected).max()), (operator.name, body)


def _interpreted(operator: Operator, body: str, model: Any, given: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """The output of a loop nest, as numpy of float64."""
    import numpy

    scope: dict[str, Any] = {name: getattr(math, name) for name in ("exp", "log", "log1p", "tanh", "sqrt", "erf")}
    scope |= {"parallel": range, "seq": range, "INF": math.inf}
    for array in operator.inputs:
        value = eval(array.source, {"self": model, **given}).detach().numpy()
        value = value if array.dtype != "f32" else value.astype("float64")
        scope |= {dim: size for dim, size in zip(array.dims, value.shape, strict=False) if not array.flat}
        scope |= {"T": value.size} if array.flat else {}
        scope[array.name] = value.reshape(-1) if array.flat else value
    scope |= {scalar.name: eval(scalar.source, {"self": model}) for scalar in operator.scalars}
    result = numpy.zeros(shape)
    scope["y"] = result.reshape(-1) if operator.output.flat else result
    exec("from __future__ import annotations\n" + body, scope)
    return result
