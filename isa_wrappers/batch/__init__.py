"""Batched environments: B copies stepped together, with arrays as input and output."""

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper
from isa_wrappers.checks import check_finite

__all__ = ["BatchEnv", "BatchStep", "BatchWrapper", "ParallelEnvBatch", "check_finite"]
