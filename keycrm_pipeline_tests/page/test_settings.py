"""Налаштування: what stands in the file and in KeyCRM is shown, and what is entered reaches the file, or is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from lxml import html
from pydantic import BaseModel

from keycrm_pipeline.language import _, speaking
from keycrm_pipeline.page.setting_fields import (
    NOT_EDITABLE,
    ONLY_IN_THE_FILE,
    SETTING_PAGES,
    PaymentMethods,
    SettingField,
    refused,
)
from keycrm_pipeline.profile import Profile, Settings, dotted
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.page.shops import small_shop
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, noted_dagster, text_of, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books
from keycrm_pipeline_tests.product import wait_until
from keycrm_pipeline_tests.scripted_api import ScriptedApi

SHOP = "/profiles/shop/settings"

FILE = """\
# Крамниця
start_date: 2023-01-01   # перший день
base_url: https://crm.example/v1
author: Оксана  # веде облік
accounts:
  2: IBAN ФОП  # рахунок
managers: {1: olena}

statuses:
  load: [1, 12]
  stages:
    1: Нове
    12: Закрито # усе
service_categories:
  - 7 # Послуги
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The small shop, whose account is known from a load."""
    return small_shop(tmp_path_factory.mktemp("settings"))


@pytest.fixture
def dagster() -> Iterator[tuple[str, NotedDagster]]:
    with noted_dagster() as found:
        yield found


@pytest.fixture
def visitor(books: Books, dagster: tuple[str, NotedDagster]) -> Iterator[Visitor]:
    profile_file(books).write_text(FILE, "utf-8")
    with visited(books.settings, dagster=dagster[0]) as found:
        yield found


def profile_file(books: Books) -> Path:
    return books.settings.profiles_directory / "shop.yaml"


def filled(page: html.HtmlElement) -> dict[str, str]:
    """What a browser would send of the form of settings, untouched."""
    (form,) = page.xpath("//form[@class='settings']")
    return {str(name): str(value) for name, value in form.form_values()}


def send(
    visitor: Visitor,
    page: str,
    fields: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    **entered: str,
) -> httpx.Response:
    """Sends a page's form with some fields entered otherwise, and some not ticked; `__` stands for a dot."""
    form = filled(visitor.page(f"{SHOP}/{page}")) | dict(fields or {})
    form |= {name.replace("__", "."): value for name, value in entered.items()}
    return visitor.client.post(
        f"{SHOP}/{page}", data={name: value for name, value in form.items() if name not in without}
    )


def beside(answer: httpx.Response, name: str) -> str:
    """What is said beside a field."""
    found = html.fromstring(answer.text).xpath(f"//*[@id='{name}-problem']")
    return text_of(found[0]) if found else ""


# What is shown.


def test_the_account_and_the_file_are_shown_together(visitor: Visitor) -> None:
    page = visitor.page(f"{SHOP}/orders")
    labels = {label.get("for"): text_of(label) for label in page.xpath("//label[@for]")}
    form = filled(page)
    assert labels["accounts.2"] == "Рахунок ФОП (IBAN) № 2"
    assert (form["accounts.2"], form["accounts.3"]) == ("IBAN ФОП", "")
    assert labels["statuses.stages.12"] == "Виконано № 12"
    assert form["statuses.stages.12"] == "Закрито"
    assert form["statuses.load"] == "selected"
    assert {name for name in form if name.startswith("statuses.load.")} == {
        "statuses.load.1",
        "statuses.load.12",
    }
    groups = [text_of(title) for title in page.xpath("//h3")]
    assert groups[:2] == ["Новий", "Погодження"]
    # A subcategory stands inside of its category, and what is empty says what holds instead.
    assert page.xpath("//li[label[@for='service_categories.7']]/ul/li")
    assert page.xpath("//input[@name='accounts.3']/@placeholder") == ["Каса"]
    assert page.xpath("//input[@name='statuses.stages.2']/@placeholder") == ["Наявність підтверджено"]
    suggested = page.xpath("//datalist[@id='statuses.stages-names']/option/@value")
    assert suggested[:2] == ["Нове", "Закрито"]
    assert "Доставлено" in suggested
    users = visitor.page(f"{SHOP}/users")
    assert filled(users)["managers.1"] == "olena"


