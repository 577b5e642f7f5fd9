"""Whether the Hugging Face Hub can be reached, and which checkpoints its cache has."""

from __future__ import annotations

from finesweep.errors import first_line

SECONDS = 4
FILES = ("config.json", "model.safetensors", "tokenizer.json")
"""Files without which a checkpoint cannot be loaded offline."""


def hub_obstacle(name: str) -> str | None:
    """Why the Hub does not give this model, in a few words; None when it does."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        HfApi().model_info(name, timeout=SECONDS)
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set"
    except HfHubHTTPError as error:
        return f"it answers {first_line(error)}"
    except Exception:  # connection errors differ by HTTP client, which the library has changed
        return "it cannot be reached"
    return None


def cached_files(name: str) -> bool:
    """Whether the cache has a checkpoint's config, weights and tokenizer."""
    from huggingface_hub import try_to_load_from_cache

    return all(isinstance(try_to_load_from_cache(name, file), str) for file in FILES)
