"""The buyers of the demo shop: fictional people with contact data as untidy as that of real ones.

A buyer id determines the name, the phone in one of many spellings, and the e-mail. Surnames are recognisably
invented; phones have valid Ukrainian operator codes, but their last seven digits begin with 000, 001 or 002, which
no operator assigns; e-mail addresses are at example.com.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from keycrm_pipeline.sandbox.payloads import BUYER, Payload, timestamp
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

REGULAR_BUYERS: Final = 600
"""Number of regular buyers, ids 1 to 600."""
TWIN_BUYERS: Final = 60
"""Number of duplicate records of regulars, ids 601 to 660: the same phone under another id, as after an import."""
FIRST_NEW_BUYER: Final = 1000
"""First id of the buyers who came later, a fixed number per day, in order of time."""

_FAMILY_EVERY: Final = 97
"""One in this many new buyers gives the phone of a regular: a family that shares a phone."""

_SECOND_PHONE_EVERY: Final = 25
"""One in this many buyers has a second phone, which only the card shows, not the orders."""

_OPERATORS: Final = (
    "50", "66", "95", "99", "67", "68", "96", "97", "98", "63", "73", "93", "91", "92", "94", "39",
)  # fmt: skip

_WOMEN: Final = (
    "Олена", "Ірина", "Наталія", "Оксана", "Марія", "Тетяна", "Юлія", "Світлана", "Катерина", "Соломія",
    "Дарина", "Зоряна", "Мар'яна", "Леся", "Ганна", "Вікторія", "Христина", "Софія", "Любов", "Ярина",
)  # fmt: skip
_MEN: Final = (
    "Андрій", "Сергій", "Тарас", "Богдан", "Олег", "Ігор", "Дмитро", "Юрій", "Назар", "Остап", "Максим",
    "Роман", "Василь", "Іван", "Павло", "Лук'ян", "Степан", "Микола", "Ярослав", "Артем",
)  # fmt: skip
_SURNAMES: Final = (
    "Вигаденко", "Прикладенко", "Зразченко", "Пробенко", "Небиленко", "Казченко", "Мріяченко", "Тестенко",
    "Уявленко", "Вимишленко", "Придуменко", "Жартівенко", "Байкенко", "Загадченко", "Чернеткенко",
    "Макетенко", "Шаблоненко", "Взірчук", "Вигадчук", "Прикладчук", "Зразчук", "Пробчук", "Небильчук",
    "Казкарчук", "Мрійчук", "Тестюк", "Уявчук", "Вимисляк", "Придумчак", "Жартівчак", "Байчак", "Загадчак",
    "Чернетчак", "Макетчак", "Шаблончук", "Лялькодім", "Паперомрія", "Картонопад", "Скринькодум", "В'юнопад",
)  # fmt: skip
_PATRONYMICS: Final = {
    True: ("Андріївна", "Іванівна", "Петрівна", "Олегівна", "Тарасівна"),
    False: ("Андрійович", "Іванович", "Петрович", "Олегович", "Тарасович"),
}

_LATIN: Final = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ie", "ж": "zh", "з": "z",
        "и": "y", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p",
        "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ":
        "shch", "ь": "", "ю": "iu", "я": "ia", "'": "",
    }
)  # fmt: skip

_PHONE_SPELLINGS: Final = WeightedChoice(
    [
        ("+380{0}{1}", 56),
        ("380{0}{1}", 14),
        ("0{0}{1}", 10),
        ("0{0} {2} {3} {4}", 4),
        ("(0{0}) {2}-{3}-{4}", 4),
        ("+38 (0{0}) {2}-{3}-{4}", 4),
        ("80{0}{1}", 2),
        ("+380{0}{1}, 0500019{4}0", 2),
        ("0{0}{1} Viber", 2),
        ("", 2),
        ("0000000000", 1),
        ("12345", 1),
    ]
)
"""Spellings of a phone with their weights out of 102; the empty one is a buyer without a phone."""


def _spelled(spelling: str, phone_number: int) -> str | None:
    """The phone with this sequence number in one spelling; None for the empty spelling."""
    operator = _OPERATORS[phone_number // 10_000 % len(_OPERATORS)]
    subscriber = f"{phone_number % 10_000:07d}"
    written = spelling.format(operator, subscriber, subscriber[:3], subscriber[3:5], subscriber[5:])
    return written or None


class People:
    """The buyers of one shop.

    Args:
        seed: The shop's seed.
        first_day: The day the shop opened; new buyers are counted from it.
        new_buyers_per_day: How many buyer ids each day adds.
    """

    def __init__(self, seed: int, first_day: date, new_buyers_per_day: int) -> None:
        self._seed = seed
        self._first_day = first_day
        self._new_buyers_per_day = new_buyers_per_day
        self.buyer = lru_cache(maxsize=4096)(self._make_buyer)

    def new_buyer_id(self, day_number: int, place: int) -> int:
        """The id of one of the buyers who came on a day; `place` may be any number."""
        return FIRST_NEW_BUYER + day_number * self._new_buyers_per_day + place % self._new_buyers_per_day

    def ids(self, day_number: int) -> list[range]:
        """The ids that exist once a day has begun, in ascending order."""
        newest = FIRST_NEW_BUYER + (day_number + 1) * self._new_buyers_per_day
        return [range(1, REGULAR_BUYERS + TWIN_BUYERS + 1), range(FIRST_NEW_BUYER, newest)]

    def other_phones(self, buyer_id: int) -> tuple[str, ...]:
        """The phones of a buyer's card that orders do not show."""
        if buyer_id % _SECOND_PHONE_EVERY:
            return ()
        operator = _OPERATORS[buyer_id // 10_000 % len(_OPERATORS)]
        return (f"+380{operator}002{buyer_id % 10_000:04d}",)

    def _make_buyer(self, buyer_id: int) -> Payload:
        """The buyer as it appears in an order; callers must not change it."""
        twin_of = buyer_id - REGULAR_BUYERS if REGULAR_BUYERS < buyer_id < FIRST_NEW_BUYER else None
        random = SeededRandom(self._seed, "buyer", twin_of or buyer_id)
        is_woman = random.happens(620)
        first_name = random.choice(_WOMEN if is_woman else _MEN)
        surname = random.choice(_SURNAMES)
        name: str | None = f"{first_name} {surname}"
        if random.happens(150):
            name = f"{surname} {first_name} {random.choice(_PATRONYMICS[is_woman])}"
        elif random.happens(40):
            name = f"  {first_name}   {surname} ".upper()
        elif random.happens(15):
            name = None
        spelling = _PHONE_SPELLINGS.draw(random)
        mail: str | None = f"{first_name}.{surname}{buyer_id}@example.com".lower().translate(_LATIN)
        if random.happens(380):
            mail = None
        elif random.happens(25):
            mail = "немає"
        elif random.happens(60):
            mail = f" {str(mail).capitalize()}"
        phone_number = twin_of or buyer_id
        if buyer_id >= FIRST_NEW_BUYER and buyer_id % _FAMILY_EVERY == 0:
            phone_number = 1 + buyer_id % REGULAR_BUYERS
        if twin_of is not None:
            spelling = SeededRandom(self._seed, "twin", buyer_id).choice(
                ("0{0}{1}", "380{0}{1}", "0{0} {2} {3} {4}")
            )
            mail = None
        if twin_of is not None and twin_of % 10 == 0:
            name = f"{random.choice(_MEN)} {random.choice(_SURNAMES)}"
        came_number = max(0, buyer_id - FIRST_NEW_BUYER) // self._new_buyers_per_day
        came = datetime.combine(self._first_day + timedelta(days=came_number), time(5), UTC)
        orders_count = random.between(2, 14) if buyer_id < FIRST_NEW_BUYER else 1
        return {
            **BUYER,
            "id": buyer_id,
            "full_name": name,
            "phone": _spelled(spelling, phone_number),
            "email": mail,
            "company_id": random.between(1, 3) if random.happens(20) else None,
            "note": "Телефонувати після 18:00" if random.happens(25) else None,
            "orders_sum": f"{orders_count * random.between(200, 1500)}.{random.between(0, 99):02d}",
            "orders_count": orders_count,
            "has_duplicates": int(twin_of is not None),
            "discount": random.choice((5, 10)) if buyer_id < FIRST_NEW_BUYER and random.happens(80) else 0,
            "created_at": timestamp(came),
            "updated_at": timestamp(came),
        }

    def recipient(self, random: SeededRandom) -> tuple[str, str]:
        """Name and phone of a recipient who is none of the buyers."""
        is_woman = random.happens(500)
        name = f"{random.choice(_WOMEN if is_woman else _MEN)} {random.choice(_SURNAMES)}"
        return name, f"+38050001{random.between(0, 999):04d}"
