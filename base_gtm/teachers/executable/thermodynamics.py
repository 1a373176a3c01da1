"""Gases, heat, engines and thermal radiation."""

from __future__ import annotations

from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, magnitude, number, pick, tool, whole

_GAS_CONSTANT = 8.314462618
_KELVIN = 273.15
_STEFAN_BOLTZMANN = 5.670374419e-8
_WIEN_M_K = 2.897771955e-3

MassKg = Annotated[float, Field(ge=1e-6, le=1e7, description="Mass in kg"), Like(magnitude(0.05, 100, 2))]


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


class KnownGas(Part):
    """Three of the four quantities of an ideal gas."""

    pressure_kpa: float | None = Field(None, ge=1e-6, le=1e7, description="Absolute pressure in kPa")
    volume_l: float | None = Field(None, ge=1e-6, le=1e9, description="Volume in litres")
    amount_mol: float | None = Field(None, ge=1e-9, le=1e7, description="Amount of substance in mol")
    temperature_k: float | None = Field(None, ge=1e-3, le=1e6, description="Temperature in K")


class GasState(Result):
    solved_for: Literal["pressure_kpa", "volume_l", "amount_mol", "temperature_k"] = Field(
        description="What was unknown"
    )
    pressure_kpa: float = Field(description="Absolute pressure in kPa")
    volume_l: float = Field(description="Volume in litres")
    amount_mol: float = Field(description="Amount of substance in mol")
    temperature_k: float = Field(description="Temperature in K")


_QUANTITIES: tuple[Literal["pressure_kpa", "volume_l", "amount_mol", "temperature_k"], ...] = (
    "pressure_kpa",
    "volume_l",
    "amount_mol",
    "temperature_k",
)
_PARTNERS = {
    "pressure_kpa": "volume_l",
    "volume_l": "pressure_kpa",
    "amount_mol": "temperature_k",
    "temperature_k": "amount_mol",
}
"""Which two stand on the same side of pV = nRT."""


def _three_known(rng: Random) -> dict[str, float]:
    kelvin, mol = round(rng.uniform(250, 600), 1), magnitude(0.05, 20, 3)(rng)
    kpa = float(f"{rng.uniform(50, 800):.4g}")
    litres = float(f"{mol * _GAS_CONSTANT * kelvin / kpa:.4g}")
    state = dict(zip(_QUANTITIES, (kpa, litres, mol, kelvin), strict=True))
    state.pop(rng.choice(_QUANTITIES))
    return state


@tool(
    "Thermodynamics",
    "Gases",
    "Ideal gas with {known}. What is the missing quantity?",
    "Use pV = nRT, I know this: {known}.",
)
def ideal_gas_state(
    known: Annotated[
        KnownGas,
        Field(description="Exactly three of the quantities; leave out the one to be found"),
        Like(_three_known),
        Wrong(
            pick(
                {"pressure_kpa": 101.325, "volume_l": 24.0},
                {"temperature_k": 300},
                {"pressure_kpa": 100, "volume_l": 22.7, "amount_mol": 1, "temperature_k": 273.15},
            )
        ),
    ],
) -> GasState:
    """The fourth of pressure, volume, amount and temperature of an ideal gas from the other three."""
    found: dict[str, Any] = {name: getattr(known, name) for name in _QUANTITIES}
    missing = [name for name in _QUANTITIES if found[name] is None]
    if len(missing) != 1:
        given = ", ".join(name for name in _QUANTITIES if name not in missing) or "nothing"
        raise Refused(f"parameter 'known': it holds {given}; give exactly three of {', '.join(_QUANTITIES)}")
    unknown = missing[0]
    if unknown in ("pressure_kpa", "volume_l"):
        found[unknown] = found["amount_mol"] * _GAS_CONSTANT * found["temperature_k"] / found[_PARTNERS[unknown]]
    else:
        found[unknown] = found["pressure_kpa"] * found["volume_l"] / (_GAS_CONSTANT * found[_PARTNERS[unknown]])
    return GasState(
        solved_for=unknown,
        pressure_kpa=_figures(found["pressure_kpa"]),
        volume_l=_figures(found["volume_l"]),
        amount_mol=_figures(found["amount_mol"]),
        temperature_k=_figures(found["temperature_k"]),
    )


