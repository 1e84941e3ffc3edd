"""Two texts of one plan: what was matched, added, removed and changed."""

from app.rules.plan_differences import Entry, compare, likeness


def _plan(*headings: str, first: int = 1) -> list[Entry]:
    return [Entry(n, (f"三/{n - first + 1}", 1), heading) for n, heading in enumerate(headings, first)]


class TestCompare:
    def test_finds_nothing_in_the_same_text(self) -> None:
        found = compare(_plan("建设监测台站", "开展干部培训"), _plan("建设监测台站", "开展干部培训", first=11))
        assert [(m.old.id, m.new.id) for m in found.matched] == [(1, 11), (2, 12)]
        assert (found.changed, found.added, found.removed) == ((), (), ())

    def test_follows_an_item_that_was_renumbered(self) -> None:
        found = compare(
            _plan("建设监测台站", "开展干部培训"), _plan("编制风险区划图", "建设监测台站", "开展干部培训", first=11)
        )
        assert [(m.old.id, m.new.id) for m in found.matched] == [(1, 12), (2, 13)]
        assert [entry.heading for entry in found.added] == ["编制风险区划图"]
        assert [[c.field for c in m.changes] for m in found.matched] == [["path"], ["path"]]

    def test_keeps_the_number_of_an_item_that_was_reworded(self) -> None:
        found = compare(_plan("建设三个监测台站"), _plan("建设五个监测台站", first=11))
        assert [(c.field, c.before, c.after) for c in found.matched[0].changes] == [
            ("heading", "建设三个监测台站", "建设五个监测台站")
        ]

    def test_calls_other_words_under_the_same_number_another_item(self) -> None:
        found = compare(_plan("建设监测台站"), _plan("选派技术骨干挂职", first=11))
        assert ([e.id for e in found.removed], [e.id for e in found.added]) == ([1], [11])

    def test_matches_each_entry_once(self) -> None:
        found = compare(_plan("维护台站", "维护台站"), _plan("维护台站", first=11))
        assert len(found.matched) == len(found.removed) == 1

    def test_names_the_fields_that_changed(self) -> None:
        old = [Entry(1, ("三", 1), "建设台站", {"due_on": "2028-12-31", "text": "同"})]
        new = [Entry(9, ("三", 1), "建设台站", {"due_on": "2029-12-31", "text": "同"})]
        assert [c.field for c in compare(old, new).changed[0].changes] == ["due_on"]


class TestLikeness:
    def test_is_whole_for_the_same_and_nothing_for_strangers(self) -> None:
        assert likeness("台", "台") == 1.0
        assert likeness("", "") == 1.0
        assert likeness("建设台站", "选派干部") == 0.0
        assert 0.5 < likeness("建设三个监测台站", "建设五个监测台站") < 1.0
