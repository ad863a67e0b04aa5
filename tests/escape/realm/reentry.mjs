// class: native code that is entered again while it reads its arguments
// rule: native code converts its arguments before it acts, and copies bytes out of what the guest can change
// platforms: neutral bare node
// expects: DENIED a file closed while its offset is converted: EBADF
// expects: DENIED a buffer detached while a path is converted: 0 bytes
// expects: DENIED a buffer that shrinks: 0 bytes
// expects: DENIED a buffer changed while it is written: 4 bytes
// expects: DENIED a time that is no number: RangeError
// expects: DENIED a length beyond all memory: EFBIG
// expects: DENIED a negative length: EFBIG
// expects: DENIED reading more than there can be: 0 bytes
// expects: DENIED reading less than nothing: 0 bytes
import { memoryFile } from "cordon:vm/descriptors";
import { readFile, setTimes, writeFile } from "cordon:vm/filesystem";
import { attempt, attemptAsync } from "/escape/report.mjs";

attempt("a file closed while its offset is converted", () => {
  const file = memoryFile();
  return `${file.seek({ valueOf() { file.close(); return 1n; } }, "start")}`;
});
attempt("a buffer detached while a path is converted", () => {
  const bytes = new Uint8Array(1 << 16);
  writeFile({ toString() { bytes.buffer.transfer(0); return "/tmp/detached"; } }, bytes);
  return `${readFile("/tmp/detached").length} bytes`;
});
attempt("a buffer that shrinks", () => {
  const buffer = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 17 });
  const bytes = new Uint8Array(buffer, 1 << 15);
  buffer.resize(16);
  writeFile("/tmp/shrunk", bytes);
  return `${readFile("/tmp/shrunk").length} bytes`;
});
await attemptAsync("a buffer changed while it is written", async () => {
  const file = memoryFile();
  const bytes = new Uint8Array(4);
  const writing = file.write(bytes);
  bytes.buffer.transfer(1 << 20);
  await writing;
  return `${file.status().size} bytes`;
});
attempt("a time that is no number", () => setTimes("/tmp", { valueOf() { throw new RangeError(); } }, 0n));
attempt("a length beyond all memory", () => memoryFile().truncate(2n ** 63n - 1n));
attempt("a negative length", () => memoryFile().truncate(-1n));
await attemptAsync("reading more than there can be", async () => `${(await memoryFile().read(2 ** 53)).length} bytes`);
await attemptAsync("reading less than nothing", async () => `${(await memoryFile().read(-1)).length} bytes`);
