"""Refuse an extension that has instructions of particular CPUs outside its kernels.

    python .ci/check_instructions.py path/to/_core.*.so

A wheel runs on every x86-64 CPU only if AVX and BMI instructions stay in the functions that are
compiled once per instruction set and chosen when the program starts: those whose source is in
cpp/src/kernels. The symbol table (FILE entries) tells which functions these are, so the extension
must not be stripped. Exit status 1 names each function outside them; 2 if the file cannot be
judged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

KERNEL_SOURCES = {
    path.name for path in (Path(__file__).resolve().parents[1] / "cpp/src/kernels").glob("*.cpp")
}
KERNEL_ENTRY = re.compile(r"dsqn_kernels_\w+")
FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
# Every VEX or EVEX instruction is spelled with a leading v, but verr and verw are old.
SPECIFIC = re.compile(
    r"\b(v(?!err|erw)[a-z0-9]+|andn|bextr|bls(i|r|msk)|bzhi|mulx|pdep|pext|rorx|s[ahl][lr]x"
    r"|k(mov|or|and|xor|not|test|unpck|add|shift)[a-z]*|lzcnt|popcnt"
    r"|(ld|st)tilecfg|tile(load|store|release|zero)\w*|tdpb\w+)\b"
)


def kernel_functions(symbols: str) -> set[int]:
    """Addresses of functions that come from kernel sources, from ``readelf -sW``."""
    source, addresses = "", set()
    for line in symbols.splitlines():
        fields = line.split()
        if len(fields) < 7 or not fields[0].endswith(":"):
            continue
        kind, name = fields[3], fields[7] if len(fields) > 7 else ""
        if kind == "FILE":
            source = name
        elif kind == "FUNC" and (source in KERNEL_SOURCES or KERNEL_ENTRY.fullmatch(name)):
            addresses.add(int(fields[1], 16))
    return addresses


def specific_functions(disassembly: str) -> dict[tuple[int, str], str]:
    """(address, name) of functions with such instructions -> the first one, from ``objdump``."""
    function, found = (0, ""), {}
    for line in disassembly.splitlines():
        if start := FUNCTION.match(line):
            function = (int(start[1], 16), start[2])
        elif "\t" in line and (match := SPECIFIC.match(line.split("\t")[-1].strip())):
            found.setdefault(function, match[0])
    return found


def check(extension: Path) -> tuple[int, list[str]]:
    """Number of kernel functions with such instructions, and a line per function outside."""

    def output(*command: str) -> str:
        return subprocess.run(
            [*command, str(extension)], check=True, capture_output=True, text=True
        ).stdout

    kernels = kernel_functions(output("readelf", "-sW"))
    found = specific_functions(output("objdump", "-d", "-C", "--no-show-raw-insn"))
    outside = [
        f"{name}: {instruction}"
        for (address, name), instruction in found.items()
        if address not in kernels
    ]
    return len(found) - len(outside), outside


def main(arguments: list[str]) -> int:
    """Check the file that the command line names."""
    inside, outside = check(Path(arguments[0]))
    if not inside:
        print(f"{arguments[0]}: no kernel with instructions of a CPU: stripped, or not x86-64?")
        return 2
    for line in outside:
        print(f"{arguments[0]}: outside the kernels: {line}")
    print(f"{arguments[0]}: {inside} functions for particular CPUs, {len(outside)} outside kernels")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
