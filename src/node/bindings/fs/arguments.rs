//! Arguments as the library hands them over: checked there, and here again for whoever else calls.

use isolate::library::{Scope, string, throw_type};
use kernel::OpenFlags;

use crate::binding::{Args, get};
use crate::environment::Env;

/// A path: a text, or its bytes. `None` with an exception pending for anything else.
pub(in crate::bindings) fn path(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<String> {
    let value = args.get(index);
    if let Ok(text) = value.try_cast::<v8::String>() {
        return isolate::library::text(scope, text);
    }
    if !value.is_array_buffer_view() {
        throw_type(scope, "The \"path\" argument must be of type string or an instance of Buffer");
        return None;
    }
    let bytes = isolate::library::copy_bytes(value)?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| byte_text::decode(error.into_bytes())))
}

/// The number of a descriptor. `None` with the library's error pending for what cannot be one.
pub(in crate::bindings) fn descriptor(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<u32> {
    let value = args.get(index);
    if value.is_int32()
        && let Ok(number) = u32::try_from(value.int32_value(scope)?)
    {
        return Some(number);
    }
    let env = Env::of(scope)?;
    let validators = env.require(scope, "internal/validators")?;
    let validate: v8::Local<v8::Function> = get(scope, validators, "validateInt32")?.try_cast().ok()?;
    let receiver = v8::undefined(scope).into();
    let (name, least) = (string(scope, "fd").into(), v8::Integer::new(scope, 0).into());
    validate.call(scope, receiver, &[value, name, least])?;
    // It finds nothing wrong with -0.
    Some(0)
}

/// A number that is not below 0, 0 for what is none.
pub(in crate::bindings) fn unsigned(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> u64 {
    let number = args.get(index).integer_value(scope).unwrap_or(0);
    u64::try_from(number).unwrap_or(0)
}

/// An index or a length.
pub(in crate::bindings) fn size(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> usize {
    usize::try_from(unsigned(scope, args, index)).unwrap_or(usize::MAX)
}

/// Permission bits.
pub(in crate::bindings) fn mode(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> u32 {
    args.get(index).uint32_value(scope).unwrap_or(0) & 0o7777
}

/// What is to be asked or done, as three bits. `None` with the library's error pending for anything else but nothing.
pub(in crate::bindings) fn bits(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<u32> {
    const MOST: i32 = 7;
    let value = args.get(index);
    if value.is_null_or_undefined() {
        return Some(0);
    }
    let env = Env::of(scope)?;
    let validators = env.require(scope, "internal/validators")?;
    let validate: v8::Local<v8::Function> = get(scope, validators, "validateInteger")?.try_cast().ok()?;
    let receiver = v8::undefined(scope).into();
    let (least, most) = (v8::Integer::new(scope, 0).into(), v8::Integer::new(scope, MOST).into());
    let name = string(scope, "mode").into();
    validate.call(scope, receiver, &[value, name, least, most])?;
    value.uint32_value(scope)
}

/// Where in a file: none is the present offset.
pub(in crate::bindings) fn position(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> Option<u64> {
    let value = args.get(index);
    if let Ok(number) = value.try_cast::<v8::BigInt>() {
        let (number, _) = number.i64_value();
        return u64::try_from(number).ok();
    }
    if !value.is_number() {
        return None;
    }
    u64::try_from(value.integer_value(scope)?).ok()
}

/// How a file is opened.
pub(in crate::bindings) fn flags(scope: &mut Scope<'_, '_>, args: &Args<'_>, index: i32) -> OpenFlags {
    open_flags(args.get(index).int32_value(scope).unwrap_or(0))
}

/// Flags of open(2) as Linux on x86-64 numbers them, which the library has from Node's binary.
fn open_flags(number: i32) -> OpenFlags {
    const MEANINGS: [(i32, OpenFlags); 7] = [
        (0o100, OpenFlags::CREATE),
        (0o200, OpenFlags::EXCLUSIVE),
        (0o1000, OpenFlags::TRUNCATE),
        (0o2000, OpenFlags::APPEND),
        (0o4000, OpenFlags::NONBLOCK),
        (0o200_000, OpenFlags::DIRECTORY),
        (0o400_000, OpenFlags::NO_FOLLOW),
    ];
    let mut flags = match number & 3 {
        0 => OpenFlags::READ,
        1 => OpenFlags::WRITE,
        _ => OpenFlags::READ | OpenFlags::WRITE,
    };
    for (bit, flag) in MEANINGS {
        flags.set(flag, number & bit != 0);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_mean_what_they_do_on_linux() {
        assert_eq!(open_flags(0), OpenFlags::READ);
        assert_eq!(
            open_flags(0o1 | 0o100 | 0o1000),
            OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE
        );
        assert_eq!(
            open_flags(0o2 | 0o100 | 0o2000),
            OpenFlags::READ | OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::APPEND
        );
    }
}
