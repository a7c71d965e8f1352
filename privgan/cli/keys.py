"""Define the commands about keys: create, rotate, revoke, list, show.

And the options by which other commands take keys.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from privgan.cli.options import PATH, json_option, print_json, stacked

if TYPE_CHECKING:
    from privgan.release.signing.keys import SigningKey
    from privgan.release.signing.trust import Trust

PASSPHRASE = "PRIVGAN_KEY_PASSPHRASE"
_REASONS = ("compromised", "superseded", "retired")

trust_options = stacked(
    click.option(
        "--key",
        "key_names",
        multiple=True,
        metavar="PUB",
        help="A public key that may sign; may be given more than once.",
    ),
    click.option(
        "--rotation",
        "rotations",
        multiple=True,
        type=PATH,
        help="A statement by which a --key names its successor.",
    ),
    click.option(
        "--revoked",
        "lists",
        multiple=True,
        type=PATH,
        help="A revocation list that a --key signed.",
    ),
)
signing_option = click.option(
    "--key",
    "key_name",
    metavar="KEY",
    help="Private key that signs the manifest: a file, or a name.",
)
_out_option = click.option(
    "--out", type=PATH, help="Folder of the key files [default: $PRIVGAN_KEYS, or the user's data]."
)
_passphrase_option = click.option(
    "--passphrase",
    is_flag=True,
    help=f"Encrypt the private file; the passphrase is asked for, or taken from ${PASSPHRASE}.",
)


@click.group()
def keys() -> None:
    """Make and retire the keys that sign releases (Ed25519), or that releases are encrypted to \
