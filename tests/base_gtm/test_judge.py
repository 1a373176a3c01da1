"""The judge: the tools' own answers have every column, each planted fault costs its column, nothing is asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from base_commands import run
from chat_model import Model, serving
from pyarrow.parquet import read_table, write_table

from base_gtm.carg.checks import judged
from base_gtm.cli import main
from base_gtm.data.split import split_tools
from base_gtm.errors import DataError, GtmError, ModelError, TeacherError
from base_gtm.example import Example, Provenance, read_tools, table
from base_gtm.judge.asking import ask
from base_gtm.judge.criteria import COLUMNS, COMP, CONS, DET, FORMAT, HELP, LOGIC, SEM, Judge, Verdict
from base_gtm.judge.opinion import agreements
from base_gtm.judge.question import Attempt, Question, leaves, overlap, same
from base_gtm.judge.records import choose
from base_gtm.judge.report import refusal_figures, table_one
from base_gtm.judge.share import Share
from base_gtm.judge.subjects import Constrained, Free, FreeOptions, Nearest, Subject, untrained
from base_gtm.model import load_base
from base_gtm.prompt import completion
from base_gtm.schema import ToolCall
from base_gtm.teachers.executable.teacher import ExecutableTeacher
from base_gtm.teachers.journal import Journal
from base_gtm.tokenizer import train_tokenizer

FIELDS = ("Libraries", "Finance", "Chemistry", "Units")
FEW = ("--n", "3", "--known", "20", "--untrained", "1", "--max-new-tokens", "8")


@pytest.fixture(scope="module")
def teacher() -> ExecutableTeacher:
    return ExecutableTeacher()


@pytest.fixture(scope="module")
def examples(teacher: ExecutableTeacher) -> list[Example]:
    """Records of a few fields, of which Libraries, whose tools share a state, is always held out."""
    made = []
    for field in FIELDS:
        tools = [tool for tool in teacher.tools if tool.field == field][:8]
        for job, tool in enumerate(tools):
            origin = Provenance(teacher.name, 5, 100 * FIELDS.index(field) + job)
            group = [tools[job - 1], tools[job - 2], tools[job - 3], tool]
            scenes = [
                ("single", teacher.single(tool, origin, ())),
                ("multi", teacher.multi(group, origin, ())),
                *(("error", teacher.error(tool, fault, origin, ())) for fault in ("type", "missing", "value")),
            ]
            for kind, scene in scenes:
                if scene is not None:
                    *before, last = scene.turns
                    made.append(Example(kind, tool, scene.context, tuple(before), last, origin, scene.flaw))
    return [one for one in made if not any(judged(one, teacher.doubt).values())]


@pytest.fixture(scope="module")
def carg(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("carg")
    half = len(examples) // 2
    for number, part in enumerate((examples[:half], examples[half:])):
        table(part).to_parquet(folder / f"part-{number:05d}.parquet")
    return folder


@pytest.fixture(scope="module")
def decide() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def folder(base: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base on disk."""
    path = tmp_path_factory.mktemp("bases") / "small"
    base.model.save_pretrained(path)
    base.tokenizer.save_pretrained(path)
    return path


def answers_of(subject: Subject, questions: Sequence[Question]) -> list[Attempt]:
    return [attempt for _, attempt in sorted(subject.attempts(questions), key=lambda pair: pair[0])]


def own(example: Example) -> Attempt:
    return Attempt.of_result(example.tool.spec, example.turn.result)


def failing(verdict: Verdict) -> set[str]:
    return {column for column, holds in verdict.columns.items() if not holds}


def changed(decide: Judge, example: Example, **fields: Any) -> set[str]:
    content = {**example.turn.result.content, **fields}
    return failing(decide.verdict(example, Attempt(content)))


def loan(examples: Sequence[Example], kind: str = "single") -> Example:
    return next(one for one in examples if one.tool.field == "Finance" and one.kind == kind)


def test_what_the_tool_says_has_every_column(examples: list[Example], decide: Judge) -> None:
    for example in examples:
        assert not failing(decide.verdict(example, own(example))), example.tool.spec.name
        if example.kind != "error":
            written = completion(example.tool.spec, example.turn.result)
            verdict = decide.verdict(example, Attempt(json.loads(written)))
            assert not failing(verdict) and verdict.fields == 1, written


