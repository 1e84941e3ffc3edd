"""The thin way to rows: a select that is compiled once and then run on the driver's own cursor.

Building a statement anew and reading its result through all of SQLAlchemy costs ten times what either
engine needs to answer. What is asked in every request is prepared instead: ``Prepared`` keeps the
text for each dialect and gives named tuples; values that change are ``given("name")`` in it. It takes
selects alone, so nothing goes past the recording door. ``PreparedInsert`` is the same for rows that are
written, and runs where the door looks at it.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    CompoundSelect,
    Connection,
    Dialect,
    Integer,
    Select,
    String,
    bindparam,
    insert,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine
from sqlmodel import Session
from sqlmodel.sql.sqltypes import UTCDateTime

from app.read_sessions import ReadSession, as_sqlalchemys, dialect_of

Convert = Callable[[Any], Any]
# Told the text of each statement that is run; for tests that count.
watchers: list[Callable[[str], None]] = []


def given(name: str) -> BindParameter[Any]:
    """The place of a value that is told at each run; its type comes from what it is compared with."""
    return bindparam(name, None)


def row_type(names: Sequence[str]) -> Any:
    """A type of named tuples; whoever checks types cannot know names that are made here."""
    made: Any = namedtuple
    return made("Row", names)


class _Ids(TypeDecorator[Sequence[int]]):
    """Any number of ids as one value: an array where the engine has them, else JSON."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(Integer()) if dialect.name == "postgresql" else String()

    def process_bind_param(self, value: Sequence[int] | None, dialect: Dialect) -> Any:
        return list(value or ()) if dialect.name == "postgresql" else str(list(value or ()))


class among(FunctionElement[Any]):  # noqa: N801 - reads as the function that it is for its callers
    """Whether ``column`` is one of the ids that are told at each run under ``name``, as many as there are then."""

    # Not Boolean, or SQLite is asked whether the condition equals 1, which no index answers.
    type: Any = NullType()
    inherit_cache = True

    def __init__(self, column: Any, name: str) -> None:
        super().__init__(column, bindparam(name, None, _Ids()))


@compiles(among)
def _among(element: among, compiler: SQLCompiler, **more: Any) -> str:
    column, ids = (compiler.process(clause, **more) for clause in element.clauses)
    if compiler.dialect.name == "postgresql":
        return f"{column} = ANY ({ids})"
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - texts of the compiler


