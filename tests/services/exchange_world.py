"""Two installations that cannot reach each other, and packages carried between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import Session, col

from app.adapters import storage
from app.database import Database
from app.models import ExchangePackage
from app.permissions import Actor
from app.services import events, exchange_exports, exchange_intake, exchange_packages, exchange_states
from app.services import exchange_nouns as nouns
from app.services.exchange_applying import Applied
from app.services.exchange_checks import Checked
from app.settings import Settings
from tests import factories
from tests.conftest import Stores

Rows = dict[str, list[dict[str, Any]]]


def quiet(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Host:
    """One installation with its store, its files and its trust in the other."""

    settings: Settings
    world: factories.World
    database: Database
    files: storage.Storage
    programme_id: int | None = None

    @property
    def place(self) -> exchange_exports.Place:
        """Where packages are made and read."""
        return exchange_exports.Place(self.database, self.files, self.settings.data / "tmp")

    def actor(self, login: str = "coordinator") -> Actor:
        """A persona as the service meets them now."""
        return factories.actor_of(self.database, self.world, login)

    @property
    def name(self) -> str:
        """What others call this installation."""
        with self.database.transaction() as session:
            return exchange_states.installation(session)

    def trust(self, other: "Host") -> None:
        """Take packages of ``other`` from now on."""
        key = f"{other.name}:{other.database.vault.exchange_key}"
        self.settings = self.settings.model_copy(update={"exchange_keys": key})

    def send(self, actor: Actor = factories.SYSTEM) -> bytes:
        """A package of the programme as it is now."""
        assert self.programme_id is not None
        with self.database.transaction() as session:
            key = exchange_exports.begin(session, actor, self.programme_id, now=datetime.now(UTC), queued=False).key
        made = exchange_exports.make(self.place, actor, key, now=lambda: datetime.now(UTC), progress=quiet)
        return b"".join(self.files.read(made.sha256))

    def arrive(self, data: bytes, actor: Actor = factories.SYSTEM) -> int:
        """Bring a package to the door; gives the id of its row."""
        folder = self.place.folder
        with exchange_exports.temporary(folder) as file:
            file.write(data)
            arrived = exchange_intake.arrive(self.place, self.settings, "包.duikou.zip", file)
            with self.database.transaction() as session:
                return exchange_packages.receive(session, actor, arrived, now=datetime.now(UTC), queued=False).key

    def look(self, data: bytes, actor: Actor = factories.SYSTEM) -> Checked:
        """What a package would do."""
        return exchange_intake.look(self.place, self.settings, actor, self.arrive(data, actor), progress=quiet)

    def take(self, data: bytes, side: str = "", actor: Actor = factories.SYSTEM) -> Applied:
        """Take a package in, every conflict decided for one side, or for none."""
        key = self.arrive(data, actor)
        exchange_intake.look(self.place, self.settings, actor, key, progress=quiet)
        applied = exchange_intake.apply(
            self.place, self.settings, actor, key, now=datetime.now(UTC), progress=quiet, take=side
        )
        self.programme_id = self.programme_id or applied.programme_id
        return applied

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """A transaction whose changes are one event of the suite."""
        with self.database.transaction() as session:
            yield session
            events.record(session, factories.SYSTEM, "demo.build", programme_id=self.programme_id)

    def rows(self) -> Rows:
        """Everything of the programme that is exchanged, in words that are the same on every host."""
        assert self.programme_id is not None
        with self.database.reading() as session:
            return contents(session, self.programme_id)

    def count(self, model: Any) -> int:
        """How many rows of a model there are."""
        with self.database.reading() as session:
            return len(session.scalars(select(model)).all())

    def package(self, key: int) -> ExchangePackage:
        """One package's row."""
        with self.database.reading() as session:
            return session.get_one(ExchangePackage, key)


def contents(session: Session, programme_id: int) -> Rows:
    """Rows by noun without ids: references as the labels of what they name, in a stable order."""
    found: Rows = {}
    labels: dict[tuple[str, int], str] = {}
    for noun in nouns.NOUNS:
        model: Any = noun.model
        statement = select(model) if noun.owned else select(model).where(col(model.id).in_(noun.ids(programme_id)))
        rows = session.scalars(statement.order_by(col(model.id))).all()
        for row in rows:
            labels[(noun.name, row.id)] = str(_label(row))
        if noun.owned:
            continue
        found[noun.name] = sorted((_plain(noun, row, labels) for row in rows), key=repr)
    return found


def _label(row: Any) -> str:
    for name in ("heading", "title", "what", "code", "name", "named_as"):
        if getattr(row, name, ""):
            return f"{getattr(row, name)}"
    return ""


def _plain(noun: nouns.Noun, row: Any, labels: dict[tuple[str, int], str]) -> dict[str, Any]:
    values = nouns.values(noun, row)
    for column, target in nouns.references(noun).items():
        if values[column] is not None:
            values[column] = labels[(target or values["subject_type"], values[column])]
    return values


@contextmanager
def two_hosts(stores: Stores) -> Iterator[tuple[Host, Host]]:
    """A host of the aiding bureau, which has the programme, and one of the receiving bureau, which has its units."""
    copies = [stores.copy(), stores.copy()]
    hosts = []
    for number, copy in enumerate(copies):
        settings = copy.model_copy(update={"secret_key": SecretStr(f"secret of host {number} " * 3)})
        hosts.append(Host(settings, stores.world, Database(settings), storage.from_settings(settings)))
    one, other = hosts
    one.programme_id = stores.world.programmes["home"]
    one.trust(other)
    other.trust(one)
    try:
        yield one, other
    finally:
        for host, copy in zip(hosts, copies, strict=True):
            host.database.dispose()
            stores.drop(copy)
