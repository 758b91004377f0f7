import anyio
import pytest

pytestmark = pytest.mark.anyio


async def test_fixture(receiver):
    assert [await receiver.receive() for _ in range(3)] == [0, 1, 2]


async def test_tasks(anyio_backend_name):
    done = []

    async def work(number):
        await anyio.sleep(0)
        done.append(number)

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(work, number)
    assert sorted(done) == [0, 1, 2]
    assert anyio_backend_name in ("asyncio", "trio")


async def test_time_out():
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.01):
            await anyio.sleep_forever()


async def test_failure():
    await anyio.sleep(0)
    assert 1 == 2


def test_portal():
    with anyio.from_thread.start_blocking_portal() as portal:
        assert portal.call(anyio.sleep, 0) is None


class TestClass:
    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    async def test_one_backend(self, receiver, anyio_backend):
        assert await receiver.receive() == 0
