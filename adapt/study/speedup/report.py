"""`report.html` of a study: one self-contained page, in the manner of the fidelity report. Reads only `study.json`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from adapt.report import STYLE
from adapt.study.speedup import pictures
from adapt.study.speedup.scores import GEOMETRIC, HACKS, THRESHOLDS

MORE_STYLE = """
body { overflow-wrap: anywhere; }
ul.findings li { margin: 0.35rem 0; } ul.findings li:first-child { font-weight: 600; }
td .interval { display: block; } th { vertical-align: bottom; white-space: normal; min-width: 4.2rem; }
td:first-child, th:first-child { position: sticky; left: 0; background: #fff; }
tr.ours td:first-child { background: #eef6f9; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; font-size: 0.9rem; }
dt { color: #52606d; } dd { margin: 0; }
figure p { margin: 0.2rem 0; font-size: 0.86rem; color: #52606d; }
th { overflow-wrap: normal; }
@media (max-width: 40rem) {
  dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; } h1 { font-size: 1.3rem; } th { min-width: 8rem; }
}
"""
FAST = tuple(f"fast_{threshold}" for threshold in THRESHOLDS)
SCORES = ("compiled", "correct", *FAST, GEOMETRIC, HACKS)
HEADINGS = {
    "compiled": "compiled",
    "correct": "correct",
    **{name: f"fast<sub>{threshold}</sub>" for name, threshold in zip(FAST, THRESHOLDS, strict=True)},
    GEOMETRIC: "geometric mean speed-up",
    HACKS: "accepted by the simulator, refused by the real tool",
}
NO_BREAK = " "


def render(study: Mapping[str, Any]) -> str:
    """The page of one `study.json`."""
    title = f"Learning with the {study['title']} and with its simulator"
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="note">{escape(scale(study))}</p>']
    parts.append("<ul class=findings>" + "".join(f"<li>{escape(said)}</li>" for said in study["sentences"]) + "</ul>")
    for section in (_times, _curves, _scores, _differences, _sources, _how):
        parts.extend(section(study))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{MORE_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def scale(study: Mapping[str, Any]) -> str:
    """What was trained, on what, how often: the first thing to know of any figure below."""
    recipe, problems, units = study["recipe"], study["problems"], _units(study)
    parameters = next((unit["parameters"] for unit in units if unit.get("parameters")), None)
    size = f" ({_millions(parameters)} parameters)" if parameters else ""
    seeds = len({unit["seed"] for unit in units})
    smoke = "A smoke run: it shows that everything works and nothing else. " if study.get("smoke") else ""
    return (
        f"{smoke}Agent {study['agent']['name']}{size}; {recipe['steps']} steps of {recipe['prompts']} problems with "
        f"{recipe['rollouts']} texts each, {_count(seeds, 'seed')}; {problems['train']} problems to learn from, "
        f"{problems['test']} unseen ones to be judged on. {_machine(study['hardware'])}"
    )


def _times(study: Mapping[str, Any]) -> Iterator[str]:
    arms = {name: arm["time"] for name, arm in study["arms"].items() if arm["time"]["seconds"]}
    if not arms:
        return
    yield "<h2>Where the time goes</h2><div class=pictures>"
    yield _picture("This study", pictures.time_bars(arms), "Bars: medians over seeds. Whiskers: least and most.")
    paper = study["paper"]
    note = f"{paper['title']}: another agent, tool and machine."
    bars = {("GTM" if name == "simulate" else name): value for name, value in paper["training_s"].items()}
    yield _picture("The paper, Figure 7", pictures.paper_bars(bars), note) + "</div>"
    rows = [[escape(name), *_time_cells(times, study["ratios"].get(name))] for name, times in arms.items()]
    heads = ("arm", "training, s", "rollout, s", "tool, s", "update, s", "tool, processor s")
    yield _table((*heads, "real / arm, whole", "real / arm, tool"), rows)
    yield (
        '<p class="note">Only steps count; validation, checkpoints and the final judgement are outside. Small figures: '
        "least and most over seeds. The tool's processor seconds are those of all its processes.</p>"
    )


def _time_cells(times: Mapping[str, Any], ratio: Mapping[str, Any] | None) -> list[str]:
    cells = [_spread(times[name], 1) for name in ("seconds", "rollout", "tool", "update", "tool_cpu")]
    return cells + [_spread((ratio or {}).get(name), 1) for name in ("total", "tool")]


def _curves(study: Mapping[str, Any]) -> Iterator[str]:
    arms = study["arms"]
    yield "<h2>Learning</h2><div class=pictures>"
    curves = {name: arm["curve"] for name, arm in arms.items() if arm["curve"]}
    if curves:
        note = "The same problems and draws at every point and in every arm. Bands: 95 % intervals."
        yield _picture("Validation problems", pictures.learning_curves(curves, "correct"), note)
    rewards = {name: arm["rewards"] for name, arm in arms.items() if arm["rewards"]}
    if rewards:
        note = "What the agent was paid, right or wrong: mean of five steps; bands: least and most over seeds."
        yield _picture("Reward in training", pictures.reward_curves(rewards), note)
    yield "</div>"


def _scores(study: Mapping[str, Any]) -> Iterator[str]:
    rows = [("untrained", study["untrained"]["final"], "")]
    rows += [(name, arm["final"], "ours" if name == "simulate" else "") for name, arm in study["arms"].items()]
    judged = [(name, figures, kind) for name, figures, kind in rows if figures]
    if not judged:
        return
    counts = next((arm["counts"] for arm in study["arms"].values() if arm["counts"]["texts"]), None)
    yield "<h2>Final scores by the real tool, on problems unseen in training</h2>"
    lines = [[escape(name), *(_figure(figures.get(m), m) for m in SCORES)] for name, figures, _ in judged]
    kinds = [kind for _, _, kind in judged]
    for name, published in study["paper"]["table_3"].items():
        lines.append([f"{escape(name)} (paper)", *(_published(published.get(m), m) for m in SCORES)])
        kinds.append("others")
    yield _table(("arm", *(HEADINGS[m] for m in SCORES)), lines, kinds, raw_heads=True)
    texts = "" if counts is None else f"{counts['texts']} texts an arm, {_count(counts['problems'], 'problem')}. "
    yield (
        f'<p class="note">{texts}fast<sub>p</sub>: share of texts that are correct and over p times as fast as the '
        "reference. Rows in italics: the paper's Table 3, of other agents on another tool and machine, not comparable. "
        f"{escape(study['method'])}</p>"
    )


def _differences(study: Mapping[str, Any]) -> Iterator[str]:
    found = {name: entry["to_real"] for name, entry in study["comparisons"].items() if entry.get("to_real")}
    if not found:
        return
    yield "<h2>Difference to training with the real tool</h2>"
    rows = [[escape(name), *(_figure(figures.get(m), m, True) for m in SCORES)] for name, figures in found.items()]
    yield _table(("arm", *(HEADINGS[m] for m in SCORES)), rows, raw_heads=True)
    yield "<p class=note>In points of 100; the speed-up as a difference of geometric means.</p>"


def _sources(study: Mapping[str, Any]) -> Iterator[str]:
    arms = study["arms"]
    names = list(dict.fromkeys(name for arm in arms.values() for name in arm["sources"]))
    if not names:
        return
    yield "<h2>Who answered</h2>"
    rows = [[escape(arm), *(f"{entry['sources'].get(name, 0):,}" for name in names)] for arm, entry in arms.items()]
    yield _table(("arm", *(f"{name}" for name in names)), rows)
    yield (
        '<p class="note">Texts of all steps and seeds. “no call”: the text held none. “arguments”: refused without '
        "asking anyone. “exact”: a cheap exact check. The same call is asked once in a training.</p>"
    )


def _how(study: Mapping[str, Any]) -> Iterator[str]:
    recipe = study["recipe"]
    rows = {
        "loss": "GRPO (TRL): one generation and one update a step, on policy; tokens of a step weigh the same (dapo); "
        "advantages scaled by their group's spread; AdamW, constant rate, gradients clipped at 1",
        "learning rate": f"{recipe['lr']:g}",
        "divergence weight": f"{recipe['beta']:g}",
        "sampling": f"temperature {recipe['sampling']['temperature']:g}, at most {recipe['sampling']['tokens']} tokens",
        "learns": f"an adapter of rank {recipe['lora']}" if recipe["lora"] else "all weights",
        "seeds": "problems, their order and all draws are the same for every arm of a seed; arms take turns",
        "machine": _machine(study["hardware"]),
        "versions": ", ".join(f"{name} {version}" for name, version in study["versions"].items()),
        "commit": str(study["commit"]),
    }
    yield "<h2>How it was done</h2><dl>"
    yield "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in rows.items()) + "</dl>"
    yield '<p class="note">Every raw number is in study.json beside this page.</p>'


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], kinds: Sequence[str] = (), raw_heads: bool = False
) -> str:
    """A table that scrolls sideways in itself. Cells are markup; heads are text unless `raw_heads`."""
    head = "".join(f"<th>{one if raw_heads else escape(one)}</th>" for one in heads)
    body = ""
    for number, row in enumerate(rows):
        kind = kinds[number] if number < len(kinds) else ""
        body += f"<tr{f' class={kind}' if kind else ''}>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _picture(title: str, svg: str, note: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg}<p>{escape(note)}</p></figure>"


def _figure(figure: Sequence[float | None] | None, metric: str, signed: bool = False) -> str:
    """A figure with its interval; shares in per cent."""
    if figure is None or figure[0] is None:
        return "–"
    value, low, high = (_value(one, metric, signed) for one in figure)
    low = low.removesuffix(NO_BREAK + "%")
    return f'{value} <span class="interval">{low} to {high}</span>'


def _value(value: float | None, metric: str, signed: bool = False) -> str:
    if value is None:
        return "–"
    sign = "" if not signed else "−" if value < 0 else "+"
    size = abs(value) if signed else value
    unit = "" if signed else f"{NO_BREAK}%"  # a difference of shares is in points
    return f"{sign}{size:.2f}" if metric == GEOMETRIC else f"{sign}{100 * size:.1f}{unit}"


def _published(value: float | None, metric: str) -> str:
    return _value(value, metric) if value is not None else "–"


def _spread(spread: Mapping[str, float] | None, digits: int) -> str:
    if spread is None:
        return "–"
    median, least, most = (_number(spread[name], digits) for name in ("median", "least", "most"))
    return median if spread["n"] == 1 else f'{median} <span class="interval">{least} to {most}</span>'


def _number(value: float, digits: int) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.{digits}f}" if value >= 1 else f"{value:.2f}"


def _units(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [unit for arm in study["arms"].values() for unit in arm["units"]]


def _machine(hardware: Mapping[str, Any]) -> str:
    gpus = hardware.get("gpus") or []
    return f"{hardware.get('processor')}, {_count(int(hardware.get('cores') or 1), 'core')}, " + (
        "; ".join(gpus) if gpus else "no GPU."
    )


def _millions(number: int) -> str:
    return (
        f"{number / 1e9:.1f} billion"
        if number >= 1e9
        else f"{number / 1e6:.2g} million"
        if number >= 1e5
        else f"{number:,}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
