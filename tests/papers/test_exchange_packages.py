"""Exchange packages as bytes: the same content gives the same file, and a damaged one is refused in words."""

import hashlib
import io
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.papers.packages import (
    FileChanged,
    Package,
    PackageDamaged,
    PackageFromOtherRelease,
    PackagePartDamaged,
    PackageRefused,
    PackageSignatureWrong,
    PackageUnsafe,
    PackageUntrusted,
    PackageWriter,
    canonical,
    digest,
)
from app.vault import Vault

HERE, THERE = "a" * 32, "b" * 32
VAULT = Vault("a secret that only this test has, and nobody else")
FILE = "验收报告".encode()

ROWS = [{"id": [HERE, str(number)], "text": f"第{number}项任务" * 20} for number in range(1, 40)]
LIMIT = 10_000_000


def head(**changed: object) -> dict[str, object]:
    """A manifest without its parts."""
    return {
        "installation": HERE,
        "key": VAULT.exchange_key,
        "number": 1,
        "made_at": "2026-11-27T02:00:00Z",
        "release": "0.1.0",
        "schema_head": "0",
        "programme": {"id": [HERE, "1"], "title": "工作方案"},
        "base": [],
        **changed,
    }


def written(sign: Callable[[bytes], bytes] = VAULT.sign_package, **changed: object) -> bytes:
    """A whole package with one part and one file."""
    file = io.BytesIO()
    writer = PackageWriter(file)
    writer.part("tasks", ROWS)
    writer.file(hashlib.sha256(FILE).hexdigest(), [FILE[:3], FILE[3:]])
    writer.finish(head(**changed), sign)
    return file.getvalue()


def opened(data: bytes, *, trusted: bool = True, limit: int = LIMIT) -> Package:
    """The package of some bytes."""
    return Package(io.BytesIO(data), lambda place, key: trusted and (place, key) == (HERE, VAULT.exchange_key), limit)


def read_all(package: Package) -> list[bytes]:
    """Everything in it."""
    lines = [line for part in package.parts for line in package.lines(part)]
    return lines + [chunk for file in package.manifest.files for chunk in package.chunks(file.sha256)]


def rebuilt(data: bytes, changes: dict[str, bytes | None], *extra: tuple[str, bytes]) -> bytes:
    """The zip with some entries changed, left out (None) or added."""
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            content = changes.get(name, source.read(name))
            if content is not None:
                out.writestr(name, content)
        for name, content in extra:
            out.writestr(name, content)
    return target.getvalue()


PACKAGE = written()


class TestWriting:
    def test_gives_the_same_bytes_for_the_same_content(self) -> None:
        assert written() == PACKAGE

    def test_is_read_again_line_by_line(self) -> None:
        package = opened(PACKAGE)
        assert [*package.lines("tasks")] == [canonical(row) for row in ROWS]
        assert b"".join(package.chunks(package.manifest.files[0].sha256)) == FILE

    def test_refuses_a_stored_file_that_is_not_its_digest(self) -> None:
        with pytest.raises(FileChanged):
            PackageWriter(io.BytesIO()).file("0" * 64, [b"x"])

    def test_digests_do_not_depend_on_the_order_of_keys(self) -> None:
        assert digest({"b": 1, "a": [True, None, "对口"]}) == digest({"a": [True, None, "对口"], "b": 1})


class TestTrust:
    def test_refuses_a_key_that_nobody_trusts(self) -> None:
        with pytest.raises(PackageUntrusted):
            opened(PACKAGE, trusted=False)

    def test_refuses_a_trusted_key_under_another_installation(self) -> None:
        with pytest.raises(PackageUntrusted):
            opened(written(installation=THERE))

    def test_refuses_a_signature_of_somebody_else(self) -> None:
        with pytest.raises(PackageSignatureWrong):
            opened(written(sign=Vault("another secret, of another installation").sign_package))

    def test_refuses_a_manifest_that_was_changed_after_it_was_signed(self) -> None:
        manifest = zipfile.ZipFile(io.BytesIO(PACKAGE)).read("manifest.json")
        forged = manifest.replace(b'"number":1', b'"number":2')
        with pytest.raises(PackageSignatureWrong):
            opened(rebuilt(PACKAGE, {"manifest.json": forged}))

    def test_refuses_a_format_of_a_later_release(self) -> None:
        with pytest.raises(PackageFromOtherRelease):
            opened(written(seals=[]))


