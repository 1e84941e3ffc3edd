"""Files: streamed in, kept under their digest, sent out as a download, and only to who sees the task."""

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import col, select

from app.adapters import storage
from app.database import Database
from app.models import Attachment, Event, EventKind
from app.settings import Settings
from tests import disks
from tests.buckets import bucket
from tests.clients import ApiClient
from tests.factories import World
from tests.personas import BUSINESS, EVERYBODY

__all__ = ["bucket"]
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 700


def upload(
    api: ApiClient, login: str, task_id: int, content: bytes = PDF, name: str = "验收报告.pdf"
) -> httpx.Response:
    target = {"subject_type": "tasks", "subject_id": task_id}
    return api.as_(login).post("/attachments", params=target, files={"file": (name, content, "text/html")})


def rows(database: Database) -> list[Attachment]:
    with database.reading() as session:
        return list(session.exec(select(Attachment).order_by(col(Attachment.id))))


def stored_files(settings: Settings) -> list[str]:
    return [path.name for path in (settings.data / "files").rglob("*") if path.is_file()]


class TestUpload:
    def test_keeps_the_bytes_under_their_digest(
        self, api: ApiClient, database: Database, settings: Settings, world: World
    ) -> None:
        answer = upload(api, "coordinator", world.tasks["issued"])
        digest = hashlib.sha256(PDF).hexdigest()
        assert answer.status_code == 201
        body = answer.json()
        assert (body["sha256"], body["size"], body["media_type"], body["name"], body["uploaded_by_name"]) == (
            digest,
            len(PDF),
            "application/pdf",
            "验收报告.pdf",
            "统筹员",
        )
        assert stored_files(settings) == [digest]
        assert list((settings.data / "uploads").iterdir()) == []
        assert api.as_("handler").get(answer.headers["Location"].removeprefix("/api/v1")).json() == body

    def test_stores_the_same_bytes_once(self, api: ApiClient, settings: Settings, world: World) -> None:
        for key in ("issued", "running"):
            assert upload(api, "coordinator", world.tasks[key]).status_code == 201
        assert len(stored_files(settings)) == 1

    @pytest.mark.parametrize(
        ("content", "name", "status", "code"),
        [
            (b"", "空.pdf", 422, "file_empty"),
            (b"<html><script>alert(1)</script>", "页.pdf", 415, "file_kind_refused"),
            (b"MZ" + bytes(100), "程序.exe", 415, "file_kind_refused"),
            (PDF, "报告.pdf.exe", 422, "file_name_misleads"),
            (b"alert(1)", "x.js", 422, "file_name_misleads"),
        ],
    )
    def test_refuses_and_keeps_nothing(
        self,
        api: ApiClient,
        database: Database,
        settings: Settings,
        world: World,
        content: bytes,
        name: str,
        status: int,
        code: str,
    ) -> None:
        answer = upload(api, "coordinator", world.tasks["issued"], content, name)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["errors"][0]["field"] == "file"
        assert (rows(database), stored_files(settings), list((settings.data / "uploads").iterdir())) == ([], [], [])

    @pytest.mark.parametrize(
        ("name", "kept"),
        [("../../etc/passwd.pdf", "passwd.pdf"), ("C:\\a\\b.pdf", "b.pdf"), ("扫描件", "扫描件.pdf")],
    )
    def test_cleans_the_name(self, api: ApiClient, world: World, name: str, kept: str) -> None:
        assert upload(api, "coordinator", world.tasks["issued"], name=name).json()["name"] == kept

    def test_stops_at_the_limit(self, app: FastAPI, api: ApiClient, database: Database, world: World) -> None:
        app.state.settings = app.state.settings.model_copy(update={"upload_limit_mb": 1})
        answer = upload(api, "coordinator", world.tasks["issued"], PDF + bytes(1024 * 1024))
        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
        assert rows(database) == []

    def test_refuses_a_declared_length_before_reading(self, api: ApiClient, world: World) -> None:
        target = {"subject_type": "tasks", "subject_id": world.tasks["issued"]}
        answer = api.as_("coordinator").post("/attachments", params=target, headers={"Content-Length": str(10**10)})
        assert answer.status_code == 413

    @pytest.mark.parametrize(
        ("options", "status"),
        [
            ({"json": {"file": "x"}}, 415),
            ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 415),
            ({"content": b"nonsense", "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 415),
            ({"files": {"other": ("a.pdf", PDF)}}, 422),
            ({"files": {"file": ("a.pdf", PDF), "note": (None, "x")}}, 201),
            ({}, 415),
        ],
    )
    def test_reads_one_file_of_a_form(self, api: ApiClient, world: World, options: dict[str, Any], status: int) -> None:
        target = {"subject_type": "tasks", "subject_id": world.tasks["issued"]}
        assert api.as_("coordinator").post("/attachments", params=target, **options).status_code == status

    def test_reads_no_body_of_who_may_not(self, api: ApiClient, world: World) -> None:
        def body() -> Iterator[bytes]:
            raise AssertionError("the body was read")
            yield b""

        target = {"subject_type": "tasks", "subject_id": world.tasks["outside"]}
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        for login, status in (("coordinator", 404), ("inspector", 403), ("nobody", 401)):
            refused = api.as_(login).client.build_request(
                "POST", "/api/v1/attachments", params=target, headers=headers, content=b"x"
            )
            assert api.as_(login).client.send(refused).status_code == status


class TestTrouble:
    @pytest.mark.parametrize("place", ["files", "uploads"])
    @pytest.mark.parametrize("size", [4096, 96 * 1024], ids=["at the first byte", "in the middle"])
    def test_a_full_disk_is_507_and_leaves_nothing(
        self,
        api: ApiClient,
        database: Database,
        settings: Settings,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        place: str,
        size: int,
    ) -> None:
        """A real disk that is too small; where none may be mounted, the storage finds no room."""

        class Full(storage.ObjectStorage):
            def put(self, sha256: str, path: Path) -> None:
                raise storage.trouble(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

        with disks.small(settings.data / place, size) as mounted:
            if not mounted:
                monkeypatch.setattr(storage.ObjectStorage, "put", Full.put)
            answer = upload(api, "coordinator", world.tasks["issued"])
            assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
            assert (rows(database), list((settings.data / "uploads").iterdir())) == ([], [])
            assert stored_files(settings) == []
        monkeypatch.undo()
        assert upload(api, "coordinator", world.tasks["issued"]).status_code == 201

    def test_a_place_that_cannot_be_written_is_503(
        self, api: ApiClient, database: Database, settings: Settings, world: World
    ) -> None:
        # A file where the folder should be: no rights are needed to see that it cannot be written.
        (settings.data / "uploads").write_text("x")
        answer = upload(api, "coordinator", world.tasks["issued"])
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        (settings.data / "uploads").unlink()
        (settings.data / "files").rmdir()
        (settings.data / "files").write_text("x")
        answer = upload(api, "coordinator", world.tasks["issued"])
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert rows(database) == []

    def test_lost_bytes_are_503_and_no_download_is_recorded(
        self, api: ApiClient, database: Database, settings: Settings, world: World
    ) -> None:
        made = upload(api, "coordinator", world.tasks["issued"]).json()
        for path in (settings.data / "files").rglob("*"):
            if path.is_file():
                path.unlink()
        assert api.as_("coordinator").get(f"/attachments/{made['id']}/content").status_code == 503
        with database.reading() as session:
            assert session.exec(select(Event).where(col(Event.verb) == "attachment.download")).first() is None


class TestDownload:
    def test_is_recorded_and_never_shown_in_place(self, api: ApiClient, database: Database, world: World) -> None:
        polyglot = b"%PDF-1.4\n<html><script>alert(1)</script></html>"
        made = upload(api, "coordinator", world.tasks["issued"], polyglot).json()
        answer = api.as_("handler").get(f"/attachments/{made['id']}/content")
        assert (answer.status_code, answer.content) == (200, polyglot)
        headers = answer.headers
        assert headers["Content-Disposition"].startswith("attachment; filename=\"____.pdf\"; filename*=UTF-8''%E9")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("sandbox")
        assert headers["Content-Type"] == "application/pdf"
        assert headers["Content-Length"] == str(len(polyglot))
        with database.reading() as session:
            event = session.exec(select(Event).where(col(Event.verb) == "attachment.download")).one()
        assert (event.kind, event.actor_id, event.subject_id) == (EventKind.ACCESS, world.users["handler"], made["id"])
        assert event.after == {"sha256": made["sha256"]}


class TestRemove:
    def test_keeps_the_record_and_the_bytes(
        self, api: ApiClient, database: Database, settings: Settings, world: World
    ) -> None:
        made = upload(api, "unit_head", world.tasks["issued"]).json()
        path, body = f"/attachments/{made['id']}", {"reason": "传错了"}
        assert api.as_("handler").post(f"{path}/remove", version=1, json=body).status_code == 403
        assert api.as_("unit_head").post(f"{path}/remove", version=9, json=body).status_code == 412
        assert api.as_("unit_head").post(f"{path}/remove", version=1, json=body).status_code == 204
        assert api.as_("unit_head").get(path).status_code == 404
        assert api.as_("inspector").get(f"{path}/content").content == PDF
        query = {"subject_id": world.tasks["issued"]}
        assert api.as_("handler").get("/attachments", params=query).json()["items"] == []
        removed = {**query, "removed": True}
        assert api.as_("handler").get("/attachments", params=removed).json()["items"] == []
        assert [i["id"] for i in api.as_("inspector").get("/attachments", params=removed).json()["items"]] == [
            made["id"]
        ]
        assert (len(rows(database)), len(stored_files(settings))) == (1, 1)


class TestEverybody:
    ADMINS = ("system_admin", "security_admin", "audit_admin")

    def test_may_upload_where_their_unit_takes_part(self, api: ApiClient, world: World) -> None:
        expected = dict.fromkeys(EVERYBODY, 403) | dict.fromkeys(("coordinator", "recipient"), 201)
        expected |= dict.fromkeys(("unit_head", "handler", "deputy"), 201) | {"outsider": 404, "nobody": 401}
        got = {login: upload(api, login, world.tasks["issued"]).status_code for login in EVERYBODY}
        assert got == expected

    @pytest.mark.parametrize("path", ["/attachments/{id}", "/attachments/{id}/content", "/attachments"])
    def test_reads_the_files_of_tasks_they_see(self, api: ApiClient, world: World, path: str) -> None:
        made = upload(api, "coordinator", world.tasks["issued"]).json()
        expected = dict.fromkeys(BUSINESS, 200) | {"partner": 404, "superior": 404, "outsider": 404, "nobody": 401}
        expected |= dict.fromkeys(self.ADMINS, 404)
        if path == "/attachments":
            expected |= dict.fromkeys((*self.ADMINS, "superior"), 403)
        query = {"subject_id": world.tasks["issued"]} if path == "/attachments" else {}
        got = {login: api.as_(login).get(path.format(**made), params=query).status_code for login in EVERYBODY}
        assert got == expected

    def test_may_remove_what_is_theirs_or_as_coordinator(self, api: ApiClient, world: World) -> None:
        made = upload(api, "handler", world.tasks["issued"]).json()
        expected = dict.fromkeys(EVERYBODY, 403) | {"outsider": 404, "nobody": 401}
        expected |= {"handler": 204, "recipient": 404, "coordinator": 404}
        order = [name for name in EVERYBODY if name not in ("handler", "recipient", "coordinator")]
        got = {
            login: api.as_(login)
            .post(f"/attachments/{made['id']}/remove", version=1, json={"reason": "错"})
            .status_code
            for login in (*order, "handler", "recipient", "coordinator")
        }
        assert got == expected


class TestBucket:
    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_keeps_and_gives_back_the_same_bytes(
        self, bucket: str, app: FastAPI, api: ApiClient, settings: Settings, world: World
    ) -> None:
        remote = settings.model_copy(
            update={"storage_url": "s3://duikou/files", "storage_endpoint": bucket, "storage_key_id": "k"}
        )
        app.state.storage = storage.from_settings(remote)
        for _ in range(2):
            made = upload(api, "coordinator", world.tasks["issued"]).json()
        answer = api.as_("coordinator").get(f"/attachments/{made['id']}/content")
        assert hashlib.sha256(answer.content).hexdigest() == made["sha256"]
        listed = httpx.get(f"{bucket}/duikou?list-type=2&prefix=files/").text
        assert listed.count("<Key>") == 1
        assert f"files/{made['sha256'][:2]}/" in listed

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    def test_that_is_missing_is_503(
        self, bucket: str, app: FastAPI, api: ApiClient, database: Database, settings: Settings, world: World
    ) -> None:
        remote = settings.model_copy(
            update={"storage_url": "s3://nowhere", "storage_endpoint": bucket, "storage_key_id": "k"}
        )
        app.state.storage = storage.from_settings(remote)
        assert upload(api, "coordinator", world.tasks["issued"]).status_code == 503
        assert rows(database) == []
