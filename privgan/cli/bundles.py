"""Commands about finished releases: verify, sign, pack, encrypt, decrypt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privgan.cli.keys import signing_key, trust_of, trust_options
from privgan.cli.options import PATH, exit_with, json_option, print_json

if TYPE_CHECKING:
    from privgan.release.manifest import Manifest
    from privgan.release.verification.verify import Verification

_EXPECTED_POLICY = click.option(
    "--policy",
    "policy_name",
    help="The policy that it must have been judged by: a shipped policy's name, or a policy file.",
)

zip_option = click.option(
    "--zip", "as_zip", is_flag=True, help="Write release.zip beside the release too."
)


@click.command()
@click.argument("folder", type=PATH)
@trust_options
@_EXPECTED_POLICY
@json_option
def verify(
    folder: Path,
    key_names: tuple[str, ...],
    rotations: tuple[Path, ...],
    lists: tuple[Path, ...],
    policy_name: str | None,
    as_json: bool,
) -> None:
    """Check a release offline, without the private table. FOLDER may also be its .zip.

    Every hash, the manifest's form, its claim against its accounting, policy, schema, model and
    expiry. Without --key integrity alone is shown, and whoever can rewrite all files can lie; with
    --key, one of these keys must have signed.

    \b
    Example:
      privgan verify out/release
      privgan verify out/release --key keys/acme.pub --revoked revoked.json
    """
    from privgan.pipeline.folders import release_folder
    from privgan.policy.policy_file import load_policy
    from privgan.release.pack import verify_packed
    from privgan.release.verification.verify import verify_release

    trust = trust_of(key_names, rotations, lists)
    policy = load_policy(policy_name) if policy_name else None
    check = verify_packed if folder.is_file() else verify_release
    path = folder if folder.is_file() else release_folder(folder)
    found = check(path, trust=trust, policy=policy)
    # What was asked for may fail although every byte is as it was made: that is no tampering, and
    # is not told as one.
    intact = found.ok or ((key_names or policy_name is not None) and check(path).ok)
    if as_json:
        print_json(found.to_json() | {"intact": bool(intact)})
    else:
        _tell(found, intact=bool(intact))
    exit_with(0 if found.ok else 1)


def _tell(found: Verification, *, intact: bool) -> None:
    for problem in found.problems:
        click.echo(problem)
    for note in found.notes:
        click.echo(f"note: {note}")
    for signer in found.signers:
        click.echo(
            f"{'signed' if signer.believed else 'signer unknown'}: key {signer.key},"
            f" {signer.signed.isoformat()}"
        )
    asked = "" if found.ok or not intact else ", but NOT what was asked for"
    click.echo(f"{'intact' if intact else 'NOT INTACT'}{asked}, {found.signature}")


def check_intact(release: Path) -> Manifest:
    """Return the manifest of an intact release.

    Ends the command with code 1, and all that is wrong, where it is not intact.
    """
    from privgan.release.verification.verify import verify_release

    found = verify_release(release)
    if not found.ok:
        for problem in found.problems:
            click.echo(problem, err=True)
        click.echo("NOT INTACT: what this release says about itself cannot be relied on", err=True)
        exit_with(1)
    return found.stated


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--key",
    "key_name",
    required=True,
    metavar="KEY",
    help="The signer's private key: a file, or its name.",
)
@json_option
def sign(folder: Path, key_name: str, as_json: bool) -> None:
    """Sign a release that was written before, beside the signatures that it bears.

    It must be intact.

    \b
    Example:
      privgan sign out/release --key keys/officer.key
    """
    from privgan.pipeline.folders import release_folder
    from privgan.release.signing.sign import sign_release
    from privgan.release.signing.signature import SIGNATURE_NAME

    release = release_folder(folder)
    added = sign_release(release, signing_key(key_name))
    packed = release.with_name(f"{release.name}.zip")
    if packed.exists():
        click.echo(f"{packed}: does not hold this signature; remove it and pack again", err=True)
    if as_json:
        print_json(
            {
                "signature": str(release / SIGNATURE_NAME),
                "key": added.key.id,
                "signed": added.signed.isoformat(),
            }
        )
    else:
        click.echo(f"{release / SIGNATURE_NAME}: signed by key {added.key.id}")


@click.command()
@click.argument("folder", type=PATH)
@click.option("--out", type=PATH, help="The zip file to make [default: FOLDER.zip].")
@json_option
def pack(folder: Path, out: Path | None, as_json: bool) -> None:
    """Write an intact release as one zip file; 'privgan verify FILE.zip' checks it.

    \b
    Example:
      privgan pack out/release --out release.zip
    """
    from privgan.pipeline.folders import release_folder

    target = zipped(release_folder(folder), out)
    if as_json:
        print_json({"zip": str(target), "bytes": target.stat().st_size})
    else:
        click.echo(f"{target}: {target.stat().st_size:,} bytes")


def check_no_zip(out: Path, *, asked: bool) -> None:
    """Check that the requested zip file does not exist yet."""
    from privgan.errors import ReleaseExistsError

    path = out / "release.zip"
    if asked and os.path.lexists(path):
        raise ReleaseExistsError(f"{path}: is there already; choose another --out")


def zipped(release: Path, target: Path | None = None) -> Path:
    """Pack a release, by default beside it."""
    from privgan.release.pack import pack_release

    return pack_release(release, target or release.with_name(f"{release.name}.zip"))


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--to", "recipients", multiple=True, required=True, help="An age1… key, or a file of such keys."
)
@click.option(
    "--out", type=PATH, required=True, help="The file to make; such files usually end in .age."
)
@json_option
def encrypt(folder: Path, recipients: tuple[str, ...], out: Path, as_json: bool) -> None:
    """Write an intact release as a zip file that only the named recipients can open (age).

    The clear release is not deleted: it stays where it is.

    \b
    Example:
      privgan encrypt out/release --to partner.age-pub --out release.zip.age
    """
    from privgan.pipeline.folders import release_folder
    from privgan.release.encryption import encrypt_release, recipients_of

    release, known = release_folder(folder), recipients_of(recipients)
    target = encrypt_release(release, known, out)
    if as_json:
        print_json({"file": str(target), "recipients": known, "clear": str(release)})
    else:
        click.echo(
            f"{target}: for {len(known)} recipient{'s' if len(known) > 1 else ''}; the clear"
            f" release stays in {release}"
        )


@click.command()
@click.argument("file", type=PATH)
@click.option(
    "--identity",
    type=PATH,
    required=True,
    help="The recipient's identity file (AGE-SECRET-KEY-1…), mode 0600.",
)
@click.option("--out", type=PATH, required=True, help="Folder for the release.")
@trust_options
@_EXPECTED_POLICY
@json_option
def decrypt(
    file: Path,
    identity: Path,
    out: Path,
    key_names: tuple[str, ...],
    rotations: tuple[Path, ...],
    lists: tuple[Path, ...],
    policy_name: str | None,
    as_json: bool,
) -> None:
    """Decrypt a release and keep it only if it verifies, as 'privgan verify' would.

    \b
    Example:
      privgan decrypt release.zip.age --identity partner.age-key --out release --key keys/acme.pub
    """
    from privgan.policy.policy_file import load_policy
    from privgan.release.encryption import decrypt_release

    trust = trust_of(key_names, rotations, lists)
    found = decrypt_release(
        file, identity, out, trust=trust, policy=load_policy(policy_name) if policy_name else None
    )
    if as_json:
        print_json({"release": str(out), **found.to_json()})
    else:
        _tell(found, intact=found.ok)
        click.echo(f"release: {out}")
