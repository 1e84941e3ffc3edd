"""Chinese and Arabic numerals of markers and dates."""

from typing import Final

_DIGITS: Final = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
CHINESE: Final = "〇零一二三四五六七八九十百两"


def number(text: str) -> int | None:
    """The whole number that ``text`` writes: 12, 十二, 二十, 一百零三, 二〇二三; None for anything else."""
    if text.isascii():
        return int(text) if text.isdigit() and len(text) <= 9 else None
    if not text or any(c not in CHINESE for c in text) or len(text) > 9:
        return None
    if "十" not in text and "百" not in text:
        return int("".join(str(_DIGITS[c]) for c in text))
    total, digit = 0, 0
    for c in text:
        if c == "百":
            total, digit = total + (digit or 1) * 100, 0
        elif c == "十":
            total, digit = total + (digit or 1) * 10, 0
        else:
            digit = _DIGITS[c]
    return total + digit


def chinese(value: int) -> str:
    """The Chinese numeral of a number below 1,000, as items are counted: 十二, 二十, 一百零三."""
    digits = "〇一二三四五六七八九"
    if not 0 < value < 1_000:
        return str(value)
    hundreds, rest = divmod(value, 100)
    tens, ones = divmod(rest, 10)
    text = f"{digits[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else digits[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (digits[ones] if ones else "")
