"""Formulae, elements, solutions and reactions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, magnitude, pick, tool

_COMPOUNDS = (
    "H2O",
    "NaCl",
    "CO2",
    "NH3",
    "HCl",
    "NaOH",
    "H2SO4",
    "HNO3",
    "CaCO3",
    "NaHCO3",
    "Na2CO3",
    "KMnO4",
    "K2Cr2O7",
    "AgNO3",
    "KI",
    "TiO2",
    "Fe2O3",
    "Ca(OH)2",
    "Al2(SO4)3",
    "(NH4)2SO4",
    "CuSO4.5H2O",
    "MgSO4.7H2O",
    "C2H5OH",
    "CH3COOH",
    "C6H12O6",
    "C12H22O11",
    "C8H10N4O2",
    "C9H8O4",
    "C3H8",
)
_SALTS = (
    "NaCl",
    "NaOH",
    "KMnO4",
    "AgNO3",
    "CuSO4.5H2O",
    "C6H12O6",
    "C12H22O11",
    "KI",
    "NaHCO3",
    "K2Cr2O7",
    "(NH4)2SO4",
)
_FORMULA_PATTERN = r"^[A-Za-z0-9().·]+$"
_TOKEN = re.compile(r"([A-Z][a-z]?)(\d{0,4})|(\()|(\))(\d{0,4})")
_MOST_ATOMS = 100_000

_FORMULA = Field(
    min_length=1, max_length=40, pattern=_FORMULA_PATTERN, description="Formula such as Ca(OH)2 or CuSO4.5H2O"
)
_NO_FORMULA = Wrong(pick("Xx2O", "NaKq3", "Jq3", "H2Zz4", "Na(OH"))
Compound = Annotated[str, _FORMULA, Like(pick(*_COMPOUNDS)), _NO_FORMULA]


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


def _atoms(parameter: str, formula: str) -> Counter[str]:
    """Symbol -> how many atoms; a dot joins parts such as water of crystallisation. Raises Refused."""
    total: Counter[str] = Counter()
    for part in re.split("[.·]", formula):
        times, group = part[: len(part) - len(part.lstrip("0123456789"))], part.lstrip("0123456789")
        for symbol, count in _grouped(parameter, formula, group).items():
            total[symbol] += int(times or 1) * count
    if min(total.values()) == 0 or total.total() > _MOST_ATOMS:
        raise Refused(
            f"parameter '{parameter}': '{formula}' has none of an element that it names, or too many atoms; give each "
            f"element from 1 to {_MOST_ATOMS} times"
        )
    return total


def _grouped(parameter: str, formula: str, group: str) -> Counter[str]:
    levels: list[Counter[str]] = [Counter()]
    at = 0
    while at < len(group) and (found := _TOKEN.match(group, at)):
        symbol, count, opened, closed, times = found.groups()
        if symbol:
            levels[-1][symbol] += int(count or 1)
        elif opened:
            levels.append(Counter())
        elif closed and len(levels) > 1:
            inner = levels.pop()
            levels[-1].update({one: n * int(times or 1) for one, n in inner.items()})
        else:
            break
        at = found.end()
    if at < len(group) or len(levels) != 1 or not levels[0]:
        raise Refused(
            f"parameter '{parameter}': '{formula}' cannot be read as a formula; write it like C6H12O6, Ca(OH)2 or "
            "CuSO4.5H2O"
        )
    return levels[0]


def _masses(parameter: str, symbols: Iterable[str]) -> dict[str, float]:
    """Symbol -> standard atomic weight. Raises Refused."""
    from periodictable import elements

    found: dict[str, float] = {}
    for symbol in symbols:
        try:
            found[symbol] = float(elements.symbol(symbol).mass)
        except ValueError:
            raise Refused(
                f"parameter '{parameter}': '{symbol}' is the symbol of no element; write symbols as in H, Na or Fe"
            ) from None
    return found


def _molar_mass(parameter: str, formula: str) -> float:
    atoms = _atoms(parameter, formula)
    masses = _masses(parameter, atoms)
    return sum(masses[symbol] * count for symbol, count in atoms.items())


class AtomCount(Result):
    symbol: str = Field(description="Symbol of the element")
    count: int = Field(description="Atoms of it in the formula")


class MolarMass(Result):
    molar_mass: float = Field(description="Molar mass in g/mol")
    atoms: list[AtomCount] = Field(description="Elements in the order of the formula")
    moles: float = Field(description="Amount of substance in the sample in mol")


@tool(
    "Chemistry",
    "Formulae",
    "What is the molar mass of {formula}?",
    "How many moles are {sample_g} g of {formula}?",
)
def molar_mass_of_formula(
    formula: Compound,
    sample_g: Annotated[
        float, Field(ge=1e-9, le=1e9, description="Mass of a sample in g"), Like(magnitude(0.1, 500, 3))
    ] = 1,
) -> MolarMass:
    """Molar mass of a compound from IUPAC atomic weights, its atoms, and the moles in a sample."""
    mass = _molar_mass("formula", formula)
    atoms = [AtomCount(symbol=symbol, count=count) for symbol, count in _atoms("formula", formula).items()]
    return MolarMass(molar_mass=round(mass, 3), atoms=atoms, moles=_figures(sample_g / mass))


class MassShare(Result):
    symbol: str = Field(description="Symbol of the element")
    mass_percent: float = Field(description="Its share of the mass")
    grams: float = Field(description="Its mass in the sample in g")


class Composition(Result):
    shares: list[MassShare] = Field(description="Elements, the greatest share of the mass first")
    molar_mass: float = Field(description="Molar mass of the compound in g/mol")


@tool(
    "Chemistry",
    "Formulae",
    "Percent composition by mass of {formula}, please.",
    "How much of each element is there in {sample_g} g of {formula}?",
)
def percent_composition(
    formula: Compound,
    sample_g: Annotated[
        float, Field(ge=1e-9, le=1e9, description="Mass of the sample in g"), Like(magnitude(0.5, 2000, 3))
    ] = 100,
) -> Composition:
    """Share of each element in the mass of a compound."""
    atoms = _atoms("formula", formula)
    masses = _masses("formula", atoms)
    total = sum(masses[symbol] * count for symbol, count in atoms.items())
    shares = {symbol: masses[symbol] * count / total for symbol, count in atoms.items()}
    return Composition(
        shares=[
            MassShare(symbol=symbol, mass_percent=round(100 * share, 3), grams=_figures(sample_g * share))
            for symbol, share in sorted(shares.items(), key=lambda item: -item[1])
        ],
        molar_mass=round(total, 3),
    )


class ElementFacts(Result):
    atomic_number: int = Field(description="Protons in the nucleus")
    symbol: str = Field(description="Symbol")
    name: str = Field(description="English name")
    atomic_weight: float = Field(description="Standard atomic weight, or mass of a long-lived isotope")
    period: int = Field(description="Row of the periodic table")
    group: int | None = Field(description="Column of the periodic table, 1 to 18; null in the f-block")
    block: Literal["s", "p", "d", "f"] = Field(description="Block of the periodic table")
    natural_isotopes: list[int] = Field(description="Mass numbers of the isotopes that natural samples hold")


_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
_LEFT_OUT = {"U": [234, 235, 238]}
"""Natural isotopes that periodictable 2.1 has no abundance for: it skips the last element of its table."""
_BRITISH = {"aluminium": "aluminum", "caesium": "cesium", "sulphur": "sulfur"}


def _column(atomic_number: int) -> tuple[int, int | None]:
    """Period and group, lanthanum to ytterbium and actinium to nobelium standing in no group."""
    period = next(row for row, noble in enumerate(_NOBLE) if atomic_number <= noble)
    place = atomic_number - _NOBLE[period - 1]
    length = _NOBLE[period] - _NOBLE[period - 1]
    if place <= 2 and not (period == 1 and place == 2):
        return period, place
    from_right = 18 - (length - place)
    return period, from_right if from_right > 2 else None


def _block(atomic_number: int, group: int | None) -> Literal["s", "p", "d", "f"]:
    if group is None:
        return "f"
    if group <= 2 or atomic_number == 2:
        return "s"
    return "d" if group <= 12 else "p"


@tool(
    "Chemistry",
    "Elements",
    "Tell me about the element {element}.",
    "Atomic number, weight and place in the periodic table of {element}?",
)
def chemical_element_lookup(
    element: Annotated[
        str,
        Field(
            min_length=1, max_length=20, pattern="^[A-Za-z0-9]+$", description="Symbol, English name or atomic number"
        ),
        Like(
            pick(
                *"Fe Au Na K Pb Sn W Hg Cl He U Xe Zn Ti Nd Si La Pt 6 8 29 47 79 92".split(),
                *"iron copper oxygen carbon aluminium sulfur uranium neon lithium calcium iodine Helium".split(),
            )
        ),
        Wrong(pick("unobtainium", "Xq", "119", "vibranium", "Bz", "0", "kryptonite", "300")),
    ],
) -> ElementFacts:
    """An element of the periodic table by symbol, name or atomic number."""
    from periodictable import elements

    word = element.lower()
    wanted = _BRITISH.get(word, word)
    found = next(
        (one for one in elements if wanted in (one.symbol.lower(), one.name.lower(), str(one.number))),
        None,
    )
    if found is None:
        raise Refused(
            f"parameter 'element': there is no element '{element}'; give a symbol such as Fe, a name such as iron, or "
            "a number from 1 to 118"
        )
    period, group = _column(found.number)
    return ElementFacts(
        atomic_number=found.number,
        symbol=found.symbol,
        name=found.name,
        atomic_weight=round(float(found.mass), 4),
        period=period,
        group=group,
        block=_block(found.number, group),
        natural_isotopes=_LEFT_OUT.get(found.symbol) or [one.isotope for one in found if one.abundance > 0],
    )


class Dilution(Result):
    stock_ml: float = Field(description="Stock solution to take in ml")
    solvent_ml: float = Field(description="Solvent to add in ml")
    dilution_factor: float = Field(description="Stock over target concentration")
    moles: float = Field(description="Amount of substance in the diluted solution in mol")


def _stock_and_target(rng: Random) -> dict[str, Any]:
    stock = rng.choice((0.5, 1, 2, 5, 6, 10, 12))
    return {"stock_mol_l": stock, "target_mol_l": float(f"{stock / rng.choice((2, 4, 5, 8, 10, 20, 50, 100)):.3g}")}


@tool(
    "Chemistry",
    "Solutions",
    "How do I make {final_ml} ml of {target_mol_l} M from a {stock_mol_l} M stock?",
    "Dilute {stock_mol_l} mol/l to {target_mol_l} mol/l; I need {final_ml} ml in the end.",
    together=_stock_and_target,
)
def solution_dilution(
    stock_mol_l: Annotated[
        float, Field(ge=1e-9, le=25, description="Concentration of the stock in mol/l"), Like(pick(1, 5, 10))
    ],
    target_mol_l: Annotated[
        float,
        Field(ge=1e-12, le=100, description="Concentration wanted in mol/l"),
        Like(pick(0.1, 0.5)),
        Wrong(pick(26, 30, 40, 55.5, 80)),
    ],
    final_ml: Annotated[
        float,
        Field(ge=1e-3, le=1e9, description="Volume wanted in the end in ml"),
        Like(pick(10, 50, 100, 250, 500, 750, 1000, 2000)),
    ],
) -> Dilution:
    """Volumes of stock and solvent for a dilution, from C1 V1 = C2 V2."""
    if target_mol_l > stock_mol_l:
        raise Refused(
            f"parameter 'target_mol_l': {target_mol_l:g} mol/l is above the stock of {stock_mol_l:g} mol/l, and "
            f"dilution only weakens; give {stock_mol_l:g} or less"
        )
    stock = final_ml * target_mol_l / stock_mol_l
    return Dilution(
        stock_ml=_figures(stock),
        solvent_ml=_figures(final_ml - stock),
        dilution_factor=_figures(stock_mol_l / target_mol_l),
        moles=_figures(target_mol_l * final_ml / 1000),
    )


class Acidity(Result):
    ph: float = Field(description="pH at 25 °C")
    poh: float = Field(description="pOH at 25 °C")
    hydronium_mol_l: float = Field(description="Concentration of H3O+ in mol/l")
    dissociated_percent: float = Field(description="Share of the solute that has reacted with water")
    character: Literal["acidic", "neutral", "basic"] = Field(description="Side of pH 7")


_KW = 1e-14


def _solute(rng: Random) -> dict[str, Any]:
    solute = rng.choice(("strong acid", "weak acid", "strong base", "weak base"))
    if solute.startswith("strong"):
        return {"solute": solute}
    return {"solute": solute, "pk": rng.choice((3.17, 3.75, 4.2, 4.76, 4.75, 6.35, 7.2, 9.25, 5.7))}


@tool(
    "Chemistry",
    "Solutions",
    "What is the pH of a {solute} at {concentration_mol_l} mol/l?",
    "pH of {concentration_mol_l} M of a {solute} whose pK is {pk}?",
    together=_solute,
)
def solution_ph(
    solute: Annotated[
        Literal["strong acid", "weak acid", "strong base", "weak base"],
        Field(description="Kind of the monoprotic solute"),
        Like(pick("strong acid")),
    ],
    concentration_mol_l: Annotated[
        float, Field(ge=1e-12, le=15, description="Concentration in mol/l"), Like(magnitude(1e-5, 2, 2))
    ],
    pk: Annotated[
        float | None, Field(ge=0, le=14, description="pKa of a weak acid, pKb of a weak base"), Like(pick(4.76), 0)
    ] = None,
) -> Acidity:
    """pH at 25 °C of a monoprotic acid or base, with the water's own ions and activities taken as concentrations."""
    strong = solute.startswith("strong")
    if pk is None and not strong:
        raise Refused(
            f"parameter 'pk': it is missing for a {solute}; give its pKa or pKb, such as 4.76 for acetic acid"
        )
    constant = math.inf if strong or pk is None else 10**-pk
    own = -math.log10(_own_ion(concentration_mol_l, constant))
    ph = own if solute.endswith("acid") else 14 - own
    dissociated = 1.0 if strong else constant / (constant + 10**-own)
    return Acidity(
        ph=round(ph, 3) + 0.0,
        poh=round(14 - ph, 3) + 0.0,
        hydronium_mol_l=float(f"{10**-ph:.4g}"),
        dissociated_percent=_figures(100 * dissociated),
        character="neutral" if abs(ph - 7) < 0.005 else "acidic" if ph < 7 else "basic",
    )


