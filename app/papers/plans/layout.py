"""The parts of a document: covering notice, plan, annexes; and what stands above and below the text."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.papers.plans import furniture, markers, titles
from app.papers.plans.folding import squeeze
from app.papers.plans.furniture import Part
from app.papers.plans.repairs import Paragraph
from app.papers.plans.titles import Title

NOTICE: Final = "通知"
# 现将《方案》印发给你们，并就落实工作通知如下：
_OWN_NOTICE: Final = re.compile(r"(?:印发|下发|转发|发)给你们.*(?:通知|要求|说明)如下[：。]$")
# What closes a notice, between its text and the plan that it issues.
_CLOSING: Final = (Part.SIGNATURE, Part.DATE, Part.DISCLOSURE, Part.ANNEX_LIST, Part.COPIES, Part.PRINTED)
_RECIPIENTS: Final = re.compile(r"[^。；！？]{2,400}：$")


@dataclass(slots=True)
class Layout:
    """Where everything is. ``zones`` name each stretch of text: 通知, the plan itself (no name), 附件1."""

    title: Title | None = None
    cover: Title | None = None
    zones: list[tuple[str, list[Paragraph]]] = field(default_factory=list)
    parts: list[tuple[Part, Paragraph]] = field(default_factory=list)
    recipients: Paragraph | None = None
    titles: list[Paragraph] = field(default_factory=list)
    repeated: list[Paragraph] = field(default_factory=list)
    annex_titles: list[Paragraph] = field(default_factory=list)
    preamble: list[Paragraph] = field(default_factory=list)


def read(paragraphs: list[Paragraph]) -> Layout:
    """Tell the parts of a document apart."""
    out = Layout()
    parts = _parts(paragraphs)
    body = _text_begins(paragraphs, parts)
    first = titles.find(paragraphs, parts)
    untitled = False
    if first is not None and first.first > body:
        first = _title_below_signature(paragraphs, parts, first)
        untitled = first is not None
    at = 0
    if first is not None:
        out.titles += paragraphs[first.first : first.last]
        above = paragraphs[: first.first]
        if untitled or any(part is None and "。" in p.folded for p, part in zip(above, parts, strict=False)):
            _zones(above, parts[: first.first], NOTICE, out)
        else:
            _head(above, parts[: first.first], out)
        at = first.last
        out.title = first
    if first is not None and first.is_cover:
        own = _own_title(paragraphs, parts, first)
        if own is not None:
            out.cover, out.title = first, own
            out.titles += paragraphs[own.first : own.last]
            _zones(paragraphs[at : own.first], parts[at : own.first], NOTICE, out)
            at = own.last
        elif (close := _notice_ends(paragraphs, parts, at)) is not None:
            _zones(paragraphs[at:close], parts[at:close], NOTICE, out)
            at = close
    _zones(paragraphs[at:], parts[at:], "", out)
    return out


def _parts(paragraphs: list[Paragraph]) -> list[Part | None]:
    found: list[Part | None] = []
    dated = _dated_below(paragraphs)
    for paragraph, below in zip(paragraphs, dated, strict=True):
        part = furniture.part_of(paragraph, dated_below=below)
        if part is Part.ANNEX_LIST and _opens_annex(paragraph, paragraphs[len(found) + 1 : len(found) + 2]):
            part = None
        if part is None and found and found[-1] is Part.SIGNATURE and furniture.is_damaged_date(paragraph.folded):
            part = Part.DAMAGED_DATE
        if part is None and found and found[-1] is Part.ANNEX_LIST and furniture.goes_on_annex_list(paragraph.folded):
            part = Part.ANNEX_LIST
        found.append(part)
    return found


def _opens_annex(paragraph: Paragraph, below: list[Paragraph]) -> bool:
    """Whether 附：某某清单 is the heading of the annex itself, because its table or first item stands right below."""
    titled = markers.lone_annex(paragraph.folded)
    if titled is None or not titles.could_end(titled) or not below:
        return False
    first = markers.read(below[0].folded)
    return below[0].row is not None or (first is not None and first.value == 1)


def _dated_below(paragraphs: list[Paragraph]) -> list[bool]:
    """For each paragraph whether a date stands below it, with nothing but joint signatures between."""
    found = [False] * len(paragraphs)
    for at in range(len(paragraphs) - 2, -1, -1):
        below = paragraphs[at + 1]
        found[at] = furniture.is_dated(below) or (found[at + 1] and furniture.is_signature(below))
    return found


def _text_begins(paragraphs: list[Paragraph], parts: list[Part | None]) -> int:
    """The first item or running sentence: a title stands above it."""
    for at, paragraph in enumerate(paragraphs):
        if parts[at] is None and (
            markers.read(paragraph.folded) is not None or (len(paragraph.folded) > 80 and "。" in paragraph.folded)
        ):
            return at
    return len(paragraphs)


def _notice_ends(paragraphs: list[Paragraph], parts: list[Part | None], start: int) -> int | None:
    """Where a notice ends that sends a plan along and then gives notice of its own: behind its signature."""
    for at in range(start, len(paragraphs)):
        if parts[at] is None and markers.read(paragraphs[at].folded) is not None:
            return None
        if _OWN_NOTICE.search(paragraphs[at].folded):
            signed = (i for i in range(at + 1, len(paragraphs)) if parts[i] in (Part.SIGNATURE, Part.DATE))
            close = next(signed, None)
            while close is not None and close < len(paragraphs) and parts[close] in _CLOSING:
                close += 1
            return close
    return None


def _title_below_signature(paragraphs: list[Paragraph], parts: list[Part | None], first: Title) -> Title | None:
    """The plan's title below the signature of a covering notice that lost its own title line."""
    found: Title | None = first
    while found is not None:
        above = found.first - 1
        while above >= 0 and (parts[above] in _CLOSING or markers.annex(paragraphs[above].folded) is not None):
            if parts[above] in (Part.DATE, Part.SIGNATURE):
                return found
            above -= 1
        found = titles.find(paragraphs, parts, found.last)
    return None