(age).

    Private files have mode 0600; whoever has one can sign, or decrypt. Keep a copy in a safe place.
    """  # noqa: D205


@keys.command()
@click.argument("name")
@_out_option
@_passphrase_option
@click.option(
    "--encryption",
    is_flag=True,
    help="Keys to encrypt to and decrypt with (age), in place of keys to sign with.",
)
@json_option
def create(name: str, out: Path | None, passphrase: bool, encryption: bool, as_json: bool) -> None:
    """Make a pair of keys called NAME: a private and a public file.

    \b
    Example:
      privgan keys create acme --out keys
    """
    from privgan.release.signing.keys import create_keys, keys_folder, load_public_key

    folder = out or keys_folder()
    if encryption:
        from privgan.release.encryption import create_encryption_keys

        if passphrase:
            raise click.UsageError(
                "--passphrase is for signing keys; an identity of age is protected by its mode"
                " alone"
            )
        private, public = create_encryption_keys(folder, name)
        identity = public.read_text(encoding="ascii").strip()
    else:
        private, public = create_keys(folder, name, _new_passphrase(asked=passphrase))
        identity = load_public_key(public).id
    if as_json:
        print_json({"key": identity, "private": str(private), "public": str(public)})
        return
    click.echo(f"key:     {identity}")
    click.echo(f"private: {private} (keep it; mode 0600)")
    click.echo(
        f"public:  {public} (give it to whoever"
        f" {'encrypts for you' if encryption else 'verifies your releases'})"
    )


@keys.command()
@click.argument("old")
@click.argument("name")
@_out_option
@_passphrase_option
@json_option
def rotate(old: str, name: str, out: Path | None, passphrase: bool, as_json: bool) -> None:
    """Make a new signing key called NAME, and let the OLD private key name it as its successor.

    Writes NAME.key, NAME.pub and NAME.rotation.json. Whoever believes the old key believes the new
    one with 'privgan verify --key OLD.pub --rotation NAME.rotation.json'. The old key stays valid
    until 'privgan keys revoke OLD.pub --by NEW.key --reason superseded --successor
    NAME.rotation.json --keep RELEASE ...'; then destroy OLD.key.

    \b
    Example:
      privgan keys rotate keys/acme.key acme-2027 --out keys
    """
    from privgan.errors import UsageError
    from privgan.files.atomic import write_new_file
    from privgan.release.signing.keys import create_keys, keys_folder, load_public_key
    from privgan.release.signing.statements import make_rotation

    signer, folder = signing_key(old), out or keys_folder()
    statement = folder / f"{name}.rotation.json"
    if os.path.lexists(statement):
        raise UsageError(f"{statement}: is there already; choose another name")
    private, public = create_keys(folder, name, _new_passphrase(asked=passphrase))
    new = load_public_key(public)
    write_new_file(statement, make_rotation(signer, new, dt.datetime.now(dt.UTC).date()))
    if as_json:
        print_json(
            {
                "old": signer.public.id,
                "key": new.id,
                "private": str(private),
                "public": str(public),
                "rotation": str(statement),
            }
        )
        return
    click.echo(f"key:      {new.id}, named as its successor by {signer.public.id}")
    click.echo(f"private:  {private} (keep it; mode 0600)")
    click.echo(f"public:   {public}")
    click.echo(
        f"rotation: {statement} (give it, with the public key, to whoever verifies your releases)"
    )


@keys.command()
@click.argument("key")
@click.option("--by", "issuer", required=True, metavar="KEY", help="Private key that signs it.")
@click.option(
    "--reason",
    type=click.Choice(_REASONS),
    default="compromised",
    show_default=True,
    help="Why, as one of three.",
)
@click.option("--why", required=True, help="Why, in a sentence; printed where the key is met.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The key's last day, today or before [default: today].",
)
@click.option(
    "--keep",
    "kept",
    multiple=True,
    type=PATH,
    metavar="RELEASE",
    help="A release, zip or manifest.json that it signed, to stay valid; may be repeated.",
)
@click.option("--successor", help="Of a superseded key: the public key, or the rotation, it named.")
@click.option(
    "--list", "path", type=PATH, required=True, help="The revocation list; made, or added to."
)
@json_option
def revoke(
    key: str,
    issuer: str,
    reason: str,
    why: str,
    since: dt.datetime | None,
    kept: tuple[Path, ...],
    successor: str | None,
    path: Path,
    as_json: bool,
) -> None:
    """Put a public KEY on a revocation list, and sign the list as a whole.

    Nothing that the key signed is believed any more, whatever day it states, but for what is given
    with --keep and --successor; a compromised key keeps nothing. Destroy the private half of a key
    that you retire. The list counts where whoever verifies believes its issuer: 'privgan verify DIR
    --key OFFICER.pub --revoked LIST'. An issuer that is revoked itself keeps nothing.

    \b
    Example:
      privgan keys revoke keys/acme.pub --by keys/officer.key --why "laptop stolen" --list
      revoked.json privgan keys revoke acme --by officer --reason superseded --why "new year" --keep
      out/release
        --successor keys/acme-2027.rotation.json --list revoked.json
    """
    from privgan.release.signing.ending import ended, make_or_extend
    from privgan.release.signing.keys import PUBLIC_SUFFIX, find_key, load_public_key
    from privgan.release.signing.revocation import Reason

    entry = ended(
        load_public_key(find_key(key, PUBLIC_SUFFIX)),
        Reason(reason),
        why=why,
        since=since.date() if since else None,
        kept=kept,
        successor=find_key(successor, PUBLIC_SUFFIX) if successor else None,
    )
    signer = signing_key(issuer)
    entries = make_or_extend(path, signer, entry)
    if as_json:
        told = {"revoked": entry.key, "reason": reason, "since": entry.since.isoformat()}
        kept_too = {"kept": list(entry.kept), "successor": entry.successor or None}
        print_json({**told, **kept_too, "list": str(path), "entries": entries})
        return
    click.echo(f"key {entry.key} {entry}")
    click.echo(f"kept: {len(entry.kept)} manifests, successor {entry.successor or 'none'}")
    click.echo(f"list: {path}, {entries} entries, signed by {signer.public.id}")


@keys.command(name="list")
@click.option(
    "--dir",
    "folder",
    type=PATH,
    help="Folder of the keys [default: $PRIVGAN_KEYS, else the user's data folder].",
)
@json_option
def list_keys(folder: Path | None, as_json: bool) -> None:
    """List the signing keys of a folder.

    \b
    Example:
      privgan keys list --dir keys
    """
    from privgan.release.signing.keys import PRIVATE_SUFFIX, keys_folder, public_keys_in

    place = folder or keys_folder()
    found = [
        {"name": name, "key": key.id, "private": (place / f"{name}{PRIVATE_SUFFIX}").exists()}
        for name, key in public_keys_in(place).items()
    ]
    if as_json:
        print_json(found)
        return
    for row in found:
        click.echo(
            f"{row['name']:<20} {row['key']} "
            f" {'private half here' if row['private'] else 'public half only'}"
        )
    if not found:
        click.echo(f"{place}: holds no signing key; 'privgan keys create NAME' makes one")


@keys.command()
@click.argument("key")
@json_option
def show(key: str, as_json: bool) -> None:
    """Print the id of a public KEY: the SHA-256 of its DER, to be compared over another channel.

    \b
    Example:
      privgan keys show keys/acme.pub
    """
    from privgan.release.signing.keys import PUBLIC_SUFFIX, find_key, load_public_key

    path = find_key(key, PUBLIC_SUFFIX)
    public = load_public_key(path)
    if as_json:
        print_json({"key": public.id, "algorithm": "Ed25519", "file": str(path)})
    else:
        click.echo(f"key: {public.id} (Ed25519)")


def signing_key(text: str) -> SigningKey:
    """Read a private key by its file or its name.

    The passphrase comes from the environment, else it is asked for.
    """
    from privgan.release.signing.keys import PRIVATE_SUFFIX, find_key, load_signing_key

    return load_signing_key(find_key(text, PRIVATE_SUFFIX), _known_passphrase)


def trust_of(
    key_names: tuple[str, ...], rotations: tuple[Path, ...], lists: tuple[Path, ...]
) -> Trust:
    """The trusted keys that the options of ``trust_options`` name."""
    from privgan.release.signing.keys import PUBLIC_SUFFIX, find_key, load_public_key
    from privgan.release.signing.statements import read_revocations, read_rotation
    from privgan.release.signing.trust import make_trust

    return make_trust(
        [load_public_key(find_key(name, PUBLIC_SUFFIX)) for name in key_names],
        [read_rotation(path) for path in rotations],
        [read_revocations(path) for path in lists],
    )


def _known_passphrase() -> bytes | None:
    given = os.environ.get(PASSPHRASE)
    if given:
        return given.encode()
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"the private key is encrypted; give its passphrase in ${PASSPHRASE}"
        )
    asked: str = click.prompt("passphrase of the private key", hide_input=True, err=True)
    return asked.encode()


def _new_passphrase(*, asked: bool) -> bytes | None:
    given = os.environ.get(PASSPHRASE)
    if given or not asked:
        return given.encode() if given else None
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"--passphrase asks for one on a terminal; without one give it in ${PASSPHRASE}"
        )
    text: str = click.prompt("new passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return text.encode()
