// package: @rollup/wasm-node
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
import { rollup, VERSION } from "@rollup/wasm-node";
const files = {
  main: 'import { used } from "lib"; import("lazy").then((m) => console.log(m.default)); console.log(used(2));',
  lib: "export const used = (n) => n * 2; export const unused = () => sideEffectFree();",
  lazy: "export default 'lazy'",
};
const bundle = await rollup({
  input: "main",
  onwarn: (warning) => console.log("warning", warning.code),
  plugins: [
    {
      name: "virtual",
      resolveId: (id) => (id in files ? id : null),
      load: (id) => files[id] ?? null,
      transform: (code, id) => (id === "lib" ? code.replace("n * 2", "n * 3") : null),
    },
  ],
});
for (const format of ["es", "cjs"]) {
  const { output } = await bundle.generate({ format, sourcemap: true, chunkFileNames: "[name].js" });
  for (const chunk of output) if (chunk.type === "chunk") console.log(chunk.fileName, chunk.exports, chunk.code);
}
await bundle.close();
await rollup({ input: "x", plugins: [{ resolveId: (id) => id, load: () => "let a = ;" }] }).catch((error) =>
  console.log(error.code, error.loc?.line, VERSION),
);
