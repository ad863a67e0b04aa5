// package: effect
import { Cause, Console, Context, Data, Effect, Exit, Layer, Option, Schedule, Schema, Stream } from "effect";
class Missing extends Data.TaggedError("Missing") {}
class Store extends Context.Service()("Store") {}
const store = Layer.succeed(Store, {
  get: (key) => (key === "a" ? Effect.succeed(1) : Effect.fail(new Missing({ key }))),
});
const program = Effect.gen(function* () {
  const found = yield* Store;
  yield* Console.log("inside", yield* Effect.all([found.get("a"), Effect.succeed(2)], { concurrency: 2 }));
  return yield* found.get("none");
}).pipe(
  Effect.catchTag("Missing", (error) => Effect.succeed(`missing ${error.key}`)),
  Effect.provide(store),
);
console.log(await Effect.runPromise(program));
let tries = 0;
const flaky = Effect.suspend(() => (++tries < 3 ? Effect.fail("no") : Effect.succeed(tries)));
console.log(await Effect.runPromise(flaky.pipe(Effect.retry(Schedule.exponential(1)))));
console.log(
  await Effect.runPromise(
    Stream.runCollect(
      Stream.range(1, 5).pipe(
        Stream.map((n) => n * n),
        Stream.take(3),
      ),
    ),
  ),
  Exit.isFailure(Effect.runSyncExit(Effect.die("x"))),
);
console.log(
  String(Option.some(1)),
  Cause.pretty(Cause.fail("f")).split("\n")[0],
  Schema.decodeUnknownSync(Schema.Struct({ n: Schema.Number }))({ n: 5 }),
);
