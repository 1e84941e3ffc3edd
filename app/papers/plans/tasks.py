"""From marks, sentences and rows to tasks: names cut verbatim, roles settled, deadlines read."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from app.papers.plans import deadlines, unit_names
from app.papers.plans.deadlines import Due, DueKind
from app.papers.plans.duties import Duty
from app.papers.plans.folding import fold
from app.papers.plans.labels import Role
from app.papers.plans.marks import Mark
from app.papers.plans.outline import Chunk, Node, first_sentence
from app.papers.plans.reading import PlanTask
from app.papers.plans.roles import Assignment

_BY_KIND: Final = {
    DueKind.RELATIVE: "due_relative",
    DueKind.RECURRING: "due_recurring",
    DueKind.OPEN_ENDED: "due_open_ended",
    DueKind.IMMEDIATE: "due_immediate",
    DueKind.UNREAD: "due_unread",
}


@dataclass(slots=True)
class Said:
    """What one mark says, in names: gathered from its fragments or from the cells of a row."""

    units: list[tuple[str, Role]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    due: str | None = None
    first_leads: bool = False
    onwards: bool = False
    for_all: str | None = None
    open_list: bool = False

    def take(self, said: Assignment, text: str) -> None:
        """Add an assignment read from ``text``."""
        known = {name for name, _ in self.units}
        for span, role in said.units:
            name = " ".join(text[slice(*span)].split())
            if name and name not in known:
                known.add(name)
                self.units.append((name, role))
        self.people += [text[slice(*span)].strip() for span in said.people]
        if said.due is not None and self.due is None:
            self.due = " ".join(text[slice(*said.due)].split())
        self.first_leads |= said.first_leads
        self.onwards |= said.onwards
        if said.for_all is not None:
            self.for_all = text[slice(*said.for_all)]

    def settle(self, *, rule: bool) -> dict[Role, tuple[str, ...]]:
        """The units by role. A duty beside a lead supports; beside a supporter it leads; a rule may name the first."""
        roles = {role for _, role in self.units}
        duty = Role.DUTY
        if Role.LEAD in roles:
            duty = Role.SUPPORTING
        elif Role.SUPPORTING in roles:
            duty = Role.LEAD
        found: dict[Role, list[str]] = {role: [] for role in Role}
        first = True
        for name, role in self.units:
            settled = duty if role is Role.DUTY else role
            if settled is Role.DUTY and rule:
                settled = Role.LEAD if first else Role.SUPPORTING
                first = False
            found[settled].append(name)
        return {role: tuple(names) for role, names in found.items()}


@dataclass(slots=True)
class Builder:
    """Builds the tasks of one document in its order, and carries the rules that it states once."""

    year: int | None
    issued_on: date | None
    rule: bool = False
    for_all: str | None = None
    repaired: frozenset[int] = frozenset()
    tasks: list[PlanTask] = field(default_factory=list)
    _parts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _owners: dict[tuple[str, ...], int] = field(default_factory=dict)

    def from_mark(self, mark: Mark) -> None:
        """The task of a bracket or of label lines."""
        said = Said()
        for fragment in mark.fragments:
            paragraph = mark.node.chunks[fragment.chunk].paragraph
            said.take(fragment.said, paragraph.text)
            said.open_list |= unit_names.is_open(paragraph.folded[fragment.start : fragment.end])
        doubts = ["bracket_not_closed"] if any(f.unclosed for f in mark.fragments) else []
        text = "".join(chunk.text for chunk in mark.covers).strip().lstrip("；，。;,")
        first = mark.covers[0] if mark.covers else mark.node.chunks[0]
        heading = first_sentence(first) or mark.node.heading()
        if first.start > first.paragraph.text.find(first.text.strip()[:1]) and first is not mark.node.chunks[0]:
            heading = first_sentence(first)
        last = mark.fragments[-1]
        self._add(
            node=mark.node,
            said=said,
            heading=heading,
            text=text or mark.node.heading(),
            covers=mark.covers,
            line=first.paragraph.line_at(first.start),
            mark="".join(mark.node.chunks[f.chunk].paragraph.text[f.start : f.end] for f in mark.fragments),
            mark_line=mark.node.chunks[last.chunk].paragraph.line_at(last.start),
            doubts=doubts,
        )

    def from_duty(self, node: Node, chunk: Chunk, duty: Duty) -> None:
        """The task of a sentence."""
        said = Said()
        sentence = Chunk(chunk.paragraph, duty.start, duty.end)
        said.take(Assignment(units=list(duty.units)), chunk.paragraph.text)
        self._add(
            node=node,
            said=said,
            heading=(node.heading() if node.depth >= 0 else "") or first_sentence(sentence),
            text=sentence.text.strip().rstrip("，,"),
            covers=[sentence],
            line=chunk.paragraph.line_at(duty.start),
            doubts=["from_prose"],
            marked=False,
        )

    def from_row(
        self, path: tuple[str, ...], said: Said, cells: tuple[str, str], line: int, covers: list[Chunk]
    ) -> None:
        """The task of a table row; ``cells`` are its heading and its whole text."""
        node = Node(path, "", 0)
        self._add(
            node=node, said=said, heading=cells[0], text=cells[1], covers=covers, line=line, mark_line=line, doubts=[]
        )

    def _add(
        self,
        *,
        node: Node,
        said: Said,
        heading: str,
        text: str,
        covers: list[Chunk],
        line: int,
        doubts: list[str],
        mark: str = "",
        mark_line: int = 0,
        marked: bool = True,
    ) -> None:
        rule = said.first_leads or self.rule
        if said.first_leads and said.onwards:
            self.rule = True
        units = said.settle(rule=rule and marked)
        due_text, due, several = self._due(said, covers)
        doubts += self._unit_doubts(said, units, rule=rule and marked)
        doubts += _due_doubts(due, several=several)
        doubts += self._place_doubts(node, covers)
        if said.for_all is not None and said.onwards:
            self.for_all = said.for_all
        if self.for_all is not None:
            doubts.append("implementer_stated_once")
        self._parts[node.path] += 1
        self.tasks.append(
            PlanTask(
                path=node.path,
                part=self._parts[node.path],
                heading=heading,
                text=text,
                units=tuple(name for name, _ in said.units),
                lead_units=units[Role.LEAD],
                supporting_units=units[Role.SUPPORTING],
                guiding_units=units[Role.GUIDING],
                responsible_people=tuple(dict.fromkeys(said.people)),
                due_text=due_text,
                due_on=due.ends_on if due else None,
                marked=marked,
                line=line,
                doubts=tuple(dict.fromkeys(doubts)),
                mark=mark.strip(),
                mark_line=mark_line,
                doubt_values=(("unit", self.for_all),) if self.for_all is not None else (),
            )
        )
        if said.for_all is not None:
            self.for_all = said.for_all

    def _due(self, said: Said, covers: list[Chunk]) -> tuple[str | None, Due | None, bool]:
        """The deadline of the mark itself, else the last one in the text it covers."""
        if said.due is not None:
            due = deadlines.normal(fold(said.due), year=self.year, issued_on=self.issued_on)
            return said.due, due, False
        found = [(chunk, hit) for chunk in covers for hit in deadlines.find(chunk.folded)]
        if not found:
            return None, None, False
        chunk, hit = found[-1]
        phrase = chunk.folded[hit.start : hit.end]
        due = deadlines.normal(phrase, year=self.year, issued_on=self.issued_on)
        return chunk.text[hit.start : hit.end], due, len(found) > 1

    def _unit_doubts(self, said: Said, units: dict[Role, tuple[str, ...]], *, rule: bool) -> list[str]:
        """What is not certain about the units."""
        found = []
        if not units[Role.LEAD] and len(units[Role.DUTY]) > 1:
            found.append("lead_undeclared")
        if rule and units[Role.LEAD] and any(role is Role.DUTY for _, role in said.units):
            found.append("lead_by_rule")
        if said.open_list:
            found.append("list_is_open")
        if any(not unit_names.is_unit(fold(name)) and fold(name)[:1] != "各" for name, _ in said.units):
            found.append("unit_without_suffix")
        return found

    def _place_doubts(self, node: Node, covers: list[Chunk]) -> list[str]:
        """What is not certain about the number and the text."""
        found = []
        if node.skipped:
            found.append("number_skipped")
        if not node.path or node.path == (node.zone,):
            found.append("no_number")
        if self._owners.setdefault(node.path, id(node)) != id(node) and node.chunks:
            found.append("path_repeated")
        lines = (line for chunk in covers for line in chunk.paragraph.lines(chunk.start, chunk.end))
        if any(line in self.repaired for line in lines):
            found.append("text_repaired")
        return found


def _due_doubts(due: Due | None, *, several: bool) -> list[str]:
    """What is not certain about the deadline."""
    if due is None:
        return []
    found = [_BY_KIND[due.kind]] if due.kind in _BY_KIND else []
    if due.year_assumed:
        found.append("due_year_assumed")
    return [*found, "due_several"] if several else found
