"""Units in a list: where one name ends and the next begins, and what can be a unit at all.

A unit is known by its suffix, never by its stem, so that an unknown bureau is read like a known one
(domain rules, section 2.3, rules 3 and 4). All functions take folded text and answer places in it.
"""

import re
from typing import Final

Span = tuple[int, int]

# Ends of names that nearly always are an organ: enough for a bare list in a bracket.
_ORGAN: Final = (
    "部|委|厅|局|办|署|处|科|室|股|院|台|站|中心|政府|总社|供销社|银行|人行|支行|分行|协会|学会|商会|联合会|总会|委员会"
    "|领导小组|工作组|专项组|协调组|小组|专班|指挥部|党组|党委|工委|纪委|监委|工会|妇联|残联|文联|社科联|科协|侨联|工商联|作协|记协"
    "|团市委|团省委|团县委|团区委|共青团|共青团中央|法院|检察院|机关|机构|办公室|办公厅|办事处|总局|分局|总队|支队|大队|中队|队"
    "|大学|学院|学校|党校|医院|研究院|研究所|所|馆|园区|开发区|高新区|经开区|示范区|保税区|管理区|代表处|组|党组织|部门|单位"
    "|公司|集团|海关|军分区|人武部|警备区|联席会议|联社|服务点|报社|电视台|广电台|街道|管委会|社|会|校|院校|烟草|税务"
)
# Places stand for their governments in a marked list, and in front of 负责 or 要.
_PLACE: Final = (
    "省|自治区|直辖市|自治州|州|盟|市|县|自治县|旗|区|新区|乡|镇|乡镇|村|兵团|师|团场|企业|商|园|场|院|中央|地区|平台"
)
ORGAN: Final = re.compile(rf"(?:{_ORGAN})$")
ANY: Final = re.compile(rf"(?:{_ORGAN}|{_PLACE})$")

# One party phrase: 各区、县级市; 各市、县〔市、区〕政府; 各省、自治区、直辖市人民政府; 各委、办、局.
_LEVEL: Final = (
    "省|自治区|直辖市|设区市|地级市|市|州|自治州|盟|地|区|县|县级市|自治县|旗|乡|镇|街道|街|园区|新区|功能区"
)
_LEVEL_WORD: Final = re.compile(
    rf"(?:市属|市辖|有关|相关)?(?!及|和)(?:(?:{_LEVEL}|及|和|计划单列市)(?:[（〔](?:{_LEVEL}|、)+[）〕])?)+(?:人民政府|政府|办事处|党委|党工委|管委会)?"
)
_EVERY_LEVEL: Final = re.compile(rf"各(?:有关|相关)?(?:{_LEVEL})+")
_JOINED_LEVEL: Final = re.compile(rf"(?:以及|和|及|与|暨)各(?:有关|相关)?(?:{_LEVEL})+$")
_EVERY_ORGAN: Final = re.compile(r".{0,8}各(?:有关|相关)?(?:部|委|办|局|厅|院|处|科|室)+")
_ORGAN_WORD: Final = re.compile(r"(?:部|委|办|局|厅|院|处|科|室|司|部门)+")

# 等 that leaves the list open, with the generic words that belong to it.
_WHOSE: Final = (
    "国务院|中央|省直|市直|区直|县直|州直|省级|市级|区级|县级|州级|镇级|省|市|区|县|州|全省|全市|全区|全县|政府|党委|机关"
    r"|直属|所属|下属|驻|各|有关|相关|其他|其它|成员|职能|责任|参与|配合|主管|行业|\d{1,2}个?|[一二三四五六七八九十]{1,3}个?家?"
)
_WHO: Final = "部门|单位|地区|方面|机构|企业|委办局|处室|科室|部委"
_OPEN: Final = re.compile(
    rf"等(?=$|和|及|以及|、|，|为|按|依|根|\d|[一二三四五六七八九十]+[个家]|(?:{_WHOSE})*(?:{_WHO}))"
    rf"(?:(?:{_WHOSE})*(?:{_WHO})|\d{{1,2}}[个家]|[一二三四五六七八九十]{{1,3}}[个家])?"
    rf"(?:(?:和|及|、|以及)(?:有关|相关)*(?:{_WHO})(?![一-龥]))*"
)
_AND: Final = re.compile(r"以及|和|及|与|暨")
_AND_LEFT: Final = re.compile(
    r"(?:部|委|厅|局|办|署|处|科|室|政府|总局|总社|银行|委员会|中心|公司|协会|办公室|办公厅|办事处|法院|联合会|总会)$"
)
_GENERIC_RIGHT: Final = re.compile(r"(?:直属)?(?:单位|部门|政府|机构|地区|企业|人民团体|直属机构|下属单位)")
_SOME_RIGHT: Final = re.compile(r"(?:有关|相关)(?:单位|部门|机构|地区|企业|方面)")
# Everybody of a kind: 国务院相关部门, 各县区. Such a name ends where the next begins with its own 各 or level.
_COLLECTIVE: Final = re.compile(
    r".{0,8}(?:各|有关|相关|所属|直属).{0,8}(?:部门|单位|地区|机构|企业|街道|乡镇|镇街|县区|区县|院校|学校|园区|开发区|管委会|市|县|区|州|地|镇)"
)
_NEXT_COLLECTIVE: Final = re.compile(r"(?:各|有关|相关|国务院|中央|省|市|县|区|州|驻|其他).{0,30}")
# 领导小组办公室（设在甲局）: where it sits or what it is called is no part of the name.
_REMARK: Final = re.compile(r"（(?:设在|以下|下称|简称)[^（）]*）")
_SEPARATORS: Final = frozenset("、，；;/\n|｜")
_TRIM: Final = " \n\t。.：:、，；;·—-*★●■◆“”\"'"
_NUMBERED: Final = re.compile(r"^(?:\d{1,2}|[①-⑳])[.、）](?=[一-龥])|^[①-⑳]")


