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
from jinja2.runtime import Context, Macro
from markupsafe import Markup, escape

_FOLDER = Path(__file__).resolve().parent.parent / "templates"


def _escaped(value: Any) -> Markup:
    """As Jinja escapes, but what is markup already is not made anew: half of all that a page puts together."""
    return value if type(value) is Markup else escape(value)


class _Kept(Template):
    """A template whose macros are made once: here they see the environment's globals and nothing else."""

    @classmethod
    def _from_namespace(cls, environment: Environment, namespace: Any, globals: Any) -> Template:
        namespace["escape"] = _escaped
        return super()._from_namespace(environment, namespace, globals)

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:  # noqa: ARG002
        if self._module is None:
            self._module = self.make_module()
        return self._module


class _Context(Context):
    """A context that calls macros and sentences, hundreds of them a page, without looking at what they are anew."""

    def call(self, called: Any, /, *args: Any, **more: Any) -> Any:
        kind = type(called)
        if kind is not Macro and kind is not partial:
            return super().call(called, *args, **more)
        more.pop("_loop_vars", None)
        more.pop("_block_vars", None)
        return called(self.eval_ctx, *args, **more) if kind is Macro else called(*args, **more)


class Templates(Environment):
    """The templates in one language."""

    template_class = _Kept
    context_class = _Context

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
