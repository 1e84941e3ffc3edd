"""A wrong setting stops the start with its name and what it wants."""

from pathlib import Path

import pytest

from app.settings import PREFIX, Settings, WrongSetting, load

KEY = "k" * 40


@pytest.mark.parametrize(
    ("name", "value", "wants"),
    [
        ("port", "0", "greater than or equal to 1"),
        ("port", "http", "integer"),
        ("workers", "65", "64"),
        ("mode", "live", "production"),
        ("language", "fr", "zh_CN"),
        ("database_url", "mysql://x", "postgresql+psycopg://"),
        ("storage_url", "ftp://x", "s3://"),
        ("public_url", "duikou.example", "https://"),
        ("upload_limit_mb", "0", "greater than or equal to 1"),
        ("secret_key", "short", "32"),
    ],
)
def test_is_named_with_what_it_wants(name: str, value: str, wants: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", value)
    with pytest.raises(WrongSetting) as refused:
        load()
    assert str(refused.value).startswith(f"{PREFIX}{name.upper()}: ")
    assert wants in str(refused.value)


def test_all_mistakes_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}PORT", "x")
    monkeypatch.setenv(f"{PREFIX}WORKERS", "y")
    with pytest.raises(WrongSetting) as refused:
        load()
    assert f"{PREFIX}PORT" in str(refused.value)
    assert f"{PREFIX}WORKERS" in str(refused.value)


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", "visible-secret")
    with pytest.raises(WrongSetting) as refused:
        load()
    assert "visible-secret" not in str(refused.value)
    assert "visible-secret" not in repr(Settings(mode="test", secret_key="visible-secret"))


def test_a_file_gives_a_secret_and_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", "a leftover that is also long enough to pass")
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY_FILE", str(tmp_path / "key"))
    assert load().secret_key.get_secret_value() == KEY


def test_a_demonstration_makes_its_own_key_once(tmp_path: Path) -> None:
    first = load(mode="demo", data=tmp_path).secret_key
    assert len(first.get_secret_value()) >= 32
    assert load(mode="demo", data=tmp_path).secret_key == first
    assert (tmp_path / "demo.key").stat().st_mode & 0o077 == 0
