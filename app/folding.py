"""Folding of names: two spellings of one unit in two documents become one text to compare.

Plans come from scans, from Word and from web pages: the same name stands in full-width or
half-width forms, with brackets of any shape and with spaces that line breaks have left behind.
A folded name is only compared, never shown.
"""

import unicodedata

MAX_FOLDED = 200
# What NFKC leaves apart: brackets of Chinese print, the dot inside names, invisible marks.
_SAME = str.maketrans(
    {
        **dict.fromkeys("［〔【〖{⦅[", "("),
        **dict.fromkeys("］〕】〗}⦆]", ")"),
        **dict.fromkeys("•‧∙・･", "·"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
    }
)


def fold(name: str) -> str:
    """``name`` as matching sees it: NFKC, one kind of bracket, no spaces, no case. At most 200 characters."""
    composed = unicodedata.normalize("NFKC", name).translate(_SAME).casefold()
    return "".join(composed.split())[:MAX_FOLDED]
