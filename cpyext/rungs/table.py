"""Tells shell scripts what rungs.toml says.

    table.py names              the rungs, one a line
    table.py get RUNG FIELD     a field: of a list one item a line, of a table one key a line
    table.py get RUNG FIELD KEY a value of a table, empty if there is none
    table.py list RUNG FIELD    of a table of lists, KEY:ITEM,ITEM... in one line
    table.py json RUNG FIELD    a field as JSON, null if there is none
"""

import json
import pathlib
import sys
import tomllib


def rungs():
    """The rungs by name, in the ladder's order."""
    text = pathlib.Path(__file__).with_name("rungs.toml").read_text()
    return {rung["name"]: rung for rung in tomllib.loads(text)["rung"]}


def main():
    table = rungs()
    match sys.argv[1:]:
        case ["names"]:
            print("\n".join(table))
        case ["get", name, field]:
            if name not in table:
                sys.exit(f"no rung {name} in rungs.toml; there are: {' '.join(table)}")
            value = table[name].get(field, [])
            print("\n".join(value) if isinstance(value, (list, dict)) else value)
        case ["get", name, field, key]:
            print(table[name].get(field, {}).get(key, ""))
        case ["list", name, field]:
            print(" ".join(f"{key}:{','.join(items)}" for key, items in table[name].get(field, {}).items()))
        case ["json", name, field]:
            print(json.dumps(table[name].get(field)))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
