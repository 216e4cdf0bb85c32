"""Writes the orders as a CommerceML 2.10 file, the format in which 1C and BAS exchange data with a shop.

One `Документ` per order, with the operation `Заказ товара`; the elements and their order follow the published
schema `urn:1C.ru:commerceml_2`, version 2.10. Names of elements, roles and standard attributes are those of
the format, which is in Russian; texts of the shop stay as they are.

1C's module, which BAS has too, finds partners, units, currencies and characteristics by name; what is written for
it is explained where it is written.

What is not here: payments as separate documents, exchange rates, and stock.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.custom_fields import EDRPOU, fields_of_table
from keycrm_pipeline.exports.texts import shortened, without_control_characters
from keycrm_pipeline.exports.unit_codes import unit_code
from keycrm_pipeline.kinds import PAYMENT_KIND_NAMES
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import CommerceMLSettings, RequisiteSettings

_NAMESPACE = "urn:1C.ru:commerceml_2"
_VERSION = "2.10"

MOST_NAME = 255
"""Characters of a name, article, contact (`НаименованиеТип`, `АртикулТип`, `СтрокаТип`)."""
MOST_COMMENT = 3000
MOST_VALUE = 1000
MOST_PARTNER_IDENTIFIER = 40
TAX_NUMBER = re.compile(r"[0-9]{10}|[0-9]{12}")
"""What the format takes as `ИНН`; the ЄДРПОУ of eight digits stands in `ЕГРПО`, the register that it is of."""

MOST_PRODUCT_IDENTIFIER = 80
SHORTEST_BARCODE, LONGEST_BARCODE = 8, 14

MOST_CARD_NAME = 100
MOST_CHARACTERISTIC_NAME = 150
"""What the catalogues of 1C keep of a name. A longer one is never found again, and each import makes another card."""

MOST_CONTACT_IN_NAME = 50
"""What a phone or an e-mail may take of it, to leave room for the name itself."""

_KOPIYKA = Decimal("0.01")

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Context:
    """What all documents of a file share.

    Attributes:
        units: Product card -> its unit, for services, whose rows have none.
        characteristics: Variant -> its characteristics.
        order_fields: Columns of the orders' custom fields.
        product_fields: Product card -> its custom fields by column.
        partners: Partner card -> its row, with its company.
        partner_fields: Columns of the partners' custom fields.
        zone: The time zone of dates and times.
        settings: The profile's settings of this format.
    """

    units: Mapping[int, str]
    characteristics: Mapping[int, str | None]
    order_fields: tuple[str, ...]
    product_fields: Mapping[int, Mapping[str, str | None]]
    partners: Mapping[int, _Row]
    partner_fields: tuple[str, ...]
    zone: ZoneInfo
    settings: CommerceMLSettings


def _add(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = without_control_characters(text)
    return element


def _add_text(parent: ElementTree.Element, name: str, text: str | None, most: int) -> None:
    cleaned = without_control_characters(text or "").strip()
    if cleaned:
        _add(parent, name, shortened(cleaned, most))


def _add_attributes(parent: ElementTree.Element, values: Mapping[str, str | None]) -> None:
    filled = {
        name: cleaned
        for name, value in values.items()
        if (cleaned := without_control_characters(value or "").strip())
    }
    if not filled:
        return
    container = ElementTree.SubElement(parent, "ЗначенияРеквизитов")
    for name, value in filled.items():
        attribute = ElementTree.SubElement(container, "ЗначениеРеквизита")
        _add(attribute, "Наименование", name)
        _add(attribute, "Значение", shortened(value, MOST_VALUE))


def _identifier(catalogue_id: str | None, own: str, most: int) -> str:
    """The card's id in the accounting system if it is known (R12), so that the system finds its own card."""
    cleaned = without_control_characters(catalogue_id or "").strip()
    return cleaned if cleaned and len(cleaned) <= most else own


def _product_identifier(line: _Row) -> str:
    product = _identifier(
        line["product_catalogue_id"], f"keycrm_product_{line['product_id']}", MOST_PRODUCT_IDENTIFIER
    )
    variant_id = line.get("variant_id")
    if variant_id is None:
        return product
    # The convention of the format: the product, a hash sign, and its characteristic.
    with_variant = f"{product}#keycrm_variant_{variant_id}"
    if len(with_variant) <= MOST_PRODUCT_IDENTIFIER:
        return with_variant
    return f"keycrm_product_{line['product_id']}#keycrm_variant_{variant_id}"


