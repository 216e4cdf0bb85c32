"""Text from the network in messages: enough to see what happened, no personal data and no key; also in Ukrainian."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable

import pytest

from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import (
    EXCERPT_LENGTH,
    KeyCrmError,
    RequestRefused,
    body_excerpt,
    clean_text,
)
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.sentences.client import Client
from keycrm_pipeline_tests.crm.loopback import KEY, LoopbackCrm, Reply


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
def test_phones_in_any_grouping_are_removed(phone: str) -> None:
    text = clean_text(f"Buyer {phone} not found")
    assert text == "Buyer [number] not found" or text == "Buyer ([number] not found"
    assert "123" not in text


def test_mail_addresses_markup_and_the_key_are_removed() -> None:
    text = clean_text(f"<h1>Error</h1> for olena@example.com with Bearer {KEY}\x00\r\n  done", KEY)
    assert text == "Error for [e-mail] with Bearer [key] done"


def test_what_follows_a_brace_is_left_out() -> None:
    """A PHP warning before the data: the warning is shown, the order after it is not."""
    body = b'<b>Warning</b>: slow query {"full_name": "Marker Person", "phone": "+380501234567"}'
    assert body_excerpt(body, KEY) == "Warning : slow query"


@pytest.mark.parametrize(
    "body", [b'{"full_name": "Mar', b'  [{"full_name": "Mar', b'\xef\xbb\xbf{"a": 1', b'"Mar']
)
def test_truncated_json_is_never_shown(body: bytes) -> None:
    assert body_excerpt(body, KEY) == ""


def test_an_error_page_is_shown_up_to_500_characters() -> None:
    page = f"<html><style>p {{ color: red }}</style><title>502 Bad Gateway</title>{'try again ' * 900}</html>"
    excerpt = body_excerpt(page.encode(), KEY)
    assert excerpt.startswith("502 Bad Gateway try again")
    assert len(excerpt) <= EXCERPT_LENGTH


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            "<html><body>maintenance Плантований Ім'янко planted@shop.example 0501234567 please wait</body></html>",
            "maintenance …'… [e-mail] [number] please wait",
        ),
        ("<title>Замовлення 4821 Olena Testova</title>", ""),
        ("<h1>Технічні роботи</h1><p>Спробуйте пізніше</p>", "Технічні роботи Спробуйте пізніше"),
        (
            "upstream connect error or disconnect, reset reason: timeout",
            "upstream connect error …, reset …: timeout",
        ),
    ],
)
def test_names_on_a_page_in_place_of_an_answer_are_never_shown(page: str, shown: str) -> None:
    """A name has no pattern: a name on such a page got into the error of a load, and so into Dagster's events."""
    assert body_excerpt(page.encode(), KEY) == shown


def test_half_of_a_phone_at_the_edge_of_the_excerpt_is_not_shown() -> None:
    for shift in range(20):
        text = clean_text("x" * (EXCERPT_LENGTH - shift) + " 380501234567")
        assert "380" not in text


def test_a_huge_answer_without_spaces_is_cleaned_quickly() -> None:
    """Half a megabyte without a space (an image, say) must not delay a load."""
    assert clean_text("x" * 500_000) == "x" * EXCERPT_LENGTH
    assert clean_text("olena@example.com " * 30_000).startswith("[e-mail] [e-mail]")


def test_errors_survive_the_way_between_processes() -> None:
    """A run's error crosses process borders; it must arrive unchanged."""
    refusal = RequestRefused(Client.READING_STOPPED.message(), status=422, is_without_route=True)
    copy = pickle.loads(pickle.dumps(refusal))  # noqa: S301 - our own bytes
    assert (str(copy), copy.status, copy.is_without_route) == (
        "Reading was stopped before it was complete.",
        422,
        True,
    )


_SAME_IN_ALL_LANGUAGES = re.compile(
    r"KEYCRM_API_KEY\S*|`keycrm-pipeline key`|KeyCRM|GET /\S+|JSON|API|base_url|Error of a page"
)


@pytest.mark.parametrize(
    ("reply", "translation"),
    [
        (Reply(401), "KeyCRM не приймає ключ API (GET /order/1, статус 401)."),
        (Reply(401, b'{"message": "Error of a page"}'), "статус 401): Error of a page. Збережіть ключ"),
        (Reply(403), "KeyCRM не дає доступу (GET /order/1, статус 403). Ключ може бути правильним: тариф"),
        (Reply(403, b'{"message": "Error of a page"}'), "статус 403): Error of a page. Ключ може"),
        (
            Reply(403, b"Error of a page"),
            "надійшла вебсторінка (статус 403, байтів: 15): мережевий екран або проксі не пропускає запити. Нічого",
        ),
        (Reply(302), "спроб: 1; востаннє він вказує на іншу адресу (статус 302), куди"),
        (Reply(503), "спроб: 6; востаннє він повідомив про власний збій (статус 503). Нічого"),
        (
            Reply(429, headers={"Retry-After": "7200"}),
            "спроб: 1; востаннє він відмовив через надто багато запитів і просив повернутися пізніше (хвилин: 120; "
            "статус 429).",
        ),
        (Reply(200, b"Error of a page"), "байтів: 15) не була цілим JSON. Нічого"),
        (Reply(404, b"Error of a page"), "Якщо так триває, base_url у профілі неправильний. Нічого"),
        (Reply(drop=True), "востаннє з'єднання обірвалося раніше, ніж відповідь надійшла повністю."),
    ],
    ids=[
        "key",
        "words",
        "access",
        "plan",
        "firewall",
        "moved",
        "down",
        "too many",
        "page",
        "wrong address",
        "dropped",
    ],
)
def test_what_the_client_says_about_keycrm_is_shown_in_ukrainian(
    crm: LoopbackCrm,
    client: KeyCrmClient,
    reply: Reply,
    translation: str,
) -> None:
    """A refused key, an unreachable or failing KeyCRM: the client's messages are translated part by part."""
    crm.faults = [reply] * 10
    with pytest.raises(KeyCrmError) as raised:
        client.order(1)
    text = raised.value.message.text(Formatter("uk"))
    assert translation in text
    assert re.findall("[A-Za-z]{3,}", _SAME_IN_ALL_LANGUAGES.sub("", text)) == []
    if reply.body == b"Error of a page":
        assert text.endswith(" Початок відповіді: Error of a page")


def test_an_address_where_nothing_listens(make_client: Callable[..., KeyCrmClient]) -> None:
    """The user is advised to check the network and the address."""
    with pytest.raises(KeyCrmError) as raised:
        make_client(base_url="http://127.0.0.1:9/v1").order(1)
    assert raised.value.message.text(Formatter("uk")) == (
        "KeyCRM не відповідає за адресою 127.0.0.1: з'єднання не встановлено (GET /order/1, спроб: 6). Перевірте "
        "мережу і base_url у профілі. Нічого не втрачено; завантаження можна повторити."
    )
