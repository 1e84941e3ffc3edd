"""One plan, many files: the reading stays the same whatever the format, encoding and width of signs."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.papers import plans
from app.papers.plans import PlanReading
from app.papers.plans.folding import squeeze
from tests.papers.plan_files import as_docx, as_pdf, real_plans, shared_plans
from tests.papers.plan_texts import BRIEFS

HALF_WIDTH = str.maketrans("（），：；", "(),:;")
CONVERSIONS = {
    "docx": as_docx,
    "pdf": as_pdf,
    "gb18030": lambda text: text.encode("gb18030"),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "carriage returns": lambda text: text.replace("\n", "\r\n").encode(),
    "half-width signs": lambda text: text.translate(HALF_WIDTH).encode(),
}
SAMPLES = {f"own: {name}": text for name, (text, _) in BRIEFS.items()}
REAL = {path.stem: path for path in real_plans()}


def shape(reading: PlanReading) -> dict[str, object]:
    """A reading without lines and repairs, folded, to compare two files of one plan."""

    def names(units: tuple[str, ...]) -> list[str]:
        return [squeeze(unit) for unit in units]

    def day(value: date | None) -> str | None:
        return value.isoformat() if value else None

    return {
        "title": squeeze(reading.title or ""),
        "number": squeeze(reading.document_number or ""),
        "issuer": squeeze(reading.issuer or ""),
        "issued_on": day(reading.issued_on),
        "recipients": names(reading.recipients),
        "copied_to": names(reading.copied_to),
        "disclosure": reading.disclosure,
        "basis": [(squeeze(b.name), squeeze(b.document_number or "")) for b in reading.basis],
        "period": (day(reading.starts_on), day(reading.ends_on)),
        "tasks": [
            (
                *(t.path, t.part, squeeze(t.heading), squeeze(t.text), names(t.units), names(t.lead_units)),
                *(
                    names(t.supporting_units),
                    names(t.guiding_units),
                    squeeze(t.due_text or ""),
                    day(t.due_on),
                    t.marked,
                ),
            )
            for t in reading.tasks
        ],
        "milestones": [(squeeze(m.when), squeeze(m.what), m.kind, day(m.ends_on)) for m in reading.milestones],
        "sections": [(s.path, squeeze(s.heading)) for s in reading.sections],
    }


class TestRealPlans:
    @pytest.mark.parametrize("form", CONVERSIONS)
    @pytest.mark.parametrize("plan", REAL or ["absent"])
    def test_reads_the_same_as(self, plan: str, form: str) -> None:
        shared_plans()
        text = REAL[plan].read_text()
        reading = plans.read(CONVERSIONS[form](text), "plan")
        assert shape(reading) == shape(plans.read(text.encode(), "plan.txt"))
        assert reading.unaccounted() == ()


class TestOwnPlans:
    @pytest.mark.parametrize("form", CONVERSIONS)
    @pytest.mark.parametrize("plan", SAMPLES)
    def test_reads_the_same_as(self, plan: str, form: str) -> None:
        text = SAMPLES[plan]
        reading = plans.read(CONVERSIONS[form](text), "plan")
        assert shape(reading) == shape(plans.read(text.encode(), "plan.txt"))
        assert reading.unaccounted() == ()

    def test_traditional_text_in_big5_is_read(self) -> None:
        text = SAMPLES["own: traditional"]
        assert shape(plans.read(text.encode("big5hkscs"), "plan.txt")) == shape(plans.read(text.encode(), "plan.txt"))


# Stems without any meaning to the reader: characters of rivers, trees and birds.
STEMS = "渭汾泾沅澧槐榆桦梧桐鹭鹤鸢雁鹊岷岐峨崂黔滇鄂皖赣"
PLACE_LEVELS = re.compile(r"^(?:各|有关|相关|试点)")


def renamed(text: str, reading: PlanReading, choose: list[str]) -> tuple[str, dict[str, str]]:
    """The text with each unit's stem replaced, its suffix kept."""
    names = {unit.name for unit in reading.units} | {alias for unit in reading.units for alias in unit.aliases}
    plain = sorted((n for n in names if not PLACE_LEVELS.match(n) and "（" not in n), key=len, reverse=True)
    plain = [n for n in plain if len(n) >= 3 and not any(n != other and n in other for other in names)]
    table = {}
    for at, name in enumerate(plain):
        suffix = name[-2:] if name.endswith(("总局", "银行", "政府", "中心", "部门", "机构")) else name[-1]
        table[name] = choose[at % len(choose)] + STEMS[at % len(STEMS)] + STEMS[at // len(STEMS)] + suffix
    if not table:
        return text, {}
    pattern = re.compile("|".join(map(re.escape, plain)))
    return pattern.sub(lambda hit: table[hit.group()], text), table


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choose=st.lists(st.text(STEMS, min_size=1, max_size=3), min_size=1, max_size=5))
@pytest.mark.parametrize("plan", [*SAMPLES, *REAL])
def test_units_are_known_by_their_suffix(plan: str, choose: list[str]) -> None:
    text = SAMPLES[plan] if plan in SAMPLES else Path(REAL[plan]).read_text()
    reading = plans.read(text.encode(), "plan.txt")
    other, table = renamed(text, reading, choose)
    again = plans.read(other.encode(), "plan.txt")

    def tasks(of: PlanReading, names: dict[str, str]) -> list[object]:
        return [
            (
                t.path,
                t.part,
                *(tuple(names.get(u, u) for u in us) for us in (t.units, t.lead_units, t.supporting_units)),
            )
            for t in of.tasks
        ]

    assert tasks(again, {}) == tasks(reading, table)
