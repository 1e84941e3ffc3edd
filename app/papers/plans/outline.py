"""The tree of numbered items: each with its path, its own text, and the part of the document it is in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from app.papers.plans import markers
from app.papers.plans.repairs import Paragraph

_HEADING: Final = 40  # an item with more text is no heading of the table below it
_SENTENCE: Final = re.compile(r"[。；！？]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one paragraph."""

    paragraph: Paragraph
    start: int
    end: int

    @property
    def folded(self) -> str:
        """Its folded text."""
        return self.paragraph.folded[self.start : self.end]

    @property
    def text(self) -> str:
        """Its text, verbatim."""
        return self.paragraph.text[self.start : self.end]


@dataclass(slots=True)
class Grid:
    """A table: its rows in order, the part of the document it is in, and the path of the heading above it."""

    zone: str
    rows: list[Paragraph]
    above: tuple[str, ...] = ()


@dataclass(slots=True)
class Node:
    """A numbered item, or the unnumbered text before the first one."""

    path: tuple[str, ...]
    zone: str
    value: int = 0
    parent: "Node | None" = None
    chunks: list[Chunk] = field(default_factory=list)
    depth: int = -1
    marked: bool = False
    skipped: bool = False

    @property
    def line(self) -> int:
        """The line that it begins on."""
        return self.chunks[0].paragraph.line_at(self.chunks[0].start) if self.chunks else 0

    def heading(self) -> str:
        """Its first sentence, verbatim and without the marker."""
        return next((found for chunk in self.chunks if (found := first_sentence(chunk))), "")

    def headings(self) -> list[str]:
        """The folded first sentences of it and of the items around it, innermost first."""
        found, node = [], self
        while True:
            if node.chunks:
                found.append(_cut(node.chunks[0].folded))
            if node.parent is None:
                return found
            node = node.parent

    def under_a_mark(self) -> bool:
        """Whether an item around it carries a mark."""
        node = self.parent
        while node is not None:
            if node.marked:
                return True
            node = node.parent
        return False


def _cut(folded: str) -> str:
    hit = _SENTENCE.search(folded)
    return folded[: hit.start()] if hit else folded


def first_sentence(chunk: Chunk) -> str:
    """The text of a chunk up to the end of its first sentence."""
    return chunk.text[: len(_cut(chunk.folded))].strip()


class Outline:
    """Builds the items of one zone after another."""

    def __init__(self) -> None:
        self.nodes: list[Node | Grid] = []
        self._stack: list[Node] = []
        self._last: dict[str, int] = {}
        self._zone = ""

    def begin(self, zone: str) -> None:
        """Start a zone: the covering notice, the plan, an annex. Numbers begin anew in it."""
        self._zone = zone
        self._stack = []
        self._last = {}

    @property
    def here(self) -> Node | None:
        """The innermost item now open."""
        return self._stack[-1] if self._stack else None

    def add(self, paragraph: Paragraph) -> None:
        """Put a paragraph where it belongs: a new item when it begins with a marker."""
        if paragraph.row is not None:
            self._add_row(paragraph)
            return
        marker = markers.read(paragraph.folded, self._last)
        if marker is None:
            self._append(Chunk(paragraph, 0, len(paragraph.text)))
            return
        skipped = marker.value not in (1, self._last.get(marker.style, marker.value - 1) + 1)
        self._last[marker.style] = marker.value
        if marker.style == "decimal":
            self._last["decimal_top"] = int(marker.step.split(".")[0])
        while self._stack and self._stack[-1].depth >= marker.depth:
            self._stack.pop()
        parent = self.here
        base = parent.path if parent is not None else ((self._zone,) if self._zone else ())
        node = Node((*base, marker.step), self._zone, marker.value, parent, depth=marker.depth, skipped=skipped)
        node.chunks.append(Chunk(paragraph, marker.end, len(paragraph.text)))
        self.nodes.append(node)
        self._stack.append(node)

    def _add_row(self, paragraph: Paragraph) -> None:
        last = self.nodes[-1] if self.nodes else None
        same = isinstance(last, Grid) and last.zone == self._zone
        if isinstance(last, Grid) and same and _table(last.rows[-1]) == _table(paragraph):
            last.rows.append(paragraph)
        else:
            here = self.here
            heading = here is not None and here.depth >= 0 and len(here.chunks[0].folded) <= _HEADING
            self.nodes.append(Grid(self._zone, [paragraph], here.path if here is not None and heading else ()))

    def _append(self, chunk: Chunk) -> None:
        node = self.here
        if node is None:
            node = Node((self._zone,) if self._zone else (), self._zone)
            self.nodes.append(node)
            self._stack.append(node)
        node.chunks.append(chunk)


def _table(paragraph: Paragraph) -> int:
    return paragraph.row.table if paragraph.row is not None else -1


def build(zones: Iterable[tuple[str, list[Paragraph]]]) -> list[Node | Grid]:
    """The items and tables of all zones in the document's order."""
    outline = Outline()
    for zone, paragraphs in zones:
        outline.begin(zone)
        for paragraph in paragraphs:
            outline.add(paragraph)
    return outline.nodes
