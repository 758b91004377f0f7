"""Messages to customers."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

import pytest
from bookshop import messages
from bookshop.invoice import Invoice

KEY = b"a secret of the shop"


class Postbox:
    """Keeps messages, and the largest number of them that were on their way at once."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.most_at_once = 0
        self._under_way = 0

    async def send(self, message: EmailMessage) -> None:
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        await asyncio.sleep(0)
        self._under_way -= 1
        self.messages.append(message)


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.mark.parametrize("customer", ["ada", "Grace Hopper", "käthe&co=?"])
def test_a_link_leads_back_to_its_customer(customer: str) -> None:
    assert messages.customer_of(messages.link("https://shop.example/", customer, KEY), KEY) == customer


def test_a_forged_link_is_refused() -> None:
    forged = messages.link("https://shop.example/", "ada", KEY).replace("ada", "eve")
    with pytest.raises(PermissionError):
        messages.customer_of(forged, KEY)


def test_an_invoice_is_sent_as_text(invoice: Invoice) -> None:
    message = messages.invoice_message(invoice, "ada@shop.example")
    assert message["Subject"] == "Your invoice of 2024-02-20"
    assert "178.99 EUR" in message.get_content()


@pytest.mark.parametrize("at_once", [1, 3])
def test_messages_are_sent_a_few_at_once(invoice: Invoice, postbox: Postbox, at_once: int) -> None:
    letters = [messages.invoice_message(invoice, f"customer{number}@shop.example") for number in range(10)]
    assert asyncio.run(messages.send_all(letters, postbox, at_once)) == 10
    assert len(postbox.messages) == 10
    assert postbox.most_at_once == at_once
