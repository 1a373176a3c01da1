"""Sequences, genetics and populations."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby, product
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Part, Refused, Result, Wrong, number, pick, tool, whole

_CODONS = dict(
    zip(
        map("".join, product("TCAG", repeat=3)),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
"""The standard genetic code, NCBI table 1."""
_COMPLEMENTS = {"DNA": str.maketrans("ACGT", "TGCA"), "RNA": str.maketrans("ACGU", "UGCA")}
_PURINES = frozenset("AG")


def _figures(value: float) -> float:
    """Six significant figures, and no negative zero."""
    return float(f"{value:.6g}") + 0.0


def _letters(least: int, most: int, alphabet: str = "ACGT") -> Draw:
    return lambda rng: "".join(rng.choices(alphabet, k=rng.randint(least, most)))


def _bases(parameter: str, sequence: str, molecule: str = "DNA") -> str:
    """In capitals. Raises Refused."""
    alphabet = "ACGU" if molecule == "RNA" else "ACGT"
    capitals = sequence.upper()
    wrong = next((at for at, letter in enumerate(capitals) if letter not in alphabet), None)
    if wrong is not None:
        raise Refused(
            f"parameter '{parameter}': '{sequence[wrong]}' at position {wrong + 1} is no base of {molecule}; use only "
            f"{', '.join(alphabet)}"
        )
    return capitals


def _gc_percent(sequence: str) -> float:
    return round(100 * sum(sequence.count(base) for base in "GC") / len(sequence), 2)


_NO_SEQUENCE = Wrong(pick("ATGXCCTAG", "ACGTNNZACGT", "MKVLATGHW", "GATTACAB", "AUGCXXUAG"))
Molecule = Annotated[
    Literal["DNA", "RNA"], Field(description="Whether T or U is the fourth base"), Like(pick("DNA"), 0.2)
]
Sequence = Annotated[
    str,
    Field(min_length=1, max_length=400, pattern="^[A-Za-z]+$", description="Bases from the 5' to the 3' end"),
    Like(_letters(8, 40)),
    _NO_SEQUENCE,
]


def _dna_or_rna(rng: Random) -> dict[str, Any]:
    if rng.random() < 0.25:
        return {"sequence": _letters(8, 40, "ACGU")(rng), "molecule": "RNA"}
    if rng.random() < 0.25:
        half = _letters(3, 6)(rng)
        return {"sequence": half + half.translate(_COMPLEMENTS["DNA"])[::-1]}
    return {"sequence": _letters(8, 40)(rng)}


class Translation(Result):
    mrna: str = Field(description="Messenger RNA that is transcribed, 5' to 3'")
    protein: str = Field(description="Amino acids in one-letter code; * is a stop")
    codons: int = Field(description="Codons that were read, the stop included")
    has_stop: bool = Field(description="Whether a stop codon was met in the frame")
    leftover_bases: int = Field(description="Bases at the end that make no codon, where reading went on to the end")


def _gene(rng: Random) -> str:
    stop = rng.choice(("TAA", "TAG", "TGA", ""))
    codons = [codon for codon, letter in _CODONS.items() if letter != "*"]
    return "ATG" + "".join(rng.choices(codons, k=rng.randint(2, 12))) + stop


@tool(
    "Biology",
    "Sequences",
    "Translate {coding_strand} into protein.",
    "What protein does the coding strand {coding_strand} give in reading frame {reading_frame}?",
    "{coding_strand}: transcribe and translate, frame {reading_frame}, stop at the first stop codon: {to_stop}.",
)
def translate_dna_sequence(
    coding_strand: Annotated[
        str,
        Field(min_length=3, max_length=600, pattern="^[A-Za-z]+$", description="Coding strand of DNA, 5' to 3'"),
        Like(_gene),
        _NO_SEQUENCE,
    ],
    reading_frame: Annotated[
        Literal[1, 2, 3], Field(description="Base at which reading begins"), Like(pick(1, 2, 3), 0.4)
    ] = 1,
    to_stop: Annotated[
        bool, Field(description="Whether to end at the first stop codon"), Like(pick(True, False), 0.3)
    ] = True,
) -> Translation:
    """Messenger RNA and protein of a coding strand by the standard genetic code."""
    strand = _bases("coding_strand", coding_strand)[reading_frame - 1 :]
    if len(strand) < 3:
        raise Refused(
            f"parameter 'reading_frame': frame {reading_frame} leaves no whole codon of '{coding_strand}'; give a "
            "lower frame or a longer strand"
        )
    protein = "".join(_CODONS[strand[at : at + 3]] for at in range(0, len(strand) - 2, 3))
    ended = to_stop and "*" in protein
    shown = protein[: protein.index("*") + 1] if ended else protein
    return Translation(
        mrna=strand.replace("T", "U"),
        protein=shown,
        codons=len(shown),
        has_stop="*" in shown,
        leftover_bases=0 if ended else len(strand) % 3,
    )


class BaseCounts(Result):
    a: int = Field(description="Adenine")
    c: int = Field(description="Cytosine")
    g: int = Field(description="Guanine")
    t_or_u: int = Field(description="Thymine or uracil")


class GcContent(Result):
    gc_percent: float = Field(description="Share of G and C in percent")
    gc_skew: float | None = Field(description="(G - C) / (G + C); null without either")
    counts: BaseCounts = Field(description="How often each base stands there")
    longest_run: int = Field(description="Length of the longest run of one base")


@tool(
    "Biology",
    "Sequences",
    "GC content of {sequence}?",
    "Count the bases of {sequence} for me.",
    "This is {molecule}: {sequence}. What are its GC content and GC skew?",
    together=_dna_or_rna,
)
def gc_content_of_sequence(sequence: Sequence, molecule: Molecule = "DNA") -> GcContent:
    """GC content, GC skew and base counts of a nucleic acid."""
    bases = _bases("sequence", sequence, molecule)
    counts = Counter(bases)
    both = counts["G"] + counts["C"]
    return GcContent(
        gc_percent=_gc_percent(bases),
        gc_skew=round((counts["G"] - counts["C"]) / both, 4) + 0.0 if both else None,
        counts=BaseCounts(a=counts["A"], c=counts["C"], g=counts["G"], t_or_u=counts["T"] + counts["U"]),
        longest_run=max(len(list(run)) for _, run in groupby(bases)),
    )


class Strands(Result):
    reverse_complement: str = Field(description="The opposite strand, 5' to 3'")
    complement: str = Field(description="The opposite strand, 3' to 5', base under base")
    palindromic: bool = Field(description="Whether the reverse complement is the sequence itself")
    length: int = Field(description="Number of bases")


@tool(
    "Biology",
    "Sequences",
    "What is the reverse complement of {sequence}?",
    "Give me the opposite strand of {sequence}, and tell me whether it is a palindrome.",
    "Reverse complement of the {molecule} {sequence}, please.",
    together=_dna_or_rna,
)
def reverse_complement_strand(sequence: Sequence, molecule: Molecule = "DNA") -> Strands:
    """Complement and reverse complement of a nucleic acid."""
    bases = _bases("sequence", sequence, molecule)
    complement = bases.translate(_COMPLEMENTS[molecule])
    return Strands(
        reverse_complement=complement[::-1],
        complement=complement,
        palindromic=complement[::-1] == bases,
        length=len(bases),
    )


class SequenceDistance(Result):
    distance: int = Field(description="Places at which the sequences differ")
    positions: list[int] = Field(description="Those places, counted from 1")
    identity_percent: float = Field(description="Share of equal places in percent")
    transitions: int = Field(description="Changes within purines (A, G) or within pyrimidines (C, T)")
    transversions: int = Field(description="Changes between purines and pyrimidines")
    jukes_cantor: float | None = Field(
        description="Substitutions a place by Jukes and Cantor; null where 75 percent or more differ"
    )


def _mutated(rng: Random) -> dict[str, Any]:
    first = _letters(8, 30)(rng)
    changes = rng.sample(range(len(first)), rng.randint(0, min(5, len(first) // 2)))
    second = "".join(rng.choice("ACGT".replace(base, "")) if at in changes else base for at, base in enumerate(first))
    return {"first": first, "second": second}


@tool(
    "Biology",
    "Sequences",
    "How many mutations lie between {first} and {second}?",
    "Hamming distance of these DNA strands, and where they differ: {first} / {second}",
    together=_mutated,
)
def dna_hamming_distance(
    first: Annotated[
        str,
        Field(min_length=1, max_length=60, pattern="^[A-Za-z]+$", description="DNA sequence, 5' to 3'"),
        Like(_letters(10, 10)),
        _NO_SEQUENCE,
    ],
    second: Annotated[
        str,
        Field(min_length=1, max_length=80, pattern="^[A-Za-z]+$", description="DNA sequence of the same length"),
        Like(_letters(10, 10)),
        Wrong(_letters(61, 80)),
    ],
) -> SequenceDistance:
    """Hamming distance of two DNA sequences of one length, with the kinds of change and an evolutionary distance."""
    one, other = _bases("first", first), _bases("second", second)
    if len(one) != len(other):
        raise Refused(
            f"parameter 'second': '{second}' has {len(other)} bases and the first has {len(one)}; give sequences of "
            "one length"
        )
    places = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    transitions = sum((one[at] in _PURINES) == (other[at] in _PURINES) for at in places)
    share = len(places) / len(one)
    return SequenceDistance(
        distance=len(places),
        positions=[at + 1 for at in places],
        identity_percent=round(100 * (1 - share), 2),
        transitions=transitions,
        transversions=len(places) - transitions,
        jukes_cantor=round(-0.75 * math.log(1 - 4 * share / 3), 5) + 0.0 if share < 0.75 else None,
    )


class Melting(Result):
    melting_c: float = Field(description="Melting temperature in °C")
    gc_percent: float = Field(description="Share of G and C in percent")
    gc_clamp: bool = Field(description="Whether the 3' end is G or C")
    self_complementary: bool = Field(description="Whether the primer pairs with itself")


_GAS_CAL = 1.987
"""Gas constant in cal/(mol K)."""
_STRANDS = 50e-9
"""Concentration of both strands together in mol/l."""
_STACKS = {
    "AA": (-7.9, -22.2),
    "AT": (-7.2, -20.4),
    "TA": (-7.2, -21.3),
    "CA": (-8.5, -22.7),
    "GT": (-8.4, -22.4),
    "CT": (-7.8, -21.0),
    "GA": (-8.2, -22.2),
    "CG": (-10.6, -27.2),
    "GC": (-9.8, -24.4),
    "GG": (-8.0, -19.9),
}
"""Enthalpy in kcal/mol and entropy in cal/(mol K) of neighbours, SantaLucia 1998; others by their complement."""
_ENDS = {"A": (2.3, 4.1), "T": (2.3, 4.1), "G": (0.1, -2.8), "C": (0.1, -2.8)}
_SYMMETRY = -1.4


@tool(
    "Biology",
    "Laboratory",
    "Melting temperature of the primer {primer}?",
    "Tm of {primer} by the {method} method?",
    "Tm of {primer} in {sodium_mmol_l} mM sodium?",
    "Primer {primer}, method {method}, {sodium_mmol_l} mM Na+: at what temperature does it melt?",
)
def primer_melting_temperature(
    primer: Annotated[
        str,
        Field(min_length=8, max_length=60, pattern="^[A-Za-z]+$", description="DNA primer, 5' to 3'"),
        Like(_letters(15, 28)),
        _NO_SEQUENCE,
    ],
    method: Annotated[
        Literal["nearest neighbour", "wallace", "gc"],
        Field(description="Nearest neighbours, Wallace's 2 + 4 rule, or the formula 64.9 + 41 (GC - 16.4) / N"),
        Like(pick("nearest neighbour", "wallace", "gc"), 0.6),
    ] = "nearest neighbour",
    sodium_mmol_l: Annotated[
        float,
        Field(ge=1, le=1100, description="Sodium in mmol/l; counts for nearest neighbours alone"),
        Like(pick(50, 75, 100, 150, 1000), 0.4),
    ] = 50,
) -> Melting:
    """Melting temperature of a DNA primer; nearest neighbours by SantaLucia (1998), 50 nmol/l of strands."""
    bases = _bases("primer", primer)
    own = bases.translate(_COMPLEMENTS["DNA"])[::-1] == bases
    strong = bases.count("G") + bases.count("C")
    if method == "wallace":
        melting = 2.0 * len(bases) + 2 * strong
    elif method == "gc":
        melting = 64.9 + 41 * (strong - 16.4) / len(bases)
    else:
        melting = _neighbours(bases, own, sodium_mmol_l / 1000)
    return Melting(
        melting_c=round(melting, 2), gc_percent=_gc_percent(bases), gc_clamp=bases[-1] in "GC", self_complementary=own
    )


def _neighbours(bases: str, own: bool, sodium: float) -> float:
    pairs = [bases[at : at + 2] for at in range(len(bases) - 1)]
    terms = [_STACKS.get(pair) or _STACKS[pair.translate(_COMPLEMENTS["DNA"])[::-1]] for pair in pairs]
    terms += [_ENDS[bases[0]], _ENDS[bases[-1]]]
    enthalpy = sum(term[0] for term in terms)
    entropy = sum(term[1] for term in terms) + (_SYMMETRY if own else 0)
    entropy += 0.368 * len(pairs) * math.log(sodium)
    return 1000 * enthalpy / (entropy + _GAS_CAL * math.log(_STRANDS if own else _STRANDS / 4)) - 273.15


class Genotypes(Part):
    """Counted individuals."""

    homozygous_dominant: int = Field(ge=0, le=1_000_000, description="Individuals AA")
    heterozygous: int = Field(ge=0, le=1_000_000, description="Individuals Aa")
    homozygous_recessive: int = Field(ge=0, le=1_000_000, description="Individuals aa")


class Expected(Result):
    homozygous_dominant: float = Field(description="Individuals AA")
    heterozygous: float = Field(description="Individuals Aa")
    homozygous_recessive: float = Field(description="Individuals aa")


class HardyWeinberg(Result):
    p: float = Field(description="Frequency of the dominant allele")
    q: float = Field(description="Frequency of the recessive allele")
    expected: Expected = Field(description="Individuals expected in equilibrium")
    chi_square: float = Field(description="Deviation from that, one degree of freedom")
    p_value: float = Field(description="How likely such a deviation is by chance")
    in_equilibrium: bool = Field(description="Whether that is at least the significance level")


def _counted(rng: Random) -> dict[str, int]:
    total, p, excess = rng.choice((50, 100, 200, 500, 1000)), rng.uniform(0.2, 0.8), rng.choice((0, 0, 0.1, 0.25))
    mixed = round(total * 2 * p * (1 - p) * (1 - excess) + rng.uniform(-0.03, 0.03) * total)
    dominant = round((total - mixed) * p**2 / (p**2 + (1 - p) ** 2))
    return {
        "homozygous_dominant": dominant,
        "heterozygous": mixed,
        "homozygous_recessive": total - mixed - dominant,
    }


@tool(
    "Biology",
    "Genetics",
    "Is this population in Hardy-Weinberg equilibrium? {genotypes}",
    "Genotype counts: {genotypes}. Test for Hardy-Weinberg at a level of {significance}.",
)
def hardy_weinberg_test(
    genotypes: Annotated[
        Genotypes,
        Field(description="Counts of the three genotypes of one gene with two alleles"),
        Like(_counted),
        Wrong(
            pick(
                {"homozygous_dominant": 50, "heterozygous": 0, "homozygous_recessive": 0},
                {"homozygous_dominant": 0, "heterozygous": 0, "homozygous_recessive": 120},
                {"homozygous_dominant": 0, "heterozygous": 0, "homozygous_recessive": 0},
            )
        ),
    ],
    significance: Annotated[
        float, Field(ge=0.0001, le=0.5, description="Significance level"), Like(pick(0.01, 0.1, 0.001), 0.4)
    ] = 0.05,
) -> HardyWeinberg:
    """Allele frequencies, and a chi-square test of genotype counts against Hardy-Weinberg equilibrium."""
    observed = (genotypes.homozygous_dominant, genotypes.heterozygous, genotypes.homozygous_recessive)
    total = sum(observed)
    dominant = 2 * observed[0] + observed[1]
    if dominant in (0, 2 * total):
        raise Refused(
            f"parameter 'genotypes': counts of {', '.join(map(str, observed))} hold fewer than two alleles, so there "
            "is nothing to test; give counts with both"
        )
    p = dominant / (2 * total)
    q = 1 - p
    expected = (total * p**2, total * 2 * p * q, total * q**2)
    square = sum((seen - due) ** 2 / due for seen, due in zip(observed, expected, strict=True))
    chance = math.erfc(math.sqrt(square / 2))
    return HardyWeinberg(
        p=round(p, 5),
        q=round(q, 5),
        expected=Expected(
            homozygous_dominant=_figures(expected[0]),
            heterozygous=_figures(expected[1]),
            homozygous_recessive=_figures(expected[2]),
        ),
        chi_square=_figures(square),
        p_value=_figures(chance),
        in_equilibrium=chance >= significance,
    )


class GenotypeShare(Result):
    genotype: str = Field(description="Genotype, capital letters first")
    percent: float = Field(description="Share of the offspring")


class PhenotypeShare(Result):
    phenotype: str = Field(
        description="For each gene A_ where the dominant trait shows, aa where the recessive one does"
    )
    percent: float = Field(description="Share of the offspring")


class Cross(Result):
    genotypes: list[GenotypeShare] = Field(description="Genotypes of the offspring, the most frequent first")
    phenotypes: list[PhenotypeShare] = Field(description="Phenotypes, the most frequent first")
    phenotype_ratio: str = Field(description="Their ratio, such as 9:3:3:1")


def _two_parents(rng: Random) -> dict[str, Any]:
    genes = rng.choice(("A", "B", "R", "T", "AB", "RY", "TG", "PL", "ABC"))

    def parent() -> str:
        return "".join(
            rng.choice((gene * 2, gene + gene.lower(), gene + gene.lower(), gene.lower() * 2)) for gene in genes
        )

    return {"parent_one": parent(), "parent_two": parent()}


Genotype = Annotated[
    str,
    Field(pattern="^([A-Za-z]{2}){1,3}$", description="Two letters a gene, such as AaBb; a capital is dominant"),
    Like(pick("Aa", "AaBb")),
    Wrong(pick("Ab", "AaBc", "AaAa", "RrTy", "XY")),
]


@tool(
    "Biology",
    "Genetics",
    "Cross {parent_one} with {parent_two}. What do the offspring look like?",
    "Punnett square for {parent_one} x {parent_two}?",
    together=_two_parents,
)
def punnett_square_cross(parent_one: Genotype, parent_two: Genotype) -> Cross:
    """Genotypes and phenotypes of a cross of one to three unlinked genes with complete dominance."""
    first, second = _genes("parent_one", parent_one), _genes("parent_two", parent_two)
    names = [pair[0].upper() for pair in first]
    if [pair[0].upper() for pair in second] != names:
        raise Refused(
            f"parameter 'parent_two': '{parent_two}' has other genes than '{parent_one}'; give the genes "
            f"{', '.join(names)} in this order"
        )
    crossed = [["".join(sorted(pair)) for pair in product(*parents)] for parents in zip(first, second, strict=True)]
    genotypes = Counter("".join(combined) for combined in product(*crossed))
    phenotypes: Counter[str] = Counter()
    for genotype, count in genotypes.items():
        phenotypes[_shown(genotype)] += count
    total = genotypes.total()
    shared = math.gcd(*phenotypes.values())
    return Cross(
        genotypes=[
            GenotypeShare(genotype=one, percent=round(100 * n / total, 4)) for one, n in genotypes.most_common()
        ],
        phenotypes=[
            PhenotypeShare(phenotype=one, percent=round(100 * n / total, 4)) for one, n in phenotypes.most_common()
        ],
        phenotype_ratio=":".join(str(n // shared) for _, n in phenotypes.most_common()),
    )


def _genes(parameter: str, genotype: str) -> list[str]:
    pairs = [genotype[at : at + 2] for at in range(0, len(genotype), 2)]
    names = [pair[0].upper() for pair in pairs]
    if any(pair[0].upper() != pair[1].upper() for pair in pairs) or len(set(names)) < len(names):
        raise Refused(
            f"parameter '{parameter}': '{genotype}' is no genotype, for each gene has one letter twice; write it like "
            "AaBb"
        )
    return pairs


def _shown(genotype: str) -> str:
    """Capitals sort first, so that the first letter of a gene says which trait shows."""
    return "".join(
        f"{genotype[at]}_" if genotype[at].isupper() else genotype[at : at + 2] for at in range(0, len(genotype), 2)
    )


class Projection(Result):
    final_population: float = Field(description="Individuals at the end")
    doubling_years: float | None = Field(description="Time to double without a limit; null where it does not grow")
    course: list[float] = Field(description="Individuals after each fifth of the time")
    percent_of_capacity: float | None = Field(description="Share of the carrying capacity; null without one")


_COUNTABLE = 1e15


@tool(
    "Biology",
    "Populations",
    "{initial} animals multiply at a continuous rate of {growth_percent} % a year. How many after {years} years?",
    "A population of {initial} grows at a rate of {growth_percent} % a year, the habitat feeds {carrying_capacity}. "
    "How many live there after {years} years?",
)
def population_growth_projection(
    initial: Annotated[
        float, Field(ge=1, le=1e10, description="Individuals at the start"), Like(pick(2, 10, 20, 50, 120, 200, 400))
    ],
    growth_percent: Annotated[
        float, Field(ge=-90, le=300, description="Continuous growth rate in percent a year"), Like(number(-8, 45, 1))
    ],
    years: Annotated[float, Field(gt=0, le=500, description="Time in years"), Like(whole(2, 40))],
    carrying_capacity: Annotated[
        float | None,
        Field(
            ge=1, le=1e12, description="Most that the habitat feeds, for logistic growth; null for exponential growth"
        ),
        Like(pick(500, 800, 1000, 2500, 10000)),
    ] = None,
) -> Projection:
    """Exponential (N0 e^rt) or, with a carrying capacity, logistic growth of a population in continuous time."""
    rate = growth_percent / 100
    if carrying_capacity is not None and rate <= 0:
        raise Refused(
            f"parameter 'carrying_capacity': a limit of {carrying_capacity:g} means nothing to a population that "
            f"changes by {growth_percent:g} percent; leave it out or give a growth above 0"
        )
    if carrying_capacity is None and rate * years > math.log(_COUNTABLE / initial):
        raise Refused(
            f"parameter 'years': after {years:g} years there would be more than {_COUNTABLE:g} individuals; give a "
            "carrying capacity or fewer years"
        )

    def after(time: float) -> float:
        if carrying_capacity is None:
            return initial * math.exp(rate * time)
        return carrying_capacity / (1 + (carrying_capacity - initial) / initial * math.exp(-rate * time))

    final = after(years)
    return Projection(
        final_population=round(final, 2),
        doubling_years=_figures(math.log(2) / rate) if rate > 1e-9 else None,
        course=[round(after(years * fifth / 5), 2) for fifth in range(1, 6)],
        percent_of_capacity=None if carrying_capacity is None else _figures(100 * final / carrying_capacity),
    )
