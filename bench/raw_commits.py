"""The limit of durable writing: a loop on the driver that inserts one row and commits.

``python -m bench.raw_commits URL SECONDS`` prints the commits and the seconds they took. One
connection, one row of a task's size, no index but the key, synchronous=FULL or fsync on.
"""

import sqlite3
import sys
import time
from collections.abc import Callable

import psycopg
from sqlalchemy import make_url

_ROW = ("三/（一）/2", "建立防震减灾科普示范学校联络机制", "选取三所学校共建科普示范学校，" * 6)
_INSERT = "INSERT INTO raw_commits (path, heading, text) VALUES"


def run(url: str, seconds: float) -> tuple[int, float]:
    """Commit for ``seconds`` on a table of its own; returns commits and seconds."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with sqlite3.connect(str(address.database), isolation_level=None) as store:
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("PRAGMA synchronous=FULL")
            store.execute("CREATE TABLE IF NOT EXISTS raw_commits (id INTEGER PRIMARY KEY, path, heading, text)")
            return _loop(lambda: _sqlite(store), seconds)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS raw_commits (id bigserial PRIMARY KEY, path text, heading text, text text)"
        )
        connection.commit()
        return _loop(lambda: _postgresql(connection), seconds)


def _sqlite(store: sqlite3.Connection) -> None:
    store.execute("BEGIN IMMEDIATE")
    store.execute(f"{_INSERT} (?, ?, ?)", _ROW)
    store.execute("COMMIT")


def _postgresql(connection: psycopg.Connection) -> None:
    connection.execute(f"{_INSERT} (%s, %s, %s)", _ROW)
    connection.commit()


def _loop(commit: Callable[[], None], seconds: float) -> tuple[int, float]:
    count = 0
    started = time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        commit()
        count += 1
    return count, spent


if __name__ == "__main__":
    print(*run(sys.argv[1], float(sys.argv[2])))
