import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { curveKeyPath, curveKeyText, parseConnectionInfo, readCurveKey, resolveProfile, withServerKey } from "../../../src/config/index.ts";
import { newCurveKeyPair } from "../../../src/net/index.ts";

const { publicKey, secretKey } = newCurveKeyPair();

describe("a server key in the environment", () => {
  const info = (key: string | null): ReturnType<typeof parseConnectionInfo<"client">> =>
    parseConnectionInfo(
      "client",
      JSON.stringify({
        interface: "tcp://127.0.0.1",
        registration: 1,
        control: 2,
        mux: 3,
        task: 4,
        iopub: 5,
        notification: 6,
        broadcast: 7,
        key: "",
        curve_serverkey: key,
        pack: "json",
        unpack: "json",
        signature_scheme: "hmac-sha256",
        task_scheme: "lru",
      }),
    );

  it("counts where the connection file has none", () => {
    const other = newCurveKeyPair().publicKey;
    expect(withServerKey(info(null), { IPP_CURVE_SERVERKEY: publicKey }).curve_serverkey).toBe(publicKey);
    expect(withServerKey(info(other), { IPP_CURVE_SERVERKEY: publicKey }).curve_serverkey).toBe(other);
    expect(withServerKey(info(null), { IPP_CURVE_SERVERKEY: "" }).curve_serverkey).toBeNull();
    expect(withServerKey(info(null), {}).curve_serverkey).toBeNull();
  });

  it("that is none is refused", () => {
    expect(() => withServerKey(info(null), { IPP_CURVE_SERVERKEY: "nonsense" })).toThrow(ConfigError);
    expect(() => withServerKey(info(null), { IPP_CURVE_SERVERKEY: "nonsense" })).toThrow(/^IPP_CURVE_SERVERKEY holds no CURVE key/);
  });
});

describe("a kept secret key", () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "tsparallel-test-"));
    path = join(dir, "curve.json");
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it("lies beside the connection files", () => {
    const profile = resolveProfile({ profileDir: dir });
    expect([curveKeyPath(profile, ""), curveKeyPath(profile, "x")]).toEqual([
      join(dir, "security", "ipcontroller-curve.json"),
      join(dir, "security", "ipcontroller-x-curve.json"),
    ]);
  });

  it("is read as it was written; without a file there is none", async () => {
    expect(await readCurveKey(path)).toBeUndefined();
    await writeFile(path, curveKeyText({ publicKey, secretKey }), { mode: 0o600 });
    expect(await readCurveKey(path)).toBe(secretKey);
  });

  it.skipIf(process.platform === "win32")("that others can read is refused", async () => {
    await writeFile(path, curveKeyText({ publicKey, secretKey }), { mode: 0o600 });
    await chmod(path, 0o640);
    await expect(readCurveKey(path)).rejects.toThrow(/^others than its owner can read /);
  });

  it.each([["{"], ["[]"], ["{}"], ['{"curve_secretkey": 5}'], ['{"curve_secretkey": "short"}']])("that is none is refused: %s", async (text) => {
    await writeFile(path, text, { mode: 0o600 });
    await expect(readCurveKey(path)).rejects.toThrow(ConfigError);
  });
});
