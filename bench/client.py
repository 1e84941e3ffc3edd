"""The client: kept-alive sockets and a selector, one request under way on each.

It only does what a load generator must: send prepared bytes, find the end of the answer, note the
status and how long it took.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle

CONNECTIONS = 16
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_BUFFER = 1 << 18
_PATIENCE = 30.0


class Unanswered(Exception):
    """The server closed a connection, sent no length or said nothing for half a minute."""


@dataclass(slots=True)
class Answer:
    """One whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class Load:
    """What came back while load was on: how many answers of each status, and each one's seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    refused: bytes = b""

    @property
    def answers(self) -> int:
        """All answers."""
        return len(self.latencies)

    @property
    def failures(self) -> int:
        """Answers that are neither 2xx nor 304."""
        return sum(count for status, count in self.statuses.items() if not (200 <= status < 300 or status == 304))


def prepare(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request over a kept-alive connection."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(port: int, request: bytes) -> Answer:
    """One request and its whole answer; raises OSError where nobody listens."""
    with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
        connection.sendall(request)
        received = b""
        while (missing := _missing(received)) != 0:
            more = connection.recv(_BUFFER)
            if not more:
                raise Unanswered(f"the connection was closed with {missing} bytes to come")
            received += more
    head, _, body = received.partition(_END)
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in rest)]
    return Answer(int(first.split()[1]), headers, body)


def load(port: int, requests: Iterable[bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
    """Keep ``connections`` requests under way for ``seconds``; ``requests`` begin anew when they are used up."""
    source = cycle(requests)
    found = Load()
    with selectors.DefaultSelector() as selector:
        open_sockets = [_Exchange(port) for _ in range(connections)]
        for exchange in open_sockets:
            selector.register(exchange.socket, selectors.EVENT_READ, exchange)
        started = time.perf_counter()
        for exchange in open_sockets:
            exchange.send(source)
        _serve(selector, source, found, started + seconds)
        found.seconds = time.perf_counter() - started
        for exchange in open_sockets:
            exchange.socket.close()
    return found


class _Exchange:
    """One connection and the request that is under way on it."""

    __slots__ = ("received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.sent_at = 0.0

    def send(self, source: Iterator[bytes]) -> None:
        self.received = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(next(source))


def _serve(selector: selectors.BaseSelector, source: Iterator[bytes], found: Load, deadline: float) -> None:
    """Answer by answer until the deadline; what is under way then is waited for, so that it cannot trouble the next."""
    under_way = len(selector.get_map())
    while under_way:
        events = selector.select(_PATIENCE)
        if not events:
            raise Unanswered("no answer for half a minute")
        now = time.perf_counter()
        for key, _ in events:
            exchange: _Exchange = key.data
            more = exchange.socket.recv(_BUFFER)
            if not more:
                raise Unanswered("the server closed a kept-alive connection")
            exchange.received = exchange.received + more if exchange.received else more
            if _missing(exchange.received) != 0:
                continue
            status = int(exchange.received[9:12])
            found.statuses[status] += 1
            found.latencies.append(now - exchange.sent_at)
            if status >= 400 and not found.refused:
                found.refused = exchange.received[:2000]
            if now < deadline:
                exchange.send(source)
            else:
                under_way -= 1


def _missing(received: bytes) -> int | None:
    """How many bytes of the answer are still to come; None while its head is not whole."""
    end = received.find(_END)
    if end < 0:
        return None
    at = received.find(_LENGTH, 0, end)
    if at < 0:
        if received[9:12] in (b"304", b"204"):
            return 0
        raise Unanswered("an answer without its length")
    length = int(received[at + len(_LENGTH) : received.index(b"\r\n", at)])
    return length - (len(received) - end - len(_END))
