"""Health: body measures, energy, heart rate, doses, kidneys and pregnancy, by the formulas that clinics use."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, day, number, pick, tool, whole

Sex = Annotated[
    Literal["female", "male"], Field(description="Sex that the formula is for"), Like(pick("female", "male"))
]
AdultAge = Annotated[int, Field(ge=18, le=110, description="Age in years"), Like(whole(19, 85))]
WeightKg = Annotated[float, Field(ge=20, le=350, description="Body weight in kilograms"), Like(number(46, 125, 1))]
HeightCm = Annotated[float, Field(ge=100, le=250, description="Body height in centimetres"), Like(whole(150, 200))]

BmiClass = Literal["underweight", "normal", "overweight", "obesity class I", "obesity class II", "obesity class III"]
_BMI: tuple[tuple[float, BmiClass], ...] = (
    (18.5, "underweight"),
    (25, "normal"),
    (30, "overweight"),
    (35, "obesity class I"),
    (40, "obesity class II"),
    (math.inf, "obesity class III"),
)
"""Upper bound, not included, and the WHO's name for what lies below it."""


class BodyMass(Result):
    bmi: float = Field(description="Body mass index in kg/m2")
    category: BmiClass = Field(description="Class of the World Health Organization for adults")
    healthy_from_kg: float = Field(description="Weight at an index of 18.5")
    healthy_to_kg: float = Field(description="Weight at an index of 24.9")


@tool(
    "Health",
    "Body measures",
    "I weigh {weight_kg} kg and am {height_cm} cm tall. What is my BMI?",
    "BMI for {height_cm} cm, {weight_kg} kg",
)
def body_mass_index(weight_kg: WeightKg, height_cm: HeightCm) -> BodyMass:
    """Body mass index of an adult with its class and the range of healthy weight for the height."""
    square = (height_cm / 100) ** 2
    bmi = weight_kg / square
    return BodyMass(
        bmi=round(bmi, 2),
        category=next(name for bound, name in _BMI if bmi < bound),
        healthy_from_kg=round(18.5 * square, 1),
        healthy_to_kg=round(24.9 * square, 1),
    )


Activity = Literal["sedentary", "light", "moderate", "active", "very active"]
_ACTIVITY: dict[Activity, float] = {
    "sedentary": 1.2,
    "light": 1.375,
    "moderate": 1.55,
    "active": 1.725,
    "very active": 1.9,
}


class Energy(Result):
    bmr_kcal: float = Field(description="Energy at complete rest in kcal a day")
    daily_kcal: float = Field(description="Energy with the activity given, in kcal a day")
    daily_kj: float = Field(description="The same in kilojoules a day")


@tool(
    "Health",
    "Energy and heart",
    "Basal metabolic rate of a {sex} aged {age}, {weight_kg} kg and {height_cm} cm?",
    "Calories that a {age}-year-old {sex} of {weight_kg} kg and {height_cm} cm burns a day, lifestyle {activity}?",
)
def basal_metabolic_rate(
    sex: Sex,
    age: AdultAge,
    weight_kg: WeightKg,
    height_cm: HeightCm,
    activity: Annotated[Activity, Field(description="Way of life, a factor of 1.2 to 1.9"), Like(pick(*_ACTIVITY))] = (
        "sedentary"
    ),
) -> Energy:
    """Resting and daily energy expenditure by the Mifflin-St Jeor equation."""
    resting = 10 * weight_kg + 6.25 * height_cm - 5 * age + (5 if sex == "male" else -161)
    daily = resting * _ACTIVITY[activity]
    return Energy(bmr_kcal=round(resting, 1), daily_kcal=round(daily, 1), daily_kj=round(4.184 * daily, 1))


class HeartZone(Result):
    zone: int = Field(description="1 to 5")
    purpose: str = Field(description="What one trains there")
    from_bpm: int = Field(description="Lowest heart rate in beats a minute")
    to_bpm: int = Field(description="Highest heart rate in beats a minute")


class HeartZones(Result):
    maximum_bpm: int = Field(description="220 less the age")
    reserve_bpm: int = Field(description="Maximum less resting heart rate")
    zones: list[HeartZone] = Field(description="Five zones of 50 to 100 percent of the reserve")


_PURPOSES = ("recovery", "endurance", "aerobic fitness", "threshold", "maximum effort")


