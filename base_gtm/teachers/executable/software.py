"""Versions, schedules, log lines, URLs, path patterns, build order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, pick, several, tool, whole


def _release(rng: Random) -> str:
    """A version of a Python package."""
    numbers = [str(rng.randint(0, 12)) for _ in range(rng.choice((2, 3, 3, 3)))]
    ending = rng.choice(("", "", "", "", "rc1", "a2", "b1", ".post1", ".dev3", "-alpha.1", "+local.7"))
    return rng.choice(("", "", "v")) + ".".join(numbers) + ending


def _two_releases(rng: Random) -> Mapping[str, Any]:
    first = _release(rng)
    nearby = re.sub("[0-9]+$", lambda last: str(int(last[0]) + rng.choice((0, 1, 9))), first)
    return {"first": first, "second": nearby if rng.random() < 0.5 else _release(rng)}


Release = Annotated[str, Field(min_length=1, max_length=40, description="Version by PEP 440, such as 2.1.0rc1")]
_NO_RELEASE = Wrong(pick("latest", "1..2", "one.two", "2.x", "1.0-", "abc", "1.2.3.four"))


class VersionOrder(Result):
    relation: Literal["older", "equal", "newer"] = Field(description="The first version beside the second")
    first_normalised: str = Field(description="First version in PEP 440's normal form")
    second_normalised: str = Field(description="Second version in PEP 440's normal form")
    same_release_series: bool = Field(description="Whether both have the same major and minor number")
    involves_prerelease: bool = Field(description="Whether either is an alpha, beta, candidate or development release")


@tool(
    "Software",
    "Versions",
    "Is version {first} older or newer than {second}?",
    "compare {first} and {second} (Python package versions)",
    together=_two_releases,
)
def compare_package_versions(
    first: Annotated[Release, _NO_RELEASE], second: Annotated[Release, _NO_RELEASE]
) -> VersionOrder:
    """Order of two versions of a Python package by PEP 440."""
    one, other = _version(first, "first"), _version(second, "second")
    return VersionOrder(
        relation="older" if one < other else "newer" if one > other else "equal",
        first_normalised=str(one),
        second_normalised=str(other),
        same_release_series=(one.epoch, one.major, one.minor) == (other.epoch, other.major, other.minor),
        involves_prerelease=one.is_prerelease or other.is_prerelease,
    )


def _version(text: str, name: str) -> Any:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        raise Refused(
            f"parameter '{name}': {text!r} is no version by PEP 440; give one such as 1.4.2 or 2.0rc1"
        ) from None


def _requirement(rng: Random) -> Mapping[str, Any]:
    major, minor = rng.randint(0, 5), rng.randint(0, 9)
    specifiers = (
        f">={major}.{minor}",
        f"~={major}.{minor}",
        f"~={major}.{minor}.2",
        f"=={major}.*",
        f"<{major + 1}",
        f"!={major}.{minor}",
        f">={major}.{minor},<{major + 2}",
        f">{major}.{minor},!={major}.{minor + 1}.0",
    )
    nearby = several(
        lambda one: (
            f"{major + one.choice((0, 0, 1))}.{max(0, minor + one.randint(-1, 2))}"
            f"{one.choice(('', '.0', '.2', '.3', 'rc1', '.7'))}"
        ),
        3,
        7,
        unique=True,
    )
    return {"specifier": rng.choice(specifiers), "versions": nearby(rng)}


class SpecifierMatches(Result):
    matching: list[str] = Field(description="Versions that satisfy it, from old to new, in normal form")
    best: str | None = Field(
        description="The newest of them, which an installer would choose; null where there is none"
    )
    rejected: int = Field(description="Versions that do not satisfy it")


@tool(
    "Software",
    "Versions",
    "Which of {versions} satisfy {specifier}?",
    "pip has {versions} to choose from and the requirement is {specifier}. Which one is installed?",
    "Out of {versions}, list what matches '{specifier}' (pre-releases allowed: {allow_prereleases}).",
    together=_requirement,
)
def version_specifier_match(
    specifier: Annotated[
        str,
        Field(min_length=1, max_length=80, description="Version specifiers of PEP 440, parted by commas"),
        Wrong(pick("latest", ">=", "=>1.0", "~=2", "^1.2.3", ">1.0 <2.0", "1.2.x")),
    ],
    versions: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]],
        Field(min_length=1, max_length=40, description="Versions there are"),
        Wrong(pick(["1.0", "newest"], ["2.x"], ["1.0.0", "1..1"])),
    ],
    allow_prereleases: Annotated[
        bool, Field(description="Whether pre-releases may match"), Like(pick(True, False), given=0.3)
    ] = False,
) -> SpecifierMatches:
    """Which versions of a Python package a version specifier (PEP 440) admits."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        admitted = SpecifierSet(specifier)
    except InvalidSpecifier:
        raise Refused(
            f"parameter 'specifier': {specifier!r} is no version specifier; write one such as >=1.4,<2"
        ) from None
    known = [_version(text, "versions") for text in versions]
    matching = sorted(one for one in known if admitted.contains(one, prereleases=allow_prereleases))
    names = [str(one) for one in matching]
    return SpecifierMatches(matching=names, best=names[-1] if names else None, rejected=len(known) - len(names))


