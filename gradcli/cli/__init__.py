"""The command line: thin commands over ``inspect`` and ``render``."""
