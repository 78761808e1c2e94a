"""Simulated provincial back offices: a program of their own, reached over HTTP only, sharing no code with the house."""
