"""The numbers that Word makes up for its lists, written out as a reader of the page sees them."""

from typing import Final

from lxml import etree

from app.papers.plans.numerals import chinese

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEVELS: Final = 9
_MAX: Final = 9_999
_CHINESE: Final = frozenset(
    {
        "chineseCounting",
        "chineseCountingThousand",
        "chineseLegalSimplified",
        "ideographTraditional",
        "japaneseCounting",
        "japaneseDigitalTenThousand",
        "taiwaneseCounting",
        "taiwaneseCountingThousand",
        "ideographDigital",
        "koreanCounting",
    }
)
_CIRCLED: Final = frozenset({"decimalEnclosedCircle", "decimalEnclosedCircleChinese"})

Element = etree._Element


class _Level:
    """One level of a list: where it starts, how it counts and what it writes."""

    def __init__(self, element: Element) -> None:
        self.start = _value(element, "start", 1)
        form = element.find(W + "numFmt")
        self.form = form.get(W + "val", "decimal") if form is not None else "decimal"
        text = element.find(W + "lvlText")
        self.text = (text.get(W + "val", "") if text is not None else "")[:40]
        style = element.find(W + "pStyle")
        self.style = style.get(W + "val", "") if style is not None else ""


class Numbering:
    """The lists of a document and how far each has counted."""

    def __init__(self, numbering: Element | None, styles: Element | None) -> None:
        self._lists: dict[str, tuple[str, dict[int, _Level]]] = {}
        self._counts: dict[str, list[int]] = {}
        self._styles: dict[str, tuple[str, int]] = {}
        if numbering is not None:
            self._read(numbering)
        if styles is not None:
            self._read_styles(styles)

    def _read(self, numbering: Element) -> None:
        abstract: dict[str, dict[int, _Level]] = {}
        for element in numbering.findall(W + "abstractNum"):
            abstract[element.get(W + "abstractNumId", "")] = _levels(element)
        for element in numbering.findall(W + "num"):
            reference = element.find(W + "abstractNumId")
            key = reference.get(W + "val", "") if reference is not None else ""
            levels = dict(abstract.get(key, {}))
            own = False
            for override in element.findall(W + "lvlOverride"):
                own = True
                at = _integer(override.get(W + "ilvl", "0"))
                inner = override.find(W + "lvl")
                if inner is not None:
                    levels[at] = _Level(inner)
                elif at in levels:
                    levels[at] = _started(levels[at], _value(override, "startOverride", levels[at].start))
            number = element.get(W + "numId", "")
            # Lists of one abstract list count together, unless one starts anew.
            self._lists[number] = (f"n{number}" if own else f"a{key}", levels)

    def _read_styles(self, styles: Element) -> None:
        parents: dict[str, str] = {}
        for style in styles.findall(W + "style"):
            name = style.get(W + "styleId", "")
            based = style.find(W + "basedOn")
            if based is not None:
                parents[name] = based.get(W + "val", "")
            properties = style.find(f"{W}pPr/{W}numPr")
            if properties is not None:
                found = _reference(properties)
                if found is not None:
                    self._styles[name] = found
        for name in parents:
            at, steps = name, 0
            while at not in self._styles and at in parents and steps < 20:
                at, steps = parents[at], steps + 1
            if at in self._styles and name not in self._styles:
                self._styles[name] = self._styles[at]

    def label(self, paragraph: Element) -> str:
        """The number in front of a paragraph, and counts it."""
        found = self._of(paragraph)
        if found is None:
            return ""
        number, at = found
        counted, levels = self._lists.get(number, ("", {}))
        level = levels.get(at)
        if level is None or not 0 <= at < _LEVELS:
            return ""
        counts = self._counts.setdefault(counted, [levels[i].start - 1 if i in levels else 0 for i in range(_LEVELS)])
        counts[at] = min(counts[at] + 1, _MAX)
        for deeper in range(at + 1, _LEVELS):
            counts[deeper] = levels[deeper].start - 1 if deeper in levels else 0
        if level.form in ("bullet", "none"):
            return ""
        text = level.text
        for i in range(at + 1):
            shown = counts[i] if i == at else max(counts[i], levels[i].start if i in levels else 1)
            text = text.replace(f"%{i + 1}", _written(shown, levels[i].form if i in levels else "decimal"))
        return text

    def _of(self, paragraph: Element) -> tuple[str, int] | None:
        properties = paragraph.find(W + "pPr")
        if properties is None:
            return None
        own = properties.find(W + "numPr")
        style = properties.find(W + "pStyle")
        inherited = self._styles.get(style.get(W + "val", "")) if style is not None else None
        if own is None:
            return inherited
        return _reference(own, inherited)


def _reference(properties: Element, inherited: tuple[str, int] | None = None) -> tuple[str, int] | None:
    number = properties.find(W + "numId")
    level = properties.find(W + "ilvl")
    value = number.get(W + "val", "") if number is not None else (inherited[0] if inherited else "")
    at = _integer(level.get(W + "val", "0")) if level is not None else (inherited[1] if inherited else 0)
    return (value, at) if value not in ("", "0") else None


def _levels(abstract: Element) -> dict[int, _Level]:
    return {_integer(element.get(W + "ilvl", "0")): _Level(element) for element in abstract.findall(W + "lvl")}


def _started(level: _Level, start: int) -> _Level:
    copy = _Level.__new__(_Level)
    copy.start, copy.form, copy.text, copy.style = start, level.form, level.text, level.style
    return copy


def _value(parent: Element, name: str, default: int) -> int:
    element = parent.find(W + name)
    return _integer(element.get(W + "val", ""), default) if element is not None else default


def _integer(text: str, default: int = 0) -> int:
    return min(int(text), _MAX) if text.isascii() and text.isdigit() and len(text) < 9 else default


def _written(value: int, form: str) -> str:
    if form in _CHINESE:
        return chinese(value)
    if form in _CIRCLED and 1 <= value <= 20:
        return chr(0x245F + value)
    if form in ("lowerLetter", "upperLetter") and 1 <= value <= 26:
        return chr((0x60 if form == "lowerLetter" else 0x40) + value)
    return str(value)
