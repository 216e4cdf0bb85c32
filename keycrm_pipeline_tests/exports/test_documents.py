"""What goes out and what is held back, which cards are new, and files that are whole, private, repeatable."""

from __future__ import annotations

import csv
import hashlib
import re
import signal
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest

from keycrm_pipeline.exports import ExportError, ExportResult, documents, export_period
from keycrm_pipeline.exports.errors import OutputDirectoryError
from keycrm_pipeline.kinds import EXPORT_FORMATS, ExportFormat
from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.profile import Settings, Workspace, load_profile
from keycrm_pipeline.warehouse.errors import DatabaseMissingError
from keycrm_pipeline_tests.documents import Documents
from keycrm_pipeline_tests.exports.small_shop import (
    MARCH,
    NOW,
    TOTALS,
    Export,
    SmallShop,
    plain_order,
    shop_in,
)

APRIL = Period(date(2026, 4, 1), date(2026, 4, 30))
MARCH_BUT_THE_LAST_DAY = Period(MARCH.first, MARCH.last - DAY)


def _rows(result: ExportResult, table: str) -> list[dict[str, str]]:
    (file,) = [file for file in result.files if file.name.endswith(f"_{table}.csv")]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def _digests(result: ExportResult) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in result.files}


def test_only_complete_valid_orders_go_out(export: Export) -> None:
    """An order that does not add up would have to be fixed twice: in KeyCRM and in the books."""
    result = export("csv")
    assert [int(row["Номер"]) for row in _rows(result, "orders")] == sorted(TOTALS)
    for table in ("order_lines", "order_services", "order_payments"):
        assert {int(row["Номер замовлення"]) for row in _rows(result, table)} <= set(TOTALS)
    assert result.counts == {
        "partners": 3,
        "products": 4,
        "product_variants": 1,
        "orders": 3,
        "order_lines": 4,
        "order_services": 3,
        "order_payments": 2,
    }


def test_what_is_held_back_is_counted_with_the_reason(export: Export) -> None:
    """Nothing is lost without a word: each order of the period is either handed over or counted."""
    result = export("csv")
    assert [(entry.cause, entry.orders, entry.order_ids) for entry in result.held_back] == [
        ("rejected", 3, (104, 199)),
        ("difference", 1, (105,)),
        ("missing_in_crm", 1, (106,)),
        ("incomplete", 2, (107, 108)),
    ]
    assert all(entry.reason.endswith(".") for entry in result.held_back)
    assert result.orders_held_back == 7
    listed = _rows(result, "held_back")
    assert [row["Номер замовлення"] for row in listed] == ["104", "105", "106", "107", "108", "199", ""]
    assert listed[1]["Подробиці"] == "Розбіжність 5,00\u00a0₴"
    assert listed[5]["Подробиці"] == (
        "Рядок 1: товар не має назви. У замовленні немає підсумкової суми (grand_total)."
    )


def test_mended_order_goes_out(shop: SmallShop, export: Export) -> None:
    """Once fixed in KeyCRM and loaded again, the order is in the next export."""
    with shop.warehouse.writing() as connection:
        connection.execute("DELETE FROM ops.rejected_records WHERE order_id = 104")
        connection.execute(
            "UPDATE accounting.orders SET difference = 0, grand_total = 10 WHERE order_id = 105"
        )
    result = export("csv")
    assert {104, 105} <= {int(row["Номер"]) for row in _rows(result, "orders")}
    assert result.orders_held_back == 5


def test_only_cards_of_the_orders_go_out(export: Export) -> None:
    """Partner 4 bought in February only, variant 6 was never sold: neither belongs into March."""
    result = export("csv")
    assert [row["Код контрагента"] for row in _rows(result, "partners")] == ["1", "2", "3"]
    assert [row["Код характеристики"] for row in _rows(result, "product_variants")] == ["5"]


def test_column_map_is_read_from_a_profile(shop: SmallShop, tmp_path: Path) -> None:
    """The order of the columns is the order in which they stand in the profile's file."""
    (tmp_path / "demo.yaml").write_text(
        """
start_date: 2026-01-01
export:
  columns:
    partners: {phone: Телефон, name: Назва, partner_id: Код}
    order_payments: {}
""",
        encoding="utf-8",
    )
    settings = Settings(tmp_path, tmp_path)
    assert shop.workspace.settings == settings
    workspace = Workspace(load_profile("demo", settings), settings)
    result = export_period(workspace, MARCH, export_format="csv", directory=tmp_path / "out", now=NOW)
    assert list(_rows(result, "partners")[0]) == ["Телефон", "Назва", "Код"]
    assert not any(file.name.endswith("_order_payments.csv") for file in result.files)


