"""The HTTP door: the payer's pages, health and metrics, and the front that shares the port with the SOAP services."""

from __future__ import annotations

from hub.web.app import create_flask
from hub.web.front import create_front

__all__ = ["create_flask", "create_front"]
