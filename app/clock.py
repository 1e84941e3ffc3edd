"""Time as the trade counts it: instants in UTC, dates in Asia/Shanghai, for all of China."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present instant, aware, in UTC. Called at the edge and passed inwards."""
    return datetime.now(UTC)


def date_of(instant: datetime) -> date:
    """The calendar date in Asia/Shanghai of an aware instant; it is never the database's date."""
    return instant.astimezone(SHANGHAI).date()
