"""A covering notice that lost its title line: what is the notice's and what the plan's."""

from app.papers import plans

LOST_TITLE = """某政办字 〔2024〕9号

各县区人民政府 (管委会),市政府各部门:
现将 《某市湿地保护方案》印发给你们，请认真落实。
一、压实责任。各牵头单位要细化任务。
二、加强督导。市林业局负责方案的统一调度,要建立台账。
某市人民政府办公室
2024年3月4日
（此件公开发布）
某市湿地保护方案
1. 摸清底数。(牵头单位:市林业局;参与单位:市水务局)
2. 修复退化湿地。(牵头单位:市林业局)
"""


class TestLostTitle:
    def test_the_title_stands_below_the_signature(self) -> None:
        reading = plans.read(LOST_TITLE.encode(), "plan.txt")
        assert (reading.title, reading.issuer) == ("某市湿地保护方案", "某市人民政府办公室")
        assert reading.unaccounted() == ()

    def test_items_of_the_notice_are_told_apart_from_the_plans(self) -> None:
        reading = plans.read(LOST_TITLE.encode(), "plan.txt")
        assert [(t.path, t.units) for t in reading.tasks] == [
            (("通知", "二"), ("市林业局",)),
            (("1",), ("市林业局", "市水务局")),
            (("2",), ("市林业局",)),
        ]

    def test_a_blank_in_front_of_a_bracket_cuts_no_recipient(self) -> None:
        assert plans.read(LOST_TITLE.encode(), "plan.txt").recipients == ("各县区人民政府 (管委会)", "市政府各部门")


class TestLoneAnnex:
    def test_begins_above_its_table(self) -> None:
        text = (
            "某市湿地保护方案\n一、任务\n1. 修复湿地。（市林业局）\n附：某市湿地保护任务清单\n"
            "序号\t任务\t牵头单位\t完成时限\n一\t摸底\t\t\n1\t开展普查\t市林业局\t6月底前\n"
        )
        paths = [task.path for task in plans.read(text.encode(), "plan.txt").tasks]
        assert paths == [("一", "1"), ("附件", "一", "1")]

    def test_a_list_of_annexes_above_the_signature_is_none(self) -> None:
        text = "某市湿地保护方案\n一、任务\n1. 修湿地。（市林业局）\n附件：湿地任务清单\n某市人民政府\n2024年3月4日\n"
        reading = plans.read(text.encode(), "plan.txt")
        assert (len(reading.tasks), reading.issuer) == (1, "某市人民政府")


class TestNoticeOfItsOwn:
    NOTICE = (
        "某市人民政府关于印发《湿地保护方案》的通知\n各区人民政府：\n"
        "现将《湿地保护方案》印发给你们，并就抓好落实通知如下：\n1.加强督考。市督查室要每月检查。\n"
        "某市人民政府\n2024年3月4日\n"
    )

    def test_keeps_its_items_where_the_plan_is_not_there(self) -> None:
        (task,) = plans.read(self.NOTICE.encode(), "plan.txt").tasks
        assert (task.path, task.units) == (("通知", "1"), ("市督查室",))

    def test_ends_with_its_signature_where_the_plan_has_no_title(self) -> None:
        text = self.NOTICE + "一、任务\n1.修复湿地。（市林业局）\n"
        assert [task.path for task in plans.read(text.encode(), "plan.txt").tasks] == [("通知", "1"), ("一", "1")]
