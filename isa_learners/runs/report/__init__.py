"""A page of one or several runs, made for looking: everything is in one file, and nothing is fetched."""
