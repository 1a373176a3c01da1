"""The CUDA domain's own parts: the split of families, what the prompt keeps, what is unknown, foreign kernels."""

from __future__ import annotations

import ast
import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from adapt.examples import Rendering, build
from adapt.fidelity import Prediction, probability, verdict_figures
from adapt.labels import LabelRecord
from adapt.probes import load_probes
from base_gtm.prompt import completion
from base_gtm.schema import ToolCall, ToolResult
from domains.cuda import DOMAIN
from domains.cuda.calls import HELD_OUT_MISTAKES, TEST_OPERATORS, TRITON, VALIDATION_OPERATORS, calls
from domains.cuda.prompt import LONG, shorter
from domains.cuda.strangers import archive_calls, cuda_l1_calls, foreign_calls
from domains.kernels import content_of
from kernelbench_harness.corpus.full_sizes import kernelbench_problems
from kernelbench_harness.label import STAGES, Label, Stage, Timing, Verdict


@pytest.fixture(scope="module")
def items():
    return list(islice(calls(5), 1600))


def test_no_test_operator_or_held_out_mistake_reaches_training(items):
    train = [item for item in items if item.split == "train"]
    assert not {item.group for item in train} & (TEST_OPERATORS | VALIDATION_OPERATORS)
    cuda = [item for item in train if item.cohort != TRITON]
    assert not {item.tags["mistake"] for item in cuda} & HELD_OUT_MISTAKES
    assert {item.group for item in items if item.cohort == TRITON and item.split == "test"} <= TEST_OPERATORS


def test_three_thousand_calls_hold_enough_of_every_split(items):
    shares = Counter((item.split, item.cohort) for item in items)
    thousand = 3000 / len(items)
    assert shares["test", "unseen"] * thousand >= 400
    assert sum(n for (split, _), n in shares.items() if split == "validation") * thousand >= 220
    assert sum(n for (split, _), n in shares.items() if split == "train") * thousand >= 1500


def test_every_beginning_of_the_stream_is_balanced(items):
    for end in (100, 400, 1600):
        some = [item for item in items[:end] if item.cohort != TRITON]
        clean = sum(item.tags["mistake"] is None for item in some) / len(some)
        compiling = sum(item.tags["mistake_class"] == "compile" for item in some) / len(some)
        assert 0.28 < clean < 0.40 and 0.30 < compiling < 0.46


def test_a_family_shares_its_problem_and_its_split(items):
    families: dict[str, list] = {}
    for item in items:
        families.setdefault(item.twin, []).append(item)
    for family in families.values():
        assert len({(item.split, item.cohort, item.call.arguments["reference"]) for item in family}) == 1
        assert len({item.call.arguments["candidate"] for item in family}) == len(family)


def test_forty_kernelbench_problems_come_at_sizes_of_a_gpu(items):
    assert len(kernelbench_problems()) >= 60
    full = [item for item in items if item.tags["scale"] == "full"]
    assert len({tuple(item.tags["kernelbench"]) for item in full}) >= 40
    assert 0.2 < len(full) / len(items) < 0.5
    assert all(item.tags["scale"] == "cpu" for item in items if item.cohort == TRITON)


def test_the_prompt_keeps_the_kernel_and_drops_the_rest(items):
    for item in items[:300]:
        code = item.call.arguments["candidate"]
        text = dict(DOMAIN.prompt_arguments(item.call.arguments))["candidate"]
        assert len(text) < len(code) and "import torch" not in text
        kernel = code.find("__global__")
        if kernel >= 0 and len(text) < LONG:
            launch = next(line.strip() for line in code[kernel:].split("\n") if "<<" in line)
            assert launch in text, "the launch is part of the kernel's story"


def test_what_one_source_ends_with_opens_no_docstring():
    source = 'import torch\n\ncpp = """\nint f();\n"""\n\ncuda = """\nint f() { return 1; }\n"""\n'
    assert shorter(source) == 'cpp = """\nint f();\n"""\ncuda = """\nint f() { return 1; }\n"""'


def test_a_long_candidate_loses_its_other_definitions_and_checks_first():
    kernel = "__global__ void k(float* x) {\n" + "  x[threadIdx.x] += 1.0f;\n" * 60 + "}\n"
    helper = "def reference_form(x):\n" + "    x = x + 1\n" * 30 + "    return x\n"
    check = '  TORCH_CHECK(x.is_cuda(), "x");\n' * 20
    source = (
        f"{helper}\nSOURCE = r'''\n{kernel}void run() {{\n{check}}}\n'''\n\n\nclass ModelNew:\n"
        "    def forward(self, x):\n        return ext.run(x)\n"
    )
    text = shorter(source)
    assert "reference_form" not in text and "TORCH_CHECK" not in text
    assert text.count("+= 1.0f") == 60 and "return ext.run(x)" in text


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("timed", [True, False])
def test_every_label_becomes_a_valid_result(verdict: Verdict, timed: bool):
    import jsonschema

    correct = verdict is Verdict.CORRECT
    good = correct or verdict is Verdict.COMPILED
    timing = Timing((1.0, 2.0), 1.23456, 0.1) if correct and timed else None
    label = Label(
        "p",
        "c",
        "cpu",
        verdict,
        Stage.LINK if verdict is Verdict.COMPILED else min(STAGES[verdict]),
        "" if good else "x" * 500,
        "" if good else "x" * 500,
        ("patched torch.allclose",) if verdict is Verdict.CHEATING else (),
        timing,
        timing,
        "no GPU" if good and timing is None else "",
    )
    content = content_of(label)
    jsonschema.validate(content, DOMAIN.spec.output_schema)
    known = DOMAIN.fidelity.verdicts["correct"](content)
    assert known is (None if verdict is Verdict.COMPILED else correct)
    assert content.get("runtime_ms") == (1.23 if timing else None)
    # A cheat may be known by its source alone, before anything was compiled.
    compiled = None if verdict is Verdict.CHEATING else content["compiled"]
    assert DOMAIN.fidelity.verdicts["compiled"](content) is compiled
    written = json.loads(completion(DOMAIN.spec, content))
    assert written == {name: value for name, value in content.items() if name != "error"}


