"""KeyCRM's HTTP behaviour for the demo shop: turns a request into a response, without a socket.

This module has the routes, the envelope of lists, includes, filters, sorting, errors and the rate limit, as
far as the behaviour of KeyCRM's Open API v1 is known. The data is in `shop`, and the ways to reach the API in
`transport` and `server`. Nothing can be written. Where KeyCRM's behaviour is unknown, this API takes the less
convenient option, so that a client that works with this shop works with the real one:

- without `sort`, orders come newest first; several sort keys are accepted and ignored;
- a bare date in a filter is its midnight;
- `filter[source_id]` takes one number; only the first of a list counts;
- unknown filters are refused on `/order` and ignored everywhere else, and so is `include` on `/users` and
  `/offers/stocks`.
"""

import math
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

import msgspec

from keycrm_pipeline.sandbox.payloads import Payload
from keycrm_pipeline.sandbox.shop import ListName, OrderFilter, Shop, Window, has_number, read_moment

API_ROOT: Final = "/v1"
DEFAULT_LIMIT: Final = 15
GREATEST_LIMIT: Final = 50
_RATE_WINDOW_SECONDS: Final = 60.0

_JSON: Final = msgspec.json.Encoder(decimal_format="number")

_ORDER_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "buyer": ("buyer",),
    "products": ("products",),
    "products.offer": ("products",),
    "manager": ("manager",),
    "assigned": ("assigned",),
    "tags": ("tags",),
    "status": ("status",),
    "marketing": ("marketing",),
    "payments": ("payments",),
    "shipping": ("shipping",),
    "shipping.lastHistory": ("shipping",),
    "shipping.deliveryService": ("shipping",),
    "expenses": ("expenses",),
    "custom_fields": ("custom_fields",),
    "customFields": ("custom_fields",),
    "attachments": ("attachments",),
    "attachments.file": ("attachments",),
}
"""Value of `include` on orders -> the keys it adds."""

_EVERY_PART: Final = frozenset(key for keys in _ORDER_PARTS.values() for key in keys)
_COUNTABLE: Final = tuple(name for name in _ORDER_PARTS if "." not in name and "_" not in name)
_ORDER_INCLUDES: Final = (
    *_ORDER_PARTS,
    *(f"{name}{suffix}" for name in _COUNTABLE for suffix in ("Count", "Exists")),
)
_ORDER_FILTERS: Final = (
    "status_id",
    "source_id",
    "buyer_email",
    "buyer_phone",
    "has_tracking_code",
    "created_between",
    "updated_between",
    "payment_status",
    "source_uuid",
    "shipping_between",
)
_ORDER_SORTS: Final = ("id", "updated_at", "created_at")
"""`id` is documented; the other two are used by existing clients without an error."""

_DICTIONARIES: Final[dict[str, ListName]] = {
    "/order/status": "statuses",
    "/order/source": "sources",
    "/order/tag": "tags",
    "/order/delivery-service": "delivery_services",
    "/order/payment-method": "payment_methods",
    "/order/expense-type": "expense_types",
    "/order/product-status": "product_statuses",
}
_LISTS_OF_ACTIVE_ONLY: Final = ("statuses", "product_statuses")

