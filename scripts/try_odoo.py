"""Imports exported files into a running Odoo twice, as its import screen does, and compares what is there then.

    ODOO_PASSWORD=... python scripts/try_odoo.py --url http://127.0.0.1:8069 --database copy --login admin ~/exports

Every file goes through the calls of the screen: upload, guess of the columns, "Test", then the import in batches of
2,000 rows. Meant for a copy of a database: records are written, and with `--confirm` orders are confirmed;
nothing is ever deleted. Exit code 0: Odoo has what the files say; 1: it differs or refused a file; 2: it was not tried.

What is not here: writing the files (`keycrm_pipeline.exports.odoo`), and anything that `make test` needs: the tests
cover reading and comparing, and ask no Odoo.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx

BATCH = 2000
"""Rows that the screen imports at a time unless the user changes it."""

ANSWER_WITHIN_SECONDS = 1800
"""A batch of orders takes Odoo seconds, and minutes on a small machine."""

OPTIONS: dict[str, Any] = {
    "advanced": True,
    "date_format": "",
    "datetime_format": "",
    "encoding": "",
    "fallback_values": {},
    "float_decimal_separator": ".",
    "float_thousand_separator": ",",
    "has_headers": True,
    "import_set_empty_fields": [],
    "import_skip_records": [],
    "keep_matches": False,
    "limit": BATCH,
    "name_create_enabled_fields": {},
    "quoting": '"',
    "separator": "",
    "sheet": "",
    "sheets": [],
    "skip": 0,
    "tracking_disable": True,
}
"""What the screen sends when the user changes nothing."""

MADE_BY_IMPORT = "__import__."
"""Odoo puts this before an External ID that came with a file and has no dot."""

CANCELLED = "keycrm_tag_cancelled"
ORDER, LINE, PAYMENT = "sale.order", "sale.order.line", "account.payment"

Record = dict[str, Any]


class NotTriedError(Exception):
    """Nothing can be tried; the text says what to do."""


# Files


@dataclass(frozen=True)
class ExportedFile:
    """One file of an export.

    Attributes:
        number: Its place in the order of import.
        model: The Odoo model that it is imported into.
        rows: Its rows as texts, by header.
    """

    path: Path
    number: int
    model: str
    rows: list[dict[str, str]]

    @property
    def identifiers(self) -> list[str]:
        """External IDs of its records; rows without one are further lines of the record above."""
        return [row["id"] for row in self.rows if row["id"]]


FILE_NAME = re.compile(r"(?P<export>.+)_odoo_(?P<number>\d+)_(?P<model>[a-z_.]+?)(?:-[a-z]+)?\.csv")


def read_files(directory: Path) -> list[ExportedFile]:
    """The files of the export in a directory, in the order of import.

    Raises:
        NotTriedError: There is no such directory or no export in it, or there are several.
    """
    if not directory.is_dir():
        raise NotTriedError(
            f"{directory} is not a directory. Name the one that `keycrm-pipeline export` wrote to."
        )
    found = [(path, name) for path in directory.iterdir() if (name := FILE_NAME.fullmatch(path.name))]
    exports = sorted({name["export"] for _, name in found})
    if len(exports) != 1:
        there = (
            f"the files of {len(exports)} exports ({', '.join(exports)})" if exports else "no file for Odoo"
        )
        raise NotTriedError(
            f"{directory} has {there}. Export one period to a directory of its own: --format odoo."
        )
    files = [
        ExportedFile(path, int(name["number"]), name["model"], _rows(path.read_bytes()))
        for path, name in found
    ]
    return sorted(files, key=lambda file: file.number)


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


# What the files say, and what Odoo has


@dataclass(frozen=True)
class Line:
    """A line of an order.

    Attributes:
        product: External ID.
        quantity: With at most three decimals.
        price: Per unit, in the order's currency.
    """

    product: str
    quantity: Decimal
    price: Decimal

    def __str__(self) -> str:
        """As a reader of the differences sees it."""
        return f"{self.quantity.normalize():f} x {self.price:.2f} of {self.product}"


@dataclass(frozen=True)
class Order:
    """An order, with External IDs for what it refers to.

    Attributes:
        date: "2026-03-31 23:59:00", in the time zone of the importing user.
        currency: ISO code.
        total: In that currency.
        lines: By External ID.
    """

    date: str
    partner: str
    currency: str
    total: Decimal
    tags: frozenset[str]
    lines: Mapping[str, Line] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """A payment: `amount` in `currency`, `kind` inbound or outbound, `journal` by its name in the user's language."""

    date: str
    partner: str
    kind: str
    amount: Decimal
    currency: str
    journal: str


