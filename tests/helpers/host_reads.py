"""A mode that refuses every operation whose result the host would have to read before it can go on."""

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from isa_wrappers import arrays

READS = {"_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2", "unique_dim", "equal", "lift_fresh"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}


class NoHostReads(TorchDispatchMode):
    """Raises where the host reads from the device, for which the CPU stands in."""

    def __enter__(self):
        self._host, arrays.HOST = arrays.HOST, None
        return super().__enter__()

    def __exit__(self, *error):
        arrays.HOST = self._host
        return super().__exit__(*error)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        masks = name in INDEXING and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        if name in READS or masks:
            raise AssertionError(f"{function} makes the host wait for the device")
        return function(*args, **(kwargs or {}))


@contextmanager
def no_host_reads(device):
    """Refuse whatever makes the host wait: by the mode above on CPU, by CUDA's own on CUDA."""
    if device == "cpu":
        with NoHostReads():
            yield
        return
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")
