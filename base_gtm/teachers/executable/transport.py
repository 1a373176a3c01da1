"""Transport: fuel, braking, speed, timetables, emissions and parking."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, NaiveDatetime

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, pick, tool, whole

_GRAVITY = 9.81

DistanceKm = Annotated[float, Field(gt=0, le=50000, description="Distance in kilometres"), Like(whole(8, 1400))]
Travellers = Annotated[int, Field(ge=1, le=100, description="People in the vehicle"), Like(whole(2, 5))]


class FuelCost(Result):
    litres: float = Field(description="Fuel burnt in litres")
    cost: float = Field(description="What it costs, in the currency of the price")
    cost_per_person: float = Field(description="Cost shared by all in the car")
    co2_kg: float = Field(description="Carbon dioxide from the tailpipe in kilograms")


Fuel = Literal["petrol", "diesel", "lpg"]
_CO2: dict[Fuel, float] = {"petrol": 2.31, "diesel": 2.68, "lpg": 1.51}
"""Kilograms of carbon dioxide from a litre."""


@tool(
    "Transport",
    "Costs",
    "Driving {distance_km} km at {litres_per_100km} l/100 km, a litre for {price_per_litre}: what does the fuel cost?",
    "Fuel for {distance_km} km, {litres_per_100km} litres per hundred, {price_per_litre} a litre, split {people} ways?",
    "My {fuel} car takes {litres_per_100km} l/100 km. Fuel and CO2 for {distance_km} km at {price_per_litre} a litre?",
    "{people} of us share a {fuel} car: {distance_km} km, {litres_per_100km} l/100 km, {price_per_litre} per litre.",
)
def trip_fuel_cost(
    distance_km: DistanceKm,
    litres_per_100km: Annotated[
        float, Field(gt=0, le=100, description="Consumption in litres for 100 km"), Like(number(4, 12, 1))
    ],
    price_per_litre: Annotated[float, Field(gt=0, le=1000, description="Price of a litre"), Like(number(1.3, 2.2))],
    people: Travellers = 1,
    fuel: Annotated[Fuel, Field(description="What the car burns"), Like(pick("petrol", "diesel", "lpg"))] = "petrol",
) -> FuelCost:
    """Fuel, cost and tailpipe carbon dioxide of a drive."""
    litres = distance_km * litres_per_100km / 100
    cost = litres * price_per_litre
    return FuelCost(
        litres=round(litres, 2),
        cost=round(cost, 2),
        cost_per_person=round(cost / people, 2),
        co2_kg=round(litres * _CO2[fuel], 2),
    )


Road = Literal["dry", "wet", "gravel", "snow", "ice"]
_FRICTION: dict[Road, float] = {"dry": 0.7, "wet": 0.4, "gravel": 0.35, "snow": 0.2, "ice": 0.1}


class StoppingDistance(Result):
    thinking_m: float = Field(description="Driven before the brakes act, in metres")
    braking_m: float = Field(description="Driven while braking, in metres")
    total_m: float = Field(description="Both together in metres")
    braking_s: float = Field(description="Time that braking takes in seconds")


@tool(
    "Transport",
    "Driving",
    "How far does a car go before it stands still from {speed_kmh} km/h?",
    "Stopping distance from {speed_kmh} km/h on a {road} road?",
    "{speed_kmh} km/h, {road} surface, slope {slope_percent} percent (negative is downhill): how long to stop?",
    "Braking from {speed_kmh} km/h on a slope of {slope_percent} % (negative is downhill). Distance?",
)
def stopping_distance(
    speed_kmh: Annotated[float, Field(gt=0, le=300, description="Speed in km/h"), Like(whole(30, 180, 10))],
    road: Annotated[
        Road,
        Field(description="Surface, with friction 0.7 dry, 0.4 wet, 0.35 gravel, 0.2 snow, 0.1 ice"),
        Like(pick(*_FRICTION)),
    ] = "dry",
    slope_percent: Annotated[
        float,
        Field(ge=-100, le=100, description="Slope of the road in percent, negative downhill"),
        Like(pick(-4, -2, 2, 3, 5, 8), given=0.25),
        Wrong(pick(-72, -80, -95)),
    ] = 0,
) -> StoppingDistance:
    """Stopping distance of a car with a reaction time of 1 s: v*t + v^2 / (2 g (friction + slope))."""
    speed, hold = speed_kmh / 3.6, _FRICTION[road] + slope_percent / 100
    if hold <= 0.02:
        raise Refused(
            f"parameter 'slope_percent': at {slope_percent:g} percent a car does not come to rest on a road that is "
            f"{road}; give more than {2 - 100 * _FRICTION[road]:g}"
        )
    braking = speed**2 / (2 * _GRAVITY * hold)
    return StoppingDistance(
        thinking_m=round(speed, 2),
        braking_m=round(braking, 2),
        total_m=round(speed + braking, 2),
        braking_s=round(speed / (_GRAVITY * hold), 2),
    )


class Leg(Part):
    distance_km: float = Field(gt=0, le=5000, description="Length of the leg in kilometres")
    minutes: float = Field(gt=0, le=6000, description="Time for it in minutes")


def _legs_draw(rng: Random) -> list[dict[str, Any]]:
    legs = []
    for _ in range(rng.randint(2, 4)):
        distance = rng.randint(5, 240)
        legs.append({"distance_km": distance, "minutes": max(3, round(distance / rng.uniform(25, 120) * 60))})
    return legs


class TripSpeed(Result):
    average_kmh: float = Field(description="Total distance over total time, breaks counted")
    moving_kmh: float = Field(description="The same without the breaks")
    distance_km: float = Field(description="All legs together in kilometres")
    minutes: float = Field(description="All legs and breaks together in minutes")
    leg_speeds_kmh: list[float] = Field(description="Speed of each leg")


@tool(
    "Transport",
    "Driving",
    "My trip had these legs: {legs}. What was my average speed?",
    "Average speed over {legs}, with breaks of {break_minutes} minutes altogether?",
)
def average_trip_speed(
    legs: Annotated[list[Leg], Field(min_length=1, max_length=20, description="Legs in order"), Like(_legs_draw)],
    break_minutes: Annotated[
        float, Field(ge=0, le=6000, description="All breaks together in minutes"), Like(pick(5, 10, 15, 20, 30, 45))
    ] = 0,
) -> TripSpeed:
    """Average speed of a trip of several legs, which is not the average of their speeds."""
    distance, moving = sum(leg.distance_km for leg in legs), sum(leg.minutes for leg in legs)
    return TripSpeed(
        average_kmh=round(60 * distance / (moving + break_minutes), 2),
        moving_kmh=round(60 * distance / moving, 2),
        distance_km=round(distance, 3),
        minutes=round(moving + break_minutes, 2),
        leg_speeds_kmh=[round(60 * leg.distance_km / leg.minutes, 2) for leg in legs],
    )


_LINES = (
    ("Paddington", "Reading", "Swindon", "Bath Spa", "Bristol"),
    ("Hamburg", "Hannover", "Goettingen", "Kassel", "Frankfurt"),
    ("Tokyo", "Yokohama", "Nagoya", "Kyoto", "Osaka"),
    ("Milano", "Bologna", "Firenze", "Roma", "Napoli"),
    ("Boston", "Providence", "New Haven", "New York"),
    ("Ghent", "Brussels", "Leuven", "Liege"),
)


class Stop(Part):
    station: str = Field(min_length=1, max_length=40, description="Name of the station")
    run_minutes: int = Field(ge=1, le=1440, description="Minutes from the station before")
    wait_minutes: int = Field(default=2, ge=0, le=240, description="Minutes the train stands there")


def _line_draw(rng: Random) -> dict[str, Any]:
    line = rng.choice(_LINES)
    stations = line[: rng.randint(3, len(line))]
    if rng.random() < 0.5:
        stations = stations[::-1]
    stops = [
        {"station": station, "run_minutes": rng.randint(12, 75), "wait_minutes": rng.randint(1, 6)}
        for station in stations[1:]
    ]
    return {"origin": stations[0], "stops": stops}


class TimetableRow(Result):
    station: str = Field(description="The station")
    arrival: str = Field(description="Arrival HH:MM, empty at the first station")
    departure: str = Field(description="Departure HH:MM, empty at the last station")
    day: int = Field(description="Days after the first departure's day on which the train arrives")


class Timetable(Result):
    rows: list[TimetableRow] = Field(description="The stations in order")
    journey_minutes: int = Field(description="From first departure to last arrival")


@tool(
    "Transport",
    "Timetables",
    "A train leaves {origin} at {departure} and calls at {stops}. Write the timetable.",
    "Timetable, please: {origin} departs {departure}, then {stops}.",
    together=_line_draw,
)
def train_timetable(
    origin: Annotated[
        str, Field(min_length=1, max_length=40, description="First station"), Like(pick("Ghent", "Tokyo"))
    ],
    departure: Annotated[
        str,
        Field(pattern="^[0-9]{2}:[0-9]{2}$", description="Departure there, HH:MM"),
        Like(lambda rng: f"{rng.randrange(5, 24):02d}:{rng.randrange(0, 60, 2):02d}"),
        Wrong(pick("24:15", "25:10", "09:75", "18:60", "30:00")),
    ],
    stops: Annotated[
        list[Stop],
        Field(min_length=1, max_length=30, description="Further stations in order"),
        Like(lambda rng: [{"station": "Leuven", "run_minutes": rng.randint(10, 60)}]),
    ],
) -> Timetable:
    """Arrival and departure at each station from running and waiting times, over midnight where it comes to that."""
    hours, minutes = map(int, departure.split(":"))
    if hours > 23 or minutes > 59:
        raise Refused(f"parameter 'departure': '{departure}' is no time of day; give HH:MM from 00:00 to 23:59")
    start = now = 60 * hours + minutes
    rows = [TimetableRow(station=origin, arrival="", departure=departure, day=0)]
    for place, stop in enumerate(stops, 1):
        arrival = now + stop.run_minutes
        now = arrival + stop.wait_minutes
        leaves = _clock(now) if place < len(stops) else ""
        rows.append(TimetableRow(station=stop.station, arrival=_clock(arrival), departure=leaves, day=arrival // 1440))
    return Timetable(rows=rows, journey_minutes=now - stops[-1].wait_minutes - start)


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


Mode = Literal[
    "petrol car",
    "diesel car",
    "motorbike",
    "local bus",
    "coach",
    "train",
    "domestic flight",
    "short-haul flight",
    "long-haul flight",
]
_EMISSIONS: dict[Mode, float] = {
    "petrol car": 0.17048,
    "diesel car": 0.17082,
    "motorbike": 0.11355,
    "local bus": 0.09650,
    "coach": 0.02733,
    "train": 0.03549,
    "domestic flight": 0.24587,
    "short-haul flight": 0.15353,
    "long-haul flight": 0.19309,
}
"""Kilograms of CO2 equivalent a kilometre: of the vehicle on the road, of a passenger in public transport."""
_SHARED = ("petrol car", "diesel car", "motorbike")
_TREE = 21
"""Kilograms of carbon dioxide that a grown tree takes up in a year."""


class TripEmissions(Result):
    total_kg: float = Field(description="CO2 equivalent of all travellers in kilograms")
    per_person_kg: float = Field(description="CO2 equivalent of each traveller in kilograms")
    tree_years: float = Field(description="Years that one tree takes to bind the total, at 21 kg a year")


@tool(
    "Transport",
    "Costs",
    "What CO2 does a trip of {distance_km} km by {mode} cause?",
    "{people} of us travel {distance_km} km by {mode}. Our carbon footprint?",
)
def trip_emissions(
    mode: Annotated[Mode, Field(description="Means of travel"), Like(pick(*_EMISSIONS))],
    distance_km: DistanceKm,
    people: Travellers = 1,
) -> TripEmissions:
    """Greenhouse gas of a trip by the British government's factors of 2022; people in one car share its emissions."""
    vehicle = distance_km * _EMISSIONS[mode]
    total = vehicle if mode in _SHARED else vehicle * people
    return TripEmissions(
        total_kg=round(total, 2), per_person_kg=round(total / people, 2), tree_years=round(total / _TREE, 2)
    )


