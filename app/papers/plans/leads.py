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
FOR_ALL: Final = re.compile(
    r"以下(?:各项|任务|工作|事项)?(?:均|都|皆)(?:需|由|须|要)?(?P<unit>[^，。；、]{2,20}?)(?:落实|负责|实施|承担)"
)


def states_first_leads(folded: str) -> bool:
    """Whether the text says that the first unit of a list leads."""
    return FIRST_LEADS.search(folded) is not None


def applies_onwards(folded: str) -> bool:
    """Whether a rule stated inside a mark holds for the marks after it."""
    return FROM_HERE_ON.search(folded) is not None
