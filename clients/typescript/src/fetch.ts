/**
 * HTTP requests to servers in a VM: Node's own client over a connection to the VM, one for each request.
 */
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";

import { checkCount, checkOneOf, checkOptions, checkSignal, type Names } from "./check.js";
import { CordonError, cordonError, messageOf } from "./errors.js";
import { ErrorCode } from "./generated/wire.js";
import { beginToConnect, checkPort, type GuestConnection } from "./guestConnection.js";
import type { VmHandle } from "./handle.js";

/** The longest head of a response. */
const RESPONSE_HEAD_BYTES_MAX = 64 * 1024;
/** How long a server may take to begin its response, unless the call says otherwise. */
const RESPONSE_MS = 300_000;
/** So many redirects are followed. */
const REDIRECTS_MAX = 20;

/** What concerns one connection alone, and is this side's to say. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];
/** A response with one of these has no body. */
const WITHOUT_BODY = [204, 205, 304];
const REDIRECTS = [301, 302, 303, 307, 308];

/** What a request is, over what the `Request` says if there is one. */
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: RequestInit["headers"];
  readonly body?: RequestInit["body"];
  /** What becomes of a redirect: it is the response (`manual`, which is the default), followed within its origin, an error. */
  readonly redirect?: "manual" | "follow" | "error";
  /** Breaks the request off, or its response. */
  readonly signal?: AbortSignal;
  /** How long to wait for a server that is about to listen, in milliseconds; not at all when left out. */
  readonly waitMs?: number;
  /** How long the server may take until the head of its response is there, in milliseconds; five minutes when left out. */
  readonly headersTimeoutMs?: number;
}

const OPTIONS: Names<FetchOptions> = {
  method: true,
  headers: true,
  body: true,
  redirect: true,
  signal: true,
  waitMs: true,
  headersTimeoutMs: true,
};

/** A request as it is sent: its body is there as a whole, or comes in pieces. */
interface Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | ReadableStream | null;
}

/** Sends a request and gives the response once its head is there. */
export async function fetchFrom(
  vm: VmHandle,
  port: number,
  input: string | URL | Request,
  options: FetchOptions,
): Promise<Response> {
  checkOptions(options, "options", OPTIONS);
  checkPort(port);
  const redirect = checkOneOf(options.redirect ?? "manual", ["manual", "follow", "error"], "redirect");
  const signal = checkSignal(options.signal) ?? (input instanceof Request ? input.signal : undefined);
  const call: Call = {
    vm,
    port,
    signal,
    waitMs: checkCount(options.waitMs ?? 0, "waitMs"),
    timeoutMs: checkCount(options.headersTimeoutMs ?? RESPONSE_MS, "headersTimeoutMs"),
  };
  let outgoing = prepare(port, input, options);
  for (let redirects = 0; ; redirects += 1) {
    const response = await send(call, outgoing);
    const location = response.headers.get("location");
    if (redirect === "manual" || location === null || !REDIRECTS.includes(response.status)) return response;
    await response.body?.cancel();
    if (redirect === "error") throw ofPort(port, `it redirects to ${JSON.stringify(location)}`);
    if (redirects === REDIRECTS_MAX) throw ofPort(port, `it redirects more than ${REDIRECTS_MAX} times`);
    outgoing = redirected(port, outgoing, response.status, location);
  }
}

/** What to send for what was asked for. */
function prepare(port: number, input: string | URL | Request, options: FetchOptions): Outgoing {
  const base = `http://localhost:${port}`;
  let target: URL | Request;
  if (input instanceof Request) target = input;
  // A path of two slashes is a path, too.
  else if (typeof input === "string") target = new URL(input.startsWith("/") ? base + input : input, base);
  else if (input instanceof URL) target = input;
  else throw new TypeError("request must be a string, a URL or a Request");
  const init: RequestInit = {};
  if (options.method !== undefined) init.method = options.method;
  if (options.headers !== undefined) init.headers = options.headers;
  if (options.body !== undefined) Object.assign(init, { body: options.body, duplex: "half" });
  const request = new Request(target instanceof URL ? target.href : target, init);
  const url = new URL(request.url);
  if (url.protocol !== "http:") throw new TypeError(`${url.protocol} is not spoken to a server in a VM, but http:`);
  const headers = new Headers(request.headers);
  for (const name of HOP_BY_HOP) headers.delete(name);
  if (!headers.has("host")) headers.set("host", url.host);
  return { url, method: request.method, headers, body: wholeBody(options.body) ?? (request.body as ReadableStream | null) };
}

