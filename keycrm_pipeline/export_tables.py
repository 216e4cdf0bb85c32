"""The tables and columns that can be exported, with their Ukrainian headers.

What is not here: what a profile chooses of them (`exports.columns`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column contains, which decides how a cell is formatted."""

    TEXT = "text"
    CODE = "code"
    """Digits that are not a number: phone, SKU, barcode, waybill."""
    INTEGER = "integer"
    QUANTITY = "quantity"
    MONEY = "money"
    PRICE = "price"
    """Money per unit, which is never added up."""
    DAY = "day"
    INSTANT = "instant"
    """A point in time, shown in the profile's time zone."""
    FLAG = "flag"


@dataclass(frozen=True)
class ExportColumn:
    """One column that can be exported.

    Attributes:
        name: The name a column map uses.
        header: The header unless a column map says otherwise.
        kind: What it contains.
        is_default: Whether it is exported unless a column map says otherwise.
        is_printed: Whether it is printed; on paper a sheet with all columns of an order could not be read.
        is_cost: Whether it is about what the shop paid or earns: then the profile says whether it is exported.
        is_known: Whether an empty sum means nothing; else nobody knows it, and a total of empty ones is empty too.
    """

    name: str
    header: str
    kind: Kind = Kind.TEXT
    is_default: bool = True
    is_printed: bool = True
    is_cost: bool = False
    is_known: bool = True


def _cost(name: str, header: str, kind: Kind = Kind.MONEY) -> ExportColumn:
    return ExportColumn(name, header, kind, is_default=False, is_printed=False, is_cost=True, is_known=False)


@dataclass(frozen=True)
class ExportTable:
    """One table with its columns, in order: all that are available, or those that are written.

    Attributes:
        name: The name a column map and a file name use.
        title: The sheet's name.
        columns: The columns with their headers.
        totals_by: Columns whose values must not be added together, such as the currency: each combination has a total
            of its own. A table without them has no totals.
        is_mapped: Whether the column map of the profile chose the columns: then a program reads them, by its headers.
    """

    name: str
    title: str
    columns: tuple[ExportColumn, ...]
    totals_by: tuple[str, ...] = ()
    is_mapped: bool = False

    @property
    def printed_columns(self) -> int:
        """How many columns are printed; the others stand to the right of them."""
        return sum(column.is_printed for column in self.columns)


_CHANGE_COLUMNS = (
    ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
    ExportColumn("order_day", "Дата замовлення", Kind.DAY),
    ExportColumn("part_name", "Де"),
    ExportColumn("name", "Рядок"),
    ExportColumn("field_name", "Реквізит"),
    ExportColumn("before", "Було"),
    ExportColumn("after", "Стало"),
    ExportColumn("difference", "Зміна суми", Kind.MONEY),
    ExportColumn("currency", "Валюта"),
)
_CODES_OF_CHANGES = (
    ExportColumn("part", "Код таблиці", is_default=False),
    ExportColumn("field", "Код реквізиту", is_default=False),
)

