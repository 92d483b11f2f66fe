"""The licences of everything the lock installs, as docs/licences.md shows them:

.venv/bin/python -m tests.docs.licences > docs/licences.md
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict

# What a state organisation may use and pass on; of several licences joined by OR one of these is enough.
# Weak copyleft (MPL) asks for nothing as long as its files are not changed, and we change none.
ALLOWED = re.compile(
    r"(0BSD|3-Clause BSD|(New |Modified )?BSD([ -][23]-Clause)?|"
    r"Apache( Software|[ -]2\.0)?( WITH LLVM-exception)?|"
    r"MIT(-0)?|ISC|PSF-2\.0|Python Software Foundation|CNRI-Python|Zlib|CC0-1\.0|AFL-2\.1|Artistic|Unlicense|"
    r"MPL-2\.0|Mozilla Public License 2\.0)( License)?( \((ISCL|MPL 2\.0)\))?",
    re.IGNORECASE,
)
HEAD = """# Licences

Of every distribution that `requirements.lock` and `requirements-spark.lock` install, tests and tools too;
a test holds the page and refuses licences that are not allowed. Made by
`python -m tests.docs.licences > docs/licences.md`.

| licence | distributions |
|---|---|
"""


def installed() -> dict[str, str]:
    """Name of each distribution in this environment → its licence."""
    told = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {one["Name"]: " ".join(one["License"].split()) for one in json.loads(told.stdout)}
    found.pop("otklik", None)
    return found


def is_allowed(licence: str) -> bool:
    """Whether every part that AND joins, or one of those that OR or a list of choices joins, is allowed."""
    plain = licence.replace("(Apache-2.0 OR MIT)", "Apache-2.0")
    if any(is_one(part) for part in re.split(r" OR |; ", plain)):
        return True
    return all(is_one(part) for part in plain.split(" AND "))


def is_one(licence: str) -> bool:
    return ALLOWED.fullmatch(licence.strip()) is not None


def page() -> str:
    """docs/licences.md."""
    by_licence = defaultdict(list)
    for name, licence in installed().items():
        by_licence[licence].append(name)
    rows = [
        f"| {licence} | {', '.join(sorted(names, key=str.lower))} |"
        for licence, names in sorted(by_licence.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    ]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(page(), end="")
