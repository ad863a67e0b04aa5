// package: vitest
// deny: fails with Cannot find native binding
// Vite bundles with rolldown, a native addon.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { startVitest } from "vitest/node";
rmSync("/tmp/vitest", { recursive: true, force: true });
mkdirSync("/tmp/vitest", { recursive: true });
symlinkSync(new URL("./node_modules", import.meta.url).pathname, "/tmp/vitest/node_modules");
writeFileSync(
  "/tmp/vitest/a.test.ts",
  "import { expect, test, vi } from 'vitest';\ntest('adds', () => { const f = vi.fn((a: number) => a + 1); expect(f(1)).toBe(2); expect(f).toHaveBeenCalledOnce(); });\ntest('fails', () => { expect({ a: 1 }).toEqual({ a: 2 }); });\n",
);
const vitest = await startVitest("test", [], { root: "/tmp/vitest", config: false, watch: false, reporters: [{}] });
for (const module of vitest.state.getTestModules())
  for (const each of module.children.allTests())
    console.log(each.name, each.result().state, each.result().errors?.[0].message);
await vitest.close();
process.exit(0);
