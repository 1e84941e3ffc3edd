"""Deadline phrases: which words are one, and the dates they stand for (domain rules, section 2.2).

A phrase is answered verbatim; its normal form is a proposal that a person confirms. The window of a
policy (2019年1月1日至12月31日) and a duration (5年内) are not deadlines.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from app.papers.plans.numerals import number


class DueKind(StrEnum):
    """How a deadline binds."""

    FIXED = "fixed"
    RANGE = "range"
    RELATIVE = "relative"
    RECURRING = "recurring"
    OPEN_ENDED = "open_ended"
    IMMEDIATE = "immediate"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Due:
    """The normal form of a deadline: its kind, its days, and whether the year was only inferred."""

    kind: DueKind
    starts_on: date | None = None
    ends_on: date | None = None
    year_assumed: bool = False


_YEAR: Final = r"(?:(?:19|20)\d{2}|二〇[〇一二三四五六七八九]{2})年度?"
_SPOKEN_YEAR: Final = r"(?:今年|明年|本年度?|当年|次年|后年)"
_Y: Final = rf"(?:{_YEAR}|{_SPOKEN_YEAR})"
_M: Final = r"(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月份?"
_D: Final = r"(?:[12]\d|3[01]|0?[1-9])[日号]"
_PART: Final = r"(?:年?底|年?末|年中|年初|上旬|中旬|下旬|初)"
_QUARTER: Final = r"第?[一二三四1-4]季度末?|[上下]半年|前三季度"
_BEFORE: Final = r"(?:之前|以前|前|以内|之内|内)"
_DAY_END: Final = r"(?:24时|24点|零时|下班)?"
_FEAST: Final = (
    "(?:元旦|春节|两节|清明节?|五一|劳动节|端午节?|“?七一”?|中秋节?|“?十一”?|国庆节?|汛期|入汛|供暖期|采暖期|冬季|开学)"
)
_FIVE_YEAR: Final = r"“?十[二三四五六七]五”?"
_DOCUMENT: Final = r"(?:本|该|此)?(?:实施)?(?:意见|通知|方案|规划|计划|办法|规定|措施|文件|要点|细则)?"
_AMOUNT: Final = r"(?:\d{1,3}|[一二三四五六七八九十两半]{1,3})个?(?:工作日|自然日|日|天|周|月|年)"

_ISSUE: Final = "(?:印发|发布|公布|下发|施行|实施|出台|发文)"
_AFTER: Final = rf"(?:自|从)?{_DOCUMENT}(?:正式)?{_ISSUE}(?:之日起?|后|起)的?{_AMOUNT}(?:以内|之内|内)"
_RECURRING: Final = (
    r"每(?:半年|季度|年度|年|季|月|周|旬|两年|两月|个月)(?:的?[\d一二三四五六七八九十首末最后一个第季月年度的上中下旬周]{0,12}"
    r"(?:月底|月末|年底|季末|底|末|[日号]|初|上旬|中旬|下旬|月|周[一二三四五])(?:之前|以前|前)?)"
)
_FORMS: Final = (
    ("relative", _AFTER),
    ("recurring", _RECURRING),
    ("span", rf"{_YEAR}起(?:\d{{1,2}}|[一二三四五六七八九十]{{1,2}})年(?:内|时间)?"),
    ("until", rf"[到至]{_Y}(?:年?底|年?末|{_M}(?:底|末|{_D})?|{_QUARTER})?(?:之前|以前|前)?"),
    ("until", r"到年底(?:之前|以前|前)?"),
    ("until", rf"到{_FIVE_YEAR}(?:规划)?(?:期末|期间末|末)"),
    ("before", rf"{_Y}(?:{_M}(?:{_D}{_DAY_END}|{_PART})?|{_PART}|{_QUARTER})?{_BEFORE}"),
    ("before", rf"{_M}(?:{_D}{_DAY_END}|{_PART}){_BEFORE}"),
    ("before", rf"(?:{_Y})?{_FEAST}{_BEFORE}"),
    ("before", rf"(?:{_QUARTER}){_BEFORE}"),
    ("before", r"年(?:底|末|中)(?:之前|以前|前)|(?<![\d一二三四五六七八九十两几多半数每])年内"),
    ("point", rf"{_Y}(?:{_M}(?:底|末|上旬|中旬|下旬|{_D})|年?底|年?末|年中|{_QUARTER}|{_M})"),
    ("until", r"年底"),
    ("point", rf"{_M}(?:底|末|上旬|中旬|下旬)|{_QUARTER}"),
)
_RANGE_DAY: Final = rf"(?:{_Y})?(?:{_M}(?:{_D}|{_PART})?|{_PART}|{_QUARTER})"
_RANGE: Final = (
    rf"{_Y}(?:{_M}(?:{_D}|{_PART})?|{_PART}|{_QUARTER})?(?:至|到|—+|-+|～)(?:{_RANGE_DAY}|{_Y})"
    rf"|(?:19|20)\d{{2}}(?:至|到|—+|-+|～){_YEAR}"
)
_FINDER: Final = re.compile(
    "|".join([f"(?P<range>{_RANGE}起?)"] + [f"(?P<f{i}_{kind}>{form})" for i, (kind, form) in enumerate(_FORMS)])
)

# What must not stand around a phrase: it is then a fact, a start or a window, not a deadline.
_FACT_AFTER: Final = re.compile(
    r"(?:[^，。；]{0,3}(?:已经?|仍|尚未)|的|以来|起(?!草|步)|至(?!少|多)|—|-|～|后|以后|之后|度|期间|相比|版|新增"
    r"|(?:出生|登记|注册|入职|参加工作|毕业|取得|签订|发生)[^，。；]{0,12}的)"
)
# 2020年底前购置新车的，给予补贴: a condition; 2018年12月印发的《…》: the date of another document.
_CONDITION: Final = re.compile(r"[^，。；！（“]{1,38}的(?:，|。|；|、)")
_NAMED_AFTER: Final = re.compile(r"[^，。；]{0,4}的")
_FACT_BEFORE: Final = re.compile(r"(?:截至|截止|自|从|早在|比|较|相当于|为|《|于?“|以|对|凡)$")
# A point in time without 前 is a deadline only where a clause begins or the work ends with it.
_POINT_AFTER: Final = re.compile(
    r"(?:，|。|；|：|$|）|全面|基本|全部|力争|实现|完成|建成|达到|出台|印发|制定|形成|启动|组织|开展|上线|投入|取得|初步)"
)
_CLAUSE_BEGINS: Final = re.compile(r"(?:^|[，。；：、（\s]|力争|争取|确保|计划|预计|拟|于|在|并|务必|原则上|应|须|要)$")

# A bare year sets a limit only in a series of stages: 2022年完成30%，2025年完成100%.
_STAGE: Final = re.compile(
    rf"(?:^|[，。；：、])(?P<year>{_YEAR})(?=，?(?:力争|确保|基本|全面|累计)*(?:完成|建成|实现|达到|达|提高到|降至|覆盖))"
)

_OPEN_ENDED: Final = re.compile(
    r"(?:并|需要?|要)?(?:长期|持续|常年|全年|常态化?|经常|不断|始终|分年度|逐年|每年|年度|适时|按(?:序时)?进度|按时间?节点|按要求|按计划|贯穿全年|滚动)"
    r"(?:性|地)?(?:坚持|推进|实施|落实|开展|执行|进行|任务|工作|抓好|完成|化)*"
)
# A year bounds what goes on without end: 年内持续推进 is one phrase.
_WITHIN: Final = re.compile(r"(?:年内|全年|今年|本年度?)(?:要|并)?(?=持续|长期|常态|不断|滚动)")
# What may stand in front of the phrase in a clause of a mark, and points in time that are a deadline only there.
_LEADS_UP: Final = re.compile(
    r"(?:(?:完成|办结|工作|整改)?(?:时限|时间|期限)(?:要求)?(?:为|是)?|并|且|力争|争取|确保|务必|原则上|计划|预计|拟|须|应|要|在|于)*"
)
_BARE: Final = re.compile(rf"{_Y}(?:{_PART})?|{_M}(?:{_PART})?|{_FIVE_YEAR}(?:规划)?(?:期间|时期)?内?")
_IMMEDIATE: Final = re.compile(
    r"(?:立行立改|立即(?:整改|办理|落实|执行|实施|开展|启动)?|马上(?:办|就办)?|即知即改|即行即改|即日起|随时)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A deadline in running text: its place and the family of its form."""

    start: int
    end: int
    form: str


