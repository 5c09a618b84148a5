"""Reading the standard library of the machine, without importing any of it."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from headwater.demo import standard_library
from headwater.demo.documents import definition_document, everything_in, module_document, source_object, text_to_embed
from headwater.demo.standard_library import read_modules


@pytest.fixture(scope="module")
def modules():
    return list(read_modules())


def of(modules, name):
    return next(module for module in modules if module.name == name)


def test_about_three_thousand_things_with_ids_of_their_own(modules):
    ids = [thing.document_id for thing, _ in everything_in(modules)]
    assert len(set(ids)) == len(ids)
    assert 2000 < len(ids) < 4500


def test_reading_a_file_again_gives_the_same(modules):
    module = of(modules, "json.decoder")
    assert standard_library._read(module.file, "json.decoder", False) == module


def test_everything_is_more_and_has_private_definitions(modules):
    everything = list(read_modules(everything=True))
    names = {module.name for module in everything}
    assert {module.name for module in modules} < names
    assert "_pydecimal" in names or "_strptime" in names
    assert any(found.name.startswith("_") for module in everything for found in module.definitions)


def test_module_is_its_file(modules):
    module = of(modules, "json")
    assert module.file.samefile(json.__file__)
    assert module.content_hash == hashlib.sha256(module.file.read_bytes()).hexdigest()
    assert module.text.startswith("JSON (JavaScript Object Notation)")


def test_definition_is_where_the_file_has_it(modules):
    dumps = next(found for found in of(modules, "json").definitions if found.name == "dumps")
    assert dumps.kind == "function"
    assert dumps.signature.startswith("def dumps(obj, *, skipkeys=False")
    assert of(modules, "json").file.read_text().splitlines()[dumps.line - 1].startswith("def dumps(")
    assert dumps.text == json.dumps.__doc__.strip().replace("\n    ", "\n")


def test_methods_and_classes_are_told_apart(modules):
    kinds = {found.name: found.kind for found in of(modules, "json.decoder").definitions}
    assert kinds["JSONDecoder"] == "class"
    assert kinds["JSONDecoder.decode"] == "method"


def test_what_is_embedded_is_name_signature_and_first_paragraph(modules):
    module = of(modules, "json")
    dumps = next(found for found in module.definitions if found.name == "dumps")
    assert text_to_embed(dumps) == f"dumps\n{dumps.signature}\nSerialize ``obj`` to a JSON formatted ``str``."
    assert text_to_embed(module).startswith("json\nmodule json\n")


def test_child_names_only_its_parent(modules):
    module = of(modules, "json")
    body = definition_document(module.definitions[0], module, [0.5])
    assert body["source_document_id"] == module.document_id
    assert not {"root_object_id", "root_bucket_id", "lineage_path", "lineage_chain"} & set(body)


def test_module_refers_to_the_object_that_holds_its_file(modules):
    module = of(modules, "json")
    (sent,) = source_object(module)["blobs"]
    assert base64.b64decode(sent["data"]["base64"]) == module.file.read_bytes()
    details = {"filename": "__init__.py", "size_bytes": 7, "mime_type": "text/plain"}
    stored = {"blob_id": "blob_1", "property": "file", "type": "text", "details": details}
    source = {"bucket_id": "bkt_1", "object_id": "obj_1", "blobs": [stored | {"properties": {"url": "s3://local/a/b"}}]}
    body = module_document(module, [0.5], source)
    assert (body["root_bucket_id"], body["root_object_id"]) == ("bkt_1", "obj_1")
    assert body["source_blobs"][0]["url"] == "s3://local/a/b"
