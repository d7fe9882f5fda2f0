from pathlib import Path

from tools.local.lambda_base_image import image_tags, linked_libraries


def test_the_image_has_the_names_that_the_sam_cli_asks_for() -> None:
    assert image_tags("x86_64") == (
        "public.ecr.aws/lambda/python:3.13",
        "public.ecr.aws/lambda/python:3.13-x86_64",
    )
    assert image_tags("aarch64")[1] == "public.ecr.aws/lambda/python:3.13-arm64"


def test_libraries_are_read_from_ldd() -> None:
    output = """
/var/lang/bin/python3:
	linux-vdso.so.1 (0x00007fe041dde000)
	libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007fe041600000)
	libtk8.6.so => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007fe041de0000)
/var/lang/lib/_ssl.so:
	libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f0041600000)
"""
    assert linked_libraries(output) == {Path("/lib/x86_64-linux-gnu/libssl.so.3")}