def find(folded: str, start: int = 0, end: int | None = None, *, ranges: bool = False) -> list[Found]:
    """The deadlines of a running text in order. ``ranges`` admits spans of dates, as steps have them."""
    stop = len(folded) if end is None else end
    found = []
    for hit in _FINDER.finditer(folded, start, stop):
        form = (hit.lastgroup or "").rpartition("_")[2]
        left, right = folded[max(start, hit.start() - 4) : hit.start()], folded[hit.end() : min(stop, hit.end() + 40)]
        if form == "range":
            if ranges and not hit.group().endswith("起"):
                found.append(Found(hit.start(), hit.end(), form))
            continue
        if _is_deadline(form, left, right) and (hit.group()[0] != "至" or _CLAUSE_BEGINS.search(left)):
            found.append(Found(hit.start(), hit.end(), form))
    stages = list(_STAGE.finditer(folded, start, stop))
    if len(stages) > 1:
        found += [Found(hit.start("year"), hit.end("year"), "point") for hit in stages]
        found.sort(key=lambda hit: hit.start)
    return found


def _is_deadline(form: str, left: str, right: str) -> bool:
    if form in ("relative", "recurring", "span"):
        return True
    if _FACT_AFTER.match(right) and not right.startswith(("—", "-")):
        return False
    if _CONDITION.match(right) or (form == "point" and _NAMED_AFTER.match(right)):
        return False
    if _FACT_BEFORE.search(left) and not left.endswith(("应对", "确保")):
        return False
    if form == "point":
        return bool(_POINT_AFTER.match(right)) and bool(_CLAUSE_BEGINS.search(left))
    return True


