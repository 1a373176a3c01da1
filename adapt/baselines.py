"""What a simulator must beat: the majority, text statistics, and the facts alone.

All are fitted on the same training labels as the adapter and asked about the same test labels. A verdict baseline gives
the probability of the verdict; a number baseline gives the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adapt.metrics import Floats


@dataclass(frozen=True)
class Inputs:
    """One call as the baselines see it."""

    text: str
    """All arguments, joined."""
    facts: Mapping[str, float]
    """Evidence vector; empty for a domain without evidence."""


def _facts(inputs: Sequence[Inputs]) -> Floats:
    return np.asarray([list(one.facts.values()) for one in inputs], float)


def majority(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> Floats:
    """The share of the verdict in training, for every call."""
    return np.full(len(test), truth.mean())


def tfidf(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> Floats:
    """TF-IDF over words and punctuation, one to three in a row, and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if truth.min() == truth.max():
        return majority(train, truth, test)
    vectors = TfidfVectorizer(
        token_pattern=r"\w+|[^\w\s]",
        ngram_range=(1, 3),
        lowercase=False,
        min_df=min(3, len(train)),
        max_features=60000,
        sublinear_tf=True,
    )
    model = make_pipeline(vectors, LogisticRegression(C=10.0, max_iter=400))
    model.fit([one.text for one in train], truth > 0.5)
    return np.asarray(model.predict_proba([one.text for one in test])[:, 1])


def facts_alone(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> Floats:
    """Gradient boosting on the evidence vector."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    if truth.min() == truth.max():
        return majority(train, truth, test)
    model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=0)
    model.fit(_facts(train), truth > 0.5)
    return np.asarray(model.predict_proba(_facts(test))[:, 1])


def median_number(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> Floats:
    """The training median, for every call."""
    return np.full(len(test), np.median(truth))


def facts_number(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> Floats:
    """Gradient boosting on the evidence vector, fitted to the logarithm."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.08, loss="absolute_error", random_state=0)
    model.fit(_facts(train), np.log(np.maximum(truth, 1e-9)))
    return np.exp(np.asarray(model.predict(_facts(test))))


def verdict_baselines(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> dict[str, Floats]:
    """Name -> probability of the verdict for each test call."""
    answers = {"majority": majority(train, truth, test), "TF-IDF + LR": tfidf(train, truth, test)}
    if train[0].facts:
        answers["facts alone"] = facts_alone(train, truth, test)
    return answers


def number_baselines(train: Sequence[Inputs], truth: Floats, test: Sequence[Inputs]) -> dict[str, Floats]:
    """Name -> number for each test call; `train` holds only calls whose number is known."""
    answers = {"median": median_number(train, truth, test)}
    if train[0].facts:
        answers["facts alone"] = facts_number(train, truth, test)
    return answers
