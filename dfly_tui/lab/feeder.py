"""The primary's side of replication: the journal, and what is sent to each replica."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dfly_tui.lab.link import change_words, message
from dfly_tui.lab.state import State

if TYPE_CHECKING:
    from dfly_tui.lab.server import LabServer
    from dfly_tui.lab.session import Session

BACKLOG = 8192
"""Records per shard that v1.40 keeps for partial syncs."""
BATCH = 200
"""Keys of a full sync sent at a time."""
POLL_SECONDS = 0.02


@dataclass
class Peer:
    """One replica.

    Attributes:
        state: `preparation`, `full_sync` or `online`.
        acked: Per shard, the last record it has confirmed.
    """

    session: "Session"
    sync_id: int
    state: str
    acked: list[int]

    @property
    def ip(self) -> str:
        return self.session.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        return self.session.listening_port


class Feeder:
    """Keeps the journal and feeds the replicas.

    Attributes:
        lsn: Per shard, the number of the last journal record; zeros while nobody has ever listened.
        peers: By the id of their connection.
        partial_syncs: How many replicas could continue where they had been.
    """

    def __init__(self, server: "LabServer") -> None:
        self._server = server
        self.lsn = [0] * server.options.shards
        self.peers: dict[int, Peer] = {}
        self.partial_syncs = 0
        self._journaling = False
        self._backlog: list[deque[tuple[int, bytes]]] = [deque(maxlen=BACKLOG) for _ in self.lsn]
        self._former: tuple[str, list[int]] | None = None
        self._sync_ids = 0
        server.keyspace.on_change = self._record

    def _record(self, db: int, key: bytes | None) -> None:
        self._server.saver.changes += 1
        if not self._journaling or self._server.follower is not None:
            return
        shard = 0 if key is None else self._server.keyspace.shard_of(key)
        self.lsn[shard] += 1
        words = change_words(self._server.keyspace.change(db, key))
        data = message("record", shard, self.lsn[shard], *words)
        if self._server.flavour.is_new:
            self._backlog[shard].append((self.lsn[shard], data))
        for peer in self.peers.values():
            if peer.state != "preparation":
                peer.session.send_raw(data)

    def _start_journal(self) -> None:
        if not self._journaling:
            self._journaling = True
            self.lsn = [max(1, lsn) for lsn in self.lsn]

    def continue_from(self, replid: str, executed: list[int]) -> None:
        """We were a replica and are promoted: siblings that know our former primary may go on from here."""
        self._former = replid, list(executed)
        if len(executed) == len(self.lsn):
            self.lsn = list(executed)
            self._start_journal()

    def welcome(self, session: "Session", replid: str, executed: list[int]) -> None:
        """A replica wants to be fed from where it is; or from the start."""
        self._sync_ids += 1
        self._start_journal()
        session.replica = self._sync_ids
        session.name = f"repl_ctrl_{self._sync_ids}"
        peer = Peer(session, self._sync_ids, "preparation", list(self.lsn))
        self.peers[session.id] = peer
        if self._can_continue(replid, executed):
            self.partial_syncs += 1
            self._continue(peer, executed)
        else:
            self._server.spawn(self._full_sync(peer))

    def _can_continue(self, replid: str, executed: list[int]) -> bool:
        known = replid == self._server.replid or (self._former is not None and replid == self._former[0])
        if not self._server.flavour.is_new or not known or len(executed) != len(self.lsn):
            return False
        return all(
            done == lsn or (backlog and backlog[0][0] <= done + 1 <= lsn)
            for done, lsn, backlog in zip(executed, self.lsn, self._backlog, strict=True)
        )

    def _continue(self, peer: Peer, executed: list[int]) -> None:
        peer.session.send_raw(message("partial", peer.sync_id, self._server.replid))
        for done, backlog in zip(executed, self._backlog, strict=True):
            for lsn, data in backlog:
                if lsn > done:
                    peer.session.send_raw(data)
        peer.acked = executed
        self._go_online(peer)

    async def _full_sync(self, peer: Peer) -> None:
        session = peer.session
        session.send_raw(message("full", peer.sync_id, self._server.replid))
        peer.state = "full_sync"
        for sent, change in enumerate(self._server.keyspace.changes(), 1):
            session.send_raw(message("item", *change_words(change)))
            if sent % BATCH == 0:
                await session.flushed()
                await self._server.faults.thawed()
                if session.id not in self.peers:
                    return
        peer.acked = list(self.lsn)
        self._go_online(peer)

    def _go_online(self, peer: Peer) -> None:
        peer.session.send_raw(message("stable", *self.lsn))
        peer.state = "online"

    def forget(self, session: "Session") -> None:
        """This connection is gone."""
        self.peers.pop(session.id, None)

    def drop_all(self) -> None:
        """We are no primary any more."""
        for peer in list(self.peers.values()):
            peer.session.kill()
        self.peers.clear()
        self._journaling = False
        self.lsn = [0] * len(self.lsn)

    def confirm(self, session: "Session", executed: list[int]) -> None:
        """A replica says how far it is."""
        peer = self.peers.get(session.id)
        if peer is not None and len(executed) == len(self.lsn):
            peer.acked = executed

    def ping(self) -> None:
        """Tell the replicas that we are alive."""
        for peer in self.peers.values():
            peer.session.send_raw(message("ping"))

    def lag(self, peer: Peer) -> int:
        """Records a replica has not confirmed, of the shard that is worst; 0 unless it is online."""
        if peer.state != "online":
            return 0
        return max(lsn - acked for lsn, acked in zip(self.lsn, peer.acked, strict=True))

    def ask_for_acks(self) -> None:
        """Have every replica say now how far it is."""
        for peer in self.peers.values():
            peer.session.send_raw(message("ack?"))

    async def wait_for(self, count: int, seconds: float) -> int:
        """How many replicas have confirmed everything up to now; waits until there are `count`, or so long."""
        target = list(self.lsn)
        deadline = self._server.clock.monotonic() + seconds
        self.ask_for_acks()
        while True:
            there = sum(
                all(acked >= lsn for acked, lsn in zip(peer.acked, target, strict=True))
                for peer in self.peers.values()
                if peer.state == "online"
            )
            if there >= count or (seconds and self._server.clock.monotonic() >= deadline):
                return there
            await self._server.clock.sleep(POLL_SECONDS)

    async def be_taken_over(self, session: "Session", seconds: float, *, save: bool) -> None:
        """Stop taking writes, see that the replica has them all, tell it, end this process with code 0."""
        server = self._server
        peer = self.peers.get(session.id)
        if peer is None or peer.state != "online" or server.state is not State.ACTIVE:
            session.send_raw(message("taken", "Takeover failed!"))
            return
        server.state = State.TAKEN_OVER
        server.log("Takeover initiated, locking down the database.")
        deadline = server.clock.monotonic() + seconds
        self.ask_for_acks()
        while self.lag(peer) > 0:
            if server.clock.monotonic() >= deadline or session.id not in self.peers:
                server.state = State.ACTIVE
                session.send_raw(message("taken", "Takeover failed!"))
                return
            await server.clock.sleep(POLL_SECONDS)
        session.send_raw(message("taken", "OK"))
        await session.flushed()
        if save:
            await server.saver.save()
        for _ in range(100):  # the replica hangs up when it has read that; closing first might cost it the answer
            if session.id not in server.sessions:
                break
            await server.clock.sleep(POLL_SECONDS)
        server.exit(0)
