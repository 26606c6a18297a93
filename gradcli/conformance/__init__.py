"""The conformance table: every public name with arguments, and what has to hold of it.

Only ``gradcli ops`` and the tests load it. ``rows`` holds the rows, a file or two for each namespace; ``exceptions``
what has none, and why; ``run`` computes what holds of a row; ``table`` puts rows and names together.
"""
