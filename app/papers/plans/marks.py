"""Marks of responsibility in an item: brackets and label lines, and the text that each covers.

A bracket is a mark when it declares a role, or when it stands at the end of a sentence and every
member ends like an organ; 以下简称, document numbers and explanations are none (domain rules, section
2.3, rule 3, and section 0, fact 3).
"""

import re
from dataclasses import dataclass, field
from typing import Final

from app.papers.plans import deadlines, labels, leads, roles, unit_names
from app.papers.plans.labels import Role
from app.papers.plans.outline import Chunk, Node
from app.papers.plans.repairs import Paragraph, top_groups, within
from app.papers.plans.roles import Assignment

_NEVER: Final = re.compile(
    r"以下(?:统)?[简统]称|简称|统称|下称|此件|信息公开|主动公开|依申请|联系人|联系电话|\d{4}〕\d|〔\d{4}〕|见附件|附后|详见|另行|略|图\d|表\d|编号|代码|https?"
)
_EXPLAINS: Final = re.compile(
    r"(?:即|如|例如|比如|含|包括|包含|不含|指|其中|超过|不超过|约|至|原|现|又称|也称|即为|见|由于|因|除|截至|或)"
)
# Kinds of body, not bodies: (学校、医院) and (政府主导、企业参与) say where or how, and assign nothing.
_KIND: Final = re.compile(
    r"(?:(?:党政|国有|国家|企事业|事业|各类|大型|公立|民办|中小|职业|商业|保险|金融|群团|行政|施工|建设|监理|用人)*"
    r"(?:机关|单位|部门|学校|院校|高校|医院|企业|公司|银行|政府|党委|园区|开发区|机构|协会|社会|社区|村|乡镇|街道))"
    r"|(?:政府|党委|部门|企业|社会|市场|群众|公众|社区)[一-龥]{0,6}|(?:一[一-龥]{1,3}){2,}|.*实验室"
)
_ENDS: Final = "。；！？”》）：:"
_CONTENT: Final = re.compile(r"[一-龥A-Za-z0-9]")
_OPEN_TO_ALL: Final = re.compile(r"各|有关|相关")
_RESPONSIBLE: Final = frozenset({Role.LEAD, Role.DUTY, Role.SUPPORTING, Role.GUIDING, Role.PEOPLE})


@dataclass(slots=True)
class Fragment:
    """One bracket or one label with its value, in a chunk of an item."""

    chunk: int
    start: int
    end: int
    said: Assignment
    labelled: bool
    unclosed: bool = False


@dataclass(slots=True)
class Mark:
    """A mark of responsibility: its fragments, and the stretches of text that it covers."""

    node: Node
    fragments: list[Fragment]
    covers: list[Chunk] = field(default_factory=list)

    @property
    def paragraph(self) -> Paragraph:
        """The paragraph of its first fragment."""
        return self.node.chunks[self.fragments[0].chunk].paragraph

    @property
    def line(self) -> int:
        """The line on which it stands."""
        return self.paragraph.line_at(self.fragments[0].start)


def _bracket(paragraph: Paragraph, start: int, end: int, floor: int, *, closed: bool) -> Assignment | None:
    """What the bracket ``[start:end]`` assigns, or None when it is no mark."""
    folded = paragraph.folded
    left, right = start + 1, end - 1 if closed else end
    inner = folded[left:right].strip()
    if len(inner) < 2 or len(inner) > 1_500 or (_NEVER.search(inner) and not _has_role_label(inner)):
        return None
    said = roles.parse(folded, left, right)
    if not said.units and not said.people:
        return said if said.due is not None and deadlines.is_value(inner) else None
    if said.labels:
        return said
    names = [folded[slice(*span)] for span, _ in said.units]
    if _EXPLAINS.match(inner) or any(len(name) > 30 for name in names) or all(map(_KIND.fullmatch, names)):
        return None
    likely = sum(unit_names.is_unit(name) or bool(_OPEN_TO_ALL.match(name)) for name in names)
    if said.has_verb or said.first_leads:
        return said if 2 * likely >= len(names) and likely else None
    if said.due is not None and all(map(unit_names.is_organ, names)):
        return said
    return said if _is_bare_list(folded, names, start, end, floor) else None


def _has_role_label(inner: str) -> bool:
    return any(label.role in _RESPONSIBLE for label in labels.find(inner))


def _is_bare_list(folded: str, names: list[str], start: int, end: int, floor: int) -> bool:
    """Whether a list without any verb is one of units, at the end of a sentence."""
    before = folded[max(floor, start - 40) : start].rstrip()
    after = folded[end : end + 10].lstrip()
    closes = not before or before[-1] in _ENDS or not after or after[0] in "。；（"
    if not closes:
        return False
    if before and before[-1] not in _ENDS and not after and len(names) < 2:
        # At the end of a line without a full stop a single name may as well explain the word before it.
        return unit_names.is_organ(names[0]) and len(before) > 6
    return all(unit_names.is_organ(name) or name.startswith("各") for name in names)


def _label_fragments(node: Node, at: int, taken: list[tuple[int, int]]) -> list[Fragment]:
    """The label lines of a chunk: each label with its value."""
    chunk = node.chunks[at]
    folded = chunk.paragraph.folded
    found = [label for label in labels.find(folded, chunk.start, chunk.end) if not within(taken, label.start)]
    fragments = []
    for i, label in enumerate(found):
        stop = found[i + 1].start if i + 1 < len(found) else chunk.end
        if label.role is Role.TEXT:
            continue
        said = Assignment(labels={label.name})
        end = _value_end(folded, label.value, stop)
        roles.read_value(folded, label.value, end, label.role, said)
        if label.role in _RESPONSIBLE or said.due is not None:
            fragments.append(Fragment(at, label.start, end, said, labelled=True))
    return fragments


