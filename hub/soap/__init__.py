"""The SOAP door. The bridge is installed first: without it Spyne does not import on Python 3.12 and later."""

from hub.soap import spyne_bridge

spyne_bridge.install()
