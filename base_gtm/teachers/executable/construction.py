"""Construction: concrete, paint, tiles, stairs, roofs, beams and insulation."""

from __future__ import annotations

import math
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, number, pick, tool, whole

Mix = Literal["1:1:2", "1:1.5:3", "1:2:4", "1:3:6"]
_MIXES: dict[Mix, tuple[float, float, float]] = {
    "1:1:2": (1, 1, 2),
    "1:1.5:3": (1, 1.5, 3),
    "1:2:4": (1, 2, 4),
    "1:3:6": (1, 3, 6),
}
"""Parts of cement, sand and gravel by volume."""
_DRY = 1.54
"""Volume of the dry materials over that of the concrete."""
_CEMENT = 1440
"""Kilograms in a cubic metre of loose cement."""


class ConcreteOrder(Result):
    volume_m3: float = Field(description="Concrete with the allowance for waste, in cubic metres")
    weight_t: float = Field(description="Its weight at 2.4 tonnes a cubic metre")
    cement_kg: float = Field(description="Cement in kilograms")
    cement_bags: int = Field(description="Bags of 25 kg of cement")
    sand_m3: float = Field(description="Sand in cubic metres")
    gravel_m3: float = Field(description="Gravel in cubic metres")


@tool(
    "Construction",
    "Materials",
    "How much concrete for a slab of {length_m} x {width_m} m, {depth_cm} cm thick?",
    "Slab {length_m} by {width_m} m, {depth_cm} cm deep, mix {mix}: cement, sand and gravel?",
    "Concrete for {length_m} m x {width_m} m x {depth_cm} cm with {waste_percent} % waste?",
    "{length_m} x {width_m} m, {depth_cm} cm, mix {mix}, {waste_percent} percent extra. What do I order?",
)
def concrete_slab_materials(
    length_m: Annotated[float, Field(gt=0.01, le=1000, description="Length in metres"), Like(number(1, 15, 1))],
    width_m: Annotated[float, Field(gt=0.01, le=1000, description="Width in metres"), Like(number(0.5, 10, 1))],
    depth_cm: Annotated[
        float, Field(gt=0.5, le=500, description="Thickness in centimetres"), Like(pick(8, 10, 12, 15, 18, 20, 25, 30))
    ],
    mix: Annotated[Mix, Field(description="Cement, sand and gravel by volume"), Like(pick(*_MIXES))] = "1:2:4",
    waste_percent: Annotated[
        float, Field(ge=0, le=50, description="Allowance for waste in percent"), Like(pick(5, 8, 10, 15))
    ] = 0,
) -> ConcreteOrder:
    """Concrete for a slab and what it is mixed from, dry materials taking 1.54 times the volume."""
    volume = length_m * width_m * depth_cm / 100 * (1 + waste_percent / 100)
    parts = _MIXES[mix]
    cement, sand, gravel = (volume * _DRY * part / sum(parts) for part in parts)
    return ConcreteOrder(
        volume_m3=round(volume, 3),
        weight_t=round(2.4 * volume, 3),
        cement_kg=round(cement * _CEMENT, 1),
        cement_bags=math.ceil(round(cement * _CEMENT / 25, 6)),
        sand_m3=round(sand, 3),
        gravel_m3=round(gravel, 3),
    )


class PaintNeed(Result):
    area_m2: float = Field(description="Wall to paint in square metres, once")
    litres: float = Field(description="Paint for all coats in litres")
    cans: int = Field(description="Cans of 2.5 litres")


@tool(
    "Construction",
    "Materials",
    "How much paint for the walls of a room of {length_m} x {width_m} m, {height_m} m high?",
    "Room {length_m} by {width_m}, ceiling at {height_m} m, {openings_m2} m2 of doors and windows: litres of paint?",
    "Paint for a {length_m} x {width_m} x {height_m} m room in {coats} coats?",
    "{coats} coats on the walls of {length_m} x {width_m} m, {height_m} m high, less {openings_m2} m2. Paint needed?",
)
def wall_paint_needed(
    length_m: Annotated[
        float, Field(ge=0.5, le=100, description="Length of the room in metres"), Like(number(2.5, 8, 1))
    ],
    width_m: Annotated[float, Field(ge=0.5, le=100, description="Width of the room in metres"), Like(number(2, 6, 1))],
    height_m: Annotated[
        float, Field(ge=1, le=10, description="Height of the room in metres"), Like(number(2.2, 3.2, 1))
    ],
    openings_m2: Annotated[
        float,
        Field(ge=0, le=9000, description="Doors and windows together in square metres"),
        Like(number(1.5, 6, 1)),
        Wrong(whole(4001, 9000)),
    ] = 0,
    coats: Annotated[int, Field(ge=1, le=5, description="Coats of paint"), Like(whole(1, 3))] = 2,
) -> PaintNeed:
    """Paint for the four walls of a room at 10 square metres a litre and coat."""
    walls = 2 * (length_m + width_m) * height_m
    if openings_m2 >= walls:
        raise Refused(
            f"parameter 'openings_m2': {openings_m2:g} m2 of openings leave nothing of {walls:g} m2 of wall; give less"
        )
    area = walls - openings_m2
    litres = area * coats / 10
    return PaintNeed(area_m2=round(area, 2), litres=round(litres, 2), cans=math.ceil(round(litres / 2.5, 6)))


