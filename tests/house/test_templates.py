"""Templates under a strict content policy, and components that are the only place for macros."""

import re
from dataclasses import make_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from app.routers.pages.task_pages import TaskRow
from app.routers.rendering import environment
from tests.house.tree import APP, files, name

TEMPLATES = files(".html", under=("app",))
# What eval would have to run, what the policy blocks, and what leaves the site.
FORBIDDEN = {
    "an inline style": r"\sstyle\s*=",
    "an inline script": r"<script(?![^>]*\bsrc=)",
    "an inline style sheet": r"<style",
    "an inline handler": r"\son[a-z]+\s*=",
    "hx-on": r"\bhx-on",
    "a value that is code": r"\bjs:",
    "a filtered trigger, which is code": r'hx-trigger="[^"]*\[',
    "text past the escaping": r"\|\s*safe\b|autoescape\s+false",
    "a foreign address": r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""",
}


def _without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}|<!--.*?-->", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_hold_to_the_policy(path: Path) -> None:
    text = _without_comments(path.read_text(encoding="utf-8"))
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_macros_stand_in_components(path: Path) -> None:
    has_macro = re.search(r"\{%-?\s*macro\b", path.read_text(encoding="utf-8")) is not None
    assert not has_macro or path.parent.name == "components"


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.name.startswith("_")], ids=name)
def test_fragments_are_included_and_never_extend(path: Path) -> None:
    assert "{% extends" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_compile(path: Path, language: str) -> None:
    environment(language).get_template(path.relative_to(APP / "templates").as_posix())


def test_every_template_is_used() -> None:
    """Pages are named by routers, parts by other templates; a file that nobody names is left over."""
    sources = [path.read_text(encoding="utf-8") for path in (*files(".py", under=("app",)), *TEMPLATES)]
    unused = [
        name(path)
        for path in TEMPLATES
        if not any(f'"{path.relative_to(APP / "templates").as_posix()}"' in source for source in sources)
    ]
    assert unused == []


@pytest.mark.parametrize("path", files(".css", ".js", under=("app",)), ids=name)
def test_style_and_script_stay_on_the_site(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/|^\s*//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"https?://(?!www\.w3\.org/)|@import|\beval\(|new Function", text)


class _Drawing:
    def __html__(self) -> str:
        return "<svg>"


class _Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("<b>\"'&", "&lt;b&gt;&#34;&#39;&amp;"),
        (_Text("<b>"), "&lt;b&gt;"),
        (Markup("<b>"), "<b>"),
        (Markup("<b>") + "<i>", "<b>&lt;i&gt;"),
        (_Drawing(), "<svg>"),
        (["<b>"], "[&#39;&lt;b&gt;&#39;]"),
        (7, "7"),
        (None, "None"),
    ],
)
@pytest.mark.parametrize("where", ["{{ value }}", "{% macro m(v) %}{{ v }}{% endmacro %}{{ m(value) }}"])
def test_escape_all_but_markup(value: Any, written: str, where: str) -> None:
    assert environment("en").from_string(where).render(value=value) == written


def test_a_name_that_is_lacking_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        environment("en").from_string("{{ nobody }}").render()
    with pytest.raises(UndefinedError):
        environment("en").from_string("{{ nobody() }}").render()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_a_row_of_tasks_is_written_as_the_components_are(language: str) -> None:
    """Its cells are written out, because a list has fifty of them; they must stay what the components say."""
    now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    values = {"id": 7, "heading": "<b>", "due_on": None, "due_text": "", "open_ended": True, "state": "draft"}
    values["updated_at"] = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    task = make_dataclass("Task", list(values))(**values)
    unit = make_dataclass("Unit", ["unit_name", "role"])("监测处", "lead")
    rows = [TaskRow(task, "三（一）2", [unit])]
    written = environment(language).get_template("tasks/_rows.html").render(rows=rows, now=now)
    for file, call in {
        "table": 'clamp("三（一）2 <b>")',
        "time": "moment(task.updated_at, now)",
        "status": "task_state(task.state)",
        "status ": 'assignment_role("lead")',
    }.items():
        name = call.partition("(")[0]
        source = f'{{% from "components/{file.strip()}.html" import {name} %}}{{{{ {call} }}}}'
        assert environment(language).from_string(source).render(task=task, now=now) in written
