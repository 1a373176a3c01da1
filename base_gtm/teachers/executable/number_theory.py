"""Divisors and primes, congruences, numerals and continued fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, pick, several, tool, whole


class PrimePower(Result):
    prime: int = Field(description="The prime")
    exponent: int = Field(description="How often it divides")


class Factors(Result):
    factors: list[PrimePower] = Field(description="Prime powers, the smallest prime first")
    is_prime: bool = Field(description="Whether the number is itself a prime")
    divisor_count: int = Field(description="How many positive divisors it has, 1 and itself included")
    divisor_sum: int = Field(description="Sum of these")
    kind: Literal["deficient", "perfect", "abundant"] = Field(
        description="Whether the divisors other than the number add up to less than it, to just it, or to more"
    )


@tool(
    "Number theory",
    "Primes and divisors",
    "What are the prime factors of {n}?",
    "Is {n} prime? If not, factor it and tell me how many divisors it has.",
    "factorise {n}",
)
def prime_factors_of(
    n: Annotated[
        int,
        Field(ge=2, le=10**10, description="Number to factor"),
        Like(lambda rng: rng.choice((whole(2, 200), whole(100, 9999), whole(10**4, 10**8)))(rng)),
    ],
) -> Factors:
    """Prime factors of a number, with the count and the sum of its divisors."""
    from sympy import factorint

    powers = {int(prime): exponent for prime, exponent in sorted(factorint(n).items())}
    total = math.prod((prime ** (exponent + 1) - 1) // (prime - 1) for prime, exponent in powers.items())
    return Factors(
        factors=[PrimePower(prime=prime, exponent=exponent) for prime, exponent in powers.items()],
        is_prime=powers == {n: 1},
        divisor_count=math.prod(exponent + 1 for exponent in powers.values()),
        divisor_sum=total,
        kind="perfect" if total == 2 * n else "abundant" if total > 2 * n else "deficient",
    )


class CommonDivisor(Result):
    gcd: int = Field(description="Greatest common divisor")
    lcm: int = Field(description="Least common multiple")
    coprime: bool = Field(description="Whether nothing but 1 divides them all")
    reduced: list[int] = Field(description="The numbers divided by their greatest common divisor")


@tool(
    "Number theory",
    "Primes and divisors",
    "What are the greatest common divisor and the least common multiple of {numbers}?",
    "gcd of {numbers}",
    "Buses leave every {numbers} minutes and start together. After how many minutes do they leave together again?",
)
def gcd_and_lcm(
    numbers: Annotated[
        list[Annotated[int, Field(ge=1, le=10**4)]],
        Field(min_length=2, max_length=5, description="Positive whole numbers"),
        Like(several(pick(4, 6, 8, 9, 10, 12, 14, 15, 18, 20, 21, 24, 28, 30, 36, 42, 45, 48, 60, 75, 84, 120), 2, 4)),
    ],
) -> CommonDivisor:
    """Greatest common divisor and least common multiple of a few whole numbers."""
    common = math.gcd(*numbers)
    return CommonDivisor(
        gcd=common, lcm=math.lcm(*numbers), coprime=common == 1, reduced=[number // common for number in numbers]
    )


class Totient(Result):
    totient: int = Field(description="Numbers from 1 to n that share no divisor with n")
    carmichael: int = Field(description="Least exponent that takes every one of these to 1 modulo n")
    share: float = Field(description="Totient divided by n")
    has_primitive_root: bool = Field(description="Whether one number generates all these modulo n")


@tool(
    "Number theory",
    "Primes and divisors",
    "How many numbers up to {n} are coprime to {n}?",
    "phi({n})",
    "I need Euler's totient and the Carmichael function of {n}.",
)
def euler_totient(
    n: Annotated[
        int,
        Field(ge=1, le=10**9, description="The modulus"),
        Like(lambda rng: rng.choice((whole(1, 120), whole(50, 5000), whole(10**4, 10**7)))(rng)),
    ],
) -> Totient:
    """Euler's totient function of a number, with the Carmichael function that refines it."""
    from sympy import factorint

    powers = factorint(n)
    units = [int(prime ** (exponent - 1) * (prime - 1)) for prime, exponent in powers.items()]
    # Modulo 8, 16, ... no odd number has the full order.
    orders = [
        unit // 2 if prime == 2 and exponent > 2 else unit
        for unit, (prime, exponent) in zip(units, powers.items(), strict=True)
    ]
    totient, carmichael = math.prod(units), math.lcm(*orders)
    return Totient(
        totient=totient, carmichael=carmichael, share=round(totient / n, 6), has_primitive_root=totient == carmichael
    )


