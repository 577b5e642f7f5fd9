"""Sends a folder to a repository of the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path

from finesweep.errors import FinesweepError, first_line


def upload(folder: Path, repository: str) -> str:
    """Creates the repository if there is none, private, and uploads all files as one commit;
    returns its URL. FinesweepError when the Hub refuses."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi()
    try:
        url = hub.create_repo(repository, private=True, exist_ok=True)
        hub.upload_folder(
            folder_path=folder, repo_id=repository, commit_message="Model exported by finesweep"
        )
    except HfHubHTTPError as error:
        raise FinesweepError(f"the Hub refuses {repository}: {first_line(error)}") from error
    return str(url)
