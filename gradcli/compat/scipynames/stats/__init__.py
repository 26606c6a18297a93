"""``scipy.stats``: distributions whose functions take more than those of gradcli.scipy.stats."""
