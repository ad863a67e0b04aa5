// package: vue
import { computed, createSSRApp, effectScope, h, nextTick, reactive, ref, watch } from "vue";
import { compile } from "@vue/compiler-dom";
import { parse, compileScript } from "vue/compiler-sfc";
const state = reactive({ list: [1, 2], n: 1 });
const total = computed(() => state.list.reduce((a, b) => a + b, state.n));
watch(total, (now, before) => console.log("watched", before, now));
state.list.push(10);
state.n = 5;
await nextTick();
const scope = effectScope();
scope.run(() => watch(ref(0), () => {}));
scope.stop();
console.log(total.value, scope.active, typeof createSSRApp, h("p", { class: ["a", { b: true }] }).props.class);
console.log(
  compile('<p v-for="x in xs" :key="x" @click="go(x)">{{ x }}</p>', { mode: "module", hoistStatic: true }).code,
);
const { descriptor } = parse(
  '<script setup lang="ts">defineProps<{ a: number }>(); const b = 1</script><template><i>{{ a + b }}</i></template>',
);
console.log(compileScript(descriptor, { id: "x", inlineTemplate: true }).content);