_SUBSTANCES = {
    "water": (4.186, 0, 100),
    "ice": (2.09, -100, 0),
    "ethanol": (2.44, -114, 78),
    "olive oil": (1.97, 0, 250),
    "air": (1.005, -150, 500),
    "aluminium": (0.897, -150, 660),
    "iron": (0.449, -150, 1500),
    "copper": (0.385, -150, 1080),
    "brass": (0.380, -150, 900),
    "silver": (0.235, -150, 960),
    "gold": (0.129, -150, 1060),
    "lead": (0.129, -150, 327),
    "glass": (0.84, -150, 500),
    "concrete": (0.88, -150, 500),
    "granite": (0.79, -150, 700),
}
"""Specific heat in kJ/(kg K), and the range in °C in which nothing melts or boils."""

Celsius = Annotated[float, Field(ge=-150, le=1500, description="Temperature in °C")]


def _specific_heat(parameter: str, substance: str, *temperatures: tuple[str, float]) -> float:
    """Raises Refused for an unknown substance, or where it would change its state."""
    name = substance.strip().lower()
    if name not in _SUBSTANCES:
        raise Refused(
            f"parameter '{parameter}': no specific heat is on record for '{substance}'; give one of "
            f"{', '.join(_SUBSTANCES)}"
        )
    heat, lowest, highest = _SUBSTANCES[name]
    for place, celsius in temperatures:
        if not lowest <= celsius <= highest:
            raise Refused(
                f"parameter '{place}': {celsius:g} °C is outside the range in which {name} keeps its state; give "
                f"{lowest} to {highest} °C"
            )
    return heat


class Heating(Result):
    heat_kj: float = Field(description="Heat to be put in, in kJ; negative is to be taken out")
    heat_kwh: float = Field(description="The same in kWh")
    minutes: float = Field(description="How long a heater or cooler of the given power takes, in min")
    specific_heat: float = Field(description="Specific heat used in kJ/(kg K)")


def _warming(rng: Random) -> dict[str, Any]:
    substance = rng.choice(sorted(_SUBSTANCES))
    _, lowest, highest = _SUBSTANCES[substance]
    low, high = max(lowest, -20), min(highest, 200)
    first, second = rng.randint(low, high), rng.randint(low, high)
    return {"substance": substance, "from_c": min(first, second), "to_c": max(first, second)}


@tool(
    "Thermodynamics",
    "Heat",
    "How much heat takes {mass_kg} kg of {substance} from {from_c} to {to_c} °C?",
    "How long does a {power_w} W heater need to bring {mass_kg} kg of {substance} from {from_c} °C to {to_c} °C?",
    together=_warming,
)
def sensible_heat(
    substance: Annotated[
        str,
        Field(min_length=3, max_length=20, description="Name of the substance, such as water or copper"),
        Like(pick(*_SUBSTANCES)),
        Wrong(pick("unobtainium", "plasma", "dark matter", "marshmallow", "adamantium")),
    ],
    mass_kg: MassKg,
    from_c: Annotated[Celsius, Like(whole(0, 20))],
    to_c: Annotated[Celsius, Like(whole(25, 90))],
    power_w: Annotated[
        float,
        Field(ge=0.1, le=1e9, description="Power of the heater or cooler in W"),
        Like(pick(500, 800, 1500, 2000, 3000)),
    ] = 1000,
) -> Heating:
    """Heat that warms or cools a substance without melting or boiling it, at constant specific heat."""
    specific = _specific_heat("substance", substance, ("from_c", from_c), ("to_c", to_c))
    heat = specific * mass_kg * (to_c - from_c)
    return Heating(
        heat_kj=_figures(heat),
        heat_kwh=_figures(heat / 3600),
        minutes=_figures(abs(heat) * 1000 / power_w / 60),
        specific_heat=specific,
    )


class Body(Part):
    """Something put into the calorimeter."""

    substance: str = Field(min_length=3, max_length=20, description="Name of the substance, such as water or copper")
    mass_kg: float = Field(ge=1e-6, le=1e6, description="Mass in kg")
    temperature_c: float = Field(ge=-150, le=1500, description="Temperature at the start in °C")


class Equilibrium(Result):
    final_c: float = Field(description="Temperature in the end in °C")
    heats_kj: list[float] = Field(
        description="Heat that each body takes up in kJ, in the order given; negative is given off"
    )
    total_capacity: float = Field(description="Heat capacity of all together in kJ/K")


