"""What the name of a payment method suggests about its kind: a proposal for the profile, in which a person decides.

What is not here: what a kind does to documents (`documents`). No document is derived from a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from keycrm_pipeline.kinds import PaymentKind

_SUGGESTIONS: Final[Mapping[PaymentKind, str]] = {
    "cash_on_delivery": r"накладен|післяплат|наложен|при отриманні|при получении|cash on delivery|\bcod\b",
    "marketplace": r"\bпром\b|\bprom\b|розетк|rozetka|kasta|\bolx\b|маркетплейс|marketplace",
    "transfer": r"iban|переказ|перевод|безготів|безналич|реквізит|рахун|\bр/р\b|transfer|invoice",
    "card": r"карт|еквайринг|эквайринг|liqpay|wayforpay|fondy|portmone|\bmono|visa|mastercard|\bcard|"
    r"apple pay|google pay|онлайн|online",
    "cash": r"готівк|наличн|каса|касса|\bcash\b",
}
"""Kind -> what stands in the names of such methods; of several kinds the first one is proposed."""


def proposed_kind(name: str) -> PaymentKind | None:
    """The kind that the name of a payment method suggests; None if it suggests none."""
    return next((kind for kind, words in _SUGGESTIONS.items() if re.search(words, name.lower())), None)
