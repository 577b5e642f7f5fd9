"""Logging models to MLflow so that they predict as they were evaluated."""
