"""Plain text in any encoding that a Chinese office uses, judged by what it decodes to."""

import codecs
import re
from typing import Final

import charset_normalizer

from app.papers.plan_refusals import PlanBinary, PlanTooLong
from app.papers.plans.source import MAX_CHARACTERS, Row, SourceLine, clean

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Characters that any official text is full of, in both scripts: the right decoding has many of them.
_FREQUENT: Final = frozenset(
    "的一是在有和了中国国人大工作为為不发發展化业業区區市县縣省政府办辦部门門关關于於任务務责責任单單位实實"
    "施方案通知建设設重点點项項目强强加推进進机機制管理服务会會全年月日各级級以上下，。、：；（）“”《》〔〕"
    "\n 0123456789"
)
_CANDIDATES: Final = ("gb18030", "big5hkscs", "cp950", "utf-16-le", "utf-16-be")
_BREAKS: Final = re.compile(r"\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SAMPLE: Final = 20_000


def decode(data: bytes) -> str:
    """The text of ``data``; refused when no encoding gives one."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data, encoding) or _refuse()
    text = _strict(data, "utf-8")
    if text is not None and "\x00" not in text[:_SAMPLE]:
        return text
    best, score = None, 0.25
    for encoding in _CANDIDATES:
        text = _strict(data, encoding)
        if text is None:
            continue
        found = _likeness(text)
        if found > score:
            best, score = text, found
    if best is not None:
        return best
    guess = charset_normalizer.from_bytes(data[: _SAMPLE * 4]).best()
    text = _strict(data, guess.encoding) if guess is not None else None
    if text is None or "\x00" in text or _likeness(text) <= 0.25:
        raise PlanBinary
    return text


def _refuse() -> str:
    raise PlanBinary


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError):
        return None


def _likeness(text: str) -> float:
    sample = text[:_SAMPLE]
    return sum(c in _FREQUENT for c in sample) / max(1, len(sample))


def lines(data: bytes) -> list[SourceLine]:
    """The lines of a text file; lines of at least three cells between tabs are rows of a table."""
    text = _BREAKS.sub("\n", decode(data))
    if len(text) > MAX_CHARACTERS + 100_000:
        raise PlanTooLong(limit=f"{MAX_CHARACTERS:,}")
    if _unreadable(text):
        raise PlanBinary
    found: list[SourceLine] = []
    table, inside = 0, False
    for raw in text.split("\n"):
        whole = clean(raw)
        line = whole.rstrip()
        cells = tuple(cell.strip() for cell in whole.split("\t"))
        if inside and 1 < len(cells) < 3 and any(cells):
            cells += ("",) * (len(found[-1].row.cells if found[-1].row else ()) - len(cells))
        if len(cells) >= 3 and sum(map(bool, cells)) >= (1 if inside else 2):
            table += not inside
            inside = True
            found.append(SourceLine(line, Row(table, cells, len(cells))))
        else:
            inside = inside and not line.strip()
            found.append(SourceLine(line))
    return found


def _unreadable(text: str) -> bool:
    """Whether controls and holes are more than a stray byte."""
    sample = text[:_SAMPLE]
    bad = sum(1 for c in sample if (c < " " and c not in "\n\t") or c == "\ufffd")
    return "\x00" in sample or bad > len(sample) // 50 + 2
