"""Programmes: what every one of them starts with, and how an order is changed."""

from collections.abc import Sequence

# The five ways of assistance (product.md, Words); a programme may rename them and add others.
STANDARD_TRACKS = (
    ("funding", "资金"),
    ("project", "项目"),
    ("talent", "智力"),
    ("science", "科技"),
    ("livelihood", "民生"),
)


def moved(order: Sequence[int], item: int, place: int) -> list[int]:
    """``order`` with ``item`` at ``place``, counted from 0; a place beyond the end is the end."""
    rest = [other for other in order if other != item]
    rest.insert(place, item)
    return rest


def free_code(codes: set[str], number: int) -> str:
    """A code for a track that was given none: ``track_6``, or the next that is free."""
    while f"track_{number}" in codes:
        number += 1
    return f"track_{number}"
