"""What recurrent learners share: a GRU through whole episodes, and how steps are laid out for it."""
