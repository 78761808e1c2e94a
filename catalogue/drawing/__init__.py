"""A service definition as a picture: lanes by place, steps in columns by what they need, arrows, clocks, fees, legend.

    measure.py   how wide a text is, and where it wraps
    words.py     the words of the picture, zh and en
    grid.py      which lane, row and column a step stands in, and what is written in its box
    routes.py    how the arrows run: in the corridors between columns and rows, never through a box
    picture.py   the SVG

The same plan always gives the same bytes. Meaning is in shape and words; colour only repeats it.
"""

from catalogue.drawing.picture import draw
from catalogue.drawing.words import Lang

__all__ = ["Lang", "draw"]