def test_a_fault_costs_its_column(examples: list[Example], decide: Judge) -> None:
    example = loan(examples)
    content = dict(example.turn.result.content)
    name, value = next((name, value) for name, value in content.items() if isinstance(value, float) and value)
    assert changed(decide, example, **{name: value * 1.00001}) == set()
    assert changed(decide, example, **{name: value * 1.1}) == {SEM}
    assert changed(decide, example, **{name: str(value)}) == {FORMAT, SEM}
    assert changed(decide, example, unheard_of=1) == {FORMAT, SEM}
    left = {other: item for other, item in content.items() if other != name}
    assert failing(decide.verdict(example, Attempt(left))) == {COMP, SEM}
    assert failing(decide.verdict(example, Attempt({"other": 1}))) == {FORMAT, LOGIC, SEM, COMP}
    assert failing(decide.verdict(example, Attempt(text="no JSON"))) == {FORMAT, LOGIC, SEM, COMP}


def test_what_is_repeated_wrongly_or_stands_in(examples: list[Example], decide: Judge) -> None:
    repeats = [
        (one, name)
        for one in examples
        if one.kind == "single"
        for name, value in one.turn.result.content.items()
        if isinstance(value, str) and one.turn.call.arguments.get(name) == value
    ]
    assert repeats
    for example, name in repeats:
        schema = (example.tool.spec.output_schema or {})["properties"][name]
        if "enum" not in schema and "pattern" not in schema:
            assert {LOGIC, SEM} <= changed(decide, example, **{name: "something else"})
            assert COMP in changed(decide, example, **{name: "lorem ipsum"})
            assert COMP in changed(decide, example, **{name: ""})


def test_a_word_that_the_tool_says_stands_for_nothing_else(teacher: ExecutableTeacher, decide: Judge) -> None:
    tool = next(tool for tool in teacher.tools if tool.spec.name == "json_pointer_lookup")
    made = [Provenance(teacher.name, 0, job) for job in range(40)]
    scenes = [(one, scene) for one in made if (scene := teacher.single(tool, one, ())) is not None]
    origin, scene = next(pair for pair in scenes if pair[1].turns[0].result.content["kind"] == "string")
    example = Example("single", tool, "", (), scene.turns[0], origin)
    assert not failing(decide.verdict(example, own(example)))
    assert COMP in changed(decide, example, value="string")


def test_a_count_that_its_list_contradicts(examples: list[Example], decide: Judge) -> None:
    example = loan(examples)
    counted = replace(example, turn=replace(example.turn, result=replace(example.turn.result, content={})))
    own_answer = {"count": 2, "items": ["a", "b"], "start_date": "2024-01-01", "end_date": "2024-02-01"}
    counted = replace(counted, turn=replace(counted.turn, result=replace(counted.turn.result, content=own_answer)))
    for other, holds in (
        ({"count": 1, "items": ["c"]}, True),
        ({"count": 3, "items": ["c"]}, False),
        ({"start_date": "2025-01-01"}, False),
        ({"end_date": "2025-01-01"}, True),
    ):
        assert (LOGIC not in failing(decide.verdict(counted, Attempt({**own_answer, **other})))) == holds, other


def test_the_history_decides_where_the_state_does(
    examples: list[Example], teacher: ExecutableTeacher, decide: Judge
) -> None:
    walks = [one for one in examples if one.kind == "multi" and one.tool.field == "Libraries"]
    decided = [one for one in walks if decide.verdict(one, own(one)).decided]
    assert decided and not any(
        decide.verdict(one, own(one)).decided for one in examples if one.kind == "multi" and one not in walks
    )
    for example in decided:
        without = replace(example, history=())
        assert teacher.doubt(without) is not None, (
            "the history decides something: without it the tool answers otherwise"
        )
        wrong = {name: "x" if isinstance(value, str) else 77 for name, value in example.turn.result.content.items()}
        assert CONS in failing(decide.verdict(example, Attempt(wrong)))


def test_wrong_calls(examples: list[Example], decide: Judge) -> None:
    errors = [one for one in examples if one.kind == "error"]
    assert {decide.verdict(one, own(one)).by_schema for one in errors} == {True, False}
    example = errors[0]
    assert failing(decide.verdict(example, Attempt({"fine": True}))) == {DET, HELP}
    assert failing(decide.verdict(example, Attempt(refused=True, text="Error: something went wrong."))) == {HELP}
    lines = f"'{example.flaw.parameter if example.flaw else ''}' must be\nanother"
    assert failing(decide.verdict(example, Attempt(refused=True, text=lines))) == {HELP}


