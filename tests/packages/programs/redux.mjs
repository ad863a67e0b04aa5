// package: redux
import { applyMiddleware, combineReducers, compose, createStore, legacy_createStore } from "redux";
const count = (state = 0, action) => (action.type === "add" ? state + action.by : state);
const log = (state = [], action) => (action.type.startsWith("@@") ? state : [...state, action.type]);
const thunk =
  ({ dispatch, getState }) =>
  (next) =>
  (action) =>
    typeof action === "function" ? action(dispatch, getState) : next(action);
const store = legacy_createStore(combineReducers({ count, log }), compose(applyMiddleware(thunk)));
const stop = store.subscribe(() => console.log("now", store.getState()));
store.dispatch({ type: "add", by: 2 });
await store.dispatch(async (dispatch) => {
  await null;
  dispatch({ type: "add", by: 3 });
});
stop();
try {
  store.dispatch({});
} catch (error) {
  console.log(error.message);
}
console.log(store.getState(), createStore === legacy_createStore);
