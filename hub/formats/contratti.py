"""The schemas inside our WSDLs, compiled: for those who check a message without being a SOAP server."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from hub.formats.xml import Schema, compile_sources

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"


def compile_wsdl(path: Path) -> Schema:
    """Return one schema made of the inline schemas of a WSDL and of the files they import from beside it.

    Raises: OSError, lxml.etree.LxmlError (the contract that ships with us is broken: our mistake).
    """
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
    sources: dict[str, bytes] = {}
    for number, schema in enumerate(etree.parse(str(path), parser).iterfind(f"{_WSDL}types/{_XSD}schema")):
        _add(sources, f"inline-{number}.xsd", schema, path.parent, parser)
    return compile_sources(sources)


def _add(sources: dict[str, bytes], name: str, schema: etree._Element, folder: Path, parser: etree.XMLParser) -> None:
    """Put a schema and what it imports among the sources, each known by its file's bare name."""
    imported = [(node, node.get("schemaLocation")) for tag in ("import", "include") for node in schema.iter(_XSD + tag)]
    wanted = [(node, (folder / location).resolve()) for node, location in imported if location]
    for node, file in wanted:
        node.set("schemaLocation", file.name)
    sources[name] = etree.tostring(schema)
    for _, file in wanted:
        if file.name not in sources:
            _add(sources, file.name, etree.parse(str(file), parser).getroot(), file.parent, parser)
