"""Where array code is tested: NumPy, torch on CPU, and CUDA where there is one; and where learners are."""

import pytest

CUDA = pytest.param("cuda", marks=pytest.mark.cuda)
DEVICES = [None, "cpu", CUDA]
TORCH = ["cpu", CUDA]
