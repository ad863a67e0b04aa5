// Timers count from when they are started, however long the work before them has taken.
import { setTimeout as wait } from "node:timers/promises";

function work() {
  let sum = 0;
  for (let i = 0; i < 1e9; i++) sum = (sum + i) | 0;
  return sum;
}

/** Two rounds of the event loop later. */
const later = (then) => setImmediate(() => setImmediate(then));

work();
setTimeout(() => console.log("150"), 150);
wait(160).then(() => console.log("a promise of 160"));
AbortSignal.timeout(170).onabort = () => console.log("a signal of 170");
later(() => setTimeout(() => console.log("10"), 10));
const refreshed = setTimeout(() => console.log("refreshed"), 190);

setTimeout(() => {
  console.log("in a timer");
  work();
  refreshed.refresh();
  setTimeout(() => console.log("150 of a timer"), 150);
  let rounds = 0;
  const interval = setInterval(() => {
    console.log("interval");
    if (++rounds === 2) clearInterval(interval);
  }, 60);
  later(() => setTimeout(() => console.log("10 of a timer"), 10));
}, 180);
