"""Word files: numbers that Word makes up, tracked changes, soft line breaks, text in frames."""

from docx import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from app.papers import plans
from app.papers.plans import PlanReading
from tests.papers.plan_files import DocumentObject, saved

TITLE = "某局实施方案"
LEVELS = (
    ("chineseCounting", "%1、"),
    ("chineseCounting", "（%2）"),
    ("decimal", "%3."),
    ("decimalEnclosedCircle", "%4"),
)


def read(document: DocumentObject) -> PlanReading:
    reading = plans.read(saved(document), "plan.docx")
    assert reading.unaccounted() == ()
    return reading


def with_list(items: list[tuple[int, str]]) -> DocumentObject:
    """A document whose paragraphs are numbered by one list of four levels."""
    document = Document()
    document.add_paragraph(TITLE)
    numbering = document.part.numbering_part.element
    levels = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for at, (form, text) in enumerate(LEVELS)
    )
    abstract = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="77">{levels}</w:abstractNum>')
    numbering.insert(0, abstract)
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="88"><w:abstractNumId w:val="77"/></w:num>'))
    for level, text in items:
        paragraph = document.add_paragraph(text)
        paragraph._p.get_or_add_pPr().append(
            parse_xml(f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="88"/></w:numPr>')
        )
    return document


class TestNumbers:
    def test_of_a_list_are_written_out(self) -> None:
        items = [
            (0, "目标"),
            (0, "任务"),
            (1, "监测"),
            (2, "完善站网。（监测处）"),
            (2, "更新设备。（观测处）"),
            (1, "预警"),
            (2, "建设平台。（预警处）"),
            (3, "采购。（后勤处）"),
        ]
        reading = read(with_list(items))
        assert reading.lines[1:4] == ("一、目标", "二、任务", "（一）监测")
        assert [(t.path, t.units) for t in reading.tasks] == [
            (("二", "（一）", "1"), ("监测处",)),
            (("二", "（一）", "2"), ("观测处",)),
            (("二", "（二）", "1"), ("预警处",)),
            (("二", "（二）", "1", "①"), ("后勤处",)),
        ]

    def test_of_a_style_are_written_out(self) -> None:
        document = Document()
        document.add_paragraph(TITLE)
        document.add_paragraph("完善站网。（监测处）", style="List Number")
        document.add_paragraph("更新设备。（观测处）", style="List Number")
        assert [t.path for t in read(document).tasks] == [("1",), ("2",)]

    def test_bullets_are_none(self) -> None:
        document = Document()
        document.add_paragraph(TITLE)
        document.add_paragraph("一、任务")
        document.add_paragraph("完善站网。（监测处）", style="List Bullet")
        assert [t.path for t in read(document).tasks] == [("一",)]


class TestText:
    def test_that_was_deleted_is_left_out_and_inserted_text_is_read(self) -> None:
        document = Document()
        document.add_paragraph(TITLE)
        paragraph = document.add_paragraph("1. 完善站网。（")
        paragraph._p.append(parse_xml(f"<w:del {nsdecls('w')}><w:r><w:delText>旧处</w:delText></w:r></w:del>"))
        paragraph._p.append(parse_xml(f"<w:ins {nsdecls('w')}><w:r><w:t>监测处</w:t></w:r></w:ins>"))
        paragraph.add_run("）")
        assert read(document).tasks[0].units == ("监测处",)

    def test_soft_breaks_are_lines(self) -> None:
        document = Document()
        document.add_paragraph("关于推进某项工作\n的实施意见")
        document.add_paragraph("1. 做事。（监测处）")
        reading = read(document)
        assert reading.lines[:2] == ("关于推进某项工作", "的实施意见")
        assert reading.title == "关于推进某项工作的实施意见"
