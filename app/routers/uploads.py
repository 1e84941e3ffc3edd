"""Files on their way in and out: streamed to a temporary file and hashed, bounded, sent as a download.

An upload is read only after the person and their right are known. Nothing of it stays in memory but
the chunk at hand, and the temporary file is gone when the block ends.
"""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from app.adapters.storage import Storage, trouble
from app.errors import DomainError, FieldError, InvalidInput, Kind
from app.messages import N_
from app.rules import content
from app.services.attachments import StoredFile

_MOST_FIELD = 4096
# A download is never shown inside the site: no script of it runs, whatever the browser makes of it.
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Keeps the length known and pictures uncompressed twice.
    "Content-Encoding": "identity",
}


class FileTooLarge(DomainError):
    """Larger than the setting allows."""

    kind = Kind.TOO_LARGE
    code = "file_too_large"
    message = N_("A file may have at most %(limit)s MB.")


class UploadUnreadable(DomainError):
    """Not multipart/form-data, or broken off."""

    kind = Kind.UNSUPPORTED
    code = "upload_unreadable"
    message = N_("The upload could not be read. Send one file as multipart/form-data, in the field file.")


@dataclass(slots=True)
class Received:
    """A file in a temporary place, its digest and size in bytes, the name it was given, and the form's fields."""

    file: IO[bytes]
    path: Path
    name: str = ""
    size: int = 0
    sha256: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def receive_file(request: Request, folder: Path, limit_mb: int) -> AsyncIterator[Received]:
    """The file of a multipart body, in ``folder`` for as long as the block runs.

    Raises UploadUnreadable, FileTooLarge, StorageFull, StorageUnavailable, or InvalidInput without a file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(dir=folder, prefix="upload-")  # noqa: SIM115
    except OSError as error:
        raise trouble(error) from error
    with file:
        received = Received(file, Path(file.name))
        await _read(request, _Sink(received, limit_mb))
        if not received.name:
            raise InvalidInput((FieldError("file", "required", N_("Please fill this in.")),))
        yield received


class _Sink:
    """Takes the parser's parts: the file goes to disk and into the digest, short fields are kept."""

    def __init__(self, received: Received, limit_mb: int) -> None:
        self.received = received
        self.limit_mb = limit_mb
        self.digest = hashlib.sha256()
        self.waiting: list[bytes] = []
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._is_file = False

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers,
            "on_part_data": self._on_data,
        }

    def _begin(self) -> None:
        self._headers, self._header, self._value = {}, b"", b""
        self._field, self._is_file = None, False

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _on_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            given = options[b"filename"].decode("utf-8", "replace")
            # Browsers send an empty name where no file was chosen; only the first file is taken.
            self._is_file = name == "file" and bool(given) and not self.received.name
            if self._is_file:
                self.received.name = given
        else:
            self._field = name

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.received.size += end - start
            if self.received.size > self.limit_mb * 1024 * 1024:
                raise FileTooLarge(field="file", limit=self.limit_mb)
            self.waiting.append(data[start:end])
        elif self._field is not None:
            kept = self.received.fields.get(self._field, "") + data[start:end].decode("utf-8", "replace")
            self.received.fields[self._field] = kept[:_MOST_FIELD]

    def flush(self) -> None:
        """Write what waits; called in a thread."""
        try:
            for chunk in self.waiting:
                self.digest.update(chunk)
                self.received.file.write(chunk)
        except OSError as error:
            raise trouble(error) from error
        finally:
            self.waiting.clear()


async def _read(request: Request, sink: _Sink) -> None:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UploadUnreadable(field="file")
    try:
        parser = MultipartParser(options[b"boundary"], sink.callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            parser.write(chunk)
            if sink.waiting:
                await run_in_threadpool(sink.flush)
        parser.finalize()
    except (FormParserError, ClientDisconnect) as error:
        raise UploadUnreadable(field="file") from error
    try:
        await run_in_threadpool(sink.received.file.flush)
    except OSError as error:
        raise trouble(error) from error
    sink.received.sha256 = sink.digest.hexdigest()


def store(received: Received, storage: Storage) -> StoredFile:
    """Look at what the file is, clean its name and put its bytes into storage; no transaction is open.

    Raises what ``rules.content`` refuses, StorageFull or StorageUnavailable.
    """
    kind = content.recognise(received.file)  # type: ignore[arg-type]
    name = content.clean_name(received.name, kind)
    storage.put(received.sha256, received.path)
    return StoredFile(name, kind.media_type, received.size, received.sha256)


def download(name: str, media_type: str, size: int, chunks: Iterator[bytes]) -> StreamingResponse:
    """``chunks`` as a file to be saved under ``name``."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    headers = _HEADERS | {"Content-Disposition": disposition, "Content-Length": str(size)}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)