def is_value(folded: str) -> bool:
    """Whether a whole cell, label value or clause of a mark is a deadline."""
    text = folded.strip(" 。，；")
    if not text or len(text) > 60:
        return False
    if _OPEN_ENDED.fullmatch(text) or _IMMEDIATE.fullmatch(text):
        return True
    if text == "年底":
        return True
    hit = _FINDER.match(text)
    if hit is None:
        return False
    rest = text[hit.end() :]
    return (
        not rest
        or re.fullmatch(
            r"(?:基本|全面|全部|力争|予以|取得)?(?:完成|办结|实现|落实|到位|启动|推进|建成|见效|出台|印发|并.{0,12}|，.{0,20})*",
            rest,
        )
        is not None
    )


def clause(folded: str) -> tuple[int, int] | None:
    """The place of the phrase in a clause of a mark that opens with a deadline: 6月底前 in 6月底前出台政策.

    What goes on without end is one phrase as a whole: 年内持续推进. None for any other clause.
    """
    begin = _lead(folded)
    within = _WITHIN.match(folded, begin)
    endless = within.end() if within else begin
    if _OPEN_ENDED.fullmatch(folded, endless) or _IMMEDIATE.fullmatch(folded, begin):
        return begin, len(folded)
    at_once = _IMMEDIATE.match(folded, begin)
    if at_once is not None and _OPEN_ENDED.fullmatch(folded, at_once.end()):
        return begin, len(folded)
    hit = _FINDER.match(folded, begin) or _BARE.match(folded, begin)
    return hit.span() if hit else None


def _lead(folded: str) -> int:
    hit = _LEADS_UP.match(folded)
    return hit.end() if hit else 0


def normal(folded: str, *, year: int | None = None, issued_on: date | None = None) -> Due:
    """The normal form of a phrase; ``year`` is that of the plan, for phrases that leave it out."""
    text = folded.strip(" 。，；")
    # A value may set several stages, 3月底前…，年底前…: the work ends with the last.
    hit = next(reversed(list(_FINDER.finditer(text))), None)
    if hit is None:
        if _OPEN_ENDED.search(text):
            return Due(DueKind.OPEN_ENDED)
        if _IMMEDIATE.search(text):
            return Due(DueKind.IMMEDIATE)
        return _loose(text, year)
    form = (hit.lastgroup or "").rpartition("_")[2]
    phrase = hit.group()
    if form == "recurring":
        return Due(DueKind.RECURRING)
    if form == "relative":
        return _relative(phrase, issued_on)
    if form == "range":
        return _range(phrase, year)
    if form == "span":
        first = _year_of(phrase)
        span = re.search(r"起(.{1,2})年", phrase)
        years = number(span.group(1)) if span else None
        if first and years:
            return Due(DueKind.RANGE, date(first, 1, 1), date(first + years - 1, 12, 31))
    return _day(phrase, year)


