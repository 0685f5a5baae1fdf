"""The one command for a machine with an NVIDIA GPU: are its pictures the CPU's, and how fast are they made?

    python benchmarks/gpu_check.py                  # 512 x 512; saves benchmarks/results/gpu_<name>.json
    python benchmarks/gpu_check.py --size 1280x720

Exit status 0: alike; 1: not alike; 3: there is no GPU, and nothing was run.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--size", default="512x512", metavar="WxH", help="of the photo's output")
    options.add_argument("--frames", type=int, default=300, help="pictures that are timed")
    options.add_argument("--no-network", action="store_true", help="leave the network out")
    options.add_argument("--output", type=Path, metavar="FILE", help="where the result is saved")
    asked = options.parse_args()
    try:
        from reenact.generation import gpu
    except ImportError as error:
        return nothing(f"numba-cuda is missing ({error}): pip install 'reenact[cuda]'")
    if reason := gpu.absence():
        return nothing(reason)
    from reenact.bench import gpu as bench
    from reenact.errors import ReenactError

    width, _, height = asked.size.partition("x")
    try:
        result = bench.run((int(width), int(height)), asked.frames, not asked.no_network)
    except (ReenactError, ValueError) as error:
        print(f"gpu_check: {error}", file=sys.stderr)
        return 1
    show(result)
    output = asked.output or RESULTS / f"gpu_{slug(result)}.json"
    output.write_text(json.dumps(result, indent=1) + "\n")
    print(f"saved {output}")
    alike = all(row["alike"] for row in result["likeness"])
    print("the GPU's pictures are the CPU's" if alike else "the GPU's pictures are NOT the CPU's", "within the bounds")
    return 0 if alike else 1


def nothing(reason: str) -> int:
    print(f"gpu_check: nothing was run, because there is no GPU to run it on: {reason}")
    return 3


def slug(result: dict[str, Any]) -> str:
    """The GPU's name as a file's."""
    names = result["machine"]["gpus"] or ["unknown"]
    return re.sub(r"[^a-z0-9]+", "_", names[0].split(",")[0].lower()).strip("_")


def show(result: dict[str, Any]) -> None:
    print(f"{'likeness, grey levels':44} {'mean':>7} {'> 1':>8} {'> 2':>8} {'largest':>8} {'changed':>8}")
    for row in result["likeness"]:
        name = row["target"] + (", network" if row["network"] else "")
        shares = " ".join(f"{100 * row[key]:7.3f}%" for key in ("share_beyond_1", "share_beyond_2"))
        print(
            f"{name:44} {row['mean']:7.3f} {shares} {row['largest']:8d} {100 * row['changed']:7.1f}%"
            f" {'' if row['alike'] else ' NOT ALIKE'}"
        )
    print(f"\n{'milliseconds':44} {'p50':>7} {'p95':>7} {'p99':>7} {'CPU':>7}   steps")
    for row in result["times"]:
        name = f"{row['target']} {row['size'][0]}x{row['size'][1]}, {row['provider']}"
        steps = ", ".join(f"{step} {value:.3f}" for step, value in row["steps"].items())
        whole = " ".join(f"{row[key]:7.2f}" for key in ("whole_p50", "whole_p95", "whole_p99", "cpu_p50"))
        print(f"{name:44} {whole}   {steps}")
    for provider, reason in result["not_run"].items():
        print(f"not run on {provider}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
