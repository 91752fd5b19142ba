"""Our text of the contracts says what the published contracts say, and common libraries can read it.

`facts/` holds the published names, namespaces, types, cardinalities, facets, soapActions and headers.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zeep
from lxml import etree

from tests.contracts.wsdl_facts import NS_SOAP, NS_WSDL, differences, facts
from tests.contracts.xsd_facts import NS_XSD, Facts, clark, parse

ROOT = Path(__file__).resolve().parents[2]
FACTS = Path(__file__).resolve().parent / "facts"
WSDL = sorted((ROOT / "wsdl").glob("*.wsdl"))
SCHEMAS = sorted((ROOT / "schemas").glob("*.xsd"))
ENTE = "http://www.regione.veneto.it/pagamenti/ente/"
HEAD = ENTE + "ppthead"
INNER = "http://www.regione.veneto.it/schemas/2012/Pagamenti/Ente/"
SIZES = {
    "pa-per-ente": 18,
    "NodoPerPa": 14,
    "nodeForPa": 2,
    "PaPerNodo": 3,
    "PaPerNodoPagamentoPsp": 2,
    "paForNode": 6,
    "esterni-per-pa": 3,
}


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def published(name: str) -> Facts:
    """Return the published facts; a namespace kept in another contract's file is put back."""
    contract = json.loads((FACTS / f"{name}.json").read_text(encoding="utf-8"))
    for uri, content in contract["namespaces"].items():
        if "sameAs" in content:
            contract["namespaces"][uri] = published(content["sameAs"])["namespaces"][uri]
    return contract


def contract_file(root: Path, name: str) -> Path:
    wsdl = root / "wsdl" / f"{name}.wsdl"
    return wsdl if wsdl.exists() else root / "schemas" / f"{name}.xsd"


def compiled(wsdl: Path, folder: Path) -> etree.XMLSchema:
    """Return one schema made of all those of a WSDL, each on its own as libxml2 wants them."""
    wrapper = etree.Element(clark(NS_XSD, "schema"), nsmap={"xsd": NS_XSD})
    for number, schema in enumerate(parse(wsdl).iter(clark(NS_XSD, "schema"))):
        for node in (node for kind in ("import", "include") for node in schema.findall(clark(NS_XSD, kind))):
            if node.get("schemaLocation"):
                node.set("schemaLocation", (wsdl.parent / node.get("schemaLocation")).resolve().as_uri())
        path = folder / f"inline-{number}.xsd"
        path.write_bytes(etree.tostring(schema))
        link = etree.SubElement(wrapper, clark(NS_XSD, "import"), schemaLocation=path.as_uri())
        if schema.get("targetNamespace"):
            link.set("namespace", schema.get("targetNamespace"))
        else:
            wrapper.set("targetNamespace", "urn:wrapper")
    path = folder / "wrapper.xsd"
    path.write_bytes(etree.tostring(wrapper))
    return etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.parametrize("name", sorted(path.stem for path in FACTS.glob("*.json")))
def test_a_contract_states_the_published_facts(name: str) -> None:
    assert differences(published(name), facts(contract_file(ROOT, name))) == []


@pytest.mark.parametrize("path", WSDL, ids=names(WSDL))
def test_every_wsdl_has_its_facts(path: Path) -> None:
    assert (FACTS / f"{path.stem}.json").exists()


@pytest.mark.parametrize("path", WSDL, ids=names(WSDL))
def test_zeep_loads_every_wsdl_with_all_its_operations(path: Path) -> None:
    (service,) = zeep.Client(str(path)).wsdl.services.values()
    (port,) = service.ports.values()
    assert len(port.binding._operations) == SIZES[path.stem]


@pytest.mark.parametrize("path", WSDL, ids=names(WSDL))
def test_libxml2_compiles_the_schemas_of_every_wsdl(path: Path, tmp_path: Path) -> None:
    schema = compiled(path, tmp_path)
    assert not schema.validate(etree.Element("sconosciuto"))


@pytest.mark.parametrize("path", SCHEMAS, ids=names(SCHEMAS))
def test_libxml2_compiles_every_schema_file(path: Path) -> None:
    etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.parametrize("path", WSDL + SCHEMAS, ids=names(WSDL + SCHEMAS))
def test_the_text_avoids_what_older_readers_refuse(path: Path) -> None:
    """libxml2 2.9 refuses `\\/` in a pattern; a WS-Addressing action makes clients send headers nobody reads."""
    root = parse(path)
    assert not [node for node in root.iter(clark(NS_XSD, "pattern")) if "\\/" in node.get("value")]
    assert not [name for node in root.iter() for name in node.attrib if name.endswith("}Action")]


@pytest.mark.parametrize("path", WSDL, ids=names(WSDL))
def test_every_inline_schema_imports_what_it_uses(path: Path) -> None:
    for schema in parse(path).iter(clark(NS_XSD, "schema")):
        known = {node.get("namespace") for node in schema.findall(clark(NS_XSD, "import"))}
        known |= {NS_XSD, schema.get("targetNamespace")}
        for node in schema.iter():
            for value in (node.get(key) for key in ("type", "base", "ref", "itemType")):
                if value:
                    assert node.nsmap[value.rpartition(":")[0] or None] in known


