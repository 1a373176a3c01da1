"""The speed-up study: the same agent learns with the real tool, its simulator, and mixtures of the two.

Order of work: the agent (trained first where it is the nano one), the untrained agent's texts and the real tool's
judgement of these, every arm with every seed, the judgement of all other texts, the simulator's opinion of the final
ones, `study.json`, `report.html`. Each of them is kept in the run's folder when it is done, so the same command goes on
wherever it was killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from adapt.domain import Domain
from adapt.environment import commit, hardware, versions
from adapt.progress import progress
from adapt.study.arms import Arm, Unit
from adapt.study.journal import Answers, Lines, write_json
from adapt.study.record import Record, read_texts
from adapt.study.run import run_units
from adapt.study.speedup import gather as figures
from adapt.study.speedup.grpo import learn, write_for_test
from adapt.study.speedup.judging import Accepted, Accepts, Item, items_of, judge, opinions
from adapt.study.speedup.recipe import Gate, Problems, Recipe
from adapt.study.task import Judged, Problem, Task

UNTRAINED = "untrained.jsonl"
REMEMBERED = "remembered"
"""Folder of a unit under way: what its real tool has worked out."""
OpenGate = Callable[[Arm, Answers | None, Path | None], AbstractContextManager[Gate]]
"""An arm, the real answers known so far, and a folder for all else that its real tool may know -> its gate, to be
entered."""


@dataclass(frozen=True)
class Study:
    """All that a study needs, opened and checked."""

    domain: Domain
    task: Task
    units: Sequence[Unit]
    recipe: Recipe
    problems: Problems
    load: Callable[[], tuple[Any, Any]]
    """A fresh model and tokenizer of the agent."""
    open_gate: OpenGate
    simulates: bool
    """Whether there is a simulator whose opinion of final texts can be asked."""
    about: Mapping[str, Any]
    """What the report says of agent, options and scale."""
    replay: Path | None = None
    """Folder of an earlier study whose real answers are taken instead of asking."""
    stock: Mapping[str, Any] | None = None
    """The compile study's figures."""


def carry_out(study: Study, root: Path) -> dict[str, Any]:
    """Do what is not done yet of a study in `root`; its `study.json`."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    steps = study.recipe.steps
    untrained = _untrained(study, root)
    _judged(study, root, [{"items": items} for items in untrained.values()])
    # Both come first: what a first text and a first answer cost (a tool that sets itself up) is no arm's to pay.
    with progress("study", len(study.units) * steps, "steps") as advance:

        def work(unit: Unit, folder: Path) -> dict[str, Any]:
            replayed = study.replay / unit.folder if study.replay else None
            record = Record(folder, replayed)
            known = folder / REMEMBERED
            with study.open_gate(unit.arm, record.answers, known) as gate:
                name, task, problems = unit.arm.name, study.task, study.problems
                found = learn(name, unit.seed, record, study.load, task, gate, problems, study.recipe, advance)
            shutil.rmtree(known, ignore_errors=True)
            return found

        run_units(study.units, root, work, lambda unit: advance(steps, f"{unit.name}: done before"))
    verdicts = _verdicts(study, root, untrained)
    found = figures.gather(root, study.units, untrained, verdicts)
    return _written(study, root, found)


def _written(study: Study, root: Path, found: dict[str, Any]) -> dict[str, Any]:
    from adapt.study.speedup.report import render
    from adapt.study.speedup.words import sentences

    machine = hardware()
    cores = int(machine.get("cores") or 1)
    whole: dict[str, Any] = {
        "study": "speedup",
        "domain": study.domain.name,
        "title": study.domain.spec.title or study.domain.name,
        **study.about,
        "recipe": asdict(study.recipe),
        "hardware": machine,
        "versions": versions(),
        "commit": commit(),
        **found,
        "stock": figures.stock(root, study.stock, study.units, cores) if study.stock else {},
    }
    whole["sentences"] = sentences(whole)
    write_json(root / "study.json", whole)
    (root / "report.html").write_text(render(whole))
    return whole


def _untrained(study: Study, root: Path) -> dict[int, list[dict[str, Any]]]:
    """What the agent writes for the test problems before it learns, with the draws of each seed."""
    lines = Lines(root / UNTRAINED)
    found = {int(line["seed"]): line["items"] for line in lines.read()}
    seeds = list(dict.fromkeys(unit.seed for unit in study.units))
    test, recipe = study.problems.test, study.recipe
    missing = [seed for seed in seeds if seed not in found] if test and recipe.judge_samples else []
    if missing:
        model, tokenizer = study.load()
        with progress("untrained agent", len(missing), "seeds") as advance:
            for seed in missing:
                texts = write_for_test(model, tokenizer, test, seed, recipe)
                found[seed] = [{"problem": one.id, "texts": said} for one, said in zip(test, texts, strict=True)]
                lines.append({"seed": seed, "items": found[seed]})
                advance(1)
    return found


def _verdicts(study: Study, root: Path, untrained: Mapping[int, list[dict[str, Any]]]) -> figures.Verdicts:
    """The real tool's judgement of every text, and the simulator's opinion of those for test problems."""
    problems = _problems(study)
    written = [line for unit in study.units for line in read_texts(root / unit.folder)]
    before = [{"items": items} for items in untrained.values()]
    final = [line for line in written if line["split"] == "test"] + before
    judged = _judged(study, root, [*written, *before])
    accepted = _accepted(study, root, items_of(final, problems)) if study.simulates else None
    return figures.Verdicts(judged, accepted, problems)


def _problems(study: Study) -> dict[str, Problem]:
    """The problems whose texts are judged, by id."""
    return {one.id: one for one in (*study.problems.validation, *study.problems.test)}


def _judged(study: Study, root: Path, lines: Sequence[Mapping[str, Any]]) -> dict[str, Judged]:
    """The real tool's judgement of the texts in these lines, by key."""
    items = items_of(lines, _problems(study))
    if not items:
        return {}
    with progress("judge", len({(one.id, text) for one, text in items}), "texts") as advance:
        return judge(study.task, items, root, advance)


def _accepted(study: Study, root: Path, items: Sequence[Item]) -> Accepted:
    if not items:
        return {}
    accepts = Accepts(study.domain.fidelity.verdicts)
    with (
        study.open_gate(Arm("simulate", "simulate"), None, None) as gate,
        progress("opinions", None, "texts") as advance,
    ):
        return opinions(study.task, items, root, gate, accepts, advance)


def domain_of(domain: Domain, arm: Arm, folder: Path | None, known: Path | None = None) -> Domain:
    """The domain with the arm's evaluator in its real tool's place, or with a real tool that knows only what is in
    `known`. Raises AdaptError where it cannot be opened."""
    if not arm.evaluator:
        return domain if known is None or domain.unprimed is None else domain.unprimed(domain, known)
    assert folder is not None  # check_evaluators said so
    return replace(domain, open_real_tool=partial(domain.evaluators[arm.evaluator], folder), engines={}, exact=None)
