"""The rows, as data: each module has one list ``ROWS``."""