def money(value: str | float) -> Decimal:
    """An amount with two decimals; Odoo answers with floats."""
    return Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def quantity_of(value: str | float) -> Decimal:
    """A quantity with three decimals."""
    return Decimal(str(value)).quantize(Decimal("0.001"), ROUND_HALF_UP)


def expected_orders(files: Iterable[ExportedFile], company_currency: str) -> dict[str, Order]:
    """The orders of the files by External ID; the total is that of the lines, each rounded to kopiykas.

    Args:
        files: All files of the export.
        company_currency: Of orders without a price list.
    """
    files = list(files)
    currencies = {
        row["id"]: row["currency_id"]
        for file in files
        if file.model == "product.pricelist"
        for row in file.rows
    }
    orders: dict[str, Order] = {}
    for file in files:
        if file.model == ORDER and file.rows and "date_order" in file.rows[0]:
            for rows in _by_record(file.rows):
                head, lines = rows[0], _expected_lines(rows)
                orders[head["id"]] = Order(
                    head["date_order"],
                    head["partner_id/id"],
                    currencies[head["pricelist_id/id"]] if head.get("pricelist_id/id") else company_currency,
                    sum((money(str(line.quantity * line.price)) for line in lines.values()), Decimal("0.00")),
                    frozenset(filter(None, head["tag_ids/id"].split(","))),
                    lines,
                )
    return orders


def _expected_lines(rows: Iterable[dict[str, str]]) -> dict[str, Line]:
    return {
        row["order_line/id"]: Line(
            row["order_line/product_id/id"],
            quantity_of(row["order_line/product_uom_qty"]),
            money(row["order_line/price_unit"]),
        )
        for row in rows
        if row["order_line/id"]
    }


