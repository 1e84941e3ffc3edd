"""A sealed export as a zip: events, seals, heads, keys, how to read it, and the program that verifies it.

It is made in one pass and given out in pieces, so that neither memory nor disk has to hold it.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from app.papers import offline_verifier

MEDIA_TYPE = "application/zip"
_README = Path(__file__).resolve().parent.parent / "data" / "sealed_export.txt"
_PIECE = 256 * 1024


class _Outlet(io.RawIOBase):
    """Takes what the zip writes and lets it be fetched; it cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        piece = bytes(memoryview(data))  # type: ignore[arg-type]
        self._held += piece
        return len(piece)

    def fetch(self, least: int) -> Iterator[bytes]:
        """What is held, if it is at least so many bytes."""
        if len(self._held) >= least:
            piece = bytes(self._held)
            self._held.clear()
            yield piece


def pack(
    at: datetime, *, manifest: bytes, seals: Iterable[bytes], events: Iterable[bytes], heads: str, keys: str
) -> Iterator[bytes]:
    """The bytes of the zip, piece by piece. ``seals`` and ``events`` are lines without their end."""
    outlet = _Outlet()
    stamp = at.timetuple()[:6]
    texts = {
        "README.txt": _README.read_bytes(),
        "verify.py": Path(offline_verifier.__file__).read_bytes(),
        "manifest.json": manifest,
        "keys.txt": keys.encode(),
        "heads.jsonl": heads.encode(),
    }
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        for name, content in texts.items():
            archive.writestr(_entry(name, stamp), content)
        for name, lines in (("seals.jsonl", seals), ("events.jsonl", events)):
            with archive.open(_entry(name, stamp), "w", force_zip64=True) as file:
                for line in lines:
                    file.write(line + b"\n")
                    yield from outlet.fetch(_PIECE)
    yield from outlet.fetch(1)


def _entry(name: str, stamp: tuple[int, ...]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, stamp)  # type: ignore[arg-type]
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
