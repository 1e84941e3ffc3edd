"""Dated steps and goals in text that no mark covers (product rule: in a goals section a date is a goal)."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.papers.plans import deadlines
from app.papers.plans.deadlines import DueKind, Found
from app.papers.plans.outline import Chunk

_GOALS: Final = re.compile(r"目标|愿景|预期")
_AIMS: Final = re.compile(r"总体要求|总体思路|总体考虑|基本思路|指导思想")
_STEPS: Final = re.compile(r"步骤|阶段|进度|时间安排|工作安排|日程|时序|推进计划|实施安排|进程|方法步骤|时间节点")
_HEADING: Final = 30  # a longer first sentence is text, not a heading
_SENTENCE: Final = re.compile(r"[^。；！？]+[。；！？]?")
_BACKGROUND: Final = re.compile(r"以来|截至|已经|近年来")


@dataclass(frozen=True, slots=True)
class Milestone:
    """A dated step, or a goal with its year."""

    when: str
    what: str
    kind: str
    starts_on: date | None
    ends_on: date | None
    recurring: bool
    line: int


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the headings above a text say of its dates."""

    steps: bool
    goals: bool
    aims: bool


def _setting(headings: list[str]) -> _Setting:
    short = [heading for heading in headings if len(heading) <= _HEADING]
    steps = any(_STEPS.search(heading) for heading in short)
    goals = any(_GOALS.search(heading) for heading in short)
    return _Setting(steps, goals and not steps, any(_AIMS.search(heading) for heading in short))


def find(
    chunk: Chunk, headings: list[str], *, year: int | None, issued_on: date | None, own_heading: str = ""
) -> list[Milestone]:
    """The milestones of a stretch of text under ``headings``, innermost first."""
    folded, text = chunk.folded, chunk.text
    setting = _setting(headings)
    found = []
    for sentence in _SENTENCE.finditer(folded):
        dates = deadlines.find(folded, sentence.start(), sentence.end(), ranges=setting.steps)
        for at, hit in enumerate(dates):
            kind = _kind(folded, sentence.span(), hit, setting)
            if kind is None:
                continue
            stop = dates[at + 1].start if at + 1 < len(dates) else sentence.end()
            due = deadlines.normal(folded[hit.start : hit.end], year=year, issued_on=issued_on)
            found.append(
                Milestone(
                    when=text[hit.start : hit.end],
                    what=_what(text, folded, (sentence.start(), hit.start, hit.end, stop)) or own_heading,
                    kind=kind,
                    starts_on=due.starts_on,
                    ends_on=due.ends_on,
                    recurring=due.kind is DueKind.RECURRING,
                    line=chunk.paragraph.line_at(chunk.start + hit.start),
                )
            )
    return found


def _kind(folded: str, sentence: tuple[int, int], hit: Found, setting: _Setting) -> str | None:
    """Whether a date is a goal or a step, or None where it only tells the background."""
    begin, end = sentence
    if hit.form != "recurring":
        aimed = setting.aims and (folded[hit.start] == "到" or hit.form == "span")
        if setting.goals or aimed or _GOALS.search(folded[begin : begin + 12]):
            return "goal"
    if setting.steps:
        return None if hit.form == "range" and _is_period(folded, hit.start, hit.end) else "step"
    if hit.form in ("until", "span", "point") and not _clause_opens(folded, hit.start):
        return None
    return None if _BACKGROUND.search(folded[begin:end]) else "step"


def _is_period(folded: str, start: int, end: int) -> bool:
    """Whether a span of dates closes its sentence, as the period of the plan does: 从2021年至2025年。"""
    return folded[end : end + 1] in ("。", "；", "") and folded[start - 1 : start] not in ("（", "：", " ")


def _clause_opens(folded: str, start: int) -> bool:
    left = folded[max(0, start - 2) : start]
    return not left or left[-1] in "，。；：、 （于在争并力" or left in ("力争", "争取", "确保")


def _what(text: str, folded: str, places: tuple[int, int, int, int]) -> str:
    """What is due: the words behind the date; where a clause leads up to the date, that clause too."""
    begin, left, right, stop = places
    after = text[right:stop].strip(" ，,、。；;）)：:\n")
    comma = folded.rfind("，", begin, left)
    before = text[(comma + 1 if comma >= 0 else begin) : left].strip(" ，,、（(\n")
    before = re.sub(r"[并]?[于在要]$|^[并]?[于在]|并于$|要在$|应于$|须于$", "", before).strip()
    if re.search(r"[；;]|，$", after):
        after = after.rstrip("，；;")
    return f"{before}{after}" if before and not re.fullmatch(r"[力争确保取并]*", before) else after
