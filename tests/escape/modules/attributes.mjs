// class: imports with attributes and of other kinds
// rule: JSON is data, and no other kind of module can be asked for
// platforms: neutral bare
// expects: DENIED code as JSON: SyntaxError
// expects: DENIED a module as JSON: ERR_IMPORT_ATTRIBUTE_TYPE_INCOMPATIBLE
// expects: DENIED JSON without the attribute: ERR_IMPORT_ATTRIBUTE_MISSING
// expects: DENIED another type: ERR_IMPORT_ATTRIBUTE_UNSUPPORTED
// expects: DENIED bytes: ERR_IMPORT_ATTRIBUTE_UNSUPPORTED
// expects: DENIED another attribute: ERR_IMPORT_ATTRIBUTE_UNSUPPORTED
// expects: DENIED an addon: ERR_CORDON_UNSUPPORTED
// expects: DENIED a shared object: ERR_UNKNOWN_FILE_EXTENSION
// expects: DENIED a page: ERR_UNKNOWN_FILE_EXTENSION
// expects: DENIED __proto__ in JSON: an own key
// expects: DENIED an attribute with a getter: TypeError 1
import { writeFile } from "cordon:vm/filesystem";
import { attemptAsync } from "/escape/report.mjs";

writeFile("/tmp/code.json", "globalThis.ran = true");
writeFile("/tmp/proto.json", '{"__proto__":{"polluted":true}}');
writeFile("/tmp/code.node", "\x7fELF");
writeFile("/tmp/code.so", "\x7fELF");
writeFile("/tmp/code.html", "<script>1</script>");
writeFile("/tmp/data.mjs", "export default 1");
const load = (path, type) => async () => { await import(path, { with: { type } }); return true; };
await attemptAsync("code as JSON", load("/tmp/code.json", "json"));
await attemptAsync("a module as JSON", load("/tmp/data.mjs", "json"));
await attemptAsync("JSON without the attribute", async () => { await import("/tmp/proto.json"); return true; });
await attemptAsync("another type", load("/tmp/data.mjs", "css"));
await attemptAsync("bytes", load("/tmp/data.mjs", "bytes"));
await attemptAsync("another attribute", async () => { await import("/tmp/data.mjs", { with: { integrity: "x" } }); return true; });
await attemptAsync("an addon", async () => { await import("/tmp/code.node"); return true; });
await attemptAsync("a shared object", async () => { await import("/tmp/code.so"); return true; });
await attemptAsync("a page", async () => { await import("/tmp/code.html"); return true; });
await attemptAsync("__proto__ in JSON", async () => {
  const { default: value } = await import("/tmp/proto.json", { with: { type: "json" } });
  return {}.polluted === undefined && Object.hasOwn(value, "__proto__") ? "an own key" : true;
});
await attemptAsync("an attribute with a getter", async () => {
  let runs = 0;
  try { await import("/tmp/data.mjs", { with: { get type() { runs++; return runs > 1 ? "json" : "css"; } } }); } catch (error) { return `${error.name} ${runs}`; }
  return true;
});
