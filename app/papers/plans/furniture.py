"""What surrounds the text of an official document: number, signature, date, notes, copies, metadata.

The elements are those of GB/T 9704-2012 (domain rules, section 1) and the strips that government sites
put above a document.
"""

import re
from datetime import date
from enum import StrEnum
from typing import Final

from app.papers.plans import labels, markers
from app.papers.plans.numerals import number
from app.papers.plans.repairs import Paragraph
from app.papers.plans.unit_names import is_unit


class Part(StrEnum):
    """The elements around the text."""

    MARK = "issuing_mark"
    NUMBER = "document_number"
    DATE = "date"
    DAMAGED_DATE = "damaged_date"
    SIGNATURE = "signature"
    DISCLOSURE = "disclosure"
    COPIES = "copies"
    PRINTED = "printed"
    METADATA = "metadata"
    ANNEX_LIST = "annex_list"
    CONTENTS = "contents"
    NOTE = "note"


NUMBER: Final = re.compile(
    r"(?P<number>[一-龥A-Z]{1,16}[〔（【]? ?(?P<year>(?:19|20)\d{2})[〕）】]? ?(?:第)?(?P<serial>\d{1,5}) ?号)"
)
_STRICT_NUMBER: Final = re.compile(r"[一-龥A-Z]{1,16} ?[〔（【](?:19|20)\d{2}[〕）】] ?第?\d{1,5} ?号")
_SIGNED_NUMBER: Final = re.compile(rf"{_STRICT_NUMBER.pattern} *签发人：.{{0,30}}")
_FILE_NUMBER: Final = re.compile(rf"(?:文 *号|发文字号|文件编号|字 *号)[： ]*(?P<number>{_STRICT_NUMBER.pattern})")
_DATE: Final = re.compile(
    r"(?P<y>(?:19|20)\d{2}|[二一][〇零九][〇零一二三四五六七八九]{2}) ?年 ?"
    r"(?P<m>\d{1,2}|[一二三四五六七八九十]{1,2}) ?月 ?(?P<d>\d{1,2}|[一二三四五六七八九十]{1,3}) ?日"
)
_ADOPTED: Final = re.compile(rf"（{_DATE.pattern.replace('?P<', '?P<of_')}.{{0,40}}(?:通过|印发|发布|公布)）")
_ISO_DATE: Final = re.compile(r"(?P<y>(?:19|20)\d{2})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})")
_DAMAGED: Final = re.compile(r"(?:19|20)\d{2} ?年? ?\d{1,2} ?月? ?\d{0,2} ?日?")
_DISCLOSURE: Final = re.compile(
    r"[（〔]?(?:信息)?(?:公开(?:方式|属性|类别|形式|选项)：?)?(?:此件)?"
    r"(?P<how>主动公开|公开发布|公开发表|依申请公开|不予公开|不公开|删减后公开|发至.{1,12}级)[。）〕]*"
)
_COPIES: Final = re.compile(r"(?:抄 ?送|抄 ?报|分 ?送)(?:单位|机关)?：")
_PRINTED: Final = re.compile(r"(?P<by>.{0,40}?) *(?P<date>(?:19|20)\d{2} ?年 ?\d{1,2} ?月 ?\d{1,2} ?日) *印发")
_METADATA: Final = re.compile(
    r"(?:索 *引 *号|主题分类|发布机构|发文机关|发文机构|发文单位|成文日期|发文日期|发布日期|公开日期|生成日期"
    r"|文 *号|发文字号|有 *效 *性|分 *类|主 *题 *词|标 *题|名 *称|信息来源|来 *源|浏览次数|阅读次数|点击数"
    r"|字 *体|字号|打印|时 *间|体裁分类|组配分类|信息索引|公文种类|效力状态|废止日期|当前位置|首页|分享|作者)[： 】〕]"
)
_STAMP: Final = re.compile(r"(?:19|20)\d{2}-\d{1,2}-\d{1,2}(?: \d{1,2}:?：?\d{2}(?:[:：]\d{2})?)?(?: .{0,40})?")
_ANNEX_LIST: Final = re.compile(r"附 ?(?:件|表)[ ]*\d*[ ]*：.{2,}")
_NEXT_ANNEX: Final = re.compile(r"\d{1,2} ?[.、] ?[^。；]{2,80}")
_CONTENTS: Final = re.compile(r"目 *录|.{2,60}?(?:[.·…]{3,}|[ ]{3,})[ ]*\d{1,3}")
_NOTE: Final = re.compile(r"(?:注|备注|说明)[ ]?\d?[：.、]")
_MARK: Final = re.compile(r"(?P<organ>[一-龥、（） ]{2,60}?)(?: *文 *件)")


