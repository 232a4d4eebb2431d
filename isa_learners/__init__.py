"""A goal-conditioned, parameter-shared recurrent PPO in torch, and Algorithm 1 (arXiv 2505.08630) around it."""
