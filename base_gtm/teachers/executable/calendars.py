"""Days between dates, working days, public holidays, feasts, and dates in other calendars."""

from __future__ import annotations

import warnings
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, day, pick, tool, whole

Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_WEEKDAYS: tuple[Weekday, ...] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NO_SUCH_DAY = Wrong(pick("2025-02-29", "2023-04-31", "2026-06-31", "2100-02-29", "2024-11-31"))
_UNASSIGNED = Wrong(pick("XX", "ZZ", "QM", "XZ", "AA"))
"""Codes that ISO 3166 gives to no country."""
_LANDS = pick("DE", "FR", "US", "GB", "JP", "BR", "IN", "AU", "CA", "IT", "ES", "NL", "SE", "PL", "ZA", "MX", "NZ")
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
"""Years for which public holidays are asked."""


def _weekday(moment: date) -> Weekday:
    return _WEEKDAYS[moment.weekday()]


def _public_holidays(country: str, year: int, named: str, subdivision: str | None = None) -> Any:
    """Date -> name of the holiday, in English where the library has it; `named` is the parameter that gave the year.
    Raises Refused.
    """
    import holidays

    entity = getattr(holidays, country, None)
    if entity is None:
        raise Refused(
            f"parameter 'country': no public holidays are known for '{country}'; give the ISO 3166 code of a country "
            "in capitals, such as 'DE' or 'US'"
        )
    if subdivision is not None and subdivision not in entity.subdivisions:
        raise Refused(
            f"parameter 'subdivision': '{subdivision}' is no subdivision of {country} with holidays of its own; "
            f"leave it out or give one of: {', '.join(entity.subdivisions[:12]) or 'none'}"
        )
    language = "en_US" if "en_US" in entity.supported_languages else entity.default_language
    with warnings.catch_warnings():
        # The library warns where it knows but a part of the holidays.
        warnings.simplefilter("error", UserWarning)
        try:
            if entity.start_year <= year <= entity.end_year:
                return entity(years=year, subdiv=subdivision, language=language)
        except UserWarning:
            pass
    raise Refused(f"parameter '{named}': the holidays of {country} in {year} are not known; give a year nearer to ours")


class Span(Result):
    days: int = Field(description="Days from start to end")
    weeks: int = Field(description="Whole weeks in these days")
    days_beyond_weeks: int = Field(description="Days left over after the whole weeks")
    weekdays: int = Field(description="Days from Monday to Friday among them")
    calendar_years: int = Field(description="Whole years from start to end")
    calendar_months: int = Field(description="Whole months beyond the years")
    calendar_days: int = Field(description="Days beyond the months")


def _start_and_end(rng: Random) -> Mapping[str, Any]:
    start = date.fromisoformat(day("1995-01-01", "2030-12-31")(rng))
    end = start + timedelta(days=rng.choice((rng.randint(1, 60), rng.randint(30, 700), rng.randint(300, 12000))))
    return {"start": start.isoformat(), "end": end.isoformat()}


@tool(
    "Calendars",
    "Dates",
    "How many days are there from {start} to {end}?",
    "days, weeks and months between {start} and {end}",
    "Count the days from {start} to {end}. Does the last day count? {include_end}",
    together=_start_and_end,
)
def days_between_dates(
    start: Annotated[date, Field(description="First day"), _NO_SUCH_DAY],
    end: Annotated[date, Field(description="Last day, not before the first"), _NO_SUCH_DAY],
    include_end: Annotated[
        bool, Field(description="Whether the last day is counted too"), Like(pick(True, True, False))
    ] = False,
) -> Span:
    """Count days, weeks, weekdays and calendar years, months, days between two dates; the first day is counted."""
    from dateutil.relativedelta import relativedelta

    if end < start:
        raise Refused(f"parameter 'end': {end} lies before the start {start}; give a later day or swap the two")
    if end == date.max:
        raise Refused(f"parameter 'end': {end} is the last day there is; give an earlier one")
    until = end + timedelta(days=include_end)
    days = (until - start).days
    weeks, rest = divmod(days, 7)
    apart = relativedelta(until, start)
    return Span(
        days=days,
        weeks=weeks,
        days_beyond_weeks=rest,
        weekdays=5 * weeks + sum((start.weekday() + n) % 7 < 5 for n in range(rest)),
        calendar_years=apart.years,
        calendar_months=apart.months,
        calendar_days=apart.days,
    )


