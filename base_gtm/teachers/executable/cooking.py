"""Cooking: amounts, measures, ovens and dough."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Part, Refused, Result, Wrong, number, pick, tool, whole

_RECIPES = (
    (("flour", 250, "g"), ("milk", 500, "ml"), ("egg", 3, "pieces"), ("salt", 0.5, "tsp")),
    (("spaghetti", 400, "g"), ("bacon", 150, "g"), ("egg yolk", 4, "pieces"), ("pecorino", 60, "g")),
    (("rice", 300, "g"), ("coconut milk", 400, "ml"), ("chicken", 600, "g"), ("curry paste", 2, "tbsp")),
    (("butter", 200, "g"), ("sugar", 180, "g"), ("flour", 300, "g"), ("baking powder", 2, "tsp")),
    (("lentils", 250, "g"), ("carrot", 2, "pieces"), ("onion", 1, "pieces"), ("stock", 1.2, "l")),
    (("potato", 1, "kg"), ("cream", 250, "ml"), ("cheese", 120, "g"), ("nutmeg", 0.25, "tsp")),
)
Unit = Literal["g", "kg", "ml", "l", "tsp", "tbsp", "cup", "pieces"]


class Ingredient(Part):
    name: str = Field(min_length=1, max_length=40, description="What it is")
    amount: float = Field(gt=0, le=100000, description="How much")
    unit: Unit = Field(description="Unit of the amount")


def _recipe_draw(rng: Random) -> list[dict[str, Any]]:
    lines = rng.choice(_RECIPES)
    chosen = rng.sample(lines, rng.randint(2, len(lines)))
    return [{"name": name, "amount": amount, "unit": unit} for name, amount, unit in chosen]


def _servings_draw(rng: Random) -> dict[str, Any]:
    before, after = rng.sample((1, 2, 3, 4, 4, 6, 8, 10, 12, 15, 20), 2)
    return {"servings": before, "wanted_servings": after if after != before else after + 1}


class ScaledIngredient(Result):
    name: str = Field(description="What it is")
    amount: float = Field(description="How much")
    unit: Unit = Field(description="Unit of the amount")


class ScaledRecipe(Result):
    factor: float = Field(description="What every amount was multiplied by")
    ingredients: list[ScaledIngredient] = Field(description="Amounts for the servings wanted, large ones in kg and l")


_LARGER: dict[Unit, Unit] = {"g": "kg", "ml": "l"}
_SMALLER: dict[Unit, Unit] = {"kg": "g", "l": "ml"}


def _readable(amount: float, unit: Unit) -> tuple[float, Unit]:
    """Grams and millilitres from a thousand on as kilograms and litres, below one the other way round."""
    if unit in _LARGER and amount >= 1000:
        return round(amount / 1000, 3), _LARGER[unit]
    if unit in _SMALLER and amount < 1:
        return round(amount * 1000, 2), _SMALLER[unit]
    return round(amount, 3), unit


@tool(
    "Cooking",
    "Amounts",
    "My recipe for {servings} has {ingredients}. I cook for {wanted_servings}. How much of each?",
    "Scale {ingredients} from {servings} to {wanted_servings} servings.",
    together=_servings_draw,
)
def scale_recipe(
    ingredients: Annotated[
        list[Ingredient], Field(min_length=1, max_length=30, description="The recipe as it stands"), Like(_recipe_draw)
    ],
    servings: Annotated[int, Field(ge=1, le=200, description="Servings that the recipe is for"), Like(whole(2, 8))],
    wanted_servings: Annotated[int, Field(ge=1, le=200, description="Servings wanted"), Like(whole(1, 20))],
) -> ScaledRecipe:
    """Amounts of a recipe for another number of servings."""
    factor = wanted_servings / servings
    scaled = []
    for one in ingredients:
        amount, unit = _readable(one.amount * factor, one.unit)
        scaled.append(ScaledIngredient(name=one.name, amount=amount, unit=unit))
    return ScaledRecipe(factor=round(factor, 4), ingredients=scaled)


_CUP = 236.588
"""Millilitres of an American cup."""
_CUP_GRAMS = {
    "flour": 120,
    "wholemeal flour": 113,
    "rye flour": 106,
    "cornflour": 112,
    "sugar": 198,
    "brown sugar": 213,
    "icing sugar": 113,
    "honey": 336,
    "butter": 227,
    "vegetable oil": 198,
    "milk": 227,
    "water": 227,
    "yoghurt": 227,
    "cream": 227,
    "rolled oats": 89,
    "rice": 198,
    "cocoa powder": 84,
    "chocolate chips": 170,
    "ground almonds": 96,
    "walnuts": 113,
    "raisins": 149,
    "desiccated coconut": 85,
    "peanut butter": 270,
    "breadcrumbs": 112,
}
"""Grams in an American cup, spooned and levelled (King Arthur Baking's chart)."""
Spoon = Literal["cup", "tbsp", "tsp", "ml"]
_IN_A_CUP: dict[Spoon, float] = {"cup": 1, "tbsp": 16, "tsp": 48, "ml": _CUP}


class IngredientWeight(Result):
    grams: float = Field(description="Weight in grams")
    ounces: float = Field(description="Weight in ounces")
    grams_per_cup: int = Field(description="Weight of an American cup of it")


@tool(
    "Cooking",
    "Measures",
    "How many grams are {amount} {unit} of {ingredient}?",
    "Weigh {amount} {unit} of {ingredient} for me, in grams and ounces.",
)
def ingredient_weight(
    ingredient: Annotated[
        str,
        Field(min_length=2, max_length=40, description="Ingredient in English, such as 'flour' or 'brown sugar'"),
        Like(pick(*_CUP_GRAMS)),
        Wrong(pick("moon dust", "truffle shavings", "gold leaf", "sourdough starter", "kale", "gelatine sheets")),
    ],
    amount: Annotated[
        float,
        Field(gt=0, le=1000, description="How much of the unit"),
        Like(pick(0.25, 0.33, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4)),
    ],
    unit: Annotated[
        Spoon, Field(description="American cups and spoons, or millilitres"), Like(pick("cup", "tbsp", "tsp"))
    ],
) -> IngredientWeight:
    """Weight of a volume of an ingredient, spooned and levelled, by King Arthur Baking's weight chart."""
    per_cup = _CUP_GRAMS.get(ingredient.strip().lower())
    if per_cup is None:
        raise Refused(
            f"parameter 'ingredient': '{ingredient}' is not in the chart; give one of {', '.join(_CUP_GRAMS)}"
        )
    grams = amount / _IN_A_CUP[unit] * per_cup
    return IngredientWeight(grams=round(grams, 1), ounces=round(grams / 28.349523, 2), grams_per_cup=per_cup)


Standard = Literal["us", "metric", "imperial"]
Measure = Literal["tsp", "tbsp", "fl_oz", "cup", "pint", "ml", "l"]
_MILLILITRES: dict[Standard, dict[Measure, float]] = {
    "us": {
        "tsp": 4.92892,
        "tbsp": 14.78676,
        "fl_oz": 29.57353,
        "cup": 236.58824,
        "pint": 473.17647,
        "ml": 1,
        "l": 1000,
    },
    "metric": {"tsp": 5, "tbsp": 15, "fl_oz": 30, "cup": 250, "pint": 500, "ml": 1, "l": 1000},
    "imperial": {
        "tsp": 5.91939,
        "tbsp": 17.75816,
        "fl_oz": 28.41306,
        "cup": 284.13063,
        "pint": 568.26125,
        "ml": 1,
        "l": 1000,
    },
}
_MEASURES: tuple[Measure, ...] = ("tsp", "tbsp", "fl_oz", "cup", "pint", "ml", "l")


def _two(values: Sequence[str], first: str, second: str) -> Draw:
    """Two different ones of some values."""
    return lambda rng: dict(zip((first, second), rng.sample(values, 2), strict=True))


class KitchenVolume(Result):
    amount: float = Field(description="The volume in the unit asked for")
    millilitres: float = Field(description="The same in millilitres")


@tool(
    "Cooking",
    "Measures",
    "How many {to_unit} are {amount} {from_unit}?",
    "Convert {amount} {from_unit} to {to_unit}, {standard} measures.",
    together=_two(_MEASURES, "from_unit", "to_unit"),
)
def convert_kitchen_volume(
    amount: Annotated[
        float, Field(gt=0, le=10000, description="How much"), Like(pick(0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 6, 8, 12, 250))
    ],
    from_unit: Annotated[Measure, Field(description="Unit of the amount"), Like(pick(*_MEASURES))],
    to_unit: Annotated[Measure, Field(description="Unit wanted"), Like(pick(*_MEASURES))],
    standard: Annotated[
        Standard,
        Field(description="Whose cups, spoons and pints: metric has cups of 250 ml, imperial pints of 568 ml"),
        Like(pick("us", "metric", "imperial")),
    ] = "us",
) -> KitchenVolume:
    """Convert between the volumes that recipes name."""
    sizes = _MILLILITRES[standard]
    volume = amount * sizes[from_unit]
    return KitchenVolume(amount=round(volume / sizes[to_unit], 4), millilitres=round(volume, 2))


_GAS = (
    (110, "1/4", "very cool"),
    (130, "1/2", "very cool"),
    (140, "1", "cool"),
    (150, "2", "cool"),
    (170, "3", "warm"),
    (180, "4", "moderate"),
    (190, "5", "fairly hot"),
    (200, "6", "fairly hot"),
    (220, "7", "hot"),
    (230, "8", "very hot"),
    (240, "9", "very hot"),
)
"""Degrees Celsius, British gas mark, and what cookery books call it."""
_MARKS = {1: 140, 2: 150, 3: 170, 4: 180, 5: 190, 6: 200, 7: 220, 8: 230, 9: 240}


class OvenSetting(Result):
    celsius: int = Field(description="Degrees Celsius with top and bottom heat")
    fan_celsius: int = Field(description="Degrees Celsius with a fan, 20 lower")
    fahrenheit: int = Field(description="Degrees Fahrenheit with top and bottom heat, to the nearest 5")
    gas_mark: str = Field(description="Nearest British gas mark")
    heat: str = Field(description="What cookery books call such an oven")


def _oven_draw(rng: Random) -> dict[str, Any]:
    scale = rng.choice(("celsius", "celsius", "fahrenheit", "fan celsius", "gas mark"))
    temperature = {
        "celsius": rng.randrange(120, 251, 5),
        "fahrenheit": rng.randrange(250, 476, 5),
        "fan celsius": rng.randrange(110, 231, 5),
        "gas mark": rng.randint(1, 9),
    }
    return {"temperature": temperature[scale], "scale": scale}


@tool(
    "Cooking",
    "Ovens",
    "The recipe says {temperature} ({scale}). What do I set on my oven?",
    "Oven: {temperature} {scale}. Give me fan, Fahrenheit and gas mark.",
    together=_oven_draw,
)
def oven_temperature_setting(
    temperature: Annotated[
        float,
        Field(ge=1, le=1000, description="Setting in the recipe"),
        Like(whole(150, 220, 10)),
        Wrong(whole(600, 1000)),
    ],
    scale: Annotated[
        Literal["celsius", "fahrenheit", "gas mark", "fan celsius"],
        Field(description="What the setting counts"),
        Like(pick("celsius", "fahrenheit")),
    ],
) -> OvenSetting:
    """An oven setting in degrees Celsius and Fahrenheit, with and without fan, and as a gas mark."""
    if scale == "gas mark":
        celsius = float(_MARKS.get(round(temperature), 0)) if temperature == round(temperature) else 0.0
    elif scale == "fahrenheit":
        celsius = (temperature - 32) / 1.8
    else:
        celsius = temperature + (20 if scale == "fan celsius" else 0)
    if not 80 <= celsius <= 300:
        raise Refused(
            f"parameter 'temperature': {temperature:g} {scale} is no setting of a kitchen oven; give 80 to 300 degrees "
            "Celsius, 176 to 572 Fahrenheit or gas mark 1 to 9"
        )
    _, mark, heat = min(_GAS, key=lambda row: abs(row[0] - celsius))
    return OvenSetting(
        celsius=round(celsius),
        fan_celsius=round(celsius) - 20,
        fahrenheit=5 * round((celsius * 1.8 + 32) / 5),
        gas_mark=mark,
        heat=heat,
    )


Joint = Literal[
    "beef rare", "beef medium", "beef well done", "lamb medium", "lamb well done", "pork", "chicken", "turkey"
]
_ROASTS: dict[Joint, tuple[float, float, int]] = {
    "beef rare": (40, 20, 52),
    "beef medium": (50, 25, 60),
    "beef well done": (60, 30, 70),
    "lamb medium": (50, 25, 60),
    "lamb well done": (60, 30, 70),
    "pork": (60, 30, 71),
    "chicken": (45, 20, 74),
    "turkey": (40, 20, 74),
}
"""Minutes a kilogram, minutes on top, and the core temperature in degrees Celsius."""


class RoastingPlan(Result):
    minutes: int = Field(description="Time in the oven at 180 degrees Celsius")
    resting_minutes: int = Field(description="Rest before carving")
    core_celsius: int = Field(description="Core temperature to aim for")
    into_oven_at: str = Field(description="When to start for the time to carve, HH:MM; the day before if that is later")


@tool(
    "Cooking",
    "Ovens",
    "How long do I roast {weight_kg} kg of {joint}?",
    "I want to carve {weight_kg} kg of {joint} at {carve_at}. When does it go in, and for how long?",
)
def roasting_time(
    joint: Annotated[Joint, Field(description="Meat, and how well done"), Like(pick(*_ROASTS))],
    weight_kg: Annotated[float, Field(ge=0.3, le=15, description="Weight in kilograms"), Like(number(0.8, 5, 1))],
    carve_at: Annotated[
        str,
        Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Time to carve, HH:MM"),
        Like(pick("12:00", "12:30", "13:00", "14:00", "18:00", "18:30", "19:00", "19:30", "20:00"), given=0.6),
    ] = "19:00",
) -> RoastingPlan:
    """Roasting time by the British rule of minutes a kilogram and minutes on top, with a rest before carving."""
    per_kg, on_top, core = _ROASTS[joint]
    minutes = round(per_kg * weight_kg + on_top)
    rest = 30 if joint == "turkey" else 15
    hours, minute = map(int, carve_at.split(":"))
    start = (60 * hours + minute - minutes - rest) % 1440
    return RoastingPlan(
        minutes=minutes,
        resting_minutes=rest,
        core_celsius=core,
        into_oven_at=f"{start // 60:02d}:{start % 60:02d}",
    )


Yeast = Literal["fresh", "active dry", "instant"]
_OF_FRESH: dict[Yeast, float] = {"fresh": 1, "active dry": 0.4, "instant": 1 / 3}
"""Grams that do what a gram of fresh yeast does."""


class YeastAmount(Result):
    grams: float = Field(description="Grams of the yeast wanted")
    sachets: float = Field(description="The same in sachets of 7 g of dry, or cubes of 42 g of fresh yeast")


@tool(
    "Cooking",
    "Dough",
    "I have {to_kind} yeast and the recipe wants {grams} g of {from_kind} yeast. How much do I take?",
    "{grams} g {from_kind} yeast in {to_kind}?",
    together=_two(list(_OF_FRESH), "from_kind", "to_kind"),
)
def convert_yeast(
    grams: Annotated[
        float,
        Field(gt=0, le=5000, description="Yeast in the recipe, in grams"),
        Like(whole(2, 60)),
    ],
    from_kind: Annotated[Yeast, Field(description="Kind in the recipe"), Like(pick(*_OF_FRESH))],
    to_kind: Annotated[Yeast, Field(description="Kind wanted"), Like(pick(*_OF_FRESH))],
) -> YeastAmount:
    """Convert between kinds of yeast: 10 g fresh make 4 g active dry or 3.3 g instant."""
    amount = grams / _OF_FRESH[from_kind] * _OF_FRESH[to_kind]
    return YeastAmount(grams=round(amount, 2), sachets=round(amount / (42 if to_kind == "fresh" else 7), 2))


class DoughFormula(Result):
    flour_g: float = Field(description="Flour in grams")
    water_g: float = Field(description="Water in grams")
    salt_g: float = Field(description="Salt in grams")
    leaven_g: float = Field(description="Yeast or starter in grams")
    piece_g: float = Field(description="Weight of each piece of dough in grams")


@tool(
    "Cooking",
    "Dough",
    "I need {dough_g} g of dough with {hydration_percent} % hydration. What do I weigh out?",
    "{dough_g} g dough in {pieces} pieces, {hydration_percent} % water, {leaven_percent} % leaven: weights, please.",
    "{pieces} loaves from {dough_g} g of dough at {hydration_percent} percent hydration, please.",
    "{dough_g} g dough, hydration {hydration_percent} %, leaven {leaven_percent} %: flour, water, salt?",
)
def bakers_percentages(
    dough_g: Annotated[float, Field(ge=50, le=100000, description="Dough wanted in grams"), Like(whole(500, 3000, 50))],
    hydration_percent: Annotated[
        float, Field(ge=30, le=120, description="Water in percent of the flour"), Like(whole(55, 85))
    ],
    leaven_percent: Annotated[
        float,
        Field(ge=0, le=100, description="Yeast or starter in percent of the flour"),
        Like(pick(0.5, 1.5, 2, 10, 20)),
    ] = 1,
    pieces: Annotated[int, Field(ge=1, le=200, description="Pieces to divide it into"), Like(whole(2, 12))] = 1,
) -> DoughFormula:
    """Weights of a dough by baker's percentages with 2 percent salt; a starter counts as leaven alone."""
    flour = dough_g / (1 + hydration_percent / 100 + leaven_percent / 100 + 0.02)
    return DoughFormula(
        flour_g=round(flour, 1),
        water_g=round(flour * hydration_percent / 100, 1),
        salt_g=round(flour * 0.02, 1),
        leaven_g=round(flour * leaven_percent / 100, 1),
        piece_g=round(dough_g / pieces, 1),
    )
