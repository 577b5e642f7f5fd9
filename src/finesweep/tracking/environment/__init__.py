"""What a run records of its code and its machine: versions, commit, CPU, memory and GPUs."""