def test_days_never_loaded_are_told(export: Export) -> None:
    """A day that was never loaded looks like a day without orders; the person must know."""
    assert export("csv").days_not_loaded == (date(2026, 3, 31),)


def test_new_cards_are_marked(export: Export) -> None:
    """The bookkeeper sees which cards to make; the one from the catalogue (R12) is there already."""
    result = export("csv")
    assert (result.new_partners, result.new_products, result.new_variants) == (2, 3, 1)
    assert [row["Нова картка"] for row in _rows(result, "partners")] == ["так", "так", "ні"]
    assert [row["Нова картка"] for row in _rows(result, "products")] == ["так", "так", "так", "ні"]


def test_card_is_new_in_the_first_export_only(shop: SmallShop, export: Export) -> None:
    """A card handed over in March is not new in April; one met in April for the first time is."""
    april_orders = Documents(shop.warehouse)
    plain_order(april_orders, 201, date(2026, 4, 5), partner_id=1)
    plain_order(april_orders, 202, date(2026, 4, 5), partner_id=4)
    april_orders.save()
    export("csv")
    april = export("csv", APRIL)
    assert {row["Код контрагента"]: row["Нова картка"] for row in _rows(april, "partners")} == {
        "1": "ні",
        "4": "так",
    }
    assert (april.new_partners, april.new_products) == (1, 0)


def test_repeated_export_repeats_its_marks(shop: SmallShop, export: Export) -> None:
    """Whoever lost the file exports again and gets the same, even after a later month went out."""
    later = Documents(shop.warehouse)
    plain_order(later, 201, date(2026, 4, 5), partner_id=1)
    later.save()
    first = _digests(export("csv"))
    export("csv", APRIL)
    assert _digests(export("csv", out="again")) == first


def test_looking_at_a_workbook_does_not_spoil_the_marks_of_another_format(export: Export) -> None:
    """Each format feeds another program, and each program has its own memory of cards."""
    export("xlsx", MARCH_BUT_THE_LAST_DAY)
    assert export("commerceml").new_partners == 2


def test_cards_left_out_by_the_column_map_stay_new(export: Export) -> None:
    """A table that was not written handed nothing over."""
    export("csv", MARCH_BUT_THE_LAST_DAY, columns={"partners": {}})
    result = export("csv")
    assert (result.new_partners, result.new_products) == (2, 0)


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_exporting_twice_gives_the_same_bytes(
    shop: SmallShop, tmp_path: Path, export_format: ExportFormat
) -> None:
    """A file that changes without a change in the books cannot be compared, nor trusted."""
    digests = [
        _digests(
            export_period(
                shop.workspace,
                MARCH,
                export_format=export_format,
                directory=tmp_path / f"out_{days}",
                now=NOW + timedelta(days=days),
            )
        )
        for days in (0, 400)
    ]
    assert digests[0] == digests[1]


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_files_are_for_their_owner_only(export: Export, tmp_path: Path, export_format: ExportFormat) -> None:
    """Names and phones of buyers stand in them."""
    result = export(export_format)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in result.files} == {0o600}
    assert sorted((tmp_path / "out").iterdir()) == sorted(result.files)
    assert all(file.name.startswith("demo_2026-03-01_2026-03-31") for file in result.files)