def _add_unit(parent: ElementTree.Element, unit: str) -> None:
    """The unit with its code, or its own text as the full name.

    Without attributes 1C takes the element for a plain text. A code that is not in its catalogue keeps it from looking
    for the name, so an unknown unit has none.
    """
    text = shortened(without_control_characters(unit).strip(), MOST_NAME) or "шт"
    element = _add(parent, "БазоваяЕдиница", text)
    known = unit_code(text)
    if known is not None:
        element.set("Код", known.code)
    element.set("НаименованиеПолное", text if known is None else known.name)


def _card_name(name: str, number: int | None, most: int) -> str:
    """A name as it fits into a catalogue of 1C; the number keeps apart two names that differ only in what is cut."""
    if len(name) <= most or number is None:
        return shortened(name, most)
    ending = f" №{number}"
    return f"{shortened(name, most - len(ending))}{ending}"


def _without_hash(text: str | None) -> str:
    """The text with `№` for `#`, which reads the same: 1C takes what follows a `#` for the characteristic."""
    return without_control_characters(text or "").strip().replace("#", "№")


def _goods_name(line: _Row, characteristics: str) -> str:
    """`Футболка#Колір: Червоний; Розмір: M`, by which 1C looks for the product and its characteristic."""
    name = _card_name(_without_hash(line["name"]), line["product_id"], MOST_CARD_NAME)
    if not characteristics:
        return name
    return f"{name}#{_card_name(characteristics, line['variant_id'], MOST_CHARACTERISTIC_NAME)}"


def _characteristics(text: str | None) -> list[tuple[str, str]]:
    """`Колір: Червоний; Розмір: M` as pairs; a part without a colon belongs to the value before it."""
    pairs: list[tuple[str, str]] = []
    for part in (text or "").split("; "):
        name, colon, value = part.partition(": ")
        if colon and name.strip() and value.strip():
            pairs.append((name.strip(), value.strip()))
        elif pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]}; {part}")
        elif part.strip():
            pairs.append(("Характеристика", part.strip()))
    return pairs


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _quantity(quantity: Decimal) -> str:
    """Without trailing zeros and never with an exponent, which xsd:decimal does not allow."""
    text = f"{quantity:.3f}"
    return text.rstrip("0").rstrip(".")


def _add_adjustment(goods: ElementTree.Element, line: _Row) -> None:
    """The difference between price x quantity and the amount: a discount, or a surcharge if it is below zero.

    It is computed from the figures written here, so that the line adds up.
    """
    difference = line["listed_amount"] - line["amount"]
    if not difference:
        return
    many, one, name = (
        ("Скидки", "Скидка", "Знижка") if difference > 0 else ("ДопРасходы", "ДопРасход", "Націнка")
    )
    element = ElementTree.SubElement(ElementTree.SubElement(goods, many), one)
    _add(element, "Наименование", name)
    _add(element, "Сумма", _money(abs(difference)))
    _add(element, "УчтеноВСумме", "true")


def _vat(amount: Decimal, rate: int) -> Decimal:
    """The VAT that a sum includes, in kopiykas rounded half up."""
    return (amount * rate / (100 + rate)).quantize(_KOPIYKA, ROUND_HALF_UP)


def _add_vat(parent: ElementTree.Element, amount: Decimal, rate: int) -> None:
    """The format's word for ПДВ is НДС; 1C looks for that one."""
    tax = ElementTree.SubElement(ElementTree.SubElement(parent, "Налоги"), "Налог")
    _add(tax, "Наименование", "НДС")
    _add(tax, "УчтеноВСумме", "true")
    _add(tax, "Сумма", _money(amount))
    _add(tax, "Ставка", str(rate))


