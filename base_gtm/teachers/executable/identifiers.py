"""Numbers that name things: books, accounts, cards, securities, telephones, goods, companies, objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool

Failure = Literal["none", "length", "format", "component", "check digit"]


def _digits(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _letters(rng: Random, count: int) -> str:
    return "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(count))


def _weighted(digits: str) -> int:
    """The digits from the right, three times and once in turn: the sum behind EAN, UPC and ISBN-13."""
    return sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(reversed(digits)))


def _ean_check(digits: str) -> str:
    return str(-_weighted(digits) % 10)


def _isbn10_check(digits: str) -> str:
    """`digits` are the first nine."""
    remainder = sum(at * int(digit) for at, digit in enumerate(digits, 1)) % 11
    return "X" if remainder == 10 else str(remainder)


def _mistaken(number: str, rng: Random) -> str:
    """The number, one time in five with a wrong last digit."""
    if rng.random() >= 0.2:
        return number
    return number[:-1] + rng.choice([digit for digit in "0123456789" if digit != number[-1]])


def _isbn(rng: Random) -> str:
    publisher = rng.choice(("0306", "0471", "0140", "0262", "1857", "3161", "2070", "8420", "0596", "1491"))
    stem = publisher + _digits(rng, 9 - len(publisher))
    if rng.random() < 0.35:
        return _mistaken(stem + _isbn10_check(stem), rng)
    number = _mistaken("978" + stem + _ean_check("978" + stem), rng)
    return f"{number[:3]}-{number[3:]}" if rng.random() < 0.5 else number


class IsbnVerdict(Result):
    valid: bool = Field(description="Whether the check digit is right")
    kind: Literal["ISBN-10", "ISBN-13"] = Field(description="Kind of the number given")
    expected_check_digit: str = Field(description="Check digit that the other digits call for; X is ten")
    isbn13: str | None = Field(description="The number as ISBN-13 with hyphens; null where it is not valid")
    isbn10: str | None = Field(description="The number as ISBN-10 with hyphens; null where it is not valid or has none")


@tool(
    "Identifiers",
    "Products and publications",
    "Is {isbn} a valid ISBN?",
    "Check the ISBN {isbn} and give me both forms of it.",
    "isbn {isbn} - hyphenate please",
)
def isbn_validate(
    isbn: Annotated[
        str,
        Field(min_length=1, max_length=20, description="ISBN-10 or ISBN-13, with or without hyphens"),
        Like(_isbn),
        Wrong(
            pick("978-0-306-40615", "12345", "978-X-306-40615-7", "400-6381333931", "0-306-X0615-2", "97803064061577")
        ),
    ],
) -> IsbnVerdict:
    """Check digit of a book number, and its forms with 10 and with 13 digits, hyphenated by the ranges of its
    registration group."""
    from stdnum import isbn as books

    number = re.sub("[ -]", "", isbn).upper()
    if not re.fullmatch("97[89][0-9]{10}|[0-9]{9}[0-9X]", number):
        raise Refused(
            f"parameter 'isbn': {isbn!r} is not an ISBN; give 10 digits (the last may be X), or 13 from 978 or 979"
        )
    kind: Literal["ISBN-10", "ISBN-13"] = "ISBN-10" if len(number) == 10 else "ISBN-13"
    expected = (_isbn10_check if kind == "ISBN-10" else _ean_check)(number[:-1])
    valid = number[-1] == expected
    has_ten = kind == "ISBN-10" or number.startswith("978")
    return IsbnVerdict(
        valid=valid,
        kind=kind,
        expected_check_digit=expected,
        isbn13=books.format(books.to_isbn13(number)) if valid else None,
        isbn10=books.format(books.to_isbn10(number)) if valid and has_ten else None,
    )


_SYMBOLOGIES: Mapping[int, str] = {7: "EAN-8", 11: "UPC-A", 12: "EAN-13", 13: "GTIN-14", 17: "SSCC"}


def _article(rng: Random) -> str:
    starts = {7: ("40", "73", "96"), 11: ("036", "012", "7"), 12: ("400", "539", "871", "629", "978", "50")}
    length = rng.choice((7, 11, 12, 12, 12, 13, 17))
    start = rng.choice(starts.get(length, ("1", "0", "3")))
    return start + _digits(rng, length - len(start))


class BarcodeNumber(Result):
    check_digit: int = Field(description="Check digit")
    barcode: str = Field(description="The digits with the check digit at their end")
    symbology: str = Field(description="Kind of number, by its length")
    weighted_sum: int = Field(description="Sum of the digits weighted 3, 1, 3, ... from the right")


@tool(
    "Identifiers",
    "Products and publications",
    "What check digit does the barcode {digits} need?",
    "Complete the barcode {digits} by its check digit.",
)
def barcode_check_digit(
    digits: Annotated[
        str,
        Field(min_length=7, max_length=17, pattern="^[0-9]+$", description="Digits of the barcode but the last one"),
        Like(_article),
        Wrong(pick("12345678", "123456789", "4006381333", "40063813339310", "123456789012345", "1234567890123456")),
    ],
) -> BarcodeNumber:
    """Check digit of a GS1 number (EAN-8, UPC-A, EAN-13, GTIN-14, SSCC) from the digits that stand before it."""
    if len(digits) not in _SYMBOLOGIES:
        known = ", ".join(f"{length} for {name}" for length, name in _SYMBOLOGIES.items())
        raise Refused(f"parameter 'digits': {digits!r} has {len(digits)} digits; give {known}")
    total = _weighted(digits)
    return BarcodeNumber(
        check_digit=-total % 10,
        barcode=digits + str(-total % 10),
        symbology=_SYMBOLOGIES[len(digits)],
        weighted_sum=total,
    )


_ACCOUNTS: Mapping[str, str] = {
    "AT": "n16",
    "BE": "n12",
    "CH": "n17",
    "DE": "n18",
    "DK": "n14",
    "ES": "n20",
    "FI": "n14",
    "FR": "n23",
    "GB": "a4n14",
    "IE": "a4n14",
    "IT": "a1n22",
    "NL": "a4n10",
    "NO": "n11",
    "PL": "n24",
    "PT": "n21",
    "SE": "n20",
}
"""Country -> letters (a) and digits (n) of its account numbers."""


def _iban_check(country: str, account: str) -> str:
    """ISO 13616: the account, the country and 00 as one number, letters from A = 10, is 1 modulo 97."""
    value = "".join(str(int(sign, 36)) for sign in account + country + "00")
    return f"{98 - int(value) % 97:02d}"


def _iban(rng: Random) -> str:
    country = rng.choice(tuple(_ACCOUNTS))
    parts = re.findall("([an])([0-9]+)", _ACCOUNTS[country])
    account = "".join((_letters if kind == "a" else _digits)(rng, int(count)) for kind, count in parts)
    number = _mistaken(country + _iban_check(country, account) + account, rng)
    return " ".join(re.findall(".{1,4}", number)) if rng.random() < 0.5 else number


class IbanVerdict(Result):
    valid: bool = Field(description="Whether structure and check digits are right")
    country: str = Field(description="Country of the account, as the IBAN registry names it")
    structure_matches: bool = Field(description="Whether length and characters are those of that country")
    expected_check_digits: str = Field(description="Check digits that the account number calls for")
    account: str = Field(description="Basic bank account number: all but country and check digits")
    printed: str = Field(description="The number in groups of four")


@tool(
    "Identifiers",
    "Banking",
    "Is the IBAN {iban} correct?",
    "Please validate {iban} before I send money there.",
)
def iban_check(
    iban: Annotated[
        str,
        Field(min_length=5, max_length=45, description="IBAN with or without spaces"),
        Like(_iban),
        Wrong(
            pick(
                "US64SVBKUS6S3300958879", "ZZ82WEST12345698765432", "1234 5678 9012", "DE89-3704#0440", "GBXXWEST12345"
            )
        ),
    ],
) -> IbanVerdict:
    """Structure and check digits (ISO 13616, modulo 97) of an international bank account number. Says nothing about
    whether the account exists."""
    from stdnum import iban as accounts
    from stdnum import numdb

    number = re.sub("[ .-]", "", iban).upper()
    if not re.fullmatch("[A-Z]{2}[0-9]{2}[0-9A-Z]+", number):
        raise Refused(
            f"parameter 'iban': {iban!r} is no IBAN; it begins with a country and two digits, as GB82 WEST 1234 ..."
        )
    country = numdb.get("iban").info(number)[0][1].get("country")
    if country is None:
        raise Refused(
            f"parameter 'iban': {iban!r} begins with {number[:2]}, a country that has no IBANs; see DE, FR or GB"
        )
    expected = _iban_check(number[:2], number[4:])
    corrected = number[:2] + expected + number[4:]
    matches = accounts.is_valid(corrected, check_country=False)
    return IbanVerdict(
        valid=matches and number == corrected,
        country=country,
        structure_matches=matches,
        expected_check_digits=expected,
        account=number[4:],
        printed=accounts.format(number),
    )


CardBrand = Literal["Visa", "Mastercard", "American Express", "Discover", "Diners Club", "JCB", "unknown"]
_BRANDS: Sequence[tuple[int, int, tuple[int, ...], CardBrand]] = (
    (340000, 349999, (15,), "American Express"),
    (370000, 379999, (15,), "American Express"),
    (352800, 358999, (16,), "JCB"),
    (300000, 305999, (14,), "Diners Club"),
    (360000, 369999, (14,), "Diners Club"),
    (380000, 399999, (14,), "Diners Club"),
    (400000, 499999, (13, 16, 19), "Visa"),
    (222100, 272099, (16,), "Mastercard"),
    (510000, 559999, (16,), "Mastercard"),
    (601100, 601199, (16,), "Discover"),
    (644000, 659999, (16,), "Discover"),
)
"""First six digits from and to, lengths, brand."""


def _card(rng: Random) -> str:
    from stdnum import luhn

    known = ("4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000")
    start, length = rng.choice(
        (("4", 16), ("51", 16), ("2223", 16), ("34", 15), ("6011", 16), ("3566", 16), ("36", 14))
    )
    stem = start + _digits(rng, length - 1 - len(start))
    number = rng.choice(known) if rng.random() < 0.2 else _mistaken(stem + luhn.calc_check_digit(stem), rng)
    return rng.choice((number, " ".join(re.findall(".{1,4}", number)), "-".join(re.findall(".{1,4}", number))))


class CardVerdict(Result):
    brand: CardBrand = Field(description="Brand by the first digits and the length")
    luhn_valid: bool = Field(description="Whether the check digit is right")
    expected_check_digit: int = Field(description="Last digit that the others call for")
    masked: str = Field(description="The number with all but the last four digits hidden")


@tool(
    "Identifiers",
    "Banking",
    "Does the card number {card_number} pass the Luhn check?",
    "Which brand of card is {card_number}, and is it mistyped?",
)
def payment_card_check(
    card_number: Annotated[
        str,
        Field(min_length=12, max_length=24, pattern="^[0-9 -]+$", description="Card number with or without spaces"),
        Like(_card),
        Wrong(pick("12-34-56-78-90", "4111 1111 11", "5555-5555-55", "4111111111111111 11112", "      -      ")),
    ],
) -> CardVerdict:
    """Luhn check (ISO/IEC 7812) and brand of a payment card number. Says nothing about whether the card exists."""
    from stdnum import luhn

    number = re.sub("[ -]", "", card_number)
    if not 12 <= len(number) <= 19:
        raise Refused(f"parameter 'card_number': {card_number!r} has {len(number)} digits; a card number has 12 to 19")
    brands = (name for low, high, lengths, name in _BRANDS if low <= int(number[:6]) <= high and len(number) in lengths)
    return CardVerdict(
        brand=next(brands, "unknown"),
        luhn_valid=luhn.is_valid(number),
        expected_check_digit=int(luhn.calc_check_digit(number[:-1])),
        masked="*" * (len(number) - 4) + number[-4:],
    )


def _isin(rng: Random) -> str:
    from stdnum import isin

    known = ("US0378331005", "GB0002634946", "US5949181045", "DE0007164600", "AU0000XVGZA3", "JP3633400001")
    stem = rng.choice(("US", "GB", "DE", "FR", "CH", "JP", "XS", "CA")) + _digits(rng, 9)
    return rng.choice(known) if rng.random() < 0.3 else _mistaken(stem + isin.calc_check_digit(stem), rng)


class SecurityCode(Result):
    valid: bool = Field(description="Whether the check digit is right")
    prefix: str = Field(description="Country of the issuer, or XS for international securities and the like")
    national_code: str = Field(description="Nine characters that the country's agency gave")
    expected_check_digit: int = Field(description="Check digit that the rest calls for")


@tool(
    "Identifiers",
    "Banking",
    "Is {isin} a valid ISIN?",
    "Take the ISIN {isin} apart and verify its check digit.",
)
def isin_security_code(
    isin: Annotated[
        str,
        Field(min_length=1, max_length=20, description="ISIN of a security, twelve characters"),
        Like(_isin),
        Wrong(pick("US037833100", "ZZ0378331005", "0378331005", "US03783310055", "AAPL", "US0378-33100")),
    ],
) -> SecurityCode:
    """Parts and check digit (ISO 6166) of an international securities identification number."""
    from stdnum import isin as securities
    from stdnum.exceptions import InvalidChecksum, ValidationError

    number = isin.replace(" ", "").upper()
    try:
        if not re.fullmatch("[A-Z]{2}[A-Z0-9]{9}[0-9]", number):
            raise ValidationError
        securities.validate(number)
        valid = True
    except InvalidChecksum:
        valid = False
    except ValidationError:
        raise Refused(
            f"parameter 'isin': {isin!r} is no ISIN; give a country, nine characters and a digit, such as US0378331005"
        ) from None
    return SecurityCode(
        valid=valid,
        prefix=number[:2],
        national_code=number[2:-1],
        expected_check_digit=int(securities.calc_check_digit(number[:-1])),
    )


_VAT_SHAPES: Mapping[str, str] = {
    "BE": "0#########",
    "DE": "1########",
    "DK": "2#######",
    "FI": "1#######",
    "AT": "U########",
    "PL": "5#########",
    "LU": "2#######",
    "PT": "5########",
    "HU": "1#######",
    "EL": "09#######",
    "NL": "00#######B01",
    "SI": "8#######",
}


def _filled(shape: str, rng: Random) -> str:
    return re.sub("#", lambda _: rng.choice("0123456789"), shape)


def _vat(rng: Random) -> str:
    """A number whose check digits are mostly right: random ones until one is."""
    from stdnum.eu import vat

    country = rng.choice(tuple(_VAT_SHAPES))
    number = country + _filled(_VAT_SHAPES[country], rng)
    wrong_wanted = rng.random() < 0.2
    for _ in range(0 if wrong_wanted else 400):
        if vat.is_valid(number):
            break
        number = country + _filled(_VAT_SHAPES[country], rng)
    return f"{number[:2]} {number[2:]}" if rng.random() < 0.3 else number


class VatVerdict(Result):
    valid: bool = Field(description="Whether the number is well formed and its check digits are right")
    country: str = Field(description="Its prefix: ISO country code, EL for Greece, XI for Northern Ireland")
    compact: str = Field(description="The number in capitals, without separators")
    failure: Failure = Field(description="What is wrong with it")


@tool(
    "Identifiers",
    "Companies and people",
    "Is {vat_number} a well-formed VAT number?",
    "Check the EU VAT id {vat_number} on this invoice, please.",
)
def vat_number_check(
    vat_number: Annotated[
        str,
        Field(min_length=4, max_length=24, description="VAT number of an EU company with its country prefix"),
        Like(_vat),
        Wrong(pick("US123456789", "136695976", "ZZ12345678", "CHE-116.281.710", "NO995525828MVA", "GB980780684")),
    ],
) -> VatVerdict:
    """Form and check digits of a VAT number of the European Union by its country's rule. Says nothing about whether it
    is registered."""
    from stdnum.eu import vat
    from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidLength, ValidationError

    compact = re.sub("[^0-9A-Z+*]", "", vat_number.upper())
    prefix = compact[:2]
    if prefix.lower() not in vat.MEMBER_STATES - {"gr"} | {"el"}:
        raise Refused(
            f"parameter 'vat_number': {vat_number!r} does not begin with a prefix of the EU, such as DE or EL"
        )
    failure: Failure = "none"
    try:
        vat.validate(compact)
    except InvalidChecksum:
        failure = "check digit"
    except InvalidLength:
        failure = "length"
    except InvalidComponent:
        failure = "component"
    except ValidationError:
        failure = "format"
    return VatVerdict(valid=failure == "none", country=prefix, compact=compact, failure=failure)


_NUMBER_SHAPES: Mapping[str, tuple[str, ...]] = {
    "US": ("(212) 555-01##", "+1 415 555 01##", "650-253-####", "800 555 0###"),
    "GB": ("020 7946 0###", "07911 12####", "+44 161 496 0###", "0800 032 ####"),
    "DE": ("030 2#######", "+49 89 2######", "0151 2#######", "0800 3301###"),
    "FR": ("01 42 ## ## ##", "06 12 ## ## ##", "+33 4 72 ## ## ##"),
    "AU": ("(02) 9### ####", "0412 ### ###", "+61 3 9### ####"),
    "IN": ("+91 98### #####", "098765 4####"),
    "JP": ("03-3###-####", "090-1###-####"),
    "BR": ("(11) 9####-####", "+55 21 2###-####"),
    "ES": ("+34 91# ### ###", "612 ### ###"),
    "IT": ("06 6### ####", "+39 333 ### ####"),
    "NL": ("020 62# ####", "06 1### ####"),
    "CH": ("044 668 ## ##", "+41 79 ### ## ##"),
    "SE": ("08-### ### ##", "070-### ## ##"),
}


def _telephone(rng: Random) -> Mapping[str, Any]:
    region = rng.choice(tuple(_NUMBER_SHAPES))
    return {"number": _filled(rng.choice(_NUMBER_SHAPES[region]), rng), "region": region}


class PhoneNumber(Result):
    valid: bool = Field(description="Whether it lies in a range that is in use")
    e164: str = Field(description="Digits with + and country code")
    international: str = Field(description="As it is printed for callers from abroad")
    national: str = Field(description="As it is printed for callers in its country")
    country_calling_code: int = Field(description="Code of its country")
    line_type: str = Field(description="FIXED_LINE, MOBILE, TOLL_FREE and so on; UNKNOWN where it is not valid")


@tool(
    "Identifiers",
    "Companies and people",
    "Normalise the phone number {number} (dialled in {region}).",
    "Is {number} a real telephone number in {region}? Give me E.164 and the type of line.",
    together=_telephone,
)
def phone_number_parse(
    number: Annotated[
        str,
        Field(min_length=2, max_length=30, description="Telephone number as it was written"),
        Wrong(pick("call me", "n/a", "unknown", "+999 1234567", "ask reception", "--")),
    ],
    region: Annotated[
        str,
        Field(pattern="^[A-Z]{2}$", description="ISO code of the country in which it was written"),
        Wrong(pick("UK", "XX", "EN", "ZZ", "QQ")),
    ],
) -> PhoneNumber:
    """Read a telephone number as it is dialled in a country, and write it in the usual forms (E.123 and E.164)."""
    import phonenumbers

    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Refused(
            f"parameter 'region': {region!r} is no country with telephone numbers; give an ISO code such as GB"
        )
    try:
        found = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        raise Refused(
            f"parameter 'number': {number!r} is no telephone number; give its digits, such as +44 20 7946 0958"
        ) from None
    forms = phonenumbers.PhoneNumberFormat
    return PhoneNumber(
        valid=phonenumbers.is_valid_number(found),
        e164=phonenumbers.format_number(found, forms.E164),
        international=phonenumbers.format_number(found, forms.INTERNATIONAL),
        national=phonenumbers.format_number(found, forms.NATIONAL),
        country_calling_code=found.country_code or 0,
        line_type=phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(found)),
    )


_UUID_KINDS: Mapping[int, str] = {
    1: "time and node",
    2: "DCE security",
    3: "name by MD5",
    4: "random",
    5: "name by SHA-1",
    6: "time and node, sortable",
    7: "Unix time, sortable",
    8: "custom",
}
_GREGORIAN = 0x01B21DD213814000
"""100 ns from 15 October 1582, where UUID time begins, to 1970."""


def _uuid(rng: Random) -> str:
    from uuid import UUID

    version = rng.choice((1, 3, 4, 4, 4, 5, 7, 7))
    value = rng.getrandbits(128) & ~(0xF000 << 64) & ~(3 << 62) | version << 76 | 2 << 62
    milliseconds = rng.randrange(1_200_000_000_000, 1_780_000_000_000)
    if version == 7:
        value = value & (1 << 80) - 1 | milliseconds << 80
    if version == 1:
        ticks = milliseconds * 10_000 + _GREGORIAN
        high = (ticks >> 48 & 0xFFF | 0x1000) << 64
        value = value & (1 << 64) - 1 | (ticks & 0xFFFFFFFF) << 96 | (ticks >> 32 & 0xFFFF) << 80 | high
    text = str(UUID(int=value))
    forms: Sequence[Callable[[str], str]] = (
        str,
        str,
        str.upper,
        lambda one: f"urn:uuid:{one}",
        lambda one: f"{{{one}}}",
    )
    return rng.choice(forms)(text)


def _uuid_moment(value: int, version: int) -> str | None:
    """When it was made, for the versions that say so."""
    from datetime import datetime, timedelta

    high, middle, low = value >> 96, value >> 80 & 0xFFFF, value >> 64 & 0xFFF
    ticks = {
        1: (low << 48 | middle << 32 | high) - _GREGORIAN,
        6: (high << 28 | middle << 12 | low) - _GREGORIAN,
        7: (value >> 80) * 10_000,
    }.get(version)
    if ticks is None:
        return None
    moment = datetime(1970, 1, 1) + timedelta(microseconds=ticks // 10)
    return moment.isoformat(timespec="milliseconds") + "Z"


class UuidFields(Result):
    canonical: str = Field(description="Small letters in the groups 8-4-4-4-12")
    variant: Literal["RFC 9562", "NCS", "Microsoft", "future", "nil", "max"] = Field(description="Layout family")
    version: int | None = Field(description="Version; null where the variant has none")
    kind: str | None = Field(description="How this version is made; null where there is none")
    created: str | None = Field(description="UTC moment inside it, in milliseconds; null for versions without one")


@tool(
    "Identifiers",
    "Companies and people",
    "What version of UUID is {uuid}?",
    "Decode the UUID {uuid} and tell me when it was made, if it says so.",
)
def uuid_fields(
    uuid: Annotated[
        str,
        Field(min_length=32, max_length=45, description="UUID with hyphens, in braces, as URN, or 32 bare hex digits"),
        Like(_uuid),
        Wrong(
            pick(
                "123e4567-e89b-12d3-a456-42661417400",
                "123e4567-e89b-12d3-a456-42661417400g",
                "123e4567e89b-12d3-a456-426614174000-",
                "not-a-uuid-but-long-enough-to-pass-it",
            )
        ),
    ],
) -> UuidFields:
    """Variant, version and moment of creation of a UUID (RFC 9562)."""
    bare = uuid.lower().removeprefix("urn:uuid:")
    bare = bare[1:-1] if bare.startswith("{") and bare.endswith("}") else bare
    parts = re.fullmatch("([0-9a-f]{8})(-?)([0-9a-f]{4})\\2([0-9a-f]{4})\\2([0-9a-f]{4})\\2([0-9a-f]{12})", bare)
    if not parts:
        raise Refused(f"parameter 'uuid': {uuid!r} is no UUID; give 32 hex digits in the groups 8-4-4-4-12")
    digits = parts.group(1, 3, 4, 5, 6)
    canonical, value = "-".join(digits), int("".join(digits), 16)
    if value in (0, 2**128 - 1):
        return UuidFields(canonical=canonical, variant="max" if value else "nil", version=None, kind=None, created=None)
    top = value >> 61 & 7
    if top not in (4, 5):
        family: Literal["NCS", "Microsoft", "future"] = "NCS" if top < 4 else "Microsoft" if top == 6 else "future"
        return UuidFields(canonical=canonical, variant=family, version=None, kind=None, created=None)
    version = value >> 76 & 0xF
    try:
        created = _uuid_moment(value, version)
    except OverflowError:
        raise Refused(
            f"parameter 'uuid': {uuid!r} holds a moment after the year 9999; check its first digits"
        ) from None
    return UuidFields(
        canonical=canonical,
        variant="RFC 9562",
        version=version,
        kind=_UUID_KINDS.get(version),
        created=created,
    )
