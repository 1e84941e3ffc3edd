"""Markers of items: 一、 （一） 1. （1） ① 1.1 第一章, in all their stored shapes.

Numbers run on across parents, restart, skip and stand before headings that begin with digits
(11.121人才…), so a marker is only ever read together with the number that is expected (domain rules,
section 2.1, "Numbering traps").
"""

import re
from dataclasses import dataclass
from typing import Final

from app.papers.plans.numerals import number

_CN: Final = "[一二三四五六七八九十百零〇]{1,5}"
_STYLES: Final = (
    ("chapter", 0, re.compile(rf"第{_CN}(?:章|编|篇|部分)(?=[ 　、：:]|[一-龥“])[ ：]?")),
    ("section", 1, re.compile(rf"第{_CN}节(?=[ 　、：:]|[一-龥“])[ ：]?")),
    ("chinese", 2, re.compile(rf"(?P<n>{_CN})(?:、|[.](?!\d))")),
    ("bracketed_chinese", 3, re.compile(rf"[（〔](?P<n>{_CN})[）〕][、.]?")),
    ("decimal", 4, re.compile(r"(?P<n>\d{1,3}(?:\.\d{1,3}){1,4})(?:[.、]|(?=[ 　])|(?=[一-龥“《]))")),
    ("arabic", 4, re.compile(r"(?P<n>\d{1,3})[.、]")),
    ("spaced", 4, re.compile(r"(?P<n>\d{1,2})[ 　]+(?=[一-龥“])(?=[^。；，]{2,30}$)")),
    ("bracketed_arabic", 5, re.compile(r"[（〔](?P<n>\d{1,3})[）〕][、.]?")),
    ("half_bracketed", 5, re.compile(r"(?P<n>\d{1,2})）[、.]?")),
    ("circled", 6, re.compile(r"(?P<n>[①-⑳㉑-㉟])[、.]?")),
)
_ANNEX: Final = re.compile(r"附[ ]*(?:件|表|录)[ ]*(?P<n>\d{1,2}|[一二三四五六七八九十]{1,3})?[ ]*[：.、]?[ ]*$")
_ANNEX_TITLED: Final = re.compile(
    r"附[ ]*(?:件|表|录)[ ]*(?P<n>\d{1,2}|[一二三四五六七八九十]{1,3})[ ]*[：.、 ]?[ ]*"
    r"(?P<title>[^：。；，\d][^：。；]{3,60})$"
)
_CIRCLES: Final = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
# （一）项规定 and （一）、（二）项 cite an item; they do not begin one.
_CITED: Final = re.compile(r"[项条款](?:规定|所|、|和|至|中|内容)|、（|[至和）]")


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker at the beginning of a line: its style, depth, number, step of the path, and its end."""

    style: str
    depth: int
    value: int
    step: str
    end: int


def read(folded: str, expected: dict[str, int] | None = None) -> Marker | None:
    """The marker that ``folded`` begins with. ``expected`` has the last number of each style."""
    lead = len(folded) - len(folded.lstrip(" "))
    last = expected or {}
    for style, depth, pattern in _STYLES:
        hit = pattern.match(folded, lead)
        if hit is None:
            continue
        if style == "decimal":
            parts = hit["n"].split(".")
            if not _decimal(parts, folded[hit.end() :], last):
                continue
            step = hit["n"]
            return Marker(style, depth + len(parts) - 1, int(parts[-1]), step, hit.end())
        value = _value(hit)
        if value is None:
            continue
        following = folded[hit.end() : hit.end() + 1]
        if style == "spaced" and value != last.get("arabic", 0) + 1:
            continue
        if style == "arabic" and following.isdigit() and value != last.get("arabic", 0) + 1:
            continue
        if style == "bracketed_chinese" and _CITED.match(folded, hit.end(1) + 1):
            continue
        end = hit.end() + (len(folded) - hit.end() - len(folded[hit.end() :].lstrip(" ")))
        return Marker("arabic" if style == "spaced" else style, depth, value, _step(hit, style), end)
    return None


def _value(hit: re.Match[str]) -> int | None:
    text = hit.groupdict().get("n") or hit.group()
    if text in _CIRCLES:
        return _CIRCLES.index(text) + 1
    inner = re.search(rf"{_CN}|\d+", text)
    return number(inner.group()) if inner else None


def _step(hit: re.Match[str], style: str) -> str:
    """The step of the path in its full-width form: 三, （三）, 2, （2）, ②."""
    if style in ("bracketed_chinese", "bracketed_arabic"):
        return f"（{hit['n']}）"
    if style in ("chapter", "section"):
        return hit.group().strip(" ：")
    return hit["n"]


def _decimal(parts: list[str], rest: str, last: dict[str, int]) -> bool:
    """Whether 1.1 is a number of two levels, and not item 1 whose heading begins with 1."""
    first, second = int(parts[0]), int(parts[1])
    if first == 0 or len(parts[1]) > 2 or re.match(r"[ ]*[%％倍万亿元米公吨个年月级版]", rest):
        return False
    if first == last.get("arabic", 0) + 1 and first != last.get("decimal_top", 0):
        return second == 1 and first == 1 and "arabic" not in last
    return first == last.get("arabic") or first in (last.get("decimal_top", 0), last.get("decimal_top", 0) + 1)


def lone_annex(folded: str) -> str | None:
    """The title behind 附： or 附件： without a number; a list of annexes has the same shape."""
    hit = re.fullmatch(r"附[ ]*(?:件|表)?[ ]*：[ ]*(?P<title>[^：。；，\d][^：。；]{3,60})", folded.strip())
    return hit["title"] if hit else None


def annex(folded: str) -> tuple[str, str] | None:
    """The name (附件1) and title of an annex that begins on this line."""
    text = folded.strip(" 〔〕【】")
    hit = _ANNEX.match(text)
    if hit is None:
        hit = _ANNEX_TITLED.match(text)
    if hit is None:
        return None
    kind = text[0] + text[1:3].strip(" ")[:1]
    return f"{kind}{hit['n'] or ''}", (hit.groupdict().get("title") or "").strip()
