"""Who does what in one mark: A、B牵头，C参与; A会同有关部门负责; 责任单位：A；完成时限：….

A lead is declared, never guessed: by 牵头 or 主办, by a label, by 会同, or by 负责 beside 配合 (product
rule). Everything here works on folded text and answers places in it.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from app.papers.plans import deadlines, labels, leads, unit_names
from app.papers.plans.brackets import groups
from app.papers.plans.labels import Role
from app.papers.plans.unit_names import Span


@dataclass(slots=True)
class Assignment:
    """What one mark says, as places in the folded text it was read from."""

    units: list[tuple[Span, Role]] = field(default_factory=list)
    people: list[Span] = field(default_factory=list)
    due: Span | None = None
    labels: set[str] = field(default_factory=set)
    has_verb: bool = False
    first_leads: bool = False
    onwards: bool = False
    for_all: Span | None = None
    leftovers: list[Span] = field(default_factory=list)

    def roles(self) -> set[Role]:
        """The roles that were declared."""
        return {role for _, role in self.units}


_CORE: Final = (
    "狠抓落实|抓落实|负总责|负主责|负责|牵头|主办|承办|协办|会办|参与|参加|配合|协助|协同|指导|督导|落实|实施"
    "|主责|承担|办理|支持|推进"
)
_ADVERB: Final = (
    "具体|共同|分别|统筹|联合|各自|全程|密切|积极|统一|主动|抓好|做好|"
    r"(?:按照?|依照?|依据|根据|结合)(?:各自|部门|工作|自身|本单位)?的?(?:职责|职能|分工|权限|任务|职权|属地)(?:分工|职责|范围|要求|原则|管理)*内?"
)
_TRAIL: Final = "组织|抓总|工作|到位|任务|督促|协调|责任|完成|总|有关工作|相关工作|各项工作"
# 组织 before a verb is part of it (各区政府组织实施), but not where it ends a name (基层党组织负责).
_ALONG: Final = re.compile(r"(?<!党)(?<!社会)(?<!行业)(?<!群团)(?<!经济)(?<!自治)(?:组织|协调|督促)$")
_TOKEN: Final = re.compile(rf"(?:(?P<core>{_CORE})|(?P<adverb>{_ADVERB})|(?P<trail>{_TRAIL}))$")
_WINDOW: Final = 20
_SPLIT: Final = re.compile(
    r"(?<=牵头)(?=[一-龥])|(?<=牵头|负责|配合|参与|指导|主办|承办|协办|协助)(?=、)|(?=会同)|(?<=[部委局厅办署])(?=商(?!务|会|联|业|贸|标|管|委))"
)
_AFTER_LEAD: Final = re.compile(r"负责|组织|实施|落实|抓总|抓好|推进|单位|部门|制定|开展|办理|统筹|协调|按|总")
_ENTRY: Final = re.compile(r"(?:并|具体|均|分别|主要)?由|会同|商(?!务)|联合(?=.*(?:部|局|委|厅|办))|请")
_NAMED_ROLE: Final = re.compile(r"(?P<label>[一-龥]{1,8}(?:单位|部门|处室|科室))(?:为|是)")
_ANNOTATION: Final = re.compile(
    r"（(?:总)?(?P<lead>牵头|主办|主责)(?:单位|部门)?）$|（(?P<help>配合|协办|参与|协助)(?:单位|部门)?）$|（(?P<guide>指导|督导)(?:单位|部门)?）$|（(?P<duty>负责|责任|承办|落实)(?:单位|部门)?）$"
)
_NOTHING: Final = re.compile(r"无|暂无|略|同上|\W+|下同|以下同|按?职责分工|各司其职|以上|不再列出|.*不再(?:一一)?列出")
_CLAUSE_SIGNS: Final = "，。；\n"


def _role_of(verbs: list[str]) -> Role:
    words = set(verbs)
    if words & {"配合", "参与", "参加", "协助", "协办", "协同", "会办", "支持"} and not words & {"牵头", "主办"}:
        return Role.SUPPORTING
    if words & {"指导", "督导"} and not words & {"牵头", "主办"}:
        return Role.GUIDING
    if words & {"牵头", "主办", "主责"}:
        return Role.LEAD
    return Role.DUTY


def _tail(folded: str, start: int, end: int) -> tuple[int, Role | None]:
    """Where the names end before the verbs of a clause, and the role that the verbs declare."""
    tokens: list[tuple[int, str, str]] = []
    at = end
    while at > start:
        hit = _TOKEN.search(folded[max(start, at - _WINDOW) : at])
        if hit is None:
            break
        at -= len(hit.group())
        tokens.append((at, hit.group(), hit.lastgroup or ""))
    cores = [place for place, _, kind in tokens if kind == "core"]
    if not cores:
        # 甲局、乙局按职责分工 says as much as …按职责分工负责.
        shared = [place for place, word, kind in tokens if kind == "adverb" and re.search(r"职责|分工|职能", word)]
        return (min(shared), Role.DUTY) if shared else (end, None)
    first = min(cores)
    for place, word, kind in tokens:
        along = kind == "adverb" or _ALONG.search(folded, start, place + len(word)) is not None
        if along and place + len(word) == first:
            first = place
    verbs = [word for _, word, kind in tokens if kind == "core"]
    return first, _role_of(verbs)


def _holes(folded: str, start: int, end: int, into: Assignment) -> list[Span]:
    """Brackets inside a mark that state a rule or a deadline instead of being part of a name."""
    holes = []
    for group in groups(folded[start:end])[0]:
        inner = folded[start + group.inner[0] : start + group.inner[1]]
        if leads.states_first_leads(inner) or leads.FROM_HERE_ON.search(inner):
            into.first_leads |= leads.states_first_leads(inner)
            into.onwards |= leads.applies_onwards(inner)
            holes.append((start + group.start, start + group.end))
        elif deadlines.is_value(inner):
            into.due = into.due or (start + group.inner[0], start + group.inner[1])
            holes.append((start + group.start, start + group.end))
    return holes


def _clauses(folded: str, start: int, end: int, holes: list[Span]) -> list[tuple[Span, str]]:
    """Cut at the signs between clauses, outside brackets; each with the sign that closes it."""
    found = []
    depth, begin, at = 0, start, start
    skip = dict(holes)
    while at < end:
        sign = folded[at]
        if at in skip:
            found.append(((begin, at), ""))
            at = begin = skip[at]
            continue
        if sign in "（〔":
            depth += 1
        elif sign in "）〕":
            depth = max(0, depth - 1)
        elif depth == 0 and sign in _CLAUSE_SIGNS:
            found.append(((begin, at), sign))
            begin = at + 1
        at += 1
    found.append(((begin, end), "。"))
    return [(span, sign) for span, sign in found if span[1] > span[0] or sign in "。；"]


def _parts(folded: str, span: Span) -> list[Span]:
    """Cut a clause behind 牵头 and before 会同."""
    start, end = span
    cuts = [start]
    for hit in _SPLIT.finditer(folded, start, end):
        place = hit.start()
        if folded[place - 2 : place] == "牵头" and _AFTER_LEAD.match(folded, place, end):
            continue
        if start < place < end:
            cuts.append(place)
    cuts.append(end)
    return [(a, b) for a, b in pairwise(cuts) if b > a]


class _Reader:
    """Reads the clauses of a mark from left to right; names wait until their verb comes."""

    def __init__(self, folded: str, into: Assignment, role: Role | None) -> None:
        self.folded = folded
        self.into = into
        self.role = role
        self.waiting: list[Span] = []
        self.opening = 0

    def give(self, role: Role) -> None:
        for span in self.waiting:
            self.into.units.append(self._annotated(span, role))
        self.waiting = []

    def _annotated(self, span: Span, role: Role) -> tuple[Span, Role]:
        hit = _ANNOTATION.search(self.folded[slice(*span)])
        if hit is None:
            return span, role
        declared = {"lead": Role.LEAD, "help": Role.SUPPORTING, "guide": Role.GUIDING, "duty": Role.DUTY}
        return (span[0], span[0] + hit.start()), declared[hit.lastgroup or "duty"]

    def names(self, start: int, end: int) -> list[Span]:
        found = []
        for left, right in unit_names.split(self.folded, start, end):
            name = self.folded[left:right]
            if _NOTHING.fullmatch(name):
                continue
            if len(name) > 40:
                self.into.leftovers.append((left, right))
                continue
            found.append((left, right))
        return found

    def clause(self, span: Span, sign: str) -> None:
        start, end = unit_names.trim(self.folded, span)
        text = self.folded[start:end]
        if not text:
            pass
        elif leads.states_first_leads(text):
            self.into.first_leads = True
        elif (unit := leads.unit_for_all(text)) is not None:
            self.into.for_all = (start + unit[0], start + unit[1])
        elif leads.FROM_HERE_ON.fullmatch(text):
            self.into.onwards = True
        elif _NOTHING.fullmatch(text):
            pass
        elif (due := deadlines.clause(text)) is not None:
            self.into.due = (start + due[0], start + due[1])
            self._behind_a_deadline(start + due[1], end)
        else:
            for part in _parts(self.folded, (start, end)):
                self.part(*part)
        if sign and sign in "。；":
            self.give(self.role or Role.DUTY)
        elif not self.into.units and not self.opening:
            self.opening = len(self.waiting)

    def _behind_a_deadline(self, start: int, end: int) -> None:
        """Read on where a clause names units behind its deadline: 6月底前市财政局负责."""
        names_end, role = _tail(self.folded, start, end)
        names = unit_names.split(self.folded, start, names_end)
        if role is not None and names and all(unit_names.is_unit(self.folded[slice(*span)]) for span in names):
            self.part(start, end)

    def part(self, start: int, end: int) -> None:
        named = _NAMED_ROLE.match(self.folded, start, end)
        if named is not None and (said := labels.role_of(named["label"])) is not None:
            self.into.labels.add(named["label"])
            self.into.has_verb = True
            self.waiting += self.names(named.end(), end)
            self.give(said)
            return
        entry = _ENTRY.match(self.folded, start, end)
        beside = entry is not None and entry.group() in ("会同", "商", "联合")
        begin = entry.end() if entry and entry.end() < end else start
        names_end, role = _tail(self.folded, begin, end)
        names = self.names(begin, names_end)
        if beside:
            self.into.has_verb = True
            self.give(Role.LEAD)
            self.waiting = names
            self.give(Role.SUPPORTING)
            return
        if role in (Role.SUPPORTING, Role.GUIDING) and self.opening and not self.into.units:
            # 甲局、乙局，各区配合: the clause in front of the helpers' names who they help.
            rest, self.waiting = self.waiting[self.opening :], self.waiting[: self.opening]
            self.give(self.role or Role.DUTY)
            self.waiting = rest
        self.waiting += names
        if role is not None:
            self.into.has_verb = True
            self.give(self.role if self.role not in (None, Role.DUTY) and role is Role.DUTY else role)


def _read_clauses(folded: str, start: int, end: int, role: Role | None, into: Assignment) -> None:
    reader = _Reader(folded, into, role)
    begin = start
    while begin < end:
        stop = folded.find("。", begin, end) + 1 or end
        if leads.is_rule(folded[begin:stop]) and begin > start:
            _read_rule(folded, begin, stop, into)
        else:
            for span, sign in _clauses(folded, begin, stop, _holes(folded, begin, stop, into)):
                reader.clause(span, sign)
        begin = stop
    reader.give(role or Role.DUTY)


def _read_rule(folded: str, start: int, end: int, into: Assignment) -> None:
    """A whole sentence about the marks, behind the units of this one: 具体任务均涉及各县政府，不再列出."""
    sentence = folded[start:end]
    into.first_leads |= leads.states_first_leads(sentence)
    into.onwards |= leads.applies_onwards(sentence)
    unit = leads.unit_for_all(sentence)
    if unit is not None:
        into.for_all = (start + unit[0], start + unit[1])


def parse(folded: str, start: int = 0, end: int | None = None, role: Role | None = None) -> Assignment:
    """Read one mark: the inside of a bracket, a label line with its value, or a cell of a column ``role``."""
    stop = len(folded) if end is None else end
    into = Assignment()
    found = list(labels.find(folded, start, stop))
    first = found[0].start if found else stop
    if first > start:
        _read_clauses(folded, start, first, role, into)
    for i, label in enumerate(found):
        close = found[i + 1].start if i + 1 < len(found) else stop
        if label.role is not Role.TEXT:
            into.labels.add(label.name)
            read_value(folded, label.value, close, label.role, into)
    return into


def _due_span(folded: str, start: int, end: int) -> Span:
    """A deadline without the signs around it and a leading 在 or 于; quotation marks stay."""
    while end > start and folded[end - 1] in " \n。；，、":
        end -= 1
    while start < end and folded[start] in " \n：，在于":
        start += 1
    return start, end


def read_value(folded: str, start: int, end: int, role: Role, into: Assignment) -> None:
    """Read the value of a label or a cell under a column of that ``role``."""
    left, right = unit_names.trim(folded, (start, end))
    if right <= left or _NOTHING.fullmatch(folded[left:right]):
        return
    if role is Role.DUE:
        into.due = _due_span(folded, start, end)
    elif role is Role.PEOPLE:
        into.people += [span for span in unit_names.split(folded, left, right) if span[1] - span[0] <= 20]
    else:
        _read_clauses(folded, left, right, role, into)
