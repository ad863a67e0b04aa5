/** What both sides do: prints what each kind of work took. The URL of the server is the argument. */
const base = process.argv[2];
const REQUESTS = 1000;
const MEGABYTES = 100;

const drained = async (response) => {
  let length = 0;
  for await (const part of response.body) length += part.length;
  return length;
};
const fetched = async () => {
  if ((await (await fetch(base)).text()) !== "hello") throw new Error("another answer");
};
const timed = async (work) => {
  const began = performance.now();
  await work();
  return performance.now() - began;
};

for (let i = 0; i < 100; i++) await fetched();
const inTurn = await timed(async () => {
  for (let i = 0; i < REQUESTS; i++) await fetched();
});
const atOnce = await timed(async () => {
  for (let i = 0; i < REQUESTS; i += 20) await Promise.all(Array.from({ length: 20 }, fetched));
});
const down = await timed(async () => {
  const length = await drained(await fetch(`${base}/megabytes/${MEGABYTES}`));
  if (length !== MEGABYTES << 20) throw new Error(`${length} bytes`);
});
const body = Buffer.alloc(MEGABYTES << 20, 7);
const up = await timed(async () => {
  const answer = await (await fetch(base, { method: "PUT", body })).text();
  if (answer !== String(body.length)) throw new Error(`${answer} bytes`);
});
console.log(JSON.stringify({ inTurn: inTurn / REQUESTS, atOnce: atOnce / REQUESTS, down, up }));