/** A body whose length is known before it is sent. */
function wholeBody(body: FetchOptions["body"]): Uint8Array | undefined {
  if (typeof body === "string" || body instanceof URLSearchParams) return new TextEncoder().encode(String(body));
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  return undefined;
}

/** The request that a redirect asks for. It goes to the same server, or nowhere. */
function redirected(port: number, { url, method, headers, body }: Outgoing, status: number, location: string): Outgoing {
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next?.origin !== url.origin) throw ofPort(port, `it redirects to another origin: ${JSON.stringify(location)}`);
  const becomesGet = status === 303 ? method !== "HEAD" : method === "POST" && (status === 301 || status === 302);
  if (becomesGet) {
    const fewer = new Headers(headers);
    for (const name of ["content-length", "content-type", "content-encoding", "content-language"]) fewer.delete(name);
    return { url: next, method: "GET", headers: fewer, body: null };
  }
  if (body instanceof ReadableStream) throw ofPort(port, "it redirects a request whose body cannot be sent again");
  return { url: next, method, headers, body };
}

interface Call {
  readonly vm: VmHandle;
  readonly port: number;
  readonly signal: AbortSignal | undefined;
  readonly waitMs: number;
  readonly timeoutMs: number;
}

async function send({ vm, port, signal, waitMs, timeoutMs }: Call, outgoing: Outgoing): Promise<Response> {
  const connection = beginToConnect(vm, port, { waitMs, ...(signal === undefined ? {} : { signal }) });
  const { body, method, url } = outgoing;
  // What is there as a whole goes out at once, to be there when the connection is; nothing is asked of a body before.
  if (body instanceof ReadableStream) await connection.opened;
  const headers: OutgoingHttpHeaders = Object.fromEntries(outgoing.headers);
  if (body instanceof Uint8Array) headers["content-length"] = body.length;
  let timer: NodeJS.Timeout | undefined;
  try {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest({
        createConnection: () => connection,
        path: url.pathname + url.search,
        method,
        headers,
        setHost: false,
        maxHeaderSize: RESPONSE_HEAD_BYTES_MAX,
      });
      // Also after the response has begun: then its body tells.
      request.on("error", (error) => reject(explained(error, connection, port, signal)));
      request.on("response", resolve);
      request.on("upgrade", () => {
        reject(ofPort(port, "it changed to another protocol that was not asked for"));
        connection.destroy();
      });
      timer = setTimeout(() => connection.destroy(ofPort(port, `it has not begun to answer for ${timeoutMs} ms`)), timeoutMs);
      if (body === null || body instanceof Uint8Array) request.end(body ?? undefined);
      // What breaks it off is told by the request.
      else pipeline(Readable.fromWeb(body), request).catch((error: unknown) => void request.destroy(error as Error));
    });
    return toResponse(incoming, method, connection, port, signal);
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function toResponse(
  incoming: IncomingMessage,
  method: string,
  connection: GuestConnection,
  port: number,
  signal: AbortSignal | undefined,
): Response {
  const { statusCode: status = 0, statusMessage: statusText = "" } = incoming;
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
      headers.append(incoming.rawHeaders[at] ?? "", incoming.rawHeaders[at + 1] ?? "");
    }
    const init = { status, statusText, headers };
    if (method !== "HEAD" && !WITHOUT_BODY.includes(status)) {
      return new Response(bodyOf(incoming, connection, port, signal), init);
    }
    incoming.resume();
    return new Response(null, init);
  } catch (error) {
    incoming.on("error", () => {});
    throw ofPort(port, `its response has no form: ${messageOf(error)}`);
  }
}

/** A body that is taken no faster than it is read. */
function bodyOf(
  incoming: IncomingMessage,
  connection: GuestConnection,
  port: number,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const pieces = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await pieces.next();
          if (next.done === true) controller.close();
          else controller.enqueue(new Uint8Array(next.value));
        } catch (error) {
          controller.error(explained(error, connection, port, signal));
        }
      },
      cancel() {
        connection.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/** What has broken off a request or a response. */
function explained(error: unknown, connection: GuestConnection, port: number, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  if (connection.errored instanceof CordonError) return connection.errored;
  if (error instanceof CordonError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNRESET") return ofPort(port, "it ended the connection before it had answered", error);
  return ofPort(port, messageOf(error), error);
}

function ofPort(port: number, what: string, cause?: unknown): CordonError {
  return cordonError(ErrorCode.HTTP, `the server on port ${port} of the VM: ${what}`, {
    details: { port: String(port) },
    progress: "ran",
    cause,
  });
}
