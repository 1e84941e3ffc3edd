"""What one mark of responsibility says: deadlines, rules and collectives inside it, in the suite's own sentences."""

from datetime import date

import pytest

from app.papers import plans
from app.papers.plans import PlanTask


def tasks(body: str, *, year: str = "2022") -> tuple[PlanTask, ...]:
    """The tasks of a short plan with this body."""
    return plans.read(f"某市{year}年重点工作实施方案\n一、任务\n{body}\n".encode(), "plan.txt").tasks


def only(mark: str) -> PlanTask:
    """The task of one item with this mark."""
    (task,) = tasks(f"1.建设平台。{mark}")
    return task


class TestDeadlinesInBrackets:
    @pytest.mark.parametrize(
        ("clause", "due", "day"),
        [
            ("9月底前印发细则", "9月底前", date(2022, 9, 30)),
            ("2023年11月底前完成", "2023年11月底前", date(2023, 11, 30)),
            ("并于2022年10月20日前报市政府", "2022年10月20日前", date(2022, 10, 20)),
            ("力争年底前投用", "年底前", date(2022, 12, 31)),
            ("完成时限为2022年8月", "2022年8月", date(2022, 8, 31)),
            ("2022—2024年", "2022—2024年", date(2024, 12, 31)),
            ("第三季度末前试运行", "第三季度末前", date(2022, 9, 30)),
            ("年内持续推进", "年内持续推进", date(2022, 12, 31)),
            ("全年常态化开展", "全年常态化开展", None),
            ("长期坚持", "长期坚持", None),
            ("立行立改", "立行立改", None),
            ("立行立改并长期坚持", "立行立改并长期坚持", None),
            ("每季度末报送", "每季度末", None),
        ],
    )
    def test_a_clause_is_the_deadline_and_no_unit(self, clause: str, due: str, day: date | None) -> None:
        task = only(f"（甲局牵头，乙局、丙办等按职责分工负责，{clause}）")
        assert task.units == ("甲局", "乙局", "丙办")
        assert (task.due_text, task.due_on) == (due, day)

    def test_units_may_stand_behind_the_deadline(self) -> None:
        task = only("（甲局牵头，9月底前由乙局负责）")
        assert (task.units, task.due_text) == (("甲局", "乙局"), "9月底前")

    def test_make_a_lone_name_below_a_short_heading_a_mark(self) -> None:
        (task,) = tasks("1.建站（甲中心；10月底）")
        assert (task.units, task.due_text) == (("甲中心",), "10月底")

    def test_stages_end_with_the_last(self) -> None:
        (task,) = tasks("1.改造管网。2022年完成40%，2024年完成100%。（甲局）")
        assert (task.due_text, task.due_on) == ("2024年", date(2024, 12, 31))

    def test_one_year_alone_is_no_deadline(self) -> None:
        (task,) = tasks("1.改造管网。2022年完成投资3亿元。（甲局）")
        assert task.due_text is None


class TestYearOfThePlan:
    def test_comes_from_the_number_where_nothing_else_is_dated(self) -> None:
        text = "某市关于稳定就业的意见\n某政发〔2020〕7号\n一、任务\n1.稳岗。（甲局负责，6月底前完成）\n"
        assert plans.read(text.encode(), "plan.txt").tasks[0].due_on == date(2020, 6, 30)

    def test_of_a_plan_for_several_years_is_that_of_its_issue(self) -> None:
        text = "某市治水三年行动计划（2021—2023年）\n一、任务\n1.清淤。（甲局，年底前完成）\n某市政府\n2021年3月2日\n"
        assert plans.read(text.encode(), "plan.txt").tasks[0].due_on == date(2021, 12, 31)


