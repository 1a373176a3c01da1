"""`adapt study speedup`: one agent learns with the real tool, its simulator and mixtures of both; what it cost and won.

Reads a domain's adapter and calibration, writes runs/<domain>/study/<id>/ with a folder for each arm and seed,
`study.json` with every raw number, and `report.html`. Guarantees: killed at any point, the same command goes on; every
arm has the same steps, problems, seeds and texts a step; final scores are the real tool's, on problems that training
never saw. Does not guarantee that a small study shows anything: its intervals say how little it does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from adapt.domain import Domain
from adapt.errors import AdaptError, ArtifactError
from adapt.options import plain
from adapt.registry import find
from adapt.runs import Run, open_run
from adapt.study.agent import chosen
from adapt.study.arms import Arm, check_evaluators, parse_arms, units
from adapt.study.folders import to_go_on_in
from adapt.study.run import same_inputs
from adapt.study.speedup.order import spread_out
from base_gtm.schema import content_hash

if TYPE_CHECKING:
    from adapt.specialist import Specialist
    from adapt.study.journal import Answers
    from adapt.study.speedup.recipe import Gate, Problems, Recipe
    from adapt.study.speedup.study import Study
    from adapt.study.task import Task

STOCK = "results/cpu/shim_against_stock_{domain}.json"
NANO_LR, LORA_LR, HUB_LR = 3e-4, 1e-5, 1e-6
"""A few million parameters bear steps that a large model does not; 1e-6 is TRL's own for whole large models."""
JUDGEMENT = "the judgement"
NOT_OURS = ("run", "workspace")
"""Options that do not change what a study finds."""


@dataclass(frozen=True)
class Options:
    """Run one of the paper's studies on this machine."""

    study: Literal["speedup"]
    """Which study: speedup."""
    domain: str = "cpp"
    """Name of the domain whose tool the agent learns with."""
    agent: str = chosen.NANO
    """nano (trained first, from scratch), a folder with safetensors, or a hub name."""
    arms: str = "real,simulate,hybrid,gate"
    """Who answers: real, simulate, hybrid:K, gate, real-EVALUATOR; commas between."""
    seeds: int = 3
    """Trainings of each arm."""
    steps: int = 40
    """Updates of the agent in each training; 40 is the paper's."""
    prompts: int = 4
    """Problems a step."""
    rollouts: int = 8
    """Texts a problem and step."""
    lr: float | None = None
    """Learning rate, constant; by default 3e-4 for nano, 1e-5 with --lora, else 1e-6."""
    beta: float = 0.0
    """Weight of the divergence from the untrained agent; 0 needs no second copy of it, and short trainings no leash."""
    temperature: float = 1.0
    """Of every text: 1 draws from the distribution that the gradient is of."""
    tokens: int | None = None
    """Longest text; by default what the card of an agent of ours asks for, else 1024."""
    micro_batch: int = 0
    """Texts that go through the backward pass at a time; 0: all of a step. For memory alone."""
    lora: int = 0
    """Rank of an adapter that learns in the agent's place; 0: all weights learn."""
    evaluate_every: int = 10
    """Steps between two looks at validation problems; 0: none."""
    validation_problems: int = 16
    """Validation problems at most; 0: all."""
    validation_samples: int = 1
    """Texts for each of them."""
    test_problems: int = 0
    """Test problems at most; 0: all."""
    judge_samples: int = 4
    """Texts of each trained agent for each test problem; 0: nothing is judged at the end."""
    workers: int | None = None
    """Calls that the real tool answers at a time; by default as many as it has room for."""
    evaluator: Path | None = None
    """Folder of somebody else's evaluator, for an arm real-EVALUATOR."""
    replay: Path | None = None
    """Folder of an earlier study: its real answers are taken instead of asking."""
    stock: Path | None = None
    """The compile study, for the ratio against stock headers; by default results/cpu/shim_against_stock_DOMAIN.json."""
    demonstrate: bool = False
    """Ask the tool about demonstrations instead of the agent's texts: times a model with random weights."""
    agent_demonstrations: int | None = None
    """Demonstrations that the nano agent learns its trade from; by default as many as its recipe says."""
    checkpoint_s: float = 20.0
    """Seconds of work that a kill may cost, besides the step that it interrupts."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Weights & Biases, beside the local logs."""
    smoke: bool = False
    """A study of two minutes that shows that everything runs: options left at their defaults get tiny values."""
    run: Path | None = None
    """Go on in this run folder (or show its report again); by default the newest unfinished one of these options."""
    workspace: Path = Path(".")
    """Folder that holds domains/ and runs/."""