def test_the_words_are_those_of_the_profile(visitor: Visitor, books: Books) -> None:
    assert "Контрагент" in text_of(visitor.page(f"{SHOP}/orders"))
    send(visitor, "other", words="quincefin")
    text = text_of(visitor.page(f"{SHOP}/orders"))
    assert "Партнер" in text
    assert "Записувати зовнішній номер в коментар" in text
    assert "Контрагент" not in text
    assert profile_file(books).read_text("utf-8") == FILE + "words: quincefin\n"


def test_ids_that_keycrm_does_not_list_are_said_to_be_unknown(visitor: Visitor, books: Books) -> None:
    profile_file(books).write_text(FILE.replace("  2: IBAN", "  999: IBAN"), "utf-8")
    page = visitor.page(f"{SHOP}/orders")
    (label,) = page.xpath("//label[@for='accounts.999']")
    assert text_of(label) == "№ 999 у KeyCRM немає"


def _settings(model: type[BaseModel], before: str = "") -> set[str]:
    names: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        is_section = isinstance(inner, type) and issubclass(inner, BaseModel)
        names |= _settings(inner, f"{before}{name}.") if is_section else {f"{before}{name}"}  # type: ignore[arg-type]
    return names


def test_every_setting_can_be_changed_or_is_named() -> None:
    """A setting that is added to the profile must be put on a page, or be named among those of the file."""
    parts = [part for page in SETTING_PAGES.values() for part in page.parts]
    on_pages = [dotted(part.setting) for part in parts]
    on_pages += [dotted(part.short) for part in parts if isinstance(part, PaymentMethods)]
    assert len(on_pages) == len(set(on_pages))
    assert _settings(Profile) - {"name"} == {*on_pages, *ONLY_IN_THE_FILE}


def test_what_commands_run_and_where_the_key_goes_cannot_be_changed(visitor: Visitor, books: Books) -> None:
    for page in SETTING_PAGES:
        answer = send(
            visitor, page, base_url="https://thief.example", alert__command="rm -rf /", database="/etc/passwd"
        )
        assert answer.headers["location"].endswith("done=unchanged")
    assert profile_file(books).read_text("utf-8") == FILE


@pytest.mark.parametrize("language", ["uk", "en"])
def test_what_is_changed_in_the_file_alone_is_described_with_an_example(
    visitor: Visitor, books: Books, language: str
) -> None:
    """Each has its place on the page, to which the list leads, and an example that a profile can have."""
    profile_file(books).write_text(f"{FILE}language: {language}\n", "utf-8")
    page = visitor.page(f"{SHOP}/file")
    assert page.xpath("//nav[@class='tabs']/a[@aria-current]/@href") == [f"{SHOP}/file"]
    assert page.xpath("//section[1]//li/a/@href") == [f"#{setting}" for setting in ONLY_IN_THE_FILE]
    for setting in ONLY_IN_THE_FILE:
        (section,) = page.xpath(f"//section[@aria-labelledby='{setting}']")
        assert section.xpath(f"h2[@id='{setting}']")
        example = yaml.safe_load(section.xpath("string(pre)"))
        profile = Profile.model_validate(
            {"name": "shop", "start_date": "2024-01-01", "account": "IBAN", **example}
        )
        found: Any = profile
        for name in setting.split("."):
            found = getattr(found, name)
        assert found


# What is saved.


@pytest.mark.parametrize("page", SETTING_PAGES)
def test_a_form_that_nobody_touched_changes_no_byte(visitor: Visitor, books: Books, page: str) -> None:
    answer = send(visitor, page)
    assert answer.headers["location"] == f"{SHOP}/{page}?done=unchanged"
    assert profile_file(books).read_text("utf-8") == FILE
    assert "змінювати не було чого" in text_of(visitor.page(answer.headers["location"]))


