"""`adapt score` on a really trained adapter: every figure beside its baselines, a page that holds together."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from specialists import Made, trained

from adapt.errors import ArtifactError
from adapt.runs import latest
from adapt.verbs import score


@pytest.fixture(scope="module")
def made() -> Made:
    made = trained()
    assert score.run(score.Options("mini", limit=80, live=6, workspace=made.workspace)) == 0
    return made


@pytest.fixture(scope="module")
def fidelity(made: Made) -> dict:
    run = latest("mini", "score", made.workspace)
    assert run is not None
    return json.loads((run / "fidelity.json").read_text())


def test_every_method_is_asked_about_the_same_calls(fidelity: dict) -> None:
    assert fidelity["verdicts"]
    for cohorts in fidelity["verdicts"].values():
        assert {"seen", "unseen"} <= set(cohorts)
        for entry in cohorts.values():
            assert set(entry["methods"]) == {"majority", "TF-IDF + LR", "facts alone", "simulator"}
            for value, low, high in (figures["accuracy"] for figures in entry["methods"].values()):
                assert 0 <= low <= value <= high <= 1


def test_the_confusion_matrix_counts_every_call(fidelity: dict) -> None:
    for verdict in fidelity["verdicts"].values():
        for cohort, entry in verdict.items():
            matrix = fidelity["confusion"][cohort]
            assert sum(sum(row) for row in matrix["counts"]) == entry["n"]


def test_times_are_of_both_on_fresh_calls(fidelity: dict) -> None:
    assert len(fidelity["live"]) == 6 == fidelity["ratio"]["n"]
    for row in fidelity["live"]:
        assert row["real_seconds"] > 0 and row["simulated_seconds"] > 0


def test_intervals_of_numbers_are_held_against_the_real_ones() -> None:
    from adapt.domain import Fidelity
    from adapt.fidelity import Prediction, interval_figures
    from adapt.labels import LabelRecord
    from base_gtm.schema import ToolCall, ToolResult

    fidelity = Fidelity(verdicts={}, numbers={"ms": lambda content: content.get("ms")}, label=str)

    def record(cohort: str, **content: float) -> LabelRecord:
        return LabelRecord(ToolCall("t", {}), ToolResult(content), 0, "test", cohort, "", "", "", "live")

    records = [record("seen", ms=1.0), record("seen", ms=9.0), record("seen"), record("unseen", ms=2.0)]
    within = Prediction({}, {}, 1.0, intervals={"ms": (0.5, 2.0)})
    figures = interval_figures(fidelity, records, [within, within, within, Prediction({}, {}, 1.0)])
    assert figures == {"ms": {"seen": {"n": 2, "held": 0.5}}}


def test_the_gain_over_facts_alone_stands_beside_the_methods(fidelity: dict) -> None:
    for cohorts in fidelity["verdicts"].values():
        for entry in cohorts.values():
            ours, theirs = (entry["methods"][name]["accuracy"][0] for name in ("simulator", "facts alone"))
            value, low, high = entry["gain"]["accuracy"]
            assert value == pytest.approx(ours - theirs, abs=2e-4) and low <= value <= high


def test_published_figures_and_notes_are_shown_with_their_source(fidelity: dict, capsys) -> None:
    from adapt.report import render
    from adapt.tables import fidelity_table

    name = next(iter(fidelity["verdicts"]))
    shown = {
        **fidelity,
        "published": {name: {"name": "Somebody, Table 9", "figures": {"accuracy": 0.8642}}},
        "notes": {name: "about something else"},
        "missing": "no test label says speed",
    }
    fidelity_table(shown)
    for text in (capsys.readouterr().out, render(shown)):
        for said in ("Somebody, Table 9", "0.864", "about something else", "no test label says speed"):
            assert said in text
        assert "gain over facts alone: accuracy" in text
    assert "Somebody" not in render(fidelity)


class _Page(HTMLParser):
    """Counts tags and remembers what is loaded from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name == "src" or (tag == "link" and name == "href")]


def test_the_report_is_one_self_contained_page(made: Made) -> None:
    run = latest("mini", "score", made.workspace)
    assert run is not None
    page = _Page()
    page.feed((run / "report.html").read_text())
    assert page.tags.count("svg") >= 4 and page.tags.count("table") >= 4
    assert not page.loads


def test_without_labels_or_adapter_one_line_says_what_to_run(workspace: Path) -> None:
    with pytest.raises(ArtifactError, match=r"run `adapt (label|train) mini` first"):
        score.run(score.Options("mini", workspace=workspace))