SMOKE: dict[str, Any] = {
    "arms": "real,simulate",
    "seeds": 1,
    "steps": 2,
    "prompts": 2,
    "rollouts": 2,
    "evaluate_every": 2,
    "validation_problems": 2,
    "test_problems": 4,
    "judge_samples": 1,
    "agent_demonstrations": 64,
    "tokens": 48,
    "demonstrate": True,  # an agent of two steps writes nothing that a tool could be asked about
}


def run(options: Options) -> int:
    """Carry the study out, print its findings, return the exit status. Raises AdaptError."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # before anything imports the hub's client
    options = _sized(options)
    _check(options)
    arms = parse_arms(options.arms, options.steps)
    domain = find(options.domain, options.workspace).domain
    check_evaluators(arms, domain, options.evaluator)
    if domain.study is None:
        raise AdaptError(f"{domain.name} has no task for a study; see `study` in adapt.domain")
    stock = _stock(options)
    task = domain.study()
    problems = _problems(domain, task, options)
    specialist = _specialist(domain, arms, options)
    if options.agent != chosen.NANO:
        chosen.try_out(options.agent)
    _check_real(domain, arms, problems, options)
    kept = {name: value for name, value in plain(options).items() if name not in NOT_OURS}
    folder = to_go_on_in(domain, kept, options.run, options.workspace)
    with open_run(domain, "study", kept, {}, options.workspace, resume=folder) as run_:
        same_inputs(run_.folder, _inputs(domain, specialist, problems, options))
        study = _study(domain, task, arms, problems, specialist, stock, options, kept, run_)
        from adapt.study.speedup.study import carry_out

        found = carry_out(study, run_.folder)
        run_.results.update({"ratios": found["ratios"], "sentences": found["sentences"]})
    from adapt.study.speedup.tables import arms_table

    arms_table(found)
    for sentence in found["sentences"]:
        print(sentence)
    print(f"report: {run_.path('report.html')}")
    return 0


def _sized(options: Options) -> Options:
    """With --smoke, every option that was left alone gets its tiny value."""
    if not options.smoke:
        return options
    defaults = {one.name: one.default for one in fields(Options)}
    return replace(options, **{n: value for n, value in SMOKE.items() if getattr(options, n) == defaults[n]})


def _check(options: Options) -> None:
    if find_spec("trl") is None:
        raise AdaptError("the study needs trl, which is not installed here; pip install 'gtm-adapt[study]'")
    for name in ("seeds", "steps", "prompts", "temperature", "tokens", "lr", "workers", "agent_demonstrations"):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise AdaptError(f"--{name.replace('_', '-')} must be more than 0")
    positive = ("beta", "lora", "evaluate_every", "validation_problems", "test_problems", "judge_samples")
    for name in (*positive, "micro_batch", "checkpoint_s"):
        if not 0 <= getattr(options, name) < float("inf"):
            raise AdaptError(f"--{name.replace('_', '-')} must be 0 or more")
    if options.rollouts < 2:
        raise AdaptError("--rollouts must be 2 or more: a text is worth what it is worth beside its group's others")
    if options.validation_samples < 1:
        raise AdaptError("--validation-samples must be 1 or more; --evaluate-every 0 leaves validation out")
    texts = options.prompts * options.rollouts
    if options.micro_batch and texts % options.micro_batch:
        raise AdaptError(f"--micro-batch {options.micro_batch} does not divide the {texts} texts of a step")
    for name in ("evaluator", "replay"):
        folder = getattr(options, name)
        if folder is not None and not folder.is_dir():
            raise AdaptError(f"--{name} {folder}: no such folder")
    if options.replay is not None and not any(options.replay.glob("*/seed-*/answers.jsonl")):
        raise AdaptError(f"--replay {options.replay}: no real answers there; give the run folder of a study")


def _stock(options: Options) -> dict[str, Any] | None:
    """The compile study's figures. Raises AdaptError where a named file has none."""
    path = options.stock or options.workspace / STOCK.format(domain=options.domain)
    if options.stock is None and not path.is_file():
        return None
    try:
        found = json.loads(path.read_text())
        found = found.get("shim_against_stock", found)
        if not isinstance(found["cpu_seconds"]["stock"]["median"], int | float):
            raise ValueError("cpu_seconds.stock.median is no number")
        return dict(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if options.stock is None:
            return None
        raise AdaptError(f"--stock {path}: not a result of the compile study ({error})") from None


def _specialist(domain: Domain, arms: Sequence[Arm], options: Options) -> Specialist | None:
    """The simulator, where an arm needs one; else, for the final opinions, where there is one."""
    from adapt.adapter import open_adapter
    from adapt.specialist import Specialist

    if not any(arm.simulates for arm in arms) and open_adapter(domain, options.workspace) is None:
        return None
    specialist = Specialist.load(domain, workspace=options.workspace)
    if specialist.calibration is None and any(arm.name == "gate" for arm in arms):
        raise ArtifactError(f"--arms gate: no calibration of the adapter; run `adapt calibrate {domain.name}` first")
    return specialist


def _problems(domain: Domain, task: Task, options: Options) -> Problems:
    from adapt.study.speedup.recipe import Problems

    found = Problems(
        task.problems("train"),
        spread_out(task.problems("validation"), options.validation_problems) if options.evaluate_every else [],
        spread_out(task.problems("test"), options.test_problems) if options.judge_samples else [],
    )
    if len(found.train) < options.prompts:
        raise AdaptError(
            f"--prompts {options.prompts}: {domain.name} has {len(found.train)} problems to learn from; give fewer"
        )
    return found


def _check_real(domain: Domain, arms: Sequence[Arm], problems: Problems, options: Options) -> None:
    """Open the real tool once, where an arm or the judgement needs it: better now than after an hour."""
    from adapt.study.speedup.study import domain_of

    judged = bool(problems.validation or problems.test)
    for arm in [arm for arm in arms if arm.asks_real] or ([Arm(JUDGEMENT, "real")] if judged else []):
        try:
            with domain_of(domain, arm, options.evaluator).open_real_tool():
                pass
        except AdaptError as error:
            judging = arm.name == JUDGEMENT
            needs = arm.name if judging else f"--arms {arm.name}"
            hint = "; --judge-samples 0 --evaluate-every 0 leaves it out" if judging else ""
            raise AdaptError(f"{needs} needs the real tool of {domain.name}: {error}{hint}") from None


def _inputs(domain: Domain, specialist: Specialist | None, problems: Problems, options: Options) -> dict[str, str]:
    """What a study depends on besides its options, each as a hash or a name."""
    named = [[one.id, one.prompt] for part in (problems.train, problems.validation, problems.test) for one in part]
    found = {
        "tool spec": domain.spec.schema_hash,
        "agent": chosen.identity(options.agent),
        "set of problems": content_hash(named),
    }
    if specialist is not None:
        calibration = specialist.calibration
        found["adapter"] = specialist.adapter.hash
        found["calibration"] = (
            "" if calibration is None else content_hash([calibration.temperature, calibration.promise])
        )
    return found


def _study(
    domain: Domain,
    task: Task,
    arms: Sequence[Arm],
    problems: Problems,
    specialist: Specialist | None,
    stock: dict[str, Any] | None,
    options: Options,
    kept: Mapping[str, Any],
    run_: Run,
) -> Study:
    from adapt.study.agent.nano import load_agent
    from adapt.study.speedup.study import Study, domain_of

    agent = chosen.ready(options.agent, task, run_.path("agent"), options.agent_demonstrations, options.smoke)

    def open_gate(arm: Arm, answers: Answers | None, known: Path | None) -> AbstractContextManager[Gate]:
        from adapt.gate import Gate

        opened: Any = Gate(
            domain_of(domain, arm, options.evaluator, known),
            policy=arm.policy,
            specialist=specialist if arm.simulates else None,
            workers=options.workers,
            replay=answers,
            workspace=options.workspace,
        )
        return opened

    load: Callable[[], tuple[Any, Any]] = lambda: load_agent(agent)  # noqa: E731
    about = {
        "agent": {"name": options.agent, "card": chosen.card_of(agent)},
        "problems": {n: len(getattr(problems, n)) for n in _PARTS},
    }
    missing = domain.missing().rstrip(".") if domain.missing else ""
    settings = {"options": dict(kept), "smoke": options.smoke, "missing": missing}
    return Study(
        domain,
        task,
        units(arms, options.seeds),
        _recipe(agent, options),
        problems,
        load,
        open_gate,
        specialist is not None,
        {**about, **settings},
        options.replay,
        stock,
    )


_PARTS = ("train", "validation", "test")


def _recipe(agent: str | Path, options: Options) -> Recipe:
    from adapt.study.sampling import Sampling
    from adapt.study.speedup.recipe import Recipe

    rate = NANO_LR if options.agent == chosen.NANO else LORA_LR if options.lora else HUB_LR
    same = {one.name: getattr(options, one.name) for one in fields(Recipe) if one.name not in ("lr", "sampling")}
    return Recipe(
        lr=options.lr or rate, sampling=Sampling(options.temperature, chosen.tokens_of(agent, options.tokens)), **same
    )
