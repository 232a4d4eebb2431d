"""Plans of the paper's figures, as files."""
