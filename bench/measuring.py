"""Taking turns: every contestant has its round, again and again, so that a busy minute falls on all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from statistics import median

from bench import client
from bench.servers import Server


class WrongAnswer(Exception):
    """An answer that is neither 2xx nor 304: what was measured is not what was meant."""


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of one contestant."""

    answers: int
    seconds: float
    processor: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    @property
    def cost(self) -> float:
        """Seconds of processor time of the server for one answer."""
        return self.processor / self.answers


@dataclass(slots=True)
class Contestant:
    """Requests to one server, and the rounds it has had."""

    name: str
    server: Server
    requests: Sequence[bytes]
    connections: int = client.CONNECTIONS
    rounds: list[Round] = field(default_factory=list)
    _used: Iterator[int] = field(default_factory=count)

    def turn(self, seconds: float) -> Round:
        """Load the server for ``seconds``; raises WrongAnswer."""
        before = self.server.processor_seconds()
        found = client.load(self.server.port, self._fresh(), seconds, self.connections)
        done = Round(found.answers, found.seconds, self.server.processor_seconds() - before, found.latencies)
        if found.failures:
            statuses = ", ".join(f"{status}: {number}" for status, number in sorted(found.statuses.items()))
            raise WrongAnswer(f"{self.name} was answered {statuses}\n{found.refused.decode(errors='replace')}")
        self.rounds.append(done)
        return done

    def _fresh(self) -> Sequence[bytes]:
        # Each turn begins elsewhere, so that a store is not asked the same few things in every round.
        start = next(self._used) * 7 % len(self.requests)
        return [*self.requests[start:], *self.requests[:start]]


def take_turns(contestants: Sequence[Contestant], rounds: int, seconds: float) -> None:
    """A short turn to warm up, which is not counted, then ``rounds`` for each."""
    for contestant in contestants:
        contestant.turn(min(0.3, seconds))
        contestant.rounds.clear()
    for _ in range(rounds):
        for contestant in contestants:
            contestant.turn(seconds)


def share(of: Contestant, over: Contestant) -> list[float]:
    """Percent: the rate of one over the rate of the other, round by round."""
    return [100 * one.rate / other.rate for one, other in zip(of.rounds, over.rounds, strict=True)]


def processor_share(of: Contestant, over: Contestant) -> float:
    """Percent: what the other's answer costs the processor over what this one's costs; the median."""
    return median(100 * other.cost / one.cost for one, other in zip(of.rounds, over.rounds, strict=True))


def cost_ratio(of: Contestant, over: Contestant) -> list[float]:
    """How many times the processor time of the other one answer takes, round by round."""
    return [one.cost / other.cost for one, other in zip(of.rounds, over.rounds, strict=True)]


def tail(of: Contestant) -> list[float]:
    """The 99th percentile of the answers' times over their median, round by round."""
    return [percentile(one.latencies, 99) / percentile(one.latencies, 50) for one in of.rounds]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least ``percent`` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]
