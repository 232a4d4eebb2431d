"""What all tests share: tests marked ``cuda`` are skipped where there is no CUDA device."""

import importlib.util

import pytest


def cuda_is_there():
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if marked and not cuda_is_there():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
