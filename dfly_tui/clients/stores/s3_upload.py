"""Putting one object into a bucket, in parts if it is large, and never over another."""

import asyncio
from collections.abc import AsyncIterator, Callable

from dfly_tui.clients.stores.pump import in_thread
from dfly_tui.clients.stores.s3_client import Begun, Clients, Page, Taken
from dfly_tui.clients.stores.s3_errors import Where, failure, failures, is_not_known, may_be_done
from dfly_tui.errors import DflyError, OutcomeUnknown, Refused, StoreFailed

PART_BYTES = 16 << 20
"""Of an upload, where so many as are allowed are enough for it; one is held in memory."""
UNKNOWN_PART_BYTES = 64 << 20
"""Of one whose size is not known before: enough for 640 GB."""
MAX_PARTS = 10_000
_ABORT_SECONDS = 5.0


class Upload:
    """One upload. Until its last request nothing is seen of it.

    Args:
        shown: The object's name, for a sentence.
    """

    def __init__(self, clients: Clients, bucket: str, key: str, where: Where, shown: str, part_bytes: int) -> None:
        self._clients = clients
        self._place = {"Bucket": bucket, "Key": key}
        self._where = where
        self._shown = shown
        self._part_bytes = part_bytes
        self._id: dict[str, object] = {}
        self._parts: list[dict[str, object]] = []

    async def run(self, content: AsyncIterator[bytes], size_bytes: int) -> None:
        """Do it. Raises as `Store.write()`."""
        if await self._size_there() is not None:
            raise self._taken()
        sent = 0
        under_way = True
        try:
            async for part, is_last in _parts(content, self._size_of_parts(size_bytes)):
                sent += len(part)
                if is_last and size_bytes not in {-1, sent}:
                    raise StoreFailed(
                        f"{self._shown} has {sent} bytes, where it should have {size_bytes}", "it was not kept"
                    )
                if not is_last or self._id:
                    await self._send(part)
                if is_last:
                    under_way = False  # from now on it ends by itself, or nobody knows
                    await self._finish(part, sent)
        finally:
            if under_way and self._id:
                await self._abort()

    def _size_of_parts(self, size_bytes: int) -> int:
        if size_bytes < 0:
            return max(self._part_bytes, UNKNOWN_PART_BYTES)
        return max(self._part_bytes, -(-size_bytes // MAX_PARTS))

    async def _send(self, part: bytes) -> None:
        once, again = self._clients.once, self._clients.again
        try:
            if not self._id:
                begun = await in_thread(lambda: once.create_multipart_upload(**self._place))
                self._id = {"UploadId": Begun.model_validate(begun).upload_id}
            number = len(self._parts) + 1
            if part:
                taken = await in_thread(
                    lambda: again.upload_part(**self._place, **self._id, PartNumber=number, Body=part)
                )
                self._parts.append({"PartNumber": number, "ETag": Taken.model_validate(taken).e_tag})
        except failures() as error:
            raise self._failure(error) from error

    async def _finish(self, whole: bytes, size_bytes: int) -> None:
        once = self._clients.once
        if self._id:
            parts = {"Parts": self._parts}
            await self._show(
                lambda terms: once.complete_multipart_upload(**self._place, **self._id, **terms, MultipartUpload=parts),
                size_bytes,
            )
        else:
            await self._show(lambda terms: once.put_object(**self._place, **terms, Body=whole), size_bytes)

    async def _show(self, request: Callable[[dict[str, str]], object], size_bytes: int) -> None:
        """Send what makes the object seen. A store that does not know the condition is asked before, and again."""
        try:
            Taken.model_validate(await in_thread(lambda: request({"IfNoneMatch": "*"})))
        except failures() as error:
            if is_not_known(error):
                await self._show_without_terms(request, size_bytes)
            else:
                await self._look(error, size_bytes)

    async def _show_without_terms(self, request: Callable[[dict[str, str]], object], size_bytes: int) -> None:
        if await self._size_there() is not None:
            await self._abort()
            raise self._taken()
        try:
            Taken.model_validate(await in_thread(lambda: request({})))
        except failures() as error:
            await self._look(error, size_bytes)

    async def _look(self, error: Exception, size_bytes: int) -> None:
        """Whether it was done all the same."""
        wrong = self._failure(error)
        if not may_be_done(error):
            if self._id:
                await self._abort()
            raise wrong from error
        try:
            there = await self._size_there()
        except StoreFailed:
            there = None
        if there != size_bytes:
            raise OutcomeUnknown(wrong.detail, "look again before doing anything: list what is there") from error

    async def _size_there(self) -> int | None:
        # Not HEAD, whose answer has no room for what is wrong. The object itself comes before those it begins.
        asked = {"Bucket": self._place["Bucket"], "Prefix": self._place["Key"], "MaxKeys": 1}
        try:
            page = Page.model_validate(await in_thread(lambda: self._clients.again.list_objects_v2(**asked)))
        except failures() as error:
            raise self._failure(error) from error
        return next((each.size for each in page.contents if each.key == self._place["Key"]), None)

    async def _abort(self) -> None:
        """Remove the parts. What cannot be told in time stays, until the bucket's own rules remove it."""
        aborting = in_thread(lambda: self._clients.once.abort_multipart_upload(**self._place, **self._id))
        await asyncio.wait([aborting], timeout=_ABORT_SECONDS)

    def _taken(self) -> Refused:
        return Refused(f"{self._shown} is in {self._where.address} already", "nothing was overwritten")

    def _failure(self, error: Exception) -> DflyError:
        return failure(error, self._where, f"write {self._shown}")


async def _parts(content: AsyncIterator[bytes], size: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Content in parts of that size; the last is smaller, and may be empty."""
    gathered = bytearray()
    async for piece in content:
        gathered += piece
        while len(gathered) >= size:
            yield bytes(gathered[:size]), False
            del gathered[:size]
    yield bytes(gathered), True
