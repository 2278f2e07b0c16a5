// Options of `ipengine`: one row each.

/** Every option of `ipengine_config.*`. */
export const ENGINE_OPTIONS = [
  { name: "file", type: "text", default: null, flag: "--file <path>", traits: ["IPEngine.url_file"], doc: "the controller's connection file for engines; that of the profile and cluster id when absent" },
  { name: "url", type: "text", default: null, flag: "--url <address>", traits: ["IPEngine.registration_url"], doc: "address of the registration socket, when it is not the connection file's" },
  { name: "clusterId", type: "text", default: "", flag: "--cluster-id <id>", env: "IPP_CLUSTER_ID", traits: ["IPEngine.cluster_id"], doc: "which cluster of the profile to join" },
  { name: "location", type: "text", default: null, flag: "--location <host>", traits: ["IPEngine.location"], doc: "host name or address of the controller's machine, when it is not the connection file's" },
  { name: "ident", type: "text", default: null, flag: "--ident <uuid>", traits: ["Session.session"], doc: "the engine's uuid; a fresh random one when absent" },
  { name: "ssh", type: "text", default: null, flag: "--ssh <server>", traits: ["IPEngine.sshserver"], doc: "`[user@]server[:port]` to tunnel through" },
  { name: "sshkey", type: "text", default: null, flag: "--sshkey <path>", traits: ["IPEngine.sshkey"], doc: "private key for the tunnel" },
  { name: "timeoutMs", type: "integer", default: 5000, unit: "ms", min: 1, traits: [], doc: "how long the controller may take to answer the registration" },
  { name: "waitForFileMs", type: "integer", default: 10_000, unit: "ms", min: 0, flag: "--wait-for-file <ms>", traits: [], doc: "how long to wait for the connection file" },
  { name: "startupCommand", type: "text", default: null, flag: "-c, --startup-command <code>", traits: ["IPEngine.startup_command"], doc: "code to run before the first request" },
  { name: "startupScript", type: "text", default: null, flag: "-s, --startup-script <file>", traits: ["IPEngine.startup_script"], doc: "file to run before the first request" },
  { name: "heartMissesMax", type: "integer", default: 50, min: 1, flag: "--heart-misses <count>", traits: ["IPEngine.max_heartbeat_misses"], doc: "heartbeats the controller may miss before the engine gives up on it" },
  { name: "logLevel", type: "level", default: "info", flag: "--log-level <level>", traits: ["Application.log_level", "IPEngine.log_level"], doc: "least severity that is logged" },
  { name: "logToFile", type: "boolean", default: false, flag: "--log-to-file", traits: ["IPEngine.log_to_file"], doc: "write the log to the profile's log directory instead of standard error" },
] as const;
