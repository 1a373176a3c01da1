"""A diary: events are booked, moved and cancelled; gaps and clashes are found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, pairwise
from random import Random
from typing import Annotated, Any

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Of, Refused, Result, Wrong, day, pick, tool

_TITLES = (
    "Team meeting",
    "Dentist",
    "Lunch with Priya",
    "Interview",
    "Budget review",
    "Yoga class",
    "Call with supplier",
    "Project demo",
)
_TIMES = ("08:30", "09:00", "09:30", "10:00", "11:15", "13:00", "14:00", "14:30", "16:00")
_LENGTHS = (15, 30, 45, 60, 90)
_MIDNIGHT = 24 * 60
_WEEK = ("2025-06-02", "2025-06-06")


@dataclass
class Event:
    """Something that takes place; times in minutes after midnight."""

    title: str
    day: date
    start: int
    minutes: int

    @property
    def end(self) -> int:
        """First minute after it."""
        return self.start + self.minutes


@dataclass
class Diary:
    """Events by number; a cancelled event's number is never given again."""

    events: dict[str, Event] = field(default_factory=dict)
    made: int = 0

    @classmethod
    def start(cls, rng: Random) -> Diary:
        diary = cls()
        for title in rng.sample(_TITLES, 3):
            when = date.fromisoformat(day(*_WEEK)(rng))
            diary.add(Event(title, when, _minutes(rng.choice(_TIMES)), rng.choice(_LENGTHS)))
        return diary

    def add(self, event: Event) -> str:
        """Number an event."""
        self.made += 1
        number = f"EVT-{100 + self.made}"
        self.events[number] = event
        return number

    def on(self, when: date) -> dict[str, Event]:
        """Events of a day by start, then number."""
        found = [(number, event) for number, event in self.events.items() if event.day == when]
        return dict(sorted(found, key=lambda one: one[1].start))


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _period(rng: Random) -> dict[str, Any]:
    first, last = sorted(day(*_WEEK)(rng) for _ in range(2))
    return {"first_day": first, "last_day": last}


EventNumber = Annotated[
    str,
    Field(pattern="^EVT-[0-9]{3,6}$", description="Number of the event"),
    Of(lambda diary, rng: rng.choice(sorted(diary.events) or [None])),
    Wrong(pick("EVT-001", "EVT-099")),
]
Day = Annotated[date, Field(description="Day"), Like(day(*_WEEK))]
FirstDay = Annotated[date, Field(description="First day that counts"), Like(day(*_WEEK))]
LastDay = Annotated[date, Field(description="Last day that counts, not before the first"), Like(day(*_WEEK))]
Clock = Annotated[
    str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Start as HH:MM, 24 hours"), Like(pick(*_TIMES))
]


class EventView(Result):
    event: str = Field(description="Number of the event")
    title: str = Field(description="What it is")
    day: date = Field(description="Day on which it takes place")
    start: str = Field(description="Start as HH:MM")
    end: str = Field(description="End as HH:MM; 24:00 is midnight")


class BookedEvent(Result):
    event: str = Field(description="Number of the event")
    day: date = Field(description="Day on which it takes place")
    start: str = Field(description="Start as HH:MM")
    end: str = Field(description="End as HH:MM; 24:00 is midnight")
    overlaps: list[str] = Field(description="Numbers of events at the same time, by start")


@tool(
    "Scheduling",
    "Events",
    "Book {title} on {day} at {start}.",
    "Put '{title}' into my diary: {day}, {start}, {minutes} minutes.",
)
def schedule_event(
    state: Diary,
    title: Annotated[str, Field(min_length=1, max_length=80, description="What it is"), Like(pick(*_TITLES))],
    day: Day,
    start: Clock,
    minutes: Annotated[int, Field(ge=5, le=720, description="Length in minutes"), Like(pick(*_LENGTHS), 0.7)] = 60,
) -> BookedEvent:
    """Book an event, which must end by midnight of its day. Events may overlap; those that do are named."""
    event = Event(title, day, _minutes(start), minutes)
    _ends_in_time(event, "minutes")
    return _booked(state, state.add(event))


@tool(
    "Scheduling",
    "Events",
    "Move {event} to {day}, {start}.",
    "Can we have {event} at {start} on {day} instead?",
)
def move_event(state: Diary, event: EventNumber, day: Day, start: Clock) -> BookedEvent:
    """Move an event to another day or time; it keeps its length and must end by midnight."""
    known = _event(state, event)
    moved = Event(known.title, day, _minutes(start), known.minutes)
    _ends_in_time(moved, "start")
    state.events[event] = moved
    return _booked(state, event)


class CancelledEvent(Result):
    event: str = Field(description="Number of the event that is no more")
    title: str = Field(description="What it was")
    events_left: int = Field(description="Events that are left on that day")


@tool("Scheduling", "Events", "Cancel {event}.", "{event} is off, take it out of the diary.")
def cancel_event(state: Diary, event: EventNumber) -> CancelledEvent:
    """Take an event out of the diary."""
    known = _event(state, event)
    del state.events[event]
    return CancelledEvent(event=event, title=known.title, events_left=len(state.on(known.day)))


class Agenda(Result):
    events: list[EventView] = Field(description="Events by day and start")
    booked_minutes: int = Field(description="Minutes with at least one event")