def test_existing_directory_keeps_its_mode(export: Export, tmp_path: Path) -> None:
    """`--out ~/Desktop` must not lock others out of it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out").chmod(0o755)
    export("csv")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_failed_export_leaves_the_earlier_one(
    shop: SmallShop, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up at the last table must not leave a folder half old and half new."""
    before = _digests(export("csv"))

    def full_disk(path: Path, *_: object, **__: object) -> None:
        path.write_text("half", encoding="utf-8")
        if path.name.endswith("_held_back.csv"):
            raise OSError(28, "No space left on device")

    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.partners SET name = 'Інша' WHERE partner_id = 1")
    monkeypatch.setattr(documents, "write_separated", full_disk)
    with pytest.raises(OutputDirectoryError, match="is full"):
        export("csv")
    files = sorted((tmp_path / "out").iterdir())
    assert {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == before


def test_unknown_format_is_refused(export: Export) -> None:
    """The message says which formats there are."""
    with pytest.raises(ExportError, match=r"There is no format 'xls'. The formats are xlsx, csv"):
        export("xls")


def test_directory_that_is_a_file_is_refused(export: Export, tmp_path: Path) -> None:
    """The message names the directory."""
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    with pytest.raises(OutputDirectoryError, match=r"out cannot be written to: .*Choose another one"):
        export("csv")


def test_file_that_cannot_be_replaced_is_told(export: Export, tmp_path: Path) -> None:
    """On Windows a workbook that Excel holds open cannot be replaced; the message names the directory."""
    (tmp_path / "out" / "demo_2026-03-01_2026-03-31.xlsx").mkdir(parents=True)
    with pytest.raises(OutputDirectoryError, match=r"out cannot be written to"):
        export("xlsx")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["demo_2026-03-01_2026-03-31.xlsx"]


def test_profile_that_was_never_loaded_is_told_so(tmp_path: Path) -> None:
    """There is nothing to export yet, and no empty database is left behind."""
    workspace = shop_in(tmp_path / "nothing").workspace
    with pytest.raises(DatabaseMissingError):
        export_period(workspace, MARCH, export_format="csv", now=NOW)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_period_without_orders_makes_files_all_the_same(export: Export, export_format: ExportFormat) -> None:
    """An exchange that runs every night meets such days."""
    day = date(2026, 6, 1)
    result = export(export_format, Period(day, day))
    assert all(file.stat().st_size > 0 for file in result.files)
    assert set(result.counts.values()) == {0}
    assert result.held_back == ()


@pytest.mark.parametrize("export_format", ["csv", "xlsx"])
def test_receipts_kinds_and_rounding_are_exported(
    shop: SmallShop, tmp_path: Path, export_format: ExportFormat
) -> None:
    """With names in Ukrainian; the expense, of whose method nothing is known, has neither."""
    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.orders SET rounding = -0.20 WHERE order_id = 101")
        connection.execute(
            "UPDATE accounting.order_payments SET method_kind = 'cash', fiscal_status = 'done', "
            "fiscal_result = '{}' WHERE payment_id = 71"
        )
    result = export_period(
        shop_in(tmp_path).workspace,
        MARCH,
        export_format=export_format,
        directory=tmp_path / "out",
        now=NOW,
    )
    if export_format == "csv":
        orders, payments = _rows(result, "orders"), _rows(result, "order_payments")
        assert {row["Номер"]: row["Заокруглення"] for row in orders}["101"] == "-0,20"
        assert [(row["Вид оплати"], row["Чек є"], row["Стан чека"]) for row in payments] == [
            ("готівка", "так", "done"),
            ("", "ні", ""),
        ]
    else:
        sheet = openpyxl.load_workbook(result.files[0])["Замовлення"]
        headers = [cell.value for cell in sheet[1]]
        assert sheet.cell(2, headers.index("Заокруглення") + 1).value == -0.2


def test_export_of_one_organisation(shop: SmallShop, tmp_path: Path) -> None:
    """Two ФОП in one shop have separate books: each gets its own orders, and its own new cards."""
    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.orders SET organisation = 'ТОВ «Вишня»'")
        connection.execute(
            "UPDATE accounting.orders SET organisation = 'ФОП Коваль' WHERE order_id IN (101, 105)"
        )
        connection.execute(
            "UPDATE accounting.order_payments SET organisation = 'ФОП Коваль' WHERE order_id = 101"
        )
    chosen = shop_in(tmp_path, organisations={"ФОП Коваль": {}, "ТОВ «Вишня»": {}})

    def run(organisation: str | None) -> ExportResult:
        return export_period(
            chosen.workspace,
            MARCH,
            export_format="csv",
            organisation=organisation,
            directory=tmp_path / "out",
            now=NOW,
        )

    everything = run(None)
    assert everything.counts["orders"] == 3
    koval, vyshnia = run("ФОП Коваль"), run("ТОВ «Вишня»")
    (order,) = _rows(koval, "orders")
    assert (order["Номер"], order["Організація"]) == ("101", "ФОП Коваль")
    assert [row["Організація"] for row in _rows(koval, "order_payments")] == ["ФОП Коваль", "ФОП Коваль"]
    assert [row["Номер"] for row in _rows(vyshnia, "orders")] == ["102", "103"]
    # 105 is this organisation's; two rejected records never became orders, so nobody knows whose they are.
    assert [(entry.cause, entry.orders) for entry in koval.held_back] == [("rejected", 2), ("difference", 1)]
    assert (koval.new_partners, vyshnia.new_partners) == (1, 1)
    # The files of the three exports stand next to each other.
    assert koval.files[0].name == "demo_2026-03-01_2026-03-31_ФОП_Коваль_partners.csv"
    assert vyshnia.files[0].name == "demo_2026-03-01_2026-03-31_ТОВ_Вишня_partners.csv"
    assert all(file.is_file() for result in (everything, koval, vyshnia) for file in result.files)


@pytest.mark.usefixtures("shop")
def test_organisations_of_long_names_have_files_of_their_own(tmp_path: Path) -> None:
    """A name of a file has 255 bytes, of which a Cyrillic letter takes two. The two names differ at their ends."""
    name = "Товариство з обмеженою відповідальністю «Виробничо-торговельна компанія «Українська кераміка {}»"
    organisations = [name.format("та домашній текстиль Півдня"), name.format("та домашній текстиль Півночі")]
    stages = ["Виконано", "Відвантажено", "Комплектується"]
    known = [*stages, "Очікує оплати", "Очікує відповіді"]
    chosen_shop = shop_in(
        tmp_path,
        organisations={one: {} for one in organisations},
        statuses={"stages": dict(enumerate(known, 1))},
    )
    names = set[str]()
    for organisation in organisations:
        for chosen in ([*stages, "Очікує оплати"], [*stages, "Очікує відповіді"]):
            result = export_period(
                chosen_shop.workspace,
                MARCH,
                export_format="odoo",
                organisation=organisation,
                decided_by="completed",
                stages=chosen,
                since_last=True,
                directory=tmp_path / "out",
                now=NOW,
            )
            # The number of the hand-over is not what keeps them apart.
            names |= {re.sub("since_last_[0-9]+", "", file.name) for file in result.files}
    assert len({file.split("_odoo_")[0] for file in names}) == 4


def test_ctrl_c_mixes_no_files_of_two_exports(
    shop: SmallShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders of one export lay beside lines of an earlier one, which lacked those of the newest order."""
    replaced = Path.replace

    def replace_and_stop(file: Path, target: Path) -> Path:
        if file.name.endswith("_orders.csv"):
            signal.raise_signal(signal.SIGINT)
        return replaced(file, target)

    out = tmp_path / "out"
    export_period(shop.workspace, MARCH, export_format="csv", directory=out, now=NOW)
    earlier = {path.name: path.stat().st_ino for path in out.iterdir()}
    monkeypatch.setattr(Path, "replace", replace_and_stop)
    with pytest.raises(KeyboardInterrupt):
        export_period(shop.workspace, MARCH, export_format="csv", directory=out, now=NOW)
    assert not [name for name, number in earlier.items() if (out / name).stat().st_ino == number]


def test_organisation_that_the_profile_does_not_list_is_refused(tmp_path: Path) -> None:
    """A misspelt name would otherwise export a month without orders."""
    chosen = shop_in(tmp_path, organisations={"ФОП Коваль": {}})
    with pytest.raises(ExportError, match=r"no organisation 'ФОП Ковал'.*Its organisations are ФОП Коваль"):
        export_period(
            chosen.workspace,
            MARCH,
            export_format="csv",
            organisation="ФОП Ковал",
            directory=tmp_path,
            now=NOW,
        )


def test_expenses_say_what_they_are_for(export: Export) -> None:
    """The accountant enters the bank's fee by its kind; what somebody typed runs in no spreadsheet."""
    payment, expense = _rows(export("csv"), "order_payments")
    assert [(row["Вид"], row["Вид витрати"], row["Опис"]) for row in (payment, expense)] == [
        ("Оплата", "", ""),
        ("Витрата", "Комісія за оплату", "'=1+1"),
    ]
