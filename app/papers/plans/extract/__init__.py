"""From bytes to lines. The kind of a file is told by its content; its name only helps the wording."""

from typing import Final

from app.papers.plan_refusals import (
    PlanBinary,
    PlanEmpty,
    PlanEncrypted,
    PlanFormatUnknown,
    PlanOfd,
    PlanOldWord,
    PlanRtf,
    PlanTooLarge,
    PlanWebPage,
    PlanWps,
)
from app.papers.plans.extract import pdf, text, word
from app.papers.plans.extract.archive import Archive
from app.papers.plans.source import SourceLine, checked

MAX_BYTES: Final = 20 * 1024 * 1024
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES: Final = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"II*\x00",
    b"MM\x00*",
    b"BM",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
)


def extract(data: bytes, name: str) -> tuple[SourceLine, ...]:
    """The lines of a plan file. Raises a PlanRefused for everything that is none."""
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise PlanEmpty
    if len(data) > MAX_BYTES:
        raise PlanTooLarge(limit=MAX_BYTES // 1024 // 1024)
    return checked(_lines(data, name.lower()))


def _lines(data: bytes, name: str) -> list[SourceLine]:
    if data.startswith(_OLE):
        raise _ole(data, name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(data)
    if b"%PDF-" in data[:1024]:
        return pdf.lines(data)
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"{\\rtf"):
        raise PlanRtf
    if head.startswith((b"<!doctype html", b"<html", b"<?xml", b"mime-version:")):
        raise PlanWebPage
    if data.startswith(_PICTURES) and b"\x00" in data[:1024]:
        raise PlanFormatUnknown
    if name.endswith((".docx", ".pdf")) and b"\x00" in data[:1024]:
        raise PlanBinary
    return text.lines(data)


def _ole(data: bytes, name: str) -> Exception:
    """What an OLE container is: a locked .docx, a .wps, a .doc, or something else."""
    if "EncryptedPackage".encode("utf-16-le") in data or "EncryptionInfo".encode("utf-16-le") in data:
        return PlanEncrypted()
    if name.endswith(".wps"):
        return PlanWps()
    if "WordDocument".encode("utf-16-le") in data or name.endswith(".doc"):
        return PlanOldWord()
    return PlanFormatUnknown()


def _zipped(data: bytes) -> list[SourceLine]:
    archive = Archive(data)
    if archive.has("OFD.xml"):
        raise PlanOfd
    if not archive.has("word/document.xml"):
        raise PlanFormatUnknown
    return word.lines(archive)
