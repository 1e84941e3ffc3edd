"""What every page has to keep, whichever test visits it."""

import re
from collections import Counter

import html5lib
from lxml import etree

_XHTML = "{http://www.w3.org/1999/xhtml}"
_LABELLED = ("input", "select", "textarea")
# What html5lib reports that the living standard allows.
_TOLERATED = frozenset({"unknown-doctype"})


def check_page(html: str) -> None:
    """Valid HTML, one h1, a title, labels, no doubled ids, nothing inline, no foreign address."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("lxml"))
    tree = parser.parse(html)
    problems = [name for _, name, _ in parser.errors if name not in _TOLERATED]
    assert not problems, f"invalid HTML: {problems}"
    root = tree.getroot()
    assert len(root.findall(f".//{_XHTML}h1")) == 1, "a page has exactly one h1"
    title = root.find(f".//{_XHTML}title")
    assert title is not None, "a page has a title"
    assert (title.text or "").strip(), "the title says something"
    assert root.get("lang"), "a page names its language"
    _check_elements(root)


def check_fragment(html: str) -> None:
    """A fragment has no frame, and keeps what holds inside a page."""
    assert "<html" not in html, "a fragment never brings the frame"
    fragment = html5lib.parseFragment(html, container="template", treebuilder="lxml")
    root = etree.Element("root")
    for part in fragment:
        if isinstance(part, etree._Element):
            root.append(part)
    _check_elements(root)


def _check_elements(root: etree._Element) -> None:
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    doubled = [name for name, count in Counter(e.get("id") for e in elements if e.get("id")).items() if count > 1]
    assert not doubled, f"doubled ids: {doubled}"
    labelled = {element.get("for") for element in elements if _tag(element) == "label"}
    for element in elements:
        tag = _tag(element)
        assert element.get("style") is None, f"inline style on <{tag}>"
        inline = [name for name in element.attrib if re.match(r"on[a-z]+$|hx-on", str(name))]
        assert not inline, f"inline script on <{tag}>: {inline}"
        assert not (tag == "script" and not element.get("src")), "inline script"
        assert tag != "style", "inline style sheet"
        for attribute in ("src", "href", "action"):
            address = element.get(attribute) or ""
            assert not re.match(r"(?:https?:)?//|javascript:", address), f"foreign address {address}"
        if tag in _LABELLED and element.get("type") not in ("hidden", "submit", "button"):
            named = element.get("id") in labelled or element.get("aria-label") or element.get("aria-labelledby")
            inside = any(_tag(parent) == "label" for parent in element.iterancestors())
            assert named or inside, f"<{tag} name={element.get('name')}> has no label"
        if tag == "button" or (tag == "a" and element.get("href")):
            text = "".join(element.itertext()).strip() or element.get("aria-label") or element.get("title")
            assert text, f"<{tag}> without a name"


def _tag(element: etree._Element) -> str:
    return str(element.tag).replace(_XHTML, "")