_SEMANTIC = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(?:-((?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
    r"(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
"""semver.org's own expression: the three numbers, the pre-release."""
VersionPart = Literal["major", "minor", "patch", "prerelease"]


def _bump(rng: Random) -> Mapping[str, Any]:
    numbers = f"{rng.choice((0, 1, 1, 2, 3, 10))}.{rng.randint(0, 15)}.{rng.choice((0, 0, 1, 2, 9, 17))}"
    version = numbers + rng.choice(("", "", "", "", "-rc.1", "-alpha.3", "-beta", "+build.5", "-rc.0+sha.5114f85"))
    part = rng.choice(("major", "minor", "minor", "patch", "patch", "prerelease"))
    label = {"label": rng.choice(("rc", "alpha", "beta", "next"))}
    return {"version": version, "part": part} | (label if part == "prerelease" and rng.random() < 0.6 else {})


class SemanticVersion(Result):
    version: str = Field(description="The new version")
    major: int = Field(description="Its major number")
    minor: int = Field(description="Its minor number")
    patch: int = Field(description="Its patch number")
    prerelease: str | None = Field(description="Its pre-release identifiers; null where it is a release")


@tool(
    "Software",
    "Versions",
    "We are at {version} and made a {part} change. What is the next version?",
    "Bump {part} of {version}",
    "Next {part} version after {version}, labelled {label}?",
    together=_bump,
)
def semantic_version_bump(
    version: Annotated[
        str,
        Field(min_length=1, max_length=80, description="Version by semver.org, such as 1.4.2 or 2.0.0-rc.1"),
        Wrong(pick("1.2", "v1.2.3", "1.02.3", "1.2.3.4", "1.2.x", "1.2.3-", "one.two.three")),
    ],
    part: Annotated[VersionPart, Field(description="What is raised")],
    label: Annotated[
        str,
        Field(pattern="^[a-z]{1,12}$", description="Name of the pre-release, used when that part is raised"),
        Like(pick("rc"), given=0),
    ] = "rc",
) -> SemanticVersion:
    """Raise one part of a semantic version as npm does: lower parts become 0, a pre-release of the very version becomes
    that version, and build metadata is dropped."""
    parts = _SEMANTIC.fullmatch(version)
    if not parts:
        raise Refused(f"parameter 'version': {version!r} is no semantic version; give three numbers such as 1.4.2")
    major, minor, patch = (int(number) for number in parts.group(1, 2, 3))
    before, after = str(parts[4] or ""), ""
    if part == "major":
        major, minor, patch = major + (not (before and minor == patch == 0)), 0, 0
    elif part == "minor":
        minor, patch = minor + (not (before and patch == 0)), 0
    elif part == "patch":
        patch += not before
    else:
        patch += not before
        raised = re.fullmatch(rf"{label}\.(0|[1-9][0-9]*)", before)
        after = f"{label}.{int(raised[1]) + 1}" if raised else f"{label}.0"
    new = f"{major}.{minor}.{patch}" + (f"-{after}" if after else "")
    return SemanticVersion(version=new, major=major, minor=minor, patch=patch, prerelease=after or None)


_MONTHS = {name: at for at, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
_WEEKDAYS = {name: at for at, name in enumerate("SUN MON TUE WED THU FRI SAT".split())}
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_CRON_FIELDS: Sequence[tuple[str, int, int, Mapping[str, int]]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _WEEKDAYS),
)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _cron_field(text: str, at: int) -> frozenset[int]:
    """The values that one field of a cron expression stands for."""
    name, low, high, names = _CRON_FIELDS[at]
    found: set[int] = set()
    for part in text.upper().split(","):
        span, stepped, step = part.partition("/")
        first, ranged, last = ("*", "", "") if span == "*" else span.partition("-")
        try:
            start = low if first == "*" else names[first] if first in names else int(first)
            only = high if first == "*" or (stepped and not ranged) else start
            end = (names[last] if last in names else int(last)) if ranged else only
            by = int(step) if stepped else 1
        except ValueError:
            raise Refused(f"parameter 'expression': {text!r} is not understood as a {name}") from None
        if not low <= start <= end <= high or by < 1:
            raise Refused(f"parameter 'expression': {text!r} is no {name}; its values go from {low} to {high}")
        found |= set(range(start, end + 1, by))
    return frozenset(value % 7 for value in found) if at == 4 else frozenset(found)


def _cron_runs(
    fields: Sequence[frozenset[int]], dates_restricted: bool, days_restricted: bool, after: datetime
) -> Iterator[datetime]:
    """Every run later than `after`."""
    minutes, hours, days, months, weekdays = fields
    day = after.date()
    while True:
        if day.month not in months:
            day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
            continue
        on_date, on_weekday = day.day in days, day.isoweekday() % 7 in weekdays
        either = dates_restricted and days_restricted
        if (on_date or on_weekday) if either else (on_date and on_weekday):
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = datetime(day.year, day.month, day.day, hour, minute)
                    if moment > after:
                        yield moment
        day += timedelta(days=1)


def _schedule(rng: Random) -> str:
    known = ("@daily", "@weekly", "@hourly", "@monthly", "*/5 * * * *", "0 0 1 1 *", "0 0 29 2 *", "30 4 1,15 * 5")
    minute = rng.choice(("0", "30", "*/15", "*/10", "5", "0,30", "45", "10-20/5"))
    hour = rng.choice(("*", "*/2", "8-18", "3", "22", "0,12", "9-17/4", "6"))
    days = rng.choice(
        ("* * *", "* * *", "* * 1-5", "* * MON", "1 * *", "15 */3 *", "* 6-8 *", "* * SAT,SUN", "1 JAN *")
    )
    return rng.choice(known) if rng.random() < 0.2 else f"{minute} {hour} {days}"


def _moment(rng: Random) -> str:
    moment = datetime(2023, 1, 1) + timedelta(minutes=rng.randrange(3 * 365 * 24 * 12) * 5)
    return moment.isoformat(timespec="minutes")


class CronRuns(Result):
    runs: list[str] = Field(description="The next runs, as YYYY-MM-DDTHH:MM, soonest first")
    minutes_until_first: int = Field(description="Minutes from the given moment to the first of them")
    day_rule: Literal["every day", "day of the month", "day of the week", "either of both"] = Field(
        description="Which of the two day fields decides"
    )


@tool(
    "Software",
    "Operations",
    "When does the cron job '{expression}' run next after {after}?",
    "Next {count} runs of {expression} from {after}, please.",
)
def cron_next_runs(
    expression: Annotated[
        str,
        Field(min_length=5, max_length=80, description="Five fields of crontab(5), or @daily and the like"),
        Like(_schedule),
        Wrong(
            pick(
                "0 0 31 2 *",
                "60 * * * *",
                "* * * *",
                "0 24 * * *",
                "*/0 * * * *",
                "0 0 * 13 *",
                "@reboot",
                "0 9 * * FUN",
            )
        ),
    ],
    after: Annotated[
        str,
        Field(pattern="^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$", description="Moment as YYYY-MM-DDTHH:MM"),
        Like(_moment),
        Wrong(pick("2025-02-30T08:00", "2024-13-01T00:00", "2025-04-31T12:00", "2025-06-01T24:30", "2023-02-29T10:15")),
    ],
    count: Annotated[int, Field(ge=1, le=10, description="How many runs"), Like(whole(1, 5))] = 1,
) -> CronRuns:
    """The next runs of a cron job after a moment, in the moment's own time zone without clock changes. As crontab(5)
    says, a job whose both day fields are restricted runs when either one matches."""
    try:
        start = datetime.fromisoformat(after)
    except ValueError:
        raise Refused(f"parameter 'after': {after!r} is no moment; see that the month has such a day") from None
    texts = _MACROS.get(expression.lower(), expression).split()
    if len(texts) != len(_CRON_FIELDS):
        raise Refused(f"parameter 'expression': {expression!r} has not five fields; write one such as '30 8 * * 1-5'")
    fields = [_cron_field(text, at) for at, text in enumerate(texts)]
    by_date, by_weekday = not texts[2].startswith("*"), not texts[4].startswith("*")
    if not by_weekday and all(min(fields[2]) > _LONGEST_MONTHS[month - 1] for month in fields[3]):
        raise Refused(
            f"parameter 'expression': {expression!r} names a day that its months do not have, so it never runs"
        )
    coming = _cron_runs(fields, by_date, by_weekday, start)
    runs = [next(coming) for _ in range(count)]
    rules: Mapping[tuple[bool, bool], Literal["every day", "day of the month", "day of the week", "either of both"]] = {
        (False, False): "every day",
        (True, False): "day of the month",
        (False, True): "day of the week",
        (True, True): "either of both",
    }
    return CronRuns(
        runs=[run.isoformat(timespec="minutes") for run in runs],
        minutes_until_first=int((runs[0] - start).total_seconds() // 60),
        day_rule=rules[by_date, by_weekday],
    )


Severity = Literal["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]
_SEVERITIES: Sequence[Severity] = (
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "debug",
)
"""By their numbers in RFC 5424."""
_LEVEL_NAMES = {
    "EMERG": 0,
    "EMERGENCY": 0,
    "PANIC": 0,
    "ALERT": 1,
    "CRIT": 2,
    "CRITICAL": 2,
    "FATAL": 2,
    "ERROR": 3,
    "SEVERE": 3,
    "WARN": 4,
    "WARNING": 4,
    "NOTICE": 5,
    "INFO": 6,
    "DEBUG": 7,
    "TRACE": 7,
}
_STAMP = (
    r"(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)"
)
_LEVEL = "(?P<level>" + "|".join(sorted(_LEVEL_NAMES, key=len, reverse=True)) + ")"
Layout = Literal["syslog", "python", "bracketed", "colons"]
_LAYOUTS: Mapping[Layout, re.Pattern[str]] = {
    "syslog": re.compile(
        r"<(?P<priority>[0-9]{1,3})>1 (?P<stamp>\S+) \S+ (?P<source>\S+) \S+ \S+ "
        r"(?:-|(?:\[[^\]]*\])+)(?: (?P<message>.*))?",
        re.DOTALL,
    ),
    "python": re.compile(rf"{_STAMP} - (?P<source>\S+) - {_LEVEL} - (?P<message>.*)", re.DOTALL),
    "bracketed": re.compile(
        rf"\[?{_STAMP}\]? \[?{_LEVEL}\]?:? +(?:\[(?P<source>[^\]]+)\] )?(?P<message>.*)", re.DOTALL
    ),
    "colons": re.compile(rf"{_LEVEL}:(?:(?P<source>[\w.-]+):)?\s*(?P<message>.*)", re.DOTALL),
}


_LOGGED = (
    "connection to 10.0.0.5:5432 lost, retrying in 5 s | user 4711 logged in | disk usage at 91 % | started | "
    "timeout after 30000 ms - giving up | payment [id=88] declined: insufficient funds | cache miss for key a:b"
).split(" | ")


def _log_line(rng: Random) -> str:
    stamp = f"{_moment(rng)}:{rng.randrange(60):02d}"
    source = rng.choice(("app.db", "auth", "worker-3", "payments.api", "scheduler", "nginx", "root", "cache"))
    level = rng.choice(tuple(_LEVEL_NAMES)[3:])
    message = rng.choice(_LOGGED)
    priority = 8 * rng.randrange(24) + rng.randrange(8)
    return rng.choice(
        (
            f"<{priority}>1 {stamp}.003Z host{rng.randrange(9)} {source} 811 - - {message}",
            f"{stamp.replace('T', ' ')},{rng.randrange(1000):03d} - {source} - {level} - {message}",
            f"[{stamp}Z] {level} [{source}] {message}",
            f"{stamp}+01:00 {level} {message}",
            f"{level}:{source}:{message}",
        )
    )


def _named(value: str | None) -> str | None:
    """RFC 5424 writes - for what is not known."""
    return None if value == "-" else value


class LogEntry(Result):
    layout: Layout = Field(description="Layout of the line: RFC 5424, Python's two, or the level after a time stamp")
    severity: Severity = Field(description="Severity by RFC 5424; FATAL is critical, TRACE is debug")
    severity_number: int = Field(description="Its number there, 0 the worst, 7 the least")
    timestamp: str | None = Field(description="Time stamp as it stands; null where there is none")
    source: str | None = Field(description="Application, logger or thread; null where none is named")
    message: str = Field(description="What was logged")


@tool(
    "Software",
    "Operations",
    "Parse this log line: {line}",
    "How bad is it, and what does it come from?\n{line}",
    "Structure the following log entry.\n\n{line}",
)
def log_line_parse(
    line: Annotated[
        str,
        Field(min_length=1, max_length=1000, description="One line of a log"),
        Like(_log_line),
        Wrong(
            pick(
                "something happened", "2024-05-01 all good", "<999>1 - h a - - - x", "GET /index.html 200", "-- MARK --"
            )
        ),
    ],
) -> LogEntry:
    """Take a log line apart: RFC 5424 syslog, Python's logging, or a level after a time stamp."""
    fits = ((layout, pattern.fullmatch(line)) for layout, pattern in _LAYOUTS.items())
    layout, parts = next(((layout, parts) for layout, parts in fits if parts), (None, None))
    if layout is None or parts is None:
        raise Refused(
            f"parameter 'line': no level of severity is found in {line[:60]!r}; give a line with one, such as ERROR"
        )
    given = parts.groupdict()
    priority = int(given.get("priority") or 0)
    if priority > 191:
        raise Refused(f"parameter 'line': priority {priority} is no syslog priority; it goes from 0 to 191")
    number = priority % 8 if layout == "syslog" else _LEVEL_NAMES[given["level"]]
    return LogEntry(
        layout=layout,
        severity=_SEVERITIES[number],
        severity_number=number,
        timestamp=_named(given.get("stamp")),
        source=_named(given.get("source")),
        message=given["message"] or "",
    )


_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21, "ssh": 22, "ws": 80, "wss": 443, "ldap": 389, "redis": 6379}


def _url(rng: Random) -> str:
    scheme = rng.choice(("https", "https", "https", "http", "ftp", "wss"))
    host = rng.choice(
        ("www.example.com", "api.example.org", "Shop.Example.net", "localhost", "192.0.2.10", "[2001:db8::1]")
    )
    user = rng.choice(("", "", "", "", "ada@", "deploy:secret@"))
    port = rng.choice(("", "", "", ":8080", ":8443", ":3000"))
    path = rng.choice(("", "/", "/products/42", "/v2/users/ada%20l/orders", "/docs/index.html", "/search"))
    query = rng.choice(("", "", "?q=red+shoes&page=2", "?id=7", "?utm_source=mail&utm_medium=", "?tag=a&tag=b"))
    return f"{scheme}://{user}{host}{port}{path}{query}{rng.choice(('', '', '', '#top', '#section-3'))}"


class QueryPair(Result):
    name: str = Field(description="Name before the equals sign, decoded")
    value: str = Field(description="Value after it, decoded")


class UrlComponents(Result):
    scheme: str = Field(description="Scheme in small letters")
    host: str = Field(description="Host in small letters, without brackets")
    port: int | None = Field(
        description="Port that is named, or else the scheme's usual one; null where that is unknown"
    )
    username: str | None = Field(description="User that is named; null where none is")
    path_segments: list[str] = Field(description="Parts of the path, decoded")
    query: list[QueryPair] = Field(description="Parameters in their order")
    fragment: str | None = Field(description="What follows #; null where nothing does")


@tool(
    "Software",
    "Operations",
    "Split the URL {url} into its parts.",
    "Which host, port and query parameters does {url} have?",
)
def url_components(
    url: Annotated[
        str,
        Field(min_length=1, max_length=500, pattern=r"^[!-~]+$", description="Absolute URL with a host"),
        Like(_url),
        Wrong(
            pick(
                "example.com/path",
                "https://",
                "http://example.com:99999/",
                "/just/a/path",
                "mailto:a@b.c",
                "http://[::1/",
            )
        ),
    ],
) -> UrlComponents:
    """Parts of an absolute URL (RFC 3986): scheme, host, port, user, path, query and fragment."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"parameter 'url': {url!r} is malformed ({str(error).lower()})") from None
    if not parts.scheme or not parts.hostname:
        raise Refused(f"parameter 'url': {url!r} names no scheme or no host; give one such as https://example.com/path")
    return UrlComponents(
        scheme=parts.scheme,
        host=parts.hostname,
        port=_DEFAULT_PORTS.get(parts.scheme) if port is None else port,
        username=parts.username,
        path_segments=[unquote(segment) for segment in parts.path.split("/") if segment],
        query=[QueryPair(name=name, value=value) for name, value in parse_qsl(parts.query, keep_blank_values=True)],
        fragment=parts.fragment or None,
    )


_FILES = (
    "README.md setup.py src/main.py src/app/views.py src/app/models.py tests/test_views.py logs/app1.log "
    "tests/data/users.json docs/index.md docs/api/auth.md logs/app2.log logs/old/app9.log build/lib/a.so "
    "package.json src/components/Button.tsx src/components/Button.test.tsx .github/workflows/ci.yml main.c"
).split()

_GLOBS = (
    "*.py src/**/*.py **/*.md docs/*.md logs/app?.log logs/app[1-5].log **/test_* tests/** src/*/*.tsx **/*.json * ** "
    "[!.]* src/app/[mv]*.py **/app[!12].log *.[ch]"
).split()


class PathMatches(Result):
    matched: list[str] = Field(description="Paths that fit the pattern")
    unmatched: list[str] = Field(description="Paths that do not")


def _fits(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """Segment by segment; ** spans any number of segments."""
    from fnmatch import fnmatchcase

    @cache
    def fits(at: int, place: int) -> bool:
        if at == len(pattern):
            return place == len(path)
        if pattern[at] == "**":
            return fits(at + 1, place) or (place < len(path) and fits(at, place + 1))
        return place < len(path) and fnmatchcase(path[place], pattern[at]) and fits(at + 1, place + 1)

    return fits(0, 0)


@tool(
    "Software",
    "Files and builds",
    "Which of these files match {pattern}? {paths}",
    "Filter {paths} with the glob '{pattern}'.",
)
def glob_pattern_filter(
    pattern: Annotated[
        str,
        Field(min_length=1, max_length=80, description="Pattern with *, ?, [abc], [!abc], and ** for any folders"),
        Like(pick(*_GLOBS)),
        Wrong(pick("src/[a-z", "[!x", "logs/[0-9/app.log", "*.[ch", "**/[]")),
    ],
    paths: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=120)]],
        Field(min_length=1, max_length=40, description="Paths with forward slashes"),
        Like(several(pick(*_FILES), 3, 9, unique=True)),
    ],
) -> PathMatches:
    """Paths that fit a glob pattern. Case matters; * and ? stay within a folder and match a leading dot too; ** alone
    between slashes spans any number of folders, also none."""
    segments = pattern.split("/")
    if any(re.search(r"\[(?!!?[^\]\[][^\]]*\])", segment) for segment in segments):
        raise Refused(
            f"parameter 'pattern': {pattern!r} opens a bracket that is not closed, or holds nothing; write [abc]"
        )
    fitting = {path: _fits(segments, path.split("/")) for path in paths}
    return PathMatches(
        matched=[path for path in paths if fitting[path]], unmatched=[path for path in paths if not fitting[path]]
    )


class BuildTask(Part):
    """A task, and the tasks that must be done before it."""

    name: str = Field(min_length=1, max_length=40, description="Name of the task")
    needs: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(
        max_length=20, description="Tasks that must be done first"
    )


_TASKS = "fetch configure compile lint test package docs deploy notify migrate bundle sign".split()


def _tasks(rng: Random) -> list[dict[str, Any]]:
    """Each task may need earlier ones; told in any order."""
    names = rng.sample(_TASKS, rng.randint(3, 7))
    found = [
        {"name": name, "needs": rng.sample(names[:at], rng.randint(0, min(2, at)))} for at, name in enumerate(names)
    ]
    rng.shuffle(found)
    return found


class BuildOrder(Result):
    order: list[str] = Field(description="All tasks, each after those that it needs; alphabetical where free")
    stages: list[list[str]] = Field(description="Tasks that can run at the same time, stage after stage")
    independent: list[str] = Field(description="Tasks that need nothing")


@tool(
    "Software",
    "Files and builds",
    "In which order do I run these tasks? {tasks}",
    "Here are my build tasks and what each one needs: {tasks}. Which of them can run in parallel?",
)
def dependency_order(
    tasks: Annotated[
        list[BuildTask],
        Field(min_length=1, max_length=40, description="Tasks; one that is only needed is taken to need nothing"),
        Like(_tasks),
        Wrong(
            pick(
                [{"name": "a", "needs": ["b"]}, {"name": "b", "needs": ["a"]}],
                [{"name": "compile", "needs": ["compile"]}],
                [
                    {"name": "test", "needs": ["deploy"]},
                    {"name": "deploy", "needs": ["package"]},
                    {"name": "package", "needs": ["test"]},
                ],
                [{"name": "lint", "needs": []}, {"name": "lint", "needs": ["fetch"]}],
            )
        ),
    ],
) -> BuildOrder:
    """Order of tasks that depend on each other, and the stages in which they can run at the same time."""
    from graphlib import CycleError, TopologicalSorter

    needs = {task.name: task.needs for task in tasks}
    if len(needs) < len(tasks):
        raise Refused("parameter 'tasks': a task is named twice; give each name once, with all that it needs")
    sorter = TopologicalSorter(needs)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle = " needs ".join(reversed(error.args[1]))
        raise Refused(f"parameter 'tasks': these need each other in a circle: {cycle}; break it") from None
    stages: list[list[str]] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        stages.append(ready)
        sorter.done(*ready)
    return BuildOrder(order=[name for stage in stages for name in stage], stages=stages, independent=stages[0])
