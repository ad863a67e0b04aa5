//! Functions of the embedder that guest code may call.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use protocol::wire::HostCallOutcome;

type Handler = Arc<dyn Fn(String) -> HostCall + Send + Sync>;

/// A call of a host function; nothing of it has run yet.
pub(super) type HostCall = Pin<Box<dyn Future<Output = HostCallOutcome> + Send>>;

/// Host functions by name, `name` or `collection.name`. In the VM each is an async function: a global, or a property
/// of the collection's global.
#[derive(Clone, Default)]
pub struct HostFunctions {
    handlers: BTreeMap<String, Handler>,
}

impl HostFunctions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function. Input and result travel as JSON; an error's text is what the guest sees.
    #[must_use]
    pub fn with<I, O, E, F>(
        mut self,
        name: impl Into<String>,
        function: impl Fn(I) -> F + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned,
        O: Serialize,
        E: std::fmt::Display,
        F: Future<Output = Result<O, E>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |input| {
            let called = serde_json::from_str(&input).map(&function);
            Box::pin(async move {
                let result = match called {
                    Ok(running) => running.await.map_err(|error| error.to_string()),
                    Err(error) => {
                        Err(format!("the input does not have the shape that is asked for: {error}"))
                    }
                };
                match result
                    .and_then(|output| serde_json::to_string(&output).map_err(|error| error.to_string()))
                {
                    Ok(output) => HostCallOutcome::Returned { output },
                    Err(message) => HostCallOutcome::Threw { message },
                }
            })
        });
        self.handlers.insert(name.into(), handler);
        self
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.handlers.keys().map(String::as_str)
    }

    /// A call of the function of that name, to be run where the embedder's code may do what it likes.
    pub(super) fn call(&self, name: &str, input: String) -> Option<HostCall> {
        let handler = self.handlers.get(name)?.clone();
        Some(Box::pin(async move { handler(input).await }))
    }
}
