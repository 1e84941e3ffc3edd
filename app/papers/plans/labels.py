"""Labels in front of units, people and deadlines: 牵头单位：, 责任处室：, 分管省领导：, 完成时限：.

A label is read from the words it is made of, so that 协同责任单位 and 市级配合部门 need no entry of
their own (domain rules, patterns H, I, J and the labels listed below them).
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple


class Role(StrEnum):
    """What a label or a verb says of the units beside it."""

    LEAD = "lead"
    DUTY = "duty"
    SUPPORTING = "supporting"
    GUIDING = "guiding"
    PEOPLE = "people"
    DUE = "due"
    TEXT = "text"


class Label(NamedTuple):
    """A label found: where it begins, where its value begins, its role and its name."""

    start: int
    value: int
    role: Role
    name: str


_BODY: Final = (
    r"(?:单位|部门|处室|科室|股室|机构|主体|方|处|科|室|站所|镇街|街道|区县|县区|企业|地区|厅局|委办局|乡镇|局|院系)"
)
_PEOPLE: Final = re.compile(
    r".{0,8}(?:领导|负责人|责任人|牵头人|经办人|承办人|负责同志|第一责任人|包抓人|责任领导)(?:及.{0,6})?"
)
_DUE: Final = re.compile(
    r".{0,6}(?:时限|期限|时间|日期|时间节点|时间要求|时限要求|时间表|完成节点|办结要求|进度要求|限期)(?:要求|安排|节点)?"
)
_NOT_DUE: Final = re.compile(
    r".*(?:开始|启动|起始|发布|印发|报名|会议|填报|发文|成文|制表|更新|生成|起止|服务|办公|上班|公开|咨询|有效|执行|政策|试点|实施期限|规划|享受|申报|试行).*"
)
_LEAD: Final = re.compile(
    rf".{{0,4}}(?:牵头|主办|主责|总负责|总牵头|主要责任|第一责任|主体责任|主管|主要负责)(?:责任|负责|承办)?{_BODY}?"
)
_SUPPORTING: Final = re.compile(
    rf".{{0,4}}(?:配合|协同|协办|协作|协助|参与|参加|会办|支持|联办|辅助|共同)(?:责任|负责|承办|落实|实施|配合)?{_BODY}?"
)
_GUIDING: Final = re.compile(rf".{{0,4}}(?:指导|督导|督办|督查|监督|督促|监管|考核|验收)(?:责任|检查|考核)?{_BODY}")
_DUTY: Final = re.compile(
    rf".{{0,4}}(?:(?:责任|承办|落实|实施|负责|执行|完成|承担|办理|建设|任务|分工|具体)+{_BODY}(?:及分工|分工)?|承办|责任落实|(?:部门|责任|任务|职责|单位|工作)?分工|责任分解)"
)
_TEXT: Final = re.compile(
    r".{0,4}(?:工作|年度|具体|重点|主要|目标|任务|推进|落实)?(?:任务|目标|内容|要求|措施|举措|事项|进度|进度安排|成果|成果形式|成效|标准|路径|指标|项目|备注|依据|来源|进展情况|完成情况)"
)
_NEVER: Final = re.compile(
    r"(?:抄送|主送|抄报|发布|印发|联系|报送|主题|发文|成文|索引|公开|文号|信息|填报|制表|编制|收文|监督电话|举报).*"
)
_RUN: Final = re.compile(r"[一-龥（）/、及和 ]{2,20}$")
_BEFORE: Final = frozenset("。；，、 （〔【■●◆★·—-*\n;")
_FRAMED: Final = re.compile(r"[【〔](?P<name>[一-龥]{2,12})[】〕]：?")


def role_of(name: str) -> Role | None:
    """The role that a label or the head of a column declares, or None for any other word."""
    word = "".join(name.split()).strip("（）〔〕【】：、/")
    word = re.sub(r"（.*?）|（.*$", "", word)
    if not 1 < len(word) <= 14 or _NEVER.fullmatch(word):
        return None
    word = re.split(r"[及和、/](?=.{2,}(?:单位|部门|人|领导))", word)[0]
    for role, pattern in (
        (Role.PEOPLE, _PEOPLE),
        (Role.LEAD, _LEAD),
        (Role.SUPPORTING, _SUPPORTING),
        (Role.GUIDING, _GUIDING),
        (Role.DUTY, _DUTY),
    ):
        if pattern.fullmatch(word):
            return role
    if _DUE.fullmatch(word):
        return None if _NOT_DUE.fullmatch(word) else Role.DUE
    return Role.TEXT if _TEXT.fullmatch(word) else None


def is_frame(group: str) -> bool:
    """Whether a group of brackets is a label in a frame, 【责任单位】, with its value behind it."""
    frame = _FRAMED.fullmatch(group)
    return frame is not None and role_of(frame["name"]) is not None


def find(folded: str, start: int = 0, end: int | None = None) -> Iterator[Label]:
    """The labels of a text in order; their values run to the next label or the end."""
    stop = len(folded) if end is None else end
    at = start
    while at < stop:
        colon = folded.find("：", at, stop)
        frame = _FRAMED.search(folded, at, stop if colon < 0 else min(stop, colon + 1))
        if frame is not None and (role := role_of(frame["name"])) is not None:
            yield Label(frame.start(), frame.end(), role, frame["name"])
            at = frame.end()
            continue
        if colon < 0:
            return
        label = _before(folded, max(start, at), colon)
        if label is not None:
            yield label
        at = colon + 1


def _before(folded: str, floor: int, colon: int) -> Label | None:
    """The label that ends at ``colon``: the run of characters back to a sign, a space or the line's start."""
    run = _RUN.search(folded[max(floor, colon - 16) : colon])
    if run is None:
        return None
    begin = colon - len(run.group())
    word = folded[begin:colon]
    # Spaces may stand inside a label (责 任 单 位：) or in front of it (责任单位：甲局 完成时限：…).
    # The word behind the last space is tried first: in 牵头处室：甲处 配合处室： 甲处 is a value.
    spaces = [i + 1 for i, c in enumerate(word) if c == " "]
    signs = [i + 1 for i, c in enumerate(word) if c in "、（）"]
    for offset in [*reversed(spaces), 0, *signs]:
        place = begin + offset
        name = word[offset:]
        if place > floor and folded[place - 1] not in _BEFORE and not folded[place - 1].isdigit():
            continue
        role = role_of(name)
        if role is not None and name.strip():
            return Label(place, colon + 1, role, "".join(name.split()))
    return None
