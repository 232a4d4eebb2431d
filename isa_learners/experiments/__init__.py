"""Many runs: plans of tasks x variants x seeds, where they run, statistics and figures of what came out."""
