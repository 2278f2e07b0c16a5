import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../src/base/index.ts";
import { bootstrapLine } from "../../../src/launch/ssh/bootstrap.ts";
import { readHosts, readTarget, sharesOf, sshCommand, totalOf, type EngineHost } from "../../../src/launch/ssh/host-list.ts";
import { mergeReasons } from "../../../src/launch/ssh/preflight.ts";
import { connectionFailure, isWorthRetrying } from "../../../src/launch/ssh/ssh-failures.ts";
import { groupsState, readGroups } from "../../../src/launch/ssh/ssh-state.ts";

const target = readTarget("me@node1:2222", {}, "a test");
const host = (n: number): EngineHost => ({ target, n, command: [], engineArgs: [] });

describe("a host", () => {
  it.each([
    ["node1", "", "node1", 0],
    ["me@node1.example", "me", "node1.example", 0],
    ["node1:22", "", "node1", 22],
    ["me@10.0.0.1:2222", "me", "10.0.0.1", 2222],
    ["me@[::1]:22", "me", "::1", 22],
    ["fe80::1", "", "fe80::1", 0],
  ])("is read from %s", (text, user, name, port) => {
    expect(readTarget(text, {}, "here")).toMatchObject({ user, host: name, port });
  });

  it.each(["", "-oProxyCommand=x", "-l@x", "a b", "x:99999", "me@", "x:y"])("is not %j", (text) => {
    expect(() => readTarget(text, {}, "here")).toThrow(new ConfigError(`here: "${text}" is no host; write [user@]host[:port]`));
  });

  it("says what is wrong with its options", () => {
    const read = (value: unknown) => () => readHosts({ engines: { node1: value } });
    expect(read({ n: 2, port: 7 })()[0]).toMatchObject({ n: 2, target: { port: 7 } });
    expect(read({ enginArgs: [] })).toThrow(`unknown option "enginArgs" of the host "node1" in "ssh.engines"; did you mean "engineArgs"?`);
    expect(read(-1)).toThrow(`the number of engines of the host "node1" in "ssh.engines" must be a whole number`);
    expect(read({ engineArgs: "x" })).toThrow(`option "engineArgs" of the host "node1" in "ssh.engines" must be a list of texts`);
    expect(read("4")).toThrow(`"node1" must be a number of engines or an object`);
    expect(() => readHosts({})).toThrow("no hosts for engines: name them in ipcluster_config");
  });

  it("is reached with the user's own settings first, and never with a question", () => {
    const line = sshCommand(readTarget("me@node1:2222", { args: ["-o", "ConnectTimeout=1"] }, "here"), "true");
    expect(line.slice(0, 4)).toEqual(["ssh", "-o", "ConnectTimeout=1", "-T"]);
    expect(line).toContain("BatchMode=yes");
    expect(line.slice(-7)).toEqual(["-p", "2222", "-l", "me", "--", "node1", "true"]);
  });
});

describe("the shares of hosts", () => {
  it("are their own numbers when these are wanted, and are dealt in turn otherwise", () => {
    const hosts = [host(4), host(2), host(0)];
    expect(sharesOf(hosts, 6)).toEqual([4, 2, 0]);
    expect(sharesOf(hosts, 3)).toEqual([2, 1, 0]);
    expect(sharesOf(hosts, 5)).toEqual([3, 2, 0]);
    expect(sharesOf(hosts, 8)).toEqual([5, 3, 0]);
  });

  it("add up to what is wanted, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }), fc.nat(100), (counts, n) => {
        const hosts = counts.map(host);
        const sum = sharesOf(hosts, n).reduce((total, share) => total + share, 0);
        expect(sum).toBe(totalOf(hosts) === 0 ? 0 : n);
      }),
    );
  });
});

describe("what ssh says", () => {
  const failure = (...words: string[]): string => connectionFailure(target, { exitCode: 255, signal: null, words });

  it("becomes a sentence with the remedy", () => {
    expect(failure("Host key verification failed.")).toBe("the host key of node1 is not known yet: log in once by hand and confirm it: ssh -p 2222 me@node1");
    expect(failure("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", "Host key verification failed.")).toContain(
      "forget the old one with: ssh-keygen -R '[node1]:2222'",
    );
    expect(failure("me@node1: Permission denied (publickey).")).toContain("ssh-copy-id -p 2222 me@node1");
    expect(failure("ssh: Could not resolve hostname node1: Name or service not known")).toContain(`there is no host "node1"`);
    expect(failure("ssh: connect to host node1 port 2222: Connection refused")).toContain("refuses connections to its ssh port");
    expect(failure("ssh: connect to host node1 port 2222: No route to host")).toContain("does not answer");
  });

  it("is passed on where it is not known", () => {
    expect(failure("a new kind of trouble")).toBe("the connection to node1 ended (exit status 255): a new kind of trouble");
    expect(connectionFailure(target, { exitCode: null, signal: "SIGKILL", words: [] })).toBe("the connection to node1 ended (SIGKILL)");
  });

  it("of a server that has too many logins is worth another try", () => {
    expect(isWorthRetrying({ exitCode: 255, signal: null, words: ["kex_exchange_identification: Connection closed by remote host"] })).toBe(true);
    expect(isWorthRetrying({ exitCode: 255, signal: null, words: ["Host key verification failed."] })).toBe(false);
  });

  it("of several hosts is said once where it is the same", () => {
    const reasons = mergeReasons([
      ["a", "a is off"],
      ["b", "b burns"],
      ["c", "c is off"],
    ]);
    expect(reasons).toEqual(["a is off (the same for c)", "b burns"]);
  });
});

describe("the line that starts the agent", () => {
  it("finds Node, whatever it is called, and has it tell its version", () => {
    for (const node of ["", process.execPath]) {
      const output = execFileSync("sh", ["-c", bootstrapLine(node)], { input: "", encoding: "utf8" });
      expect(JSON.parse(output.replace("@tsparallel ", ""))).toMatchObject({ type: "node", version: process.versions.node });
    }
  });

  it("ends with 127 where there is none", () => {
    expect(() => execFileSync("sh", ["-c", bootstrapLine("it's not here")], { input: "", stdio: "pipe" })).toThrow(expect.objectContaining({ status: 127 }));
  });
});

describe("the state of an ssh launcher's engines", () => {
  it("of any content is read without a login where it names no host", async () => {
    for (const value of [
      {},
      { hosts: 1 },
      { hosts: [{}], engines: { 0: { host: 0, remote_pid: 1 } } },
      { hosts: [{ target: { host: "-x" }, agent: {} }], engines: {} },
    ])
      expect(await readGroups({ cluster_id: "", profile_dir: "/p", state: "running", ...value })).toEqual([]);
  });

  it("of none is that of none", () => {
    expect(groupsState([], { cluster_id: "", profile_dir: "/p" }, false)).toEqual({
      cluster_id: "",
      profile_dir: "/p",
      state: "after",
      pid: -1,
      n: 0,
      engines: {},
      hosts: [],
    });
  });
});