def _own_ion(concentration: float, constant: float) -> float:
    """Concentration of H3O+ for an acid, of OH- for a base, from the balance of charges."""
    from scipy.optimize import brentq

    if math.isinf(constant):
        return (concentration + math.sqrt(concentration**2 + 4 * _KW)) / 2

    def surplus(power: float) -> float:
        ion = 10**-power
        return ion - _KW / ion - concentration * constant / (constant + ion)

    return float(10 ** -brentq(surplus, -3, 17, xtol=1e-12))


class Weighing(Result):
    mass_g: float = Field(description="Solid to weigh in, in g")
    moles: float = Field(description="Amount of substance in mol")
    molar_mass: float = Field(description="Molar mass in g/mol")
    grams_per_litre: float = Field(description="Mass concentration of the pure substance in g/l")


@tool(
    "Chemistry",
    "Solutions",
    "How many grams of {formula} do I need for {volume_ml} ml of a {molarity} M solution?",
    "I want {volume_ml} ml of {molarity} mol/l {formula}, my bottle is {purity_percent} % pure. How much do I weigh "
    "in?",
)
def mass_for_molar_solution(
    formula: Annotated[str, _FORMULA, Like(pick(*_SALTS)), _NO_FORMULA],
    molarity: Annotated[
        float,
        Field(ge=1e-9, le=50, description="Concentration wanted in mol/l"),
        Like(pick(0.01, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2)),
    ],
    volume_ml: Annotated[
        float, Field(ge=1e-3, le=1e9, description="Volume wanted in ml"), Like(pick(50, 100, 200, 250, 500, 1000, 2000))
    ],
    purity_percent: Annotated[
        float,
        Field(ge=1, le=100, description="Purity of the solid in percent by mass"),
        Like(pick(95, 97, 98, 99, 99.5)),
    ] = 100,
) -> Weighing:
    """Mass of a solid for a solution of a wanted molarity."""
    molar_mass = _molar_mass("formula", formula)
    moles = molarity * volume_ml / 1000
    return Weighing(
        mass_g=_figures(moles * molar_mass * 100 / purity_percent),
        moles=_figures(moles),
        molar_mass=round(molar_mass, 3),
        grams_per_litre=_figures(molarity * molar_mass),
    )


