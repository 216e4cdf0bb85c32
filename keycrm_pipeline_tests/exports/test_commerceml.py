"""CommerceML files, read by lxml, checked against the schema's demands and totals added up again.

What 1C's module does with them is known from reading it; nothing here runs it.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCT_VARIANTS, PRODUCTS
from keycrm_pipeline_tests.documents import Documents, Item, Payment
from keycrm_pipeline_tests.exports.small_shop import TOTALS, Export, SmallShop, plain_order

NAMESPACES = {"c": "urn:1C.ru:commerceml_2"}
SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("commerceml_order.xsd")))
KOPIYKA = Decimal("0.01")
MAY = Period(date(2026, 5, 1), date(2026, 5, 31))
DAY = MAY.first


def _read(path: Path) -> etree._ElementTree:
    return etree.parse(path)


def _texts(node: etree._ElementTree | etree._Element, path: str) -> list[str]:
    return [str(text) for text in node.xpath(path + "/text()", namespaces=NAMESPACES)]


def _attributes(node: etree._Element) -> dict[str, str]:
    names = _texts(node, "c:ЗначенияРеквизитов/c:ЗначениеРеквизита/c:Наименование")
    values = _texts(node, "c:ЗначенияРеквизитов/c:ЗначениеРеквизита/c:Значение")
    return dict(zip(names, values, strict=True))


def _documents(tree: etree._ElementTree) -> dict[str, etree._Element]:
    return {
        _texts(document, "c:Номер")[0]: document
        for document in tree.xpath("/c:КоммерческаяИнформация/c:Документ", namespaces=NAMESPACES)
    }


def _exported(export: Export, period: Period | None = None, **settings: Any) -> etree._ElementTree:
    """The file of a shop that has told the name of its euros, valid by the schema."""
    commerceml = {"currencies": {"EUR": "EUR"}, **settings}
    result = export("commerceml", **({} if period is None else {"period": period}), commerceml=commerceml)
    tree = _read(result.files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    return tree


def _lines(document: etree._Element) -> list[etree._Element]:
    return list(document.xpath("c:Товары/c:Товар", namespaces=NAMESPACES))


def test_file_follows_the_schema(export: Export) -> None:
    """BAS refuses a file whose elements stand in another order, or whose names are longer than allowed."""
    assert _exported(export).getroot().get("ВерсияСхемы") == "2.10"


def test_each_document_adds_up(export: Export) -> None:
    """The importer adds up the lines; a kopiyka too many would make a debt that nobody owes."""
    documents = _documents(_exported(export))
    assert sorted(documents) == ["101", "102", "103"]
    for number, document in documents.items():
        total = Decimal(_texts(document, "c:Сумма")[0])
        assert total == TOTALS[int(number)]
        lines = document.xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
        assert sum(Decimal(_texts(line, "c:Сумма")[0]) for line in lines) == total
        for line in lines:
            listed = Decimal(_texts(line, "c:ЦенаЗаЕдиницу")[0]) * Decimal(_texts(line, "c:Количество")[0])
            off = sum(map(Decimal, _texts(line, "c:Скидки/c:Скидка/c:Сумма")))
            on = sum(map(Decimal, _texts(line, "c:ДопРасходы/c:ДопРасход/c:Сумма")))
            assert listed.quantize(KOPIYKA, ROUND_HALF_UP) - off + on == Decimal(_texts(line, "c:Сумма")[0])


def test_order_is_told_in_the_words_of_the_format(export: Export) -> None:
    """Date and time are local, and what a bookkeeper looks for stands in its place."""
    document = _documents(_read(export("commerceml").files[0]))["101"]
    assert _texts(document, "c:Дата") == ["2026-03-01"]
    assert _texts(document, "c:Время") == ["00:15:00"]
    assert _texts(document, "c:ХозОперация") == ["Заказ товара"]
    assert _texts(document, "c:Комментарий") == ["Номер джерела: №1042\nПодзвонити <до> обіду & після"]
    assert _attributes(document) == {
        "Статус заказа": "Виконано",
        "Отменен": "false",
        "Заказ оплачен": "true",
        "Сумма оплаты": "599.99",
        "Метод оплаты": "Картка",
        "Банковский счет или касса": "ПриватБанк ФОП",
        "Способ доставки": "Нова Пошта",
        "Адрес доставки": "Київська область, м. Київ, Відділення №5",
        "Номер отправления": "20450000000123",
        "Дата отгрузки": "2026-03-02",
        "Склад": "Основний",
        "Получатель": "Коваленко Петро",
        "Телефон получателя": "+380670000001",
        "Источник": "Сайт",
        "Номер в источнике": "№1042",
        "Ответственный": "olena",
        "Автор": "Оператор обміну",
    }


def test_partner_carries_contacts_but_no_address(export: Export) -> None:
    """An address belongs to the order (F03): on the card it would be wrong at the next order."""
    document = _documents(_read(export("commerceml").files[0]))["101"]
    (partner,) = document.xpath("c:Контрагенты/c:Контрагент", namespaces=NAMESPACES)
    assert _texts(partner, "c:Контакты/c:Контакт/c:Значение") == ["+380501112233", "olena@example.org"]
    assert not partner.xpath("c:Адрес|c:АдресРегистрации", namespaces=NAMESPACES)


def test_goods_variants_and_services_are_told_apart(export: Export) -> None:
    """A variant becomes a characteristic of its goods; delivery, wrap and tax become services, not stock."""
    documents = _documents(_exported(export))
    lines = documents["101"].xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
    assert [_texts(line, "c:Ид")[0] for line in lines] == [
        "keycrm_product_1",
        "keycrm_product_2#keycrm_variant_5",
        "keycrm_product_3",
    ]
    assert _texts(lines[1], "c:ХарактеристикиТовара/c:ХарактеристикаТовара/c:Наименование") == [
        "Колір",
        "Розмір",
    ]
    assert _texts(lines[1], "c:Штрихкод") == ["4820000000017"]
    assert [_attributes(line)["ТипНоменклатуры"] for line in lines] == ["Товар", "Товар", "Услуга"]
    others = documents["103"].xpath("c:Товары/c:Товар", namespaces=NAMESPACES)
    assert [_texts(line, "c:Ид")[0] for line in others][1:] == ["keycrm_service_wrap", "keycrm_service_tax"]


def test_cards_of_the_books_are_named_by_their_own_ids(export: Export) -> None:
    """A card that the accounting system has already (R12) must be found there, not made a second time."""
    documents = _documents(_exported(export))
    assert _texts(documents["103"], "c:Контрагенты/c:Контрагент/c:Ид") == ["0000-17"]
    assert _texts(documents["102"], "c:Товары/c:Товар/c:Ид") == ["К-4"]


def test_cancelled_order_says_so(export: Export) -> None:
    """A cancelled order that reads as a live one would be shipped."""
    documents = _documents(_exported(export))
    assert _attributes(documents["103"])["Отменен"] == "true"
    assert _texts(documents["103"], "c:Валюта") == ["EUR"]


def test_order_settled_in_rounded_cash_is_paid(shop: SmallShop, export: Export) -> None:
    """Of 599.99 UAH 599.75 came, of 33.30 UAH nothing: the first is nobody's debt, the second is one."""
    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.orders SET payment_status = 'part_paid' WHERE order_id < 103")
        connection.execute(
            "UPDATE accounting.orders SET paid_total = 599.75, rounding = -0.24 WHERE order_id = 101"
        )
    documents = _documents(_exported(export))
    paid = {number: _attributes(document)["Заказ оплачен"] for number, document in documents.items()}
    assert (paid["101"], paid["102"]) == ("true", "false")


