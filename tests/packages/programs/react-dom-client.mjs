// package: react-dom
import { JSDOM } from "jsdom";
const { window } = new JSDOM("<div id=root></div>");
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
const { act, createElement: h, useEffect, useState } = await import("react");
const { createRoot } = await import("react-dom/client");
function Counter() {
  const [n, setN] = useState(0);
  useEffect(() => {
    console.log("effect", n);
    return () => console.log("cleanup", n);
  }, [n]);
  return h("button", { onClick: () => setN(n + 1) }, `clicked ${n}`);
}
const root = createRoot(document.getElementById("root"));
await act(() => root.render(h(Counter)));
await act(() => document.querySelector("button").dispatchEvent(new window.MouseEvent("click", { bubbles: true })));
console.log(document.getElementById("root").innerHTML);
await act(() => root.unmount());
