"""Tables of tasks in Word files and in plain text, in the shapes that offices give them."""

from collections.abc import Sequence

import pytest
from docx import Document

from app.papers import plans
from app.papers.plans import PlanReading
from tests.papers.plan_files import saved
from tests.papers.plan_texts import brief

HEAD = ["序号", "工作任务", "工作要求", "牵头单位", "责任单位", "完成时限"]
TITLE = "某市2024年重点任务分工表"
Merge = tuple[tuple[int, int], tuple[int, int]]


def read(rows: Sequence[Sequence[str]], merges: Sequence[Merge] = (), above: Sequence[str] = (TITLE,)) -> PlanReading:
    """The reading of a Word file with one table; merged cells keep the text of their first."""
    document = Document()
    for line in above:
        document.add_paragraph(line)
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    for first, last in merges:
        text = table.cell(*first).text
        table.cell(*first).merge(table.cell(*last)).text = text
    reading = plans.read(saved(document), "plan.docx")
    assert reading.unaccounted() == ()
    return reading


class TestColumns:
    def test_say_who_leads_and_when(self) -> None:
        reading = read(
            [
                HEAD,
                ["1", "建设站网", "完成3个站点改造。", "监测处", "震防处、应急中心", "2024年6月底前"],
                ["2", "开展培训", "2024年9月底前举办2期。", "人教处（离退办）", "监测处", ""],
                ["3", "落实经费", "", "", "计财处", "持续推进"],
            ]
        )
        assert brief(reading) == [
            ("1", 1, ("监测处", "震防处", "应急中心"), ("监测处",), "2024年6月底前", True),
            ("2", 1, ("人教处（离退办）", "监测处"), ("人教处（离退办）",), "2024年9月底前", True),
            ("3", 1, ("计财处",), (), "持续推进", True),
        ]
        assert reading.tasks[0].supporting_units == ("震防处", "应急中心")
        assert reading.tasks[0].text == "建设站网\n完成3个站点改造。"

    @pytest.mark.parametrize(
        "cell",
        [
            "甲局、乙局、丙中心",
            "甲局，乙局，丙中心",
            "甲局\n乙局\n丙中心",
            "甲局 乙局  丙中心",
            "甲局、乙\n局、丙中心",
            "1.甲局；2.乙局；3.丙中心",
        ],
    )
    def test_hold_several_units(self, cell: str) -> None:
        reading = read([["序号", "重点任务", "责任单位"], ["1", "清理事项", cell]])
        assert reading.tasks[0].units == ("甲局", "乙局", "丙中心")

    def test_a_cell_may_declare_roles(self) -> None:
        reading = read(
            [
                ["序号", "重点任务", "责任单位"],
                ["1", "清理事项", "甲局牵头，乙局、丙局配合"],
                ["2", "公开", "甲局（牵头）、乙局"],
            ]
        )
        assert [(t.lead_units, t.supporting_units) for t in reading.tasks] == [
            (("甲局",), ("乙局", "丙局")),
            (("甲局",), ("乙局",)),
        ]

    def test_of_people_are_kept_apart(self) -> None:
        reading = read(
            [["序号", "任务", "责任领导", "责任处室", "责任人"], ["1", "清理事项", "张某", "法规处", "李某"]]
        )
        assert reading.tasks[0].responsible_people == ("张某", "李某")
        assert reading.tasks[0].units == ("法规处",)

    def test_under_a_head_of_two_rows(self) -> None:
        rows = [
            ["序号", "任务", "责任单位", "", "时限"],
            ["序号", "任务", "牵头", "配合", "时限"],
            ["1", "清理", "甲局", "乙局", "6月底前"],
        ]
        merges = [((0, 2), (0, 3)), ((0, 0), (1, 0)), ((0, 1), (1, 1)), ((0, 4), (1, 4))]
        reading = read(rows, merges)
        assert brief(reading) == [("1", 1, ("甲局", "乙局"), ("甲局",), "6月底前", True)]
        assert str(reading.tasks[0].due_on) == "2024-06-30"


