"""What the plan reader says no to, in which words, and that it is told by content, not by name."""

import io
import zipfile

import pytest
from docx import Document
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen import canvas

from app.catalogues import translations
from app.papers import plan_doubts, plan_refusals, plans
from app.papers.plan_refusals import PlanRefused
from app.papers.plans import source
from app.papers.plans.extract import archive
from tests.papers.plan_files import as_docx, as_pdf, saved

PLAN = "某局实施方案\n一、任务\n1. 完善站网。（监测处）\n"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 504


def refusal(data: bytes, name: str = "plan") -> str:
    with pytest.raises(PlanRefused) as caught:
        plans.read(data, name)
    assert caught.value.sentence
    return caught.value.code


def zipped(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return stream.getvalue()


def blank_pdf() -> bytes:
    stream = io.BytesIO()
    page = canvas.Canvas(stream)
    page.rect(100, 100, 200, 200)
    page.showPage()
    page.save()
    return stream.getvalue()


def locked_pdf(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(as_pdf(PLAN))))
    writer.encrypt(password, "owner", algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


class TestRefuses:
    @pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\x00" * 50])
    def test_nothing(self, data: bytes) -> None:
        assert refusal(data) == "plan_empty"

    def test_a_doc(self) -> None:
        assert refusal(OLE + "WordDocument".encode("utf-16-le"), "方案.doc") == "plan_old_word"

    def test_a_doc_that_calls_itself_docx(self) -> None:
        assert refusal(OLE + "WordDocument".encode("utf-16-le"), "方案.docx") == "plan_old_word"

    def test_a_wps(self) -> None:
        assert refusal(OLE + "WordDocument".encode("utf-16-le"), "方案.wps") == "plan_wps"

    def test_a_locked_docx(self) -> None:
        assert refusal(OLE + "EncryptedPackage".encode("utf-16-le"), "方案.docx") == "plan_encrypted"

    def test_a_locked_pdf(self) -> None:
        assert refusal(locked_pdf("secret")) == "plan_encrypted"

    def test_an_ofd(self) -> None:
        assert refusal(zipped({"OFD.xml": b"<ofd/>"}), "方案.ofd") == "plan_ofd"

    def test_a_workbook(self) -> None:
        assert refusal(zipped({"xl/workbook.xml": b"<x/>"}), "方案.xlsx") == "plan_format_unknown"

    def test_a_scan(self) -> None:
        assert refusal(blank_pdf(), "方案.pdf") == "plan_scan"

    def test_a_picture(self) -> None:
        assert refusal(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 60) == "plan_format_unknown"

    def test_an_rtf(self) -> None:
        assert refusal(b"{\\rtf1\\ansi hello}") == "plan_rtf"

    def test_a_web_page(self) -> None:
        assert refusal("<!DOCTYPE html><html><body>某方案</body></html>".encode()) == "plan_web_page"

    def test_bytes_without_text(self) -> None:
        assert refusal(bytes(range(256)) * 40, "方案.txt") == "plan_binary"

    def test_a_story(self) -> None:
        assert refusal("从前有座山，山里有座庙。\n庙里有个老和尚在讲故事。\n".encode()) == "plan_not_recognised"

    @pytest.mark.parametrize("data", [b"PK\x03\x04" + b"\x00" * 80, b"%PDF-1.7\nnothing"])
    def test_a_damaged_file(self, data: bytes) -> None:
        assert refusal(data) == "plan_damaged"

    def test_a_docx_whose_xml_is_cut(self) -> None:
        assert refusal(zipped({"word/document.xml": b"<w:document"})) == "plan_damaged"

    def test_entities_of_a_docx_are_not_expanded(self) -> None:
        bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
        assert refusal(zipped({"word/document.xml": bomb})) == "plan_damaged"

    def test_an_archive_that_swells(self) -> None:
        assert refusal(zipped({"word/document.xml": b" " * (archive.MAX_PART + 1)})) == "plan_unsafe"

    def test_an_archive_that_lies_about_its_size(self) -> None:
        data = bytearray(zipped({"word/document.xml": b" " * 2_000_000}))
        at = data.rindex(b"PK\x01\x02")
        data[at + 24 : at + 28] = (100).to_bytes(4, "little")
        assert refusal(bytes(data)) in ("plan_unsafe", "plan_damaged")

    def test_too_many_bytes(self) -> None:
        assert refusal(b"a" * (20 * 1024 * 1024 + 1)) == "plan_too_large"

    def test_too_many_lines(self) -> None:
        assert refusal(b"a\n" * (source.MAX_LINES + 1)) == "plan_too_many_lines"

    def test_one_line_of_five_megabytes(self) -> None:
        assert refusal("任务".encode() * 900_000) == "plan_too_long"

    def test_a_line_that_lost_its_breaks(self) -> None:
        assert refusal(("某局实施方案\n" + "任务" * 30_000).encode()) == "plan_line_too_long"


class TestReadsByContent:
    @pytest.mark.parametrize("name", ["plan.txt", "plan.pdf", "plan.doc", "plan", ""])
    def test_whatever_the_name(self, name: str) -> None:
        for data in (PLAN.encode(), as_docx(PLAN), as_pdf(PLAN)):
            assert [task.units for task in plans.read(data, name).tasks] == [("监测处",)]

    def test_a_pdf_with_only_an_owner_password(self) -> None:
        assert plans.read(locked_pdf(""), "plan.pdf").tasks[0].units == ("监测处",)

    def test_an_empty_docx_is_no_plan(self) -> None:
        assert refusal(saved(Document())) == "plan_not_recognised"


def kinds(parent: type[PlanRefused]) -> list[type[PlanRefused]]:
    return [parent, *(kind for child in parent.__subclasses__() for kind in kinds(child))]


class TestWords:
    def test_every_refusal_has_its_own_code(self) -> None:
        codes = [kind.code for kind in kinds(plan_refusals.PlanRefused)]
        assert len(codes) == len(set(codes))

    def test_every_sentence_is_said_in_chinese(self) -> None:
        sentences = [kind.message for kind in kinds(plan_refusals.PlanRefused)]
        for table in (plan_doubts.DOUBTS, plan_doubts.REPAIRS, plan_doubts.IGNORED):
            sentences += table.values()
        catalogue = translations("zh_CN")
        assert [text for text in sentences if catalogue.gettext(text) == text] == []
