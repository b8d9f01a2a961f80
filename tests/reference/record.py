"""Recorder of the JAX reference values in this directory.

The tests read only the JSON files next to this script; neither Python nor JAX
is needed to run them.  Run this script only to regenerate those files:

    python3 -m venv jaxenv
    jaxenv/bin/python -m pip install jax==0.10.2 jaxlib==0.10.2 numpy scipy
    jaxenv/bin/python tests/reference/record.py [OUT_DIR]

What is recorded of which operation, and what it is called here and in JAX,
says operations.json, which the tests read too.  A new operation gets a line
there.  The recorders in this directory's recorders/ have the inputs.

OUT_DIR defaults to this script's directory.  The files in the repository were
recorded with jax 0.10.2 on the CPU backend.  Two runs on one machine give
identical bytes; another CPU or jaxlib may move transcendental results by an
ulp or so.

Everything is computed in JAX's default configuration (x64 off), except what
involves float64, which is computed with jax_enable_x64 on.  Every dtype is
explicit, and record_random checks that the 32-bit random streams do not depend
on that flag.

Encoding
  array   {"dtype", "shape", "data"}: data is flat, row-major; bool data are 0/1;
          uint64 data are decimal strings; scalars have shape [].
  number  a float32 is written as the exact double it equals, so JSON.parse gives
          the float32 value itself; a float64 as its shortest round-trip form.
          -0.0 is written as such; non-finite values are the strings "NaN",
          "Infinity", "-Infinity".  A derivative on which JAX's own forward and
          reverse modes disagree is null.
"""

import json
import os
import sys

import jax

jax.config.update("jax_platforms", "cpu")

from recorders.common import x64
from recorders.derivatives import record_derivatives
from recorders.draws import record_random, record_uniform
from recorders.elementwise import record_elementwise, record_limits
from recorders.points import record_special_points
from recorders.special_programs import record_special_programs
from recorders.structure import record_arrays, record_structure


def write(path, body):
    body = {"jax": jax.__version__, **body}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")
    print(os.path.basename(path), len(text) + 1)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    out = sys.argv[1] if len(sys.argv) > 1 else here
    # Fail loudly if the environment changed a default.
    assert jax.config.jax_threefry_partitionable is True
    assert jax.config.jax_enable_x64 is False
    assert jax.config.jax_default_prng_impl == "threefry2x32"
    write(os.path.join(out, "random.json"), record_random())
    write(os.path.join(out, "elementwise.json"), record_elementwise())
    write(os.path.join(out, "structure.json"), record_structure())
    write(os.path.join(out, "arrays.json"), record_arrays())
    with x64(True):
        write(os.path.join(out, "derivatives.json"), record_derivatives())
        write(os.path.join(out, "special_points.json"), record_special_points())
        write(os.path.join(out, "special_programs.json"), record_special_programs())
        uniform = record_uniform()
    write(os.path.join(out, "limits.json"), {"uniform": uniform, "limits": record_limits()})


if __name__ == "__main__":
    main()
