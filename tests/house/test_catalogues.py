"""Catalogues: every sentence of the code has its Chinese, and no Chinese has lost its sentence."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.house.tree import APP, name

FILES = sorted((APP / "locales").rglob("*.po"))
METHODS = [("locales/**", "ignore"), ("static/**", "ignore"), ("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.i18n, jinja2.ext.do", "trimmed": "false", "silent": "false"}}
_PLACE = re.compile(r"%\((\w+)\)[sd]")
_CHINESE = re.compile(r"[一-鿿]")


def _identity(message: object) -> str:
    return message[0] if isinstance(message, tuple) else str(message)


def _used() -> dict[str, str]:
    """Message id > where it stands."""
    found = extract_from_dir(APP, METHODS, OPTIONS, KEYWORDS)
    return {_identity(message): f"app/{path}:{line}" for path, line, message, _, _ in found}


def _entries(path: Path) -> Iterator[tuple[str, object]]:
    with path.open("rb") as file:
        catalogue: Catalog = read_po(file, locale="zh_CN")
    for message in catalogue:
        if message.id:
            yield _identity(message.id), message


USED = _used()
TRANSLATED = [(message_id, message, path) for path in FILES for message_id, message in _entries(path)]


def test_every_sentence_has_its_chinese() -> None:
    known = {message_id for message_id, _, _ in TRANSLATED}
    assert {message_id: place for message_id, place in sorted(USED.items()) if message_id not in known} == {}


def test_no_entry_has_lost_its_sentence() -> None:
    assert sorted(f"{path.name}: {message_id}" for message_id, _, path in TRANSLATED if message_id not in USED) == []


def test_no_sentence_is_translated_twice() -> None:
    doubled = [message_id for message_id, count in Counter(entry[0] for entry in TRANSLATED).items() if count > 1]
    assert sorted(doubled) == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_entries_are_certain_and_whole(path: Path) -> None:
    wrong = []
    for message_id, message in _entries(path):
        texts = message.string if isinstance(message.string, tuple | list) else [message.string]  # type: ignore[attr-defined]
        if message.fuzzy or not all(texts):  # type: ignore[attr-defined]
            wrong.append(message_id)
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_places_for_values_are_the_same(path: Path) -> None:
    wrong = []
    for _, message in _entries(path):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)  # type: ignore[attr-defined]
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)  # type: ignore[attr-defined]
        wanted = {place for text in ids for place in _PLACE.findall(text)}
        wrong += [text for text in texts if set(_PLACE.findall(text)) != wanted]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_chinese_is_typeset_as_chinese(path: Path) -> None:
    """Full-width marks after Chinese, and no exclamation marks: the product does not shout."""
    texts = [
        text
        for _, message in _entries(path)
        for text in (message.string if isinstance(message.string, tuple | list) else (message.string,))  # type: ignore[attr-defined]
    ]
    assert [text for text in texts if re.search(r"[一-鿿][,;:!?](?!\S)|！|!$", text)] == []


def test_ids_are_english() -> None:
    """A sentence may cite a Chinese word or two, such as the 等 that ends a list."""
    assert [f"{place}: {text}" for text, place in USED.items() if len(_CHINESE.findall(text)) > 4] == []