class Reactant(Part):
    """A substance that reacts."""

    formula: str = Field(min_length=1, max_length=40, pattern=_FORMULA_PATTERN, description="Formula such as Ca(OH)2")
    coefficient: int = Field(ge=1, le=100, description="Coefficient in the balanced equation")
    mass_g: float = Field(ge=1e-9, le=1e9, description="Mass at hand in g")


class Leftover(Result):
    formula: str = Field(description="Formula of the reactant")
    mass_g: float = Field(description="What is left of it in g")


class ReactionYield(Result):
    limiting_reactant: str = Field(description="Formula of what runs out first")
    theoretical_g: float = Field(description="Greatest possible mass of the product in g")
    yield_percent: float | None = Field(description="Actual over theoretical mass; null without an actual mass")
    leftovers: list[Leftover] = Field(description="What is left of each reactant after a full reaction")


_REACTIONS = (
    ((("H2", 2), ("O2", 1)), "H2O", 2),
    ((("N2", 1), ("H2", 3)), "NH3", 2),
    ((("Fe", 4), ("O2", 3)), "Fe2O3", 2),
    ((("CH4", 1), ("O2", 2)), "CO2", 1),
    ((("CaCO3", 1),), "CaO", 1),
    ((("Al", 2), ("Cl2", 3)), "AlCl3", 2),
    ((("AgNO3", 1), ("NaCl", 1)), "AgCl", 1),
    ((("C7H6O3", 1), ("C4H6O3", 1)), "C9H8O4", 1),
    ((("Mg", 2), ("O2", 1)), "MgO", 2),
    ((("Zn", 1), ("HCl", 2)), "H2", 1),
    ((("NaOH", 2), ("H2SO4", 1)), "Na2SO4", 1),
)
"""Reactants and their coefficients, a product and its coefficient."""


