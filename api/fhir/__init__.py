"""A read-only FHIR R4 façade over stored matters (domain note 9). NHSA names stay inside; conclusions stay out.

    words.py        code systems, identifiers, money
    coverage.py     the insured relation                  report.py       an examination report
    referral.py     a referral and where it stands        settlement.py   a settlement, and who pays what
    checked.py      every resource is checked by fhir.resources before it goes out (extra ``fhir``)
    readers.py      resource -> who reads it from the record, and on what basis

Mapping functions are pure: typed facts in, a FHIR dict out.
"""
