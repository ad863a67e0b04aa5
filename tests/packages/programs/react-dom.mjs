// package: react-dom
import { Suspense, createElement as h, use } from "react";
import { renderToPipeableStream, renderToReadableStream, renderToString } from "react-dom/server";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
const make = () => {
  const slow = new Promise((resolve) => setTimeout(resolve, 10, "late"));
  const Late = () => h("i", null, use(slow));
  return h(
    "html",
    null,
    h(
      "body",
      null,
      h("p", { onClick: () => {}, hidden: true, dangerouslySetInnerHTML: { __html: "<u>raw</u>" } }),
      h(Suspense, { fallback: "wait" }, h(Late)),
    ),
  );
};
console.log(
  renderToString(h("div", { className: "a", tabIndex: 1 }, "x", 1, h("input", { defaultValue: "v", disabled: true }))),
);
const out = new PassThrough();
const { pipe } = renderToPipeableStream(make(), {
  onShellReady: () => pipe(out),
  onError: (error) => console.log(error),
});
console.log(await text(out));
if (renderToReadableStream) {
  const stream = await renderToReadableStream(make());
  await stream.allReady;
  console.log(await text(stream));
}
console.log((await import("react-dom")).version);
