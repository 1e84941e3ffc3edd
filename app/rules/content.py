"""What a file is, by its bytes: its name and what a browser says about it prove nothing.

Accepted are the documents and pictures that offices exchange. Refused are files that a computer runs
or a browser would show as a page, office files that carry macros or a password, and plain archives:
what is in an archive cannot be told without opening it, so its files are uploaded one by one.
"""

import codecs
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from typing import BinaryIO, Final

from app.errors import DomainError, Kind
from app.messages import N_

_HEAD: Final = 4096
_CHUNK: Final = 1024 * 1024
# The directory of an archive is read into memory, so one that is larger than any document's is refused.
_MOST_DIRECTORY: Final = 4 * 1024 * 1024
_END_OF_DIRECTORY: Final = b"PK\x05\x06"
_MOST_NAME: Final = 200
_OOXML: Final = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True, slots=True)
class Content:
    """A kind of file: its media type and the endings that its name may have, the usual one first."""

    media_type: str
    endings: tuple[str, ...]


PDF: Final = Content("application/pdf", ("pdf",))
DOCX: Final = Content(f"{_OOXML}wordprocessingml.document", ("docx",))
XLSX: Final = Content(f"{_OOXML}spreadsheetml.sheet", ("xlsx",))
PPTX: Final = Content(f"{_OOXML}presentationml.presentation", ("pptx",))
DOC: Final = Content("application/msword", ("doc", "wps"))
XLS: Final = Content("application/vnd.ms-excel", ("xls", "et"))
PPT: Final = Content("application/vnd.ms-powerpoint", ("ppt", "dps"))
OFD: Final = Content("application/ofd", ("ofd",))
TEXT: Final = Content("text/plain", ("txt", "csv", "md", "log"))
_PICTURES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), Content("image/png", ("png",))),
    (re.compile(rb"\xff\xd8\xff"), Content("image/jpeg", ("jpg", "jpeg"))),
    (re.compile(rb"GIF8[79]a"), Content("image/gif", ("gif",))),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), Content("image/webp", ("webp",))),
    (re.compile(rb"II\*\x00|MM\x00\*"), Content("image/tiff", ("tif", "tiff"))),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams of the old office formats, as their directory names them; the order is that of looking.
_OLE_STREAMS: Final = (
    ("WordDocument", DOC),
    ("Workbook", XLS),
    ("PowerPoint Document", PPT),
)
_MARKUP: Final = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype|\?|html|head|body|script|svg|iframe|style|title|meta|link|img|table|div|a\b)",
    re.IGNORECASE | re.DOTALL,
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_ENDING: Final = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])([A-Za-z0-9]{1,8})$")


class FileEmpty(DomainError):
    """Nothing in it."""

    code = "file_empty"
    message = N_("The file is empty. Please choose the right one.")


class FileKindRefused(DomainError):
    """Not a document or a picture."""

    kind = Kind.UNSUPPORTED
    code = "file_kind_refused"
    message = N_(
        "Files of this kind are not taken. Upload PDF, OFD, Word, Excel, PowerPoint, pictures or text, one by one."
    )


class FileLocked(DomainError):
    """An office file that opens with a password only."""

    kind = Kind.UNSUPPORTED
    code = "file_locked"
    message = N_("The file is protected by a password. Save it without one and upload it again.")


class FileWithMacros(DomainError):
    """An office file that carries a program."""

    kind = Kind.UNSUPPORTED
    code = "file_with_macros"
    message = N_("The file carries macros. Save it without them, as docx, xlsx or pptx, and upload it again.")


class FileNameMisleads(DomainError):
    """A name whose ending says something else than the bytes."""

    code = "file_name_misleads"
    message = N_("The name ends in .%(ending)s, but the content is .%(content)s. Rename the file and upload it again.")


