"""The public names: few, documented, and light to import."""

import subprocess
import sys

import privgan


def test_names_are_sorted_few_and_documented() -> None:
    assert list(privgan.__all__) == sorted(privgan.__all__)
    assert len(privgan.__all__) <= 20
    for name in privgan.__all__:
        assert getattr(privgan, name).__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(privgan, "no_such_name")


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, privgan; print(sorted({'torch', 'pandas', 'numpy', 'sdmetrics', 'opacus',"
        " 'matplotlib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
