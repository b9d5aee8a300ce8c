"""The commands of the command line, as dataclasses that tyro parses.

The docstrings of the classes and the strings below their fields are their help. JAX is imported only by commands that
code images.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from recjax.cli.arguments import BY_DEFAULT, Flag
from recjax.cli.common import decode, read_container, read_source, shown, tell_good, tell_written
from recjax.cli.compress import Compress, Target
from recjax.cli.machine import Bench, Doctor, Models
from recjax.codecs.sentences import size_of
from recjax.container.limits import MAX_RAW_BYTES, MAX_SECONDS, Limits
from recjax.errors import UsageError
from recjax.io.inputs import STANDARD
from recjax.text import quoted, say, say_json

Container = Positional[Annotated[Path, arg(metavar="FILE")]]


@dataclass(frozen=True)
class Decompress:
    """Write the images of a file, or one of them.

    Example: recjax decompress digits.rjx seventeenth.png --index 17
    """

    file: Container
    """A file made by `recjax compress`, or a folder of shards made by it; - reads a file from standard input."""
    out: Target
    """NAME.npy, NAME.png for one image, or a folder for PNGs; - writes an .npy to standard output."""
    model: Annotated[str | None, BY_DEFAULT] = None
    """The path of the model that made the file; by default the released model that the file states."""
    index: Annotated[int | None, BY_DEFAULT] = None
    """Write only the image of this number, from 0; by default all. bb-ans and bb-ans-rec decode others for it too."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse a file whose decoded images take more bytes than this."""
    max_seconds: float = MAX_SECONDS
    """Give up if decoding takes more seconds; checked between batches of images, and anew for each shard."""
    ignore_fingerprint: Flag = False
    """Decode a file made with --arithmetic float even if floats come out differently here, perhaps to garbage."""
    force: Flag = False
    """Replace OUT if it exists: a file, which keeps its permissions, or a folder of such PNGs and nothing else."""
    json: Flag = False
    """Print the report as one JSON object."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds, self.ignore_fingerprint)

    def run(self) -> None:
        """Runs the command.

        Raises:
            UsageError: The index is negative.
            ValueError: The file cannot be decoded, or the output is not a place for such images.
            OSError: The file cannot be read, or the output cannot be written.
        """
        from recjax.shards.folder import is_shards

        if self.index is not None and self.index < 0:
            raise UsageError(f"index counts the images from 0, got {self.index}; name one of them.")
        if is_shards(self.file):
            from recjax.cli import shards as shard_commands

            shard_commands.decompress(
                self.file, self.out, self.index, self.model, self._limits, force=self.force, as_json=self.json
            )
            return
        from recjax.cli.outputs import images_output

        file = read_container(self.file, self._limits, self.index)
        count = file.header.count if self.index is None else 1
        output = images_output(self.out, count, self.file, self.model, force=self.force)
        images = decode(file, self.model, self._limits, self.index)
        output.write_images([images], count, images.shape[1:])
        tell_written(self.file, output, count, images.shape[1:], self.json)


@dataclass(frozen=True)
class Info:
    """Print what a file holds, and check its checksums, without decoding it."""

    file: Container
    """A file made by `recjax compress`, or a folder of shards made by it; - reads a file from standard input."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse a file whose decoded images take more bytes than this."""
    json: Flag = False
    """Print the report as one JSON object."""

    def run(self) -> None:
        """Runs the command."""
        from recjax.shards.folder import is_shards

        if is_shards(self.file):
            from recjax.cli import shards as shard_commands

            result = shard_commands.facts(self.file)
        else:
            from recjax.codecs.inspection import facts

            result = facts(read_container(self.file, Limits(self.max_bytes)))
        if self.json:
            say_json({"file": str(self.file), **result})
            return
        for name, value in result.items():
            say(f"{name.replace('_', ' '):20} {shown(value)}")


@dataclass(frozen=True)
class Verify:
    """Decode a whole file and say whether it is good; --against compares images."""

    file: Container
    """A file made by `recjax compress`, or a folder of shards made by it; - reads a file from standard input."""
    model: Annotated[str | None, BY_DEFAULT] = None
    """The path of the model that made the file; by default the released model that the file states."""
    against: Annotated[Path | None, BY_DEFAULT] = None
    """Images to compare with: a PNG, a folder of PNGs or an .npy, - for standard input; by default none."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse a file whose decoded images take more bytes than this."""
    max_seconds: float = MAX_SECONDS
    """Give up if decoding takes more seconds; checked between batches of images, and anew for each shard."""
    json: Flag = False
    """Print the report as one JSON object."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds)

    def run(self) -> None:
        """Runs the command.

        Raises:
            UsageError: Both the file and the images are to come from standard input.
            ValueError: The file cannot be decoded, or its images are not those to compare with.
            OSError: The file or the images cannot be read.
        """
        from recjax.shards.folder import is_shards

        if is_shards(self.file):
            from recjax.cli import shards as shard_commands

            shard_commands.verify(self.file, self.against, self.model, self._limits, as_json=self.json)
            return
        from recjax.codecs.inspection import compare, size_facts

        if STANDARD == self.file == self.against:
            raise UsageError("standard input holds the file or the images; name one of them.")
        file = read_container(self.file, self._limits)
        against = None if self.against is None else read_source(self.against)
        images = decode(file, self.model, self._limits, None)
        size, psnr_db = len(file.data), None
        if against is not None:
            psnr_db = compare(file, images, against, (quoted(self.file), quoted(self.against)))
        sentence = size_of(images.shape[0], size, images.size)
        if psnr_db is not None:
            sentence += f" {psnr_db:.2f} dB against {quoted(self.against)}."
        tell_good(self.file, sentence, size_facts(images.shape[0], size, images.size), self.against, self.json, psnr_db)


COMMANDS = {
    "compress": Compress,
    "decompress": Decompress,
    "info": Info,
    "verify": Verify,
    "models": Models,
    "doctor": Doctor,
    "bench": Bench,
}
"""The class of each command, by its name."""