def test_what_was_entered_is_in_the_file_and_nothing_else_moved(
    visitor: Visitor, books: Books, dagster: tuple[str, NotedDagster]
) -> None:
    answer = send(
        visitor,
        "orders",
        without=("service_categories.7", "statuses.load.12"),
        author="Ірина",
        start_date="2024-02-01",
        accounts__2="",
        accounts__3="LiqPay",
        statuses__stages__19="Скасовано",
        statuses__load__8="on",
        service_categories__1="on",
    )
    assert answer.status_code == 303, answer.text
    expected = (
        FILE.replace("2023-01-01", "2024-02-01")
        .replace("Оксана", "Ірина")
        .replace("  2: IBAN ФОП  # рахунок\n", "  # 2: IBAN ФОП  # рахунок\n  3: LiqPay\n")
        .replace("[1, 12]", "[1, 8]")
        .replace("усе\n", "усе\n    19: Скасовано\n")
        .replace("  - 7 # Послуги\n", "  # - 7 # Послуги\n  - 1\n")
    )
    assert profile_file(books).read_text("utf-8") == expected
    page = visitor.page(answer.headers["location"])
    assert "Dagster працює з новими налаштуваннями не пізніше ніж за хвилину" in text_of(page)
    assert "/profiles/shop/rebuild" in page.xpath("//main//a/@href")
    wait_until(lambda: dagster[1].reloads == 1, "Dagster is told")
    # What was shown after it is what the file says: sending it again changes nothing.
    assert send(visitor, "orders").headers["location"].endswith("done=unchanged")


def test_a_payment_method_has_a_line_of_its_own(visitor: Visitor, books: Books) -> None:
    """Kinds are proposed by name and never chosen by themselves; an account stays where it stands."""
    page = visitor.page(f"{SHOP}/orders")
    assert filled(page)["payment_methods.5.kind"] == ""
    proposed = page.xpath("//select[@name='payment_methods.5.kind']/option[@value='']")[0]
    assert text_of(proposed) == "вид не вказано (за назвою: післяплата)"
    assert not page.xpath("//select[@name='payment_methods.5.organisation']")
    send(
        visitor,
        "orders",
        accounts__2="Рахунок",
        payment_methods__5__kind="cash_on_delivery",
        payment_methods__5__receipt="by_carrier",
        payment_methods__1__kind="cash",
    )
    written = yaml.safe_load(profile_file(books).read_text("utf-8"))
    assert written["accounts"] == {2: "Рахунок"}
    assert written["payment_methods"] == {
        1: {"kind": "cash"},
        5: {"kind": "cash_on_delivery", "receipt": "by_carrier"},
    }
    send(visitor, "orders", payment_methods__5__receipt="", payment_methods__1__kind="")
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["payment_methods"] == {
        1: None,
        5: {"kind": "cash_on_delivery"},
    }
    answer = send(visitor, "orders", payment_methods__5__kind="barter")
    assert answer.status_code == 422
    assert beside(answer, "payment_methods.5.kind") == "Такого значення тут не може бути."


def test_the_day_and_the_fee_of_a_payment_method(visitor: Visitor, books: Books) -> None:
    """Both need money to compare with; a percentage is typed as people write it."""
    entered = {"payment_methods.5.date": "transaction", "payment_methods.5.fee_percent": "1,5"}
    answer = send(visitor, "orders", entered)
    assert answer.status_code == 422
    assert "не порівнює жодних надходжень" in text_of(html.fromstring(answer.text))
    with profile_file(books).open("a", encoding="utf-8") as file:
        file.write("reconciliation: {external_transactions: true}\n")
    send(visitor, "orders", entered)
    written = yaml.safe_load(profile_file(books).read_text("utf-8"))["payment_methods"]
    assert written == {5: {"date": "transaction", "fee_percent": 1.5}}
    form = filled(visitor.page(f"{SHOP}/orders"))
    assert (form["payment_methods.5.date"], form["payment_methods.5.fee_percent"]) == ("transaction", "1.5")
    assert send(visitor, "orders").headers["location"].endswith("done=unchanged")
    answer = send(visitor, "orders", payment_methods__5__fee_percent="багато")
    assert beside(answer, "payment_methods.5.fee_percent") == "Такого значення тут не може бути."
    send(visitor, "orders", payment_methods__5__date="", payment_methods__5__fee_percent="")
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["payment_methods"] == {5: None}