def _reaction(rng: Random) -> dict[str, Any]:
    reactants, product, coefficient = rng.choice(_REACTIONS)
    weigh = magnitude(1, 200, 3)
    given = [{"formula": formula, "coefficient": count, "mass_g": weigh(rng)} for formula, count in reactants]
    return {"reactants": given, "product": product} | ({"product_coefficient": coefficient} if coefficient > 1 else {})


@tool(
    "Chemistry",
    "Reactions",
    "How much {product} can I get at most from {reactants}? One formula unit of it forms in the balanced equation.",
    "Reactants: {reactants}. The equation gives {product_coefficient} {product}. Limiting reactant and theoretical "
    "yield?",
    "I got {actual_g} g of {product} from {reactants}. Percent yield?",
    "From {reactants} I obtained {actual_g} g of {product} (coefficient {product_coefficient}). What yield is that?",
    together=_reaction,
)
def theoretical_reaction_yield(
    reactants: Annotated[
        list[Reactant],
        Field(min_length=1, max_length=4, description="What reacts, with its coefficients in the balanced equation"),
        Like(pick([{"formula": "CaCO3", "coefficient": 1, "mass_g": 10}])),
    ],
    product: Annotated[str, _FORMULA, Like(pick("CaO")), _NO_FORMULA],
    product_coefficient: Annotated[
        int, Field(ge=1, le=100, description="Coefficient of the product in the balanced equation"), Like(pick(1), 0)
    ] = 1,
    actual_g: Annotated[
        float | None,
        Field(ge=0, le=1e9, description="Mass of product obtained in g"),
        Like(magnitude(0.3, 15, 3), 0.35),
    ] = None,
) -> ReactionYield:
    """Limiting reactant, theoretical yield and percent yield of a reaction whose balanced equation is known."""
    product_mass = _molar_mass("product", product)
    masses = [_molar_mass("reactants", one.formula) for one in reactants]
    turns = [one.mass_g / mass / one.coefficient for one, mass in zip(reactants, masses, strict=True)]
    least = min(turns)
    theoretical = least * product_coefficient * product_mass
    left = [
        Leftover(formula=one.formula, mass_g=_figures((turn - least) * one.coefficient * mass))
        for one, mass, turn in zip(reactants, masses, turns, strict=True)
    ]
    return ReactionYield(
        limiting_reactant=reactants[turns.index(least)].formula,
        theoretical_g=_figures(theoretical),
        yield_percent=None if actual_g is None else _figures(100 * actual_g / theoretical),
        leftovers=left,
    )


