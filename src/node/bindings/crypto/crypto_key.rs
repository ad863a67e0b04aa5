//! `KeyObject` and `CryptoKey`: classes of the library that extend ones from here, so that it can tell its objects from
//! anything a program makes to look like them.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, string};

use super::super::messaging::{self, Native, Transferable};
use super::keys::{self, KeyData};
use super::values;
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "createNativeKeyObjectClass" => create_native_key_object_class,
    "getKeyObjectSlots" => get_key_object_slots,
    "isKeyObject" => is_key_object,
    "createCryptoKeyClass" => create_crypto_key_class,
    "getCryptoKeySlots" => get_crypto_key_slots,
    "isCryptoKey" => is_crypto_key,
};

/// The native half of a `KeyObject`.
struct KeyObject {
    data: Rc<KeyData>,
}

/// A `KeyObject` on its way to another thread.
struct SentKey(KeyData);

impl Native for SentKey {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        // It makes the classes, where nobody has asked for them before.
        env.require(scope, "internal/crypto/keys")?;
        let kind = usize::try_from(self.0.kind()).ok()?;
        let class = env.state::<Classes>().key_objects.borrow().get(kind).cloned()?;
        let class = v8::Local::new(scope, &class);
        let handle = keys::wrap(scope, env, Rc::new(self.0))?;
        class.new_instance(scope, &[handle])
    }
}

impl Transferable for KeyObject {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        Some(Box::new(SentKey(KeyData::clone(&self.data))))
    }
}

/// The native half of a `CryptoKey`.
struct CryptoKey;

/// The library's constructors.
#[derive(Default)]
struct Classes {
    /// Those of `KeyObject`s, by the kind of key.
    key_objects: RefCell<Vec<v8::Global<v8::Function>>>,
    crypto_key: RefCell<Option<v8::Global<v8::Function>>>,
}

/// The property in which an object keeps what it was made with; no program can name it.
fn slots_key<'s>(scope: &mut Scope<'s, '_>) -> v8::Local<'s, v8::Private> {
    let name = string(scope, "cordon.crypto.slots");
    v8::Private::for_api(scope, Some(name))
}

fn keep(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
    slots: &[v8::Local<'_, v8::Value>],
) -> Option<()> {
    let key = slots_key(scope);
    let slots = v8::Array::new_with_elements(scope, slots);
    object.set_private(scope, key, slots.into())?;
    forbid_clones(scope, env, object)
}

/// Has messages refuse an object, since a copy would be an empty one.
pub(super) fn forbid_clones(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
) -> Option<()> {
    let mode = crate::bindings::util::private_symbol(scope, env, "transfer_mode_private_symbol")?;
    let none = v8::Integer::new(scope, 0).into();
    object.set_private(scope, mode, none).map(drop)
}

/// What an object was made with, as an array that is the caller's own.
fn kept<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
) -> Option<v8::Local<'s, v8::Value>> {
    let key = slots_key(scope);
    let slots: v8::Local<v8::Array> = object.get_private(scope, key)?.try_cast().ok()?;
    let mut copy = Vec::new();
    for index in 0..slots.length() {
        copy.push(slots.get_index(scope, index)?);
    }
    Some(v8::Array::new_with_elements(scope, &copy).into())
}

fn has<T: 'static>(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> bool {
    let (Some(env), Ok(object)) = (Env::of(scope), value.try_cast::<v8::Object>()) else { return false };
    !value.is_array_buffer_view() && handle::of::<T>(scope, &env, object).is_some()
}

/// Calls the library with a class, and gives back what it makes of it.
fn with_class<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    name: &str,
    constructor: v8::FunctionCallback,
) -> Option<v8::Local<'s, v8::Value>> {
    let callback: v8::Local<v8::Function> = args.get(0).try_cast().ok()?;
    let class = Class::new(scope, name, constructor)?;
    let class = class.template.get_function(scope)?;
    let receiver = v8::undefined(scope).into();
    callback.call(scope, receiver, &[class.into()])
}

