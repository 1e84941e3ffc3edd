"""From lines to paragraphs, mending what page breaks and copying did; every repair is shown.

Source of the rules: domain rules, section 2.3, rule 1, and the damage listed in section 0, fact 5.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from app.papers.plans import labels, markers
from app.papers.plans.brackets import groups
from app.papers.plans.folding import fold
from app.papers.plans.labels import Role
from app.papers.plans.source import Row, SourceLine
from app.papers.plans.unit_names import is_unit

_TERMINAL: Final = "。！？；：…）〕】"
_PAGE_NUMBER: Final = re.compile(r"[-—·. ]*\d{1,4}[-—·. ]*|第 ?\d{1,4} ?页(?:[，/ ]*共 ?\d{1,4} ?页)?|\d{1,3}/\d{1,3}")
_RULE: Final = re.compile(r"[-—_=＝*＊·.…·~～＿ 　]{3,}")
_BEGINS_ANEW: Final = re.compile(
    r"(?:附[ ]?(?:件|表)|抄送|主送|印发|注：|备注|序号|此件|（此件|（信息公开|（联系|目录|目 录)"
    r"|\d{4}年\d{1,2}月\d{1,2}日(?:印发)?$|〔|【"
)
_NUMBERED: Final = re.compile(r"\d{1,3}[.、]")
# Characters that Chinese doubles of its own accord (人人, 层层): no damage when a line breaks between them.
_DOUBLED: Final = frozenset("人天常层渐处时事家户村年月日步逐个种条点项代样件久仅刚往明深大好多少早轻稳实真紧牢节重")
_STRAY: Final = re.compile(r"(?<=[一-龥”])(?P<word> ?\b(?:and|the|of|or) )(?=[一-龥“])")


@dataclass(frozen=True, slots=True)
class Repair:
    """A change that the reader made: where, which kind, and the passage before and after."""

    line: int
    kind: str
    before: str
    after: str


@dataclass(slots=True)
class Paragraph:
    """A mended paragraph; ``starts`` tells which line each place of it came from."""

    text: str
    folded: str
    starts: list[tuple[int, int]]
    row: Row | None = None

    @property
    def line(self) -> int:
        """The number of its first line."""
        return self.starts[0][1]

    def line_at(self, place: int) -> int:
        """The number of the line that the character at ``place`` came from."""
        return self.starts[max(0, bisect_right(self.starts, (place, 1 << 60)) - 1)][1]

    def lines(self, start: int = 0, end: int | None = None) -> Iterator[int]:
        """The numbers of the lines that ``[start:end]`` touches."""
        stop = len(self.text) if end is None else end
        first = max(0, bisect_right(self.starts, (start, 1 << 60)) - 1)
        for place, line in self.starts[first:]:
            if place >= stop and place > start:
                return
            yield line


@dataclass(slots=True)
class Mended:
    """The paragraphs of a document, what was set aside, and what was repaired."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    ignored: dict[int, str] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)


class _Builder:
    """Collects pieces of one paragraph; joining strings only once keeps 10,000 lines linear."""

    def __init__(self, text: str, folded: str, line: int, row: Row | None) -> None:
        self.texts = [text]
        self.folds = [folded]
        self.starts = [(0, line)]
        self.length = len(text)
        self.row = row
        self.running = _is_running(folded)
        self.open = _opens(folded)
        self.value = _value_state(folded)

    def add(self, text: str, folded: str, line: int) -> None:
        self.texts.append(text)
        self.folds.append(folded)
        self.starts.append((self.length, line))
        self.length += len(text)
        self.value = _value_state(folded) or (_names_state(folded) if self.value == "open" else "")
        self.running = True
        self.open = max(0, self.open + _opens(folded))

    def last(self) -> tuple[str, str]:
        """The last piece with any text, and its fold: a line that only repeated the one before left none."""
        return next(
            (pair for pair in zip(reversed(self.texts), reversed(self.folds), strict=True) if pair[1]), ("", "")
        )

    def build(self) -> Paragraph:
        text = "".join(self.texts)
        return Paragraph(text, fold(text), self.starts, self.row)


def _opens(folded: str) -> int:
    return folded.count("（") - folded.count("）")


def _is_running(folded: str) -> bool:
    """Whether a line reads like running text and not like a heading, title or list."""
    if "。" in folded or ("；" in folded and len(folded) > 20):
        return True
    if markers.read(folded) is not None:
        return len(folded) > 50
    return len(folded) > 20 and "，" in folded


def _value_state(folded: str) -> str:
    """How a line ends as the value of a label: "open" (more must come), "closed", or "" (no label)."""
    tail = folded[-2_000:]
    found = [label for label in labels.find(tail) if label.role is not Role.TEXT]
    if not found or "。" in tail[found[-1].value : -1]:
        return ""
    value = tail[found[-1].value :].strip()
    if not value:
        return "open"
    if found[-1].role in (Role.DUE, Role.PEOPLE):
        return "closed"
    return _names_state(value)


