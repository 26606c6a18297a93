"""``scipy.spatial``: distances."""
