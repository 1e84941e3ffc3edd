"""Paths of a plan: the order of their markers (三 > （一） > 2), and the marker that comes next.

Markers sort by what they count, not by how they are spelled: 十 comes after 九, （十一） after （二）. The
keys are compared by two databases under whatever collation they were made with, so they consist of
digits, lower-case letters and full stops, and steps that can stand at the same place are equally long.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Final

SEPARATOR: Final = "/"
MAX_LENGTH: Final = 200
_MAX_NUMBER: Final = 9999
_MAX_PART: Final = 99999
_DIGITS: Final = {"零": 0, "〇": 0, **{digit: value for value, digit in enumerate("一二三四五六七八九", 1)}, "两": 2}
_CN: Final = "[零〇一二两三四五六七八九十百]{1,7}"
_CIRCLES: Final = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
# The first character of a step's key is its style, in the order in which styles contain one another
# (GB/T 9704-2012, 7.3.3: 一、 > （一） > 1. > （1）). The part of a path has 0, so that all parts of an
# item stand before its children; the covering notice stands before the plan and annexes behind it.
_STYLES: Final = (
    ("1", re.compile(rf"通知(?P<n>{_CN}|\d{{1,4}})?")),
    ("2", re.compile(rf"第(?P<n>{_CN}|\d{{1,4}})(?:章|编|篇|部分)")),
    ("3", re.compile(rf"第(?P<n>{_CN}|\d{{1,4}})(?:节|条)")),
    ("4", re.compile(rf"(?P<n>{_CN})")),
    ("5", re.compile(rf"[（(](?P<n>{_CN})[）)]")),
    ("6", re.compile(r"(?P<n>\d{1,4})")),
    ("7", re.compile(r"[（(]?(?P<n>\d{1,4})[）)]")),
    ("8", re.compile(rf"(?P<n>[{_CIRCLES}])")),
)
_DECIMAL: Final = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,5}")
_ANNEX: Final = re.compile(rf"附(?P<kind>件|表|录)(?P<n>{_CN}|\d{{1,4}})?")
_OTHER, _ANNEXES, _DECIMALS, _FOLDED = "9", "a", "c", "f"
# The key of a marker that counts, as it begins the rest of a key; and of how many characters it has at most.
_COUNTING: Final = re.compile(rf"(?:6\d{{4}}(?:\.{_DECIMALS}\d{{4}})+|[1-8]\d{{4}}|{_ANNEXES}\d{{5}})")
_LONGEST_STEP: Final = 35
# A key that would be too long keeps as many of its outer steps as fit into this.
_UNFOLDED: Final = MAX_LENGTH - 40


def sort_key(path: Sequence[str], part: int) -> str:
    """The text by which the tasks of one plan sort as the plan does; at most 200 ASCII characters.

    ``path`` is the markers from the outermost, such as ``["附件1", "三", "（一）", "2"]``, and ``part``
    counts from 1 the marks of responsibility of one path. Of two paths, the one whose first
    differing marker counts less comes first, a path comes before what lies below it, and parts of
    one path follow each other. Two spellings of one number, （2） and 2）, have the same key; a marker
    that is not known sorts after those that are, by its own text. Numbers beyond 9999 are text.
    """
    steps = [_step(step) for step in path if step.strip()]
    end = f"0{max(0, min(part, _MAX_PART)):05d}"
    key = ".".join([*steps, end])
    if len(key) <= MAX_LENGTH:
        return key
    kept = _kept(steps)
    folded = hashlib.sha256(".".join(steps[len(kept) :]).encode()).hexdigest()[:24]
    return ".".join([*kept, _FOLDED + folded, end])


def next_step(parent: Sequence[str], siblings: Sequence[str]) -> str:
    """The marker that follows ``siblings``, the last steps of the tasks already under ``parent``.

    It goes on in the style of the sibling that sorts last; the first of all takes the style below the
    parent's: （一） under 三, 1 under （一）, （1） under 1, ① under （1）, and 1 below that. Where the style ends
    (after ⑳) it goes on in one that does not, behind what is there. After 9999 it is a marker that counts nothing.
    """
    return _following(parent, [_step(step) for step in siblings if number_of(step) is not None])


def next_below(path: Sequence[str], keys: Sequence[str]) -> str:
    """``next_step`` below ``path``, from the largest sort key in each of ``spans_below``."""
    start = len(_below(path))
    return _following(path, [hit.group() for key in keys if (hit := _COUNTING.match(key, start))])


def spans_below(path: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """Where the keys of the counting markers below ``path`` lie, from one and up to another, in their order.

    The largest keys of these spans say what comes next, whatever else is there: an index gives them at once.
    Keys of paths that are nested so deeply that what lies below them may be folded say nothing: None.
    """
    below = _below(path)
    if len(below) > _UNFOLDED - _LONGEST_STEP:
        return None
    # ⑳ is followed in the style before its own, so both are asked for; behind them are markers that count nothing.
    return tuple((f"{below}{first}", f"{below}{last}") for first, last in (("1", "8"), ("8", _OTHER), ("a", "b")))


def span_around(path: Sequence[str]) -> tuple[str, str]:
    """Between which keys all tasks below ``path`` lie, folded ones too; others may lie there as well."""
    below = ".".join(_kept([_step(step) for step in path if step.strip()]))
    return (f"{below}.0", f"{below}.g") if below else ("0", "g")


def number_of(step: str) -> int | None:
    """What a marker counts, 11 for （十一）; None where it counts nothing. Decimals count their last."""
    text = step.strip()
    if _DECIMAL.fullmatch(text):
        return int(text.rpartition(".")[2])
    for pattern in (_ANNEX, *(pattern for _, pattern in _STYLES)):
        hit = pattern.fullmatch(text)
        if hit is not None:
            return _value(hit["n"])
    return None


def numeral(number: int) -> str:
    """``number`` from 1 to 999 in Chinese numerals as markers use them: 十, 十一, 二十, 一百零二."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    digits = "零一二三四五六七八九"
    text = f"{digits[hundreds]}百" if hundreds else ""
    if tens:
        text += "十" if tens == 1 and not hundreds else f"{digits[tens]}十"
    elif hundreds and ones:
        text += "零"
    return text + (digits[ones] if ones else "")


