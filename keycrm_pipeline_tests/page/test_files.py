"""Файли: what is started, what is listed, and that nothing else on the disk can be reached."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Settings
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, rows_of, text_of, visited

FILES = "/profiles/shop/files"
SECRET = "секрет"


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A directory with a profile, files of it, and much that is not for anybody."""
    (tmp_path / "shop.yaml").write_text(
        "start_date: 2026-01-01\norganisations:\n  ФОП Коваленко:\n    default: true\n", "utf-8"
    )
    (tmp_path / "shop_2.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    (tmp_path / "shop.duckdb").write_text(SECRET, "utf-8")
    contents = {
        "reports/shop_2026-03-01_2026-03-31.html": "<h1>Звіт</h1>",
        "exports/shop_2026-03-01_2026-03-31_ФОП_Коваленко.xlsx": "книга",
        "exports/shop_2_2026-03-01_2026-03-31.xlsx": SECRET,
        "exports/shop_2026-03-01.txt": SECRET,
        "exports/.export-x/shop_2026-03-01_2026-03-31.xlsx": SECRET,
        "exports/other.txt": SECRET,
    }
    for number, (name, content) in enumerate(contents.items()):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(content, "utf-8")
        os.utime(path, (1_774_000_000 + number, 1_774_000_000 + number))
    (tmp_path / "exports" / "shop_2026-02-01_2026-02-28.xlsx").symlink_to(tmp_path / "shop.duckdb")
    (tmp_path / "exports" / "shop_2026-01-01_2026-01-31.xlsx").mkdir()
    return tmp_path


@pytest.fixture
def guest(places: Path, dagster: tuple[str, NotedDagster]) -> Iterator[Visitor]:
    with visited(Settings(places, places), dagster=dagster[0]) as found:
        yield found


def test_the_profiles_own_files_are_listed_newest_first(guest: Visitor) -> None:
    """Neither those of profile shop_2, nor a link, nor an unfinished export."""
    rows = rows_of(guest.page(FILES), "Готові файли")
    assert [(row[0], row[1]) for row in rows] == [
        ("shop_2026-03-01_2026-03-31_ФОП_Коваленко.xlsx вивантаження", "1–31 березня 2026"),
        ("shop_2026-03-01_2026-03-31.html звіт", "1–31 березня 2026"),
    ]


def test_files_are_downloaded_and_reports_are_opened(guest: Visitor) -> None:
    links = guest.page(FILES).xpath("//table//a/@href")
    # The name of a legal entity may be a person's.
    assert not any("shop_2026" in link or "%D0" in link for link in links)
    contents = [guest.get(link) for link in links]
    assert [answer.text for answer in contents] == ["книга", "<h1>Звіт</h1>", "<h1>Звіт</h1>"]
    workbook, opened, kept = contents
    assert workbook.headers["content-disposition"].startswith(
        "attachment; filename*=utf-8''shop_2026-03-01_2026-03-31"
    )
    assert kept.headers["content-disposition"] == 'attachment; filename="shop_2026-03-01_2026-03-31.html"'
    assert "content-disposition" not in opened.headers
    policy = opened.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'; style-src 'unsafe-inline'")
    # A workbook is never shown in the page's own place.
    assert "attachment" in guest.get(links[0].replace("/download", "/view")).headers["content-disposition"]


@pytest.mark.parametrize(
    "name",
    [
        "shop.duckdb",
        "..%2fshop.duckdb",
        "%2e%2e%2fshop.duckdb",
        "..%5cshop.duckdb",
        "shop_2026-02-01_2026-02-28.xlsx",
        "shop_2_2026-03-01_2026-03-31.xlsx",
        "%2fetc%2fpasswd",
        "%00",
    ],
)
def test_no_other_file_can_be_reached(guest: Visitor, name: str) -> None:
    for way in ("view", "download"):
        answer = guest.get(f"{FILES}/{name}/{way}")
        assert answer.status_code in (400, 404)
        assert SECRET not in answer.text


def test_a_file_of_another_profile_is_not_reached_through_this_one(guest: Visitor) -> None:
    (link,) = guest.page("/profiles/shop_2/files").xpath("//table//a/@href")
    assert guest.get(link).text == SECRET
    assert guest.get(link.replace("shop_2", "shop")).status_code == 404


def test_an_export_is_started_as_on_dagsters_page(guest: Visitor, dagster: tuple[str, NotedDagster]) -> None:
    sent = guest.send(
        f"{FILES}/export", FILES, format="csv", organisation="ФОП Коваленко", by="payment", since_last="on",
        **{"from": "2026-03-01", "to": "2026-03-31"},
    )  # fmt: skip
    (launched,) = dagster[1].launched
    assert launched["selector"]["jobName"] == "shop_exports"
    assert launched["runConfigData"] == {
        "ops": {
            "shop__exports": {
                "config": {
                    "period_from": "2026-03-01",
                    "period_to": "2026-03-31",
                    "format": "csv",
                    "organisation": "ФОП Коваленко",
                    "decided_by": "payment",
                    "since_last": True,
                }
            }
        }
    }
    run = sent.headers["location"]
    assert run.startswith("/profiles/shop/runs/")
    assert "У черзі" in text_of(guest.page(run))
    run_id = run.rsplit("/", 1)[1]
    dagster[1].run(run_id, "shop_exports", "SUCCESS")
    assert guest.page(run).xpath(f"//main//a[@href='{FILES}' and @class='button']")
    dagster[1].run(run_id, "shop_exports", "FAILURE")
    assert "Файли не зроблено" in text_of(guest.page(run))


def test_a_report_is_started_as_on_dagsters_page(guest: Visitor, dagster: tuple[str, NotedDagster]) -> None:
    guest.send(f"{FILES}/report", FILES, **{"from": "01.03.2026", "to": "31.03.2026"})
    (launched,) = dagster[1].launched
    assert launched["selector"]["jobName"] == "shop_report"
    assert launched["runConfigData"]["ops"]["shop__report"]["config"] == {
        "period_from": "2026-03-01",
        "period_to": "2026-03-31",
    }


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("export", {"format": "pdf"}, "Такого формату немає"),
        ("export", {"format": "csv", "organisation": "ФОП Інший"}, "Такої організації в профілі немає"),
        ("report", {"to": ""}, "Вкажіть перший і останній день"),
        ("report", {"to": "2026-02-01"}, "закінчується раніше, ніж починається"),
        ("report", {"to": "2026-04-02"}, "Період закінчується в майбутньому. Сьогодні 01.04.2026."),
        ("report", {"from": "2025-12-31"}, "раніше за перший день профілю, 01.01.2026"),
        ("report", {"from": "30.02.2026"}, "такої дати немає"),
    ],
)
def test_a_wrong_entry_is_told_and_starts_nothing(
    guest: Visitor, dagster: tuple[str, NotedDagster], kind: str, fields: dict[str, str], said: str
) -> None:
    answer = guest.send(f"{FILES}/{kind}", FILES, **{"from": "2026-03-01", "to": "2026-03-31", **fields})
    assert answer.status_code == 422
    assert said in answer.text
    assert dagster[1].launched == []
