"""Containers that docker compose made, and the files it made them from, with a schedule on the command line."""

from dfly_tui.models.container import ContainerInfo

HOURLY = "0 * * * *"
LOCAL = "unix:///var/run/docker.sock"


def container(*command: str, files: tuple[str, ...] = ()) -> ContainerInfo:
    return ContainerInfo(
        name="alpha", id="1", image="dragonfly", state="running", restart_policy="always", restarts=0,
        command=command, compose_files=files,
    )  # fmt: skip


COMPOSE = {
    "list": "    command:\n      - dragonfly\n      - --snapshot_cron=0 2 * * *\n      - --dir=/data\n",
    "quoted": '    command:\n      - "--snapshot_cron=0 2 * * *"\n',
    "flow": '    command: ["dragonfly", "--snapshot_cron=0 2 * * *", "--dir=/data"]\n',
    "variable": "    command:\n      - --snapshot_cron=${CRON}\n",
    "default": "    command:\n      - --snapshot_cron=${CRON:-0 2 * * *}\n",
}