def _value_end(folded: str, start: int, stop: int) -> int:
    """A value runs to its full stop, unless the next sentence states a rule about it."""
    end = folded.find("。", start, stop)
    while end >= 0 and end + 1 < stop:
        following = folded.find("。", end + 1, stop)
        sentence = folded[end + 1 : following if following >= 0 else stop]
        if not sentence.strip() or leads.is_rule(sentence):
            end = following
            continue
        return end + 1
    return stop


def _more_units(node: Node, at: int, before: list[Fragment]) -> list[Fragment]:
    """A line of units and nothing else that goes on with the label line above it."""
    chunk, last = node.chunks[at], before[-1] if before else None
    text = chunk.folded.strip()
    if last is None or not last.labelled or last.chunk != at - 1 or last.end < node.chunks[at - 1].end:
        return []
    if not last.said.units or last.said.due is not None or len(text) > 60 or re.search(r"[。；！：]", text):
        return []
    names = [text[slice(*span)] for span in unit_names.split(text)]
    if not names or not all(len(name) <= 20 and unit_names.is_organ(name) for name in names):
        return []
    said = Assignment()
    roles.read_value(chunk.paragraph.folded, chunk.start, chunk.end, last.said.units[-1][1], said)
    return [Fragment(at, chunk.start, chunk.end, said, labelled=True)]


def _fragments(node: Node) -> list[Fragment]:
    found: list[Fragment] = []
    for at, chunk in enumerate(node.chunks):
        groups = [
            g
            for g in top_groups(chunk.paragraph)
            if chunk.start <= g[0] and g[1] <= chunk.end and not labels.is_frame(chunk.paragraph.folded[g[0] : g[1]])
        ]
        spans = [(a, b) for a, b, _ in groups]
        lines = _label_fragments(node, at, spans)
        lines += _more_units(node, at, found) if not lines else []
        found += lines
        floor = chunk.start
        values = [(f.start, f.end) for f in lines]
        for start, end, closed in groups:
            if within(values, start):
                continue
            said = _bracket(chunk.paragraph, start, end, floor, closed=closed)
            if said is not None:
                found.append(Fragment(at, start, end, said, labelled=bool(said.labels), unclosed=not closed))
                floor = end
    return sorted(found, key=lambda f: (f.chunk, f.start))


def _between(node: Node, left: Fragment, right: Fragment) -> list[Chunk]:
    """The text between two fragments."""
    if left.chunk == right.chunk:
        return [Chunk(node.chunks[left.chunk].paragraph, left.end, right.start)]
    first, last = node.chunks[left.chunk], node.chunks[right.chunk]
    return [
        Chunk(first.paragraph, left.end, first.end),
        *node.chunks[left.chunk + 1 : right.chunk],
        Chunk(last.paragraph, last.start, right.start),
    ]


def _says_more(chunks: list[Chunk]) -> bool:
    return any(_CONTENT.search(chunk.folded) for chunk in chunks)


def _belongs(group: list[Fragment], new: Fragment) -> bool:
    """Whether a fragment that follows at once completes the mark before it."""
    if not new.said.units and not new.said.people:
        return True
    if not any(f.said.units or f.said.people for f in group):
        return True
    names = set().union(*(f.said.labels for f in group))
    return bool(new.labelled and names) and not names & new.said.labels


def find(node: Node) -> list[Mark]:
    """The marks of an item in order, each with the text it covers."""
    grouped: list[list[Fragment]] = []
    fragments = _fragments(node)
    for i, fragment in enumerate(fragments):
        near = i > 0 and not _says_more(_between(node, fragments[i - 1], fragment))
        if grouped and near and _belongs(grouped[-1], fragment):
            grouped[-1].append(fragment)
        else:
            grouped.append([fragment])
    marks = [Mark(node, g) for g in grouped if any(f.said.units or f.said.people for f in g)]
    _cover(node, marks)
    return marks


def _cover(node: Node, marks: list[Mark]) -> None:
    """Give each mark the text from the mark before it; a lone mark in a heading has the whole item."""
    begin = Fragment(0, node.chunks[0].start, node.chunks[0].start, Assignment(), labelled=False)
    for mark in marks:
        mark.covers = [_opened(c) for c in _between(node, begin, mark.fragments[0]) if c.folded.strip()]
        begin = mark.fragments[-1]
    if len(marks) == 1:
        only = marks[0]
        written = "".join(chunk.folded for chunk in only.covers)
        if only.fragments[0].labelled or "。" not in written:
            only.covers += rest(node, marks)


def _opened(chunk: Chunk) -> Chunk:
    """A stretch without the sign that closed the sentence before the mark: （甲局）。下一句…."""
    lead = len(chunk.folded) - len(chunk.folded.lstrip(" 。；，、"))
    return Chunk(chunk.paragraph, chunk.start + lead, chunk.end) if lead < chunk.end - chunk.start else chunk


def rest(node: Node, marks: list[Mark]) -> list[Chunk]:
    """The text behind the last mark."""
    if not marks:
        return list(node.chunks)
    last = marks[-1].fragments[-1]
    final = node.chunks[-1]
    end = Fragment(len(node.chunks) - 1, final.end, final.end, Assignment(), labelled=False)
    return [chunk for chunk in _between(node, last, end) if chunk.folded.strip()]
