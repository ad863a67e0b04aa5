// package: preact
import { Fragment, createContext, h } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { render, renderToStringAsync } from "preact-render-to-string";
const Theme = createContext("none");
const Item = ({ n }) => {
  const theme = useContext(Theme);
  const [x] = useState(n);
  return h(
    "li",
    { class: theme, style: { color: "red" }, onClick() {} },
    useMemo(() => x * 2, [x]),
  );
};
console.log(
  render(
    h(
      Theme.Provider,
      { value: "dark" },
      h(
        "ul",
        null,
        h(
          Fragment,
          null,
          [1, 2].map((n) => h(Item, { n, key: n })),
          "<t>",
        ),
      ),
    ),
  ),
  await renderToStringAsync(h("p", { dangerouslySetInnerHTML: { __html: "<b>" } })),
);
