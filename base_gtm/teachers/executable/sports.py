"""Sports: ratings, tables, running, strength and batting."""

from __future__ import annotations

import re
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Part, Refused, Result, Wrong, number, pick, tool, whole

_MILE = 1.609344
"""Kilometres."""
_MARATHON, _HALF = 42.195, 21.0975
_TIME = re.compile(r"([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])")


def _clock(seconds: float) -> str:
    """Seconds as H:MM:SS, rounded to the second."""
    whole_seconds = round(seconds)
    return f"{whole_seconds // 3600}:{whole_seconds // 60 % 60:02d}:{whole_seconds % 60:02d}"


def _minutes(seconds: float) -> str:
    """Seconds as M:SS, rounded to the second."""
    whole_seconds = round(seconds)
    return f"{whole_seconds // 60}:{whole_seconds % 60:02d}"


def _seconds(finish_time: str, parameter: str) -> int:
    """Seconds of H:MM:SS. Raises Refused for a time that no clock shows."""
    read = _TIME.fullmatch(finish_time)
    if read is None or int(finish_time.replace(":", "")) == 0:
        raise Refused(
            f"parameter '{parameter}': '{finish_time}' is no time; give hours, minutes below 60 and seconds below 60, "
            "such as 0:48:30"
        )
    hours, minutes, seconds = map(int, read.groups())
    return 3600 * hours + 60 * minutes + seconds


def _run_draw(distance: str, finish: str, distances: tuple[float, ...]) -> Draw:
    """A distance and a time in which people run it."""

    def drawn(rng: Random) -> dict[str, Any]:
        length = rng.choice(distances)
        return {distance: length, finish: _clock(length * rng.uniform(200, 440))}

    return drawn


_BAD_TIMES = pick("0:75:00", "1:20:61", "0:00:00", "2:60:10", "0:45:90")


class EloUpdate(Result):
    expected_score: float = Field(description="Share of the points that the player was expected to take, 0 to 1")
    new_rating: float = Field(description="Rating of the player after the game")
    new_opponent_rating: float = Field(description="Rating of the opponent after the game")
    change: float = Field(description="What the player has gained, negative for lost")


_SCORES = {"win": 1.0, "draw": 0.5, "loss": 0.0}


def _ratings_draw(rng: Random) -> dict[str, Any]:
    rating = rng.randint(1000, 2700)
    return {"rating": rating, "opponent_rating": max(600, rating + rng.randint(-350, 350))}


@tool(
    "Sports",
    "Ratings and tables",
    "I am rated {rating} and my game against a {opponent_rating} was a {outcome}. What is my new Elo?",
    "Elo update: {rating} against {opponent_rating}, {outcome}, K factor {k_factor}.",
    together=_ratings_draw,
)
def elo_rating_update(
    rating: Annotated[float, Field(ge=100, le=4000, description="Rating of the player"), Like(whole(1000, 2700))],
    opponent_rating: Annotated[
        float, Field(ge=100, le=4000, description="Rating of the opponent"), Like(whole(1000, 2700))
    ],
    outcome: Annotated[
        Literal["win", "draw", "loss"], Field(description="Result for the player"), Like(pick("win", "draw", "loss"))
    ],
    k_factor: Annotated[
        float, Field(ge=1, le=100, description="Most that one game can move a rating"), Like(pick(10, 16, 24, 32, 40))
    ] = 20,
) -> EloUpdate:
    """New Elo ratings of both players after one game; both move by the same K factor."""
    expected = 1 / (1 + 10 ** ((opponent_rating - rating) / 400))
    change = round(k_factor * (_SCORES[outcome] - expected), 2)
    return EloUpdate(
        expected_score=round(expected, 4),
        new_rating=round(rating + change, 2),
        new_opponent_rating=round(opponent_rating - change, 2),
        change=change,
    )


_TEAMS = (
    ("Ajax", "Feyenoord", "PSV", "Twente"),
    ("Arsenal", "Chelsea", "Everton", "Fulham"),
    ("Lyon", "Lille", "Nantes", "Nice"),
    ("Reds", "Blues", "Greens"),
    ("Boca", "River", "Racing", "Lanus"),
    ("Kobe", "Urawa", "Kashima"),
)


class Match(Part):
    home: str = Field(min_length=1, max_length=40, description="Team at home")
    away: str = Field(min_length=1, max_length=40, description="Team away")
    home_goals: int = Field(ge=0, le=200, description="Goals of the team at home")
    away_goals: int = Field(ge=0, le=200, description="Goals of the team away")


