"""Templates under a strict content policy, and components that are the only place for macros."""

import re
from pathlib import Path

import pytest

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
