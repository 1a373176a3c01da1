"""HTTP status codes and headers, media types, colours on screens, slugs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Refused, Result, Wrong, pick, several, tool

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A name in a header (RFC 9110)."""

_STATUSES: Mapping[int, tuple[str, str]] = {
    100: ("Continue", "Go on and send the body of the request"),
    101: ("Switching Protocols", "The connection changes to the protocol that was asked for"),
    102: ("Processing", "The request is taken on and still worked at"),
    103: ("Early Hints", "Headers that help to preload, ahead of the final response"),
    200: ("OK", "The request succeeded"),
    201: ("Created", "A new resource was made"),
    202: ("Accepted", "The request is taken on, but not finished"),
    203: ("Non-Authoritative Information", "The content was changed by a proxy"),
    204: ("No Content", "The request succeeded, and there is nothing to send"),
    205: ("Reset Content", "The client should reset the form that it sent"),
    206: ("Partial Content", "Only the range that was asked for is sent"),
    207: ("Multi-Status", "Several results, one for each resource, in the body"),
    208: ("Already Reported", "The members of a binding were listed before"),
    226: ("IM Used", "The difference to an earlier version is sent"),
    300: ("Multiple Choices", "There are several representations to choose from"),
    301: ("Moved Permanently", "The resource has a new address for good"),
    302: ("Found", "The resource is at another address for now"),
    303: ("See Other", "The answer is to be fetched from another address with GET"),
    304: ("Not Modified", "The copy in the cache is still good"),
    305: ("Use Proxy", "Deprecated; the resource is to be reached by a proxy"),
    307: ("Temporary Redirect", "As 302, and the method must stay the same"),
    308: ("Permanent Redirect", "As 301, and the method must stay the same"),
    400: ("Bad Request", "The server cannot understand the request"),
    401: ("Unauthorized", "Credentials are missing or wrong"),
    402: ("Payment Required", "Reserved; some services ask for payment by it"),
    403: ("Forbidden", "The server understood the request and refuses it"),
    404: ("Not Found", "There is nothing at this address"),
    405: ("Method Not Allowed", "The resource does not support this method"),
    406: ("Not Acceptable", "No representation suits the Accept headers"),
    407: ("Proxy Authentication Required", "The proxy wants credentials"),
    408: ("Request Timeout", "The client took too long to send the request"),
    409: ("Conflict", "The request is at odds with the present state of the resource"),
    410: ("Gone", "The resource was removed for good"),
    411: ("Length Required", "The request must say its Content-Length"),
    412: ("Precondition Failed", "A condition in the headers does not hold"),
    413: ("Content Too Large", "The body of the request is larger than the server takes"),
    414: ("URI Too Long", "The address is longer than the server takes"),
    415: ("Unsupported Media Type", "The server does not take content of this type"),
    416: ("Range Not Satisfiable", "The resource has no such range"),
    417: ("Expectation Failed", "What the Expect header wants cannot be met"),
    418: ("I'm a Teapot", "An April joke of 1998; the code stays reserved"),
    421: ("Misdirected Request", "The server does not answer for this host"),
    422: ("Unprocessable Content", "The request is well formed, but makes no sense to the server"),
    423: ("Locked", "The resource is locked"),
    424: ("Failed Dependency", "Another action that this one needs has failed"),
    425: ("Too Early", "The request might be replayed, so the server waits for the full handshake"),
    426: ("Upgrade Required", "The client must change to another protocol"),
    428: ("Precondition Required", "The request must be conditional"),
    429: ("Too Many Requests", "The client has sent too many requests in a given time"),
    431: ("Request Header Fields Too Large", "The headers are larger than the server takes"),
    451: ("Unavailable For Legal Reasons", "The resource is withheld by a legal demand"),
    500: ("Internal Server Error", "The server failed in a way that it did not foresee"),
    501: ("Not Implemented", "The server does not know this method"),
    502: ("Bad Gateway", "A server further on sent an invalid response"),
    503: ("Service Unavailable", "The server is overloaded or down for maintenance"),
    504: ("Gateway Timeout", "A server further on did not answer in time"),
    505: ("HTTP Version Not Supported", "The server does not speak this version of HTTP"),
    506: ("Variant Also Negotiates", "The chosen variant would itself negotiate, a fault of the set-up"),
    507: ("Insufficient Storage", "The server has no room to store what it should"),
    508: ("Loop Detected", "The server found an endless loop"),
    510: ("Not Extended", "The request lacks an extension that the server needs"),
    511: ("Network Authentication Required", "The network wants a login before it lets requests through"),
}
"""RFC 9110 and IANA's registry: code -> phrase, meaning."""
_CACHEABLE = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
_RETRIED = frozenset((408, 425, 429, 502, 503, 504))
StatusClass = Literal["informational", "success", "redirection", "client error", "server error"]
_STATUS_CLASSES: Sequence[StatusClass] = ("informational", "success", "redirection", "client error", "server error")