class Age(Result):
    years: int = Field(description="Completed years of life")
    months: int = Field(description="Completed months since the last birthday")
    days: int = Field(description="Days since then")
    days_lived: int = Field(description="Days since birth")
    born_on_a: Weekday = Field(description="Weekday of the birth")
    next_birthday: date = Field(description="First birthday after the day asked about")
    days_to_birthday: int = Field(description="Days until that birthday")


def _birthday(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


@tool(
    "Calendars",
    "Dates",
    "How old is somebody on {on_date} who was born on {birth_date}?",
    "born {birth_date}, age on {on_date}? and when is the next birthday",
)
def age_on_date(
    birth_date: Annotated[
        date,
        Field(description="Day of birth, 1850 or later"),
        Like(day("1935-01-01", "2018-12-31")),
        Wrong(day("1640-01-01", "1849-12-31")),
    ],
    on_date: Annotated[
        date, Field(description="Day for which the age is asked"), Like(day("2019-01-01", "2032-12-31"))
    ],
) -> Age:
    """Age of a person on a day, and the next birthday; one born on 29 February has it on 1 March in common years."""
    from dateutil.relativedelta import relativedelta

    if birth_date.year < 1850:
        raise Refused(f"parameter 'birth_date': {birth_date} is too long ago for a living person; give 1850 or later")
    if not birth_date <= on_date <= date(2200, 12, 31):
        raise Refused(f"parameter 'on_date': {on_date} is no day between the birth on {birth_date} and the year 2200")
    year = on_date.year - (on_date < _birthday(birth_date, on_date.year))
    latest, following = _birthday(birth_date, year), _birthday(birth_date, year + 1)
    since = relativedelta(on_date, latest)
    return Age(
        years=year - birth_date.year,
        months=since.months,
        days=since.days,
        days_lived=(on_date - birth_date).days,
        born_on_a=_weekday(birth_date),
        next_birthday=following,
        days_to_birthday=(following - on_date).days,
    )


class WeekDate(Result):
    iso_year: int = Field(description="Year that the week belongs to")
    week: int = Field(description="Number of the week, 1 to 53")
    weekday: Weekday = Field(description="Name of the day")
    weekday_number: int = Field(description="1 for Monday to 7 for Sunday")
    notation: str = Field(description="Week date, such as 2004-W53-6")
    week_starts: date = Field(description="Monday of the week")
    week_ends: date = Field(description="Sunday of the week")
    weeks_in_year: int = Field(description="52 or 53")
    day_of_year: int = Field(description="1 for 1 January of the calendar year")


@tool(
    "Calendars",
    "Weeks and months",
    "Which ISO week is {on_date} in?",
    "calendar week and weekday of {on_date}?",
    "Our suppliers count in calendar weeks. Which week and day is {on_date}, and when does that week begin and end?",
)
def iso_week_date(
    on_date: Annotated[
        date, Field(description="A day, 9998 at the latest"), Like(day("1990-01-01", "2035-12-31")), _NO_SUCH_DAY
    ],
) -> WeekDate:
    """Week date of a day by ISO 8601: weeks begin on Monday, and week 1 is the one with the first Thursday."""
    if on_date.year > 9998:
        raise Refused(f"parameter 'on_date': the week of {on_date} may end after the year 9999; give an earlier day")
    year, week, number = on_date.isocalendar()
    monday = on_date - timedelta(days=number - 1)
    return WeekDate(
        iso_year=year,
        week=week,
        weekday=_weekday(on_date),
        weekday_number=number,
        notation=f"{year:04d}-W{week:02d}-{number}",
        week_starts=monday,
        week_ends=monday + timedelta(days=6),
        weeks_in_year=date(year, 12, 28).isocalendar().week,
        day_of_year=on_date.timetuple().tm_yday,
    )


Occurrence = Literal["first", "second", "third", "fourth", "fifth", "last"]
_PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}


class NthWeekday(Result):
    found_on: date = Field(description="The day asked for")
    all_in_month: list[date] = Field(description="Every such weekday of the month")
    days_in_month: int = Field(description="28 to 31")


