// package: typescript
const { spawn } = require("node:child_process");
const fs = require("node:fs");
fs.rmSync("/tmp/tsc", { recursive: true, force: true });
fs.mkdirSync("/tmp/tsc/src", { recursive: true });
fs.writeFileSync(
  "/tmp/tsc/tsconfig.json",
  JSON.stringify({
    compilerOptions: {
      target: "es2022",
      module: "nodenext",
      outDir: "out",
      declaration: true,
      sourceMap: true,
      strict: true,
      types: [],
    },
    include: ["src"],
  }),
);
fs.writeFileSync("/tmp/tsc/src/a.ts", "export interface P { x: number }\nexport const f = (p: P): string => p.x;\n");
fs.writeFileSync("/tmp/tsc/src/b.ts", 'import { f } from "./a.js";\nexport default f({ x: 1 });\n');
const child = spawn(process.execPath, [require.resolve("typescript/bin/tsc"), "-p", "/tmp/tsc", "--pretty", "false"], {
  cwd: "/tmp/tsc",
  stdio: ["ignore", "pipe", "inherit"],
});
child.stdout.on("data", (part) => process.stdout.write(part));
child.on("close", (code) =>
  console.log(
    "tsc ended with",
    code,
    fs.readdirSync("/tmp/tsc/out").sort(),
    fs.readFileSync("/tmp/tsc/out/b.js", "utf8"),
    fs.readFileSync("/tmp/tsc/out/a.d.ts", "utf8"),
  ),
);