class StatusMeaning(Result):
    phrase: str = Field(description="Reason phrase of the standard")
    status_class: StatusClass = Field(description="Class by the first digit")
    meaning: str = Field(description="What the server says by it")
    cacheable_by_default: bool = Field(description="Whether caches may keep such a response without being told to")
    worth_retrying: bool = Field(description="Whether the same request may succeed later")


@tool(
    "Web",
    "HTTP",
    "What does HTTP {code} mean?",
    "My client got status {code}. Whose fault is it, and should I retry?",
)
def http_status_meaning(
    code: Annotated[
        int,
        Field(ge=100, le=599, description="Status code"),
        Like(pick(*_STATUSES)),
        Wrong(pick(199, 299, 306, 399, 430, 460, 499, 520, 599)),
    ],
) -> StatusMeaning:
    """Meaning of an HTTP status code (RFC 9110 and IANA's registry)."""
    if code not in _STATUSES:
        raise Refused(f"parameter 'code': {code} is no status code in use; clients treat it as {code // 100 * 100}")
    phrase, meaning = _STATUSES[code]
    return StatusMeaning(
        phrase=phrase,
        status_class=_STATUS_CLASSES[code // 100 - 1],
        meaning=meaning,
        cacheable_by_default=code in _CACHEABLE,
        worth_retrying=code in _RETRIED,
    )


def _cache_control(rng: Random) -> str:
    age = rng.choice((0, 60, 300, 600, 3600, 86400, 604800, 31536000, rng.randint(1, 90), 60 * rng.randint(2, 600)))
    return rng.choice(
        (
            f"public, max-age={age}",
            f"public, max-age={age}, immutable",
            f"private, max-age={age}",
            f"max-age={age}, s-maxage={rng.choice((30, 120, 900, 7200))}",
            f"max-age={age}, stale-while-revalidate={rng.choice((30, 60, 86400))}",
            "no-store",
            "no-cache, no-store, must-revalidate",
            f"max-age={age}, must-revalidate, no-transform",
            f"Public, Max-Age={age}, stale-if-error=86400",
        )
    )


class CachePolicy(Result):
    visibility: Literal["public", "private", "unsaid"] = Field(description="Whether shared caches are named or barred")
    max_age_seconds: int | None = Field(description="max-age; null where it is not given")
    shared_max_age_seconds: int | None = Field(description="s-maxage; null where it is not given")
    flags: list[str] = Field(description="Directives without a value, in small letters and in their order")
    browser_fresh_seconds: int = Field(
        description="Seconds for which a browser may serve it unasked; 0 where none are granted"
    )
    shared_fresh_seconds: int = Field(
        description="Seconds for which a shared cache may do so; 0 where none are granted"
    )


_TIMED = ("max-age", "s-maxage", "stale-while-revalidate", "stale-if-error")


def _directives(header: str) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for part in header.split(","):
        name, valued, value = part.strip().partition("=")
        name, value = name.lower(), value.strip('"')
        if not _TOKEN.fullmatch(name):
            raise Refused(
                f"parameter 'header': {part.strip()!r} is no directive; write some such as max-age=60, parted by commas"
            )
        if name in _TIMED and not re.fullmatch("[0-9]{1,10}", value):
            raise Refused(f"parameter 'header': {part.strip()!r} needs a number of seconds, such as {name}=60")
        found.setdefault(name, value if valued else None)
    return found


@tool(
    "Web",
    "HTTP",
    "Explain the header Cache-Control: {header}",
    "How long may a CDN keep a response with 'Cache-Control: {header}'?",
)
def cache_control_parse(
    header: Annotated[
        str,
        Field(min_length=1, max_length=300, description="Value of a Cache-Control response header"),
        Like(_cache_control),
        Wrong(
            pick(
                "max-age=soon", "max-age", "public; max-age=60", "max-age=-1", "=60", "s-maxage=1h", "public max-age=60"
            )
        ),
    ],
) -> CachePolicy:
    """Read a Cache-Control response header (RFC 9111) and say how long caches may serve the response without asking
    again. The first of repeated directives counts."""
    found = _directives(header)
    ages = {name: int(found[name] or 0) if name in found else None for name in ("max-age", "s-maxage")}
    own, shared = ages["max-age"], ages["s-maxage"]
    always_ask = "no-store" in found or "no-cache" in found
    for_all = own if shared is None else shared
    return CachePolicy(
        visibility="private" if "private" in found else "public" if "public" in found else "unsaid",
        max_age_seconds=own,
        shared_max_age_seconds=shared,
        flags=[name for name, value in found.items() if value is None],
        browser_fresh_seconds=0 if always_ask else own or 0,
        shared_fresh_seconds=0 if always_ask or "private" in found else for_all or 0,
    )


def _set_cookie(rng: Random) -> str:
    name = rng.choice(("session", "SID", "lang", "theme", "__Host-id", "__Secure-auth", "cart"))
    value = rng.choice(("31d4d96e407aad42", "en-GB", "dark", f"{rng.getrandbits(64):016x}", '"a b"', "YWxpY2U="))
    attributes = [
        "Path=/",
        "Secure",
        "HttpOnly",
        "Domain=example.com",
        "Expires=Wed, 09 Jun 2027 10:18:14 GMT",
        f"Max-Age={rng.choice((0, 3600, 86400, 31536000))}",
        f"SameSite={rng.choice(('Lax', 'Strict', 'None'))}",
    ]
    return "; ".join([f"{name}={value}", *rng.sample(attributes, rng.randint(0, 5))])


class CookieSettings(Result):
    name: str = Field(description="Name")
    value: str = Field(description="Value as it is sent back")
    domain: str | None = Field(description="Domain whose hosts all get it; null for the sending host alone")
    path: str | None = Field(description="Path below which it is sent; null for the default")
    max_age_seconds: int | None = Field(description="Lifetime; null where it is not given")
    expires: str | None = Field(description="Date as given; null where there is none")
    secure: bool = Field(description="Whether it is sent over HTTPS alone")
    http_only: bool = Field(description="Whether scripts are kept from it")
    same_site: Literal["Strict", "Lax", "None", "unsaid"] = Field(description="When other sites' requests carry it")
    warnings: list[str] = Field(description="Reasons for which browsers refuse it")


def _cookie_warnings(name: str, given: Mapping[str, str]) -> list[str]:
    secure = "secure" in given
    rules = (
        (given.get("samesite", "").lower() == "none" and not secure, "SameSite=None needs Secure"),
        (name.startswith("__Secure-") and not secure, "the prefix __Secure- needs Secure"),
        (
            name.startswith("__Host-") and not (secure and given.get("path") == "/" and "domain" not in given),
            "the prefix __Host- needs Secure and Path=/, and no Domain",
        ),
    )
    return [text for broken, text in rules if broken]


@tool(
    "Web",
    "HTTP",
    "Parse this Set-Cookie header: {header}",
    "Is anything wrong with the cookie '{header}', and how long does it live?",
)
def set_cookie_parse(
    header: Annotated[
        str,
        Field(min_length=1, max_length=500, description="Value of a Set-Cookie header"),
        Like(_set_cookie),
        Wrong(pick("; Path=/", "justtext", "=value; Secure", "Secure; HttpOnly", "a b=1", "id=1; Max-Age=tomorrow")),
    ],
) -> CookieSettings:
    """Read a Set-Cookie header (RFC 6265) and name the reasons for which browsers refuse such a cookie."""
    pair, *rest = header.split(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not equals or not _TOKEN.fullmatch(name):
        raise Refused(f"parameter 'header': {pair[:60]!r} is no name=value; begin with the cookie's name and value")
    split = [part.partition("=") for part in rest]
    given = {key.strip().lower(): setting.strip() for key, _, setting in split}
    age = given.get("max-age")
    if age is not None and not re.fullmatch("-?[0-9]{1,10}", age):
        raise Refused(f"parameter 'header': Max-Age={age} is no number of seconds; give one such as 3600")
    same_site: Mapping[str, Literal["Strict", "Lax", "None"]] = {"strict": "Strict", "lax": "Lax", "none": "None"}
    return CookieSettings(
        name=name,
        value=value,
        domain=given.get("domain", "").lstrip(".") or None,
        path=given.get("path") or None,
        max_age_seconds=None if age is None else int(age),
        expires=given.get("expires") or None,
        secure="secure" in given,
        http_only="httponly" in given,
        same_site=same_site.get(given.get("samesite", "").lower(), "unsaid"),
        warnings=_cookie_warnings(name, given),
    )


_WANTED = (
    "da, en-gb;q=0.8, en;q=0.7 | fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5 | de-AT,de;q=0.9,en-US;q=0.6 | * | "
    "en-GB | en-US,en;q=0.5 | es-MX, es;q=0.8 | pt-BR,pt;q=0.9 | nl | sv;q=0.6, nb;q=0.9 | zh-Hant-TW, zh;q=0.4 | "
    "it;q=0.3, fr;q=0.7 | ja, en;q=0"
).split(" | ")


def _negotiation(rng: Random) -> Mapping[str, Any]:
    tags = ("en", "en-US", "en-GB", "de", "fr", "da", "es", "pt-PT", "sv", "zh", "ja", "it", "nl")
    return {"accept_language": rng.choice(_WANTED), "supported": several(pick(*tags), 2, 5, unique=True)(rng)}


class LanguageChoice(Result):
    language: str = Field(description="The language to serve; the first supported one where none fits")
    matched: bool = Field(description="Whether it is one that the header asks for")
    quality: float = Field(description="Weight of the range that it matches; 0 where none does")
    preferences: list[str] = Field(description="Ranges of the header, the most wanted first, without those of weight 0")


_LANGUAGE_RANGE = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)(?:\s*;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


def _ranges(header: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for part in header.split(","):
        parts = _LANGUAGE_RANGE.fullmatch(part.strip())
        if not parts:
            raise Refused(
                f"parameter 'accept_language': {part.strip()!r} is no language and weight; write one as en;q=0.8"
            )
        found.append((parts[1], float(parts[2] or 1)))
    return sorted(found, key=lambda one: -one[1])


def _best(wanted: str, supported: Sequence[str]) -> str | None:
    """The language itself, one that is narrower, or else one that is wider."""
    if wanted == "*":
        return supported[0] if supported else None
    small = wanted.lower()
    exact = [tag for tag in supported if tag.lower() == small]
    narrower = [tag for tag in supported if tag.lower().startswith(small + "-")]
    wider = sorted((tag for tag in supported if small.startswith(tag.lower() + "-")), key=len, reverse=True)
    return next(iter(exact + narrower + wider), None)


@tool(
    "Web",
    "HTTP",
    "Accept-Language is '{accept_language}' and the site has {supported}. Which language do I serve?",
    "Negotiate the language: the browser sends {accept_language}; supported are {supported}.",
    together=_negotiation,
)
def negotiate_language(
    accept_language: Annotated[
        str,
        Field(min_length=1, max_length=300, description="Value of an Accept-Language header"),
        Wrong(pick("en;q=high", "en;q=1.5", ";q=0.5", "en_US", "en,,de", "german please", "en;q=0.8;q=0.5")),
    ],
    supported: Annotated[
        list[Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]],
        Field(min_length=1, max_length=40, description="Language tags that the site has, the default one first"),
    ],
) -> LanguageChoice:
    """Choose a language by an Accept-Language header (RFC 9110): for the most wanted range first, the same tag, then a
    narrower one, then a wider one."""
    ranges = _ranges(accept_language)
    barred = {wanted.lower() for wanted, weight in ranges if weight == 0}
    wanted_ranges = [(wanted, weight) for wanted, weight in ranges if weight > 0]
    left = [tag for tag in supported if tag.lower() not in barred]
    fits = ((_best(wanted, left), weight) for wanted, weight in wanted_ranges)
    language, weight = next(((tag, weight) for tag, weight in fits if tag), (None, 0.0))
    return LanguageChoice(
        language=language or supported[0],
        matched=language is not None,
        quality=weight,
        preferences=[wanted for wanted, _ in wanted_ranges],
    )


_REGISTERED = """
    text/html html htm
    text/css css
    text/javascript js mjs
    text/plain txt
    text/csv csv
    text/markdown md
    text/calendar ics
    text/vcard vcf
    application/json json
    application/ld+json jsonld
    application/geo+json geojson
    application/manifest+json webmanifest
    application/xml xml
    application/xhtml+xml xhtml
    application/yaml yaml yml
    application/toml toml
    application/sql sql
    application/wasm wasm
    application/pdf pdf
    application/rtf rtf
    application/epub+zip epub
    application/zip zip
    application/gzip gz
    application/zstd zst
    application/java-archive jar
    application/msword doc
    application/vnd.ms-excel xls
    application/vnd.ms-powerpoint ppt
    application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
    application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
    application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
    application/vnd.oasis.opendocument.text odt
    application/vnd.oasis.opendocument.spreadsheet ods
    image/png png
    image/jpeg jpg jpeg
    image/gif gif
    image/webp webp
    image/svg+xml svg
    image/avif avif
    image/heic heic
    image/tiff tiff
    image/bmp bmp
    image/vnd.microsoft.icon ico
    audio/mpeg mp3
    audio/ogg ogg
    audio/mp4 m4a
    audio/flac flac
    video/mp4 mp4
    video/quicktime mov
    video/webm webm
    video/mpeg mpeg
    font/woff woff
    font/woff2 woff2
    font/ttf ttf
    font/otf otf
"""
"""Media type and extensions, as IANA registers them; webm, which it does not, as is usual."""
_MEDIA_TYPES = {
    extension: mime_type
    for mime_type, *extensions in map(str.split, _REGISTERED.strip().splitlines())
    for extension in extensions
}


class MediaType(Result):
    mime_type: str = Field(description="Media type for the Content-Type header")
    extension: str = Field(description="Extension that it was told by, in small letters")
    textual: bool = Field(
        description="Whether the content is text, so that it shrinks when compressed and has a charset"
    )
    inline_in_browsers: bool = Field(description="Whether browsers usually show or play it rather than save it")


def _filename(rng: Random) -> str:
    stem = rng.choice(
        ("report", "index", "photo-2024", "data.final", "style.min", "Invoice 17", "backup.tar", "song", "logo")
    )
    extension = rng.choice(tuple(_MEDIA_TYPES))
    return f"{stem}.{extension.upper() if rng.random() < 0.15 else extension}"


_SHOWN = frozenset(
    "html htm css js mjs txt json xml xhtml pdf png jpg jpeg gif webp svg avif bmp ico "
    "mp3 ogg m4a flac mp4 webm".split()
)


@tool(
    "Web",
    "Content",
    "What Content-Type should I send for {filename}?",
    "MIME type of {filename}, and will a browser show it?",
)
def mime_type_of_file(
    filename: Annotated[
        str,
        Field(min_length=1, max_length=200, description="File name or path"),
        Like(_filename),
        Wrong(pick("README", "archive.zzz", "Makefile", "photo.", "notes.unknown", "data.2024", ".gitignore")),
    ],
) -> MediaType:
    """Media type of a file by its last extension; what IANA registers, not older x- types."""
    _, dot, ending = filename.replace("\\", "/").rpartition("/")[2].rpartition(".")
    extension = ending.lower()
    if not dot or extension not in _MEDIA_TYPES:
        raise Refused(
            f"parameter 'filename': {filename!r} has no extension that is known here; give one such as photo.png"
        )
    mime_type = _MEDIA_TYPES[extension]
    structured = mime_type.endswith(("+xml", "+json", "/json", "/xml", "/yaml", "/toml", "/sql"))
    return MediaType(
        mime_type=mime_type,
        extension=extension,
        textual=mime_type.startswith("text/") or structured,
        inline_in_browsers=extension in _SHOWN,
    )


Engine = Literal["Blink", "Gecko", "WebKit", "Trident", "none"]
Device = Literal["desktop", "mobile", "tablet", "bot", "tool", "unknown"]
_BROWSERS: Sequence[tuple[str, str, Engine]] = (
    ("Googlebot(?:-Image)?/", "Googlebot", "none"),
    ("bingbot/", "Bingbot", "none"),
    ("GPTBot/", "GPTBot", "none"),
    ("DuckDuckBot/", "DuckDuckBot", "none"),
    ("^curl/", "curl", "none"),
    ("^Wget/", "Wget", "none"),
    ("^python-requests/", "python-requests", "none"),
    ("^PostmanRuntime/", "Postman", "none"),
    ("(?:Edg|EdgA|EdgiOS)/", "Edge", "Blink"),
    ("(?:OPR|OPT)/", "Opera", "Blink"),
    ("SamsungBrowser/", "Samsung Internet", "Blink"),
    ("FxiOS/", "Firefox", "WebKit"),
    ("Firefox/", "Firefox", "Gecko"),
    ("CriOS/", "Chrome", "WebKit"),
    ("Chrome/", "Chrome", "Blink"),
    ("Version/(?=.* Safari/)", "Safari", "WebKit"),
    ("(?:MSIE |Trident/.*rv:)", "Internet Explorer", "Trident"),
)
"""What stands before the version, family, engine; whoever names others too stands before them."""
_BOTS = frozenset(("Googlebot", "Bingbot", "GPTBot", "DuckDuckBot"))
_TOOLS = frozenset(("curl", "Wget", "python-requests", "Postman"))
_SYSTEMS: Sequence[tuple[str, str, Device]] = (
    ("iPhone", "iOS", "mobile"),
    ("iPad", "iPadOS", "tablet"),
    ("Android.*Mobile", "Android", "mobile"),
    ("Android", "Android", "tablet"),
    ("Windows NT", "Windows", "desktop"),
    ("CrOS", "ChromeOS", "desktop"),
    ("Macintosh", "macOS", "desktop"),
    ("Linux|X11", "Linux", "desktop"),
    ("", "unknown", "unknown"),
)


def _browser(user_agent: str) -> tuple[str, int, Engine]:
    for mark, family, engine in _BROWSERS:
        version = re.search(mark + "([0-9]{1,9})", user_agent)
        if version:
            return family, int(version[1]), engine
    raise Refused(
        f"parameter 'user_agent': {user_agent[:60]!r} names no browser that is known here; give the whole string"
    )


def _user_agent(rng: Random) -> str:
    desktop = rng.choice(("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"))
    android = rng.choice(("Linux; Android 13; SM-S901B", "Linux; Android 14; Pixel 8", "Linux; Android 10; K"))
    ios = f"iPhone; CPU iPhone OS {rng.randint(14, 18)}_{rng.randint(0, 6)} like Mac OS X"
    n, webkit = rng.randint(90, 140), "AppleWebKit/537.36 (KHTML, like Gecko)"
    apple = f"Mozilla/5.0 ({ios}) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    return rng.choice(
        (
            f"Mozilla/5.0 ({desktop}) {webkit} Chrome/{n}.0.0.0 Safari/537.36",
            f"Mozilla/5.0 ({android}) {webkit} Chrome/{n}.0.0.0 Mobile Safari/537.36",
            f"Mozilla/5.0 ({desktop}) {webkit} Chrome/{n}.0.0.0 Safari/537.36 Edg/{n}.0.2210.91",
            f"Mozilla/5.0 ({desktop}) {webkit} Chrome/{n}.0.0.0 Safari/537.36 OPR/{n - 14}.0.0.0",
            f"Mozilla/5.0 ({android}) {webkit} SamsungBrowser/{n // 5}.0 Chrome/{n}.0.0.0 Mobile Safari/537.36",
            f"Mozilla/5.0 ({desktop}; rv:{n}.0) Gecko/20100101 Firefox/{n}.0",
            f"{apple} Version/17.{n % 7} Mobile/15E148 Safari/604.1",
            f"{apple} CriOS/{n}.0.6099.50 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            f"curl/8.{n % 10}.1",
            f"python-requests/2.{n % 32}.0",
        )
    )


class UserAgentFamily(Result):
    browser: str = Field(description="Family of the browser, bot or tool")
    major_version: int = Field(description="First number of its version")
    engine: Engine = Field(description="What renders pages; on iOS always WebKit")
    operating_system: str = Field(description="Operating system; unknown where it is not named")
    device: Device = Field(description="Kind of device, or a bot, or a tool of the command line")


@tool(
    "Web",
    "Content",
    "Which browser is this? {user_agent}",
    "Browser, OS and device of the user agent string: {user_agent}",
)
def user_agent_family(
    user_agent: Annotated[
        str,
        Field(min_length=1, max_length=400, description="Value of a User-Agent header"),
        Like(_user_agent),
        Wrong(pick("foo", "-", "Mozilla/5.0", "my browser", "Mozilla/5.0 (Windows NT 10.0)", "Safari")),
    ],
) -> UserAgentFamily:
    """Browser family, operating system and device that a user agent string claims to be."""
    family, version, engine = _browser(user_agent)
    system, device = next((name, kind) for mark, name, kind in _SYSTEMS if re.search(mark, user_agent))
    return UserAgentFamily(
        browser=family,
        major_version=version,
        engine="WebKit" if engine != "none" and system in ("iOS", "iPadOS") else engine,
        operating_system=system,
        device="bot" if family in _BOTS else "tool" if family in _TOOLS else device,
    )


_COLOURS = (
    "black",
    "white",
    "#777777",
    "#767676",
    "#0645ad",
    "navy",
    "#333",
    "#f5f5f5",
    "teal",
    "tomato",
    "#1a73e8",
    "gold",
)
_NO_COLOURS = ("#12345", "bluish", "#ggg", "123456", "rgb(0,0,0)", "#", "dark")
CssColour = Annotated[str, Field(min_length=1, max_length=30, description="Colour as #rgb, #rrggbb or CSS name")]


def _colour(rng: Random) -> str:
    return f"#{rng.getrandbits(24):06x}" if rng.random() < 0.4 else rng.choice(_COLOURS)


class TextColourRating(Result):
    colour: str = Field(description="The colour as it was given")
    contrast: float = Field(description="Contrast ratio to the background, to two places, from 1 to 21")
    level: Literal["AAA", "AA", "fails"] = Field(description="Best WCAG level that is met")


class TextColourChoice(Result):
    best: str = Field(description="The colour with the most contrast, the first of equal ones")
    acceptable: bool = Field(description="Whether it meets level AA")
    ratings: list[TextColourRating] = Field(description="Each colour in the order given")


def _luminance(colour: str, name: str) -> float:
    """Relative luminance of an sRGB colour by WCAG 2."""
    import webcolors

    try:
        rgb = webcolors.hex_to_rgb(colour) if colour.startswith("#") else webcolors.name_to_rgb(colour)
    except ValueError:
        raise Refused(f"parameter '{name}': {colour!r} is no colour; give one such as #1a73e8 or navy") from None
    parts = [value / 255 for value in (rgb.red, rgb.green, rgb.blue)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@tool(
    "Web",
    "Content",
    "Which text colour reads best on {background}: {candidates}?",
    "The button is {background}. Do {candidates} pass WCAG on it (large text: {large_text})?",
)
def readable_text_colour(
    background: Annotated[CssColour, Like(_colour), Wrong(pick(*_NO_COLOURS))],
    candidates: Annotated[
        list[CssColour],
        Field(min_length=1, max_length=12, description="Text colours to choose from"),
        Like(several(_colour, 1, 4, unique=True)),
        Wrong(pick(*(["black", colour] for colour in _NO_COLOURS))),
    ],
    large_text: Annotated[
        bool,
        Field(description="Whether the text is at least 18 pt, or 14 pt and bold"),
        Like(pick(True, False), given=0.4),
    ] = False,
) -> TextColourChoice:
    """Rate text colours on a background by the Web Content Accessibility Guidelines 2: level AA wants a contrast of 4.5
    and AAA one of 7, for large text 3 and 4.5."""
    ground = _luminance(background, "background")
    lights = [_luminance(colour, "candidates") for colour in candidates]
    ratios = [(max(light, ground) + 0.05) / (min(light, ground) + 0.05) for light in lights]
    good, better = (3, 4.5) if large_text else (4.5, 7)
    ratings = [
        TextColourRating(
            colour=colour,
            contrast=round(ratio, 2),
            level="AAA" if ratio >= better else "AA" if ratio >= good else "fails",
        )
        for colour, ratio in zip(candidates, ratios, strict=True)
    ]
    most = max(ratios)
    return TextColourChoice(best=candidates[ratios.index(most)], acceptable=most >= good, ratings=ratings)


_SPELT = str.maketrans(
    {"ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "&": " and "}
)


def _title(rng: Random) -> str:
    dish = rng.choice(("Crème Brûlée", "Smørrebrød", "Fish & Chips", "Żurek", "Jalapeño Soup", "Grandma's Apple Pie"))
    place = rng.choice(("in São Paulo", "at Home", "for Beginners", "(Updated 2024)", "on a Budget"))
    return rng.choice(
        (
            f"{rng.randint(3, 15)} Easy Steps to {dish} {place}!",
            f"Why I Don't Cook {dish} {place}",
            f"{dish}: What Nobody Tells You {place}",
            f"How to Migrate from v{rng.randint(1, 4)}.{rng.randint(0, 9)} to v5 -- A Guide",
            f"{dish} {place}",
        )
    )


class UrlSlug(Result):
    slug: str = Field(description="Small letters, digits and the separator")
    word_count: int = Field(description="Words in it")
    truncated: bool = Field(description="Whether words were left out at the end to keep the length")


@tool(
    "Web",
    "Content",
    "Make a URL slug from '{title}'.",
    "Slug of at most {max_length} characters for the article: {title}",
    "Turn the title '{title}' into a slug, words joined by {separator}",
    "Slug for '{title}' please: at most {max_length} characters, {separator} between words.",
)
def title_to_slug(
    title: Annotated[
        str,
        Field(min_length=1, max_length=300, description="Title in Latin letters"),
        Like(_title),
        Wrong(pick("???", "日本語", "...", "привет", "--- !!! ---", "©®™ €")),
    ],
    max_length: Annotated[
        int, Field(ge=5, le=200, description="Most characters"), Like(pick(20, 25, 30, 40, 50, 60, 80))
    ] = 60,
    separator: Annotated[
        Literal["-", "_"], Field(description="What stands between words"), Like(pick("-", "_"), given=0.3)
    ] = "-",
) -> UrlSlug:
    """Make a slug for a URL: accents are dropped, & becomes and, apostrophes vanish, all else but letters and digits
    parts words; whole words are left out at the end where it is too long."""
    spelt = unicodedata.normalize("NFKD", re.sub("['’]", "", title).lower().translate(_SPELT))
    words = re.findall("[a-z0-9]+", "".join(letter for letter in spelt if not unicodedata.combining(letter)))
    if not words:
        raise Refused(
            f"parameter 'title': {title[:60]!r} has no Latin letters or digits; give a title that is written with some"
        )
    kept = words[:1]
    for word in words[1:]:
        if len(separator.join([*kept, word])) > max_length:
            break
        kept.append(word)
    slug = separator.join(kept)[:max_length]
    return UrlSlug(slug=slug, word_count=len(kept), truncated=len(slug) < len(separator.join(words)))
