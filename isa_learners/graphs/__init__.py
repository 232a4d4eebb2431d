"""Work on CUDA recorded once and run again in one call: CUDA graphs of functions that keep state in objects."""
