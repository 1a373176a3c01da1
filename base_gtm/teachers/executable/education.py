"""Education: grades, marks, ranks, reading level and plans for study."""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from random import Random
from statistics import fmean
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, pick, tool, whole

Letter = Literal["A+", "A", "A-", "B+", "B", "B-", "C+", "C", "C-", "D+", "D", "D-", "F"]
_GRADE_POINTS: dict[Letter, float] = {
    "A+": 4.0,
    "A": 4.0,
    "A-": 3.7,
    "B+": 3.3,
    "B": 3.0,
    "B-": 2.7,
    "C+": 2.3,
    "C": 2.0,
    "C-": 1.7,
    "D+": 1.3,
    "D": 1.0,
    "D-": 0.7,
    "F": 0.0,
}
_SUBJECTS = "algebra biology chemistry economics English French geography history music physics statistics".split()


class Course(Part):
    name: str = Field(min_length=1, max_length=40, description="Name of the course")
    grade: Letter = Field(description="Letter grade")
    credits: float = Field(gt=0, le=60, description="Credit hours")


def _courses_draw(rng: Random) -> list[dict[str, Any]]:
    grades = list(_GRADE_POINTS)[: rng.choice((5, 8, 13))]
    return [
        {"name": name, "grade": rng.choice(grades), "credits": rng.choice((2, 3, 3, 4, 5))}
        for name in rng.sample(_SUBJECTS, rng.randint(2, 6))
    ]


class GradePointAverage(Result):
    gpa: float = Field(description="Grade point average on the scale to 4")
    quality_points: float = Field(description="Grade points times credits, summed")
    credits_attempted: float = Field(description="Credits of all courses")
    credits_earned: float = Field(description="Credits of the courses that were passed, all but F")
    deans_list: bool = Field(description="Whether the average reaches the mark asked for")


@tool(
    "Education",
    "Grades",
    "What is my GPA with {courses}?",
    "Semester grades: {courses}. Work out the GPA; the dean's list begins at {deans_list_from}.",
)
def grade_point_average(
    courses: Annotated[
        list[Course], Field(min_length=1, max_length=40, description="Courses taken"), Like(_courses_draw)
    ],
    deans_list_from: Annotated[
        float,
        Field(ge=0, le=4, description="Average that the dean's list asks for"),
        Like(pick(3.3, 3.4, 3.6, 3.7, 3.75)),
    ] = 3.5,
) -> GradePointAverage:
    """American grade point average weighted by credits, A and A+ counting 4."""
    points = sum(_GRADE_POINTS[course.grade] * course.credits for course in courses)
    attempted = sum(course.credits for course in courses)
    gpa = round(points / attempted, 3)
    return GradePointAverage(
        gpa=gpa,
        quality_points=round(points, 2),
        credits_attempted=round(attempted, 2),
        credits_earned=round(sum(course.credits for course in courses if course.grade != "F"), 2),
        deans_list=gpa >= deans_list_from,
    )


class NeededGrade(Result):
    needed_percent: float = Field(description="What the final exam must bring, in percent; may be above 100 or below 0")
    verdict: Literal["already safe", "within reach", "only with full marks", "out of reach"] = Field(
        description="How hard that is: safe from 0 down, out of reach above 100"
    )
    best_possible: float = Field(description="Overall mark with 100 percent in the exam")


@tool(
    "Education",
    "Grades",
    "I have {current_percent} % and the final counts {exam_weight} %. What do I need for {target_percent} % overall?",
    "Final exam worth {exam_weight} percent, my mark so far {current_percent}, target {target_percent}. Grade needed?",
)
def final_exam_grade_needed(
    current_percent: Annotated[
        float, Field(ge=0, le=110, description="Mark so far in percent"), Like(number(48, 97, 1))
    ],
    target_percent: Annotated[
        float,
        Field(ge=0, le=110, description="Mark wanted overall in percent"),
        Like(pick(50, 60, 65, 70, 75, 80, 85, 90)),
    ],
    exam_weight: Annotated[
        float, Field(ge=1, le=100, description="Share of the final exam in percent"), Like(whole(15, 60, 5))
    ],
) -> NeededGrade:
    """Mark that a final exam must bring for a target overall."""
    share = exam_weight / 100
    needed = round((target_percent - (1 - share) * current_percent) / share, 2)
    verdict: Literal["already safe", "within reach", "only with full marks", "out of reach"] = "within reach"
    if needed <= 0:
        verdict = "already safe"
    elif needed >= 100:
        verdict = "only with full marks" if needed == 100 else "out of reach"
    best = (1 - share) * current_percent + exam_weight
    return NeededGrade(needed_percent=needed, verdict=verdict, best_possible=round(best, 2))


