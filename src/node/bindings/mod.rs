//! The internal bindings, one file each under Node's name for it. What a file does not have comes from what Node's
//! binary says of the binding ([`crate::facts`]).

mod async_context_frame;
pub(crate) mod async_wrap;
mod blob;
mod block_list;
mod buffer;
mod builtins;
mod cares_wrap;
mod cjs_lexer;
mod config;
mod contextify;
mod cordon;
mod credentials;
pub(crate) mod crypto;
mod diagnostics_channel;
mod encoding_binding;
pub(crate) mod errors;
pub(crate) mod fs;
mod fs_dir;
mod fs_event_wrap;
mod http2;
mod http_parser;
mod icu;
mod internal_only_v8;
pub(crate) mod js_stream;
pub(crate) mod locks;
pub(crate) mod messaging;
mod mksnapshot;
pub(crate) mod module_wrap;
mod modules;
mod options;
mod os;
pub(crate) mod performance;
mod permission;
mod pipe_wrap;
mod process_methods;
mod process_wrap;
mod report;
mod serdes;
mod signal_wrap;
mod spawn_sync;
mod sqlite;
mod stream_pipe;
mod stream_wrap;
mod string_decoder;
pub(crate) mod symbols;
mod task_queue;
mod tcp_wrap;
pub(crate) mod timers;
mod trace_events;
mod tty_wrap;
mod types;
mod udp_wrap;
mod url;
mod url_pattern;
pub(crate) mod util;
mod uv;
mod v8;
mod wasm_web_api;
mod worker;
mod zlib;

use crate::binding::Binding;

/// All of them, in order.
pub(crate) static BINDINGS: &[&Binding] = &[
    &async_context_frame::BINDING,
    &async_wrap::BINDING,
    &blob::BINDING,
    &block_list::BINDING,
    &buffer::BINDING,
    &builtins::BINDING,
    &cjs_lexer::BINDING,
    &cares_wrap::BINDING,
    &config::BINDING,
    &contextify::BINDING,
    &cordon::BINDING,
    &credentials::BINDING,
    &crypto::BINDING,
    &diagnostics_channel::BINDING,
    &encoding_binding::BINDING,
    &errors::BINDING,
    &fs::BINDING,
    &fs_dir::BINDING,
    &fs_event_wrap::BINDING,
    &icu::BINDING,
    &internal_only_v8::BINDING,
    &http2::BINDING,
    &http_parser::BINDING,
    &js_stream::BINDING,
    &locks::BINDING,
    &messaging::BINDING,
    &mksnapshot::BINDING,
    &module_wrap::BINDING,
    &modules::BINDING,
    &options::BINDING,
    &os::BINDING,
    &performance::BINDING,
    &permission::BINDING,
    &process_methods::BINDING,
    &report::BINDING,
    &serdes::BINDING,
    &signal_wrap::BINDING,
    &string_decoder::BINDING,
    &pipe_wrap::BINDING,
    &process_wrap::BINDING,
    &spawn_sync::BINDING,
    &sqlite::BINDING,
    &stream_pipe::BINDING,
    &stream_wrap::BINDING,
    &tcp_wrap::BINDING,
    &crypto::TLS_BINDING,
    &tty_wrap::BINDING,
    &symbols::BINDING,
    &task_queue::BINDING,
    &timers::BINDING,
    &trace_events::BINDING,
    &types::BINDING,
    &udp_wrap::BINDING,
    &url::BINDING,
    &url_pattern::BINDING,
    &util::BINDING,
    &uv::BINDING,
    &v8::BINDING,
    &wasm_web_api::BINDING,
    &worker::BINDING,
    &zlib::BINDING,
];

/// The binding of that name.
pub(crate) fn find(name: &str) -> Option<&'static Binding> {
    BINDINGS.iter().copied().find(|binding| binding.name == name)
}
