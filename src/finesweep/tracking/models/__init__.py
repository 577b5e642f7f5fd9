"""Classifiers as MLflow models: of PyTorch, and in ONNX."""
