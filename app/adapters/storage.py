"""Object storage: bytes under their SHA-256, in a folder by default, in an S3 bucket by setting.

Both are reached through obstore, so that there is one path of code to test. A name is made of the
digest alone; nothing that a person typed becomes part of a path.
"""

import errno
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, cast

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.errors import DomainError, Kind
from app.messages import N_
from app.settings import Settings

_CHUNK = 1024 * 1024


class StorageUnavailable(DomainError):
    """The folder or the bucket cannot be used."""

    kind = Kind.UNAVAILABLE
    code = "storage_unavailable"
    message = N_("The file storage cannot be reached. Nothing was saved; please try again in a moment.")


class StoredFileMissing(StorageUnavailable):
    """The storage answers, and has no such file."""

    code = "stored_file_missing"
    message = N_("A file that the records refer to is not in the file storage. Please tell the system administrator.")


class StorageFull(DomainError):
    """There is no room for the file."""

    kind = Kind.FULL
    code = "storage_full"
    message = N_("The file storage of the server is full. Nothing was saved; please tell the system administrator.")


class Storage(Protocol):
    """What the product asks of a place for bytes."""

    def put(self, sha256: str, path: Path) -> None:
        """Store the file at ``path`` under its digest; storing it twice is storing it once.

        Raises StorageFull or StorageUnavailable.
        """

    def read(self, sha256: str) -> Iterator[bytes]:
        """The bytes in chunks; raises StoredFileMissing or StorageUnavailable before the first one."""

    def held(self) -> Iterator[tuple[str, int]]:
        """The name and the size in bytes of everything that lies there; raises StorageUnavailable."""


class ObjectStorage:
    """Storage on any store that obstore knows."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, sha256: str, path: Path) -> None:
        """See Storage."""
        try:
            if not self._holds(sha256, path.stat().st_size):
                obstore.put(self._store, place(sha256), path)
        except (BaseError, OSError) as error:
            raise trouble(error) from error

    def _holds(self, sha256: str, size: int) -> bool:
        try:
            return bool(obstore.head(self._store, place(sha256))["size"] == size)
        except (NotFoundError, FileNotFoundError):
            return False

    def read(self, sha256: str) -> Iterator[bytes]:
        """See Storage."""
        try:
            found = obstore.get(self._store, place(sha256))
        except (NotFoundError, FileNotFoundError) as error:
            raise StoredFileMissing from error
        except (BaseError, OSError) as error:
            raise StorageUnavailable from error
        return _chunks(found.stream(min_chunk_size=_CHUNK))

    def held(self) -> Iterator[tuple[str, int]]:
        """See Storage."""
        try:
            for found in obstore.list(self._store, chunk_size=1000):
                for item in found:
                    yield item["path"].rpartition("/")[2], item["size"]
        except (BaseError, OSError) as error:
            raise StorageUnavailable from error


def _chunks(stream: Iterable[Any]) -> Iterator[bytes]:
    try:
        for chunk in stream:
            yield bytes(chunk)
    except BaseError as error:
        # The line broke in the middle of the file.
        raise StorageUnavailable from error


def from_settings(settings: Settings) -> Storage:
    """The storage that the settings name; the folder is made where it is missing."""
    if not settings.storage_url:
        folder = settings.data / "files"
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectStorage(LocalStore(folder))
    bucket, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
    endpoint = settings.storage_endpoint
    store = S3Store(
        bucket,
        prefix=prefix or None,
        region=settings.storage_region,
        access_key_id=settings.storage_key_id,
        secret_access_key=settings.storage_secret.get_secret_value(),
        endpoint=endpoint or None,
        client_options={"allow_http": endpoint.startswith("http://")},
    )
    return ObjectStorage(cast(ObjectStore, store))


def trouble(error: Exception) -> DomainError:
    """The refusal that an error of the folder, the bucket or a temporary file stands for."""
    number = error.errno if isinstance(error, OSError) else None
    full = number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left on device" in str(error)
    return StorageFull() if full else StorageUnavailable()


def place(sha256: str) -> str:
    """Where a file lies below the storage's root, in the folder and in the bucket alike."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
