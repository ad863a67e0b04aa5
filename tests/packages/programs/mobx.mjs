// package: mobx
import { action, autorun, computed, makeAutoObservable, observable, reaction, runInAction, toJS, when } from "mobx";
class Store {
  items = [];
  constructor() {
    makeAutoObservable(this);
  }
  get total() {
    return this.items.reduce((a, b) => a + b, 0);
  }
  add(n) {
    this.items.push(n);
  }
  *later() {
    const n = yield Promise.resolve(5);
    this.items.push(n);
  }
}
const store = new Store();
const stop = autorun(() => console.log("total", store.total));
reaction(
  () => store.items.length,
  (now, before) => console.log("length", before, now),
);
store.add(1);
await store.later();
stop();
const map = observable.map({ a: 1 });
const double = computed(() => map.get("a") * 2);
runInAction(() => map.set("a", 4));
when(() => store.total > 10).then(() => console.log("when"));
action(() => {
  store.add(3);
  store.add(4);
})();
await null;
console.log(double.get(), toJS(store.items));
