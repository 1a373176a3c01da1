"""Sowing, watering, feeding crops and animals, harvest and drying."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import (
    Like,
    Part,
    Refused,
    Result,
    Wrong,
    magnitude,
    number,
    pick,
    several,
    tool,
    whole,
)

Hectares = Annotated[float, Field(gt=0, le=1e5, description="Area in hectares"), Like(magnitude(0.5, 250, 2))]
_SOWN = (
    (220, 340, 40, 54),
    (250, 330, 42, 55),
    (250, 350, 30, 40),
    (30, 60, 4.5, 6.5),
    (70, 90, 200, 300),
    (8, 11, 250, 350),
)
"""Plants on a square metre and grams of a thousand seeds, least and most: wheat, barley, oats, rape, peas, maize."""


class SeedRate(Result):
    seeds_per_m2: float = Field(description="Seeds to sow on a square metre")
    seed_kg_per_ha: float = Field(description="Seed for a hectare in kg")
    seed_kg_total: float = Field(description="Seed for the whole area in kg")


def _sowing(rng: Random) -> Mapping[str, Any]:
    fewest, most, lightest, heaviest = rng.choice(_SOWN)
    return {
        "plants_per_m2": rng.randint(fewest, most),
        "thousand_seed_weight_g": round(rng.uniform(lightest, heaviest), 1),
    }


@tool(
    "Agriculture",
    "Crops",
    "I want {plants_per_m2} plants per square metre. A thousand seeds weigh {thousand_seed_weight_g} g and "
    "{establishment_percent} % come up. How much seed per hectare?",
    "seed rate: {plants_per_m2} plants/m2, TSW {thousand_seed_weight_g} g, establishment {establishment_percent} %",
    "How much seed do I order for {area_ha} ha at {plants_per_m2} plants/m2, thousand seed weight "
    "{thousand_seed_weight_g} g, {establishment_percent} percent establishment?",
    together=_sowing,
)
def crop_seed_rate(
    plants_per_m2: Annotated[float, Field(ge=0.5, le=2000, description="Plants wanted on a square metre")],
    thousand_seed_weight_g: Annotated[float, Field(ge=0.05, le=2000, description="Weight of 1000 seeds in g")],
    establishment_percent: Annotated[
        float, Field(ge=5, le=100, description="Seeds that become plants, in percent"), Like(whole(60, 97))
    ],
    area_ha: Hectares = 1,
) -> SeedRate:
    """Seed rate from the plant population wanted: plants / establishment gives seeds, times the weight of a seed."""
    seeds = plants_per_m2 / (establishment_percent / 100)
    per_hectare = seeds * thousand_seed_weight_g / 100
    return SeedRate(
        seeds_per_m2=round(seeds, 2),
        seed_kg_per_ha=round(per_hectare, 2),
        seed_kg_total=round(per_hectare * area_ha, 2),
    )


Crop = Literal[
    "wheat",
    "barley",
    "maize",
    "rice",
    "soybean",
    "potato",
    "sugar beet",
    "tomato",
    "onion",
    "cabbage",
    "lettuce",
    "wine grapes",
]
_CROP_FACTOR = {
    "wheat": 1.15,
    "barley": 1.15,
    "maize": 1.20,
    "rice": 1.20,
    "soybean": 1.15,
    "potato": 1.15,
    "sugar beet": 1.20,
    "tomato": 1.15,
    "onion": 1.05,
    "cabbage": 1.05,
    "lettuce": 1.00,
    "wine grapes": 0.70,
}
"""Crop coefficient in mid-season, FAO Irrigation and Drainage Paper 56, table 12."""
_EFFICIENCY = {"surface": 0.60, "sprinkler": 0.75, "drip": 0.90}
"""Share of the water that reaches the roots, FAO Irrigation Water Management, training manual 4."""


class Irrigation(Result):
    crop_et_mm: float = Field(description="Water that the crop uses, in mm")
    net_mm: float = Field(description="What rain does not give of that, in mm")
    gross_mm: float = Field(description="Water to apply, losses of the method included, in mm")
    volume_m3: float = Field(description="Water to apply on the whole area in cubic metres")


@tool(
    "Agriculture",
    "Crops",
    "How much water do {area_ha} ha of {crop} need for {reference_et_mm} mm of reference evapotranspiration and "
    "{effective_rain_mm} mm of effective rain?",
    "irrigation need {crop}, {area_ha} ha, ET0 {reference_et_mm} mm, effective rain {effective_rain_mm} mm",
    "ET0 this week was {reference_et_mm} mm and useful rain {effective_rain_mm} mm. What must I give {area_ha} ha of "
    "{crop} by {method} irrigation?",
)
def crop_irrigation_need(
    crop: Annotated[Crop, Field(description="What grows"), Like(pick(*_CROP_FACTOR))],
    reference_et_mm: Annotated[
        float, Field(ge=0, le=2000, description="Reference evapotranspiration of the period in mm"), Like(whole(20, 90))
    ],
    effective_rain_mm: Annotated[
        float, Field(ge=0, le=2000, description="Rain that the roots can use in the period in mm"), Like(whole(0, 30))
    ],
    area_ha: Hectares,
    method: Annotated[
        Literal["surface", "sprinkler", "drip"],
        Field(description="How water is applied, with an efficiency of 60, 75 or 90 percent"),
        Like(pick("surface", "sprinkler", "drip")),
    ] = "sprinkler",
) -> Irrigation:
    """Irrigation need of a crop in mid-season by FAO 56: crop coefficient times reference evapotranspiration, less the
    effective rain, divided by the efficiency of the method.
    """
    used = _CROP_FACTOR[crop] * reference_et_mm
    net = max(0.0, used - effective_rain_mm)
    gross = net / _EFFICIENCY[method]
    return Irrigation(
        crop_et_mm=round(used, 2),
        net_mm=round(net, 2),
        gross_mm=round(gross, 2),
        volume_m3=round(10 * gross * area_ha, 1),
    )


class Nutrients(Result):
    nitrogen_kg_ha: float = Field(description="N in kg a hectare")
    phosphate_kg_ha: float = Field(description="P2O5 in kg a hectare")
    potash_kg_ha: float = Field(description="K2O in kg a hectare")
    phosphorus_kg_ha: float = Field(description="The phosphate as element P in kg a hectare")
    potassium_kg_ha: float = Field(description="The potash as element K in kg a hectare")
    product_kg: float = Field(description="Fertiliser for the whole area in kg")


@tool(
    "Agriculture",
    "Crops",
    "What nutrients do {rate_kg_ha} kg/ha of a {grade} fertiliser supply?",
    "NPK {grade} at {rate_kg_ha} kg per hectare: how much N, P and K is that",
    "I spread {rate_kg_ha} kg/ha of {grade} on {area_ha} ha. Nutrients per hectare, and how much product in all?",
)
def fertiliser_grade_supply(
    grade: Annotated[
        str,
        Field(
            pattern=r"^[0-9]{1,2}-[0-9]{1,2}-[0-9]{1,2}$",
            min_length=5,
            max_length=8,
            description="Percent of N, P2O5 and K2O by weight, such as 15-15-15",
        ),
        Like(
            pick(
                *("15-15-15", "20-10-10", "10-26-26", "12-12-17", "16-16-16", "18-46-0", "46-0-0", "0-46-0", "0-0-60"),
                *("20-20-20", "5-10-10", "27-0-0", "13-0-46", "6-12-24", "24-8-8", "8-24-24", "7-20-30"),
            )
        ),
        Wrong(pick("60-30-20", "45-45-45", "99-10-10", "50-40-30", "34-34-34")),
    ],
    rate_kg_ha: Annotated[
        float, Field(gt=0, le=5000, description="Fertiliser in kg a hectare"), Like(whole(50, 700, 10))
    ],
    area_ha: Hectares = 1,
) -> Nutrients:
    """Nutrients that a compound fertiliser supplies by its N-P-K grade, as oxides and as elements."""
    nitrogen, phosphate, potash = (int(part) for part in grade.split("-"))
    if nitrogen + phosphate + potash > 100:
        raise Refused(
            f"parameter 'grade': '{grade}' adds up to {nitrogen + phosphate + potash} percent; give shares of N, P2O5 "
            "and K2O of at most 100 percent together"
        )
    share = rate_kg_ha / 100
    return Nutrients(
        nitrogen_kg_ha=round(share * nitrogen, 2),
        phosphate_kg_ha=round(share * phosphate, 2),
        potash_kg_ha=round(share * potash, 2),
        phosphorus_kg_ha=round(share * phosphate * 0.4364, 2),
        potassium_kg_ha=round(share * potash * 0.8301, 2),
        product_kg=round(rate_kg_ha * area_ha, 1),
    )


class DayRange(Part):
    """Temperatures of one day."""

    low_c: float = Field(ge=-60, le=60, description="Minimum in degrees Celsius")
    high_c: float = Field(ge=-60, le=60, description="Maximum in degrees Celsius")


class DegreeDays(Result):
    total: float = Field(description="Degree days of the whole period")
    by_day: list[float] = Field(description="Degree days of each day")
    mean: float = Field(description="Degree days a day")


_CEILING = 30.0


def _fair_day(rng: Random) -> dict[str, float]:
    low = number(4, 19, 1)(rng)
    return {"low_c": low, "high_c": round(low + rng.uniform(5, 17), 1)}


def _swapped(rng: Random) -> list[dict[str, float]]:
    right = _fair_day(rng)
    return [right, {"low_c": right["high_c"], "high_c": right["low_c"]}]


@tool(
    "Agriculture",
    "Crops",
    "Add up the growing degree days of these days: {days}.",
    "GDD for {days}",
    "Growing degree days above {base_c} degrees for these days, please: {days}.",
)
def growing_degree_days(
    days: Annotated[
        list[DayRange],
        Field(min_length=1, max_length=62, description="Lowest and highest temperature of each day"),
        Like(several(_fair_day, 2, 6)),
        Wrong(_swapped),
    ],
    base_c: Annotated[
        float,
        Field(ge=-5, le=25, description="Temperature below which nothing grows, in degrees Celsius"),
        Like(pick(0, 5, 6, 8)),
    ] = 10,
) -> DegreeDays:
    """Growing degree days by the modified mean method: both extremes are held between the base and 30 degrees Celsius,
    and the base is taken from their mean.
    """
    for one in days:
        if one.low_c > one.high_c:
            raise Refused(
                f"parameter 'days': a day with a minimum of {one.low_c:g} and a maximum of {one.high_c:g} degrees "
                "cannot be; swap the two"
            )
    held = [[min(max(edge, base_c), _CEILING) for edge in (one.low_c, one.high_c)] for one in days]
    by_day = [sum(edges) / 2 - base_c for edges in held]
    return DegreeDays(
        total=round(sum(by_day), 2), by_day=[round(one, 2) for one in by_day], mean=round(sum(by_day) / len(days), 3)
    )


_UNITS = {
    "dairy cow": 1.0,
    "other cow": 0.8,
    "bull": 1.0,
    "heifer": 0.8,
    "young cattle": 0.7,
    "calf": 0.4,
    "horse": 0.8,
    "sheep": 0.1,
    "goat": 0.1,
    "sow": 0.5,
    "fattening pig": 0.3,
    "piglet": 0.027,
    "laying hen": 0.014,
    "broiler": 0.007,
    "turkey": 0.03,
}
"""Livestock units of an animal (Eurostat); heifers are over two years old, young cattle one to two, calves less."""
Animal = Literal[
    "dairy cow",
    "other cow",
    "bull",
    "heifer",
    "young cattle",
    "calf",
    "horse",
    "sheep",
    "goat",
    "sow",
    "fattening pig",
    "piglet",
    "laying hen",
    "broiler",
    "turkey",
]


class Stock(Part):
    """Animals of one kind."""

    animal: Animal = Field(description="Kind of animal")
    count: int = Field(ge=1, le=1000000, description="How many")


class StockUnits(Result):
    animal: str = Field(description="Kind of animal")
    livestock_units: float = Field(description="Livestock units of all of that kind")


class Density(Result):
    livestock_units: float = Field(description="Livestock units of the whole herd")
    units_per_ha: float = Field(description="Livestock units a hectare")
    by_animal: list[StockUnits] = Field(description="Share of each kind, in the order given")
    intensity: Literal["low", "medium", "high"] = Field(description="Below 1, up to 2, or above 2 units a hectare")


_HERDS = {
    "dairy cow": (10, 180),
    "other cow": (5, 80),
    "young cattle": (5, 60),
    "calf": (5, 70),
    "horse": (1, 12),
    "sheep": (20, 400),
    "goat": (5, 120),
    "fattening pig": (50, 900),
    "laying hen": (50, 3000),
}


def _herd(rng: Random) -> list[dict[str, Any]]:
    kinds = rng.sample(list(_HERDS), rng.randint(1, 3))
    return [{"animal": kind, "count": rng.randint(*_HERDS[kind])} for kind in kinds]


@tool(
    "Agriculture",
    "Animals",
    "How many livestock units per hectare do I have with {herd} on {area_ha} ha?",
    "stocking density: {herd}; {area_ha} hectares",
)
def livestock_density(
    herd: Annotated[
        list[Stock], Field(min_length=1, max_length=15, description="Animals on the farm, by kind"), Like(_herd)
    ],
    area_ha: Annotated[float, Field(gt=0, le=1e5, description="Farmed area in hectares"), Like(whole(15, 240, 5))],
) -> Density:
    """Stocking density in livestock units a hectare by the coefficients of Eurostat, a dairy cow being one unit."""
    units = [one.count * _UNITS[one.animal] for one in herd]
    per_hectare = sum(units) / area_ha
    return Density(
        livestock_units=round(sum(units), 3),
        units_per_ha=round(per_hectare, 3),
        by_animal=[
            StockUnits(animal=one.animal, livestock_units=round(share, 3))
            for one, share in zip(herd, units, strict=True)
        ],
        intensity="low" if per_hectare < 1 else "medium" if per_hectare <= 2 else "high",
    )


class FeedMix(Result):
    first_percent: float = Field(description="Share of the first feed in the mix")
    second_percent: float = Field(description="Share of the second feed in the mix")
    first_kg: float = Field(description="First feed for the batch in kg")
    second_kg: float = Field(description="Second feed for the batch in kg")
    first_parts: float = Field(description="Parts of the first feed as they stand in the square")
    second_parts: float = Field(description="Parts of the second feed as they stand in the square")


_FEEDS = ((8.5, 44), (8.5, 48), (11, 46), (12, 34), (11, 22), (9, 36), (14, 28))
"""Crude protein of a cereal and of a protein feed."""


def _feeds(rng: Random) -> Mapping[str, Any]:
    poor, rich = rng.choice(_FEEDS)
    return {
        "target_percent": round(rng.uniform(poor + 1, min(rich - 1, 24)), 0 if rng.random() < 0.6 else 1),
        "first_protein_percent": poor,
        "second_protein_percent": rich,
    }


@tool(
    "Agriculture",
    "Animals",
    "I mix a feed of {first_protein_percent} % protein with one of {second_protein_percent} % to get "
    "{target_percent} %. In what proportion?",
    "pearson square {first_protein_percent} / {second_protein_percent} -> {target_percent} % crude protein",
    "How many kg of a {first_protein_percent} % and a {second_protein_percent} % protein feed make {batch_kg} kg at "
    "{target_percent} %?",
    together=_feeds,
)
def pearson_square_feed_mix(
    first_protein_percent: Annotated[
        float, Field(ge=0, le=75, description="Crude protein of the first feed in percent")
    ],
    second_protein_percent: Annotated[
        float, Field(ge=0, le=75, description="Crude protein of the second feed in percent")
    ],
    target_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Crude protein wanted in the mix, between the two, in percent"),
        Wrong(whole(76, 98)),
    ],
    batch_kg: Annotated[
        float, Field(gt=0, le=1e6, description="Weight of the mix in kg"), Like(pick(25, 50, 200, 250, 500, 1000, 2000))
    ] = 100,
) -> FeedMix:
    """Mix two feeds to a wanted content of protein by the Pearson square: parts are the differences to the target."""
    poor, rich = sorted((first_protein_percent, second_protein_percent))
    if not poor <= target_percent <= rich or poor == rich:
        raise Refused(
            f"parameter 'target_percent': {target_percent:g} percent cannot be mixed from feeds of "
            f"{first_protein_percent:g} and {second_protein_percent:g} percent; give a value between two that differ"
        )
    first, second = abs(second_protein_percent - target_percent), abs(first_protein_percent - target_percent)
    share = first / (first + second)
    return FeedMix(
        first_percent=round(100 * share, 2),
        second_percent=round(100 - 100 * share, 2),
        first_kg=round(batch_kg * share, 2),
        second_kg=round(batch_kg * (1 - share), 2),
        first_parts=round(first, 2),
        second_parts=round(second, 2),
    )


class GrainYield(Result):
    tonnes_per_ha: float = Field(description="Yield in tonnes a hectare")
    grams_per_m2: float = Field(description="Yield in grams a square metre")
    bushels_per_acre: float = Field(description="Yield in bushels of 60 lb an acre")
    grains_per_m2: float = Field(description="Grains harvested on a square metre")


@tool(
    "Agriculture",
    "Harvest",
    "I count {heads_per_m2} ears per square metre with {grains_per_head} grains each; 1000 grains weigh "
    "{thousand_grain_weight_g} g. What yield can I expect?",
    "yield estimate: {heads_per_m2} heads/m2, {grains_per_head} grains/head, TGW {thousand_grain_weight_g} g",
    "{heads_per_m2} ears/m2, {grains_per_head} grains an ear, TGW {thousand_grain_weight_g} g, {loss_percent} % lost "
    "in the field: how many tonnes per hectare?",
)
def grain_yield_estimate(
    heads_per_m2: Annotated[
        float, Field(ge=1, le=2000, description="Ears on a square metre"), Like(whole(280, 650, 5))
    ],
    grains_per_head: Annotated[float, Field(ge=1, le=1000, description="Grains in an ear"), Like(whole(18, 52))],
    thousand_grain_weight_g: Annotated[
        float, Field(ge=0.1, le=1000, description="Weight of 1000 grains in g"), Like(number(32, 54, 1))
    ],
    loss_percent: Annotated[
        float, Field(ge=0, le=90, description="Grain lost at harvest in percent"), Like(whole(2, 15))
    ] = 0,
) -> GrainYield:
    """Estimate the yield of a cereal from its components: ears, grains in an ear, weight of a grain."""
    grains = heads_per_m2 * grains_per_head * (1 - loss_percent / 100)
    grams = grains * thousand_grain_weight_g / 1000
    return GrainYield(
        tonnes_per_ha=round(grams / 100, 3),
        grams_per_m2=round(grams, 2),
        bushels_per_acre=round(grams * 10 / (60 * 0.45359237) * 0.40468564224, 2),
        grains_per_m2=round(grains, 1),
    )


class Shrink(Result):
    dry_weight_t: float = Field(description="Weight after drying in tonnes")
    water_removed_t: float = Field(description="Water that is driven out in tonnes")
    shrink_percent: float = Field(description="Loss of weight in percent of the wet grain")


def _wet_grain(rng: Random) -> Mapping[str, Any]:
    target = rng.choice((13, 13.5, 14, 14, 14.5, 15, 15.5))
    return {"moisture_percent": round(target + rng.uniform(1, 14), 1), "target_percent": target}


@tool(
    "Agriculture",
    "Harvest",
    "{wet_weight_t} t of grain at {moisture_percent} % moisture are dried to {target_percent} %. How much is left?",
    "drying shrink {wet_weight_t} t, {moisture_percent} -> {target_percent} % moisture",
    together=_wet_grain,
)
def grain_drying_shrink(
    wet_weight_t: Annotated[
        float, Field(gt=0, le=1e6, description="Weight before drying in tonnes"), Like(magnitude(5, 800, 3))
    ],
    moisture_percent: Annotated[
        float, Field(ge=5, le=40, description="Moisture before drying, in percent of the weight")
    ],
    target_percent: Annotated[
        float,
        Field(ge=1, le=50, description="Moisture after drying, in percent of the weight then"),
        Wrong(whole(41, 50)),
    ],
) -> Shrink:
    """Weight of grain after drying, in which the dry matter stays the same: wet x (100 - moisture) / (100 - target)."""
    if target_percent >= moisture_percent:
        raise Refused(
            f"parameter 'target_percent': grain of {moisture_percent:g} percent moisture cannot be dried to "
            f"{target_percent:g}; give less than it has"
        )
    dry = wet_weight_t * (100 - moisture_percent) / (100 - target_percent)
    return Shrink(
        dry_weight_t=round(dry, 3),
        water_removed_t=round(wet_weight_t - dry, 3),
        shrink_percent=round(100 * (1 - dry / wet_weight_t), 3),
    )
