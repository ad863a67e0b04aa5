/**
 * What this package throws. Guest code that fails is no reason to throw: its error is in the result.
 */
import { ErrorCode, type ErrorData, type Progress } from "./generated/wire.js";

/**
 * Why something could not be done: a wrong configuration, a denied permission, a missing file, a VM or sidecar that is
 * gone. `code` is stable; `hint` says what to do about it where that is known.
 */
export class CordonError extends Error {
  /** One of `ErrorCode`, or for files the name of an errno: `ENOENT`. */
  readonly code: string;
  /** Whether guest code made it. Then everything else is what the guest chose to say, its code included. */
  readonly guest: boolean;
  /** What to do about it. */
  declare readonly hint?: string;
  /** The configuration field that decided. */
  declare readonly field?: string;
  /**
   * What is known of whether the request that failed was begun: `not_started` (to ask again does nothing twice), `ran`,
   * or `unknown` (whoever could say so is gone). Left out where the error alone says it.
   */
  declare readonly progress?: Progress;
  /** More facts, by name. */
  declare readonly details?: Readonly<Record<string, string>>;
  /** Where in guest code, if that is where it came from. */
  declare readonly guestStack?: string;

  constructor(data: ErrorData, options?: ErrorOptions) {
    super(data.message, options);
    this.name = data.name;
    this.code = data.code;
    this.guest = data.guest ?? false;
    if (data.hint !== undefined) this.hint = data.hint;
    if (data.field !== undefined) this.field = data.field;
    if (data.progress !== undefined) this.progress = data.progress;
    if (data.details !== undefined) this.details = data.details;
    if (data.stack !== undefined) this.guestStack = data.stack;
  }
}

/** The same error, of a request of which that is known. */
export function withProgress(error: CordonError, progress: Progress): CordonError {
  return new CordonError({ ...dataOf(error), progress });
}

/** An error as it travels. */
export function dataOf(error: CordonError): ErrorData {
  const { code, name, message, guest, hint, field, progress, details, guestStack } = error;
  const data: ErrorData = { code, name, message };
  if (guest) data.guest = guest;
  if (hint !== undefined) data.hint = hint;
  if (field !== undefined) data.field = field;
  if (progress !== undefined) data.progress = progress;
  if (details !== undefined) data.details = { ...details };
  if (guestStack !== undefined) data.stack = guestStack;
  return data;
}

/** What an error of cordon's own can say besides its code and message. */
export interface ErrorFacts {
  readonly hint?: string;
  readonly field?: string;
  readonly progress?: Progress;
  readonly details?: Record<string, string>;
  readonly cause?: unknown;
}

/** An error of cordon's own. */
export function cordonError(code: string, message: string, facts: ErrorFacts = {}): CordonError {
  const { cause, ...data } = facts;
  return new CordonError({ code, name: "CordonError", message, ...data }, cause === undefined ? undefined : { cause });
}

/** The error of a connection that ended. */
export function disconnected(why: string, facts: ErrorFacts = {}): CordonError {
  return cordonError(ErrorCode.DISCONNECTED, `the connection to the sidecar ended: ${why}`, facts);
}

/** The error of bytes that do not belong to the protocol. */
export function protocolError(why: string): CordonError {
  return cordonError(ErrorCode.PROTOCOL, why, { hint: "use the same release of the client and of the cordon executable" });
}

/** The text of whatever was thrown. Whoever threw it may have made it so that it has none. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something that has no text was thrown";
  }
}
