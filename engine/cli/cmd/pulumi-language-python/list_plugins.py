"""Print, as JSON, every importable package that carries a pulumi-plugin.json."""

import json
import pathlib
import sys
from importlib import metadata

# Without its first entry, which `python -c` sets to the current folder.
places = {pathlib.Path(place) for place in sys.path[1:]}
found = []
for manifest in sorted(path for place in places for path in place.glob("*/pulumi-plugin.json")):
    name = manifest.parent.name
    try:
        # An import name stands for the distribution it is generated into: _ and - are one.
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        continue
    plugin = json.loads(manifest.read_text(encoding="utf-8"))
    found.append({"package": name.replace("_", "-"), "version": version, "plugin": plugin})
print(json.dumps(found))