def part_of(paragraph: Paragraph, *, dated_below: bool) -> Part | None:
    """The element that a paragraph is, or None for text. A signature is told by the date below it."""
    text = paragraph.folded.strip()
    if paragraph.row is not None or not text:
        return None
    if len(text) <= 60:
        if _DATE.fullmatch(text.strip("（）")) or _ADOPTED.fullmatch(text):
            return Part.DATE
        if _PRINTED.fullmatch(text):
            return Part.PRINTED
        if _STRICT_NUMBER.fullmatch(text.strip("（）")) or _SIGNED_NUMBER.fullmatch(text):
            return Part.NUMBER
        if _DISCLOSURE.fullmatch(text):
            return Part.DISCLOSURE
        if _CONTENTS.fullmatch(text):
            return Part.CONTENTS
        if _MARK.fullmatch(text) and is_unit(re.sub(r" *文 *件$", "", text).strip(" ）（")):
            return Part.MARK
        if dated_below and is_signature(paragraph):
            return Part.SIGNATURE
    if _COPIES.match(text):
        return Part.COPIES
    if _ANNEX_LIST.match(text) and len(text) <= 300:
        return Part.ANNEX_LIST
    if _NOTE.match(text):
        return Part.NOTE
    return None


def is_signature(paragraph: Paragraph) -> bool:
    """Whether a line could be the name of an issuing organ and nothing else."""
    text = paragraph.folded.strip()
    if paragraph.row is not None or not 2 < len(text) <= 40 or re.search(r"[。；：、，（]|关于", text):
        return False
    return is_unit(text) and markers.read(text) is None


def is_dated(paragraph: Paragraph) -> bool:
    """Whether a line is the date below a signature."""
    text = paragraph.folded.strip()
    return bool(_DATE.fullmatch(text) or _PRINTED.fullmatch(text) or _DAMAGED.fullmatch(text))


def is_damaged_date(folded: str) -> bool:
    """Whether a line is a date that lost its signs: 2019116."""
    return bool(_DAMAGED.fullmatch(folded.strip()))


def goes_on_annex_list(folded: str) -> bool:
    """Whether a line below 附件：1.… names the next annex."""
    return bool(_NEXT_ANNEX.fullmatch(folded.strip()))


def is_metadata(folded: str) -> bool:
    """Whether a line above the text is a strip of a site: 索引号 …, 2023-01-05 10:00 …."""
    text = folded.strip()
    return bool(_METADATA.match(text + " ") or _STAMP.fullmatch(text))


def number_in(paragraph: Paragraph, *, whole: bool) -> str | None:
    """The document number on a line, verbatim: the whole line, or behind 文号 in a strip."""
    folded = paragraph.folded
    hit = _FILE_NUMBER.search(folded) if not whole else _STRICT_NUMBER.search(folded)
    if hit is None:
        return None
    start, end = hit.span("number") if not whole else hit.span()
    return paragraph.text[start:end].strip()


def is_number(folded: str) -> bool:
    """Whether a line is a document number and nothing else."""
    return bool(_STRICT_NUMBER.fullmatch(folded.strip()))


def day(folded: str) -> date | None:
    """The first full date in a text."""
    hit = _DATE.search(folded) or _ISO_DATE.search(folded)
    if hit is None:
        return None
    y, m, d = (number(hit[key]) for key in "ymd")
    try:
        return date(y or 0, m or 0, d or 0)
    except ValueError:
        return None


def disclosure(folded: str) -> str | None:
    """How the document is disclosed, in the words of the register (政府信息公开条例): 主动公开 and so on."""
    hit = _DISCLOSURE.fullmatch(folded.strip())
    if hit is None:
        return None
    how = hit["how"]
    return {"公开发布": "主动公开", "公开发表": "主动公开", "不公开": "不予公开"}.get(how, how)


def organ_of_mark(paragraph: Paragraph) -> str:
    """河北省地震局 of 河北省地震局文件."""
    hit = _MARK.fullmatch(paragraph.folded.strip())
    text = paragraph.text.strip()
    return text[: hit.end("organ")].strip() if hit else text


def opens_with_label(folded: str) -> bool:
    """Whether a line begins with a label such as 责任单位：."""
    label = next(labels.find(folded[:60]), None)
    return label is not None and label.start == 0
