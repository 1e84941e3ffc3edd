"""Rules that a plan states once: the first unit named leads; a unit that carries out every task.

Met as 列第一位者为牵头单位，下同; 排在第一位的部门为牵头部门; 第一责任单位为牵头单位 (domain rules, patterns
C, D, J, P) and as 以下均需试点城市政府落实，不再列出 (pattern L).
"""

import re
from typing import Final

FIRST_LEADS: Final = re.compile(
    r"(?:第一|首位|首个|排头|最前|居首|排名靠前|打头)[^。；（）]{0,16}?(?:为|是|系|作为|即)[^。；（）]{0,8}?(?:牵头|主办|主责|汇总|总负责|第一责任)"
    r"|(?:牵头|主办|主责)(?:单位|部门)?[^。；（）]{0,6}?(?:为|是|即|系)[^。；（）]{0,6}?(?:第一|首位|首个)[^。；（）]{0,8}"
)
FROM_HERE_ON: Final = re.compile(r"下同|以下同|后同|以下均同|以下类同|其余同|其他同")
_SCOPE: Final = r"(?:以下|具体|上述|所有|全部|各项|各条|本(?:方案|意见|表))(?:各项|具体|工作|重点|任务|事项|措施|内容)*"
FOR_ALL: Final = re.compile(
    rf"{_SCOPE}(?:均|都|皆)(?:涉及(?P<touched>[^，。；、]{{2,20}})"
    r"|(?:需|由|须|要|应)?(?P<unit>[^，。；、]{2,20}?)(?:落实|负责|实施|承担|参与|配合))"
)
_NOT_AGAIN: Final = re.compile(r"不再.{0,4}(?:分工|列出|单列|列示|重复|赘述|标注|注明)|不(?:一一|逐一|重复)列出")


def states_first_leads(folded: str) -> bool:
    """Whether the text says that the first unit of a list leads."""
    return FIRST_LEADS.search(folded) is not None


def unit_for_all(folded: str) -> tuple[int, int] | None:
    """The place of the unit that carries out every task, where the text says so."""
    hit = FOR_ALL.search(folded)
    return None if hit is None else hit.span("touched" if hit["touched"] else "unit")


def is_rule(sentence: str) -> bool:
    """Whether a sentence inside a mark speaks about the marks and names nobody for this task."""
    return bool(states_first_leads(sentence) or unit_for_all(sentence) or _NOT_AGAIN.search(sentence))


def applies_onwards(folded: str) -> bool:
    """Whether a rule stated inside a mark holds for the marks after it."""
    return FROM_HERE_ON.search(folded) is not None
