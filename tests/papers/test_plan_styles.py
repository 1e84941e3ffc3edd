"""The plan reader on the suite's own plans, one in each style of marking responsibility."""

from datetime import date

import pytest

from app.papers import plans
from tests.papers import plan_texts
from tests.papers.plan_texts import BRIEFS, brief


def read(text: str) -> plans.PlanReading:
    return plans.read(text.encode(), "plan.txt")


class TestStyles:
    @pytest.mark.parametrize("style", BRIEFS)
    def test_finds_the_tasks_of(self, style: str) -> None:
        text, expected = BRIEFS[style]
        assert brief(read(text)) == expected

    @pytest.mark.parametrize("style", BRIEFS)
    def test_accounts_for_every_line_of(self, style: str) -> None:
        reading = read(BRIEFS[style][0])
        assert reading.unaccounted() == ()
        assert reading.lines == tuple(BRIEFS[style][0].split("\n"))


class TestRoles:
    def test_guiding_units_are_told_apart(self) -> None:
        first, second = read(plan_texts.STATED_ONCE).tasks
        assert first.guiding_units == ("甲部",)
        assert second.guiding_units == ("甲部", "乙委")
        assert "implementer_stated_once" in second.doubts
        assert second.doubt_values == (("unit", "试点市政府"),)

    def test_a_bare_list_declares_no_lead(self) -> None:
        task = read(plan_texts.BARE_LISTS).tasks[1]
        assert (task.lead_units, task.supporting_units, task.guiding_units) == ((), (), ())
        assert "lead_undeclared" in task.doubts

    def test_people_are_kept_apart_from_units(self) -> None:
        tasks = read(plan_texts.LABEL_LINES).tasks
        assert tasks[0].responsible_people == ("张某",)
        assert tasks[2].responsible_people == ("李某某",)


class TestHead:
    def test_of_a_notice_that_issues_a_plan(self) -> None:
        reading = read(plan_texts.ROLE_VERBS)
        assert reading.title == "某市水环境治理三年行动方案（2021—2023年）"
        assert reading.document_number == "某政办发〔2021〕8号"
        assert reading.issuer == "某市人民政府办公室"
        assert reading.issued_on == date(2021, 2, 3)
        assert reading.recipients == ("各区人民政府", "市政府各委、办、局")
        assert (reading.starts_on, reading.ends_on) == (date(2021, 1, 1), date(2023, 12, 31))

    def test_of_an_opinion(self) -> None:
        reading = read(plan_texts.RULE_ONCE)
        assert reading.title == "国务院办公厅关于推进某项改革的意见"
        assert reading.disclosure == "主动公开"
        assert reading.recipients == ("各省、自治区、直辖市人民政府", "国务院各部委", "各直属机构")

    def test_a_five_year_plan_has_its_years(self) -> None:
        reading = read(plan_texts.BARE_LISTS)
        assert (reading.starts_on, reading.ends_on) == (date(2026, 1, 1), date(2030, 12, 31))


class TestMilestones:
    def test_phases_are_steps_with_both_days(self) -> None:
        steps = [(m.when, m.kind, m.starts_on, m.ends_on) for m in read(plan_texts.ROLE_VERBS).milestones]
        assert steps == [
            ("2021年3月—6月", "step", date(2021, 3, 1), date(2021, 6, 30)),
            ("2021年7月至2023年10月", "step", date(2021, 7, 1), date(2023, 10, 31)),
            ("2023年12月底前", "step", None, date(2023, 12, 31)),
        ]

    def test_dates_of_a_goals_section_are_goals(self) -> None:
        goals = [(m.when, m.kind) for m in read(plan_texts.BARE_LISTS).milestones]
        assert goals == [("到2030年", "goal")]
        span = read(plan_texts.LABELS_IN_BRACKETS).milestones[0]
        assert (span.when, span.kind, span.ends_on) == ("2022年起3年内", "goal", date(2024, 12, 31))

    def test_a_covering_notice_has_steps_and_one_comes_back(self) -> None:
        steps = [(m.when, m.recurring) for m in read(plan_texts.COVER_RULE).milestones]
        assert steps == [("2025年1月20日前", False), ("每季度最后一个月的28日前", True)]


class TestSections:
    def test_unmarked_headings_are_sections(self) -> None:
        sections = [("/".join(s.path), s.heading) for s in read(plan_texts.BARE_LISTS).sections]
        assert ("二", "主要任务") in sections
        assert ("二/（三）", "人才协作") in sections

    def test_items_of_the_notice_begin_with_its_name(self) -> None:
        sections = ["/".join(s.path) for s in read(plan_texts.COVER_RULE).sections]
        assert sections[:2] == ["通知/一", "通知/二"]


class TestRepairs:
    def test_a_cut_sentence_is_joined_and_shown(self) -> None:
        reading = read("某局实施方案\n一、任务\n1. 完善站网。加快推进设备更新和技\n\n术改造。（监测处）\n")
        assert reading.tasks[0].text == "完善站网。加快推进设备更新和技术改造。"
        assert [(r.line, r.kind, r.before) for r in reading.repairs] == [
            (5, "joined_lines", "网。加快推进设备更新和技|术改造。（监测处）")
        ]
        assert "text_repaired" in reading.tasks[0].doubts

    def test_a_run_doubled_at_a_page_break_is_dropped_and_shown(self) -> None:
        reading = read("某局实施方案\n一、任务\n1. 完善站网。加快推进设备更\n— 3 —\n更新改造。（监测处）\n")
        assert reading.tasks[0].text == "完善站网。加快推进设备更新改造。"
        assert [r.kind for r in reading.repairs] == ["doubled_run"]
        assert (4, "page_number") in [(entry.line, entry.reason) for entry in reading.ignored]

    def test_a_bracket_that_never_closes_is_read_and_doubted(self) -> None:
        reading = read("某局实施方案\n一、任务\n1. 完善站网。（监测处、观测处（保障处）\n2. 培训。（人事处）\n")
        assert reading.tasks[0].units == ("监测处", "观测处（保障处）")
        assert "bracket_not_closed" in reading.tasks[0].doubts
        assert reading.tasks[1].units == ("人事处",)


class TestBracketsThatAreNoMarks:
    @pytest.mark.parametrize(
        "bracket",
        [
            "（以下简称“中心”）",
            "（某震发〔2021〕5号）",
            "（5）",
            "（此件公开发布）",
            "（含职业院校）",
            "（超过100人的企业达到15%）",
            "（见附件2）",
            "（PPP）",
            "（以下统称“三站”）",
            "（政府牵头、企业参与）",
            "（机关、企事业单位、学校）",
            "（“一站一台一中心”）",
            "（园区、开发区）",
            "（站长、台长）",
            "（镇）",
        ],
    )
    def test_is_left_alone(self, bracket: str) -> None:
        reading = read(f"某局实施方案\n一、任务\n1. 推进某项工作{bracket}，取得成效。（监测处）\n")
        assert [t.units for t in reading.tasks] == [("监测处",)]


class TestUnits:
    def test_a_shortened_name_joins_the_full_one(self) -> None:
        reading = read("某局实施方案\n一、任务\n1. 安排经费。（计财处）\n二、要求\n计划财务处要加强检查。\n")
        assert [(u.name, u.aliases) for u in reading.units] == [("计划财务处", ("计财处",))]

    def test_one_body_with_two_names_is_known_by_both(self) -> None:
        reading = read("某局实施方案\n一、任务\n1. 监测。（监测处（应急处））\n")
        assert [(u.name, u.aliases) for u in reading.units] == [("监测处（应急处）", ("监测处", "应急处"))]
