"""Files for the tests of the plan reader: one text as .docx, as .pdf, and real plans where they stand."""

import io
import os
import unicodedata
from pathlib import Path

import pytest
from docx import Document
from docx.document import Document as DocumentObject
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

PLANS = Path(__file__).resolve().parents[3] / "shared" / "plans"
_SIZE = 16
_COLUMNS = 28


def shared_plans() -> Path:
    """The folder of real plans; without it the test is skipped, which CI does not allow."""
    if not PLANS.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{PLANS} is missing")
        pytest.skip(f"the real plans are not here ({PLANS})")
    return PLANS


def real_plans() -> list[Path]:
    """The real plans that were read by hand."""
    return sorted(PLANS.glob("*.txt")) if PLANS.is_dir() else []


def saved(document: DocumentObject) -> bytes:
    """The bytes of a Word document."""
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def as_docx(text: str) -> bytes:
    """A Word document with one paragraph a line."""
    document = Document()
    for line in text.split("\n"):
        document.add_paragraph(line)
    return saved(document)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text)


def wrapped(line: str, columns: int = _COLUMNS) -> list[str]:
    """A line cut as an official page cuts it: by width, the first line indented by two characters.

    No sign stands at the beginning of a line and no number is cut.
    """
    pieces: list[str] = []
    room, rest = 2 * columns - 4, line
    while rest:
        cut = len(rest)
        if _width(rest) > room:
            cut = next(i for i in range(1, len(rest) + 1) if _width(rest[: i + 1]) > room)
            while cut > 1 and (rest[cut] in "，。；：、）》”？！,:;)" or (rest[cut] + rest[cut - 1]).isdigit()):
                cut -= 1
        pieces.append(rest[:cut])
        rest = rest[cut:]
        room = 2 * columns
    return pieces


def as_pdf(text: str, *, numbered: bool = True) -> bytes:
    """A PDF of A4 pages with 22 lines of 28 characters, lines broken by width, pages numbered."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=A4)
    left, top, pitch = 79, 736, 28.9
    at, number = 0, 1
    page.setFont("STSong-Light", _SIZE)
    for line in text.split("\n"):
        short = line.strip()
        for index, piece in enumerate(wrapped(short) if short else []):
            if at == 22:
                if numbered:
                    page.drawString(280, 60, f"— {number} —")
                page.showPage()
                page.setFont("STSong-Light", _SIZE)
                at, number = 0, number + 1
            page.drawString(left + (2 * _SIZE if index == 0 else 0), top - at * pitch, piece)
            at += 1
    if numbered:
        page.drawString(280, 60, f"— {number} —")
    page.save()
    return stream.getvalue()