def _add_line(parent: ElementTree.Element, line: _Row, context: _Context) -> None:
    # Rows of the services tab alone have a kind.
    is_service = "kind" in line
    variant_id = line.get("variant_id")
    # Of a variant alone: 1C fails at a characteristic in the name if the Ид names none.
    characteristics = "" if variant_id is None else _without_hash(context.characteristics.get(variant_id))
    goods = ElementTree.SubElement(parent, "Товар")
    _add(goods, "Ид", _service_identifier(line) if is_service else _product_identifier(line))
    barcode = without_control_characters(line.get("barcode") or "").strip()
    if SHORTEST_BARCODE <= len(barcode) <= LONGEST_BARCODE:
        _add(goods, "Штрихкод", barcode)
    _add_text(goods, "Артикул", line["sku"], MOST_NAME)
    _add(goods, "Наименование", _goods_name(line, characteristics))
    _add_unit(goods, context.units.get(line["product_id"], "шт") if is_service else line["unit"])
    pairs = _characteristics(line["characteristics"])
    if pairs:
        container = ElementTree.SubElement(goods, "ХарактеристикиТовара")
        for name, value in pairs:
            characteristic = ElementTree.SubElement(container, "ХарактеристикаТовара")
            _add(characteristic, "Наименование", shortened(name, MOST_NAME))
            _add(characteristic, "Значение", shortened(value, MOST_VALUE))
    sort = "Услуга" if is_service else "Товар"
    full_name = line["name"] if len(_without_hash(line["name"])) > MOST_CARD_NAME else None
    _add_attributes(
        goods,
        {
            "ВидНоменклатуры": sort,
            "ТипНоменклатуры": sort,
            "Полное наименование": full_name,
            **context.product_fields.get(line["product_id"], {}),
        },
    )
    _add(goods, "ЦенаЗаЕдиницу", _money(line["price"]))
    _add(goods, "Количество", _quantity(line["quantity"]))
    _add(goods, "Сумма", _money(line["amount"]))
    rate = context.settings.vat
    if rate is not None:
        _add_vat(goods, _vat(line["amount"], rate), rate)
    _add_adjustment(goods, line)


def _partner_name(order: _Row, settings: CommerceMLSettings) -> str:
    """The name by which 1C looks for the partner: it looks at neither phone nor Ид, so namesakes would be one card.

    A card of the accounting catalogue keeps its name, by which it is found there.
    """
    name = without_control_characters(order["partner_name"]).strip()
    if order["partner_catalogue_id"]:
        return shortened(name, MOST_NAME)
    if not settings.tell_namesakes_apart or not order["partner_has_namesakes"]:
        return _card_name(name, order["partner_id"], MOST_CARD_NAME)
    contacts = (
        without_control_characters(order[part] or "").strip() for part in ("partner_phone", "partner_email")
    )
    distinctive = next((contact for contact in contacts if 0 < len(contact) <= MOST_CONTACT_IN_NAME), None)
    ending = f" ({distinctive or '№' + str(order['partner_id'])})"
    return f"{shortened(name, MOST_CARD_NAME - len(ending))}{ending}"


def _add_full_name(partner: ElementTree.Element, order: _Row, card: _Row) -> None:
    """The official name of a company with its number, or the full name of a person: 1C tells them apart by these."""
    company = _company_name(card)
    if not company:
        full_name = without_control_characters(order["partner_name"]).strip()
        _add(partner, "ПолноеНаименование", shortened(full_name, MOST_NAME))
        return
    _add(partner, "ОфициальноеНаименование", shortened(company, MOST_NAME))
    number = without_control_characters(card.get(EDRPOU) or "").strip()
    if number:
        _add(partner, "ИНН" if TAX_NUMBER.fullmatch(number) else "ЕГРПО", shortened(number, MOST_NAME))


def _company_name(card: _Row) -> str:
    names = (card.get(name) or "" for name in ("company_title", "company_name"))
    return next((name for name in map(_cleaned, names) if name), "")


def _cleaned(text: str) -> str:
    return without_control_characters(text).strip()


