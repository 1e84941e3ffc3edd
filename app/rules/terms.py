"""The terms under which the index keeps a text: every two characters that follow each other.

What LIKE finds in a text, a word inside or across words of any script, shares all its pairs of
characters with that text. So the index proposes every text that LIKE would find, and some more, and
LIKE has the last word. Characters are folded one by one, never together: a part of a text stays a
part of the folded text. A term consists of letters, digits and characters beyond ASCII alone, so that
neither engine's tokenizer splits or changes it.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

_END = "\ue0ff"  # Follows the last character of a word, so that every character begins a pair.
_SCOPE = "\uf000"
_PUNCTUATION = 0xE000
_PRIVATE = "\uf8ff"
# An engine may take these for one letter, and case folding does not.
_SAME = {"ı": "i"}
MOST_ASKED = 24


def of(texts: Iterable[str]) -> frozenset[str]:
    """All terms of some texts, of which none runs into the next."""
    found: set[str] = set()
    for text in texts:
        for word in text.split():
            folded = fold(word)
            if folded:
                found.update(map("".join, pairwise(folded + _END)))
    return frozenset(found)


def asked(text: str) -> tuple[list[str], list[str]]:
    """What a search of ``text`` asks for: terms, and beginnings of terms for words of one character.

    All of them occur in whatever holds every word of ``text``. A word of marks alone asks for nothing.
    """
    whole: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    for word in text.split():
        folded = fold(word)
        if len(folded) == 1:
            beginnings.setdefault(folded)
        whole.update(dict.fromkeys(map("".join, pairwise(folded))))
    return list(whole)[:MOST_ASKED], list(beginnings)[:MOST_ASKED]


def scope(kind: int, programme_id: int) -> str:
    """The term of everything of one kind in one programme; no text can hold it."""
    return f"{_SCOPE}{kind}p{programme_id}"


def has_case(word: str) -> bool:
    """Whether an engine may find ``word`` in a text that holds it in another case only."""
    # Marks count, because the small letter of some capitals carries one.
    return not word.lower() == word == word.upper() or any(map(unicodedata.combining, word))


def fold(text: str) -> str:
    """``text`` without case, width, accents and form; some characters vanish, none is moved."""
    return "".join(map(_folded, text))


@lru_cache(maxsize=1 << 16)
def _folded(character: str) -> str:
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character.lower()).casefold())
    return "".join(_kept(_SAME.get(part, part)) for part in parts if not unicodedata.combining(part))


def _kept(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else chr(_PUNCTUATION + ord(character))
    return _PRIVATE if unicodedata.category(character) in ("Co", "Cs") else character
