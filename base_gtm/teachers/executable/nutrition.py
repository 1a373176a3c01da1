"""Nutrition: energy and nutrients of foods and dishes, and what a body needs of them."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, pick, tool, whole

WeightKg = Annotated[float, Field(ge=20, le=350, description="Body weight in kilograms"), Like(number(48, 120, 1))]


class MacroTargets(Result):
    carbohydrate_g: float = Field(description="Carbohydrate in grams a day")
    protein_g: float = Field(description="Protein in grams a day")
    fat_g: float = Field(description="Fat in grams a day")
    fat_percent: float = Field(description="Share of the energy left to fat, in percent")


def _split_draw(rng: Random) -> dict[str, Any]:
    carbs = rng.choice((20, 30, 35, 40, 45, 50, 55, 60))
    drawn: dict[str, Any] = {"carb_percent": carbs}
    if rng.random() < 0.5:
        drawn["protein_percent"] = rng.choice((15, 20, 25, 30, 35))
    return drawn


@tool(
    "Nutrition",
    "Energy",
    "I eat {kcal} kcal a day, {carb_percent} percent of it carbs. How many grams of each macro is that?",
    "Split {kcal} kcal into macros: {carb_percent} % carbohydrate, {protein_percent} % protein, the rest fat.",
    together=_split_draw,
)
def daily_macro_targets(
    kcal: Annotated[float, Field(ge=500, le=10000, description="Energy in kcal a day"), Like(whole(1400, 3600, 50))],
    carb_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Share of carbohydrate in the energy, in percent"),
        Like(whole(20, 60, 5)),
        Wrong(whole(96, 100)),
    ],
    protein_percent: Annotated[
        float,
        Field(ge=5, le=80, description="Share of protein in the energy, in percent"),
        Like(whole(15, 35, 5), given=0),
    ] = 20,
) -> MacroTargets:
    """Grams of carbohydrate, protein and fat for an energy target, at 4, 4 and 9 kcal a gram."""
    fat_percent = 100 - carb_percent - protein_percent
    if fat_percent < 0:
        raise Refused(
            f"parameter 'carb_percent': {carb_percent:g} with {protein_percent:g} percent protein is more than the "
            f"whole; give at most {100 - protein_percent:g}"
        )
    return MacroTargets(
        carbohydrate_g=round(kcal * carb_percent / 400, 1),
        protein_g=round(kcal * protein_percent / 400, 1),
        fat_g=round(kcal * fat_percent / 900, 1),
        fat_percent=round(fat_percent, 2),
    )


class FoodEnergy(Result):
    kcal: float = Field(description="Energy in kilocalories")
    kj: float = Field(description="Energy in kilojoules as labels have it")
    fat_energy_percent: float = Field(description="Share of the energy that comes from fat, in percent")


@tool(
    "Nutrition",
    "Energy",
    "How many calories are in {carbohydrate_g} g carbs, {protein_g} g protein and {fat_g} g fat?",
    "Label check: carbs {carbohydrate_g} g, protein {protein_g} g, fat {fat_g} g, fibre {fibre_g} g. Energy?",
    "Energy of a drink with {carbohydrate_g} g carbohydrate, {protein_g} g protein, {fat_g} g fat, {alcohol_g} g "
    "alcohol.",
    "Energy for carbs {carbohydrate_g} g, protein {protein_g} g, fat {fat_g} g, fibre {fibre_g} g and alcohol "
    "{alcohol_g} g?",
)
def macronutrient_energy(
    carbohydrate_g: Annotated[
        float, Field(ge=0, le=2000, description="Carbohydrate without fibre in grams"), Like(number(0, 90, 1))
    ],
    protein_g: Annotated[float, Field(ge=0, le=2000, description="Protein in grams"), Like(number(0.5, 45, 1))],
    fat_g: Annotated[float, Field(ge=0, le=2000, description="Fat in grams"), Like(number(0, 40, 1))],
    fibre_g: Annotated[
        float, Field(ge=0, le=500, description="Fibre in grams"), Like(number(0.5, 15, 1), given=0.4)
    ] = 0,
    alcohol_g: Annotated[
        float, Field(ge=0, le=500, description="Alcohol in grams"), Like(number(5, 30, 1), given=0.2)
    ] = 0,
) -> FoodEnergy:
    """Energy of food from its nutrients by the factors of European food labels (EU 1169/2011)."""
    kcal = 4 * (carbohydrate_g + protein_g) + 9 * fat_g + 2 * fibre_g + 7 * alcohol_g
    kj = 17 * (carbohydrate_g + protein_g) + 37 * fat_g + 8 * fibre_g + 29 * alcohol_g
    fat_percent = 100 * 9 * fat_g / kcal if kcal else 0.0
    return FoodEnergy(kcal=round(kcal, 1), kj=round(kj, 1), fat_energy_percent=round(fat_percent, 1))


_GLYCAEMIC = {
    "white bread": (75, 49),
    "wholemeal bread": (74, 41),
    "corn flakes": (81, 84),
    "porridge": (55, 12),
    "white rice": (73, 28),
    "brown rice": (68, 24),
    "spaghetti": (49, 31),
    "couscous": (65, 23),
    "boiled potato": (78, 20),
    "french fries": (63, 36),
    "sweet potato": (63, 18),
    "lentils": (32, 20),
    "chickpeas": (28, 27),
    "kidney beans": (24, 22),
    "apple": (36, 14),
    "banana": (51, 23),
    "orange": (43, 12),
    "mango": (51, 15),
    "pineapple": (59, 13),
    "watermelon": (76, 8),
    "dates": (42, 75),
    "boiled carrots": (39, 8),
    "milk": (39, 5),
    "ice cream": (51, 24),
    "honey": (61, 82),
    "table sugar": (65, 100),
    "chocolate": (40, 59),
    "popcorn": (65, 78),
}
"""Glycaemic index (glucose 100) and grams of carbohydrate in 100 g of the food as eaten."""


class GlycaemicLoad(Result):
    glycaemic_index: int = Field(description="Of the food, glucose being 100")
    carbohydrate_g: float = Field(description="Carbohydrate in the portion in grams")
    glycaemic_load: float = Field(description="Index times carbohydrate over 100")
    category: Literal["low", "medium", "high"] = Field(description="low to 10, high from 20")


@tool(
    "Nutrition",
    "Foods",
    "What is the glycaemic load of {grams} g of {food}?",
    "I had {grams} grams of {food}. Is that a lot for my blood sugar?",
)
def glycaemic_load(
    food: Annotated[
        str,
        Field(min_length=2, max_length=40, description="Food as eaten, in English, such as 'white rice'"),
        Like(pick(*_GLYCAEMIC)),
        Wrong(pick("fufu", "dragon stew", "beef steak", "olive oil", "wattleseed", "grilled salmon")),
    ],
    grams: Annotated[float, Field(gt=0, le=2000, description="Portion in grams"), Like(whole(30, 300, 10))],
) -> GlycaemicLoad:
    """Glycaemic load of a portion of a common food, from the international tables of glycaemic index."""
    known = _GLYCAEMIC.get(food.strip().lower())
    if known is None:
        raise Refused(f"parameter 'food': '{food}' is not in the table; give one of {', '.join(_GLYCAEMIC)}")
    index, carbs = known
    portion = carbs * grams / 100
    load = index * portion / 100
    return GlycaemicLoad(
        glycaemic_index=index,
        carbohydrate_g=round(portion, 1),
        glycaemic_load=round(load, 1),
        category="low" if load <= 10 else "high" if load >= 20 else "medium",
    )


class WaterNeed(Result):
    litres: float = Field(description="Water from drinks and food in litres a day")
    glasses: int = Field(description="Glasses of 250 ml to drink, a fifth of the water coming with food")


Climate = Literal["temperate", "hot", "very hot"]
_CLIMATE: dict[Climate, float] = {"temperate": 1, "hot": 1.15, "very hot": 1.3}


@tool(
    "Nutrition",
    "Needs",
    "How much water should somebody of {weight_kg} kg drink a day?",
    "I weigh {weight_kg} kg and train {exercise_minutes} minutes a day. Daily water?",
    "Water for {weight_kg} kg with {exercise_minutes} min of sport in a {climate} climate?",
    "I am {weight_kg} kg and live where it is {climate}. What should I drink?",
)
def daily_water_need(
    weight_kg: WeightKg,
    exercise_minutes: Annotated[
        int, Field(ge=0, le=600, description="Exercise a day in minutes"), Like(whole(15, 120, 15))
    ] = 0,
    climate: Annotated[Climate, Field(description="Where the day is spent"), Like(pick(*_CLIMATE))] = "temperate",
) -> WaterNeed:
    """Rule of thumb: 35 ml a kilogram, 15 or 30 percent more in the heat, and 12 ml for each minute of exercise."""
    litres = 0.035 * weight_kg * _CLIMATE[climate] + 0.012 * exercise_minutes
    return WaterNeed(litres=round(litres, 2), glasses=round(0.8 * litres / 0.25))


class ProteinNeed(Result):
    from_g: float = Field(description="Lower end of the range in grams a day")
    to_g: float = Field(description="Upper end of the range in grams a day")
    per_meal_g: float = Field(description="Middle of the range over the meals, in grams")


Goal = Literal["general health", "endurance", "muscle gain", "weight loss", "over 65"]
_PROTEIN: dict[Goal, tuple[float, float]] = {
    "general health": (0.8, 1.0),
    "endurance": (1.2, 1.6),
    "muscle gain": (1.6, 2.2),
    "weight loss": (1.2, 1.6),
    "over 65": (1.0, 1.2),
}
"""Grams a day for each kilogram of body weight."""


@tool(
    "Nutrition",
    "Needs",
    "How much protein do I need at {weight_kg} kg for {goal}?",
    "Protein target for {weight_kg} kg, goal {goal}, spread over {meals} meals?",
)
def protein_requirement(
    weight_kg: WeightKg,
    goal: Annotated[
        Goal,
        Field(description="What for, in g/kg: 0.8-1.0, endurance and weight loss 1.2-1.6, muscle 1.6-2.2, age 1.0-1.2"),
        Like(pick(*_PROTEIN)),
    ],
    meals: Annotated[int, Field(ge=1, le=10, description="Meals a day"), Like(whole(2, 6))] = 3,
) -> ProteinNeed:
    """Daily protein from body weight and goal."""
    low, high = (weight_kg * grams for grams in _PROTEIN[goal])
    return ProteinNeed(from_g=round(low, 1), to_g=round(high, 1), per_meal_g=round((low + high) / 2 / meals, 1))


_FOODS = {
    "almonds": (579, 21.2, 21.6, 49.9),
    "apple": (52, 0.3, 13.8, 0.2),
    "banana": (89, 1.1, 22.8, 0.3),
    "broccoli": (34, 2.8, 6.6, 0.4),
    "butter": (717, 0.9, 0.1, 81.1),
    "carrot": (41, 0.9, 9.6, 0.2),
    "cheddar": (403, 22.9, 3.4, 33.3),
    "chicken breast": (120, 22.5, 0.0, 2.6),
    "cream": (340, 2.8, 2.7, 36.1),
    "egg": (143, 12.6, 0.7, 9.5),
    "flour": (364, 10.3, 76.3, 1.0),
    "honey": (304, 0.3, 82.4, 0.0),
    "minced beef": (254, 17.2, 0.0, 20.0),
    "milk": (61, 3.2, 4.8, 3.3),
    "olive oil": (884, 0.0, 0.0, 100.0),
    "onion": (40, 1.1, 9.3, 0.1),
    "potato": (77, 2.1, 17.5, 0.1),
    "rice": (365, 7.1, 80.0, 0.7),
    "rolled oats": (379, 13.2, 67.7, 6.5),
    "salmon": (208, 20.4, 0.0, 13.4),
    "spaghetti": (371, 13.0, 74.7, 1.5),
    "spinach": (23, 2.9, 3.6, 0.4),
    "sugar": (387, 0.0, 100.0, 0.0),
    "tomato": (18, 0.9, 3.9, 0.2),
    "walnuts": (654, 15.2, 13.7, 65.2),
    "yoghurt": (61, 3.5, 4.7, 3.3),
}
"""In 100 g, raw and dry: kcal, and grams of protein, carbohydrate and fat (USDA)."""
_DISHES = (
    ("flour", "sugar", "butter", "egg"),
    ("spaghetti", "minced beef", "tomato", "onion", "olive oil"),
    ("rolled oats", "milk", "banana", "honey"),
    ("rice", "chicken breast", "broccoli", "olive oil"),
    ("potato", "cream", "cheddar", "butter"),
    ("salmon", "spinach", "rice", "butter"),
    ("yoghurt", "honey", "walnuts", "apple"),
    ("egg", "milk", "cheddar", "spinach"),
    ("carrot", "apple", "almonds", "olive oil"),
)


class Portion(Part):
    food: str = Field(min_length=2, max_length=40, description="Food in English, raw, such as 'minced beef'")
    grams: float = Field(gt=0, le=10000, description="How much goes in, in grams")


def _dish_draw(rng: Random) -> list[dict[str, Any]]:
    foods = rng.choice(_DISHES)
    chosen = rng.sample(foods, rng.randint(2, len(foods)))
    return [{"food": food, "grams": rng.choice((10, 20, 50, 80, 100, 125, 150, 200, 250, 300, 400))} for food in chosen]


class Nutrients(Result):
    kcal: float = Field(description="Energy in kcal")
    protein_g: float = Field(description="Protein in grams")
    carbohydrate_g: float = Field(description="Carbohydrate in grams")
    fat_g: float = Field(description="Fat in grams")


class DishNutrition(Result):
    weight_g: float = Field(description="All ingredients together, raw, in grams")
    whole_dish: Nutrients = Field(description="In the whole dish")
    per_serving: Nutrients = Field(description="In one serving")


def _nutrients(amounts: tuple[float, ...]) -> Nutrients:
    kcal, protein, carbohydrate, fat = (round(amount, 1) for amount in amounts)
    return Nutrients(kcal=kcal, protein_g=protein, carbohydrate_g=carbohydrate, fat_g=fat)


@tool(
    "Nutrition",
    "Foods",
    "Nutrition facts of my recipe, please: {ingredients}.",
    "A dish for {servings} with {ingredients} (grams). What is in one serving?",
)
def recipe_nutrition(
    ingredients: Annotated[
        list[Portion],
        Field(min_length=1, max_length=20, description="What goes into the dish"),
        Like(_dish_draw),
        Wrong(
            lambda rng: [
                {"food": rng.choice(("flour", "butter")), "grams": 100},
                {"food": rng.choice(("unobtainium", "kopi luwak", "saffron threads")), "grams": 20},
            ]
        ),
    ],
    servings: Annotated[int, Field(ge=1, le=100, description="Servings that it makes"), Like(whole(2, 8))] = 1,
) -> DishNutrition:
    """Energy and macronutrients of a dish from its raw ingredients, by values of the USDA for common foods."""
    totals = [0.0, 0.0, 0.0, 0.0]
    for part in ingredients:
        known = _FOODS.get(part.food.strip().lower())
        if known is None:
            raise Refused(
                f"parameter 'ingredients': '{part.food}' is not in the table; give foods of {', '.join(_FOODS)}"
            )
        totals = [total + amount * part.grams / 100 for total, amount in zip(totals, known, strict=True)]
    return DishNutrition(
        weight_g=round(sum(part.grams for part in ingredients), 1),
        whole_dish=_nutrients(tuple(totals)),
        per_serving=_nutrients(tuple(total / servings for total in totals)),
    )