def _parking_draw(rng: Random) -> dict[str, Any]:
    arrival = datetime(2025, 1, 1, 6) + timedelta(days=rng.randrange(500), minutes=5 * rng.randrange(180))
    stay = timedelta(minutes=rng.choice((rng.randint(20, 600), rng.randint(20, 180), rng.randint(600, 4000))))
    return {"arrival": arrival.isoformat(), "departure": (arrival + stay).isoformat()}


class ParkingFee(Result):
    fee: float = Field(description="What is to be paid")
    billed_hours: int = Field(description="Hours begun after the free minutes, over all days")
    days_at_cap: int = Field(description="Periods of 24 hours in which the daily cap was reached")
    parked_minutes: int = Field(description="Whole minutes parked")


@tool(
    "Transport",
    "Costs",
    "I parked from {arrival} to {departure} at {hourly_rate} an hour. What do I pay?",
    "Parking {arrival} to {departure}: {hourly_rate} per hour, at most {daily_cap} a day. Fee?",
    "Car park: in {arrival}, out {departure}, {hourly_rate} an hour, the first {free_minutes} minutes free.",
    "In {arrival}, out {departure}, {hourly_rate} an hour, {free_minutes} minutes free, cap {daily_cap} a day. Fee?",
    together=_parking_draw,
)
def parking_fee(
    arrival: Annotated[NaiveDatetime, Field(description="Local time of arrival"), Like(pick("2025-05-02T09:00:00"))],
    departure: Annotated[
        NaiveDatetime,
        Field(description="Local time of departure, at most 60 days later"),
        Like(pick("2025-05-02T11:30:00")),
        Wrong(pick("1999-05-02T11:30:00", "1985-01-01T08:00:00", "2001-09-30T23:00:00")),
    ],
    hourly_rate: Annotated[
        float, Field(gt=0, le=1000, description="Price of each hour begun"), Like(pick(1, 1.5, 2, 2.5, 3, 3.5, 4, 5))
    ],
    daily_cap: Annotated[
        float,
        Field(gt=0, le=10000, description="Most for 24 hours, counted from the end of the free minutes"),
        Like(pick(12, 15, 18, 20, 24, 25, 30)),
    ] = 10000,
    free_minutes: Annotated[
        int, Field(ge=0, le=240, description="Free minutes after arrival"), Like(pick(15, 30, 60))
    ] = 0,
) -> ParkingFee:
    """Parking fee by hours begun, with free minutes at first and a cap for each 24 hours after them."""
    minutes = int((departure - arrival).total_seconds() // 60)
    if not 0 < minutes <= 60 * 1440:
        raise Refused(
            f"parameter 'departure': {departure.isoformat()} is not within 60 days after the arrival at "
            f"{arrival.isoformat()}; give a later time of the same stay"
        )
    days, rest = divmod(max(0, minutes - free_minutes), 1440)
    hours = [24] * days + [math.ceil(rest / 60)]
    charges = [min(hourly_rate * count, daily_cap) for count in hours]
    return ParkingFee(
        fee=round(sum(charges), 2),
        billed_hours=sum(hours),
        days_at_cap=sum(hourly_rate * count >= daily_cap for count in hours),
        parked_minutes=minutes,
    )
