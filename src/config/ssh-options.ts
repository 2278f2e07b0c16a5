// Options of the ssh launchers, in the sections `ssh` and `sshproxy` of `ipcluster_config.*`.

/** How all hosts are reached, and what runs there. */
export const SSH_ROWS = [
  {
    name: "ssh.engines",
    type: "record",
    default: null,
    doc: "hosts, `[user@]host[:port]`, each with its number of engines, or with `{ n, user, port, engineArgs, command, node, sshArgs }`",
  },
  {
    name: "ssh.controller",
    type: "text",
    default: "",
    doc: "host of the controller, `[user@]host[:port]`, when `controller.launcher` is `ssh`",
  },
  {
    name: "ssh.command",
    type: "list",
    default: ["ssh"],
    traits: ["SSHLauncher.ssh_cmd"],
    doc: "program and first arguments to start instead of `ssh`",
  },
  {
    name: "ssh.args",
    type: "list",
    default: [],
    traits: ["SSHLauncher.ssh_args"],
    doc: "further arguments for `ssh`, e.g. `-i` and the file of a key; what `~/.ssh/config` says is known without",
  },
  {
    name: "ssh.node",
    type: "text",
    default: "",
    doc: "program of Node on the hosts; looked for on the search path and in the usual places when empty",
  },
  {
    name: "ssh.toSend",
    type: "list",
    default: [],
    traits: ["SSHLauncher.to_send"],
    doc: "files copied to every host before the start, `local:remote` or `path`; a relative remote path begins in the home directory",
  },
  {
    name: "ssh.toFetch",
    type: "list",
    default: [],
    traits: ["SSHLauncher.to_fetch"],
    doc: "files copied from every host when the start is done, `remote:local` or `path`; `{host}` in the local path is the host's name",
  },
  {
    name: "ssh.connectTimeoutMs",
    type: "integer",
    default: 10_000,
    unit: "ms",
    min: 1,
    doc: "how long a host may take to accept the connection",
  },
  {
    name: "ssh.contactTimeoutMs",
    type: "integer",
    default: 60_000,
    unit: "ms",
    min: 1000,
    doc: "after so long without a word from the process that started them, a host's engines are stopped by the host itself",
  },
] as const;

/** All engines on one host, as many as `n` says. */
export const SSHPROXY_ROWS = [
  {
    name: "sshproxy.host",
    type: "text",
    default: "",
    traits: ["SSHProxyEngineSetLauncher.hostname"],
    doc: "host of all engines, `[user@]host[:port]`, when `engines` is `sshproxy`; how many there are says `n`",
  },
  { name: "sshproxy.command", type: "list", default: ["ssh"], doc: "as `ssh.command`" },
  { name: "sshproxy.args", type: "list", default: [], doc: "as `ssh.args`" },
  { name: "sshproxy.node", type: "text", default: "", doc: "as `ssh.node`" },
  { name: "sshproxy.toSend", type: "list", default: [], doc: "as `ssh.toSend`" },
  { name: "sshproxy.toFetch", type: "list", default: [], doc: "as `ssh.toFetch`" },
  { name: "sshproxy.connectTimeoutMs", type: "integer", default: 10_000, unit: "ms", min: 1, doc: "as `ssh.connectTimeoutMs`" },
  { name: "sshproxy.contactTimeoutMs", type: "integer", default: 60_000, unit: "ms", min: 1000, doc: "as `ssh.contactTimeoutMs`" },
] as const;
