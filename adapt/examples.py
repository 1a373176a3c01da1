"""Labels as training examples: what the model reads, what it should write, and how much each token counts.

Guarantees: prompt and completion are tokenised apart, as they are when the simulator answers; the loss falls on the
completion alone, most of it on what decoding really chooses; a label's provenance (tags) never reaches the prompt.
Does not guarantee a site target for every broken candidate: a label without a site, or whose site was cut, has none.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapt.domain import Domain
from adapt.labels import LabelRecord
from base_gtm.prompt import Encoded, Prompt, completion, encode_full, render
from base_gtm.schema import ToolSpec
from base_gtm.spans import overlapping, value_spans
from base_gtm.tokenizer import encode_offsets

DECISION = 1.0
"""Weight of a token of the decision field's value."""
VALUE = 0.2
"""Weight of a token of any other value: a number's digits, a text."""
VALUE_TOTAL = 2.0
"""Most that the tokens of one such value weigh together: an error text of 80 characters must not drown the verdict."""
STRUCTURE = 0.02
"""Weight of what the schema forces (braces, names, commas): decoding never samples it, so it needs little learning."""


@dataclass(frozen=True)
class SiteTarget:
    """Token-level target: has an error occurred by here?"""

    first: int
    """Position of the first token of the candidate block."""
    last: int
    """Position after its last token."""
    site: int
    """Position from which on the answer is yes; equal to `last` for a candidate without an error."""


@dataclass(frozen=True)
class Example:
    """One label, ready for a batch."""

    ids: tuple[int, ...]
    """Prompt, completion, end token."""
    start: int
    """Position of the first completion token."""
    weights: tuple[float, ...]
    """One a completion token, end token included."""
    twin: str
    decision: str
    """Value of the decision field, "" for a domain without one."""
    site: SiteTarget | None = None
    cut: bool = False
    """Whether the prompt lost the middle of an argument."""


@dataclass(frozen=True)
class Rendering:
    """How calls become prompts; kept in the adapter's card, so that the simulator renders them in the same way."""

    max_tokens: int = 640
    evidence: bool = True


def unique(records: Iterable[LabelRecord]) -> list[LabelRecord]:
    """One label a call (a live one before others); refused calls are left out, as no model ever writes them."""
    best: dict[str, LabelRecord] = {}
    for record in records:
        known = best.get(record.call.key)
        if not record.result.is_error and (known is None or (record.source == "live" and known.source != "live")):
            best[record.call.key] = record
    return list(best.values())


def decision_of(domain: Domain, content: Mapping[str, Any]) -> str:
    """Value of the decision field as text; "" where there is none. Booleans are "true" and "false"."""
    if domain.fidelity.decision_field is None or domain.fidelity.decision_field not in content:
        return ""
    value = content[domain.fidelity.decision_field]
    return value if isinstance(value, str) else json.dumps(value)


def prompt_of(domain: Domain, spec: ToolSpec, record_call: Any, evidence: str) -> Prompt:
    """The prompt of a call, as training, calibration and the simulator all see it."""
    blocks = domain.prompt_arguments(record_call.arguments) if domain.prompt_arguments else None
    return render(spec, record_call, evidence=evidence, blocks=blocks)


def build(
    domain: Domain,
    records: Sequence[LabelRecord],
    tokenizer: Any,
    rendering: Rendering,
    evidence: Mapping[str, str],
    sites: bool = False,
) -> Iterator[Example]:
    """One example a record. `evidence` maps call keys to text; `sites` asks for site targets."""
    spec = domain.spec
    for record in records:
        prompt = prompt_of(domain, spec, record.call, evidence.get(record.call.key, ""))
        encoded = encode_full(tokenizer, prompt, rendering.max_tokens)
        text = completion(spec, record.result)
        ids, offsets = encode_offsets(tokenizer, text)
        weights = _weights(text, offsets, domain.fidelity.decision_field)
        target = _site_target(domain, record, prompt, encoded) if sites else None
        yield Example(
            ids=(*encoded.ids, *ids, tokenizer.eos_token_id),
            start=len(encoded.ids),
            weights=(*weights, STRUCTURE),
            twin=record.twin,
            decision=decision_of(domain, record.result.content),
            site=target,
            cut=any(start == end for start, end in encoded.offsets),
        )