@tool(
    "Health",
    "Energy and heart",
    "I am {age} and my resting pulse is {resting_bpm}. What are my training zones?",
    "Target heart rate zones please: age {age}, resting heart rate {resting_bpm} bpm.",
)
def heart_rate_zones(
    age: Annotated[int, Field(ge=10, le=100, description="Age in years"), Like(whole(16, 75))],
    resting_bpm: Annotated[
        int,
        Field(ge=30, le=240, description="Heart rate at rest in beats a minute"),
        Like(whole(44, 84)),
        Wrong(whole(210, 240)),
    ],
) -> HeartZones:
    """Training zones by Karvonen's method, in shares of the heart rate reserve."""
    most = 220 - age
    if resting_bpm >= most:
        raise Refused(
            f"parameter 'resting_bpm': {resting_bpm} is not below the maximum of {most} at age {age}; give the pulse "
            "at rest, mostly 40 to 100"
        )
    reserve = most - resting_bpm
    bounds = [round(resting_bpm + reserve * percent / 100) for percent in range(50, 101, 10)]
    zones = [
        HeartZone(zone=zone, purpose=purpose, from_bpm=low, to_bpm=high)
        for zone, purpose, low, high in zip(range(1, 6), _PURPOSES, bounds[:-1], bounds[1:], strict=True)
    ]
    return HeartZones(maximum_bpm=most, reserve_bpm=reserve, zones=zones)


Formula = Literal["mosteller", "du_bois", "haycock", "gehan_george"]
_SURFACE: dict[Formula, tuple[float, float, float]] = {
    "mosteller": (1 / 60, 0.5, 0.5),
    "du_bois": (0.007184, 0.425, 0.725),
    "haycock": (0.024265, 0.5378, 0.3964),
    "gehan_george": (0.0235, 0.51456, 0.42246),
}
"""Factor, exponent of the weight in kg, exponent of the height in cm."""


class SurfaceArea(Result):
    area_m2: float = Field(description="Body surface in square metres")
    share_of_standard: float = Field(description="That over the standard surface of 1.73 m2")


@tool(
    "Health",
    "Body measures",
    "Body surface area for {weight_kg} kg and {height_cm} cm?",
    "What is the BSA of a patient of {height_cm} cm and {weight_kg} kg by the {formula} formula?",
)
def body_surface_area(
    weight_kg: Annotated[float, Field(ge=1, le=350, description="Body weight in kilograms"), Like(number(12, 120, 1))],
    height_cm: Annotated[float, Field(ge=40, le=250, description="Body height in centimetres"), Like(whole(85, 200))],
    formula: Annotated[Formula, Field(description="Whose formula"), Like(pick(*_SURFACE))] = "mosteller",
) -> SurfaceArea:
    """Body surface area from weight and height, as used for chemotherapy and burns."""
    factor, of_weight, of_height = _SURFACE[formula]
    area = factor * weight_kg**of_weight * height_cm**of_height
    return SurfaceArea(area_m2=round(area, 4), share_of_standard=round(area / 1.73, 4))


class WeightDose(Result):
    dose_mg: float = Field(description="One dose in milligrams")
    dose_ml: float = Field(description="Volume of one dose in millilitres")
    daily_mg: float = Field(description="All doses of a day in milligrams")
    capped: bool = Field(description="Whether the largest dose allowed was reached")


@tool(
    "Health",
    "Medicines",
    "A child of {weight_kg} kg gets {mg_per_kg} mg/kg; the syrup has {mg_per_ml} mg per ml. How much is one dose?",
    "Dose at {mg_per_kg} mg/kg for {weight_kg} kg, at most {max_dose_mg} mg, {doses_per_day} times a day, from a "
    "suspension of {mg_per_ml} mg/ml.",
    "{weight_kg} kg, {mg_per_kg} mg/kg, never more than {max_dose_mg} mg at once, {mg_per_ml} mg/ml: what volume?",
    "Give {mg_per_kg} mg/kg {doses_per_day} times a day to {weight_kg} kg. Volume per dose at {mg_per_ml} mg/ml?",
)
def weight_based_dose(
    weight_kg: Annotated[float, Field(ge=0.5, le=200, description="Body weight in kilograms"), Like(number(4, 60, 1))],
    mg_per_kg: Annotated[
        float,
        Field(gt=0, le=200, description="Dose for each kilogram, in milligrams"),
        Like(pick(5, 7.5, 10, 15, 20, 25)),
    ],
    mg_per_ml: Annotated[
        float,
        Field(gt=0.1, le=500, description="Strength in milligrams a millilitre"),
        Like(pick(20, 24, 25, 40, 50, 80)),
    ],
    max_dose_mg: Annotated[
        float, Field(gt=0, le=5000, description="Most that one dose may have, in milligrams"), Like(pick(200, 400, 500))
    ] = 1000,
    doses_per_day: Annotated[int, Field(ge=1, le=12, description="Doses a day"), Like(whole(2, 4))] = 1,
) -> WeightDose:
    """Arithmetic of a dose by body weight, capped at a largest single dose; not medical advice."""
    wanted = mg_per_kg * weight_kg
    dose = min(wanted, max_dose_mg)
    return WeightDose(
        dose_mg=round(dose, 2),
        dose_ml=round(dose / mg_per_ml, 2),
        daily_mg=round(dose * doses_per_day, 2),
        capped=wanted > max_dose_mg,
    )


