"""Several objectives in one study: seen by the first, seen by the sampler, and the Pareto front."""
