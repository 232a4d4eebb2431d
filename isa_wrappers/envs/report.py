"""Findings of an environment check."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        about: topic, in a word or two.
        verdict: ``fine``, ``note`` (good to know), ``warning`` (works, but probably not as intended) or ``refused``.
        says: what was found.
        remedy: what to do; empty if there is nothing to do.
    """

    about: str
    verdict: str
    says: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.about}: {self.says}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass
class EnvReport:
    """The result of :func:`check_env`.

    Attributes:
        findings: findings in the order of the checks; the checks stop at the first refusal.
    """

    findings: list[Finding] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether ISA cannot use the environment as it is."""
        return any(finding.verdict == "refused" for finding in self.findings)

    @property
    def warned(self) -> bool:
        """Whether something is probably not as intended."""
        return any(finding.verdict == "warning" for finding in self.findings)

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        findings = [asdict(finding) for finding in self.findings]
        return {"refused": self.refused, "warned": self.warned, "findings": findings}

    def add(self, about: str, verdict: str, says: str, remedy: str = "") -> None:
        """Add a finding."""
        self.findings.append(Finding(about, verdict, says, remedy))
