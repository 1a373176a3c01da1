"""The gate with a trained simulator: a batch says what one call at a time says, and where it may stand for the tool."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

import pytest
from specialists import Made, trained

from adapt.calibration import Threshold
from adapt.errors import ArtifactError
from adapt.gate import Gate
from adapt.labels import LabelStore
from adapt.predict import predict
from adapt.progress import progress
from adapt.runs import labels_path
from adapt.specialist import Specialist
from adapt.validation import result_checker
from base_gtm.schema import ToolCall


@pytest.fixture(scope="module")
def made() -> Made:
    return trained()


@pytest.fixture(scope="module")
def specialist(made: Made) -> Specialist:
    return Specialist.load(made.domain, workspace=made.workspace)


def calls_of(made: Made, count: int) -> list[ToolCall]:
    odd = ["a", "a +", "1/0", "9" * 150, "((((", "", "\u00e9", "SELECT @x FROM [y] WHERE {z}"]
    fresh = [item.call for item in islice(made.domain.calls(4711), count)]
    return [*fresh, *(ToolCall(made.domain.spec.name, {"expression": text}) for text in odd)]


def test_a_batch_answers_as_one_call_at_a_time(made: Made, specialist: Specialist) -> None:
    calls = [*calls_of(made, 40), ToolCall(made.domain.spec.name, {"expresion": "a"})]
    check = result_checker(made.domain)
    texts = 0
    for call, reply in zip(calls, specialist.answers(calls), strict=True):
        alone = specialist.answer(call)
        check(reply.result)
        assert reply.result == alone.result
        assert reply.confidence == pytest.approx(alone.confidence, abs=1e-4)
        assert (reply.accepted, reply.calibrated, reply.threshold) == (
            alone.accepted,
            alone.calibrated,
            alone.threshold,
        )
        assert bool(reply.foreign) == bool(alone.foreign) and reply.tokens == alone.tokens
        assert reply.distributions.keys() == alone.distributions.keys()
        for name, values in alone.distributions.items():
            assert reply.distributions[name] == pytest.approx(values, abs=1e-4)
        assert reply.estimates.keys() == alone.estimates.keys() and reply.seconds > 0
        texts += len(reply.estimates)
    assert texts > 0, "some answers have a number, which a decision alone does not give"


def test_opinions_cost_no_answers_unless_they_are_wanted(made: Made, specialist: Specialist) -> None:
    calls = calls_of(made, 20)
    some = specialist.opinions(calls, lambda opinion: opinion.confidence > 0.9)
    assert {opinion.confidence > 0.9 for opinion, _ in some} == {True, False}
    for opinion, reply in some:
        assert (reply is not None) == (opinion.confidence > 0.9)
    assert all(reply is None or reply.result.is_error for _, reply in specialist.opinions(calls))


def test_a_tool_without_a_decision_is_answered_whole(made: Made, specialist: Specialist) -> None:
    bare = replace(made.domain, fidelity=replace(made.domain.fidelity, decision_field=None))
    plain = replace(specialist, domain=bare)
    calls = calls_of(made, 4)
    for call, reply in zip(calls, plain.answers(calls), strict=True):
        alone = plain.answer(call)
        assert (reply.result, reply.confidence, reply.accepted) == (alone.result, alone.confidence, alone.accepted)
    assert all(reply is None or reply.result.is_error for _, reply in plain.opinions(calls))


def test_predictions_and_the_gate_judge_alike(made: Made, specialist: Specialist) -> None:
    with LabelStore(labels_path(made.domain, made.workspace)) as store:
        records = [record for record in store.iterate(split="test") if not record.result.is_error][:40]
    with progress("test", len(records)) as advance:
        predictions = predict(specialist, records, advance)
    opinions = specialist.opinions([record.call for record in records])
    for prediction, (opinion, _) in zip(predictions, opinions, strict=True):
        assert prediction.distribution == pytest.approx(opinion.distribution, abs=1e-4)
        assert prediction.confidence == pytest.approx(opinion.confidence, abs=1e-4)
        assert prediction.foreign == bool(opinion.foreign)


def test_the_gate_stands_on_the_calibration(made: Made, specialist: Specialist) -> None:
    calls = calls_of(made, 40)
    assert specialist.calibration is not None
    middle = median(opinion.confidence for opinion, _ in specialist.opinions(calls))
    # A simulator this small seldom earns a threshold of its own.
    calibration = replace(specialist.calibration, threshold=Threshold(middle, 0.5, 0.5, 0.5, 0.5))
    specialist = replace(specialist, calibration=calibration)
    alone = {call.key: specialist.answer(call) for call in calls}
    with Gate(made.domain, policy="gate", specialist=specialist, workers=1) as gate:
        answers = gate.call_many([call.arguments for call in calls])
        with made.domain.open_real_tool() as tool:
            for call, answer in zip(calls, answers, strict=True):
                reply = alone[call.key]
                if reply.result.is_error:
                    assert answer.source == "arguments"
                elif reply.accepted:
                    assert (answer.source, answer.result) == ("simulator", reply.result)
                else:
                    assert (answer.source, answer.result) == ("real", tool.call(call))
                    assert ("foreign" in answer.why) == bool(reply.foreign)
        assert min(gate.counts[source] for source in ("arguments", "simulator", "real")) > 0
        gate.policy = "simulate"
        again = gate.call_many([call.arguments for call in calls])
        assert [one.result for one in again] == [alone[call.key].result for call in calls]
        assert any("foreign" in one.why for one in again), "what is foreign comes back marked"
        gate.policy = "real"
        assert {one.source for one in gate.call_many([call.arguments for call in calls])} == {"arguments", "real"}


def test_a_missing_adapter_is_said_when_the_gate_is_entered(mini, workspace: Path) -> None:
    for chosen in ("simulate", "gate", "hybrid:3"):
        with pytest.raises(ArtifactError, match="run `adapt train mini` first"):
            Gate(mini, policy=chosen, workspace=workspace).__enter__()
    with Gate(mini, policy="real", workspace=workspace) as gate:
        assert gate.call({"expression": "a + b * 3"}).result.content == {"verdict": "correct", "value": 17.0}
        with pytest.raises(ArtifactError, match="run `adapt train mini` first"):
            gate.policy = "simulate"
