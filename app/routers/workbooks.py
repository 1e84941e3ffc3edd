"""Taking a workbook that was sent as a form's file, once it is known who sends it; sending one."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from app.catalogues import translate
from app.errors import DomainError
from app.messages import N_
from app.papers import account_workbook
from app.routers.rendering import language_of
from app.schemas.base import MAX_ID
from app.schemas.user import RowRefusal, WorkbookReport
from app.services.account_sheets import ROLE_NAMES, Refusal


class FileMissing(DomainError):
    """A form without its file."""

    code = "file_missing"
    message = N_("Please choose a file.")


class NotANumber(DomainError):
    """A field beside the file that has to be an id."""

    code = "not_a_number"
    message = N_("Please give a whole number.")


# What OpenAPI says of a body that the route reads itself, after the actor is known.
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary", "description": "an .xlsx workbook"}},
                }
            }
        },
    }
}


_SCHEMA: Any = BODY["requestBody"]["content"]["multipart/form-data"]["schema"]  # type: ignore[index]
BODY_WITH_PROGRAMME = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "programme_id"],
                    "properties": {
                        **_SCHEMA["properties"],
                        "programme_id": {"type": "integer", "minimum": 1, "maximum": MAX_ID},
                    },
                }
            }
        },
    }
}


async def uploaded(request: Request) -> tuple[bytes, dict[str, str]]:
    """The bytes of the field "file" and the other fields; raises FileMissing."""
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.size:
            raise FileMissing(field="file")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return await file.read(), fields


def rows_of(file: bytes | DomainError) -> list[account_workbook.AccountRow]:
    """The rows of a file, or the refusal that came in its place, raised where a page can show it."""
    if isinstance(file, DomainError):
        raise file
    return account_workbook.read(file)


def whole_number(fields: dict[str, str], name: str) -> int:
    """A number that stands in the form beside the file; raises NotANumber."""
    text = fields.get(name, "")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= MAX_ID:
        raise NotANumber(field=name)
    return int(text)


def template() -> Response:
    """The empty workbook, as a file to keep."""
    name = quote("账号.xlsx")
    return Response(
        account_workbook.template(tuple(ROLE_NAMES)),
        headers={
            "Content-Disposition": f"attachment; filename=\"accounts.xlsx\"; filename*=UTF-8''{name}",
            "Cache-Control": "no-store",
        },
        media_type=account_workbook.MEDIA_TYPE,
    )


def report(request: Request, rows: int, refusals: Sequence[Refusal]) -> WorkbookReport:
    """What is wrong with which row, in the reader's language."""
    language = language_of(request)
    return WorkbookReport(
        rows=rows,
        refusals=[
            RowRefusal(
                row=refusal.row,
                field=refusal.field,
                code=refusal.code,
                message=translate(language, refusal.message, dict(refusal.values)),
            )
            for refusal in refusals
        ],
    )
