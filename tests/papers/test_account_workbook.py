"""Whatever bytes come, reading a workbook gives rows or a refusal, and never takes the process down."""

import io
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app.papers import account_workbook as book

HEADINGS = [heading for _, heading in book.HEADINGS]


def workbook(rows: Sequence[Sequence[object]], headings: Sequence[str] = HEADINGS) -> bytes:
    """A workbook as Excel writes it."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = made.add_worksheet()
    day = made.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate([headings, *rows]):
        for place, value in enumerate(row):
            if isinstance(value, date):
                sheet.write_datetime(number, place, value, day)
            else:
                sheet.write(number, place, value)
    made.close()
    return out.getvalue()


def altered(content: bytes, name: str, change: bytes, into: bytes) -> bytes:
    """The workbook with one part changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(entry.filename, part.replace(change, into) if entry.filename == name else part)
    return out.getvalue()


ONE = ["limin", "李敏", "规划财务处", "承办人", 13800000000, "limin@example.cn", date(2027, 6, 30)]
SHEET = "xl/worksheets/sheet1.xml"


class TestRead:
    def test_gives_text_as_a_person_sees_it(self) -> None:
        (row,) = book.read(workbook([[], ONE]))
        assert row.number == 3
        assert row.values == {
            "login": "limin",
            "name": "李敏",
            "unit": "规划财务处",
            "role": "承办人",
            "phone": "13800000000",
            "email": "limin@example.cn",
            "expires_on": "2027-06-30",
        }

    def test_finds_columns_in_any_order_and_passes_over_others(self) -> None:
        content = workbook([["规财处", "x", "李敏", "limin"]], ["单位", "备注", "姓名", "登录名"])
        assert book.read(content)[0].values == {"login": "limin", "name": "李敏", "unit": "规财处"}

    def test_reads_its_own_template_as_empty(self) -> None:
        with pytest.raises(book.WorkbookEmpty):
            book.read(book.template(["承办人"]))

    def test_names_the_headings_that_it_wants(self) -> None:
        with pytest.raises(book.WorkbookHeadings, match="登录名、姓名"):
            book.read(workbook([["a"]], ["用户"]))

    def test_refuses_more_people_than_it_takes(self) -> None:
        rows = [[f"u{number}", "某", "处"] for number in range(book.MAX_ROWS + 1)]
        with pytest.raises(book.WorkbookTooLarge):
            book.read(workbook(rows))

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + bytes(600), b"name,unit\nx,y\n"])
    def test_refuses_other_files(self, content: bytes) -> None:
        with pytest.raises(book.WorkbookUnreadable):
            book.read(content)

    def test_refuses_what_inflates_to_too_much(self) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("xl/workbook.xml", bytes(60 * 1024 * 1024))
        assert len(out.getvalue()) < 100_000
        with pytest.raises(book.WorkbookTooLarge):
            book.read(out.getvalue())

    @pytest.mark.parametrize("cell", [b'r="XFD1"', b'r="A1048576"', b"r='ZZZZ9'", b'r="A99999999999"'])
    def test_refuses_a_cell_far_out_before_a_grid_is_built(self, cell: bytes) -> None:
        with pytest.raises(book.WorkbookTooLarge):
            book.read(altered(workbook([ONE]), SHEET, b'r="A2"', cell))

    def test_refuses_one_long_text_that_every_cell_repeats(self) -> None:
        with pytest.raises(book.WorkbookTooLarge):
            book.read(altered(workbook([ONE]), "xl/sharedStrings.xml", b"limin<", b"x" * 30_000 + b"<"))

    def test_checks_a_sheet_under_any_name(self) -> None:
        far = altered(workbook([ONE]), SHEET, b'r="A2"', b'r="XFD1048576"')
        moved = altered(far, "xl/_rels/workbook.xml.rels", b"worksheets/sheet1.xml", b"other/place.XML")
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(moved)) as old, zipfile.ZipFile(out, "w") as new:
            for entry in old.infolist():
                new.writestr("xl/other/place.XML" if entry.filename == SHEET else entry.filename, old.read(entry))
        with pytest.raises(book.WorkbookTooLarge):
            book.read(out.getvalue())

    def test_refuses_a_text_in_many_pieces(self) -> None:
        runs = b"<r><t>abc</t></r>" * 1000
        with pytest.raises(book.WorkbookTooLarge):
            book.read(altered(workbook([ONE]), "xl/sharedStrings.xml", b"<t>limin</t>", runs))

    @pytest.mark.parametrize(
        ("change", "into"),
        [
            (b"UTF-8", b"UTF-16"),
            (b"<sheetData>", b"<!DOCTYPE x><sheetData>"),
            (b"<row", b"<\x00"),
        ],
    )
    def test_refuses_xml_that_is_not_plain(self, change: bytes, into: bytes) -> None:
        with pytest.raises((book.WorkbookUnreadable, book.WorkbookEmpty)):
            book.read(altered(workbook([ONE]), SHEET, change, into))

    @settings(max_examples=150, deadline=None)
    @given(place=st.integers(0, 6000), junk=st.binary(min_size=1, max_size=40))
    def test_survives_damage_anywhere(self, place: int, junk: bytes) -> None:
        content = workbook([ONE])
        place %= len(content)
        with suppress(book.WorkbookUnreadable, book.WorkbookEmpty, book.WorkbookHeadings, book.WorkbookTooLarge):
            book.read(content[:place] + junk + content[place + len(junk) :])


class TestTemplate:
    def test_offers_the_roles_and_writes_no_formula(self) -> None:
        with zipfile.ZipFile(io.BytesIO(book.template(["=1+1", "承办人"]))) as made:
            sheet = made.read(SHEET).decode()
        assert "承办人" in sheet
        assert "<f>" not in sheet
