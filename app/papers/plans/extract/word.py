"""Word files: paragraphs and tables in document order, with the numbers that Word makes up.

The XML is read directly: a plan needs text, numbering and tables, and nothing else of the file is
opened. Deleted text of tracked changes is left out, inserted text is read.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from app.papers.plan_refusals import PlanDamaged, PlanTooManyLines
from app.papers.plans.extract.archive import Archive
from app.papers.plans.extract.numbering import Numbering
from app.papers.plans.source import MAX_LINES, Row, SourceLine, clean

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT: Final = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_CHOICE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Choice"
_ALTERNATE: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}AlternateContent"
_FALLBACK: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED: Final = frozenset({W + "del", W + "moveFrom", W + "pPr", W + "rPr", W + "instrText", _FALLBACK})
_BLOCKS: Final = frozenset(W + name for name in ("tbl", "tr", "tc", "sdt", "sdtContent", "ins", "customXml"))
_MAX_COLUMNS: Final = 60

Element = etree._Element


def parse(data: bytes) -> Element | None:
    """The root of a part, without entities, network or huge trees; None when the part is empty."""
    if not data:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        return etree.fromstring(data.replace(_STRICT[1:-1].encode(), W[1:-1].encode()), parser)
    except (etree.XMLSyntaxError, ValueError, MemoryError) as error:
        raise PlanDamaged from error


def lines(archive: Archive) -> list[SourceLine]:
    """The lines of a .docx: one a paragraph or soft line break, one a table row."""
    root = parse(archive.read("word/document.xml"))
    body = root.find(W + "body") if root is not None else None
    if body is None:
        raise PlanDamaged
    numbering = Numbering(parse(archive.read("word/numbering.xml")), parse(archive.read("word/styles.xml")))
    reader = _Reader(numbering)
    reader.blocks(body)
    return reader.found


class _Reader:
    """Walks the body once."""

    def __init__(self, numbering: Numbering) -> None:
        self.numbering = numbering
        self.found: list[SourceLine] = []
        self.tables = 0

    def blocks(self, parent: Element) -> None:
        """The paragraphs and tables of the body, in order; content controls are looked into."""
        for child in _children(parent):
            if child.tag == W + "p":
                self.found += [SourceLine(text) for text in self.paragraph(child)]
            elif child.tag == W + "tbl":
                self.table(child)
            elif child.tag in _BLOCKS or child.tag in (_ALTERNATE, _CHOICE):
                self.blocks(child)
            if len(self.found) > MAX_LINES:
                raise PlanTooManyLines(limit=f"{MAX_LINES:,}")

    def paragraph(self, paragraph: Element) -> list[str]:
        """The lines of a paragraph, the first with its number; text boxes follow as lines of their own."""
        pieces: list[str] = []
        boxes: list[Element] = []
        _collect(paragraph, pieces, boxes)
        parts = [clean(part).strip() for part in "".join(pieces).split("\n")]
        if any(parts):
            parts[0] = self.numbering.label(paragraph) + parts[0]
        for box in boxes:
            for inner in _paragraphs(box):
                parts += [line for line in self.paragraph(inner) if line]
        return parts

    def table(self, table: Element) -> None:
        """The rows of a table; a table of one column is only a frame around paragraphs."""
        rows = [self._row(row) for row in _rows(table)]
        width = max((len(cells) for cells in rows), default=0)
        if width <= 1:
            for row in _rows(table):
                for cell in _cells(row):
                    self.blocks(cell)
            return
        self.tables += 1
        above: list[str] = []
        for cells in rows:
            values: list[str] = []
            shown: list[str] = []
            for own, text in cells:
                column = len(values)
                if own == "below":
                    values.append(above[column] if column < len(above) else "")
                    continue
                values.append(text)
                if own == "own":
                    shown.append(" ".join(text.split()))
            above = values
            self.found.append(SourceLine("\t".join(shown), Row(self.tables, tuple(values), len(shown))))

    def _row(self, row: Element) -> list[tuple[str, str]]:
        """Each grid column of a row: whether it begins a cell, spans on, or goes on from above."""
        columns: list[tuple[str, str]] = [("own", "")] * min(_before(row), _MAX_COLUMNS)
        for cell in _cells(row):
            span, continues = _merging(cell)
            text = "" if continues else self._cell(cell)
            for at in range(span):
                columns.append(("below" if continues else ("own" if at == 0 else "span"), text))
            if len(columns) > _MAX_COLUMNS:
                return columns[:_MAX_COLUMNS]
        return columns

    def _cell(self, cell: Element) -> str:
        texts: list[str] = []
        for paragraph in _paragraphs(cell):
            texts += self.paragraph(paragraph)
        return "\n".join(text for text in texts if text.strip())


def _children(parent: Element) -> Iterator[Element]:
    for child in parent:
        if isinstance(child.tag, str):
            yield child


def _collect(parent: Element, pieces: list[str], boxes: list[Element]) -> None:
    """The text of runs in order; text boxes are set aside."""
    for child in _children(parent):
        tag = child.tag
        if tag in _SKIPPED:
            continue
        if tag == W + "t":
            pieces.append(child.text or "")
        elif tag in (W + "tab", W + "ptab"):
            pieces.append(" ")
        elif tag in (W + "br", W + "cr"):
            pieces.append("\n")
        elif tag == W + "noBreakHyphen":
            pieces.append("-")
        elif tag == W + "txbxContent":
            boxes.append(child)
        else:
            _collect(child, pieces, boxes)


def _paragraphs(parent: Element) -> Iterator[Element]:
    """The paragraphs of a cell or box, those of tables inside it too, but not those of boxes inside."""
    for child in _children(parent):
        if child.tag == W + "p":
            yield child
        elif child.tag in _BLOCKS:
            yield from _paragraphs(child)


def _rows(table: Element) -> Iterator[Element]:
    for child in _children(table):
        if child.tag == W + "tr":
            yield child
        elif child.tag in (W + "sdt", W + "sdtContent", W + "ins", W + "customXml"):
            yield from _rows(child)


def _cells(row: Element) -> Iterator[Element]:
    for child in _children(row):
        if child.tag == W + "tc":
            yield child
        elif child.tag in (W + "sdt", W + "sdtContent", W + "customXml"):
            yield from _cells(child)


def _before(row: Element) -> int:
    """The grid columns that a row leaves out at its beginning."""
    skipped = row.find(f"{W}trPr/{W}gridBefore")
    return _integer(skipped, 0)


def _merging(cell: Element) -> tuple[int, bool]:
    """How many grid columns a cell spans, and whether it goes on from the cell above."""
    properties = cell.find(W + "tcPr")
    if properties is None:
        return 1, False
    merge = properties.find(W + "vMerge")
    continues = merge is not None and merge.get(W + "val", "continue") == "continue"
    return max(1, min(_MAX_COLUMNS, _integer(properties.find(W + "gridSpan"), 1))), continues


def _integer(element: Element | None, default: int) -> int:
    text = element.get(W + "val", "") if element is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default
