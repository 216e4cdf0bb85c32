"""The settings of a profile file: defaults, valid values, and how invalid ones are reported."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Settings, load_profile
from keycrm_pipeline.profile.models import PLACEHOLDER_SKUS
from keycrm_pipeline.sandbox.dictionaries import PAYMENT_METHODS, STATUSES
from keycrm_pipeline_tests.profile.files import START, problems_of, read

PROJECT = Path(__file__).parents[2]


def test_a_start_date_alone_is_a_profile(places: Settings) -> None:
    """A file with a single line has the documented defaults."""
    profile = read(places, START)
    assert profile.model_dump() == {
        "base_url": "https://openapi.keycrm.app/v1",
        "start_date": date(2024, 1, 1),
        "timezone": "Europe/Kyiv",
        "language": None,
        "currency": "UAH",
        "words": "bas",
        "author": "Оператор обміну",
        "default_partner": None,
        "partner_match": "phone",
        "placeholder_skus": PLACEHOLDER_SKUS,
        "delivery_service": "Послуги доставки",
        "source_number_in_comment": False,
        "account": "Каса",
        "accounts": {},
        "payment_methods": {},
        "organisations": {},
        "service_categories": (),
        "managers": {},
        "statuses": {"load": "all", "stages": {}, "require_mapping": False},
        "created_margin_days": 2,
        "keep_versions_days": None,
        "requests_per_minute": 20,
        "largest_answer_megabytes": 64,
        "database": None,
        "publish": False,
        "changes": {"enabled": True, "every_minutes": 15, "overlap_minutes": 60},
        "recent": {"days": 14},
        "sweep": {"enabled": True, "weekday": "sunday", "most_missing": 20, "most_unseen": 100},
        "schedule": {"enabled": True, "daily_at": "05:30", "most_days_to_complete": 31},
        "history": {"unchanged_days": 2, "failed_days": 90, "days": 90, "most_runs": 1000},
        "alert": {"command": None, "webhook": None},
        "hand_over": {"stages": (), "paid": False, "receipt": False},
        "closed_until": None,
        "reconciliation": {
            "external_transactions": False,
            "gateways": {},
            "registers": {},
            "since": None,
            "days": 7,
            "tolerance": 0,
        },
        "export": {
            "columns": {},
            "odoo": {"currency": None, "notes": "internal", "users": {}},
            "commerceml": {
                "vat": None,
                "currencies": {},
                "requisites": {},
                "tell_namesakes_apart": True,
                "namespace": True,
            },
        },
        "custom_fields": {},
        "show_cost": False,
        "keycrm_url": None,
        "owners": ("team:accounting",),
    }
    assert profile.name == "shop"
    assert str(profile.zone) == "Europe/Kyiv"


def test_every_setting_is_read_as_written(places: Settings) -> None:
    """Valid values of every kind of setting are taken as written."""
    profile = read(
        places,
        """
base_url: https://openapi.keycrm.app/v1/
start_date: "2024-02-29"
currency: EUR
default_partner: "  Роздрібний покупець "
partner_match: phone_and_name
accounts: {2: "ПриватБанк ФОП"}
payment_methods:
  2: {kind: transfer}
  5:
    account: НоваПей
    organisation: ТОВ Вишня
    kind: cash_on_delivery
    receipt: by_carrier
    date: transaction
    fee_percent: 1.5
reconciliation: {external_transactions: true}
organisations:
  ФОП Коваль: {accounts: ["ПриватБанк ФОП", НоваПей], payment_methods: [3], default: true, yearly_limit: 8000000.50}
  ТОВ Вишня: {sources: [2, 4]}
service_categories: [7, 12]
managers: {5: olena}
statuses: {load: [1, 12], stages: {1: Нове, 12: Виконано}, require_mapping: true}
requests_per_minute: 600
schedule: {daily_at: "20:59"}
export:
  columns: {orders: {order_id: Номер, grand_total: Сума}}
  commerceml:
    vat: 20
    currencies: {EUR: євр}
    requisites:
      Склад: Основний склад
      Договор контрагента: {account: {"ПриватБанк ФОП": Договір 1}, source: {4: Договір 2}, default: Договір 3}
    tell_namesakes_apart: false
    namespace: false
