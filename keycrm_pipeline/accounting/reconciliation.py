"""The reconciliation (R15): which money belongs to which payment, and what has no counterpart.

Pure functions over plain values: amounts are whole kopiykas, days are local. The result does not depend on the order of
what is given, and each payment and each piece of money is in one line at most. What is not here: reading registers
(`registers`), and where payments and money are stored (`warehouse.reconciliation`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from heapq import nsmallest

from keycrm_pipeline.accounting.names import name_key
from keycrm_pipeline.kinds import MatchedBy, ReconciliationKind

MOST_CANDIDATES = 5
"""Candidates that a line tells; nobody compares hundreds."""

_WORDS = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")

Edge = tuple[int, int]
"""Position of a payment, and of the money that may belong to it."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of KeyCRM that is paid.

    Attributes:
        order_id: Its order.
        payment_id: Its number; with the order it is unique.
        paid_day: Its local day; None if KeyCRM gives none.
        amount: In kopiykas.
        currency: Currency of the amount.
        account: Bank account or cash desk.
        reference: Code of the bank transaction that KeyCRM attached to it.
        buyer: Name of the buyer.
        fee_percent: Fee that is expected of its money, in percent; None if none is expected.
    """

    order_id: int
    payment_id: int
    paid_day: date | None
    amount: int
    currency: str
    account: str | None
    reference: str | None = None
    buyer: str | None = None
    fee_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """Money that moved at a bank, an acquirer or a carrier.

    Attributes:
        key: What it is told by; unique.
        received_day: Its local day.
        amount: Before the fee, in kopiykas; below zero if it went out.
        currency: Currency of the amount.
        account: Bank account or cash desk; None if it is not known, and then it may belong to any.
        reference: Code of the operation.
        order_ids: The orders that its number or waybill names.
        mentioned_ids: The orders whose numbers occur in its text.
        text: What it was paid for, or who paid.
        is_of_other_order: Whether KeyCRM has attached it to a payment of an order that is not in the books.
        fee: What was kept of it, in kopiykas; None if nobody says.
    """

    key: str
    received_day: date
    amount: int
    currency: str
    account: str | None = None
    reference: str | None = None
    order_ids: tuple[int, ...] = ()
    mentioned_ids: tuple[int, ...] = ()
    text: str | None = None
    is_of_other_order: bool = False
    fee: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How payments and money are compared.

    Attributes:
        days: Most days between a payment and its money.
        tolerance: Up to which difference two sums are the same, in kopiykas.
        accounts: Accounts whose money is known: a payment on one of them needs money.
        since: First day whose payments need money; None for the first day of the money of their account.
    """

    days: int
    tolerance: int
    accounts: frozenset[str]
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the reconciliation.

    Attributes:
        kind: What it says.
        payment: The payment; None for money without one.
        money: The money; None for a payment without any.
        matched_by: By what they were found to belong together; None if one of them is missing.
        candidate_payments: Payments that the money may belong to; none was chosen.
        candidate_money: Money that the payment may have brought; none was chosen.
        expected_fee: Fee that the profile expects of the money, in kopiykas; None if it expects none.
    """

    kind: ReconciliationKind
    payment: Payment | None = None
    money: Money | None = None
    matched_by: MatchedBy | None = None
    candidate_payments: tuple[Payment, ...] = ()
    candidate_money: tuple[Money, ...] = ()
    expected_fee: int | None = None


def reconcile(payments: Sequence[Payment], money: Sequence[Money], rules: Rules) -> list[Line]:
    """Finds the money of each payment (R15), and tells what has no counterpart.

    Looked for by the code of the operation, then by order number or waybill, then by an order's number in the text
    together with the sum, then by sum and buyer within the days of the rules. Of several candidates the one with the
    same sum is taken; if that does not decide, none is. Without a payment, money is told whatever its account; without
    money, a payment is told if the money of its account is known from its day on. While the money of the account is not
    known for so many days after the payment, its money is awaited.

    Args:
        payments: Payments that are paid, each once.
        money: Money, each once.
        rules: How they are compared.

    Returns:
        The lines, by day, order and payment, then by money.
    """
    payments = sorted(payments, key=_payment_order)
    money = sorted(money, key=_money_order)
    search = _Search(payments, money, rules)
    search.match("reference", search.edges_by_reference())
    search.match("order", search.edges_by_order())
    search.match("text", search.edges_by_text())
    search.match("buyer", search.edges_by_buyer())
    return sorted(search.lines(), key=_line_order)


class _Search:
    """The payments and the money, and which of them were found to belong together."""

    def __init__(self, payments: Sequence[Payment], money: Sequence[Money], rules: Rules) -> None:
        self._payments, self._money, self._rules = payments, money, rules
        self._money_of: dict[int, tuple[int, MatchedBy]] = {}
        self._payment_of: dict[int, int] = {}
        # Undecided edges of all steps: those are candidates.
        self._undecided: set[Edge] = set()
        # Money that went out belongs to no payment that came in, and what is somebody else's to none of the books.
        self._incoming = [
            place for place, piece in enumerate(money) if piece.amount > 0 and not piece.is_of_other_order
        ]

    def edges_by_reference(self) -> set[Edge]:
        """Payments and money with the same code."""
        by_reference = _places(
            (place, piece.reference)
            for place, piece in self._at(self._incoming)
            if piece.reference is not None
        )
        return {
            (place, other)
            for place, payment in enumerate(self._payments)
            if payment.reference is not None
            for other in by_reference.get(payment.reference, ())
        }

    def edges_by_order(self) -> set[Edge]:
        """Payments of the orders that money names, on the same account."""
        return self._edges_to_orders(lambda piece: piece.order_ids, lambda _payment, _piece: True)

    def edges_by_text(self) -> set[Edge]:
        """Payments with the same sum of the orders whose numbers occur in the text of money."""
        return self._edges_to_orders(lambda piece: piece.mentioned_ids, self._has_same_sum)

    def edges_by_buyer(self) -> set[Edge]:
        """Payments and money that are left, with the same sum, within the days, whose money names the buyer."""
        free = [place for place in range(len(self._payments)) if place not in self._money_of]
        words_of = {place: _words(self._payments[place].buyer) for place in free}
        # Of a text only what can be part of a name is kept: a name, or the initial of one.
        known = {part for words in words_of.values() for word in words for part in (word, word[0])}
        saying: dict[tuple[date, str], set[int]] = defaultdict(set)
        for other, piece in self._at(self._incoming):
            if other not in self._payment_of:
                for word in _words(piece.text) & known:
                    saying[piece.received_day, word].add(other)
        return {
            (place, other)
            for place in free
            if self._payments[place].amount > 0
            for day in self._days_around(self._payments[place].paid_day)
            for other in _naming(words_of[place], day, saying)
            if self._has_same_sum(self._payments[place], self._money[other])
            and _may_share_account(self._payments[place], self._money[other])
        }

    def match(self, matched_by: MatchedBy, edges: set[Edge]) -> None:
        """Takes what the edges decide; round by round, each as a whole, so that no order of them matters.

        In a round, payment and money belong together if neither has another edge with the same sum; only if there is no
        such pair, if nobody has to tell them apart; and then, if neither has another edge at all.
        """
        edges = {edge for edge in edges if self._is_free(edge)}
        while edges:
            fitting = {
                (place, other)
                for place, other in edges
                if self._has_same_sum(self._payments[place], self._money[other])
            }
            chosen = _alone(fitting) or self._alike(fitting) or _alone(edges)
            if not chosen:
                break
            for place, other in chosen:
                self._money_of[place] = (other, matched_by)
                self._payment_of[other] = place
            edges = {edge for edge in edges if self._is_free(edge)}
        self._undecided |= edges

    def _alike(self, edges: set[Edge]) -> list[Edge]:
        """Instalments of one order with as many equal pieces of money and no other: by day, since all sums agree."""
        money_of, payments_of = _neighbours(edges)
        groups: dict[tuple[int, int, str | None, frozenset[int]], list[int]] = defaultdict(list)
        for place, others in money_of.items():
            payment = self._payments[place]
            groups[payment.order_id, payment.amount, payment.account, frozenset(others)].append(place)
        return [
            edge
            for (*_, others), places in groups.items()
            if len(places) == len(others)
            and len({self._money[other].amount for other in others}) == 1
            and all(payments_of[other] == set(places) for other in others)
            # Places are in order of days.
            for edge in zip(sorted(places), sorted(others), strict=True)
        ]

    def lines(self) -> Iterator[Line]:
        """All lines; what is left with the same sum within the days is told as candidates."""
        # What a later step has decided is no candidate any more.
        undecided = {edge for edge in self._undecided if self._is_free(edge)}
        money_near, payments_near = _neighbours(undecided)
        free_money, free_payments = self._free_by_sum()
        coverage = _coverage(self._money)
        for place, payment in enumerate(self._payments):
            found = self._money_of.get(place)
            if found is not None:
                other, matched_by = found
                piece = self._money[other]
                expected = expected_fee(piece.amount, payment.fee_percent)
                yield Line(
                    self._kind_of_pair(payment, piece, expected),
                    payment,
                    piece,
                    matched_by,
                    expected_fee=expected,
                )
                continue
            kind = self._kind_without_money(payment, coverage, has_candidates=place in money_near)
            if kind is not None:
                near = self._nearest(
                    money_near.get(place, set()),
                    free_money,
                    payment.paid_day,
                    payment,
                    {payment.account, None},
                )
                yield Line(kind, payment, candidate_money=tuple(self._money[other] for other in near))
        for other, piece in enumerate(self._money):
            if other in self._payment_of:
                continue
            near = self._nearest(
                payments_near.get(other, set()), free_payments, piece.received_day, piece, {piece.account}
            )
            without_payment: ReconciliationKind = (
                "outgoing"
                # Nothing that came, such as the row of a parcel that was paid for already, waits for no payment.
                if piece.amount <= 0
                else "order_not_loaded"
                if piece.is_of_other_order
                else "several_candidates"
                if other in payments_near
                else "money_without_payment"
            )
            yield Line(
                without_payment,
                money=piece,
                candidate_payments=tuple(self._payments[place] for place in near),
            )

    def _free_by_sum(self) -> tuple[_BySum, _BySum]:
        """Money and payments that are left; a payment is also found by money whose account nobody knows."""
        money = _BySum(
            (place, piece.currency, piece.account, piece.received_day, piece.amount)
            for place, piece in self._at(self._incoming)
            if place not in self._payment_of
        )
        payments = _BySum(
            (place, payment.currency, account, payment.paid_day, payment.amount)
            for place, payment in enumerate(self._payments)
            if place not in self._money_of and payment.paid_day is not None and payment.amount > 0
            for account in {payment.account, None}
        )
        return money, payments

    def _nearest(
        self,
        undecided: set[int],
        free: _BySum,
        day: date | None,
        one: Payment | Money,
        accounts: set[str | None],
    ) -> list[int]:
        """The first candidates: those of undecided edges, and those with the same sum within the days."""
        found = set(undecided)
        if one.amount > 0 and not (isinstance(one, Money) and one.is_of_other_order):
            tolerance = self._rules.tolerance
            for near in self._days_around(day):
                for account in accounts:
                    found.update(
                        free.first(
                            one.currency, account, near, one.amount - tolerance, one.amount + tolerance
                        )
                    )
                # Places are in order of days.
                if len(found) >= MOST_CANDIDATES + len(undecided):
                    break
        return sorted(found)[:MOST_CANDIDATES]

    def _days_around(self, day: date | None) -> Iterator[date]:
        """The days on which money of a day may come, or of which money of it may be, in order."""
        if day is not None:
            for distance in range(-self._rules.days, self._rules.days + 1):
                with suppress(OverflowError):
                    yield day + timedelta(days=distance)

    def _kind_of_pair(self, payment: Payment, piece: Money, expected: int | None) -> ReconciliationKind:
        if not self._has_same_sum(payment, piece):
            return "sum_differs"
        if expected is None or piece.fee is None or abs(piece.fee - expected) <= self._rules.tolerance:
            return "matched"
        return "fee_differs"

    def _kind_without_money(
        self,
        payment: Payment,
        coverage: Mapping[str | None, tuple[date, date]],
        *,
        has_candidates: bool,
    ) -> ReconciliationKind | None:
        """What a payment without money is; None if nothing is known about the money of its account at its time."""
        if payment.paid_day is None:
            # It is of no period. The money that may be its own is told, with its order as a candidate.
            return None
        if has_candidates:
            return "several_candidates"
        if payment.amount <= 0:
            return None
        # Money of an unknown account may belong to any payment that KeyCRM attached a transaction to.
        is_on_account = payment.account in self._rules.accounts
        known = coverage.get(payment.account if is_on_account else None)
        if not is_on_account and (payment.reference is None or known is None):
            return None
        since = self._rules.since or (known and known[0])
        if since is None or payment.paid_day < since:
            return None
        is_late = (
            known is not None and payment.paid_day.toordinal() + self._rules.days <= known[1].toordinal()
        )
        return "payment_without_money" if is_late else "awaited"

    def _edges_to_orders(
        self, orders_of: Callable[[Money], tuple[int, ...]], fits: Callable[[Payment, Money], bool]
    ) -> set[Edge]:
        by_order = _places((place, payment.order_id) for place, payment in enumerate(self._payments))
        return {
            (place, other)
            for other, piece in self._at(self._incoming)
            for order_id in orders_of(piece)
            for place in by_order.get(order_id, ())
            if self._payments[place].currency == piece.currency
            and _may_share_account(self._payments[place], piece)
            and fits(self._payments[place], piece)
        }

    def _has_same_sum(self, payment: Payment, piece: Money) -> bool:
        return (
            payment.currency == piece.currency and abs(payment.amount - piece.amount) <= self._rules.tolerance
        )

    def _is_free(self, edge: Edge) -> bool:
        return edge[0] not in self._money_of and edge[1] not in self._payment_of

    def _at(self, places: Iterable[int]) -> Iterator[tuple[int, Money]]:
        return ((place, self._money[place]) for place in places)


class _BySum:
    """Payments or money by currency, account, day and sum."""

    def __init__(self, entries: Iterable[tuple[int, str, str | None, date, int]]) -> None:
        self._found: dict[tuple[str, str | None, date], list[tuple[int, int]]] = defaultdict(list)
        for place, currency, account, day, amount in entries:
            self._found[currency, account, day].append((amount, place))
        for found in self._found.values():
            found.sort()

    def first(self, currency: str, account: str | None, day: date, least: int, most: int) -> list[int]:
        """The first places of those with a sum between two."""
        found = self._found.get((currency, account, day), [])
        start, end = bisect_left(found, (least, -1)), bisect_left(found, (most + 1, -1))
        if start < end and found[start][0] == found[end - 1][0]:
            # One price for everything: thousands with the same sum, in order already.
            end = min(end, start + MOST_CANDIDATES)
        return nsmallest(MOST_CANDIDATES, (place for _amount, place in found[start:end]))


def _words(text: str | None) -> set[str]:
    return set(_WORDS.findall(name_key(text) or ""))


def _naming(words: set[str], day: date, saying: Mapping[tuple[date, str], set[int]]) -> set[int]:
    """Money of a day that names a buyer: two of the name's words, or one and the initial of another."""
    nobody: set[int] = set()
    found: set[int] = set()
    for word in words:
        whole = saying.get((day, word), nobody) if len(word) > 1 else nobody
        for other in words - {word} if whole else ():
            found |= whole & (saying.get((day, other), nobody) | saying.get((day, other[0]), nobody))
    return found