def test_a_refused_valid_call_has_no_column(examples: list[Example], decide: Judge) -> None:
    verdict = decide.verdict(loan(examples), Attempt(refused=True, text="Error: 'x' must be y"))
    assert not verdict.columns and not verdict.all and verdict.refused and verdict.fields == 0


@pytest.mark.parametrize(
    ("true", "said", "alike"),
    [
        (1.2345, 1.23, True),
        (1.2345, 1.24, False),
        (12345, 12300, False),
        (12345.0, 12300, True),
        (0.0, 0, True),
        (True, 1, False),
        ("a", "a", True),
        (None, "", False),
        ([], [], True),
    ],
)
def test_same(true: Any, said: Any, alike: bool) -> None:
    assert same(true, said) == alike


def test_values_are_compared_where_they_stand() -> None:
    true, said = dict(leaves({"a": [1, {"b": 2}], "c": {}})), dict(leaves({"a": [{"b": 2}, 1], "c": {}}))
    assert true == {"a[0]": 1, "a[1].b": 2, "c": {}}
    assert overlap(true, said) == (1, pytest.approx(1 / 3))
    assert overlap({}, {}) == (0, 1.0)


def test_intervals() -> None:
    half = Share.of([1, 0] * 50, [str(at) for at in range(100)])
    assert (
        half is not None
        and half.low == pytest.approx(0.4038, abs=0.02)
        and half.high == pytest.approx(0.5962, abs=0.02)
    )
    none = Share.of([0] * 100, [str(at) for at in range(100)])
    assert none is not None and none.low == pytest.approx(0, abs=1e-9) and none.high == pytest.approx(0.037, abs=0.001)
    together = Share.of([1, 0] * 50, ["a", "b"] * 50)
    assert together is not None and (together.low, together.high) == (0, 1), (
        "two tools say little, however many records"
    )
    assert Share.of([], []) is None
    average = Share.average([([1, 1], ["a", "b"]), ([0, 0], ["a", "b"])])
    assert average is not None and (average.mean, average.low, average.high) == (0.5, 0.5, 0.5)


def test_records_are_of_unseen_tools_and_copies_of_others(carg: Path, teacher: ExecutableTeacher) -> None:
    chosen = choose(carg, 5, 30, 0, teacher.doubt)
    assert "Libraries" in chosen.split.fields and chosen.disputed == 0
    assert {one.tool.field for one in chosen.unseen} <= set(chosen.split.fields)
    assert [one.kind for one in chosen.unseen] == ["single"] * 5 + ["multi"] * 5 + ["error"] * 5
    assert chosen.known and all(chosen.split.part(one) == "train" for one in chosen.known)
    assert choose(carg, 5, 30, 0, teacher.doubt) == chosen
    more, other = choose(carg, 6, 30, 0, teacher.doubt), choose(carg, 5, 30, 1, teacher.doubt)
    assert [more.unseen[at] for at in (0, 6, 12)] == [chosen.unseen[at] for at in (0, 5, 10)]
    assert other.unseen != chosen.unseen


def test_a_tool_that_answers_otherwise_by_now_is_not_asked(
    examples: list[Example], teacher: ExecutableTeacher, tmp_path: Path
) -> None:
    library = next(one for one in examples if one.tool.field == "Libraries" and one.kind == "single")
    stale = replace(library, turn=replace(library.turn, result=replace(library.turn.result, content={"title": "x"})))
    table([stale]).to_parquet(tmp_path / "part-00000.parquet")
    with pytest.raises(DataError, match="answer otherwise"):
        choose(tmp_path, 5, 5, 0, teacher.doubt)
    table([library, stale]).to_parquet(tmp_path / "part-00000.parquet")
    chosen = choose(tmp_path, 5, 5, 0, teacher.doubt)
    assert chosen.unseen == (library,) and chosen.disputed == 1


def test_the_nearest_example_is_copied(examples: list[Example]) -> None:
    known = [one for one in examples if one.kind == "single"]
    subject = Nearest(known)
    answers = answers_of(subject, [Question.of_example(one) for one in known])
    assert [answer.content for answer in answers] == [dict(one.turn.result.content) for one in known]
    assert subject.identity != Nearest(known[1:]).identity
    with pytest.raises(DataError, match="copy from"):
        Nearest([])


