//! The methods with which JavaScript writes to a stream that is no file of the kernel's: the same for all of them but for
//! where the bytes go.

use isolate::library::Scope;

use super::methods::{Characters, chunk_bytes, string_bytes, view_bytes};
use crate::binding::{Args, Class, Return, functions};

/// A kind of stream that JavaScript writes to.
pub(crate) trait Writes {
    /// Writes bytes to the stream that is the receiver, for the request that is the first argument. What JavaScript is given
    /// is a status; without a request, one that was made, if that is under way.
    fn write<'s>(scope: &mut Scope<'s, '_>, args: &Args<'s>, result: &mut Return<'s>, bytes: Vec<u8>);
}

/// Puts these methods on a class.
pub(crate) fn write_methods<'s, W: Writes>(scope: &mut Scope<'s, '_>, class: &Class<'s>) -> Option<()> {
    class.methods(
        scope,
        functions! {
            "writev" => writev::<W>,
            "writeBuffer" => write_buffer::<W>,
            "writeAsciiString" => write_latin1::<W>,
            "writeUtf8String" => write_utf8::<W>,
            "writeUcs2String" => write_ucs2::<W>,
            "writeLatin1String" => write_latin1::<W>,
        },
    )
}

fn write_buffer<'s, W: Writes>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if let Some(bytes) = view_bytes(scope, args.get(1)) {
        W::write(scope, &args, &mut result, bytes);
    }
}

fn write_string<'s, W: Writes>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    result: &mut Return<'s>,
    characters: Characters,
) {
    let Ok(text) = args.get(1).try_cast::<v8::String>() else {
        return isolate::library::throw_type(scope, "The \"data\" argument must be a string");
    };
    if let Some(bytes) = string_bytes(scope, text, characters) {
        W::write(scope, args, result, bytes);
    }
}

fn write_utf8<'s, W: Writes>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string::<W>(scope, &args, &mut result, Characters::Utf8);
}

fn write_latin1<'s, W: Writes>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string::<W>(scope, &args, &mut result, Characters::Latin1);
}

fn write_ucs2<'s, W: Writes>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    write_string::<W>(scope, &args, &mut result, Characters::Ucs2);
}

/// (request, chunks, whether all are buffers)
fn writev<'s, W: Writes>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let Ok(chunks) = args.get(1).try_cast::<v8::Array>() else {
        return isolate::library::throw_type(scope, "The chunks must be an array");
    };
    if let Some(bytes) = chunk_bytes(scope, chunks, args.get(2).is_true()) {
        W::write(scope, &args, &mut result, bytes);
    }
}
