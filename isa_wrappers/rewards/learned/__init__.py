"""Learned intrinsic rewards on torch: RND, NovelD, ICM, LAIES. Settings and entries do not need torch."""
