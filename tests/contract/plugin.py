"""The options of the contract tests; a plugin, as the options of a folder's conftest are unknown from the root."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract")
    group.addoption("--server-url", help="hold this running Dragonfly against the recordings; empty, password s3cret")
    group.addoption("--server-binary", help="hold this Dragonfly executable against the recordings")
