"""The units of a plan and their other names (domain rules, section 0, fact 2: 规财处 = 规划财务处)."""

import re
from typing import Final

from app.papers.plans import unit_names
from app.papers.plans.folding import squeeze
from app.papers.plans.reading import NamedUnit
from app.papers.plans.repairs import Paragraph

_CALLED: Final = re.compile(r"（(?:以下|下)(?:统|均)?(?:简称|称)(?:为|：)?[“\"]?(?P<short>[^“”\"（）、，]{2,12})[”\"]?")
_DOUBLE: Final = re.compile(r"(?P<first>.{2,20}?)（(?P<second>[^（）、，]{2,14})）")
_LISTED: Final = re.compile(r"各|有关|相关")


def named_units(names: list[str], paragraphs: list[Paragraph]) -> tuple[NamedUnit, ...]:
    """Each unit once, in order; a shortened name joins the full name that it shortens."""
    unique = list({squeeze(name): name for name in reversed(names)}.items())[::-1]
    order = {squeeze(name): at for at, name in reversed(list(enumerate(names)))}
    unique.sort(key=lambda pair: order[pair[0]])
    full: dict[str, str] = {}
    for short, _ in unique[:2_000]:
        longer = [key for key, _ in unique[:2_000] if shortens(short, key)]
        if len(longer) == 1:
            full[short] = longer[0]
    aliases: dict[str, list[str]] = {key: [] for key, _ in unique}
    for key, name in unique:
        target = full.get(key)
        if target is not None and target not in full:
            aliases[target].append(name)
    called = _called(paragraphs)
    found = []
    for key, name in unique:
        if key in full and full[key] not in full:
            continue
        others = [*aliases[key], *called.get(key, ()), *_both_names(name, key)]
        found.append(NamedUnit(name, tuple(dict.fromkeys(other for other in others if other != name))))
    return tuple(found)


def shortens(short: str, full: str) -> bool:
    """Whether one name is the other with second characters of words left out: 规[划]财[务]处, 省[人民]政府."""
    if not 3 <= len(short) < len(full) or short[0] != full[0] or short[-1] != full[-1]:
        return False
    return _steps(short, full) or ("人民政府" in full and short == full.replace("人民政府", "政府"))


def _steps(short: str, full: str) -> bool:
    at, gap = 0, 0
    for sign in full:
        if at < len(short) and sign == short[at]:
            at, gap = at + 1, 0
        else:
            gap += 1
            if gap > 1:
                return False
    return at == len(short)


def _called(paragraphs: list[Paragraph]) -> dict[str, list[str]]:
    """Short names that the text introduces with 以下简称, by the unit before the bracket."""
    found: dict[str, list[str]] = {}
    for paragraph in paragraphs:
        for hit in _CALLED.finditer(paragraph.folded):
            before = paragraph.folded[max(0, hit.start() - 30) : hit.start()]
            name = re.split(r"[，。；、：《》（）“”]|由|向|对|与|和", before)[-1]
            if unit_names.is_organ(name):
                found.setdefault(squeeze(name), []).append(paragraph.text[slice(*hit.span("short"))])
    return found


def _both_names(name: str, key: str) -> list[str]:
    """The two names of one body: 监测处（应急处） is also 监测处 and 应急处."""
    hit = _DOUBLE.fullmatch(key)
    if hit is None or _LISTED.match(key) or not unit_names.is_organ(hit["second"]):
        return []
    return [name[: len(hit["first"])], hit["second"]] if unit_names.is_organ(hit["first"]) else []