class Prepared:
    """A select whose text is made once for each dialect. ``alone``: its row may be of an earlier snapshot (driver).

    ``varies``: how it is best run depends so much on its values that PostgreSQL has to plan it anew each time.
    """

    def __init__(
        self,
        statement: Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]],
        *,
        alone: bool = False,
        varies: bool = False,
    ) -> None:
        if not getattr(statement, "is_select", False):
            raise TypeError("only a select can be prepared")
        self._statement = statement
        self._alone = alone
        self._varies = varies
        self._made: dict[str, _Made] = {}

    def all(self, session: Session, **values: Any) -> list[Any]:
        """Every row as a named tuple. Raises what SQLAlchemy would."""
        made, cursor = self._run(session, values)
        return made.rows(cursor.fetchall())

    def first(self, session: Session, **values: Any) -> Any:
        """The first row, or None."""
        made, cursor = self._run(session, values)
        found = cursor.fetchone()
        cursor.close()
        return None if found is None else made.rows([found])[0]

    def scalar(self, session: Session, **values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.first(session, **values)
        return None if found is None else found[0]

    def _run(self, session: Session, values: dict[str, Any]) -> tuple["_Made", Any]:
        dialect = dialect_of(session)
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made.setdefault(dialect.name, _make(self._statement, dialect))
        for watcher in watchers:
            watcher(made.text)
        return made, self._execute(session, made, made.bound(values), dialect)

    def _execute(self, session: Session, made: "_Made", bound: Any, dialect: Dialect, *, again: bool = True) -> Any:
        reader = session if isinstance(session, ReadSession) else None
        if reader is not None:
            driver = reader.driver(alone=self._alone)
        else:
            # What the session has changed so far is asked for too.
            session.flush()
            driver = session.connection().connection.driver_connection
        try:
            if self._varies and dialect.name == "postgresql":
                return driver.execute(made.text, bound, prepare=False)
            return driver.execute(made.text, bound)
        except dialect.loaded_dbapi.Error as error:
            trouble = as_sqlalchemys(error, made.text, dialect, driver)
            lost = trouble.connection_invalidated and reader is not None and reader.lose(trouble)
            if not (lost and again):
                raise trouble from error
        return self._execute(session, made, bound, dialect, again=False)


@dataclass(slots=True)
class _Made:
    """A statement for one dialect: its text, what is bound to it, and how a row is read."""

    text: str
    constants: dict[str, Any]
    changing: dict[str, Convert | None]
    order: list[str] | None
    make: Callable[[Any], Any]
    converts: list[tuple[int, Convert]]

    def bound(self, values: Mapping[str, Any]) -> Any:
        given = {name: convert(values[name]) if convert else values[name] for name, convert in self.changing.items()}
        bound = {**self.constants, **given} if self.constants else given
        return bound if self.order is None else [bound[name] for name in self.order]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The same as SQLAlchemy takes it for the driver."""
        bound = self.bound(values)
        return bound if self.order is None else tuple(bound)

    def rows(self, found: list[Any]) -> list[Any]:
        make, converts = self.make, self.converts
        if not converts:
            return [make(row) for row in found]
        rows = []
        for row in found:
            values = list(row)
            for place, convert in converts:
                values[place] = convert(values[place])
            rows.append(make(values))
        return rows


class PreparedInsert:
    """An INSERT of rows of a model, of which these columns are given; its text is made once for each dialect.

    It runs on SQLAlchemy's connection, so that the recording door looks at it as at any other statement.
    """

    def __init__(self, model: Any, columns: Sequence[str]) -> None:
        self._statement: Any = insert(model)
        if "id" not in columns:
            self._statement = self._statement.returning(model.id)
        self._columns = list(columns)
        self._made: dict[str, _Made] = {}

    def one(self, connection: Connection, row: Mapping[str, Any]) -> int:
        """Insert a row without an id; gives the one that it got."""
        made = self._made_for(connection.dialect)
        return int(connection.exec_driver_sql(made.text, made.parameters(row)).scalar_one())

    def all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, of which there is at least one."""
        made = self._made_for(connection.dialect)
        connection.exec_driver_sql(made.text, [made.parameters(row) for row in rows])

    def _made_for(self, dialect: Dialect) -> "_Made":
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made.setdefault(dialect.name, _make(self._statement, dialect, self._columns))
        return made


def _make(statement: Any, dialect: Dialect, columns: list[str] | None = None) -> _Made:
    """``columns``: those that an INSERT is given."""
    compiled = statement.compile(dialect=dialect, column_keys=columns, compile_kwargs={"render_postcompile": True})
    processors = compiled._bind_processors
    constants: dict[str, Any] = {}
    changing: dict[str, Convert | None] = {}
    for name, value in compiled.params.items():
        parameter = compiled.binds.get(name)
        if parameter is not None and not parameter.unique:
            changing[name] = processors.get(name)
        else:
            convert = processors.get(name)
            constants[name] = convert(value) if convert else value
    found: Any = compiled._result_columns
    row = row_type([column.keyname for column in found])
    converts = []
    for place, column in enumerate(found):
        convert = _reader(column.type, dialect)
        if convert is not None:
            converts.append((place, convert))
    return _Made(str(compiled), constants, changing, compiled.positiontup, row._make, converts)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What makes a value of the driver's one of ``kind``: as SQLAlchemy does, but faster where that is slow."""
    own = kind.dialect_impl(dialect)
    convert = own.result_processor(dialect, None)
    if isinstance(kind, UTCDateTime):
        return _moment if dialect.name == "sqlite" else _in_utc
    return convert


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "+00:00")


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


__all__ = ["Prepared", "PreparedInsert", "among", "dialect_of", "given", "row_type", "watchers"]
