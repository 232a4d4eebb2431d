"""Plan files of the paper's figures."""
