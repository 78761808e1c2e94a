"""The insurance platforms of the provinces and the national hub: one gate for all, and the file that lists them.

gate.py      sends a message, believes an answer or says what is wrong with it
letters.py   JSON and signatures of the wire
meanings.py  what the platforms' codes stand for in the one error tree (adapters.errors)
file.py      the insurance file
"""

from adapters.insurance.file import InsuranceEntry, open_insurance
from adapters.insurance.gate import InsuranceGate

__all__ = ["InsuranceEntry", "InsuranceGate", "open_insurance"]
