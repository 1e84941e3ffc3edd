"""Dates and moments in words, in the reader's language and in the time of Shanghai.

A list says one for every row, so what the library would look up each time is looked up once: the
language's own data, and the words for a distance, which are the same for all rows of about that age.
"""

from datetime import date, datetime, timedelta
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta

from app import clock

_MINUTE = 60
_CHINESE = "zh_CN"


def date_text(language: str, value: date | None) -> str:
    """A date written out; nothing for none."""
    if value is None:
        return ""
    if language == _CHINESE:
        return f"{value.year}年{value.month}月{value.day}日"
    return format_date(value, "d MMMM y", locale=_locale(language))


def time_text(language: str, value: datetime | None) -> str:
    """A moment to the minute; nothing for none."""
    if value is None:
        return ""
    local = value.astimezone(clock.SHANGHAI)
    if language == _CHINESE:
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return format_datetime(local, "d MMM y HH:mm", locale=_locale(language))


def ago(language: str, value: datetime, now: datetime) -> str:
    """How long before or after ``now`` a moment is, in the largest unit that fits."""
    seconds = round((value - now).total_seconds())
    # Beyond an hour a minute more or less changes no word.
    return _distance(language, seconds if abs(seconds) < _MINUTE * 60 else seconds // _MINUTE * _MINUTE)


@lru_cache(maxsize=1 << 14)
def _distance(language: str, seconds: int) -> str:
    return str(format_timedelta(timedelta(seconds=seconds), add_direction=True, locale=_locale(language)))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language)
