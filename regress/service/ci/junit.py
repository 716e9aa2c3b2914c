"""The report as JUnit XML: a test case for each series, failed when it got slower."""

from __future__ import annotations

from xml.etree import ElementTree

from regress.domain import Verdict
from regress.foreign import LONGEST, one_line, printable
from regress.service.ci import words
from regress.service.ci.report import CiReport


def junit(report: CiReport) -> str:
    """XML that Jenkins, GitLab and others read. What nobody can tell is skipped, with the reason."""
    top = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(top, "testsuite", name=f"regress ci {one_line(report.name)}")
    for row in report.rows:
        case = _case(suite, row.title, row.series.environment, row.path, row.line)
        case.set("time", f"{report.seconds / max(report.measured, 1) * row.finding.pairs:.3f}")
        text = one_line(words.sentence(row))
        if row.finding.verdict is Verdict.SLOWER:
            ElementTree.SubElement(case, "failure", message=text, type="slower").text = text
        elif row.finding.verdict is Verdict.UNCLEAR:
            ElementTree.SubElement(case, "skipped", message=text)
        else:
            ElementTree.SubElement(case, "system-out").text = text
    for failure in report.broken:
        case = _case(suite, failure.benchmark, failure.environment, *report.place(failure.benchmark))
        log = "\n".join(printable(line)[:LONGEST] for line in failure.log.splitlines())
        ElementTree.SubElement(
            case, "error", message="works at base, fails at head", type="broken"
        ).text = log
    for side, log in report.unbuilt:
        case = _case(suite, f"build of {side}", "")
        text = "\n".join(printable(line)[:LONGEST] for line in log.splitlines())
        ElementTree.SubElement(case, "error", message=f"{side} could not be built", type="build").text = text
    for kind, names in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(sum(1 for _ in suite.iter(names))))
    suite.set("tests", str(len(suite)))
    suite.set("time", f"{report.seconds:.3f}")
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _case(
    suite: ElementTree.Element, name: str, group: str, path: str = "", line: int = 0
) -> ElementTree.Element:
    case = ElementTree.SubElement(
        suite, "testcase", name=one_line(name), classname=one_line(group) or "regress"
    )
    if path:
        case.set("file", one_line(path))
        case.set("line", str(max(line, 1)))
    return case
