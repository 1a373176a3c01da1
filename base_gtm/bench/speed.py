"""`python -m base_gtm.bench.speed`: calls a second, ours against transformers' `generate` with the same model.

A prompt of 276 tokens, an answer of about 40: `generate` writes exactly 40 tokens, greedy, of whatever kind; ours
writes the JSON that the schema wants. Both ways are timed in turn, repetition by repetition, so that a machine's other
load falls on both; ratios are medians over repetitions. Calls share their problem, as an agent's tries at one problem
do: "cached" says that this beginning was read before (one call) or is read once for all (a batch), for `generate` too.

Not measured: loading; compiling a grammar, which is done once for a tool; how likely the arguments were (`surprise`),
which `generate` does not tell either.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base_gtm.bench.command import command, write_figures
from base_gtm.errors import DataError
from base_gtm.schema import ToolCall, ToolSpec, closed_object
from base_gtm.simulator import Request, Simulator

PROMPT, ANSWER = 276, 40
"""Tokens."""

_FREE = {"error": {"type": "number", "minimum": 0, "maximum": 1}, "note": {"type": "string", "maxLength": 3}}
_RUN = {"enum": ["correct", "wrong_value", "wrong_shape", "crash", "timeout"]}


def _branch(verdict: Mapping[str, Any], compiled: bool) -> dict[str, Any]:
    return closed_object({"verdict": verdict, "compiled": {"const": compiled}, **_FREE})


def _timed_verdict(verdict: Mapping[str, Any], correct: bool) -> dict[str, Any]:
    time_ms = {"type": "number", "minimum": 0, "maximum": 60000}
    return closed_object(
        {"verdict": verdict, "compiled": {"const": True}, "correct": {"const": correct}, "runtime_ms": time_ms}
    )


SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "validator": {
        "type": "object",
        "anyOf": [
            _timed_verdict({"const": "correct"}, True),
            _timed_verdict({"enum": ["wrong_value", "wrong_shape", "wrong_dtype", "cheating"]}, False),
        ],
    },
    "with_a_note": {"type": "object", "anyOf": [_branch(_RUN, True), _branch({"const": "no_build"}, False)]},
    "fields_apart": closed_object(
        {"verdict": _RUN, "compiled": {"type": "boolean"}, "ok": {"type": "boolean"}, **_FREE},
    ),
}
"""Results of a validator: verdict and time, where what follows from the verdict is forced, as the kernel domains have
it; such a one with a short text; and one where every field is decided by itself."""
_PROBLEM = """class Model(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(size))

    def forward(self, x):
        return torch.relu(x + self.bias) * 2.0
