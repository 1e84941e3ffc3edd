"""duikou search: building the index of words anew."""

from tests.cli.conftest import Command


def test_rebuild_says_how_much_it_indexed(duikou: Command) -> None:
    said = duikou("search", "rebuild")
    assert (said.code, said.err) == (0, "")
    assert "4" in said.out