class TileOrder(Result):
    tiles: int = Field(description="Tiles to buy, waste allowed for")
    boxes: int = Field(description="Boxes to buy")
    tiles_per_m2: float = Field(description="Tiles that a square metre takes, joints counted")
    area_m2: float = Field(description="Area to tile in square metres")


@tool(
    "Construction",
    "Materials",
    "How many {tile_length_cm} x {tile_width_cm} cm tiles for {area_m2} m2?",
    "Tiling {area_m2} m2 with {tile_length_cm} by {tile_width_cm} cm tiles, {tiles_per_box} to a box. How many boxes?",
    "{area_m2} m2, tiles {tile_length_cm} x {tile_width_cm} cm, {waste_percent} % for cuts. How many?",
    "{tile_length_cm} x {tile_width_cm} cm tiles for {area_m2} m2, {waste_percent} % waste, boxes of {tiles_per_box}?",
)
def tile_count(
    area_m2: Annotated[float, Field(gt=0, le=10000, description="Area in square metres"), Like(number(2, 60, 1))],
    tile_length_cm: Annotated[
        float, Field(ge=1, le=300, description="Length of a tile in centimetres"), Like(pick(15, 20, 30, 45, 60, 80))
    ],
    tile_width_cm: Annotated[
        float, Field(ge=1, le=300, description="Width of a tile in centimetres"), Like(pick(10, 15, 20, 30, 45, 60))
    ],
    waste_percent: Annotated[
        float, Field(ge=0, le=50, description="Allowance for cuts and breakage in percent"), Like(pick(5, 8, 12, 15))
    ] = 10,
    tiles_per_box: Annotated[
        int, Field(ge=1, le=500, description="Tiles in a box"), Like(pick(5, 6, 8, 12, 17, 25))
    ] = 10,
) -> TileOrder:
    """Tiles and boxes for an area, with joints of 3 mm."""
    per_m2 = 10000 / ((tile_length_cm + 0.3) * (tile_width_cm + 0.3))
    tiles = math.ceil(round(area_m2 * per_m2 * (1 + waste_percent / 100), 6))
    return TileOrder(
        tiles=tiles, boxes=math.ceil(tiles / tiles_per_box), tiles_per_m2=round(per_m2, 2), area_m2=round(area_m2, 3)
    )


class StairPlan(Result):
    risers: int = Field(description="Steps up, the last one onto the upper floor")
    riser_mm: float = Field(description="Height of each step in millimetres")
    treads: int = Field(description="Treads, one fewer than risers")
    run_mm: float = Field(description="Length of the flight on the floor in millimetres")
    pitch_degrees: float = Field(description="Slope of the flight in degrees")
    step_formula_mm: float = Field(description="Twice the riser plus the going, comfortable from 550 to 700")
    meets_code: bool = Field(
        description="English rules for private stairs are met: riser 150-220, going 220-300, formula, pitch to 42"
    )


@tool(
    "Construction",
    "Stairs and roofs",
    "Lay out a stair for a floor height of {total_rise_mm} mm.",
    "The floors are {total_rise_mm} mm apart, treads {going_mm} mm deep. How many steps, and how high is each?",
    "Stairs: {total_rise_mm} mm of height, risers of at most {max_riser_mm} mm. Plan?",
    "Stair of {total_rise_mm} mm, riser up to {max_riser_mm}, going {going_mm}: steps, length, pitch?",
)
def stair_layout(
    total_rise_mm: Annotated[
        float,
        Field(ge=100, le=20000, description="From floor to floor in millimetres"),
        Like(whole(2400, 3400, 10)),
        Wrong(whole(8501, 20000)),
    ],
    going_mm: Annotated[
        float, Field(ge=150, le=500, description="Depth of each tread in millimetres"), Like(whole(225, 300, 5))
    ] = 250,
    max_riser_mm: Annotated[
        float,
        Field(ge=100, le=250, description="Highest step allowed in millimetres"),
        Like(pick(170, 180, 190, 200, 220)),
    ] = 190,
) -> StairPlan:
    """Straight flight with equal steps, the fewest that keep to the highest riser."""
    risers = math.ceil(round(total_rise_mm / max_riser_mm, 9))
    if risers > 34 or total_rise_mm > 8500:
        raise Refused(
            f"parameter 'total_rise_mm': {total_rise_mm:g} mm takes {risers} steps, too many for a straight flight; "
            f"give at most {min(8500, 34 * max_riser_mm):g} and plan the rest as another flight"
        )
    riser, treads = total_rise_mm / risers, risers - 1
    pitch, formula = math.degrees(math.atan2(riser, going_mm)), 2 * riser + going_mm
    return StairPlan(
        risers=risers,
        riser_mm=round(riser, 1),
        treads=treads,
        run_mm=round(treads * going_mm, 1),
        pitch_degrees=round(pitch, 2),
        step_formula_mm=round(formula, 1),
        meets_code=150 <= riser <= 220 and 220 <= going_mm <= 300 and 550 <= formula <= 700 and pitch <= 42,
    )


