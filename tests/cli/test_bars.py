"""Remaining times: within a factor of two from a quarter of a stage on, or not given; by a clock that is set."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from recjax.cli.process import bars
from recjax.codecs.lossless.progress import by_stage
from recjax.codecs.lossy import progress as lossy_progress


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lossy_work(batches: int = 1):
    """Reports of lossy encoding and the seconds before each: compilation, quick steps, then searches that are slow."""
    ends = (1000, 1000 + 50 * 12, 1000 + 50 * 31)
    for batch in range(batches):
        for done in range(50, ends[-1] + 1, 50):
            compiling = {50: 40.0, 1050: 90.0, 1650: 25.0}.get(done, 0.0) * (batch == 0)
            seconds = compiling + (0.3 if done <= 1000 else 7.0 if done <= 1600 else 2.0)
            facts = SimpleNamespace(done=done, total=ends[-1], psnr=30.0, bits=1e4, count=1, ends=ends)
            yield seconds, (batch, batches, facts)


def lossless_work():
    """An encoder that searches for 3 s a batch, and a decoder that takes a tenth of that; both compile first."""
    for done in range(100, 4001, 100):
        yield {100: 60.0, 2100: 20.0}.get(done, 0.0) + (3.0 if done <= 2000 else 0.3), (done, 4000)


def shards_work():
    """What an earlier run did is told at once; the first shard compiles."""
    yield 0.0, ("shards", 300, 1000)
    for done in range(310, 1001, 10):
        yield 5.0 + 80.0 * (done == 310), ("shards", done, 1000)


def told(work, tell_of):
    """Stage, part of it that is done, seconds that were told as left, and the time then, of each report."""
    clock, rows, paces = Clock(), [], {}

    def report(stage, done, total, note="", *, steady=True):
        pace = paces.setdefault(stage, bars.Pace(clock))
        left = pace.seconds_left(done, total) if steady and total is not None else None
        rows.append((stage, done / total if total else None, left, clock.now))

    tell = tell_of(report)
    for seconds, arguments in work:
        clock.now += seconds
        tell(*arguments)
    return rows


WORK = {
    "lossy": (lossy_work(), lambda report: lossy_progress.tell(report, (1, 512, 768, 3)), 4),
    "lossy batches": (lossy_work(3), lambda report: lossy_progress.tell(report, (3, 512, 768, 3)), 10),
    "lossless": (lossless_work(), by_stage, 2),
    "shards": (shards_work(), lambda report: report, 1),
}


@pytest.mark.parametrize("name", WORK)
def test_what_is_told_of_a_stage_is_right_within_a_factor_of_two(name):
    work, tell_of, stages = WORK[name]
    rows = told(work, tell_of)
    ends = {stage: now for stage, _, _, now in rows}
    assert len(ends) == stages
    for stage in ends:
        own = [row for row in rows if row[0] == stage]
        assert own[0][2] is None, "compilation is no measure"
        given = [(left, ends[stage] - now) for _, part, left, now in own if left is not None and part < 1]
        assert all(actual / 2 <= left <= 2 * actual for left, actual in given), (stage, given)
        if "decoding" not in stage or name == "lossless":
            assert any(left is not None for _, part, left, _ in own if part <= 0.5), stage


def test_work_that_is_not_steady_gets_no_time():
    assert all(left is None for _, _, left, _ in told(lossless_work(), lambda report: by_stage(report, steady=False)))


def test_a_bar_shows_the_present_stage_alone(monkeypatch):
    made = []

    def drawn_when_asked(*columns, **options):
        made.append(Progress(*columns, auto_refresh=False, **options))
        return made[-1]

    monkeypatch.setattr(bars, "Progress", drawn_when_asked)
    clock, out = Clock(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=120)
    with bars.bar(clock=clock, console=console) as report:
        for done in (1, 2, 3, 4, 5):
            clock.now += 10
            report("fitting", done, 10, "30 dB")
        made[-1].refresh()
        before = out.getvalue()
        report("decoding", 0, None)
        made[-1].refresh()
    assert "compiling" in before and "30 dB 50 s left" in before and "decoding" not in before
    after = out.getvalue()[len(before) :]
    assert "decoding" in after and "50 s left" not in after
    quiet = io.StringIO()
    with bars.bar(console=Console(file=quiet)) as report:
        report("fitting", 1, 10)
    assert quiet.getvalue() == ""


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "0 s"), (89.4, "89 s"), (90.0, "2 min"), (7200.0, "120 min")])
def test_times_are_in_words(seconds, words):
    assert bars.duration(seconds) == words
