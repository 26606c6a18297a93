"""SciPy's routines for plain files that gradcli.scipy, with JAX's names, does not have: solvers, interpolants, filters.

A module here has the name of SciPy's, and answers before gradcli.scipy does.

Solvers and step sizes are steered by the numbers of the run, as SciPy's are; derivatives are those of what comes out.
"""
