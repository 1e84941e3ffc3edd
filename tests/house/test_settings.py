"""A wrong setting stops the start with its name and what it wants."""

import re
from pathlib import Path

import pytest

from app.settings import OF_DEPLOYMENT, PREFIX, Settings, WrongSetting, explain, load
from tests.house.tree import ROOT

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
        ("oidc_issuer", "http://id.example", "https://"),
        ("oidc_issuer", "id.example", "https://"),
        ("admin_addresses", "10.2.0.5/24", "10.2.0.5/24 is not a network"),
        ("admin_addresses", "192.0.2.0/24, office", "office is not a network"),
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


def test_a_list_of_addresses_that_anybody_can_claim_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    monkeypatch.setenv(f"{PREFIX}ADMIN_ADDRESSES", "10.2.0.0/16")
    monkeypatch.setenv(f"{PREFIX}TRUSTED_PROXIES", "*")
    with pytest.raises(WrongSetting, match=f"{PREFIX}TRUSTED_PROXIES: name the proxies"):
        load()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("ADMIN_ADRESSES", "ADMIN_ADDRESSES"), ("SECRET_KEY_FIEL", "SECRET_KEY_FILE"), ("QQQQ", None)],
)
def test_a_variable_that_is_no_setting_stops_the_start(
    name: str, meant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    monkeypatch.setenv(f"{PREFIX}{name}", "")
    with pytest.raises(WrongSetting) as refused:
        load()
    wanted = f"{PREFIX}{name}: there is no such setting."
    assert str(refused.value) == (f"{wanted} Is {PREFIX}{meant} meant?" if meant else wanted)


def test_variables_of_the_suite_are_not_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    monkeypatch.setenv(f"{PREFIX}TEST_ANYTHING", "1")
    assert load().mode == "production"


def test_each_is_explained_with_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(KEY)
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv(f"{PREFIX}PORT", "8100")
    monkeypatch.setenv(f"{PREFIX}DATABASE_URL", "postgresql+psycopg://duikou:hidden@db/duikou")
    rows = {row.variable.removeprefix(PREFIX): row for row in explain(load())}
    assert list(rows) == [name.upper() for name in Settings.model_fields]
    assert (rows["PORT"].value, rows["PORT"].default, rows["PORT"].source) == ("8100", "8000", "variable")
    assert (rows["SECRET_KEY"].value, rows["SECRET_KEY"].source) == ("(set)", "file")
    assert rows["SECRET_KEY"].place == str(tmp_path / "key")
    assert (rows["HOST"].value, rows["HOST"].source) == ("127.0.0.1", "default")
    assert rows["DATABASE_URL"].value == "postgresql+psycopg://duikou:***@db/duikou"
    assert KEY not in repr(rows)


def test_a_generated_key_is_said_to_be_one(tmp_path: Path) -> None:
    rows = {row.variable: row for row in explain(load(mode="demo", data=tmp_path))}
    assert rows[f"{PREFIX}SECRET_KEY"].source == "generated"


@pytest.mark.parametrize("left_out", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "PUBLIC_URL"])
def test_half_a_provider_is_refused(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    whole = {
        "OIDC_ISSUER": "https://id.example",
        "OIDC_CLIENT_ID": "duikou",
        "OIDC_CLIENT_SECRET": "secret",
        "PUBLIC_URL": "https://duikou.example",
    }
    for name, value in whole.items():
        monkeypatch.setenv(f"{PREFIX}{name}", value)
    assert load().oidc_issuer == "https://id.example"
    monkeypatch.delenv(f"{PREFIX}{left_out}")
    with pytest.raises(WrongSetting, match=f"^{PREFIX}{left_out}: "):
        load()


def test_variables_of_the_deployment_stop_nothing_and_are_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator exports them for compose and runs the product's commands in the same shell."""
    named = {
        name
        for path in ("docker-compose.yml", "deployment/Caddyfile")
        for name in re.findall(r"\{\$?DUIKOU_([A-Z_]+):", (ROOT / path).read_text(encoding="utf-8"))
    }
    assert named - {name.upper() for name in Settings.model_fields} == OF_DEPLOYMENT
    monkeypatch.setenv(f"{PREFIX}SECRET_KEY", KEY)
    for name in OF_DEPLOYMENT:
        monkeypatch.setenv(f"{PREFIX}{name}", "x")
    assert load().mode == "production"