def spoken(path: str) -> str:
    """A stored path as people write it: 三（一）2 for 三/（一）/2; a space where two markers would run together."""
    text = ""
    for step in path.split(SEPARATOR):
        touching = text and step and text[-1].isalnum() and step[0].isalnum()
        chinese_then_arabic = touching and step[0].isascii() != text[-1].isascii() and len(text) < 3
        text += f" {step}" if touching and not chinese_then_arabic else step
    return text


def _kept(steps: Sequence[str]) -> list[str]:
    kept: list[str] = []
    while len(kept) < len(steps) and len(".".join([*kept, steps[len(kept)]])) <= _UNFOLDED:
        kept.append(steps[len(kept)])
    return kept


def _below(path: Sequence[str]) -> str:
    """What the keys below ``path`` begin with."""
    return "".join(f"{_step(step)}." for step in path if step.strip())


def _following(parent: Sequence[str], siblings: Sequence[str]) -> str:
    """The marker behind those with the keys ``siblings``."""
    if not siblings:
        below = {"1": "4", "2": "4", "3": "4", "4": "5", "5": "6", "6": "7", "7": "8", _ANNEXES: "4", _DECIMALS: "7"}
        return _counted(below.get(_style(parent[-1]), "6") if parent else "4", 1)
    last = max(siblings)
    if _DECIMALS in last:
        counts = [int(part[1:]) for part in last.split(".")]
        return ".".join(map(str, [*counts[:-1], counts[-1] + 1]))
    style, count = last[0], int(last[1:5])
    if style == "8" and count >= len(_CIRCLES):
        style = "7"
        count = max([count, *(int(key[1:5]) for key in siblings if key[0] == style)])
    return _counted(style, count + 1)


def _step(step: str) -> str:
    text = step.strip()
    if _DECIMAL.fullmatch(text):
        parts = [int(part) for part in text.split(".")]
        return ".".join([f"6{parts[0]:04d}", *(f"{_DECIMALS}{part:04d}" for part in parts[1:])])
    annex = _ANNEX.fullmatch(text)
    if annex is not None and (count := _value(annex["n"])) is not None:
        return f"{_ANNEXES}{count:04d}{'件表录'.index(annex['kind'])}"
    for style, pattern in _STYLES:
        hit = pattern.fullmatch(text)
        if hit is not None and (count := _value(hit["n"])) is not None:
            return f"{style}{count:04d}"
    head = "".join(f"{ord(character):06x}" for character in text[:2].ljust(2, "\0"))
    return f"{_OTHER}{head}{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _style(step: str) -> str:
    key = _step(step)
    return _DECIMALS if _DECIMALS in key and key[0] == "6" else key[0]


def _value(text: str | None) -> int | None:
    if text is None:
        return 0
    if text in _CIRCLES:
        return _CIRCLES.index(text) + 1
    if text.isdigit() and text.isascii():
        return int(text)
    if not any(unit in text for unit in "十百"):
        digits = [_DIGITS[character] for character in text if character in _DIGITS]
        value = int("".join(map(str, digits))) if digits and len(digits) == len(text) else None
        return value if value is not None and value <= _MAX_NUMBER else None
    return _composed(text)


def _composed(text: str) -> int | None:
    hit = re.fullmatch(
        r"(?:([一二两三四五六七八九])百)?零?(?:([一二三四五六七八九])?(十))?([一二三四五六七八九])?", text
    )
    if hit is None:
        return None
    hundreds, tens, ten, ones = hit.groups()
    value = 100 * _DIGITS[hundreds] if hundreds else 0
    if ten:
        value += 10 * (_DIGITS[tens] if tens else 1)
    return value + (_DIGITS[ones] if ones else 0)


def _counted(style: str, count: int) -> str:
    chinese = numeral(count) if count < 1000 else str(count)
    if style == "8" and count > len(_CIRCLES):
        style = "7"
    return {
        "4": chinese,
        "5": f"（{chinese}）",
        "7": f"（{count}）",
        "8": _CIRCLES[min(count, len(_CIRCLES)) - 1],
        "2": f"第{chinese}章",
        "3": f"第{chinese}节",
        _ANNEXES: f"附件{count}",
    }.get(style, str(count))


__all__ = [
    "MAX_LENGTH",
    "SEPARATOR",
    "next_below",
    "next_step",
    "number_of",
    "numeral",
    "sort_key",
    "span_around",
    "spans_below",
    "spoken",
]
