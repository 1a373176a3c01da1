"""Item 8, the speed-up study on a GPU: a nano agent for the scores, a large shape with random weights for the times.

    python -m domains.cuda.study_on_gpu --minutes 9 --kernelbench DIR

Scores: arms real and simulate with the nano agent, judged by the real tool on problems unseen in training. Times: a
step of a model of 7B parameters, split into rollout, tool and update, with the real tool twice (KernelBench's evaluator
and ours) and with the simulator; the tool is asked about demonstrations, since random weights write noise. Guarantees:
a step that ended is not run again, and a study that was cut off by the minutes goes on where it was. Does not guarantee
anything about scores of a large agent: its weights are random.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from domains.steps import named, step
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.gpu import item as items
from kernelbench_harness.gpu.item import Item, say

PARTS = ("scores", "times")
WORK = "speedup"
"""Folder of the workspace, beside the result."""
Words = tuple[str, ...]


def study_on_gpu(
    parts: Annotated[str, typer.Option(help="scores, times, or both with a comma.")] = "scores,times",
    kernelbench: Annotated[Path | None, typer.Option(help="A checkout of KernelBench, for its own arm.")] = None,
    shape: Annotated[str, typer.Option(help="Of the timed agent: qwen2.5-7b, qwen2.5-0.5b or tiny.")] = "qwen2.5-7b",
    steps: Annotated[int, typer.Option(min=2, help="Of each training for the scores.")] = 40,
    seeds: Annotated[int, typer.Option(min=1, help="Of the scores.")] = 3,
    timed_steps: Annotated[int, typer.Option(min=1, help="Of each training for the times.")] = 3,
    tokens: Annotated[int, typer.Option(min=1, help="Of every text of the timed agent.")] = 768,
    train_minutes: Annotated[float, typer.Option(min=0.05, help="Of the simulator's adapter.")] = 3.0,
    dry_run: items.DryOpt = False,
    minutes: items.MinutesOpt = 9.0,
    out: items.OutOpt = Path("results"),
    commit: items.CommitOpt = "",
) -> None:
    """Train agents with the real tool and with its simulator on this GPU, and compare times and scores."""
    from domains.cuda.shapes import SHAPES

    chosen = named("--parts", parts, PARTS)
    if shape not in SHAPES:
        raise HarnessError(f"--shape '{shape}': known are {', '.join(SHAPES)}")
    if dry_run:
        shape, steps, seeds, timed_steps, tokens, train_minutes = "tiny", 2, 1, 1, 16, 0.3
    said = {"parts": parts, "shape": shape, "steps": steps, "seeds": seeds, "tokens": tokens}
    item = items.begin(WORK, out, minutes, dry_run, commit, said)
    workspace = (item.folder / WORK).resolve()
    workspace.mkdir(parents=True, exist_ok=True)
    verbs = _preparation(train_minutes, dry_run)
    if "scores" in chosen:
        verbs["scores"] = _scores(steps, seeds, dry_run)
    if "times" in chosen:
        verbs["times"] = _times(shape, timed_steps, tokens, kernelbench, dry_run)
    for name, words in verbs.items():
        before = partial(_agent, item, workspace, f"shape-{shape}") if name == "times" else lambda: True
        command = (*words, "--workspace", str(workspace))
        if not step(item, [name], "adapt.cli", command, workspace, before):
            break
    figures = _figures(item, workspace)
    path = item.write(figures, _environment())
    print(_text(figures, item))
    print(f"-> {path}")


def _preparation(train_minutes: float, dry_run: bool) -> dict[str, Words]:
    """Name and words of the verbs that make the simulator."""
    few = ("--limit", "32") if dry_run else ()
    return {
        "label": ("label", "cuda", "--count", "0"),
        "train": ("train", "cuda", "--minutes", str(train_minutes), *few),
        "calibrate": ("calibrate", "cuda"),
    }


def _scores(steps: int, seeds: int, dry_run: bool) -> Words:
    smoke = ("--smoke",) if dry_run else ()
    return (
        *("study", "speedup", "--domain", "cuda", "--agent", "nano", "--arms", "real,simulate"),
        *("--steps", str(steps), "--seeds", str(seeds), *smoke),
    )


def _times(shape: str, steps: int, tokens: int, kernelbench: Path | None, dry_run: bool) -> Words:
    arms = "simulate" if dry_run else "real,simulate" if kernelbench is None else "real,real-kernelbench,simulate"
    theirs = () if kernelbench is None or dry_run else ("--evaluator", str(kernelbench.resolve()))
    few = ("--prompts", "2", "--rollouts", "2") if dry_run else ("--micro-batch", "8", "--lora", "16")
    return (
        *("study", "speedup", "--domain", "cuda", "--agent", f"shape-{shape}", "--arms", arms, *theirs),
        *("--steps", str(steps), "--seeds", "1", "--tokens", str(tokens), "--demonstrate", *few),
        *("--evaluate-every", "0", "--judge-samples", "0", "--checkpoint-s", "1e9"),
    )


def _agent(item: Item, workspace: Path, name: str) -> bool:
    """The agent with random weights, with the nano agent's tokenizer; whether there is one to take."""
    from domains.cuda.shapes import random_agent

    nano = sorted((workspace / "runs" / "cuda" / "study").glob("*/agent/tokenizer.json"))
    if not nano:
        said = "the timed agent takes the nano agent's tokenizer: run the part scores first"
        item.journal.append({"step": ["times", [name]], "status": 1, "seconds": 0.0, "said": said})
        return False
    say(f"times: an agent with random weights, {name}")
    random_agent(name.removeprefix("shape-"), nano[-1].parent, workspace / name)
    return True


