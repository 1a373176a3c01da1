"""Metrics against values worked out by hand or by scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from adapt import metrics

TRUTH = np.array([1, 1, 1, 0, 0, 0, 0, 1], float)
P = np.array([0.9, 0.8, 0.3, 0.2, 0.6, 0.1, 0.4, 0.7])


def test_against_scikit_learn():
    said = P >= 0.5
    assert metrics.precision(TRUTH, P) == pytest.approx(precision_score(TRUTH, said))
    assert metrics.recall(TRUTH, P) == pytest.approx(recall_score(TRUTH, said))
    assert metrics.f1(TRUTH, P) == pytest.approx(f1_score(TRUTH, said))
    assert metrics.accuracy(TRUTH, P) == 6 / 8
    assert metrics.specificity(TRUTH, P) == 3 / 4


def test_auroc_counts_ordered_pairs():
    pairs = [(p > q) + 0.5 * (p == q) for p in P[TRUTH == 1] for q in P[TRUTH == 0]]
    assert metrics.auroc(TRUTH, P) == pytest.approx(np.mean(pairs))
    assert np.isnan(metrics.auroc(np.ones(4), P[:4]))


def test_calibration_error_of_an_honest_and_a_boastful_forecaster():
    generator = np.random.default_rng(0)
    p = generator.uniform(size=20000)
    truth = (generator.uniform(size=20000) < p).astype(float)
    assert metrics.calibration_error(truth, p) < 0.02
    assert metrics.calibration_error(truth, np.where(p > 0.5, 0.999, 0.001)) > 0.2


def test_number_errors():
    truth, said = np.array([1.0, 2.0, 4.0]), np.array([1.1, 2.0, 2.0])
    assert metrics.median_absolute_error(truth, said) == pytest.approx(0.1)
    assert metrics.median_relative_error(truth, said) == pytest.approx(0.1)


def test_interval_holds_the_value_and_widens_with_clusters():
    generator = np.random.default_rng(1)
    truth = np.repeat(generator.integers(0, 2, 100), 4).astype(float)
    p = np.repeat(generator.uniform(size=100), 4)
    rows = metrics.evaluate({"accuracy": metrics.accuracy}, truth, p, [str(i) for i in range(400)])["accuracy"]
    clusters = metrics.evaluate({"accuracy": metrics.accuracy}, truth, p, [str(i // 4) for i in range(400)])["accuracy"]
    assert rows.low <= rows.value <= rows.high
    assert clusters.high - clusters.low > 1.5 * (rows.high - rows.low)
    assert metrics.evaluate({"accuracy": metrics.accuracy}, [], [], []) == {}


def test_auroc_agrees_with_scikit_learn_when_probabilities_tie():
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 2, 200).astype(float)
    p = np.round(0.3 * truth + 0.7 * generator.uniform(size=200), 1)
    assert metrics.auroc(truth, p) == pytest.approx(roc_auc_score(truth, p))


def test_the_gain_is_paired_over_the_same_calls():
    generator = np.random.default_rng(1)
    truth = (generator.uniform(size=600) < 0.5).astype(float)
    theirs = np.where(generator.uniform(size=600) < 0.7, truth, 1 - truth)
    ours = theirs.copy()
    wrong = np.flatnonzero(theirs != truth)[:30]
    ours[wrong] = truth[wrong]  # better on 30 calls and the same on all others: 5 points, and never less
    twins = [str(row // 3) for row in range(600)]
    gain = metrics.gains({"accuracy": metrics.accuracy}, truth, ours, theirs, twins)["accuracy"]
    assert gain.value == pytest.approx(0.05) and 0.03 < gain.low < 0.05 < gain.high < 0.08
    apart = metrics.evaluate({"accuracy": metrics.accuracy}, truth, ours, twins)["accuracy"]
    assert gain.high - gain.low < apart.high - apart.low
    none = metrics.gains({"accuracy": metrics.accuracy}, truth, theirs, theirs, twins)["accuracy"]
    assert (none.value, none.low, none.high) == (0.0, 0.0, 0.0)