TABLES: tuple[ExportTable, ...] = (
    ExportTable(
        "partners",
        "Контрагенти",
        (
            ExportColumn("partner_id", "Код контрагента", Kind.INTEGER),
            ExportColumn("catalogue_id", "Код в обліковій системі", Kind.CODE),
            ExportColumn("name", "Контрагент"),
            ExportColumn("phone", "Телефон", Kind.CODE),
            ExportColumn("email", "E-mail"),
            ExportColumn("is_new", "Нова картка", Kind.FLAG),
            ExportColumn("company_name", "Компанія", is_printed=False),
            ExportColumn("company_title", "Повна назва компанії", is_printed=False),
            ExportColumn("company_bank_account", "Банк. рахунок компанії", Kind.CODE, is_printed=False),
            ExportColumn("company_id", "Код компанії KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("origin", "Походження картки", is_default=False),
            ExportColumn("created_at", "Створено", Kind.INSTANT, is_default=False),
            ExportColumn("updated_at", "Змінено", Kind.INSTANT, is_default=False),
        ),
    ),
    ExportTable(
        "products",
        "Номенклатура",
        (
            ExportColumn("product_id", "Код номенклатури", Kind.INTEGER),
            ExportColumn("catalogue_id", "Код в обліковій системі", Kind.CODE),
            ExportColumn("name", "Номенклатура"),
            ExportColumn("sku", "Артикул", Kind.CODE),
            ExportColumn("kind_name", "Вид номенклатури"),
            ExportColumn("unit", "Од. виміру"),
            ExportColumn("category_name", "Категорія"),
            ExportColumn("price", "Ціна без знижки", Kind.PRICE),
            ExportColumn("price_date", "Дата ціни", Kind.DAY),
            ExportColumn("is_new", "Нова картка", Kind.FLAG),
            ExportColumn("kind", "Код виду", is_default=False),
            ExportColumn("category_id", "Код категорії", Kind.INTEGER, is_default=False),
            ExportColumn("origin", "Походження картки", is_default=False),
            ExportColumn("created_at", "Створено", Kind.INSTANT, is_default=False),
            ExportColumn("updated_at", "Змінено", Kind.INSTANT, is_default=False),
        ),
    ),
    ExportTable(
        "product_variants",
        "Характеристики",
        (
            ExportColumn("variant_id", "Код характеристики", Kind.INTEGER),
            ExportColumn("product_id", "Код номенклатури", Kind.INTEGER),
            ExportColumn("product_name", "Номенклатура"),
            ExportColumn("characteristics", "Характеристика"),
            ExportColumn("sku", "Артикул", Kind.CODE),
            ExportColumn("barcode", "Штрихкод", Kind.CODE),
            ExportColumn("unit", "Од. виміру"),
            ExportColumn("price", "Ціна без знижки", Kind.PRICE),
            ExportColumn("price_date", "Дата ціни", Kind.DAY),
            ExportColumn("is_new", "Нова картка", Kind.FLAG),
            ExportColumn("product_catalogue_id", "Код в обліковій системі", Kind.CODE, is_default=False),
            ExportColumn("offer_id", "Код варіанта KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("created_at", "Створено", Kind.INSTANT, is_default=False),
            ExportColumn("updated_at", "Змінено", Kind.INSTANT, is_default=False),
        ),
    ),
    ExportTable(
        "orders",
        "Замовлення",
        (
            ExportColumn("order_id", "Номер", Kind.INTEGER),
            ExportColumn("ordered_at", "Дата", Kind.INSTANT),
            ExportColumn("partner_id", "Код контрагента", Kind.INTEGER),
            ExportColumn("partner_name", "Контрагент"),
            ExportColumn("partner_phone", "Телефон контрагента", Kind.CODE),
            ExportColumn("stage", "Стадія"),
            ExportColumn("status_name", "Статус KeyCRM"),
            ExportColumn("source_name", "Джерело"),
            ExportColumn("source_number", "Номер у джерелі", Kind.CODE),
            ExportColumn("author", "Автор"),
            ExportColumn("responsible", "Відповідальний"),
            ExportColumn("account", "Банк. рахунок/Каса"),
            ExportColumn("organisation", "Організація"),
            ExportColumn("currency", "Валюта"),
            ExportColumn("goods_total", "Сума товарів", Kind.MONEY),
            ExportColumn("services_total", "Сума послуг", Kind.MONEY),
            ExportColumn("discount_total", "Сума знижок", Kind.MONEY),
            ExportColumn("grand_total", "Сума документа", Kind.MONEY),
            ExportColumn("paid_total", "Оплачено", Kind.MONEY),
            ExportColumn("payment_status_name", "Стан оплати"),
            ExportColumn("payment_method", "Спосіб оплати"),
            ExportColumn("rounding", "Заокруглення", Kind.MONEY, is_printed=False),
            ExportColumn("delivery_service", "Служба доставки", is_printed=False),
            ExportColumn("tracking_code", "Номер ТТН (ЕН)", Kind.CODE, is_printed=False),
            ExportColumn("delivery_address", "Адреса доставки", is_printed=False),
            ExportColumn("shipped_on", "Дата відвантаження", Kind.DAY, is_printed=False),
            ExportColumn("warehouse", "Склад", is_printed=False),
            ExportColumn("recipient_name", "Отримувач", is_printed=False),
            ExportColumn("recipient_phone", "Телефон отримувача", Kind.CODE, is_printed=False),
            ExportColumn("comment", "Коментар", is_printed=False),
            _cost("cost_total", "Собівартість"),
            _cost("expenses_total", "Витрати"),
            _cost("margin", "Маржа"),
            _cost("margin_in_crm", "Маржа в KeyCRM"),
            ExportColumn("company_id", "Код компанії KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("tags", "Теги", is_default=False),
            ExportColumn("utm_source", "UTM: джерело", is_default=False),
            ExportColumn("utm_medium", "UTM: канал", is_default=False),
            ExportColumn("utm_campaign", "UTM: кампанія", is_default=False),
            ExportColumn("utm_term", "UTM: ключове слово", is_default=False),
            ExportColumn("utm_content", "UTM: оголошення", is_default=False),
            ExportColumn("was_shipped", "Відвантажено", Kind.FLAG, is_default=False),
            ExportColumn("shipping_status", "Стан доставки", is_default=False),
            ExportColumn("order_day", "День", Kind.DAY, is_default=False),
            ExportColumn("partner_email", "E-mail контрагента", is_default=False),
            ExportColumn(
                "partner_catalogue_id", "Контрагент: код в обліковій системі", Kind.CODE, is_default=False
            ),
            ExportColumn("status_id", "Код статусу KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("is_cancelled", "Скасовано", Kind.FLAG, is_default=False),
            ExportColumn("source_id", "Код джерела KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("payment_status", "Код стану оплати", is_default=False),
            ExportColumn("crm_updated_at", "Змінено в KeyCRM", Kind.INSTANT, is_default=False),
            ExportColumn("created_at", "Створено", Kind.INSTANT, is_default=False),
            ExportColumn("updated_at", "Змінено", Kind.INSTANT, is_default=False),
        ),
        totals_by=("currency",),
    ),
    ExportTable(
        "order_lines",
        "Товари замовлень",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("order_day", "Дата замовлення", Kind.DAY),
            ExportColumn("line_no", "№ рядка", Kind.INTEGER),
            ExportColumn("product_id", "Код номенклатури", Kind.INTEGER),
            ExportColumn("variant_id", "Код характеристики", Kind.INTEGER),
            ExportColumn("name", "Номенклатура"),
            ExportColumn("sku", "Артикул", Kind.CODE),
            ExportColumn("barcode", "Штрихкод", Kind.CODE),
            ExportColumn("characteristics", "Характеристика"),
            ExportColumn("unit", "Од. виміру"),
            ExportColumn("quantity", "Кількість", Kind.QUANTITY),
            ExportColumn("price", "Ціна", Kind.PRICE),
            ExportColumn("discount", "Знижка", Kind.MONEY),
            ExportColumn("amount", "Сума", Kind.MONEY),
            ExportColumn("currency", "Валюта"),
            ExportColumn("warehouse", "Склад", is_printed=False),
            _cost("purchased_price", "Ціна закупівлі", Kind.PRICE),
            _cost("cost", "Собівартість"),
            ExportColumn("stock_status", "Стан резерву", is_default=False),
            ExportColumn("crm_line_id", "Код рядка KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("product_name", "Картка номенклатури", is_default=False),
            ExportColumn("product_catalogue_id", "Код в обліковій системі", Kind.CODE, is_default=False),
            ExportColumn("listed_amount", "Сума без знижки", Kind.MONEY, is_default=False),
        ),
        totals_by=("currency",),
    ),
    ExportTable(
        "order_services",
        "Послуги замовлень",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("order_day", "Дата замовлення", Kind.DAY),
            ExportColumn("line_no", "№ рядка", Kind.INTEGER),
            ExportColumn("kind_name", "Вид"),
            ExportColumn("product_id", "Код номенклатури", Kind.INTEGER),
            ExportColumn("name", "Номенклатура"),
            ExportColumn("sku", "Артикул", Kind.CODE),
            ExportColumn("characteristics", "Характеристика"),
            ExportColumn("quantity", "Кількість", Kind.QUANTITY),
            ExportColumn("price", "Ціна", Kind.PRICE),
            ExportColumn("discount", "Знижка", Kind.MONEY),
            ExportColumn("amount", "Сума", Kind.MONEY),
            ExportColumn("currency", "Валюта"),
            _cost("purchased_price", "Ціна закупівлі", Kind.PRICE),
            _cost("cost", "Собівартість"),
            ExportColumn("kind", "Код виду", is_default=False),
            ExportColumn("crm_line_id", "Код рядка KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("product_catalogue_id", "Код в обліковій системі", Kind.CODE, is_default=False),
            ExportColumn("listed_amount", "Сума без знижки", Kind.MONEY, is_default=False),
        ),
        totals_by=("currency",),
    ),
    ExportTable(
        "order_payments",
        "Оплати й витрати",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("payment_id", "Код оплати", Kind.INTEGER),
            ExportColumn("kind_name", "Вид"),
            ExportColumn("paid_at", "Дата оплати", Kind.INSTANT),
            ExportColumn("method", "Спосіб оплати"),
            ExportColumn("account", "Банк. рахунок/Каса"),
            ExportColumn("organisation", "Організація"),
            ExportColumn("amount", "Сума", Kind.MONEY),
            ExportColumn("currency", "Валюта"),
            ExportColumn("status_name", "Стан"),
            ExportColumn("expense_type", "Вид витрати", is_printed=False),
            ExportColumn("description", "Опис", is_printed=False),
            ExportColumn("rate", "Курс НБУ", Kind.QUANTITY, is_printed=False),
            ExportColumn("rate_date", "Дата курсу", Kind.DAY, is_printed=False),
            ExportColumn(
                "amount_uah", "Сума в грн за курсом НБУ", Kind.MONEY, is_printed=False, is_known=False
            ),
            ExportColumn("method_kind_name", "Вид оплати", is_printed=False),
            ExportColumn("has_receipt", "Чек є", Kind.FLAG, is_printed=False),
            ExportColumn("fiscal_status", "Стан чека", is_printed=False),
            ExportColumn("fiscal_result", "Чек", is_default=False),
            ExportColumn("transaction_uuid", "Код банківської операції", Kind.CODE, is_default=False),
            ExportColumn("receipt_name", "Чек видає", is_default=False),
            ExportColumn("receipt", "Код того, хто видає чек", is_default=False),
            ExportColumn("method_kind", "Код виду оплати", is_default=False),
            ExportColumn("order_day", "Дата замовлення", Kind.DAY, is_default=False),
            ExportColumn("method_id", "Код способу оплати KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("expense_type_id", "Код виду витрати KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("status", "Код стану", is_default=False),
            ExportColumn("is_expense", "Витрата", Kind.FLAG, is_default=False),
            ExportColumn("crm_paid_at", "Дата оплати в KeyCRM", Kind.INSTANT, is_default=False),
            ExportColumn("dated_by", "Код дати оплати", is_default=False),
        ),
        totals_by=("kind_name", "status_name", "currency"),
    ),
    ExportTable(
        "held_back",
        "Не вивантажено",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("order_day", "День", Kind.DAY),
            ExportColumn("reason", "Чому не вивантажено"),
            ExportColumn("details", "Подробиці"),
            ExportColumn("cause", "Код причини", is_default=False),
        ),
    ),
    ExportTable(
        "reconciliation",
        "Звірка",
        (
            ExportColumn("kind_name", "Результат"),
            ExportColumn("day", "День", Kind.DAY),
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("partner_name", "Контрагент"),
            ExportColumn("account", "Банк. рахунок/Каса"),
            ExportColumn("organisation", "Організація"),
            ExportColumn("paid_day", "Дата оплати", Kind.DAY),
            ExportColumn("received_day", "Дата надходження", Kind.DAY),
            ExportColumn("days_in_transit", "Днів у дорозі", Kind.INTEGER),
            ExportColumn("paid", "Оплата в KeyCRM", Kind.MONEY),
            ExportColumn("received", "Надходження", Kind.MONEY),
            ExportColumn("difference", "Розбіжність", Kind.MONEY),
            ExportColumn("fee", "Комісія", Kind.MONEY),
            ExportColumn("expected_fee", "Очікувана комісія", Kind.MONEY, is_printed=False, is_known=False),
            ExportColumn("currency", "Валюта"),
            ExportColumn("received_currency", "Валюта надходження", is_printed=False),
            ExportColumn("matched_by_name", "За чим знайдено"),
            ExportColumn("candidates", "Можливі збіги"),
            ExportColumn("place", "Де в реєстрі", is_printed=False),
            ExportColumn("text", "Призначення", is_printed=False),
            ExportColumn("kind", "Код результату", is_default=False),
            ExportColumn("matched_by", "Код способу", is_default=False),
            ExportColumn("payment_id", "Код оплати", Kind.INTEGER, is_default=False),
            ExportColumn("transaction_id", "Код операції KeyCRM", Kind.INTEGER, is_default=False),
            ExportColumn("source", "Код реєстру", is_default=False),
        ),
        totals_by=("kind_name", "currency", "received_currency"),
    ),
    ExportTable(
        "changed_after_export",
        "Змінено після вивантаження",
        (
            *_CHANGE_COLUMNS,
            ExportColumn("handed_over_at", "Коли вивантажено", Kind.INSTANT),
            ExportColumn("file", "У файлі"),
            *_CODES_OF_CHANGES,
        ),
    ),
    ExportTable(
        "closed_period_changes",
        "Зміни в закритому періоді",
        (
            *_CHANGE_COLUMNS,
            ExportColumn("changed_at", "Коли змінено", Kind.INSTANT),
            ExportColumn("handed_over_at", "Коли вивантажено", Kind.INSTANT),
            ExportColumn("file", "У файлі"),
            *_CODES_OF_CHANGES,
        ),
    ),
)
"""Every table, in the order of the sheets: cards before the documents that use them."""
