"""`dfly-tui config init|check|path`: write an example, say what would be used, say where the file is."""

import argparse
import sys

from dfly_tui.cli.exit_codes import ExitCode
from dfly_tui.cli.read import settings_from
from dfly_tui.errors import ConfigError
from dfly_tui.secrets import PasswordSource
from dfly_tui.settings import InstanceConfig
from dfly_tui.settings_load import config_path
from dfly_tui.settings_save import write_config
from dfly_tui.text import safe

EXAMPLE = """\
# dfly-tui: the instances to look at. `dfly-tui config check` says whether this file is understood.
# What is commented out shows the default or an example. All keys: docs/configuration.md.

[defaults]
# refresh_seconds = 1.0         # time between two reads of an instance, 0.2 to 3600
# timeout_seconds = 2.0         # how long a server may take to answer
# theme = "dfly-dark"
# low_bandwidth = false         # paint less, for slow connections
# read_only = false             # allow no changes at all
# unlock_minutes = 10.0         # how long a production instance stays unlocked

# [defaults.thresholds]         # when a number becomes a warning or critical
# memory_warning = 0.8          # of maxmemory
# memory_critical = 0.92
# snapshot_age_warning_seconds = 93600.0
# snapshot_age_critical_seconds = 180000.0
# lag_warning_seconds = 5.0
# lag_critical_seconds = 30.0
# clients_warning = 0.8         # of maxclients
# primary_silent_seconds = 30.0
# just_started_seconds = 600.0

# [failover]                    # how careful a change of roles is: docs/failover.md
# max_lag_seconds = 1.0         # a candidate further behind is not promoted
# takeover_seconds = 10         # how long the primary may take to hand over
# pause_writes = false
# snapshot_first = false
# canary = false                # write and delete a key dfly-tui:canary:… on the new primary
# hook_after = "/usr/local/bin/move-alias"   # told who leads now by DFLY_NEW_PRIMARY, DFLY_NEW_ADDRESS

# [keys]                        # how databases are looked into: docs/keys.md
# delimiter = ":"               # what stands between namespaces in a name
# pace = "normal"               # gentle, normal or fast

# [[views]]                     # keys of a kind as rows: docs/configuration.md
# name = "Locks"
# patterns = ["lock:{what}"]    # a placeholder is one part between delimiters
# columns = ["what", "field:owner as held by", "since:taken_at", "ttl"]
# sort = "TTL"

# [[instances]]
# name = "workhorse"
# url = "redis://workhorse:6379"            # rediss:// for TLS, with ca_file, cert_file, key_file
# username = "default"
# password_command = "op read op://homelab/dragonfly/password"
# group = "main"                            # instances that replicate each other
# role = "primary"                          # intended; anything else is an alarm
# environment = "production"                # production (opens read-only), staging or lab
# docker = { host = "unix:///var/run/docker.sock", container = "dragonfly" }

# [[instances]]
# name = "nas"
# url = "redis://nas:6379"
# password_env = "DRAGONFLY_REPLICA_PASSWORD"   # or password_file, password_keyring, password_prompt = true
# group = "main"
# role = "replica"
# replica_of = "workhorse"
# replication_address = "10.0.0.2:6379"     # where the others reach it, if not at the url
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program's."""
    parser = subparsers.add_parser("config", help="write, check or find the configuration file")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    init = actions.add_parser("init", help="write a commented example (0600)")
    init.add_argument("--force", action="store_true", help="overwrite the file that is there")
    actions.add_parser("check", help="read everything and say what would be used; exit code 0 or 2")
    actions.add_parser("path", help="print where the file is looked for")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for; a wrong configuration is a ConfigError."""
    return {"init": _init, "check": _check, "path": _path}[args.action](args)


def _path(args: argparse.Namespace) -> int:
    print(config_path(args.config, args.environ))
    return ExitCode.DONE


def _init(args: argparse.Namespace) -> int:
    path = config_path(args.config, args.environ)
    if path.exists() and not args.force:
        raise ConfigError(f"{path} is there already", "dfly-tui config init --force overwrites it")
    write_config(path, EXAMPLE)
    print(path)
    print("edit it, then run: dfly-tui config check", file=sys.stderr)
    return ExitCode.DONE


def _check(args: argparse.Namespace) -> int:
    settings = settings_from(args, args.environ, instances=False)
    path = config_path(args.config, args.environ)
    print(f"file: {path}{'' if path.exists() else ' (not there)'}")
    for instance in settings.instances:
        print(f"\n{instance.name}")
        for word, value in _facts(instance, args).items():
            if value:
                print(f"  {word:<12} {safe(value)}")
    if not settings.instances:
        print("no instances", file=sys.stderr)
    return ExitCode.DONE


def _facts(instance: InstanceConfig, args: argparse.Namespace) -> dict[str, str | None]:
    password = PasswordSource(instance, environ=args.environ).kind
    if instance.password_env is not None and not args.environ.get(instance.password_env):
        password += " (not set)"
    docker, role = instance.docker, instance.role
    return {
        "url": instance.url,
        "user": instance.username,
        "password": password,
        "environment": instance.environment,
        "group": instance.group,
        "role": f"{role} of {instance.replica_of}" if role and instance.replica_of else role,
        "metrics": instance.http_url,
        "docker": f"{docker.container} at {docker.host}" if docker else None,
    }
