"""The table as Markdown, as it stands in the README."""

from collections.abc import Sequence
from datetime import date

from bench.rows import NOT_YET, Result

_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def markdown(results: Sequence[Result], *, machine: str, today: date, mode: str) -> str:
    """Every result with its spread, its bounds and whether it stands; then what is not measured yet."""
    lines = [
        f"Measured {today.isoformat()} on {machine} ({mode}).",
        "",
        "| what | engine | median | spread | floor | aim | stands | remark |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(result) for result in results]
    lines += [f"| {text} | | | | | | | {reason} |" for text, reason in NOT_YET.items()]
    return "\n".join(lines)


def _line(result: Result) -> str:
    row, engine = result.row, result.engine
    verdict = "aim" if row.reaches_aim(engine, result.value) else "yes" if result.stands else "**no**"
    cells = (
        row.text,
        _NAMES[engine],
        row.shown(result.value),
        f"{row.shown(min(result.ratios))} to {row.shown(max(result.ratios))}",
        row.shown(row.bound(engine, row.floor)),
        row.shown(row.bound(engine, row.aim)),
        verdict,
        result.remark,
    )
    return f"| {' | '.join(cells)} |"
