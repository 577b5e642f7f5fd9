"""Before the first sweep: config files for a new dataset, and an examination of the machine."""