fn create_native_key_object_class<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_key_object);
    let Some(classes) = with_class(scope, &args, "NativeKeyObject", constructor) else { return };
    result.set(classes);
    let (Some(env), Ok(classes)) = (Env::of(scope), classes.try_cast::<v8::Array>()) else { return };
    messaging::register::<KeyObject>(&env);
    let mut kinds = Vec::new();
    // The first is what they have in common.
    for index in 1..=3 {
        let Some(class) = classes.get_index(scope, index) else { return };
        let Ok(class) = class.try_cast::<v8::Function>() else { return };
        kinds.push(v8::Global::new(scope, class));
    }
    *env.state::<Classes>().key_objects.borrow_mut() = kinds;
}

/// (handle)
fn construct_key_object(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(key) = keys::of(scope, &env, args.get(0)) else {
        return isolate::library::throw_type(scope, "A key object needs a handle");
    };
    let kind = v8::Integer::new_from_unsigned(scope, key.kind()).into();
    let half = KeyObject { data: key };
    if values::attach(scope, &env, args.this(), Rc::new(half)).is_some() {
        let _ = keep(scope, &env, args.this(), &[kind, args.get(0)]);
    }
}

/// (key) -> [type, handle]
fn get_key_object_slots<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if !has::<KeyObject>(scope, args.get(0)) {
        return throw_invalid_this(scope, "KeyObject");
    }
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    if let Some(slots) = kept(scope, object) {
        result.set(slots);
    }
}

fn throw_invalid_this(scope: &mut Scope<'_, '_>, class: &str) {
    let message = format!("Value of \"this\" must be of type {class}");
    crate::coded_error::throw(scope, crate::coded_error::Kind::Type, &message, "ERR_INVALID_THIS");
}

fn is_key_object(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(has::<KeyObject>(scope, args.get(0)));
}

fn create_crypto_key_class<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_crypto_key);
    let Some(classes) = with_class(scope, &args, "NativeCryptoKey", constructor) else { return };
    result.set(classes);
    let (Some(env), Ok(classes)) = (Env::of(scope), classes.try_cast::<v8::Array>()) else { return };
    if let Some(class) = classes.get_index(scope, 1)
        && let Ok(class) = class.try_cast::<v8::Function>()
    {
        *env.state::<Classes>().crypto_key.borrow_mut() = Some(v8::Global::new(scope, class));
    }
}

/// (handle, algorithm, usages, extractable, second handle, seed)
fn construct_crypto_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(key) = keys::of(scope, &env, args.get(0)) else {
        return isolate::library::throw_type(scope, "A key needs a handle");
    };
    let kind = v8::Integer::new_from_unsigned(scope, key.kind()).into();
    let slots = [kind, args.get(3), args.get(1), args.get(2), args.get(0), args.get(4), args.get(5)];
    if values::attach(scope, &env, args.this(), Rc::new(CryptoKey)).is_some() {
        let _ = keep(scope, &env, args.this(), &slots);
    }
}

/// (key) -> [type, extractable, algorithm, usages, handle, second handle, seed]
fn get_crypto_key_slots<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    if !has::<CryptoKey>(scope, args.get(0)) {
        return throw_invalid_this(scope, "CryptoKey");
    }
    let Ok(object) = args.get(0).try_cast::<v8::Object>() else { return };
    if let Some(slots) = kept(scope, object) {
        result.set(slots);
    }
}

fn is_crypto_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(has::<CryptoKey>(scope, args.get(0)));
}

/// Makes a `CryptoKey`.
pub(super) fn create<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    data: Rc<KeyData>,
    algorithm: v8::Local<'s, v8::Value>,
    usages: v8::Local<'s, v8::Value>,
    extractable: bool,
) -> Option<v8::Local<'s, v8::Value>> {
    let class = env.state::<Classes>().crypto_key.borrow().clone();
    let Some(class) = class else {
        isolate::library::throw_type(scope, "There is no class of keys");
        return None;
    };
    let class = v8::Local::new(scope, &class);
    let handle = keys::wrap(scope, env, data)?;
    let extractable = v8::Boolean::new(scope, extractable).into();
    let key = class.new_instance(scope, &[handle, algorithm, usages, extractable])?;
    Some(key.into())
}
