// package: react
import React, {
  Children,
  cloneElement,
  createContext,
  createElement as h,
  isValidElement,
  memo,
  useContext,
  useId,
  useMemo,
  useReducer,
  useState,
} from "react";
import { renderToStaticMarkup } from "react-dom/server";
const Theme = createContext("light");
const Item = memo(function Item({ children }) {
  const [n] = useState(() => 2);
  return h("li", { className: useContext(Theme), "data-n": n }, children);
});
function List({ names }) {
  const upper = useMemo(() => names.map((name) => name.toUpperCase()), [names]);
  const [count] = useReducer((n) => n + 1, 5);
  const id = useId();
  return h(
    "ul",
    { id: id && "id", style: { marginTop: 4, WebkitFlex: 1 } },
    upper.map((name) => h(Item, { key: name }, name, count)),
  );
}
console.log(renderToStaticMarkup(h(Theme.Provider, { value: "dark" }, h(List, { names: ["ada", "<b>"] }))));
console.log(
  isValidElement(h("a")),
  Children.count([1, [2, null]]),
  cloneElement(h("a", { x: 1 }), { y: 2 }).props,
  React.version,
);
