"""What all tests share: one thread an operation; tests marked ``cuda`` are skipped where there is no CUDA device."""

import importlib.util
import os

import pytest

# Before torch is loaded, and for the processes that tests start: tiny operations on two threads, beside another busy
# process, take a hundred times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
