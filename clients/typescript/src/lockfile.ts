/**
 * npm's lockfiles, as a guest has them: no more is believed of one than which digests it names and what it calls them.
 */
import { isRecord } from "./check.js";

/** The longest lockfile that is read. */
export const LOCKFILE_BYTES_MAX: number = 32 * 1024 * 1024;
/** Packages of a lockfile that are looked at. */
const PACKAGES_MAX = 20_000;
/** The longest name, version or path that is told. */
const TEXT_MAX = 1024;
const DIGEST_BYTES = 64;

/** A package of a lockfile. */
export interface LockedPackage {
  /** Where it lies, beneath the project: `node_modules/express`. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** The SHA-512 of its archive in hexadecimal digits, if that is how it is named. */
  readonly digest: string | undefined;
}

/** The packages of a lockfile. What is no lockfile has none: npm says what is wrong with it. */
export function parseLockfile(text: string): LockedPackage[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return [];
  }
  if (!isRecord(parsed) || !isRecord(parsed["packages"])) return [];
  const packages: LockedPackage[] = [];
  for (const [path, entry] of Object.entries(parsed["packages"])) {
    if (packages.length === PACKAGES_MAX) break;
    if (path === "" || path.length > TEXT_MAX || !isRecord(entry) || entry["link"] === true) continue;
    const { version, name: alias, integrity } = entry;
    if (typeof version !== "string" || version.length > TEXT_MAX) continue;
    const name = typeof alias === "string" && alias.length <= TEXT_MAX ? alias : nameOf(path);
    packages.push({ path, name, version, digest: typeof integrity === "string" ? digestOf(integrity) : undefined });
  }
  return packages;
}

function nameOf(path: string): string {
  return path.split("node_modules/").at(-1) ?? path;
}

/** The digest of a text of subresource integrity that has exactly one of SHA-512. */
function digestOf(integrity: string): string | undefined {
  if (integrity.length > TEXT_MAX) return undefined;
  const [encoded, ...more] = integrity.split(/\s+/).filter((part) => part.startsWith("sha512-"));
  if (encoded === undefined || more.length > 0) return undefined;
  const bytes = Buffer.from(encoded.slice("sha512-".length).replace(/\?.*$/, ""), "base64");
  return bytes.length === DIGEST_BYTES ? bytes.toString("hex") : undefined;
}