def _matches_draw(rng: Random) -> list[dict[str, Any]]:
    teams = rng.choice(_TEAMS)
    pairs = [(one, other) for one in teams for other in teams if one != other]
    return [
        {"home": home, "away": away, "home_goals": rng.randint(0, 4), "away_goals": rng.randint(0, 3)}
        for home, away in rng.sample(pairs, rng.randint(2, min(6, len(pairs))))
    ]


def _match_against_itself(rng: Random) -> list[dict[str, Any]]:
    team = rng.choice(rng.choice(_TEAMS))
    return [*_matches_draw(rng), {"home": team, "away": team, "home_goals": 2, "away_goals": 1}]


class TableRow(Result):
    place: int = Field(description="1 for the leader")
    team: str = Field(description="The team")
    played: int = Field(description="Matches played")
    won: int = Field(description="Matches won")
    drawn: int = Field(description="Matches drawn")
    lost: int = Field(description="Matches lost")
    goals_for: int = Field(description="Goals scored")
    goals_against: int = Field(description="Goals conceded")
    points: int = Field(description="Points")


class LeagueTable(Result):
    rows: list[TableRow] = Field(description="The teams, the leader first")


@tool(
    "Sports",
    "Ratings and tables",
    "Make the league table from these results: {matches}.",
    "Standings with {win_points} points for a win, please: {matches}",
)
def league_table(
    matches: Annotated[
        list[Match],
        Field(min_length=1, max_length=60, description="Matches played"),
        Like(_matches_draw),
        Wrong(_match_against_itself),
    ],
    win_points: Annotated[
        int, Field(ge=1, le=5, description="Points for a win; a draw gives one"), Like(pick(2, 3))
    ] = 3,
) -> LeagueTable:
    """Table of a league by points, then goal difference, then goals scored, then name."""
    tally: dict[str, dict[str, int]] = {}
    for match in matches:
        if match.home == match.away:
            raise Refused(f"parameter 'matches': '{match.home}' plays itself; name two different teams in every match")
        _count(tally, match.home, match.home_goals, match.away_goals, win_points)
        _count(tally, match.away, match.away_goals, match.home_goals, win_points)

    def rank(team: str) -> tuple[int, int, int, str]:
        row = tally[team]
        return -row["points"], row["goals_against"] - row["goals_for"], -row["goals_for"], team

    order = sorted(tally, key=rank)
    return LeagueTable(rows=[TableRow(place=place, team=team, **tally[team]) for place, team in enumerate(order, 1)])


_COLUMNS = ("played", "won", "drawn", "lost", "goals_for", "goals_against", "points")


def _count(tally: dict[str, dict[str, int]], team: str, scored: int, conceded: int, win_points: int) -> None:
    row = tally.setdefault(team, dict.fromkeys(_COLUMNS, 0))
    outcome = "won" if scored > conceded else "drawn" if scored == conceded else "lost"
    row["played"] += 1
    row[outcome] += 1
    row["goals_for"] += scored
    row["goals_against"] += conceded
    row["points"] += {"won": win_points, "drawn": 1, "lost": 0}[outcome]


class Pace(Result):
    pace_per_km: str = Field(description="Minutes and seconds for a kilometre, M:SS")
    pace_per_mile: str = Field(description="Minutes and seconds for a mile, M:SS")
    speed_kmh: float = Field(description="Average speed in kilometres an hour")


@tool(
    "Sports",
    "Running",
    "I ran {distance_km} km in {finish_time}. What pace is that?",
    "Pace and speed for {distance_km} kilometres in {finish_time}, please.",
    together=_run_draw("distance_km", "finish_time", (3, 5, 6.5, 8, 10, 12, 15, 16.1, 18.4, _HALF, 25, 30, _MARATHON)),
)
def running_pace(
    distance_km: Annotated[
        float, Field(ge=0.1, le=500, description="Distance in kilometres"), Like(pick(5, 10, _MARATHON))
    ],
    finish_time: Annotated[
        str,
        Field(pattern="^[0-9]{1,2}:[0-9]{2}:[0-9]{2}$", description="Time taken, H:MM:SS"),
        Like(pick("0:50:00")),
        Wrong(_BAD_TIMES),
    ],
) -> Pace:
    """Average pace and speed of a run."""
    seconds = _seconds(finish_time, "finish_time")
    return Pace(
        pace_per_km=_minutes(seconds / distance_km),
        pace_per_mile=_minutes(seconds / distance_km * _MILE),
        speed_kmh=round(distance_km / seconds * 3600, 2),
    )


