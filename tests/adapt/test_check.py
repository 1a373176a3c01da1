"""The conformance suite: the blank domain passes, and each way to break the contract is caught by its check."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from adapt.conformance import Check, attempt, check_evidence, check_import, check_probes, check_splits, conform
from adapt.domain import CallItem, Domain, Evidence
from adapt.errors import AdaptError, DomainError
from adapt.labels import LabelStore
from adapt.probes import load_probes
from adapt.registry import all_domains
from adapt.validation import unbounded
from adapt.verbs import label
from adapt.verbs.check import Options, run


def outcomes(domain: Domain, workspace: Path) -> dict[str, Check]:
    probes = load_probes(domain.root / "probes.jsonl")
    return {check.name: check for check in conform(domain, probes, workspace)}


def test_foreign_calls_may_have_a_cohort_of_their_own_with_the_tag(mini: Domain) -> None:
    def strangers(cohort: str, **tags: bool):
        item = next(mini.calls(0))
        return replace(mini, foreign_calls=lambda: iter([replace(item, split="test", cohort=cohort, tags=tags)]))

    assert attempt("splits", lambda: check_splits(strangers("archive", foreign=True))).outcome == "pass"
    for wrong in (strangers("archive"), strangers("unseen", foreign=True)):
        failed = attempt("splits", lambda wrong=wrong: check_splits(wrong))
        assert failed.outcome == "fail" and "tag foreign" in failed.detail


def test_a_probe_may_allow_several_answers(mini: Domain) -> None:
    (probe, *_) = [one for one in load_probes(mini.root / "probes.jsonl") if "verdict" in one.expect]
    several = replace(probe, expect={"verdict": ["no such verdict", probe.expect["verdict"]]})
    assert check_probes(mini, [several]).startswith("1 probes hold")
    none = replace(probe, expect={"verdict": ["no such verdict", "nor this"]})
    assert attempt("real tool", lambda: check_probes(mini, [none])).outcome == "fail"


def edit_spec(domain: Domain, change) -> None:
    path = domain.root / "spec.json"
    spec = json.loads(path.read_text())
    change(spec)
    path.write_text(json.dumps(spec))


def test_the_blank_domain_passes(workspace: Path, capsys) -> None:
    assert run(Options("mini", workspace=workspace)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"mini: workspace {workspace}")
    assert [line.split()[0] for line in lines[1:-1]].count("pass") == 9
    assert lines[-1] == "9 pass, 0 fail, 2 skipped"


def test_json_says_the_same(workspace: Path, capsys) -> None:
    assert run(Options("mini", json=True, workspace=workspace)) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["domain"] == "mini"
    assert {check["outcome"] for check in report["checks"]} == {"pass", "skip"}


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("spec", lambda spec: spec.pop("outputSchema"), "no outputSchema"),
        ("spec", lambda spec: spec["inputSchema"].update(required="x"), "inputSchema at required"),
        ("bounded", lambda s: s["outputSchema"]["anyOf"][0]["properties"]["value"].pop("maximum"), "value (minimum"),
        ("bounded", lambda s: s["outputSchema"]["anyOf"][1]["properties"]["error"].pop("maxLength"), "error (maxL"),
        ("calls", lambda spec: spec.update(name="other"), "names the tool"),
        ("calls", lambda s: s["inputSchema"]["properties"]["expression"].update(maxLength=3), "at 'expression'"),
        ("fidelity", lambda s: s["outputSchema"].pop("anyOf"), "'verdict' has no enum"),
        (
            "real tool",
            lambda s: s["outputSchema"]["anyOf"][1]["properties"]["verdict"].update(enum=["syntax_error"]),
            "breaks outputSchema",
        ),
    ],
)
def test_a_spec_that_does_not_fit_fails_its_check(workspace: Path, mini: Domain, name, change, reason) -> None:
    edit_spec(mini, change)
    check = outcomes(mini, workspace)[name]
    assert check.outcome == "fail"
    assert reason in check.detail
    assert run(Options("mini", workspace=workspace)) == 1


def test_unbounded_places_are_found_wherever_they_hide() -> None:
    schema = {
        "type": "object",
        "properties": {
            "fine": {"type": "integer", "minimum": 0, "exclusiveMaximum": 9},
            "also": {"type": ["string", "null"], "maxLength": 4},
            "list": {"type": "array", "maxItems": 3, "items": {"oneOf": [{"type": "number"}, {"const": "none"}]}},
            "deep": {"type": "object", "properties": {"text": {"type": "string"}, "many": {"type": "array"}}},
        },
    }
    assert list(unbounded(schema)) == [
        "list (minimum and maximum)",
        "deep.text (maxLength)",
        "deep.many (maxItems)",
    ]


def test_a_wrong_probe_names_its_line(mini: Domain, workspace: Path) -> None:
    path = mini.root / "probes.jsonl"
    path.write_text(
        path.read_text() + '{"arguments": {"expression": "a"}, "expect": {"verdict": "correct", "value": 3}}\n'
    )
    check = outcomes(mini, workspace)["real tool"]
    assert check.outcome == "fail"
    assert "1 of 8 probes do not hold: line 8: value is 2.0, expected 3" in check.detail


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("{", r":1: not valid JSON"), ('\n{"arguments": {}}', ":2: a probe is"), ("[1]", ":1: a probe is")],
)
def test_unreadable_probes_name_file_and_line(mini: Domain, workspace: Path, text: str, complaint: str) -> None:
    (mini.root / "probes.jsonl").write_text(text)
    with pytest.raises(DomainError, match=complaint):
        run(Options("mini", workspace=workspace))


def changed(mini: Domain, change) -> Domain:
    """The domain with every call passed through `change(number, item)`."""

    def calls(seed: int) -> Iterator[CallItem]:
        return (change(number, item) for number, item in enumerate(mini.calls(seed)))

    return replace(mini, calls=calls)


def test_divided_twins_and_leaked_groups_are_caught(mini: Domain) -> None:
    divided = changed(mini, lambda n, item: replace(item, split="test" if n % 2 else item.split))
    assert "is divided between" in attempt("splits", lambda: check_splits(divided)).detail
    leaked = changed(mini, lambda n, item: replace(item, split="train") if item.cohort == "unseen" else item)
    assert "group 'fraction' is in cohort unseen and in training" in attempt("s", lambda: check_splits(leaked)).detail
    lacking = changed(mini, lambda n, item: replace(item, split="test"))
    assert attempt("s", lambda: check_splits(lacking)).detail.startswith("no train or validation call")


def test_a_stream_that_depends_on_the_hash_seed_is_caught(mini: Domain, workspace: Path) -> None:
    calls = mini.root / "calls.py"
    calls.write_text(calls.read_text().replace("sorted(SHAPES)", "list(set(SHAPES))"))
    check = attempt("import", lambda: check_import(mini, workspace))
    assert check.outcome == "fail" and "other calls for the same seed" in check.detail


def test_a_heavy_import_is_caught(mini: Domain, workspace: Path) -> None:
    init = mini.root / "__init__.py"
    init.write_text(init.read_text() + "\nimport pandas\n")
    check = attempt("import", lambda: check_import(mini, workspace))
    assert check.outcome == "fail" and "importing it imports pandas" in check.detail


def test_bad_evidence_is_caught(mini: Domain) -> None:
    mini = replace(mini, calls=lambda seed, stream=mini.calls: islice(stream(seed), 8))

    def slow(call) -> Evidence:
        until = time.thread_time() + 0.011
        while time.thread_time() < until:
            pass
        return Evidence("x", {"a": 1.0})

    def waiting(call) -> Evidence:
        time.sleep(0.06)
        return Evidence("x", {"a": 1.0})

    numbers = iter(range(10_000))
    for evidence, reason in (
        (slow, "10 ms are allowed"),
        (waiting, "10 ms are allowed"),
        (lambda call: Evidence("x", {f"k{len(call.arguments['expression'])}": 1.0}), "keys change"),
        (lambda call: Evidence("x", {"a": float(next(numbers))}), "differs between two computations"),
        (lambda call: Evidence("x", {"a": float("inf")}), "not a finite number"),
    ):
        check = attempt("evidence", lambda e=evidence: check_evidence(replace(mini, evidence=e)))
        assert check.outcome == "fail" and reason in check.detail


def test_a_tool_that_does_not_open_is_skipped_with_its_reason_but_one_that_breaks_fails(mini: Domain) -> None:
    @contextmanager
    def absent() -> Iterator:
        raise AdaptError("no compiler on this machine")
        yield

    class Broken:
        def __init__(self) -> None:
            self.environment: dict = {}

        def call(self, call):
            raise ConnectionError("lost it")

    @contextmanager
    def breaking() -> Iterator:
        yield Broken()

    probes = load_probes(mini.root / "probes.jsonl")
    skipped = attempt("real tool", lambda: check_probes(replace(mini, open_real_tool=absent), probes))
    assert (skipped.outcome, skipped.detail) == ("skip", "it does not open here: no compiler on this machine")
    failed = attempt("real tool", lambda: check_probes(replace(mini, open_real_tool=breaking), probes))
    assert (failed.outcome, failed.detail) == ("fail", "ConnectionError: lost it")


def test_shipped_labels_are_read(mini: Domain, workspace: Path) -> None:
    label.run(label.Options("mini", count=20, workspace=workspace))
    with LabelStore(workspace / "runs/mini/labels.sqlite") as store:
        store.export_parquet(mini.root / "labels" / "labels.parquet")
    assert outcomes(mini, workspace)["labels"].detail == "20 ship, from 1 environment"
    edit_spec(mini, lambda s: s["outputSchema"]["anyOf"].pop(0))
    assert outcomes(mini, workspace)["labels"].outcome == "fail"


@pytest.mark.slow
@pytest.mark.timeout(900)  # with cold caches each compiler is set up first, beside another test's
@pytest.mark.parametrize("name", sorted(found.domain.name for found in all_domains(Path("/nonexistent"))))
def test_every_registered_domain_conforms(name: str, tmp_path: Path, capsys) -> None:
    status = run(Options(name, workspace=tmp_path))
    assert status == 0, capsys.readouterr().out