class Component(Part):
    name: str = Field(min_length=1, max_length=40, description="What was marked, such as 'essay'")
    mark: float = Field(ge=0, le=100, description="Mark in percent")
    weight: float = Field(gt=0, le=100, description="Share of the module in percent")


_PARTS = ("essay", "exam", "lab report", "presentation", "project", "quiz", "coursework")
_SPLITS = ((50, 50), (60, 40), (70, 30), (40, 30, 30), (50, 25, 25), (20, 20, 60), (10, 20, 20, 50), (25, 25, 25, 25))


def _components(rng: Random, weights: tuple[int, ...]) -> list[dict[str, Any]]:
    names = rng.sample(_PARTS, len(weights))
    return [
        {"name": name, "mark": rng.randint(38, 88), "weight": weight}
        for name, weight in zip(names, weights, strict=True)
    ]


Honours = Literal["first", "upper second", "lower second", "third", "fail"]
_HONOURS: tuple[tuple[float, Honours], ...] = (
    (70, "first"),
    (60, "upper second"),
    (50, "lower second"),
    (40, "third"),
    (0, "fail"),
)


class ModuleMark(Result):
    mark: float = Field(description="Weighted mark in percent")
    degree_class: Honours = Field(description="British class: 70 first, 60 upper second, 50 lower second, 40 third")
    strongest: str = Field(description="Component that brought the most marks to the module")


@tool(
    "Education",
    "Grades",
    "My module: {components}. What is the overall mark?",
    "Weighted mark for {components}, and which class is that?",
)
def weighted_module_mark(
    components: Annotated[
        list[Component],
        Field(min_length=1, max_length=20, description="Marked parts, whose weights make 100 percent"),
        Like(lambda rng: _components(rng, rng.choice(_SPLITS))),
        Wrong(lambda rng: _components(rng, rng.choice(((50, 40), (60, 60), (30, 30, 30), (20, 20, 20, 20))))),
    ],
) -> ModuleMark:
    """Overall mark of a module from weighted parts, with its British degree class."""
    weights = sum(part.weight for part in components)
    if abs(weights - 100) > 0.01:
        raise Refused(
            f"parameter 'components': the weights make {weights:g} percent; give weights that make 100 together"
        )
    mark = sum(part.mark * part.weight for part in components) / weights
    best = max(components, key=lambda part: part.mark * part.weight)
    return ModuleMark(
        mark=round(mark, 2), degree_class=next(name for bound, name in _HONOURS if mark >= bound), strongest=best.name
    )


def _scores_draw(rng: Random) -> list[int]:
    middle, spread = rng.randint(50, 78), rng.randint(5, 15)
    return [min(100, max(0, round(rng.gauss(middle, spread)))) for _ in range(rng.randint(6, 16))]


Scores = Annotated[
    list[Annotated[float, Field(ge=0, le=1000, description="A score")]],
    Field(min_length=2, max_length=300, description="Scores of the class"),
    Like(_scores_draw),
]


class PercentileRank(Result):
    percentile: float = Field(description="Percent of scores below, ties counted half")
    place: int = Field(description="Place from the top, 1 for the best; equal scores share the better place")
    below: int = Field(description="Scores that are lower")
    ties: int = Field(description="Scores in the list that are equal")
    z_score: float = Field(description="Distance from the mean in standard deviations of the class, 0 if all are equal")