def _mixed(rng: Random) -> list[dict[str, Any]]:
    water = {"substance": "water", "mass_kg": number(0.2, 3)(rng), "temperature_c": rng.randint(10, 30)}
    if rng.random() < 0.4:
        return [water, {"substance": "water", "mass_kg": number(0.1, 2)(rng), "temperature_c": rng.randint(50, 98)}]
    metal = rng.choice(("aluminium", "iron", "copper", "brass", "lead", "silver"))
    hot = {"substance": metal, "mass_kg": number(0.05, 0.6)(rng), "temperature_c": rng.randrange(80, 300, 10)}
    cup = {"substance": "aluminium", "mass_kg": 0.1, "temperature_c": water["temperature_c"]}
    return [water, hot, cup] if rng.random() < 0.3 else [water, hot]


@tool(
    "Thermodynamics",
    "Heat",
    "I bring these together in an insulated vessel: {bodies}. What temperature do they end at?",
    "Calorimetry: {bodies}. Final temperature and heat exchanged?",
)
def calorimetry_equilibrium(
    bodies: Annotated[
        list[Body],
        Field(min_length=2, max_length=6, description="What is brought together"),
        Like(_mixed),
        Wrong(
            pick(
                [
                    {"substance": "water", "mass_kg": 1, "temperature_c": 180},
                    {"substance": "iron", "mass_kg": 0.5, "temperature_c": 20},
                ],
                [
                    {"substance": "adamantium", "mass_kg": 2, "temperature_c": 90},
                    {"substance": "water", "mass_kg": 1, "temperature_c": 20},
                ],
                [
                    {"substance": "water", "mass_kg": 0.4, "temperature_c": 15},
                    {"substance": "lead", "mass_kg": 3, "temperature_c": 900},
                ],
            )
        ),
    ],
) -> Equilibrium:
    """Common temperature of bodies that exchange heat with each other alone and neither melt nor boil."""
    capacities = [
        one.mass_kg * _specific_heat("bodies", one.substance, ("bodies", one.temperature_c)) for one in bodies
    ]
    total = sum(capacities)
    final = sum(capacity * one.temperature_c for capacity, one in zip(capacities, bodies, strict=True)) / total
    for one in bodies:
        _specific_heat("bodies", one.substance, ("bodies", round(final, 6)))
    heats = [capacity * (final - one.temperature_c) for capacity, one in zip(capacities, bodies, strict=True)]
    return Equilibrium(
        final_c=round(final, 3) + 0.0,
        heats_kj=[round(heat, 4) + 0.0 for heat in heats],
        total_capacity=_figures(total),
    )


class Stage(Result):
    stage: str = Field(description="What happens, such as melt or warm water")
    heat_kj: float = Field(description="Heat put in, in kJ; negative is taken out")


class WaterHeating(Result):
    stages: list[Stage] = Field(description="What happens in turn")
    total_kj: float = Field(description="Heat of all stages in kJ")
    final_state: Literal["ice", "water", "steam"] = Field(description="What it is in the end")
    latent_percent: float = Field(description="Share of the heat that goes into changes of state")


_ICE, _WATER, _STEAM = 2.09, 4.186, 2.01
"""Specific heats in kJ/(kg K)."""
_FUSION, _VAPORISATION = 334.0, 2256.0
"""Latent heats in kJ/kg."""
_COOLING = {
    "warm ice": "cool ice",
    "melt": "freeze",
    "warm water": "cool water",
    "boil": "condense",
    "warm steam": "cool steam",
}


def _heated(rng: Random) -> dict[str, Any]:
    first, second = rng.choice(
        ((-30, 120), (-20, 60), (-10, 20), (15, 100), (15, 130), (20, 100), (130, 20), (20, -18))
    )
    return {"from_c": first + rng.randint(-5, 0), "to_c": second + rng.randint(-3, 4)}