_NOT_FOUND_PAGE: Final = (
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n"
    b"<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A response; its headers are without `Content-Length`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Refusal(Exception):  # noqa: N818 - a response of the API, not an error of this program
    """A response other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Query:
    """A decoded query string; the last value of a repeated name counts."""

    values: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """The value of `filter[name]`, or None if it is missing or empty."""
        return self.values.get(f"filter[{name}]") or None

    def texts(self, name: str) -> frozenset[str] | None:
        """The comma-separated list in `filter[name]`."""
        value = self.text(name)
        return None if value is None else frozenset(part.strip() for part in value.split(","))

    def number(self, name: str) -> int | None:
        """The number at the start of `filter[name]`; -1, which matches no id, if there is no number."""
        value = self.text(name)
        if value is None:
            return None
        digits = re.match(r"\s*\d+", value)
        return int(digits[0]) if digits else -1

    def numbers(self, name: str) -> frozenset[int] | None:
        """The comma-separated numbers in `filter[name]`; anything else is left out."""
        values = self.texts(name)
        return None if values is None else frozenset(int(value) for value in values if value.isdecimal())

    def flag(self, name: str) -> bool | None:
        """`filter[name]` as a boolean."""
        value = self.text(name)
        return None if value is None else value.lower() in ("true", "1")

    def window(self, name: str) -> Window | None:
        """`filter[name]` as two moments with a comma, or `filter[name][from]` and `filter[name][to]`.

        A space after the comma is allowed.

        Raises:
            _Refusal: It is not two dates.
        """
        ends = [self.values.get(f"filter[{name}][{end}]") for end in ("from", "to")]
        value = self.text(name)
        if value is not None:
            ends = list(value.split(","))
        elif not any(ends):
            return None
        moments = [read_moment(end) for end in ends]
        if len(moments) != 2 or moments[0] is None or moments[1] is None:
            raise _Refusal(400, f"The filter {name} must be two dates separated by a comma.")
        return moments[0], moments[1]

    def whole(self, name: str, default: int) -> int:
        """A parameter as a number of at least 1, or the default if it is not a number."""
        value = self.values.get(name, "")
        return max(1, int(value)) if value.isdecimal() else default

    def check_filters(self, allowed: Sequence[str]) -> None:
        """Refuse filters that are not allowed.

        Raises:
            _Refusal: There are some.
        """
        matches = map(_FILTER_NAME.match, self.values)
        # Both ends of a range in the array form have one name.
        _refuse_unknown("filter", dict.fromkeys(match[1] for match in matches if match is not None), allowed)

    def includes(self, allowed: Sequence[str]) -> frozenset[str]:
        """The comma-separated list in `include`.

        Raises:
            _Refusal: It contains something that is not allowed.
        """
        asked = [part.strip() for part in self.values.get("include", "").split(",") if part.strip()]
        _refuse_unknown("include", asked, allowed)
        return frozenset(asked)

    def sort(self, allowed: Sequence[str]) -> str | None:
        """The value of `sort`, with its minus sign; None for several keys, which are ignored.

        Raises:
            _Refusal: The route cannot sort by that key.
        """
        value = self.values.get("sort")
        if not value or "," in value:
            return None
        if value.removeprefix("-") not in allowed:
            raise _Refusal(
                400,
                f"Requested sort(s) `{value}` is not allowed. Allowed sort(s) are `{', '.join(allowed)}`.",
            )
        return value


_FILTER_NAME: Final = re.compile(r"filter\[(\w+)\]")


def _refuse_unknown(kind: str, asked: Iterable[str], allowed: Sequence[str]) -> None:
    """Refuse includes or filters of a request that are not allowed, in KeyCRM's words."""
    unknown = [name for name in asked if name not in allowed]
    if unknown:
        raise _Refusal(
            400,
            f"Requested {kind}(s) `{', '.join(unknown)}` are not allowed. "
            f"Allowed {kind}(s) are `{', '.join(allowed)}`.",
        )


@dataclass(slots=True)
class _RateWindow:
    """The times of the accepted requests of one key in the last minute."""

    moments: deque[float] = field(default_factory=deque)

    def refusal_ends_in(self, now: float, allowed: int) -> float | None:
        """Accept another request and return None, or return in how many seconds one would be accepted."""
        while self.moments and self.moments[0] <= now - _RATE_WINDOW_SECONDS:
            self.moments.popleft()
        if len(self.moments) < allowed:
            self.moments.append(now)
            return None
        return self.moments[0] + _RATE_WINDOW_SECONDS - now


class SandboxApi:
    """KeyCRM's API over a shop. Thread-safe.

    Args:
        shop: The shop.
        api_key: The accepted key; None accepts any non-empty key.
        requests_per_minute: How many requests a key may make within 60 seconds; None for no limit. Refused
            requests do not count. With a limit, responses have `X-RateLimit-*`, refusals also `Retry-After`.
        clock: The clock of the rate limit, in seconds.
    """

    def __init__(
        self,
        shop: Shop,
        *,
        api_key: str | None = None,
        requests_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shop = shop
        self.public_url = f"http://sandbox.invalid{API_ROOT}"
        self._api_key = api_key
        self._requests_per_minute = requests_per_minute
        self._clock = clock

        self._lock = threading.Lock()
        self._rates: dict[str, _RateWindow] = {}

    def handle(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> SandboxResponse:
        """Answer one request.

        Args:
            method: The HTTP method.
            path: The path; all of KeyCRM's routes begin with `/v1`.
            query: The decoded query.
            headers: The headers; names are case-insensitive.
        """
        if not path.startswith(f"{API_ROOT}/"):
            return SandboxResponse(404, _HTML, _NOT_FOUND_PAGE)
        key = _bearer(headers)
        if key is None or (self._api_key is not None and key != self._api_key):
            return _json(401, {"message": "Unauthenticated."})
        rate_headers: dict[str, str] = {}
        if self._requests_per_minute is not None:
            refusal, rate_headers = self._limited(key, self._requests_per_minute)
            if refusal is not None:
                return refusal
        return self.answer(method, path.removeprefix(API_ROOT).rstrip("/"), Query(dict(query)), rate_headers)

    def _limited(self, key: str, allowed: int) -> tuple[SandboxResponse | None, dict[str, str]]:
        """Count a request against the limit; returns a refusal or None, and the headers of the response."""
        with self._lock:
            window = self._rates.setdefault(key, _RateWindow())
            wait = window.refusal_ends_in(self._clock(), allowed)
            left = allowed - len(window.moments)
        headers = {"X-RateLimit-Limit": str(allowed), "X-RateLimit-Remaining": str(left)}
        if wait is None:
            return None, headers
        reset = self.shop.now() + timedelta(seconds=wait)
        headers["Retry-After"] = str(math.ceil(wait))
        headers["X-RateLimit-Reset"] = str(math.ceil(reset.timestamp()))
        return _json(429, {"message": "Too Many Attempts."}, headers), headers

    def answer(
        self, method: str, route: str, asked: Query, rate_headers: Mapping[str, str]
    ) -> SandboxResponse:
        """The response to a request whose key and rate are accepted."""
        try:
            return _json(200, self._body(method, route, asked), rate_headers)
        except _Refusal as refusal:
            return _json(refusal.status, {"message": refusal.message}, rate_headers)

    # -- routes ------------------------------------------------------------------------------------

    def _body(self, method: str, route: str, asked: Query) -> Any:
        """The JSON value of a response with status 200.

        Raises:
            _Refusal: The response has another status.
        """
        if method != "GET":
            raise _Refusal(405, f"The {method} method is not supported for this route.")
        if route in _DICTIONARIES:
            return self._dictionary(route, asked)
        lists: dict[str, Callable[[str, Query], Any]] = {
            "/order": self._orders,
            "/products": self._products,
            "/products/categories": self._categories,
            "/offers": self._offers,
            "/offers/stocks": self._stocks,
            "/users": self._users,
            "/buyer": self._buyers,
            "/companies": self._companies,
            "/custom-fields": self._custom_fields,
            "/payments/external-transactions": self._external_transactions,
        }
        if route in lists:
            return lists[route](route, asked)
        singles: dict[str, Callable[[int, Query], Any]] = {
            "order": self._order,
            "products": self._product,
            "buyer": self._buyer,
            "companies": self._company,
        }
        single = re.fullmatch(r"/(\w+)/(\d+)", route)
        if single and single[1] in singles:
            return singles[single[1]](int(single[2]), asked)
        return _not_found()

    def _page(
        self, route: str, asked: Query, total: int, rows: Callable[[int, int], list[Payload]]
    ) -> Payload:
        """One page of a list in its envelope; a page past the end is empty."""
        page = asked.whole("page", 1)
        limit = min(GREATEST_LIMIT, asked.whole("limit", DEFAULT_LIMIT))
        start = (page - 1) * limit
        data = rows(start, start + limit)
        last_page = max(1, -(-total // limit))
        path = f"{self.public_url}{route}"
        query = {name: value for name, value in asked.values.items() if name != "page"}

        def url(number: int) -> str:
            return f"{path}?{urlencode({**query, 'page': number})}"

        next_page_url = url(page + 1) if page < last_page else None
        prev_page_url = url(page - 1) if page > 1 else None
        return {
            "total": total,
            "current_page": page,
            "per_page": limit,
            "last_page": last_page,
            "from": start + 1 if data else None,
            "to": start + len(data) if data else None,
            "path": path,
            "first_page_url": url(1),
            "last_page_url": url(last_page),
            "next_page_url": next_page_url,
            "prev_page_url": prev_page_url,
            "links": [
                {"url": prev_page_url, "label": "&laquo; Previous", "active": False},
                *_numbered_links(page, last_page, url),
                {"url": next_page_url, "label": "Next &raquo;", "active": False},
            ],
            "data": data,
        }

    def _listed(self, route: str, asked: Query, records: Sequence[Payload]) -> Payload:
        return self._page(route, asked, len(records), lambda start, stop: list(records[start:stop]))

    def _orders(self, route: str, asked: Query) -> Payload:
        asked.check_filters(_ORDER_FILTERS)
        includes = asked.includes(_ORDER_INCLUDES)
        sort = asked.sort(_ORDER_SORTS) or "-id"
        selection = self.shop.select(
            OrderFilter(
                created=asked.window("created_between"),
                updated=asked.window("updated_between"),
                shipped=asked.window("shipping_between"),
                status_ids=asked.numbers("status_id"),
                source_id=asked.number("source_id"),
                source_uuid=asked.text("source_uuid"),
                payment_statuses=asked.texts("payment_status"),
                buyer_phones=asked.texts("buyer_phone"),
                buyer_emails=asked.texts("buyer_email"),
                has_tracking_code=asked.flag("has_tracking_code") or False,
            )
        )
        pick = selection.newest_first if sort.startswith("-") else selection.ids
        if sort.removeprefix("-") != "id":
            key = sort.removeprefix("-")
            records = self.shop.records(selection.ids(0, len(selection)))
            records.sort(key=lambda record: str(record.get(key)), reverse=sort.startswith("-"))
            return self._page(
                route,
                asked,
                len(records),
                lambda start, stop: [_order_view(record, includes) for record in records[start:stop]],
            )
        return self._page(
            route,
            asked,
            len(selection),
            lambda start, stop: [
                _order_view(record, includes) for record in self.shop.records(pick(start, stop))
            ],
        )

    def _order(self, order_id: int, asked: Query) -> Payload:
        includes = asked.includes(_ORDER_INCLUDES)
        records = self.shop.records([order_id])
        return _order_view(records[0], includes) if records else _not_found()

    def _dictionary(self, route: str, asked: Query) -> Payload:
        name = _DICTIONARIES[route]
        sort = asked.sort(("id",))
        records = self.shop.records_of(name)
        if name in _LISTS_OF_ACTIVE_ONLY:
            records = [record for record in records if record.get("is_active", True)]
        return self._listed(route, asked, records[::-1] if sort == "-id" else records)

    def _products(self, route: str, asked: Query) -> Payload:
        includes = asked.includes(("custom_fields",))
        product_ids, category_ids = asked.numbers("product_id"), asked.numbers("category_id")
        is_archived = asked.flag("is_archived")
        found = [
            _product_view(product, includes)
            for product in self.shop.records_of("products")
            if (product_ids is None or product["id"] in product_ids)
            and (category_ids is None or product["category_id"] in category_ids)
            and (is_archived is None or product["is_archived"] == is_archived)
        ]
        return self._listed(route, asked, found)

    def _product(self, product_id: int, asked: Query) -> Payload:
        includes = asked.includes(("custom_fields",))
        for product in self.shop.records_of("products"):
            if product["id"] == product_id:
                return _product_view(product, includes)
        return _not_found()

    def _categories(self, route: str, asked: Query) -> Payload:
        category_ids, parent_ids = asked.numbers("category_id"), asked.numbers("parent_id")
        found = [
            category
            for category in self.shop.records_of("categories")
            if (category_ids is None or category["id"] in category_ids)
            and (parent_ids is None or category["parent_id"] in parent_ids)
        ]
        return self._listed(route, asked, found)

    def _offers(self, route: str, asked: Query) -> Payload:
        includes = asked.includes(("product",))
        sort = asked.sort(("id",))
        offer_ids, product_ids, skus = asked.numbers("id"), asked.numbers("product_id"), asked.texts("sku")
        is_archived = asked.flag("is_archived")
        offers = self.shop.records_of("offers")
        found = [
            offer
            for offer in (offers[::-1] if sort == "-id" else offers)
            if (offer_ids is None or offer["id"] in offer_ids)
            and (product_ids is None or offer["product_id"] in product_ids)
            and (skus is None or offer["sku"] in skus)
            and (is_archived is None or offer["is_archived"] == is_archived)
        ]
        if "product" not in includes:
            return self._listed(route, asked, found)
        products = {product["id"]: product for product in self.shop.records_of("products")}
        variants: dict[int, list[Payload]] = {}
        for offer in offers:
            variants.setdefault(offer["product_id"], []).append(offer)
        return self._page(
            route,
            asked,
            len(found),
            lambda start, stop: [
                {
                    **offer,
                    "product": _product_of_offer(
                        products.get(offer["product_id"]), variants[offer["product_id"]]
                    ),
                }
                for offer in found[start:stop]
            ],
        )

    def _stocks(self, route: str, asked: Query) -> Payload:
        offer_ids, skus = asked.numbers("offers_id"), asked.texts("offers_sku")
        has_details = asked.flag("details") or False
        found = [
            _stock_view(offer, has_details=has_details)
            for offer in self.shop.records_of("offers")
            if (offer_ids is None or offer["id"] in offer_ids) and (skus is None or offer["sku"] in skus)
        ]
        return self._listed(route, asked, found)

    def _users(self, route: str, asked: Query) -> Payload:
        wanted = {
            name: asked.texts(name) for name in ("id", "full_name", "role_id", "status", "email", "phone")
        }
        created, logged = asked.window("created_between"), asked.window("last_logged_between")
        found = [
            user
            for user in self.shop.records_of("managers")
            if all(values is None or str(user[name]) in values for name, values in wanted.items())
            and _within_text(user.get("created_at"), created)
            and _within_text(user.get("last_logged_at"), logged)
        ]
        return self._listed(route, asked, found)

    def _buyers(self, route: str, asked: Query) -> Payload:
        includes = asked.includes(_BUYER_INCLUDES)
        wanted_ids = asked.numbers("buyer_id")
        phones, emails = asked.texts("buyer_phone"), asked.texts("buyer_email")
        created, updated = asked.window("created_between"), asked.window("updated_between")
        runs = self.shop.buyer_ids()
        if wanted_ids is not None:
            runs = [[buyer_id for buyer_id in sorted(wanted_ids) if any(buyer_id in run for run in runs)]]
        if phones is not None or emails is not None or created is not None or updated is not None:
            buyers = [buyer for run in runs for key in run if (buyer := self.shop.buyer(key)) is not None]
            found = [
                self._buyer_view(buyer, includes)
                for buyer in buyers
                if (phones is None or has_number(self._phones(buyer), phones))
                and (emails is None or buyer["email"] in emails)
                and _within_text(buyer["created_at"], created)
                and _within_text(buyer["updated_at"], updated)
            ]
            return self._listed(route, asked, found)

        def rows(start: int, stop: int) -> list[Payload]:
            found: list[Payload] = []
            for run in runs:
                for buyer_id in run[max(0, start) : max(0, stop)]:
                    buyer = self.shop.buyer(buyer_id)
                    if buyer is not None:
                        found.append(self._buyer_view(buyer, includes))
                start -= len(run)
                stop -= len(run)
            return found

        return self._page(route, asked, sum(map(len, runs)), rows)

    def _buyer(self, buyer_id: int, asked: Query) -> Payload:
        includes = asked.includes(_BUYER_INCLUDES)
        buyer = self.shop.buyer(buyer_id)
        return _not_found() if buyer is None else self._buyer_view(buyer, includes)

    def _buyer_view(self, buyer: Payload, includes: frozenset[str]) -> Payload:
        """A buyer as in the buyer routes: phones and e-mails as lists."""
        view = {
            **{key: value for key, value in buyer.items() if key != "custom_fields"},
            "phone": self._phones(buyer),
            "email": [buyer["email"]] if buyer.get("email") else [],
        }
        added: dict[str, Any] = {
            "manager": None,
            "shipping": [],
            "company": self._company_by_id(buyer.get("company_id")),
            "loyalty": [],
            "custom_fields": buyer.get("custom_fields", []),
        }
        return {**view, **{key: value for key, value in added.items() if key in includes}}

    def _phones(self, buyer: Payload) -> list[str]:
        """All phones of a buyer's card; orders show the first."""
        return [phone for phone in (buyer.get("phone"), *self.shop.other_phones(buyer["id"])) if phone]

    def _company_by_id(self, company_id: int | None) -> Payload | None:
        companies = self.shop.records_of("companies")
        return next((company for company in companies if company["id"] == company_id), None)

    def _companies(self, route: str, asked: Query) -> Payload:
        includes = asked.includes(_COMPANY_INCLUDES)
        wanted = asked.numbers("company_id")
        created, updated = asked.window("created_between"), asked.window("updated_between")
        companies = self.shop.records_of("companies")
        return self._listed(
            route,
            asked,
            [
                _company_view(company, includes)
                for company in companies
                if (wanted is None or company["id"] in wanted)
                and _within_text(company.get("created_at"), created)
                and _within_text(company.get("updated_at"), updated)
            ],
        )

    def _company(self, company_id: int, asked: Query) -> Payload:
        includes = asked.includes(_COMPANY_INCLUDES)
        company = self._company_by_id(company_id)
        return _not_found() if company is None else _company_view(company, includes)

    def _external_transactions(self, route: str, asked: Query) -> Payload:
        ids, uuids = asked.numbers("id"), asked.texts("transaction_uuid")
        gateways, is_attached = asked.numbers("gateway_id"), asked.flag("is_attached")
        created = asked.window("created_between")
        found = [
            transaction
            for transaction in self.shop.external_transactions(created)
            if (ids is None or transaction["id"] in ids)
            and (uuids is None or transaction["uuid"] in uuids)
            and (gateways is None or transaction["gateway_id"] in gateways)
            and (is_attached is None or transaction["is_attached"] == is_attached)
            and _within_text(transaction["created_at"], created)
        ]
        # Newest first, as KeyCRM lists orders: no order of this list is documented.
        return self._listed(route, asked, found[::-1])

    def _custom_fields(self, _route: str, asked: Query) -> list[Payload]:
        includes = asked.includes(("options",))
        models = asked.texts("model")
        is_backwards = asked.sort(("position",)) == "-position"
        records = sorted(
            self.shop.records_of("custom_fields"),
            key=lambda record: int(record["position"]),
            reverse=is_backwards,
        )
        return [
            {key: value for key, value in record.items() if key != "options" or "options" in includes}
            for record in records
            if models is None or record["model"] in models
        ]


def _numbered_links(page: int, last_page: int, url: Callable[[int], str]) -> list[Payload]:
    """Links to the first two pages, the last two and those near a page, with dots where some are left out."""
    near = {1, 2, last_page - 1, last_page, *range(page - 3, page + 4)}
    links: list[Payload] = []
    before = 0
    for number in sorted(number for number in near if 1 <= number <= last_page):
        if number > before + 1:
            links.append({"url": None, "label": "...", "active": False})
        links.append({"url": url(number), "label": str(number), "active": number == page})
        before = number
    return links


_JSON_HEADERS: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html; charset=UTF-8"}
_BUYER_INCLUDES: Final = ("manager", "shipping", "company", "loyalty", "custom_fields")
_COMPANY_INCLUDES: Final = ("manager", "buyer", "custom_fields")


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> SandboxResponse:
    return SandboxResponse(status, {**_JSON_HEADERS, **(headers or {})}, _JSON.encode(value))


def _not_found() -> NoReturn:
    raise _Refusal(404, "Not Found")


def _bearer(headers: Mapping[str, str]) -> str | None:
    """The key of an `Authorization: Bearer` header, or None if there is none."""
    for name, value in headers.items():
        if name.lower() == "authorization":
            scheme, _, key = value.partition(" ")
            return key.strip() or None if scheme.lower() == "bearer" else None
    return None


def _within_text(value: object, window: Window | None) -> bool:
    moment = read_moment(value)
    return window is None or (moment is not None and window[0] <= moment <= window[1])


def _order_view(record: Payload, includes: frozenset[str]) -> Payload:
    """An order with the requested keys: without `include` its parts are absent, not null."""
    shown = {key for name in includes for key in _ORDER_PARTS.get(name, ())}
    view = {key: value for key, value in record.items() if key not in _EVERY_PART or key in shown}
    lines = view.get("products")
    if lines and "products.offer" not in includes:
        view["products"] = [{key: line[key] for key in line if key != "offer"} for line in lines]
    shipping = view.get("shipping")
    if isinstance(shipping, Mapping):
        hidden = {key for name, key in _PARTS_OF_SHIPPING.items() if name not in includes}
        view["shipping"] = {key: value for key, value in shipping.items() if key not in hidden}
    for name in includes:
        relation = re.fullmatch(r"(\w+?)(Count|Exists)", name)
        if relation is not None:
            part = record.get(_ORDER_PARTS[relation[1]][0])
            count = len(part) if isinstance(part, list) else int(part is not None)
            suffix = relation[2].lower()
            view[f"{_ORDER_PARTS[relation[1]][0]}_{suffix}"] = count if suffix == "count" else count > 0
    return view


_PARTS_OF_SHIPPING: Final = {
    "shipping.deliveryService": "delivery_service",
    "shipping.lastHistory": "last_history",
}


def _company_view(company: Payload, includes: frozenset[str]) -> Payload:
    added: dict[str, Any] = {"manager": None, "buyer": [], "custom_fields": company["custom_fields"]}
    shown = {key: value for key, value in company.items() if key != "custom_fields"}
    return {**shown, **{key: value for key, value in added.items() if key in includes}}


def _product_view(product: Payload, includes: frozenset[str]) -> Payload:
    if "custom_fields" in includes:
        return product
    return {key: value for key, value in product.items() if key != "custom_fields"}


def _product_of_offer(product: Payload | None, offers: Sequence[Payload]) -> Payload | None:
    """A product as it appears in an offer: with the options of all its variants, grouped by name."""
    if product is None:
        return None
    gathered: dict[str, list[str]] = {}
    for offer in offers:
        for entry in offer["properties"]:
            values = gathered.setdefault(entry["name"], [])
            if entry["value"] not in values:
                values.append(entry["value"])
    return {**_product_view(product, frozenset()), "properties_agg": gathered or []}


def _stock_view(offer: Payload, *, has_details: bool) -> Payload:
    """The stock of an offer; with details, a quarter is in the shop and the rest in the main warehouse."""
    row: Payload = {
        **{key: offer[key] for key in ("id", "sku", "price", "purchased_price", "quantity")},
        "reserve": offer["in_reserve"],
    }
    if has_details:
        in_shop = offer["quantity"] // 4
        row["warehouse"] = [
            {
                "id": 1,
                "name": "Основний",
                "quantity": offer["quantity"] - in_shop,
                "reserve": offer["in_reserve"],
            },
            {"id": 2, "name": "Магазин", "quantity": in_shop, "reserve": 0},
        ]
    return row