def _add_partner(
    document: ElementTree.Element, order: _Row, card: _Row, settings: CommerceMLSettings
) -> None:
    partner = ElementTree.SubElement(ElementTree.SubElement(document, "Контрагенты"), "Контрагент")
    own = f"keycrm_partner_{order['partner_id']}"
    _add(partner, "Ид", _identifier(order["partner_catalogue_id"], own, MOST_PARTNER_IDENTIFIER))
    _add(partner, "Наименование", _partner_name(order, settings))
    _add_full_name(partner, order, card)
    contacts = [("Телефон рабочий", order["partner_phone"]), ("Почта", order["partner_email"])]
    filled = [(kind, value) for kind, value in contacts if without_control_characters(value or "").strip()]
    if filled:
        container = ElementTree.SubElement(partner, "Контакты")
        for kind, value in filled:
            contact = ElementTree.SubElement(container, "Контакт")
            _add(contact, "Тип", kind)
            _add_text(contact, "Значение", value, MOST_NAME)
    # No address: by R3, addresses belong to the order and not to the card.
    _add(partner, "Роль", "Покупатель")


def _service_identifier(service: _Row) -> str:
    """Wrap and tax have no card; each has one fixed identifier, so that the importer creates one service for it."""
    if service["product_id"] is None:
        return f"keycrm_service_{service['kind']}"
    return _product_identifier(service)


def _requisite(requisite: RequisiteSettings, order: _Row) -> str | None:
    """The value that the profile sets for this order: by payment method, else account, else source, else for all."""
    return (
        requisite.payment_method.get(order["payment_method_id"])
        or requisite.account.get(order["account"])
        or requisite.source.get(order["source_id"])
        or requisite.default
    )


def _requisites(order: _Row, settings: CommerceMLSettings) -> dict[str, str | None]:
    values = {name: _requisite(requisite, order) for name, requisite in settings.requisites.items()}
    return {
        **values,
        "Организация": values.get("Организация") or order["organisation"],
        "Склад": values.get("Склад") or order["warehouse"],
    }


def _is_paid(order: _Row) -> bool:
    """An order of which only rounded cash is missing is settled (R8), whatever KeyCRM calls it."""
    return order["payment_status"] in ("paid", "overpaid") or order["rounding"] is not None


def _document(order: _Row, lines: list[_Row], context: _Context) -> ElementTree.Element:
    settings = context.settings
    local = order["ordered_at"].astimezone(context.zone)
    document = ElementTree.Element("Документ")
    _add(document, "Ид", f"keycrm_order_{order['order_id']}")
    _add(document, "Номер", str(order["order_id"]))
    _add(document, "Дата", f"{local:%Y-%m-%d}")
    _add(document, "ХозОперация", "Заказ товара")
    _add(document, "Роль", "Продавец")
    currency: str = order["currency"]
    _add(document, "Валюта", settings.currencies.get(currency, currency))
    _add(document, "Курс", "1")
    _add(document, "Сумма", _money(order["grand_total"]))
    card = context.partners.get(order["partner_id"], {})
    _add_partner(document, order, card, settings)
    _add(document, "Время", f"{local:%H:%M:%S}")
    _add_text(document, "Комментарий", order["comment"], MOST_COMMENT)
    if settings.vat is not None:
        # Here 1C reads that sums include VAT; the sum is that of the lines, each of which is rounded.
        vat = sum((_vat(line["amount"], settings.vat) for line in lines), Decimal(0))
        _add_vat(document, vat, settings.vat)
    if lines:
        goods = ElementTree.SubElement(document, "Товары")
        for line in sorted(lines, key=lambda line: line["line_no"]):
            _add_line(goods, line, context)
    _add_attributes(
        document,
        {
            "Статус заказа": order["stage"],
            "Отменен": "true" if order["is_cancelled"] else "false",
            "Заказ оплачен": "true" if _is_paid(order) else "false",
            "Сумма оплаты": _money(order["paid_total"]),
            "Метод оплаты": order["payment_method"],
            "Вид оплаты": PAYMENT_KIND_NAMES.get(order["payment_method_kind"]),
            "Банковский счет или касса": order["account"],
            "Способ доставки": order["delivery_service"],
            "Адрес доставки": order["delivery_address"],
            "Номер отправления": order["tracking_code"],
            "Дата отгрузки": order["shipped_on"] and f"{order['shipped_on']:%Y-%m-%d}",
            "Получатель": order["recipient_name"],
            "Телефон получателя": order["recipient_phone"],
            "Источник": order["source_name"],
            "Номер в источнике": order["source_number"],
            "Ответственный": order["responsible"],
            "Автор": order["author"],
            "Банковский счет контрагента": card.get("company_bank_account"),
            **{f"partner_{name}": card.get(name) for name in context.partner_fields},
            **{name: order[name] for name in context.order_fields},
            **_requisites(order, settings),
        },
    )
    return document