def _loose(text: str, year: int | None) -> Due:
    """A value of a label that running text would not count: 2019年12月, 2019.12.31, 2019-12, 12月底."""
    hit = re.search(r"((?:19|20)\d{2})[./年-](1[0-2]|0?[1-9])(?:[./月-](3[01]|[12]\d|0?[1-9]))?", text)
    if hit:
        y, m = int(hit.group(1)), int(hit.group(2))
        return _fixed(y, m, int(hit.group(3)) if hit.group(3) else None)
    if re.search(rf"{_YEAR}|{_M}|{_FIVE_YEAR}", text):
        return _day(text, year)
    return Due(DueKind.UNREAD)


def _relative(phrase: str, issued_on: date | None) -> Due:
    hit = re.search(r"([\d一二三四五六七八九十两半]{1,3})个?(工作日|自然日|日|天|周|月|年)", phrase)
    amount = number(hit.group(1)) if hit else None
    if issued_on is None or hit is None or amount is None or hit.group(2) == "工作日":
        return Due(DueKind.RELATIVE)
    unit = hit.group(2)
    if unit in ("月", "年"):
        months = amount * (12 if unit == "年" else 1) + issued_on.month - 1
        y, m = issued_on.year + months // 12, months % 12 + 1
        return Due(DueKind.RELATIVE, None, date(y, m, min(issued_on.day, calendar.monthrange(y, m)[1])))
    return Due(DueKind.RELATIVE, None, issued_on + timedelta(days=amount * (7 if unit == "周" else 1)))


def _range(phrase: str, year: int | None) -> Due:
    first, last = re.split(r"至|到|—+|-+|～", phrase, maxsplit=1)
    begin = _day(first, year)
    close = _day(last, _year_of(first) or year)
    return Due(DueKind.RANGE, _first_day(first, begin), close.ends_on)


def _first_day(phrase: str, due: Due) -> date | None:
    if due.ends_on is None:
        return None
    if re.search(_D, phrase):
        return due.ends_on
    if re.search(_M, phrase):
        return due.ends_on.replace(day=1)
    return date(due.ends_on.year, 1, 1)


def _year_of(text: str) -> int | None:
    hit = re.search(r"((?:19|20)\d{2}|二〇[〇一二三四五六七八九]{2})年?", text)
    return number(hit.group(1)) if hit else None


_QUARTERS: Final = {"一": 3, "二": 6, "三": 9, "四": 12, "1": 3, "2": 6, "3": 9, "4": 12}


def _day(text: str, year: int | None) -> Due:
    """The last day that a point in time reaches: 2019年6月底 > 30 June, 上半年 > 30 June, 2020年 > 31 December."""
    five = re.search(r"十([二三四五六七])五", text)
    if five:
        return Due(DueKind.FIXED, None, date(2015 + 5 * ("二三四五六七".index(five.group(1)) - 0), 12, 31))
    own = _year_of(text)
    y = own or year
    if y is None:
        return Due(DueKind.UNREAD)
    if own is None and re.search(r"明年|次年", text):
        y += 1
    return _within(text, y, assumed=own is None)


def _within(text: str, y: int, *, assumed: bool) -> Due:
    month = re.search(r"(1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月", text)
    m = number(month.group(1).lstrip("0")) if month else None
    if m:
        day = re.search(r"月份?([12]\d|3[01]|0?[1-9])[日号]?", text)
        tens = re.search(r"(上旬|中旬)", text)
        d = int(day.group(1)) if day else {"上旬": 10, "中旬": 20}.get(tens.group(1)) if tens else None
        return _fixed(y, m, d, assumed=assumed)
    quarter = re.search(r"第?([一二三四1-4])季度", text)
    if quarter:
        return _fixed(y, _QUARTERS[quarter.group(1)], None, assumed=assumed)
    if "上半年" in text or "年中" in text:
        return _fixed(y, 6, None, assumed=assumed)
    if "前三季度" in text:
        return _fixed(y, 9, None, assumed=assumed)
    if re.search(_FEAST, text):
        return Due(DueKind.UNREAD)
    return _fixed(y, 12, None, assumed=assumed)


def _fixed(y: int, m: int, d: int | None, *, assumed: bool = False) -> Due:
    last = calendar.monthrange(y, m)[1]
    return Due(DueKind.FIXED, None, date(y, m, min(d or last, last)), assumed)
