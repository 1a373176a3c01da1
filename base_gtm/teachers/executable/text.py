"""Prose: counts, readability, keywords, spelling distance, letter cases, acronyms, line wrapping."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Draw, Like, Refused, Result, Wrong, pick, several, tool, whole

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_END = re.compile(r"[.!?]+(?:\s+|$)")

_WHO = (
    "The harbour master | My neighbour Ingrid | A retired engineer | The school orchestra | "
    "Our youngest colleague | The night watchman | Doctor Okafor | A small museum in Leeds | The city council | "
    "The ferry company | An anonymous donor | The head gardener | A team of volunteers | The bakery on the corner | "
    "Professor Lindqvist"
).split(" | ")
_DID = (
    "repaired the old clock | published a report on coastal flooding | moved to a larger building | won the award | "
    "cancelled the Tuesday meeting | counted every boat in the harbour | opened a second bakery | "
    "wrote a long letter | bought forty-two folding chairs | planted an orchard | lost the only key | "
    "rewrote the safety manual | discovered a forgotten manuscript | doesn't answer the telephone | "
    "doubled the budget | found the missing report"
).split(" | ")
_WHEN = (
    "before the storm arrived | without telling anyone | in the spring of 2019 | after a long discussion | "
    "because the roof was leaking | for the third time this year | despite the cold weather | on Monday morning | "
    "at a cost of 12,000 pounds | with remarkable patience | while the harbour was closed | as everyone had expected"
).split(" | ")


def _passage(least: int, most: int) -> Draw:
    """Sentences about the same few people and deeds, so that words return."""

    def drawn(rng: Random) -> str:
        who, did = rng.sample(_WHO, 2), rng.sample(_DID, 3)
        sentences = [
            f"{rng.choice(who)} {rng.choice(did)} {rng.choice(_WHEN)}{rng.choice('.....!')}"
            for _ in range(rng.randint(least, most))
        ]
        return " ".join(sentences)

    return drawn


Passage = Annotated[
    str,
    Field(min_length=1, max_length=2000, description="Text in English"),
    Like(_passage(1, 4)),
    Wrong(pick("...", "!!! ??? !!!", "--- *** ---", " ", "¿?", "* * *")),
]


def _words(text: str) -> list[str]:
    words = _WORD.findall(text)
    if not words:
        raise Refused(f"parameter 'text': {text!r} has no words; give a text with at least one letter or digit")
    return words


def _sentences(text: str) -> int:
    return sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text))


class WordStatistics(Result):
    words: int = Field(description="Words in all")
    distinct_words: int = Field(description="Different words, without regard to case")
    sentences: int = Field(description="Sentences, each ended by . ! or ? before a space")
    characters: int = Field(description="Characters, spaces included")
    average_word_length: float = Field(description="Characters a word, to two places")
    longest_word: str = Field(description="The longest word, the first of several")
    reading_seconds: int = Field(description="Time to read it silently, in whole seconds")


@tool(
    "Text",
    "Statistics",
    "How many words and sentences are in this? {text}",
    "Word count, longest word and reading time at {words_per_minute} words a minute please:\n{text}",
    "Give me the usual statistics for the following paragraph.\n\n{text}",
)
def word_statistics(
    text: Passage,
    words_per_minute: Annotated[
        int, Field(ge=50, le=1000, description="Reading speed"), Like(pick(120, 150, 180, 200, 238, 250, 300))
    ] = 238,
) -> WordStatistics:
    """Counts of words, sentences and characters, and the reading time. A word may hold apostrophes and hyphens."""
    words = _words(text)
    return WordStatistics(
        words=len(words),
        distinct_words=len({word.lower() for word in words}),
        sentences=_sentences(text),
        characters=len(text),
        average_word_length=round(sum(map(len, words)) / len(words), 2),
        longest_word=max(words, key=len),
        reading_seconds=round(60 * len(words) / words_per_minute),
    )


Level = Literal["very easy", "easy", "fairly easy", "standard", "fairly difficult", "difficult", "very difficult"]
_LEVELS: Sequence[tuple[float, Level]] = (
    (90, "very easy"),
    (80, "easy"),
    (70, "fairly easy"),
    (60, "standard"),
    (50, "fairly difficult"),
    (30, "difficult"),
)


class Readability(Result):
    reading_ease: float = Field(description="Flesch reading ease; higher is easier, 60 to 70 is plain English")
    grade_level: float = Field(description="Flesch-Kincaid grade, in years of American school")
    level: Level = Field(description="Flesch's name for that reading ease")
    syllables: int = Field(description="Syllables in all")
    words_per_sentence: float = Field(description="Mean length of a sentence")


def _syllables(word: str) -> int:
    """Runs of vowels, without a silent e at the end."""
    small = word.lower()
    silent = re.search(r"[^aeiouyl]e$|[aeiouy]le$", small) is not None
    return max(1, len(re.findall(r"[aeiouyà-öø-ÿ]+", small)) - silent)


@tool(
    "Text",
    "Statistics",
    "How hard is this to read? {text}",
    "Flesch score of the following passage, please.\n{text}",
    "I want to know the reading ease and the school grade of: {text}",
)
def flesch_readability(text: Passage) -> Readability:
    """Flesch reading ease and Flesch-Kincaid grade of an English text. A syllable is a run of vowels; a silent e at the
    end of a word does not count."""
    words = _words(text)
    syllables = sum(map(_syllables, words))
    length, weight = len(words) / _sentences(text), syllables / len(words)
    ease = round(206.835 - 1.015 * length - 84.6 * weight, 2)
    return Readability(
        reading_ease=ease,
        grade_level=round(0.39 * length + 11.8 * weight - 15.59, 2),
        level=next((name for least, name in _LEVELS if ease >= least), "very difficult"),
        syllables=syllables,
        words_per_sentence=round(length, 2),
    )


_STOP_WORDS = frozenset(
    "a about after again all also although an and any are as at be because been before being but by can could despite "
    "did do does doesn't don't down during each every few for from had has have he her here hers him his how i if in "
    "into is it its itself just me more most my no nor not now of off on once only or other our ours out over own same "
    "she should so some such than that the their theirs them then there these they this those through to too under "
    "until up very was we were what when where which while who whom why will with without would you your yours".split()
)


class Keyword(Result):
    word: str = Field(description="The word in small letters")
    count: int = Field(description="How often it stands there")
    percent: float = Field(description="Share of the counted words")


class KeywordTable(Result):
    keywords: list[Keyword] = Field(description="The most frequent first, equal ones in alphabetical order")
    counted_words: int = Field(description="Words that were counted, without stop words and short ones")


@tool(
    "Text",
    "Statistics",
    "What are the most frequent words in this text, leaving out filler words? {text}",
    "Top {top} keywords of:\n{text}",
)
def keyword_frequency(
    text: Annotated[
        str,
        Field(min_length=1, max_length=2000, description="Text in English"),
        Like(_passage(2, 6)),
        Wrong(pick("and the of it is", "to be or not to be", "...", "of the, by the, for the", "I am")),
    ],
    top: Annotated[int, Field(ge=1, le=25, description="How many keywords to list"), Like(whole(2, 8))] = 5,
) -> KeywordTable:
    """The most frequent words of an English text, without stop words and words of fewer than three characters."""
    words = [word for word in map(str.lower, _words(text)) if len(word) > 2 and word not in _STOP_WORDS]
    if not words:
        raise Refused(f"parameter 'text': {text[:60]!r} has no words but stop words; give a text with content words")
    ranked = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))[:top]
    keywords = [Keyword(word=word, count=n, percent=round(100 * n / len(words), 2)) for word, n in ranked]
    return KeywordTable(keywords=keywords, counted_words=len(words))


def _misspelt(rng: Random) -> Mapping[str, Any]:
    """A word, and what somebody wrote for it; now and then another word."""
    known = (
        "accommodate receive Wednesday rhythm separate definitely kitten necessary government Mississippi embarrass "
        "colour library Stockholm Johansson occurrence maintenance restaurant privilege tomorrow questionnaire "
        "neighbour Catherine Müller vacuum"
    ).split()
    first = rng.choice(known)
    letters = list(first)
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(letters))
        change = rng.choice(("drop", "double", "swap", "replace"))
        if change == "drop" and len(letters) > 2:
            del letters[at]
        elif change == "double":
            letters.insert(at, letters[at])
        elif change == "swap" and at + 1 < len(letters):
            letters[at : at + 2] = letters[at + 1], letters[at]
        elif change == "replace":
            letters[at] = rng.choice("aeioustrnl")
    second = "".join(letters) if rng.random() < 0.8 else rng.choice(known)
    return {"first": first, "second": second.upper() if rng.random() < 0.1 else second}


class EditDistance(Result):
    distance: int = Field(description="Fewest insertions, deletions and substitutions that turn one into the other")
    similarity: float = Field(description="1 less the distance over the longer length; 1 is equal")
    identical: bool = Field(description="Whether nothing need be changed")


def _edits(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for at, letter in enumerate(first, 1):
        above, row = row, [at]
        for column, other in enumerate(second, 1):
            row.append(min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != other)))
    return row[-1]


@tool(
    "Text",
    "Comparison",
    "How many edits are there between {first} and {second}?",
    "Levenshtein distance: '{first}' vs '{second}'",
    "Compare the spellings {first} and {second} (ignore case: {ignore_case}). How similar are they?",
    together=_misspelt,
)
def levenshtein_distance(
    first: Annotated[str, Field(min_length=1, max_length=60, description="One text")],
    second: Annotated[str, Field(min_length=1, max_length=60, description="The other text")],
    ignore_case: Annotated[
        bool, Field(description="Whether a capital equals its small letter"), Like(pick(True, False), given=0.3)
    ] = False,
) -> EditDistance:
    """Levenshtein distance of two short texts: each insertion, deletion or substitution of a character costs one."""
    if ignore_case:
        first, second = first.lower(), second.lower()
    distance = _edits(first, second)
    similarity = round(1 - distance / max(len(first), len(second)), 4)
    return EditDistance(distance=distance, similarity=similarity, identical=distance == 0)


_PALINDROMES = (
    "A man, a plan, a canal: Panama | Was it a car or a cat I saw? | Never odd or even | racecar | Hannah | noon | "
    "Madam, I'm Adam | No lemon, no melon | Able was I ere I saw Elba | rotator | 12321 | 02/02/2020 | kayak | "
    "Step on no pets | Do geese see God? | Mr. Owl ate my metal worm | Saippuakivikauppias | Eva, can I see bees? | "
    "palindrome | banana | Anna went home | level crossing | 123454321 | radar station | Otto | deified"
).split(" | ")


class PalindromeVerdict(Result):
    is_palindrome: bool = Field(description="Whether it reads the same backwards")
    compared: str = Field(description="The characters that were compared")
    longest_palindrome: str = Field(
        description="Longest run in them that reads the same backwards, the first of several"
    )


def _around(text: str, left: int, right: int) -> str:
    while left >= 0 and right < len(text) and text[left] == text[right]:
        left, right = left - 1, right + 1
    return text[left + 1 : right]


@tool(
    "Text",
    "Comparison",
    "Is '{text}' a palindrome?",
    "Does this read the same backwards: {text}",
    "Palindrome check (exact: {exact}): {text}",
)
def palindrome_check(
    text: Annotated[
        str,
        Field(min_length=1, max_length=120, description="Word, phrase or number"),
        Like(
            lambda rng: (
                rng.choice(_PALINDROMES)
                if rng.random() < 0.6
                else str(rng.randrange(10**2, 10**5)) + rng.choice(("", "1", "21"))
            )
        ),
        Wrong(pick("?!", "...", "- - -", "***", "()")),
    ],
    exact: Annotated[
        bool, Field(description="Whether case, spaces and punctuation matter"), Like(pick(True, False), given=0.3)
    ] = False,
) -> PalindromeVerdict:
    """Whether a text reads the same backwards; unless exact, only its letters and digits count, without case."""
    letters = [letter for letter in text.lower() if letter.isalnum()]
    if not letters:
        raise Refused(f"parameter 'text': {text!r} has neither letters nor digits; give a word, a phrase or a number")
    compared = text if exact else "".join(letters)
    runs = [_around(compared, at, at + even) for at in range(len(compared)) for even in (0, 1)]
    return PalindromeVerdict(
        is_palindrome=compared == compared[::-1], compared=compared, longest_palindrome=max(runs, key=len)
    )


Style = Literal["snake_case", "kebab-case", "camelCase", "PascalCase", "CONSTANT_CASE", "Title Case"]
_STYLES: Sequence[Style] = ("snake_case", "kebab-case", "camelCase", "PascalCase", "CONSTANT_CASE", "Title Case")
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+")


def _in_style(words: Sequence[str], style: Style) -> str:
    small = [word.lower() for word in words]
    humps = "".join(word.capitalize() for word in small)
    styled = {
        "snake_case": "_".join(small),
        "kebab-case": "-".join(small),
        "camelCase": small[0] + humps[len(small[0]) :],
        "PascalCase": humps,
        "CONSTANT_CASE": "_".join(small).upper(),
        "Title Case": " ".join(word.capitalize() for word in small),
    }
    return styled[style]


def _identifier(rng: Random) -> str:
    nouns = "user order invoice payment session customer request page token HTTP server JSON error retry max count"
    words = several(pick(*nouns.split(), "total", "price", "id", "URL", "utf8", "created", "at", "is", "valid"), 2, 4)(
        rng
    )
    joined = "".join(word if word.isupper() else word.capitalize() for word in words)
    return joined if rng.random() < 0.2 else _in_style(words, rng.choice(_STYLES))


class StyledName(Result):
    converted: str = Field(description="The name in the style")
    words: list[str] = Field(description="The words it was split into, in small letters")


@tool(
    "Text",
    "Transformation",
    "Convert {name} to {style}.",
    "How would the identifier '{name}' look in {style}?",
)
def identifier_case_convert(
    name: Annotated[
        str,
        Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9_ .-]+$", description="Name in any common style"),
        Like(_identifier),
        Wrong(pick("___", "- -", "...", "_", "--", "._.")),
    ],
    style: Annotated[Style, Field(description="Style wanted"), Like(pick(*_STYLES))],
) -> StyledName:
    """Rewrite an identifier in another letter-case style. Humps and separators split words; a run of capitals is one
    word, and digits stay with the letters before them."""
    words = [word.lower() for word in _NAME_PARTS.findall(name)]
    if not words:
        raise Refused(
            f"parameter 'name': {name!r} holds no words; give a name with letters or digits, such as 'userId'"
        )
    return StyledName(converted=_in_style(words, style), words=words)


_SMALL_WORDS = frozenset("a an and at by de for from in la of on or the to with".split())


def _phrase(rng: Random) -> str:
    known = (
        "Light Amplification by Stimulated Emission of Radiation | as soon as possible | "
        "Portable Network Graphics | frequently asked questions | self-contained underwater breathing apparatus | "
        "central processing unit | Random Access Memory | North Atlantic Treaty Organization | "
        "what you see is what you get"
    ).split(" | ")
    scope = rng.choice(("International", "European", "National", "Joint", "Nordic", "Pacific", "United"))
    body = rng.choice(("Society for", "Institute of", "Agency for", "Council on", "Federation of", "Centre for"))
    theme = rng.choice(
        ("Applied Robotics", "Marine Research", "Public Health", "Rural Energy and Water", "Data Standards")
    )
    return rng.choice(known) if rng.random() < 0.25 else f"{scope} {body} {theme}"


class Acronym(Result):
    acronym: str = Field(description="Initials in capitals")
    words: list[str] = Field(description="The words whose initials were taken")


@tool(
    "Text",
    "Transformation",
    "What is the acronym of {phrase}?",
    "Abbreviate '{phrase}' to its initials, with dots: {dotted}.",
    "Make an acronym from: {phrase}",
)
def phrase_acronym(
    phrase: Annotated[
        str,
        Field(min_length=1, max_length=200, description="Name or phrase"),
        Like(_phrase),
        Wrong(pick("1984 2001", "...", "of the and", "42 %", "& / &")),
    ],
    dotted: Annotated[bool, Field(description="Whether a dot follows each initial"), Like(pick(True, False))] = False,
) -> Acronym:
    """Acronym from the initials of the words of a phrase; articles and prepositions are passed over, and a hyphen parts
    words."""
    words = [word for word in re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*", phrase) if word.lower() not in _SMALL_WORDS]
    if not words:
        raise Refused(
            f"parameter 'phrase': {phrase!r} has no words that give initials; name something, such as a society"
        )
    mark = "." if dotted else ""
    return Acronym(acronym="".join(word[0].upper() + mark for word in words), words=words)


Alignment = Literal["left", "right", "centre"]


class WrappedParagraph(Result):
    lines: list[str] = Field(description="The lines, none longer than the width")
    line_count: int = Field(description="How many lines")
    longest_line: int = Field(description="Characters of the longest line, its padding on the left included")


@tool(
    "Text",
    "Transformation",
    "Wrap this at {width} characters: {text}",
    "Break the paragraph into lines of at most {width} columns, {alignment} aligned.\n{text}",
)
def wrap_paragraph(
    text: Passage,
    width: Annotated[
        int, Field(ge=10, le=200, description="Characters a line"), Like(pick(20, 24, 30, 32, 40, 60, 72, 80))
    ],
    alignment: Annotated[
        Alignment, Field(description="Side on which lines are even"), Like(pick("left", "right", "centre"), given=0.4)
    ] = "left",
) -> WrappedParagraph:
    """Break a paragraph into lines at its spaces; runs of white space become one space, and a word that is longer than
    the width is cut."""
    import textwrap

    _words(text)
    lines = textwrap.wrap(" ".join(text.split()), width)
    if alignment == "right":
        lines = [line.rjust(width) for line in lines]
    elif alignment == "centre":
        lines = [line.center(width).rstrip() for line in lines]
    return WrappedParagraph(lines=lines, line_count=len(lines), longest_line=max(map(len, lines)))
