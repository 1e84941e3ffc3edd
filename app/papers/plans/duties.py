"""Duties stated in prose only: X要…, X负责…, 由X会同Y…, 请X… (domain rules, pattern M).

Find most and invent few: the subject of the clause must be a list of units and nothing else, and a
collective such as 各部门 or 有关单位 is nobody in particular.
"""

import re
from dataclasses import dataclass
from typing import Final

from app.papers.plans import unit_names
from app.papers.plans.labels import Role
from app.papers.plans.unit_names import Span

_SENTENCE: Final = re.compile(r"[^。；！？]+[。；！？]?")
_CLAUSE: Final = re.compile(r"[^，：]+")
_MAX_SENTENCE: Final = 1_500
_MAX_SUBJECT: Final = 240
# The same word may belong to the name: 督查 in 市委督查室, 统筹 in 统筹办.
_IN_NAME: Final = r"(?!室|办(?!理)|组(?!织|建)|处(?!理|置)|科|局|中心|队|委(?!托)|部(?!署|门))"
# The verb that makes a clause a duty, right behind its subject.
_VERB: Final = re.compile(
    r"(?P<must>(?:都|也|均|还|同时|首先|务必|一定)?(?:(?<![主重需必首摘纪提概简])要(?!求|素|点|件|闻|领|塞)|应当?(?!急|用|对|变)|须|必须|负有|承担|切实))"
    r"|(?P<duty>(?:具体|全面|主要|统一|共同|分别|按照?职责分工|分工)?(?:负责(?!人|制|同志)|负总责|牵头(?!单位|部门|人|责任)))"
    r"|(?P<with>将?会同|商(?!务|会|联|业|贸|标|管|委|品)|联合(?!会|国|体|社|惩|执))"
    r"|(?P<on>对(?=.{2,80}(?:进行|开展|给予|予以|实施|负总责|负责)))"
    r"|(?P<does>(?:定期|统筹|组织(?!工作办)|指导|督促|协调(?!小组|机构)|制定|建立|加强|强化|加大|做好|抓好|落实|开展|汇总)"
    rf"{_IN_NAME}|每(?:年|半年|季度|月)|将(?=.{{2,40}}(?:纳入|作为|列入)))"
    r"|(?P<is>(?:是|为).{0,40}?责任(?:主体|单位|部门|人))"
)
# A sentence that tells what was done, or what a document is.
_DONE: Final = re.compile(r"了|过|的$|《")
# The closing clause of every regulation asks for nothing: 本办法由甲局负责解释.
_EXPLAINS: Final = re.compile(r"由.{2,40}(?:负责|进行)?解释")
_TOGETHER: Final = re.compile(r"会同|联合(?=.{2,30}[部委局厅办]|有关|相关)")
# A list of who does what: 市财政局：负责筹措资金. The name alone stands in front of the colon.
_HEADED: Final = re.compile(r"[^，。；：《（]{2,60}：(?=[^：]{8})")
_HELPS: Final = re.compile(r"(?:参与|配合|参加|协助)(?=$|[，。；、]|做好|开展)")
_UNIT_END: Final = re.compile(
    r"(?:部门|单位|部|(?<![省市县区州党])委|局|厅|政府|机构|办公室|办|中心)(?:办公室|办公厅|党组)?"
)
_BY: Final = re.compile(r"(?:并|具体|统一|同时|均|应|应当)?(?P<by>由|请|责成|授权|委托)")
# 考核工作由甲局组织实施: what is done stands in front of who does it.
_DONE_BY: Final = re.compile(r"(?P<what>[^，：《]{2,24}?(?<![自理缘事因来])(?P<by>由))")
_BY_VERB: Final = re.compile(
    "负责|(?:会同|会商|牵头|统筹|组织|制定|指导|协调|承担|汇总|具体|审核|督促|督查|监督|考核|研究|提出|定期|另行|适时|统一|联合|共同"
    "|尽快|抓紧|加强|抓好|予以|给予|协助|支持|配合|提供|认真|结合|切实|进一步|重点|继续|通报|反馈|报送|建立|编制|起草|做好|落实|推动"
    f"|按|依|根据|于|在|每|对|将|把){_IN_NAME}"
)
_COLLECTIVE: Final = re.compile(
    r"各|每|所有|全体|其他|其它|(?:^|.)(?:有关|相关)(?=部门|单位|机构|方面|处室|科室|责任|地区|企业|政府|省|市|县)|^(?:成员|责任|牵头|配合|主管|职能|地方|基层|上级|下级|用人|建设|施工|业主|行业主管|业务主管|行政主管|监管|监督|施工|监理|设计|勘察|运营|养护|管护|项目|承办|参与|实施|该|其|本|我|两)?"
    r"(?:部门|单位|机关|机构|政府|企业|学校|医院|公司|银行|协会|学会|院校|高校|地区|市|县|区|省|乡镇|街道|村|园区|社|会|院|所|中心)$|党员干部|领导干部|地方政府|^地方|用人单位|金融机构|社会组织|行业协会|医疗机构|中介机构|服务机构|培训机构|企事业单位|行政机关|司法机关|事业单位|民营企业|国有企业|龙头企业|职业院校|科研院所|高等院校|高等学校|金融机构$"
)
_NOT_A_NAME: Final = re.compile(
    r"加强|落实|鼓励|支持|推动|引导|建立|完善|组织(?!部|工作办)|督促|协调(?!小组|机构|办|组)|充分|发挥|强化|按照|根据|通过|坚持|依托|实行|实施|明确|确保|积极|健全|严格|做好|推进(?!办|组|小组|领导|工作)|开展|涉及|同时|如果|需要|为了|以及其|不得|可以|进一步|向|把|让|使|给|未|已|凡|被|的|我们|对于|关于|由|^会同|将(?!军|乐)|^对|^经(?!济|信|贸|发|开|合|管|委)|^报|^并|^如|^需|^在|^与|^从|^按|^因|^此|^这|^本着|^以(?!色)|了|着"
)


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty found in a sentence: the units with what the sentence says of them, and the sentence."""

    start: int
    end: int
    units: tuple[tuple[Span, Role], ...]


def find(folded: str, start: int = 0, end: int | None = None, *, told: bool = False) -> list[Duty]:
    """The duties of a stretch of text, at most one a sentence and subject.

    ``told`` is for an opening paragraph, which tells what was done: 市政府制定本方案 is no duty there.
    """
    stop = len(folded) if end is None else end
    found = []
    for sentence in _SENTENCE.finditer(folded, start, stop):
        if sentence.end() - sentence.start() > _MAX_SENTENCE or _EXPLAINS.search(sentence.group()):
            continue
        found += _of_sentence(folded, sentence.start(), sentence.end(), told=told)
    return found


def _of_sentence(folded: str, start: int, end: int, *, told: bool) -> list[Duty]:
    """The duties of a sentence; each runs from its clause to the clause of the next."""
    named = _HEADED.match(folded, start, end)
    if named is not None and (spans := _names(folded, start, named.end() - 1)):
        return [Duty(start, end, tuple((span, Role.DUTY) for span in spans))]
    hits: list[tuple[int, tuple[tuple[Span, Role], ...]]] = []
    seen: set[str] = set()
    for clause in _CLAUSE.finditer(folded, start, end):
        units = _subject(folded, clause.start(), clause.end(), told=told)
        key = folded[slice(*units[0][0])] if units else ""
        if units and key not in seen:
            seen.add(key)
            hits.append((clause.start() if hits else start, tuple(units)))
        elif hits and not units and hits[-1][1][0][1] is Role.LEAD:
            hits[-1] = (hits[-1][0], (*hits[-1][1], *_helpers(folded, clause.start(), clause.end())))
    stops = [at for at, _ in hits[1:]] + [end]
    return [Duty(at, stop, units) for (at, units), stop in zip(hits, stops, strict=True)] if hits else []


def _subject(folded: str, start: int, end: int, *, told: bool) -> list[tuple[Span, Role]]:
    start += len(folded[start:end]) - len(folded[start:end].lstrip(" ”“"))
    by = _BY.match(folded, start, end) or _DONE_BY.match(folded, start, end)
    if by is not None:
        return _asked(folded, by.end(), end, request=by["by"] != "由")
    verb = _VERB.search(folded, start, min(end, start + _MAX_SUBJECT))
    while verb is not None:
        units = _names(folded, start, verb.start())
        if units:
            if verb.lastgroup == "does" and (told or _DONE.search(folded, verb.end(), end)):
                return []
            return _with_role(folded, units, verb, end)
        if verb.lastgroup == "is" or verb.start() - start > 80:
            return []
        verb = _VERB.search(folded, verb.start() + 1, min(end, start + _MAX_SUBJECT))
    return []


def _with_role(folded: str, units: list[Span], verb: re.Match[str], end: int) -> list[tuple[Span, Role]]:
    """会同 and 牵头 declare a lead; 要 and 负责 alone do not."""
    together = _TOGETHER.match(folded, verb.end(), end) if verb.lastgroup == "must" else None
    if verb.lastgroup == "with" or together is not None:
        beside = _partners(folded, (together or verb).end(), end)
        return [(span, Role.LEAD) for span in units] + [(span, Role.SUPPORTING) for span in beside]
    leads = verb.lastgroup == "duty" and "牵头" in verb.group()
    return [(span, Role.LEAD if leads else Role.DUTY) for span in units]


def _partners(folded: str, start: int, end: int) -> list[Span]:
    """The units behind 会同, up to what they do together."""
    stop = start
    for span in unit_names.split(folded, start, min(end, start + _MAX_SUBJECT)):
        if "等" in folded[stop : span[0]] and folded[span[0] - 1] not in "、和及与":
            break
        if not unit_names.is_unit(folded[slice(*span)]):
            stop = _first_end(folded, span) or stop
            break
        stop = span[1]
    return unit_names.split(folded, start, stop) if stop > start else []


def _helpers(folded: str, start: int, end: int) -> list[tuple[Span, Role]]:
    """The units of a clause behind the lead's: 甲部牵头，乙院、丙院参与."""
    hit = _HELPS.search(folded, start, end)
    return [(span, Role.SUPPORTING) for span in _names(folded, start, hit.start())] if hit else []