class RoofGeometry(Result):
    pitch_degrees: float = Field(description="Slope in degrees")
    rise_in_12: float = Field(description="Slope as inches of rise in 12 of run")
    slope_percent: float = Field(description="Slope in percent")
    rafter_m: float = Field(description="Rafter from ridge to eaves with the overhang, in metres")
    roof_area_m2: float = Field(description="Both sides of the roof with the overhang, in square metres")


@tool(
    "Construction",
    "Stairs and roofs",
    "Gable roof over a house {span_m} m wide and {length_m} m long, ridge {rise_m} m above the eaves. Pitch and area?",
    "Roof: span {span_m}, rise {rise_m}, length {length_m}, overhang {overhang_m} (metres). Rafter length and area?",
)
def gable_roof_geometry(
    span_m: Annotated[
        float, Field(ge=0.5, le=100, description="Width of the building in metres"), Like(number(5, 14, 1))
    ],
    rise_m: Annotated[
        float, Field(ge=0.05, le=50, description="Height of the ridge over the wall in metres"), Like(number(1, 5, 1))
    ],
    length_m: Annotated[
        float, Field(ge=0.5, le=500, description="Length of the ridge in metres"), Like(number(6, 22, 1))
    ],
    overhang_m: Annotated[
        float,
        Field(ge=0, le=3, description="Overhang of the eaves, measured level, in metres"),
        Like(pick(0.3, 0.4, 0.5, 0.6)),
    ] = 0,
) -> RoofGeometry:
    """Pitch, rafters and area of a gable roof with its ridge in the middle."""
    run = span_m / 2
    slope = rise_m / run
    rafter = (run + overhang_m) * math.hypot(1, slope)
    return RoofGeometry(
        pitch_degrees=round(math.degrees(math.atan(slope)), 2),
        rise_in_12=round(12 * slope, 2),
        slope_percent=round(100 * slope, 2),
        rafter_m=round(rafter, 3),
        roof_area_m2=round(2 * rafter * length_m, 2),
    )


Timber = Literal["C16", "C24", "C30", "GL24h", "S235 steel", "S355 steel"]
_STIFF: dict[Timber, tuple[float, float]] = {
    "C16": (8000, 16),
    "C24": (11000, 24),
    "C30": (12000, 30),
    "GL24h": (11500, 24),
    "S235 steel": (210000, 235),
    "S355 steel": (210000, 355),
}
"""Mean modulus of elasticity, and bending or yield strength, in newtons a square millimetre (EN 338, 14080, 10025)."""


class BeamCheck(Result):
    moment_knm: float = Field(description="Largest bending moment in kNm")
    stress_n_mm2: float = Field(description="Largest bending stress in N/mm2")
    utilisation_percent: float = Field(
        description="That stress over the characteristic strength, without safety factors"
    )
    deflection_mm: float = Field(description="Sag in the middle in millimetres")
    span_over_deflection: float = Field(description="Span over sag; floors often ask for 300 or more")


@tool(
    "Construction",
    "Structure",
    "A {width_mm} x {height_mm} mm beam of {material} spans {span_m} m under {load_kn_per_m} kN/m. Stress and sag?",
    "Bending of a {material} beam: span {span_m} m, load {load_kn_per_m} kN/m, section {width_mm}/{height_mm} mm.",
)
def beam_bending_check(
    span_m: Annotated[float, Field(ge=0.2, le=50, description="Span in metres"), Like(number(2, 6.5, 1))],
    load_kn_per_m: Annotated[
        float, Field(ge=0.01, le=1000, description="Load along the beam in kN/m"), Like(number(0.5, 6, 1))
    ],
    width_mm: Annotated[
        float,
        Field(ge=10, le=1000, description="Width of the section in millimetres"),
        Like(pick(60, 80, 100, 120, 140)),
    ],
    height_mm: Annotated[
        float, Field(ge=10, le=3000, description="Height of the section in millimetres"), Like(whole(140, 320, 20))
    ],
    material: Annotated[Timber, Field(description="Timber class or steel"), Like(pick(*_STIFF))],
) -> BeamCheck:
    """Bending of a simply supported beam of solid rectangular section under an even load, by elastic theory."""
    modulus, strength = _STIFF[material]
    span = 1000 * span_m
    moment = load_kn_per_m * span**2 / 8
    stress = moment * 6 / (width_mm * height_mm**2)
    inertia = width_mm * height_mm**3 / 12
    sag = 5 * load_kn_per_m * span**4 / (384 * modulus * inertia)
    return BeamCheck(
        moment_knm=round(moment / 1e6, 4),
        stress_n_mm2=round(stress, 3),
        utilisation_percent=round(100 * stress / strength, 2),
        deflection_mm=round(sag, 4),
        span_over_deflection=round(span / sag, 1),
    )