@tool(
    "Calendars",
    "Weeks and months",
    "When is the {occurrence} {weekday} of month {month} in {year}?",
    "date of the {occurrence} {weekday} in {year}-{month}",
)
def nth_weekday_of_month(
    year: Annotated[int, Field(ge=1, le=9999, description="Gregorian year"), Like(whole(1990, 2040))],
    month: Annotated[int, Field(ge=1, le=12, description="1 for January"), Like(whole(1, 12))],
    weekday: Annotated[Weekday, Field(description="Which weekday"), Like(pick(*_WEEKDAYS))],
    occurrence: Annotated[
        Occurrence,
        Field(description="Which one in the month"),
        Like(pick("first", "first", "second", "third", "third", "fourth", "last", "last", "fifth")),
    ],
) -> NthWeekday:
    """Find a day such as the last Monday in May, as elections, clock changes and movable holidays are fixed."""
    first, length = monthrange(year, month)
    start = 1 + (_WEEKDAYS.index(weekday) - first) % 7
    every = [date(year, month, one) for one in range(start, length + 1, 7)]
    if occurrence == "fifth" and len(every) < 5:
        raise Refused(
            f"parameter 'occurrence': there is no fifth {weekday} in {year:04d}-{month:02d}; give 'fourth' or 'last'"
        )
    return NthWeekday(found_on=every[_PLACES[occurrence]], all_in_month=every, days_in_month=length)


class WorkingDay(Result):
    result_date: date = Field(description="The working day reached")
    weekday: Weekday = Field(description="Its weekday")
    calendar_days: int = Field(description="Days from the start, negative when counting back")
    holidays_skipped: int = Field(description="Public holidays from Monday to Friday that were passed over")


@tool(
    "Calendars",
    "Working days",
    "What date is {days} business days from {start}?",
    "Our notice period is {days} working days from {start}. Which day do we land on?",
    "Add {days} business days to {start}, leaving out the public holidays of {country}.",
)
def add_business_days(
    start: Annotated[
        date,
        Field(description="Day from which is counted, 1900 to 2100"),
        Like(day("2015-01-01", "2032-12-31")),
        Wrong(day("1600-01-01", "1899-12-31")),
    ],
    days: Annotated[
        int,
        Field(ge=-260, le=260, description="Working days to go; negative goes back"),
        Like(pick(1, 2, 3, 5, 7, 10, 14, 15, 20, 30, 45, 60, 90, 120, -1, -3, -5, -10, -20)),
    ],
    country: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Z]{2}$",
            min_length=2,
            max_length=2,
            description="Country by ISO 3166 code whose nationwide holidays are free as well",
        ),
        Like(_LANDS),
        _UNASSIGNED,
    ] = None,
) -> WorkingDay:
    """Go a number of working days, Monday to Friday, forward or back from a day; the day itself is not counted."""
    if not _FIRST_YEAR <= start.year <= _LAST_YEAR:
        raise Refused(f"parameter 'start': {start} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    free = _public_holidays(country, start.year, "start") if country else {}
    step = timedelta(days=1 if days > 0 else -1)
    current, left, skipped = start, abs(days), 0
    while left:
        current += step
        if current.weekday() < 5:
            holiday = current in free
            left, skipped = left - (not holiday), skipped + holiday
    return WorkingDay(
        result_date=current,
        weekday=_weekday(current),
        calendar_days=(current - start).days,
        holidays_skipped=skipped,
    )


class PublicHoliday(Result):
    on: date = Field(description="Day of the holiday")
    weekday: Weekday = Field(description="Its weekday")
    name: str = Field(description="Its name, in English where there is one")


class HolidayYear(Result):
    count: int = Field(description="How many days are holidays")
    on_weekdays: int = Field(description="How many of these fall on Monday to Friday")
    days: list[PublicHoliday] = Field(description="The holidays by date")


_REGIONS = (
    ("DE", "BY"),
    ("DE", "BE"),
    ("US", "CA"),
    ("US", "TX"),
    ("GB", "SCT"),
    ("GB", "ENG"),
    ("CA", "QC"),
    ("CA", "ON"),
    ("AU", "NSW"),
    ("CH", "ZH"),
    ("ES", "MD"),
    ("BR", "SP"),
)


def _land(rng: Random) -> Mapping[str, Any]:
    if rng.random() < 0.35:
        country, subdivision = rng.choice(_REGIONS)
        return {"country": country, "subdivision": subdivision}
    return {"country": _LANDS(rng)}


@tool(
    "Calendars",
    "Working days",
    "List the public holidays of {country} in {year}.",
    "which days are bank holidays in country {country}, year {year}?",
    "I run a shop in {subdivision}, {country}. On which days of {year} must I close for public holidays?",
    together=_land,
)
def national_public_holidays(
    country: Annotated[
        str,
        Field(pattern=r"^[A-Z]{2}$", min_length=2, max_length=2, description="Country by ISO 3166 code, such as DE"),
        _UNASSIGNED,
    ],
    year: Annotated[int, Field(ge=1950, le=2050, description="Calendar year"), Like(whole(2005, 2032))],
    subdivision: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Z0-9]{1,3}$",
            min_length=1,
            max_length=3,
            description="State or province by ISO 3166-2 code without the country, such as BY",
        ),
        Like(pick("QQ"), given=0),
        Wrong(pick("QQ", "XYZ", "ZZZ")),
    ] = None,
) -> HolidayYear:
    """Public holidays of a country in a year, those of one state or province included when it is named."""
    found = [
        PublicHoliday(on=on, weekday=_weekday(on), name=str(name)[:200])
        for on, name in sorted(_public_holidays(country, year, "year", subdivision).items())
        if on.year == year
    ]
    return HolidayYear(count=len(found), on_weekdays=sum(one.on.weekday() < 5 for one in found), days=found)


