"""The open format of exchange packages: the manifest, and what every line of a part has around its data."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from app.schemas.base import PRINTABLE

FORMAT = "duikou-exchange"
VERSION = 1
Installation = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Uid = Annotated[str, StringConstraints(pattern="^[0-9]{1,19}(-[0-9]{1,10})?$")]
PartName = Annotated[str, StringConstraints(pattern="^[a-z][a-z_]{0,40}$")]
Short = Annotated[str, StringConstraints(max_length=300), PRINTABLE]
Count = Annotated[int, Field(ge=0, le=2**53)]
Identity = tuple[Installation, Uid]
Change = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Strict(BaseModel):
    """Nothing is converted and nothing unknown is dropped: what is not in the format is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PartEntry(Strict):
    """One part: its name without .jsonl, the digest and size in bytes of its content, and its lines."""

    name: PartName
    sha256: Digest
    bytes: Count
    lines: Count


class FileEntry(Strict):
    """One file: its digest, which is its name under files/, and its size in bytes."""

    sha256: Digest
    bytes: Count


class Received(Strict):
    """The last package that the sender had taken in from another installation."""

    installation: Installation
    number: Change
    sha256: Digest


class ProgrammeHead(Strict):
    """Which programme it is, in the words of the sender."""

    id: Identity
    title: Short
    document_number: Short = ""
    issuer: Short = ""


class Manifest(Strict):
    """What a package says of itself. The signature stands over the bytes of this file."""

    format: Literal["duikou-exchange"]
    version: Literal[1]
    installation: Installation
    key: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{43}$")] = Field(
        description="the Ed25519 public key, base64url without padding"
    )
    number: Change = Field(description="counts the packages of this installation")
    made_at: AwareDatetime
    release: Annotated[str, StringConstraints(max_length=40), PRINTABLE]
    schema_head: Annotated[str, StringConstraints(max_length=40), PRINTABLE]
    programme: ProgrammeHead
    base: list[Received]
    parts: list[PartEntry]
    files: list[FileEntry]


class Line(Strict):
    """A row: who made it and its number there, other numbers of it, its vector, when it was made, its data.

    ``digest`` is the SHA-256 of ``data`` in canonical JSON. A row that was deleted is ``gone`` and has no data.
    """

    id: Identity
    also: list[Identity] = Field(default_factory=list, max_length=50)
    vector: dict[Installation, Change] = Field(min_length=1, max_length=50)
    made_at: AwareDatetime | None = None
    gone: bool = False
    digest: Digest | None = None
    data: Any = None
