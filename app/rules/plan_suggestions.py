"""What the review suggests before a person decides: tracks, kinds of units, sides, open ends.

A suggestion is only ever shown; nothing follows from it until a person accepts the plan.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

# Code > the words of a heading that suggest it. They are those of the first plan (资金援疆, 项目援疆,
# 智力援疆, 科技援疆, 民生援疆); 人才 stands for 智力 in others.
TRACKS: Final[dict[str, re.Pattern[str]]] = {
    "funding": re.compile(r"资金|经费|财力"),
    "project": re.compile(r"项目"),
    "talent": re.compile(r"智力|人才|干部"),
    "science": re.compile(r"科技|科研|科学技术"),
    "livelihood": re.compile(r"民生|惠民"),
}
_NAMED: Final = re.compile(r"(?:资金|项目|智力|人才|科技|民生)(?:援疆|援藏|援青|援助|支援|帮扶|协作|援建)")
_GROUP: Final = re.compile(r"^(?:各|全体|所有|有关|相关)|(?:各|有关|相关)(?:部门|单位|处室|科室)")
_INSTITUTION: Final = re.compile(r"(?:台|站|中心|院|所|馆|学校|大学|医院|协会|学会|公司|银行|集团|社)$")
_DEPARTMENT: Final = re.compile(r"(?:处|科|室|股|组|办)(?:（.*）)?$|(?:人事|财务|纪检|机关).{0,4}部$")
_BENEFICIARY: Final = re.compile(r"(?:村|社区|小学|中学|幼儿园)$")
_SUPERIOR: Final = re.compile(r"^(?:中国|国家)(?!.*(?:公司|银行))")
_OPEN_ENDED: Final = re.compile(r"持续|长期|常态|经常性|贯穿|始终|滚动|一以贯之|每年|每季|每月|每半年|逐年|全年")
_DATED: Final = re.compile(r"\d{4}|[〇零一二三四五六七八九]{4}年")


def track_of(heading: str) -> str:
    """The code of the track that a section's heading names, or an empty text when it names none or several."""
    found = [code for code, words in TRACKS.items() if words.search(heading)]
    return found[0] if len(found) == 1 else ""


def track_name(heading: str) -> str:
    """The heading's own compound, such as 资金援疆, as the name of its track; empty where it has none."""
    named = _NAMED.search(heading)
    return named.group()[:50] if named is not None else ""


def track_of_path(path: Sequence[str], sections: Mapping[tuple[str, ...], str]) -> str:
    """The track of the innermost section that stands above or at ``path``."""
    for length in range(len(path), 0, -1):
        code = sections.get(tuple(path[:length]))
        if code:
            return code
    return ""


def unit_kind(name: str) -> str:
    """The kind of a unit by how its name ends: bureau, department, institution, group or beneficiary."""
    if _GROUP.search(name):
        return "group"
    if _BENEFICIARY.search(name):
        return "beneficiary"
    if _DEPARTMENT.search(name):
        return "department"
    return "institution" if _INSTITUTION.search(name) else "bureau"


def side_of(name: str, taken: frozenset[str]) -> str | None:
    """The side of a bureau that the plan is copied to: the first one receives, national ones are superior."""
    if _SUPERIOR.search(name):
        return "superior"
    return None if "receiving" in taken or unit_kind(name) not in ("bureau", "institution") else "receiving"


def is_open_ended(due_text: str) -> bool:
    """Whether a deadline has no end (持续推进) or comes back (每年), and names no year."""
    return bool(_OPEN_ENDED.search(due_text)) and not _DATED.search(due_text)
