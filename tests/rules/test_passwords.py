"""What makes a password good enough."""

import pytest

from app.rules import passwords as rules

COMMON = frozenset({"password", "qwertyuiop", "dizhenju"})


class TestCheck:
    @pytest.mark.parametrize(
        "password",
        ["correct-horse-7", "Abcdefgh12", "地震局Abcdef12", "sixteen letters ok", "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳"],
    )
    def test_takes_what_is_mixed_or_long(self, password: str) -> None:
        rules.check(password, "limin", 10, COMMON)

    @pytest.mark.parametrize(
        ("password", "refusal"),
        [
            ("Ab3-efghi", rules.PasswordTooShort),
            ("abcdefghij", rules.PasswordTooSimple),
            ("abcdefgh12", rules.PasswordTooSimple),
            ("Password123!", rules.PasswordTooCommon),
            ("DIZHENJU2026", rules.PasswordTooCommon),
            ("aaaaaaaaaaaaaaaaaaaa", rules.PasswordTooCommon),
            ("ababababab1ababababab", rules.PasswordTooCommon),
            ("xxLiMin-2026-xx", rules.PasswordContainsLogin),
        ],
    )
    def test_refuses_what_is_tried_first(self, password: str, refusal: type[Exception]) -> None:
        with pytest.raises(refusal):
            rules.check(password, "limin", 10, COMMON)

    def test_follows_the_setting(self) -> None:
        with pytest.raises(rules.PasswordTooShort) as refused:
            rules.check("Abcdefgh12", "x", 12, COMMON)
        assert refused.value.values == {"least": 12}
