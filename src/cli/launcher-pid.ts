// Who started this program: a launcher says so in the environment.

/**
 * The launcher's process id, with which this program shall end; `null` when it was started by anybody else. Takes it out of
 * the environment, so that a program which this one starts does not take itself for the launcher's.
 */
export function takeLauncherPid(env: NodeJS.ProcessEnv = process.env): number | null {
  const pid = Number(env["IPP_PARENT_PID"] ?? "");
  delete env["IPP_PARENT_PID"];
  return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
}