def _pieces(text: str, start: int, end: int) -> list[Span]:
    """Cut at list signs outside brackets; white space separates where both sides end like units."""
    found: list[Span] = []
    depth, begin = 0, start
    for i in range(start, end):
        c = text[i]
        if c in "（〔":
            depth += 1
        elif c in "）〕":
            depth = max(0, depth - 1)
        elif depth == 0 and (c in _SEPARATORS or (c == " " and _parts_names(text, begin, i))):
            found.append((begin, i))
            begin = i + 1
    found.append((begin, end))
    return found


def _parts_names(text: str, begin: int, place: int) -> bool:
    """Whether a space stands between two names, and not in front of the bracket that belongs to one."""
    return (
        text[place + 1 : place + 2] not in ("（", "〔") and ANY.search(text, max(begin, place - 12), place) is not None
    )


def trim(text: str, span: Span) -> Span:
    """``span`` without the white space and signs at its ends."""
    start, end = span
    while start < end and text[start] in _TRIM:
        start += 1
    while end > start and text[end - 1] in _TRIM:
        end -= 1
    return start, end


def _whole(pieces: list[Span], text: str) -> list[Span]:
    """Put together again what is one party phrase."""
    joined: list[Span] = []
    open_as: re.Pattern[str] | None = None
    for span in pieces:
        word = text[slice(*trim(text, span))]
        if joined and open_as is not None and len(word) <= 30 and open_as.fullmatch(word):
            joined[-1] = (joined[-1][0], span[1])
        else:
            joined.append(span)
            open_as = None
            if _EVERY_LEVEL.match(word) or _JOINED_LEVEL.search(word):
                open_as = _LEVEL_WORD
            elif len(word) <= 30 and _EVERY_ORGAN.fullmatch(word):
                open_as = _ORGAN_WORD
        if open_as is _LEVEL_WORD and word.endswith(("政府", "办事处", "委", "委会")):
            open_as = None
    return joined


def _cut_and(text: str, span: Span) -> list[Span]:
    """Cut 财政部和税务总局 in two, and leave 工业和信息化部 whole."""
    start, end = span
    depth = 0
    for hit in _AND.finditer(text, start, end):
        depth = text.count("（", start, hit.start()) - text.count("）", start, hit.start())
        left, right = text[start : hit.start()], text[hit.end() : end]
        if depth == 0 and _parted(left, right):
            return [(start, hit.start()), *_cut_and(text, (hit.end(), end))]
    return [span]


def _parted(left: str, right: str) -> bool:
    """Whether 和 joins two names rather than standing inside one."""
    if _COLLECTIVE.fullmatch(left) and not _SOME_RIGHT.fullmatch(right) and _NEXT_COLLECTIVE.fullmatch(right):
        return True
    if not _AND_LEFT.search(left) or len(left) < 3 or _GENERIC_RIGHT.fullmatch(right):
        return False
    return right.startswith("各") or ANY.search(right) is not None


def _without_open_tail(text: str, span: Span) -> list[Span]:
    """Cut at an open 等: the generic words after it go, a unit joined to it stays."""
    start, end = span
    hit = _OPEN.search(text, start, end)
    while hit is not None and hit.start() == start and hit.end() < end:
        start = hit.end()
        hit = _OPEN.search(text, start, end)
    if hit is None:
        return [(start, end)]
    found = [(start, hit.start())]
    if hit.end() < end:
        rest = hit.end()
        joint = _AND.match(text, rest, end)
        found += _without_open_tail(text, (joint.end() if joint else rest, end))
    return found


def split(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The names in ``text[start:end]``, in order, as places in it; generic tails after 等 are left out."""
    stop = len(text) if end is None else end
    names: list[Span] = []
    for piece in _whole(_pieces(text, start, stop), text):
        for part in _without_open_tail(text, piece):
            begin, close = trim(text, part)
            joint = _AND.match(text, begin, close)
            if joint and joint.group() != "与" and close - joint.end() > 1:
                begin = joint.end()
            marker = _NUMBERED.match(text[begin:close])
            if marker:
                begin += marker.end()
            for name in _cut_and(text, (begin, close)):
                left, right = trim(text, name)
                remark = _REMARK.search(text, left, right)
                right = remark.start() if remark is not None and text[right - 1] == "）" else right
                if right - left > 1:
                    names.append((left, right))
    return names


def is_organ(name: str) -> bool:
    """Whether the folded ``name`` ends like an organ; a bracket that it carries is looked through."""
    return ORGAN.search(_bare(name)) is not None


def is_unit(name: str) -> bool:
    """Whether the folded ``name`` ends like an organ or a place."""
    return ANY.search(_bare(name)) is not None


def _bare(name: str) -> str:
    opening = name.find("（")
    if opening > 0 and name.endswith("）"):
        return name[:opening]
    return name


def is_open(text: str) -> bool:
    """Whether the list ends with an open 等."""
    return _OPEN.search(text) is not None
