"""Commands on single runs: train and adapt, compare and reproduce, and MLflow's UI."""
