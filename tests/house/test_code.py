"""What the code promises about itself: small pieces, one commit, imports at the top."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import APP, ROOT, files, name, parsed

PYTHON = files(".py")
WRITTEN = [path for path in files(".py", ".html", ".css") if "versions" not in path.parts]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", [path for path in PYTHON if "versions" not in path.parts], ids=name)
def test_a_function_has_at_most_60_lines(path: Path) -> None:
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(parsed(path))
        if isinstance(node, FUNCTIONS) and (length := (node.end_lineno or 0) - node.lineno + 1) > 60
    ]
    assert long == []


@pytest.mark.parametrize("path", files(".py", under=("app",)), ids=name)
def test_imports_stand_at_the_top(path: Path) -> None:
    inside = [
        f"{function.name}, line {node.lineno}"
        for function in ast.walk(parsed(path))
        if isinstance(function, FUNCTIONS)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_no_table_has_a_row_twice(path: Path) -> None:
    """Of two rows with one key the last wins without a word: so an administrator once lost half of the rights."""
    doubled = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Dict):
            keys = [ast.dump(key) for key in node.keys if key is not None]
            doubled += [f"line {node.lineno}" for _ in range(len(keys) - len(set(keys)))]
    assert doubled == []


def test_there_is_one_commit() -> None:
    """Two doors to the store would be two places to forget the events."""
    commits = [
        f"{name(path)}, line {node.lineno}"
        for path in files(".py", under=("app",))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert len(commits) == 1
    assert commits[0].startswith("app/database.py")


def test_nothing_is_called_after_what_it_is_not() -> None:
    vague = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py", "types.py"}
    assert [name(path) for path in files(".py", under=("app",)) if path.name in vague] == []


@pytest.mark.parametrize("path", [p for p in files(".py", under=("app",)) if "versions" not in p.parts], ids=name)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    """A docstring at every module, public class and public function; inside a class the class may speak for it."""
    tree = parsed(path)
    silent = [] if ast.get_docstring(tree) else ["the module"]
    silent += [
        node.name
        for node in tree.body
        if isinstance(node, (*FUNCTIONS, ast.ClassDef))
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
        and not any(isinstance(d, ast.Name) and d.id == "overload" for d in getattr(node, "decorator_list", []))
    ]
    assert silent == []


def test_handlers_are_sync_unless_they_stream() -> None:
    """An async handler that touches the store stops every other request of its process."""
    asynchronous = [
        f"{name(path)}: {node.name}"
        for path in (APP / "routers").rglob("*.py")
        for node in parsed(path).body
        if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list
    ]
    bodies = {"upload", "import", "send", "live", "receive"}
    assert [item for item in asynchronous if not bodies & set(item.partition(": ")[2].split("_"))] == []


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
