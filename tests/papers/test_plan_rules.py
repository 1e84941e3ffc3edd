"""The single rules of the plan reader: deadlines, roles, lists of units, markers, labels."""

from datetime import date

import pytest

from app.papers.plans import deadlines, labels, markers, numerals, roles, unit_names
from app.papers.plans.deadlines import DueKind
from app.papers.plans.folding import fold
from app.papers.plans.labels import Role

ISSUED = date(2018, 11, 16)


class TestDeadlinesInText:
    @pytest.mark.parametrize(
        ("text", "phrase", "day"),
        [
            ("2019年6月底前，建成平台。", "2019年6月底前", "2019-06-30"),
            ("在2018年12月31日前完成。", "2018年12月31日前", "2018-12-31"),
            ("2023年底，总结经验。", "2023年底", "2023-12-31"),
            ("年底前完成。", "年底前", "2018-12-31"),
            ("今年年底前完成。", "今年年底前", "2018-12-31"),
            ("2019年上半年，印发方案。", "2019年上半年", "2019-06-30"),
            ("到2020年，全面建成。", "到2020年", "2020-12-31"),
            ("力争到2020年底建成。", "到2020年底", "2020-12-31"),
            ("到“十四五”末，建成。", "到“十四五”末", "2025-12-31"),
            ("2019年第一季度完成。", "2019年第一季度", "2019-03-31"),
            ("二〇二三年十月底前完成。", "二〇二三年十月底前", "2023-10-31"),
            ("2024年2月底前完成。", "2024年2月底前", "2024-02-29"),
            ("2025年6月底前至少办成两件。", "2025年6月底前", "2025-06-30"),
            ("2023年底前起草办法。", "2023年底前", "2023-12-31"),
            ("2023年底前取得阶段性成果。", "2023年底前", "2023-12-31"),
            ("要在本意见印发之日起30日内出台。", "本意见印发之日起30日内", "2018-12-16"),
            ("通知印发后3个月内报送。", "通知印发后3个月内", "2019-02-16"),
            ("每季度最后一个月的30日前报送。", "每季度最后一个月的30日前", None),
            ("每月28日前报送。", "每月28日前", None),
            ("每年2月底前公布。", "每年2月底前", None),
        ],
    )
    def test_are_found_verbatim(self, text: str, phrase: str, day: str | None) -> None:
        folded = fold(text)
        found = [folded[hit.start : hit.end] for hit in deadlines.find(folded)]
        assert found == [phrase]
        due = deadlines.normal(phrase, year=2018, issued_on=ISSUED)
        assert (due.ends_on.isoformat() if due.ends_on else None) == day

    @pytest.mark.parametrize(
        "text",
        [
            "2019年1月1日至12月31日，返还费用。",
            "从2019年1月1日起，实施计划。",
            "2012年以来，成效明显。",
            "5年内引进100名。",
            "截至2018年底，共有3000名。",
            "对2019年12月31日前登记的企业给予补贴。",
            "2020年底前购置新车的，给予补贴。",
            "2018年12月印发的《方案》继续有效。",
            "实施期限至2020年12月31日。",
            "由2015年的60%提高到2020年的80%。",
            "每年选拔100名。",
        ],
    )
    def test_facts_windows_and_durations_are_none(self, text: str) -> None:
        assert deadlines.find(fold(text)) == []

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            ("持续推进", DueKind.OPEN_ENDED),
            ("长期坚持", DueKind.OPEN_ENDED),
            ("全年", DueKind.OPEN_ENDED),
            ("立行立改", DueKind.IMMEDIATE),
            ("2024.6.30", DueKind.FIXED),
            ("2024年6月", DueKind.FIXED),
            ("12月底", DueKind.FIXED),
            ("每月5日前", DueKind.RECURRING),
            ("春节前", DueKind.UNREAD),
        ],
    )
    def test_values_of_labels_have_a_kind(self, value: str, kind: DueKind) -> None:
        assert deadlines.normal(fold(value), year=2024).kind is kind

    def test_a_span_has_both_days(self) -> None:
        due = deadlines.normal("2021年12月至2022年1月")
        assert (due.starts_on, due.ends_on) == (date(2021, 12, 1), date(2022, 1, 31))


def said(text: str) -> list[tuple[str, str]]:
    folded = fold(text)
    return [(folded[slice(*span)], role.value) for span, role in roles.parse(folded).units]


class TestRoles:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("甲部牵头，乙部、丙委参与", [("甲部", "lead"), ("乙部", "supporting"), ("丙委", "supporting")]),
            ("甲部牵头、乙部配合", [("甲部", "lead"), ("乙部", "supporting")]),
            ("甲部牵头会同乙部、丙委等部门负责", [("甲部", "lead"), ("乙部", "supporting"), ("丙委", "supporting")]),
            ("甲部会同有关部门负责", [("甲部", "lead"), ("有关部门", "supporting")]),
            ("甲部指导，乙政府负责落实", [("甲部", "guiding"), ("乙政府", "duty")]),
            ("商务部指导，供销总社参与", [("商务部", "guiding"), ("供销总社", "supporting")]),
            ("甲部、乙部等和各省级人民政府负责", [("甲部", "duty"), ("乙部", "duty"), ("各省级人民政府", "duty")]),
            ("甲部等有关部门和单位按职责分工负责", [("甲部", "duty")]),
            (
                "各有关部门和单位，各省级人民政府按职责分工负责",
                [("各有关部门和单位", "duty"), ("各省级人民政府", "duty")],
            ),
            ("责任单位为甲局，配合单位为乙局", [("甲局", "duty"), ("乙局", "supporting")]),
            (
                "主办单位：甲局；协办单位：乙局；督导单位：丙办",
                [("甲局", "lead"), ("乙局", "supporting"), ("丙办", "guiding")],
            ),
            ("由甲局牵头，各区配合", [("甲局", "lead"), ("各区", "supporting")]),
        ],
    )
    def test_are_read_from_verbs_and_labels(self, text: str, expected: list[tuple[str, str]]) -> None:
        assert said(text) == expected


