"""The conformance kit: plays both sides of a province's wire and says what an adapter promises and does not keep.

It knows no dialect. Between adapter and province it stands as a proxy that loses, delays, spoils and repeats; around
the adapter it moves the clock and exchanges the keys; and it keeps the mailbox that the province calls back to.
"""
