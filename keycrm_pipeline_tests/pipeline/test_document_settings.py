"""Which settings of a profile change what is booked already, at a rebuild, as `DOCUMENT_SETTINGS` says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.profile import DOCUMENT_SETTINGS, Profile
from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline_tests.payloads import line_payload, offer_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv, make_books

CHANGED: dict[str, Any] = {
    "account": "Інша каса",
    "payment_methods": {2: {"kind": "cash"}},
    "accounts": {2: "Інший рахунок"},
    "author": "Інший автор",
    "default_partner": "Інший покупець",
    "delivery_service": "Інша доставка",
    "managers": {1: "olena"},
    "organisations": {"ФОП": {"default": True}},
    "placeholder_skus": ["SPOON"],
    "service_categories": [6],
    "source_number_in_comment": True,
    "statuses.load": {"load": [1, 8, 12]},
    "statuses.stages": {"load": [1, 12], "stages": {1: "Нове"}},
    "timezone": "Pacific/Auckland",
}

OTHERS: dict[str, Any] = {
    "currency": "PLN",
    "start_date": date(2026, 3, 3),
    "partner_match": "phone_and_name",
    "created_margin_days": 5,
    "requests_per_minute": 7,
    "words": "quincefin",
    "keycrm_url": "https://shop.keycrm.example",
    "schedule": {"daily_at": "06:30"},
    "changes": {"overlap_minutes": 1},
    "recent": {"days": 3},
    "sweep": {"most_missing": 0},
    "alert": {"webhook": "https://hook.example"},
    "export": {"commerceml": {"vat": 20}, "odoo": {"notes": "none"}},
    "history": {"days": 30},
    "publish": True,
    "hand_over": {"paid": True, "receipt": True},
    "closed_until": date(2026, 3, 1),
    "reconciliation": {"since": date(2026, 3, 1), "days": 3},
    "keep_versions_days": 90,
    "language": "en",
    "largest_answer_megabytes": 32,
    "owners": ["team:sales"],
    "show_cost": True,
    "custom_fields": {"OR_1012": "packaging"},
}
"""The settings that change no document; where the account and the file are is no question of documents."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """An order of an evening, one without a buyer (rejected), one of what may be a service, one of another status."""
    books = make_books(tmp_path_factory.mktemp("loaded"), default_partner=None, statuses={"load": [1, 12]})
    books.order(
        501,
        kyiv(2026, 3, 2, 20),
        lines=[line_payload(name="Ложка", sku="SPOON", price=100)],
        payments=[payment_payload(71, 170)],
        shipping_price=70,
        manager_id=1,
        source_uuid="ROZ-77",
    )
    books.order(502, buyer=None)
    offer = offer_payload(31, 32, sku="HELP")
    books.shop.add_product(product_payload(32, "Монтаж", has_offers=False, category_id=6), [offer])
    books.order(503, lines=[line_payload(name="Монтаж", offer=offer, price=50)], status_id=12)
    books.order(504, status_id=8)
    books.load(MARCH_2)
    return books


def rebuilt(loaded: Books, directory: Path, changes: dict[str, Any]) -> Books:
    """The same books after a change of the profile and a rebuild."""
    shutil.copy(loaded.warehouse.path, directory / "shop.duckdb")
    profile = Profile.model_validate(loaded.profile.model_dump() | {"name": "shop"} | changes)
    books = replace(loaded, directory=directory, profile=profile)
    books.rebuild()
    return books


@pytest.mark.parametrize("setting", CHANGED)
def test_a_setting_that_documents_are_derived_from_changes_them(
    loaded: Books, tmp_path: Path, setting: str
) -> None:
    assert setting in DOCUMENT_SETTINGS
    books = rebuilt(loaded, tmp_path, {setting.partition(".")[0]: CHANGED[setting]})
    assert books.tables(("accounting",)) != loaded.tables(("accounting",))


def test_no_other_setting_changes_a_document(loaded: Books, tmp_path: Path) -> None:
    """What is in neither list is where the account and the file are."""
    assert not OTHERS.keys() & DOCUMENT_SETTINGS
    assert set(CHANGED) == DOCUMENT_SETTINGS
    assert {
        name.partition(".")[0] for name in (*OTHERS, *DOCUMENT_SETTINGS)
    } == Profile.model_fields.keys() - {"name", "base_url", "database"}
    books = rebuilt(loaded, tmp_path, OTHERS)
    assert books.tables(("accounting",)) == loaded.tables(("accounting",))
