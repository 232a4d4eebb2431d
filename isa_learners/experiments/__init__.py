"""Comparisons of many runs: plans of tasks x variants x seeds, their execution, statistics and figures."""
