"""Отримати замовлення: what is started, how the progress is shown, and the summary at the end."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from lxml import html

from keycrm_pipeline.orchestration import remote
from keycrm_pipeline.orchestration.remote import RemoteDagster
from keycrm_pipeline.page.loading import quick_choices
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.errors import StoppedError
from keycrm_pipeline.run.lock import held
from keycrm_pipeline_tests.page.shops import small_shop
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, rows_of, text_of, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv

LOAD = "/profiles/shop/load"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return small_shop(tmp_path_factory.mktemp("loading"))


@pytest.fixture
def guest(books: Books, dagster: tuple[str, NotedDagster]) -> Iterator[Visitor]:
    with visited(books.settings, dagster=dagster[0]) as found:
        yield found


def periods_of(noted: NotedDagster) -> list[tuple[str, str]]:
    """First and last day of each launched load."""
    found = []
    for launched in noted.launched:
        assert launched["selector"] == {
            "jobName": "shop_load",
            "repositoryName": "__repository__",
            "repositoryLocationName": "keycrm_pipeline",
        }
        tags = {tag["key"]: tag["value"] for tag in launched["executionMetadata"]["tags"]}
        found.append((tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]))
    return found


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("today", "start", "expected"),
    [
        # A Wednesday.
        (
            date(2026, 4, 1),
            date(2023, 1, 1),
            {"yesterday": ["31.03-31.03"], "week": ["30.03-01.04"], "month": ["01.03-31.03"]},
        ),
        # A Monday, the first of a year.
        (
            date(2029, 1, 1),
            date(2023, 1, 1),
            {"yesterday": ["31.12-31.12"], "week": ["01.01-01.01"], "month": ["01.12-31.12"]},
        ),
        # The profile begins in the middle of last month, and on this very day.
        (
            date(2026, 3, 31),
            date(2026, 2, 14),
            {"yesterday": ["30.03-30.03"], "week": ["30.03-31.03"], "month": ["14.02-28.02"]},
        ),
        (date(2026, 3, 31), date(2026, 3, 31), {"yesterday": [], "week": ["31.03-31.03"], "month": []}),
    ],
)
def test_quick_choices(today: date, start: date, expected: dict[str, list[str]]) -> None:
    profile = Profile.model_validate({"name": "shop", "start_date": start})
    found = {
        choice.name: [f"{period.first:%d.%m}-{period.last:%d.%m}" for period in choice.periods]
        for choice in quick_choices(profile, today, [])
    }
    assert found == {**expected, "missing": []}


def test_days_not_loaded_are_joined_to_periods_and_the_newest_come_first_in_line() -> None:
    """Days 1, 2, 4: two periods. Of twenty single days only the newest twelve are started at once."""
    profile = Profile.model_validate({"name": "shop", "start_date": date(2023, 1, 1)})
    first = date(2026, 3, 1)
    few = quick_choices(profile, date(2026, 4, 1), [first, first + timedelta(1), first + timedelta(3)])[-1]
    assert [(period.first.day, period.last.day) for period in few.periods] == [(1, 2), (4, 4)]
    assert few.days == 3
    many = [date(2026, 1, 1) + timedelta(2 * number) for number in range(20)]
    chosen = quick_choices(profile, date(2026, 4, 1), many)[-1].periods
    assert [period.first for period in chosen] == many[-12:]


@pytest.mark.parametrize(
    ("fields", "periods"),
    [
        ({"from": "2026-03-02", "to": "2026-03-05"}, [("2026-03-02", "2026-03-05")]),
        ({"from": "2.3.2026", "to": "05.03.2026"}, [("2026-03-02", "2026-03-05")]),
        ({"choice": "yesterday"}, [("2026-03-31", "2026-03-31")]),
        ({"choice": "week"}, [("2026-03-30", "2026-04-01")]),
        ({"choice": "month"}, [("2026-03-01", "2026-03-31")]),
        # The small shop has 2 and 3 March.
        ({"choice": "missing"}, [("2026-03-04", "2026-03-31")]),
    ],
)
def test_a_load_is_started_as_on_dagsters_page(
    guest: Visitor, dagster: tuple[str, NotedDagster], fields: dict[str, str], periods: list[tuple[str, str]]
) -> None:
    sent = guest.send(LOAD, LOAD, **fields)
    assert periods_of(dagster[1]) == periods
    assert sent.headers["location"] == "/profiles/shop/runs/00000000-0000-4000-8000-000000000001"


def test_a_button_that_is_pressed_twice_starts_one_load(
    guest: Visitor, dagster: tuple[str, NotedDagster]
) -> None:
    """While the first press is answered, and before the browser shows the answer; another period is another load."""
    form = {"token": guest.token(LOAD), "choice": "yesterday"}
    with ThreadPoolExecutor(4) as hands:
        sent = list(hands.map(lambda _press: guest.client.post(LOAD, data=form), range(4)))
    assert {answer.headers["location"] for answer in sent} == {
        "/profiles/shop/runs/00000000-0000-4000-8000-000000000001"
    }
    guest.send(LOAD, LOAD, choice="yesterday")
    guest.send(LOAD, LOAD, choice="week")
    assert periods_of(dagster[1]) == [("2026-03-31", "2026-03-31"), ("2026-03-30", "2026-04-01")]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"from": "", "to": ""}, "Вкажіть перший і останній день"),
        ({"from": "2026-03-05", "to": "2026-03-02"}, "закінчується раніше, ніж починається"),
        ({"from": "2026-03-05", "to": "2026-04-02"}, "в майбутньому"),
        ({"from": "2022-12-31", "to": "2026-03-02"}, "раніше за перший день профілю, 01.01.2023"),
        ({"from": "31.02.2026", "to": "2026-03-02"}, "Перший день: такої дати немає"),
        ({"choice": "nothing"}, "немає жодного дня"),
    ],
)
def test_a_wrong_period_is_told_and_starts_nothing(
    guest: Visitor, dagster: tuple[str, NotedDagster], fields: dict[str, str], said: str
) -> None:
    answer = guest.send(LOAD, LOAD, **fields)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert dagster[1].launched == []


def test_a_dagster_that_is_not_there_is_told(visitor: Visitor) -> None:
    """Before the press and after it; nothing seems to have started."""
    assert "Dagster не відповідає" in text_of(visitor.page(LOAD))
    answer = visitor.send(LOAD, LOAD, choice="yesterday")
    assert answer.status_code == 502
    assert "Dagster не відповідає" in answer.text


def test_a_dagster_that_is_slow_is_not_called_stopped(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run may begin all the same, so a second press is not what the page asks for."""
    monkeypatch.setattr(remote, "TIMEOUT_SECONDS", 0.05)
    monkeypatch.setattr(remote, "COMMAND_TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with visited(books.settings, dagster=address) as visitor:
            answer = visitor.send(LOAD, LOAD, choice="yesterday")
    assert answer.status_code == 504
    text = text_of(html.fromstring(answer.text))
    assert "Dagster ще не відповів" in text
    assert "make run" not in text


def test_a_run_under_way_is_shown_before_another_is_started(
    guest: Visitor, dagster: tuple[str, NotedDagster]
) -> None:
    dagster[1].run("00000000-0000-4000-8000-00000000000a", "shop_changes", "STARTED")
    # The checks of Dagster's page: their run looked like an exchange that had failed.
    dagster[1].run("00000000-0000-4000-8000-00000000000b", "shop_checks", "STARTED")
    assert "Зараз виконується: зміни ." in text_of(guest.page(LOAD))


def progress(guest: Visitor, run_id: str) -> tuple[int, html.HtmlElement]:
    """Status and content of the part that a browser asks for again and again."""
    answer = guest.get(f"/profiles/shop/runs/{run_id}/progress", **{"HX-Request": "true"})
    return answer.status_code, html.fromstring(answer.text)


def test_the_progress_of_a_load(tmp_path: Path, dagster: tuple[str, NotedDagster]) -> None:
    """130 of 430 orders are stored: 300 are 6 more pages, which take 2 minutes at 3 requests a minute."""
    books = small_shop(tmp_path)
    address, noted = dagster
    run_id = "00000000-0000-4000-8000-0000000000aa"
    profile = tmp_path / "shop.yaml"
    profile.write_text(f"{profile.read_text('utf-8')}requests_per_minute: 3\n", "utf-8")
    with visited(books.settings, dagster=address) as guest:
        noted.run(run_id, "shop_load", "QUEUED")
        status, part = progress(guest, run_id)
        assert status == 200
        assert "У черзі" in text_of(part)
        begun = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
        with books.warehouse.writing() as connection:
            connection.execute(
                "INSERT INTO ops.exchanges BY NAME SELECT * REPLACE (2 AS exchange_id, ? AS run_id, "
                "'running' AS status, ?::TIMESTAMPTZ AS started_at, NULL AS finished_at, 10 AS requests) "
                "FROM ops.exchanges",
                [run_id, begun],
            )
            for page, size in ((1, 50), (2, 50), (3, 30)):
                connection.execute(
                    "INSERT INTO ops.extraction_pages VALUES ('orders', ?, 430, range(?), ?)",
                    [page, size, begun + timedelta(seconds=page)],
                )
            # Left by an exchange of yesterday, and not of this one.
            connection.execute(
                "INSERT INTO ops.extraction_pages VALUES ('old', 1, 999, range(50), ?)",
                [begun - timedelta(days=1)],
            )
        noted.run(run_id, "shop_load", "STARTED", stages=["raw_orders", "validated_orders"])
        status, part = progress(guest, run_id)
        text = plain(text_of(part))
        assert status == 200
        assert "Замовлень переглянуто: 130 із 430" in text
        assert (
            "Запитів до KeyCRM: 10, попереду ще близько 6; лишилося приблизно 2 хвилини (3 запити за хвилину)."
            in text
        )
        (bar,) = part.xpath("//progress")
        assert (bar.get("value"), bar.get("max")) == ("130", "430")
        assert [text_of(step) for step in part.xpath("//li[@class='done']")] == [
            "Отримання замовлень : готово",
            "Перевірка : готово",
        ]
        with books.warehouse.writing():
            # What it last saw stays while the run writes.
            status, part = progress(guest, run_id)
            assert status == 200
            assert "Замовлень переглянуто: 130 із 430" in plain(text_of(part))
            assert "Документи саме записуються." in text_of(part)
        # Stopped in Dagster, while its process still writes down how it ended; then killed before it could.
        noted.run(run_id, "shop_load", "CANCELED")
        with held(books.workspace.lock, run_id):
            status, part = progress(guest, run_id)
            assert (status, part.xpath("//form")) == (200, [])
            assert text_of(part).startswith("Зупиняється")
        status, part = progress(guest, run_id)
        assert status == 286
        assert text_of(part).startswith("Обірвано")
        assert "Процес завершився, перш ніж" in text_of(part)
        noted.run(run_id, "shop_load", "STARTED")
        whole = guest.page(f"/profiles/shop/runs/{run_id}")
        (polled,) = whole.xpath("//*[@hx-get]")
        assert (polled.get("hx-get"), polled.get("hx-trigger")) == (
            f"/profiles/shop/runs/{run_id}/progress",
            "every 2s",
        )
        sent = guest.send(f"/profiles/shop/runs/{run_id}/stop", f"/profiles/shop/runs/{run_id}")
        assert sent.headers["location"] == f"/profiles/shop/runs/{run_id}"
        assert noted.stopped == [run_id]


def test_the_summary_of_a_load(guest: Visitor, books: Books, dagster: tuple[str, NotedDagster]) -> None:
    """Five orders came: four were booked for 575 hryvnias, one was rejected; two partners, three products are new."""
    ((run_id,),) = books.query("SELECT run_id FROM ops.exchanges")
    dagster[1].run(run_id, "shop_load", "SUCCESS")
    status, part = progress(guest, run_id)
    # htmx stops asking.
    assert status == 286
    text = plain(text_of(part))
    for expected in (
        "Успішно · 2–3 березня 2026",
        "Отримано з KeyCRM 5",
        "Створено документів 4",
        "Відхилено 1",
        "Нових контрагентів 2",
        "Нових карток номенклатури 3",
        "Потребує уваги 2",
        "Нові картки (5)",
    ):
        assert expected in text
    # 503 does not add up, so it is not exported: 575 - 105 = 470 hryvnias.
    assert [plain(" | ".join(row)) for row in rows_of(part, "Замовлення періоду")] == [
        "UAH | 575,00 ₴ 4 замовлення | 0,00 ₴ 0 замовлень | 575,00 ₴ 4 замовлення | 470,00 ₴ 3 замовлення | "
        "105,00 ₴ 1 замовлення"
    ]
    cards = [text_of(card) for card in part.xpath("//details//li")]
    assert cards[:2] == ["Іван Зразковий контрагент", "Олена Тестова контрагент"]
    assert part.xpath("//a[@class='button']/@href") == [
        "/profiles/shop/documents?from=2026-03-02&to=2026-03-03"
    ]
    assert not guest.page(f"/profiles/shop/runs/{run_id}").xpath("//*[@hx-get]")


def test_one_order_is_loaded_again_alone(guest: Visitor, dagster: tuple[str, NotedDagster]) -> None:
    """From the order, and from the list of rejected ones, with the order's own job."""
    for seen_at, order_id in (("/profiles/shop/documents/501", 501), ("/profiles/shop/attention", 505)):
        address = f"/profiles/shop/documents/{order_id}/load"
        assert guest.page(seen_at).xpath(f"//form[@action='{address}']/button")
        sent = guest.send(address, seen_at)
        launched = dagster[1].launched[-1]
        assert launched["selector"]["jobName"] == "shop_order"
        assert launched["runConfigData"] == {"ops": {"shop__order": {"config": {"orders": [order_id]}}}}
        assert f"Замовлення {order_id}" not in text_of(guest.page(sent.headers["location"]))


def test_the_end_of_a_load_of_one_order(tmp_path: Path, dagster: tuple[str, NotedDagster]) -> None:
    """It leads to the order, and says why one of another day has no document."""
    books = small_shop(tmp_path)
    books.order(599, kyiv(2026, 2, 3))
    address, noted = dagster
    with visited(books.settings, dagster=address) as guest:
        for order_id, is_raw in ((502, False), (599, True)):
            run_id = str(books.sync("order", order_id).run_id)
            noted.run(
                run_id, "shop_order", "SUCCESS", [{"key": "keycrm/orders", "value": str(order_id)}]
            )  # fmt: skip
            page = guest.page(f"/profiles/shop/runs/{run_id}")
            assert f"/profiles/shop/documents/{order_id}" in page.xpath("//a[@class='button']/@href")
            assert ("ще не завантажували" in text_of(page)) is is_raw


def test_what_somebody_stopped_is_not_called_a_failure(
    tmp_path: Path, dagster: tuple[str, NotedDagster]
) -> None:
    """Dagster calls a run that was stopped in a terminal failed; nothing failed. Nor did one that never began."""
    books = small_shop(tmp_path)
    run_id = "00000000-0000-4000-8000-0000000000dd"
    with pytest.raises(StoppedError), books.session("changes", run_id=run_id):
        raise KeyboardInterrupt
    address, noted = dagster
    noted.run(run_id, "shop_changes", "FAILURE")
    waited = "00000000-0000-4000-8000-0000000000ee"
    noted.run(waited, "shop_load", "CANCELED")
    with visited(books.settings, dagster=address) as guest:
        for path in (f"/profiles/shop/runs/{run_id}", "/", "/profiles/shop/exchanges"):
            text = text_of(guest.page(path))
            assert "Зупинено" in text
            assert "Не вдалося" not in text
        assert "Зупинено до початку" in text_of(guest.page(f"/profiles/shop/runs/{waited}"))


def test_runs_of_other_profiles_are_neither_shown_nor_stopped(
    guest: Visitor, dagster: tuple[str, NotedDagster]
) -> None:
    run_id = "00000000-0000-4000-8000-0000000000bb"
    for job in ("other_load", "shop_two_load"):
        dagster[1].run(run_id, job, "STARTED")
        assert guest.get(f"/profiles/shop/runs/{run_id}").status_code == 404
        assert guest.send(f"/profiles/shop/runs/{run_id}/stop", LOAD).status_code == 404
    assert guest.get("/profiles/shop/runs/00000000-0000-4000-8000-0000000000cc").status_code == 404
    assert dagster[1].stopped == []


def test_the_names_that_are_asked_for_are_dagsters(books: Books, dagster: tuple[str, NotedDagster]) -> None:
    """The page imports no Dagster, so the names of tags, jobs and ops are compared here."""
    from keycrm_pipeline.orchestration import dagster_internals, profile_assets
    from keycrm_pipeline.orchestration.definitions import build_definitions

    address, noted = dagster
    period = Period(date(2026, 3, 1), date(2026, 3, 31))
    asked = RemoteDagster(address)
    asked.launch_load("shop", period)
    asked.launch_file("shop", "exports", {"format": "csv"})
    asked.launch_file("shop", "report", {})
    asked.launch_orders("shop", [501, 502])
    asked.launch_rebuild("shop")
    asked.launch_renaming("shop")
    tags = {tag["key"]: tag["value"] for tag in noted.launched[0]["executionMetadata"]["tags"]}
    assert tags == profile_assets.period_tags(period)
    assert noted.launched[3]["executionMetadata"]["tags"] == [
        {"key": name, "value": value} for name, value in profile_assets.orders_tags([501, 502]).items()
    ]
    definitions = build_definitions([books.profile], books.settings)
    for params in noted.launched:
        selector = params["selector"]
        assert selector["repositoryLocationName"] == "keycrm_pipeline"
        assert selector["repositoryName"] == dagster_internals.REPOSITORY
        job = definitions.resolve_job_def(selector["jobName"])
        assert job.tags[profile_assets.PROFILE_TAG] == "shop"
        for op in params["runConfigData"].get("ops", {}):
            assert job.has_node_named(op)


def test_the_page_loads_no_dagster() -> None:
    """A server that only asks starts at once."""
    asked = (
        "import sys; from keycrm_pipeline.page.server import serve; "
        "print(any(name.split('.')[0] in ('dagster', 'pandas', 'polars') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