@tool(
    "Thermodynamics",
    "Heat",
    "How much energy turns {mass_kg} kg of H2O at {from_c} °C into H2O at {to_c} °C?",
    "{mass_kg} kg of water, ice or steam goes from {from_c} to {to_c} °C. Break the heat down by stages, please.",
    together=_heated,
)
def water_heating_stages(
    mass_kg: MassKg,
    from_c: Annotated[
        float, Field(ge=-150, le=500, description="Temperature at the start in °C"), Like(whole(-30, 20))
    ],
    to_c: Annotated[float, Field(ge=-150, le=500, description="Temperature in the end in °C"), Like(whole(30, 130))],
) -> WaterHeating:
    """Heat for water through melting and boiling at normal pressure; it is liquid at 0 and at 100 °C themselves."""
    if abs(to_c - from_c) < 0.001:
        raise Refused(f"parameter 'to_c': {to_c:g} is where it starts, so nothing happens; give another temperature")
    low, high = min(from_c, to_c), max(from_c, to_c)
    upward = [
        ("warm ice", _ICE * (min(high, 0) - low) if low < 0 else 0),
        ("melt", _FUSION if low < 0 <= high else 0),
        ("warm water", _WATER * (min(high, 100) - max(low, 0)) if low < 100 and high > 0 else 0),
        ("boil", _VAPORISATION if low <= 100 < high else 0),
        ("warm steam", _STEAM * (high - max(low, 100)) if high > 100 else 0),
    ]
    passed = [(name, mass_kg * heat) for name, heat in upward if heat > 0]
    if to_c < from_c:
        passed = [(_COOLING[name], -heat) for name, heat in reversed(passed)]
    total = sum(heat for _, heat in passed)
    latent = sum(heat for name, heat in passed if name in ("melt", "boil", "freeze", "condense"))
    return WaterHeating(
        stages=[Stage(stage=name, heat_kj=_figures(heat)) for name, heat in passed],
        total_kj=_figures(total),
        final_state="ice" if to_c < 0 else "steam" if to_c > 100 else "water",
        latent_percent=round(100 * latent / total, 2) + 0.0,
    )


class CarnotLimit(Result):
    limit: float = Field(description="Best possible efficiency or coefficient of performance")
    measure: Literal["efficiency", "coefficient of performance"] = Field(description="What the limit is")
    hot_k: float = Field(description="Temperature of the hot side in K")
    cold_k: float = Field(description="Temperature of the cold side in K")


def _two_sides(rng: Random) -> dict[str, Any]:
    machine = rng.choice(("engine", "refrigerator", "heat pump"))
    if machine == "engine":
        return {"hot_c": rng.randrange(120, 1200, 10), "cold_c": rng.randint(5, 60)}
    cold = rng.randint(-25, 8) if machine == "refrigerator" else rng.randint(-15, 12)
    return {"hot_c": rng.randint(20, 55), "cold_c": cold, "machine": machine}


@tool(
    "Thermodynamics",
    "Engines and walls",
    "Best efficiency possible between {hot_c} and {cold_c} °C?",
    "What is the Carnot limit of a {machine} working between {cold_c} °C and {hot_c} °C?",
    together=_two_sides,
)
def carnot_performance_limit(
    hot_c: Annotated[
        float, Field(ge=-200, le=5000, description="Temperature of the hot side in °C"), Like(whole(100, 800))
    ],
    cold_c: Annotated[
        float,
        Field(ge=-500, le=5000, description="Temperature of the cold side in °C"),
        Like(whole(5, 60)),
        Wrong(whole(-480, -275, 5)),
    ],
    machine: Annotated[
        Literal["engine", "refrigerator", "heat pump"],
        Field(description="What runs between the two"),
        Like(pick("engine")),
    ] = "engine",
) -> CarnotLimit:
    """Carnot's limit: efficiency of an engine, coefficient of performance of a refrigerator or a heat pump."""
    hot, cold = hot_c + _KELVIN, cold_c + _KELVIN
    if cold <= 0.001:
        raise Refused(f"parameter 'cold_c': {cold_c:g} °C is not above absolute zero; give more than -273.15")
    if cold >= hot - 0.001:
        raise Refused(f"parameter 'cold_c': {cold_c:g} °C is not below the hot side; give less than {hot_c:g}")
    limits = {"engine": (hot - cold) / hot, "refrigerator": cold / (hot - cold), "heat pump": hot / (hot - cold)}
    return CarnotLimit(
        limit=round(limits[machine], 4),
        measure="efficiency" if machine == "engine" else "coefficient of performance",
        hot_k=round(hot, 2),
        cold_k=round(cold, 2),
    )


