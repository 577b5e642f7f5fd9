"""What to export and to where, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from finesweep.config.names import CHALLENGER, alias_complaint, model_complaint
from finesweep.errors import ConfigError, Problem, nearest

Format = Literal["onnx", "safetensors"]
FORMATS: tuple[Format, ...] = ("onnx", "safetensors")
ONNX, SAFETENSORS = FORMATS
QUANTIZATIONS = ("int8",)
MODELS = "models:/"


@dataclass(frozen=True)
class Request:
    """What to export, and to where."""

    uri: str
    format: str
    quantize: str | None = None
    output: Path | None = None
    push: str | None = None
    register: str | None = None
    alias: str | None = None

    @property
    def name(self) -> str | None:
        """The registered model that gets a version; None if none does."""
        if self.register or self.format != ONNX or (self.output or self.push):
            return self.register
        named = self.uri.startswith(MODELS) and not self.uri.startswith(f"{MODELS}m-")
        return self.uri.removeprefix(MODELS).partition("@")[0].partition("/")[0] if named else None

    @property
    def is_logged(self) -> bool:
        """Whether MLflow gets the model: unless it is only written to a folder or the Hub."""
        elsewhere = self.output or self.push
        return self.format == ONNX and bool(self.register or not elsewhere)


def check_request(request: Request, *, prefix: str = "") -> None:
    """ConfigError with all that is wrong with the arguments; prefix is put before their names."""
    found: list[tuple[str, str]] = []
    if request.format not in FORMATS:
        found.append(("format", f"{request.format!r} given; {nearest(request.format, FORMATS)}"))
    if request.quantize is not None and request.quantize not in QUANTIZATIONS:
        known = nearest(request.quantize, QUANTIZATIONS)
        found.append(("quantize", f"{request.quantize!r} given; {known}"))
    if request.format == SAFETENSORS:
        if request.quantize:
            found.append(("quantize", "is for onnx; safetensors keep the weights as they are"))
        if request.register:
            found.append(("register", "is for onnx; the original is the version in safetensors"))
        if not (request.output or request.push):
            found.append(("output", "is needed for safetensors, or push"))
    if request.push and request.push.count("/") != 1:
        found.append(("push", f"{request.push!r} given; must be OWNER/NAME"))
    if request.register and (complaint := model_complaint(request.register)):
        found.append(("register", complaint))
    if request.alias and (complaint := alias_complaint(request.alias)):
        found.append(("alias", complaint))
    elif request.alias and not request.name:
        found.append(("alias", f"{CHALLENGER!r} or another needs a version; add register"))
    if found:
        raise ConfigError(*(Problem(f"{prefix}{name}", message) for name, message in found))
