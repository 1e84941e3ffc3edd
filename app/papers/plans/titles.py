"""Titles: which lines are one, of the covering notice and of the plan itself."""

import re
from dataclasses import dataclass
from typing import Final

from app.papers.plans import furniture, markers
from app.papers.plans.folding import squeeze
from app.papers.plans.furniture import Part
from app.papers.plans.repairs import Paragraph
from app.papers.plans.unit_names import is_organ

_STRONG: Final = (
    "方案|意见|措施|计划|规划|要点|分工|清单|办法|细则|规定|通知|决定|任务书|分解表|分工表|任务表|一览表|责任表|明细表|台账|纲要|举措|条例|指引|指南|"
    "公告|通报|报告|批复|函|决议|协议|预案|倡议|若干条|安排表|进度表|路线图|项目表|计划表|清单表|若干政策"
)
_WEAK: Final = "任务|安排|政策|行动|分解|工程|目录|重点工作|要求|制度|标准|工作|职责|条|部署|意见建议|事项|表"
_TAIL: Final = r"(?:[（〔][^（）〔〕]{1,30}[）〕])?(?:（.{1,12}）)?"
_ENDS: Final = re.compile(rf"(?:{_STRONG})[”》]?{_TAIL}$")
_MAY_END: Final = re.compile(rf"(?:{_WEAK})[”》]?{_TAIL}$")
_BEGINS: Final = re.compile(r"关于|.{2,20}(?:委|政府|局|厅|办|部|室|会|院|社)关于")
_ISSUING: Final = re.compile(r"(?:印发|转发|批转|下发|公布|发布|报送|分解)")
_NOTICE: Final = re.compile(r"(?:通知|函|批复|决定)$")
_QUOTED: Final = re.compile(r"(?:印发|转发|批转|下发|公布|发布)(?:.{0,20}?)《(?P<name>.+)》")
_PLAIN: Final = re.compile(r"(?:印发|下发|公布)(?P<name>[^《》]{4,80}?)的(?:通知|函|决定)$")
_SUFFIX_LINE: Final = re.compile(r"[（〔].{2,30}[）〕]|(?:19|20)\d{2} ?[-—~～至] ?(?:19|20)\d{2} ?年")
_ONWARD: Final = re.compile(r"的|并|暨|[（〔][^）〕]{1,30}[）〕]的")
_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Title:
    """A title and the paragraphs ``[first:last]`` that it was put together from."""

    text: str
    first: int
    last: int

    @property
    def folded(self) -> str:
        """Its fold without white space, for comparisons."""
        return squeeze(self.text)

    @property
    def is_cover(self) -> bool:
        """Whether it is the title of a notice that issues another document."""
        return bool(_NOTICE.search(self.folded) and _ISSUING.search(self.folded))

    @property
    def issued(self) -> str | None:
        """The folded title of the document that a covering notice issues."""
        hit = _QUOTED.search(self.folded) or _PLAIN.search(self.folded)
        return hit["name"] if hit else None


def could_end(folded: str) -> bool:
    """Whether a line without any sign between clauses ends in a kind of document."""
    return not re.search(r"[，。；：]", folded) and bool(_ENDS.search(squeeze(folded)))


def _could_be(paragraph: Paragraph) -> bool:
    text = paragraph.folded.strip()
    if paragraph.row is not None or not 1 < len(text) <= 80 or markers.annex(text) is not None:
        return False
    odd = re.search(r"[。；！？]|[，、]$|^[（，。、]", text) is not None
    if odd and not _SUFFIX_LINE.fullmatch(text) and not _ONWARD.match(text):
        return False
    if "：" in text and not re.search(r"[《“][^》”]*：", text):
        return False
    if text.startswith("《") and "》" in text[:-1] and re.search(r"已经|业经|现", text):
        return False
    return markers.read(paragraph.folded) is None and not furniture.is_metadata(text)


def _joint(left: str, right: str) -> str:
    """Two lines of a title as one; the line break was typesetting, not a space."""
    return (
        left
        + (" " if left[-1:].isascii() and left[-1:].isalpha() and right[:1].isascii() and right[:1].isalpha() else "")
        + right
    )


def _unfinished(text: str) -> bool:
    return any(text.count(a) > text.count(b) for a, b in ("《》", "“”", "（）"))


def find(paragraphs: list[Paragraph], parts: list[Part | None], start: int = 0) -> Title | None:
    """The first title at or after ``start``: lines that end in a kind of document."""
    at = start
    while at < len(paragraphs):
        if parts[at] is None and _could_be(paragraphs[at]):
            title = _run(paragraphs, parts, at)
            if title is not None:
                return title
        at += 1
    return None


def _run(paragraphs: list[Paragraph], parts: list[Part | None], first: int) -> Title | None:
    """The title that begins on line ``first``; a weak end such as 工作 gives way to a strong one below."""
    text, weak = "", None
    for at in range(first, min(first + _LINES, len(paragraphs))):
        if (at > first and parts[at] is not None) or not _could_be(paragraphs[at]):
            break
        line = " ".join(paragraphs[at].text.split())
        if (
            at > first
            and _BEGINS.match(squeeze(line))
            and not all(is_organ(squeeze(paragraphs[i].text)) for i in range(first, at))
        ):
            break
        text = _joint(text, line) if text else line
        folded = squeeze(text)
        if at == first and is_organ(folded) and not _leads_on(paragraphs, parts, at + 1):
            return None
        if _unfinished(folded) or len(folded) < 5 or _goes_on(paragraphs, parts, at + 1):
            continue
        if _ENDS.search(folded):
            return _complete(paragraphs, parts, first, at, text)
        if _MAY_END.search(folded) and weak is None:
            weak = _complete(paragraphs, parts, first, at, text)
    return weak


def _goes_on(paragraphs: list[Paragraph], parts: list[Part | None], at: int) -> bool:
    """Whether the next line cannot begin a title of its own: 的实施意见."""
    return at < len(paragraphs) and parts[at] is None and bool(_ONWARD.match(paragraphs[at].folded.strip()))


def _complete(paragraphs: list[Paragraph], parts: list[Part | None], first: int, at: int, text: str) -> Title:
    last = _with_suffix(paragraphs, parts, at)
    return Title("".join([text, *(paragraphs[i].text.strip() for i in range(at + 1, last))]), first, last)


def _leads_on(paragraphs: list[Paragraph], parts: list[Part | None], at: int) -> bool:
    """Whether a line of an organ's name is the first line of a title: the next begins with 关于, or an organ."""
    while at < len(paragraphs) and parts[at] in (None, Part.SIGNATURE):
        text = paragraphs[at].folded.strip()
        if text.startswith("关于"):
            return True
        if not is_organ(text):
            return False
        at += 1
    return False


def _with_suffix(paragraphs: list[Paragraph], parts: list[Part | None], at: int) -> int:
    """The end of the title when its next line only adds （试行） or the years."""
    if at + 1 < len(paragraphs) and parts[at + 1] is None:
        following = paragraphs[at + 1].folded.strip()
        if _SUFFIX_LINE.fullmatch(following) and not re.search(r"公开|通过|单位|牵头|[部委局厅办处]|\d日", following):
            return at + 2
    return at + 1
