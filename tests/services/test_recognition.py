"""Who asks is remembered only while nothing has happened: by horizon, by the clock, and not for too many."""

from datetime import UTC, datetime, timedelta

from app.services.recognition import Recognition

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def kept(until: datetime = LATER, now: datetime = NOW) -> Recognition[str]:
    recognition: Recognition[str] = Recognition()
    recognition.keep("digest", "12", until, now, "somebody")
    return recognition


class TestRecognition:
    def test_stands_while_nothing_has_happened(self) -> None:
        assert kept().recall("digest", "12", NOW + timedelta(seconds=59)) == "somebody"

    def test_does_not_outlive_an_event(self) -> None:
        assert kept().recall("digest", "13", NOW) is None

    def test_ends_after_a_minute(self) -> None:
        assert kept().recall("digest", "12", NOW + timedelta(minutes=1)) is None

    def test_ends_when_what_was_found_ends_by_itself(self) -> None:
        assert kept(until=NOW + timedelta(seconds=5)).recall("digest", "12", NOW + timedelta(seconds=5)) is None

    def test_ends_with_the_day_for_which_seats_were_read(self) -> None:
        before_midnight = datetime(2026, 11, 27, 15, 59, 50, tzinfo=UTC)
        assert kept(now=before_midnight).recall("digest", "12", before_midnight + timedelta(seconds=20)) is None

    def test_knows_nobody_else(self) -> None:
        assert kept().recall("another", "12", NOW) is None

    def test_forgets_who_has_not_asked_for_longest(self) -> None:
        recognition: Recognition[str] = Recognition(most=2)
        for name in ("one", "two"):
            recognition.keep(name, "12", LATER, NOW, name)
        recognition.recall("one", "12", NOW)
        recognition.keep("three", "12", LATER, NOW, "three")
        assert [recognition.recall(name, "12", NOW) for name in ("one", "two", "three")] == ["one", None, "three"]
