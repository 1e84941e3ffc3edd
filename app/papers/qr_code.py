"""QR code: a text as a picture that the page draws."""

from dataclasses import dataclass

import segno

_QUIET = 4  # modules of white around it, ISO/IEC 18004 6.3.8


@dataclass(frozen=True, slots=True)
class QrCode:
    """``size`` modules to a side; ``path`` draws the dark ones as an SVG path."""

    size: int
    path: str


def draw(text: str) -> QrCode:
    """The code of ``text``, readable where up to 15 % of it is damaged."""
    code = segno.make(text, error="m", micro=False)
    rows = [bytes(row) for row in code.matrix_iter(border=_QUIET)]
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            width = next((k for k, dark in enumerate(row[x:]) if not dark), len(row) - x)
            if width:
                runs.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width + 1
    return QrCode(len(rows), "".join(runs))