def _figures(item: Item, workspace: Path) -> dict[str, Any]:
    """What each step took and said, and of each study what stands in its file without the texts."""
    records = list(item.journal.read())
    found: dict[str, Any] = {
        "seconds": {one["step"][0]: one["seconds"] for one in records if one["status"] == 0},
        "failed": {one["step"][0]: one["said"] for one in records if one["status"]},
    }
    for path in sorted((workspace / "runs" / "cuda" / "study").glob("*/study.json")):
        study = json.loads(path.read_text())
        found["times" if study["recipe"]["demonstrate"] else "scores"] = _brief(study)
    return found


def _brief(study: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("agent", "problems", "recipe", "ratios", "comparisons", "sentences", "method")
    arms = {
        name: {key: arm[key] for key in ("time", "sources", "curve", "final", "counts")}
        for name, arm in study["arms"].items()
    }
    return {**{key: study[key] for key in kept}, "arms": arms, "untrained": study["untrained"]["final"]}


def _environment() -> dict[str, Any]:
    from adapt.environment import hardware, versions

    return {**versions(), "hardware": hardware()}


def _text(figures: Mapping[str, Any], item: Item) -> str:
    rows = []
    for part in PARTS:
        for name, arm in figures.get(part, {}).get("arms", {}).items():
            steps = figures[part]["recipe"]["steps"]
            times = [arm["time"][key]["median"] / steps for key in ("rollout", "tool", "update", "seconds")]
            correct = arm["final"].get("correct") or [None] * 3
            score = "-" if correct[0] is None else f"{correct[0]:.3f} ({correct[1]:.3f}-{correct[2]:.3f})"
            rows.append([part, name, *(f"{one:.2f}" for one in times), score])
    head = ("part", "arm", "rollout", "tool", "update", "step, s", "correct")
    lines = [f"{item.device_name}{' (dry run)' if item.dry_run else ''}", items.table(head, rows)]
    lines += [said for part in PARTS for said in figures.get(part, {}).get("sentences", [])]
    lines += [f"{name} failed: {said.splitlines()[-1] if said else ''}" for name, said in figures["failed"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    items.main(study_on_gpu)
