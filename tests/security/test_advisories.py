"""A known advisory fails the check, an unaffected version passes, and what was not asked is said so."""

import json
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from security import advisories, check
from security.advisories import Component, UnreadableAdvisories
from security.parts import ROOT, vendored

TODAY = date(2026, 11, 27)
NOT_ASKED = check.Asked(0, ())
LOCKED = sorted({component for lock in check.LOCKS for component in advisories.locked(lock)})
STARLETTE = next(component for component in LOCKED if component.name == "starlette")


def record(package: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    part = {"package": {"ecosystem": "PyPI", "name": package}, "ranges": [{"type": "ECOSYSTEM", "events": [*events]}]}
    return {"id": "GHSA-test", "modified": "2026-11-01T00:00:00Z", "summary": "planted", "affected": [part], **more}


def kept(folder: Path, *records: dict[str, Any], **more: Any) -> Path:
    path = folder / "advisories.json"
    path.write_text(json.dumps({"collected": "2026-11-20", "advisories": [*records], **more}))
    return path


class TestRanges:
    @pytest.mark.parametrize(
        ("events", "version", "hit"),
        [
            ([{"introduced": "0"}, {"fixed": "1.2"}], "1.1.9", True),
            ([{"introduced": "0"}, {"fixed": "1.2"}], "1.2", False),
            ([{"introduced": "0"}, {"fixed": "1.10"}], "1.9", True),
            ([{"introduced": "1.0"}, {"fixed": "1.2"}], "0.9", False),
            ([{"introduced": "1.0"}, {"last_affected": "1.2"}], "1.2", True),
            ([{"introduced": "1.0"}, {"last_affected": "1.2"}], "1.2.1", False),
            ([{"introduced": "0"}], "99", True),
            ([{"fixed": "1.2"}, {"introduced": "0"}, {"introduced": "2.0"}, {"fixed": "2.3"}], "2.1", True),
            ([{"fixed": "1.2"}, {"introduced": "0"}, {"introduced": "2.0"}, {"fixed": "2.3"}], "1.5", False),
            ([{"introduced": "0"}, {"fixed": "1.0rc1"}], "1.0b2", True),
            ([{"introduced": "0"}, {"fixed": "what?"}], "1.0", True),
        ],
    )
    def test_are_those_of_osv(self, tmp_path: Path, events: list[dict[str, str]], version: str, hit: bool) -> None:
        collection = advisories.read(kept(tmp_path, record("Example_Package", *events)))
        assert bool(check.compare([Component("PyPI", "example-package", version)], collection, TODAY)) is hit

    def test_of_another_package_or_ecosystem_say_nothing(self, tmp_path: Path) -> None:
        collection = advisories.read(kept(tmp_path, record("starlette", {"introduced": "0"})))
        others = [Component("PyPI", "starlette-x", "1"), Component("npm", "starlette", "1")]
        assert check.compare(others, collection, TODAY) == []

    def test_give_way_to_a_list_of_versions(self, tmp_path: Path) -> None:
        listed = record("starlette")
        listed["affected"][0] = {"package": {"ecosystem": "PyPI", "name": "starlette"}, "versions": ["1.0", "1.1"]}
        collection = advisories.read(kept(tmp_path, listed))
        found = check.compare([Component("PyPI", "starlette", v) for v in ("1.0", "1.1", "1.2")], collection, TODAY)
        assert [one.component.version for one in found] == ["1.0", "1.1"]

    def test_of_a_record_that_was_withdrawn_are_gone(self, tmp_path: Path) -> None:
        withdrawn = record("starlette", {"introduced": "0"}, withdrawn="2026-11-02T00:00:00Z")
        assert advisories.read(kept(tmp_path, withdrawn)).advisories == ()


class TestCheck:
    def test_fails_for_an_advisory_that_is_planted_for_a_locked_version(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for fixed, code in ((f"{Version(STARLETTE.version).major + 1}", 1), (STARLETTE.version, 0)):
            path = kept(tmp_path, record("starlette", {"introduced": "0"}, {"fixed": fixed}))
            assert check.report(LOCKED, [advisories.read(path)], NOT_ASKED, TODAY) == code
            assert (f"AFFECTED  starlette {STARLETTE.version}: GHSA-test" in capsys.readouterr().out) is (code == 1)

    def test_never_says_that_it_checked_what_it_did_not(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = kept(tmp_path, record("starlette", {"introduced": "0"}, {"fixed": "0.1"}))
        check.report(LOCKED, [advisories.read(path)], NOT_ASKED, TODAY)
        said = capsys.readouterr().out
        assert f"pip-audit: {len(LOCKED)} of {len(LOCKED)} packages were NOT checked" in said
        assert "1 advisories, which speak of 1 of the components" in said
        assert "of 2026-11-20 (7 days old)" in said

    def test_says_when_a_list_is_old(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        collection = advisories.read(kept(tmp_path, record("starlette", {"introduced": "0"}, {"fixed": "0.1"})))
        check.report(LOCKED, [collection], NOT_ASKED, date(2027, 2, 1))
        assert "older than 60 days" in capsys.readouterr().out

    def test_bears_what_is_accepted_until_its_last_day(self, tmp_path: Path) -> None:
        accepted = [{"id": "GHSA-test", "package": "starlette", "reason": "not reached", "until": "2026-12-31"}]
        path = kept(tmp_path, record("starlette", {"introduced": "0"}), accepted=accepted)
        collection = advisories.read(path)
        assert check.compare(LOCKED, collection, date(2026, 12, 31)) == []
        assert len(check.compare(LOCKED, collection, date(2027, 1, 1))) == 1

    @pytest.mark.parametrize("form", ["record", "folder", "zip"])
    def test_reads_what_osv_exports(self, tmp_path: Path, form: str) -> None:
        body = json.dumps(record("starlette", {"introduced": "0"}))
        (tmp_path / "all").mkdir()
        path = tmp_path / "all" / "GHSA-test.json"
        path.write_text(body)
        if form == "zip":
            with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
                archive.writestr("GHSA-test.json", body)
        given = {"record": path, "folder": tmp_path / "all", "zip": tmp_path / "all.zip"}[form]
        collection = advisories.read(given)
        assert collection.collected_on == date(2026, 11, 1)
        assert [one.component.name for one in check.compare(LOCKED, collection, TODAY)] == ["starlette"]

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"advisories": [{}], "collected": "2026-11-01"}', "no JSON"])
    def test_does_not_take_nonsense_for_silence(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "nonsense.json"
        path.write_text(text)
        with pytest.raises(UnreadableAdvisories):
            advisories.read(path)
        (tmp_path / "empty").mkdir()
        with pytest.raises(UnreadableAdvisories):
            advisories.read(tmp_path / "empty")


class TestPipAudit:
    """What it prints is taken apart: its own exit code is 0 also where it could ask about nothing."""

    def answer(self, tmp_path: Path, body: str) -> check.Asked:
        script = tmp_path / "auditor.py"
        script.write_text(f"print({body!r})")
        return check.ask([Component("PyPI", "a", "1"), Component("PyPI", "b", "2")], [sys.executable, str(script)])

    def test_counts_what_was_skipped_as_not_asked(self, tmp_path: Path) -> None:
        body = {"dependencies": [{"name": "a", "skip_reason": "not found"}, {"name": "b", "skip_reason": "not found"}]}
        assert self.answer(tmp_path, json.dumps(body)) == check.Asked(0, ())

    def test_takes_its_findings(self, tmp_path: Path) -> None:
        found = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "description": "bad"}]}
        asked = self.answer(tmp_path, json.dumps({"dependencies": [found, {"name": "b", "skip_reason": "x"}]}))
        assert (asked.asked, asked.findings[0].id) == (1, "PYSEC-1")
        assert check.report([Component("PyPI", "a", "1")], [], asked, TODAY) == 1

    def test_is_asked_about_each_of_two_versions(self, tmp_path: Path) -> None:
        script = tmp_path / "auditor.py"
        script.write_text(
            "import json, sys\n"
            "lines = open(sys.argv[sys.argv.index('-r') + 1]).read().split()\n"
            "pairs = [line.split('==') for line in lines]\n"
            "assert len({name for name, _ in pairs}) == len(pairs)\n"
            "print(json.dumps({'dependencies': [{'name': n, 'version': v, 'vulns': []} for n, v in pairs]}))\n"
        )
        two = [Component("PyPI", "a", "1"), Component("PyPI", "a", "2"), Component("PyPI", "b", "1")]
        assert check.ask(two, [sys.executable, str(script)]).asked == 3

    def test_that_breaks_has_asked_nothing(self, tmp_path: Path) -> None:
        asked = self.answer(tmp_path, "Traceback")
        assert (asked.asked, asked.trouble) == (0, "no answer that can be read")


class TestKept:
    def test_names_a_correction_for_each_and_affects_nothing(self) -> None:
        collection = advisories.read(check.KEPT)
        assert check.compare(LOCKED, collection, TODAY) == []
        names = {(one.ecosystem, one.name) for one in LOCKED}
        for advisory in collection.advisories:
            assert advisory.packages <= names, f"{advisory.id} speaks of what is not locked any more"
            assert advisory.summary

    def test_knows_every_vendored_file_by_its_package(self) -> None:
        assert [part.component.name for part in vendored()] == ["htmx.org"]


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The bill of materials, made once."""
    path = tmp_path_factory.mktemp("bill") / "sbom.json"
    subprocess.run([sys.executable, "-m", "security.bill", str(path)], cwd=ROOT, check=True, capture_output=True)
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


class TestBill:
    def test_names_everything_that_the_product_runs_with(self, bill: dict[str, Any]) -> None:
        named = {(component["name"].lower(), component["version"]) for component in bill["components"]}
        wanted = {(one.name, one.version) for one in advisories.locked(check.LOCKS[0])}
        wanted |= {(part.component.name, part.component.version) for part in vendored()}
        assert wanted <= named
        assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "duikou")
        assert all(component["purl"].startswith(("pkg:pypi/", "pkg:npm/")) for component in bill["components"])

    def test_holds_the_digests_of_the_lock_and_no_address(self, bill: dict[str, Any]) -> None:
        lock = check.LOCKS[0].read_text(encoding="utf-8")
        for component in bill["components"]:
            if component["purl"].startswith("pkg:pypi/"):
                values = [entry["value"] for entry in component["properties"]]
                assert values, component["name"]
                assert all(value in lock for value in values)
        assert "/simple/" not in json.dumps(bill)
