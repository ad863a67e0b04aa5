/**
 * Runs JavaScript that nobody trusts, and a POSIX shell, in one enclosed process per VM. WebAssembly is off unless
 * `permissions.webAssembly` is `"allow"`.
 */
export { Client, type ConnectOptions, type VmConfig } from "./client.js";
export type { Code, CodeOptions, CodeSpawnOptions, FileCode, ProgramSpawnOptions } from "./code.js";
export type { Context } from "./context.js";
export type { Decisions, WatchOptions } from "./decisions.js";
export { CordonError } from "./errors.js";
export type {
  EvaluationResult,
  ExecutionResult,
  Outcome,
  ProgramOptions,
  RunOptions,
} from "./execution.js";
export type { Input, InputChunk } from "./feeding.js";
export type { FetchOptions } from "./fetch.js";
export type { FileSystem, FileOptions, ReadOptions, RecursiveOptions } from "./files.js";
export {
  ErrorCode,
  type Access,
  type CreateVmConfig,
  type Decision,
  type DecisionBatch,
  type DecisionScope,
  type DirectoryEntry,
  type EngineReport,
  type ErrorData,
  type FileKind,
  type FileStatus,
  type JsonValue,
  type Limits,
  type Mount,
  type NetworkLimits,
  type NetworkOperation,
  type NetworkRule,
  type NetworkRules,
  type NetworkScope,
  type NetworkUsage,
  type Permissions,
  type Platform,
  type ProcessState,
  type ProcessStatus,
  type SourceFormat,
  type TimingMitigation,
} from "./generated/wire.js";
export type { ConnectToOptions, GuestConnection } from "./guestConnection.js";
export type { HostFunction, HostFunctions } from "./hostFunctions.js";
export type { InstallOptions, InstallResult, InstalledPackage, Npm } from "./npm.js";
export type { OutputCallback } from "./output.js";
export type { GuestInput, GuestOutput, GuestProcess, Processes, SignalName, SpawnOptions } from "./process.js";
export {
  NodeRuntime,
  createVm,
  evaluate,
  execute,
  executeFile,
  init,
  shutdown,
  type OneShot,
  type VmOptions,
} from "./runtime.js";
export type { Terminal, TerminalOptions, TerminalSize } from "./terminal.js";
export { VERSION } from "./version.js";
export type { Vm } from "./vm.js";
