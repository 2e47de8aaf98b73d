"""What to do about a save that failed, by the server's own words (facts §3.2)."""

import re

_ADVICE = (
    (r"no space left", "make room on that disk: dfly-tui backup prune, or remove what else is there"),
    (r"permission denied", "the server may not write to its dir, or the file system knows no direct I/O"),
    (r"failed to create director|no such file or directory", "its dir is gone: is the disk mounted?"),
    (r"read-only file system", "mount it writable"),
    (r"filename is not specified", "it has no dbfilename: set one, dump-{timestamp}"),
    (r"extension", "its dbfilename and the format do not fit: RDB files end in .rdb, others have no ending"),
    (r"invalid dbfilename|directory separators", "its dbfilename must be a plain name"),
    (r"SAVING", "another save runs: wait for its end"),
    (r"LOADING", "it loads a snapshot: wait for its end"),
    (r"s3|access denied|credential|bucket", "the server could not write to its bucket: look at its log"),
)


def advice_on_save(error: str) -> str:
    """What a person does about it, in a sentence."""
    for pattern, advice in _ADVICE:
        if re.search(pattern, error, re.IGNORECASE):
            return advice
    return "see the server's log"
