// package: dompurify
import createDOMPurify from "dompurify";
import { parseHTML } from "linkedom";
const { window } = parseHTML("<!doctype html><html><body></body></html>");
const purify = createDOMPurify(window);
console.log(purify.isSupported, purify.version);
if (purify.isSupported)
  console.log(purify.sanitize("<img src=x onerror=alert(1)><p>ok</p><svg><g onload=x></g></svg>"));