class Feasts(Result):
    lent_begins: date = Field(description="Ash Wednesday in the western, Clean Monday in the orthodox church")
    good_friday: date = Field(description="Friday before Easter")
    easter_sunday: date = Field(description="Easter Sunday")
    ascension_day: date = Field(description="39 days after Easter")
    pentecost: date = Field(description="49 days after Easter")


@tool(
    "Calendars",
    "Feasts and other calendars",
    "When is Easter in {year}?",
    "Give me Good Friday, Easter and Pentecost of {year}.",
    "easter {year}, {church} church",
)
def easter_and_movable_feasts(
    year: Annotated[int, Field(ge=1583, le=4099, description="Gregorian year"), Like(whole(1900, 2060))],
    church: Annotated[
        Literal["western", "orthodox"], Field(description="Whose reckoning"), Like(pick("orthodox", "western"))
    ] = "western",
) -> Feasts:
    """Easter and the feasts that move with it, as Gregorian dates, by the western or the orthodox reckoning."""
    from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter

    sunday = easter(year, EASTER_WESTERN if church == "western" else EASTER_ORTHODOX)
    return Feasts(
        lent_begins=sunday - timedelta(days=46 if church == "western" else 48),
        good_friday=sunday - timedelta(days=2),
        easter_sunday=sunday,
        ascension_day=sunday + timedelta(days=39),
        pentecost=sunday + timedelta(days=49),
    )


CalendarName = Literal["gregorian", "julian", "hebrew", "islamic", "persian"]
_ROMAN = "January February March April May June July August September October November December".split()
_MONTHS: Mapping[str, list[str]] = {
    "gregorian": _ROMAN,
    "julian": _ROMAN,
    "hebrew": "Nisan,Iyar,Sivan,Tammuz,Av,Elul,Tishrei,Cheshvan,Kislev,Tevet,Shevat,Adar,Adar II".split(","),
    "islamic": (
        "Muharram,Safar,Rabi al-Awwal,Rabi al-Thani,Jumada al-Ula,Jumada al-Akhira,Rajab,Sha'ban,Ramadan,Shawwal,"
        "Dhu al-Qa'dah,Dhu al-Hijjah"
    ).split(","),
    "persian": "Farvardin,Ordibehesht,Khordad,Tir,Mordad,Shahrivar,Mehr,Aban,Azar,Dey,Bahman,Esfand".split(","),
}
_YEARS = {
    "gregorian": (623, 2499),
    "julian": (623, 2499),
    "hebrew": (4385, 6259),
    "islamic": (2, 1936),
    "persian": (2, 1877),
}
"""Years that every one of the calendars can tell: after the first of the Islamic one."""
_TODAY = {
    "gregorian": (1850, 2040),
    "julian": (1500, 1920),
    "hebrew": (5600, 5800),
    "islamic": (1300, 1460),
    "persian": (1280, 1420),
}


@cache
def _nowruz(year: int) -> float:
    """Julian day on which a Persian year begins; the equinox takes milliseconds, so that it is kept."""
    from convertdate import persian

    return float(persian.equinox_jd(year + 621)) + 0.5


