"""Duties that stand in sentences: whose they are, and which sentences are none."""

import pytest

from app.papers import plans


def duties(sentence: str) -> list[tuple[str, ...]]:
    """The units of the duties of a sentence below a heading."""
    text = f"某市实施方案\n一、任务\n1.建设平台。（甲局）\n二、保障措施\n（一）加强组织。{sentence}\n"
    return [task.units for task in plans.read(text.encode(), "plan.txt").tasks if not task.marked]


class TestDuties:
    @pytest.mark.parametrize(
        ("sentence", "units"),
        [
            ("市督查室要加大检查力度。", [("市督查室",)]),
            ("市督考辦要加大督查力度。", [("市督考辦",)]),
            ("市督查室、市考核办定期开展检查。", [("市督查室", "市考核办")]),
            ("市水务局、市住建局分工负责具体推进。", [("市水务局", "市住建局")]),
            ("市委组织部将考核结果纳入年度评价。", [("市委组织部",)]),
            ("督导考核由市水务局、市委督查室统一组织实施。", [("市水务局", "市委督查室")]),
            ("市水务局要会同市财政局适时评估。", [("市水务局", "市财政局")]),
            ("领导小组办公室（设在市水务局）要定期调度。", [("领导小组办公室",)]),
            ("市财政局、市审计局：筹措资金，会同市水务局检查使用。", [("市财政局", "市审计局")]),
            ("失职的由市纪委监委依规处理。", [("市纪委监委",)]),
            ("由市水务局会同市财政局、市审计局等部门制定考核办法。", [("市水务局", "市财政局", "市审计局")]),
        ],
    )
    def test_belong_to_the_units_named(self, sentence: str, units: list[tuple[str, ...]]) -> None:
        assert duties(sentence) == units

    @pytest.mark.parametrize(
        "sentence",
        [
            "各牵头单位要统筹落实任务。",
            "各牵頭單位要緊密結合實際。",
            "各地各部门要高度重视。",
            "省有关部门要加强指导。",
            "市水务局、市财政局等部门主要负责人为成员。",
            "市水务局制定了《管理办法》。",
            "本方案由市水务局负责解释。",
            "监理单位要尽责。",
            "市财政局：李某。",
            "工作步骤：市水务局已成立。",
            "办公室设在市水务局，承担日常工作。",
        ],
    )
    def test_are_none_where_nobody_is_named_or_asked(self, sentence: str) -> None:
        assert duties(sentence) == []

    def test_an_opening_paragraph_tells_and_asks_nobody(self) -> None:
        text = "某市实施方案\n近年来，市水务局加强统筹，成效明显。\n一、任务\n1.建设平台。（甲局）\n"
        assert [task.units for task in plans.read(text.encode(), "plan.txt").tasks] == [("甲局",)]
