"""How a transform job sends records to a serving container, several at a time, and joins the answers."""

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, BinaryIO

from labelloop.local.container_client import ContainerClient
from labelloop.local.transform_records import (
    MiniBatch,
    RecordsError,
    compile_filter,
    join_record,
    make_mini_batches,
    parse_json,
    read_records,
    to_json,
)

_MEGABYTE = 1024 * 1024
# SageMaker's default.
_MAX_PAYLOAD_MB = 6


class BatchTransform:
    """How the job splits, sends and joins: as set by the request, else the container, else the defaults."""

    def __init__(self, request: Mapping[str, Any], preferred: Mapping[str, Any]) -> None:
        settings = {**preferred, **request}
        transform_input, output = request["TransformInput"], request["TransformOutput"]
        processing = request.get("DataProcessing", {})
        split = transform_input.get("SplitType", "None")
        if split not in ("None", "Line"):
            raise RecordsError(f"SplitType {split} is not known here: use Line")
        self._by_line = split == "Line"
        self._many = self._by_line and settings.get("BatchStrategy", "MultiRecord") == "MultiRecord"
        # 0 means no limit.
        self._most_bytes = int(settings.get("MaxPayloadInMB", _MAX_PAYLOAD_MB)) * _MEGABYTE or sys.maxsize
        self._concurrent = max(1, int(settings.get("MaxConcurrentTransforms", 1)))
        self._joins = processing.get("JoinSource", "None") == "Input"
        self._filters_input = processing.get("InputFilter", "$") != "$"
        self._filters_output = processing.get("OutputFilter", "$") != "$"
        self._input_filter = compile_filter(processing.get("InputFilter"))
        self._output_filter = compile_filter(processing.get("OutputFilter"))
        self._line_end = b"\n" if output.get("AssembleWith", "None") == "Line" else b""
        if (self._joins or self._filters_output) and not (self._by_line and self._line_end):
            raise RecordsError("JoinSource and OutputFilter need SplitType Line and AssembleWith Line here")
        self._headers = {
            "Content-Type": transform_input.get("ContentType", "application/octet-stream"),
            "Accept": output.get("Accept", "*/*"),
        }

    def answers(
        self, records: BinaryIO, client: ContainerClient, obey_stop: Callable[[], None]
    ) -> Iterator[bytes]:
        """The output for a file of records, in parts. `obey_stop` is called meanwhile, and may raise.

        Raises RecordsError for records or answers that do not fit, ContainerError for no answer.
        """

        def send(batch: MiniBatch, body: bytes) -> bytes:
            obey_stop()
            return self._assemble(batch, client.invoke(batch, body, self._headers))

        pool = ThreadPoolExecutor(self._concurrent)
        try:
            yield from _in_order(pool, send, self._batches(records), self._concurrent)
        finally:
            # Not waiting: after an error, a request may hang until its container ends.
            pool.shutdown(wait=False, cancel_futures=True)

    def _batches(self, file: BinaryIO) -> Iterator[tuple[MiniBatch, bytes]]:
        """The requests to send for a file."""
        records = read_records(file, by_line=self._by_line)
        return make_mini_batches(records, most_bytes=self._most_bytes, many=self._many, prepare=self._prepare)

    def _assemble(self, batch: MiniBatch, answer: bytes) -> bytes:
        """What the answer to a batch adds to the output file.

        Raises `RecordsError` when lines must be joined, but there is not one line for each record.
        """
        if not (self._joins or self._filters_output):
            return answer if not self._line_end or answer.endswith(b"\n") else answer + self._line_end
        lines = answer.removesuffix(b"\n").split(b"\n") if answer else []
        if len(lines) != len(batch.records):
            raise RecordsError(
                f"{batch.numbers}: the container answered {len(lines)} lines for {len(batch.records)} records"
            )
        pairs = zip(batch.records, lines, strict=True)
        return b"".join(to_json(self._output_filter(self._join(*pair))) + self._line_end for pair in pairs)

    def _prepare(self, record: bytes) -> bytes:
        return to_json(self._input_filter(parse_json(record, "a record"))) if self._filters_input else record

    def _join(self, record: bytes, line: bytes) -> Any:
        output = parse_json(line, "a line of the container's answer")
        return join_record(parse_json(record, "a record"), output) if self._joins else output


def _in_order(
    pool: ThreadPoolExecutor,
    send: Callable[[MiniBatch, bytes], bytes],
    batches: Iterator[tuple[MiniBatch, bytes]],
    ahead: int,
) -> Iterator[bytes]:
    """The answers in the order of the batches; at most `ahead` requests are sent or waiting to be written."""
    waiting = [pool.submit(send, *item) for item in islice(batches, ahead)]
    while waiting:
        answer = waiting.pop(0).result()
        following = next(batches, None)
        if following is not None:
            waiting.append(pool.submit(send, *following))
        yield answer
