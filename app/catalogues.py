"""Catalogues: the message ids of the code in the reader's language.

A language is a folder of .po files, one for each part of the product; they are read at start, so
there is no build step. English needs none: the message ids are its sentences.
"""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh_CN", "en")
_FOLDER = Path(__file__).resolve().parent / "locales"


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; an unknown language reads as English."""
    catalogue = read_all(language)
    if not len(catalogue):
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def read_all(language: str) -> Catalog:
    """All entries of a language, merged from its files in the order of their names."""
    merged = Catalog(locale=language if language in LANGUAGES else "en")
    for path in sorted((_FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string:
                    merged[message.id] = message
    return merged


def translate(language: str, message: str, values: dict[str, object] | None = None) -> str:
    """``message`` in ``language`` with its values in place; a value that is a message is not translated."""
    sentence = translations(language).gettext(message) if message else ""
    return sentence % values if values else sentence