def _first_end(folded: str, span: Span) -> int | None:
    """Where the first name ends in a stretch that runs on into a verb: 应急局 in 应急局安排资金."""
    hit = _UNIT_END.search(folded, span[0] + 2, min(span[1], span[0] + 20))
    return hit.end() if hit else None


def _asked(folded: str, start: int, end: int, *, request: bool) -> list[tuple[Span, Role]]:
    """由X会同Y…, 请X…: the units right behind the word."""
    window = min(end, start + _MAX_SUBJECT)
    verb = _VERB.search(folded, start, window) if not request else None
    if verb is not None and (units := _names(folded, start, verb.start())):
        return _with_role(folded, units, verb, end)
    for hit in _BY_VERB.finditer(folded, start, window):
        if hit.start() > start and (units := _names(folded, start, hit.start())):
            return [(span, Role.DUTY) for span in units]
        if hit.start() - start > 100:
            break
    return []


def _names(folded: str, start: int, end: int) -> list[Span]:
    """The units of ``[start:end]`` if it names units and nothing else."""
    text = folded[start:end]
    if not 2 < len(text) <= _MAX_SUBJECT or "《" in text:
        return []
    spans = unit_names.split(folded, start, end)
    names = [folded[slice(*span)] for span in spans]
    shared = len(names) > 1 and names[-1].endswith("部门")  # 财政、审计部门: the last word belongs to all
    for name in names:
        known = unit_names.is_unit(name) or (shared and len(name) <= 8)
        if len(name) > 22 or not known or _NOT_A_NAME.search(name) or _COLLECTIVE.search(name):
            return []
    return spans