def test_a_base_with_and_without_the_grammar(
    base: Any, examples: list[Example], decide: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [one for one in examples if one.kind == "single"][:3]
    asked += [one for one in examples if one.flaw is not None and one.flaw.fault == "missing"][:2]
    questions = [Question.of_example(one) for one in asked]
    bound = answers_of(Constrained(base, 900, 4), questions)
    alone = answers_of(Constrained(base, 900, 1), questions)
    assert [one.content for one in alone] == [one.content for one in bound]
    verdicts = [decide.verdict(one, answer) for one, answer in zip(asked, bound, strict=True)]
    assert all(verdict.columns[FORMAT] for verdict in verdicts[:3])
    assert all(verdict.columns[DET] and verdict.columns[HELP] for verdict in verdicts[3:])
    assert all(0 <= (answer.refusal_probability or 0) <= 1 for answer in bound)
    free = Free(base, FreeOptions(900, 12, 2))
    written = answers_of(free, questions)
    assert len(written) == 5 and all(answer.text or answer.content is not None for answer in written)
    assert [answers_of(free, [question])[0].text for question in questions] == [answer.text for answer in written]
    halved = '{"a": "\\ud800"}'
    monkeypatch.setattr(free, "_written", lambda prompts: [halved])
    (answer,) = answers_of(free, questions[:1])
    assert answer.content is None and answer.text == halved, "no report could hold it"


def test_turns_that_do_not_fit_are_left_out(base: Any, examples: list[Example]) -> None:
    question = Question.of_example(loan(examples))
    long = replace(question, history=((ToolCall("think", {"thought": "y" * 300}), own(loan(examples)).result()),) * 8)
    short, cut = answers_of(Constrained(base, 400, 4), [question, long])
    assert not short.failed and not cut.failed
    none, nor_this = answers_of(Constrained(base, 3, 4), [question, question])
    assert "limit is 3" in none.failed and none.content is None and nor_this.failed


def test_the_untrained_base_is_another_and_repeats(base: Any) -> None:
    first, again, other = untrained(base, 0), untrained(base, 0), untrained(base, 1)
    weights = [one.model.model.embed_tokens.weight for one in (first, again, other)]
    assert bool((weights[0] == weights[1]).all()) and first.hash == again.hash
    assert not bool((weights[0] == weights[2]).all()) and first.hash != other.hash
    assert untrained(replace(base, tokenizer=train_tokenizer(["other"], 264)), 0).hash != first.hash


def test_models_whose_commit_is_unknown_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("base_gtm.model._require_reachable", lambda name: None)
    mute = SimpleNamespace(config=SimpleNamespace(_commit_hash=None))
    monkeypatch.setattr("base_gtm.model._causal_lm", lambda *_: mute)
    monkeypatch.setattr("base_gtm.model.load_tokenizer", lambda *_, **__: None)
    assert load_base("a/one").hash != load_base("a/other").hash


class Counting:
    """Answers, and stops at a question where it is told to."""

    name = identity = "counting"

    def __init__(self, stop: int) -> None:
        self.asked: list[str] = []
        self._stop = stop

    def attempts(self, questions: Sequence[Question]) -> Iterator[tuple[int, Attempt]]:
        for at, question in enumerate(questions):
            if len(self.asked) == self._stop:
                raise KeyboardInterrupt
            self.asked.append(question.key)
            yield at, Attempt({"number": len(self.asked)})


def test_nothing_is_asked_twice(examples: list[Example], tmp_path: Path) -> None:
    questions = [Question.of_example(one) for one in examples[:10]]
    first, second, third = Counting(4), Counting(99), Counting(99)
    with Journal(tmp_path / "a.jsonl") as journal, pytest.raises(KeyboardInterrupt):
        ask(first, questions, journal)
    with (tmp_path / "a.jsonl").open("a") as out:
        out.write('{"key": "torn')
    with Journal(tmp_path / "a.jsonl") as journal:
        answers = ask(second, questions, journal)
        assert ask(third, questions[::-1], journal) == answers[::-1]
    assert first.asked + second.asked == [question.key for question in questions] and not third.asked
    assert [answer.content["number"] for answer in answers] == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6]


def test_a_false_alarm_stands_in_all_alone() -> None:
    def one(columns: dict[str, bool], refused: bool) -> Verdict:
        return Verdict("", "single", "t", columns, 0, 0, 0, "", False, refused, None, "", 0)

    row = table_one({"row": [one(dict.fromkeys(COLUMNS["single"], True), False), one({}, True)]}).rows["row"]
    columns, everything = row[: len(COLUMNS["single"])], row[len(COLUMNS["single"])]
    assert [(cell.mean, cell.n) for cell in columns if cell] == [(1, 1)] * 4
    assert everything is not None and (everything.mean, everything.n) == (0.5, 2)


