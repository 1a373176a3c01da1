"""Samples: a clean candidate and its broken twin, drawn from a seed.

Guarantees: `pair(seed, index)`, `siblings(seed, index)` and `stream(seed)` give the same text in every process and on
every Python version; a broken copy differs from its clean one in one replacement; nothing here says what a sample's
label is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from kernelbench_harness.corpus.full_sizes import FullSize, full_variants
from kernelbench_harness.corpus.languages.host import Plan
from kernelbench_harness.corpus.mistakes import ALL as ALL_MISTAKES
from kernelbench_harness.corpus.mistakes import Mistake, MistakeClass
from kernelbench_harness.corpus.operator import Operator, problem_code, problem_of
from kernelbench_harness.corpus.operators import ALL as ALL_OPERATORS
from kernelbench_harness.corpus.plan import LANGUAGES, planned, rendered
from kernelbench_harness.corpus.text import Draft
from kernelbench_harness.errors import HarnessError
from kernelbench_harness.label import Problem

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in ALL_OPERATORS}
MISTAKES: dict[str, Mistake] = {mistake.name: mistake for mistake in ALL_MISTAKES}
_CLASSES: dict[MistakeClass, int] = {"compile": 44, "runtime": 14, "value": 28, "shape": 7, "performance": 7}
"""Of a hundred broken twins."""
_COMPILE_ONLY: dict[MistakeClass, int] = {"compile": 100}
_OTHERS: dict[MistakeClass, int] = {"compile": 14, "runtime": 24, "value": 36, "shape": 13, "performance": 13}
"""Of a hundred second siblings: mostly copies that look wrong and compile."""
_FULL_SHARE = 0.5
"""Of the families whose operator has sizes for a GPU, the share that gets them."""
_ATTEMPTS = 12


@dataclass(frozen=True)
class Sample:
    """One candidate with its provenance. The provenance is never shown to a model."""

    problem: Problem
    operator: str
    family: str
    language: str
    style: str
    mistake: str | None
    """Kind of mistake that was planted; None for the clean twin."""
    mistake_class: MistakeClass
    twin: str
    """Shared by a clean sample and its broken copies."""
    code: str
    site: tuple[int, int] | None
    """Span of the planted edit, in characters of `code`."""
    seed: int


def pair(seed: int, index: int, language: str = "cpp") -> tuple[Sample, ...]:
    """A clean sample and one broken twin in the same style; HarnessError for a language that is not generated."""
    _check(language)
    rng = Random(f"{seed}:{index}")
    operator = rng.choice(ALL_OPERATORS)
    plan, variant = planned(operator, rng, language)
    draft = rendered(plan, language)
    family = _Family(problem_of(operator, variant), plan, draft, language, f"{language}-{seed}-{index}", seed)
    planted = _planted(draft, rng, language, _CLASSES)
    return (family.clean(),) if planted is None else (family.clean(), family.broken(*planted))


def siblings(seed: int, index: int, language: str = "cuda") -> tuple[Sample, ...]:
    """A clean sample, a copy with a mistake that a compiler should notice, and a copy with another one, mostly of a
    kind that compiles: about two in five do not compile.

    Half of the families whose operator corresponds to a KernelBench problem have sizes of a GPU (scale "full"); the
    others have those of a CPU. HarnessError for a language that is not generated.
    """
    _check(language)
    rng = Random(f"siblings:{seed}:{index}")
    operator = rng.choice(ALL_OPERATORS)
    full = full_variants(operator) if rng.random() < _FULL_SHARE else ()
    plan, variant = planned(operator, rng, language, [size.values for size in full] or None)
    problem = _at_full_size(operator, full[variant]) if full else problem_of(operator, variant)
    draft = rendered(plan, language)
    family = _Family(problem, plan, draft, language, f"{language}-family-{seed}-{index}", seed)
    samples = [family.clean()]
    for classes in (_COMPILE_ONLY, _OTHERS):
        planted = _planted(draft, rng, language, classes)
        if planted is not None and all(planted[1] != known.code for known in samples):
            samples.append(family.broken(*planted))
    return tuple(samples)


def _at_full_size(operator: Operator, size: FullSize) -> Problem:
    code = problem_code(operator, size.values)
    return Problem(operator.name, code, size.level, size.problem_id, "corpus", "full")


@dataclass(frozen=True)
class _Family:
    """What a clean candidate and its broken copies share."""

    problem: Problem
    plan: Plan
    draft: Draft
    language: str
    twin: str
    seed: int

    def clean(self) -> Sample:
        return self._sample(self.draft.text, None, None)

    def broken(self, mistake: Mistake, code: str, site: tuple[int, int]) -> Sample:
        return self._sample(code, mistake, site)

    def _sample(self, code: str, mistake: Mistake | None, site: tuple[int, int] | None) -> Sample:
        name = mistake.name if mistake else None
        kind: MistakeClass = mistake.mistake_class if mistake else "none"
        operator, style = self.plan.operator, self.plan.style.id
        return Sample(
            self.problem, operator.name, operator.family, self.language, style, name, kind, self.twin, code, site,
            self.seed,
        )  # fmt: skip


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise HarnessError(f"no kernel corpus in {language!r}: choose one of {', '.join(LANGUAGES)}")


def _planted(
    draft: Draft, rng: Random, language: str, classes: Mapping[MistakeClass, int]
) -> tuple[Mistake, str, tuple[int, int]] | None:
    """A mistake, the broken text and the place of the edit; kinds without a place in this draft are drawn again."""
    kind = rng.choices(list(classes), list(classes.values()))[0]
    for attempt in range(_ATTEMPTS):
        fitting = [
            m for m in ALL_MISTAKES if language in m.languages and (m.mistake_class == kind or attempt > _ATTEMPTS // 2)
        ]
        if not fitting:
            continue
        mistake = rng.choices(fitting, [m.weight for m in fitting])[0]
        edit = mistake.plant(draft, rng)
        if edit is None:
            continue
        code, site = draft.applied(edit)
        if code != draft.text:
            return mistake, code, site
    return None


def broken_copy(draft: Draft, rng: Random, language: str) -> str | None:
    """The text of a draft with one mistake planted, its kind drawn as for `pair`; None where none has a place."""
    planted = _planted(draft, rng, language, _CLASSES)
    return planted and planted[1]


def stream(seed: int, language: str = "cpp") -> Iterator[Sample]:
    """Endless samples, twins one after the other; half of them clean."""
    for index in count():
        yield from pair(seed, index, language)
