"""PDF files with text: pages in order, lines that only the page width broke put together again."""

import io
import re
import time
import unicodedata
from collections import Counter
from typing import Final

import pypdf
from pypdf.errors import PyPdfError

from app.papers.plan_refusals import PlanDamaged, PlanEncrypted, PlanRefused, PlanScan, PlanTooLong, PlanTooSlow
from app.papers.plans import furniture, labels, markers, titles
from app.papers.plans.folding import fold
from app.papers.plans.repairs import doubled_run
from app.papers.plans.source import MAX_CHARACTERS, SourceLine, clean

MAX_PAGES: Final = 400
SECONDS: Final = 25.0
_PAGE_NUMBER: Final = re.compile(r"[-—–－·. ]*\d{1,4}[-—–－·. ]*|第 ?\d+ ?页.*")
_INDENT: Final = 4  # the half characters that a paragraph's first line is set in
_TERMINAL: Final = "。！？；：…"
# Between two Chinese characters a space is only the gap that justified setting left.
_GAP: Final = re.compile(r"(?<=[\u3000-\u9fff\uff00-\uffef”“’‘]) +(?=[\u3000-\u9fff\uff00-\uffef”“’‘])")


def lines(data: bytes) -> list[SourceLine]:
    """The lines of a PDF. Refused when it is locked, damaged, a scan, or does not end."""
    try:
        pages = _pages(data)
    except PlanRefused:
        raise
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, ArithmeticError) as error:
        raise PlanDamaged from error
    except (RecursionError, MemoryError, AssertionError, NotImplementedError, RuntimeError, StopIteration) as error:
        raise PlanDamaged from error
    if sum(len(line.strip()) for page in pages for line in page) < 20:
        raise PlanScan
    return [SourceLine(text) for text in _unwrap(pages)]


def _pages(data: bytes) -> list[list[str]]:
    started = time.monotonic()
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise PlanEncrypted
    found: list[list[str]] = []
    total = 0
    for at, page in enumerate(reader.pages):
        if at >= MAX_PAGES or time.monotonic() - started > SECONDS:
            raise PlanTooSlow
        text = page.extract_text()
        total += len(text)
        if total > MAX_CHARACTERS:
            raise PlanTooLong(limit=f"{MAX_CHARACTERS:,}")
        found.append([clean(line).rstrip() for line in _composed(text).split("\n")])
    return found


def _composed(text: str) -> str:
    """``text`` with the characters that fonts make of radicals (⼀ for 一) put back."""
    if any("\u2e80" <= c <= "\u2fdf" or "\uf900" <= c <= "\ufaff" for c in text):
        return "".join(
            unicodedata.normalize("NFKC", c) if "\u2e80" <= c <= "\u2fdf" or "\uf900" <= c <= "\ufaff" else c
            for c in text
        )
    return text


def _width(text: str) -> int:
    """The width of a line in half characters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in text)


def _full(pages: list[list[str]]) -> int:
    """The width that a full line has: a common width that few lines exceed."""
    widths = sorted(_width(line.strip()) for page in pages for line in page if len(line.strip()) > 4)
    if not widths:
        return 0
    common = Counter(width // 2 for width in widths if width > widths[len(widths) // 2] * 0.8)
    high = widths[min(len(widths) - 1, len(widths) * 95 // 100)]
    best = max(common, key=lambda w: (common[w], w)) * 2 if common else high
    return max(best, high)


def _unwrap(pages: list[list[str]]) -> list[str]:
    """Paragraphs: a full line that ends no sentence goes on with the next, across pages too."""
    full = _full(pages)
    out: list[str] = []
    open_line = False
    for page in pages:
        for raw in page:
            line = _without_gaps(raw.strip())
            if not line:
                continue
            if _PAGE_NUMBER.fullmatch(line):
                # Kept as a line of its own, before the paragraph that it cut.
                out.insert(len(out) - 1 if open_line and out else len(out), line)
                continue
            joined = open_line and bool(out) and not _begins(line, out[-1]) and not doubled_run(out[-1], line)
            if joined:
                out[-1] = _join(out[-1], line)
            else:
                out.append(line)
            open_line = _goes_on(raw, line, full if joined else full - _INDENT)
    return out


def _goes_on(raw: str, line: str, full: int) -> bool:
    return _width(raw.strip()) >= full - 6 and full >= 20 and line[-1] not in _TERMINAL


def _without_gaps(line: str) -> str:
    """A justified line without the gaps between its characters; a few spaces were meant."""
    gaps = len(_GAP.findall(line))
    return _GAP.sub("", line) if gaps > max(4, len(line) // 8) else line


def _begins(line: str, before: str) -> bool:
    """Whether a line begins something new; inside an open bracket a label does not."""
    folded = fold(line)
    if before.count("（") + before.count("(") > before.count("）") + before.count(")"):
        return False
    if markers.read(folded) is not None or markers.annex(folded) is not None:
        return True
    if furniture.is_number(folded) or titles.could_end(fold(before)):
        return True
    label = next(labels.find(folded[:40]), None)
    return label is not None and label.start == 0


def _join(left: str, right: str) -> str:
    """Two pieces of a line; words of Latin letters keep their space."""
    space = " " if left[-1:].isascii() and left[-1:].isalpha() and right[:1].isascii() and right[:1].isalpha() else ""
    return left + space + right
