"""Statistics: seed noise, paired tests, repeated use of one test set, and calibration."""
