"""Classical ciphers, keyed digests, one-time codes, and public keys small enough to follow by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, tool, whole

_PLAINTEXTS = (
    "Attack at dawn | Meet me at the old bridge | HELLO WORLD | The treasure is buried under the oak | Send help! | "
    "Retreat at once | Et tu, Brute? | The quick brown fox jumps over the lazy dog | defend the east wall | Yes. | "
    "The package arrives on Friday | Trust nobody | Veni, vidi, vici | Wait for my signal at 10 | crypto is short"
).split(" | ")
_PLACES = ("in Paris", "at noon", "by the harbour", "before Monday", "in room 12", "without delay", "")


def _message(rng: Random) -> str:
    return f"{rng.choice(_PLAINTEXTS)} {rng.choice(_PLACES)}".strip()


Direction = Literal["encrypt", "decrypt"]


def _shifted(letter: str, by: int) -> str:
    """A letter of the Latin alphabet so many places on; anything else as it is."""
    if not (letter.isascii() and letter.isalpha()):
        return letter
    first = ord("A" if letter.isupper() else "a")
    return chr((ord(letter) - first + by) % 26 + first)


class CaesarText(Result):
    text: str = Field(description="The text after the shift")
    forward_shift: int = Field(description="Places that each letter was moved forward, 0 to 25")
    letters_shifted: int = Field(description="Letters that were moved; other characters stay")


@tool(
    "Cryptography",
    "Classical ciphers",
    "Apply a Caesar shift of {shift} to: {text}",
    "Please {direction} '{text}' with the Caesar cipher, key {shift}.",
)
def caesar_shift(
    text: Annotated[
        str,
        Field(min_length=1, max_length=500, description="Text; only the letters A to Z are moved"),
        Like(lambda rng: "".join(_shifted(one, 3) for one in _message(rng)) if rng.random() < 0.3 else _message(rng)),
        Wrong(pick("12345", "?!", "10:30", "...", "42 + 17")),
    ],
    shift: Annotated[
        int,
        Field(ge=-25, le=25, description="Places that encryption moves forward"),
        Like(pick(1, 3, 3, 5, 7, 13, 13, 23, -3)),
    ],
    direction: Annotated[
        Direction, Field(description="Decryption moves back instead"), Like(pick("encrypt", "decrypt"))
    ] = "encrypt",
) -> CaesarText:
    """Caesar cipher: move each letter along the alphabet, keeping its case; a shift of 13 is ROT13."""
    by = (shift if direction == "encrypt" else -shift) % 26
    letters = len(re.findall("[A-Za-z]", text))
    if not letters:
        raise Refused(f"parameter 'text': {text!r} has no letters A to Z to move; give a text with some")
    return CaesarText(text="".join(_shifted(one, by) for one in text), forward_shift=by, letters_shifted=letters)


def _vigenere(text: str, key: str, sign: int) -> str:
    """The key goes on at letters alone."""
    shifts = [ord(letter) - ord("A") for letter in key.upper()]
    moved: list[str] = []
    used = 0
    for letter in text:
        moved.append(_shifted(letter, sign * shifts[used % len(shifts)]))
        used += letter.isascii() and letter.isalpha()
    return "".join(moved)


def _vigenere_case(rng: Random) -> Mapping[str, Any]:
    key = rng.choice(("LEMON", "KEY", "SECRET", "ORANGE", "CRYPTO", "QUEENLY", "ABCD", "FORTIFICATION"))
    message, direction = _message(rng), rng.choice(("encrypt", "encrypt", "decrypt"))
    text = _vigenere(message, key, 1) if direction == "decrypt" else message
    return {"text": text, "key": key if rng.random() < 0.7 else key.lower(), "direction": direction}


class VigenereText(Result):
    text: str = Field(description="The text encrypted or decrypted")
    key_repeats: float = Field(description="How often the key was gone through")


@tool(
    "Cryptography",
    "Classical ciphers",
    "{direction} with Vigenère and the key {key}: {text}",
    "Use the Vigenère key {key} to {direction} this message: {text}",
    together=_vigenere_case,
)
def vigenere_cipher(
    text: Annotated[str, Field(min_length=1, max_length=500, description="Text; only the letters A to Z are changed")],
    key: Annotated[
        str,
        Field(min_length=1, max_length=50, description="Key word of letters"),
        Wrong(pick("1234", "le mon", "KEY-1", "clé", "_", "key!")),
    ],
    direction: Annotated[Direction, Field(description="Whether to encrypt or to decrypt")],
) -> VigenereText:
    """Vigenère cipher: each letter is shifted by the next letter of the key, in which A is 0. Case is kept; other
    characters stay and use up no key."""
    if not re.fullmatch("[A-Za-z]+", key):
        raise Refused(f"parameter 'key': {key!r} is not of letters A to Z alone; give a word such as LEMON")
    letters = len(re.findall("[A-Za-z]", text))
    converted = _vigenere(text, key, 1 if direction == "encrypt" else -1)
    return VigenereText(text=converted, key_repeats=round(letters / len(key), 2))


def _xor_case(rng: Random) -> Mapping[str, Any]:
    data = _message(rng).encode() if rng.random() < 0.6 else rng.randbytes(rng.randint(2, 16))
    key = rng.choice((b"ICE", b"key", b"\xff", b"\x42\x42", rng.randbytes(4), data[::-1]))
    return {"data_hex": data.hex(), "key_hex": key.hex() if rng.random() < 0.7 else key.hex().upper()}


class XorResult(Result):
    result_hex: str = Field(description="The result in small hex digits")
    as_text: str | None = Field(description="The result as ASCII; null where it has bytes that are not printable")
    differing_bits: int = Field(description="Bits in which data and repeated key differ")


_NO_HEX = Wrong(pick("abc", "zz", "0x1f", "12 34", "hello!", "f"))


def _hex(text: str, name: str) -> bytes:
    if len(text) % 2 or not re.fullmatch("[0-9A-Fa-f]+", text):
        raise Refused(
            f"parameter '{name}': {text[:40]!r} is not hex; give an even number of the digits 0 to 9 and a to f"
        )
    return bytes.fromhex(text)


@tool(
    "Cryptography",
    "Classical ciphers",
    "XOR {data_hex} with {key_hex}.",
    "What do I get when the hex bytes {data_hex} are xored with the repeating key {key_hex}?",
    together=_xor_case,
)
def xor_hex_bytes(
    data_hex: Annotated[str, Field(min_length=1, max_length=600, description="Data in hex digits"), _NO_HEX],
    key_hex: Annotated[
        str,
        Field(min_length=1, max_length=600, description="Key in hex digits, repeated to the length of the data"),
        _NO_HEX,
    ],
) -> XorResult:
    """Exclusive or of bytes with a repeating key, both in hex."""
    data, key = _hex(data_hex, "data_hex"), _hex(key_hex, "key_hex")
    mixed = bytes(byte ^ key[at % len(key)] for at, byte in enumerate(data))
    text = mixed.decode("ascii") if all(32 <= byte < 127 for byte in mixed) else None
    return XorResult(result_hex=mixed.hex(), as_text=text, differing_bits=sum(byte.bit_count() for byte in mixed))


def _payload(rng: Random) -> str:
    """What services sign."""
    order, user = rng.randrange(1000, 9999), rng.randrange(100)
    texts = (
        f'{{"order":{order},"paid":true}}',
        f"user={user}&order={order}",
        f"GET\n/v1/users/{user}",
        f"{order}.{user}",
    )
    return rng.choice((*texts, _message(rng), "what do ya want for nothing?"))


class KeyedDigest(Result):
    tag_hex: str = Field(description="The authentication code in hex digits")
    tag_bits: int = Field(description="Its width")
    key_was_hashed: bool = Field(
        description="Whether the key was longer than a block of the hash, and so was hashed first"
    )


HmacHash = Literal["MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"]


@tool(
    "Cryptography",
    "Keys and codes",
    "HMAC of '{message}' with the key '{key}'?",
    "Sign this payload with HMAC-{algorithm} and the secret {key}:\n{message}",
)
def hmac_tag(
    message: Annotated[
        str,
        Field(min_length=1, max_length=1000, description="Message, taken as UTF-8"),
        Like(_payload),
    ],
    key: Annotated[
        str,
        Field(min_length=1, max_length=300, description="Secret key, taken as UTF-8"),
        Like(pick("key", "Jefe", "s3cr3t", "whsec_4f9a1c", "correct horse battery staple", "k" * 80)),
    ],
    algorithm: Annotated[
        HmacHash, Field(description="Hash function inside"), Like(pick("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512"))
    ] = "SHA-256",
) -> KeyedDigest:
    """Keyed message authentication code HMAC (RFC 2104)."""
    import hashlib
    import hmac

    name = algorithm.lower().replace("-", "")
    tag = hmac.new(key.encode(), message.encode(), name).digest()
    return KeyedDigest(
        tag_hex=tag.hex(), tag_bits=8 * len(tag), key_was_hashed=len(key.encode()) > hashlib.new(name).block_size
    )


class OneTimeCode(Result):
    code: str = Field(description="The code, leading zeros kept")
    counter: int = Field(description="Time steps since 1970")
    seconds_left: int = Field(description="Seconds for which the code stays the same, this one counted")


def _secret(rng: Random) -> str:
    letters = "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(rng.choice((16, 32))))
    known = rng.choice(("JBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", letters, letters))
    return known if rng.random() < 0.7 else " ".join(re.findall("....", known.lower()))


@tool(
    "Cryptography",
    "Keys and codes",
    "TOTP code for the secret {secret} at Unix time {unix_time}?",
    "My authenticator holds {secret}. Which {digits}-digit code does it show at {unix_time}?",
)
def totp_code(
    secret: Annotated[
        str,
        Field(min_length=2, max_length=128, description="Shared secret in base32; spaces do not matter"),
        Like(_secret),
        Wrong(pick("NOT-BASE32!1", "GEZ0GNBV", "12345678", "JBSWY3DPEHPK3PX=A", "====")),
    ],
    unix_time: Annotated[
        int, Field(ge=0, le=10**11, description="Seconds since 1970"), Like(whole(1_600_000_000, 1_790_000_000))
    ],
    digits: Annotated[Literal[6, 8], Field(description="Length of the code"), Like(pick(6, 8))] = 6,
) -> OneTimeCode:
    """Time-based one-time password (RFC 6238) with HMAC-SHA-1 and steps of 30 seconds, as authenticators show it."""
    import base64
    import hmac

    bare = secret.replace(" ", "").upper().rstrip("=")
    if not re.fullmatch("[A-Z2-7]+", bare) or len(bare) % 8 in (1, 3, 6):
        raise Refused(
            f"parameter 'secret': {secret!r} is not base32; it is of the letters A to Z and the digits 2 to 7"
        )
    key = base64.b32decode(bare + "=" * (-len(bare) % 8))
    counter, into = divmod(unix_time, 30)
    tag = hmac.new(key, counter.to_bytes(8, "big"), "sha1").digest()
    at = tag[-1] & 0xF
    truncated = int.from_bytes(tag[at : at + 4], "big") & 0x7FFFFFFF
    return OneTimeCode(code=f"{truncated % 10**digits:0{digits}d}", counter=counter, seconds_left=30 - into)


_CLASSES: Sequence[tuple[str, str, int]] = (
    ("[a-z]", "lower case", 26),
    ("[A-Z]", "upper case", 26),
    ("[0-9]", "digits", 10),
    (r"[ -/:-@\[-`{-~]", "symbols", 33),
    ("[^ -~]", "beyond ASCII", 100),
)
"""Pattern, name, number of characters; 100 for what is beyond ASCII is a convention."""
Strength = Literal["very weak", "weak", "reasonable", "strong", "very strong"]
_STRENGTHS: Sequence[tuple[float, Strength]] = ((128, "very strong"), (60, "strong"), (36, "reasonable"), (28, "weak"))


def _password(rng: Random) -> str:
    words = (
        "sunshine",
        "Dragon",
        "correct horse battery staple",
        "letmein",
        "Tr0ub4dor&3",
        "qwerty",
        "monkey",
        "passwort",
    )
    random_one = "".join(
        rng.choice("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&*+?") for _ in range(16)
    )
    ending = rng.choice(("", "1", "2024", "!", f"{rng.randrange(10000)}"))
    return rng.choice((rng.choice(words) + ending, random_one[: rng.randint(8, 16)], f"{rng.randrange(10000):04d}"))


class PasswordStrength(Result):
    entropy_bits: float = Field(description="Length times the bits of a character, if each was drawn at random")
    alphabet_size: int = Field(description="Characters of the classes that occur")
    character_classes: list[str] = Field(description="The classes that occur")
    strength: Strength = Field(description="From under 28 bits, very weak, to 128 and more, very strong")
    years_to_search_half: float = Field(description="Years to try half of all passwords of the kind, three figures")


@tool(
    "Cryptography",
    "Keys and codes",
    "How strong is the password {password}?",
    "Entropy of '{password}', and how long it would last against {guesses_per_second} guesses a second?",
)
def password_entropy(
    password: Annotated[str, Field(min_length=1, max_length=64, description="Password to judge"), Like(_password)],
    guesses_per_second: Annotated[
        float, Field(ge=1, le=1e15, description="Speed of the attacker"), Like(pick(100, 1e4, 1e6, 1e9, 1e10, 1e12))
    ] = 1e10,
) -> PasswordStrength:
    """Entropy of a password whose characters were drawn at random from the classes that it uses. Words and names are
    far weaker than this says."""
    found = [(name, size) for pattern, name, size in _CLASSES if re.search(pattern, password)]
    alphabet = sum(size for _, size in found)
    bits = len(password) * math.log2(alphabet)
    years = 2 ** (bits - 1) / guesses_per_second / (365.25 * 86400)
    return PasswordStrength(
        entropy_bits=round(bits, 2),
        alphabet_size=alphabet,
        character_classes=[name for name, _ in found],
        strength=next((name for least, name in _STRENGTHS if bits >= least), "very weak"),
        years_to_search_half=float(f"{years:.3g}"),
    )


_PRIMES = tuple(n for n in range(2, 1000) if all(n % divisor for divisor in range(2, math.isqrt(n) + 1)))
_COMPOSITES = Wrong(pick(4, 15, 21, 51, 57, 91, 100, 221, 391, 561, 999))


def _prime(number: int, name: str) -> int:
    if number not in _PRIMES:
        below = max(prime for prime in _PRIMES if prime < max(number, 3))
        raise Refused(f"parameter '{name}': {number} is not prime; the prime before it is {below}")
    return number


def _rsa_case(rng: Random) -> Mapping[str, Any]:
    while True:
        p, q = rng.sample(_PRIMES[4:60], 2)
        exponent = rng.choice((3, 5, 7, 17, 17, 257))
        if math.gcd(exponent, (p - 1) * (q - 1)) == 1 and p * q > 100:
            return {"p": p, "q": q, "public_exponent": exponent, "message": rng.randrange(2, p * q)}


class RsaToy(Result):
    modulus: int = Field(description="n = p q")
    totient: int = Field(description="Carmichael's: least common multiple of p - 1 and q - 1")
    private_exponent: int = Field(description="Inverse of the public exponent modulo the totient")
    ciphertext: int = Field(description="message ** public exponent modulo n")


@tool(
    "Cryptography",
    "Public keys",
    "RSA by hand: p = {p}, q = {q}, e = {public_exponent}. Encrypt {message} and give me d.",
    "Make an RSA key from the primes {p} and {q} with public exponent {public_exponent}, then encrypt {message}.",
    together=_rsa_case,
)
def rsa_toy_encrypt(
    p: Annotated[int, Field(ge=2, le=999, description="A prime"), _COMPOSITES],
    q: Annotated[int, Field(ge=2, le=999, description="Another prime"), _COMPOSITES],
    public_exponent: Annotated[
        int, Field(ge=2, le=65537, description="Public exponent e"), Wrong(pick(2, 4, 10, 16, 100))
    ],
    message: Annotated[int, Field(ge=0, le=998_000, description="Number to encrypt, smaller than p q")],
) -> RsaToy:
    """Textbook RSA with small primes and without padding, to learn from: key and encryption of one number."""
    n, totient = _prime(p, "p") * _prime(q, "q"), math.lcm(p - 1, q - 1)
    if p == q:
        raise Refused(f"parameter 'q': {q} equals p; give two different primes")
    if math.gcd(public_exponent, totient) != 1 or public_exponent % 2 == 0:
        raise Refused(
            f"parameter 'public_exponent': {public_exponent} is even or has a factor in common with {totient}; try 17"
        )
    if message >= n:
        raise Refused(f"parameter 'message': {message} is not smaller than the modulus {n}; give a smaller number")
    return RsaToy(
        modulus=n,
        totient=totient,
        private_exponent=pow(public_exponent, -1, totient),
        ciphertext=pow(message, public_exponent, n),
    )


def _exchange_case(rng: Random) -> Mapping[str, Any]:
    prime = rng.choice(_PRIMES[5:])
    secrets = {"secret_a": rng.randrange(2, prime - 1), "secret_b": rng.randrange(2, prime - 1)}
    return {"prime": prime, "generator": rng.choice((2, 3, 5, 7))} | secrets


class KeyAgreement(Result):
    public_a: int = Field(description="What A sends: generator ** secret A modulo the prime")
    public_b: int = Field(description="What B sends: generator ** secret B modulo the prime")
    shared_secret: int = Field(description="What both come to")
    generator_is_primitive_root: bool = Field(
        description="Whether powers of the generator give every number below the prime"
    )


@tool(
    "Cryptography",
    "Public keys",
    "Diffie-Hellman with p = {prime} and g = {generator}: Alice picks {secret_a}, Bob {secret_b}. Shared key?",
    "Work out a Diffie-Hellman exchange modulo {prime}, generator {generator}, secrets {secret_a} and {secret_b}.",
    together=_exchange_case,
)
def diffie_hellman_exchange(
    prime: Annotated[int, Field(ge=3, le=999, description="Prime modulus"), _COMPOSITES],
    generator: Annotated[int, Field(ge=2, le=998, description="Generator, smaller than the prime")],
    secret_a: Annotated[int, Field(ge=1, le=10**6, description="Exponent that A keeps to itself")],
    secret_b: Annotated[int, Field(ge=1, le=10**6, description="Exponent that B keeps to itself")],
) -> KeyAgreement:
    """Diffie-Hellman key agreement modulo a small prime, to learn from."""
    _prime(prime, "prime")
    if generator >= prime:
        raise Refused(f"parameter 'generator': {generator} is not smaller than the prime {prime}; give a smaller one")
    factors = [factor for factor in _PRIMES if (prime - 1) % factor == 0]
    return KeyAgreement(
        public_a=pow(generator, secret_a, prime),
        public_b=pow(generator, secret_b, prime),
        shared_secret=pow(generator, secret_a * secret_b, prime),
        generator_is_primitive_root=all(pow(generator, (prime - 1) // factor, prime) != 1 for factor in factors),
    )
