"""A calendar and its todos under a hostile provider, by the rules alone: no servers, many seeds."""

from concurrent.futures import ProcessPoolExecutor

from bench.chaos.report import Report
from tests.core.rules.calendar_sim.tally import Tally, many

AT_ONCE = 50  # seeds


def hostile(runs: int, seed: int, processes: int = 2) -> Report:
    """Half a minute for 2,000 runs; a run is repeated by what its problem names as its seed."""
    report, tally = Report("CALENDAR-SIM"), Tally()
    seeds = [f"{seed}-{nth}" for nth in range(runs)]
    parts = [seeds[begin : begin + AT_ONCE] for begin in range(0, runs, AT_ONCE)]
    with ProcessPoolExecutor(processes) as pool:
        for each in pool.map(many, parts):
            tally.join(each)
    report.operations = tally.edits.total()
    report.kills = tally.faults["worker killed"]
    report.lost = tally.counted("lost")
    report.duplicates = tally.counted("duplicate")
    report.ambiguous = tally.faults["answer lost"]
    report.figure = tally.told()
    report.violations = tally.problems
    report.demand(tally.most <= 1, f"{tally.most:.2f} writes of one side for an edit of the other")
    return report