def test_the_account_of_a_whole_payment_method(visitor: Visitor, books: Books) -> None:
    """In a file with `payment_methods` alone its accounts are there, and organisations can be chosen."""
    content = FILE.replace("accounts:\n  2: IBAN ФОП  # рахунок\n", "") + (
        "payment_methods:\n  5: {account: НоваПей, kind: cash_on_delivery}\n"
        "organisations: {ФОП: {}, ТОВ: {}}\n"
    )
    profile_file(books).write_text(content, "utf-8")
    form = filled(visitor.page(f"{SHOP}/orders"))
    assert (form["payment_methods.5.account"], form["payment_methods.5.organisation"]) == ("НоваПей", "")
    assert send(visitor, "orders").headers["location"].endswith("done=unchanged")
    send(
        visitor,
        "orders",
        payment_methods__5__account="Сейф",
        payment_methods__5__organisation="ТОВ",
        payment_methods__2__account="IBAN",
    )
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["payment_methods"] == {
        5: {"account": "Сейф", "kind": "cash_on_delivery", "organisation": "ТОВ"},
        2: {"account": "IBAN"},
    }


def test_ticks_times_numbers_and_choices(visitor: Visitor, books: Books) -> None:
    answer = send(
        visitor,
        "schedule",
        without=("changes.enabled",),
        schedule__daily_at="06:15",
        changes__every_minutes="30",
        sweep__weekday="monday",
    )
    assert answer.headers["location"].endswith("done=saved")
    assert yaml.safe_load(profile_file(books).read_text("utf-8")) == {
        **yaml.safe_load(FILE),
        "schedule": {"daily_at": "06:15"},
        "changes": {"enabled": False, "every_minutes": 30},
        "sweep": {"weekday": "monday"},
    }
    page = visitor.page(answer.headers["location"])
    assert "rebuild" not in "".join(page.xpath("//main//a/@href"))
    send(visitor, "schedule", schedule__daily_at="", changes__enabled="on", changes__every_minutes="")
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["changes"] == {"enabled": True}


def test_a_list_of_words_line_by_line(visitor: Visitor, books: Books) -> None:
    send(visitor, "other", placeholder_skus=" - \r\n\r\nбез коду\r\n")
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["placeholder_skus"] == ["-", "без коду"]
    assert filled(visitor.page(f"{SHOP}/other"))["placeholder_skus"].split() == ["-", "без", "коду"]
    send(visitor, "other", placeholder_skus="")
    assert profile_file(books).read_text("utf-8") == FILE


def test_all_statuses_again(visitor: Visitor, books: Books) -> None:
    send(visitor, "orders", statuses__load="all")
    assert profile_file(books).read_text("utf-8") == FILE.replace("[1, 12]", "all")


def test_it_is_saved_without_dagster(books: Books) -> None:
    profile_file(books).write_text(FILE, "utf-8")
    with visited(books.settings) as visitor:
        answer = send(visitor, "orders", author="Ірина")
        assert "Збережено" in text_of(visitor.page(answer.headers["location"]))
    assert "Ірина" in profile_file(books).read_text("utf-8")


# What is refused.


def _wrong_values() -> Iterator[Any]:
    wrong = {"number": "-1", "day": "31.02.2024", "time": "04:59", "choice": "other"}
    special = {
        "currency": "гривня",
        "export.odoo.currency": "uah",
        "timezone": "Kyiv",
        "keycrm_url": "myshop",
    }
    for name, page in SETTING_PAGES.items():
        for part in page.parts:
            if isinstance(part, SettingField):
                value = special.get(dotted(part.setting), wrong.get(part.kind))
                if value is not None:
                    yield pytest.param(name, part, value, id=dotted(part.setting))


@pytest.mark.parametrize(("page", "field", "value"), list(_wrong_values()))
def test_a_wrong_value_is_refused_beside_its_field_and_kept(
    visitor: Visitor, books: Books, page: str, field: SettingField, value: str
) -> None:
    answer = send(visitor, page, {dotted(field.setting): value})
    name = dotted(field.setting)
    assert answer.status_code == 422
    with speaking("uk"):
        assert beside(answer, name) == refused(field.refusal)
    assert "Не збережено" in answer.text
    if field.kind != "choice":
        assert filled(html.fromstring(answer.text))[name] == value
    assert profile_file(books).read_text("utf-8") == FILE


def test_the_limits_that_a_refusal_names_are_those_of_the_profile(visitor: Visitor, books: Books) -> None:
    """The numbers in «від … до …» are accepted, and one less or more is not."""
    for name, page in SETTING_PAGES.items():
        for part in page.parts:
            if not (isinstance(part, SettingField) and part.kind == "number"):
                continue
            with speaking("uk"):
                told = refused(part.refusal)
            least, most = (int(word) for word in told.rstrip(".").split() if word.isdecimal())
            field = dotted(part.setting)
            for value, expected in ((least - 1, 422), (least, 303), (most, 303), (most + 1, 422)):
                profile_file(books).write_text(FILE, "utf-8")
                assert send(visitor, name, {field: str(value)}).status_code == expected, (field, value)