class TestRulesInsideAMark:
    def test_a_sentence_about_the_marks_names_no_unit(self) -> None:
        first, second = tasks(
            "1.建市场。（责任单位：甲局、乙局按职责分工负责。各项任务均涉及有关县（区）政府，不再列出，下同。）\n2.建仓库。（责任单位：丙局）"
        )
        assert (first.units, second.units) == (("甲局", "乙局"), ("丙局",))
        assert first.doubt_values == second.doubt_values == (("unit", "有关县（区）政府"),)
        assert "implementer_stated_once" in first.doubts

    def test_a_rule_from_here_on_spares_its_own_mark(self) -> None:
        first, second = tasks("1.试点。（甲部负责。以下均需试点县政府落实，不再列出）\n2.推广。（甲部负责）")
        assert "implementer_stated_once" not in first.doubts
        assert "implementer_stated_once" in second.doubts


class TestCollectives:
    @pytest.mark.parametrize(
        ("mark", "units"),
        [
            ("甲部、乙部等国务院有关部门及各地区按职责分工负责", ("甲部", "乙部", "各地区")),
            ("甲委牵头，国务院有关部门及各地区按职责分工负责", ("甲委", "国务院有关部门", "各地区")),
            ("市级各有关部门及各县市区政府", ("市级各有关部门", "各县市区政府")),
            ("甲局等市直有关单位，各区政府", ("甲局", "各区政府")),
            (
                "甲部、乙总局等部门及各省、自治区、直辖市人民政府负责",
                ("甲部", "乙总局", "各省、自治区、直辖市人民政府"),
            ),
            ("市科技和信息化局和市粮食和物资储备局负责", ("市科技和信息化局", "市粮食和物资储备局")),
            ("省文化和旅游厅与省发展和改革委员会牵头", ("省文化和旅游厅", "省发展和改革委员会")),
            ("市甲局及有关部门负责", ("市甲局", "有关部门")),
            ("各有关部门和单位负责", ("各有关部门和单位",)),
            ("甲局、乙局，各县（区）政府组织实施", ("甲局", "乙局", "各县（区）政府")),
            ("基层党组织负责", ("基层党组织",)),
            ("甲局牵头，各县政府狠抓落实", ("甲局", "各县政府")),
        ],
    )
    def test_are_parted_where_a_name_ends(self, mark: str, units: tuple[str, ...]) -> None:
        assert only(f"（{mark}）").units == units


class TestLeads:
    @pytest.mark.parametrize(
        ("mark", "leads", "supporting"),
        [
            ("甲局负总责，乙局、丙行协助", ("甲局",), ("乙局", "丙行")),
            ("各有关县政府，甲局、乙局配合", ("各有关县政府",), ("甲局", "乙局")),
            ("甲局、乙局配合", (), ("甲局", "乙局")),
            ("甲局牵头；乙局、各街道按照职责配合", ("甲局",), ("乙局", "各街道")),
        ],
    )
    def test_stand_in_front_of_those_who_help(
        self, mark: str, leads: tuple[str, ...], supporting: tuple[str, ...]
    ) -> None:
        task = only(f"（{mark}）")
        assert (task.lead_units, task.supporting_units) == (leads, supporting)


class TestFramedLabels:
    def test_on_lines_of_their_own(self) -> None:
        (task,) = tasks("1.建设平台。\n【责任单位】甲局、乙社\n【完成时限】2022年11月底")
        assert (task.units, task.due_text) == (("甲局", "乙社"), "2022年11月底")

    def test_units_may_go_on_below_their_label(self) -> None:
        (task,) = tasks("1.建设平台。\n责任单位：省甲厅\n省乙和丙厅\n有关市政府")
        assert task.units == ("省甲厅", "省乙和丙厅", "有关市政府")

    def test_running_text_below_a_label_is_no_unit(self) -> None:
        (task,) = tasks("1.建设平台。\n责任单位：省甲厅\n平台建成后向社会开放。")
        assert task.units == ("省甲厅",)


class TestSharedDuties:
    def test_need_no_verb(self) -> None:
        task = only("（省甲厅（省乙局）、省委史志研究室按职责分工，持续推进）")
        assert (task.units, task.due_text) == (("省甲厅（省乙局）", "省委史志研究室"), "持续推进")


class TestText:
    def test_begins_behind_the_stop_of_the_mark_before(self) -> None:
        second = tasks("1.建设平台，统一标准（甲局牵头，乙局参与）。加强维护。（丙局）")[1]
        assert (second.heading, second.text) == ("加强维护", "加强维护。")
