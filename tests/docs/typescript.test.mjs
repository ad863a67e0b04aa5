// The TypeScript blocks of the documentation: type-checked with the client's own strictness, then run in Node against
// the built client and the built sidecar.
//
// Owns:  blocks marked `ts client`; CONTRIBUTING.md describes the marks.
// Needs: clients/typescript/{node_modules,dist}, and `cordon` as CORDON_BINARY or in target/cordon.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const client = join(root, "clients/typescript");
const binary = process.env["CORDON_BINARY"] ?? join(root, "target/cordon/cordon");

/** Blocks of a page, each with the output that is shown after it. */
function blocksOf(path) {
  const found = [];
  for (const [index, part] of readFileSync(join(root, path), "utf8").split(/^```/m).entries()) {
    // Odd parts lie between an opening and a closing fence.
    if (index % 2 === 0) continue;
    const [info, ...lines] = part.split("\n");
    const text = lines.join("\n");
    if (/^ts client\b/.test(info)) found.push({ path, text, output: undefined, at: index });
    else if (info === "text output" && found.at(-1)?.at === index - 2) found.at(-1).output = text;
  }
  return found;
}

const pages = [...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`), "README.md"];
const blocks = pages.sort().flatMap(blocksOf);
const folder = mkdtempSync(join(tmpdir(), "cordon-docs-"));
after(() => rmSync(folder, { recursive: true }));

before(async () => {
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  symlinkSync(client, join(folder, "node_modules/cordon"));
  symlinkSync(join(client, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const { compilerOptions } = JSON.parse(readFileSync(join(client, "tsconfig.json"), "utf8"));
  const config = { compilerOptions: { ...compilerOptions, noEmit: false, outDir: "out" }, include: ["*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  for (const [index, { text }] of blocks.entries()) writeFileSync(join(folder, `block${index}.ts`), text);
  try {
    await run(join(client, "node_modules/.bin/tsc"), ["-p", folder]);
  } catch (error) {
    const named = String(error.stdout).replaceAll(/block(\d+)\.ts/g, (_, index) => `${blocks[index].path} (block ${index})`);
    assert.fail(`blocks do not type-check:\n${named}${error.stderr}`);
  }
});

test("there are blocks to run", () => assert.ok(blocks.length >= 4, `only ${blocks.length} blocks were found`));

const hasWasm = existsSync(join(dirname(binary), "cordon-worker-wasm"));

for (const [index, { path, text, output }] of blocks.entries()) {
  const skip = !hasWasm && text.includes('webAssembly: "allow"') && "SKIPPED: no worker with WebAssembly is installed";
  test(`${path}, block ${index}, prints what the page shows`, { skip }, async () => {
    assert.notEqual(output, undefined, "no `text output` block follows");
    const env = { ...process.env, CORDON_BINARY: binary, NO_COLOR: "1" };
    const { stdout } = await run(process.execPath, [join(folder, "out", `block${index}.js`)], { env, timeout: 60_000 });
    assert.equal(stdout.trimEnd(), output.trimEnd());
  });
}
