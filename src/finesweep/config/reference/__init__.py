"""The reference of the config: each field's meaning, unit and range, as help and as JSON Schema."""
