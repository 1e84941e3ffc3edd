"""Files that would harm the server harm only the process that reads them."""

import io
import os
import zipfile
from pathlib import Path

import pytest

from app.errors import DomainError
from app.services import plan_reading
from tests.plan_texts import PLAN, TITLE, long_plan


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "plan"
    path.write_bytes(data)
    return path


class TestRead:
    def test_gives_the_products_json(self, tmp_path: Path) -> None:
        reading = plan_reading.read(_file(tmp_path, PLAN.encode("gb18030")), "方案.txt")
        assert reading["title"] == TITLE
        assert reading["tasks"][0]["doubt_values"] == {}

    @pytest.mark.parametrize(
        ("data", "name", "code"),
        [
            (b"", "a.txt", "plan_empty"),
            (bytes(range(256)) * 40, "a.txt", "plan_binary"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "plan_old_word"),
            ("今天天气很好，我们去公园散步。\n".encode(), "a.txt", "plan_not_recognised"),
        ],
    )
    def test_passes_the_readers_refusal_on(self, tmp_path: Path, data: bytes, name: str, code: str) -> None:
        with pytest.raises(DomainError) as refused:
            plan_reading.read(_file(tmp_path, data), name)
        assert (refused.value.code, refused.value.field) == (code, "file")

    def test_ends_a_reading_that_takes_too_long(self, tmp_path: Path) -> None:
        with pytest.raises(plan_reading.PlanReadingTooHeavy):
            plan_reading.read(_file(tmp_path, PLAN.encode()), "a.txt", seconds=0.001)

    def test_ends_a_reading_that_takes_too_much_memory(self, tmp_path: Path) -> None:
        with pytest.raises(plan_reading.PlanReadingTooHeavy):
            plan_reading.read(_file(tmp_path, long_plan(5000).encode()), "a.txt", memory=1024 * 1024)

    def test_opens_no_archive_that_swells(self, tmp_path: Path) -> None:
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("word/document.xml", b"<w:document>" + b" " * 300_000_000)
        with pytest.raises(DomainError) as refused:
            plan_reading.read(_file(tmp_path, bomb.getvalue()), "a.docx")
        assert refused.value.code in ("plan_unsafe", "plan_too_large", "plan_damaged")

    def test_gives_the_child_nothing_of_the_servers_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = {}
        run = plan_reading.subprocess.run

        def watched(*arguments: object, **options: object) -> object:
            seen.update(options["env"])  # type: ignore[call-overload]
            return run(*arguments, **options)  # type: ignore[call-overload]

        monkeypatch.setenv("DUIKOU_SECRET_KEY", "not for the child")
        monkeypatch.setattr(plan_reading.subprocess, "run", watched)
        plan_reading.read(_file(tmp_path, PLAN.encode()), "a.txt")
        assert not [name for name in seen if name.startswith("DUIKOU")]
        assert "DUIKOU_SECRET_KEY" in os.environ
