"""What MLflow's own pages show of sweeps: views of the run table, and a parent's winner."""