def test_children_of_the_body_are_unqualified_and_inner_documents_qualified(tmp_path: Path) -> None:
    client = zeep.Client(str(ROOT / "wsdl" / "pa-per-ente.wsdl"))
    header = client.get_element(clark(HEAD, "intestazionePPT"))(codIpaEnte="C_H501")
    envelope = client.create_message(
        client.service, "paaSILInviaDovuti", password="segreto-1", dovuti=b"<Dovuti/>", _soapheaders=[header]
    )
    body = envelope.find(".//" + clark(ENTE, "paaSILInviaDovuti"))
    assert [child.tag for child in body] == ["password", "dovuti"]
    assert body.findtext("dovuti") == base64.b64encode(b"<Dovuti/>").decode()
    assert envelope.find(f".//{clark(HEAD, 'intestazionePPT')}/codIpaEnte").text == "C_H501"

    schema = compiled(ROOT / "wsdl" / "pa-per-ente.wsdl", tmp_path)
    alone = etree.fromstring(etree.tostring(body))
    assert schema.validate(alone)
    alone[0].tag = clark(ENTE, "password")
    assert not schema.validate(alone)


Mutation = Callable[[etree._Element], None]


def first(root: etree._Element, path: str) -> etree._Element:
    spaces = {"x": NS_XSD, "w": NS_WSDL, "s": NS_SOAP}
    return root.xpath(path, namespaces=spaces)[0]


def setting(path: str, key: str, value: str) -> Mutation:
    return lambda root: first(root, path).set(key, value)


def without(path: str) -> Mutation:
    def mutate(root: etree._Element) -> None:
        node = first(root, path)
        node.getparent().remove(node)

    return mutate


def swapped(path: str) -> Mutation:
    def mutate(root: etree._Element) -> None:
        node = first(root, path)
        node.addprevious(node.getnext())

    return mutate


def retagged(path: str, tag: str) -> Mutation:
    return lambda root: setattr(first(root, path), "tag", clark(NS_XSD, tag))


DOVUTO = "//x:complexType[@name='ctDatiSingoloVersamentoDovuti']/x:sequence"
INVIA = "//x:complexType[@name='paaSILInviaDovuti']/x:sequence"
BOUND = "//w:binding/w:operation[@name='paaSILInviaDovuti']"
INNER_FILE = "PagInf_Dovuti_Pagati_6_2_0"
NODE, CLASSIC, FLOW = "paForNode", "PaPerNodoPagamentoPsp", "FlussoRiversamento_1_0_4"
NODO, CCP, TIPI = "wsdl/NodoPerPa.wsdl", "wsdl/PaPerNodoPagamentoPsp.wsdl", "schemas/tipi-comuni-telematici.xsd"
FLUSSI, FDR = "schemas/nodeForPa.xsd", "schemas/FlussoRiversamento_1_0_4.xsd"
MUTATIONS: dict[str, tuple[str, Mutation]] = {
    "facet changed": (INNER_FILE, setting("//x:simpleType[@name='stText35']//x:maxLength", "value", "36")),
    "facet removed": (INNER_FILE, without("//x:simpleType[@name='stText35']//x:minLength")),
    "pattern changed": (INNER_FILE, setting("//x:pattern", "value", "[0-9]*")),
    "enumeration removed": (INNER_FILE, without("//x:enumeration")),
    "order swapped": (INNER_FILE, swapped(f"{DOVUTO}/x:element[1]")),
    "minimum changed": (INNER_FILE, setting(f"{DOVUTO}/x:element[1]", "minOccurs", "0")),
    "maximum changed": (INNER_FILE, setting("//x:element[@maxOccurs='5']", "maxOccurs", "6")),
    "name changed": (INNER_FILE, setting(f"{DOVUTO}/x:element[1]", "name", "altro")),
    "type changed": (INNER_FILE, setting(f"{DOVUTO}/x:element[1]", "type", "xsd:string")),
    "element removed": (INNER_FILE, without(f"{DOVUTO}/x:element[1]")),
    "global element removed": (INNER_FILE, without("/x:schema/x:element[@name='Pagati']")),
    "form changed": (INNER_FILE, setting("/x:schema", "elementFormDefault", "unqualified")),
    "namespace changed": (INNER_FILE, setting("/x:schema", "targetNamespace", "urn:altro")),
    "form of one child changed": ("pa-per-ente", setting(f"{INVIA}/x:element[1]", "form", "qualified")),
    "default changed": ("pa-per-ente", setting("//x:element[@default='1.0']", "default", "1.1")),
    "nillable added": ("pa-per-ente", setting(f"{INVIA}/x:element[1]", "nillable", "true")),
    "base changed": ("pa-per-ente", setting("//x:extension", "base", "ente:faultBean")),
    "soapAction changed": ("pa-per-ente", setting(f"{BOUND}/s:operation", "soapAction", "urn:altro")),
    "header removed": ("pa-per-ente", without(f"{BOUND}/w:input/s:header")),
    "operation removed": ("pa-per-ente", without(BOUND)),
    "body element changed": ("pa-per-ente", setting("//w:part", "element", "ente:paaSILChiediPagati")),
    "use changed": ("pa-per-ente", setting(f"{BOUND}/w:input/s:body", "use", "encoded")),
    "port renamed": ("pa-per-ente", setting("//w:port", "name", "AltraPort")),
    "target namespace changed": ("PagInf_RPT_RT_6_2_0", setting("/x:schema", "targetNamespace", "urn:altro")),
    "header attribute removed": ("NodoPerPa", without("//x:attribute[@ref='env:mustUnderstand']")),
    "sequence turned into a choice": (INNER_FILE, retagged(DOVUTO, "choice")),
}


