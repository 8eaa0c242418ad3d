"""`python3 images/build COMMAND`: builds the images. The code is in the package beside this file."""

import runpy

runpy.run_module("image_build", run_name="__main__", alter_sys=True)