def test_several_mistakes_are_told_at_once(visitor: Visitor, books: Books) -> None:
    answer = send(
        visitor,
        "orders",
        without=("statuses.load.1", "statuses.load.12"),
        currency="грн",
        start_date="",
        author="Ірина",
    )
    assert answer.status_code == 422
    assert beside(answer, "statuses.load") == "Позначте хоча б один статус або виберіть усі."
    assert beside(answer, "start_date").startswith("Вкажіть день")
    assert beside(answer, "currency").startswith("Вкажіть три великі латинські літери")
    assert filled(html.fromstring(answer.text))["author"] == "Ірина"
    assert profile_file(books).read_text("utf-8") == FILE


def test_what_another_setting_needs_is_named(visitor: Visitor, books: Books) -> None:
    content = FILE + "organisations:\n  ФОП:\n    accounts: [IBAN ФОП]\n"
    profile_file(books).write_text(content, "utf-8")
    answer = send(visitor, "orders", accounts__2="Інший рахунок")
    assert answer.status_code == 422
    assert "Організації посилаються на рахунок чи касу" in answer.text
    assert profile_file(books).read_text("utf-8") == content


def test_organisations_are_added_get_what_belongs_to_them_and_are_removed(
    visitor: Visitor, books: Books, dagster: tuple[str, NotedDagster]
) -> None:
    """Accounts are numbered in the order of the file: 0 Каса, 1 IBAN ФОП; the lists stay as a person wrote them."""
    first = "ФОП Коваль О. І."
    answer = send(visitor, "organisations", organisations__new=f" {first} ")
    assert answer.headers["location"] == f"{SHOP}/organisations?done=saved&rebuild=1"
    text = FILE + f"organisations:\n  {first}:\n    default: false\n"
    assert profile_file(books).read_text("utf-8") == text
    send(visitor, "organisations", {"organisations.accounts.1": "0"}, organisations__new="ТОВ Вишня")
    answer = send(
        visitor,
        "organisations",
        {
            "organisations.sources.2": "1",
            "organisations.sources.4": "1",
            "organisations.0.yearly_limit": "5 000 000,50",
        },
        organisations__default="0",
    )
    assert answer.status_code == 303, beside(answer, "organisations")
    page = visitor.page(f"{SHOP}/organisations")
    form = filled(page)
    assert (form["organisations.accounts.0"], form["organisations.accounts.1"]) == ("", "0")
    assert (form["organisations.sources.2"], form["organisations.sources.1"]) == ("1", "")
    assert (form["organisations.default"], form["organisations.0.yearly_limit"]) == ("0", "5000000.5")
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["organisations"] == {
        first: {"default": True, "accounts": ["IBAN ФОП"], "yearly_limit": 5000000.5},
        "ТОВ Вишня": {"default": False, "sources": [2, 4]},
    }
    # The account moves to the other one, and the sum goes; then the first one is removed.
    send(visitor, "organisations", {"organisations.accounts.1": "1", "organisations.0.yearly_limit": ""})
    send(visitor, "organisations", {"organisations.0.remove": "on"})
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["organisations"] == {
        "ТОВ Вишня": {"default": False, "sources": [2, 4], "accounts": ["IBAN ФОП"]}
    }
    assert profile_file(books).read_text("utf-8").startswith(FILE)
    wait_until(lambda: dagster[1].reloads == 5, "Dagster was told each time")


def test_an_organisation_that_a_payment_method_names_cannot_be_removed(
    visitor: Visitor, books: Books
) -> None:
    content = FILE + "payment_methods: {5: {organisation: ФОП}}\norganisations:\n  ФОП: {default: true}\n"
    profile_file(books).write_text(content, "utf-8")
    page = visitor.page(f"{SHOP}/organisations")
    # Method 5 is said under «Замовлення», all others are here.
    assert not page.xpath("//select[@name='organisations.payment_methods.5']")
    assert page.xpath("//select[@name='organisations.payment_methods.4']")
    answer = send(visitor, "organisations", {"organisations.0.remove": "on"})
    assert answer.status_code == 422
    assert "organisations" in text_of(html.fromstring(answer.text).xpath("//ul[@class='notice bad']")[0])
    assert filled(html.fromstring(answer.text))["organisations.0.remove"] == "on"
    answer = send(visitor, "organisations", {"organisations.0.yearly_limit": "багато"})
    assert answer.status_code == 422
    assert profile_file(books).read_text("utf-8") == content


