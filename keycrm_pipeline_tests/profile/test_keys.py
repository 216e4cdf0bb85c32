"""Where the API key of a profile comes from, and what is said when there is none."""

from __future__ import annotations

import pytest

from keycrm_pipeline.profile import MissingKeyError, Settings, api_key
from keycrm_pipeline_tests.profile.files import START, read


def test_the_key_of_the_profile_takes_precedence(places: Settings) -> None:
    """With two accounts, the key of one is never used for the other."""
    profile = read(places, START)
    both = {"KEYCRM_API_KEY_SHOP": " own \n", "KEYCRM_API_KEY": "common"}
    assert api_key(profile, both) == "own"
    assert api_key(profile, {**both, "KEYCRM_API_KEY_SHOP": " "}) == "common"
    assert api_key(profile, {"KEYCRM_API_KEY": "common"}) == "common"


def test_a_missing_key_says_where_to_set_it(places: Settings) -> None:
    """The message names both variables and where the key is in KeyCRM."""
    with pytest.raises(MissingKeyError, match=r"KEYCRM_API_KEY_SHOP, or in KEYCRM_API_KEY for all"):
        api_key(read(places, START), {"KEYCRM_API_KEY": "  ", "KEYCRM_API_KEY_OTHER": "x"})


@pytest.mark.parametrize("value", ["abc def", "пароль", "abc\ndef", "abc\x00"])
def test_an_impossible_key_is_refused_and_not_repeated(places: Settings, value: str) -> None:
    """Text copied along with the key would otherwise appear in the HTTP client's own error."""
    with pytest.raises(MissingKeyError, match="KEYCRM_API_KEY_SHOP") as caught:
        api_key(read(places, START), {"KEYCRM_API_KEY_SHOP": value})
    assert value not in str(caught.value)


def test_the_demo_shop_needs_no_key_and_receives_none(places: Settings) -> None:
    """The key of a real account in the environment is not passed to the demo shop."""
    profile = read(places, f"{START}base_url: sandbox\n")
    assert api_key(profile, {}) == "sandbox"
    assert api_key(profile, {"KEYCRM_API_KEY": "real"}) == "sandbox"