Building = Literal[
    "concrete",
    "brick",
    "aerated concrete",
    "timber",
    "plywood",
    "plasterboard",
    "plaster",
    "glass",
    "mineral wool",
    "polystyrene foam",
    "polyurethane foam",
    "cork",
]
_CONDUCTIVITY = {
    "concrete": 1.75,
    "brick": 0.77,
    "aerated concrete": 0.16,
    "timber": 0.13,
    "plywood": 0.13,
    "plasterboard": 0.21,
    "plaster": 0.57,
    "glass": 1.0,
    "mineral wool": 0.038,
    "polystyrene foam": 0.035,
    "polyurethane foam": 0.025,
    "cork": 0.04,
}
"""Thermal conductivity in W/(m K)."""
_INNER_FILM, _OUTER_FILM = 0.13, 0.04
"""Surface resistances of a wall in m² K/W, ISO 6946."""


class WallLayer(Part):
    """A layer of a wall."""

    material: Building = Field(description="What it is made of")
    thickness_mm: float = Field(ge=0.5, le=2000, description="Thickness in mm")


class WallLoss(Result):
    u_value: float = Field(description="Thermal transmittance in W/(m² K)")
    r_value: float = Field(description="Thermal resistance with the air films in m² K/W")
    heat_w: float = Field(description="Heat that flows outwards in W; negative is inwards")
    kwh_per_day: float = Field(description="The same over a day in kWh")
    layers_r: list[float] = Field(description="Resistance of each layer in m² K/W, in the order given")


def _layers(rng: Random) -> list[dict[str, Any]]:
    bearing = {
        "material": rng.choice(("brick", "concrete", "aerated concrete")),
        "thickness_mm": rng.choice((115, 175, 240)),
    }
    foam = {
        "material": rng.choice(("mineral wool", "polystyrene foam", "polyurethane foam", "cork")),
        "thickness_mm": rng.choice((40, 60, 80, 100, 140, 160, 200)),
    }
    board = {"material": "plasterboard", "thickness_mm": 12.5}
    plaster = {"material": "plaster", "thickness_mm": 15}
    walls: list[list[dict[str, Any]]] = [
        [bearing],
        [bearing, foam],
        [plaster, bearing, foam],
        [board, bearing, foam, plaster],
    ]
    return rng.choice(walls)


@tool(
    "Thermodynamics",
    "Engines and walls",
    "How much heat goes through {area_m2} m² of wall made of {layers} at {outside_c} °C outside?",
    "Wall, from the inside: {layers}. {area_m2} m², {inside_c} °C inside, {outside_c} °C outside. U-value and heat "
    "loss?",
)
def wall_heat_loss(
    layers: Annotated[
        list[WallLayer],
        Field(min_length=1, max_length=8, description="Layers from the inside to the outside"),
        Like(_layers),
    ],
    area_m2: Annotated[float, Field(ge=0.01, le=1e5, description="Area of the wall in m²"), Like(whole(5, 180))],
    outside_c: Annotated[
        float, Field(ge=-90, le=60, description="Air temperature outside in °C"), Like(whole(-20, 12))
    ],
    inside_c: Annotated[
        float, Field(ge=-50, le=60, description="Air temperature inside in °C"), Like(whole(17, 24))
    ] = 20,
) -> WallLoss:
    """Steady heat flow through a layered wall, with the surface resistances of ISO 6946 (0.13 inside, 0.04 outside)."""
    resistances = [one.thickness_mm / 1000 / _CONDUCTIVITY[one.material] for one in layers]
    total = _INNER_FILM + sum(resistances) + _OUTER_FILM
    heat = area_m2 * (inside_c - outside_c) / total
    return WallLoss(
        u_value=round(1 / total, 4),
        r_value=round(total, 4),
        heat_w=round(heat, 2) + 0.0,
        kwh_per_day=round(heat * 24 / 1000, 3) + 0.0,
        layers_r=[round(one, 4) for one in resistances],
    )


class Emission(Result):
    power_w: float = Field(description="Power radiated in W")
    exitance_w_m2: float = Field(description="Power radiated per area in W/m²")
    peak_wavelength_um: float = Field(description="Wavelength of the strongest radiation in µm")
    peak_band: Literal["X-ray or shorter", "ultraviolet", "visible", "infrared", "microwave or longer"] = Field(
        description="Band of that wavelength; visible is 0.38 to 0.75 µm"
    )


