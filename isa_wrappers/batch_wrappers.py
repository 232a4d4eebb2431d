"""Earlier names of the batched wrappers."""

from isa_wrappers.wrappers.batch.wrappers import BatchCountBonus, BatchGoals, BatchRecorder

__all__ = ["BatchCountBonus", "BatchGoals", "BatchRecorder"]
