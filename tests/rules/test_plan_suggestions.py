"""What the review suggests."""

import pytest

from app.rules import plan_suggestions as suggestions


class TestTrackOf:
    @pytest.mark.parametrize(
        ("heading", "code"),
        [
            ("保障资金援藏", "funding"),
            ("强化项目援藏", "project"),
            ("加强人才支援", "talent"),
            ("深化科技援助", "science"),
            ("推进民生援建", "livelihood"),
            ("工作要求", ""),
            ("科技项目资金管理", ""),
        ],
    )
    def test_takes_the_one_word_that_names_a_track(self, heading: str, code: str) -> None:
        assert suggestions.track_of(heading) == code

    def test_keeps_the_plans_own_compound_as_the_name(self) -> None:
        assert suggestions.track_name("保障资金援藏") == "资金援藏"
        assert suggestions.track_name("强化经费保障") == ""

    def test_takes_the_innermost_section(self) -> None:
        sections = {("三",): "project", ("三", "（二）"): "science"}
        assert suggestions.track_of_path(["三", "（二）", "1"], sections) == "science"
        assert suggestions.track_of_path(["三", "（一）", "1"], sections) == "project"
        assert suggestions.track_of_path(["四"], sections) == ""


class TestUnitKind:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("各中心站", "group"),
            ("机关各处室", "group"),
            ("监测处（应急处）", "department"),
            ("地震台", "institution"),
            ("省应急管理厅", "bureau"),
            ("市人民政府", "bureau"),
            ("博湖村", "beneficiary"),
        ],
    )
    def test_is_read_from_the_name(self, name: str, kind: str) -> None:
        assert suggestions.unit_kind(name) == kind


class TestSideOf:
    def test_lets_the_first_bureau_receive_and_national_ones_stand_above(self) -> None:
        assert suggestions.side_of("某州应急管理局", frozenset({"aiding"})) == "receiving"
        assert suggestions.side_of("另一局", frozenset({"aiding", "receiving"})) is None
        assert suggestions.side_of("中国地震局", frozenset()) == "superior"
        assert suggestions.side_of("办公室", frozenset()) is None


class TestOpenEnded:
    def test_needs_words_without_an_end_and_no_year(self) -> None:
        assert suggestions.is_open_ended("持续推进")
        assert suggestions.is_open_ended("每年")
        assert not suggestions.is_open_ended("2028年底前持续推进")
        assert not suggestions.is_open_ended("")