def test_an_organisation_keeps_its_place_when_its_only_setting_goes(visitor: Visitor, books: Books) -> None:
    """An entry without any setting would count as none."""
    content = FILE + "organisations:\n  ФОП:\n    yearly_limit: 1000\n"
    profile_file(books).write_text(content, "utf-8")
    send(visitor, "organisations", {"organisations.0.yearly_limit": ""})
    assert yaml.safe_load(profile_file(books).read_text("utf-8"))["organisations"] == {
        "ФОП": {"default": False}
    }


def test_the_logins_of_sellers(visitor: Visitor, books: Books) -> None:
    """The author and the mapped users are asked for, in the order of the file; what is emptied leaves the file."""
    page = visitor.page(f"{SHOP}/users")
    labels = {label.get("for"): text_of(label) for label in page.xpath("//label[@for]")}
    assert [labels[f"export.odoo.users.{number}"] for number in (0, 1)] == ["Оксана", "olena"]
    answer = send(visitor, "users", {"export.odoo.users.1": "olena@shop.example"})
    assert answer.headers["location"] == f"{SHOP}/users?done=saved"
    assert (
        profile_file(books).read_text("utf-8")
        == FILE + "export:\n  odoo:\n    users:\n      olena: olena@shop.example\n"
    )
    send(visitor, "users", {"export.odoo.users.1": ""})
    assert "olena@" not in profile_file(books).read_text("utf-8")


def test_a_line_that_others_share_is_refused_in_words(visitor: Visitor, books: Books) -> None:
    content = FILE.replace("author: Оксана", "author: &who Оксана") + "default_partner: *who\n"
    profile_file(books).write_text(content, "utf-8")
    answer = send(visitor, "orders", author="Ірина")
    with speaking("uk"):
        assert (answer.status_code, beside(answer, "author")) == (422, _(NOT_EDITABLE))
    assert profile_file(books).read_text("utf-8") == content
    assert send(visitor, "orders", currency="EUR").status_code == 303
    assert profile_file(books).read_text("utf-8") == content + "currency: EUR\n"


def test_a_file_that_somebody_changed_meanwhile_is_shown_and_not_overwritten(
    visitor: Visitor, books: Books
) -> None:
    """The other's author and this person's stage: both are in the form afterwards, and saved when sent again."""
    form = filled(visitor.page(f"{SHOP}/orders")) | {"statuses.stages.12": "Готово"}
    theirs = FILE.replace("Оксана", "Марія")
    profile_file(books).write_text(theirs, "utf-8")
    answer = visitor.client.post(f"{SHOP}/orders", data=form)
    assert answer.status_code == 409
    assert profile_file(books).read_text("utf-8") == theirs
    page = html.fromstring(answer.text)
    assert [text_of(line) for line in page.xpath("//ul[@class='difference']/li")] == [
        "Було: author: Оксана # веде облік",
        "Стало: author: Марія # веде облік",
    ]
    again = filled(page)
    assert (again["author"], again["statuses.stages.12"]) == ("Марія", "Готово")
    assert visitor.client.post(f"{SHOP}/orders", data=again).status_code == 303
    assert profile_file(books).read_text("utf-8") == theirs.replace("Закрито", "Готово")


def test_a_double_click_is_not_a_change_by_somebody_else(visitor: Visitor) -> None:
    form = filled(visitor.page(f"{SHOP}/orders")) | {"author": "Ірина"}
    sent = [visitor.client.post(f"{SHOP}/orders", data=form) for _press in range(2)]
    assert [answer.headers.get("location") for answer in sent] == [f"{SHOP}/orders?done=saved&rebuild=1"] * 2


def test_a_form_that_is_not_known_any_more_changes_nothing(visitor: Visitor, books: Books) -> None:
    answer = send(visitor, "orders", digest="0" * 64, author="Ірина")
    assert answer.status_code == 409
    assert "Форму відкрито надто давно" in text_of(html.fromstring(answer.text)).replace("форму", "Форму")
    assert profile_file(books).read_text("utf-8") == FILE


