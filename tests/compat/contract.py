#!/usr/bin/env python3
"""Checks the requests in simulator call logs against OpenAPI descriptions: contract.py LOG_DIR OPENAPI_DIR

Every Graph and ARM request in LOG_DIR/*.jsonl must name a path and method that a description has, use query parameters
that it knows, and carry a body of its schema, without properties that the schema does not name. Requests that their
sender marked as wrong on purpose (`deliberate`) are left out. Needs nothing but Python.

Exit: 0 all valid, or OPENAPI_DIR absent (said loudly); 1 something failed, or nothing was there to validate.
"""

import json
import pathlib
import re
import sys
from urllib.parse import parse_qsl, unquote, urlsplit

# Continuations are links that the service made; the client repeats them.
CONTINUATIONS = {"$skiptoken", "$skipToken"}
# ARM beyond the descriptions at hand: reported, not failed.
COVERED_ARM = re.compile(r"/providers/Microsoft\.(Authorization|ManagedServices)/", re.I)
JSON_TYPES = {"string": str, "boolean": bool, "object": dict, "array": list, "integer": int, "number": (int, float)}
SHOWN_FAILURES = 50


class Description:
    """One OpenAPI document: its operations, and schemas that resolve."""

    def __init__(self, document):
        self.document = document
        self.prefix = urlsplit(document["servers"][0]["url"]).path
        self.paths = sorted(((pattern(path), path, item) for path, item in document["paths"].items()), key=lambda one: one[1].count("{"))

    def operation(self, method, path):
        """The operation and its path's shared parameters; `None` if no template fits."""
        if not path.startswith(self.prefix + "/"):
            return None
        own = path[len(self.prefix):].replace("/microsoft.graph.", "/graph.")
        for regex, _, item in self.paths:
            if regex.fullmatch(own) and method.lower() in item:
                return item[method.lower()], item.get("parameters", [])
        return None

    def resolve(self, schema):
        """Follows references and merges allOf into one schema."""
        if "$ref" in schema:
            target = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            return self.resolve(target)
        if "allOf" not in schema:
            return schema
        merged = {**schema, "properties": dict(schema.get("properties", {})), "required": list(schema.get("required", []))}
        for part in schema["allOf"]:
            part = self.resolve(part)
            merged["properties"] = {**part.get("properties", {}), **merged["properties"]}
            merged["required"] += part.get("required", [])
            for key in ("type", "discriminator", "enum"):
                if key in part:
                    merged.setdefault(key, part[key])
        del merged["allOf"]
        return merged


def pattern(template):
    """A path template as a regular expression; `{scope}` spans segments."""
    parts = re.split(r"(\{[^}]+\})", template)
    texts = [("[^/]+(?:/.+)?" if part == "{scope}" else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts]
    return re.compile("".join(texts), re.I)


def faults_of(description, schema, value, where):
    """What is wrong with a value, as lines."""
    schema = description.resolve(schema)
    if value is None:
        return [] if schema.get("nullable") or "type" not in schema else [f"{where}: null"]
    kind = schema.get("type")
    fits = kind is None or (isinstance(value, JSON_TYPES[kind]) and not (kind in ("integer", "number") and isinstance(value, bool)))
    if not fits:
        return [f"{where}: {kind} expected, not {type(value).__name__}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {', '.join(map(str, schema['enum']))}"]
    if isinstance(value, list):
        return [fault for at, one in enumerate(value) for fault in faults_of(description, schema.get("items", {}), one, f"{where}[{at}]")]
    if isinstance(value, dict) and "properties" in schema:
        return faults_of_object(description, schema, value, where)
    return []


def faults_of_object(description, schema, value, where):
    derived = schema.get("discriminator", {}).get("mapping", {}).get(value.get("@odata.type"))
    if derived:
        schema = description.resolve({"$ref": derived})
    known = schema["properties"]
    faults = [f"{where}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, one in value.items():
        bound, _, annotation = name.partition("@odata.")
        if name in known:
            faults += faults_of(description, known[name], one, f"{where}.{name}")
        elif annotation == "bind" and bound in known:
            faults += [] if isinstance(one, (str, list)) else [f"{where}.{name}: a link or a list of links expected"]
        elif not (annotation and not bound):
            faults.append(f"{where}: the schema has no property {name!r}")
    return faults


def faults_of_request(found, description, entry, query):
    operation, shared = found
    parameters = {one["name"] for one in operation.get("parameters", []) + shared if one.get("in") == "query"}
    faults = [f"query parameter {name!r} is not known" for name in query if name not in parameters | CONTINUATIONS]
    body = entry.get("request")
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content and (body is not None or operation["requestBody"].get("required")):
        faults += faults_of(description, content["schema"], body, "body")
    elif body not in (None, {}):
        faults.append("the operation takes no body")
    return faults


def check(entry, descriptions):
    """`None` if out of reach of the descriptions, else the list of faults."""
    parts = urlsplit(entry["path"])
    path = unquote(parts.path)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if entry["plane"] == "arm" and not COVERED_ARM.search(path):
        return None
    for description in descriptions:
        found = description.operation(entry["method"], path)
        if found:
            return faults_of_request(found, description, entry, query)
    return ["no description has this method and path"]


def main(logs, openapi):
    if not openapi.is_dir():
        print(f"SKIPPED: contract check: there are no OpenAPI descriptions at {openapi}; NOTHING WAS VALIDATED")
        return 0
    documents = (json.loads(file.read_text()) for file in sorted(openapi.glob("*.json")))
    descriptions = [Description(document) for document in documents if "paths" in document]
    validated, out_of_reach, deliberate, failures = 0, 0, 0, []
    for file in sorted(logs.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            entry = json.loads(line)
            if entry["plane"] not in ("graph", "arm"):
                continue
            if entry.get("deliberate"):
                deliberate += 1
                continue
            faults = check(entry, descriptions)
            out_of_reach += faults is None
            validated += faults is not None
            failures += [f"{file.name}:{number}: {entry['method']} {entry['path']}: {fault}" for fault in faults or []]
    for failure in failures[:SHOWN_FAILURES]:
        print(failure)
    print(f"contract: {validated} requests validated, {len(failures)} failures, {out_of_reach} outside the descriptions, {deliberate} wrong on purpose")
    return 1 if failures or not validated else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} LOG_DIR OPENAPI_DIR")
    sys.exit(main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
