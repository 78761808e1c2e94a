"""Everything one machine needs to run the product, as children of one process.

parts.py says what there is, supervisor.py keeps it alive, the other modules know one part each.
"""
