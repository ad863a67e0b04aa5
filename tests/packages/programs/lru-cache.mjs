// package: lru-cache
import { LRUCache } from "lru-cache";
const dropped = [];
const cache = new LRUCache({
  max: 3,
  maxSize: 10,
  sizeCalculation: (value) => value.length,
  dispose: (value, key, reason) => dropped.push([key, reason]),
  fetchMethod: async (key) => `f${key}`,
});
for (const key of "abcd") cache.set(key, key);
cache.get("b");
cache.set("e", "12345678");
cache.set("b", "x");
console.log(
  [...cache.keys()],
  dropped,
  cache.size,
  cache.calculatedSize,
  await cache.fetch("z"),
  cache.has("z"),
  cache.peek("none"),
);
const short = new LRUCache({ max: 2, ttl: 20 });
short.set("k", "v");
console.log(short.get("k"), short.getRemainingTTL("k") > 0);
await new Promise((resolve) => setTimeout(resolve, 60));
console.log(short.get("k"), cache.dump().length);
