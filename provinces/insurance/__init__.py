"""The medical-insurance platforms of the four provinces and the national hub, simulated: one program, five roles."""
