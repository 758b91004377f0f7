"""Messages to customers, signed so that links in them cannot be made up."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import urllib.parse
from collections.abc import Iterable
from email.message import EmailMessage
from typing import Protocol

from bookshop.invoice import Invoice


class Transport(Protocol):
    async def send(self, message: EmailMessage) -> None: ...


def link(base: str, customer: str, key: bytes) -> str:
    signature = hmac.new(key, customer.encode(), hashlib.sha256).hexdigest()
    return f"{base}?{urllib.parse.urlencode({'customer': customer, 'signature': signature})}"


def customer_of(url: str, key: bytes) -> str:
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    customer = query["customer"][0]
    expected = hmac.new(key, customer.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, query["signature"][0]):
        raise PermissionError("the link was not made by us")
    return customer


def invoice_message(invoice: Invoice, address: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = f"Your invoice of {invoice.date.isoformat()}"
    message.set_content(invoice.as_text())
    return message


async def send_all(messages: Iterable[EmailMessage], transport: Transport, at_once: int = 4) -> int:
    """Sends the messages, a few at the same time, and returns how many were sent."""
    places = asyncio.Semaphore(at_once)

    async def send(message: EmailMessage) -> None:
        async with places:
            await transport.send(message)

    return len(await asyncio.gather(*(send(message) for message in messages)))
