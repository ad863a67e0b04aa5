//! `HTTPParser` and the list of a server's connections.

mod connections;
mod parser;
mod session;

use std::rc::Rc;

use isolate::library::{Scope, string};
use serde_json::Value;

use crate::async_wrap::async_methods;
use crate::binding::{Binding, Class, functions, set};
use crate::environment::Env;
use crate::http_parser::Methods;

use self::parser::Parser;

pub(super) static BINDING: Binding = Binding { name: "http_parser", functions: &[], make: Some(make) };

/// Numbers by which the library finds its callbacks on a parser, and those of its options.
const CONSTANTS: &[(&str, i32)] = &[
    ("REQUEST", parser::REQUEST),
    ("RESPONSE", parser::RESPONSE),
    ("kOnMessageBegin", session::ON_MESSAGE_BEGIN),
    ("kOnHeaders", session::ON_HEADERS),
    ("kOnHeadersComplete", session::ON_HEADERS_COMPLETE),
    ("kOnBody", session::ON_BODY),
    ("kOnMessageComplete", session::ON_MESSAGE_COMPLETE),
    ("kOnExecute", session::ON_EXECUTE),
    ("kOnTimeout", session::ON_TIMEOUT),
    ("kLenientNone", 0),
    ("kLenientHeaders", 1),
    ("kLenientChunkedLength", 2),
    ("kLenientKeepAlive", 4),
    ("kLenientTransferEncoding", 8),
    ("kLenientVersion", 16),
    ("kLenientDataAfterClose", 32),
    ("kLenientOptionalLFAfterCR", 64),
    ("kLenientOptionalCRLFAfterChunk", 128),
    ("kLenientOptionalCRBeforeLF", 256),
    ("kLenientSpacesAfterChunkSize", 512),
    ("kLenientHeaderValueRelaxed", 1024),
    ("kLenientAll", 1023),
];

/// What parsers of a realm share.
#[derive(Default)]
pub(super) struct Shared {
    pub methods: std::cell::OnceCell<Rc<Methods>>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let names = |list: &str| -> Vec<String> {
        let described =
            env.facts.binding("http_parser").and_then(|facts| facts.get(list)?.get("array")?.as_array());
        let entries = described.map(Vec::as_slice).unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| entry.get("value").and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    };
    let methods = Methods { all: names("allMethods"), http: names("methods") };
    let _ = env.state::<Shared>().methods.set(Rc::new(methods));
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(parser::construct);
    let class = Class::new(scope, "HTTPParser", constructor)?;
    class.methods(scope, async_methods!(Parser, wrap))?;
    class.methods(scope, parser::METHODS)?;
    let function = class.template.get_function(scope)?;
    for (name, value) in CONSTANTS {
        let key = string(scope, name);
        let value = v8::Integer::new(scope, *value);
        function.create_data_property(scope, key.into(), value.into())?;
    }
    set(scope, binding, "HTTPParser", function.into())?;
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(connections::construct);
    let class = Class::new(scope, "ConnectionsList", constructor)?;
    class.methods(
        scope,
        functions! {
            "all" => connections::all,
            "idle" => connections::idle,
            "active" => connections::active,
            "expired" => connections::expired,
        },
    )?;
    class.publish(scope, binding, "ConnectionsList")
}
