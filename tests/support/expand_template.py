"""Prints template.yaml as the SAM CLI expands it: run by the Python of its environment.

Arguments: the template's file, and the parameters' values as a JSON object.
"""

import json
import sys
from pathlib import Path

from samcli.commands.validate.lib.exceptions import InvalidSamDocumentException  # type: ignore[import-not-found]
from samcli.lib.cfn_language_extensions.sam_integration import expand_language_extensions  # type: ignore[import-not-found]
from samcli.yamlhelper import yaml_parse  # type: ignore[import-not-found]

template = yaml_parse(Path(sys.argv[1]).read_text())
parameters = json.loads(sys.argv[2])
try:
    expanded = expand_language_extensions(template, parameters, enabled=True).expanded_template
except InvalidSamDocumentException as error:
    sys.exit(str(error))
print(json.dumps(expanded))