def _by_record(rows: Iterable[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    record: list[dict[str, str]] = []
    for row in rows:
        if row["id"] and record:
            yield record
            record = []
        record.append(row)
    if record:
        yield record


def expected_payments(files: Iterable[ExportedFile]) -> dict[str, Payment]:
    """The payments of the files by External ID."""
    return {
        row["id"]: Payment(
            row["date"],
            row["partner_id/id"],
            row["payment_type"],
            money(row["amount"]),
            row["currency_id"],
            row["journal_id"],
        )
        for file in files
        if file.model == PAYMENT
        for row in file.rows
    }


Document = TypeVar("Document", Order, Payment)

MISSING = "record"
"""Field of a difference that concerns the whole record."""


@dataclass(frozen=True)
class Difference:
    """A field that is not in Odoo as in the files.

    Attributes:
        identifier: External ID of the order or payment.
    """

    identifier: str
    field: str
    words: str

    def __str__(self) -> str:
        """As a reader finds the order: `order 123: total: 10.00, in Odoo 11.00`."""
        return f"{self.identifier.removeprefix('keycrm_').replace('_', ' ')}: {self.words}"


def differences(expected: Mapping[str, Document], actual: Mapping[str, Document]) -> list[Difference]:
    """Where Odoo differs from the files.

    Args:
        expected: What the files say, by External ID.
        actual: What Odoo has.
    """
    found: list[Difference] = []
    for identifier, wanted in expected.items():
        there = actual.get(identifier)
        if there is None:
            found.append(Difference(identifier, MISSING, "is not in Odoo"))
            continue
        for name in (each.name for each in fields(wanted)):
            ours, theirs = getattr(wanted, name), getattr(there, name)
            if ours != theirs:
                words = (
                    _of_lines(ours, theirs)
                    if name == "lines"
                    else f"{_shown(ours)}, in Odoo {_shown(theirs)}"
                )
                found.append(Difference(identifier, name, f"{name}: {words}"))
    return found


def _of_lines(ours: Mapping[str, Line], theirs: Mapping[str, Line]) -> str:
    return "; ".join(
        f"{key} {ours.get(key, 'absent')}, in Odoo {theirs.get(key, 'absent')}"
        for key in {**ours, **theirs}
        if ours.get(key) != theirs.get(key)
    )


def _shown(value: object) -> str:
    return ", ".join(sorted(value)) or "none" if isinstance(value, frozenset) else str(value)


# Odoo


class Odoo:
    """A session of the web client.

    Attributes:
        version: As Odoo says it.
        zone: Time zone of the user, in which the import reads times.
        currency: Of the user's company.
    """

    def __init__(self, client: httpx.Client, database: str, login: str, password: str) -> None:
        self._client = client
        answer = self._post(
            "/web/session/authenticate", {"db": database, "login": login, "password": password}
        )
        if not answer or not answer.get("uid"):
            raise NotTriedError("Odoo asks this user for a second factor. Name a user without one.")
        self._context = answer["user_context"]
        if not self._context.get("tz"):
            raise NotTriedError(
                "The Odoo user has no time zone. Set it to that of the profile, in Preferences."
            )
        self.version: str = answer["server_version"]
        self.zone = ZoneInfo(self._context["tz"])
        company = answer["user_companies"]["current_company"]
        self.currency: str = self.read("res.company", [company], ["currency_id"])[0]["currency_id"][1]

    def _post(self, path: str, parameters: Mapping[str, Any]) -> Any:
        response = self._client.post(
            path, json={"jsonrpc": "2.0", "method": "call", "params": dict(parameters)}
        )
        response.raise_for_status()
        try:
            answer = response.json()
        except ValueError:
            raise NotTriedError(f"{response.url} does not answer as Odoo does. Check the address.") from None
        if "error" in answer:
            data = answer["error"].get("data", {})
            raise NotTriedError(
                f"Odoo answered to {path}: {(data.get('message') or answer['error']['message']).strip()}"
            )
        return answer.get("result")

    def call(self, model: str, method: str, *arguments: Any, **options: Any) -> Any:
        """Calls a method of a model as the web client does.

        Raises:
            NotTriedError: Odoo answered with an error, such as a right that the user lacks.
        """
        keywords = {**options, "context": {**self._context, **options.get("context", {})}}
        return self._post(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": list(arguments), "kwargs": keywords},
        )

    def read(self, model: str, identifiers: Sequence[int], names: Sequence[str]) -> list[Record]:
        """Fields of records."""
        records: list[Record] = self.call(
            model, "search_read", [("id", "in", list(identifiers))], list(names), order="id"
        )
        return records

    def external_ids(self, model: str, identifiers: Iterable[int]) -> dict[int, str]:
        """Record -> External ID as our files write it. Odoo's export screen is asked; it gives each record one."""
        wanted = sorted(set(identifiers))
        rows = self.call(model, "export_data", wanted, ["id"])["datas"] if wanted else []
        return {record: row[0].removeprefix(MADE_BY_IMPORT) for record, row in zip(wanted, rows, strict=True)}

    def upload(self, file: ExportedFile) -> int:
        """Uploads a file; returns the import that the screen would show."""
        number: int = self.call("base_import.import", "create", {"res_model": file.model})
        page = self._client.get("/web", follow_redirects=True).text
        token = re.search(r'csrf_token: "([^"]+)"', page)
        if token is None:
            raise NotTriedError("The page of Odoo has no CSRF token: this is not Odoo's web client.")
        self._client.post(
            "/base_import/set_file",
            data={"csrf_token": token[1], "id": str(number)},
            files={"ufile": (file.path.name, file.path.read_bytes(), "text/csv")},
        ).raise_for_status()
        return number


@dataclass
class Imported:
    """What became of a file.

    Attributes:
        identifiers: Database ids of its records, in the order of the file; empty when it was refused.
        batches: How many batches it took.
        messages: What Odoo refused or warned about, in its words, and columns that the screen would leave out.
    """

    identifiers: list[int] = field(default_factory=list)
    batches: int = 0
    messages: list[str] = field(default_factory=list)


def import_file(odoo: Odoo, file: ExportedFile) -> Imported:
    """Imports a file as a user does who presses Test and then Import, and changes nothing on the screen."""
    number = odoo.upload(file)
    preview = odoo.call("base_import.import", "parse_preview", number, OPTIONS)
    if preview.get("error"):
        return Imported(messages=[str(preview["error"])])
    headers = preview["headers"]
    matches = [preview["matches"].get(str(place)) for place in range(len(headers))]
    offered = set(_paths(preview["fields"]))
    columns = [path if (path := "/".join(match or ())) in offered else False for match in matches]
    left_out = [
        f"The screen takes column {header} for {column or 'nothing, and leaves it out'}."
        for header, column in zip(headers, columns, strict=True)
        if header != column
    ]
    options = {
        **OPTIONS,
        **{name: preview["options"][name] for name in OPTIONS if name in preview["options"]},
    }
    asked = (number, columns, [header.strip().lower() for header in headers], options)
    tested = _execute(odoo, asked, is_test=True)
    done = tested if tested.messages else _execute(odoo, asked, is_test=False)
    done.messages = left_out + done.messages
    return done


def _paths(tree: Iterable[Record], before: str = "") -> Iterator[str]:
    for each in tree:
        yield before + each["name"]
        yield from _paths(each["fields"], f"{before}{each['name']}/")


def _execute(
    odoo: Odoo, asked: tuple[int, list[str | bool], list[str], Record], *, is_test: bool
) -> Imported:
    number, columns, headers, options = asked
    done = Imported()
    skip = 0
    while True:
        answer = odoo.call(
            "base_import.import",
            "execute_import",
            *(number, columns, headers, {**options, "skip": skip}),
            dryrun=is_test,
            context={"tracking_disable": True},
        )
        done.batches += 1
        done.identifiers += answer.get("ids") or []
        done.messages += in_words(answer.get("messages", []), skip)
        skip = answer.get("nextrow") or 0
        if done.messages or not skip:
            return done


def in_words(messages: Iterable[Record], skipped: int) -> list[str]:
    """Each thing that Odoo said, once, with the rows of the file as a spreadsheet counts them."""
    rows: dict[str, list[str]] = {}
    for message in messages:
        of_message = rows.setdefault(message["message"], [])
        if message.get("rows"):
            of_message.append(str(message["rows"]["from"] + skipped + 2))
    return [f"{text} (row {', '.join(places)})" if places else text for text, places in rows.items()]


def _partners(odoo: Odoo, records: Iterable[Record]) -> dict[int, str]:
    found = {_target(record["partner_id"]) for record in records} - {0}
    return {0: "none", **odoo.external_ids("res.partner", found)}


def actual_orders(odoo: Odoo, identifiers: Sequence[int]) -> dict[str, Order]:
    """The orders with these database ids, by External ID."""
    names = ["date_order", "partner_id", "currency_id", "amount_total", "tag_ids", "order_line"]
    records = odoo.read(ORDER, identifiers, names)
    lines = odoo.read(
        LINE,
        [line for record in records for line in record["order_line"]],
        ["order_id", "product_id", "product_uom_qty", "price_unit"],
    )
    keys = odoo.external_ids(ORDER, identifiers)
    partners = _partners(odoo, records)
    tags = odoo.external_ids("crm.tag", (tag for record in records for tag in record["tag_ids"]))
    products = odoo.external_ids("product.product", {_target(line["product_id"]) for line in lines} - {0})
    line_keys = odoo.external_ids(LINE, (line["id"] for line in lines))
    of_orders: dict[int, dict[str, Line]] = {}
    for line in lines:
        of_orders.setdefault(line["order_id"][0], {})[line_keys[line["id"]]] = Line(
            products.get(_target(line["product_id"]), "no product"),
            quantity_of(line["product_uom_qty"]),
            money(line["price_unit"]),
        )
    return {
        keys[record["id"]]: Order(
            _local(record["date_order"], odoo.zone),
            partners[_target(record["partner_id"])],
            record["currency_id"][1],
            money(record["amount_total"]),
            frozenset(tags[tag] for tag in record["tag_ids"]),
            of_orders.get(record["id"], {}),
        )
        for record in records
    }


def _target(reference: list[Any] | bool) -> int:
    """Database id of the record that a field refers to; 0 for none."""
    return int(reference[0]) if isinstance(reference, list) else 0


def _local(utc: str, zone: ZoneInfo) -> str:
    time = datetime.strptime(utc, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def actual_payments(odoo: Odoo, identifiers: Sequence[int]) -> dict[str, Payment]:
    """The payments with these database ids, by External ID."""
    names = ["date", "partner_id", "payment_type", "amount", "currency_id", "journal_id"]
    records = odoo.read(PAYMENT, identifiers, names)
    keys = odoo.external_ids(PAYMENT, identifiers)
    partners = _partners(odoo, records)
    journals = odoo.read("account.journal", [record["journal_id"][0] for record in records], ["name"])
    journal_names = {journal["id"]: journal["name"] for journal in journals}
    return {
        keys[record["id"]]: Payment(
            record["date"],
            partners[_target(record["partner_id"])],
            record["payment_type"],
            money(record["amount"]),
            record["currency_id"][1],
            journal_names[record["journal_id"][0]],
        )
        for record in records
    }


# The trial


class Trial:
    """Imports and comparisons of one export, and what was found wrong.

    Attributes:
        faults: One sentence for each.
    """

    def __init__(self, odoo: Odoo, files: Sequence[ExportedFile]) -> None:
        self._odoo = odoo
        self._files = [file for file in files if file.rows]
        self._imported: dict[int, Imported] = {}
        self.faults: list[str] = []
        for file in files:
            if not file.rows:
                print(f"{file.path.name} has no rows and is skipped.")

    def import_all(self, title: str) -> None:
        """Imports every file once and prints how many records that made."""
        print(f"\n{title}")
        print(f"  {'file':<28}{'rows':>7}{'records':>9}{'batches':>9}{'new':>7}{'seconds':>9}")
        for file in self._files:
            before = self._odoo.call(file.model, "search_count", [])
            lines_before = self._number_of_lines(file)
            started = datetime.now(UTC)
            done = import_file(self._odoo, file)
            seconds = (datetime.now(UTC) - started).total_seconds()
            new = self._odoo.call(file.model, "search_count", []) - before
            label = file.path.name.split("_odoo_")[1].removesuffix(".csv")
            counts = f"{len(file.rows):>7}{len(done.identifiers):>9}{done.batches:>9}{new:>7}{seconds:>9.1f}"
            print(f"  {label:<28}{counts}")
            self._check(file, done, new=new, lines_before=lines_before)

    def _check(self, file: ExportedFile, done: Imported, *, new: int, lines_before: int | None) -> None:
        self.faults += [f"{file.path.name}: {message}" for message in done.messages]
        earlier = self._imported.get(file.number)
        if not done.identifiers:
            return
        if len(set(done.identifiers)) != len(file.identifiers):
            self.faults.append(
                f"{file.path.name}: {len(file.identifiers)} records became {len(set(done.identifiers))} in Odoo."
            )
        if earlier and (new or earlier.identifiers != done.identifiers):
            self.faults.append(f"{file.path.name}: importing it again made {new} records.")
        self._imported[file.number] = done
        if earlier and lines_before != self._number_of_lines(file):
            self.faults.append(f"{file.path.name}: importing it again changed the number of lines.")

    def _number_of_lines(self, file: ExportedFile) -> int | None:
        """Lines or messages that the file's records have in Odoo; None before its first import."""
        lists = {name.split("/")[0] for name in file.rows[0] if name.endswith("/id") and name.count("/") == 1}
        lists &= {"order_line", "message_ids"}
        if file.number not in self._imported or not lists:
            return None
        records = self._odoo.read(file.model, self._imported[file.number].identifiers, sorted(lists))
        return sum(len(record[name]) for record in records for name in lists)

    def _identifiers(self, model: str) -> list[int]:
        return list(
            dict.fromkeys(
                record
                for file in self._files
                if file.model == model and file.number in self._imported
                for record in self._imported[file.number].identifiers
            )
        )

    def _orders(self) -> dict[str, Order]:
        """What the files say of orders, without files that Odoo refused."""
        taken = [file for file in self._files if file.model != ORDER or file.number in self._imported]
        return expected_orders(taken, self._odoo.currency)

    def compare(self) -> None:
        """Compares orders and payments with the files and prints how many are the same."""
        orders = self._orders()
        everything = actual_orders(self._odoo, self._identifiers(ORDER))
        # The file of notes has orders too, whose own file Odoo may have refused.
        in_odoo = {key: order for key, order in everything.items() if key in orders}
        self._report(Order, orders, in_odoo)
        for currency in sorted({order.currency for order in orders.values()}):
            sums = [
                sum((order.total for order in each.values() if order.currency == currency), Decimal("0.00"))
                for each in (orders, in_odoo)
            ]
            print(f"  sum in {currency}: {sums[0]:,.2f} in the files, {sums[1]:,.2f} in Odoo")
        payments = expected_payments(file for file in self._files if file.number in self._imported)
        if payments:
            self._report(Payment, payments, actual_payments(self._odoo, self._identifiers(PAYMENT)))

    def _report(
        self, what: type[Document], expected: Mapping[str, Document], actual: Mapping[str, Document]
    ) -> None:
        found = differences(expected, actual)
        print(f"\n{what.__name__}: {len(expected)} in the files, {len(actual)} in Odoo after the import")
        for name in (each.name for each in fields(what)):
            wrong = {difference.identifier for difference in found if difference.field in (name, MISSING)}
            print(f"  {name:<10}{len(expected) - len(wrong):>7} the same{len(wrong):>7} not")
        self.faults += map(str, found)

    def confirm(self, number: int) -> None:
        """Confirms the first quotations that KeyCRM did not cancel, imports all again and says what happened."""
        orders = self._orders()
        records = self._odoo.read(ORDER, self._identifiers(ORDER), ["state"])
        quotations = {record["id"] for record in records if record["state"] == "draft"}
        keys = self._odoo.external_ids(ORDER, quotations)
        chosen = [
            record
            for record in self._identifiers(ORDER)
            if (key := keys.get(record)) in orders and CANCELLED not in orders[key].tags
        ][:number]
        for record in chosen:
            self._odoo.call(ORDER, "action_confirm", [record])
        print(
            f"\nConfirmed {len(chosen)} orders; {self._right_dates(chosen, orders)} of them kept their date."
        )
        self.import_all("Import after confirming")
        records = self._odoo.read(ORDER, chosen, ["state"])
        confirmed = sum(record["state"] == "sale" for record in records)
        print(
            f"{confirmed} are still confirmed, {self._right_dates(chosen, orders)} have the date of the files again."
        )
        self.compare()

    def _right_dates(self, identifiers: Sequence[int], orders: Mapping[str, Order]) -> int:
        in_odoo = actual_orders(self._odoo, identifiers)
        return sum(order.date == orders[key].date for key, order in in_odoo.items())


def arguments() -> argparse.Namespace:
    """The arguments of the command line."""
    parser = argparse.ArgumentParser(
        description="Imports exported files into a running Odoo twice and compares what is there then. "
        "Use a copy of your database. The password is read from the environment variable ODOO_PASSWORD."
    )
    parser.add_argument("directory", type=Path, help="directory with the files of one export")
    parser.add_argument("--url", required=True, help="address of Odoo, for example http://127.0.0.1:8069")
    parser.add_argument("--database", required=True)
    parser.add_argument("--login", required=True)
    parser.add_argument(
        "--confirm",
        type=int,
        default=0,
        metavar="N",
        help="confirm the first N quotations, then import again",
    )
    return parser.parse_args()


def run(options: argparse.Namespace) -> list[str]:
    """Tries the files; returns what was found wrong.

    Raises:
        NotTriedError: The files or Odoo cannot be used.
    """
    files = read_files(options.directory)
    password = os.environ.get("ODOO_PASSWORD")
    if not password:
        raise NotTriedError("Put the password of the Odoo user into the environment variable ODOO_PASSWORD.")
    with httpx.Client(base_url=options.url, timeout=ANSWER_WITHIN_SECONDS) as client:
        try:
            odoo = Odoo(client, options.database, options.login, password)
        except NotTriedError as error:
            raise NotTriedError(f"{error}\nCheck --url, --database, --login and ODOO_PASSWORD.") from None
        print(
            f"Odoo {odoo.version}, database {options.database}, times in {odoo.zone}, company in {odoo.currency}"
        )
        trial = Trial(odoo, files)
        trial.import_all("First import")
        trial.import_all("Second import")
        trial.compare()
        if options.confirm:
            trial.confirm(options.confirm)
        return list(dict.fromkeys(trial.faults))


def main() -> None:
    """Runs the trial and exits with its code.

    Raises:
        SystemExit: Always.
    """
    try:
        faults = run(arguments())
    except NotTriedError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    except httpx.HTTPError as error:
        print(f"Odoo does not answer; check the address and that it runs: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"\n{len(faults)} differences" if faults else "\nOdoo has what the files say.")
    for fault in faults:
        print(f"  {fault}")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