def recognise(file: BinaryIO) -> Content:
    """What ``file`` is; reads it from its beginning and leaves it anywhere.

    Raises FileEmpty, FileKindRefused, FileLocked or FileWithMacros.
    """
    file.seek(0)
    head = file.read(_HEAD)
    if not head:
        raise FileEmpty(field="file")
    if head.startswith(b"%PDF-"):
        return PDF
    for pattern, content in _PICTURES:
        if pattern.match(head):
            return content
    if head.startswith(b"PK\x03\x04"):
        return _package(file)
    if head.startswith(_OLE):
        return _compound(file)
    if _is_text(file):
        return TEXT
    raise FileKindRefused(field="file")


def clean_name(name: str, content: Content) -> str:
    """``name`` without folders, control and direction characters, with an ending that fits ``content``.

    A name without an ending gets the usual one. Raises FileNameMisleads where the ending says
    something else: what a computer does with a file after the download depends on it.
    """
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(character for character in base if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co"))
    plain = re.sub(r'[<>:"|?*]', "_", kept).strip(" \u3000").rstrip(".")
    found = _ENDING.search(plain)
    usual = content.endings[0]
    if found is None:
        return f"{plain.lstrip('.')[: _MOST_NAME - 9] or 'file'}.{usual}"
    ending = found[1].lower()
    if ending not in content.endings:
        raise FileNameMisleads(field="file", ending=ending, content=usual)
    stem = plain[: found.start()].strip(" .") or "file"
    return f"{stem[: _MOST_NAME - 9]}.{ending}"


def _package(file: BinaryIO) -> Content:
    if not _directory_is_small(file):
        raise FileKindRefused(field="file")
    try:
        with zipfile.ZipFile(file) as package:
            entries = package.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise FileKindRefused(field="file") from None
    names = {entry.filename for entry in entries}
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise FileWithMacros(field="file")
    if any(entry.flag_bits & 1 for entry in entries):
        raise FileLocked(field="file")
    if "OFD.xml" in names:
        return OFD
    if "[Content_Types].xml" in names:
        for folder, content in (("word/", DOCX), ("xl/", XLSX), ("ppt/", PPTX)):
            if any(name.startswith(folder) for name in names):
                return content
    raise FileKindRefused(field="file")


def _directory_is_small(file: BinaryIO) -> bool:
    size = file.seek(0, 2)
    file.seek(max(0, size - 65557))
    tail = file.read()
    place = tail.rfind(_END_OF_DIRECTORY)
    # In the larger format (ZIP64) the field holds its maximum, so that is refused with it.
    return place >= 0 and int.from_bytes(tail[place + 12 : place + 16], "little") <= _MOST_DIRECTORY


def _compound(file: BinaryIO) -> Content:
    found: set[str] = set()
    wanted = ("EncryptedPackage", *(name for name, _ in _OLE_STREAMS))
    file.seek(0)
    kept = b""
    while chunk := file.read(_CHUNK):
        window = kept + chunk
        found.update(name for name in wanted if name.encode("utf-16-le") in window)
        kept = window[-64:]
    if "EncryptedPackage" in found:
        raise FileLocked(field="file")
    for name, content in _OLE_STREAMS:
        if name in found:
            return content
    raise FileKindRefused(field="file")


def _is_text(file: BinaryIO) -> bool:
    file.seek(0)
    head = file.read(_HEAD)
    encodings = ("utf-16",) if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ("utf-8-sig", "gb18030")
    return any(_decodes(file, encoding) for encoding in encodings)


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    first = True
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            return False
        if _CONTROLS.search(text):
            return False
        # A browser that looked for itself would take these for a page or a picture with scripts.
        if first and _MARKUP.match(text[:_HEAD].lstrip("\ufeff")):
            return False
        if not chunk:
            return True
        first = False


__all__ = [
    "Content",
    "FileEmpty",
    "FileKindRefused",
    "FileLocked",
    "FileNameMisleads",
    "FileWithMacros",
    "clean_name",
    "recognise",
]
