"""Local times in other zones, offsets, changes of the clocks, and hours that distant places share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from random import Random
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, day, magnitude, pick, several, tool, whole

_PLACES = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Paris",
    "Europe/Madrid",
    "Europe/Athens",
    "Europe/Istanbul",
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Africa/Johannesburg",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Bogota",
    "America/Mexico_City",
)
_NOWHERE = ("Europe/Munich", "America/Boston", "Asia/Beijing", "Asia/Mumbai", "Africa/Cape_Town", "Europe/Geneva")
"""Cities that people take for zones."""
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ZONE = r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+){0,2}$"
_ANY_PLACE = Like(pick(*_PLACES))

Zone = Annotated[
    str,
    Field(pattern=_ZONE, min_length=2, max_length=40, description="IANA time zone, such as Europe/Berlin"),
    _ANY_PLACE,
    Wrong(pick(*_NOWHERE)),
]
_CLOCK = Field(
    pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$",
    min_length=16,
    max_length=16,
    description="Date and time on the clocks of the zone, as 2025-03-30T14:05; 1970 to 2100",
)
_NO_TIME = Wrong(pick("2025-02-29T09:00", "2024-06-31T18:30", "2025-10-12T24:30", "2026-13-01T08:00"))


@cache
def _names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text().split())


@cache
def _loaded(name: str) -> ZoneInfo:
    """A zone as the package tzdata has it, whatever the system has."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def _zone(parameter: str, name: str) -> ZoneInfo:
    if name not in _names():
        near = get_close_matches(name, sorted(_names()), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "give one such as 'Europe/Berlin' or 'America/New_York'."
        raise Refused(f"parameter '{parameter}': '{name}' is no zone of the IANA time zone database; {hint}")
    return _loaded(name)


def _read(parameter: str, text: str) -> datetime:
    """A time without a zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"parameter '{parameter}': '{text}' is no day and time that there is; give one such as 2025-03-30T14:05"
        ) from None
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise Refused(f"parameter '{parameter}': '{text}' lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _local(parameter: str, text: str, zone: ZoneInfo) -> datetime:
    """A time in a zone; the first of the two where clocks go back. Raises Refused where they skip it."""
    moment = _read(parameter, text).replace(tzinfo=zone)
    real = moment.astimezone(UTC).astimezone(zone)
    if real.replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise Refused(
            f"parameter '{parameter}': the clocks in {zone.key} go forward over '{text}'; give a time before or after, "
            f"such as {_said(real)}"
        )
    return moment


def _said(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def _weekday(moment: datetime) -> str:
    return _WEEKDAYS[moment.weekday()]


def _offset(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")[16:]


def _offset_minutes(moment: datetime) -> int:
    return round((moment.utcoffset() or timedelta()) / timedelta(minutes=1))


def _day_shift(first: datetime, second: datetime) -> int:
    return (second.date() - first.date()).days


def _any_time(rng: Random) -> str:
    hour, minute = rng.randint(0, 23), rng.choice((0, 0, 15, 30, 30, 45, 50))
    return f"{day('2018-01-01', '2031-12-31')(rng)}T{hour:02d}:{minute:02d}"


class LocalTime(Result):
    local_time: str = Field(description="Date and time on the clocks of the other zone")
    weekday: str = Field(description="Weekday there")
    day_shift: int = Field(description="Days by which the date there is ahead: -1, 0 or 1")
    hours_ahead: float = Field(description="Hours by which the clocks there are ahead; negative for behind")
    utc_time: str = Field(description="The same moment in UTC")
    ambiguous: bool = Field(description="Whether clocks showed the first time twice; the earlier one is taken")


@tool(
    "Time zones",
    "Conversion",
    "When it is {local_time} in {from_zone}, what time is it in {to_zone}?",
    "convert {local_time} {from_zone} to {to_zone}",
    "A webinar starts at {local_time} on the clocks of {from_zone}. I am in {to_zone}: when do I have to tune in?",
)
def convert_local_time(
    local_time: Annotated[str, _CLOCK, Like(_any_time), _NO_TIME], from_zone: Zone, to_zone: Zone
) -> LocalTime:
    """Convert a local time between two zones, daylight saving time of that day included."""
    here = _local("local_time", local_time, _zone("from_zone", from_zone))
    there = here.astimezone(UTC).astimezone(_zone("to_zone", to_zone))
    return LocalTime(
        local_time=_said(there),
        weekday=_weekday(there),
        day_shift=_day_shift(here, there),
        hours_ahead=round((_offset_minutes(there) - _offset_minutes(here)) / 60, 4),
        utc_time=_said(here.astimezone(UTC)) + "Z",
        ambiguous=here.replace(fold=1).utcoffset() != here.utcoffset(),
    )


class ZoneClock(Result):
    zone: str = Field(description="The zone")
    local_time: str = Field(description="Date and time there")
    weekday: str = Field(description="Weekday there")
    offset: str = Field(description="Offset from UTC, such as +05:30")


class WorldClock(Result):
    clocks: list[ZoneClock] = Field(description="One for each zone, in the order given")
    spread_hours: float = Field(description="Hours between the first and the last of these clocks")


@tool(
    "Time zones",
    "Conversion",
    "It is {utc_time} UTC. What do the clocks show in {zones}?",
    "world clock for {zones} at {utc_time} UTC",
)
def world_clock_times(
    utc_time: Annotated[str, _CLOCK, Like(_any_time), _NO_TIME],
    zones: Annotated[
        list[Annotated[str, Field(pattern=_ZONE, min_length=2, max_length=40)]],
        Field(min_length=1, max_length=8, description="IANA time zones"),
        Like(several(pick(*_PLACES), 2, 5, unique=True)),
        Wrong(lambda rng: ["Europe/Berlin", rng.choice(_NOWHERE)]),
    ],
) -> WorldClock:
    """Tell the local times of several zones at one moment that is given in UTC."""
    moment = _read("utc_time", utc_time).replace(tzinfo=UTC)
    there = [(name, moment.astimezone(_zone("zones", name))) for name in zones]
    minutes = [_offset_minutes(local) for _, local in there]
    return WorldClock(
        clocks=[
            ZoneClock(zone=name, local_time=_said(local), weekday=_weekday(local), offset=_offset(local))
            for name, local in there
        ],
        spread_hours=round((max(minutes) - min(minutes)) / 60, 4),
    )


class Timestamp(Result):
    local_time: str = Field(description="Date and time with seconds and offset by ISO 8601")
    weekday: str = Field(description="Weekday")
    day_of_year: int = Field(description="1 for 1 January")
    abbreviation: str = Field(description="What the zone is called then, such as CET")


@tool(
    "Time zones",
    "Conversion",
    "The log says {timestamp}. Which date and time is that?",
    "unix time {timestamp} as a date please",
    "What does the clock show in {zone} at Unix time {timestamp}?",
)
def unix_timestamp_to_local(
    timestamp: Annotated[
        int,
        Field(ge=0, le=4102444799, description="Seconds since 1970-01-01T00:00:00Z, before the year 2100"),
        Like(lambda rng: rng.randint(9 * 10**8, 19 * 10**8)),
    ],
    zone: Zone = "UTC",
) -> Timestamp:
    """Tell the local date and time of a Unix timestamp in seconds."""
    local = datetime.fromtimestamp(timestamp, _zone("zone", zone))
    return Timestamp(
        local_time=local.isoformat(),
        weekday=_weekday(local),
        day_of_year=local.timetuple().tm_yday,
        abbreviation=local.tzname() or zone,
    )


class ZoneOffset(Result):
    offset: str = Field(description="Offset from UTC, such as -03:30")
    offset_minutes: int = Field(description="The same in minutes")
    abbreviation: str = Field(description="What the zone is called then, such as CEST")
    clocks_forward: bool = Field(description="Whether clocks are ahead of the lesser offset of 1 January and 1 July")


@tool(
    "Time zones",
    "Daylight saving",
    "What is the UTC offset of {zone} at {utc_time} UTC?",
    "Is {zone} on summer time at {utc_time} UTC, and how far from UTC is it?",
)
def utc_offset_of_zone(zone: Zone, utc_time: Annotated[str, _CLOCK, Like(_any_time), _NO_TIME]) -> ZoneOffset:
    """Offset of a zone from UTC at a moment that is given in UTC, and whether its clocks are put forward then."""
    place = _zone("zone", zone)
    local = _read("utc_time", utc_time).replace(tzinfo=UTC).astimezone(place)
    usual = min(_offset_minutes(datetime(local.year, month, 1, tzinfo=place)) for month in (1, 7))
    return ZoneOffset(
        offset=_offset(local),
        offset_minutes=_offset_minutes(local),
        abbreviation=local.tzname() or zone,
        clocks_forward=_offset_minutes(local) > usual,
    )


class ClockChange(Result):
    utc_time: str = Field(description="Moment of the change in UTC")
    local_before: str = Field(description="What clocks would have shown")
    local_after: str = Field(description="What they show instead")
    shift_minutes: int = Field(description="Minutes that clocks go forward; negative for back")
    offset_after: str = Field(description="Offset from UTC from then on")


class ClockChanges(Result):
    changes: list[ClockChange] = Field(description="Changes in the order of time")
    changes_clocks: bool = Field(description="Whether there is any in that year")


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> ClockChange:
    """The change of offset between two moments in UTC, to the second."""
    old = before.astimezone(zone).utcoffset() or timedelta()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    new = after.astimezone(zone)
    return ClockChange(
        utc_time=_said(after) + "Z",
        local_before=_said(after + old),
        local_after=_said(new),
        shift_minutes=round(((new.utcoffset() or timedelta()) - old) / timedelta(minutes=1)),
        offset_after=_offset(new),
    )


@tool(
    "Time zones",
    "Daylight saving",
    "When do the clocks change in {zone} in {year}?",
    "DST transitions of {zone}, {year}",
    "I schedule night jobs on a server in {zone}. Which hours of {year} are skipped or repeated there?",
)
def daylight_saving_changes(
    zone: Zone, year: Annotated[int, Field(ge=1971, le=2099, description="Calendar year"), Like(whole(1985, 2032))]
) -> ClockChanges:
    """List the moments in a year at which the UTC offset of a zone changes; future years by the rules of today."""
    place = _zone("zone", zone)
    days = [datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(367)]
    offsets = [moment.astimezone(place).utcoffset() for moment in days]
    changes = [_change(days[n], days[n + 1], place) for n in range(366) if offsets[n] != offsets[n + 1]]
    within = [one for one in changes if one.utc_time.startswith(f"{year}-")]
    return ClockChanges(changes=within, changes_clocks=bool(within))


class Window(Result):
    zone: str = Field(description="The zone")
    starts: str = Field(description="Begin of the common hours on the clocks there")
    ends: str = Field(description="End of the common hours there")


class Overlap(Result):
    minutes: int = Field(description="Length of the common hours; 0 where there are none")
    starts_utc: str | None = Field(description="Begin in UTC; null where there are none")
    ends_utc: str | None = Field(description="End in UTC; null where there are none")
    windows: list[Window] = Field(description="The common hours in each zone; empty where there are none")


_TEAMS = (
    ["Europe/London", "America/New_York"],
    ["Europe/Berlin", "America/New_York"],
    ["Europe/Berlin", "Asia/Kolkata"],
    ["Europe/Paris", "Africa/Lagos", "Asia/Dubai"],
    ["Asia/Singapore", "Asia/Tokyo", "Australia/Sydney"],
    ["America/Los_Angeles", "America/Chicago", "America/New_York"],
    ["America/Sao_Paulo", "Europe/Madrid"],
    ["America/Los_Angeles", "Europe/London"],
    ["Asia/Kolkata", "Asia/Shanghai"],
    ["Europe/Athens", "Africa/Nairobi", "Asia/Kolkata"],
    ["Pacific/Auckland", "Australia/Adelaide"],
    ["America/Denver", "America/Bogota", "Europe/London"],
)


def _office(rng: Random) -> Mapping[str, Any]:
    drawn: dict[str, Any] = {"zones": list(rng.choice(_TEAMS)), "on_date": day("2019-01-01", "2030-12-31")(rng)}
    if rng.random() < 0.5:
        drawn |= {"opens": rng.choice((7, 8, 10)), "closes": rng.choice((16, 18, 19, 20))}
    return drawn


@tool(
    "Time zones",
    "Scheduling",
    "When on {on_date} are the offices in {zones} all at work?",
    "find common working hours for {zones} on {on_date}",
    "Our people in {zones} work from {opens} to {closes} o'clock. Which hours do they share on {on_date}?",
    together=_office,
)
def meeting_overlap(
    zones: Annotated[
        list[Annotated[str, Field(pattern=_ZONE, min_length=2, max_length=40)]],
        Field(min_length=2, max_length=6, description="IANA time zones of those who meet"),
        Wrong(lambda rng: ["Europe/London", rng.choice(_NOWHERE)]),
    ],
    on_date: Annotated[date, Field(description="Day of the meeting in every zone, 1970 to 2100")],
    opens: Annotated[
        int, Field(ge=0, le=23, description="Hour at which work begins everywhere"), Like(pick(8), given=0)
    ] = 9,
    closes: Annotated[
        int, Field(ge=1, le=24, description="Hour at which work ends everywhere"), Like(pick(18), given=0)
    ] = 17,
) -> Overlap:
    """Find the time on one date at which it is working hours in every zone."""
    if not _FIRST_YEAR <= on_date.year <= _LAST_YEAR:
        raise Refused(f"parameter 'on_date': {on_date} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    if closes <= opens:
        raise Refused(f"parameter 'closes': work cannot end at {closes} when it begins at {opens}; give a later hour")
    places = [(name, _zone("zones", name)) for name in zones]
    midnight = datetime(on_date.year, on_date.month, on_date.day)
    starts = max((midnight + timedelta(hours=opens)).replace(tzinfo=zone).astimezone(UTC) for _, zone in places)
    ends = min((midnight + timedelta(hours=closes)).replace(tzinfo=zone).astimezone(UTC) for _, zone in places)
    if ends <= starts:
        return Overlap(minutes=0, starts_utc=None, ends_utc=None, windows=[])
    return Overlap(
        minutes=(ends - starts) // timedelta(minutes=1),
        starts_utc=_said(starts) + "Z",
        ends_utc=_said(ends) + "Z",
        windows=[
            Window(zone=name, starts=_said(starts.astimezone(zone)), ends=_said(ends.astimezone(zone)))
            for name, zone in places
        ],
    )


class Arrival(Result):
    arrives: str = Field(description="Date and time on the clocks of the destination")
    weekday: str = Field(description="Weekday of the arrival")
    day_shift: int = Field(description="Days between the dates of departure and arrival")
    clock_difference_hours: float = Field(description="Hours to put the watch forward; negative for back")


@tool(
    "Time zones",
    "Scheduling",
    "My flight leaves at {departs} ({from_zone} time) and takes {flight_minutes} minutes. When do I land in {to_zone}?",
    "departure {departs} {from_zone}, {flight_minutes} min in the air, arrival local time {to_zone}?",
)
def flight_arrival_time(
    departs: Annotated[str, _CLOCK, Like(_any_time), _NO_TIME],
    from_zone: Zone,
    flight_minutes: Annotated[
        int,
        Field(ge=1, le=2880, description="Time from departure to arrival in minutes"),
        Like(lambda rng: 5 * round(magnitude(60, 900)(rng) / 5)),
    ],
    to_zone: Zone,
) -> Arrival:
    """Local time of arrival of a flight or call that leaves one zone at its local time and ends in another."""
    start = _local("departs", departs, _zone("from_zone", from_zone))
    end = (start.astimezone(UTC) + timedelta(minutes=flight_minutes)).astimezone(_zone("to_zone", to_zone))
    return Arrival(
        arrives=_said(end),
        weekday=_weekday(end),
        day_shift=_day_shift(start, end),
        clock_difference_hours=round((_offset_minutes(end) - _offset_minutes(start)) / 60, 4),
    )


class Elapsed(Result):
    minutes: int = Field(description="Minutes that really pass")
    hours: float = Field(description="The same in hours")
    duration: str = Field(description="The same by ISO 8601, such as PT13H35M")


def _journey(rng: Random) -> Mapping[str, Any]:
    first, second = rng.sample(_PLACES, 2)
    start = datetime.fromisoformat(_any_time(rng)).replace(tzinfo=_loaded(first)).astimezone(UTC)
    end = start + timedelta(minutes=5 * rng.randint(12, 300))
    return {
        "start_time": _said(start.astimezone(_loaded(first))),
        "start_zone": first,
        "end_time": _said(end.astimezone(_loaded(second))),
        "end_zone": second,
    }


@tool(
    "Time zones",
    "Scheduling",
    "I left at {start_time} in {start_zone} and arrived at {end_time} in {end_zone}. How long was I under way?",
    "elapsed time from {start_time} {start_zone} to {end_time} {end_zone}",
    together=_journey,
)
def elapsed_across_zones(
    start_time: Annotated[str, _CLOCK, _NO_TIME],
    start_zone: Zone,
    end_time: Annotated[str, _CLOCK, _NO_TIME],
    end_zone: Zone,
) -> Elapsed:
    """Time that really passes between two local times in two zones, changes of the clocks included."""
    start = _local("start_time", start_time, _zone("start_zone", start_zone)).astimezone(UTC)
    end = _local("end_time", end_time, _zone("end_zone", end_zone)).astimezone(UTC)
    if end < start:
        raise Refused(
            f"parameter 'end_time': {end_time} in {end_zone} comes before {start_time} in {start_zone}; "
            "give a later time or swap the two"
        )
    minutes = (end - start) // timedelta(minutes=1)
    return Elapsed(minutes=minutes, hours=round(minutes / 60, 4), duration=f"PT{minutes // 60}H{minutes % 60}M")
