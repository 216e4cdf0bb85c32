"""Foreign text in messages: enough to tell what happened, nothing of a person and no key."""

from __future__ import annotations

import pickle

import pytest

from keycrm_pipeline.crm import AuthenticationError, KeyCrmError, TransportFailure, UnexpectedAnswer
from keycrm_pipeline.crm.errors import EXCERPT_LENGTH, RequestRefused, body_excerpt, clean_text
from keycrm_pipeline_tests.crm.loopback import KEY


@pytest.mark.parametrize(
    "phone",
    [
        "+380501234567",
        "380501234567",
        "0501234567",
        "050 123 45 67",
        "(050) 123-45-67",
        "+38 (050) 123.45.67",
        "050-123-4567",
        "1234567",
    ],
)
def test_phones_in_any_grouping_are_taken_out(phone: str) -> None:
    text = clean_text(f"Buyer {phone} not found")
    assert text == "Buyer [number] not found" or text == "Buyer ([number] not found"
    assert "123" not in text


def test_mail_addresses_markup_and_the_key_are_taken_out() -> None:
    text = clean_text(f"<h1>Error</h1> for olena@example.com with Bearer {KEY}\x00\r\n  done", KEY)
    assert text == "Error for [e-mail] with Bearer [key] done"


def test_what_follows_a_brace_is_left_out() -> None:
    """A PHP warning before the data: the warning is shown, the order after it is not."""
    body = b'<b>Warning</b>: slow query {"full_name": "Marker Person", "phone": "+380501234567"}'
    assert body_excerpt(body, KEY) == "Warning : slow query"


@pytest.mark.parametrize(
    "body", [b'{"full_name": "Mar', b'  [{"full_name": "Mar', b'\xef\xbb\xbf{"a": 1', b'"Mar']
)
def test_cut_off_json_is_never_shown(body: bytes) -> None:
    assert body_excerpt(body, KEY) == ""


def test_an_error_page_is_shown_up_to_500_characters() -> None:
    page = f"<html><style>p {{ color: red }}</style><title>502 Bad Gateway</title>{'x ' * 900}</html>"
    excerpt = body_excerpt(page.encode(), KEY)
    assert excerpt.startswith("502 Bad Gateway x")
    assert len(excerpt) <= EXCERPT_LENGTH


def test_a_phone_at_the_edge_of_the_excerpt_is_not_cut_into_a_shown_half() -> None:
    for shift in range(20):
        text = clean_text("x" * (EXCERPT_LENGTH - shift) + " 380501234567")
        assert "380" not in text


def test_a_huge_answer_without_a_blank_is_cleaned_in_no_time() -> None:
    """Half a megabyte of one word (a picture, say) must not hold a load up."""
    assert clean_text("x" * 500_000) == "x" * EXCERPT_LENGTH
    assert clean_text("olena@example.com " * 30_000).startswith("[e-mail] [e-mail]")


def test_errors_survive_the_way_between_processes() -> None:
    """A run's error crosses process borders; it must arrive as what it was."""
    failure = TransportFailure("words", route="/order", status=502, attempts=6, excerpt="Bad Gateway")
    copy = pickle.loads(pickle.dumps(failure))  # noqa: S301 - our own bytes
    assert (str(copy), copy.route, copy.status, copy.attempts) == ("words", "/order", 502, 6)


def test_it_is_known_whether_trying_again_helps() -> None:
    assert TransportFailure.retry_helps
    assert not AuthenticationError.retry_helps
    assert not RequestRefused.retry_helps
    assert not UnexpectedAnswer.retry_helps
    assert issubclass(TransportFailure, KeyCrmError)
