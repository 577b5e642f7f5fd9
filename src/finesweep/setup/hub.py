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


def push_obstacle() -> str | None:
    """What is missing to write to the Hub, as a clause; None when nothing is."""
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import HfHubHTTPError

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    if get_token() is None:
        return "there is no token; `hf auth login`, or set HF_TOKEN, to one that may write"
    try:
        HfApi().whoami()
    except HfHubHTTPError as error:
        return f"it answers {first_line(error)}"
    except Exception:  # as in hub_obstacle
        return "it cannot be reached"
    return None