def _own_title(paragraphs: list[Paragraph], parts: list[Part | None], cover: Title) -> Title | None:
    """The plan's own title below a covering notice: the one the notice names, else the next one."""
    at = cover.last
    best: Title | None = None
    wanted = cover.issued
    while (found := titles.find(paragraphs, parts, at)) is not None:
        at = found.last
        if found.folded == cover.folded:
            continue
        if wanted is not None and _same(found.folded, wanted):
            return found
        if best is None and not found.is_cover and _has_text_below(paragraphs, found.last):
            best = found
    return best


def _same(left: str, right: str) -> bool:
    a, b = (re.sub(r"[《》“”〈〉<>（）]", "", text) for text in (left, right))
    return a == b or (min(len(a), len(b)) > 8 and (a.endswith(b) or b.endswith(a)))


def _has_text_below(paragraphs: list[Paragraph], at: int) -> bool:
    return any(len(p.folded) > 40 or markers.read(p.folded) or p.row for p in paragraphs[at : at + 6])


def _head(paragraphs: list[Paragraph], parts: list[Part | None], out: Layout) -> None:
    """What stands above the title."""
    for paragraph, part in zip(paragraphs, parts, strict=True):
        out.parts.append((part or Part.METADATA, paragraph))


def _zones(paragraphs: list[Paragraph], parts: list[Part | None], zone: str, out: Layout) -> None:
    """Sort a stretch into text, furniture, recipients and annexes."""
    text: list[Paragraph] = []
    out.zones.append((zone, text))
    begun = False
    known = {squeeze(p.text) for p in out.titles}
    at = 0
    while at < len(paragraphs):
        paragraph, part = paragraphs[at], parts[at]
        annex = markers.annex(paragraph.folded) if part is None and paragraph.row is None else None
        if annex is None and part is None and _opens_annex(paragraph, paragraphs[at + 1 : at + 2]):
            annex = ("附件", markers.lone_annex(paragraph.folded) or "")
        if annex is not None:
            at, text, begun = _annex(paragraphs, parts, at, annex, out)
            continue
        if part is None and not begun and squeeze(paragraph.text) in known:
            out.repeated.append(paragraph)
        elif part is None and not begun and furniture.is_metadata(paragraph.folded):
            out.parts.append((Part.METADATA, paragraph))
        elif part is None and not begun and out.recipients is None and _is_recipients(paragraph):
            out.recipients = paragraph
        elif part is not None:
            out.parts.append((part, paragraph))
        else:
            if markers.read(paragraph.folded) is not None or paragraph.row is not None:
                begun = True
            elif not begun and zone in ("", NOTICE):
                out.preamble.append(paragraph)
            text.append(paragraph)
        at += 1


def _is_recipients(paragraph: Paragraph) -> bool:
    return bool(_RECIPIENTS.fullmatch(paragraph.folded.strip())) and not furniture.opens_with_label(paragraph.folded)


def _annex(
    paragraphs: list[Paragraph], parts: list[Part | None], at: int, annex: tuple[str, str], out: Layout
) -> tuple[int, list[Paragraph], bool]:
    """Open the zone of an annex. The annex that is the plan itself keeps the plan's paths."""
    name, title = annex
    out.annex_titles.append(paragraphs[at])
    text: list[Paragraph] = []
    following = at + 1
    if not title:
        found = titles.find(paragraphs, parts, following) if following < len(paragraphs) else None
        if found is not None and found.first == following:
            out.annex_titles += paragraphs[found.first : found.last]
            following = found.last
    out.zones.append((name, text))
    return following, text, False
