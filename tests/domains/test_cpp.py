"""The C++ domain's own parts: what the prompt shows, how pairs are split, how a label becomes a result."""

from itertools import islice

import pytest

from domains.cpp import DOMAIN
from domains.cpp.calls import HELD_OUT_MISTAKES, TEST_OPERATORS, VALIDATION_OPERATORS, calls, foreign_calls
from domains.kernels import condense, content_of
from kernelbench_harness.label import STAGES, Label, Timing, Verdict


@pytest.fixture(scope="module")
def items():
    return list(islice(calls(11), 1500))


def test_condense_keeps_code_and_drops_talk():
    source = 'import torch\n\nclass M:\n    """Doc."""\n    # note\n\n    x = 1  # kept\n// gone\n#include <omp.h>\n'
    assert condense(source) == "class M:\n    x = 1  # kept\n#include <omp.h>"


def test_operators_and_mistakes_held_out_of_training_are_not_in_it(items):
    train = [item for item in items if item.split == "train"]
    assert len(HELD_OUT_MISTAKES) == 3 and len(TEST_OPERATORS) >= 5
    assert not {item.group for item in train} & (TEST_OPERATORS | VALIDATION_OPERATORS)
    assert not {item.tags["mistake"] for item in train} & HELD_OUT_MISTAKES


def test_twins_share_a_split_and_differ_only_at_the_site(items):
    twins: dict[str, list] = {}
    for item in items:
        twins.setdefault(item.twin, []).append(item)
    for pair in twins.values():
        assert len({(item.split, item.cohort) for item in pair}) == 1
        assert len({item.call.arguments["reference"] for item in pair}) == 1


def test_foreign_kernels_are_test_only_and_not_few():
    foreign = list(foreign_calls())
    assert len(foreign) >= 24
    assert {(item.split, item.cohort) for item in foreign} == {("test", "foreign")}


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.COMPILED])
def test_every_verdict_becomes_a_valid_result(verdict):
    import jsonschema

    correct = verdict is Verdict.CORRECT
    timing = Timing((1.0, 2.0), 1.23456, 0.1) if correct else None
    error = "" if correct else "x" * 500
    label = Label(
        "p",
        "c",
        "cpu",
        verdict,
        min(STAGES[verdict]),
        error,
        error,
        ("patched torch.allclose",) if verdict is Verdict.CHEATING else (),
        timing,
        timing,
    )
    content = content_of(label)
    jsonschema.validate(content, DOMAIN.spec.output_schema)
    assert DOMAIN.fidelity.verdicts["correct"](content) is correct
    assert content.get("runtime_ms") == (1.23 if correct else None)