@tool(
    "Education",
    "Classes",
    "The class scored {scores}. What percentile is {score}?",
    "I got {score}; the others have {scores}. Where do I stand?",
)
def score_percentile_rank(
    scores: Scores,
    score: Annotated[
        float, Field(ge=0, le=1000, description="Score to place, in the list or not"), Like(whole(40, 95))
    ],
) -> PercentileRank:
    """Percentile rank of a score among the scores of a class."""
    ordered = sorted(scores)
    below, up_to = bisect_left(ordered, score), bisect_right(ordered, score)
    mean = fmean(ordered)
    deviation = math.sqrt(fmean((one - mean) ** 2 for one in ordered))
    return PercentileRank(
        percentile=round(100 * (below + (up_to - below) / 2) / len(ordered), 2),
        place=len(ordered) - up_to + 1,
        below=below,
        ties=up_to - below,
        z_score=round((score - mean) / deviation, 4) if deviation > 1e-9 else 0.0,
    )


class CurvedScores(Result):
    scores: list[float] = Field(description="Scores after the curve, in the order given, 100 at most")
    mean_before: float = Field(description="Mean of the scores given")
    mean_after: float = Field(description="Mean of the curved scores")


@tool(
    "Education",
    "Classes",
    "Curve these exam scores so that the best gets 100: {percents}.",
    "Apply a {method} curve to {percents}.",
)
def curve_exam_scores(
    percents: Annotated[
        list[Annotated[float, Field(ge=0, le=100, description="A score in percent")]],
        Field(min_length=1, max_length=300, description="Scores in percent"),
        Like(_scores_draw),
        Wrong(lambda rng: [0] * rng.randint(2, 6)),
    ],
    method: Annotated[
        Literal["shift", "scale", "square root"],
        Field(
            description="shift adds what the best lacks to 100, scale multiplies, square root takes 10 times the root"
        ),
        Like(pick("shift", "scale", "square root")),
    ] = "shift",
) -> CurvedScores:
    """Curve exam scores in one of three usual ways."""
    best = max(percents)
    if best == 0:
        raise Refused("parameter 'percents': every score is 0, there is nothing to curve; give at least one above 0")
    curves = {
        "shift": [one + 100 - best for one in percents],
        "scale": [one * 100 / best for one in percents],
        "square root": [10 * math.sqrt(one) for one in percents],
    }
    curved = [round(min(one, 100), 2) for one in curves[method]]
    return CurvedScores(scores=curved, mean_before=round(fmean(percents), 2), mean_after=round(fmean(curved), 2))


_SENTENCES = (
    "The cat sat on the mat.",
    "The quick brown fox jumps over the lazy dog.",
    "Photosynthesis converts light into chemical energy.",
    "Plants keep that energy in sugar.",
    "We went to the park and it was fun!",
    "The dog ran fast and the kids laughed.",
    "The committee's recommendations were implemented without significant modification.",
    "Water boils at one hundred degrees.",
    "At high altitude it boils sooner because the air is thin.",
    "Economic growth depends on productivity, education, investment and reliable institutions.",
    "I ride my red bike to school every day.",
    "In the beginning the universe was created.",
    "Please read the instructions carefully before you operate the machine.",
    "Keep your hands clear.",
    "Is anybody there?",
    "The patient should be monitored for cardiovascular complications.",
    "Snow fell all night.",
    "Notwithstanding the foregoing, the tenant shall remain liable for all outstanding obligations.",
)


def _passage_draw(rng: Random) -> str:
    return " ".join(rng.sample(_SENTENCES, rng.randint(1, 4)))


class ReadingLevel(Result):
    reading_ease: float = Field(description="Flesch reading ease, high for easy")
    grade: float = Field(description="Flesch-Kincaid grade, years of American school")
    words: int = Field(description="Words counted")
    sentences: int = Field(description="Sentences counted")
    syllables: int = Field(description="Syllables counted, by groups of vowels without a silent e")


def _syllables(word: str) -> int:
    """Groups of vowels; the e of -e, -ed and -es is mostly silent, that of -le after a consonant is not."""
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = re.search(r"[^aeiouy]e$|[^aeiouytd]ed$|[^aeiouysxzcgh]es$", word) and not re.search(r"[^aeiouy]le$", word)
    return max(1, groups - bool(silent))


