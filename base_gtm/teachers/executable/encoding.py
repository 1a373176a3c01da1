"""Text as bytes and bytes as text: base64 and its kin, percent encoding, digests, hex dumps, run lengths, Morse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool

_MESSAGES = (
    'Hello, {name}! | {user}:{password} | {{"id":{number},"user":"{user}"}} | order #{number} has shipped | '
    "{name} | {user}@example.com | Meet me in {city} at {hour}:30 | name={name}&city={city} | {city} {number} | "
    "{password} | SELECT * FROM orders WHERE id = {number}; | <b>{name}</b> | café in {city} | "
    "{hour} °C in {city} | foobar | The quick brown fox jumps over the lazy dog | "
    "https://example.org/{user}?page={hour} | invoice-{number}.pdf"
).split(" | ")
_NAMES = ("Alice", "Bob", "José", "Zoë", "Mrs Jones", "Dr. Okafor", "Søren", "Priya", "Marta Nowak", "Ken")
_USERS = ("alice", "admin", "jdoe", "m.nowak", "root", "guest", "svc-backup", "priya92")
_PASSWORDS = ("opensesame", "hunter2", "S3cret!", "correct horse battery staple", "changeme", "letmein99")
_CITIES = ("Paris", "Oslo", "Zürich", "New York", "Kyoto", "São Paulo", "Leeds", "Tallinn")


def _message(rng: Random) -> str:
    """A short text such as people encode."""
    return rng.choice(_MESSAGES).format(
        name=rng.choice(_NAMES),
        user=rng.choice(_USERS),
        password=rng.choice(_PASSWORDS),
        city=rng.choice(_CITIES),
        number=rng.randrange(100, 10**6),
        hour=rng.randrange(1, 24),
    )


Message = Annotated[str, Field(min_length=1, max_length=1000, description="Text, taken as UTF-8"), Like(_message)]

Scheme = Literal["base64", "base64url", "base32", "hex", "ascii85"]


class EncodedBytes(Result):
    encoded: str = Field(description="The bytes in that encoding")
    byte_count: int = Field(description="Bytes of the text in UTF-8")
    encoded_length: int = Field(description="Characters of the encoding")


@tool(
    "Encoding",
    "Binary to text",
    "Encode '{text}' as {scheme}.",
    "I need the {scheme} form of this: {text}",
)
def encode_text_bytes(
    text: Message,
    scheme: Annotated[
        Scheme,
        Field(description="Encoding of the bytes"),
        Like(pick("base64", "base64url", "base32", "hex", "ascii85")),
    ],
) -> EncodedBytes:
    """Encode the UTF-8 bytes of a text by RFC 4648 (base64, base64url, base32, hex; with padding) or as Ascii85."""
    import base64

    encoders: Mapping[str, Callable[[bytes], bytes]] = {
        "base64": base64.b64encode,
        "base64url": base64.urlsafe_b64encode,
        "base32": base64.b32encode,
        "hex": lambda raw: raw.hex().encode(),
        "ascii85": base64.a85encode,
    }
    raw = text.encode()
    encoded = encoders[scheme](raw).decode()
    return EncodedBytes(encoded=encoded, byte_count=len(raw), encoded_length=len(encoded))


def _payload(rng: Random) -> str:
    import base64

    raw = _message(rng).encode()
    if rng.random() < 0.3:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return base64.b64encode(raw).decode()


class DecodedPayload(Result):
    text: str = Field(description="What it says, as UTF-8")
    byte_count: int = Field(description="Bytes that were decoded")
    alphabet: Literal["standard", "url-safe", "either"] = Field(description="Alphabet that its characters belong to")
    padded: bool = Field(description="Whether it ends in padding")


@tool(
    "Encoding",
    "Binary to text",
    "Decode this base64: {payload}",
    "What does {payload} say?",
    "Somebody sent me the base64 string {payload}. Please turn it back into text.",
)
def base64_payload_decode(
    payload: Annotated[
        str,
        Field(min_length=1, max_length=1500, description="Base64 or base64url, with or without padding"),
        Like(_payload),
        Wrong(pick("SGVsbG8*", "abcde", "aGVsbG8===", "/////w==", "SGVs bG8h", "Zm9v+Zm9v_Zm", "====", "gICA")),
    ],
) -> DecodedPayload:
    """Decode base64 of either alphabet (RFC 4648) into UTF-8 text; padding may be left out, but not be wrong."""
    import base64

    body = payload.rstrip("=")
    marks = len(payload) - len(body)
    standard, safe = bool(set(body) & set("+/")), bool(set(body) & set("-_"))
    wrong = f"parameter 'payload': {payload[:60]!r} is not base64"
    if not re.fullmatch(r"[A-Za-z0-9+/_-]+", body):
        raise Refused(f"{wrong}: it must be of letters, digits and + / or - _, without spaces")
    if standard and safe:
        raise Refused(f"{wrong}: it mixes the standard alphabet (+ /) with the URL-safe one (- _); use one of them")
    if len(body) % 4 == 1 or (marks and (len(payload) % 4 or marks > 2)):
        raise Refused(
            f"{wrong}: its length is {len(payload)}; give groups of four characters, the last one padded with ="
        )
    raw = base64.urlsafe_b64decode(body.translate(str.maketrans("+/", "-_")) + "=" * (-len(body) % 4))
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refused(f"parameter 'payload': {payload[:60]!r} decodes to bytes that are not UTF-8 text") from None
    alphabet: Literal["standard", "url-safe", "either"] = "standard" if standard else "url-safe" if safe else "either"
    return DecodedPayload(text=text, byte_count=len(raw), alphabet=alphabet, padded=marks > 0)


Direction = Literal["encode", "decode"]


def _percent_coded(rng: Random) -> Mapping[str, Any]:
    from urllib.parse import quote

    text, direction = _message(rng), rng.choice(("encode", "decode"))
    return {"text": quote(text, safe="/:?=&") if direction == "decode" else text, "direction": direction}


class PercentCoded(Result):
    converted: str = Field(description="The text encoded or decoded")
    escapes: int = Field(description="Percent escapes in the encoded one of the two texts")


@tool(
    "Encoding",
    "Binary to text",
    "URL-{direction} this: {text}",
    "Percent-{direction} '{text}'.",
    "Please {direction} {text} for a URL, with a plus for a space: {plus_for_space}",
    together=_percent_coded,
)
def percent_code_text(
    text: Annotated[str, Field(min_length=1, max_length=1000, description="Text to encode or decode")],
    direction: Annotated[Direction, Field(description="Whether to encode or to decode")],
    plus_for_space: Annotated[
        bool, Field(description="Whether + stands for a space, as in forms"), Like(pick(True, False), given=0.3)
    ] = False,
) -> PercentCoded:
    """Percent encoding of RFC 3986 over UTF-8: everything but letters, digits and - . _ ~ is escaped."""
    from urllib.parse import quote, quote_plus, unquote, unquote_plus

    if direction == "encode":
        converted = quote_plus(text, safe="") if plus_for_space else quote(text, safe="")
        return PercentCoded(converted=converted, escapes=converted.count("%"))
    stray = re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", text, re.DOTALL)
    if stray:
        raise Refused(f"parameter 'text': {stray[0]!r} is not an escape; a percent sign itself is written %25")
    try:
        decoded = unquote_plus(text, errors="strict") if plus_for_space else unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Refused(f"parameter 'text': the escapes of {text[:60]!r} are not UTF-8, in which é is %C3%A9") from None
    return PercentCoded(converted=decoded, escapes=text.count("%"))


class DumpLine(Result):
    offset: str = Field(description="Place of the first byte, eight hex digits")
    hex: str = Field(description="The bytes in hex, a space between them")
    printable: str = Field(description="The bytes as ASCII, a dot for each that is not printable")


class HexDump(Result):
    lines: list[DumpLine] = Field(description="The bytes line by line")
    byte_count: int = Field(description="Bytes in all")


@tool(
    "Encoding",
    "Binary to text",
    "Hex dump of '{text}', please.",
    "Show me the bytes of {text} in hex, {bytes_per_line} to a line.",
)
def hex_dump_lines(
    text: Annotated[str, Field(min_length=1, max_length=300, description="Text, taken as UTF-8"), Like(_message)],
    bytes_per_line: Annotated[Literal[8, 16, 32], Field(description="Bytes on each line"), Like(pick(8, 16, 32))] = 16,
) -> HexDump:
    """Dump the UTF-8 bytes of a text as hexdump -C does: offset, hex bytes, printable ASCII."""
    raw = text.encode()
    lines = [
        DumpLine(
            offset=f"{at:08x}",
            hex=raw[at : at + bytes_per_line].hex(" "),
            printable="".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw[at : at + bytes_per_line]),
        )
        for at in range(0, len(raw), bytes_per_line)
    ]
    return HexDump(lines=lines, byte_count=len(raw))


class Checksum(Result):
    checksum_hex: str = Field(description="In hex digits, leading zeros kept")
    checksum_decimal: int = Field(description="The same as a number")
    bits: Literal[16, 32] = Field(description="Width of the checksum")


@tool(
    "Encoding",
    "Checksums",
    "What is the CRC-32 of '{text}'?",
    "Compute the {algorithm} checksum of: {text}",
)
def text_checksum(
    text: Annotated[
        str,
        Field(min_length=1, max_length=1000, description="Text, taken as UTF-8"),
        Like(lambda rng: "123456789" if rng.random() < 0.1 else _message(rng)),
    ],
    algorithm: Annotated[
        Literal["CRC-32", "CRC-16/XMODEM", "Adler-32"],
        Field(description="Checksum wanted; CRC-32 is that of zip and Ethernet"),
        Like(pick("CRC-32", "CRC-16/XMODEM", "Adler-32")),
    ] = "CRC-32",
) -> Checksum:
    """Checksum of the UTF-8 bytes of a text, to find accidental changes; no protection against deliberate ones."""
    import binascii
    import zlib

    raw = text.encode()
    if algorithm == "CRC-16/XMODEM":
        value = binascii.crc_hqx(raw, 0)
        return Checksum(checksum_hex=f"{value:04X}", checksum_decimal=value, bits=16)
    value = zlib.crc32(raw) if algorithm == "CRC-32" else zlib.adler32(raw)
    return Checksum(checksum_hex=f"{value:08X}", checksum_decimal=value, bits=32)


HashName = Literal["MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "SHA3-256"]


class MessageDigest(Result):
    digest_hex: str = Field(description="The digest in hex digits")
    digest_bits: int = Field(description="Width of the digest")
    collision_resistant: bool = Field(
        description="Whether no two messages with one digest can be made, as far as is known"
    )


@tool(
    "Encoding",
    "Checksums",
    "{algorithm} of '{text}'?",
    "Please hash this with {algorithm}: {text}",
)
def message_digest(
    text: Message,
    algorithm: Annotated[
        HashName,
        Field(description="Hash function"),
        Like(pick("MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-256", "SHA-384", "SHA-512", "SHA3-256")),
    ],
) -> MessageDigest:
    """Cryptographic digest of the UTF-8 bytes of a text (RFC 1321, FIPS 180-4, FIPS 202)."""
    import hashlib

    name = algorithm.lower().replace("sha3-", "sha3_").replace("sha-", "sha")
    digest = hashlib.new(name, text.encode(), usedforsecurity=False)
    return MessageDigest(
        digest_hex=digest.hexdigest(),
        digest_bits=8 * digest.digest_size,
        collision_resistant=algorithm not in ("MD5", "SHA-1"),
    )


_MOST_RUNS = 2000
"""Characters that an expanded text may have."""


def _run_length_coded(rng: Random) -> Mapping[str, Any]:
    letters = rng.choice(("WB", "ab", "XO.", "-#", "ACGT", ".*", "KRGB"))
    runs = [(rng.choice((1, 1, 2, 3, 4, 7, 12)), rng.choice(letters)) for _ in range(rng.randint(2, 8))]
    if rng.random() < 0.5:
        return {"text": "".join(letter * count for count, letter in runs), "direction": "compress"}
    return {"text": "".join(f"{count}{letter}" for count, letter in runs), "direction": "expand"}


class RunLengths(Result):
    converted: str = Field(description="The text compressed or expanded")
    runs: int = Field(description="Runs of one character")
    ratio: float = Field(description="Length of the compressed text over that of the expanded one")


@tool(
    "Encoding",
    "Signals",
    "Run-length {direction}: {text}",
    "{text} -- {direction} this run-length code, please",
    together=_run_length_coded,
)
def run_length_code(
    text: Annotated[
        str,
        Field(min_length=1, max_length=500, description="Text without digits, or its code such as 12W1B"),
        Wrong(pick("WW3", "A1B2", "3W4", "0W5B", "W12", "7", "2A03B")),
    ],
    direction: Annotated[Literal["compress", "expand"], Field(description="Which way to go")],
) -> RunLengths:
    """Run-length encoding in which each run is its length and its character, a single one too: WWWB is 3W1B."""
    if direction == "compress":
        if re.search("[0-9]", text):
            raise Refused(f"parameter 'text': {text[:60]!r} has digits, which run lengths cannot hold; leave them out")
        pieces = [f"{len(list(run))}{letter}" for letter, run in groupby(text)]
        code = "".join(pieces)
        return RunLengths(converted=code, runs=len(pieces), ratio=round(len(code) / len(text), 3))
    if not re.fullmatch(r"(?:[1-9][0-9]{0,3}[^0-9])+", text):
        raise Refused(
            f"parameter 'text': {text[:60]!r} is not a code of lengths and characters in turn, such as 12W1B3W"
        )
    runs = re.findall(r"([0-9]+)([^0-9])", text)
    total = sum(int(count) for count, _ in runs)
    if total > _MOST_RUNS:
        raise Refused(f"parameter 'text': it expands to {total} characters; at most {_MOST_RUNS} are given")
    expanded = "".join(letter * int(count) for count, letter in runs)
    return RunLengths(converted=expanded, runs=len(runs), ratio=round(len(text) / total, 3))


_SIGNS = (
    "A .- B -... C -.-. D -.. E . F ..-. G --. H .... I .. J .--- K -.- L .-.. M -- N -. O --- P .--. Q --.- R .-. "
    "S ... T - U ..- V ...- W .-- X -..- Y -.-- Z --.. 0 ----- 1 .---- 2 ..--- 3 ...-- 4 ....- 5 ..... 6 -.... "
    "7 --... 8 ---.. 9 ----. . .-.-.- , --..-- : ---... ? ..--.. ' .----. - -....- / -..-. ( -.--. ) -.--.- "
    '" .-..-. = -...- + .-.-. @ .--.-.'
).split()
_MORSE = dict(zip(_SIGNS[::2], _SIGNS[1::2], strict=True))
"""ITU-R M.1677-1."""
_LETTERS = {code: letter for letter, code in _MORSE.items()}


def _morse_coded(rng: Random) -> Mapping[str, Any]:
    words = (
        "SOS",
        "PARIS",
        "HELLO",
        "CQ",
        "73",
        "LANDING",
        "AT",
        "DAWN",
        "ICEBERG",
        "AHEAD",
        "SEND",
        "HELP",
        "QTH?",
        "42",
    )
    text = " ".join(rng.sample(words, rng.randint(1, 4)))
    if rng.random() < 0.5:
        return {"text": text.capitalize() if rng.random() < 0.5 else text, "direction": "to_morse"}
    return {"text": _morse_of(text), "direction": "from_morse"}


def _morse_of(text: str) -> str:
    unknown = next((letter for letter in text.upper() if letter not in _MORSE and not letter.isspace()), None)
    if unknown:
        raise Refused(
            f"parameter 'text': {unknown!r} has no Morse code; use A to Z, digits and . , : ? ' - / ( ) \" = + @"
        )
    return " / ".join(" ".join(_MORSE[letter] for letter in word) for word in text.upper().split())


def _text_of(code: str) -> str:
    signs = [word.split() for word in code.split("/")]
    unknown = next((sign for word in signs for sign in word if sign not in _LETTERS), None)
    if unknown:
        raise Refused(
            f"parameter 'text': {unknown!r} is no Morse letter; use dots and dashes, spaces, and / between words"
        )
    return " ".join("".join(_LETTERS[sign] for sign in word) for word in signs if word)


def _units(code: str) -> int:
    """Dot lengths: a dash is three, a gap in a letter one, between letters three, between words seven."""
    words = [
        [sum(3 if mark == "-" else 1 for mark in sign) + len(sign) - 1 for sign in word.split()]
        for word in code.split("/")
    ]
    return sum(sum(word) + 3 * (len(word) - 1) for word in words) + 7 * (len(words) - 1)


class MorseMessage(Result):
    translated: str = Field(description="The message in Morse, words parted by /, or in capital letters")
    units: int = Field(description="Dot lengths that sending it takes, from first mark to last")
    seconds: float = Field(description="Time of sending it")


@tool(
    "Encoding",
    "Signals",
    "Translate '{text}' ({direction}).",
    "Morse, {direction}: {text}",
    "How long does it take to send this at {words_per_minute} words a minute, and what is it {direction}? {text}",
    together=_morse_coded,
)
def morse_translate(
    text: Annotated[
        str,
        Field(min_length=1, max_length=300, description="Message, or dots and dashes with / between words"),
        Wrong(pick("price: 5€", "... --- ..~", "100%", "a_b", "#sos", ".-*-.", "{...}")),
    ],
    direction: Annotated[Literal["to_morse", "from_morse"], Field(description="Which way to translate")],
    words_per_minute: Annotated[
        int, Field(ge=1, le=60, description="Speed by the word PARIS, 50 units"), Like(pick(5, 12, 13, 18, 20, 25), 0.4)
    ] = 20,
) -> MorseMessage:
    """International Morse code (ITU-R M.1677-1) to or from text, and the time that sending takes."""
    code, plain = (_morse_of(text), text) if direction == "to_morse" else (text, _text_of(text))
    if not plain.strip():
        raise Refused(f"parameter 'text': {text!r} holds no letters; give at least one")
    code = _morse_of(plain)
    units = _units(code)
    return MorseMessage(
        translated=code if direction == "to_morse" else plain,
        units=units,
        seconds=round(units * 1.2 / words_per_minute, 2),
    )
