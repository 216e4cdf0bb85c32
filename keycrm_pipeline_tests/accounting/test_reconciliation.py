"""R15: which money belongs to which payment; values by hand, and what always holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keycrm_pipeline.accounting.reconciliation import Line, Money, Payment, Rules, reconcile

NOVA = "Розрахунки з НоваПей"
BANK = "IBAN ФОП"
RULES = Rules(days=7, tolerance=0, accounts=frozenset({NOVA, BANK}), since=date(2026, 10, 1))
DAY = date(2026, 10, 5)


def paid(order_id: int, amount: int = 500_00, day: int = 0, **more: object) -> Payment:
    """A payment of 500 hryvnias on 5 October, or so many days later."""
    fields = {"account": NOVA, "currency": "UAH"} | more
    return Payment(order_id, order_id * 10, DAY + timedelta(days=day), amount, **fields)  # type: ignore[arg-type]


def came(key: str, amount: int = 500_00, day: int = 2, **more: object) -> Money:
    """500 hryvnias on 7 October, or so many days after the 5th."""
    fields = {"account": NOVA, "currency": "UAH"} | more
    return Money(key, DAY + timedelta(days=day), amount, **fields)  # type: ignore[arg-type]


def told(lines: list[Line]) -> list[tuple[object, ...]]:
    """Kind, order, money and what matched them."""
    return [
        (
            line.kind,
            line.payment and line.payment.order_id,
            line.money and line.money.key,
            line.matched_by,
        )
        for line in lines
    ]


def test_money_is_found_by_code_then_number_then_text_then_buyer() -> None:
    """Each step in turn: the code of the operation decides before the order, the order before the buyer."""
    payments = [
        paid(1, reference="u-1", account=BANK),
        paid(2),
        paid(3, 320_00),
        paid(4, 410_00, buyer="Олена Іваненко"),
    ]
    money = [
        came("a", 499_00, reference="u-1", account=BANK, order_ids=(2,)),
        came("b", order_ids=(2,)),
        came("c", 320_00, mentioned_ids=(3, 77)),
        came("d", 410_00, text="Оплата за товар, ІВАНЕНКО ОЛЕНА ПЕТРІВНА"),
    ]
    assert told(reconcile(payments, money, RULES)) == [
        ("sum_differs", 1, "a", "reference"),
        ("matched", 2, "b", "order"),
        ("matched", 3, "c", "text"),
        ("matched", 4, "d", "buyer"),
    ]


def test_a_fee_other_than_the_expected_one_is_told() -> None:
    """1.5 % of 333.33 is 5.00 (4.99995).

    A fee of 5.01 is within a kopiyka, one of 4.98 is not, and an unknown one may be any. A difference of the sums is
    told before one of the fees.
    """
    rules = replace(RULES, tolerance=1)
    payments = [paid(number, 333_33, fee_percent=Decimal("1.5")) for number in (1, 2, 3, 4)]
    payments.append(paid(5, 333_33))
    fees = {1: 5_01, 2: 4_98, 3: None, 4: 99_00, 5: 99_00}
    money = [
        came(f"of {number}", 333_33 if number != 4 else 300_00, order_ids=(number,), fee=fee)
        for number, fee in fees.items()
    ]
    lines = reconcile(payments, money, rules)
    assert [(line.payment and line.payment.order_id, line.kind, line.expected_fee) for line in lines] == [
        (1, "matched", 5_00),
        (2, "fee_differs", 5_00),
        (3, "matched", 5_00),
        (4, "sum_differs", 4_50),
        (5, "matched", None),
    ]


def test_what_has_no_counterpart_is_told() -> None:
    """Money is known until the 20th: the 13th is seven days before and late, the 14th may still bring some."""
    payments = [paid(1, day=8), paid(2, day=9), paid(3, account="Каса"), paid(4, day=-30)]
    money = [came("z", 15_00, day=15), came("a fee", -9_00, day=15), came("b prepaid parcel", 0, day=15)]
    assert told(reconcile(payments, money, RULES)) == [
        ("payment_without_money", 1, None, None),
        ("awaited", 2, None, None),
        ("outgoing", None, "a fee", None),
        ("outgoing", None, "b prepaid parcel", None),
        ("money_without_payment", None, "z", None),
    ]
    assert told(reconcile(payments, [], RULES)) == [
        ("awaited", 1, None, None),
        ("awaited", 2, None, None),
    ]


def test_payments_before_the_first_money_of_an_account_are_not_told() -> None:
    """Nothing is known of the time before the first register; afterwards days decide between late and awaited."""
    money = [came("first", 1_00, day=0), came("last", 2_00, day=20)]
    payments = [paid(1, day=-1), paid(2), paid(3, day=13), paid(4, day=14), paid(5, account="Каса магазину")]
    assert told(reconcile(payments, money, replace(RULES, since=None))) == [
        ("payment_without_money", 2, None, None),
        ("money_without_payment", None, "first", None),
        ("payment_without_money", 3, None, None),
        ("awaited", 4, None, None),
        ("money_without_payment", None, "last", None),
    ]


def test_of_several_candidates_the_same_sum_decides_or_nothing() -> None:
    """An order with a prepayment and cash on delivery; then two payments and one sum that may be of either."""
    payments = [paid(1, 150_00), replace(paid(1, 350_00), payment_id=11)]
    money = [came("a", 350_00, order_ids=(1,)), came("b", 149_00, order_ids=(1,))]
    assert told(reconcile(payments, money, RULES)) == [
        ("sum_differs", 1, "b", "order"),
        ("matched", 1, "a", "order"),
    ]
    twins = [paid(2), replace(paid(2), payment_id=21)]
    lines = reconcile(twins, [came("c", order_ids=(2,))], RULES)
    assert told(lines) == [
        ("several_candidates", 2, None, None),
        ("several_candidates", 2, None, None),
        ("several_candidates", None, "c", None),
    ]
    assert [piece.key for piece in lines[0].candidate_money] == ["c"]
    assert [payment.payment_id for payment in lines[2].candidate_payments] == [20, 21]


def test_instalments_of_an_order_go_by_day() -> None:
    """Three times 500 for one order, paid and received: nobody has to tell them apart, so each day has its own.

    Two orders with one sum in a transfer that names both stay open: there it matters whose the money is.
    """
    instalments = [replace(paid(2, day=number), payment_id=20 + number) for number in (0, 1, 2)]
    money = [came(key, day=day, order_ids=(2,)) for key, day in (("c", 3), ("a", 4), ("b", 5))]
    lines = reconcile(instalments, money, RULES)
    assert [
        (line.kind, line.payment and line.payment.payment_id, line.money and line.money.key) for line in lines
    ] == [("matched", 20, "c"), ("matched", 21, "a"), ("matched", 22, "b")]
    of_two = [came("d", order_ids=(3, 4)), came("e", order_ids=(3, 4))]
    assert {kind for kind, *_ in told(reconcile([paid(3), paid(4)], of_two, RULES))} == {"several_candidates"}


def test_a_shop_of_one_price_is_compared_in_time() -> None:
    """20,000 payments of one sum, half of them with money that names the buyer: each of those finds its own.

    Comparing each with each of its fortnight would be 150 million pairs.
    """
    payments, money = [], []
    for number in range(20_000):
        buyer = f"Олена {''.join(chr(ord('а') + int(digit)) for digit in str(number))}ко"
        payments.append(paid(number, day=number // 1000, buyer=buyer))
        money.append(
            came(f"{number:05}", day=number // 1000, text=buyer if number % 2 else "Оплата за товар")
        )
    lines = reconcile(payments, money, RULES)
    assert [
        line.money is not None and int(line.money.key) == line.payment.order_id
        for line in lines
        if line.payment is not None and line.payment.order_id % 2
    ] == [True] * 10_000
    assert {len(line.candidate_money) for line in lines if line.kind == "payment_without_money"} == {5}


def test_the_same_sum_alone_is_a_candidate_and_no_match() -> None:
    """Nobody named: money of the same sum within the days is told beside the payment, and is not taken for its own."""
    lines = reconcile([paid(1, buyer="Олена Тестова")], [came("a", day=7), came("late", day=12)], RULES)
    assert told(lines) == [
        ("payment_without_money", 1, None, None),
        ("money_without_payment", None, "a", None),
        ("money_without_payment", None, "late", None),
    ]
    assert [piece.key for piece in lines[0].candidate_money] == ["a"]
    assert [payment.order_id for payment in lines[1].candidate_payments] == [1]
    assert lines[2].candidate_payments == ()


def test_tolerance_currency_and_account() -> None:
    """50 kopiykas may be allowed; hryvnias are no euros; money of the bank is none of the carrier's."""
    tolerant = replace(RULES, tolerance=50)
    payments = [paid(1, 100_00), paid(2, 200_00), paid(3, 300_00, currency="EUR"), paid(4, 400_00)]
    money = [
        came("a", 99_50, order_ids=(1,)),
        came("b", 199_49, order_ids=(2,)),
        came("c", 300_00, order_ids=(3,)),
        came("d", 400_00, order_ids=(4,), account=BANK),
        came("end", 1, day=30),
    ]
    assert told(reconcile(payments, money, tolerant)) == [
        ("matched", 1, "a", "order"),
        ("sum_differs", 2, "b", "order"),
        ("payment_without_money", 3, None, None),
        ("payment_without_money", 4, None, None),
        ("money_without_payment", None, "c", None),
        ("money_without_payment", None, "d", None),
        ("money_without_payment", None, "end", None),
    ]


