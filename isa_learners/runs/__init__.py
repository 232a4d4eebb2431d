"""Many iterations in a folder: training, evaluation, metrics, pictures."""
