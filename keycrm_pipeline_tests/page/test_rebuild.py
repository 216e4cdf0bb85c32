"""Переформування: what would change is said first, by the real command, and the job is started afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from keycrm_pipeline_tests.page.shops import small_shop, write_profile
from keycrm_pipeline_tests.page.site import NotedDagster, rows_of, text_of, visited
from keycrm_pipeline_tests.product import wait_until

pytestmark = pytest.mark.process

PATH = "/profiles/shop/rebuild"


def test_what_will_change_then_the_rebuild(tmp_path: Path, dagster: tuple[str, NotedDagster]) -> None:
    """Order 502 alone has status 12, whose stage somebody has renamed."""
    books = small_shop(tmp_path)
    address, noted = dagster
    with visited(books.settings, dagster=address) as guest:
        assert [button.get("value") for button in guest.page(PATH).xpath("//main//button")] == ["try"]
        write_profile(books, statuses={"stages": {1: "Нове", 12: "Виконано"}})
        assert guest.send(PATH, PATH, action="try").headers["location"] == PATH
        assert "Рахуємо на копії бази" in text_of(guest.page(PATH))
        wait_until(lambda: guest.get(f"{PATH}/progress").status_code == 286, "the trial has ended")
        page = guest.page(PATH)
        text = text_of(page)
        assert "Зміниться документів 1 " in text
        assert "Без змін 3 " in text
        assert "Записів історії змін додано 0 Записів історії змін вилучено 0 " in text
        assert rows_of(page, "Що змінюється в документах") == [["Стадія", "1", "502"]]
        assert noted.launched == []
        sent = guest.send(PATH, PATH, action="rebuild")
        assert noted.launched[0]["selector"]["jobName"] == "shop_rebuild"
        assert "Переформування" in text_of(guest.page(sent.headers["location"]))
        # Figures of other settings are not shown.
        write_profile(books)
        assert "Спершу подивіться, що зміниться" in text_of(guest.page(PATH))
        assert guest.send(PATH, PATH, action="other").status_code == 404