def test_refusal_probabilities_of_what_only_the_tool_finds() -> None:
    def one(fault: str, by_schema: bool, chance: float | None) -> Verdict:
        return Verdict("", "error" if fault else "single", "", {}, None, 0, 0, fault, by_schema, False, chance, "", 0)

    valid, wrong = [one("", False, 0.1), one("", False, 0.3)], [one("value", False, 0.2), one("value", False, 0.4)]
    found = refusal_figures([*valid, *wrong, one("type", True, 1.0)])
    assert found == pytest.approx({"valid": 0.2, "wrong": 0.3, "auroc": 0.75, "caught": 0.5})
    assert refusal_figures([one("", False, None), one("value", False, None)]) is None


def test_the_command_writes_table_one(carg: Path, folder: Path, tmp_path: Path) -> None:
    given = ("judge", "--carg", str(carg), "--base", str(folder), "--out", str(tmp_path), *FEW)
    said = run(*given).stdout
    assert "Table 1" in said and "small, constrained" in said and "small before training" in said
    written = json.loads((tmp_path / "judge.json").read_text())
    rows = written["tables"]["Table 1: calls of unseen tools, % (95 % interval)"]
    assert rows["small, constrained"]["Single Format"] | {"low": 0} == {"mean": 1.0, "low": 0, "high": 1.0, "n": 3}
    assert rows.keys() == written["answers"].keys() and rows["nearest example"].keys() >= {"Error Det", "Multi Cons"}
    assert len(written["answers"]["nearest example"]) == 9
    assert len(written["answers"]["small before training, constrained"]) == 3
    page = (tmp_path / "judge.md").read_text()
    assert "Stricter than the paper's judge" in page and "| nearest example |" in page
    answers = (tmp_path / "answers.jsonl").read_bytes()
    again = run(*given)
    assert again.stdout == said and "answers," not in again.stderr
    assert (tmp_path / "answers.jsonl").read_bytes() == answers


def test_a_base_that_may_know_the_tools_is_named(carg: Path, folder: Path, tmp_path: Path) -> None:
    few = ("--n", "1", "--known", "0", "--untrained", "0", "--decoding", "constrained", "--base", str(folder))
    fields = split_tools(read_tools(carg)).fields
    of_files, of_tools = ({"held_out": [], "records_by_source": {kind: 9}} for kind in ("cpp", "error:value"))
    for card, warned in (
        ({"held_out": fields, "parent": of_files}, False),
        ({"held_out": fields[1:]}, True),
        ({"held_out": fields, "parent": {"parent": of_tools}}, True),
    ):
        (folder / "card.json").write_text(json.dumps(card))
        said = run("judge", "--carg", str(carg), *few, "--out", str(tmp_path))
        assert ("may know some of these tools" in said.stderr) == warned, card


@pytest.mark.slow
def test_a_killed_run_goes_on(carg: Path, folder: Path, tmp_path: Path) -> None:
    given = ["judge", "--carg", str(carg), "--base", str(folder), "--out", str(tmp_path), "--n", "8", "--known", "0"]
    given += ["--untrained", "0", "--decoding", "constrained"]
    code = "from base_gtm.cli import main; main()"
    answers = tmp_path / "answers.jsonl"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    killed = subprocess.Popen([sys.executable, "-c", code, *given], env=environment, stderr=subprocess.DEVNULL)
    while killed.poll() is None and not (answers.exists() and answers.read_text().count("\n") >= 3):
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    before = answers.read_bytes()
    assert not (tmp_path / "judge.json").exists()
    run(*given)
    lines = [json.loads(line)["key"] for line in answers.read_text().splitlines()]
    assert answers.read_bytes().startswith(before[: before.rindex(b"\n") + 1])
    assert len(lines) == len(set(lines)) == 24


class Opinionated(Model):
    """A judge that finds everything right but an answer of nothing."""

    def answer(self, request: Mapping[str, Any]) -> Any:
        question = request["messages"][-1]["content"]
        self.questions.append(question)
        names = request["response_format"]["json_schema"]["schema"]["properties"]
        found: dict[str, Any] = dict.fromkeys(names, "(nothing)" not in question)
        return {**found, "reason": "So it seems."} if "reason" in names else found


