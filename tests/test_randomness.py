"""No coin without its stream: the source is searched for every way to draw from a generator that anybody could seed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from privgan.privacy.randomness import RepeatableStream, SecretStream

PACKAGE = Path(__file__).parents[1] / "privgan"
FILES = sorted(PACKAGE.rglob("*.py"))
TORCH_DRAWS = {"rand", "randn", "randint", "randperm", "multinomial", "bernoulli", "normal", "rand_like", "randn_like", "poisson"}
IN_PLACE = {"normal_", "uniform_", "bernoulli_", "random_", "exponential_", "log_normal_", "geometric_", "cauchy_"}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _dotted(node: ast.AST) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([*([node.id] if isinstance(node, ast.Name) else []), *reversed(parts)])


def _offences(source: str) -> Iterator[str]:
    """Draws from numpy's, torch's or Python's global generator, and generators without a seed."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            yield "imports random"
        if isinstance(node, ast.ImportFrom) and node.module in {"random", "numpy.random"}:
            yield f"imports from {node.module}"
        if not isinstance(node, ast.Call):
            continue
        called = _dotted(node.func)
        keywords = {keyword.arg for keyword in node.keywords}
        if called.startswith(("np.random.", "numpy.random.")):
            if called.rsplit(".", 1)[1] not in {"default_rng", "Generator", "SeedSequence", "PCG64", "RandomState"}:
                yield called
            elif called.endswith(("default_rng", "RandomState")) and not node.args and not node.keywords:
                yield f"{called} without a seed"
        if called.startswith("torch.") and called.split(".")[1] in TORCH_DRAWS and "generator" not in keywords:
            yield called
        if isinstance(node.func, ast.Attribute) and node.func.attr in IN_PLACE and "generator" not in keywords:
            yield node.func.attr


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nx = np.random.normal(size=3)",
        "import numpy as np\nrng = np.random.default_rng()",
        "import torch\ntorch.randn(3)",
        "import torch\ntorch.empty(3).normal_()",
        "import random",
        "from numpy.random import default_rng",
    ],
)
def test_the_search_finds_each_way(source: str) -> None:
    assert list(_offences(source))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_draws_from_a_global_generator(path: Path) -> None:
    assert list(_offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_prints_or_runs_text(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"print", "eval", "exec", "input", "breakpoint"}


def test_repeatable_coins_are_made_by_no_module_of_ours() -> None:
    """A test stream that a user could reach would be a guarantee that a user could lose."""
    users = {_name(path) for path in FILES if "RepeatableStream" in path.read_text(encoding="utf-8")}
    assert users == {"privacy/randomness.py"}


def test_nothing_imports_or_calls_anything_that_unpickles() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert _dotted(node.func) not in {"torch.load", "np.load", "numpy.load", "pd.read_pickle"}, _name(path)
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), _name(path)
                assert node.value.value is False, _name(path)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plan", "--help"], ["--version"]], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from privgan.cli.main import execute\n"
        f"assert execute({arguments!r}) == 0\n"
        "print('HEAVY', sorted({'torch', 'opacus', 'sdmetrics', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "HEAVY []"


# --- the stream itself --------------------------------------------------------------------------------------------


def test_two_streams_share_nothing() -> None:
    one, two = SecretStream(), SecretStream()
    assert not set(one.words(2_000).tolist()) & set(two.words(2_000).tolist())


def test_a_stream_never_gives_the_same_words_again() -> None:
    stream = SecretStream()
    words = np.concatenate([stream.words(count) for count in (1, 2, 3, 1_000, 5)])
    assert len(np.unique(words)) == len(words)


def test_the_keystream_is_chacha20() -> None:
    """RFC 8439: section 2.3.2 (key 00…1f) for the library, appendix A.1 test vector 1 (all zero) for our stream."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

    nonce = (1).to_bytes(4, "little") + bytes.fromhex("000000090000004a00000000")
    block = Cipher(ChaCha20(bytes(range(32)), nonce), mode=None).encryptor().update(bytes(64))
    assert block[:16].hex() == "10f1e7e4d13b5915500fdd1fa32071c4"
    ours = RepeatableStream(0)
    ours._start(bytes(32))
    assert ours.words(2).tobytes().hex() == "76b8e0ada0f13d90405d6ae55386bd28"


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_impossible_probabilities_are_refused(probability: float) -> None:
    with pytest.raises(ValueError, match="must be in 0 to 1"):
        SecretStream().bernoulli(probability, 3)


def test_uniform_numbers_are_never_an_end_of_their_interval() -> None:
    class Ends(SecretStream):
        def words(self, count: int) -> np.ndarray:
            return np.resize(np.array([0, 2**64 - 1], dtype=np.uint64), count)

    ends = Ends().uniform(2)
    assert 0 < ends[0] < 1e-15
    assert 1 - 1e-15 < ends[1] < 1
    assert np.isfinite(Ends().normal(7)).all()
    assert len(SecretStream().normal(7)) == 7