class RacePrediction(Result):
    predicted_time: str = Field(description="Time for the other distance, H:MM:SS")
    predicted_seconds: int = Field(description="The same in seconds")
    pace_per_km: str = Field(description="Its pace, M:SS for a kilometre")


@tool(
    "Sports",
    "Running",
    "I raced {race_km} km in {race_time}. What could I run over {target_km} km?",
    "Predict my time for {target_km} km from {race_time} over {race_km} km, fatigue exponent {exponent}.",
    together=_run_draw("race_km", "race_time", (3, 5, 8, 10, 15, 16.1, _HALF)),
)
def race_time_prediction(
    race_km: Annotated[
        float, Field(ge=0.4, le=500, description="Distance that was raced in kilometres"), Like(pick(5, 10, _HALF))
    ],
    race_time: Annotated[
        str,
        Field(pattern="^[0-9]{1,2}:[0-9]{2}:[0-9]{2}$", description="Time of that race, H:MM:SS"),
        Like(pick("0:50:00")),
        Wrong(_BAD_TIMES),
    ],
    target_km: Annotated[
        float,
        Field(ge=0.4, le=500, description="Distance to predict in kilometres"),
        Like(pick(5, 10, 15, _HALF, 30, _MARATHON, 50)),
    ],
    exponent: Annotated[
        float,
        Field(ge=1, le=1.2, description="How much longer distances slow down"),
        Like(pick(1.04, 1.05, 1.07, 1.08)),
    ] = 1.06,
) -> RacePrediction:
    """Time over another distance by Riegel's formula: time grows with distance to the power 1.06."""
    seconds = _seconds(race_time, "race_time") * (target_km / race_km) ** exponent
    return RacePrediction(
        predicted_time=_clock(seconds), predicted_seconds=round(seconds), pace_per_km=_minutes(seconds / target_km)
    )


Fitness = Literal["poor", "below average", "average", "good", "excellent"]
_COOPER: dict[str, tuple[tuple[int, tuple[int, int, int, int]], ...]] = {
    "male": (
        (29, (1600, 2200, 2400, 2800)),
        (39, (1500, 1900, 2300, 2700)),
        (49, (1400, 1700, 2100, 2500)),
        (120, (1300, 1600, 2000, 2400)),
    ),
    "female": (
        (29, (1500, 1800, 2200, 2700)),
        (39, (1400, 1700, 2000, 2500)),
        (49, (1200, 1500, 1900, 2300)),
        (120, (1100, 1400, 1700, 2200)),
    ),
}
"""Highest age -> metres at which each class after poor begins; the last holds above it."""
_FITNESS: tuple[Fitness, ...] = ("poor", "below average", "average", "good", "excellent")


class CooperTest(Result):
    vo2_max: float = Field(description="Maximal oxygen uptake in ml/kg/min")
    fitness: Fitness = Field(description="Class for age and sex in Cooper's table")
    speed_kmh: float = Field(description="Average speed in kilometres an hour")


@tool(
    "Sports",
    "Running",
    "I covered {distance_m} m in the 12-minute run ({sex}, {age}). What is my VO2max?",
    "Cooper test: {sex}, age {age}, {distance_m} metres. How fit is that?",
)
def cooper_vo2_max(
    distance_m: Annotated[
        int, Field(ge=800, le=5000, description="Metres run in twelve minutes"), Like(whole(1300, 3400, 10))
    ],
    age: Annotated[int, Field(ge=20, le=100, description="Age in years"), Like(whole(20, 65))],
    sex: Annotated[Literal["female", "male"], Field(description="Table to judge by"), Like(pick("female", "male"))],
) -> CooperTest:
    """Maximal oxygen uptake of an adult from the Cooper twelve-minute run."""
    bounds = next(bounds for oldest, bounds in _COOPER[sex] if age <= oldest)
    return CooperTest(
        vo2_max=round((distance_m - 504.9) / 44.73, 2),
        fitness=_FITNESS[sum(distance_m >= bound for bound in bounds[:3]) + (distance_m > bounds[3])],
        speed_kmh=round(distance_m * 5 / 1000, 2),
    )


class OneRepMax(Result):
    one_rep_max_kg: float = Field(description="Heaviest weight for a single repetition in kilograms")
    strength_kg: float = Field(description="Load for strength, 85 percent")
    growth_kg: float = Field(description="Load for muscle growth, 70 percent")
    endurance_kg: float = Field(description="Load for endurance, 50 percent")