def mutated(tmp_path: Path, name: str, mutate: Mutation) -> Path:
    """Return a file, by its path or its contract's name, in a copy of wsdl/ and schemas/, after the mutation."""
    for folder in ("wsdl", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    path = tmp_path / name if "/" in name else contract_file(tmp_path, name)
    root = parse(path)
    mutate(root)
    path.write_bytes(etree.tostring(root))
    return path


@pytest.mark.parametrize("kind", list(MUTATIONS))
def test_the_comparison_sees_a_change(kind: str, tmp_path: Path) -> None:
    name, mutate = MUTATIONS[kind]
    assert differences(published(name), facts(mutated(tmp_path, name, mutate))) != []


BOUNDARY: dict[str, tuple[str, str, Mutation]] = {
    "a sixth transfer": (NODE, "schemas/paForNode.xsd", setting("//x:element[@name='transfer']", "maxOccurs", "6")),
    "stamp and IBAN together": (NODE, "schemas/paForNode.xsd", retagged("//x:choice", "sequence")),
    "a request under another name": (NODE, "wsdl/paForNode.wsdl", setting("//w:part", "element", "pfn:paSendRTReq")),
    "unknown metadata": (NODE, "schemas/sac-common-types-1.0.xsd", setting("//x:element[@name='key']", "name", "k")),
    "activation without its header": (CLASSIC, CCP, without("//w:operation[@name='paaAttivaRPT']/w:input/s:header")),
    "inner answer qualified": (CLASSIC, CCP, setting("//x:element[@type='ws:esitoVerificaRPT']", "form", "qualified")),
    "all answers qualified": (CLASSIC, CCP, setting("//x:schema[x:include]", "elementFormDefault", "qualified")),
    "another IBAN": (CLASSIC, CCP, setting("//x:element[@name='ibanAccredito']", "type", "ws:stIBANIdentifier")),
    "common types lost": (CLASSIC, CCP, without("//x:include")),
    "common types unqualified": (CLASSIC, TIPI, setting("/x:schema", "elementFormDefault", "unqualified")),
    "a list of any size": ("NodoPerPa", NODO, setting("//x:element[@name='dimensioneLista']", "type", "xsd:int")),
    "a copy always there": ("NodoPerPa", NODO, setting("//x:element[@name='rt'][@minOccurs]", "minOccurs", "1")),
    "another action": ("nodeForPa", "wsdl/nodeForPa.wsdl", setting("//w:operation/s:operation", "soapAction", "urn:a")),
    "flows always listed": ("nodeForPa", FLUSSI, setting("//x:element[@minOccurs='0'][@nillable]", "minOccurs", "1")),
    "outcome 9 unknown": (FLOW, FDR, without("//x:enumeration[@value='9']")),
    "a flow without rows": (FLOW, FDR, setting("//x:element[@name='datiSingoliPagamenti']", "minOccurs", "0")),
}


@pytest.mark.parametrize("kind", list(BOUNDARY))
def test_the_comparison_sees_a_change_in_any_file_of_a_contract_with_the_node(kind: str, tmp_path: Path) -> None:
    name, file, mutate = BOUNDARY[kind]
    mutated(tmp_path, file, mutate)
    assert differences(published(name), facts(contract_file(tmp_path, name))) != []


def test_a_change_in_the_inner_schema_is_seen_through_the_wsdl(tmp_path: Path) -> None:
    _, mutate = MUTATIONS["facet changed"]
    mutated(tmp_path, INNER_FILE, mutate)
    (line,) = differences(published("pa-per-ente"), facts(tmp_path / "wsdl" / "pa-per-ente.wsdl"))
    assert line == f"/namespaces/{INNER}/simpleTypes/stText35/facets/maxLength: 35 expected, 36 found"


def test_a_slash_may_be_written_with_a_backslash_and_the_address_is_free(tmp_path: Path) -> None:
    def escape_slash(root: etree._Element) -> None:
        node = first(root, "//x:pattern[contains(@value, '/')]")
        node.set("value", node.get("value").replace("/", "\\/"))

    inner = mutated(tmp_path, INNER_FILE, escape_slash)
    assert differences(published(INNER_FILE), facts(inner)) == []
    wsdl = contract_file(tmp_path, "pa-per-ente")
    wsdl.write_text(wsdl.read_text(encoding="utf-8").replace("127.0.0.1:8080", "portale.example"), encoding="utf-8")
    assert differences(published("pa-per-ente"), facts(wsdl)) == []
