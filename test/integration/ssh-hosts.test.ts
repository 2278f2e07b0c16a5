// The ssh launcher against real ssh servers on hosts of their own: network, name, processes and home directory are each host's.

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HAS_SSH_HOSTS, SshHosts } from "../support/ssh-hosts.ts";
import { until } from "../support/until.ts";

const LIBRARY = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
const ENGINE = fileURLToPath(new URL("../../dist/cli/bin/ipengine.js", import.meta.url));
const ALL = ["head", "node1", "node2", "node3", "node4"];

/** A profile's configuration with these options. */
const configuration = (options: string): string =>
  `import { defineConfig } from "tsparallel/config";\nexport default defineConfig({ engines: "ssh", ${options} });\n`;

describe.skipIf(!HAS_SSH_HOSTS)("on hosts with ssh servers", () => {
  let hosts: SshHosts;
  beforeAll(() => {
    hosts = SshHosts.start(4);
  });
  afterAll(() => hosts.stop());
  afterEach(async () => {
    // Whatever a test did: the hosts are as they were, and nothing is left on any of them.
    try {
      hosts.mend();
      await until(() => ALL.every((host) => hosts.processes(host).length === 0), { everyMs: 20 });
    } finally {
      hosts.killProcesses(ALL);
    }
  });

  it("a cluster is ready when all engines answer, runs functions on them, tells no key, and is stopped without a trace", async () => {
    // One host's clock is ahead, and one is reached by way of another.
    writeFileSync(hosts.home("node2", "ahead.cjs"), "const { now } = Date; Date.now = () => now() + 60_000;");
    writeFileSync(hosts.home("node2", "node"), `#!/bin/sh\nexec ${process.execPath} --require /root/ahead.cjs "$@"\n`, { mode: 0o755 });
    await hosts.configure(
      "lab",
      `import { defineConfig } from "tsparallel/config";
export default defineConfig({
  engines: "ssh",
  controller: { ip: "*", logToFile: true, logLevel: "info" },
  ssh: { engines: { "node1": 2, "root@node2:22": { n: 1, engineArgs: [], node: "/root/node" }, node3: { n: 1, sshArgs: ["-o", "ProxyJump=node1"] } }, toSend: ["notes.txt:inbox/notes.txt"], toFetch: ["inbox/notes.txt:back-{host}.txt"] },
});`,
    );
    writeFileSync(hosts.home("head", "notes.txt"), "remember");
    const start = hosts.start(
      "head",
      "sh",
      "-c",
      `cd && exec ${process.execPath} ${fileURLToPath(new URL("../../dist/cli/bin/ipcluster.js", import.meta.url))} start --profile=lab`,
    );
    await start.says("ready: all engines answer engines=4");
    expect(start.stderr).toMatch(/the clock differs from this machine's: .* host=node2 offsetMs=(?:59|60|61)\d{3}\n/);
    const told = await hosts.node(`
      import { hostname } from "node:os";
      import { Client } from ${JSON.stringify(LIBRARY)};
      const rc = await Client.connect({ profile: "lab" });
      const names = await rc.directView().apply(() => hostname());
      const squares = await rc.loadBalancedView().map((x) => x * x, [1, 2, 3, 4, 5]);
      const secret = await rc.directView(0).apply(() => process.env.IPP_CONNECTION_INFO ?? "none");
      const from = await rc.directView().apply(() => [hostname(), process.env.SSH_CONNECTION.split(" ")[0]]);
      console.log(JSON.stringify({ names, squares, secret, jumped: Object.fromEntries(from).node3 }));
      await rc.close();`);
    const { names, ...others } = JSON.parse(told) as { names: string[] };
    expect(names.toSorted()).toEqual(["node1", "node1", "node2", "node3"]);
    expect(others).toEqual({ squares: [1, 4, 9, 16, 25], secret: "none", jumped: "10.77.0.11" });
    const { key } = JSON.parse(readFileSync(hosts.home("head", ".ipython/profile_lab/security/ipcontroller-client.json"), "utf8")) as { key: string };
    expect(ALL.flatMap((host) => hosts.processes(host)).filter((line) => line.includes(key))).toEqual([]);
    expect(readFileSync(hosts.home("node2", "inbox/notes.txt"), "utf8")).toBe("remember");
    expect(readFileSync(hosts.home("head", "back-node3.txt"), "utf8")).toBe("remember");
    expect((await hosts.run("list")).stdout).toMatch(/lab +'' +true +4 +ssh/);
    expect((await hosts.run("stop", "--profile=lab")).code).toBe(0);
    expect((await start.ended).code).toBe(0);
    expect(hosts.on("head", "ls", "/root/.ipython/profile_lab/security")).toBe("");
  });

  it("that cannot be used are told at once, each with the reason and the remedy", async () => {
    const engines = `"node1": 1, "node2": 1, "node3": 1, "nowhere": 1, "head:2200": 1, "head": { node: "/root/old-node" }`;
    writeFileSync(hosts.home("head", "old-node"), `#!/bin/sh\necho '@tsparallel {"type":"node","version":"18.19.0"}'; cat > /dev/null\n`, { mode: 0o755 });
    await hosts.configure("bad", configuration(`controller: { ip: "*" }, ssh: { connectTimeoutMs: 5000, engines: { ${engines} } }`));
    hosts.change("head", ".ssh/known_hosts", (known) => known.replace(/^node1,.*\n/m, ""));
    hosts.change("node2", ".ssh/authorized_keys", () => "");
    hosts.hideNode("node3");
    const first = await hosts.run("start", "--profile=bad");
    expect(first.code).toBe(1);
    expect(first.stderr).toContain("6 of 6 hosts cannot be used: the host key of node1 is not known yet: log in once by hand and confirm it: ssh node1; ");
    expect(first.stderr).toContain("node2 refuses the login as this user: install your key there with: ssh-copy-id node2; ");
    expect(first.stderr).toContain("node3 has no Node that a login without a terminal finds: install Node 20.19 or newer there");
    expect(first.stderr).toContain(`there is no host "nowhere"`);
    expect(first.stderr).toContain("head refuses connections to its ssh port");
    expect(first.stderr).toContain("head has Node 18.19.0; 20.19 or newer is needed");
    hosts.mend();

    // node1 shows another key than the known one; node2 is cut off; node3 reaches no port of the head but ssh.
    hosts.change("head", ".ssh/known_hosts", (known) => known.replace(/^node1,(\S+) .*$/m, `node1,$1 ${/^head,\S+ (.*)$/m.exec(known)?.[1] ?? ""}`));
    hosts.cut("node2");
    hosts.isolate("node3", "ip daddr 10.77.0.10 tcp sport != 22");
    const second = await hosts.run("start", "--profile=bad");
    hosts.mend();
    expect(second.stderr).toContain("node1 shows another host key than the known one: it was installed anew, or somebody is in between");
    expect(second.stderr).toContain("node2 does not answer: check that it is on and can be reached: ssh node2");
    expect(second.stderr).toMatch(/node3 cannot reach the controller at head:\d+ \(no answer, as behind a firewall\) and 10\.77\.0\.10:\d+/);
    expect(hosts.on("head", "ls", "/root/.ipython/profile_bad/security")).toBe("");
  });

  it("an engine that ends before it is ready, a controller that others cannot reach and a missing ssh fail the start with their reasons", async () => {
    await hosts.configure("args", configuration(`controller: { ip: "*" }, ssh: { engines: { node1: 1, node2: { n: 1, engineArgs: ["--nonsense"] } } }`));
    await hosts.configure("local", configuration(`ssh: { engines: { node1: 1, node2: 1 } }`));
    await hosts.configure("none", configuration(`ssh: { command: ["no-such-ssh"], engines: { node1: 1 } }`));
    await hosts.configure("quick", configuration(`controller: { ip: "*" }, ssh: { engines: { node3: { n: 2, command: ["false"] } } }`));
    const [args, local, none, quick] = await Promise.all(["args", "local", "none", "quick"].map((profile) => hosts.run("start", `--profile=${profile}`)));
    expect(none?.stderr).toContain(`there is no program "no-such-ssh" here: install the OpenSSH client`);
    expect(quick?.stderr).toMatch(/engine [12] of 2 on node3 ended with exit status 1 before it was ready: it said nothing/);
    expect((await hosts.run("start", "--profile=proxy", "--engines=sshproxy")).stderr).toContain("no host for the engines: name it in ipcluster_config");
    expect(args?.stderr).toContain(`engine 2 of 2 on node2 ended with exit status 2 before it was ready: unknown option "--nonsense"`);
    expect(local?.stderr).toContain("node1 cannot reach the controller, which listens on this machine's loopback address only: start it with --ip='*'");
    expect(local?.stderr).toContain("(the same for node2)");
  });

  it("one that dies during the start fails it, as does every second one that cannot be reached; with --min-engines the rest goes on", async () => {
    const dying = `args: ["-o", "ServerAliveInterval=1"], connectTimeoutMs: 5000, engines: { node1: 1, node4: { n: 1, command: ["sh", "-c", "exec sleep 600"] } }`;
    await hosts.configure("half", configuration(`controller: { ip: "*" }, ssh: { ${dying} }`));
    const start = hosts.ipcluster("start", "--profile=half");
    await start.says("starting engines on a host host=node4");
    hosts.kill("node4");
    ALL.splice(ALL.indexOf("node4"), 1);
    const end = await start.ended;
    // What is told depends on whether the host had said yet that its engine runs.
    expect(end.stderr).toMatch(/ipcluster: (?:the connection to node4 ended|engine 2 of 2 on node4 was lost with the connection to node4).*\n$/);
    expect(end.code).toBe(1);
    const fewer = hosts.ipcluster("start", "--profile=half", "--cluster-id=fewer", "--min-engines=1");
    const half = await hosts.run("start", "--profile=half");
    expect(half.stderr).toContain("ipcluster: 1 of 2 hosts cannot be used: node4 does not answer: check that it is on and can be reached: ssh node4\n");
    expect(half.code).toBe(1);
    await fewer.says("ready: fewer engines than wanted answer engines=1 wanted=2");
    expect(fewer.stderr).toContain(`going on without a host host=node4 why="node4 does not answer`);
    expect((await hosts.run("stop", "--profile=half", "--cluster-id=fewer")).code).toBe(0);
    await fewer.ended;
  });

  it("a start is given up by Ctrl-C at each of its steps, and nothing is left on any of them", async () => {
    // Engines that never answer: the start does not end before, however long the Ctrl-C takes to come.
    const silent = `{ n: 1, command: ["sh", "-c", "exec sleep 600"] }`;
    await hosts.configure("quit", configuration(`controller: { ip: "*" }, ssh: { engines: { node1: ${silent}, node2: ${silent} } }`));
    const moments = ["starting the controller", "starting engines n=2", "starting engines on a host"];
    const ends = moments.map(async (moment, at) => {
      const start = hosts.ipcluster("start", "--profile=quit", `--cluster-id=q${at}`);
      await start.says(moment);
      hosts.on("head", "pkill", "-INT", "-f", `start --profile=quit --cluster-id=q${at}`);
      return start.ended;
    });
    for (const { stderr } of await Promise.all(ends)) expect(stderr).toMatch(/ipcluster: interrupted by SIGINT; everything was stopped\n$/);
    expect(hosts.on("head", "ls", "/root/.ipython/profile_quit/security")).toBe("");
  });

  it("engines, also those that were added, are stopped by the hosts themselves when the starter was killed", async () => {
    // One host's connection ends with the starter; the other host is cut off before, and hears of nothing any more.
    const lab = `ssh: { args: ["-o", "ServerAliveInterval=1"], engines: { node1: 1, node2: 1 }, contactTimeoutMs: 5000 }, sshproxy: { host: "root@node1" }`;
    await hosts.configure("two", configuration(`controller: { ip: "*" }, ${lab}`));
    const start = hosts.ipcluster("start", "--profile=two");
    await start.says("ready: all engines answer");
    const more = hosts.ipcluster("engines", "--profile=two", "--engines=sshproxy", "-n", "1");
    await more.says("ready: all added engines answer");
    const file = JSON.parse(readFileSync(hosts.home("head", ".ipython/profile_two/security/cluster-.json"), "utf8")) as { starter: { pid: number } };
    hosts.cut("node2");
    hosts.on("head", "kill", "-KILL", String(file.starter.pid));
    await until(() => ALL.every((host) => hosts.processes(host).length === 0), { everyMs: 20 });
    hosts.mend();
    expect((await hosts.run("stop", "--profile=two")).code).toBe(11);
  });

  it("a program's engines get its signals, and are stopped by another command", async () => {
    const program = hosts.start(
      "head",
      process.execPath,
      "--input-type=module",
      "-e",
      `import { Cluster } from ${JSON.stringify(LIBRARY)};
       const cluster = await Cluster.start({ profile: "two", clusterId: "p" });
       const rc = await cluster.connect();
       const running = rc.directView().apply(() => { for (;;); });
       running.catch(() => undefined);
       // A signal that comes before the function runs interrupts nothing.
       for (; !running.ready(); await new Promise((next) => setTimeout(next, 100))) await cluster.signal("SIGINT");
       await running.then(() => undefined, (error) => console.error("interrupted", error.errors.length));
       await cluster.scale(1);
       console.error("left", cluster.engineCount, await rc.loadBalancedView().apply(() => "works"));
       await new Promise(() => setInterval(() => undefined, 1000));`,
    );
    await program.says("interrupted 2");
    await program.says("left 1 works");
    expect((await hosts.run("stop", "--profile=two", "p")).code).toBe(0);
    await until(() => ["node1", "node2"].every((host) => hosts.processes(host).length === 0));
    hosts.on("head", "pkill", "-KILL", "-f", "input-type=module");
    await program.ended;
  });

  it("a controller that listens on loopback only is reached through tunnels, which end with their owners", async () => {
    const start = hosts.ipcluster("start", "--profile=inner", "-n", "1", "--", "--ssh=head", "--enginessh=root@head:22");
    await start.says("ready: all engines answer");
    const files = hosts.home("head", ".ipython/profile_inner/security/ipcontroller");
    copyFileSync(`${files}-client.json`, hosts.home("node1", "client.json"));
    copyFileSync(`${files}-engine.json`, hosts.home("node2", "engine.json"));
    // The client's host logs in with a key that only it is told of.
    hosts.rename("node1", ".ssh/id_ed25519", "key");
    const engine = hosts.start("node2", process.execPath, "--no-force-async-hooks-checks", ENGINE, "--file=/root/engine.json");
    const client = hosts.start(
      "node1",
      process.execPath,
      "--input-type=module",
      "-e",
      `import { hostname } from "node:os";
       import { Client } from ${JSON.stringify(LIBRARY)};
       await Client.connect({ file: "/root/client.json", sshServer: "nobody@head" }).catch((error) => console.error(error.message));
       const rc = await Client.connect({ file: "/root/client.json", sshKey: "/root/key" });
       await rc.waitForEngines(2);
       const hosts = async () => (await rc.directView().apply(() => hostname())).toSorted();
       console.error("hosts", await hosts());
       rc.on("controllerBack", async ({ isSameLife }) => {
         console.error("back", isSameLife, await hosts());
         process.kill(process.pid, "SIGKILL");
       });`,
    );
    await client.says("hosts [ 'head', 'node2' ]");
    expect(client.stderr).toContain("head refuses the login as nobody: install your key there with: ssh-copy-id nobody@head");
    // A tunnel that breaks is opened again.
    hosts.on("node1", "pkill", "-KILL", "-x", "ssh");
    await client.says("back true [ 'head', 'node2' ]");
    await until(() => hosts.processes("node1").length === 0);
    expect((await hosts.run("stop", "--profile=inner")).code).toBe(0);
    hosts.on("node2", "pkill", "-TERM", "-f", "engine.json");
    await engine.ended;
  });

  it("the controller may run on one, whose connection files are fetched; a host that fails takes only its engines with it", async () => {
    const impatient = `args: ["-o", "ServerAliveInterval=1"], connectTimeoutMs: 5000`;
    await hosts.configure("far", configuration(`controller: { launcher: "ssh" }, ssh: { ${impatient}, controller: "node1", engines: { node2: 1, node3: 1 } }`));
    const start = hosts.ipcluster("start", "--profile=far");
    await start.says("ready: all engines answer engines=2");
    hosts.kill("node3");
    ALL.splice(ALL.indexOf("node3"), 1);
    await start.says("engine ended unexpectedly");
    expect(start.stderr).toMatch(/engine=[01] host=node3 .*how="was lost with the connection to node3/);
    const told = await hosts.node(`
      import { hostname } from "node:os";
      import { Client } from ${JSON.stringify(LIBRARY)};
      const rc = await Client.connect({ profile: "far" });
      console.log(await rc.directView().apply(() => hostname()));
      await rc.close();`);
    expect(told).toContain("[ 'node2' ]");
    const stop = await hosts.run("stop", "--profile=far");
    expect(stop.stderr).toContain("could not stop 1 process on node3: node3 does not answer");
    expect(stop.stderr).toContain("what runs there ends by itself within 60 s without contact");
    expect(stop.code).toBe(1);
  });
});