class TestRows:
    def test_sections_give_their_marker(self) -> None:
        rows = [
            HEAD,
            ["一、夯实基础", *[""] * 5],
            ["1", "甲事", "", "甲局", "", ""],
            HEAD,
            ["二、强化保障", *[""] * 5],
            ["2", "乙事", "", "乙局", "", ""],
        ]
        reading = read(rows, [((1, 0), (1, 5)), ((4, 0), (4, 5))])
        assert [t.path for t in reading.tasks] == [("一", "1"), ("二", "2")]
        assert [(s.path, s.heading) for s in reading.sections] == [(("一",), "夯实基础"), (("二",), "强化保障")]
        assert [(e.line, e.reason) for e in reading.ignored] == [(2, "table_head"), (5, "table_head")]

    def test_a_number_merged_over_rows_has_parts(self) -> None:
        rows = [
            ["序号", "任务", "措施", "责任单位"],
            ["1", "甲事", "措施一", "甲局"],
            ["", "", "措施二", "乙局"],
            ["2", "乙事", "措施三", "丙局"],
        ]
        reading = read(rows, [((1, 0), (2, 0)), ((1, 1), (2, 1))])
        assert [(t.path, t.part, t.units) for t in reading.tasks] == [
            (("1",), 1, ("甲局",)),
            (("1",), 2, ("乙局",)),
            (("2",), 1, ("丙局",)),
        ]
        assert reading.tasks[1].text == "甲事\n措施二"

    def test_without_a_number_column_are_counted(self) -> None:
        reading = read([["重点任务", "责任单位"], ["甲事", "甲局"], ["乙事", "乙局"]])
        assert [t.path for t in reading.tasks] == [("1",), ("2",)]

    def test_a_column_of_fields_gives_the_section(self) -> None:
        rows = [
            ["类别", "任务", "责任单位"],
            ["一、经济", "甲事", "甲局"],
            ["", "乙事", "乙局"],
            ["二、民生", "丙事", "丙局"],
        ]
        reading = read(rows, [((1, 0), (2, 0))])
        assert [t.path for t in reading.tasks] == [("一", "1"), ("一", "2"), ("二", "3")]

    def test_without_units_are_no_tasks(self) -> None:
        reading = read([["序号", "任务", "责任单位"], ["1", "甲事", "甲局"], ["", "合计", ""]])
        assert len(reading.tasks) == 1
        assert reading.ignored[-1].reason == "table_row"


class TestPlaces:
    def test_a_table_of_an_annex_begins_with_its_name(self) -> None:
        reading = read(
            [["序号", "任务", "责任单位"], ["1", "甲事", "甲局"]],
            above=["某市实施方案", "一、目标", "附件2", "任务分工表"],
        )
        assert reading.tasks[0].path == ("附件2", "1")

    def test_a_rule_in_the_text_holds_for_the_rows(self) -> None:
        above = [TITLE, "各责任单位要抓好落实，列第一位的责任单位为牵头单位。"]
        reading = read([["序号", "任务", "责任单位"], ["1", "甲事", "甲局、乙局"]], above=above)
        assert reading.tasks[0].lead_units == ("甲局",)

    def test_another_table_is_only_text(self) -> None:
        reading = read([["年份", "指标"], ["2024", "10%"]], above=["某市实施方案", "一、任务", "1.做事。（甲局）"])
        assert [t.path for t in reading.tasks] == [("一", "1")]
        assert {e.reason for e in reading.ignored} == {"table_row"}

    def test_a_frame_of_one_cell_is_text(self) -> None:
        reading = read([["一、任务\n1.做事。（甲局）\n2.再做。（乙局）"]], above=["某市实施方案"])
        assert [t.path for t in reading.tasks] == [("一", "1"), ("一", "2")]


class TestPlainText:
    def test_tabs_make_a_table(self) -> None:
        text = (
            f"{TITLE}\n序号\t任务\t责任单位\t时限\n（一）领导\n"
            "1\t甲事\t甲局牵头，乙局配合\t3月\n2\t乙事\t乙局\t每月25日前\n"
        )
        reading = plans.read(text.encode(), "plan.txt")
        assert brief(reading) == [
            ("（一）/1", 1, ("甲局", "乙局"), ("甲局",), "3月", True),
            ("（一）/2", 1, ("乙局",), (), "每月25日前", True),
        ]


class TestLikeText:
    def test_a_table_reads_as_the_text_it_stands_for(self) -> None:
        rows = [
            HEAD,
            ["一、任务", *[""] * 5],
            ["1", "甲事", "", "甲局", "乙局、丙局", "2024年6月底前"],
            ["2", "乙事", "", "乙局", "各区、县级市", ""],
        ]
        text = (
            f"{TITLE}\n一、任务\n1.甲事（牵头单位：甲局，责任单位：乙局、丙局，完成时限：2024年6月底前）\n"
            "2.乙事（牵头单位：乙局，责任单位：各区、县级市）\n"
        )
        assert brief(read(rows, [((1, 0), (1, 5))])) == brief(plans.read(text.encode(), "plan.txt"))


class TestSharedCells:
    def test_give_their_marker_to_rows_numbered_on_their_own(self) -> None:
        reading = read(
            [
                ["工作任务", "工作要求", "分工"],
                ["（一）建立机制", "1.成立专班（3月底前完成）", "市政府办"],
                ["（一）建立机制", "2.定期调度", "市政府办牵头，市发改委配合"],
                ["（二）完善制度", "制定方案", "市司法局"],
            ],
            [((1, 0), (2, 0))],
        )
        assert brief(reading) == [
            ("（一）/1", 1, ("市政府办",), (), "3月底前", True),
            ("（一）/2", 1, ("市政府办", "市发改委"), ("市政府办",), None, True),
            ("（二）", 1, ("市司法局",), (), None, True),
        ]