def test_one_transfer_for_two_orders_is_told_and_not_shared() -> None:
    """900 for orders of 500 and 400 under one code: nobody divides them."""
    payments = [paid(1, reference="u"), paid(2, 400_00, reference="u")]
    assert told(reconcile(payments, [came("a", 900_00, reference="u")], RULES)) == [
        ("several_candidates", 1, None, None),
        ("several_candidates", 2, None, None),
        ("several_candidates", None, "a", None),
    ]


@pytest.mark.parametrize(
    ("text", "buyer", "named"),
    [
        ("Оплата, ІВАНЕНКО ОЛЕНА ПЕТРІВНА", "Олена Іваненко", True),
        ("Іваненко О.П. за товар", "Олена Іваненко", True),
        ("Іваненко Т.П. за товар", "Олена Іваненко", False),
        ("Олена", "Олена", False),
        ("Олена", "Олена Іваненко", False),
        ("переказ від Соловйова Дар’я", "Дар'я Соловйова", True),
        ("Оплата замовлення", "Олена Іваненко", False),
        (None, "Олена Іваненко", False),
        ("Іваненко Олена", None, False),
    ],
)
def test_a_buyer_is_named_by_two_words_or_one_and_an_initial(
    text: str | None, buyer: str | None, named: bool
) -> None:
    (line, *_) = reconcile([paid(1, buyer=buyer)], [came("a", text=text)], RULES)
    assert (line.matched_by == "buyer") is named


