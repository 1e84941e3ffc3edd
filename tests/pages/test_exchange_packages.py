"""Exchange packages on pages: made with a button, checked before anything is taken in, conflicts side by side."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlmodel import col

from app.main import create_app
from app.models import Task
from app.services.work import KINDS
from tests.clients import PageClient
from tests.conftest import Stores
from tests.services.exchange_world import Host, two_hosts
from tests.worker.test_loop import do_all


@pytest.fixture
def hosts(stores: Stores) -> Iterator[tuple[Host, Host]]:
    """Two hosts with one programme on the first, a conflict in one of its tasks and a deletion."""
    with two_hosts(stores) as made:
        here, there = made
        there.take(here.send())
        for host, target in ((here, "每年两次培训，" * 20), (there, "每年三次培训，" * 20)):
            with host.changing() as session:
                mine = select(Task).where(col(Task.programme_id) == host.programme_id).order_by(col(Task.path))
                session.scalars(mine).first().target = target  # type: ignore[union-attr]
        yield made


@pytest.fixture
def application(hosts: tuple[Host, Host]) -> Iterator[FastAPI]:
    """The pages of the first host."""
    made = create_app(hosts[0].settings)
    yield made
    made.state.database.dispose()


def work(application: FastAPI) -> None:
    """Let a worker do what waits."""
    exchanging = [kind for name, kind in KINDS.items() if name.startswith("exchange.")]
    do_all(application.state.settings, application.state.database, *exchanging)


def bring(application: FastAPI, pages: PageClient, data: bytes) -> str:
    """Upload a package and let it be checked; the address of its page."""
    answer = pages.upload("/exchange-packages", {"file": ("包.duikou.zip", data)})
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert "正在检查交换包" in pages.get(place).text
    work(application)
    return place


def version_in(html: str) -> str:
    """The version that a page's forms carry."""
    return re.findall(r'name="version" value="(\d+)"', html)[0]


def test_a_programme_leaves_with_one_button(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("recipient")
    programme = hosts[0].programme_id
    assert "导出交换包" in pages.get(f"/programmes/{programme}").text
    answer = pages.post(f"/programmes/{programme}/export")
    assert answer.status_code == 303
    assert "正在制作交换包" in pages.get(answer.headers["location"]).text
    work(application)
    assert "交换包已就绪" in pages.get(answer.headers["location"]).text
    download = pages.get(f"{answer.headers['location']}/content")
    assert download.headers["content-disposition"].startswith("attachment;")


def test_a_handler_is_not_offered_it(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("handler")
    assert "导出交换包" not in pages.get(f"/programmes/{hosts[0].programme_id}").text
    assert pages.get("/exchange-packages").status_code == 403


def test_a_conflict_is_decided_side_by_side(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    pages = PageClient(application).as_("coordinator")
    place = bring(application, pages, there.send())
    page = pages.get(place).text
    assert "每年两次培训" in page
    assert "每年三次培训" in page
    (choice,) = set(re.findall(r'name="(choice-\d+)"', page))
    stale = pages.post(f"{place}/choose", {choice: "theirs", "version": "1"})
    assert stale.status_code == 412
    chosen = pages.post(f"{place}/choose", {choice: "theirs", "version": version_in(page)})
    assert chosen.status_code == 303
    page = pages.get(place).text
    assert f'name="{choice}" value="theirs" checked' in page
    assert "未定 0 条" in page
    taken = pages.post(f"{place}/apply", {"version": version_in(page)})
    assert taken.status_code == 303
    work(application)
    assert "方案已与该交换包一致" in pages.get(place).text
    assert here.rows() == there.rows()


def test_rest_is_decided_with_one_button(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("coordinator")
    place = bring(application, pages, hosts[1].send())
    page = pages.get(place).text
    assert pages.post(f"{place}/choose", {"rest": "ours", "version": version_in(page)}).status_code == 303
    assert re.search(r'value="ours" checked', pages.get(place).text)


def test_the_same_package_again_says_that_nothing_changes(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    here, there = hosts
    package = there.send()
    here.take(package, "ours")
    pages = PageClient(application).as_("coordinator")
    place = bring(application, pages, package)
    assert "不会有变化" in pages.get(place).text


def test_a_damaged_file_is_refused_beside_the_field(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("coordinator")
    answer = pages.upload("/exchange-packages", {"file": ("包.zip", hosts[1].send()[:-100])})
    assert answer.status_code == 422
    assert "不是一个完整的交换包" in answer.text


def test_a_package_is_given_up(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("coordinator")
    place = bring(application, pages, hosts[1].send())
    page = pages.get(place).text
    assert pages.post(f"{place}/drop", {"version": version_in(page), "reason": "重复"}).status_code == 303
    assert "已放弃" in pages.get(place).text


def test_work_that_was_stopped_is_said_and_can_be_begun_again(application: FastAPI, hosts: tuple[Host, Host]) -> None:
    pages = PageClient(application).as_("coordinator")
    programme = hosts[0].programme_id
    place = pages.post(f"/programmes/{programme}/export").headers["location"]
    assert pages.post(f"/programmes/{programme}/export").status_code == 409
    job = re.findall(r"/jobs/(\d+)/progress", pages.get(place).text)[0]
    assert pages.post(f"/jobs/{job}/cancel", {"reason": "不需要"}).status_code == 303
    assert "已停止" in pages.get(place).text
    assert pages.post(f"/programmes/{programme}/export").status_code == 303
