"""The page of the seals: who sees it, what it says, and what it gives to keep."""

import io
import zipfile

from sqlmodel import col, select

from app.database import Database
from app.models import Event
from app.papers import offline_verifier
from app.rules.seals import Head
from app.services import seals
from app.services.work import KINDS
from app.settings import Settings
from tests.clients import PageClient
from tests.personas import EVERYBODY
from tests.services.test_seals import seal_all
from tests.tampering import tamper
from tests.worker.test_loop import do_all

WATCHERS = ("inspector", "leader", "receiving_leader")


def last_verb(database: Database) -> str | None:
    with database.reading() as session:
        return session.exec(select(Event.verb).order_by(col(Event.id).desc())).first()


class TestPage:
    def test_says_that_nothing_is_sealed_yet(self, pages: PageClient) -> None:
        assert "尚无封存记录" in pages.as_("audit_admin").get("/audit/seals").text

    def test_shows_the_fingerprint_to_those_who_keep_watch(
        self, pages: PageClient, database: Database, settings: Settings
    ) -> None:
        seal_all(database, settings)
        with database.reading() as session:
            fingerprint = seals.newest_head(session, settings).fingerprint
        expected = dict.fromkeys(EVERYBODY, 403) | {"nobody": 303}
        expected |= dict.fromkeys((*WATCHERS, "auditor", "audit_admin"), 200)
        answers = {login: pages.as_(login).get("/audit/seals") for login in EVERYBODY}
        assert {login: answer.status_code for login, answer in answers.items()} == expected
        assert all(fingerprint in answer.text for answer in answers.values() if answer.status_code == 200)
        assert "核验全部日志" in answers["audit_admin"].text
        assert "核验全部日志" not in answers["inspector"].text
        assert "下载导出" not in answers["auditor"].text

    def test_gives_head_and_key_as_files(self, pages: PageClient, database: Database, settings: Settings) -> None:
        seal_all(database, settings)
        head = Head.from_line(pages.as_("inspector").get("/audit/seals/head").text)
        name, public = pages.as_("inspector").get("/audit/seals/key").text.split()
        assert (head.key_id, head.public_key) == (name, public)


class TestVerify:
    def test_shows_the_result_and_names_what_is_wrong(
        self, pages: PageClient, database: Database, settings: Settings
    ) -> None:
        seal_all(database, settings)
        tamper(settings, "UPDATE events SET reason = 'x' WHERE id = 1")
        mine = pages.as_("audit_admin")
        assert mine.post("/audit/seals/verify").status_code == 303
        assert "日志正在核验" in mine.get("/audit/seals").text
        assert mine.post("/audit/seals/verify").status_code == 409
        do_all(settings, database, KINDS["events.verify"])
        html = mine.get("/audit/seals").text
        assert "日志不完整" in html
        assert "动态 1（第 1 位，封存 1）与封存时不一致。" in html
        assert last_verb(database) == "seal.verify"

    def test_everybody_gets_what_the_table_says(
        self, pages: PageClient, database: Database, settings: Settings
    ) -> None:
        for login in EVERYBODY:
            allowed = login == "audit_admin"
            expected = 303 if allowed or login == "nobody" else 403
            assert pages.as_(login).post("/audit/seals/verify").status_code == expected, login


class TestExport:
    def test_is_recorded_before_it_leaves_and_holds_together(
        self,
        pages: PageClient,
        database: Database,
        settings: Settings,
    ) -> None:
        seal_all(database, settings)
        answer = pages.as_("audit_admin").get("/audit/seals/export?since=2000-01-01")
        assert answer.headers["content-type"] == "application/zip"
        assert last_verb(database) == "seal.export"
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        check = offline_verifier.Check(archive, seals.trusted_keys(settings, database.vault), every_signature=True)
        check.run(archive.read("heads.jsonl").decode().splitlines())
        assert (check.wrong, check.events > 0) == (0, True)

    def test_everybody_gets_what_the_table_says(
        self, pages: PageClient, database: Database, settings: Settings
    ) -> None:
        seal_all(database, settings)
        expected = dict.fromkeys(EVERYBODY, 403) | {"nobody": 303}
        expected |= dict.fromkeys((*WATCHERS, "audit_admin"), 200)
        path = "/audit/seals/export"
        assert {login: pages.as_(login).get(path).status_code for login in EVERYBODY} == expected
