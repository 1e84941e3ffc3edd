"""Reading an exchange package that somebody else made: bounds first, then trust, then every digest.

Names in the zip are never used as paths. Nothing is read beyond what the signed manifest declares, and
the manifest itself only up to a bound, so that neither a zip bomb nor an endless line costs more than
the limit that the caller gives.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from app.papers.packages.canonical import padded
from app.papers.packages.refusals import (
    PackageDamaged,
    PackageFromOtherRelease,
    PackagePartDamaged,
    PackageSignatureWrong,
    PackageUnsafe,
    PackageUntrusted,
)
from app.papers.packages.writing import FILE, MANIFEST, PART, SIGNATURE
from app.schemas.exchange_line import FORMAT, VERSION, Manifest

MAX_MANIFEST: Final = 32 * 1024 * 1024
MAX_LINE: Final = 32 * 1024 * 1024
MAX_ENTRIES: Final = 200_000
# How much larger than the package itself everything in it may be once it is unpacked.
MAX_GROWTH: Final = 100
MIN_UNPACKED: Final = 64 * 1024 * 1024
_SIGNATURE: Final = 64
_CHUNK: Final = 256 * 1024
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    OSError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    OverflowError,
)
Trust = Callable[[str, str], bool]


class Package:
    """A package whose manifest is trusted; its parts and files prove themselves while they are read."""

    def __init__(self, file: IO[bytes], trust: Trust, limit: int) -> None:
        """Open the zip in ``file``. ``trust`` says whether an installation signs with a key; ``limit`` is in bytes.

        Raises PackageDamaged, PackageUnsafe, PackageUntrusted, PackageSignatureWrong, PackageFromOtherRelease.
        """
        with _readable():
            size = file.seek(0, 2)
            file.seek(0)
            if size > limit:
                raise PackageUnsafe
            self._zip = zipfile.ZipFile(file)
            listed = self._zip.infolist()
            self._entries = {entry.filename: entry for entry in listed}
        if len(listed) > MAX_ENTRIES or len(self._entries) != len(listed):
            raise PackageUnsafe
        written = self._small(MANIFEST, MAX_MANIFEST)
        signature = self._small(SIGNATURE, _SIGNATURE)
        self.manifest = _manifest(written)
        self._verify(written, signature, trust)
        self._hold_to_manifest(max(MIN_UNPACKED, size * MAX_GROWTH))

    def _small(self, name: str, most: int) -> bytes:
        entry = self._entries.get(name)
        if entry is None:
            raise PackageDamaged
        if entry.file_size > most:
            raise PackageUnsafe
        with _readable(), self._zip.open(entry) as opened:
            return opened.read(most + 1)

    def _verify(self, written: bytes, signature: bytes, trust: Trust) -> None:
        manifest = self.manifest
        if not trust(manifest.installation, manifest.key):
            raise PackageUntrusted(installation=manifest.installation)
        try:
            Ed25519PublicKey.from_public_bytes(padded(manifest.key)).verify(signature, written)
        except (InvalidSignature, ValueError) as error:
            raise PackageSignatureWrong from error

    def _hold_to_manifest(self, most: int) -> None:
        declared = {PART % part.name: part.bytes for part in self.manifest.parts}
        declared |= {FILE % file.sha256: file.bytes for file in self.manifest.files}
        expected = len(self.manifest.parts) + len(self.manifest.files)
        if len(declared) != expected or set(self._entries) != {*declared, MANIFEST, SIGNATURE}:
            raise PackageUnsafe
        if sum(declared.values()) > most:
            raise PackageUnsafe
        for name, size in declared.items():
            if self._entries[name].file_size != size:
                raise PackagePartDamaged(part=name)

    @property
    def parts(self) -> dict[str, int]:
        """The parts by name, and how many lines each has."""
        return {part.name: part.lines for part in self.manifest.parts}

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a part without their ends. Raises PackagePartDamaged, at the latest behind the last one."""
        part = next(part for part in self.manifest.parts if part.name == name)
        entry = self._entries[PART % name]
        whole = hashlib.sha256()
        count = size = 0
        with _readable(PART % name), self._zip.open(entry) as opened:
            while line := opened.readline(MAX_LINE + 1):
                size += len(line)
                count += 1
                if len(line) > MAX_LINE or size > part.bytes or not line.endswith(b"\n"):
                    raise PackagePartDamaged(part=PART % name)
                whole.update(line)
                yield line[:-1]
        if (whole.hexdigest(), count, size) != (part.sha256, part.lines, part.bytes):
            raise PackagePartDamaged(part=PART % name)

    def chunks(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a file. Raises PackagePartDamaged, at the latest behind the last one."""
        name = FILE % sha256
        entry = self._entries.get(name)
        if entry is None:
            raise PackagePartDamaged(part=name)
        whole = hashlib.sha256()
        size = 0
        with _readable(name), self._zip.open(entry) as opened:
            while chunk := opened.read(_CHUNK):
                size += len(chunk)
                if size > entry.file_size:
                    raise PackagePartDamaged(part=name)
                whole.update(chunk)
                yield chunk
        if whole.hexdigest() != sha256:
            raise PackagePartDamaged(part=name)


def _manifest(written: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(written)
    except ValidationError as error:
        for item in error.errors():
            if item["loc"] == ("format",):
                raise PackageDamaged from error
            if item["loc"] == ("version",) or item["type"] == "extra_forbidden":
                what = f"{FORMAT} > {VERSION}"
                raise PackageFromOtherRelease(release="?", what=what) from error
        raise PackageDamaged from error


@contextmanager
def _readable(part: str | None = None) -> Iterator[None]:
    """Whatever a damaged zip makes the library raise is one of two refusals."""
    try:
        yield
    except (PackagePartDamaged, PackageUnsafe):
        raise
    except _BROKEN as error:
        raise (PackageDamaged() if part is None else PackagePartDamaged(part=part)) from error
