"""What works on this machine and what does not: each module examines one part, within seconds."""