class Balanced(Result):
    balanced: str = Field(description="The balanced equation")
    coefficients: list[int] = Field(description="Coefficients in the order of the equation, reactants first")
    elements: list[str] = Field(description="Elements that take part")
    total_atoms: int = Field(description="Atoms on each side")


_EQUATIONS = (
    "H2 + O2 -> H2O",
    "Fe + O2 -> Fe2O3",
    "C3H8 + O2 -> CO2 + H2O",
    "N2 + H2 -> NH3",
    "KMnO4 + HCl -> KCl + MnCl2 + H2O + Cl2",
    "Al + HCl -> AlCl3 + H2",
    "C6H12O6 + O2 -> CO2 + H2O",
    "Na + H2O -> NaOH + H2",
    "NH3 + O2 -> NO + H2O",
    "FeS2 + O2 -> Fe2O3 + SO2",
    "Ca(OH)2 + H3PO4 -> Ca3(PO4)2 + H2O",
    "C2H5OH + O2 = CO2 + H2O",
    "Al2(SO4)3 + NaOH = Al(OH)3 + Na2SO4",
    "KClO3 -> KCl + O2",
    "CO2 + H2O -> C6H12O6 + O2",
    "Cu + HNO3 -> Cu(NO3)2 + NO + H2O",
    "P4 + O2 -> P2O5",
    "C8H18 + O2 -> CO2 + H2O",
)


