// class: imports of the host's files
// rule: paths of modules are the VM's, and the supervisor resolves what is beneath a mount without leaving it
// platforms: neutral node
// expects: DENIED by its own path: ERR_MODULE_NOT_FOUND
// expects: DENIED as a file URL: ERR_MODULE_NOT_FOUND
// expects: DENIED above the mount: ERR_MODULE_NOT_FOUND
// expects: DENIED above the mount, encoded: ERR_MODULE_NOT_FOUND
// expects: DENIED through a link to it: ERR_MODULE_NOT_FOUND
// expects: DENIED through a link to its folder: ERR_MODULE_NOT_FOUND
// expects: DENIED through an absolute link: ERR_MODULE_NOT_FOUND
// expects: DENIED as JSON: ERR_MODULE_NOT_FOUND
import { attemptAsync } from "/escape/report.mjs";
import { environment } from "cordon:vm/process";

const folder = new Map(environment()).get("HOST_FOLDER");
for (const [what, path] of Object.entries({
  "by its own path": `${folder}/secret.mjs`,
  "as a file URL": `file://${folder}/secret.mjs`,
  "above the mount": "/m/../secret.mjs",
  "above the mount, encoded": "/m/%2e%2e/secret.mjs",
  "through a link to it": "/m/link.mjs",
  "through a link to its folder": "/m/up/secret.mjs",
  "through an absolute link": "/m/absolute/secret.mjs",
  "as JSON": "/m/link.json",
})) {
  await attemptAsync(what, async () => { await import(path, what === "as JSON" ? { with: { type: "json" } } : {}); return true; });
}
