"""One gateway and one simulator, as processes of their own, for all tests that talk to them with the official SDKs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.fakes.deployment import TEAM_KEY, Deployment, deployment

TIMEOUT_S = 10.0
STARTED_BY_THE_FIRST = ("deployed", "google")  # several processes; a large SDK


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test is first pays for what all of them share, and in which process that is, nobody knows before."""
    for item in items:
        shared = set(getattr(item, "fixturenames", ())).intersection(STARTED_BY_THE_FIRST)
        if shared and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(60))


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployment(tmp_path_factory.mktemp("deployment")) as running:
        yield running
        running.gateway.end()


@pytest.fixture(scope="session")
def client(deployed: Deployment) -> Iterator[OpenAI]:
    """The SDK as a newcomer has it but for its retries: the gateway's are enough, and tests count requests."""
    with OpenAI(base_url=f"{deployed.url}/v1", api_key=TEAM_KEY, max_retries=0, timeout=TIMEOUT_S) as sdk:
        yield sdk


@pytest.fixture
async def async_client(deployed: Deployment) -> AsyncIterator[AsyncOpenAI]:
    base_url = f"{deployed.url}/v1"
    async with AsyncOpenAI(base_url=base_url, api_key=TEAM_KEY, max_retries=0, timeout=TIMEOUT_S) as sdk:
        yield sdk
