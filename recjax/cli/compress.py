"""The command that compresses images; its options depend on the method."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from recjax.cli.arguments import BY_DEFAULT, Flag, by_default
from recjax.cli.common import read_source
from recjax.cli.options import method_of, options_in, with_options
from recjax.codecs.default_method import PICTURES, STREAM, default_method
from recjax.container.methods import METHODS, FileMethod
from recjax.errors import UsageError
from recjax.text import complain, quoted

Source = Positional[Annotated[Path, arg(metavar="IN")]]
Target = Positional[Annotated[Path, arg(metavar="OUT")]]

_MODEL = by_default(
    "A released model (see `recjax models`) or the path of a trained one; by default the released one for images of",
    "this shape and these grey levels whose files of the method are smallest.",
)
_METHOD = by_default(
    f"How images are coded: one of the methods listed above; by default {STREAM} if a model that is a variational",
    f"autoencoder is named or released for images of this shape, otherwise {PICTURES}.",
    metavar="NAME",
)


@dataclass(frozen=True)
class Compress:
    """Compress images to a file, which is decoded again before it is written.

    Example: recjax compress digits.npy digits.rjx --method orc --candidates 4096
    """

    images: Source
    """A PNG, a folder of PNGs or an .npy; - reads a PNG or an .npy from standard input."""
    out: Target
    """The file to write; - writes it to standard output."""
    model: Annotated[str | None, _MODEL] = None
    method: Annotated[str | None, _METHOD] = None
    seed: int = 0
    """Seed of the randomness that encoder and decoder share, from 0 to 2^64 - 1; it is stored in the file."""
    shard_images: Annotated[int | None, BY_DEFAULT] = None
    """Make OUT a folder of files of this many images, in bounded memory; the same command goes on after a stop."""
    part: Annotated[str | None, BY_DEFAULT] = None
    """With --shard-images: code one of several parts of the shards, such as 0/4, 1/4, 2/4 or 3/4; by default all."""
    force: Flag = False
    """Replace OUT if it exists; it keeps its permissions."""
    json: Flag = False
    """Print the report as one JSON object."""

    @classmethod
    def for_arguments(cls, arguments: Sequence[str]) -> type["Compress"]:
        """Adds the options of the method that a command line names.

        Args:
            arguments: What follows the command's name.

        Returns:
            A subclass with the options of the method.

        Raises:
            UsageError: There is no such method, or an argument is an option of other methods only.
        """
        return with_options(cls, method_of(arguments, STREAM))

    def run(self) -> None:
        """Runs the command.

        Raises:
            UsageError: An option does not go with shards, or only with them.
            ValueError: The images cannot be coded, or the output is not a place for a file.
            OSError: The images cannot be read, or the output cannot be written.
        """
        from recjax.cli.outputs import file_output, require_shards_place

        if self.part is not None and self.shard_images is None:
            raise UsageError("part is of a compression in shards; add --shard-images, or leave it out.")
        given = options_in(self, METHODS[self.method or STREAM])
        if self.shard_images is not None:
            from recjax.cli import shards as shard_commands

            if self.force:
                raise UsageError("shards are added to a folder and replace nothing; leave --force out.")
            if getattr(given, "arithmetic", "exact") != "exact":
                raise UsageError("float arithmetic is for single lossless files; leave --arithmetic out.")
            require_shards_place(self.out, self.images, self.model)
            shard_commands.compress(
                self.images, self.out, self.shard_images, self.part, self.model, self.method_for, self.seed,
                as_json=self.json,
            )  # fmt: skip
            return
        from recjax.cli import plain_peers
        from recjax.cli.process.bars import bar
        from recjax.codecs.inspection import facts
        from recjax.container import file as container

        output = file_output(self.out, self.images, self.model, force=self.force)
        images = read_source(self.images)
        method, options = self.method_for(images.shape[1:])
        coder = method.load_coder()
        model = coder.load_model(self.model, images, method.name, options)
        with bar() as report:
            made = coder.compress(images, model, method.name, options, seed=self.seed, progress=report)
        output.write(made.data)
        file = container.read(made.data, sys.maxsize)
        result = {"file": str(self.out), **facts(file), **made.facts}
        output.tell(f"{quoted(self.out)}: {made.sentence}", result, self.json)
        if method.lossless and (smaller := plain_peers.losing_to(images, len(made.data))):
            complain(f"{quoted(self.out)}: {smaller}")

    def method_for(self, image_shape: tuple[int, ...]) -> tuple[FileMethod, Any]:
        """Chooses the method for images of a shape, which is the one that the command line names, if any.

        Args:
            image_shape: The shape of an image: (height, width) or (height, width, 3).

        Returns:
            The row of the method and the options for it.
        """
        given = options_in(self, METHODS[self.method or STREAM])
        # Whoever gives options of the method that help shows wants that method.
        if self.method is not None or given != type(given)():
            return METHODS[self.method or STREAM], given
        method = METHODS[default_method(image_shape, self.model)]
        return method, method.load_options()()