def _names_state(value: str) -> str:
    """Whether a list of units can end here: not behind a 、, and not inside a name."""
    last = re.split(r"[、，；： ]", value)[-1]
    return "open" if not last or (len(last) < 20 and not is_unit(last.rstrip("。；"))) else "closed"


def _begins_anew(folded: str) -> bool:
    if markers.read(folded) is not None or _BEGINS_ANEW.match(folded) or markers.annex(folded):
        return True
    label = next(labels.find(folded[:40]), None)
    return label is not None and label.start == 0


def _joins(before: _Builder, folded: str) -> bool:
    """Whether a line goes on with the paragraph before it."""
    last = before.last()[1]
    if before.row is not None or before.length > 20_000 or not last:
        return False
    if before.open > 0 and _closes(folded) and (before.running or before.length > 10):
        return markers.read(folded) is None
    if _begins_anew(folded):
        return False
    if before.value == "closed" or (last[-1] in _TERMINAL and not (last[-1] == "：" and before.value)):
        return False
    if before.value == "open":
        return len(folded) <= 200 and "。" not in folded[:-1] and not _NUMBERED.match(folded)
    return before.running and not _is_signature(folded)


def _closes(folded: str) -> bool:
    """Whether a bracket closes on this line before another opens."""
    closing, opening = folded.find("）"), folded.find("（")
    return closing >= 0 and (opening < 0 or closing < opening)


def _is_signature(folded: str) -> bool:
    return len(folded) <= 30 and is_unit(folded) and not re.search(r"[，。；]", folded)


def doubled_run(left: str, right: str) -> int:
    """The length of a run that ends one line and begins the next, 0 when there is none."""
    for size in range(min(12, len(left), len(right)), 0, -1):
        if left[-size:] == right[:size]:
            if size == 1 and (right[0] in _DOUBLED or not "一" <= right[0] <= "龥"):
                return 0
            return size
    return 0


def mend(lines: tuple[SourceLine, ...]) -> Mended:
    """Paragraphs from lines. Every line goes into a paragraph or into ``ignored`` with its reason."""
    out = Mended()
    current: _Builder | None = None
    for at, line in enumerate(lines, 1):
        text = line.text.strip()
        folded = fold(text)
        noise = _noise(folded, line.row)
        if noise:
            out.ignored[at] = noise
            continue
        if current is not None and line.row is None and _joins(current, folded):
            _join(current, text, folded, at, out)
            continue
        if current is not None:
            out.paragraphs.append(current.build())
        current = _Builder(text, folded, at, line.row)
    if current is not None:
        out.paragraphs.append(current.build())
    for paragraph in out.paragraphs:
        _drop_stray_words(paragraph, out)
    return out


def _noise(folded: str, row: Row | None) -> str | None:
    if not folded:
        return "blank"
    if row is not None:
        return None if any(cell.strip() for cell in row.cells) else "blank"
    if _PAGE_NUMBER.fullmatch(folded):
        return "page_number"
    return "decoration" if _RULE.fullmatch(folded) else None


def _join(current: _Builder, text: str, folded: str, line: int, out: Mended) -> None:
    left, before_fold = current.last()
    size = doubled_run(before_fold, folded)
    kind = "doubled_run" if size else "joined_lines"
    before, after = left[-12:], text[:12]
    out.repairs.append(Repair(line, kind, f"{before}|{after}", before + text[size : 12 + size]))
    space = " " if left[-1].isascii() and left[-1].isalnum() and text[:1].isascii() and text[:1].isalpha() else ""
    current.add(space + text[size:], space + folded[size:], line)


def _drop_stray_words(paragraph: Paragraph, out: Mended) -> None:
    """Take out an English word that copying left between two Chinese words."""
    for hit in reversed(list(_STRAY.finditer(paragraph.text)) if " " in paragraph.text else []):
        start, end = hit.span("word")
        before, after = paragraph.text[max(0, start - 6) : end + 6], ""
        after = paragraph.text[max(0, start - 6) : start] + paragraph.text[end : end + 6]
        out.repairs.append(Repair(paragraph.line_at(start), "stray_word", before, after))
        paragraph.text = paragraph.text[:start] + paragraph.text[end:]
        paragraph.folded = paragraph.folded[:start] + paragraph.folded[end:]
        paragraph.starts = [
            (place - (end - start) if place >= end else place, line) for place, line in paragraph.starts
        ]


def within(spans: list[tuple[int, int]], place: int) -> bool:
    """Whether ``place`` lies in one of the spans, which are in order and do not overlap."""
    at = bisect_right(spans, (place, 1 << 60)) - 1
    return at >= 0 and spans[at][0] <= place < spans[at][1]


def top_groups(paragraph: Paragraph) -> list[tuple[int, int, bool]]:
    """The bracket groups of a paragraph; last of them an opening that never closes, if there is one."""
    closed, lost = groups(paragraph.folded)
    spans = [(group.start, group.end) for group in closed]
    open_ones = [place for place in lost if not within(spans, place)]
    if not open_ones:
        return [(a, b, True) for a, b in spans]
    start = open_ones[-1]
    return [(a, b, True) for a, b in spans if a < start] + [(start, len(paragraph.folded), False)]
