"""third_party.py PACKAGE [FEATURES]: prints which crates are compiled into PACKAGE, and the texts of
their licenses, which whoever passes a binary on has to pass on with it."""

import json
import subprocess
import sys
from pathlib import Path

package = sys.argv[1]
options = ["--no-default-features", "--features", sys.argv[2]] if len(sys.argv) > 2 else []


def cargo(*arguments: str) -> str:
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


# Procedural macros run in the compiler and leave nothing of themselves behind.
tree = cargo(
    "tree", "--locked", "--package", package, *options, "--edges", "normal,no-proc-macro", "--prefix", "none",
    "--format", "{p}",
)  # fmt: skip
linked = {tuple(line.split(" ")[:2]) for line in tree.splitlines()}
crates = [
    crate
    for crate in json.loads(cargo("metadata", "--locked", "--format-version", "1"))["packages"]
    if crate["source"] and (crate["name"], "v" + crate["version"]) in linked
]
crates.sort(key=lambda crate: (crate["name"], crate["version"]))
if not crates:
    sys.exit(f"{package} has no dependencies")

texts: dict[str, list[str]] = {}
print(f"These libraries are compiled into {package}.\n")
for crate in crates:
    name = f"{crate['name']} {crate['version']}"
    print(f"{name}: {crate['license'] or 'see below'}")
    folder = Path(crate["manifest_path"]).parent
    for pattern in ("LICEN[SC]E*", "COPYING*", "COPYRIGHT*", "NOTICE*", "UNLICENSE*", "*/LICENSE", "*/COPYRIGHT"):
        for file in sorted(folder.glob(pattern)):
            if file.is_file() and file.suffix != ".rs":
                texts.setdefault(file.read_text(errors="replace").strip(), []).append(name)
for text, names in texts.items():
    print(f"\n{'-' * 72}\n{', '.join(dict.fromkeys(names))}:\n\n{text}")