def expected_fee(amount: int, percent: Decimal | None) -> int | None:
    """The fee that a percentage of an amount in kopiykas makes, rounded half up; None if there is no percentage."""
    if percent is None:
        return None
    return int((amount * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def names_buyer(text: str | None, buyer: str | None) -> bool:
    """Whether a text names a buyer: two of the name's words, or one and the initial of another."""
    words = set(_WORDS.findall(name_key(buyer) or ""))
    said = set(_WORDS.findall(name_key(text) or ""))
    whole = {word for word in words if len(word) > 1} & said
    others = words - whole
    return len(whole) > 1 or (bool(whole) and any(word[0] in said for word in others))


def _may_share_account(payment: Payment, piece: Money) -> bool:
    return piece.account is None or piece.account == payment.account


def _places(keyed: Iterable[tuple[int, str | int]]) -> Mapping[str | int, list[int]]:
    found: dict[str | int, list[int]] = defaultdict(list)
    for place, key in keyed:
        found[key].append(place)
    return found


def _alone(edges: Collection[Edge]) -> list[Edge]:
    """The edges whose payment and whose money have no other edge."""
    of_payments, of_money = (Counter(edge[side] for edge in edges) for side in (0, 1))
    return [edge for edge in edges if of_payments[edge[0]] == 1 and of_money[edge[1]] == 1]


def _neighbours(edges: Iterable[Edge]) -> tuple[Mapping[int, set[int]], Mapping[int, set[int]]]:
    """Money by payment, and payments by money."""
    of_payments: dict[int, set[int]] = defaultdict(set)
    of_money: dict[int, set[int]] = defaultdict(set)
    for place, other in edges:
        of_payments[place].add(other)
        of_money[other].add(place)
    return of_payments, of_money


def _coverage(money: Iterable[Money]) -> Mapping[str | None, tuple[date, date]]:
    """Account -> the first and the last day of its money."""
    found: dict[str | None, tuple[date, date]] = {}
    for piece in money:
        first, last = found.get(piece.account, (piece.received_day, piece.received_day))
        found[piece.account] = min(first, piece.received_day), max(last, piece.received_day)
    return found


def _payment_order(payment: Payment) -> tuple[date, int, int]:
    return payment.paid_day or date.min, payment.order_id, payment.payment_id


def _money_order(piece: Money) -> tuple[date, str]:
    return piece.received_day, piece.key


def _line_order(line: Line) -> tuple[date, int, tuple[date, int, int], tuple[date, str]]:
    payment, piece = line.payment, line.money
    day = (payment.paid_day if payment else None) or (piece.received_day if piece else date.min)
    return (
        day,
        int(payment is None),
        _payment_order(payment) if payment else (date.min, 0, 0),
        _money_order(piece) if piece else (date.min, ""),
    )
