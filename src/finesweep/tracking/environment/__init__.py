"""What a run records of its code and its machine: versions, user and commit; CPU, memory and GPUs."""