def class_weights(examples: Sequence[Example], balance: float) -> dict[str, float]:
    """Decision -> loss weight, (average class size / its size) ** balance: 0 keeps the mix, 1 evens it out."""
    counts = Counter(example.decision for example in examples)
    average = len(examples) / max(1, len(counts))
    return {decision: (average / n) ** balance for decision, n in counts.items()}


def batch_order(examples: Sequence[Example], batch: int, seed: int, epoch: int) -> list[int]:
    """Indices in the order that consecutive chunks of `batch` are trained on.

    Twins stand beside each other, so that a batch holds a clean candidate and its broken copy and the gradient is of
    their difference; batches are of like length, since padding is computed too; their order is random.
    """
    chance = random.Random(f"{seed}:{epoch}")
    twins: dict[str, list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        twins[example.twin].append(index)
    groups = [group[i : i + batch] for group in twins.values() for i in range(0, len(group), batch)]
    length = {id(group): max(len(examples[i].ids) for i in group) * chance.uniform(0.95, 1.05) for group in groups}
    flat = [index for group in sorted(groups, key=lambda group: length[id(group)]) for index in group]
    chunks = [flat[i : i + batch] for i in range(0, len(flat), batch)]
    last = chunks.pop() if chunks and len(chunks[-1]) < batch else []
    chance.shuffle(chunks)
    return [index for chunk in chunks for index in chunk] + last


def _weights(text: str, offsets: Sequence[tuple[int, int]], decision_field: str | None) -> list[float]:
    """Weight of each completion token, by the value that its characters overlap."""
    weights = [STRUCTURE] * len(offsets)
    for name, start, end in value_spans(text):
        inside = overlapping(offsets, start, end)
        is_decision = not name or decision_field in (name, None)
        weight = DECISION if is_decision else min(VALUE, VALUE_TOTAL / max(1, len(inside)))
        for index in inside:
            weights[index] = max(weights[index], weight)
    return weights


def _site_target(domain: Domain, record: LabelRecord, prompt: Prompt, encoded: Encoded) -> SiteTarget | None:
    if not prompt.spans:
        return None
    heading, (begin, end) = list(prompt.spans.items())[-1]
    inside = [i for i in encoded.argument_tokens if begin <= encoded.offsets[i][0] and encoded.offsets[i][1] <= end]
    if not inside:
        return None
    first, last = inside[0], inside[-1] + 1
    if all(verdict(record.result.content) is not False for verdict in domain.fidelity.verdicts.values()):
        return SiteTarget(first, last, last)
    argument = record.call.arguments.get(record.tags.get("site_argument", heading))
    site = record.tags.get("site")
    if not site or not isinstance(argument, str):
        return None
    place = locate(argument, int(site[0]), prompt.text[begin:end])
    if place is None:
        return None
    reached = [i for i in inside if encoded.offsets[i][1] > begin + place]
    return SiteTarget(first, last, reached[0]) if reached else None


def locate(argument: str, place: int, block: str) -> int | None:
    """Where character `place` of an argument stands in the block made from it, or None.

    A block may leave whole lines out and change indentation; the line is found by its text and its rank among equals.
    """
    if argument == block:
        return place
    start = argument.rfind("\n", 0, place) + 1
    line = argument[start:].split("\n", 1)[0]
    wanted = line.strip()
    if not wanted:
        return None
    rank = sum(other.strip() == wanted for other in argument[:start].split("\n")[:-1])
    column = max(0, place - start - (len(line) - len(line.lstrip())))
    position = 0
    for other in block.split("\n"):
        if other.strip() == wanted:
            if rank == 0:
                return position + len(other) - len(other.lstrip()) + column
            rank -= 1
        position += len(other) + 1
    return None
