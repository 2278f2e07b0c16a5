// Configuration: option tables, profile files, profile directories, connection files. The only room, besides `cli`, that
// reads the environment.

export { CLUSTER_OPTIONS } from "./cluster-options.ts";
export {
  connectionFilePath,
  parseConnectionInfo,
  readConnectionFile,
  removeConnectionFiles,
  writeConnectionFiles,
  writePrivateFile,
  type ConnectionRole,
  type ReadConnectionOptions,
} from "./connection-files.ts";
export { CONTROLLER_OPTIONS } from "./controller-options.ts";
export { curveKeyPath, curveKeyText, readCurveKey, withServerKey } from "./curve-keys.ts";
export { ENGINE_OPTIONS } from "./engine-options.ts";
export { fileFailure } from "./file-failure.ts";
export { ownHost, resolveInterface, type OwnHost } from "./interface.ts";
export { importModule, loadConfigFile, loadProfileConfig, readConfig, type ConfigValues, type LoadedConfig } from "./load-config.ts";
export { makeDirectory, makeDirectorySync } from "./make-directory.ts";
export { ensureProfile, listProfiles, resolveClusterId, resolveIpythonDir, resolveProfile, type ProfileChoice, type ProfileDir } from "./profile.ts";
export { resolveOptions, type OptionOrigin, type OptionSources, type ResolvedOptions } from "./resolve.ts";
export { checkValue, parseBoolean, parseValue, type OptionRow, type OptionTable, type OptionType, type OptionValues } from "./schema.ts";
export { shownOptions, type ShownOption } from "./shown-options.ts";
export { didYouMean, editDistance, suggest } from "./suggest.ts";
export { sshServerOf, type SshFacts } from "./ssh-server.ts";
export {
  OPTION_TABLES,
  type ClusterFileOptions,
  type ClusterValues,
  type ConfigName,
  type ControllerFileOptions,
  type ControllerValues,
  type EngineFileOptions,
  type EngineValues,
} from "./tables.ts";
export { configTemplate, createProfile } from "./template.ts";
