"""CUDA graphs of functions that keep state in objects: work is recorded once and replayed in one call."""
