"""A line of the log: fields that are named, and of an error its way and never its words."""

import json
import logging
import logging.config
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import logs
from app.database import Database, RowConflict
from app.errors import DomainError
from app.logs.lines import JsonLine, SaidOnce, TextLine, message_of
from app.logs.traces import told, trace_of
from app.recording import ChangeWithoutEvent
from app.settings import load

SECRET = "古丽·艾合买提 13800138000"


class NamesSomebody(DomainError):
    """A refusal whose sentence names a person."""

    code = "names_somebody"
    message = "%(name)s is known here."


def record(name: str = "duikou", message: str = "request", **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, "place.py", 7, message, (), None)
    made.__dict__.update(extra)
    return made


class TestJson:
    def test_holds_the_fields_of_a_request(self) -> None:
        token = logs.working_for.set("request-1")
        try:
            line = json.loads(JsonLine().format(record(route="tasks.show", status=200, actor_id=3, address="10.0.0.1")))
        finally:
            logs.working_for.reset(token)
        assert line["request_id"] == "request-1"
        assert (line["route"], line["status"], line["actor_id"], line["address"]) == ("tasks.show", 200, 3, "10.0.0.1")
        assert line["time"].endswith("+00:00")
        assert line["level"] == "INFO"

    def test_leaves_out_what_it_does_not_know(self) -> None:
        assert SECRET not in JsonLine().format(record(person=SECRET, query=SECRET))

    def test_is_one_line_whatever_the_message(self) -> None:
        assert "\n" not in JsonLine().format(record(message="two\nlines"))


class TestText:
    def test_shows_the_same_request_to_a_person(self) -> None:
        line = TextLine().format(record(method="GET", route="tasks.show", status=200, duration_ms=3.2, actor_id=None))
        assert line.endswith("INFO request GET tasks.show 200 3.2")


class TestMessages:
    def test_of_libraries_are_left_out(self) -> None:
        assert SECRET not in message_of(record(name="pypdf._reader", message=SECRET))
        assert "place:7" in message_of(record(name="pypdf._reader", message=SECRET))

    def test_of_ours_are_said(self) -> None:
        assert message_of(record(name="duikou.jobs", message="ready")) == "ready"


class TestTraces:
    def test_say_where_and_not_what(self) -> None:
        def fail() -> None:
            try:
                raise KeyError(SECRET)
            except KeyError as error:
                raise NamesSomebody(name=SECRET) from error

        with pytest.raises(NamesSomebody) as caught:
            fail()
        trace = trace_of(caught.value)
        assert SECRET not in trace
        assert "NamesSomebody (names_somebody)" in trace
        assert "caused by KeyError" in trace
        assert "tests/logs/test_lines.py" in trace
        assert "in fail" in trace

    def test_of_the_store_hold_no_parameters(self, database: Database) -> None:
        with pytest.raises(RowConflict) as caught, database.transaction() as session:
            session.execute(text("INSERT INTO throttles (key, failures) VALUES (:key, 1)"), {"key": SECRET})
        assert isinstance(caught.value.__cause__, IntegrityError)
        assert SECRET in str(caught.value.__cause__)
        assert SECRET not in trace_of(caught.value)

    def test_of_several_at_once_follow_the_first(self) -> None:
        assert "ValueError" in trace_of(ExceptionGroup(SECRET, [ValueError(SECRET), KeyError(SECRET)]))
        assert SECRET not in trace_of(ExceptionGroup(SECRET, [ValueError(SECRET)]))

    def test_end_where_errors_go_in_a_circle(self) -> None:
        one, other = ValueError(), KeyError()
        one.__cause__, other.__cause__ = other, one
        assert trace_of(one).count("caused by") == 1

    def test_keep_the_words_of_those_who_vouch_for_them(self) -> None:
        assert "no event names" in told(ChangeWithoutEvent("no event names these changes: update users 3"))
        assert "has no attribute" in told(AttributeError("'NoneType' object has no attribute 'key'"))

    def test_are_not_written_twice(self) -> None:
        error = ValueError()
        said = record()
        said.exc_info = (ValueError, error, None)
        assert SaidOnce().filter(said)
        error.was_logged = True  # type: ignore[attr-defined]
        assert not SaidOnce().filter(said)


class TestConfiguration:
    def test_is_understood_and_writes_a_file_beside_the_terminal(self, tmp_path: Path) -> None:
        settings = load(mode="test", data=tmp_path, log_folder=str(tmp_path / "logs"))
        config = logs.config(settings)
        for name in ("duikou", "uvicorn", "uvicorn.error", "uvicorn.access"):
            assert name in config["loggers"]
        assert config["handlers"]["files"]["keep_days"] == 400

    @pytest.mark.parametrize(("given", "form"), [("json", "json"), ("text", "text"), ("auto", "json")])
    def test_takes_text_only_for_a_terminal(self, tmp_path: Path, given: str, form: str) -> None:
        settings = load(mode="test", data=tmp_path, log_format=given)
        assert logs.config(settings)["handlers"]["terminal"]["formatter"] == form