def test_long_and_dirty_texts_still_follow_the_schema(shop: SmallShop, export: Export) -> None:
    """One name of 400 letters, or one stray control character, must not make the whole month unreadable."""
    day = date(2026, 5, 1)
    may = Documents(shop.warehouse)
    may.add(
        PARTNERS,
        partner_id=50,
        name="Дуже довге ім’я " * 30,
        phone="1" * 300,
        email="\x02",
        catalogue_id="9" * 60,
    )
    may.add(PRODUCTS, product_id=50, name="n", catalogue_id="8" * 100, unit="уп. \x00")
    options = "Гравіювання: A; B; без двокрапки; Розмір: " + "9" * 1200
    line = Item("10.00", 50, name="\ufffeн" * 300, columns={"characteristics": options})
    may.order(500, day, [line], partner_id=50, comment="к\x0b" * 4000, delivery_address="а" * 2000)
    may.save()
    tree = _read(export("commerceml", Period(day, day)).files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    document = _documents(tree)["500"]
    assert len(_texts(document, "c:Комментарий")[0]) == 3000
    assert _texts(document, "c:Комментарий")[0].endswith("к…")
    assert _texts(document, "c:Контрагенты/c:Контрагент/c:Ид") == ["keycrm_partner_50"]
    characteristics = "c:Товары/c:Товар/c:ХарактеристикиТовара/c:ХарактеристикаТовара"
    assert _texts(document, characteristics + "/c:Значение")[0] == "A; B; без двокрапки"


def test_period_without_orders_is_a_valid_empty_file(export: Export) -> None:
    """An empty day must not stop an exchange that runs every night."""
    day = date(2026, 6, 1)
    tree = _read(export("commerceml", Period(day, day)).files[0])
    assert SCHEMA.validate(tree), SCHEMA.error_log
    assert len(tree.getroot()) == 0
    assert tree.getroot().get("ДатаФормирования") == "2026-06-01T00:00:00"


def test_no_unit_is_a_bare_text(shop: SmallShop, export: Export) -> None:
    """At a unit without attributes 1C's module calls a method on a text, and the whole file is lost."""
    may = Documents(shop.warehouse)
    units = ("пара", "відро", " \x00", "уп.")
    items = [Item("10.00", 1, columns={"unit": unit}) for unit in units]
    may.order(500, DAY, items)
    may.save()
    written = [
        (unit.text, unit.get("Код"), unit.get("НаименованиеПолное"))
        for unit in _exported(export, MAY).iter("{*}БазоваяЕдиница")
    ]
    assert written == [
        ("пара", "1617", "Пара"),
        # A code that 1C does not find keeps it from looking for the name.
        ("відро", None, "відро"),
        ("шт", "2009", "Штука"),
        ("уп.", "2102", "Паковання"),
    ]


def test_variant_is_named_as_1c_looks_for_it(export: Export) -> None:
    """`Назва#Характеристика`: without it all variants would be sold off one card without a characteristic."""
    lines = _lines(_documents(_exported(export))["101"])
    assert [_texts(line, "c:Наименование")[0] for line in lines] == [
        "Чай «Карпати»",
        "Футболка#Колір: Червоний; Розмір: M",
        "Послуги доставки",
    ]


def test_a_hash_in_a_name_begins_no_characteristic(shop: SmallShop, export: Export) -> None:
    """«Нитки #40» would be goods «Нитки » with the characteristic «40», which nobody has."""
    may = Documents(shop.warehouse)
    may.add(PRODUCT_VARIANTS, variant_id=60, product_id=2, characteristics="Тон: #12")
    may.order(
        500,
        DAY,
        [
            Item("10.00", 1, name="Нитки #40"),
            Item("10.00", 2, name="Лак #3", columns={"variant_id": 60, "characteristics": "Тон: #12"}),
            Item("10.00", 1, name="Гравіювання", columns={"characteristics": "Напис: Олі"}),
            Item("5.00", 3, kind="service", name="Послуга #1"),
        ],
    )
    may.save()
    lines = _lines(_documents(_exported(export, MAY))["500"])
    assert [_texts(line, "c:Наименование")[0] for line in lines] == [
        "Нитки №40",
        "Лак №3#Тон: №12",
        # Options of a card without variants: 1C fails at a characteristic that the Ид does not name.
        "Гравіювання",
        "Послуга №1",
    ]
    for line in lines:
        assert ("#" in _texts(line, "c:Наименование")[0]) == ("#" in _texts(line, "c:Ид")[0])
    assert _texts(lines[2], "c:ХарактеристикиТовара/c:ХарактеристикаТовара/c:Значение") == ["Олі"]


def test_long_names_fit_the_catalogues_of_1c(shop: SmallShop, export: Export) -> None:
    """1C keeps 100 characters of a name and looks for all of them: a longer one would be a new card every month."""
    may = Documents(shop.warehouse)
    may.add(PRODUCT_VARIANTS, variant_id=60, product_id=2, characteristics="Опис: " + "д" * 200)
    may.add(PARTNERS, partner_id=50, name="Ш" * 120)
    may.add(PARTNERS, partner_id=51, name="Щ" * 120, origin="catalogue", catalogue_id="0000-51")
    plain_order(may, 501, DAY, partner_id=51)
    long = "Плед " + "т" * 100
    may.order(
        500,
        DAY,
        [Item("10.00", 1, name=long), Item("10.00", 2, name=long, columns={"variant_id": 60})],
        partner_id=50,
    )
    may.save()
    documents = _documents(_exported(export, MAY))
    document = documents["500"]
    first, second = _lines(document)
    assert _texts(first, "c:Наименование") == ["Плед " + "т" * 91 + "… №1"]
    assert _attributes(first)["Полное наименование"] == long
    name, characteristic = _texts(second, "c:Наименование")[0].split("#")
    assert (name, len(name)) == ("Плед " + "т" * 91 + "… №2", 100)
    assert (characteristic[:7], characteristic[-6:], len(characteristic)) == ("Опис: д", "д… №60", 150)
    assert _texts(document, "c:Контрагенты/c:Контрагент/c:Наименование") == ["Ш" * 95 + "… №50"]
    assert _texts(document, "c:Контрагенты/c:Контрагент/c:ПолноеНаименование") == ["Ш" * 120]
    # A card that came from the accounting system is found by the very name that it has there.
    assert _texts(documents["501"], "c:Контрагенты/c:Контрагент/c:Наименование") == ["Щ" * 120]


def _partner_names(tree: etree._ElementTree) -> dict[str, str]:
    """Number of the order -> name by which 1C looks for the partner."""
    return {
        number: _texts(document, "c:Контрагенты/c:Контрагент/c:Наименование")[0]
        for number, document in _documents(tree).items()
    }


def _namesakes(shop: SmallShop) -> None:
    """Five cards of one name and one of another; three of them buy in May, one in June."""
    cards = Documents(shop.warehouse)
    key = "іваненко іван"
    cards.add(PARTNERS, partner_id=50, name="Іваненко Іван", name_key=key, phone="+380500000050")
    cards.add(PARTNERS, partner_id=51, name="ІВАНЕНКО Іван", name_key=key, email="ivan@example.org")
    cards.add(PARTNERS, partner_id=52, name="Іваненко Іван", name_key=key)
    cards.add(PARTNERS, partner_id=53, name="Іваненко Іван", name_key=key, phone="+380500000053")
    cards.add(
        PARTNERS,
        partner_id=54,
        name="Іваненко Іван",
        name_key=key,
        phone="+380500000054",
        origin="catalogue",
        catalogue_id="f00d0000-0000-0000-0000-000000000054",
    )
    cards.add(
        PARTNERS, partner_id=55, name="Петренко Петро", name_key="петренко петро", phone="+380500000055"
    )
    for partner_id in (50, 51, 52, 54, 55):
        plain_order(cards, 500 + partner_id, DAY, partner_id=partner_id)
    plain_order(cards, 653, date(2026, 6, 5), partner_id=53)
    cards.save()


def test_namesakes_are_told_apart(shop: SmallShop, export: Export) -> None:
    """1C looks for a buyer by name alone: the orders of all five would be one person's debt."""
    _namesakes(shop)
    tree = _exported(export, MAY)
    assert _partner_names(tree) == {
        "550": "Іваненко Іван (+380500000050)",
        "551": "ІВАНЕНКО Іван (ivan@example.org)",
        "552": "Іваненко Іван (№52)",
        # Known to the accounting system under this very name.
        "554": "Іваненко Іван",
        "555": "Петренко Петро",
    }
    # What is printed on an invoice stays the person's name.
    assert _texts(_documents(tree)["550"], "c:Контрагенты/c:Контрагент/c:ПолноеНаименование") == [
        "Іваненко Іван"
    ]


def test_a_namesake_has_one_name_in_every_export(shop: SmallShop, export: Export) -> None:
    """Alone in June's file, the buyer still has the phone: otherwise 1C would make a second card for May's."""
    _namesakes(shop)
    june = Period(date(2026, 6, 1), date(2026, 6, 30))
    assert _partner_names(_exported(export, june)) == {"653": "Іваненко Іван (+380500000053)"}


def test_namesakes_can_stay_as_they_are(shop: SmallShop, export: Export) -> None:
    """A shop that keeps one buyer for all in 1C wants no phones in names."""
    _namesakes(shop)
    names = _partner_names(_exported(export, MAY, tell_namesakes_apart=False))
    assert set(names.values()) == {"Іваненко Іван", "ІВАНЕНКО Іван", "Петренко Петро"}


def test_the_phone_of_a_long_name_is_not_cut_off(shop: SmallShop, export: Export) -> None:
    """The phone is what tells the two apart."""
    cards = Documents(shop.warehouse)
    for partner_id in (50, 51):
        phone = f"+3805000000{partner_id}"
        cards.add(PARTNERS, partner_id=partner_id, name="Ю" * 300, name_key="ю" * 300, phone=phone)
        plain_order(cards, 500 + partner_id, DAY, partner_id=partner_id)
    cards.save()
    names = _partner_names(_exported(export, MAY))
    assert names == {
        "550": "Ю" * 83 + "… (+380500000050)",
        "551": "Ю" * 83 + "… (+380500000051)",
    }


def test_order_in_an_unknown_currency_is_held_back(export: Export) -> None:
    """1C takes a currency that it does not find for hryvnias: 48.55 euros would become 48.55 hryvnias."""
    result = export("commerceml")
    assert sorted(_documents(_read(result.files[0]))) == ["101", "102"]
    held_back = {entry.cause: entry for entry in result.held_back}
    assert held_back["currency"].order_ids == (103,)
    assert "export.commerceml.currencies" in held_back["currency"].reason
    assert result.orders_held_back == 8
    # Other formats carry the currency itself.
    assert "currency" not in {entry.cause for entry in export("csv").held_back}


def test_currencies_have_the_names_of_the_accounting_system(export: Export) -> None:
    """1C looks for a currency by its name, which the shop may have chosen itself."""
    documents = _documents(_exported(export, currencies={"EUR": "євр", "UAH": "грн"}))
    assert {number: _texts(documents[number], "c:Валюта")[0] for number in documents} == {
        "101": "грн",
        "102": "грн",
        "103": "євр",
    }


def test_vat_is_what_the_price_includes(export: Export) -> None:
    """A sixth of each line at 20 %, rounded half up: 349.99 has 58.33, and 70.00 has 11.67."""
    documents = _documents(_exported(export, vat=20))
    tax = "c:Налоги/c:Налог/"
    assert {
        number: [_texts(line, tax + "c:Сумма")[0] for line in _lines(document)]
        for number, document in documents.items()
    } == {"101": ["30.00", "58.33", "11.67"], "102": ["5.55"], "103": ["7.51", "0.33", "0.25"]}
    sums = {number: _texts(document, tax + "c:Сумма")[0] for number, document in documents.items()}
    assert sums == {"101": "100.00", "102": "5.55", "103": "8.09"}
    for document in documents.values():
        for taxed in (document, *_lines(document)):
            assert _texts(taxed, tax + "c:Наименование") == ["НДС"]
            assert _texts(taxed, tax + "c:УчтеноВСумме") == ["true"]
            assert _texts(taxed, tax + "c:Ставка") == ["20"]
    for number, document in documents.items():
        assert sum(Decimal(_texts(line, "c:Сумма")[0]) for line in _lines(document)) == TOTALS[int(number)]


@pytest.mark.parametrize(("rate", "vat"), [(0, "0.00"), (7, "0.65"), (14, "1.23"), (20, "1.67")])
def test_vat_of_every_rate(shop: SmallShop, export: Export, rate: int, vat: str) -> None:
    """10 hryvnias include 10 x 7 / 107 = 0.654, 10 x 14 / 114 = 1.228 or 10 x 20 / 120 = 1.667."""
    may = Documents(shop.warehouse)
    plain_order(may, 500, DAY)
    may.save()
    (line,) = _lines(_documents(_exported(export, MAY, vat=rate))["500"])
    assert _texts(line, "c:Налоги/c:Налог/c:Сумма") == [vat]
    assert _texts(line, "c:Сумма") == ["10.00"]


def test_half_a_kopiyka_of_vat_is_rounded_up(shop: SmallShop, export: Export) -> None:
    """Three kopiykas include half a kopiyka."""
    may = Documents(shop.warehouse)
    may.order(500, DAY, [Item("0.03", 1)])
    may.save()
    (line,) = _lines(_documents(_exported(export, MAY, vat=20))["500"])
    assert _texts(line, "c:Налоги/c:Налог/c:Сумма") == ["0.01"]


def test_no_tax_is_invented(export: Export) -> None:
    """A ФОП without VAT must not owe any because of an import."""
    assert not list(_exported(export).iter("{*}Налоги"))


def test_requisites_are_chosen_by_what_an_order_has(shop: SmallShop, export: Export) -> None:
    """The warehouse is one, the contract goes by the source, and the division by the way to pay."""
    may = Documents(shop.warehouse)
    by_card = [Payment("10.00", method="Картка", columns={"method_id": 2})]
    may.order(500, DAY, [Item("10.00", 1)], by_card, source_id=7, organisation="ТОВ Вишня")
    may.order(501, DAY, [Item("10.00", 1)], source_id=1)
    may.order(502, DAY, [Item("10.00", 1)], source_id=None, account="Каса")
    may.save()
    requisites = {
        "Склад": "Основний склад",
        "Договор контрагента": {"source": {7: "Договір Prom"}, "default": "Основний договір"},
        "Подразделение": {"payment_method": {2: "Інтернет"}, "account": {"Каса": "Крамниця"}},
    }
    documents = _documents(_exported(export, MAY, requisites=requisites))
    chosen = {
        number: {
            name: value
            for name, value in _attributes(document).items()
            if name in (*requisites, "Организация", "Вид цен")
        }
        for number, document in documents.items()
    }
    assert chosen == {
        "500": {
            "Склад": "Основний склад",
            "Договор контрагента": "Договір Prom",
            "Подразделение": "Інтернет",
            # The order's own legal entity, where the settings say nothing else.
            "Организация": "ТОВ Вишня",
        },
        "501": {"Склад": "Основний склад", "Договор контрагента": "Основний договір"},
        "502": {
            "Склад": "Основний склад",
            "Договор контрагента": "Основний договір",
            "Подразделение": "Крамниця",
        },
    }


def test_the_set_organisation_comes_first(shop: SmallShop, export: Export) -> None:
    """In 1C the legal entity may have another name than in the profile."""
    may = Documents(shop.warehouse)
    plain_order(may, 500, DAY, organisation="ТОВ Вишня")
    may.save()
    tree = _exported(export, MAY, requisites={"Организация": "ТОВ «Вишня»"})
    assert _attributes(_documents(tree)["500"])["Организация"] == "ТОВ «Вишня»"


def test_warehouse_of_the_order_unless_the_profile_sets_one(shop: SmallShop, export: Export) -> None:
    """In 1C a warehouse may have another name; an order without one has no requisite."""
    may = Documents(shop.warehouse)
    plain_order(may, 500, DAY, warehouse="Основний")
    plain_order(may, 501, DAY)
    plain_order(may, 502, DAY, source_id=7, warehouse="Магазин")
    may.save()
    documents = _documents(_exported(export, MAY, requisites={"Склад": {"source": {7: "Склад Prom"}}}))
    assert [_attributes(documents[number]).get("Склад") for number in ("500", "501", "502")] == [
        "Основний", None, "Склад Prom",
    ]  # fmt: skip


def test_readers_without_namespaces_find_the_orders(export: Export) -> None:
    """Two of five readers that were tried found nothing because of `xmlns`; nothing else differs."""
    settings = {"currencies": {"EUR": "EUR"}}
    plain = export("commerceml", commerceml={**settings, "namespace": False}, out="plain").files[0]
    assert [document.findtext("Номер") for document in _read(plain).getroot().iter("Документ")] == [
        "101",
        "102",
        "103",
    ]
    usual = export("commerceml", commerceml=settings).files[0]
    content = usual.read_text("utf-8")
    assert content.count("xmlns") == 1
    assert content.replace(' xmlns="urn:1C.ru:commerceml_2"', "") == plain.read_text("utf-8")
