"""The medical course: a resident of Ma'anshan is referred to a hospital in Shanghai, treated, settled and cleared.

people.py    who takes part, with their logins; the platforms' own switches and ledgers
story.py     what they do, one act after the other, through the public API
checks.py    what has to be true at the end, against the ledgers of the platforms
"""
