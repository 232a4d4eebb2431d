"""Intrinsic rewards that networks learn, on torch: RND, NovelD, ICM, LAIES. Settings and entries need no torch."""