class TestBounds:
    @pytest.mark.parametrize("name", ["../../etc/passwd", "/tmp/x", "files/../x", "files/" + "0" * 64, "tasks.jsonl/"])
    def test_refuses_an_entry_that_the_manifest_does_not_name(self, name: str) -> None:
        with pytest.raises(PackageUnsafe):
            opened(rebuilt(PACKAGE, {}, (name, b"x")))

    def test_refuses_two_entries_of_one_name(self) -> None:
        with pytest.warns(UserWarning, match="Duplicate name"):
            doubled = rebuilt(PACKAGE, {}, ("tasks.jsonl", b"{}\n"))
        with pytest.raises(PackageUnsafe):
            opened(doubled)

    def test_refuses_a_file_above_the_limit_before_reading_it(self) -> None:
        with pytest.raises(PackageUnsafe):
            opened(PACKAGE, limit=len(PACKAGE) - 1)

    def test_refuses_a_bomb_by_what_it_declares(self) -> None:
        file = io.BytesIO()
        writer = PackageWriter(file)
        writer.part("tasks", ("0" * 1_000_000 for _ in range(80)))
        writer.finish(head(), VAULT.sign_package)
        assert len(file.getvalue()) < 200_000
        with pytest.raises(PackageUnsafe):
            opened(file.getvalue())

    def test_refuses_a_manifest_that_is_endless(self) -> None:
        with pytest.raises(PackageUnsafe):
            opened(rebuilt(PACKAGE, {"manifest.json": b" " * (33 * 1024 * 1024)}))

    def test_refuses_a_part_of_another_size_at_once_and_of_other_bytes_at_its_end(self) -> None:
        whole = zipfile.ZipFile(io.BytesIO(PACKAGE)).read("tasks.jsonl")
        with pytest.raises(PackagePartDamaged):
            opened(rebuilt(PACKAGE, {"tasks.jsonl": whole[:-1]}))
        package = opened(rebuilt(PACKAGE, {"tasks.jsonl": whole.replace("第1项".encode(), "第9项".encode())}))
        with pytest.raises(PackagePartDamaged):
            read_all(package)

    def test_refuses_a_file_of_other_bytes(self) -> None:
        name = f"files/{opened(PACKAGE).manifest.files[0].sha256}"
        package = opened(rebuilt(PACKAGE, {name: FILE[::-1]}))
        with pytest.raises(PackagePartDamaged):
            read_all(package)

    @pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 5000], ids=len)
    def test_refuses_what_is_no_package(self, data: bytes) -> None:
        with pytest.raises(PackageDamaged):
            opened(data)

    def test_refuses_a_package_without_its_signature(self) -> None:
        with pytest.raises(PackageDamaged):
            opened(rebuilt(PACKAGE, {"signature": None}))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_any_damage_is_a_refusal_or_leaves_the_content_whole(dice: random.Random) -> None:
    """A byte changed, bytes cut out, doubled or put in: never a trace, never other content."""
    data = bytearray(PACKAGE)
    for _ in range(dice.choice([1, 1, 1, 4])):
        at = dice.randrange(len(data))
        length = dice.choice([1, 1, 2, 40, 400])
        match dice.randrange(4):
            case 0:
                data[at : at + length] = dice.randbytes(len(data[at : at + length]))
            case 1:
                del data[at : at + length]
            case 2:
                data[at:at] = dice.randbytes(length)
            case _:
                data[at:at] = data[at : at + length]
        if not data:
            break
    with suppress(PackageRefused):
        assert read_all(opened(bytes(data))) == read_all(opened(PACKAGE))
