"""HTTP servers that behave like the products on both sides, with state.

Used by tests, the demo and benchmarks only; product code never imports from here.
"""
