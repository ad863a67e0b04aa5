// package: @vue/server-renderer
import { createSSRApp, defineAsyncComponent, h, onServerPrefetch, ref } from "vue";
import { renderToNodeStream, renderToString } from "@vue/server-renderer";
import { text } from "node:stream/consumers";
const Child = { props: ["n"], template: '<li :class="{ odd: n % 2 }">{{ n }}<slot/></li>' };
const make = () =>
  createSSRApp({
    components: { Child, Later: defineAsyncComponent(async () => ({ render: () => h("b", "later") })) },
    setup() {
      const list = ref([1, 2]);
      onServerPrefetch(async () => {
        await null;
        list.value.push(3);
      });
      return { list, raw: "<i>" };
    },
    template:
      '<ul><Child v-for="n in list" :n="n" :key="n"><em v-if="n > 2">!</em></Child></ul><Later/><p v-html="raw"/>{{ raw }}',
  });
console.log(await renderToString(make()));
console.log(await text(renderToNodeStream(make())));