KidneyFunction = Literal["normal", "mildly reduced", "moderately reduced", "severely reduced", "failure"]
_KIDNEY: tuple[tuple[float, KidneyFunction], ...] = (
    (15, "failure"),
    (30, "severely reduced"),
    (60, "moderately reduced"),
    (90, "mildly reduced"),
    (math.inf, "normal"),
)
_MICROMOLES = 88.4
"""Micromoles of creatinine a litre for each mg/dL."""


class Clearance(Result):
    ml_per_min: float = Field(description="Creatinine clearance in millilitres a minute")
    function: KidneyFunction = Field(description="What that says of the kidneys, bounds at 90, 60, 30 and 15")
    creatinine_mg_dl: float = Field(description="Creatinine in mg/dL, as the formula takes it")


def _creatinine_draw(rng: Random) -> dict[str, Any]:
    level = rng.uniform(0.6, 3.2)
    if rng.random() < 0.5:
        return {"creatinine": round(level * _MICROMOLES), "unit": "umol/L"}
    return {"creatinine": round(level, 2)}


@tool(
    "Health",
    "Medicines",
    "Creatinine clearance: {sex}, {age} years, {weight_kg} kg, serum creatinine {creatinine} mg/dL.",
    "Cockcroft-Gault for a {age}-year-old {sex} of {weight_kg} kg with a creatinine of {creatinine} {unit}, please.",
    together=_creatinine_draw,
)
def creatinine_clearance(
    sex: Sex,
    age: AdultAge,
    weight_kg: WeightKg,
    creatinine: Annotated[
        float,
        Field(gt=0, le=2000, description="Serum creatinine"),
        Like(number(0.6, 3)),
        Wrong(whole(1800, 2000)),
    ],
    unit: Annotated[
        Literal["mg/dL", "umol/L"], Field(description="Unit of the creatinine"), Like(pick("mg/dL"), given=0)
    ] = "mg/dL",
) -> Clearance:
    """Creatinine clearance by Cockcroft and Gault."""
    level = creatinine if unit == "mg/dL" else creatinine / _MICROMOLES
    if not 0.1 <= level <= 20:
        raise Refused(
            f"parameter 'creatinine': {creatinine:g} {unit} is no level of a living patient; give 0.1 to 20 mg/dL or 9 "
            "to 1768 umol/L"
        )
    clearance = (140 - age) * weight_kg / (72 * level) * (0.85 if sex == "female" else 1)
    return Clearance(
        ml_per_min=round(clearance, 1),
        function=next(name for bound, name in _KIDNEY if clearance < bound),
        creatinine_mg_dl=round(level, 3),
    )


class DueDate(Result):
    due_date: date = Field(description="Expected day of birth")
    conception: date = Field(description="Likely day of conception")
    second_trimester: date = Field(description="First day of week 14, thirteen weeks complete")
    third_trimester: date = Field(description="First day of week 28, twenty-seven weeks complete")


@tool(
    "Health",
    "Pregnancy",
    "My last period began on {last_period}. When is the baby due?",
    "Due date for a last period on {last_period} and a cycle of {cycle_days} days?",
)
def pregnancy_due_date(
    last_period: Annotated[
        date,
        Field(description="First day of the last period"),
        Like(day("2022-01-01", "2026-06-30")),
        Wrong(day("1750-01-01", "1890-12-31")),
    ],
    cycle_days: Annotated[
        int, Field(ge=20, le=45, description="Usual length of the cycle in days"), Like(whole(24, 35))
    ] = 28,
) -> DueDate:
    """Due date by Naegele's rule, 280 days from the last period, shifted where the cycle is not of 28 days."""
    if not 1900 <= last_period.year <= 2100:
        raise Refused(
            f"parameter 'last_period': {last_period} is no date of a pregnancy that is followed today; give one from "
            "1900 to 2100"
        )
    begin = last_period + timedelta(days=cycle_days - 28)
    return DueDate(
        due_date=begin + timedelta(days=280),
        conception=begin + timedelta(days=14),
        second_trimester=begin + timedelta(weeks=13),
        third_trimester=begin + timedelta(weeks=27),
    )
