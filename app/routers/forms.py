"""Forms: the fields of a page held against the same schema as the JSON of the API."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, ImmutableMultiDict

from app.errors import InvalidInput
from app.routers.errors import field_errors

_OWN = frozenset({"csrf", "version", "idempotency_key", "next"})
M = TypeVar("M", bound=BaseModel)


def checked(schema: type[M], form: ImmutableMultiDict[str, Any]) -> M:
    """The form, or the query of a list, as ``schema``; raises InvalidInput with every field at fault.

    A field that is left empty counts as not given, so that optional fields take their defaults; a
    field that the schema knows as a list keeps all of its values.
    """
    lists = {name for name, field in schema.model_fields.items() if "list" in str(field.annotation)}
    values: dict[str, object] = {}
    for name in form:
        if name in _OWN:
            continue
        if name in lists:
            values[name] = [value for value in form.getlist(name) if value != ""]
        elif form[name] != "":
            values[name] = form[name]
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(field_errors(error.errors())) from None


def with_lines(form: FormData, *names: str) -> FormData:
    """The form with each of ``names``, a field of several lines, as one value for each line that says something."""
    items: list[tuple[str, Any]] = []
    for name, value in form.multi_items():
        lines = str(value).splitlines() if name in names else [value]
        items += [(name, line) for line in lines if name not in names or str(line).strip()]
    return FormData(items)


def version_of(form: FormData) -> int:
    """The version that the form was opened with; nonsense is a version that nothing has."""
    text = str(form.get("version", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def kept(form: FormData) -> dict[str, str]:
    """What a person typed, to be shown again in a refused form; never a password."""
    return {name: str(value) for name, value in form.items() if "password" not in name and name != "csrf"}
