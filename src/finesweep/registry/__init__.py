"""The model registry: versions of models, their promotion to champion, and rollback."""
