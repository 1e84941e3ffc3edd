"""Eight who write over HTTP until the server is gone, and remember exactly what it acknowledged."""

import hashlib
import random
import threading
from dataclasses import dataclass, field

import httpx

from tests import factories
from tests.factories import World

WRITERS = 8


@dataclass(slots=True)
class Written:
    """A task as its writer knows it: what was acknowledged, and what was under way when the server went."""

    id: int
    version: int
    heading: str
    sent: str = ""


@dataclass(slots=True)
class Ledger:
    """What all writers together were promised. ``refused`` are answers that promised nothing, ``broken`` those
    that said yes and meant something else.
    """

    tasks: list[Written] = field(default_factory=list)
    files: dict[int, str] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    replayed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    acknowledged: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    target: int = 0

    def promise(self) -> None:
        """Count one acknowledged write."""
        with self.lock:
            self.acknowledged += 1
            if self.acknowledged >= self.target:
                self.enough.set()

    def aim(self, more: int) -> None:
        """Let ``enough`` be set after so many more."""
        with self.lock:
            self.enough.clear()
            self.target = self.acknowledged + more


class Writer(threading.Thread):
    """One of the eight, for one round."""

    def __init__(
        self, number: str, address: str, world: World, ledger: Ledger, open_key: tuple[str, str] | None
    ) -> None:
        super().__init__(daemon=True)
        self.number = number
        self.world = world
        self.ledger = ledger
        # A create whose answer never came: sent again under its key, it must not be done twice.
        self.open_key = open_key
        self.random = random.Random(number)
        self.count = 0
        self.client = httpx.Client(
            base_url=f"{address}/api/v1",
            headers={"Authorization": f"Bearer {factories.bearer_token('coordinator')}"},
            trust_env=False,
            timeout=30,
        )

    def run(self) -> None:
        """Write until the connection is cut."""
        try:
            with self.client:
                own = self._create()
                while True:
                    step = self.random.random()
                    if own is None or step < 0.2:
                        own = self._create() or own
                    elif step < 0.4:
                        self._attach(own)
                    else:
                        self._change(own)
        except httpx.TransportError:
            return

    def _create(self) -> Written | None:
        key, heading = self.open_key or self._next()
        self.open_key = key, heading
        body = {"programme_id": self.world.programmes["home"], "section": "三/（一）", "heading": heading}
        answer = self.client.post("/tasks", json=body, headers={"Idempotency-Key": key})
        self.open_key = None
        if not self._promised(answer, 201):
            return None
        made = Written(answer.json()["id"], answer.json()["version"], heading)
        with self.ledger.lock:
            self.ledger.tasks.append(made)
            self.ledger.replayed += "idempotency-replayed" in answer.headers
        return made

    def _change(self, own: Written) -> None:
        own.sent = self._next()[1]
        headers = {"If-Match": f'"{own.version}"'}
        answer = self.client.patch(f"/tasks/{own.id}", json={"heading": own.sent}, headers=headers)
        if self._promised(answer, 200):
            said = answer.json()
            if (said["version"], said["heading"]) != (own.version + 1, own.sent):
                self.ledger.broken.append(f"{own} was answered {said['version']}, {said['heading']}")
            own.version, own.heading = own.version + 1, own.sent
        own.sent = ""

    def _attach(self, own: Written) -> None:
        content = f"附件 {self._next()[1]}".encode()
        query = {"subject_type": "tasks", "subject_id": own.id}
        answer = self.client.post("/attachments", params=query, files={"file": ("说明.txt", content, "text/plain")})
        if self._promised(answer, 201):
            with self.ledger.lock:
                self.ledger.files[answer.json()["id"]] = hashlib.sha256(content).hexdigest()

    def _next(self) -> tuple[str, str]:
        self.count += 1
        name = f"{self.number}-{self.count}"
        return f"key-{name}", f"任务 {name}"

    def _promised(self, answer: httpx.Response, status: int) -> bool:
        if answer.status_code == status:
            self.ledger.promise()
            return True
        with self.ledger.lock:
            self.ledger.refused.append((answer.status_code, answer.json().get("code", "")))
        return False