_CONDUCTIVITY = {
    "mineral wool": 0.035,
    "eps": 0.038,
    "xps": 0.034,
    "pir": 0.022,
    "wood fibre": 0.04,
    "cellulose": 0.04,
    "brick": 0.77,
    "aerated concrete": 0.12,
    "concrete": 2.0,
    "lime sandstone": 0.99,
    "timber": 0.13,
    "osb": 0.13,
    "plasterboard": 0.25,
    "gypsum plaster": 0.4,
    "lime render": 0.87,
    "screed": 1.4,
}
"""Thermal conductivity in W/mK."""
Element = Literal["wall", "roof", "floor"]
_SURFACES: dict[Element, float] = {"wall": 0.13 + 0.04, "roof": 0.10 + 0.04, "floor": 0.17 + 0.04}
"""Surface resistances inside and outside together, in m2K/W (EN ISO 6946)."""
_BUILD_UPS = (
    (("gypsum plaster", 15), ("brick", 240), ("eps", 140), ("lime render", 10)),
    (("plasterboard", 12.5), ("mineral wool", 160), ("osb", 18), ("wood fibre", 60)),
    (("gypsum plaster", 15), ("aerated concrete", 365), ("lime render", 15)),
    (("gypsum plaster", 10), ("lime sandstone", 175), ("mineral wool", 180), ("lime render", 10)),
    (("plasterboard", 12.5), ("timber", 24), ("cellulose", 240), ("wood fibre", 35)),
    (("screed", 60), ("xps", 120), ("concrete", 200)),
)


class Layer(Part):
    material: str = Field(min_length=2, max_length=30, description="Material in English, such as 'mineral wool'")
    thickness_mm: float = Field(gt=0, le=2000, description="Thickness in millimetres")


def _layers_draw(rng: Random) -> list[dict[str, Any]]:
    """A usual build-up, its thick layers thicker or thinner."""
    return [
        {"material": material, "thickness_mm": thickness + (rng.randrange(-40, 61, 20) if thickness >= 100 else 0)}
        for material, thickness in rng.choice(_BUILD_UPS)
    ]


class UValue(Result):
    u_value: float = Field(description="Heat transfer in W/m2K")
    resistance: float = Field(description="Thermal resistance with the surfaces in m2K/W")
    thickness_mm: float = Field(description="All layers together in millimetres")
    best_layer: str = Field(description="Layer that insulates most")


@tool(
    "Construction",
    "Structure",
    "What is the U-value of a wall built of {layers}?",
    "Insulation check for a {element}: {layers}. U-value, please.",
)
def building_u_value(
    layers: Annotated[
        list[Layer],
        Field(min_length=1, max_length=12, description="Layers from inside to outside"),
        Like(_layers_draw),
        Wrong(
            lambda rng: [
                {"material": rng.choice(("brick", "concrete")), "thickness_mm": 200},
                {"material": rng.choice(("vibranium", "bubble wrap", "straw bales")), "thickness_mm": 120},
            ]
        ),
    ],
    element: Annotated[
        Element, Field(description="Which way the heat flows"), Like(pick("wall", "roof", "floor"))
    ] = "wall",
) -> UValue:
    """U-value of plain layers with the surface resistances of EN ISO 6946, without studs, air gaps and fixings."""
    resistances = []
    for layer in layers:
        conductivity = _CONDUCTIVITY.get(layer.material.strip().lower())
        if conductivity is None:
            raise Refused(
                f"parameter 'layers': the material '{layer.material}' is not in the table; give one of "
                f"{', '.join(_CONDUCTIVITY)}"
            )
        resistances.append(layer.thickness_mm / 1000 / conductivity)
    total = sum(resistances) + _SURFACES[element]
    best = max(zip(resistances, layers, strict=True), key=lambda pair: pair[0])[1]
    return UValue(
        u_value=round(1 / total, 4),
        resistance=round(total, 4),
        thickness_mm=round(sum(layer.thickness_mm for layer in layers), 1),
        best_layer=best.material,
    )