@tool(
    "Sports",
    "Strength",
    "I can lift {weight_kg} kg {repetitions} times. What is my one-rep max?",
    "1RM by {formula} for {repetitions} reps of {weight_kg} kg?",
)
def one_rep_max(
    weight_kg: Annotated[
        float, Field(gt=0, le=600, description="Weight lifted in kilograms"), Like(number(20, 180, 0))
    ],
    repetitions: Annotated[int, Field(ge=1, le=15, description="Repetitions until failure"), Like(whole(2, 12))],
    formula: Annotated[
        Literal["epley", "brzycki", "lombardi"],
        Field(description="Whose formula"),
        Like(pick("epley", "brzycki", "lombardi")),
    ] = "epley",
) -> OneRepMax:
    """One-repetition maximum from a set to failure, and training loads in shares of it."""
    factor = {
        "epley": 1 + repetitions / 30,
        "brzycki": 36 / (37 - repetitions),
        "lombardi": repetitions**0.1,
    }[formula]
    best = weight_kg * (1 if repetitions == 1 else factor)
    return OneRepMax(
        one_rep_max_kg=round(best, 1),
        strength_kg=round(0.85 * best, 1),
        growth_kg=round(0.7 * best, 1),
        endurance_kg=round(0.5 * best, 1),
    )


class LongHits(Part):
    doubles: int = Field(ge=0, le=100, description="Two-base hits")
    triples: int = Field(ge=0, le=60, description="Three-base hits")
    home_runs: int = Field(ge=0, le=100, description="Home runs")


def _season_draw(rng: Random) -> dict[str, Any]:
    at_bats = rng.randint(180, 640)
    hits = round(at_bats * rng.uniform(0.2, 0.35))
    long_hits = {
        "doubles": round(hits * rng.uniform(0.1, 0.25)),
        "triples": rng.randint(0, hits // 25),
        "home_runs": round(hits * rng.uniform(0.02, 0.28)),
    }
    return {"at_bats": at_bats, "hits": hits, "long_hits": long_hits}


class BattingLine(Result):
    batting_average: float = Field(description="Hits over at bats")
    on_base: float = Field(description="Share of plate appearances that ended on base, sacrifice flies apart")
    slugging: float = Field(description="Total bases over at bats")
    on_base_plus_slugging: float = Field(description="The two together (OPS)")
    total_bases: int = Field(description="Bases from hits")


@tool(
    "Sports",
    "Baseball",
    "{hits} hits in {at_bats} at bats, of them {long_hits}. Batting average and slugging?",
    "Season line: {at_bats} AB, {hits} H ({long_hits}), {walks} walks. What are AVG, OBP, SLG and OPS?",
    together=_season_draw,
)
def baseball_batting_line(
    at_bats: Annotated[int, Field(ge=1, le=800, description="Official at bats"), Like(whole(100, 600))],
    hits: Annotated[
        int, Field(ge=0, le=1000, description="All hits, long ones too"), Like(whole(20, 200)), Wrong(whole(801, 1000))
    ],
    long_hits: Annotated[
        LongHits,
        Field(description="Hits for more than one base"),
        Like(lambda rng: {"doubles": rng.randint(0, 5), "triples": 0, "home_runs": rng.randint(0, 5)}),
    ],
    walks: Annotated[int, Field(ge=0, le=300, description="Walks and times hit by a pitch"), Like(whole(10, 110))] = 0,
) -> BattingLine:
    """Batting average, on-base and slugging percentage of a baseball season."""
    if hits > at_bats:
        raise Refused(f"parameter 'hits': {hits} is more than the {at_bats} at bats; give at most {at_bats}")
    extra = long_hits.doubles + long_hits.triples + long_hits.home_runs
    if extra > hits:
        raise Refused(f"parameter 'long_hits': {extra} long hits are more than the {hits} hits; give at most {hits}")
    bases = hits + long_hits.doubles + 2 * long_hits.triples + 3 * long_hits.home_runs
    on_base, slugging = (hits + walks) / (at_bats + walks), bases / at_bats
    return BattingLine(
        batting_average=round(hits / at_bats, 3),
        on_base=round(on_base, 3),
        slugging=round(slugging, 3),
        on_base_plus_slugging=round(on_base + slugging, 3),
        total_bases=bases,
    )
