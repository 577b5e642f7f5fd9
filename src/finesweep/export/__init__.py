"""Other forms of a trained model, checked against it: ONNX, int8, a plain Transformers folder."""
