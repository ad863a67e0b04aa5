/**
 * Finds the `cordon` executable.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkText } from "./check.js";
import { cordonError, type CordonError } from "./errors.js";
import { ErrorCode } from "./generated/wire.js";

/** Where an executable may lie relative to this package: packed with it, or built in the repository around it. */
const BESIDE = ["../bin/cordon", "../../../target/cordon/cordon"];

/**
 * The path of the executable: the one that is given, else the one that `CORDON_BINARY` names, else the first in `PATH`,
 * else the one beside this package.
 */
export function findBinary(binary?: string): string {
  if (binary !== undefined) return named(checkText(binary, "binary"), "the option `binary`");
  const fromEnvironment = process.env["CORDON_BINARY"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return named(fromEnvironment, "CORDON_BINARY");
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const beside = BESIDE.map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = [...folders.map((folder) => join(folder, "cordon")), ...beside].find(isExecutable);
  if (found !== undefined) return found;
  throw notInstalled(`there is no cordon executable in PATH or beside this package (${beside.join(", ")})`);
}

function named(path: string, by: string): string {
  if (isExecutable(path)) return path;
  throw notInstalled(`${path}, which ${by} names, is no executable file`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function notInstalled(message: string): CordonError {
  const hint =
    process.platform === "linux"
      ? "install cordon, or build it in a checkout as its README says; then put it into PATH, or name it with the " +
        "option `binary` or the environment variable CORDON_BINARY"
      : `cordon's VMs run on Linux, not on ${process.platform}; run a sidecar there, and name its socket with the option \`socket\``;
  return cordonError(ErrorCode.NOT_INSTALLED, message, { hint });
}