"""
_CANDIDATE = (
    "void model(const float* x, float* y, int n) {\n  for (int i = %d; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;\n}\n"
)


@dataclass(frozen=True)
class SpeedOptions:
    """One field a flag."""

    out: Path
    """File for the figures, JSON."""
    base: str = "nano"
    """Base model: nano, a folder, or a hub id."""
    repetitions: int = 11
    """Of every way, in turn."""
    batch: int = 32
    """Calls of the large batch."""
    threads: int = 1
    """CPU threads."""

    def __post_init__(self) -> None:
        if min(self.repetitions, self.threads) < 1 or self.batch < 2:
            raise DataError("--repetitions and --threads are at least 1, --batch at least 2")


Way = Callable[[int], None]
"""Answers the calls of a repetition, by its number."""


def measure(options: SpeedOptions) -> None:
    """Time our decoding and `generate` in turn, at batch 1 and a large batch, with and without a cached beginning."""
    import torch

    from base_gtm.model import load_base

    torch.set_num_threads(options.threads)
    base = load_base(options.base)
    figures: dict[str, Any] = {
        "model": {"name": base.name, "hash": base.hash, "parameters": base.model.num_parameters()},
        "tokens": {"prompt": PROMPT, "answer_of_generate": ANSWER},
    }
    for name, schema in SCHEMAS.items():
        figures[name] = {"output_schema": schema, **_measured(base, name, schema, options)}
    write_figures(options.out, options, figures)


def _measured(base: Any, name: str, schema: Mapping[str, Any], options: SpeedOptions) -> dict[str, Any]:
    """Figures of one output schema."""
    text = {"type": "string"}
    about = "Compiles a candidate and compares its outputs with those of the problem."
    spec = ToolSpec("kernel_validator", about, closed_object({"problem": text, "candidate": text}), schema)
    requests = _requests(base, spec, options.batch)
    answers = Simulator(base).answer_batch(spec, requests)
    tokens = [answer.tokens for _, answer in answers if answer is not None]
    found: dict[str, Any] = {"answer_tokens": round(statistics.mean(tokens), 1)}
    for size in (1, options.batch):
        title = f"{name}, batch {size}"
        found[f"batch_{size}"] = _summary(_timed(_ways(base, spec, requests, size), options.repetitions, title), size)
        _show(title, found[f"batch_{size}"])
    return found


def _requests(base: Any, spec: ToolSpec, number: int) -> list[Request]:
    """Calls whose prompts have exactly PROMPT tokens; they share their problem. Raises DataError."""
    from base_gtm.prompt import encode_full, render

    def request(index: int, more: int) -> Request:
        candidate = _CANDIDATE % index + " +" * more
        arguments = {"problem": _PROBLEM, "candidate": candidate}
        return Request(ToolCall(spec.name, arguments), blocks=list(arguments.items()))

    def length(one: Request) -> int:
        return len(encode_full(base.tokenizer, render(spec, one.call, blocks=one.blocks), 4 * PROMPT).ids)

    found = []
    for index in range(10, 10 + number):
        missing = PROMPT - length(request(index, 0))
        tried = (request(index, more) for more in range(max(0, missing - 4), missing + 1))
        fits = next((one for one in tried if length(one) == PROMPT), None)
        if fits is None:
            raise DataError(f"base {base.name}: its tokenizer makes no prompt of {PROMPT} tokens here; use nano's")
        found.append(fits)
    return found


def _ways(base: Any, spec: ToolSpec, requests: Sequence[Request], size: int) -> dict[str, Way]:
    """Name -> how calls are answered."""
    kept = Simulator(base, prefixes=1, surprise=False)
    plain = Simulator(base, share=False, surprise=False)

    def ours(simulator: Simulator) -> Way:
        def answer(repetition: int) -> None:
            first = repetition % len(requests) if size == 1 else 0
            simulator.answer_batch(spec, requests[first : first + size])

        return answer

    return {
        "generate": _generate(base, spec, requests, size, cached=False),
        "ours": ours(plain),
        "generate_cached": _generate(base, spec, requests, size, cached=True),
        "ours_cached": ours(kept),
    }


def _generate(base: Any, spec: ToolSpec, requests: Sequence[Request], size: int, *, cached: bool) -> Way:
    """transformers' own greedy loop. Of one call the cached beginning is ready, of a batch it is read each time."""
    import copy

    import torch
    from transformers import DynamicCache, GenerationConfig

    from base_gtm.prompt import encode, render

    rows = [encode(base.tokenizer, render(spec, one.call, blocks=one.blocks), 4 * PROMPT) for one in requests]
    shared = next(at for at in range(PROMPT) if len({row[at] for row in rows}) > 1)
    ids = torch.tensor(rows, device=base.model.device)
    pad = base.tokenizer.pad_token_id
    settings = GenerationConfig(
        max_new_tokens=ANSWER, min_new_tokens=ANSWER, do_sample=False, use_cache=True, pad_token_id=pad
    )

    def beginning() -> Any:
        cache = DynamicCache(config=base.model.config)
        base.model(input_ids=ids[:1, :shared], past_key_values=cache, use_cache=True, logits_to_keep=1)
        return cache

    with torch.inference_mode():
        ready = beginning()

    def answer(repetition: int) -> None:
        first = repetition % len(rows) if size == 1 else 0
        given = ids[first : first + size]
        with torch.inference_mode():
            cache = None
            if cached:
                cache = copy.deepcopy(ready) if size == 1 else beginning()
                cache.batch_repeat_interleave(size)
            written = base.model.generate(
                given, attention_mask=torch.ones_like(given), generation_config=settings, past_key_values=cache
            )
        assert written.shape[1] == PROMPT + ANSWER

    return answer


def _timed(ways: Mapping[str, Way], repetitions: int, title: str) -> dict[str, list[float]]:
    """Seconds of every way, one repetition of each in turn, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for repetition in range(-1, repetitions):
        for name, way in ways.items():
            started = time.perf_counter()
            way(max(repetition, 0))
            if repetition >= 0:
                seconds[name].append(time.perf_counter() - started)
        print(f"\r{title}: {repetition + 1}/{repetitions}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return seconds


def _summary(seconds: Mapping[str, Sequence[float]], size: int) -> dict[str, Any]:
    """Calls a second of each way with quartiles, and how many times as fast as `generate` ours is."""
    rates = {name: [size / one for one in times] for name, times in seconds.items()}
    ratios = {
        f"{ours}_over_{theirs}": [one / two for one, two in zip(rates[ours], rates[theirs], strict=True)]
        for ours, theirs in (("ours", "generate"), ("ours_cached", "generate"), ("ours_cached", "generate_cached"))
    }
    return {
        "calls_a_second": {name: _spread(values) for name, values in rates.items()},
        "ratio": {name: _spread(values) for name, values in ratios.items()},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"median": round(middle, 2), "lower_quartile": round(low, 2), "upper_quartile": round(high, 2)}


def _show(title: str, summary: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    for kind, unit in (("calls_a_second", "calls/s"), ("ratio", "x")):
        for name, spread in summary[kind].items():
            low, high = spread["lower_quartile"], spread["upper_quartile"]
            print(f"{title}: {name}: {spread['median']} {unit} ({low} to {high})")


if __name__ == "__main__":
    command(measure, SpeedOptions)
