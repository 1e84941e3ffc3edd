"""Writing an exchange package: parts and files are streamed into a zip, then the manifest and its signature.

The same content gives the same bytes: entries have a fixed time, an order given by the caller and one
way of compression. Nothing of a part or a file stays in memory.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterable
from typing import IO, Any

from app.papers.packages.canonical import canonical
from app.schemas.exchange_line import FORMAT, VERSION

MANIFEST = "manifest.json"
SIGNATURE = "signature"
PART = "%s.jsonl"
FILE = "files/%s"
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class FileChanged(Exception):
    """A stored file is no longer what its digest says; a mistake of the storage, not of its reader."""


class PackageWriter:
    """Fills the zip in ``file``, which can be sought in. Call ``part`` and ``file`` in order, then ``finish``."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", allowZip64=True)
        self._parts: list[dict[str, Any]] = []
        self._files: list[dict[str, Any]] = []

    def part(self, name: str, lines: Iterable[Any]) -> int:
        """Write one part, each value a line of canonical JSON; returns how many there were."""
        whole = hashlib.sha256()
        size = count = 0
        with self._zip.open(_entry(PART % name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as out:
            for value in lines:
                line = canonical(value) + b"\n"
                whole.update(line)
                out.write(line)
                size += len(line)
                count += 1
        self._parts.append({"name": name, "sha256": whole.hexdigest(), "bytes": size, "lines": count})
        return count

    def file(self, sha256: str, chunks: Iterable[bytes]) -> int:
        """Write one attachment under its digest; returns its size in bytes. Raises FileChanged."""
        whole = hashlib.sha256()
        size = 0
        with self._zip.open(_entry(FILE % sha256, zipfile.ZIP_STORED), "w", force_zip64=True) as out:
            for chunk in chunks:
                whole.update(chunk)
                out.write(chunk)
                size += len(chunk)
        if whole.hexdigest() != sha256:
            raise FileChanged(sha256)
        self._files.append({"sha256": sha256, "bytes": size})
        return size

    def finish(self, head: dict[str, Any], sign: Callable[[bytes], bytes]) -> None:
        """Write the manifest, ``head`` with the parts and files added, and the signature over its bytes."""
        body = {"format": FORMAT, "version": VERSION, **head, "parts": self._parts, "files": self._files}
        written = canonical(body)
        with self._zip.open(_entry(MANIFEST, zipfile.ZIP_DEFLATED), "w") as out:
            out.write(written)
        with self._zip.open(_entry(SIGNATURE, zipfile.ZIP_STORED), "w") as out:
            out.write(sign(written))
        self._zip.close()

    def abandon(self) -> None:
        """Let go of a file in which the package will not be finished; nothing more is written to it."""
        self._zip.fp = None


def _entry(name: str, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = compression
    # What made the zip would otherwise be the system on which it was made.
    entry.create_system = _UNIX
    entry.external_attr = 0o600 << 16
    return entry
