"""Algorithm 1's pieces around a batched environment."""

from isa_wrappers.wrappers.batch.wrappers import BatchCountBonus, BatchGoals, BatchRecorder

__all__ = ["BatchCountBonus", "BatchGoals", "BatchRecorder"]
