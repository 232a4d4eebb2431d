"""Recurrent networks of learners: GRU and LSTM over whole rollouts, and the layout of their steps."""
