"""Reading a plan from its lines: the order of the steps, and the account of every line."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.papers.plan_refusals import NotAPlan
from app.papers.plans import duties, head, layout, leads, marks, milestones, outline, repairs, tables
from app.papers.plans.folding import fold
from app.papers.plans.furniture import Part
from app.papers.plans.head import DocumentHead
from app.papers.plans.layout import Layout
from app.papers.plans.milestones import Milestone
from app.papers.plans.names import named_units
from app.papers.plans.outline import Chunk, Grid, Node
from app.papers.plans.reading import IgnoredLine, PlanReading, Section
from app.papers.plans.repairs import Mended, Paragraph, Repair
from app.papers.plans.source import SourceLine
from app.papers.plans.tasks import Builder

_LIMIT: Final = re.compile(r"前|内$|^每")
_REASONS: Final = {
    Part.METADATA: "metadata",
    Part.CONTENTS: "contents",
    Part.ANNEX_LIST: "annex_list",
    Part.NOTE: "note",
    Part.DAMAGED_DATE: "damaged_date",
    Part.SIGNATURE: "signature",
    Part.DATE: "signature",
    Part.PRINTED: "signature",
    Part.MARK: "signature",
    Part.NUMBER: "metadata",
}


@dataclass(slots=True)
class _Account:
    """Which lines were used for what, and why the others were left out."""

    used: dict[int, str] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)

    def use(self, paragraph: Paragraph, as_what: str, start: int = 0, end: int | None = None) -> None:
        """Note that the lines of ``[start:end]`` went into the answer."""
        for line in paragraph.lines(start, end):
            self.used.setdefault(line, as_what)

    def leave(self, paragraph: Paragraph, reason: str) -> None:
        """Note why the lines of a paragraph may be left out, should nothing use them."""
        for line in paragraph.lines():
            self.reasons.setdefault(line, reason)


class _Reader:
    """One reading of one document."""

    def __init__(self, lines: tuple[SourceLine, ...]) -> None:
        self.lines = lines
        self.mended: Mended = repairs.mend(lines)
        self.layout: Layout = layout.read(self.mended.paragraphs)
        self.head: DocumentHead = head.read(self.layout, self.mended.paragraphs)
        self.account = _Account()
        self.milestones: list[Milestone] = []
        self.sections: list[Section] = []
        self.table_head: tables.Head | None = None
        self.builder = Builder(
            year=head.year(self.head),
            issued_on=self.head.issued_on,
            repaired=frozenset(repair.line for repair in self.mended.repairs),
        )

    def read(self) -> PlanReading:
        items = outline.build(self.layout.zones)
        nodes = [item for item in items if isinstance(item, Node)]
        found = {id(node): marks.find(node) for node in nodes}
        for node in nodes:
            node.marked = bool(found[id(node)])
        self.builder.rule = self._rule_for_all(nodes, found)
        for item in items:
            if isinstance(item, Grid):
                self._grid(item)
            else:
                self._node(item, found[id(item)])
        self._furniture()
        return self._answer()

    def _rule_for_all(self, nodes: list[Node], found: dict[int, list[marks.Mark]]) -> bool:
        """Whether a sentence outside of marks says that the first unit leads."""
        stated = [paragraph for part, paragraph in self.layout.parts if part is Part.NOTE]
        for paragraph in stated:
            if leads.states_first_leads(paragraph.folded):
                self.account.use(paragraph, "rule")
                return True
        for node in nodes:
            for chunk in [c for mark in found[id(node)] for c in mark.covers] + marks.rest(node, found[id(node)]):
                hit = leads.FIRST_LEADS.search(chunk.folded)
                if hit is not None:
                    self.account.use(chunk.paragraph, "rule", chunk.start + hit.start(), chunk.start + hit.end())
                    return True
        return False

    def _node(self, node: Node, found: list[marks.Mark]) -> None:
        for mark in found:
            self.builder.from_mark(mark)
            for chunk in mark.covers:
                self.account.use(chunk.paragraph, "task", chunk.start, chunk.end)
            for fragment in mark.fragments:
                self.account.use(node.chunks[fragment.chunk].paragraph, "task", fragment.start, fragment.end)
        if not found and node.depth >= 0:
            self.sections.append(Section(node.path, node.heading(), node.line))
            first = node.chunks[0]
            self.account.use(first.paragraph, "section", 0, first.start + 1)
        elif found and node.chunks:
            first = node.chunks[0]
            self.account.use(first.paragraph, "task", 0, first.start + 1)
        covered = {(id(c.paragraph), c.start) for mark in found for c in mark.covers}
        for chunk in marks.rest(node, found):
            if (id(chunk.paragraph), chunk.start) not in covered:
                self._prose(node, chunk)

    def _prose(self, node: Node, chunk: Chunk) -> None:
        """Duties and dates of text that no mark covers."""
        if not node.under_a_mark():
            told = self._is_preamble(node)
            for duty in duties.find(chunk.paragraph.folded, chunk.start, chunk.end, told=told):
                self.builder.from_duty(node, chunk, duty)
                self.account.use(chunk.paragraph, "task", duty.start, duty.end)
        headings = node.headings()
        steps = milestones.find(
            chunk, headings, year=self.builder.year, issued_on=self.head.issued_on, own_heading=node.heading()
        )
        for step in steps:
            # Dates of an opening paragraph tell the background, unless they set a limit.
            if self._is_preamble(node) and not _LIMIT.search(fold(step.when)):
                continue
            self.milestones.append(step)
            self.account.used.setdefault(step.line, "milestone")

    @staticmethod
    def _is_preamble(node: Node) -> bool:
        return node.depth < 0

    def _grid(self, grid: Grid) -> None:
        use = tables.read(grid, self.builder, self.table_head)
        self.table_head = use.head if use is not None else None
        if use is None:
            for row in grid.rows:
                self.account.leave(row, "table_row")
            return
        for row in use.tasks:
            self.account.use(row, "task")
        for row in use.heads:
            self.account.leave(row, "table_head")
        for row in use.empty:
            self.account.leave(row, "table_row")
        for path, heading, row in use.sections:
            self.sections.append(Section(path, heading, row.line))
            self.account.use(row, "section")

    def _furniture(self) -> None:
        for paragraph, as_what in self.head.used:
            self.account.use(paragraph, as_what)
        for part, paragraph in self.layout.parts:
            self.account.leave(paragraph, _REASONS.get(part, "metadata"))
        for paragraph in self.layout.repeated:
            self.account.leave(paragraph, "repeated_title")
        for paragraph in self.layout.annex_titles:
            self.account.use(paragraph, "section")

    def _answer(self) -> PlanReading:
        tasks = tuple(self.builder.tasks)
        if not tasks and not (self.head.title and (self.sections or self.milestones)):
            raise NotAPlan
        names = [name for task in tasks for name in task.units]
        changes = [*self.mended.repairs, *self.head.repairs, *self._closed_brackets()]
        return PlanReading(
            title=self.head.title,
            document_number=self.head.number,
            issuer=self.head.issuer,
            recipients=self.head.recipients,
            copied_to=self.head.copied_to,
            issued_on=self.head.issued_on,
            disclosure=self.head.disclosure,
            basis=self.head.basis,
            starts_on=self.head.starts_on,
            ends_on=self.head.ends_on,
            units=named_units(names, self.mended.paragraphs),
            tasks=tasks,
            milestones=tuple(self.milestones),
            sections=tuple(self.sections),
            repairs=tuple(sorted(changes, key=lambda repair: repair.line)),
            ignored=self._ignored(),
            lines=tuple(line.text for line in self.lines),
            used=tuple(sorted(self.account.used.items())),
        )

    def _closed_brackets(self) -> list[Repair]:
        return [
            Repair(task.mark_line, "bracket_closed", task.mark[-20:], task.mark[-20:] + "）")
            for task in self.builder.tasks
            if "bracket_not_closed" in task.doubts
        ]

    def _ignored(self) -> tuple[IgnoredLine, ...]:
        reasons = self.account.reasons | self.mended.ignored
        return tuple(
            IgnoredLine(line, reasons.get(line, "narrative"))
            for line in range(1, len(self.lines) + 1)
            if line not in self.account.used
        )


def read_lines(lines: tuple[SourceLine, ...]) -> PlanReading:
    """The reading of a document that is already lines."""
    return _Reader(lines).read()
