"""Every page in both languages: that of the profile, and of pages without a profile one for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lxml import html

from keycrm_pipeline.accounting.statuses import STANDARD_NAMES
from keycrm_pipeline.kinds import (
    MOVEMENT_NAMES,
    PAYMENT_KIND_NAMES,
    PRODUCT_KIND_NAMES,
    RECEIPT_ISSUER_NAMES,
    SERVICE_LINE_NAMES,
    STATUS_GROUP_NAMES,
)
from keycrm_pipeline.language import Language, _, speaking
from keycrm_pipeline.page.setting_fields import ONLY_IN_THE_FILE
from keycrm_pipeline.page.speech import language_without_profile
from keycrm_pipeline.page.wording import (
    MOVEMENTS,
    PAYMENT_KINDS,
    PRODUCT_KINDS,
    RECEIPT_ISSUERS,
    SERVICE_KINDS,
    STATUS_GROUPS,
)
from keycrm_pipeline.profile import Profile, Settings
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.page.shops import small_shop
from keycrm_pipeline_tests.page.site import Visitor, crawl, noted_dagster, text_of, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

Pages = dict[str, html.HtmlElement]

_CYRILLIC = re.compile(r"[\u0400-\u04ff]+")
_SHOWN = ("aria-label", "data-label", "placeholder", "title")

NAMES_IN_LATIN = {
    *(
        "KeyCRM",
        "Dagster",
        "BAS",
        "Quincefin",
        "Odoo",
        "CommerceML",
        "Excel",
        "Parquet",
        "CSV",
        "xlsx",
        "xmlns",
    ),
    *(
        "API",
        "SKU",
        "UAH",
        "IANA",
        "YAML",
        "Europe",
        "Kyiv",
        "make",
        "run",
        "https",
        "http",
        "e-mail",
        "E-mail",
    ),
}
"""Words that Ukrainian has no other for."""


def texts(page: html.HtmlElement) -> Iterator[str]:
    """What a person reads or is read aloud, without what KeyCRM has sent and lines of a profile's file."""
    for element in page.iter(html.etree.Element):
        if element.xpath("ancestor-or-self::dl[@class='payload'] | self::script | self::pre"):
            continue
        for text in (element.text, element.tail, *(element.get(name) for name in _SHOWN)):
            if text and text.strip():
                yield " ".join(text.split())


def pages_of(books: Books) -> Pages:
    """Every page of a shop, those of its runs, and some that report a mistake."""
    ((run_id,),) = books.query("SELECT run_id FROM ops.exchanges WHERE exchange_id = 1")
    shop = "/profiles/shop"
    under_way = "00000000-0000-4000-8000-000000000077"
    with noted_dagster() as (address, noted), visited(books.settings, dagster=address) as visitor:
        noted.run(run_id, "shop_load", "SUCCESS")
        noted.run(under_way, "shop_load", "STARTED", stages=["raw_orders"])
        found = crawl(
            visitor,
            [
                "/",
                "/new-profile",
                "/nothing",
                f"{shop}/nothing",
                f"{shop}/runs/{run_id}",
                f"{shop}/runs/{under_way}",
            ],
        )
        found["a wrong day"] = visitor.shown(
            visitor.send(f"{shop}/load", f"{shop}/load", **{"from": "1", "to": "2"})
        )
        other = f"{shop}/settings/other"
        fields = {**_filled(visitor.page(other)), "requests_per_minute": "many"}
        found["a wrong setting"] = visitor.shown(visitor.send(other, other, **fields))
        found["a name that is taken"] = visitor.shown(
            visitor.send("/new-profile", "/new-profile", name="shop", shop="sandbox", action="check")
        )
        found["an account"] = visitor.shown(
            visitor.send("/new-profile", "/new-profile", name="other", shop="sandbox", action="check")
        )
    with visited(books.settings) as visitor:
        found["no Dagster"] = visitor.shown(
            visitor.send(f"{shop}/documents/501/load", f"{shop}/documents/501")
        )
        found["no Dagster to load with"] = visitor.page(f"{shop}/load")
    return found


