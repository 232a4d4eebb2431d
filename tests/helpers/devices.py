"""Where array code is tested: NumPy, torch on CPU, and CUDA where there is one."""

import pytest

DEVICES = [None, "cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
