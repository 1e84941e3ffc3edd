"""The environment of the templates: what belongs to the release is looked up once and then kept.

A row of a list is a file of its own that imports its components, so a page of fifty rows asks for
the same templates, components and sentences some hundreds of times.
"""

from collections.abc import Callable
from functools import partial
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context
from markupsafe import Markup

_FOLDER = Path(__file__).resolve().parent.parent / "templates"


class _Kept(Template):
    """A template whose macros are made once: here they see the environment's globals and nothing else."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002
        if self._module is None:
            self._module = self.make_module()
        return self._module


class Templates(Environment):
    """The templates in one language."""

    template_class = _Kept

    def __init__(self, language: NullTranslations) -> None:
        super().__init__(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._found: dict[str, Template] = {}
        sentences: dict[str, Markup] = {}
        self.globals["_"] = self.globals["gettext"] = partial(_sentence, language.gettext, sentences)
        self.globals["ngettext"] = partial(_counted, language.ngettext)

    def get_template(self, name: Any, parent: Any = None, globals: Any = None) -> Template:
        """A template by its name, read once."""
        found = self._found.get(name) if isinstance(name, str) else None
        if found is None:
            found = super().get_template(name, parent, globals)
            self._found[found.name or ""] = found
        return found


def _sentence(read: Callable[[str], str], kept: dict[str, Markup], message: str, **values: Any) -> Markup:
    """A sentence of the catalogue, its values escaped and in place."""
    if values:
        return Markup(read(message)) % values  # noqa: S704 - sentences are the release's own
    found = kept.get(message)
    if found is None:
        # Without values as well, because a percent sign stands doubled in every sentence.
        found = kept[message] = Markup(read(message)) % {}  # noqa: S704
    return found


def _counted(read: Callable[[str, str, int], str], one: str, many: str, num: int, **values: Any) -> Markup:
    return Markup(read(one, many, num)) % {"num": num, **values}  # noqa: S704
