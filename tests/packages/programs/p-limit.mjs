// package: p-limit
import pLimit, { limitFunction } from "p-limit";
const limit = pLimit(2);
let active = 0,
  most = 0;
const results = await Promise.all(
  [1, 2, 3, 4, 5].map((n) =>
    limit(async () => {
      most = Math.max(most, ++active);
      await new Promise((resolve) => setTimeout(resolve, 3));
      active--;
      return n * n;
    }),
  ),
);
console.log(results, most, limit.activeCount, limit.pendingCount, await limit.map([1, 2], async (n) => n + 1));
console.log(await limitFunction(async (n) => n, { concurrency: 1 })(7));
try {
  pLimit(0);
} catch (error) {
  console.log(error.name, error.message);
}
