import anyio
import pytest


@pytest.fixture
async def receiver():
    sender, receiver = anyio.create_memory_object_stream(10)
    async with sender, receiver:
        for number in range(3):
            await sender.send(number)
        yield receiver
    print("closed")
