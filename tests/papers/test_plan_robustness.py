"""Whatever comes in, the plan reader answers with a reading or a refusal, and soon."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.papers import plans
from app.papers.plans import PlanReading, PlanRefused
from tests.papers.plan_files import as_docx
from tests.papers.plan_texts import BRIEFS

HEAD = "某市实施方案\n一、任务\n"
SECONDS = 15.0
MANY = 10_000
LONG = 49_000


def answer(data: bytes, name: str = "plan.txt") -> PlanReading | None:
    """The reading, or None for a refusal; anything else fails the test."""
    try:
        reading = plans.read(data, name)
    except PlanRefused:
        return None
    assert reading.unaccounted() == ()
    assert len({(task.path, task.part) for task in reading.tasks}) == len(reading.tasks)
    reading.as_dict()
    return reading


HOSTILE = {
    "items": "\n".join(f"{i}.完成工作。（市发改局、市财政局负责，2023年6月底前完成）" for i in range(1, MANY)),
    "numbers that restart": "\n".join("1.完成工作。责任单位：市发改局、市财政局" for _ in range(MANY)),
    "brackets that never close": "\n".join("1.完成工作。（市发改局、市财政局" for _ in range(MANY)),
    "lines that never end": "\n".join("完成工作，推进建设，全面提升。落实各项要求并" for _ in range(MANY)),
    "marks in one line": "1." + "完成工作。（市发改局负责）" * (LONG // 13),
    "openings": "1." + "（" * LONG,
    "nested brackets": "1." + "（" * (LONG // 2) + "）" * (LONG // 2),
    "labels in one line": "1." + "责任单位：市局；" * (LONG // 8),
    "labels without a value": "1." + "责任单位：" * (LONG // 5),
    "framed labels": "1." + "【责任" * (LONG // 3),
    "list signs": "1.做。（" + "、" * LONG + "市局负责）",
    "open lists": "1.做。（" + "等" * LONG + "负责）",
    "every county": "1.做。（" + "各区、" * (LONG // 3) + "市局负责）",
    "townships": "1.做。（各区、" + "乡镇" * (LONG // 2) + "啊负责）",
    "years": "1." + "2019年" * (LONG // 5),
    "ranges": "1." + "2019年" + "—" * LONG,
    "duties": "1." + "市发改局要，" * (LONG // 6),
    "subjects": "1." + "市发改局、" * (LONG // 5) + "要加强",
    "requests": "1." + "由市发改局会同" * (LONG // 7),
    "titles in titles": "根据" + "《" * LONG,
    "quoted titles": "根据" + "〈〉《〉" * (LONG // 4),
    "digits": "1." + "1" * LONG,
    "numerals": "一" * LONG + "、",
    "spaces": " " * LONG + "x",
    "rows": "序号\t任务\t责任单位\t时限\n" + "\n".join(f"{i}\t任务\t市局\t2023年" for i in range(MANY)),
}


class TestTime:
    @pytest.mark.parametrize("kind", HOSTILE)
    def test_is_bounded_for(self, kind: str) -> None:
        # The processor's time: what else the machine does meanwhile says nothing about the reading.
        started = time.process_time()
        answer((HEAD + HOSTILE[kind]).encode())
        assert time.process_time() - started < SECONDS


PIECES = st.sampled_from(
    [
        *"（）〔〕【】《》“”()[]:：，,、。；;.\n\t 　",
        *("一、", "（二）", "3.", "1﹒", "（4）", "⑤", "1.1", "第一章", "附件1\n", "通知", "方案", "关于", "的通知\n"),
        *(
            "责任单位：",
            "牵头单位：",
            "完成时限：",
            "责任人：",
            "抄送：",
            "市发改局",
            "各区、县级市",
            "有关部门",
            "处",
            "等",
        ),
        *("牵头", "负责", "配合", "会同", "要", "由", "请", "列第一位者为牵头单位", "下同", "以下均需市政府落实"),
        *(
            "2019年",
            "6月",
            "底前",
            "到2020年",
            "每月5日前",
            "至",
            "2019年1月1日",
            "……",
            "——",
            "1",
            "某政发〔2020〕3号",
            "\x00",
            "\u200b",
        ),
    ]
)


class TestFuzz:
    @settings(max_examples=300, deadline=None)
    @given(pieces=st.lists(PIECES, max_size=60))
    def test_text_of_all_the_signs(self, pieces: list[str]) -> None:
        answer((HEAD + "".join(pieces)).encode("utf-8", "surrogatepass"))

    @settings(max_examples=150, deadline=None)
    @given(text=st.text(max_size=300))
    def test_any_text(self, text: str) -> None:
        answer(text.encode("utf-8", "surrogatepass"))

    @settings(max_examples=150, deadline=None)
    @given(data=st.binary(max_size=600), start=st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"\xff\xfe"]))
    def test_any_bytes(self, data: bytes, start: bytes) -> None:
        answer(start + data)

    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_a_file_with_bytes_changed(self, data: st.DataObject) -> None:
        file = bytearray(as_docx(BRIEFS["label lines"][0]))
        for _ in range(data.draw(st.integers(1, 8))):
            file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
        answer(bytes(file), "plan.docx")

    @settings(max_examples=60, deadline=None)
    @given(style=st.sampled_from(sorted(BRIEFS)), cut=st.floats(0, 1))
    def test_a_plan_that_breaks_off(self, style: str, cut: float) -> None:
        text = BRIEFS[style][0]
        answer(text[: int(len(text) * cut)].encode())