@tool(
    "Thermodynamics",
    "Radiation",
    "What does a black body at {temperature_k} K radiate, and where is its peak?",
    "What does a surface at {temperature_k} K with an emissivity of {emissivity} radiate per m²?",
    "How many watts leave {area_m2} m² of a black surface at {temperature_k} K?",
    "A surface of {area_m2} m² at {temperature_k} K with emissivity {emissivity}: radiated power?",
)
def blackbody_emission(
    temperature_k: Annotated[
        float,
        Field(ge=1, le=1e7, description="Temperature in K"),
        Like(pick(77, 293, 310, 600, 1200, 1811, 2700, 3500, 5772, 9940)),
    ],
    emissivity: Annotated[
        float, Field(ge=0.001, le=1, description="Emissivity, 1 for a black body"), Like(number(0.1, 0.98))
    ] = 1,
    area_m2: Annotated[
        float, Field(ge=1e-9, le=1e9, description="Radiating area in m²"), Like(magnitude(0.001, 20, 2))
    ] = 1,
) -> Emission:
    """Thermal radiation by the Stefan-Boltzmann law, and its peak by Wien's displacement law (per wavelength)."""
    exitance = emissivity * _STEFAN_BOLTZMANN * temperature_k**4
    peak = 1e6 * _WIEN_M_K / temperature_k
    return Emission(
        power_w=_figures(exitance * area_m2),
        exitance_w_m2=_figures(exitance),
        peak_wavelength_um=_figures(peak),
        peak_band=_peak_band(peak),
    )


def _peak_band(
    micrometres: float,
) -> Literal["X-ray or shorter", "ultraviolet", "visible", "infrared", "microwave or longer"]:
    if micrometres < 0.01:
        return "X-ray or shorter"
    if micrometres < 0.38:
        return "ultraviolet"
    if micrometres < 0.75:
        return "visible"
    return "infrared" if micrometres < 1000 else "microwave or longer"


_EXPANSIONS = {
    "aluminium": (23.1, 69),
    "brass": (19, 105),
    "copper": (16.5, 117),
    "steel": (12, 200),
    "concrete": (12, 30),
    "glass": (8.5, 70),
    "borosilicate glass": (3.3, 64),
    "invar": (1.2, 141),
    "lead": (28.9, 16),
    "gold": (14.2, 79),
    "silver": (18.9, 83),
    "titanium": (8.6, 116),
}
"""Linear expansion in 1e-6/K, Young's modulus in GPa."""


class LengthChange(Result):
    change_mm: float = Field(description="Change of length in mm; negative is shorter")
    new_length_m: float = Field(description="Length afterwards in m")
    stress_mpa: float = Field(description="Stress where the ends are held fast in MPa; positive is compression")
    coefficient: float = Field(description="Coefficient of linear expansion used in 1e-6/K")


@tool(
    "Thermodynamics",
    "Heat",
    "By how much does {length_m} m of {material} grow from {from_c} to {to_c} °C?",
    "Thermal expansion: {material}, {length_m} m, {from_c} °C to {to_c} °C. Change in mm, and the stress if it is "
    "clamped?",
)
def thermal_length_change(
    material: Annotated[
        str,
        Field(min_length=3, max_length=30, description="Solid material, such as steel or aluminium"),
        Like(pick(*_EXPANSIONS)),
        Wrong(pick("chewing gum", "mithril", "sea water", "beskar", "cardboard")),
    ],
    length_m: Annotated[
        float, Field(ge=1e-6, le=1e5, description="Length at the start in m"), Like(magnitude(0.1, 500, 2))
    ],
    from_c: Annotated[
        float, Field(ge=-100, le=300, description="Temperature at the start in °C"), Like(whole(-20, 25, 5))
    ],
    to_c: Annotated[
        float, Field(ge=-100, le=300, description="Temperature in the end in °C"), Like(whole(-10, 120, 5))
    ],
) -> LengthChange:
    """Linear thermal expansion of a solid with a constant coefficient, and the stress where it cannot expand."""
    solid = _EXPANSIONS.get(material.strip().lower())
    if solid is None:
        raise Refused(
            f"parameter 'material': no expansion coefficient is on record for '{material}'; give one of "
            f"{', '.join(_EXPANSIONS)}"
        )
    coefficient, modulus = solid
    strain = coefficient * 1e-6 * (to_c - from_c)
    return LengthChange(
        change_mm=_figures(1000 * length_m * strain),
        new_length_m=round(length_m * (1 + strain), 9),
        stress_mpa=round(1000 * modulus * strain, 3) + 0.0,
        coefficient=coefficient,
    )
