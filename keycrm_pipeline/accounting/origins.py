"""Where a card comes from (R12), the same for partners and products.

What follows from it stands in the modules of the cards.
"""

KEYCRM = "keycrm"
"""A card that the exchange made."""

CATALOGUE = "catalogue"
"""A card that the books had already; the exchange only fills what is empty on it."""