def test_a_compiled_label_says_nothing_about_correctness():
    fidelity = DOMAIN.fidelity
    sure = Prediction({"compiled": 0.6, "correct": 0.3, "wrong_value": 0.1}, {}, 0.6)
    assert probability(fidelity, "compiled", sure) == pytest.approx(1.0)
    assert probability(fidelity, "correct", sure) == pytest.approx(0.75)
    assert probability(fidelity, "correct", Prediction({"compiled": 1.0}, {}, 1.0)) == 0.5

    def record(verdict: str, number: int, split: str) -> LabelRecord:
        content = {"verdict": verdict, "compiled": verdict != "compile_error"}
        call = ToolCall("cuda_code_validator", {"reference": "r", "candidate": f"candidate {number} {verdict}"})
        return LabelRecord(call, ToolResult(content), 0.1, split, "unseen", "g", str(number), "", "live")

    from adapt.baselines import Inputs

    kinds = ["compiled", "compile_error", "compiled"] * 20
    sides = []
    for split in ("train", "test"):
        records = [record(kind, n, split) for n, kind in enumerate(kinds)]
        sides.append((records, [Inputs(r.call.arguments["candidate"], {"one": 1.0}) for r in records]))
    said = [Prediction({"compiled": 0.5, "compile_error": 0.5}, {}, 0.5)] * len(kinds)
    figures = verdict_figures(fidelity, sides[0], sides[1], said)
    assert figures["compiled"]["unseen"]["n"] == 60
    # Only the compile errors say anything of correctness, and always the same: that measures nothing.
    assert "correct" not in figures
    assert set(figures["compiled"]["unseen"]["gain"]) == {"accuracy", "f1", "auroc", "calibration_error"}


def test_hand_written_kernels_parse_and_are_test_only():
    foreign = [item for item in foreign_calls() if item.cohort == "foreign"]
    assert len(foreign) >= 8 and len({item.group for item in foreign}) >= 3
    for item in foreign:
        assert item.split == "test"
        for source in item.call.arguments.values():
            ast.parse(source)


def test_third_party_kernels_come_from_a_folder_and_never_ship():
    data = os.environ.get("GTM_EXTERNAL_DATA")
    if not data:
        pytest.skip("set GTM_EXTERNAL_DATA to the folder with the archive's and CUDA-L1's rows")
    external = Path(data)
    archive, l1 = list(archive_calls(external)), list(cuda_l1_calls(external))
    assert len(archive) == 51 and len(l1) == 82
    assert {(item.split, item.cohort, bool(item.tags["foreign"])) for item in [*archive, *l1]} == {
        ("test", "archive", True),
        ("test", "cuda-l1", True),
    }
    for item in archive:
        assert "load_inline" in item.call.arguments["candidate"] and "ModelNew" in item.call.arguments["candidate"]
        ast.parse(item.call.arguments["candidate"])
    assert not list(archive_calls(external / "nothing here"))


def test_probes_are_wellformed_and_have_cheats_among_them():
    probes = load_probes(DOMAIN.root / "probes.jsonl")
    assert len(probes) >= 15
    expected = [str(probe.expect.get("verdict")) for probe in probes]
    assert sum(one == "compile_error" for one in expected) >= 7 and any("cheating" in one for one in expected)


def test_a_call_for_another_gpu_is_refused_where_there_is_one(monkeypatch):
    from domains.cuda import real_tool

    class Here:
        name = "NVIDIA H100 80GB HBM3"

    monkeypatch.setattr("kernelbench_harness.devices.gpus", lambda: (Here(),))
    assert real_tool._other_gpu("H100") == "" and real_tool._other_gpu("") == ""
    assert "this machine has an NVIDIA H100" in real_tool._other_gpu("A100")
    assert real_tool.missing() == ""
    monkeypatch.setattr("kernelbench_harness.devices.gpus", lambda: ())
    assert real_tool._other_gpu("A100") == "" and "GPU box" in real_tool.missing()


def test_a_prompt_that_lost_its_middle_is_counted(items):
    from base_gtm.model import load_base

    tokenizer = load_base("nano").tokenizer
    result = ToolResult({"verdict": "compiled", "compiled": True})
    records = [LabelRecord(item.call, result, 0.1, "train", "seen", "g", "t", "", "live") for item in items[:30]]
    cut = {limit: sum(e.cut for e in build(DOMAIN, records, tokenizer, Rendering(limit), {})) for limit in (300, 2000)}
    assert cut == {300: 30, 2000: 0}
