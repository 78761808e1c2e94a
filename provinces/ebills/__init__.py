"""The simulated public service platform for fiscal e-bills 全国财政电子票据公共服务平台, a program of its own.

It is the one authority for locks: whoever holds a bill holds it here. Signed JSON of its own making, books that survive
kill -9, a switchboard of faults. It shares no code with the house.
"""