@tool(
    "Chemistry",
    "Reactions",
    "Balance {equation}",
    "What are the coefficients in {equation}?",
    "please balance this for my homework: {equation}",
)
def balance_chemical_equation(
    equation: Annotated[
        str,
        Field(
            min_length=4,
            max_length=120,
            pattern=r"^[A-Za-z0-9().+=> -]+$",
            description="Formulae joined by +, the two sides by -> or =; coefficients are ignored",
        ),
        Like(pick(*_EQUATIONS)),
        Wrong(pick("Pb -> Au", "H2O -> H2", "NaCl + KBr", "Fe + O2 -> CuO", "Xx + O2 -> XxO", "CO + CO2 -> CH4")),
    ],
) -> Balanced:
    """Smallest whole coefficients that balance a chemical equation without charges."""
    sides = [[name.strip().lstrip("0123456789 ") for name in side.split("+")] for side in re.split("->|=>|=", equation)]
    if len(sides) != 2 or not all(map(all, sides)):
        raise Refused(f"parameter 'equation': '{equation}' does not have two sides; write it like H2 + O2 -> H2O")
    left, right = sides
    atoms = [_atoms("equation", formula) for formula in (*left, *right)]
    elements = list(_masses("equation", (symbol for one in atoms for symbol in one)))
    rows = [[one[symbol] * (1 if at < len(left) else -1) for at, one in enumerate(atoms)] for symbol in elements]
    coefficients = _balance(rows)
    if coefficients is None:
        raise Refused(
            f"parameter 'equation': '{equation}' cannot be balanced in exactly one way; see that every element stands "
            "on both sides and that it is a single reaction"
        )
    terms = [
        f"{count} {name}" if count > 1 else name for count, name in zip(coefficients, (*left, *right), strict=True)
    ]
    return Balanced(
        balanced=f"{' + '.join(terms[: len(left)])} -> {' + '.join(terms[len(left) :])}",
        coefficients=coefficients,
        elements=elements,
        total_atoms=sum(count * one.total() for count, one in zip(coefficients, atoms[: len(left)], strict=False)),
    )


def _balance(rows: list[list[int]]) -> list[int] | None:
    """The one positive solution in smallest whole numbers; None where there is none or more than one."""
    from sympy import Matrix

    solutions = Matrix(rows).nullspace()
    if len(solutions) != 1 or any(value <= 0 for value in solutions[0]):
        return None
    scale = math.lcm(*(int(value.q) for value in solutions[0]))
    return [int(value * scale) for value in solutions[0]]
