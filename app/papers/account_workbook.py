"""The workbook of new people: what a template looks like, and reading one that came back, safely.

A workbook is a zip of XML, and both can be made to explode: entries that inflate to gigabytes, a cell
in the last column of the last row, one long text that every cell repeats. All of that is refused on
declared sizes and on the raw XML, before the reader, which builds a whole grid in memory, sees it.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import xlsxwriter
from python_calamine import CalamineWorkbook

from app.errors import DomainError, Kind
from app.messages import N_

HEADINGS: Final = (
    ("login", "登录名"),
    ("name", "姓名"),
    ("unit", "单位"),
    ("role", "角色"),
    ("phone", "电话"),
    ("email", "邮箱"),
    ("expires_on", "有效期"),
)
MAX_ROWS: Final = 2000
MAX_BYTES: Final = 4 * 1024 * 1024
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAX_INFLATED = 24 * 1024 * 1024
_MAX_ENTRIES = 500
_MAX_COLUMN = 64
_MAX_ROW = 20_000
_MAX_CELLS = 40_000
_MAX_TEXT = 4000
_MAX_VALUE = 300
_PICTURES = ("xl/theme/", "xl/drawings/", "xl/charts/", "xl/diagrams/")
_REFERENCE = re.compile(rb"""\b(?:r|ref)\s*=\s*["']\$?([A-Za-z]{1,8})\$?(\d{1,12})["']""")
_ROW = re.compile(rb"""\br\s*=\s*["'](\d{1,12})["']""")
_CELL = re.compile(rb"<(?:\w{1,20}:)?c[\s/>]")
_TEXT = re.compile(rb"<(?:\w{1,20}:)?si[\s/>]")
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([^"']{1,40})["']""")


class WorkbookUnreadable(DomainError):
    """Not an .xlsx, or a broken or locked one."""

    kind = Kind.UNSUPPORTED
    code = "workbook_unreadable"
    message = N_("This is not a workbook that can be read. Please save it as .xlsx without a password.")


class WorkbookTooLarge(DomainError):
    """More than a list of people can need."""

    kind = Kind.TOO_LARGE
    code = "workbook_too_large"
    message = N_("The workbook is too large. Please keep to one sheet with at most %(rows)s people.")


class WorkbookEmpty(DomainError):
    """Headings and nothing below."""

    code = "workbook_empty"
    message = N_("There is nobody in the workbook.")


class WorkbookHeadings(DomainError):
    """Not our columns."""

    code = "workbook_headings"
    message = N_("The first row has to name these columns: %(headings)s.")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One row as text: its number in the workbook, and the value of each of our columns."""

    number: int
    values: dict[str, str]


def read(content: bytes) -> list[AccountRow]:
    """The rows below the headings that are not empty.

    Raises WorkbookUnreadable, WorkbookTooLarge, WorkbookEmpty or WorkbookHeadings, whatever the bytes.
    """
    if len(content) > MAX_BYTES:
        raise WorkbookTooLarge(field="file", rows=MAX_ROWS)
    grid = _grid(_defused(content))
    if not grid:
        raise WorkbookEmpty(field="file")
    columns = _columns(grid[0])
    rows = []
    for number, cells in enumerate(grid[1:], start=2):
        values = {name: _text(cells[place]) if place < len(cells) else "" for name, place in columns.items()}
        if any(values.values()):
            rows.append(AccountRow(number, values))
    if not rows:
        raise WorkbookEmpty(field="file")
    if len(rows) > MAX_ROWS:
        raise WorkbookTooLarge(field="file", rows=MAX_ROWS)
    return rows


def template(roles: Sequence[str]) -> bytes:
    """An empty workbook with our headings; the role column offers ``roles``."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(out, options)
    sheet = book.add_worksheet("账号")
    bold, plain = (
        book.add_format({"bold": True, "bg_color": "#E8EDF4", "border": 1}),
        book.add_format({"num_format": "@"}),
    )
    for place, ((_, heading), width) in enumerate(zip(HEADINGS, (16, 14, 28, 16, 18, 28, 14), strict=True)):
        sheet.set_column(place, place, width, plain)
        sheet.write_string(0, place, heading, bold)
    place = [name for name, _ in HEADINGS].index("role")
    sheet.data_validation(1, place, MAX_ROWS, place, {"validate": "list", "source": list(roles), "ignore_blank": True})
    sheet.freeze_panes(1, 1)
    book.close()
    return out.getvalue()


def _defused(content: bytes) -> bytes:
    """The same workbook, stored without compression from entries whose size and XML were checked."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed, zipfile.ZipFile(out, "w") as plain:
            entries = packed.infolist()
            if len(entries) > _MAX_ENTRIES or sum(entry.file_size for entry in entries) > _MAX_INFLATED:
                raise WorkbookTooLarge(field="file", rows=MAX_ROWS)
            names = [entry.filename.casefold() for entry in entries]
            if "xl/workbook.xml" not in names or len(set(names)) != len(names):
                raise WorkbookUnreadable(field="file")
            for entry in entries:
                # A sheet may stand under any name, so every part is checked or left out.
                name = entry.filename.casefold()
                if name.endswith((".xml", ".rels")) and not name.startswith(_PICTURES):
                    # Reading stops at the declared size, whatever the compressed bytes would still give.
                    part = packed.read(entry)
                    _check_part(part)
                    plain.writestr(entry.filename, part)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise WorkbookUnreadable(field="file") from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise WorkbookUnreadable(field="file") from error
    return out.getvalue()


def _check_part(part: bytes) -> None:
    named = _ENCODING.match(part.removeprefix(b"\xef\xbb\xbf"))
    if b"\x00" in part or b"<!DOCTYPE" in part or (named and named[1].lower() not in (b"utf-8", b"us-ascii", b"ascii")):
        raise WorkbookUnreadable(field="file")
    references = set(_REFERENCE.findall(part))
    columns = [_column(letters) for letters, _ in references]
    rows = [int(row) for _, row in references] + [int(row) for row in set(_ROW.findall(part))]
    texts = _TEXT.split(part)[1:]
    if (
        max(columns, default=0) > _MAX_COLUMN
        or max(rows, default=0) > _MAX_ROW
        or len(_CELL.findall(part)) > _MAX_CELLS
        or max(map(len, texts), default=0) > _MAX_TEXT
    ):
        raise WorkbookTooLarge(field="file", rows=MAX_ROWS)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _grid(content: bytes) -> list[list[Any]]:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except BaseException as error:
        # A panic of the reader comes as a BaseException of its own; it is the file's fault as well.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise WorkbookUnreadable(field="file") from error
        raise


def _columns(first: list[Any]) -> dict[str, int]:
    places = {_text(cell).replace(" ", ""): place for place, cell in reversed(list(enumerate(first)))}
    if not all(heading in places for _, heading in HEADINGS[:3]):
        raise WorkbookHeadings(field="file", headings="、".join(heading for _, heading in HEADINGS))
    return {name: places[heading] for name, heading in HEADINGS if heading in places}


def _text(cell: Any) -> str:
    """A cell as a person sees it: a date in ISO, a whole number without its decimal point."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()[:_MAX_VALUE]