class TestLists:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("规财处、监测处(应急处)、某地震台", ["规财处", "监测处（应急处）", "某地震台"]),
            ("市发展改革委，各区、县级市", ["市发展改革委", "各区、县级市"]),
            ("省应急厅,各市、县〔市、区〕政府", ["省应急厅", "各市、县〔市、区〕政府"]),
            ("各省、自治区、直辖市及计划单列市人民政府", ["各省、自治区、直辖市及计划单列市人民政府"]),
            ("市政府各委、办、局，各开发区管委会", ["市政府各委、办、局", "各开发区管委会"]),
            ("工业和信息化部、文化和旅游部", ["工业和信息化部", "文化和旅游部"]),
            ("财政部和税务总局", ["财政部", "税务总局"]),
            ("市中级人民法院以及市人民检察院", ["市中级人民法院", "市人民检察院"]),
            ("各县（市、区）党委和政府", ["各县（市、区）党委和政府"]),
            ("甲局 乙局　丙局", ["甲局", "乙局", "丙局"]),
            ("甲部等10个部门，各有关省级人民政府", ["甲部", "各有关省级人民政府"]),
        ],
    )
    def test_are_cut_between_units_only(self, text: str, names: list[str]) -> None:
        folded = fold(text)
        assert [folded[slice(*span)] for span in unit_names.split(folded)] == names


class TestMarkers:
    @pytest.mark.parametrize(
        ("line", "step"),
        [
            ("一、总体要求", "一"),
            ("一、2023年目标", "一"),
            ("(三)主要任务", "（三）"),
            ("（十二）主要任务", "（十二）"),
            ("（二）项目协作", "（二）"),
            ("1﹒抓项目", "1"),
            ("1. 抓项目", "1"),
            ("12、抓项目", "12"),
            ("（4）抓项目", "（4）"),
            ("③抓项目", "③"),
            ("第二章 任务", "第二章"),
        ],
    )
    def test_give_a_step_in_full_width(self, line: str, step: str) -> None:
        marker = markers.read(fold(line))
        assert marker is not None
        assert marker.step == step

    @pytest.mark.parametrize(
        "line", ["2019年，完成任务", "（一）、（二）项任务", "（规财处）", "3.5万人参加", "一体推进", "100%完成"]
    )
    def test_are_not_seen_where_there_is_none(self, line: str) -> None:
        assert markers.read(fold(line)) is None

    def test_a_heading_may_begin_with_digits(self) -> None:
        marker = markers.read("11.121人才项目", {"arabic": 10})
        assert marker is not None
        assert (marker.step, marker.end) == ("11", 3)

    def test_decimals_nest(self) -> None:
        marker = markers.read("2.1 建设平台", {"arabic": 2})
        assert marker is not None
        assert marker.step == "2.1"


class TestLabels:
    @pytest.mark.parametrize(
        ("name", "role"),
        [
            *((name, Role.LEAD) for name in ("牵头单位", "牵头责任单位", "主办单位", "牵头处室", "主责单位", "牵头")),
            *((name, Role.DUTY) for name in ("责任单位", "责任处室", "责任科室", "承办单位", "部门分工", "落实单位")),
            *((name, Role.SUPPORTING) for name in ("配合单位", "协同责任单位", "协办", "参与部门", "协助单位")),
            *((name, Role.GUIDING) for name in ("指导单位", "督导单位")),
            *((name, Role.PEOPLE) for name in ("牵头负责领导", "分管省领导", "责任人", "责任领导", "分管负责人")),
            *(
                (name, Role.DUE)
                for name in ("完成时限", "完成时间", "时限要求", "办结时限", "时间节点", "计划完成日期")
            ),
            *((name, None) for name in ("抄送单位", "发布日期", "实施期限", "各有关单位", "会议时间")),
        ],
    )
    def test_have_the_role_of_their_words(self, name: str, role: Role | None) -> None:
        assert labels.role_of(name) is role

    def test_may_hold_spaces_and_stand_side_by_side(self) -> None:
        found = list(labels.find(fold("责 任 单 位：甲处　配合处室：乙处")))
        assert [(label.name, label.role) for label in found] == [("责任单位", Role.DUTY), ("配合处室", Role.SUPPORTING)]


class TestNumerals:
    @pytest.mark.parametrize("value", range(1, 300))
    def test_are_read_as_they_are_written(self, value: int) -> None:
        assert numerals.number(numerals.chinese(value)) == value
