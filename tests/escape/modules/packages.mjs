// class: packages whose package.json leads out
// rule: targets of exports stay within their package, and every path is the VM's
// expects: DENIED exports: above: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: climbs: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: encoded: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: absolute: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: pattern: ERR_PACKAGE_PATH_NOT_EXPORTED
// expects: DENIED exports: scheme: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: builtin: ERR_INVALID_PACKAGE_TARGET
// expects: DENIED exports: circles: ERR_PACKAGE_PATH_NOT_EXPORTED
// expects: DENIED package ../secret: ERR_MODULE_NOT_FOUND
// expects: DENIED package ..: ERR_MODULE_NOT_FOUND
// expects: DENIED package __proto__: ERR_MODULE_NOT_FOUND
// expects: DENIED package constructor: ERR_MODULE_NOT_FOUND
// expects: DENIED package a/../../../secret.mjs: ERR_MODULE_NOT_FOUND
// expects: DENIED package linked/passwd: ERR_MODULE_NOT_FOUND
// expects: DENIED package @scope: ERR_MODULE_NOT_FOUND
// expects: DENIED package @/x: ERR_MODULE_NOT_FOUND
// expects: DENIED package %2e%2e/x: ERR_MODULE_NOT_FOUND
import { createDirectory, createSymlink, writeFile } from "cordon:vm/filesystem";
import { attemptAsync } from "/escape/report.mjs";

createDirectory("/tmp/app");
createDirectory("/tmp/app/node_modules");
writeFile("/tmp/secret.mjs", "export default 'beside';");
const install = (name, json) => { createDirectory(`/tmp/app/node_modules/${name}`); writeFile(`/tmp/app/node_modules/${name}/package.json`, JSON.stringify(json)); writeFile(`/tmp/app/${name}.mjs`, `export * from ${JSON.stringify(name)}; export { default } from ${JSON.stringify(name)};`); };
install("above", { exports: "../../../secret.mjs" });
install("climbs", { exports: "./../../../secret.mjs" });
install("encoded", { exports: "./%2e%2e/%2e%2e/%2e%2e/secret.mjs" });
install("absolute", { exports: "/tmp/secret.mjs" });
install("pattern", { exports: { "./*": "./*/../../../../secret.mjs" } });
install("scheme", { exports: "file:///tmp/secret.mjs" });
install("builtin", { exports: "node:fs" });
install("circles", { exports: { import: { import: { node: "./x" } } } });
createSymlink("/etc", "/tmp/app/node_modules/linked");
for (const name of ["above", "climbs", "encoded", "absolute", "pattern", "scheme", "builtin", "circles"]) {
  await attemptAsync(`exports: ${name}`, async () => { await import(`/tmp/app/${name}.mjs`); return true; });
}
for (const name of ["../secret", "..", "__proto__", "constructor", "a/../../../secret.mjs", "linked/passwd", "@scope", "@/x", "%2e%2e/x"]) {
  await attemptAsync(`package ${name}`, async () => {
    writeFile("/tmp/app/asks.mjs", `export const answer = import(${JSON.stringify(name)});`);
    const { answer } = await import("/tmp/app/asks.mjs");
    await answer;
    return true;
  });
}