def _filled(page: html.HtmlElement) -> dict[str, str]:
    (form,) = page.xpath("//form[@class='settings']")
    return {name: value for name, value in form.form_values() if name != "token"}


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The small shop in English, with all that was typed in Latin letters."""
    return small_shop(tmp_path_factory.mktemp("english"), in_english=True)


@pytest.fixture(scope="module")
def in_english(english: Books) -> Pages:
    return pages_of(english)


@pytest.fixture(scope="module")
def in_ukrainian(small: Books) -> Pages:
    return pages_of(small)


def typed_names() -> list[str]:
    """Names of the demo account, and what a profile writes into the books unless it says otherwise; longest first."""
    shop = EditableShop.empty()
    records = [
        record
        for name in ("statuses", "sources", "managers", "payment_methods", "categories")
        for record in shop.records_of(name)
    ]
    names = {
        str(record[key]) for record in records for key in ("name", "alias", "full_name") if record.get(key)
    }
    profile = Profile.model_validate({"name": "shop", "start_date": "2024-01-01"})
    names |= {profile.author, profile.delivery_service, profile.account, "Роздрібний покупець", "шт"}
    # Words of CommerceML, which the page names.
    names |= {"Организация", "Склад", "Подразделение", "Вид цен", "Договор контрагента"}
    # Standard statuses have these names in the books of every shop (R9).
    names |= {*profile.placeholder_skus, *STANDARD_NAMES.values(), "Спосіб оплати 7"}
    return sorted(names, key=len, reverse=True)


def without(text: str, names: list[str]) -> str:
    for name in names:
        text = text.replace(name, "")
    return text


def test_the_english_page_has_nothing_ukrainian_but_what_a_shop_typed(in_english: Pages) -> None:
    names = typed_names()
    found = {
        path: [text for text in texts(page) if _CYRILLIC.search(without(text, names))]
        for path, page in in_english.items()
    }
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    assert {page.get("lang") for page in in_english.values()} == {"en"}


def test_the_ukrainian_page_has_no_english_words(in_ukrainian: Pages) -> None:
    known = (
        NAMES_IN_LATIN
        | {word for setting in ONLY_IN_THE_FILE for word in setting.split(".")}
        | {"sandbox", "team", "JSON", "date", "sum", "sums", "net", "true", "keycrm-pipeline", "move"}
    )
    # What was typed: names of shops, goods and files.
    known |= {
        "shop",
        "other",
        "olena",
        "my_shop",
        "myshop",
        "keycrm",
        "app",
        "example",
        "docs",
        "settings",
        "md",
    }
    known |= {"yaml", "IBAN", "SPOON", "CUP", "ROZ", "grand_total", "many"}
    known |= {"Etsy", "Instagram", "Rozetka", "Prom", "ua", "LiqPay", "plata", "by", "mono"}
    known |= {word for sku in Profile.model_fields["placeholder_skus"].get_default() for word in sku.split()}
    found = {
        path: sorted(
            {word for text in texts(page) for word in re.findall(r"[A-Za-z][A-Za-z_-]*[A-Za-z]", text)}
            - known
        )
        for path, page in in_ukrainian.items()
    }
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
    assert {page.get("lang") for page in in_ukrainian.values()} == {"uk"}


def test_the_same_order_in_both_languages(in_english: Pages, in_ukrainian: Pages) -> None:
    """501: 300 hryvnias of goods less 10 %, paid in full; words, numbers and dates are those of the language."""
    english, ukrainian = (
        text_of(pages["/profiles/shop/documents/501"]) for pages in (in_english, in_ukrainian)
    )
    assert "Order 501 of 2 Mar 2026, 10:00" in english
    assert "Замовлення 501 від 2 бер. 2026, 10:00" in ukrainian
    assert "Amount ₴270.00 Payments received ₴270.00 Paid" in english
    assert "Сума 270,00 ₴ Надійшло оплат 270,00 ₴ Оплачено" in ukrainian
    assert "of which discount ₴30.00" in english
    assert "у т. ч. знижка 30,00 ₴" in ukrainian


def test_counts_have_their_form(in_english: Pages, in_ukrainian: Pages) -> None:
    """Three orders of 2 March and one of 3 March: 270, 100, 105 and 100 hryvnias."""
    documents = "/profiles/shop/documents"
    assert "4 orders for ₴575.00" in text_of(in_english[documents])
    assert "4 замовлення на 575,00 ₴" in text_of(in_ukrainian[documents])


@pytest.mark.parametrize(
    ("shown", "names"),
    [
        (MOVEMENTS, MOVEMENT_NAMES),
        (PRODUCT_KINDS, PRODUCT_KIND_NAMES),
        (SERVICE_KINDS, SERVICE_LINE_NAMES),
        (STATUS_GROUPS, STATUS_GROUP_NAMES),
        (PAYMENT_KINDS, PAYMENT_KIND_NAMES),
        (RECEIPT_ISSUERS, RECEIPT_ISSUER_NAMES),
    ],
)
def test_names_are_those_of_the_books(shown: dict[object, str], names: dict[object, str]) -> None:
    """The tables and files have Ukrainian names alone, so the Ukrainian page must call things the same."""
    with speaking("uk"):
        assert {code: _(name) for code, name in shown.items()} == names


# Pages without a profile.


def settings_with(directory: Path, *languages: str) -> Settings:
    """Profiles in these languages."""
    for number, language in enumerate(languages):
        content = {"base_url": "sandbox", "start_date": "2026-01-01", "language": language}
        directory.joinpath(f"shop{number}.yaml").write_text(yaml.safe_dump(content), "utf-8")
    return Settings(profiles_directory=directory, data_directory=directory)


@pytest.mark.parametrize(
    ("languages", "accepted", "expected"),
    [
        (["uk"], "en-US,en;q=0.9", "uk"),
        (["en", "en"], "uk", "en"),
        (["uk", "en"], "uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        (["uk", "en"], "en;q=0.5, uk;q=0.7", "uk"),
        (["uk", "en"], "en-GB", "en"),
        ([], "en-GB,en;q=0.9", "en"),
        ([], "pl", "uk"),
        ([], "en;q=high", "en"),
        ([], "", "uk"),
    ],
)
def test_the_language_that_profiles_have_in_common_comes_first(
    tmp_path: Path, languages: list[str], accepted: str, expected: Language
) -> None:
    assert language_without_profile(settings_with(tmp_path, *languages), accepted) == expected


def test_each_profile_has_its_own(tmp_path: Path) -> None:
    """Two shops on one page: the list follows the browser, the pages of a shop the shop, mistakes in forms too."""
    with visited(settings_with(tmp_path, "uk", "en")) as visitor:
        assert heading(visitor, "/", "uk") == "Профілі"
        assert heading(visitor, "/", "en") == "Profiles"
        assert heading(visitor, "/profiles/shop0/connection", "en") == "Підключення"
        assert heading(visitor, "/profiles/shop1/connection", "uk") == "Connection"
        assert heading(visitor, "/profiles/shop1/nothing", "en") == "There is no such page"
        refused = visitor.client.post("/login", data={"token": "wrong"}, headers={"accept-language": "en"})
        assert refused.text.startswith("The form was opened before the page was restarted")


def heading(visitor: Visitor, path: str, accepted: str) -> str:
    """The heading of a page for a browser of that language."""
    answer = visitor.get(path, **{"accept-language": accepted})
    (found,) = html.fromstring(answer.text).xpath("//h1")
    return text_of(found)


def test_the_language_is_changed_on_the_page(tmp_path: Path) -> None:
    """A shop without `language` follows its time zone; the next page is in the language that was chosen."""
    path = tmp_path / "shop.yaml"
    path.write_text("base_url: sandbox\nstart_date: 2026-01-01\n", "utf-8")
    other = "/profiles/shop/settings/other"
    with visited(Settings(profiles_directory=tmp_path, data_directory=tmp_path)) as visitor:
        page = visitor.page(other)
        assert page.xpath("//select[@id='language']/option[@selected]/@value") == [""]
        visitor.send(other, other, **{**_filled(page), "language": "en"})
        assert "language: en" in path.read_text("utf-8")
        assert heading(visitor, other, "uk") == "Settings"
