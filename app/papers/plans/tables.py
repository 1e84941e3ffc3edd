"""Tables of tasks: 序号, 工作任务, 牵头单位, 责任单位, 完成时限 (domain rules, pattern N).

The path of a row is the marker of the section row above it, if there is one, and the row's number.
"""

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from app.papers.plans import labels, markers, roles, unit_names
from app.papers.plans.folding import fold
from app.papers.plans.labels import Role
from app.papers.plans.outline import Chunk, Grid
from app.papers.plans.repairs import Paragraph
from app.papers.plans.roles import Assignment
from app.papers.plans.tasks import Builder, Said

_NUMBER_HEAD: Final = re.compile(r"序号|编号|项次|序|号|[Nn][Oo]\.?|任务编号|任务序号|项目编号")
_SECTION_HEAD: Final = re.compile(r"类别|分类|领域|板块|方面|类型|一级.*|大类|任务类别|工作类别|任务分类|重点领域|章节")
_RESPONSIBLE: Final = frozenset({Role.LEAD, Role.DUTY, Role.SUPPORTING, Role.GUIDING, Role.PEOPLE})
_REMARK: Final = re.compile(r"备注|依据|来源|进展情况|完成情况|状态")
_ORDINAL: Final = re.compile(r"[（〔]?(\d{1,3}(?:\.\d{1,3})*|[一二三四五六七八九十百]{1,5})[）〕]?[.、]?")
_HEAD_ROWS: Final = 6


@dataclass(slots=True)
class Head:
    """What each column holds."""

    at: int
    number: int | None = None
    section: int | None = None
    texts: list[int] = field(default_factory=list)
    roles: dict[int, Role] = field(default_factory=dict)
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class Use:
    """How the lines of a table were used: heads, rows without a task, sections, tasks."""

    head: Head
    heads: list[Paragraph] = field(default_factory=list)
    empty: list[Paragraph] = field(default_factory=list)
    sections: list[tuple[tuple[str, ...], str, Paragraph]] = field(default_factory=list)
    tasks: list[Paragraph] = field(default_factory=list)


def _cells(paragraph: Paragraph) -> tuple[str, ...]:
    return paragraph.row.cells if paragraph.row is not None else ()


def _word(cell: str) -> str:
    return "".join(fold(cell).split())


def find_head(rows: list[Paragraph]) -> Head | None:
    """The head of a table of tasks: it has a column of units or people, and another of text."""
    for at, row in enumerate(rows[:_HEAD_ROWS]):
        words = tuple(_word(cell) for cell in _cells(row))
        if at + 1 < len(rows) and (below := _second_head(words, rows[at + 1])) is not None:
            head = _read_head(at + 1, below)
            if head is not None:
                return head
        head = _read_head(at, words)
        if head is not None:
            return head
    return None


def _second_head(words: tuple[str, ...], row: Paragraph) -> tuple[str, ...] | None:
    """The words of a head of two rows: 责任单位 over 牵头 and 配合."""
    below = tuple(_word(cell) for cell in _cells(row))
    if len(below) != len(words) or below == words:
        return None
    same = [a == b or not b for a, b in zip(words, below, strict=True)]
    split = [labels.role_of(b) for a, b in zip(words, below, strict=True) if a != b and b]
    if not any(same) or not split or any(role is None for role in split):
        return None
    return tuple(b or a for a, b in zip(words, below, strict=True))


def _read_head(at: int, words: tuple[str, ...]) -> Head | None:
    head = Head(at, words=words)
    for column, word in enumerate(words):
        if _NUMBER_HEAD.fullmatch(word) and head.number is None:
            head.number = column
            continue
        role = labels.role_of(word)
        if role is None and _SECTION_HEAD.fullmatch(word):
            head.section = column if head.section is None else head.section
        elif role is Role.TEXT or (role is None and word and len(word) <= 12):
            if not _REMARK.fullmatch(word):
                head.texts.append(column)
        elif role is not None:
            head.roles[column] = role
    responsible = any(role in _RESPONSIBLE for role in head.roles.values())
    if not responsible or not (head.texts or head.section is not None):
        return None
    if not head.texts and head.section is not None:
        head.texts, head.section = [head.section], None
    return head if sum(bool(word) for word in words) >= 2 else None


