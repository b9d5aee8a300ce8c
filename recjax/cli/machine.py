"""The commands about what is installed and about this machine, as dataclasses that tyro parses."""

from dataclasses import dataclass

from recjax.cli.arguments import Flag
from recjax.cli.common import progress
from recjax.errors import UsageError
from recjax.text import say, say_json, tell


@dataclass(frozen=True)
class Models:
    """List the released models with their sizes and rates."""

    json: Flag = False
    """Print the report as one JSON object."""

    def run(self) -> None:
        """Runs the command."""
        from recjax.cli import models as listing

        if self.json:
            say_json(listing.facts())
        else:
            listing.show()


@dataclass(frozen=True)
class Doctor:
    """Print versions, devices and compiled programs, and run a quick self-test.

    Example: recjax doctor --conformance
    """

    conformance: Flag = False
    """Also decode the reference files of all methods and released models, which takes some minutes."""
    clear_cache: Flag = False
    """Delete the compiled programs that commands keep for their next call, and no other file, and do nothing else."""
    json: Flag = False
    """Print the report as one JSON object."""

    def run(self) -> None:
        """Runs the command.

        Raises:
            ValueError: A test failed, or the compiled programs cannot be deleted.
        """
        if self.clear_cache:
            from recjax.cli.process import compile_cache

            line, facts = compile_cache.clear()
            tell(line, facts, self.json)
            return
        from recjax.cli import doctor
        from recjax.conformance import check as conformance

        if self.json:
            checks = [*doctor.checks(), *(conformance.checks() if self.conformance else ())]
            good = not any(check.error for check in checks)
            say_json({**doctor.facts(), "tests": [check._asdict() for check in checks], "good": good})
        else:
            good = doctor.examine(say)
            if self.conformance:
                good = conformance.examine(say) and good
        if not good:
            raise ValueError("the self-test failed on this machine; report the lines above with your hardware.")


@dataclass(frozen=True)
class Bench:
    """Measure how fast this machine is: candidates, symbols and images per second.

    Example: recjax bench --json
    """

    seconds: float = 1.0
    """Time of each measurement in seconds, without compilation."""
    json: Flag = False
    """Print the report as one JSON object."""

    def run(self) -> None:
        """Runs the command.

        Raises:
            UsageError: The seconds are not a finite number above 0.
        """
        if not 0 < self.seconds < float("inf"):
            raise UsageError(f"seconds must be above 0, got {self.seconds}; raise it.")
        from recjax.cli import bench, doctor

        with progress("measuring", steady=False) as report:
            every = bench.cases()
            timed = []
            for number, case in enumerate(every):
                report(number, len(every))
                timed.append(bench.measure(case, self.seconds))
        if self.json:
            say_json({"machine": doctor.versions(), "rates": [entry._asdict() for entry in timed]})
            return
        for entry in timed:
            say(f"{entry.name:52} {entry.rate:12,.1f} {entry.unit:10} (first call {entry.first_seconds:.1f} s)")