@tool(
    "Scheduling",
    "Overview",
    "What do I have from {first_day} to {last_day}?",
    "List my events between {first_day} and {last_day}.",
    together=_period,
)
def list_agenda(state: Diary, first_day: FirstDay, last_day: LastDay) -> Agenda:
    """Events of a day or a period, and how much time they take; time with two events counts once."""
    days = _days(state, first_day, last_day)
    events = [_view(number, event) for one in days for number, event in state.on(one).items()]
    busy = sum(end - start for one in days for start, end in _blocks(state, one))
    return Agenda(events=events, booked_minutes=busy)


class Slot(Result):
    start: str = Field(description="Start as HH:MM")
    end: str = Field(description="End as HH:MM")
    minutes: int = Field(description="Length in minutes")


class FreeTime(Result):
    slots: list[Slot] = Field(description="Gaps that are long enough, earliest first")
    longest: int = Field(description="Length of the longest of them in minutes, 0 without any")


@tool(
    "Scheduling",
    "Overview",
    "When do I have {minutes} minutes on {day}?",
    "Find a gap of {minutes} minutes on {day}, not before {earliest}.",
    "On {day} I need {minutes} minutes between {earliest} and {latest}. When is that possible?",
)
def find_free_slots(
    state: Diary,
    day: Day,
    minutes: Annotated[int, Field(ge=5, le=720, description="Least length in minutes"), Like(pick(30, 45, 60, 120))],
    earliest: Annotated[
        str,
        Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Begin of the time that counts, HH:MM"),
        Like(pick("08:00", "10:00", "12:00"), 0.4),
    ] = "09:00",
    latest: Annotated[
        str,
        Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="End of the time that counts, HH:MM"),
        Like(pick("16:00", "18:00", "20:00"), 0.4),
        Wrong(pick("00:00")),
    ] = "17:00",
) -> FreeTime:
    """Gaps of a day without any event, within the time that counts, of at least so many minutes."""
    first, last = _minutes(earliest), _minutes(latest)
    if first >= last:
        raise Refused(f"parameter 'latest': {latest} is not after {earliest}; give an end after the begin")
    taken = [(start, end) for start, end in _blocks(state, day) if start < last and end > first]
    edges = [(first, first), *taken, (last, last)]
    gaps = [(end, start) for (_, end), (start, _) in pairwise(edges) if start - end >= minutes]
    slots = [Slot(start=_clock(start), end=_clock(end), minutes=end - start) for start, end in gaps]
    return FreeTime(slots=slots, longest=max((one.minutes for one in slots), default=0))


class Clash(Result):
    first: str = Field(description="Number of the event that starts first, or has the lower number")
    second: str = Field(description="Number of the other event")
    day: date = Field(description="Day of both")
    minutes: int = Field(description="Minutes that they have in common")


class Clashes(Result):
    clashes: list[Clash] = Field(description="Pairs of events at the same time, by day and start")
    free_of_clashes: bool = Field(description="Whether there are none")


@tool(
    "Scheduling",
    "Overview",
    "Do any events clash between {first_day} and {last_day}?",
    "Check my diary from {first_day} to {last_day} for double bookings.",
    together=_period,
)
def detect_clashes(state: Diary, first_day: FirstDay, last_day: LastDay) -> Clashes:
    """Pairs of events that overlap; one that begins when the other ends does not."""
    found = [
        Clash(first=one, second=other, day=when, minutes=common)
        for when in _days(state, first_day, last_day)
        for (one, a), (other, b) in combinations(state.on(when).items(), 2)
        if (common := min(a.end, b.end) - max(a.start, b.start)) > 0
    ]
    return Clashes(clashes=found, free_of_clashes=not found)


def _event(diary: Diary, number: str) -> Event:
    if number not in diary.events:
        known = ", ".join(sorted(diary.events)) or "none"
        raise Refused(f"parameter 'event': there is no event '{number}'; there are {known}")
    return diary.events[number]


def _ends_in_time(event: Event, parameter: str) -> None:
    if event.end > _MIDNIGHT:
        raise Refused(
            f"parameter '{parameter}': {event.minutes} minutes from {_clock(event.start)} go past midnight; "
            "an event ends on the day on which it starts"
        )


def _days(diary: Diary, first: date, last: date) -> list[date]:
    """Days of a period that have events."""
    if last < first:
        raise Refused(f"parameter 'last_day': {last} lies before {first}; give the first day first")
    return sorted({event.day for event in diary.events.values() if first <= event.day <= last})


def _blocks(diary: Diary, when: date) -> list[tuple[int, int]]:
    """Start and end of the times of a day that have events, joined where they touch."""
    blocks: list[tuple[int, int]] = []
    for event in diary.on(when).values():
        if blocks and event.start <= blocks[-1][1]:
            blocks[-1] = (blocks[-1][0], max(blocks[-1][1], event.end))
        else:
            blocks.append((event.start, event.end))
    return blocks


def _view(number: str, event: Event) -> EventView:
    return EventView(event=number, title=event.title, day=event.day, start=_clock(event.start), end=_clock(event.end))


def _booked(diary: Diary, number: str) -> BookedEvent:
    event = diary.events[number]
    overlaps = [
        other
        for other, known in diary.on(event.day).items()
        if other != number and known.start < event.end and event.start < known.end
    ]
    return BookedEvent(event=number, day=event.day, start=_clock(event.start), end=_clock(event.end), overlaps=overlaps)
