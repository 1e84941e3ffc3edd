"""What a process keeps to itself: nothing that another replica would have to know.

Sessions, throttles, form tokens, idempotency keys and jobs are rows. What stands here is either read once
from files of the release, the same in every process, or bounds this process's own use of its machine.
"""

import ast
from pathlib import Path

from tests.house.tree import APP, files, name, parsed

# Where > what is kept, and why no other process has to know it.
KEPT = {
    "app/adapters/meters.py": "this process's own measurements; whoever reads them adds processes up",
    "app/adapters/oidc.py": "what the provider says of itself and its keys, an hour old at most; it can be asked again",
    "app/addresses.py": "networks of a setting",
    "app/catalogues.py": "sentences of the release",
    "app/database.py": "the lock of one embedded store, whose file has a lock of its own",
    "app/prepared.py": "texts of statements of the release; whoever counts them in a test",
    "app/recording.py": "which tables a statement names",
    "app/routers/api/answers.py": "rights as a text",
    "app/revisions.py": "which steps of the schema the release has",
    "app/routers/hands.py": "which threads of this process are at work",
    "app/routers/late.py": "the lock under which a route is analysed",
    "app/routers/moments.py": "words of a language for a date and a distance",
    "app/routers/rendering.py": "templates of the release",
    "app/routers/statics.py": "files of the release",
    "app/schemas/base.py": "which fields a schema has",
    "app/services/assignments.py": "statements by what a reader may see; no row",
    "app/services/demo.py": "the demonstration's content, a file of the release",
    "app/services/exchange_nouns.py": "which columns a noun of a package has, from the models of the release",
    "app/services/figures.py": "figures of the store for the measurements, a few seconds old at most",
    "app/services/live.py": "a statement for each engine; no row",
    "app/services/passwords.py": "common passwords, a file of the release",
    "app/services/recognition.py": "who was behind a secret; the log is asked each time whether that still stands",
    "app/services/task_lists.py": "statements by what a reader may see; no row",
    "app/services/tasks.py": "statements by what a reader may see and asks for; no row",
    "app/services/plan_reading.py": "how many readings this machine bears at once",
    "app/worker/loop.py": "which leases this worker has to renew; the leases themselves are rows",
}
_KEEPERS = {"cache", "lru_cache", "cached_property"}
_LOCKS = {"Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition"}
_MAKERS = _LOCKS | {
    "Lock",
    "RLock",
    "Semaphore",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "Queue",
    "defaultdict",
    "dict",
    "set",
    "list",
}


def _called(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _keeps(path: Path) -> bool:
    """Whether a module caches, locks, rebinds a global, or holds something empty that is to be filled."""
    tree = parsed(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if _KEEPERS & {_called(decorator) for decorator in node.decorator_list}:
                return True
        elif isinstance(node, ast.Global) or (isinstance(node, ast.Call) and _called(node) in _LOCKS):
            return True
    for statement in tree.body:
        value = getattr(statement, "value", None) if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        empty = isinstance(value, ast.Dict | ast.List | ast.Set) and not ast.unparse(value).strip("{}[]")
        if empty or (isinstance(value, ast.Call) and _called(value) in _MAKERS and not value.args):
            return True
    return False


def test_is_known_and_has_its_reason() -> None:
    # Rules and papers are given plain values and know no store: what they remember is what they would say again.
    pure = ("app/rules/", "app/papers/")
    keeping = {name(path) for path in files(".py", under=("app",)) if _keeps(path) and not name(path).startswith(pure)}
    assert keeping - set(KEPT) == set(), "move it into the store, or say in KEPT why no replica has to know it"
    assert set(KEPT) - keeping == set(), "what is gone goes from the list"


def test_would_be_seen(tmp_path: Path) -> None:
    kinds = (
        "seen = {}\n",
        "from threading import Lock\nlock = Lock()\n",
        "@lru_cache(maxsize=9)\ndef f(): ...\n",
        "def f():\n    global x\n    x = 1\n",
        "seen: set[int] = set()\n",
    )
    for number, text in enumerate(kinds):
        path = tmp_path / f"{number}.py"
        path.write_text(text)
        assert _keeps(path), text
    (tmp_path / "calm.py").write_text("LIMITS = {'a': 1}\nNAMES = frozenset({'x'})\n")
    assert not _keeps(tmp_path / "calm.py")
    assert APP.is_dir()
