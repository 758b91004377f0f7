import asyncio
import contextvars

import pytest
import pytest_asyncio

PLACE = contextvars.ContextVar("PLACE", default="nowhere")


@pytest_asyncio.fixture
async def server():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.asyncio
async def test_connection(server):
    reader, writer = await asyncio.open_connection("127.0.0.1", server)
    writer.write(b"hello\n")
    assert await reader.read() == b"HELLO\n"
    writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(3))
async def test_gather(number):
    assert await asyncio.gather(*(asyncio.sleep(0, n) for n in range(number))) == list(range(number))


@pytest.mark.asyncio
async def test_debug():
    print(asyncio.get_running_loop().get_debug())


@pytest.mark.asyncio
async def test_context():
    PLACE.set("here")
    await asyncio.sleep(0)
    assert PLACE.get() == "here"


@pytest.mark.asyncio
async def test_failure():
    await asyncio.wait_for(asyncio.Event().wait(), 0.01)


async def test_needs_auto_mode():
    await asyncio.sleep(0)


def test_forgotten_coroutine():
    asyncio.sleep(0)