NAMES = (None, "Олена Іваненко", "Петро Зразок")
DAYS = st.integers(0, 12).map(lambda days: DAY + timedelta(days=days))
AMOUNTS = st.sampled_from([100_00, 100_01, 250_00])
PAYMENTS = st.lists(
    st.builds(
        Payment,
        order_id=st.integers(1, 5),
        payment_id=st.integers(1, 9),
        paid_day=st.one_of(st.none(), DAYS),
        amount=AMOUNTS,
        currency=st.sampled_from(["UAH", "EUR"]),
        account=st.sampled_from([NOVA, BANK, "Каса", None]),
        reference=st.sampled_from([None, "u-1", "u-2"]),
        buyer=st.sampled_from(NAMES),
    ),
    max_size=8,
    unique_by=lambda payment: (payment.order_id, payment.payment_id),
)
MONEY = st.lists(
    st.builds(
        Money,
        key=st.integers(1, 30).map(str),
        received_day=DAYS,
        amount=st.one_of(AMOUNTS, st.sampled_from([-50_00, 0])),
        currency=st.sampled_from(["UAH", "EUR"]),
        account=st.sampled_from([NOVA, BANK, None]),
        reference=st.sampled_from([None, "u-1", "u-2"]),
        order_ids=st.lists(st.integers(1, 5), max_size=2, unique=True).map(tuple),
        mentioned_ids=st.lists(st.integers(1, 5), max_size=2, unique=True).map(tuple),
        text=st.sampled_from(NAMES),
        is_of_other_order=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda piece: piece.key,
)


@given(PAYMENTS, MONEY, st.integers(0, 10), st.integers(0, 2), st.randoms())
def test_each_is_in_one_line_whatever_the_order(
    payments: list[Payment], money: list[Money], days: int, tolerance: int, random: object
) -> None:
    """No money is left out or used twice, no payment is used twice, and shuffling changes nothing."""
    rules = replace(RULES, days=days, tolerance=tolerance)
    lines = reconcile(payments, money, rules)
    assert sorted(line.money.key for line in lines if line.money) == sorted(piece.key for piece in money)
    found = [(line.payment.order_id, line.payment.payment_id) for line in lines if line.payment]
    assert len(found) == len(set(found))
    for line in lines:
        pair = line.payment, line.money
        assert (line.matched_by is None) == (None in pair)
        if line.kind == "matched" and line.payment and line.money:
            assert abs(line.payment.amount - line.money.amount) <= tolerance
            assert line.payment.currency == line.money.currency
        if line.kind == "outgoing":
            assert line.money is not None
            assert line.money.amount <= 0
        if line.payment and line.money:
            assert line.money.amount > 0
            assert not line.money.is_of_other_order
        candidates = line.candidate_payments if line.payment is None else line.candidate_money
        assert line.kind != "several_candidates" or candidates
    shuffled_payments, shuffled_money = list(payments), list(money)
    random.shuffle(shuffled_payments)  # type: ignore[attr-defined]
    random.shuffle(shuffled_money)  # type: ignore[attr-defined]
    assert reconcile(shuffled_payments, shuffled_money, rules) == lines
