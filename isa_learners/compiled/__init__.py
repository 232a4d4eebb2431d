"""A part of the learners compiled for CPU, equal to the plain one but for the order of sums; chosen when present."""
