"""Reads the files of AWS that it is given as botocore does, for a comparison with ours.

Each line of standard input is a file's content in base64. Each line of the answer is what botocore makes of it: null
when it refuses the file, else its sections and its profiles.
"""

import base64
import json
import os
import sys
import tempfile

from botocore.configloader import build_profile_map, raw_config_parse
from botocore.exceptions import ConfigParseError


def read(path):
    try:
        sections = raw_config_parse(path)
    except ConfigParseError:
        return None
    return {"sections": sections, "profiles": build_profile_map(sections)["profiles"]}


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "config")
    for line in sys.stdin:
        with open(path, "wb") as file:
            file.write(base64.b64decode(line))
        print(json.dumps(read(path)))
