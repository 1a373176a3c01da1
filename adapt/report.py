"""`report.html`: what `adapt score` found, as one self-contained page. Reads only what `fidelity.json` holds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from adapt import plots
from adapt.tables import gain_line, held

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 74rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.86rem; }
th, td { padding: 0.25rem 0.5rem; text-align: right; border-bottom: 1px solid #e4e9ee; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr.ours td { font-weight: 600; background: #eef6f9; }
tr.others td { color: #6b7785; font-style: italic; }
.interval { color: #6b7785; font-weight: 400; font-size: 0.78rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; } .pictures figure { margin: 0; flex: 1 1 18rem; }
figcaption { font-weight: 600; } svg { max-width: 100%; height: auto; }
p.note { color: #52606d; }
"""
SIMULATOR = "simulator"


def number(value: float, digits: int = 3) -> str:
    """A figure for a table; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def _cell(figure: Sequence[float] | None) -> str:
    if figure is None:
        return "<td>–</td>"
    value, low, high = figure
    return f'<td>{number(value)} <span class="interval">{number(low, 2)}–{number(high, 2)}</span></td>'


def _table(rows: Mapping[str, Mapping[str, Sequence[float]]], published: Mapping[str, Any] | None = None) -> str:
    """One row a method, one column a metric; what others published, on calls of their own, comes last."""
    metrics = list(dict.fromkeys(metric for figures in rows.values() for metric in figures))
    head = "".join(f"<th>{escape(metric.replace('_', ' '))}</th>" for metric in metrics)
    body = "".join(
        f"<tr{' class=ours' if name == SIMULATOR else ''}><td>{escape(name)}</td>"
        + "".join(_cell(figures.get(metric)) for metric in metrics)
        + "</tr>"
        for name, figures in rows.items()
    )
    if published:
        cells = "".join(f"<td>{number(published['figures'].get(metric, math.nan))}</td>" for metric in metrics)
        body += f"<tr class=others><td>{escape(published['name'])} (other calls)</td>{cells}</tr>"
    return f'<div class="scroll"><table><tr><th>method</th>{head}</tr>{body}</table></div>'


def _picture(title: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"


def _fidelity_sections(kind: Mapping[str, Mapping[str, Any]], fidelity: Mapping[str, Any]) -> Iterable[str]:
    for name, cohorts in kind.items():
        yield f"<h2>{escape(name)}</h2>"
        if name in fidelity["notes"]:
            yield f'<p class="note">{escape(fidelity["notes"][name])}</p>'
        for cohort, entry in cohorts.items():
            table = _table(entry["methods"], fidelity["published"].get(name))
            yield f"<h3>{escape(cohort)} ({entry['n']} calls)</h3>{table}"
            if line := gain_line(name, cohort, entry.get("gain", {})):
                yield f"<p>{escape(line)}</p>"


def render(fidelity: Mapping[str, Any]) -> str:
    """The page of one `fidelity.json`."""
    title = f"Fidelity of the simulated {fidelity['title']}"
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="note">{escape(fidelity["summary"])}</p>']
    parts.append("<h2>Time an answer</h2>" + plots.times(fidelity["seconds"]))
    parts.append("<h2>Labels</h2>" + plots.label_mix(fidelity["label_mix"]))
    parts.extend(_fidelity_sections(fidelity["verdicts"], fidelity))
    parts.extend(_fidelity_sections(fidelity["numbers"], fidelity))
    if fidelity["missing"]:
        parts.append(f"<p class=note>{escape(fidelity['missing'])}</p>")
    for name, cohorts in fidelity["intervals"].items():
        parts.append(f"<p>{escape(name)}, intervals said to hold 80 % of the real answers held {held(cohorts)}.</p>")
    parts.append("<h2>Pictures</h2><div class=pictures>")
    for cohort, matrix in fidelity["confusion"].items():
        parts.append(_picture(f"Confusion, {cohort}", plots.confusion(matrix["labels"], matrix["counts"])))
    for name, points in fidelity["points"].items():
        parts.append(_picture(f"{name}: real against simulated", plots.scatter(points, name.rsplit("_", 1)[-1])))
    parts.append(_picture("Reliability of the decision", plots.reliability(fidelity["reliability"])))
    parts.append("</div>")
    foreign = fidelity.get("foreign")
    if foreign:
        parts.append(
            "<h2>Foreign input</h2><p>The foreign-input check caught "
            f"{foreign['caught']:.0%} of {foreign['n']} foreign calls, and raised a false alarm on "
            f"{foreign['false_alarms']:.1%} of {foreign['n_familiar']} familiar ones.</p>"
        )
    parts.append(f'<p class="note">{escape(fidelity["provenance"])}</p>')
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