def test_a_model_judges_too(carg: Path, folder: Path, tmp_path: Path) -> None:
    model = Opinionated()
    given = ("judge", "--carg", str(carg), "--base", str(folder), "--out", str(tmp_path), *FEW, "--decoding", "free")
    with serving(model) as url:
        said = run(*given, "--endpoint", url, "--model", "filler").stdout
        assert "Exact judge and model" in said and "Cohen's kappa" in said
        asked = len(model.questions)
        run(*given, "--endpoint", url, "--model", "filler")
    assert len(model.questions) == asked == len(set(model.questions)), "a paid opinion was asked for again"
    assert any("Earlier turns:" in question and "Cons:" in question for question in model.questions)
    assert any("The call is in error:" in question and "Det:" in question for question in model.questions)
    written = json.loads((tmp_path / "judge.json").read_text())
    whole = {(one["scenario"], one["column"]): one for one in written["agreement"]["all subjects"]}
    verdicts = [one["verdict"] for some in written["answers"].values() for one in some]
    answered = [one for one in verdicts if one["kind"] == "single" and not one["refused"]]
    assert len(whole) == 11 and whole["single", "Sem"]["n"] == len(answered) > 1
    assert whole["single", "Sem"]["model"] == 1.0 and whole["single", "Sem"]["exact"] < 1
    assert whole["single", "Sem"]["agreeing"] == pytest.approx(whole["single", "Sem"]["exact"])


def test_agreement_is_counted_by_column() -> None:
    def one(det: bool, help_: bool) -> Verdict:
        return Verdict("", "error", "t", {DET: det, HELP: help_}, None, 0, 0, "type", True, det, None, "", 0)

    exact = [one(True, True), one(True, False), one(False, False), one(True, True)]
    model = [one(True, True), one(False, False), one(False, False), None]
    det, helped = agreements(exact, model)
    assert (det.n, det.agreeing, det.kappa) == (3, pytest.approx(2 / 3), pytest.approx(0.4))
    assert (helped.agreeing, helped.kappa) == (1.0, 1.0)
    (same_always, _) = agreements(exact[:1], model[:1])
    assert same_always.kappa is None and same_always.agreeing == 1.0
    assert table_one({"row": exact}).rows["row"][-1] is None, "no average without all scenarios"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((), DataError, "--carg: name a folder"),
        (("--carg", "{empty}"), DataError, "holds no records"),
        (("--carg", "{carg}", "--base", "./none"), ModelError, "no such folder"),
        (("--carg", "{carg}", "--decoding", "loose"), DataError, "known are constrained, free and both"),
        (("--carg", "{carg}", "--n", "0"), DataError, "--n 0: give 1 or more"),
        (("--carg", "{carg}", "--endpoint", "http://127.0.0.1:9/v1"), DataError, "--endpoint and --model"),
        (("--carg", "{seen}"), DataError, "no record of an unseen tool"),
        (("--carg", "{broken}"), DataError, "no table of records"),
        (("--carg", "{foreign}"), DataError, "records of filler"),
    ],
)
def test_mistakes_are_one_line(
    arguments: tuple[str, ...],
    error: type[GtmError],
    words: str,
    carg: Path,
    folder: Path,
    examples: list[Example],
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "part-00000.parquet").write_text("none")
    other = loan(examples)
    (tmp_path / "foreign").mkdir()
    made = replace(other, provenance=replace(other.provenance, teacher="filler"))
    table([made]).to_parquet(tmp_path / "foreign" / "part-00000.parquet")
    (tmp_path / "seen").mkdir()
    write_table(read_table(carg / "part-00000.parquet").slice(0, 0), tmp_path / "seen" / "part-00000.parquet")
    places = {name: str(tmp_path / name) for name in ("empty", "broken", "foreign", "seen")} | {"carg": str(carg)}
    given = [one.format(**places) for one in arguments]
    base = () if "--base" in given else ("--base", str(folder))
    with pytest.raises(error, match=words) as caught:
        run("judge", *given, *base, "--out", str(tmp_path / "out"))
    assert "\n" not in str(caught.value)


def test_an_endpoint_that_is_not_there(carg: Path, folder: Path, tmp_path: Path) -> None:
    given = ("judge", "--carg", str(carg), "--base", str(folder), "--out", str(tmp_path), *FEW, "--untrained", "0")
    with pytest.raises(TeacherError, match="not reachable"):
        run(*given, "--decoding", "free", "--endpoint", "http://127.0.0.1:9/v1", "--model", "filler")
    assert not (tmp_path / "answers.jsonl").exists(), "hours of other work came first"


def test_a_mistake_is_status_two(monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["base-gtm", "judge", "--carg", str(tmp_path), "--decoding", "x"])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert stop.value.code == 2 and said.startswith("error: --decoding") and said.count("\n") == 1
