// package: esbuild-wasm
// webAssembly: deny allow
// deny: fails with permissions.webAssembly is "deny"
const esbuild = require("esbuild-wasm");
(async () => {
  console.log(
    (
      await esbuild.transform("const f = (a: number): string => `${a ?? 1}`; export default <b>x</b>", {
        loader: "tsx",
        target: "es2017",
        minify: true,
      })
    ).code,
  );
  const files = { main: 'import { a } from "./a"; console.log(a)', "./a": "export const a: number = 1, b = 2" };
  const plugin = {
    name: "files",
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path }) => ({ path, namespace: "v" }));
      build.onLoad({ filter: /.*/, namespace: "v" }, ({ path }) => ({ contents: files[path], loader: "ts" }));
    },
  };
  console.log(
    (
      await esbuild.build({
        entryPoints: ["main"],
        bundle: true,
        write: false,
        format: "esm",
        plugins: [plugin],
        outfile: "out.js",
      })
    ).outputFiles[0].text,
  );
  await esbuild
    .transform("let a = ;", { logLevel: "silent" })
    .catch((error) => console.log(error.errors[0].text, error.errors[0].location.column));
  await esbuild.stop();
})();
