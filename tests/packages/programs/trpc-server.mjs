// package: @trpc/server
import { initTRPC, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { z } from "zod";
const t = initTRPC.context().create();
const guarded = t.procedure.use(({ ctx, next }) => {
  if (!ctx.user) throw new TRPCError({ code: "UNAUTHORIZED" });
  return next();
});
const router = t.router({
  add: t.procedure.input(z.object({ a: z.number() })).query(({ input }) => input.a + 1),
  me: guarded.mutation(({ ctx }) => ctx.user),
});
const caller = t.createCallerFactory(router)({ user: "ada" });
console.log(await caller.add({ a: 1 }), await caller.me());
await t
  .createCallerFactory(router)({})
  .me()
  .catch((error) => console.log(error.code));
const response = await fetchRequestHandler({
  endpoint: "/trpc",
  req: new Request(`http://x/trpc/add?input=${encodeURIComponent('{"a":"no"}')}`),
  router,
  createContext: () => ({}),
});
console.log(
  response.status,
  (await response.json()).error.data.code,
  await (
    await fetchRequestHandler({
      endpoint: "/trpc",
      req: new Request(`http://x/trpc/add?input=${encodeURIComponent('{"a":5}')}`),
      router,
      createContext: () => ({}),
    })
  ).text(),
);