def read(grid: Grid, builder: Builder, before: Head | None = None) -> Use | None:
    """Read a table of tasks into ``builder``; None when the table is not one.

    ``before`` is the head of the table above, which holds for a table of as many columns that has none:
    a heading between the rows of a plain text cuts its table in two.
    """
    head = find_head(grid.rows)
    if head is None:
        if before is None or len(_cells(grid.rows[0])) != len(before.words):
            return None
        head = replace(before, at=-1)
    use = Use(head, heads=grid.rows[: head.at + 1])
    base = (grid.zone,) if grid.zone else ()
    section: tuple[str, ...] = grid.above[len(base) :]
    ordinal = 0
    rows = grid.rows[head.at + 1 :]
    groups = _merged(rows, head)
    for row in rows:
        cells = _cells(row)
        if tuple(_word(cell) for cell in cells) == head.words:
            use.heads.append(row)
            continue
        title = _section_title(row, head)
        if title is not None:
            marker = markers.read(fold(title))
            section = (marker.step,) if marker else ()
            use.sections.append(((*base, *section), title[marker.end :].strip() if marker else title, row))
            continue
        if head.section is not None and head.section < len(cells):
            marker = markers.read(fold(cells[head.section]))
            section = (marker.step,) if marker else section
        said = _said(cells, head)
        if not said.units and not said.people:
            use.empty.append(row)
            continue
        ordinal += 1
        group = groups.get(id(row), ())
        step = _step(cells, head, head.texts[len(group) :]) or str(ordinal)
        _task(row, head, said, (*base, *section, *group, step), builder)
        use.tasks.append(row)
    return use


def _section_title(row: Paragraph, head: Head) -> str | None:
    """The text of a section row: one cell across, or a row with a marker and nothing in its other columns."""
    if row.row is None:
        return None
    cells = row.row.cells
    filled = [cell.strip() for cell in dict.fromkeys(cells) if cell.strip()]
    if len(filled) == 1 and (row.row.own == 1 or markers.read(fold(filled[0])) or cells[0].strip()):
        return filled[0]
    if len(filled) == 2 and _ORDINAL.fullmatch(fold(filled[0])) and not filled[0].isdigit():
        blank = all(not cells[column].strip() for column in head.roles if column < len(cells))
        return f"{filled[0]}、{filled[1]}" if blank and "（" not in fold(filled[0]) else None
    return None


def _merged(rows: list[Paragraph], head: Head) -> dict[int, tuple[str, ...]]:
    """The marker of a text cell that several rows share, where each of them has a number of its own behind it."""
    found: dict[int, tuple[str, ...]] = {}
    if head.number is not None or len(head.texts) < 2:
        return found
    first, second = head.texts[:2]
    for above, below in pairwise(rows):
        left, right = _cells(above), _cells(below)
        if max(first, second) >= min(len(left), len(right)) or left[first] != right[first]:
            continue
        shared = markers.read(fold(left[first]))
        own = [markers.read(fold(cells[second])) for cells in (left, right)]
        if shared is not None and own[0] is not None and own[1] is not None and own[0].step != own[1].step:
            found[id(above)] = found[id(below)] = (shared.step,)
    return found


def _step(cells: tuple[str, ...], head: Head, texts: list[int]) -> str | None:
    """The number of a row: of its number column, else the marker that one of its ``texts`` begins with."""
    if head.number is not None and head.number < len(cells):
        word = _word(cells[head.number])
        if _ORDINAL.fullmatch(word):
            return word.rstrip(".、")
    for column in texts:
        if column < len(cells):
            marker = markers.read(fold(cells[column]))
            if marker is not None:
                return marker.step
    return None


def _mended(cell: str) -> str:
    """A cell of units with the line breaks that cut a name taken out; the others separate names."""
    pieces: list[str] = []
    for line in filter(None, map(str.strip, cell.split("\n"))):
        last = re.split(r"[、，；：/]", fold(pieces[-1]))[-1] if pieces else ""
        if pieces and last and not unit_names.is_unit(last) and not last.endswith(("牵头", "配合", "负责", "参与")):
            pieces[-1] += line
        else:
            pieces.append(line)
    return "\n".join(pieces)


def _said(cells: tuple[str, ...], head: Head) -> Said:
    """What the columns of units, people and deadlines of a row say."""
    said = Said()
    for column, role in head.roles.items():
        if column >= len(cells):
            continue
        text = _mended(cells[column]) if role in _RESPONSIBLE else " ".join(cells[column].split())
        folded = fold(text)
        if role in _RESPONSIBLE and role is not Role.PEOPLE and "：" in folded:
            into = roles.parse(folded, role=role)
        else:
            into = Assignment()
            roles.read_value(folded, 0, len(folded), role, into)
        said.take(into, text)
        said.open_list |= unit_names.is_open(folded) if role in _RESPONSIBLE else False
    return said


def _task(row: Paragraph, head: Head, said: Said, path: tuple[str, ...], builder: Builder) -> None:
    cells = _cells(row)
    texts = [" ".join(cells[column].split()) for column in dict.fromkeys(head.texts) if column < len(cells)]
    texts = [text for text in dict.fromkeys(texts) if text]
    main = texts[0] if texts else ""
    marker = markers.read(fold(main))
    body = main[marker.end :] if marker else main
    heading = re.split(r"[。；]", body)[0].strip()
    whole = "\n".join([body, *texts[1:]])
    written = Paragraph(whole, fold(whole), [(0, row.line)])
    builder.from_row(path, said, (heading, whole), row.line, [Chunk(written, 0, len(whole))])