def _by_order(frame: pl.DataFrame) -> Iterator[tuple[int, list[_Row]]]:
    for order_id, rows in groupby(frame.iter_rows(named=True), key=lambda row: row["order_id"]):
        yield order_id, list(rows)


class _OrderRows:
    """Gives the rows of one order after another, from a frame sorted like the orders."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._groups = _by_order(frame)
        self._next = next(self._groups, None)

    def of(self, order_id: int) -> list[_Row]:
        """The rows of that order; to be called in the frame's order."""
        if self._next is None or self._next[0] != order_id:
            return []
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows


def _product_fields(
    products: pl.DataFrame, custom_fields: Mapping[str, str]
) -> dict[int, Mapping[str, str | None]]:
    names = list(fields_of_table("products", custom_fields).values())
    if not names:
        return {}
    return dict(zip(products["product_id"], products.select(names).to_dicts(), strict=True))


def _formed_at(orders: pl.DataFrame, period: Period, zone: ZoneInfo) -> str:
    """The newest change of the exported orders, not the current time: the same books give the same bytes."""
    newest = orders["updated_at"].max()
    moment = (
        newest.astimezone(zone)
        if isinstance(newest, datetime)
        else datetime.combine(period.last, time(), zone)
    )
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def write_commerceml(
    path: Path,
    frames: Mapping[str, pl.DataFrame],
    *,
    timezone: str,
    period: Period,
    settings: CommerceMLSettings,
    custom_fields: Mapping[str, str],
) -> None:
    """Writes the orders with their lines and services as one file.

    Each line's `Сумма` is what the buyer pays for it, `ЦенаЗаЕдиницу` the list price, and the difference is a
    `Скидка` that `Сумма` already includes; the lines' sums add up to the document's, with or without VAT. Delivery,
    wrap and tax are lines of type `Услуга`. `Курс` is 1, even for a foreign currency: KeyCRM provides no rate.

    Args:
        path: The file to create.
        frames: The tables of `warehouse.export`, with orders in currencies that the settings know.
        timezone: IANA zone of dates and times.
        period: The local days; without orders, the file is dated by the last one.
        settings: The profile's settings of this format.
        custom_fields: Field of KeyCRM -> its column in `orders`, `products` or `partners`; each is a requisite of that
            name, those of partners one of the document, with `partner_` before it.
    """
    orders, products, variants = frames["orders"], frames["products"], frames["product_variants"]
    context = _Context(
        units=dict(zip(products["product_id"], products["unit"], strict=True)),
        characteristics=dict(zip(variants["variant_id"], variants["characteristics"], strict=True)),
        order_fields=tuple(fields_of_table("orders", custom_fields).values()),
        product_fields=_product_fields(products, custom_fields),
        partners={row["partner_id"]: row for row in frames["partners"].iter_rows(named=True)},
        partner_fields=tuple(fields_of_table("partners", custom_fields).values()),
        zone=ZoneInfo(timezone),
        settings=settings,
    )
    lines, services = _OrderRows(frames["order_lines"]), _OrderRows(frames["order_services"])
    namespace = f' xmlns="{_NAMESPACE}"' if settings.namespace else ""
    root = (
        f'<КоммерческаяИнформация{namespace} ВерсияСхемы="{_VERSION}" '
        f'ДатаФормирования="{_formed_at(orders, period, context.zone)}">'
    )
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n')
        # One order at a time: a year of orders as one tree would take too much memory.
        for order in orders.iter_rows(named=True):
            order_id = order["order_id"]
            document = _document(order, lines.of(order_id) + services.of(order_id), context)
            ElementTree.indent(document, "  ", level=1)
            file.write(f"  {ElementTree.tostring(document, encoding='unicode')}\n")
        file.write("</КоммерческаяИнформация>\n")