@tool(
    "Education",
    "Study",
    "How hard is this to read? {passage}",
    'What grade level is the text "{passage}"?',
)
def flesch_reading_level(
    passage: Annotated[
        str,
        Field(min_length=1, max_length=5000, description="English text"),
        Like(_passage_draw),
        Wrong(pick("12345", "...", "3 + 4 = 7", "2024-05-01")),
    ],
) -> ReadingLevel:
    """Flesch reading ease and Flesch-Kincaid grade of an English text, syllables estimated from the spelling."""
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", passage.lower())
    if not words:
        raise Refused(f"parameter 'passage': '{passage}' has no words in Latin letters; give an English text")
    sentences = max(1, len(re.findall(r"[.!?]+(?=\s|$)", passage)))
    syllables = sum(_syllables(word) for word in words)
    long_sentence, long_word = len(words) / sentences, syllables / len(words)
    return ReadingLevel(
        reading_ease=round(206.835 - 1.015 * long_sentence - 84.6 * long_word, 2),
        grade=round(0.39 * long_sentence + 11.8 * long_word - 15.59, 2),
        words=len(words),
        sentences=sentences,
        syllables=syllables,
    )


class Topic(Part):
    name: str = Field(min_length=1, max_length=40, description="What to learn")
    hours: float = Field(ge=0.5, le=100, multiple_of=0.5, description="Time for it in hours")


def _plan_draw(rng: Random) -> dict[str, Any]:
    hours = {name: rng.randint(1, 6) for name in rng.sample(_SUBJECTS, rng.randint(2, 4))}
    daily = rng.choice((1, 1.5, 2, 3, 4))
    days = math.ceil(sum(hours.values()) / daily) + rng.randint(0, 6)
    begin = date(2025, 1, 6) + timedelta(days=rng.randrange(500))
    return {
        "topics": [{"name": name, "hours": needed} for name, needed in hours.items()],
        "first_day": begin.isoformat(),
        "exam_date": (begin + timedelta(days=days)).isoformat(),
        "hours_per_day": daily,
    }


class Session(Result):
    study_on: date = Field(description="Day of the session")
    topic: str = Field(description="What to learn")
    hours: float = Field(description="For how long, in hours")


class StudySchedule(Result):
    sessions: list[Session] = Field(description="Sessions in order")
    total_hours: float = Field(description="Hours of all topics")
    days_to_spare: int = Field(description="Days before the exam without any session")


@tool(
    "Education",
    "Study",
    "My exam is on {exam_date}. From {first_day} I have {hours_per_day} hours a day for {topics}. Plan it.",
    "Study plan from {first_day} to the exam on {exam_date}, {hours_per_day} h daily: {topics}.",
    together=_plan_draw,
)
def study_schedule(
    topics: Annotated[
        list[Topic],
        Field(min_length=1, max_length=20, description="Topics in the order to learn them"),
        Like(lambda rng: [{"name": rng.choice(_SUBJECTS), "hours": rng.randint(1, 6)}]),
    ],
    first_day: Annotated[date, Field(description="First day of study"), Like(pick("2025-03-03"))],
    exam_date: Annotated[
        date,
        Field(description="Day of the exam, at most 180 days later, not for study"),
        Like(pick("2025-04-01")),
        Wrong(pick("1999-06-01", "2001-01-15", "1987-09-30")),
    ],
    hours_per_day: Annotated[
        float, Field(ge=0.5, le=14, multiple_of=0.5, description="Hours a day"), Like(pick(1, 2, 3))
    ],
) -> StudySchedule:
    """Spread topics over the days before an exam, one after the other, every day filled before the next."""
    days = (exam_date - first_day).days
    if not 0 < days <= 180:
        raise Refused(
            f"parameter 'exam_date': {exam_date} is not within 180 days after the first day {first_day}; give a later "
            "date, or begin later"
        )
    total = sum(topic.hours for topic in topics)
    if total > days * hours_per_day:
        raise Refused(
            f"parameter 'hours_per_day': {hours_per_day:g} hours on {days} days are fewer than the {total:g} hours of "
            f"the topics; give at least {math.ceil(2 * total / days) / 2:g}"
        )
    sessions: list[Session] = []
    today, left = 0, hours_per_day
    for topic in topics:
        rest = topic.hours
        while rest > 0:
            if left == 0:
                today, left = today + 1, hours_per_day
            spent = min(rest, left)
            sessions.append(Session(study_on=first_day + timedelta(days=today), topic=topic.name, hours=spent))
            rest, left = rest - spent, left - spent
    return StudySchedule(sessions=sessions, total_hours=total, days_to_spare=days - today - 1)
