"""Title, number, issuer, recipients, dates, disclosure, basis and period of a document."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.papers.plans import deadlines, furniture, unit_names
from app.papers.plans.folding import fold, squeeze
from app.papers.plans.furniture import Part
from app.papers.plans.layout import Layout
from app.papers.plans.reading import Basis
from app.papers.plans.repairs import Paragraph, Repair

_ISSUER_IN_TITLE: Final = re.compile(r"(?P<organ>[^关《“]{2,40}?)关于")
_ISSUER_IN_STRIP: Final = re.compile(r"(?:发布机构|发文机关|发文机构|发文单位)[： ]*(?P<organ>[一-龥、]{3,30})")
_ISSUED_IN_STRIP: Final = re.compile(r"(?:成文日期|发文日期|印发日期|生成日期)[： ]*(?P<day>\d{4}.{2,8})")
_NAMED: Final = re.compile(r"《(?P<name>[^《》]{1,150}(?:《[^《》]{1,150}》[^《》]{0,150}){0,4})》")
_RESTS_ON: Final = re.compile(r"根据|按照|依据|遵照|贯彻|落实|依照|结合")
_FROM: Final = r"(?P<a>(?:19|20)\d{2}) ?年(?P<am>\d{1,2}月)?起?"
_UNTIL: Final = r"(?:-|—+|～|至|到) ?(?P<b>(?:19|20)\d{2}) ?年(?P<bm>\d{1,2}月)?"
_YEARS: Final = re.compile(rf"(?:{_FROM}|(?P<only>(?:19|20)\d{{2}})) ?{_UNTIL}")
_TERM: Final = re.compile(rf"(?:从|自|期限|周期|规划期|有效期|时间|期间)[^。；，]{{0,8}}?{_FROM}{_UNTIL}")
_FIVE: Final = re.compile(r"“?十([一二三四五六七])五”?")
_ONE_YEAR: Final = re.compile(r"(?<!\d)(?P<a>(?:19|20)\d{2}) ?年(?!.{0,2}(?:版|修订))")


@dataclass(slots=True)
class DocumentHead:
    """The particulars of a document, and the paragraphs that they were read from."""

    title: str | None = None
    number: str | None = None
    issuer: str | None = None
    recipients: tuple[str, ...] = ()
    copied_to: tuple[str, ...] = ()
    issued_on: date | None = None
    disclosure: str | None = None
    basis: tuple[Basis, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    used: list[tuple[Paragraph, str]] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)


def read(layout: Layout, paragraphs: list[Paragraph]) -> DocumentHead:
    """Read the particulars of a document whose parts are told apart."""
    out = DocumentHead()
    out.used += [(paragraph, "title") for paragraph in layout.titles]
    if layout.title is not None:
        out.title = _title(layout, out)
    _number(layout, out)
    _dates(layout, out)
    _issuer(layout, out)
    if layout.recipients is not None:
        out.recipients = _list(layout.recipients, len(layout.recipients.text))
        out.used.append((layout.recipients, "recipients"))
    for part, paragraph in layout.parts:
        if part is Part.COPIES:
            out.copied_to += _list(paragraph, len(paragraph.text), paragraph.folded.find("：") + 1)
            out.used.append((paragraph, "copied_to"))
        elif part is Part.DISCLOSURE:
            out.disclosure = out.disclosure or furniture.disclosure(paragraph.folded)
            out.used.append((paragraph, "disclosure"))
    _basis(layout, out)
    _period(out, paragraphs)
    return out


def _title(layout: Layout, out: DocumentHead) -> str | None:
    title = layout.title
    if title is None:
        return None
    text = re.sub(r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "", title.text)
    if text != title.text and layout.titles:
        out.repairs.append(Repair(layout.titles[-1].line, "title_space", title.text, text))
    return text


def _list(paragraph: Paragraph, end: int, start: int = 0) -> tuple[str, ...]:
    spans = unit_names.split(paragraph.folded, start, end)
    return tuple(paragraph.text[slice(*span)] for span in spans)


def _number(layout: Layout, out: DocumentHead) -> None:
    for whole in (True, False):
        for part, paragraph in layout.parts:
            if part in (Part.NUMBER, Part.METADATA, Part.MARK):
                found = furniture.number_in(paragraph, whole=whole)
                if found is not None and (not whole or part is Part.NUMBER):
                    out.number = "".join(found.split())
                    out.used.append((paragraph, "document_number"))
                    return


def _dates(layout: Layout, out: DocumentHead) -> None:
    """The date under the signature, else that of a strip, else the day of printing."""
    found: dict[Part, tuple[date, Paragraph]] = {}
    for part, paragraph in layout.parts:
        day = None
        if part in (Part.DATE, Part.PRINTED):
            day = furniture.day(paragraph.folded)
        elif part is Part.METADATA:
            strip = _ISSUED_IN_STRIP.search(paragraph.folded)
            day = furniture.day(strip["day"]) if strip else None
        if day is not None:
            found.setdefault(part, (day, paragraph))
    for part in (Part.DATE, Part.METADATA, Part.PRINTED):
        if part in found:
            out.issued_on = out.issued_on or found[part][0]
            out.used.append((found[part][1], "issued_on"))


def _issuer(layout: Layout, out: DocumentHead) -> None:
    """The issuing mark, else the signature, else the title, else a strip of a site."""
    for part, paragraph in layout.parts:
        if part is Part.MARK:
            out.issuer = out.issuer or furniture.organ_of_mark(paragraph)
            out.used.append((paragraph, "issuer"))
    for part, paragraph in layout.parts:
        if part is Part.SIGNATURE and out.issuer is None:
            out.issuer = paragraph.text.strip()
            out.used.append((paragraph, "issuer"))
        elif part is Part.PRINTED:
            out.used.append((paragraph, "issued_on"))
    if out.issuer is None:
        for title in (layout.cover, layout.title):
            hit = _ISSUER_IN_TITLE.match(fold(title.text)) if title else None
            if title is not None and hit is not None and unit_names.is_organ(hit["organ"].strip()):
                out.issuer = title.text[: hit.end("organ")].strip()
                return
        for part, paragraph in layout.parts:
            hit = _ISSUER_IN_STRIP.search(paragraph.folded) if part is Part.METADATA else None
            if hit is not None:
                out.issuer = paragraph.text[slice(*hit.span("organ"))]
                out.used.append((paragraph, "issuer"))
                return


def _basis(layout: Layout, out: DocumentHead) -> None:
    """The documents named behind 根据, 按照 or 贯彻 in the opening paragraphs."""
    own = squeeze(out.title or "")
    found: dict[str, Basis] = {}
    for paragraph in layout.preamble:
        folded = paragraph.folded
        opened = 0
        for hit in _NAMED.finditer(folded):
            sentence = max(folded.rfind("。", 0, hit.start()), opened - 1) + 1
            if not _RESTS_ON.search(folded, sentence, hit.start()) or squeeze(hit["name"]) == own:
                continue
            after = folded[hit.end() : hit.end() + 40]
            number = furniture.NUMBER.match(after[1:]) if after[:1] in "（〔" else None
            name = paragraph.text[slice(*hit.span("name"))]
            written = paragraph.text[hit.end() + 1 : hit.end() + 1 + number.end()] if number else None
            found.setdefault(name, Basis(name, written))
            out.used.append((paragraph, "basis"))
    out.basis = tuple(found.values())


def _period(out: DocumentHead, paragraphs: list[Paragraph]) -> None:
    """The years of the title, else a stated term, else a five-year plan, else the year of the title."""
    title = fold(out.title or "")
    hit = _YEARS.search(title)
    if hit is None:
        for paragraph in paragraphs:
            hit = _TERM.search(paragraph.folded)
            if hit is not None:
                out.used.append((paragraph, "period"))
                break
    if hit is not None:
        groups = hit.groupdict()
        first, last = int(groups["a"] or groups["only"]), int(groups["b"])
        if first <= last <= first + 30:
            out.starts_on = date(first, _month(hit["am"]) or 1, 1)
            end = deadlines.normal(f"{last}年{hit['bm'] or ''}底")
            out.ends_on = end.ends_on
            return
    five = _FIVE.search(title)
    if five is not None:
        last = 2010 + 5 * "一二三四五六七".index(five[1])
        out.starts_on, out.ends_on = date(last - 4, 1, 1), date(last, 12, 31)
        return
    year = _ONE_YEAR.search(title)
    if year is not None:
        out.starts_on, out.ends_on = date(int(year["a"]), 1, 1), date(int(year["a"]), 12, 31)


def year(of: DocumentHead) -> int | None:
    """The year that a deadline without one means: that of the title, unless it spans several, or of the issue."""
    title = fold(of.title or "")
    own = None if _YEARS.search(title) else _ONE_YEAR.search(title)
    if own is not None:
        return int(own["a"])
    if of.issued_on is not None:
        return of.issued_on.year
    number = furniture.NUMBER.search(fold(of.number or ""))
    if number is not None:
        return int(number["year"])
    return of.starts_on.year if of.starts_on is not None else None


def _month(text: str | None) -> int | None:
    value = int(text.rstrip("月")) if text else None
    return value if value is not None and 1 <= value <= 12 else None
