"""What learners share: networks, GRU and LSTM through whole episodes, and how steps are laid out for them."""
