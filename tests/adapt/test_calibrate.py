"""Calibration: the temperature is found, a promise holds, nothing unearned is promised, foreign calls stand out."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest
from specialists import trained

from adapt.adapter import find_calibration, require_adapter
from adapt.calibration import (
    Calibration,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    negative_log_likelihood,
    reliability,
    scale,
)
from adapt.errors import ArtifactError
from adapt.foreign import ForeignCheck, Neighbours, fit

NAMES = "abc"


def _drawn(n: int, sharpness: float, seed: int) -> tuple[list[dict[str, float]], list[str]]:
    """Distributions that are too sure by `sharpness`, and values drawn from the true ones."""
    chance = random.Random(seed)
    said, real = [], []
    for _ in range(n):
        logits = {name: chance.gauss(0, 1.5) for name in NAMES}
        total = sum(math.exp(value) for value in logits.values())
        true = {name: math.exp(value) / total for name, value in logits.items()}
        real.append(chance.choices(list(true), list(true.values()))[0])
        said.append(scale(true, 1 / sharpness))
    return said, real


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(sharpness: float) -> None:
    said, real = _drawn(4000, sharpness, seed=1)
    found = fit_temperature(said, real)
    assert found == pytest.approx(sharpness, rel=0.12)
    mended = [scale(distribution, found) for distribution in said]
    assert negative_log_likelihood(mended, real) <= negative_log_likelihood(said, real) + 1e-9


def test_scaling_keeps_the_order_and_sums_to_one() -> None:
    distribution = {"a": 0.7, "b": 0.3 - 1e-9, "c": 1e-9}
    for temperature in (0.05, 0.5, 2.0, 20.0):
        scaled = scale(distribution, temperature)
        assert sorted(scaled, key=lambda name: scaled[name]) == ["c", "b", "a"]
        assert sum(scaled.values()) == pytest.approx(1)
    assert fit_temperature([], []) == 1.0


def test_answers_that_were_all_right_are_not_certain() -> None:
    said = [{"a": 0.99, "b": 0.01}] * 87
    assert 0.6 < fit_temperature(said, ["a"] * 87) < 1
    assert fit_temperature(said, ["a"] * 86 + ["b"]) == pytest.approx(1, abs=0.05)


def _pairs(n: int, chance: random.Random) -> list[tuple[float, bool]]:
    """Answers of which sixty per cent are nearly sure, all as sure as they are right."""
    drawn = []
    for _ in range(n):
        confidence = chance.betavariate(12, 1) if chance.random() < 0.6 else chance.uniform(0.3, 0.9)
        drawn.append((confidence, chance.random() < confidence))
    return drawn


def test_a_promised_accuracy_holds_on_fresh_answers() -> None:
    chance = random.Random(3)
    broken = found = 0
    for _ in range(25):
        threshold = fit_threshold(_pairs(300, chance), _pairs(600, chance), accuracy=0.85)
        if threshold is not None:
            found += 1
            accepted = [right for confidence, right in _pairs(4000, chance) if confidence >= threshold.value]
            broken += sum(accepted) / len(accepted) < 0.85
    assert found >= 20 and broken <= 4  # 5 % of 25 is 1.25; more than 4 has a chance below 1 %


def test_what_was_not_earned_is_not_promised() -> None:
    chance = random.Random(4)
    guesses = [(chance.random(), chance.random() < 0.5) for _ in range(1000)]
    assert fit_threshold(guesses[:300], guesses[300:], accuracy=0.9) is None
    assert fit_threshold(_pairs(10, chance), _pairs(15, chance), accuracy=0.95) is None
    assert fit_threshold([], [], accuracy=0.5) is None


def test_reliability_of_answers_as_sure_as_they_are_right() -> None:
    bins = reliability(_pairs(20000, random.Random(5)))
    assert sum(entry.n for entry in bins) == 20000
    assert expected_calibration_error(bins) < 0.02
    assert reliability([(1.0, True)])[0].high == 1.0
    assert expected_calibration_error(reliability([(0.95, False)] * 10)) == pytest.approx(0.95)


def test_foreign_texts_lie_farther_than_familiar_ones(tmp_path: Path) -> None:
    chance = random.Random(6)
    names = ["alpha", "beta", "gamma", "delta"]

    def familiar() -> str:
        left, right = chance.choice(names), chance.choice(names)
        return f"for (int i = 0; i < {chance.randint(1, 9)}; ++i) {{ {left}[i] += {right}; }}"

    surprises = [chance.gauss(2.0, 0.2) for _ in range(100)]
    check = fit([familiar() for _ in range(200)], [familiar() for _ in range(100)], surprises, 0.99)
    assert check.limit is not None and check.limit > 0
    assert sum(bool(check.marks(2.0, familiar())) for _ in range(200)) <= 10
    assert "surprise 9.00" in check.marks(9.0, familiar())[0]
    assert "distance" in check.marks(2.0, "SELECT name FROM people WHERE age > 3 ORDER BY name")[0]
    assert not check.marks(1.0, familiar()), "a call that the model finds easy is not foreign"
    assert check.neighbours is not None
    check.neighbours.save(tmp_path / "near.npz")
    texts = [familiar(), "def f(): pass", ""]
    again = Neighbours.load(tmp_path / "near.npz").distances(texts)
    assert again == pytest.approx(check.neighbours.distances(texts), abs=1e-5)


def test_nothing_to_be_near_to_is_no_foreign_check() -> None:
    assert ForeignCheck(None, 0.99).marks(99.0, "anything") == ()
    assert fit([], [], []).limit is None
    alone = fit([], ["a", "b", "c"], [1.0, 2.0, 3.0])
    assert alone.neighbours is None and alone.marks(9.0, "a") and not alone.marks(2.0, "a")


def test_the_verb_writes_what_it_promised() -> None:
    made = trained()
    adapter = require_adapter(made.domain, made.workspace)
    found = find_calibration(made.domain, adapter, made.workspace)
    assert found is not None and found.hashes["adapter"] == adapter.hash
    assert found.decision_field == "verdict" and found.temperature > 0
    assert found.tuning > 0 and found.promised_on > found.tuning
    assert found.figures["nll_after"] < found.figures["nll_before"] + 0.05
    assert found.foreign.limit is not None and found.foreign.surprise and found.foreign.distance
    assert ("always use the real tool" in found.promise) == (found.threshold is None)
    again = Calibration.load(made.workspace / "runs/mini/calibrate" / _only(made.workspace), neighbours=False)
    assert again.threshold == found.threshold and again.foreign.neighbours is None


def _only(workspace: Path) -> str:
    (folder,) = (workspace / "runs/mini/calibrate").iterdir()
    return folder.name


def test_a_broken_or_missing_calibration_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="adapt calibrate"):
        Calibration.load(tmp_path)
    (tmp_path / "calibration.json").write_text('{"temperature": ')
    with pytest.raises(ArtifactError, match="adapt calibrate"):
        Calibration.load(tmp_path)
    (tmp_path / "foreign.npz").write_bytes(b"not an archive")
    with pytest.raises(ArtifactError, match="adapt calibrate"):
        Neighbours.load(tmp_path / "foreign.npz")
