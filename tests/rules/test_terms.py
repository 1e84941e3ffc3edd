"""Terms: whatever LIKE finds in a text asks only for terms that the text has."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rules import terms

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MIXED = st.text("地震会商 局A aZz19（）(),.%_/\\'\"*^İıßﬀé\u0301\ufeff\ue005\n", max_size=30)


def proposes(text: str, word: str) -> bool:
    """Whether the index would propose ``text`` to somebody who asks for ``word``."""
    kept = terms.of([text])
    whole, beginnings = terms.asked(word)
    return kept >= set(whole) and all(any(term.startswith(one) for term in kept) for one in beginnings)


class TestTerms:
    @given(MIXED | WORDS, MIXED | WORDS, st.data())
    def test_of_a_part_are_among_those_of_the_whole(self, before: str, after: str, data: st.DataObject) -> None:
        word = data.draw(MIXED | WORDS)
        text = before + word + after
        for part in word.split():
            assert proposes(text, part)

    @given(MIXED | WORDS)
    def test_do_not_tell_case_apart(self, text: str) -> None:
        assert terms.of([text.lower()]) == terms.of([text])

    def test_fold_every_character_as_either_engine_would(self) -> None:
        """PostgreSQL takes the simple lower case of a character, SQLite that of Latin letters alone."""
        apart = [
            character
            for character in map(chr, range(sys.maxunicode + 1))
            if terms.fold(character) != terms.fold(character.lower())
            or (len(character.lower()) == 1 and terms.fold(character.lower()) != terms.fold(character))
        ]
        assert apart == []
        assert terms.fold("İ") == terms.fold("i") == terms.fold("I") == terms.fold("ı")

    def test_have_case_where_any_other_character_becomes_them(self) -> None:
        characters = list(map(chr, range(sys.maxunicode + 1)))
        lowered = [(one, one.lower()) for one in characters if one != one.lower()]
        assert [pair for pair in lowered if not all(map(terms.has_case, (pair[0], *pair[1])))] == []
        assert not any(map(terms.has_case, "会々。%_/１1٣ا"))

    @given(WORDS | MIXED)
    def test_are_letters_digits_and_what_is_beyond_ascii(self, text: str) -> None:
        """FTS5's tokenizer would split anything else, and a tsquery would read it as an operator."""
        for term in terms.of([text]):
            assert len(term) == 2
            assert not term.isspace()
            assert all(not character.isascii() or character.isalnum() for character in term)

    @pytest.mark.parametrize(
        ("text", "asked"),
        [
            ("会商", (["会商"], [])),
            ("会", ([], ["会"])),
            ("定期会商 会商", (["定期", "期会", "会商"], [])),
            ("GNSS", (["gn", "ns", "ss"], [])),
            ("ＧＮ", (["gn"], [])),
            ("%", ([], ["\ue025"])),
            ("", ([], [])),
            ("\u0301 \u0302", ([], [])),
        ],
    )
    def test_asked_for(self, text: str, asked: tuple[list[str], list[str]]) -> None:
        assert terms.asked(text) == asked

    def test_asked_for_are_never_too_many(self) -> None:
        whole, beginnings = terms.asked("".join(chr(0x4E00 + n) for n in range(100)))
        assert (len(whole), beginnings) == (terms.MOST_ASKED, [])


class TestScope:
    @given(st.text(st.characters(categories=["Co", "Lo", "Nd"]), max_size=6))
    def test_stands_in_no_text(self, text: str) -> None:
        assert not terms.of([terms.scope(1, 12) + text]) & {terms.scope(1, 12), terms.scope(1, 1)}
        assert not any(term.startswith(terms.scope(1, 1)[0]) for term in terms.of([terms.scope(1, 1) + text]))
