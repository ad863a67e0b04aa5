//! Where `AsyncLocalStorage` keeps what it holds: V8 carries it from a promise to its reactions.

use isolate::library::Scope;

use crate::binding::{Args, Binding, Return, functions};

pub(super) static BINDING: Binding = Binding {
    name: "async_context_frame",
    functions: functions! {
        "getContinuationPreservedEmbedderData" => get,
        "setContinuationPreservedEmbedderData" => set,
    },
    make: None,
};

fn get(scope: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set(scope.get_continuation_preserved_embedder_data());
}

fn set(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    scope.set_continuation_preserved_embedder_data(args.get(0));
}
