// `npm run golden`: records the messages of ipyparallel's own programs anew, as fixtures under test/fixtures/golden. Needs
// a Python with ipyparallel, orjson, numpy and distributed, named by TSPARALLEL_PYTHON (default: python3). What differs afterwards is a
// change of the reference; read it before committing it.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, entry, run } from "./bootstrap.mjs";

const PACKERS = ["json", "orjson"];
const FIXTURES = join(ROOT, "test", "fixtures", "golden");
const KEY = "golden-key";

async function record(python, packer) {
  const raw = mkdtempSync(join(tmpdir(), "tsparallel-golden-"));
  const env = {
    ...process.env,
    USER: "golden",
    LOGNAME: "golden",
    IPP_SESSION_KEY: KEY,
    GOLDEN_DIR: raw,
    PYTHONPATH: join(ROOT, "scripts", "golden", "probe"),
  };
  try {
    await run(python, [join(ROOT, "scripts", "golden", "record.py"), join(FIXTURES, packer), packer], { env });
  } finally {
    rmSync(raw, { recursive: true, force: true });
  }
}

async function main() {
  const python = process.env.TSPARALLEL_PYTHON ?? "python3";
  const { status } = spawnSync(python, ["-c", "import ipyparallel, orjson, numpy, distributed"], { stdio: "ignore" });
  if (status !== 0) throw new Error(`${python} cannot import ipyparallel, orjson, numpy and distributed: name a Python that can by TSPARALLEL_PYTHON`);
  for (const packer of PACKERS) {
    console.log(`recording with the packer ${packer} (a minute) …`);
    rmSync(join(FIXTURES, packer), { recursive: true, force: true });
    await record(python, packer);
  }
}

entry(main);
