"""What a domain is: a frozen record of the parts that turn one tool into a labelled, adaptable, checkable thing.

Importing a domain needs no torch, no GPU and no compiler: everything costly is behind a function. A domain never
decides a label; its real tool does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from base_gtm.schema import ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from adapt.study.task import Task

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class CallItem:
    """One call worth labelling, with what a fair split and an honest report need to know of it."""

    call: ToolCall
    split: Split
    cohort: str
    """Column of the fidelity report: "seen", "unseen", "foreign", ..."""
    group: str
    """The unit that generalisation is measured over, e.g. the operator."""
    twin: str
    """Calls with one twin id (a clean one and its broken copies) are never divided between splits."""
    tags: Mapping[str, Any] = field(default_factory=dict)
    """Provenance: style, mistake, `site` ([start, end] of the mistake in an argument), ... Never shown to a model."""


@dataclass(frozen=True)
class Answered:
    """One real answer to a call."""

    item: CallItem
    result: ToolResult
    seconds: float
    """Wall time of the call alone."""
    environment: Mapping[str, Any]
    """Of the tool that answered."""


@dataclass(frozen=True)
class Unanswered:
    """A call under which the tool itself failed, on fresh workers too. It has no label, and the others go on."""

    item: CallItem
    reason: str


Engine = Callable[[Iterator[CallItem | None], int | None], Iterator[Answered | Unanswered]]
"""Asks the real tool about many calls: a stream of calls and how many at a time (None: as many as the engine has room
for) -> what came of each, as they come. Calls are taken from the stream only once the tool is open, and only as there
is room; the stream gives None where no call is due just now: answers go on coming, and it is asked again. Ending the
iteration early ends the workers. Raises AdaptError where nothing can be asked."""


class RealTool(Protocol):
    """The real thing, opened once and asked many times."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """What a label depends on besides the call: versions, hardware. JSON."""
        ...

    def call(self, call: ToolCall) -> ToolResult:
        """Ask the tool. A candidate's failure is a result, never an exception."""
        ...


Check = Callable[[ToolCall], ToolResult | None]
"""The real tool's result for a call that the check decides, None for any other."""


@dataclass(frozen=True)
class Exact:
    """A check that is cheaper than the real tool and never wrong where it answers, such as a compiler's front end."""

    open: Callable[[], AbstractContextManager[Check]]
    """Opened once and asked many times; several may be open at once, each asked from one thread. Raises AdaptError
    where this machine has none."""
    decides: tuple[str, ...]
    """Values of the decision field that it finds out: a call that it does not decide has, but for what the check
    cannot see, none of these."""


@dataclass(frozen=True)
class Evidence:
    """Cheap facts about a call, found without asking the real tool."""

    text: str
    """What goes into the prompt: short lines, most telling first."""
    vector: Mapping[str, float] = field(default_factory=dict)
    """The same facts as numbers, for the facts-only baseline; the same keys for every call."""


@dataclass(frozen=True)
class Published:
    """Figures of somebody else's simulator of such a tool, on other calls: shown beside ours, never compared."""

    name: str
    """Whose they are, and where they stand."""
    figures: Mapping[str, float]
    """Metric, named as in `adapt.metrics` -> value."""


@dataclass(frozen=True)
class Fidelity:
    """How a predicted result is held against the real one."""

    verdicts: Mapping[str, Callable[[Mapping[str, Any]], bool | None]]
    """Name -> the boolean read off a result's content, e.g. {"compiled": ..., "correct": ...}; None where a result says
    nothing about it."""
    numbers: Mapping[str, Callable[[Mapping[str, Any]], float | None]] = field(default_factory=dict)
    """Name -> a number read off a result's content, None where it does not apply, e.g. {"runtime_ms": ...}."""
    label: Callable[[Mapping[str, Any]], str] = lambda content: "answer"
    """The class that the label mix and the confusion matrix count."""
    decision_field: str | None = None
    """The enumerated output field whose distribution the verdicts are summed over; None for a tool without one."""
    published: Mapping[str, Published] = field(default_factory=dict)
    """Name of a verdict or number -> figures published elsewhere."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Name of a verdict or number -> what its figures are about, where that is easily mistaken."""


@dataclass(frozen=True)
class Domain:
    """One tool that a simulator can be adapted to."""

    name: str
    root: Path
    """Folder of the domain: spec.json, probes.jsonl, labels/, adapter/, README.md."""
    calls: Callable[[int], Iterator[CallItem]]
    """Seed -> an endless or finite stream of calls; the same seed gives the same stream."""
    open_real_tool: Callable[[], AbstractContextManager[RealTool]]
    """Opens the real tool; raises AdaptError with the reason where this machine has none."""
    fidelity: Fidelity
    evidence: Callable[[ToolCall], Evidence] | None = None
    """Facts for the prompt, within milliseconds; None where a domain has none."""
    prompt_arguments: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] | None = None
    """Arguments as (heading, text) blocks for the prompt, the most important last; None shows them as JSON."""
    prompt_tokens: int = 640
    """Longest prompt that `adapt train` allows where nobody says otherwise; longer arguments lose their middle."""
    foreign_calls: Callable[[], Iterator[CallItem]] | None = None
    """Small sets in styles that training never saw, all of split "test": cohort "foreign", or one of their own with
    the tag `foreign`."""
    missing: Callable[[], str] | None = None
    """What labels made on this machine will lack, in one line, and how to come by it; "" where nothing is missing."""
    engines: Mapping[str, Engine] = field(default_factory=dict)
    """Where many calls are asked at once, by the name for `adapt label --engine`; "local" where none is named. A domain
    without a local engine is asked by threads, an open real tool each."""
    exact: Exact | None = None
    """The cheap exact check that a gate may ask before the real tool; None where a domain has none."""
    evaluators: Mapping[str, Callable[[Path], AbstractContextManager[RealTool]]] = field(default_factory=dict)
    """Other people's evaluators of the same calls, by name: a folder with their sources -> one opened as a real tool.
    Each may be open several times at once. Raises AdaptError where it cannot be used here."""
    unprimed: Callable[[Domain, Path], Domain] | None = None
    """This domain and a folder -> the same with a real tool that knows of no earlier call and keeps what it works out
    in the folder: no arm of a study may profit from another's calls. None where the tool remembers nothing."""
    study: Callable[[], Task] | None = None
    """The task of `adapt study speedup`: an agent that learns with this tool; None where there is none."""
    aliases: tuple[str, ...] = ()
    """Other tool names that the router binds to this domain."""

    @property
    def spec(self) -> ToolSpec:
        """The tool spec, read from spec.json."""
        return ToolSpec.load(self.root / "spec.json")
