"""One engine's run: what is asked of whom for each row of the table."""

import itertools
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from app.services import paging, tasks
from app.vault import Vault
from bench import bare, client, filling, machine, scanning, servers
from bench.clusters import Cluster
from bench.measuring import Contestant, cost_ratio, processor_share, share, tail, take_turns
from bench.rows import Result
from bench.stores import SECRET, Store, scratch

API = {"authorization": f"Bearer {filling.TOKEN}"}
PAGE = {"cookie": f"session={filling.COOKIE}"}
LIST = "/api/v1/tasks?limit=50"
READY = client.prepare("GET", "/readyz", {})


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: tasks in the store, rounds and their seconds, starts, words that are searched."""

    tasks: int
    rounds: int
    seconds: float
    starts: int
    words: int

    @property
    def grown(self) -> int:
        """Ten times the tasks, for growth."""
        return self.tasks * 10


FULL = Plan(tasks=100_000, rounds=5, seconds=2.0, starts=5, words=40)
QUICK = Plan(tasks=10_000, rounds=3, seconds=0.3, starts=2, words=10)


@dataclass(frozen=True, slots=True)
class Run:
    """One engine, its plan, the folder of kept stores, the cores, and the cluster on PostgreSQL."""

    engine: str
    plan: Plan
    kept: Path
    cores: machine.Cores
    cluster: Cluster | None

    def result(self, key: str, ratios: Sequence[float], remark: str = "") -> Result:
        """A result of this engine."""
        return Result(key, self.engine, ratios, remark)


def reads(run: Run) -> list[Result]:
    """Lists, one task, the unchanged list, the page: over bare, and the list over the plain reference."""
    with ExitStack() as stack:
        store = stack.enter_context(scratch(run.engine, run.plan.tasks, run.kept, run.cluster))
        product = stack.enter_context(servers.product(store, run.cores, READY))
        chance = random.Random(run.plan.tasks)
        some = [f"/api/v1/tasks/{chance.randint(1, run.plan.tasks)}" for _ in range(64)]
        tag = dict(client.ask(product.port, client.prepare("GET", LIST, API)).headers)["etag"]
        unchanged = client.prepare("GET", LIST, {**API, "if-none-match": tag})
        asked = {
            "list": [client.prepare("GET", LIST, API)],
            "task": [client.prepare("GET", path, API) for path in some],
            "unchanged": [unchanged],
            "page": [client.prepare("GET", "/tasks", PAGE)],
        }
        captured = {(path, False): client.ask(product.port, client.prepare("GET", path, API)) for path in (LIST, *some)}
        captured[LIST, True] = client.ask(product.port, unchanged)
        captured["/tasks", False] = client.ask(product.port, asked["page"][0])
        bare.save(store.folder / "answers", captured)
        limit = stack.enter_context(servers.bare(store.folder / "answers", run.cores, asked["list"][0]))
        plain_list = client.prepare("GET", "/tasks?limit=50", {})
        plain = stack.enter_context(servers.reference(store, run.cores, plain_list))
        ours = {key: Contestant(key, product, requests) for key, requests in asked.items()}
        theirs = {key: Contestant(f"bare {key}", limit, requests) for key, requests in asked.items()}
        reference = Contestant("reference", plain, [plain_list])
        take_turns(
            [*itertools.chain.from_iterable(zip(ours.values(), theirs.values(), strict=True)), reference],
            run.plan.rounds,
            run.plan.seconds,
        )
    return [
        *(run.result(key, share(ours[key], theirs[key]), _over_bare(ours[key], theirs[key])) for key in asked),
        run.result("plain", cost_ratio(reference, ours["list"]), _rate(reference)),
    ]


def create(run: Run) -> list[Result]:
    """Making tasks by 16 clients, each below one of 200 tasks, beside a loop that only commits."""
    with ExitStack() as stack:
        store = stack.enter_context(scratch(run.engine, run.plan.tasks, run.kept, run.cluster))
        product = stack.enter_context(servers.product(store, run.cores, READY))
        ours = Contestant("create", product, list(_new_tasks(run.plan.tasks)))
        ours.turn(0.3)
        ours.rounds.clear()
        raw = []
        for _ in range(run.plan.rounds):
            ours.turn(run.plan.seconds)
            address = store.url if store.server_pid else f"sqlite:///{store.folder / 'raw.sqlite3'}"
            count, seconds = servers.run_apart(["bench.raw_commits", address, str(run.plan.seconds)], run.cores).split()
            raw.append(int(count) / float(seconds))
    ratios = [100 * one.rate / commits for one, commits in zip(ours.rounds, raw, strict=True)]
    commits = f"{_rate(ours)}; raw {statistics.median(raw):,.0f}/s"
    half = statistics.median(statistics.median(one.latencies) for one in ours.rounds)
    return [run.result("create", ratios, commits), run.result("tail", tail(ours), f"p50 {half * 1000:.1f} ms")]


def _new_tasks(tasks: int) -> Sequence[bytes]:
    # Every fifth task is a parent (filling); a different one each time, as different people would choose.
    chance = random.Random(tasks)
    each = -(-tasks // filling.PROGRAMMES)
    bodies = []
    for number in range(200):
        parent = chance.randrange(tasks // 5) * 5
        body = {
            "programme_id": parent // each + 1,
            "parent_id": parent + 1,
            "heading": f"共建防震减灾科普示范学校{number}",
            "text": "选取三所学校共建科普示范学校，配备展品与教材，每年培训教师。定期会商，通报进展情况。",
            "due_on": "2027-12-31",
        }
        bodies.append(client.prepare("POST", "/api/v1/tasks", API, orjson.dumps(body)))
    return bodies


def depth(run: Run) -> list[Result]:
    """A full page at the beginning, the middle and the end of each sort, in a store and in one ten times as large."""
    contestants: dict[tuple[int, str, str], Contestant] = {}
    with ExitStack() as stack:
        for size in (run.plan.tasks, run.plan.grown):
            store = stack.enter_context(scratch(run.engine, size, run.kept, run.cluster))
            product = stack.enter_context(servers.product(store, run.cores, READY))
            for sort, place, path in _deep_pages(store, size):
                contestants[size, sort, place] = Contestant(path, product, [client.prepare("GET", path, API)])
        take_turns(list(contestants.values()), run.plan.rounds, run.plan.seconds / 2)
    ratios = {
        (sort, place): cost_ratio(contestant, contestants[run.plan.tasks, sort, place])
        for (size, sort, place), contestant in contestants.items()
        if size == run.plan.grown
    }
    worst = max(ratios, key=lambda key: statistics.median(ratios[key]))
    return [run.result("depth", ratios[worst], f"worst: {worst[1]} of sort {worst[0]}")]


def _deep_pages(store: Store, size: int) -> list[tuple[str, str, str]]:
    """(sort, place, path): the first page of each sort, the one in the middle and the last full one."""
    found = []
    database = scanning.opened(store)
    with database.reading() as session:
        for name, sort in tasks.SORTS.items():
            for place, row in (("first", 0), ("middle", size // 2), ("last", size - 60)):
                path = f"{LIST}&sort={name}"
                if row:
                    values = scanning.row_at(session, sort, row)
                    path += f"&cursor={paging.cursor_after(Vault(SECRET), sort, values, {})}"
                found.append((name, place, path))
    database.dispose()
    return found


def search(run: Run) -> list[Result]:
    """Words of two characters, as the service finds them and as LIKE does, in this process."""
    with scratch(run.engine, run.plan.tasks, run.kept, run.cluster) as store:
        database = scanning.opened(store)
        with database.reading() as session:
            actor = scanning.coordinator(session)
            words = scanning.words(session, run.plan.words)
            recalls, gains, times = [], [], []
            for word in words:
                found, wanted = scanning.found(session, actor, word), scanning.wanted(session, actor, word)
                recalls.append(100 * len(found & wanted) / len(wanted) if found <= wanted else 0.0)
            for word in scanning.rare(words):
                ours = _fastest(partial(scanning.first_page, session, actor, word))
                theirs = _fastest(partial(scanning.first_page_by_scan, session, actor, word), times=2)
                gains.append(theirs / ours)
                times.append(ours)
        database.dispose()
    half = statistics.median(times) * 1000
    return [
        run.result("recall", [min(recalls)], f"{len(words)} words, the worst"),
        run.result("search", gains, f"{half:.2f} ms"),
    ]


def _fastest(work: Callable[[], object], times: int = 5) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


def footprint(run: Run) -> list[Result]:
    """Starts of product and bare in turns; after the last, load on both, then their own memory."""
    starts: list[float] = []
    times: list[float] = []
    request = client.prepare("GET", LIST, API)
    with scratch(run.engine, run.plan.tasks, run.kept, run.cluster) as store:
        for turn in range(run.plan.starts):
            with servers.product(store, run.cores, request) as product:
                bare.save(store.folder / "answers", {(LIST, False): client.ask(product.port, request)})
                with servers.bare(store.folder / "answers", run.cores, request) as limit:
                    starts.append(product.first_answer / limit.first_answer)
                    times.append(product.first_answer)
                    if turn + 1 == run.plan.starts:
                        pages = client.prepare("GET", "/tasks", PAGE)
                        Contestant("load", product, [request, pages, *_new_tasks(run.plan.tasks)]).turn(
                            run.plan.seconds
                        )
                        Contestant("load of bare", limit, [request]).turn(run.plan.seconds)
                        mine, others = product.private_bytes(), limit.private_bytes()
    return [
        run.result("start", starts, f"{statistics.median(times):.2f} s"),
        run.result("memory", [mine / others], f"{mine / 2**20:.0f} MB"),
    ]


def _over_bare(ours: Contestant, theirs: Contestant) -> str:
    cost = statistics.median(one.cost for one in ours.rounds) * 1000
    return f"{processor_share(ours, theirs):.1f} % by processor; {cost:.2f} ms"


def _rate(contestant: Contestant) -> str:
    return f"{statistics.median(one.rate for one in contestant.rounds):,.0f}/s"


# Which rows come out of which part of the run.
PARTS: Mapping[Callable[[Run], list[Result]], frozenset[str]] = {
    reads: frozenset({"list", "task", "unchanged", "plain", "page"}),
    create: frozenset({"create", "tail"}),
    depth: frozenset({"depth"}),
    search: frozenset({"recall", "search"}),
    footprint: frozenset({"start", "memory"}),
}
