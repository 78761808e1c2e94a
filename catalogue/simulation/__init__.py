"""A definition run in virtual time against scripted provinces and people: the very rules that run real cases.

    course.py      how it went, and everything that came from outside, in its order
    stage.py       virtual time, and the case in it
    provinces.py   back offices that answer as the scenario says
    people.py      caseworkers, the applicant and others who act as the scenario says
    orders.py      what an act of a scenario asks of the case
    play.py        lets time pass until the case is closed

Nothing is imitated but the outside: ``domain.process`` decides.
"""

from catalogue.simulation.course import Answer, Course, Input, Line
from catalogue.simulation.play import simulate

__all__ = ["Answer", "Course", "Input", "Line", "simulate"]
