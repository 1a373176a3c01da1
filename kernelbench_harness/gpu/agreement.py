"""Two evaluators' words on the same candidates: where they agree, where not and why, how fast and how steady either is.

Guarantees: pure functions over the journal's records. An answer that never came (the process died, the limit passed, no
result) is counted as KernelBench's own scripts count it, as not compiled, and named as what it was.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kernelbench_harness.gpu.item import table
from kernelbench_harness.label import COMPILING, Label, Verdict

Record = Mapping[str, Any]


def said_by_us(label: Label) -> dict[str, Any]:
    """A label as the journal has it."""
    compiled = label.verdict is not Verdict.COMPILE_ERROR and label.stage not in COMPILING
    return {
        "verdict": str(label.verdict),
        "compiled": compiled or label.verdict is Verdict.COMPILED,
        "correctness": label.verdict is Verdict.CORRECT,
        "stage": str(label.stage),
        "first_error": label.first_error,
        "evidence": list(label.evidence)[:3],
        "runtime_ms": None if label.runtime is None else label.runtime.median_ms,
        "compile_s": label.seconds.get("compile", 0.0),
        "total_s": label.seconds.get("total", 0.0),
    }


def word_of_theirs(answer: Record) -> str:
    """KernelBench's answer in a word or two."""
    if "died" in answer or "nothing" in answer:
        return str(answer.get("died") or answer["nothing"])
    return "correct" if answer.get("correctness") else "compiled, not correct" if answer.get("compiled") else "failed"


def correct_in_both(records: Sequence[Record]) -> set[str]:
    """Jobs that both call correct."""
    ours = {one["job"] for one in records if one["kind"] == "ours" and one.get("correctness")}
    return {one["job"] for one in records if one["kind"] == "theirs" and one.get("correctness")} & ours


def figures(records: Sequence[Record], names: Sequence[str]) -> dict[str, Any]:
    """Rates, agreement, differences and spreads."""
    ours = {one["job"]: one for one in records if one["kind"] == "ours" and "verdict" in one}
    their = {one["job"]: one for one in records if one["kind"] == "theirs"}
    both = [name for name in names if name in ours and name in their]
    pairs = [(ours[name], their[name]) for name in both]
    differ = {
        name: {"ours": _ours(ours[name]), "theirs": word_of_theirs(their[name]), "why": why(ours[name], their[name])}
        for name in both
        if not _agree(ours[name], their[name])
    }
    ratios = [
        mine["runtime_ms"] / theirs["runtime_ms"]
        for mine, theirs in pairs
        if mine.get("runtime_ms") and theirs.get("runtime_ms")
    ]
    return {
        "candidates": len(names),
        "ours": _rate(records, "ours") | {"verdicts": dict(Counter(one["verdict"] for one in ours.values()))},
        "theirs": _rate(records, "theirs") | {"words": dict(Counter(_kind(one) for one in their.values()))},
        "both": len(both),
        "same_compiled": sum(mine["compiled"] == bool(theirs.get("compiled")) for mine, theirs in pairs),
        "same_correct": sum(mine["correctness"] == bool(theirs.get("correctness")) for mine, theirs in pairs),
        "differences": differ,
        "why": dict(Counter(one["why"] for one in differ.values())),
        "times_ours_over_theirs": round(statistics.median(ratios), 4) if ratios else None,
        "spread": _spread(records),
    }


def _rate(records: Sequence[Record], who: str) -> dict[str, Any]:
    parts = [one for one in records if one["kind"] == "seconds" and one["of"] == who]
    labels, seconds = sum(one["labels"] for one in parts), sum(one["seconds"] for one in parts)
    rate = round(3600 * labels / seconds) if labels and seconds else None
    return {"labels": labels, "seconds": round(seconds, 1), "labels_per_hour": rate}


def _agree(mine: Record, theirs: Record) -> bool:
    return mine["compiled"] == bool(theirs.get("compiled")) and mine["correctness"] == bool(theirs.get("correctness"))


def _kind(answer: Record) -> str:
    return "no answer" if "died" in answer or "nothing" in answer else word_of_theirs(answer)


def _ours(mine: Record) -> str:
    said = mine["evidence"][0] if mine["verdict"] == Verdict.CHEATING and mine["evidence"] else mine["first_error"]
    return f"{mine['verdict']}: {said}" if said else str(mine["verdict"])


def why(mine: Record, theirs: Record) -> str:
    """The kind of a difference, as far as the two answers tell it; "to be read" where they do not."""
    verdict, correct = mine["verdict"], bool(theirs.get("correctness"))
    if "nothing" in theirs:
        return "there an error text with 'lock' or 'No such file' is no result"
    if "died" in theirs and verdict in (Verdict.RUNTIME_ERROR, Verdict.TIMEOUT):
        return "a fault or a hang is counted there as not compiled"
    if "died" in theirs:
        return "its process died or ran out of time"
    if verdict == Verdict.CHEATING and correct:
        return "a cheat that passes there"
    if verdict == Verdict.WRONG_VALUE and correct and "zero" in mine["first_error"]:
        return "zeros pass below its tolerance"
    if verdict in (Verdict.WRONG_VALUE, Verdict.WRONG_DTYPE) and correct:
        return "a wrong value or dtype passes its one tolerance or its few inputs"
    if verdict == Verdict.RUNTIME_ERROR and correct:
        return "an error that is not looked for there"
    if verdict == Verdict.CORRECT and theirs.get("compiled"):
        return "correct here, refused there: weights, namespaces or integers"
    if mine["compiled"] != bool(theirs.get("compiled")):
        return "its compiler run and ours differ"
    return "to be read"


def _spread(records: Sequence[Record]) -> dict[str, Any]:
    """Of the repeated: (largest - smallest) / median of each evaluator's times, the median over candidates."""
    found: dict[str, Any] = {}
    for who in ("ours_ms", "theirs_ms"):
        spreads = []
        for name in {one["job"] for one in records if one["kind"] == "repeat"}:
            times = [one[who] for one in records if one["kind"] == "repeat" and one["job"] == name and one[who]]
            if len(times) >= 2:
                spreads.append((max(times) - min(times)) / statistics.median(times))
        median = round(statistics.median(spreads), 4) if spreads else None
        found[who.removesuffix("_ms")] = {"candidates": len(spreads), "median_spread": median}
    return found


def text(found: Mapping[str, Any], device: str, dry_run: bool) -> str:
    """A short table."""
    rows = [
        [who, found[who]["labels"], found[who]["seconds"], found[who]["labels_per_hour"] or "-", _percent(found, who)]
        for who in ("ours", "theirs")
    ]
    lines = [
        f"{device}{' (dry run)' if dry_run else ''}: {found['candidates']} candidates, "
        f"{found['both']} answered by both",
        table(("evaluator", "labels", "seconds", "labels an hour", "spread"), rows),
        f"same compile verdict: {found['same_compiled']} of {found['both']}; "
        f"same correctness: {found['same_correct']} of {found['both']}",
    ]
    if found["times_ours_over_theirs"]:
        lines.append(f"median of our time over theirs: {found['times_ours_over_theirs']:.3f}")
    lines += [f"{count:3} x {why_}" for why_, count in found["why"].items()]
    lines += [
        f"  {name}: ours {one['ours'][:90]}; theirs {one['theirs'][:60]}" for name, one in found["differences"].items()
    ]
    return "\n".join(lines)


def _percent(found: Mapping[str, Any], who: str) -> str:
    spread = found["spread"][who]["median_spread"]
    return "-" if spread is None else f"{spread:.1%}"
