"""What a file is is told from its bytes, and its name has to agree."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DomainError
from app.rules import content

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def package(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return made.getvalue()


def locked() -> bytes:
    raw = bytearray(package("[Content_Types].xml", "word/document.xml"))
    place = raw.find(b"PK\x01\x02")
    raw[place + 8] |= 1
    return bytes(raw)


ACCEPTED = {
    "pdf": (b"%PDF-1.7\n...", "application/pdf"),
    "pdf with a page in it": (b"%PDF-1.4\n<html><script>alert(1)</script></html>", "application/pdf"),
    "docx": (package("[Content_Types].xml", "word/document.xml"), content.DOCX.media_type),
    "xlsx": (package("[Content_Types].xml", "xl/workbook.xml"), content.XLSX.media_type),
    "pptx": (package("[Content_Types].xml", "ppt/presentation.xml"), content.PPTX.media_type),
    "ofd": (package("OFD.xml", "Doc_0/Document.xml"), "application/ofd"),
    "doc": (OLE + bytes(600) + "WordDocument".encode("utf-16-le"), "application/msword"),
    "xls": (OLE + bytes(600) + "Workbook".encode("utf-16-le"), "application/vnd.ms-excel"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(9), "image/png"),
    "jpg": (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
    "gif": (b"GIF89a" + bytes(9), "image/gif"),
    "webp": (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    "tiff": (b"II*\x00" + bytes(9), "image/tiff"),
    "text": ("验收情况：合格。\r\n".encode(), "text/plain"),
    "text with a mark": ("\ufeff验收".encode(), "text/plain"),
    "text of an older system": ("验收情况：合格。".encode("gb18030"), "text/plain"),
    "text in two bytes": ("验收".encode("utf-16"), "text/plain"),
}
REFUSED = {
    "nothing": (b"", "file_empty"),
    "a page": (b"<!DOCTYPE html><html>", "file_kind_refused"),
    "a page after blanks": (b"\n\n  <HTML>", "file_kind_refused"),
    "a page after a remark": (b"<!-- x -->\n<script>alert(1)</script>", "file_kind_refused"),
    "a page after a mark": ("\ufeff<html>".encode(), "file_kind_refused"),
    "a page in two bytes": ("<html>".encode("utf-16"), "file_kind_refused"),
    "a drawing with scripts": (b'<svg xmlns="http://www.w3.org/2000/svg">', "file_kind_refused"),
    "xml": (b'<?xml version="1.0"?><svg/>', "file_kind_refused"),
    "a program": (b"MZ\x90\x00" + bytes(60), "file_kind_refused"),
    "another program": (b"\x7fELF" + bytes(60), "file_kind_refused"),
    "an archive": (package("a.txt"), "file_kind_refused"),
    "an archive of java": (package("META-INF/MANIFEST.MF"), "file_kind_refused"),
    "a page before a document": (b"<html>%PDF-1.4", "file_kind_refused"),
    "half an archive": (package("[Content_Types].xml", "word/document.xml")[:60], "file_kind_refused"),
    "an installer": (OLE + bytes(600), "file_kind_refused"),
    "macros": (
        package("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
        "file_with_macros",
    ),
    "a locked document": (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "file_locked"),
    "a locked entry": (locked(), "file_locked"),
    "a directory that fills the memory": (
        b"PK\x03\x04" + bytes(50) + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 0x7FFFFFFF, 0, 0),
        "file_kind_refused",
    ),
}


class TestRecognise:
    @pytest.mark.parametrize("what", sorted(ACCEPTED))
    def test_tells(self, what: str) -> None:
        raw, media_type = ACCEPTED[what]
        assert content.recognise(io.BytesIO(raw)).media_type == media_type

    @pytest.mark.parametrize("what", sorted(REFUSED))
    def test_refuses(self, what: str) -> None:
        raw, code = REFUSED[what]
        with pytest.raises(DomainError) as refusal:
            content.recognise(io.BytesIO(raw))
        assert refusal.value.code == code

    @given(st.binary(max_size=3000))
    def test_never_fails_on_any_bytes(self, raw: bytes) -> None:
        for start in (b"", b"PK\x03\x04", OLE, b"\xff\xfe"):
            try:
                content.recognise(io.BytesIO(start + raw))
            except (content.FileEmpty, content.FileKindRefused, content.FileLocked, content.FileWithMacros):
                continue

    @given(st.text(alphabet="验收合格abc 123，。\n", min_size=1, max_size=200), st.sampled_from(["utf-8", "gb18030"]))
    def test_takes_text_in_chinese_encodings(self, text: str, encoding: str) -> None:
        assert content.recognise(io.BytesIO(text.encode(encoding))) is content.TEXT


class TestCleanName:
    @pytest.mark.parametrize(
        ("given_name", "kept"),
        [
            ("验收报告.pdf", "验收报告.pdf"),
            ("验收报告.PDF", "验收报告.pdf"),
            ("C:\\tmp\\验收.pdf", "验收.pdf"),
            ("../../etc/passwd.pdf", "passwd.pdf"),
            ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie_ x=1.pdf"),
            ("报告\u202efdp.pdf", "报告fdp.pdf"),
            ("扫描件", "扫描件.pdf"),
            ("2023.12.31验收", "2023.12.31验收.pdf"),
            ("v1.2", "v1.2.pdf"),
            (".pdf", "file.pdf"),
            ("", "file.pdf"),
            ("...", "file.pdf"),
            ("长" * 300 + ".pdf", "长" * 191 + ".pdf"),
        ],
    )
    def test_keeps_what_is_a_name(self, given_name: str, kept: str) -> None:
        assert content.clean_name(given_name, content.PDF) == kept

    @pytest.mark.parametrize("name", ["报告.pdf.exe", "报告.html", "报告.docx", "run.js"])
    def test_refuses_an_ending_that_says_something_else(self, name: str) -> None:
        with pytest.raises(content.FileNameMisleads):
            content.clean_name(name, content.PDF)

    @given(st.text(max_size=400))
    def test_makes_a_name_that_a_header_and_a_disk_can_carry(self, name: str) -> None:
        try:
            cleaned = content.clean_name(name, content.PDF)
        except content.FileNameMisleads:
            return
        assert cleaned.endswith(".pdf")
        assert len(cleaned) <= 200
        assert not set(cleaned) & set('/\\:"<>|?*\r\n\x00')
