"""Runs in folders: training, evaluation, metrics and pictures."""
