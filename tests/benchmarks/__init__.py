"""gradcli side by side with its peers, in one run: ``python -m tests.benchmarks``."""