class Inverse(Result):
    inverse: int = Field(description="Number from 0 to modulus - 1 that times the value leaves 1")
    cofactor: int = Field(description="k in value * inverse + k * modulus = 1")


def _coprime(rng: Random) -> dict[str, int]:
    modulus = rng.choice((7, 11, 13, 17, 23, 26, 31, 97, 101, 256, 997, 3120, 7919, 65537, 10**9 + 7))
    while True:
        value = rng.randint(2, 10 * modulus if modulus < 100 else modulus - 1)
        if math.gcd(value, modulus) == 1 or rng.random() < 0.05:
            return {"value": value, "modulus": modulus}


@tool(
    "Number theory",
    "Congruences",
    "What is the inverse of {value} modulo {modulus}?",
    "Find x with {value} * x = 1 (mod {modulus}).",
    together=_coprime,
)
def modular_inverse(
    value: Annotated[int, Field(ge=0, le=10**12, description="Number to invert"), Wrong(pick(0))],
    modulus: Annotated[int, Field(ge=2, le=10**12, description="Modulus")],
) -> Inverse:
    """Multiplicative inverse of a number modulo another, by the extended Euclidean algorithm."""
    common = math.gcd(value, modulus)
    if common != 1:
        raise Refused(
            f"parameter 'value': {value} has no inverse modulo {modulus}, as {common} divides both; "
            "give a value that is coprime to the modulus"
        )
    inverse = pow(value, -1, modulus)
    return Inverse(inverse=inverse, cofactor=(1 - value * inverse) // modulus)


class Congruence(Part):
    residue: int = Field(ge=0, le=10**5, description="What division by the modulus leaves")
    modulus: int = Field(ge=2, le=10**4, description="What is divided by")


class SimultaneousSolution(Result):
    smallest: int = Field(description="Smallest solution that is not negative")
    period: int = Field(description="Distance between solutions")
    next_solutions: list[int] = Field(description="The three solutions after the smallest")


def _congruences(rng: Random) -> list[dict[str, int]]:
    moduli = rng.sample((3, 4, 5, 7, 11, 13, 17, 19), rng.randint(2, 4))
    return [{"residue": rng.randrange(modulus), "modulus": modulus} for modulus in moduli]


def _contrary(rng: Random) -> list[dict[str, int]]:
    """One congruence for odd numbers, one for even numbers."""
    first, second = 2 * rng.randint(2, 9), 2 * rng.randint(2, 9)
    return [
        {"residue": rng.randrange(1, first, 2), "modulus": first},
        {"residue": rng.randrange(0, second, 2), "modulus": second},
    ]


@tool(
    "Number theory",
    "Congruences",
    "Which number leaves these remainders: {congruences}?",
    "Chinese remainder theorem: {congruences}. Smallest solution and the period?",
)
def chinese_remainder(
    congruences: Annotated[
        list[Congruence],
        Field(min_length=2, max_length=5, description="Remainders that are all wanted at once"),
        Like(_congruences),
        Wrong(_contrary),
    ],
) -> SimultaneousSolution:
    """All numbers that satisfy several congruences at once; the moduli need not be coprime."""
    from sympy.ntheory.modular import crt

    wanted = [(one.residue % one.modulus, one.modulus) for one in congruences]
    found = crt([modulus for _, modulus in wanted], [residue for residue, _ in wanted])
    if found is None:
        listed = ", ".join(f"{residue} mod {modulus}" for residue, modulus in wanted)
        raise Refused(
            f"parameter 'congruences': no number is {listed} all at once; "
            "give residues that agree wherever moduli share a divisor"
        )
    period = math.lcm(*(modulus for _, modulus in wanted))
    smallest = int(found[0]) % period
    return SimultaneousSolution(
        smallest=smallest, period=period, next_solutions=[smallest + times * period for times in (1, 2, 3)]
    )


class Numeral(Result):
    digits: str = Field(description="The number in the new base, letters as capitals")
    decimal: int = Field(description="The number in base ten")
    digit_count: int = Field(description="Digits in the new base, without the sign")


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _in_base(value: int, base: int) -> str:
    digits, left = "", abs(value)
    while left:
        left, digit = divmod(left, base)
        digits = _DIGITS[digit] + digits
    return ("-" if value < 0 else "") + (digits or "0")


def _rebased(rng: Random) -> dict[str, Any]:
    start, end = rng.choice(
        ((2, 10), (10, 2), (10, 16), (16, 10), (16, 2), (2, 16), (8, 10), (10, 8), (10, 12), (3, 10), (10, 32), (7, 5))
    )
    value = rng.choice((whole(5, 255), whole(200, 65535), whole(10**4, 10**6)))(rng)
    digits = _in_base(value, start)
    if len(digits) > 16:
        digits = digits[:16]
    return {"digits": digits.lower() if rng.random() < 0.2 else digits, "from_base": start, "to_base": end}


@tool(
    "Number theory",
    "Numerals",
    "Write {digits} (base {from_base}) in base {to_base}.",
    "convert the number {digits} from base {from_base} to base {to_base}",
    together=_rebased,
)
def convert_number_base(
    digits: Annotated[
        str,
        Field(pattern="^-?[0-9A-Za-z]{1,16}$", description="Digits, letters for ten and above in either case"),
        Wrong(pick("ZX9", "1W", "Y2Z", "XYZ", "0xFF2W", "-7Z")),
    ],
    from_base: Annotated[int, Field(ge=2, le=32, description="Base in which the digits are given")],
    to_base: Annotated[int, Field(ge=2, le=32, description="Base that is wanted")],
) -> Numeral:
    """Convert a whole number between positional number systems of base 2 to 32."""
    allowed = _DIGITS[:from_base]
    wrong = next((digit for digit in digits.removeprefix("-").upper() if digit not in allowed), None)
    if wrong is not None:
        raise Refused(
            f"parameter 'digits': '{digits}' has the digit '{wrong}', which base {from_base} does not know; "
            f"use digits from 0 to {allowed[-1]} only"
        )
    value = int(digits, from_base)
    written = _in_base(value, to_base)
    return Numeral(digits=written, decimal=value, digit_count=len(written.removeprefix("-")))


class RomanNumeral(Result):
    arabic: int = Field(description="The number in our digits, 1 to 3999")
    roman: str = Field(description="The number in Roman numerals")
    given_as: Literal["arabic", "roman"] = Field(description="Which of the two the text was")


_ROMAN = (
    ("M", 1000),
    ("CM", 900),
    ("D", 500),
    ("CD", 400),
    ("C", 100),
    ("XC", 90),
    ("L", 50),
    ("XL", 40),
    ("X", 10),
    ("IX", 9),
    ("V", 5),
    ("IV", 4),
    ("I", 1),
)


def _roman(value: int) -> str:
    written = ""
    for letters, worth in _ROMAN:
        times, value = divmod(value, worth)
        written += times * letters
    return written


def _of_roman(letters: str) -> int:
    """Value of a numeral as far as it can be read from the largest sign down."""
    value = 0
    for sign, worth in _ROMAN:
        while letters.startswith(sign):
            letters, value = letters.removeprefix(sign), value + worth
    return value


def _roman_or_not(rng: Random) -> str:
    value = rng.choice((whole(1, 60), whole(1, 3999), whole(1700, 2030)))(rng)
    return rng.choice((str(value), _roman(value), _roman(value)))


@tool(
    "Number theory",
    "Numerals",
    "What is {text} in the other notation, Roman or Arabic?",
    "The inscription says {text}. Convert between Roman and ordinary digits.",
)
def convert_roman_numeral(
    text: Annotated[
        str,
        Field(pattern="^([0-9]{1,5}|[IVXLCDMivxlcdm]{1,15})$", description="A number in digits or in Roman numerals"),
        Like(_roman_or_not),
        Wrong(pick("IIII", "VX", "IC", "MMMM", "0", "4000", "XXL", "LL", "IVI", "12000")),
    ],
) -> RomanNumeral:
    """Convert a number from 1 to 3999 to Roman numerals or back, by the modern rules of subtraction."""
    arabic = int(text) if text.isdecimal() else _of_roman(text.upper())
    if not 1 <= arabic <= 3999:
        raise Refused(
            f"parameter 'text': '{text}' stands for no number that Roman numerals can write; give one from 1 to 3999"
        )
    roman = _roman(arabic)
    if not text.isdecimal() and text.upper() != roman:
        raise Refused(
            f"parameter 'text': '{text}' is not a well-formed Roman numeral; no sign is repeated more than three "
            "times, and only I, X and C are put before larger signs, as in IV, IX, XL, XC, CD and CM"
        )
    return RomanNumeral(arabic=arabic, roman=roman, given_as="arabic" if text.isdecimal() else "roman")


class RootFraction(Result):
    whole_part: int = Field(description="First term")
    period: list[int] = Field(description="Terms that repeat for ever after it")
    convergents: list[str] = Field(description="The first five approximating fractions")
    pell_x: int = Field(description="x of the smallest solution of x^2 - n y^2 = 1 beyond x = 1")
    pell_y: int = Field(description="y of that solution")


@tool(
    "Number theory",
    "Continued fractions",
    "What is the continued fraction of the square root of {radicand}?",
    "Give me rational approximations of sqrt({radicand}) and the fundamental solution of the Pell equation for it.",
)
def continued_fraction_of_root(
    radicand: Annotated[
        int,
        Field(ge=2, le=200, description="Number under the root, not a square"),
        Like(lambda rng: rng.choice([n for n in range(2, 200) if math.isqrt(n) ** 2 != n])),
        Wrong(pick(4, 9, 16, 25, 36, 49, 64, 81, 100, 121, 144, 169, 196)),
    ],
) -> RootFraction:
    """Periodic continued fraction of a square root, its first convergents, and the Pell equation that it solves."""
    root = math.isqrt(radicand)
    if root**2 == radicand:
        raise Refused(
            f"parameter 'radicand': {radicand} is the square of {root}, so its root has no periodic continued "
            "fraction; give a number that is not a square"
        )
    period = _period(radicand)
    x, y = _pell(root, period, radicand)
    return RootFraction(whole_part=root, period=period, convergents=_convergents(root, period, 5), pell_x=x, pell_y=y)


def _period(radicand: int) -> list[int]:
    """Terms until twice the whole root comes, which closes the period. Sympy needs 14 ms for it."""
    root = math.isqrt(radicand)
    shift, divisor = root, radicand - root**2
    terms: list[int] = []
    while not terms or terms[-1] != 2 * root:
        terms.append((root + shift) // divisor)
        shift = terms[-1] * divisor - shift
        divisor = (radicand - shift**2) // divisor
    return terms


def _convergents(start: int, period: Sequence[int], count: int) -> list[str]:
    before, now, found = (1, 0), (start, 1), [str(start)]
    for term in cycle(period):
        if len(found) == count:
            break
        before, now = now, (term * now[0] + before[0], term * now[1] + before[1])
        found.append(f"{now[0]}/{now[1]}")
    return found


def _pell(start: int, period: Sequence[int], radicand: int) -> tuple[int, int]:
    """The first convergent x/y with x^2 - radicand y^2 = 1."""
    before, now = (1, 0), (start, 1)
    for term in cycle(period):
        if now[0] ** 2 - radicand * now[1] ** 2 == 1:
            break
        before, now = now, (term * now[0] + before[0], term * now[1] + before[1])
    return now
