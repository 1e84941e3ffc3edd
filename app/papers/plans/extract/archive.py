"""Reading parts of a zip without trusting what it declares."""

import io
import zipfile
import zlib
from typing import Final

from app.papers.plan_refusals import PlanDamaged, PlanEncrypted, PlanUnsafe

MAX_PART: Final = 24 * 1024 * 1024
MAX_TOTAL: Final = 400 * 1024 * 1024
MAX_ENTRIES: Final = 5_000
MAX_RATIO: Final = 400
_CHUNK: Final = 256 * 1024


class Archive:
    """A zip whose parts are read up to a bound, whatever their declared size."""

    def __init__(self, data: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self._names = {info.filename: info for info in self._zip.infolist()}
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, OverflowError) as error:
            raise PlanDamaged from error
        declared = sum(info.file_size for info in self._names.values())
        if len(self._names) > MAX_ENTRIES or declared > MAX_TOTAL:
            raise PlanUnsafe

    def has(self, name: str) -> bool:
        """Whether the archive lists a part of that name."""
        return name in self._names

    def read(self, name: str) -> bytes:
        """The bytes of a part, empty when there is none."""
        info = self._names.get(name)
        if info is None:
            return b""
        if info.flag_bits & 1:
            raise PlanEncrypted
        ratio = info.file_size / max(1, info.compress_size)
        if info.file_size > MAX_PART or (ratio > MAX_RATIO and info.file_size > 1024 * 1024):
            raise PlanUnsafe
        found = bytearray()
        try:
            with self._zip.open(info) as part:
                while chunk := part.read(_CHUNK):
                    found += chunk
                    if len(found) > MAX_PART:
                        raise PlanUnsafe
        except (
            zipfile.BadZipFile,
            zlib.error,
            ValueError,
            OSError,
            NotImplementedError,
            EOFError,
            RuntimeError,
        ) as error:
            raise PlanDamaged from error
        return bytes(found)
