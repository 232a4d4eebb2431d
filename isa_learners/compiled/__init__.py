"""Optional compiled operations for CPU, which differ from the plain ones only in the order of sums."""