owners: ["team:books", olena@shop.example]
""",
    )
    assert profile.base_url == "https://openapi.keycrm.app/v1"
    assert profile.start_date == date(2024, 2, 29)
    assert profile.default_partner == "Роздрібний покупець"
    assert profile.accounts == {2: "ПриватБанк ФОП"}
    koval, vyshnia = profile.organisations.values()
    assert koval.accounts == ("ПриватБанк ФОП", "НоваПей")
    assert (koval.payment_methods, koval.default) == ((3,), True)
    assert profile.method_accounts == {2: "ПриватБанк ФОП", 5: "НоваПей"}
    transfer, on_delivery = profile.payment_methods[2], profile.payment_methods[5]
    assert (transfer.account, transfer.organisation, transfer.kind, transfer.receipt) == (
        None, None, "transfer", "none",
    )  # fmt: skip
    assert (on_delivery.organisation, on_delivery.kind, on_delivery.receipt) == (
        "ТОВ Вишня", "cash_on_delivery", "by_carrier",
    )  # fmt: skip
    assert (koval.yearly_limit, vyshnia.yearly_limit) == (Decimal("8000000.50"), None)
    assert (vyshnia.sources, vyshnia.default) == ((2, 4), False)
    assert profile.service_categories == (7, 12)
    assert profile.managers == {5: "olena"}
    assert profile.statuses.load == (1, 12)
    assert profile.statuses.stages == {1: "Нове", 12: "Виконано"}
    assert list(profile.export.columns["orders"].items()) == [("order_id", "Номер"), ("grand_total", "Сума")]
    commerceml = profile.export.commerceml
    assert (commerceml.vat, commerceml.currencies) == (20, {"EUR": "євр"})
    assert (commerceml.tell_namesakes_apart, commerceml.namespace) == (False, False)
    warehouse, contract = commerceml.requisites["Склад"], commerceml.requisites["Договор контрагента"]
    assert (warehouse.default, warehouse.account, warehouse.source) == ("Основний склад", {}, {})
    assert contract.account == {"ПриватБанк ФОП": "Договір 1"}
    assert (contract.source, contract.default) == ({4: "Договір 2"}, "Договір 3")
    assert profile.owners == ("team:books", "olena@shop.example")


def test_the_demo_shop_is_not_throttled(places: Settings) -> None:
    """At the rate of a real account, the demo month would take minutes."""
    assert read(places, f"{START}base_url: sandbox\n").requests_per_minute == 6000
    assert read(places, f"{START}base_url: sandbox\nrequests_per_minute: 9000\n").requests_per_minute == 9000
    assert read(places, f"{START}base_url: sandbox\nrequests_per_minute: 30\n").requests_per_minute == 30


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("acount: Каса", "acount", "account"),
        ("statuses: {stage: {1: Нове}}", "statuses.stage", "stages"),
        ("sweep: {when: sunday}", "sweep.when", "enabled, weekday, most_missing, most_unseen"),
        ("sweep: {weekdays: sunday}", "sweep.weekdays", "Perhaps it should be weekday"),
        ("sweep: 5", "sweep", "enabled, weekday, most_missing, most_unseen"),
        ("timezone: Kyiv", "timezone", "Europe/Kyiv"),
        ("timezone: right/Europe/Kyiv", "timezone", "Europe/Kyiv"),
        ("timezone: ../../etc/passwd", "timezone", "Europe/Kyiv"),
        ("currency: грн", "currency", "UAH"),
        ("author: '  '", "author", "blank"),
        ("author: 7", "author", "in quotes"),
        ("author: yes", "author", "in quotes"),
        ("partner_match: name", "partner_match", "'phone', 'phone_and_name'"),
        ("placeholder_skus: '-'", "placeholder_skus", "list"),
        ("placeholder_skus: [0]", "placeholder_skus.0", "in quotes"),
        ("placeholder_skus: ['']", "placeholder_skus.0", "blank"),
        ("source_number_in_comment: 'true'", "source_number_in_comment", "without quotes"),
        ("source_number_in_comment: 1", "source_number_in_comment", "true or false"),
        ("requests_per_minute: 0", "requests_per_minute", "The minimum is 1"),
        ("requests_per_minute: 601", "requests_per_minute", "1 to 600"),
        ("requests_per_minute: true", "requests_per_minute", "whole number"),
        ("requests_per_minute: 20.5", "requests_per_minute", "whole number"),
        ("service_categories: 7", "service_categories", "list"),
        ("service_categories: [true]", "service_categories.0", "whole number"),
        ("service_categories: ['7']", "service_categories.0", "without quotes"),
        ("accounts: [IBAN]", "accounts", "key: value"),
        ("accounts: {2: 26001234}", "accounts.2", "in quotes"),
        ("accounts: {'2': IBAN}", "accounts", "«2» is not a valid id. Ids are whole numbers"),
        ("accounts: {true: IBAN}", "accounts", "true is not a valid id"),
        ("accounts: {0: IBAN}", "accounts", "0 is not a valid id"),
        ("payment_methods: {5: Каса}", "payment_methods.5", "account, organisation, kind, receipt"),
        ("payment_methods: {five: {kind: cash}}", "payment_methods", "Ids are whole numbers"),
        ("payment_methods: {5: {kind: cod}}", "payment_methods.5.kind", "'cash_on_delivery'"),
        ("payment_methods: {5: {receipt: carrier}}", "payment_methods.5.receipt", "'by_carrier'"),
        ("payment_methods: {5: {знижка: 2}}", "payment_methods.5.знижка", "account, organisation"),
        (
            "accounts: {5: Каса}\npayment_methods: {5: {account: Сейф}}",
            "payment_methods",
            "payment method 5 has an account in `accounts` too",
        ),
        (
            "payment_methods: {5: {organisation: ФОП}}",
            "organisations",
            "the organisation of payment method 5 is not one of them",
        ),
        (
            "payment_methods: {5: {organisation: А}}\norganisations: {А: {}, Б: {payment_methods: [5]}}",
            "organisations",
            "one of the payment methods is listed twice",
        ),
        ("organisations: [ФОП]", "organisations", "key: value"),
        (
            "organisations: {ФОП: {account: [Каса]}}",
            "organisations.ФОП.account",
            "Perhaps it should be accounts",
        ),
        (
            "organisations: {А: {sources: [1, 2]}, Б: {sources: [2]}}",
            "organisations",
            "one of the sources is listed twice",
        ),
        (
            "organisations: {А: {default: true}, Б: {default: true}}",
            "organisations",
            "for one of them at most",
        ),
        ("organisations: {А: {accounts: [Сейф]}}", "organisations", "`accounts` and `payment_methods`"),
        (
            "organisations: {А: {yearly_limit: багато}}",
            "organisations.А.yearly_limit",
            "a sum such as 1000000",
        ),
        ("organisations: {А: {yearly_limit: 0}}", "organisations.А.yearly_limit", "above 0"),
        ("export: {commerceml: {vat: 20%}}", "export.commerceml.vat", "whole number"),
        ("export: {commerceml: {vat: -1}}", "export.commerceml.vat", "The minimum is 0"),
        ("export: {commerceml: {taxes: 20}}", "export.commerceml.taxes", "currencies, requisites"),
        (
            "export: {commerceml: {currencies: {EUR: євро}}}",
            "export.commerceml.currencies",
            "a name of three characters",
        ),
        (
            "export: {commerceml: {currencies: {євр: EUR}}}",
            "export.commerceml.currencies",
            "codes such as EUR",
        ),
        (
            "export: {commerceml: {requisites: {Організація: ФОП}}}",
            "export.commerceml.requisites",
            "Организация, Склад, Подразделение, Вид цен, Договор контрагента",
        ),
        (
            "export: {commerceml: {requisites: {Склад: {sources: {1: Склад}}}}}",
            "export.commerceml.requisites.Склад.sources",
            "Perhaps it should be source",
        ),
        (
            "export: {commerceml: {requisites: {Склад: {source: {Сайт: Склад}}}}}",
            "export.commerceml.requisites.Склад.source",
            "Ids are whole numbers",
        ),
        (
            "export: {commerceml: {requisites: {Склад: {account: {Сейф: Склад}}}}}",
            "export",
            "`accounts` and `payment_methods`",
        ),
        (
            "export: {commerceml: {requisites: {Склад: [Основний]}}}",
            "export.commerceml.requisites.Склад",
            "payment_method, account, source, default",
        ),
        ("statuses: {load: none}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: ['1']}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: [true]}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: []}", "statuses.load", "`all`, or a list of status ids"),
        ("changes: {every_minutes: 0}", "changes.every_minutes", "The minimum is 1"),
        ("changes: {overlap_minutes: true}", "changes.overlap_minutes", "whole number"),
        ("sweep: {weekday: неділя}", "sweep.weekday", "'sunday'"),
        ("schedule: {daily_at: '04:59'}", "schedule.daily_at", '"05:00" to "20:59"'),
        ("schedule: {daily_at: '21:00'}", "schedule.daily_at", '"05:00" to "20:59"'),
        ("schedule: {daily_at: 12:30}", "schedule.daily_at", "in quotes"),
        ('alert: {command: "mail -s \'x"}', "alert.command", "unclosed quote"),
        ("alert: {webhook: hooks.example}", "alert.webhook", "https://"),
        ("payment_methods: {2: {fee_percent: 101}}", "payment_methods.2.fee_percent", "The maximum is 100"),
        ("payment_methods: {2: {date: shipment}}", "payment_methods.2.date", "'payment', 'transaction'"),
        ("payment_methods: {2: {fee_percent: 1.5}}", "reconciliation", "payment method 2 has `fee_percent`"),
        ("payment_methods: {2: {date: transaction}}", "reconciliation", "Name registers, or switch on"),
        ("custom_fields: {packaging: OR_1012}", "custom_fields", "ids such as OR_1012"),
        ("custom_fields: {OR_1012: Пакування}", "custom_fields", "small Latin letters"),
        ("custom_fields: {OR_1012: 'a; DROP'}", "custom_fields", "small Latin letters"),
        ("custom_fields: {OR_1012: clients.packaging}", "custom_fields", "small Latin letters"),
        ("custom_fields: {OR_1: one, OR_2: one}", "custom_fields", "two fields have one name"),
        (
            "custom_fields: {OR_1: grand_total}",
            "custom_fields",
            "'grand_total' that the table orders has already",
        ),
        (
            "custom_fields: {OR_1: payment_method_id}",
            "custom_fields",
            "OR_1 another name, such as crm_payment_method_id",
        ),
        ("custom_fields: {CT_1: sku}", "custom_fields", "CT_1 has the name of the column 'sku'"),
        (
            "custom_fields: {CT_1: partners.phone_key}",
            "custom_fields",
            "'phone_key' that the table partners has",
        ),
        (
            "custom_fields: {CT_1: partners.card, CT_2: buyers.card}",
            "custom_fields",
            "two fields have one name",
        ),
        (
            "custom_fields: {CT_1: buyers.phone}",
            "custom_fields",
            "'phone' that the table partners has already",
        ),
        ("custom_fields: {OR_1: one, CT_2: orders.one}", "custom_fields", "two fields have one name"),
        ("keycrm_url: javascript:alert(1)", "keycrm_url", "https://"),
        ("owners: [books]", "owners", "`team:` and a name"),
        ("database: 'md:shop'", "database", "path of a file"),
        ("database: lake\npublish: true", "publish", "a lake has no copy"),
        ("database: ':memory:'", "database", "path of a file"),
        ("export: {columns: {orders: {order_id: 5}}}", "export.columns.orders.order_id", "in quotes"),
        ("base_url: openapi.keycrm.app", "base_url", "https://"),
        ("base_url: http://openapi.keycrm.app/v1", "base_url", "over the network"),
        ("base_url: https://user:word@openapi.keycrm.app/v1", "base_url", "a user or a password"),
        ('base_url: "https://openapi.keycrm.app/v1?x"', "base_url", "? or #"),
        ('base_url: "https://openapi.keycrm.app/v1#x"', "base_url", "? or #"),
        ("name: other", "name", "the file name"),
        ("1: 2", "1", "no such setting"),
    ],
)
def test_a_mistake_is_reported_with_its_key_and_what_is_allowed(
    places: Settings, line: str, key: str, said: str
) -> None:
    """The message names the mistyped setting and what to write instead; nothing is guessed or ignored."""
    problems = problems_of(places, f"{START}{line}\n")
    assert set(problems) == {key}
    assert said in problems[key]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "it is missing"),
        ("start_date: 2024-01-01 10:00", "a date such as 2024-01-01"),
        ("start_date: 20240101", "a date such as 2024-01-01"),
        ("start_date: 01.01.2024", "a date such as 2024-01-01"),
        ("start_date: '2024-02-30'", "there is no such date"),
        ("start_date: 0224-01-01", "from 2000-01-01 on"),
    ],
)
def test_an_invalid_start_date_is_refused(places: Settings, line: str, said: str) -> None:
    """A mistyped year would create centuries of partitions."""
    assert said in problems_of(places, f"{line}\ncurrency: UAH\n")["start_date"]


def test_a_printed_profile_shows_no_people_and_no_hooks(places: Settings) -> None:
    """An unexpected error prints the objects involved."""
    profile = read(
        places,
        f"{START}managers: {{5: Марічка}}\nalert: {{command: mail Марічка, webhook: 'https://x.example/Марічка'}}\n",
    )
    assert profile.managers == {5: "Марічка"}
    assert "Марічка" not in repr(profile)


def test_the_profile_of_the_demo_shop_is_valid() -> None:
    """A newcomer's first profile works; one status and one manager are left unmapped on purpose."""
    places = Settings(PROJECT / "profiles", PROJECT / "data")
    profile = load_profile("demo", places)
    assert profile.base_url == "sandbox"
    assert profile.start_date == date(2023, 1, 1)
    assert profile.service_categories == (7,)
    assert profile.default_partner is not None
    listed = {status["id"] for status in STATUSES if status["is_active"]}
    assert len(listed - set(profile.statuses.stages)) == 1
    assert set(profile.statuses.stages) < listed
    assert {1, 2, 3, 4, 5} <= set(profile.managers)
    listed = {row["id"] for row in PAYMENT_METHODS if row["name"]}
    assert set(profile.method_accounts) == listed
    assert {method for method, chosen in profile.payment_methods.items() if chosen.kind} == listed
    first_line = (places.profiles_directory / "demo.yaml").read_text("utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first_line)
    assert named is not None
    assert (places.profiles_directory / named[1]).is_file()
