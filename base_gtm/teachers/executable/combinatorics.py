"""Counting choices, sequences that count, and arrangements by rank."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, islice
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, several, tool, whole


def _choice(rng: Random) -> dict[str, int]:
    items = rng.randint(4, 52)
    return {"items": items, "chosen": rng.randint(1, min(items, 7))}


class Selections(Result):
    count: int = Field(description="Number of different choices")
    notation: str = Field(description="C(n, k) or P(n, k)")
    chance_of_one: float = Field(description="Probability of one given choice if all are as likely, to six figures")


@tool(
    "Combinatorics",
    "Counting",
    "In how many ways can I choose {chosen} out of {items}?",
    "How many ways are there to pick {chosen} things from {items} different ones, none twice? Does the order count: "
    "{order_matters}.",
    together=_choice,
)
def count_selections(
    items: Annotated[int, Field(ge=1, le=60, description="Different things to choose from")],
    chosen: Annotated[
        int, Field(ge=0, le=100, description="How many are chosen, each at most once"), Wrong(whole(61, 100))
    ],
    order_matters: Annotated[
        bool,
        Field(description="Whether the same things in another order count as another choice"),
        Like(pick(True, False)),
    ] = False,
) -> Selections:
    """Number of combinations, or of permutations where the order matters, without repetition."""
    if chosen > items:
        raise Refused(
            f"parameter 'chosen': {chosen} things cannot be chosen from {items} without taking one twice; "
            f"choose at most {items}"
        )
    count = math.perm(items, chosen) if order_matters else math.comb(items, chosen)
    letter = "P" if order_matters else "C"
    return Selections(count=count, notation=f"{letter}({items}, {chosen})", chance_of_one=float(f"{1 / count:.6g}"))


class Splits(Result):
    people: int = Field(description="Members of all groups together")
    named_groups: int = Field(description="Ways if the groups can be told apart (multinomial coefficient)")
    unnamed_groups: int = Field(description="Ways if groups of one size are interchangeable")


@tool(
    "Combinatorics",
    "Counting",
    "In how many ways can a class be split into groups of {group_sizes}?",
    "multinomial coefficient for group sizes {group_sizes}",
)
def count_group_splits(
    group_sizes: Annotated[
        list[Annotated[int, Field(ge=1, le=8)]],
        Field(min_length=2, max_length=6, description="Members of each group"),
        Like(several(whole(1, 5), 2, 5)),
    ],
) -> Splits:
    """Ways to split people into groups of given sizes, for named and for interchangeable groups."""
    people = sum(group_sizes)
    named = math.factorial(people) // math.prod(math.factorial(size) for size in group_sizes)
    alike = math.prod(math.factorial(times) for times in Counter(group_sizes).values())
    return Splits(people=people, named_groups=named, unnamed_groups=named // alike)


class Derangements(Result):
    count: int = Field(description="Permutations with just so many fixed points")
    all_permutations: int = Field(description="n factorial")
    share: float = Field(description="Count as a share of all permutations, 0 to 1")


@tool(
    "Combinatorics",
    "Counting",
    "{n} people throw their hats in a heap and each takes one blindly. In how many ways does nobody get their own?",
    "How many permutations of {n} things leave exactly {fixed_points} in place?",
)
def count_derangements(
    n: Annotated[int, Field(ge=1, le=20, description="Things that are permuted"), Like(whole(4, 15))],
    fixed_points: Annotated[
        int, Field(ge=0, le=40, description="Things that stay in their place"), Like(whole(0, 4)), Wrong(whole(21, 40))
    ] = 0,
) -> Derangements:
    """Permutations that leave exactly so many things in place: derangements for 0, rencontres numbers in general."""
    from sympy import subfactorial

    if fixed_points > n:
        raise Refused(
            f"parameter 'fixed_points': {fixed_points} of {n} things cannot stay in place; give a number from 0 to {n}"
        )
    count = math.comb(n, fixed_points) * int(subfactorial(n - fixed_points))
    every = math.factorial(n)
    return Derangements(count=count, all_permutations=every, share=round(count / every, 8))


class Partitions(Result):
    count: int = Field(description="Ways to write n as a sum, whatever the order")
    with_distinct_parts: int = Field(description="Those in which no part is repeated")
    examples: list[list[int]] = Field(description="The first five at most, those with the largest parts first")


@tool(
    "Combinatorics",
    "Sequences",
    "In how many ways can {n} be written as a sum of positive whole numbers, whatever the order?",
    "partitions of {n} into parts of at most {largest_part}",
)
def count_integer_partitions(
    n: Annotated[int, Field(ge=1, le=120, description="Number to split up"), Like(whole(3, 60))],
    largest_part: Annotated[
        int, Field(ge=1, le=120, description="No part is larger; 120 is no limit"), Like(whole(2, 12))
    ] = 120,
) -> Partitions:
    """Number of partitions of a whole number into positive parts, with the first few of them."""
    most = min(n, largest_part)
    free, distinct = [1] + [0] * n, [1] + [0] * n
    for part in range(1, most + 1):
        for total in range(part, n + 1):
            free[total] += free[total - part]
        for total in range(n, part - 1, -1):
            distinct[total] += distinct[total - part]
    examples = list(islice(_partitions(n, most), 5))
    return Partitions(count=free[n], with_distinct_parts=distinct[n], examples=examples)


def _partitions(total: int, largest: int) -> Iterator[list[int]]:
    """Partitions with the largest parts first."""
    if total == 0:
        yield []
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield [part, *rest]


def _catalan(index: int) -> int:
    return math.comb(2 * index, index) // (index + 1)


def _motzkin(index: int) -> int:
    return sum(math.comb(index, 2 * pairs) * _catalan(pairs) for pairs in range(index // 2 + 1))


def _bell(index: int) -> int:
    """By the triangle of Peirce and Aitken: a row begins with the end of the last one."""
    row = [1]
    for _ in range(index):
        following = [row[-1]]
        for above in row:
            following.append(following[-1] + above)
        row = following
    return row[0]


def _additive(first: int, second: int) -> Callable[[int], int]:
    """A sequence in which each term is the sum of the two before it."""

    def term(index: int) -> int:
        now, then = first, second
        for _ in range(index):
            now, then = then, now + then
        return now

    return term


_SEQUENCES: Mapping[str, tuple[Callable[[int], int], str]] = {
    "catalan": (_catalan, "ways to balance n pairs of brackets"),
    "motzkin": (_motzkin, "ways to join none or some of n points on a circle by chords that do not cross"),
    "bell": (_bell, "ways to split n different things into groups"),
    "fibonacci": (_additive(0, 1), "ways to cover a strip of n - 1 squares with squares and dominoes"),
    "lucas": (_additive(2, 1), "ways to cover a ring of n squares with squares and dominoes"),
}


class SequenceTerm(Result):
    value: int = Field(description="Term at the index")
    next_value: int = Field(description="Term after it")
    first_terms: list[int] = Field(description="Terms at the indices 0 to 7")
    counts: str = Field(description="What the term at n counts, for n above 0")


@tool(
    "Combinatorics",
    "Sequences",
    "What is the {sequence} number with index {index}?",
    "Give me term {index} of the {sequence} sequence, counting from 0, and tell me what it counts.",
)
def counting_sequence_term(
    sequence: Annotated[
        Literal["catalan", "motzkin", "bell", "fibonacci", "lucas"],
        Field(description="Name of the sequence"),
        Like(pick("catalan", "motzkin", "bell", "fibonacci", "lucas")),
    ],
    index: Annotated[int, Field(ge=0, le=40, description="Position, counted from 0"), Like(whole(1, 25))],
) -> SequenceTerm:
    """A term of a well-known sequence of combinatorics, indexed from 0 (fibonacci 0, 1, 1, 2; lucas 2, 1, 3, 4)."""
    term, counts = _SEQUENCES[sequence]
    return SequenceTerm(
        value=term(index), next_value=term(index + 1), first_terms=[term(at) for at in range(8)], counts=counts
    )


class LetterCount(Result):
    letter: str = Field(description="Letter, as a capital")
    times: int = Field(description="How often it occurs")


class WordArrangements(Result):
    count: int = Field(description="Different words from the same letters")
    rank: int = Field(description="Place of the given word among them in alphabetical order, from 1")
    repeated_letters: list[LetterCount] = Field(description="Letters that occur more than once, in alphabetical order")


@tool(
    "Combinatorics",
    "Arrangements",
    "How many different words can be made by rearranging the letters of {word}?",
    "anagram count for {word}, and its rank in the dictionary of all its rearrangements",
)
def count_word_arrangements(
    word: Annotated[
        str,
        Field(pattern="^[A-Za-z]{1,15}$", description="One word, in the letters A to Z"),
        Like(
            pick(
                *(
                    "MISSISSIPPI",
                    "banana",
                    "Zenith",
                    "committee",
                    "LEVEL",
                    "statistics",
                    "parallel",
                    "geometry",
                    "pepper",
                ),
                *(
                    "balloon",
                    "success",
                    "MOTHER",
                    "tomorrow",
                    "engine",
                    "kayak",
                    "algebra",
                    "Toronto",
                    "coffee",
                    "plane",
                ),
                *("bookkeeper", "Alabama", "triangle", "assess", "cocoa", "puzzle", "harbour", "needle", "winter"),
                *("Hawaii", "papaya", "minimum", "trumpet", "accommodation", "Cincinnati", "noon", "cheese", "anagram"),
            )
        ),
    ],
) -> WordArrangements:
    """Distinct rearrangements of a word's letters, and the word's alphabetical rank among them; case does not count."""
    left = Counter(word.upper())
    rank = 1
    for letter in word.upper():
        for smaller in sorted(left):
            if smaller >= letter:
                break
            if left[smaller]:
                rank += _arrangements(left - Counter(smaller))
        left -= Counter(letter)
    letters = Counter(word.upper())
    repeated = [LetterCount(letter=one, times=times) for one, times in sorted(letters.items()) if times > 1]
    return WordArrangements(count=_arrangements(letters), rank=rank, repeated_letters=repeated)


def _arrangements(letters: Mapping[str, int]) -> int:
    return math.factorial(sum(letters.values())) // math.prod(math.factorial(times) for times in letters.values())


class RankedSubset(Result):
    subset: list[str] = Field(description="The chosen items, in the order in which all were given")
    total: int = Field(description="Number of all subsets of that size")
    is_last: bool = Field(description="Whether no subset comes after it")


_THINGS = (
    ("Ann", "Ben", "Cem", "Dora", "Eva", "Finn", "Gita", "Hugo"),
    ("red", "orange", "yellow", "green", "blue", "violet"),
    ("ham", "mushrooms", "olives", "onions", "peppers", "pineapple", "salami"),
    ("A", "B", "C", "D", "E", "F", "G", "H", "I"),
    ("Austria", "Brazil", "Chile", "Denmark", "Egypt", "France", "Ghana"),
    ("violin", "viola", "cello", "flute", "oboe", "horn"),
)


def _ranked(rng: Random) -> dict[str, Any]:
    things = rng.choice(_THINGS)
    items = list(things[: rng.randint(4, len(things))])
    size = rng.randint(2, len(items) - 1)
    return {"items": items, "size": size, "rank": rng.randint(1, math.comb(len(items), size))}


@tool(
    "Combinatorics",
    "Arrangements",
    "List all ways to choose {size} of {items} in lexicographic order: which one is number {rank}?",
    "unrank: subset no. {rank} of size {size} from [{items}]",
    together=_ranked,
)
def subset_at_rank(
    items: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=30)]],
        Field(min_length=2, max_length=12, description="What is chosen from, each once"),
        Wrong(pick(["red", "green", "red"], ["A", "A"], ["x", "y", "z", "y"])),
    ],
    size: Annotated[int, Field(ge=1, le=12, description="Items in the subset")],
    rank: Annotated[
        int, Field(ge=1, le=10000, description="Place in lexicographic order, counted from 1"), Wrong(whole(925, 10000))
    ],
) -> RankedSubset:
    """The subset of a given size at a given place when all are listed in the order of the items."""
    if len(set(items)) < len(items):
        raise Refused(f"parameter 'items': {items} names an item more than once; give each item once")
    total = math.comb(len(items), size)
    if rank > total:
        raise Refused(
            f"parameter 'rank': {rank} is too high, as {len(items)} items have {total} subsets of size {size}; "
            "give a lower rank or, if there are none, a smaller size"
        )
    subset = next(islice(combinations(items, size), rank - 1, None))
    return RankedSubset(subset=list(subset), total=total, is_last=rank == total)


def _shuffled(rng: Random) -> list[int]:
    size = rng.randint(3, 9)
    return rng.sample(range(1, size + 1), size)


class PermutationStructure(Result):
    cycles: list[list[int]] = Field(description="Cycles of length two and more, each from its smallest number")
    order: int = Field(description="How often it must be repeated until everything is back in place")
    parity: Literal["even", "odd"] = Field(description="Whether it takes an even or an odd number of swaps")
    inversions: int = Field(description="Pairs that stand in the wrong order")
    fixed_points: list[int] = Field(description="Numbers that stay in place")


@tool(
    "Combinatorics",
    "Arrangements",
    "Write the permutation {permutation} in cycles. Is it even or odd?",
    "A shuffle puts cards in the order {permutation}. How often must I repeat it to get back where I started?",
)
def permutation_cycles(
    permutation: Annotated[
        list[Annotated[int, Field(ge=1, le=12)]],
        Field(min_length=2, max_length=12, description="Image of 1, of 2 and so on: each number from 1 to n once"),
        Like(_shuffled),
        Wrong(pick([1, 1, 2], [2, 3, 4], [1, 3, 4, 4], [12, 1], [5, 2, 3, 1, 2])),
    ],
) -> PermutationStructure:
    """Cycles, order and parity of a permutation in one-line notation."""
    size = len(permutation)
    if sorted(permutation) != list(range(1, size + 1)):
        raise Refused(
            f"parameter 'permutation': {permutation} does not hold every number from 1 to {size} once; "
            "give each of them exactly once"
        )
    cycles = _cycles(permutation)
    inversions = sum(first > second for first, second in combinations(permutation, 2))
    return PermutationStructure(
        cycles=[cycle for cycle in cycles if len(cycle) > 1],
        order=math.lcm(*map(len, cycles)),
        parity="odd" if inversions % 2 else "even",
        inversions=inversions,
        fixed_points=[cycle[0] for cycle in cycles if len(cycle) == 1],
    )


def _cycles(permutation: list[int]) -> list[list[int]]:
    cycles: list[list[int]] = []
    left = list(range(1, len(permutation) + 1))
    while left:
        cycle = [left[0]]
        while (after := permutation[cycle[-1] - 1]) != cycle[0]:
            cycle.append(after)
        left = [one for one in left if one not in cycle]
        cycles.append(cycle)
    return cycles
