"""One mock for the tests of this folder, as new for each."""

from collections.abc import Iterator

import pytest

from asbru.mock import MockOptions
from mock_thread import RunningMock, mock_in_thread


@pytest.fixture(scope="package")
def shared_mock() -> Iterator[RunningMock]:
    with mock_in_thread(MockOptions(record=True)) as running:
        yield running


@pytest.fixture
def mock(shared_mock: RunningMock) -> RunningMock:
    shared_mock.reset()
    return shared_mock