def test_a_file_that_became_wrong_is_shown_with_its_mistake(visitor: Visitor, books: Books) -> None:
    form = filled(visitor.page(f"{SHOP}/orders"))
    profile_file(books).write_text(FILE + "curency: UAH\n", "utf-8")
    answer = visitor.client.post(f"{SHOP}/orders", data=form | {"author": "Ірина"})
    assert answer.status_code == 409
    assert "У профілі помилка" in answer.text
    assert profile_file(books).read_text("utf-8") == FILE + "curency: UAH\n"


def test_pages_that_do_not_exist(visitor: Visitor) -> None:
    assert visitor.get(f"{SHOP}/nothing").status_code == 404
    assert visitor.get("/profiles/other/settings/orders").status_code == 404


# The lists of the account.


def test_the_lists_are_read_from_keycrm_on_a_press(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was loaded: the form has only what the file says, then KeyCRM's names; what was typed stays."""
    monkeypatch.setenv("KEYCRM_API_KEY", "the-key-of-the-tests")
    with SandboxServer(ScriptedApi(EditableShop.empty(), api_key="the-key-of-the-tests")) as server:
        (tmp_path / "shop.yaml").write_text(
            f"start_date: 2026-01-01\nbase_url: {server.url}\nmanagers:\n  1: olena\n", "utf-8"
        )
        with visited(Settings(tmp_path, tmp_path / "data")) as visitor:
            page = visitor.page(f"{SHOP}/users")
            assert "Списків ще не отримано" in text_of(page)
            assert [name for name in filled(page) if name.startswith("managers")] == ["managers.1"]
            answer = send(visitor, "users", action="lists", managers__1="typed")
            form = filled(html.fromstring(answer.text))
            assert answer.status_code == 200
            assert form["managers.1"] == "typed"
            assert "managers.2" in form
            assert "Списки станом на 1 квіт. 2026, 11:00" in text_of(html.fromstring(answer.text)).replace(
                "\u00a0", " "
            )
            # They are there on the other pages as well.
            assert "Новий № 1" in text_of(visitor.page(f"{SHOP}/orders"))
            monkeypatch.setenv("KEYCRM_API_KEY", "another-key")
            refused = send(visitor, "users", action="lists", managers__1="typed")
            assert refused.status_code == 502
            assert "Списків не отримано." in refused.text
            assert "another-key" not in refused.text
            assert filled(html.fromstring(refused.text))["managers.1"] == "typed"
    assert "typed" not in (tmp_path / "shop.yaml").read_text("utf-8")


def test_empty_stages_and_users_are_filled_with_keycrms_names(books: Books, visitor: Visitor) -> None:
    """What stands there already stays, accounts stay empty, and nothing is saved before «Зберегти»."""
    answer = send(visitor, "orders", action="names", statuses__stages__1="Почато")
    form = filled(html.fromstring(answer.text))
    assert "Порожнє заповнено" in answer.text
    assert [form[f"statuses.stages.{number}"] for number in (1, 2, 12, 19)] == [
        "Почато",
        "Наявність підтверджено",
        "Закрито",
        "Скасовано",
    ]
    assert (form["accounts.2"], form["accounts.3"]) == ("IBAN ФОП", "")
    assert profile_file(books).read_text("utf-8") == FILE
    users = filled(html.fromstring(send(visitor, "users", action="names").text))
    assert (users["managers.1"], users["managers.2"]) == ("olena", "Богдана Прикладенко")


def test_names_that_are_not_known_yet_fill_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    with visited(Settings(tmp_path, tmp_path / "data")) as visitor:
        answer = send(visitor, "orders", action="names", author="Ірина")
        assert answer.status_code == 409
        assert "Списків ще не отримано" in answer.text
        assert filled(html.fromstring(answer.text))["author"] == "Ірина"


def test_a_rebuild_is_offered_once_there_are_documents(tmp_path: Path) -> None:
    """The author of no document has changed before the first load."""
    (tmp_path / "shop.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    with visited(Settings(tmp_path, tmp_path / "data")) as visitor:
        saved = visitor.page(send(visitor, "orders", author="Ірина").headers["location"])
        assert "Збережено." in text_of(saved)
        assert "переформування" not in text_of(saved)
