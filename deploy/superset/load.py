"""Put the dashboard of this folder into Superset, over what an earlier version of it put there.

OTKLIK_SUPERSET_URI=… .venv-superset/bin/python deploy/superset/load.py [ACCOUNT]
"""

import os
import sys
from pathlib import Path

import yaml
from superset.app import create_app

FOLDER = Path(__file__).with_name("dashboard")
DATABASE = "databases/Otklik.yaml"


def contents(uri: str) -> dict[str, str]:
    """The folder's files by path, with the database at `uri`."""
    paths = sorted(FOLDER.rglob("*.yaml"))
    files = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in paths}
    files[DATABASE] = yaml.safe_dump({**yaml.safe_load(files[DATABASE]), "sqlalchemy_uri": uri})
    return files


def main() -> int:
    """Exit code 0 when the dashboard is in, 2 when something is missing, 1 when Superset refuses it."""
    uri = os.environ.get("OTKLIK_SUPERSET_URI")
    if not uri:
        print("OTKLIK_SUPERSET_URI must say where the marts are (docs/bi.md).", file=sys.stderr)
        return 2
    account = sys.argv[1] if len(sys.argv) > 1 else "admin"
    with create_app().app_context():
        # Superset's modules look for the application while they are imported.
        from superset import security_manager
        from superset.commands.exceptions import CommandInvalidError
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        user = security_manager.find_user(username=account)
        if user is None:
            print(f"No account {account!r}: `superset fab create-admin` makes one.", file=sys.stderr)
            return 2
        try:
            with override_user(user):
                ImportAssetsCommand(contents(uri)).run()
        except CommandInvalidError as error:
            print(f"{error}: {error.normalized_messages()}", file=sys.stderr)
            return 1
    print("The dashboard stands at /superset/dashboard/otklik/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