class _Persian:
    """The astronomical Persian calendar with the functions that convertdate gives each of its calendars."""

    @staticmethod
    def month_length(year: int, month: int) -> int:
        if month < 12:
            return 31 if month < 7 else 30
        return int(_nowruz(year + 1) - _nowruz(year)) - 336

    @staticmethod
    def to_jd(year: int, month: int, day: int) -> float:
        return _nowruz(year) + 31 * (month - 1) - max(0, month - 7) + day - 1

    @staticmethod
    def from_jd(julian_day: float) -> tuple[int, int, int]:
        from convertdate import gregorian

        year = gregorian.from_jd(julian_day)[0] - 621
        if julian_day < _nowruz(year):
            year -= 1
        gone = int(julian_day - _nowruz(year))
        month, day = divmod(gone, 31) if gone < 186 else divmod(gone - 6, 30)
        return year, month + 1, day + 1


def _reckoning(calendar: CalendarName) -> Any:
    from convertdate import gregorian, hebrew, islamic, julian

    known = {"gregorian": gregorian, "julian": julian, "hebrew": hebrew, "islamic": islamic, "persian": _Persian}
    return known[calendar]


class CalendarDate(Result):
    year: int = Field(description="Year of the other calendar")
    month: int = Field(description="Month of the other calendar")
    month_name: str = Field(description="Name of that month")
    day: int = Field(description="Day of that month")
    weekday: Weekday = Field(description="Weekday, which all calendars share")
    julian_day_number: int = Field(description="Days since 1 January 4713 BC, as astronomers count")


def _foreign_date(rng: Random) -> Mapping[str, Any]:
    source = "gregorian" if rng.random() < 0.5 else rng.choice(list(_YEARS))
    target = rng.choice([one for one in _YEARS if one != source])
    found = {"year": rng.randint(*_TODAY[source]), "month": rng.randint(1, 12), "day": rng.randint(1, 29)}
    if rng.random() < 0.05:
        found["day"] = 31
    return {**found, "from_calendar": source, "to_calendar": target}


@tool(
    "Calendars",
    "Feasts and other calendars",
    "Day {day} of month {month} of the year {year} in the {from_calendar} calendar: which {to_calendar} date is that?",
    "convert {year}-{month}-{day} from {from_calendar} to {to_calendar}",
    together=_foreign_date,
)
def convert_calendar_date(
    year: Annotated[int, Field(ge=1, le=9999, description="Year of the first calendar"), Wrong(whole(2600, 4300))],
    month: Annotated[int, Field(ge=1, le=13, description="Month of the first calendar; in the Hebrew one 1 is Nisan")],
    day: Annotated[int, Field(ge=1, le=31, description="Day of the month")],
    from_calendar: Annotated[CalendarName, Field(description="Calendar of the date")],
    to_calendar: Annotated[CalendarName, Field(description="Calendar wanted")],
) -> CalendarDate:
    """Convert a date between calendars. Hebrew months count from Nisan though the year begins with Tishrei (7); the
    Islamic calendar is the tabular one, the Persian one astronomical.
    """
    from convertdate import hebrew
    from convertdate.utils import jwday

    source, (first, last) = _reckoning(from_calendar), _YEARS[from_calendar]
    if not first <= year <= last:
        raise Refused(
            f"parameter 'year': {year} of the {from_calendar} calendar cannot be converted; give {first} to {last}"
        )
    if month == 13 and not (from_calendar == "hebrew" and hebrew.leap(year)):
        raise Refused(f"parameter 'month': {year} has no month 13 in the {from_calendar} calendar; give 1 to 12")
    length = source.month_length(year, month)
    if day > length:
        raise Refused(
            f"parameter 'day': {_MONTHS[from_calendar][month - 1]} {year} has no day {day} in the {from_calendar} "
            f"calendar; give 1 to {length}"
        )
    julian_day = source.to_jd(year, month, day)
    found = _reckoning(to_calendar).from_jd(julian_day)
    return CalendarDate(
        year=int(found[0]),
        month=int(found[1]),
        month_name=_MONTHS[to_calendar][int(found[1]) - 1],
        day=int(found[2]),
        weekday=_WEEKDAYS[jwday(julian_day)],
        julian_day_number=int(julian_day + 0.5),
    )
